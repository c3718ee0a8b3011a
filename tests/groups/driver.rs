//! A shard, its partition in memory, and the words the scripts are written in.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use kfk::machine::assign::{Subscription, consumer_protocol};
use kfk::machine::coordinator::{Context, Marker, Position, Producer, Token};
use kfk::machine::group::{GroupAnswer, GroupConfig, GroupEvent, GroupRecord, GroupRequest, GroupShard, shapes};
use kfk::node::internal_batches::{build_batch, items_of};
use kfk::node::shard::{AppendError, InternalPartition, KeyValue, LogItem, Page, Released, Shard};
use kfk::rng::Rng;
use kfk::types::{MonoMs, Now, Offset, Uuid, WallMs};
use kfk::wire::delete_groups_request::DeleteGroupsRequest;
use kfk::wire::describe_groups_request::DescribeGroupsRequest;
use kfk::wire::describe_groups_response::DescribedGroup;
use kfk::wire::heartbeat_request::HeartbeatRequest;
use kfk::wire::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use kfk::wire::join_group_response::JoinGroupResponse;
use kfk::wire::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use kfk::wire::leave_group_response::LeaveGroupResponse;
use kfk::wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kfk::wire::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kfk::wire::offset_fetch_response::OffsetFetchResponsePartitions;
use kfk::wire::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use kfk::wire::sync_group_response::SyncGroupResponse;
use kfk::wire::{ErrorCode, Message};

use crate::fake_cluster::FakeCluster;

/// The group all scripts speak of.
pub const GROUP: &str = "g";
/// A first rebalance that several members joined at once takes this long: the delay, and its one extension.
pub const GATHER: u64 = 6_000;
pub const START: i64 = 1_700_000_000_000;

/// A partition in memory. It can refuse or lose the next append, and hold back what is committed.
#[derive(Default)]
pub struct MemoryLog {
    pub items: Vec<LogItem>,
    pub fail_next: Option<AppendError>,
    pub committed_at: Option<Offset>,
    pub batches: usize,
}

impl MemoryLog {
    fn end(&self) -> Offset {
        self.items.len() as Offset
    }

    /// Writes a batch as the broker does and keeps what can be read of it.
    pub fn write(&mut self, now: Now, producer: Producer, records: &[KeyValue]) {
        let base = self.end();
        let batch = build_batch(now, producer, 0, records).unwrap();
        for item in items_of(&batch).unwrap() {
            self.items.push(match item {
                LogItem::Record { position, key, value } => {
                    LogItem::Record { position: Position { offset: base + position.offset, ..position }, key, value }
                }
                marker => marker,
            });
        }
    }

    /// The group records in the log, from `from` on.
    pub fn records(&self, from: usize) -> Vec<GroupRecord> {
        let decode = |item: &LogItem| match item {
            LogItem::Record { key, value, .. } => GroupRecord::decode(key.as_ref()?, value.as_ref()).ok(),
            LogItem::Marker(_) => None,
        };
        self.items[from..].iter().filter_map(decode).collect()
    }
}

impl InternalPartition for MemoryLog {
    fn append(&mut self, now: Now, producer: Producer, records: &[KeyValue]) -> Result<Offset, AppendError> {
        if let Some(error) = self.fail_next.take() {
            return Err(error);
        }
        let base = self.end();
        self.batches += 1;
        self.write(now, producer, records);
        Ok(base)
    }

    fn committed(&self) -> Offset {
        self.committed_at.unwrap_or(self.end())
    }

    fn read(&mut self, from: Offset, _max_bytes: usize) -> Result<Page, ErrorCode> {
        // Small pages, so that loading takes several.
        let items: Vec<LogItem> = self.items.iter().skip(from as usize).take(3).cloned().collect();
        let next = from + items.len() as Offset;
        Ok(Page { at_end: next == self.end(), items, next })
    }
}

/// What a member says when it joins.
#[derive(Clone, Debug)]
pub struct Join {
    pub group: String,
    pub id: String,
    pub instance: Option<String>,
    pub client: String,
    pub protocol_type: String,
    pub protocols: Vec<(String, Bytes)>,
    pub session_ms: i32,
    pub rebalance_ms: i32,
    pub version: i16,
}

impl Join {
    pub fn consumer() -> Self {
        Join {
            group: GROUP.into(),
            id: String::new(),
            instance: None,
            client: "client".into(),
            protocol_type: "consumer".into(),
            protocols: vec![("range".into(), subscription(&["t"]))],
            session_ms: 10_000,
            rebalance_ms: 60_000,
            version: 9,
        }
    }

    pub fn id(mut self, id: &str) -> Self {
        self.id = id.into();
        self
    }

    pub fn instance(mut self, instance: &str) -> Self {
        self.instance = Some(instance.into());
        self
    }

    pub fn version(mut self, version: i16) -> Self {
        self.version = version;
        self
    }

    pub fn rebalance_ms(mut self, ms: i32) -> Self {
        self.rebalance_ms = ms;
        self
    }

    pub fn session_ms(mut self, ms: i32) -> Self {
        self.session_ms = ms;
        self
    }

    pub fn protocols(mut self, names: &[&str]) -> Self {
        self.protocols = names.iter().map(|name| (name.to_string(), subscription(&["t"]))).collect();
        self
    }

    pub fn topics(mut self, topics: &[&str]) -> Self {
        self.protocols = vec![("range".into(), subscription(topics))];
        self
    }

    pub fn protocol_type(mut self, protocol_type: &str) -> Self {
        self.protocol_type = protocol_type.into();
        self
    }
}

pub fn subscription(topics: &[&str]) -> Bytes {
    let topics = topics.iter().map(|t| t.to_string()).collect();
    consumer_protocol::encode_subscription(&Subscription { topics, generation: -1, ..Default::default() }, 3).unwrap()
}

pub struct World {
    pub shard: Shard<GroupShard, MemoryLog>,
    pub now: Now,
    pub config: GroupConfig,
    /// Each life of the process makes ids of its own.
    lives: u64,
    next_token: u64,
    versions: BTreeMap<Token, i16>,
    answers: BTreeMap<Token, GroupAnswer>,
    /// What the groups know of the cluster.
    pub cluster: FakeCluster,
}

impl World {
    pub fn new() -> Self {
        World::with_config(GroupConfig::default())
    }

    pub fn with_config(config: GroupConfig) -> Self {
        World::on(MemoryLog::default(), config)
    }

    /// A broker that starts on this log.
    pub fn on(log: MemoryLog, config: GroupConfig) -> Self {
        let now = Now { wall: WallMs(START), mono: MonoMs(1_000) };
        let shard = Shard::new(GroupShard::new(config.clone(), Rng::new(1)), log, 5_000);
        let mut world = World {
            shard,
            now,
            config,
            lives: 1,
            next_token: 1,
            versions: BTreeMap::new(),
            answers: BTreeMap::new(),
            cluster: FakeCluster::default(),
        };
        world.tell_of_topics(&[]);
        let released = world.shard.load(now).unwrap();
        world.take(released);
        world
    }

    /// The process dies and starts again on the same log; time goes on.
    pub fn crash(&mut self) {
        let log = std::mem::take(self.shard.log_mut());
        self.lives += 1;
        let mut machine = GroupShard::new(self.config.clone(), Rng::new(self.lives));
        machine.set_cluster(Arc::new(self.cluster.clone()), &[]);
        self.shard = Shard::new(machine, MemoryLog { fail_next: None, committed_at: None, ..log }, 5_000);
        self.versions.clear();
        let released = self.shard.load(self.now).unwrap();
        self.take(released);
    }

    pub fn take(&mut self, released: Vec<Released<GroupAnswer>>) {
        for Released { token, answer } in released {
            let version = self.versions.remove(&token).expect("an answer to a question, and only one");
            encodes(version, &answer);
            self.answers.insert(token, answer);
        }
        self.shard.check().unwrap();
    }

    pub fn send_as(&mut self, client: &str, version: i16, body: GroupRequest) -> Token {
        let token = Token(self.next_token);
        self.next_token += 1;
        self.versions.insert(token, version);
        let context = Context { client_id: client.into(), client_host: "/127.0.0.1".into(), api_version: version };
        let released = self.shard.request(self.now, token, context, body);
        self.take(released);
        token
    }

    pub fn send(&mut self, version: i16, body: GroupRequest) -> Token {
        self.send_as("client", version, body)
    }

    pub fn event(&mut self, event: GroupEvent) {
        let released = self.shard.event(self.now, event);
        self.take(released);
    }

    /// Lets time pass, stopping wherever something is due.
    pub fn pass(&mut self, ms: u64) {
        let end = self.now.mono.plus(ms);
        loop {
            let next = self.shard.next_deadline().filter(|at| *at <= end);
            self.go_to(next.unwrap_or(end).max(self.now.mono));
            let released = self.shard.tick(self.now);
            self.take(released);
            if next.is_none() {
                return;
            }
        }
    }

    fn go_to(&mut self, mono: MonoMs) {
        self.now.wall.0 += mono.since(self.now.mono) as i64;
        self.now.mono = mono;
    }

    /// Gives the shard the picture of the cluster as it is now.
    pub fn tell_of_topics(&mut self, changed: &[&str]) {
        self.cluster.version += 1;
        let changed: Vec<String> = changed.iter().map(|name| name.to_string()).collect();
        self.shard.machine_mut().set_cluster(Arc::new(self.cluster.clone()), &changed);
    }

    pub fn waits(&self, token: Token) -> bool {
        self.versions.contains_key(&token)
    }

    pub fn waiting(&self) -> usize {
        self.versions.len()
    }

    pub fn answer(&mut self, token: Token) -> GroupAnswer {
        self.answers.remove(&token).expect("an answer")
    }

    pub fn try_answer(&mut self, token: Token) -> Option<GroupAnswer> {
        self.answers.remove(&token)
    }

    pub fn join(&mut self, join: &Join) -> Token {
        let protocol = |(name, metadata): &(String, Bytes)| JoinGroupRequestProtocol { name: name.clone(), metadata: metadata.clone() };
        let request = JoinGroupRequest {
            group_id: join.group.clone(),
            session_timeout_ms: join.session_ms,
            rebalance_timeout_ms: join.rebalance_ms,
            member_id: join.id.clone(),
            group_instance_id: join.instance.clone(),
            protocol_type: join.protocol_type.clone(),
            protocols: join.protocols.iter().map(protocol).collect(),
            reason: None,
        };
        self.send_as(&join.client.clone(), join.version, GroupRequest::JoinGroup(request))
    }

    pub fn joined(&mut self, token: Token) -> JoinGroupResponse {
        match self.answer(token) {
            GroupAnswer::JoinGroup(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub fn join_error(&mut self, token: Token) -> ErrorCode {
        ErrorCode::from_code(self.joined(token).error_code)
    }

    /// Asks for an id as clients do since KIP-394, without joining yet.
    pub fn member_id(&mut self, join: &Join) -> String {
        let token = self.join(join);
        let answer = self.joined(token);
        assert_eq!(answer.error_code, ErrorCode::MemberIdRequired.code());
        answer.member_id
    }

    /// Joins with an id of its own: the token waits, the id is known.
    pub fn enter(&mut self, join: Join) -> (String, Token) {
        let id = self.member_id(&join);
        let token = self.join(&join.id(&id));
        (id, token)
    }

    pub fn sync(&mut self, id: &str, generation: i32, assignments: &[(&str, &str)]) -> Token {
        self.sync_as(
            SyncGroupRequest { group_id: GROUP.into(), generation_id: generation, member_id: id.into(), ..Default::default() },
            assignments,
        )
    }

    pub fn sync_as(&mut self, mut request: SyncGroupRequest, assignments: &[(&str, &str)]) -> Token {
        let one = |(id, assignment): &(&str, &str)| SyncGroupRequestAssignment {
            member_id: id.to_string(),
            assignment: Bytes::copy_from_slice(assignment.as_bytes()),
        };
        request.assignments = assignments.iter().map(one).collect();
        self.send(5, GroupRequest::SyncGroup(request))
    }

    pub fn synced(&mut self, token: Token) -> SyncGroupResponse {
        match self.answer(token) {
            GroupAnswer::SyncGroup(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub fn sync_error(&mut self, token: Token) -> ErrorCode {
        ErrorCode::from_code(self.synced(token).error_code)
    }

    pub fn heartbeat(&mut self, id: &str, generation: i32) -> ErrorCode {
        self.heartbeat_as(id, None, generation)
    }

    pub fn heartbeat_as(&mut self, id: &str, instance: Option<&str>, generation: i32) -> ErrorCode {
        let request = HeartbeatRequest {
            group_id: GROUP.into(),
            generation_id: generation,
            member_id: id.into(),
            group_instance_id: instance.map(str::to_string),
        };
        let token = self.send(4, GroupRequest::Heartbeat(request));
        match self.answer(token) {
            GroupAnswer::Heartbeat(answer) => ErrorCode::from_code(answer.error_code),
            other => panic!("{other:?}"),
        }
    }

    pub fn leave(&mut self, version: i16, members: &[(&str, Option<&str>)]) -> LeaveGroupResponse {
        let mut request = LeaveGroupRequest { group_id: GROUP.into(), ..Default::default() };
        if version < 3 {
            request.member_id = members[0].0.into();
        } else {
            let one = |(id, instance): &(&str, Option<&str>)| MemberIdentity {
                member_id: id.to_string(),
                group_instance_id: instance.map(str::to_string),
                reason: None,
            };
            request.members = members.iter().map(one).collect();
        }
        let token = self.send(version, GroupRequest::LeaveGroup(request));
        match self.answer(token) {
            GroupAnswer::LeaveGroup(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// A stable group of so many consumers; the first one leads, and everyone is assigned its own id. Generation 1 if it is the first.
    pub fn stable(&mut self, members: usize) -> Vec<String> {
        let entered: Vec<(String, Token)> = (0..members).map(|_| self.enter(Join::consumer())).collect();
        self.pass(GATHER);
        let generation = self.joined(entered[0].1).generation_id;
        let ids: Vec<String> = entered.into_iter().map(|(id, _)| id).collect();
        self.assign(&ids, generation);
        ids
    }

    /// All send SyncGroup, the first one as leader; everyone is assigned its own id.
    pub fn assign(&mut self, ids: &[String], generation: i32) {
        let assignments: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
        let followers: Vec<Token> = ids[1..].iter().map(|id| self.sync(id, generation, &[])).collect();
        let leader = self.sync(&ids[0], generation, &assignments);
        for (id, token) in ids.iter().zip(std::iter::once(leader).chain(followers)) {
            let answer = self.synced(token);
            assert_eq!((answer.error_code, &answer.assignment[..]), (0, id.as_bytes()));
        }
    }

    pub fn describe(&mut self, group: &str) -> DescribedGroup {
        let request = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
        let token = self.send(6, GroupRequest::DescribeGroups(request));
        match self.answer(token) {
            GroupAnswer::DescribeGroups(mut answer) => answer.groups.remove(0),
            other => panic!("{other:?}"),
        }
    }

    pub fn state(&mut self) -> String {
        self.describe(GROUP).group_state
    }

    pub fn delete(&mut self, group: &str) -> ErrorCode {
        let token = self.send(2, GroupRequest::DeleteGroups(DeleteGroupsRequest { groups_names: vec![group.into()] }));
        match self.answer(token) {
            GroupAnswer::DeleteGroups(answer) => ErrorCode::from_code(answer.results[0].error_code),
            other => panic!("{other:?}"),
        }
    }

    pub fn commit_as(&mut self, version: i16, request: OffsetCommitRequest) -> Vec<ErrorCode> {
        let token = self.send(version, GroupRequest::OffsetCommit(request));
        self.commit_codes(token)
    }

    pub fn commit_codes(&mut self, token: Token) -> Vec<ErrorCode> {
        match self.answer(token) {
            GroupAnswer::OffsetCommit(a) => {
                a.topics.iter().flat_map(|t| &t.partitions).map(|p| ErrorCode::from_code(p.error_code)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Commits one offset of topic `t`; `("", -1)` is no member.
    pub fn commit(&mut self, member: (&str, i32), partition: i32, offset: i64) -> ErrorCode {
        self.commit_as(9, commit_request(member, "t", partition, offset))[0]
    }

    pub fn fetch_as(&mut self, topic: &str, topic_id: Uuid, partition: i32, require_stable: bool) -> OffsetFetchResponsePartitions {
        let topics = vec![OffsetFetchRequestTopics { name: topic.into(), topic_id, partition_indexes: vec![partition] }];
        let group = OffsetFetchRequestGroup { group_id: GROUP.into(), topics: Some(topics), ..Default::default() };
        let token = self.send(9, GroupRequest::OffsetFetch { group, require_stable });
        match self.answer(token) {
            GroupAnswer::OffsetFetch(mut answer) => {
                assert_eq!(answer.error_code, 0);
                answer.topics.remove(0).partitions.remove(0)
            }
            other => panic!("{other:?}"),
        }
    }

    /// The committed offset of a partition of topic `t`.
    pub fn fetch(&mut self, partition: i32) -> i64 {
        self.fetch_as("t", Uuid::default(), partition, false).committed_offset
    }

    pub fn end_transaction(&mut self, producer_id: i64, committed: bool) {
        self.shard.log_mut().items.push(LogItem::Marker(Marker { producer_id, committed }));
    }
}

pub fn commit_request(member: (&str, i32), topic: &str, partition: i32, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition { partition_index: partition, committed_offset: offset, ..Default::default() };
    let topic = OffsetCommitRequestTopic { name: topic.into(), partitions: vec![partition], ..Default::default() };
    OffsetCommitRequest {
        group_id: GROUP.into(),
        member_id: member.0.into(),
        generation_id_or_member_epoch: member.1,
        topics: vec![topic],
        ..Default::default()
    }
}

/// Every answer must fit the version it was asked in.
fn encodes(version: i16, answer: &GroupAnswer) {
    let bytes = match answer {
        GroupAnswer::JoinGroup(a) => a.to_bytes(version),
        GroupAnswer::SyncGroup(a) => a.to_bytes(version),
        GroupAnswer::Heartbeat(a) => a.to_bytes(version),
        GroupAnswer::LeaveGroup(a) => a.to_bytes(version),
        GroupAnswer::ConsumerGroupHeartbeat(a) => a.to_bytes(version),
        GroupAnswer::OffsetCommit(a) => a.to_bytes(version),
        GroupAnswer::TxnOffsetCommit(a) => a.to_bytes(version.min(5)),
        GroupAnswer::OffsetFetch(a) => shapes::offset_fetch_response(version, &[], vec![a.clone()]).to_bytes(version),
        GroupAnswer::OffsetDelete(a) => a.to_bytes(version),
        GroupAnswer::ListGroups(a) => a.to_bytes(version),
        GroupAnswer::DescribeGroups(a) => a.to_bytes(version),
        GroupAnswer::ConsumerGroupDescribe(a) => a.to_bytes(version),
        GroupAnswer::DeleteGroups(a) => a.to_bytes(version),
        GroupAnswer::Share(_) => unreachable!("these scripts ask nothing of share groups"),
    };
    bytes.unwrap_or_else(|error| panic!("version {version} of {answer:?}: {error}"));
}
