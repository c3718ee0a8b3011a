//! The controller: cluster metadata as a pure machine.
//!
//! [`Command`]s decide: they read the whole state and return records and a response, and change nothing that a restart must
//! find again. [`ClusterState::apply`] is the only place where that state changes, live and when the log is loaded. One
//! command's records are one atomic change (Q7).
//!
//! | file | holds |
//! |---|---|
//! | `record.rs` | the record kinds and their frame |
//! | `state.rs`, `kept.rs` | what the log says |
//! | `apply.rs`, `dump.rs`, `check.rs` | records into state, state into records, invariants |
//! | `topics.rs`, `placement.rs` | create, grow and delete topics; where replicas go |
//! | `configs.rs` | dynamic configuration |
//! | `brokers.rs`, `election.rs` | registration, fencing; leaders and in-sync replicas |
//! | `leaders.rs`, `reassign.rs` | elections that are asked for; where replicas are to be |
//! | `ids.rs`, `features.rs` | producer id blocks; feature levels |
//! | `quotas.rs`, `scram.rs` | limits of clients; credentials of users |

use std::collections::BTreeMap;

use crate::rng::Rng;
use crate::types::{MonoMs, NodeId, Now, Offset};
use crate::wire::ErrorCode;
use crate::wire::create_topics_response::CreatableTopicConfigs;

pub mod apply;
pub mod brokers;
mod check;
pub mod configs;
mod dump;
mod election;
pub mod features;
pub mod ids;
mod kept;
pub mod leaders;
mod placement;
pub mod quotas;
pub mod reassign;
pub mod record;
pub mod scram;
pub mod state;
pub mod topics;

#[cfg(test)]
mod tests;

pub use apply::{ApplyError, Change};
pub use brokers::{BrokerTick, NodeStart};
pub use ids::{AllocateProducerIds, ProducerIdBlock};
pub use kept::QuotaEntity;
pub use quotas::AlterClientQuotas;
pub use record::{MetadataRecord, RecordError};
pub use state::{Broker, ClusterState, ConfigResource, NO_LEADER, Overrides, Partition, ResourceKind, Topic};

/// More records than this in one operation are refused (Q7).
pub const MAX_RECORDS_PER_OPERATION: usize = 10_000;

/// A refusal: a code and, where it adds something, words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    pub code: ErrorCode,
    /// `None`: the code's own words say it all.
    pub message: Option<String>,
}

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ApiError { code, message: Some(message.into()) }
    }

    /// With the code's own words spelled out, where Kafka does so.
    pub fn spelled_out(code: ErrorCode) -> Self {
        ApiError::new(code, code.message())
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        ApiError { code, message: None }
    }
}

/// What the controller must know of settings and may not name itself: filled in by whoever owns the tables.
pub trait ConfigRules {
    /// Checks the whole set of overrides a resource would have (G5). `old` is what it has now.
    fn validate(&self, resource: &ConfigResource, new: &Overrides, old: &Overrides) -> Result<(), ApiError>;
    /// Is the key a list, so that APPEND and SUBTRACT make sense (G2)?
    fn is_list(&self, kind: ResourceKind, key: &str) -> bool;
    /// What APPEND and SUBTRACT start from when the resource has no override of the key.
    fn default_value(&self, kind: ResourceKind, key: &str) -> Option<String>;
    /// The value of a topic setting where nothing dynamic overrides it.
    fn static_topic_value(&self, key: &str) -> Option<String>;
    /// The effective configuration of a topic with these overrides, sorted by name, as CreateTopics returns it (T7).
    fn topic_configs(&self, state: &ClusterState, overrides: &Overrides) -> Vec<CreatableTopicConfigs>;
}

/// What the controller itself is told at its start.
#[derive(Clone, Debug)]
pub struct Options {
    pub node: NodeId,
    pub cluster_id: String,
    /// `num.partitions`
    pub default_partitions: i32,
    /// `default.replication.factor`
    pub default_replication_factor: i16,
    /// `broker.session.timeout.ms`
    pub session_timeout_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { node: 1, cluster_id: String::new(), default_partitions: 1, default_replication_factor: 1, session_timeout_ms: 9000 }
    }
}

/// What comes in from outside with every command.
pub struct Context<'a> {
    pub now: Now,
    /// The offset the first record of this command will get.
    pub next_offset: Offset,
    pub rng: &'a mut Rng,
    pub rules: &'a dyn ConfigRules,
}

/// The outcome of a command: nothing has changed until the records are applied, and the response must wait for that.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<R> {
    /// All of them or none.
    pub records: Vec<MetadataRecord>,
    pub response: R,
}

impl<R> Decision<R> {
    /// An answer that changes nothing.
    pub fn answer(response: R) -> Self {
        Decision { records: Vec::new(), response }
    }
}

/// Something that can be asked of the controller.
pub trait Command {
    type Response;

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<Self::Response>;
}

/// The controller's state: what the log says, and what may be lost.
pub struct Controller {
    pub options: Options,
    state: ClusterState,
    /// When each broker was last heard of; rebuilt from zero after a start.
    sessions: BTreeMap<NodeId, MonoMs>,
}

impl Controller {
    /// A controller over what the log said.
    pub fn new(options: Options, state: ClusterState) -> Self {
        Controller { options, state, sessions: BTreeMap::new() }
    }

    pub fn state(&self) -> &ClusterState {
        &self.state
    }

    /// Takes in one committed record and adds to `changes` what it changed.
    pub fn apply(&mut self, record: &MetadataRecord, offset: Offset, changes: &mut Vec<Change>) -> Result<(), ApplyError> {
        self.state.apply(record, offset, changes)
    }

    /// Goes back to an earlier state: what was applied since could not be kept.
    pub fn reset(&mut self, state: ClusterState) {
        self.state = state;
    }

    /// Every invariant of the state (V7); the first that is broken, in words.
    pub fn check(&self) -> Result<(), String> {
        self.state.check()
    }

    /// The effective value of a topic setting that brokers have under the same name (G1).
    fn topic_value(&self, cx: &Context<'_>, topic: &str, key: &str) -> Option<String> {
        let dynamic = self.state.dynamic_topic_value(topic, self.options.node, key);
        dynamic.map(str::to_string).or_else(|| cx.rules.static_topic_value(key))
    }

    fn min_isr(&self, cx: &Context<'_>, topic: &str) -> usize {
        self.topic_value(cx, topic, "min.insync.replicas").and_then(|v| v.parse().ok()).unwrap_or(1)
    }

    fn unclean_election_allowed(&self, cx: &Context<'_>, topic: &str) -> bool {
        self.topic_value(cx, topic, "unclean.leader.election.enable").is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    fn elr_enabled(&self) -> bool {
        self.state.metadata_version().has_elr() && self.state.feature(features::ELR_VERSION) > 0
    }
}
