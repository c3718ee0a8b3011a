//! The group coordinator of one `__consumer_offsets` partition: groups, their members, their offsets.
//!
//! [`GroupShard`] is the machine, `node::shard` carries out what it decides. A group has one kind: members that agree among themselves
//! (`classic/`) or that the coordinator gives partitions to (`consumer/`),
//! or that share the records of partitions (`share/`); `entry.rs` is where a group may change its kind. Offsets are the
//! same for all kinds (`offsets.rs`).

mod admin;
mod classic;
mod cluster_view;
mod config;
pub mod consumer;
mod entry;
mod offset_requests;
mod offsets;
mod records;
mod requests;
pub mod shapes;
pub mod share;
mod turn;
pub mod txn_offsets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

pub use self::cluster_view::{ClusterView, GroupSettings, ShareSettings, TopicInfo};
pub use self::config::{ConsumerGroupConfig, GroupConfig, MigrationPolicy, ShareGroupConfig};
pub use self::records::{ConsumerRecord, GroupRecord};
pub use self::requests::{GroupAnswer, GroupEvent, GroupRequest};

use self::cluster_view::Cluster;
use self::consumer::{Refusal, validate};
use self::entry::Entry;
use self::requests::{all_left, heartbeat, join_refused, leaving, left, sync_refused};
use self::turn::{GroupOutput, Turn, Waiter};
use super::coordinator::{Context, Coordinator, Input, Marker, Position, Producer, Skipped, Token};
use crate::rng::Rng;
use crate::types::{MonoMs, Now, TopicId};
use crate::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use crate::wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use crate::wire::{EncodeError, ErrorCode};

/// The partition of `__consumer_offsets` that a group belongs to: Java's hash of its id.
pub fn partition_for(group_id: &str, partitions: i32) -> i32 {
    let hash = group_id.encode_utf16().fold(0i32, |h, unit| h.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // As Kafka does it: the one number without a positive counterpart counts as 0.
    hash.checked_abs().unwrap_or(0) % partitions.max(1)
}

/// The coordinator of all groups that one partition of `__consumer_offsets` holds.
pub struct GroupShard {
    config: GroupConfig,
    rng: Rng,
    cluster: Cluster,
    groups: BTreeMap<String, Entry>,
    /// Producer id to the groups with pending offsets of its transaction.
    open_transactions: BTreeMap<i64, BTreeSet<String>>,
    /// When which group wants to be woken; at most one entry a group, not later than its first deadline.
    timers: BTreeSet<(MonoMs, String)>,
    timer_of: BTreeMap<String, MonoMs>,
    /// When offsets are checked for expiry; `None` while the partition is being read.
    next_expiry: Option<MonoMs>,
    /// Groups whose living state waits for the append of the present decision.
    unsaved: Vec<String>,
    /// Deleted topics whose offsets the present decision removes, and those where that failed: they have another turn.
    forgetting: Vec<(String, TopicId)>,
    forget_later: Vec<(String, TopicId)>,
}

impl GroupShard {
    /// A coordinator that has read nothing yet. `rng` makes member ids: seed it freshly for every life of the broker.
    pub fn new(config: GroupConfig, rng: Rng) -> Self {
        GroupShard {
            config,
            rng,
            cluster: Cluster::unknown(),
            groups: BTreeMap::new(),
            open_transactions: BTreeMap::new(),
            timers: BTreeSet::new(),
            timer_of: BTreeMap::new(),
            next_expiry: None,
            unsaved: Vec::new(),
            forgetting: Vec::new(),
            forget_later: Vec::new(),
        }
    }

    /// New settings, for all that happens from now on.
    pub fn configure(&mut self, config: GroupConfig) {
        self.config = config;
    }

    /// A new picture of the cluster; `changed` names the topics that are new, gone, or not what they were. To be told before anything is
    /// asked, also while the partition is being read.
    pub fn set_cluster(&mut self, view: Arc<dyn ClusterView>, changed: &[String]) {
        self.cluster.replace(view, changed);
        self.groups.values_mut().for_each(|entry| entry.topics_changed(changed));
    }

    /// The durable state as records: applied to an empty shard they give the same (up to where records stand in the log).
    pub fn snapshot(&self) -> Vec<GroupRecord> {
        let mut records = Vec::new();
        for (id, entry) in &self.groups {
            records.extend(entry.group_records(id));
            records.extend(entry.offsets.records(id));
        }
        records
    }

    /// Topics that some group has offsets of. After loading, those that no longer exist should come back as [`GroupEvent::TopicsDeleted`].
    pub fn topics_with_offsets(&self) -> BTreeSet<(String, TopicId)> {
        let all = self.groups.values().flat_map(|entry| entry.offsets.partitions());
        all.map(|(topic, _, committed)| (topic.to_string(), committed.topic_id)).collect()
    }

    fn loaded(&self) -> bool {
        self.next_expiry.is_some()
    }

    /// Lets `f` decide about one group, which comes to be if there is none, and keeps timers in step.
    fn with_group<T>(&mut self, now: Now, id: &str, out: &mut Vec<GroupOutput>, f: impl FnOnce(&mut Entry, &mut Turn) -> T) -> T {
        if !self.groups.contains_key(id) {
            self.groups.insert(id.to_string(), Entry::new());
        }
        let Some(entry) = self.groups.get_mut(id) else { unreachable!("inserted above") };
        let (config, rng, cluster) = (&self.config, &mut self.rng, &mut self.cluster);
        let mut turn = Turn { now, config, group_id: id, rng, cluster, out, stores_group: false };
        let result = f(entry, &mut turn);
        if turn.stores_group {
            self.unsaved.push(id.to_string());
        }
        let wake = entry.wake();
        let is_nothing = entry.is_nothing() && !self.unsaved.iter().any(|u| u == id);
        self.set_timer(id, if is_nothing { None } else { wake });
        if is_nothing {
            self.groups.remove(id);
        }
        result
    }

    /// Groups that waited for their records, and of which nothing came.
    fn forget_nothings(&mut self) {
        for id in std::mem::take(&mut self.unsaved) {
            if self.groups.get(&id).is_some_and(Entry::is_nothing) {
                self.groups.remove(&id);
                self.set_timer(&id, None);
            }
        }
    }

    fn set_timer(&mut self, id: &str, wake: Option<MonoMs>) {
        let set = self.timer_of.get(id).copied();
        if set == wake {
            return;
        }
        if let Some(at) = set {
            self.timers.remove(&(at, id.to_string()));
            self.timer_of.remove(id);
        }
        if let Some(at) = wake {
            self.timers.insert((at, id.to_string()));
            self.timer_of.insert(id.to_string(), at);
        }
    }

    fn request(&mut self, now: Now, token: Token, context: &Context, body: GroupRequest, out: &mut Vec<GroupOutput>) {
        let waiter = Waiter { token, version: context.api_version };
        let answer = match body {
            GroupRequest::JoinGroup(request) => {
                let Some(error) = self.join_error(&request) else {
                    let id = request.group_id.clone();
                    return self.with_group(now, &id, out, |group, turn| group.join(turn, context, &request, waiter));
                };
                GroupAnswer::JoinGroup(join_refused(context.api_version, &request.member_id, error))
            }
            GroupRequest::SyncGroup(request) => {
                let Some(error) = self.no_group(&request.group_id) else {
                    let id = request.group_id.clone();
                    return self.with_group(now, &id, out, |group, turn| group.sync(turn, request, waiter));
                };
                GroupAnswer::SyncGroup(sync_refused(error))
            }
            GroupRequest::Heartbeat(request) => {
                let error = match self.no_group(&request.group_id) {
                    Some(error) => error,
                    None => self.with_group(now, &request.group_id, out, |group, turn| group.heartbeat(turn, &request)),
                };
                GroupAnswer::Heartbeat(heartbeat(error))
            }
            GroupRequest::LeaveGroup(request) => {
                let members = leaving(context.api_version, &request);
                let members = match self.no_group(&request.group_id) {
                    Some(ErrorCode::InvalidGroupId) => return self.leave_without_group_id(token, out),
                    Some(error) => all_left(members, error),
                    None => self.with_group(now, &request.group_id, out, |group, turn| group.leave(turn, members)),
                };
                GroupAnswer::LeaveGroup(left(context.api_version, members))
            }
            GroupRequest::ConsumerGroupHeartbeat(request) => {
                let answer = self.consumer_heartbeat(now, context, &request, out);
                GroupAnswer::ConsumerGroupHeartbeat(answer.unwrap_or_else(Refusal::heartbeat))
            }
            GroupRequest::OffsetCommit(request) => return self.commit(now, token, context, request, out),
            GroupRequest::TxnOffsetCommit(request) => return self.commit_in_transaction(now, token, context.api_version, request, out),
            GroupRequest::OffsetFetch { group, require_stable } => GroupAnswer::OffsetFetch(self.fetch(group, require_stable)),
            GroupRequest::OffsetDelete(request) => return self.delete_offsets(token, request, out),
            GroupRequest::ListGroups(request) => GroupAnswer::ListGroups(self.list(&request)),
            GroupRequest::DescribeGroups(request) => GroupAnswer::DescribeGroups(self.describe(context, &request)),
            GroupRequest::ConsumerGroupDescribe(request) => GroupAnswer::ConsumerGroupDescribe(self.describe_consumer_groups(&request)),
            GroupRequest::DeleteGroups(request) => return self.delete(token, request.groups_names, out),
            GroupRequest::Share(ask) => return self.share(now, token, context, ask, out),
        };
        out.push(GroupOutput::Answer { token, answer });
    }

    fn consumer_heartbeat(
        &mut self,
        now: Now,
        context: &Context,
        request: &ConsumerGroupHeartbeatRequest,
        out: &mut Vec<GroupOutput>,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        validate(context.api_version, request, &self.config.consumer.assignors)?;
        let id = &request.group_id;
        if request.member_epoch != 0 && !self.groups.contains_key(id) {
            return Err(Refusal::no_group(id));
        }
        self.with_group(now, id, out, |group, turn| group.consumer_heartbeat(turn, context, request))
    }

    /// J2, J3: what is wrong before anyone looks at the group.
    fn join_error(&self, request: &crate::wire::join_group_request::JoinGroupRequest) -> Option<ErrorCode> {
        let timeouts = self.config.min_session_timeout_ms..=self.config.max_session_timeout_ms;
        if request.group_id.is_empty() {
            Some(ErrorCode::InvalidGroupId)
        } else if !timeouts.contains(&request.session_timeout_ms) {
            Some(ErrorCode::InvalidSessionTimeout)
        } else if !request.member_id.is_empty() && !self.groups.contains_key(&request.group_id) {
            Some(ErrorCode::UnknownMemberId)
        } else {
            None
        }
    }

    fn no_group(&self, id: &str) -> Option<ErrorCode> {
        if id.is_empty() {
            Some(ErrorCode::InvalidGroupId)
        } else if !self.groups.contains_key(id) {
            Some(ErrorCode::UnknownMemberId)
        } else {
            None
        }
    }

    fn leave_without_group_id(&self, token: Token, out: &mut Vec<GroupOutput>) {
        let answer = GroupAnswer::LeaveGroup(crate::wire::leave_group_response::LeaveGroupResponse {
            error_code: ErrorCode::InvalidGroupId.code(),
            ..Default::default()
        });
        out.push(GroupOutput::Answer { token, answer });
    }

    /// Does one thing that is due. One at a time, so that a failed append touches nothing else; whoever calls comes again.
    fn one_deadline(&mut self, now: Now, out: &mut Vec<GroupOutput>) {
        if self.next_expiry.is_some_and(|at| at <= now.mono) {
            self.next_expiry = Some(now.mono.plus(self.config.offsets_retention_check_interval_ms));
            self.forgetting = std::mem::take(&mut self.forget_later);
            self.forget_topics(&self.forgetting, out);
            self.expire_offsets(now, out);
        } else if let Some((_, id)) = self.timers.first().filter(|(at, _)| *at <= now.mono).cloned() {
            self.with_group(now, &id, out, |group, turn| group.time_passed(turn));
        }
    }

    fn start(&mut self, now: Now, out: &mut Vec<GroupOutput>) {
        self.next_expiry = Some(now.mono.plus(self.config.offsets_retention_check_interval_ms));
        let ids: Vec<String> = self.groups.keys().cloned().collect();
        for id in ids {
            self.with_group(now, &id, out, |group, turn| group.start_clocks(turn));
        }
    }

    fn append_failed(&mut self, now: Now, error: ErrorCode, out: &mut Vec<GroupOutput>) {
        self.forget_later.append(&mut self.forgetting);
        for id in std::mem::take(&mut self.unsaved) {
            self.with_group(now, &id, out, |group, turn| group.append_failed(turn, error));
        }
    }

    fn stop(&mut self, now: Now, error: ErrorCode, out: &mut Vec<GroupOutput>) {
        let ids: Vec<String> = self.groups.keys().cloned().collect();
        for id in ids {
            self.with_group(now, &id, out, |group, turn| group.refuse_all(turn, error));
        }
        self.timers.clear();
        self.timer_of.clear();
        self.next_expiry = None;
    }
}

impl Coordinator for GroupShard {
    type Request = GroupRequest;
    type Event = GroupEvent;
    type Record = GroupRecord;
    type Answer = GroupAnswer;
    type Effect = std::convert::Infallible;

    fn decide(&mut self, now: Now, input: Input<GroupRequest, GroupEvent>, out: &mut Vec<GroupOutput>) {
        if let Input::AppendFailed { error } = input {
            return self.append_failed(now, error, out);
        }
        // The decision before this one is in the log.
        self.forget_nothings();
        self.forgetting.clear();
        match input {
            Input::Request { token, context, body } => self.request(now, token, &context, body, out),
            Input::Event(GroupEvent::TopicsDeleted(topics)) => {
                self.forget_topics(&topics, out);
                self.forgetting = topics;
            }
            Input::Deadline => self.one_deadline(now, out),
            Input::Loaded => self.start(now, out),
            Input::Unloaded { error } => self.stop(now, error, out),
            Input::AppendFailed { .. } => {}
        }
    }

    fn apply(&mut self, record: GroupRecord, at: Position) {
        // The common case first: one more offset of a group that is known. It changes nothing else.
        if let GroupRecord::Offset { key, value: Some(_) } = &record
            && at.producer == Producer::NONE
            && let Some(entry) = self.groups.get_mut(&key.group)
        {
            return entry.apply_offset(record, at);
        }
        let id = record.group_id().to_string();
        let deleted = matches!(record, GroupRecord::Group { value: None, .. });
        let mut changed = deleted;
        let loaded = self.loaded();
        let entry = self.groups.entry(id.clone()).or_insert_with(Entry::new);
        match record {
            GroupRecord::Offset { ref value, .. } => {
                if at.producer != Producer::NONE && value.is_some() {
                    self.open_transactions.entry(at.producer.id).or_default().insert(id.clone());
                }
                entry.apply_offset(record, at);
            }
            GroupRecord::Group { value, .. } => entry.apply_classic(value, loaded),
            GroupRecord::Consumer(record) => changed = entry.apply_consumer(record),
            GroupRecord::Share(record) => changed = entry.apply_share(record),
        }
        let is_nothing = entry.is_nothing() && !self.unsaved.contains(&id);
        if is_nothing || changed {
            let wake = entry.wake().filter(|_| !is_nothing);
            self.set_timer(&id, wake);
        }
        if is_nothing {
            self.groups.remove(&id);
        }
    }

    fn forget(&mut self) {
        let cluster = self.cluster.clone();
        *self = GroupShard { cluster, ..GroupShard::new(self.config.clone(), self.rng.clone()) };
    }

    fn apply_marker(&mut self, marker: Marker) {
        for id in self.open_transactions.remove(&marker.producer_id).unwrap_or_default() {
            let Some(entry) = self.groups.get_mut(&id) else { continue };
            entry.offsets.end_transaction(marker.producer_id, marker.committed);
            if entry.is_nothing() {
                self.groups.remove(&id);
                self.set_timer(&id, None);
            }
        }
    }

    fn next_deadline(&self) -> Option<MonoMs> {
        let group = self.timers.first().map(|(at, _)| *at);
        group.into_iter().chain(self.next_expiry).min()
    }

    fn check(&self) -> Result<(), String> {
        for (id, entry) in &self.groups {
            entry.check(self.loaded()).map_err(|broken| format!("group {id}: {broken}"))?;
            if entry.is_nothing() && !self.unsaved.contains(id) {
                return Err(format!("group {id} is nothing and should be gone"));
            }
            let timer = self.timer_of.get(id).copied();
            if self.loaded() && timer != entry.wake() {
                return Err(format!("group {id} wants to wake at {:?}, its timer is at {timer:?}", entry.wake()));
            }
        }
        let timers: BTreeSet<(MonoMs, String)> = self.timer_of.iter().map(|(id, at)| (*at, id.clone())).collect();
        if timers != self.timers || !self.timer_of.keys().all(|id| self.groups.contains_key(id)) {
            return Err("timers and groups do not agree".into());
        }
        Ok(())
    }

    fn encode(record: &GroupRecord) -> Result<(Bytes, Option<Bytes>), EncodeError> {
        record.encode()
    }

    fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<GroupRecord, Skipped> {
        GroupRecord::decode(key, value)
    }

    fn refuse(context: &Context, body: &GroupRequest, error: ErrorCode) -> GroupAnswer {
        requests::refuse(context, body, error)
    }

    fn fail(answer: GroupAnswer, error: ErrorCode) -> GroupAnswer {
        requests::fail(answer, error)
    }
}
