//! The members as they will be when the present decision is in the log: all that are, with one changed or new, and one replaced perhaps.

use std::collections::BTreeSet;

use super::assign::ServerAssignor;
use super::{ConsumerGroup, Member};

pub struct Rollcall<'a> {
    pub group: &'a ConsumerGroup,
    pub updated: &'a Member,
    /// The member whose place the updated one takes.
    pub replaces: Option<&'a str>,
}

impl<'a> Rollcall<'a> {
    pub fn members(&self) -> impl Iterator<Item = &'a Member> {
        let (updated, replaces) = (self.updated, self.replaces);
        let stays = move |m: &&Member| m.id != updated.id && replaces != Some(m.id.as_str());
        self.group.members.values().filter(stays).chain([updated])
    }

    /// Every topic that someone subscribes to, by name or by a regular expression that has been resolved.
    pub fn topics(&self) -> BTreeSet<&'a str> {
        let mut topics = BTreeSet::new();
        let mut regexes = BTreeSet::new();
        for member in self.members() {
            topics.extend(member.profile.topic_names.iter().map(String::as_str));
            regexes.extend(member.profile.regex());
        }
        let resolved = regexes.into_iter().filter_map(|regex| self.group.regexes.get(regex));
        topics.extend(resolved.flat_map(|r| &r.topics).map(String::as_str));
        topics
    }

    /// All members subscribe to the same topics. With regular expressions that is only said of members that have the same one and name
    /// no topic besides, as in Kafka: what an assignor makes of a group hangs on it.
    pub fn is_homogeneous(&self) -> bool {
        let first = self.updated.profile.regex();
        let same_regex = self.members().all(|m| m.profile.regex() == first);
        match first {
            Some(_) => same_regex && self.members().all(|m| m.profile.topic_names.is_empty()),
            None => same_regex && self.members().all(|m| m.profile.topic_names == self.updated.profile.topic_names),
        }
    }

    /// The assignor that most members ask for.
    pub fn assignor(&self, default: ServerAssignor) -> ServerAssignor {
        preferred(self.members(), default)
    }
}

/// The assignor that most members ask for; the first of [`ServerAssignor::ALL`] if even, the default if nobody asks.
pub fn preferred<'a>(members: impl Iterator<Item = &'a Member>, default: ServerAssignor) -> ServerAssignor {
    let mut votes = ServerAssignor::ALL.map(|assignor| (assignor, 0));
    for member in members {
        let asked = member.profile.server_assignor.as_deref();
        votes.iter_mut().filter(|(assignor, _)| asked == Some(assignor.name())).for_each(|(_, count)| *count += 1);
    }
    let most = votes.iter().map(|(_, count)| *count).max().unwrap_or(0);
    votes.into_iter().find(|(_, count)| *count == most && most > 0).map_or(default, |(assignor, _)| assignor)
}
