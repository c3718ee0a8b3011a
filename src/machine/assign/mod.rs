//! Client-side partition assignment of classic groups: what the group's leader computes between JoinGroup and SyncGroup.
//!
//! Each assignor gives exactly what the Java client's assignor of the same name gives for the same members, also where that hangs on
//! Java's hash order ([`java_order`]): in a group of mixed clients the leader may change, and a leader that computes something else
//! would move partitions for nothing.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::types::TopicPartition;

pub mod consumer_protocol;
mod cooperative_sticky;
pub(in crate::machine) mod java_order;
mod range;
mod roundrobin;
mod sticky;
mod sticky_constrained;
mod sticky_general;

/// The generation of a member that has none.
pub const NO_GENERATION: i32 = -1;

/// What a member tells the leader when it joins (ConsumerProtocolSubscription).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscription {
    pub topics: Vec<String>,
    /// Bytes that belong to the assignor; `sticky` and `cooperative-sticky` keep what the member held in them.
    pub user_data: Option<Bytes>,
    /// What the member holds now (version 1 and later).
    pub owned_partitions: Vec<TopicPartition>,
    /// The generation in which it got that, or [`NO_GENERATION`] (version 2 and later).
    pub generation: i32,
    /// The rack of the member (version 3 and later); never empty.
    pub rack: Option<String>,
}

/// One member of the group as the leader sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    pub id: String,
    pub instance_id: Option<String>,
    pub subscription: Subscription,
}

/// One topic's partitions, 0 to n - 1, each with the racks of its replicas as far as they are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    pub racks: Vec<Vec<String>>,
}

impl TopicPartitions {
    /// `count` partitions whose racks are not known.
    pub fn without_racks(count: usize) -> Self {
        TopicPartitions { racks: vec![Vec::new(); count] }
    }

    pub fn len(&self) -> usize {
        self.racks.len()
    }

    pub fn is_empty(&self) -> bool {
        self.racks.is_empty()
    }
}

/// The topics that some member subscribes to and that exist. Topics without partitions and topics no one asked for are passed over.
pub type Topics = BTreeMap<String, TopicPartitions>;

/// Member id to its partitions. Every member has an entry.
pub type Assignments = BTreeMap<String, Vec<TopicPartition>>;

/// Whether a member gives up everything before it rejoins, or only what it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RebalanceProtocol {
    Eager,
    Cooperative,
}

/// The assignors that Kafka's consumers know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    Range,
    RoundRobin,
    Sticky,
    CooperativeSticky,
}

impl Assignor {
    pub const ALL: [Assignor; 4] = [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky, Assignor::CooperativeSticky];

    /// The protocol name that goes into JoinGroup.
    pub fn name(self) -> &'static str {
        match self {
            Assignor::Range => "range",
            Assignor::RoundRobin => "roundrobin",
            Assignor::Sticky => "sticky",
            Assignor::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// The assignor of that protocol name.
    pub fn from_name(name: &str) -> Option<Assignor> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }

    /// The assignor of a Java class name as it stands in `partition.assignment.strategy`.
    pub fn from_class_name(class: &str) -> Option<Assignor> {
        match class.strip_prefix("org.apache.kafka.clients.consumer.").unwrap_or(class) {
            "RangeAssignor" => Some(Assignor::Range),
            "RoundRobinAssignor" => Some(Assignor::RoundRobin),
            "StickyAssignor" => Some(Assignor::Sticky),
            "CooperativeStickyAssignor" => Some(Assignor::CooperativeSticky),
            _ => None,
        }
    }

    /// The best protocol it works with; a consumer uses the best that all its configured assignors share.
    pub fn rebalance_protocol(self) -> RebalanceProtocol {
        match self {
            Assignor::CooperativeSticky => RebalanceProtocol::Cooperative,
            _ => RebalanceProtocol::Eager,
        }
    }

    /// The user data of the member's subscription: `held` is its last assignment (`None` before the first), `generation` that one's generation.
    pub fn user_data(self, held: Option<&[TopicPartition]>, generation: i32) -> Option<Bytes> {
        match self {
            Assignor::Range | Assignor::RoundRobin => None,
            Assignor::Sticky => held.map(|partitions| consumer_protocol::encode_sticky_user_data(partitions, generation)),
            Assignor::CooperativeSticky => Some(consumer_protocol::encode_cooperative_user_data(generation)),
        }
    }

    /// Distributes the partitions of `topics` over `members`. `members` stand in the order of the JoinGroup reply.
    pub fn assign(self, topics: &Topics, members: &[Member]) -> Assignments {
        let topics = subscribed(topics, members);
        match self {
            Assignor::Range => range::assign(&topics, members),
            Assignor::RoundRobin => roundrobin::assign(&topics, members),
            Assignor::Sticky => sticky::assign(&topics, members, sticky::Flavour::Eager).assignments,
            Assignor::CooperativeSticky => cooperative_sticky::assign(&topics, members),
        }
    }
}

/// `topics` without those that have no partition or no subscriber.
fn subscribed<'a>(topics: &'a Topics, members: &[Member]) -> BTreeMap<&'a str, &'a TopicPartitions> {
    let wanted: std::collections::BTreeSet<&str> = members.iter().flat_map(|m| m.subscription.topics.iter()).map(String::as_str).collect();
    topics.iter().filter(|(name, t)| !t.is_empty() && wanted.contains(name.as_str())).map(|(name, t)| (name.as_str(), t)).collect()
}

/// Members in the order Kafka's range and round robin assignors serve them: static members by instance id, then the others by member id.
fn in_serving_order(members: &[Member]) -> Vec<&Member> {
    let mut sorted: Vec<&Member> = members.iter().collect();
    sorted.sort_by(|a, b| match (&a.instance_id, &b.instance_id) {
        (Some(x), Some(y)) => x.cmp(y),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.id.cmp(&b.id),
    });
    sorted
}

/// An entry for every member, still empty.
fn empty_assignments(members: &[Member]) -> Assignments {
    members.iter().map(|m| (m.id.clone(), Vec::new())).collect()
}

/// Racks count only if members and replicas share some, and not every partition is on every rack.
fn racks_matter<'a>(member_racks: &std::collections::BTreeSet<&str>, partition_racks: impl Iterator<Item = &'a [String]> + Clone) -> bool {
    let all: std::collections::BTreeSet<&str> = partition_racks.clone().flatten().map(String::as_str).collect();
    if member_racks.is_disjoint(&all) {
        return false;
    }
    !partition_racks.into_iter().all(|racks| all.iter().all(|rack| racks.iter().any(|r| r == rack)))
}
