//! What a change of a member's subscription, or of the topics, means for the group (facts K5, K10).

use super::living::Living;
use super::records::Records;
use super::rollcall::Rollcall;
use super::{ConsumerGroup, Member};
use crate::machine::group::turn::Turn;

/// What became of a member's regular expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegexChange {
    None,
    /// It has another one, whose topics are not known yet.
    Changed,
    /// It has another one whose topics are known, or none any more.
    Resolved,
}

impl RegexChange {
    pub fn is_change(self) -> bool {
        self != RegexChange::None
    }
}

/// Writes the member's profile if that changed; returns whether it names other topics now.
pub fn write_profile(member: &Member, updated: &Member, records: &mut Records) -> bool {
    if member.profile == updated.profile {
        return false;
    }
    records.profile(updated);
    member.profile.topic_names != updated.profile.topic_names
}

/// The group epoch as of the present decision: one more if `bump`, or if the topics are not those of the last epoch.
pub fn group_epoch(roll: &Rollcall, living: &mut Living, turn: &mut Turn, bump: bool, records: &mut Records) -> i32 {
    let group = roll.group;
    if !bump && !living.metadata_is_old(group.epoch) {
        return group.epoch;
    }
    let hash = turn.cluster.hash(roll.topics().into_iter());
    let mut epoch = group.epoch;
    if bump || hash != group.metadata_hash {
        epoch = next_epoch(group);
        records.epoch(epoch, hash);
    }
    living.metadata_is_of(epoch);
    if group.has_topics_record {
        records.no_topics();
    }
    epoch
}

pub fn next_epoch(group: &ConsumerGroup) -> i32 {
    group.epoch.saturating_add(1)
}
