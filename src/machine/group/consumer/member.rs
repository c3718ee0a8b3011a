//! A member of a consumer group, as the records of the log have it.

use std::collections::{BTreeMap, BTreeSet};

use crate::machine::coordinator::Context;
use crate::types::TopicId;
use crate::wire::consumer_group_current_member_assignment_value::{
    ConsumerGroupCurrentMemberAssignmentValue, TopicPartitions as OwnedPartitions,
};
use crate::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use crate::wire::consumer_group_member_metadata_value::{ClassicMemberMetadata, ClassicProtocol, ConsumerGroupMemberMetadataValue};
use crate::wire::consumer_group_target_assignment_member_value::{ConsumerGroupTargetAssignmentMemberValue, TopicPartition};

/// The epoch of a static member that left for a while.
pub const AWAY: i32 = -2;
/// The epoch with which a member leaves for good, and the one of a member that has been taken out.
pub const GONE: i32 = -1;

/// A heartbeat with this epoch says good-bye.
pub fn leaves(epoch: i32) -> bool {
    epoch == AWAY || epoch == GONE
}

/// Partitions by topic.
pub type Partitions = BTreeMap<TopicId, BTreeSet<i32>>;

/// Partitions by topic, each with the epoch in which the member was given it.
pub type Owned = BTreeMap<TopicId, BTreeMap<i32, i32>>;

/// Where a member stands on its way to its target (K7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has all it should have as of its epoch.
    Stable,
    /// It has to give up partitions before it gets to the next epoch.
    UnrevokedPartitions,
    /// It waits for partitions that others have not given up.
    UnreleasedPartitions,
    /// Written by a broker that knows more.
    Unknown,
}

impl State {
    fn from_code(code: i8) -> Self {
        match code {
            0 => State::Stable,
            1 => State::UnrevokedPartitions,
            2 => State::UnreleasedPartitions,
            _ => State::Unknown,
        }
    }

    fn code(self) -> i8 {
        match self {
            State::Stable => 0,
            State::UnrevokedPartitions => 1,
            State::UnreleasedPartitions => 2,
            State::Unknown => 127,
        }
    }
}

/// What a member says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub topic_names: BTreeSet<String>,
    /// As it stands in the log: none is null or the empty string.
    pub regex: Option<String>,
    pub rebalance_timeout_ms: i32,
    pub server_assignor: Option<String>,
    /// It speaks the classic protocol.
    pub classic: Option<ClassicMemberMetadata>,
}

impl Default for Profile {
    fn default() -> Self {
        Profile {
            instance_id: None,
            rack_id: None,
            client_id: String::new(),
            client_host: String::new(),
            topic_names: BTreeSet::new(),
            regex: Some(String::new()),
            rebalance_timeout_ms: -1,
            server_assignor: None,
            classic: None,
        }
    }
}

impl Profile {
    /// The regular expression it subscribes to.
    pub fn regex(&self) -> Option<&str> {
        self.regex.as_deref().filter(|regex| !regex.is_empty())
    }

    /// Takes over what a heartbeat says; what it does not say stays.
    pub fn update(&mut self, context: &Context, request: &ConsumerGroupHeartbeatRequest) {
        fn set<T: Clone>(field: &mut Option<T>, value: &Option<T>) {
            if value.is_some() {
                field.clone_from(value);
            }
        }
        set(&mut self.instance_id, &request.instance_id);
        set(&mut self.rack_id, &request.rack_id);
        set(&mut self.server_assignor, &request.server_assignor);
        set(&mut self.regex, &request.subscribed_topic_regex);
        if request.rebalance_timeout_ms != -1 {
            self.rebalance_timeout_ms = request.rebalance_timeout_ms;
        }
        if let Some(names) = &request.subscribed_topic_names {
            self.topic_names = names.iter().cloned().collect();
        }
        self.client_id.clone_from(&context.client_id);
        self.client_host.clone_from(&context.client_host);
        self.classic = None;
    }

    fn from_value(value: ConsumerGroupMemberMetadataValue) -> Self {
        Profile {
            instance_id: value.instance_id,
            rack_id: value.rack_id,
            client_id: value.client_id,
            client_host: value.client_host,
            topic_names: value.subscribed_topic_names.into_iter().collect(),
            regex: value.subscribed_topic_regex,
            rebalance_timeout_ms: value.rebalance_timeout_ms,
            server_assignor: value.server_assignor,
            classic: value.classic_member_metadata,
        }
    }

    pub fn to_value(&self) -> ConsumerGroupMemberMetadataValue {
        ConsumerGroupMemberMetadataValue {
            instance_id: self.instance_id.clone(),
            rack_id: self.rack_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            subscribed_topic_names: self.topic_names.iter().cloned().collect(),
            subscribed_topic_regex: self.regex.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            server_assignor: self.server_assignor.clone(),
            classic_member_metadata: self.classic.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub id: String,
    pub profile: Profile,
    /// 0 before its first assignment, [`AWAY`] for a static member that left for a while.
    pub epoch: i32,
    /// The epoch before: a member that did not get the last reply still has it.
    pub previous_epoch: i32,
    pub state: State,
    pub assigned: Owned,
    /// What it has to give up, and has not said that it did.
    pub revoking: Owned,
}

impl Member {
    /// A member no one has heard of.
    pub fn new(id: &str) -> Self {
        Member {
            id: id.to_string(),
            profile: Profile::default(),
            epoch: 0,
            previous_epoch: -1,
            state: State::Stable,
            assigned: Owned::new(),
            revoking: Owned::new(),
        }
    }

    pub fn is_classic(&self) -> bool {
        self.profile.classic.is_some()
    }

    /// It has what the target of this epoch says (K5).
    pub fn has_reached(&self, target_epoch: i32) -> bool {
        self.state == State::Stable && self.epoch == target_epoch
    }

    /// The protocols of a member that speaks the classic protocol.
    pub fn classic_protocols(&self) -> &[ClassicProtocol] {
        self.profile.classic.as_ref().map_or(&[], |classic| &classic.supported_protocols)
    }

    /// Everything it holds or may still hold, with the epoch in which it was given it.
    pub fn held(&self) -> impl Iterator<Item = (TopicId, i32, i32)> {
        let each = |(topic, partitions): (&TopicId, &BTreeMap<i32, i32>)| {
            let topic = *topic;
            partitions.iter().map(move |(partition, epoch)| (topic, *partition, *epoch)).collect::<Vec<_>>()
        };
        self.assigned.iter().chain(&self.revoking).flat_map(each)
    }

    /// The epoch in which it was given a partition that it holds.
    pub fn assignment_epoch(&self, topic: TopicId, partition: i32) -> Option<i32> {
        let of = |owned: &Owned| owned.get(&topic)?.get(&partition).copied();
        of(&self.assigned).or_else(|| of(&self.revoking))
    }

    /// Moves on to an epoch, and remembers the one it had.
    pub fn enter(mut self, epoch: i32, state: State, assigned: Owned, revoking: Owned) -> Self {
        self.previous_epoch = std::mem::replace(&mut self.epoch, epoch);
        Member { state, assigned, revoking, ..self }
    }

    pub fn set_profile(&mut self, value: ConsumerGroupMemberMetadataValue) {
        self.profile = Profile::from_value(value);
    }

    /// `None`: it has been taken out, and its profile will follow.
    pub fn set_current(&mut self, value: Option<ConsumerGroupCurrentMemberAssignmentValue>) {
        let Some(value) = value else {
            (self.epoch, self.previous_epoch) = (GONE, GONE);
            self.assigned.clear();
            self.revoking.clear();
            return;
        };
        self.epoch = value.member_epoch;
        self.previous_epoch = value.previous_member_epoch;
        self.state = State::from_code(value.state);
        self.assigned = owned_from(value.assigned_partitions, value.member_epoch);
        self.revoking = owned_from(value.partitions_pending_revocation, value.member_epoch);
    }

    pub fn current_value(&self) -> ConsumerGroupCurrentMemberAssignmentValue {
        ConsumerGroupCurrentMemberAssignmentValue {
            member_epoch: self.epoch,
            previous_member_epoch: self.previous_epoch,
            state: self.state.code(),
            assigned_partitions: owned_to(&self.assigned),
            partitions_pending_revocation: owned_to(&self.revoking),
        }
    }
}

/// Brokers before 4.3 wrote no epochs: then the member's own is as good as any.
fn owned_from(topics: Vec<OwnedPartitions>, member_epoch: i32) -> Owned {
    let each = |topic: OwnedPartitions| {
        let epochs = topic.assignment_epochs.filter(|epochs| epochs.len() == topic.partitions.len());
        let epochs = epochs.unwrap_or_else(|| vec![member_epoch.max(0); topic.partitions.len()]);
        (topic.topic_id, topic.partitions.into_iter().zip(epochs).collect())
    };
    topics.into_iter().map(each).collect()
}

fn owned_to(owned: &Owned) -> Vec<OwnedPartitions> {
    let each = |(topic, partitions): (&TopicId, &BTreeMap<i32, i32>)| OwnedPartitions {
        topic_id: *topic,
        partitions: partitions.keys().copied().collect(),
        assignment_epochs: Some(partitions.values().copied().collect()),
    };
    owned.iter().map(each).collect()
}

pub fn target_from(value: ConsumerGroupTargetAssignmentMemberValue) -> Partitions {
    value.topic_partitions.into_iter().map(|t| (t.topic_id, t.partitions.into_iter().collect())).collect()
}

pub fn target_to(partitions: &Partitions) -> ConsumerGroupTargetAssignmentMemberValue {
    let each = |(topic, partitions): (&TopicId, &BTreeSet<i32>)| TopicPartition {
        topic_id: *topic,
        partitions: partitions.iter().copied().collect(),
    };
    ConsumerGroupTargetAssignmentMemberValue { topic_partitions: partitions.iter().map(each).collect() }
}
