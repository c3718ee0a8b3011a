//! What a decision about one group has at hand, and where its outcome goes.

use super::cluster_view::Cluster;
use super::config::GroupConfig;
use super::records::GroupRecord;
use super::requests::{GroupAnswer, join_refused, sync_refused};
use crate::machine::coordinator::{Output, Token};
use crate::rng::Rng;
use crate::types::Now;
use crate::wire::ErrorCode;
use crate::wire::group_metadata_key::GroupMetadataKey;
use crate::wire::group_metadata_value::GroupMetadataValue;

pub(super) type GroupOutput = Output<GroupRecord, GroupAnswer>;

/// A request that is answered later.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waiter {
    pub token: Token,
    pub version: i16,
}

pub(super) struct Turn<'a> {
    pub now: Now,
    pub config: &'a GroupConfig,
    pub group_id: &'a str,
    pub rng: &'a mut Rng,
    pub cluster: &'a mut Cluster,
    pub out: &'a mut Vec<GroupOutput>,
    /// The living group is ahead of the log until the record this turn appends is applied.
    pub stores_group: bool,
}

impl Turn<'_> {
    pub fn answer(&mut self, token: Token, answer: GroupAnswer) {
        self.out.push(Output::Answer { token, answer });
    }

    pub fn refuse_join(&mut self, waiter: Option<Waiter>, member_id: &str, error: ErrorCode) {
        if let Some(waiter) = waiter {
            self.answer(waiter.token, GroupAnswer::JoinGroup(join_refused(waiter.version, member_id, error)));
        }
    }

    pub fn refuse_sync(&mut self, waiter: Option<Waiter>, error: ErrorCode) {
        if let Some(waiter) = waiter {
            self.answer(waiter.token, GroupAnswer::SyncGroup(sync_refused(error)));
        }
    }

    /// Writes the group; answers given after this leave only when that is done.
    pub fn store_group(&mut self, value: GroupMetadataValue) {
        let key = GroupMetadataKey { group: self.group_id.into() };
        self.out.push(Output::append(vec![GroupRecord::Group { key, value: Some(value) }]));
        self.stores_group = true;
    }

    /// Writes records of the group as one batch, if there are any; answers given after this leave only when that is done.
    pub fn store(&mut self, records: Vec<GroupRecord>) {
        if !records.is_empty() {
            self.out.push(Output::append(records));
            self.stores_group = true;
        }
    }

    /// A random id as Kafka's own ids look.
    pub fn fresh_uuid(&mut self) -> String {
        self.rng.uuid().to_string()
    }

    /// How long a member of the consumer group may be silent.
    pub fn session_timeout_ms(&self) -> u64 {
        let of_group = self.cluster.group_settings(self.group_id).session_timeout_ms;
        u64::try_from(of_group.unwrap_or(self.config.consumer.session_timeout_ms)).unwrap_or(0)
    }

    /// How often a member of the consumer group shall send heartbeats.
    pub fn heartbeat_interval_ms(&self) -> i32 {
        let of_group = self.cluster.group_settings(self.group_id).heartbeat_interval_ms;
        of_group.unwrap_or(self.config.consumer.heartbeat_interval_ms)
    }

    /// How long at least from one target of the consumer group to the next.
    pub fn assignment_interval_ms(&self) -> i64 {
        let of_group = self.cluster.group_settings(self.group_id).assignment_interval_ms;
        i64::from(of_group.unwrap_or(self.config.consumer.assignment_interval_ms))
    }

    /// How long a member of the share group may be silent.
    pub fn share_session_timeout_ms(&self) -> u64 {
        let of_group = self.cluster.group_settings(self.group_id).share.session_timeout_ms;
        u64::try_from(of_group.unwrap_or(self.config.share.session_timeout_ms)).unwrap_or(0)
    }

    /// How often a member of the share group shall send heartbeats.
    pub fn share_heartbeat_interval_ms(&self) -> i32 {
        let of_group = self.cluster.group_settings(self.group_id).share.heartbeat_interval_ms;
        of_group.unwrap_or(self.config.share.heartbeat_interval_ms)
    }

    /// How long at least from one target of the share group to the next.
    pub fn share_assignment_interval_ms(&self) -> i64 {
        let of_group = self.cluster.group_settings(self.group_id).share.assignment_interval_ms;
        i64::from(of_group.unwrap_or(self.config.share.assignment_interval_ms))
    }

    /// An id no member had before: `<prefix>-<random uuid>`, the uuid in the form Java prints.
    pub fn fresh_member_id(&mut self, prefix: &str) -> String {
        let id = self.rng.uuid();
        let hex: String = id.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{prefix}-{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}
