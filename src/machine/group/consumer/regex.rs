//! Subscriptions by regular expression: resolved by the coordinator, for all members together (fact K10).

use super::living::Living;
use super::records::Records;
use super::subscription::{RegexChange, next_epoch};
use super::{ConsumerGroup, Member, Refusal, ResolvedRegex};
use crate::machine::group::turn::Turn;
use crate::wire::ErrorCode;

/// Not more often than this, however many members come with new expressions.
const MIN_INTERVAL_MS: i64 = 10_000;

/// Takes note of the expression the member subscribes to now, and sees to it that expressions are resolved when it is time.
pub fn update(
    group: &ConsumerGroup,
    living: &mut Living,
    turn: &Turn,
    member: &Member,
    updated: &Member,
    records: &mut Records,
) -> Result<RegexChange, Refusal> {
    let (old, new) = (member.profile.regex(), updated.profile.regex());
    let mut change = RegexChange::None;
    let mut is_new = false;
    if old != new {
        change = RegexChange::Changed;
        if let Some(old) = old.filter(|regex| group.regex_subscribers(regex) == 1) {
            records.no_regex(old);
        }
        match new {
            Some(regex) if group.regex_subscribers(regex) == 0 => {
                turn.cluster.check_regex(regex).map_err(|wrong| invalid(regex, &wrong))?;
                is_new = true;
            }
            Some(regex) if !group.regexes.contains_key(regex) => {}
            _ => change = RegexChange::Resolved,
        }
    }
    if (is_new || !group.index.regexes.is_empty()) && is_time(group, living, turn, old, new, is_new) {
        living.resolve_regexes(turn.now.mono);
    }
    Ok(change)
}

fn invalid(regex: &str, wrong: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRegularExpression, format!("SubscribedTopicRegex `{regex}` is not a valid regular expression: {wrong}."))
}

fn is_time(group: &ConsumerGroup, living: &Living, turn: &Turn, old: Option<&str>, new: Option<&str>, is_new: bool) -> bool {
    let now = turn.now.wall.0;
    let last = group.regexes.values().next();
    // A clock that was set back must not stop it for long.
    let too_soon = last.is_some_and(|r| (r.timestamp..=r.timestamp.saturating_add(MIN_INTERVAL_MS)).contains(&now));
    if living.resolves_regexes() || too_soon {
        return false;
    }
    let mut subscribed = group.index.regexes.len();
    if old != new {
        subscribed += usize::from(new.is_some_and(|regex| group.regex_subscribers(regex) == 0));
        subscribed -= usize::from(old.is_some_and(|regex| group.regex_subscribers(regex) == 1));
    }
    let (timestamp, version) = last.map_or((i64::MIN, 0), |r| (r.timestamp, r.version));
    let old_age = now > timestamp.saturating_add(turn.config.consumer.regex_refresh_interval_ms);
    subscribed > 0 && (is_new || subscribed != group.regexes.len() || version < turn.cluster.newest_topics() || old_age)
}

impl ConsumerGroup {
    /// Resolves all regular expressions that members subscribe to. If other topics match than before, the group has something to do.
    pub fn resolve_regexes(&self, living: &mut Living, turn: &mut Turn, records: &mut Records) {
        let (version, timestamp) = (turn.cluster.version(), turn.now.wall.0);
        let mut bump = false;
        // What remains of the topics: those named by members come first.
        let mut topics: std::collections::BTreeSet<String> = self.members.values().flat_map(|m| &m.profile.topic_names).cloned().collect();
        for regex in self.index.regexes.keys() {
            let resolved = ResolvedRegex { topics: turn.cluster.topics_matching(regex), version, timestamp };
            bump |= self.regexes.get(regex).map_or(!resolved.topics.is_empty(), |before| before.topics != resolved.topics);
            records.regex(regex, &resolved);
            topics.extend(resolved.topics);
        }
        let hash = turn.cluster.hash(topics.iter().map(String::as_str));
        if bump || hash != self.metadata_hash {
            let epoch = next_epoch(self);
            records.epoch(epoch, hash);
            living.metadata_is_of(epoch);
        }
    }
}
