//! Server-side assignors of consumer groups (fact K9).
//!
//! Each gives exactly what Kafka 4.3's assignor of the same name gives, also where that hangs on the order in which Java's hash tables
//! hand out their entries: a group then does not move partitions when its coordinator moves between a broker of ours and one of Kafka's.

mod heterogeneous;
mod loads;
pub(super) mod order;
mod range;
mod uniform;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::member::Partitions;
use crate::types::TopicId;

/// What a member subscribes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscribed {
    /// Topics that exist.
    pub topics: BTreeSet<TopicId>,
    /// The same in the order in which a Java set of their names has them.
    pub by_name: Vec<TopicId>,
    /// The number of topics that were named, whether they exist or not.
    pub names: usize,
}

#[derive(Clone, Debug)]
pub struct MemberSpec {
    pub id: String,
    pub instance_id: Option<String>,
    pub subscribed: Rc<Subscribed>,
    /// Its part of the last target.
    pub held: Partitions,
}

/// A group as an assignor sees it.
#[derive(Clone, Debug)]
pub struct GroupSpec {
    /// Sorted by id.
    pub members: Vec<MemberSpec>,
    /// Every subscribed topic with its number of partitions.
    pub partitions: BTreeMap<TopicId, i32>,
    /// All members subscribe to the same.
    pub homogeneous: bool,
}

impl GroupSpec {
    fn partition_count(&self, topic: TopicId) -> i32 {
        self.partitions.get(&topic).copied().unwrap_or(0)
    }
}

/// Member id to its partitions; a member that gets nothing may have no entry.
pub type Targets = BTreeMap<String, Partitions>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerAssignor {
    /// As many partitions for each as possible, and as few moves.
    Uniform,
    /// The partitions of every topic in ranges, so that topics with equal keys meet at one member.
    Range,
}

impl ServerAssignor {
    pub const ALL: [ServerAssignor; 2] = [ServerAssignor::Uniform, ServerAssignor::Range];

    pub fn name(self) -> &'static str {
        match self {
            ServerAssignor::Uniform => "uniform",
            ServerAssignor::Range => "range",
        }
    }

    /// The assignor of a name, or of the class name that Kafka's configuration may hold.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.strip_prefix("org.apache.kafka.coordinator.group.assignor.").unwrap_or(name) {
            "uniform" | "UniformAssignor" => Some(ServerAssignor::Uniform),
            "range" | "RangeAssignor" => Some(ServerAssignor::Range),
            _ => None,
        }
    }

    pub fn assign(self, group: &GroupSpec) -> Targets {
        match self {
            ServerAssignor::Range => range::assign(group),
            ServerAssignor::Uniform if group.homogeneous => uniform::assign(group),
            ServerAssignor::Uniform => heterogeneous::assign(group),
        }
    }
}
