//! A share group (KIP-932): members among which the records of partitions are shared, not the partitions themselves (facts H1).
//!
//! Epochs are those of a consumer group, but a partition may have several members and nobody has to give anything up first: a member gets
//! its target with its next heartbeat. Only partitions are given out whose state the share coordinator has begun to keep:
//!
//! ```text
//!   subscribed --heartbeat--> initializing --share coordinator wrote it--> initialized --administrator--> deleting --> nothing
//! ```

mod ask;
mod assign;
mod change;
mod heartbeat;
mod records;

use std::collections::{BTreeMap, BTreeSet};

use super::cluster_view::ClusterView;
use super::consumer::Refusal;
use super::consumer::living::Living;
use super::turn::Turn;
use crate::machine::coordinator::Context;
use crate::types::TopicId;
use crate::wire::ErrorCode;
use crate::wire::list_groups_response::ListedGroup;
use crate::wire::share_group_describe_response::{Assignment, DescribedGroup, Member as DescribedMember, TopicPartitions};
use crate::wire::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use crate::wire::share_group_heartbeat_response::ShareGroupHeartbeatResponse;

pub(super) use self::ask::failed;
pub use self::change::{ShareAsk, ShareProgress, ShareReply, ShareTopic};
use self::records::Records;
pub use self::records::ShareGroupRecord;

const FIRST_EPOCH: i32 = 1;
const ASSIGNOR: &str = "simple";
pub(super) const TYPE: &str = "share";
/// With this epoch a member leaves.
const LEAVES: i32 = -1;

/// Partitions by topic.
type Partitions = BTreeMap<TopicId, BTreeSet<i32>>;

#[derive(Clone, Debug, Default, PartialEq)]
struct Member {
    rack_id: Option<String>,
    client_id: String,
    client_host: String,
    topic_names: BTreeSet<String>,
    epoch: i32,
    previous_epoch: i32,
    assigned: Partitions,
}

/// Partitions of a topic whose state is about to be kept, or is kept.
#[derive(Clone, Debug, Default, PartialEq)]
struct Kept {
    name: String,
    partitions: BTreeSet<i32>,
}

/// How far the group is with the state of its partitions.
#[derive(Clone, Debug, Default, PartialEq)]
struct States {
    initializing: BTreeMap<TopicId, Kept>,
    initialized: BTreeMap<TopicId, Kept>,
    deleting: BTreeMap<TopicId, String>,
}

#[derive(Clone, Debug)]
pub(super) struct ShareGroup {
    epoch: i32,
    metadata_hash: i64,
    target_epoch: i32,
    target_timestamp: i64,
    targets: BTreeMap<String, Partitions>,
    members: BTreeMap<String, Member>,
    states: States,
    /// There is a record of `states`.
    has_states: bool,
}

impl ShareGroup {
    pub fn new() -> Self {
        ShareGroup {
            epoch: FIRST_EPOCH,
            metadata_hash: 0,
            target_epoch: FIRST_EPOCH,
            target_timestamp: 0,
            targets: BTreeMap::new(),
            members: BTreeMap::new(),
            states: States::default(),
            has_states: false,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        self.members.values().any(|m| m.topic_names.contains(topic))
    }

    fn state_name(&self) -> &'static str {
        if self.members.is_empty() { "Empty" } else { "Stable" }
    }

    pub fn listed(&self, group_id: &str) -> ListedGroup {
        ListedGroup {
            group_id: group_id.into(),
            protocol_type: TYPE.into(),
            group_state: self.state_name().into(),
            group_type: TYPE.into(),
        }
    }

    pub fn described(&self, group_id: &str, cluster: &dyn ClusterView) -> DescribedGroup {
        let member = |(id, m): (&String, &Member)| DescribedMember {
            member_id: id.clone(),
            rack_id: m.rack_id.clone(),
            member_epoch: m.epoch,
            client_id: m.client_id.clone(),
            client_host: m.client_host.clone(),
            subscribed_topic_names: m.topic_names.iter().cloned().collect(),
            assignment: assignment(&m.assigned, cluster),
        };
        DescribedGroup {
            group_id: group_id.into(),
            group_state: self.state_name().into(),
            group_epoch: self.epoch,
            assignment_epoch: self.target_epoch,
            assignor_name: ASSIGNOR.into(),
            members: self.members.iter().map(member).collect(),
            ..Default::default()
        }
    }

    /// Every invariant of the group.
    pub fn check(&self) -> Result<(), String> {
        let ensure = |ok: bool, what: &str| if ok { Ok(()) } else { Err(what.to_string()) };
        ensure(self.target_epoch <= self.epoch, "the target is not ahead of the group")?;
        ensure(self.members.values().all(|m| m.epoch <= self.target_epoch), "no member is ahead of the target")?;
        ensure(self.targets.keys().all(|id| self.members.contains_key(id)), "who has a target is a member")?;
        let deleted = |id: &TopicId| self.states.deleting.contains_key(id);
        ensure(!self.states.initialized.keys().any(deleted), "what is being deleted is not kept")
    }
}

/// Topics that are gone have no name, and are left out.
fn assignment(partitions: &Partitions, cluster: &dyn ClusterView) -> Assignment {
    let named = partitions.iter().filter_map(|(topic_id, partitions)| {
        let topic_name = cluster.topic_name(*topic_id)?.to_string();
        Some(TopicPartitions { topic_id: *topic_id, topic_name, partitions: partitions.iter().copied().collect() })
    });
    Assignment { topic_partitions: named.collect() }
}

/// Lets a member be heard, and writes what comes of it.
pub(super) fn beat(
    group: &ShareGroup,
    living: &mut Living,
    turn: &mut Turn,
    context: &Context,
    request: &ShareGroupHeartbeatRequest,
) -> Result<(ShareGroupHeartbeatResponse, Option<ShareProgress>), Refusal> {
    let mut records = Records::new(turn.group_id);
    let beat = if request.member_epoch == LEAVES {
        (group.leave(turn, request, &mut records)?, None)
    } else {
        group.heartbeat(living, turn, context, request, &mut records)?
    };
    turn.store(records.into_vec());
    Ok(beat)
}

pub(super) fn time_passed(group: &ShareGroup, living: &mut Living, turn: &mut Turn) {
    let mut records = Records::new(turn.group_id);
    group.time_passed(living, turn, &mut records);
    turn.store(records.into_vec());
}

pub(super) fn not_a_share_group(group: &str) -> Refusal {
    Refusal::new(ErrorCode::GroupIdNotFound, format!("Group {group} is not a share group."))
}

#[cfg(test)]
mod tests;
