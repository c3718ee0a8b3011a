//! A broker without sockets: the core (`node`, `log`, `machine`) joined as `broker/` joins it, over a simulated disk.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use kfk::log::compact::{self, CompactError, CompactOptions, Owner, Unhurried};
use kfk::log::sim_disk::SimDisk;
use kfk::log::{DirOptions, Log, LogConfig, LogDir, LogError};
use kfk::machine::controller::{
    AllocateProducerIds, ApiError, Change, ClusterState, Command, ConfigResource, ConfigRules, Options, Overrides, ResourceKind, Topic,
};
use kfk::machine::coordinator::{Context, Coordinator, Marker, Producer, Token};
use kfk::machine::group::{GroupAnswer, GroupConfig, GroupEvent, GroupRequest, GroupShard};
use kfk::machine::partition::Assignment;
use kfk::machine::partition::txn::Guard;
use kfk::machine::share::state::{ShareAnswer, ShareEvent, ShareKey, ShareRequest, ShareShard, ShareState};
use kfk::machine::txn::{MarkerOutcome, TxnAnswer, TxnConfig, TxnEffect, TxnEvent, TxnRequest, TxnShard, WriteMarkers};
use kfk::node::partition::{Partition, Settings};
use kfk::node::quorum::{self, NodeDescription, Quorum, QuorumError, Setup, Wanted, cluster_metadata_partition};
use kfk::node::shard::{AppendError, InternalPartition, KeyValue, Page, Released, Shard};
use kfk::node::transactions::EndMarker;
use kfk::record::ValidateOptions;
use kfk::rng::Rng;
use kfk::types::{Now, Offset, TopicId, TopicPartition};
use kfk::wire::ErrorCode;
use kfk::wire::broker_registration_request::Listener;
use kfk::wire::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use kfk::wire::create_topics_response::CreatableTopicConfigs;

pub const ROOT: &str = "/data";
pub const OFFSETS: &str = "__consumer_offsets";
pub const TRANSACTIONS: &str = "__transaction_state";
pub const SHARES: &str = "__share_group_state";
/// What transactional clients read: it is always there.
pub const SOURCE: &str = "source";
const ME: i32 = 1;

/// Why something could not be done. `Unknown`: it may have happened or not.
#[derive(Clone, Debug, PartialEq)]
pub enum Fail {
    Refused(ErrorCode),
    Unknown(String),
}

impl From<LogError> for Fail {
    fn from(e: LogError) -> Self {
        Fail::Unknown(e.to_string())
    }
}

impl From<QuorumError> for Fail {
    fn from(e: QuorumError) -> Self {
        Fail::Unknown(e.to_string())
    }
}

/// A code that a client got. What a storage error has left behind nobody knows.
pub fn told(code: ErrorCode) -> Fail {
    match code {
        ErrorCode::KafkaStorageError | ErrorCode::UnknownServerError => Fail::Unknown(code.name().to_string()),
        code => Fail::Refused(code),
    }
}

/// How the brokers of one history are set up.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// `flush.messages=1` for every topic.
    pub synced: bool,
    /// `kfk.durability=group-commit`.
    pub group_commit: bool,
    pub transaction_version: i16,
}

pub type Part = Rc<RefCell<Partition>>;

/// Settings that allow everything: the tables are not what is tested here.
struct Rules;

impl ConfigRules for Rules {
    fn validate(&self, _: &ConfigResource, _: &Overrides, _: &Overrides) -> Result<(), ApiError> {
        Ok(())
    }

    fn is_list(&self, _: ResourceKind, _: &str) -> bool {
        false
    }

    fn default_value(&self, _: ResourceKind, _: &str) -> Option<String> {
        None
    }

    fn static_topic_value(&self, key: &str) -> Option<String> {
        (key == "min.insync.replicas").then(|| "1".to_string())
    }

    fn topic_configs(&self, _: &ClusterState, _: &Overrides) -> Vec<CreatableTopicConfigs> {
        Vec::new()
    }
}

/// A topic's settings, small enough for much to happen in a short history.
fn settings(manner: Manner, overrides: &Overrides) -> Settings {
    let get = |key: &str| overrides.get(key).map(String::as_str);
    let number = |key: &str, default: i64| get(key).and_then(|v| v.parse().ok()).unwrap_or(default);
    let policy = get("cleanup.policy").unwrap_or("delete");
    let compact = policy.contains("compact");
    let log = LogConfig {
        segment_bytes: u64::try_from(number("segment.bytes", 1500)).unwrap(),
        segment_index_bytes: 400,
        index_interval_bytes: 200,
        retention_bytes: number("retention.bytes", -1),
        retention_ms: number("retention.ms", -1),
        delete: policy.contains("delete"),
        compact,
        delete_retention_ms: 60_000,
        min_cleanable_dirty_ratio: 0.01,
        file_delete_delay_ms: 1_000,
        flush_messages: if manner.synced { 1 } else { i64::MAX },
        ..LogConfig::default()
    };
    let validate = ValidateOptions { compact, segment_bytes: 1500, max_message_bytes: 1500, ..ValidateOptions::default() };
    let deletes = policy.contains("delete");
    Settings { log, validate, min_insync_replicas: 1, deletes, verifies_transactions: true, commit_when_synced: manner.group_commit }
}

fn assignment(p: &kfk::machine::controller::Partition) -> Assignment {
    Assignment {
        replicas: p.replicas.clone(),
        isr: p.isr.clone(),
        leader: p.leader,
        leader_epoch: p.leader_epoch,
        partition_epoch: p.partition_epoch,
    }
}

/// An internal partition as its shard uses it.
pub struct InternalLog {
    part: Part,
    pub guard: Option<Guard>,
}

impl InternalPartition for InternalLog {
    fn append(&mut self, now: Now, producer: Producer, records: &[KeyValue]) -> Result<Offset, AppendError> {
        self.part.borrow_mut().append_records(now, producer, self.guard, records).map(|(offset, _)| offset)
    }

    fn committed(&self) -> Offset {
        self.part.borrow().offsets().high_watermark()
    }

    fn read(&mut self, from: Offset, max_bytes: usize) -> Result<Page, ErrorCode> {
        self.part.borrow_mut().read_page(from, max_bytes)
    }
}

/// A running broker.
pub struct Node {
    pub logs: LogDir,
    pub quorum: Quorum,
    pub parts: BTreeMap<(TopicId, i32), Part>,
    pub groups: Shard<GroupShard, InternalLog>,
    pub txns: Shard<TxnShard, InternalLog>,
    pub shares: Shard<ShareShard, InternalLog>,
    manner: Manner,
    rng: Rng,
    ids: Vec<i64>,
    next_token: u64,
    group_answers: BTreeMap<Token, GroupAnswer>,
    txn_answers: BTreeMap<Token, TxnAnswer>,
    share_answers: BTreeMap<Token, ShareAnswer>,
}

impl Node {
    /// Starts as the broker does: metadata first, then what belongs to nobody is set aside, then coordinators read their partitions.
    pub fn start(disk: &SimDisk, manner: Manner, now: Now, mut rng: Rng) -> Result<Node, Fail> {
        let options = DirOptions { max_open_files: 24, ..DirOptions::default() };
        let logs = LogDir::open(Arc::new(disk.clone()), Path::new(ROOT), options)?;
        let properties = quorum::format(&logs, Wanted { node: ME, cluster_id: None }, true, now, &mut rng)?;
        let cluster_id = properties.cluster_id.unwrap_or_default();
        let options = Options { node: ME, cluster_id, ..Options::default() };
        let mut quorum = Quorum::open(&logs, Setup { options, rules: Arc::new(Rules), rng: Rng::new(rng.next_u64()) }, now)?;
        let listener = Listener { name: "PLAINTEXT".into(), host: "localhost".into(), port: 9092, ..Default::default() };
        let dirs = properties.directory_id.into_iter().collect();
        let node = NodeDescription { listeners: vec![listener], rack: None, log_dirs: dirs };
        let clean = logs.clean_shutdown().is_some();
        quorum.start_node(now, node, clean)?.response.map_err(|e| Fail::Unknown(format!("{e:?}")))?;
        for topic in [OFFSETS, TRANSACTIONS, SHARES, SOURCE] {
            make_internal(&mut quorum, topic, now)?;
        }
        set_strays_aside(&logs, &quorum, &mut rng)?;
        let mut parts = BTreeMap::new();
        let mut internal = |topic: &str| {
            let part = open_partition(&logs, &quorum, manner, &TopicPartition::new(topic, 0), now, &mut rng)?;
            let part = Rc::new(RefCell::new(part));
            let known = quorum.controller().state().topic(topic).map(|t| t.id).unwrap_or_default();
            parts.insert((known, 0), part.clone());
            Ok::<_, Fail>(InternalLog { part, guard: None })
        };
        let (offsets, transactions, states) = (internal(OFFSETS)?, internal(TRANSACTIONS)?, internal(SHARES)?);
        let epoch = quorum.controller().state().partition(TRANSACTIONS, 0).map_or(0, |p| p.leader_epoch);
        let config = TxnConfig { transaction_version: manner.transaction_version, ..TxnConfig::default() };
        let mut groups = Shard::new(GroupShard::new(GroupConfig::default(), Rng::new(rng.next_u64())), offsets, 5_000);
        groups.machine_mut().set_cluster(quorum.image().load(), &[]);
        let txns = Shard::new(TxnShard::new(config, epoch), transactions, 5_000);
        // Few updates, so that snapshots come often.
        let shares = Shard::new(ShareShard::new(3), states, 5_000);
        let (ids, group_answers, txn_answers, share_answers) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut node =
            Node { logs, quorum, parts, groups, txns, shares, manner, rng, ids, next_token: 0, group_answers, txn_answers, share_answers };
        node.load(now)?;
        Ok(node)
    }

    fn load(&mut self, now: Now) -> Result<(), Fail> {
        let released = self.groups.load(now).map_err(told)?;
        self.take_group(released);
        let state = self.quorum.controller().state().clone();
        let with_offsets = self.groups.machine().topics_with_offsets().into_iter();
        let gone: Vec<_> = with_offsets.filter(|(name, _)| state.topic(name).is_none()).collect();
        self.group_event(now, GroupEvent::TopicsDeleted(gone));
        let released = self.txns.load(now).map_err(told)?;
        self.take_txn(released);
        self.shares.load(now).map_err(told)?;
        let gone: Vec<_> = self.shares.machine().topics().into_iter().filter(|id| state.topic_by_id(*id).is_none()).collect();
        self.shares.event(now, ShareEvent::TopicsDeleted(gone));
        for skipped in [self.groups.load_report().skipped, self.txns.load_report().skipped, self.shares.load_report().skipped] {
            assert_eq!(skipped, 0, "records of coordinators that nobody can read");
        }
        self.pump(now);
        Ok(())
    }

    pub fn state(&self) -> ClusterState {
        self.quorum.image().load().state().clone()
    }

    /// A partition that the cluster has, opened if it was not.
    pub fn part(&mut self, topic: &Topic, index: i32, now: Now) -> Result<Part, Fail> {
        if let Some(part) = self.parts.get(&(topic.id, index)) {
            return Ok(part.clone());
        }
        let name = TopicPartition::new(&*topic.name, index);
        let part = open_partition(&self.logs, &self.quorum, self.manner, &name, now, &mut self.rng)?;
        let part = Rc::new(RefCell::new(part));
        self.parts.insert((topic.id, index), part.clone());
        Ok(part)
    }

    /// A change of the cluster, and what follows from it here.
    pub fn submit<C: Command>(&mut self, now: Now, command: &C) -> Result<C::Response, Fail> {
        let outcome = self.quorum.submit(now, command)?;
        let (mut deleted, mut topics) = (Vec::new(), Vec::new());
        for change in &outcome.changes {
            if let Change::TopicCreated { name, .. }
            | Change::TopicDeleted { name, .. }
            | Change::PartitionCreated { name, .. }
            | Change::PartitionChanged { name, .. } = change
            {
                topics.push(name.to_string());
            }
            match change {
                Change::TopicDeleted { id, name, partitions } => {
                    deleted.push((name.to_string(), *id));
                    self.drop_topic(*id, name, partitions, now);
                }
                Change::Config(resource) if resource.kind == ResourceKind::Topic => {
                    let state = self.state();
                    let Some(topic) = state.topic(&resource.name) else { continue };
                    let new = Arc::new(settings(self.manner, &overrides(&state, &resource.name)));
                    self.parts.range((topic.id, 0)..=(topic.id, i32::MAX)).for_each(|(_, p)| p.borrow_mut().configure(new.clone()));
                }
                _ => {}
            }
        }
        self.groups.machine_mut().set_cluster(self.quorum.image().load(), &topics);
        if !deleted.is_empty() {
            let ids = deleted.iter().map(|(_, id)| *id).collect();
            self.shares.event(now, ShareEvent::TopicsDeleted(ids));
            self.group_event(now, GroupEvent::TopicsDeleted(deleted));
        }
        Ok(outcome.response)
    }

    fn drop_topic(&mut self, id: TopicId, name: &str, partitions: &[i32], now: Now) {
        for index in partitions {
            let name = TopicPartition::new(name, *index);
            // As in the broker, a failure here is only told: the next start finds a directory that belongs to nobody.
            let _ = match self.parts.remove(&(id, *index)) {
                Some(part) => {
                    let part = Rc::try_unwrap(part).expect("nobody else holds it").into_inner();
                    self.logs.delete_log(part.into_log(), &mut self.rng, now)
                }
                None => self.logs.delete_partition(&name, &mut self.rng, now.mono.plus(1_000)),
            };
        }
    }

    pub fn producer_id(&mut self, now: Now) -> Result<i64, Fail> {
        if self.ids.is_empty() {
            let state = self.state();
            let broker_epoch = state.broker(ME).map_or(0, |b| b.epoch);
            let block = self.submit(now, &AllocateProducerIds { broker: ME, broker_epoch })?.map_err(|e| told(e.code))?;
            // A few of them: what is not used is lost.
            self.ids = (block.first..block.first + block.length.min(8)).rev().collect();
        }
        self.ids.pop().ok_or(Fail::Refused(ErrorCode::UnknownServerError))
    }

    pub fn ask_group(&mut self, now: Now, api_version: i16, guard: Option<Guard>, body: GroupRequest) -> Option<GroupAnswer> {
        let token = self.token();
        self.groups.log_mut().guard = guard;
        let released = self.groups.request(now, token, Context { api_version, ..Context::default() }, body);
        self.groups.log_mut().guard = None;
        self.take_group(released);
        self.pump(now);
        self.group_answers.remove(&token)
    }

    pub fn ask_txn(&mut self, now: Now, api_version: i16, body: TxnRequest) -> Option<TxnAnswer> {
        let token = self.token();
        if body.may_take_producer_id() {
            self.bring_producer_ids(now);
        }
        let released = self.txns.request(now, token, Context { api_version, ..Context::default() }, body);
        self.take_txn(released);
        self.pump(now);
        self.txn_answers.remove(&token)
    }

    /// Asks the share coordinator. `None`: it does not answer, because the disk has failed.
    pub fn ask_share(&mut self, now: Now, body: ShareRequest) -> Option<ShareAnswer> {
        let token = self.token();
        let released = self.shares.request(now, token, Context::default(), body);
        self.take_share(released);
        self.pump(now);
        self.share_answers.remove(&token)
    }

    fn take_share(&mut self, released: Vec<Released<ShareAnswer>>) {
        for Released { token, answer } in released {
            assert!(self.share_answers.insert(token, answer).is_none(), "two answers to one request");
        }
    }

    fn bring_producer_ids(&mut self, now: Now) {
        if self.txns.machine().wants_producer_ids()
            && let Ok(first) = self.producer_id(now)
        {
            let released = self.txns.event(now, TxnEvent::ProducerIds { first, count: 1 });
            self.take_txn(released);
        }
    }

    fn token(&mut self) -> Token {
        self.next_token += 1;
        Token(self.next_token)
    }

    fn group_event(&mut self, now: Now, event: GroupEvent) {
        let released = self.groups.event(now, event);
        self.take_group(released);
    }

    fn take_group(&mut self, released: Vec<Released<GroupAnswer>>) {
        for Released { token, answer } in released {
            assert!(self.group_answers.insert(token, answer).is_none(), "two answers to one request");
        }
    }

    fn take_txn(&mut self, released: Vec<Released<TxnAnswer>>) {
        for Released { token, answer } in released {
            assert!(self.txn_answers.insert(token, answer).is_none(), "two answers to one request");
        }
    }

    /// Tells coordinators the time, and does what they want done, until they want nothing more.
    pub fn pump(&mut self, now: Now) {
        let released = self.groups.tick(now);
        self.take_group(released);
        self.bring_producer_ids(now);
        let released = self.txns.tick(now);
        self.take_txn(released);
        let released = self.shares.tick(now);
        self.take_share(released);
        for _ in 0..100 {
            self.commit(now);
            let jobs = self.txns.take_effects();
            if jobs.is_empty() {
                return;
            }
            for TxnEffect::WriteMarkers(job) in jobs {
                self.write_markers(now, job);
            }
        }
        panic!("the transaction coordinator never comes to rest");
    }

    /// Group commit of what coordinators wait for.
    fn commit(&mut self, now: Now) {
        if !self.manner.group_commit {
            return;
        }
        for log in [self.groups.log(), self.txns.log(), self.shares.log()] {
            // A failure is told by the log, which is offline then.
            let _ = sync(&log.part, now);
        }
        let released = self.groups.committed(now);
        self.take_group(released);
        let released = self.txns.committed(now);
        self.take_txn(released);
        let released = self.shares.committed(now);
        self.take_share(released);
    }

    fn write_markers(&mut self, now: Now, job: WriteMarkers) {
        let results = job.partitions.iter().map(|p| (p.clone(), self.write_marker(now, p, &job))).collect();
        let released = self.txns.event(now, TxnEvent::Markers { transactional_id: job.transactional_id, job: job.job, results });
        self.take_txn(released);
    }

    fn write_marker(&mut self, now: Now, partition: &TopicPartition, job: &WriteMarkers) -> MarkerOutcome {
        let marker = EndMarker {
            producer_id: job.producer_id,
            producer_epoch: job.producer_epoch,
            coordinator_epoch: job.coordinator_epoch,
            commit: job.commit,
            version: job.version.0,
        };
        let state = self.state();
        let Some(topic) = state.topic(&partition.topic).filter(|t| t.partition(partition.partition).is_some()) else {
            return MarkerOutcome::Gone;
        };
        let done = if &*topic.name == OFFSETS {
            let ends = Marker { producer_id: job.producer_id, committed: job.commit };
            let append = |log: &mut InternalLog| end_transaction(&log.part, now, &marker).map_err(AppendError::Refused);
            self.groups.end_transaction(now, ends, append).map(|released| self.take_group(released))
        } else {
            match self.part(topic, partition.partition, now) {
                Ok(part) => end_transaction(&part, now, &marker).map(drop),
                Err(_) => Err(ErrorCode::KafkaStorageError),
            }
        };
        done.map_or_else(MarkerOutcome::Failed, |()| MarkerOutcome::Written)
    }

    /// One compaction pass over one partition, as the cleaner does it.
    pub fn compact(&mut self, part: &Part, now: Now) -> Result<(), CompactError> {
        let high_watermark = part.borrow().offsets().high_watermark();
        if part.borrow_mut().log_mut().dirt(now.wall, high_watermark)?.is_none() {
            return Ok(());
        }
        if part.borrow().log().recovery_point() < part.borrow().log().active_base() {
            part.borrow_mut().log_mut().flush()?;
        }
        let options = CompactOptions { dedupe_buffer_bytes: 4096, io_buffer_bytes: 512, ..CompactOptions::default() };
        compact::run(&Owned(part.clone()), &options, now, high_watermark, &mut Unhurried).map(drop)
    }

    /// A clean stop. Tells whether it counts as one.
    pub fn close(self, now: Now) -> Result<bool, Fail> {
        let Node { logs, quorum, parts, groups, txns, shares, .. } = self;
        let state = quorum.image().load().state().clone();
        drop((groups, txns, shares));
        for ((id, index), part) in parts {
            let part = Rc::try_unwrap(part).expect("nobody else holds it").into_inner();
            if let Some(topic) = state.topic_by_id(id) {
                logs.set_high_watermark(&TopicPartition::new(&*topic.name, index), part.offsets().high_watermark());
            }
            part.into_log().close()?;
        }
        quorum.close(now)?;
        Ok(logs.close(1)?)
    }

    /// What the coordinators know must be what their partitions say (V11), and all must fit together.
    pub fn check(&self) {
        self.quorum.controller().check().unwrap_or_else(|e| panic!("V7: {e}"));
        self.groups.check().unwrap_or_else(|e| panic!("V8: {e}"));
        self.txns.check().unwrap_or_else(|e| panic!("V11: {e}"));
        self.shares.check().unwrap_or_else(|e| panic!("V11: {e}"));
    }

    /// Updates do not say when they were written.
    fn share_states(&self) -> Vec<(ShareKey, ShareState)> {
        let states = self.shares.machine().states();
        states.map(|(key, state)| (key.clone(), ShareState { written: 0, ..state.clone() })).collect()
    }

    /// Has all coordinators forget what they know and read their partitions again.
    pub fn reload(&mut self, now: Now) -> Result<(), Fail> {
        // What is due comes first, so that it does not come in between.
        self.pump(now);
        if !(self.groups.is_committed() && self.txns.is_committed() && self.shares.is_committed()) {
            return Ok(()); // the disk fails, and what they know is not what is committed
        }
        // As records, since some of what a coordinator knows is not kept.
        let kept = |txns: &Shard<TxnShard, InternalLog>| -> Vec<KeyValue> {
            txns.machine().snapshot().iter().map(|r| TxnShard::encode(r).expect("it was written")).collect()
        };
        let before = kept(&self.txns);
        let groups = self.groups.machine().snapshot();
        let states = self.share_states();
        // As when somebody else had led the partitions for a moment.
        let (groups_told, txns_told, shares_told) = (
            self.groups.close(now, ErrorCode::NotCoordinator),
            self.txns.close(now, ErrorCode::NotCoordinator),
            self.shares.close(now, ErrorCode::NotCoordinator),
        );
        self.take_group(groups_told);
        self.take_txn(txns_told);
        self.take_share(shares_told);
        self.groups.open(now);
        self.txns.open(now);
        self.shares.open(now);
        // Nothing is pumped before the comparison: what is due would change it.
        let released = self.txns.load(now).map_err(told)?;
        self.take_txn(released);
        assert_eq!(before, kept(&self.txns), "V11: transactions read again");
        let released = self.groups.load(now).map_err(told)?;
        self.take_group(released);
        assert_eq!(groups, self.groups.machine().snapshot(), "V11: groups read again");
        let released = self.shares.load(now).map_err(told)?;
        self.take_share(released);
        assert_eq!(states, self.share_states(), "V11: states of share groups read again");
        self.pump(now);
        Ok(())
    }
}

/// One turn of group commit: what was appended so far is synced, and committed with that.
pub fn sync(part: &Part, now: Now) -> Result<(), LogError> {
    let job = part.borrow_mut().sync_job()?;
    let done = job.map(|job| job.run()).transpose()?;
    part.borrow_mut().synced(now, done);
    Ok(())
}

/// Writes a marker; it counts once it is committed.
fn end_transaction(part: &Part, now: Now, marker: &EndMarker) -> Result<Offset, ErrorCode> {
    let (offset, _) = part.borrow_mut().append_marker(now, marker)?;
    sync(part, now).map_err(|_| ErrorCode::KafkaStorageError)?;
    if offset < part.borrow().offsets().high_watermark() { Ok(offset) } else { Err(ErrorCode::RequestTimedOut) }
}

struct Owned(Part);

impl Owner for Owned {
    fn with<T>(&self, f: impl FnOnce(&mut Log) -> T) -> Option<T> {
        Some(f(self.0.borrow_mut().log_mut()))
    }
}

fn overrides(state: &ClusterState, topic: &str) -> Overrides {
    state.config(&ConfigResource::topic(topic)).map(|o| (**o).clone()).unwrap_or_default()
}

fn make_internal(quorum: &mut Quorum, name: &str, now: Now) -> Result<(), Fail> {
    if quorum.image().load().topic(name).is_some() {
        return Ok(());
    }
    let config = |name: &str, value: &str| kfk::wire::create_topics_request::CreatableTopicConfig {
        name: name.to_string(),
        value: Some(value.to_string()),
    };
    // What share groups have outlived is dropped from the front.
    let policy = if name == SHARES { "delete" } else { "compact" };
    let configs = vec![config("cleanup.policy", policy), config("segment.bytes", "3000")];
    let topic = CreatableTopic { name: name.into(), num_partitions: 1, replication_factor: 1, configs, ..Default::default() };
    quorum.submit(now, &CreateTopicsRequest { topics: vec![topic], ..Default::default() })?;
    Ok(())
}

fn set_strays_aside(logs: &LogDir, quorum: &Quorum, rng: &mut Rng) -> Result<(), Fail> {
    let state = quorum.image().load();
    let own = cluster_metadata_partition();
    for partition in logs.partitions().iter().filter(|p| **p != own) {
        if state.partition(&partition.topic, partition.partition).is_none() {
            logs.set_aside(partition, rng)?;
        }
    }
    Ok(())
}

fn open_partition(
    logs: &LogDir,
    quorum: &Quorum,
    manner: Manner,
    name: &TopicPartition,
    now: Now,
    rng: &mut Rng,
) -> Result<Partition, Fail> {
    let state = quorum.image().load();
    let unknown = Fail::Refused(ErrorCode::UnknownTopicOrPartition);
    let topic = state.topic(&name.topic).ok_or(unknown.clone())?;
    let assignment = assignment(topic.partition(name.partition).ok_or(unknown)?);
    let settings = Arc::new(settings(manner, &overrides(state.state(), &name.topic)));
    let open = || logs.open_log(name, topic.id, Arc::new(settings.log.clone()), now);
    let mut log = match open() {
        Err(LogError::Stray { .. }) => logs.set_aside(name, rng).and_then(|()| open()),
        opened => opened,
    }?;
    if manner.group_commit {
        // A power loss may leave a hole in what was never synced (R8): an operator decides to go on without it.
        log.cut_damage()?;
    }
    Ok(Partition::new(ME, log, settings, &assignment, now)?)
}
