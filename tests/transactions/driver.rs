//! A shard, its partition in memory, and the words the scripts are written in.

use std::collections::BTreeMap;

use kfk::machine::coordinator::{Context, Coordinator, Token};
use kfk::machine::txn::{
    AddPartitions, ListFilter, MarkerOutcome, Purpose, TransactionVersion, Txn, TxnAnswer, TxnConfig, TxnEffect, TxnEvent, TxnRequest,
    TxnShard, TxnState, WriteMarkers,
};
use kfk::node::shard::{Released, Shard};
use kfk::types::{MonoMs, Now, TopicPartition, WallMs};
use kfk::wire::ErrorCode;
use kfk::wire::describe_transactions_response::TransactionState as Described;
use kfk::wire::end_txn_request::EndTxnRequest;
use kfk::wire::init_producer_id_request::InitProducerIdRequest;

use super::memory_log::MemoryLog;

pub const START: i64 = 1_700_000_000_000;
/// The newest versions of the requests, which speak transaction version 2.
pub const INIT: i16 = 5;
pub const END: i16 = 5;
/// The last versions that speak transaction version 1.
pub const END_V1: i16 = 4;

/// Producer id and epoch, or why not.
pub type Given = Result<(i64, i16), ErrorCode>;

pub struct World {
    pub shard: Shard<TxnShard, MemoryLog>,
    pub now: Now,
    pub config: TxnConfig,
    /// Markers that the coordinator wants written, in order. The scripts say what becomes of them, unless they are written by themselves.
    pub jobs: Vec<WriteMarkers>,
    pub writes_markers: bool,
    /// Producer ids are brought whenever they run out.
    pub brings_producer_ids: bool,
    coordinator_epoch: i32,
    next_producer_id: i64,
    next_token: u64,
    answers: BTreeMap<Token, TxnAnswer>,
}

impl World {
    pub fn new() -> Self {
        World::with(TxnConfig::default())
    }

    /// A coordinator whose cluster knows transaction version 1 only.
    pub fn v1() -> Self {
        World::with(TxnConfig { transaction_version: 1, ..Default::default() })
    }

    pub fn with(config: TxnConfig) -> Self {
        World::on(MemoryLog::default(), config)
    }

    /// A broker that starts on this log.
    pub fn on(log: MemoryLog, config: TxnConfig) -> Self {
        let now = Now { wall: WallMs(START), mono: MonoMs(1_000) };
        let shard = Shard::new(TxnShard::new(config.clone(), 3), log, 5_000);
        let mut world = World {
            shard,
            now,
            config,
            jobs: Vec::new(),
            writes_markers: true,
            brings_producer_ids: true,
            coordinator_epoch: 3,
            next_producer_id: 100,
            next_token: 1,
            answers: BTreeMap::new(),
        };
        let released = world.shard.load(now).unwrap();
        world.take(released);
        world
    }

    /// The process dies and starts again on the same log, under the next leader epoch; time goes on. Jobs of the old one are void.
    pub fn crash(&mut self) {
        let log = std::mem::take(self.shard.log_mut());
        self.coordinator_epoch += 1;
        let machine = TxnShard::new(self.config.clone(), self.coordinator_epoch);
        let log = MemoryLog { fault: None, committed_at: None, ..log };
        self.shard = Shard::new(machine, log, 5_000);
        self.jobs.clear();
        let released = self.shard.load(self.now).unwrap();
        self.take(released);
    }

    fn take(&mut self, released: Vec<Released<TxnAnswer>>) {
        for Released { token, answer } in released {
            assert!(self.answers.insert(token, answer).is_none(), "two answers to one request");
        }
        self.shard.check().unwrap();
        for effect in self.shard.take_effects() {
            let TxnEffect::WriteMarkers(job) = effect;
            assert!(!job.partitions.is_empty());
            self.jobs.push(job);
        }
        if self.writes_markers && !self.jobs.is_empty() {
            let job = self.jobs.remove(0);
            self.report(&job, MarkerOutcome::Written);
        }
    }

    /// All markers of a job fare like this.
    pub fn report(&mut self, job: &WriteMarkers, outcome: MarkerOutcome) {
        let results = job.partitions.iter().map(|p| (p.clone(), outcome)).collect();
        self.report_each(job, results);
    }

    pub fn report_each(&mut self, job: &WriteMarkers, results: Vec<(TopicPartition, MarkerOutcome)>) {
        self.event(TxnEvent::Markers { transactional_id: job.transactional_id.clone(), job: job.job, results });
    }

    pub fn event(&mut self, event: TxnEvent) {
        let released = self.shard.event(self.now, event);
        self.take(released);
    }

    fn bring_producer_ids(&mut self) {
        if self.brings_producer_ids && self.shard.machine().wants_producer_ids() {
            self.event(TxnEvent::ProducerIds { first: self.next_producer_id, count: 1 });
            self.next_producer_id += 1;
        }
    }

    pub fn send(&mut self, version: i16, body: TxnRequest) -> Token {
        if body.may_take_producer_id() {
            self.bring_producer_ids();
        }
        let token = Token(self.next_token);
        self.next_token += 1;
        let context = Context { api_version: version, ..Default::default() };
        let released = self.shard.request(self.now, token, context, body);
        self.take(released);
        token
    }

    pub fn try_answer(&mut self, token: Token) -> Option<TxnAnswer> {
        self.answers.remove(&token)
    }

    fn ask(&mut self, version: i16, body: TxnRequest) -> TxnAnswer {
        let token = self.send(version, body);
        self.try_answer(token).expect("an answer at once")
    }

    /// Lets time pass, stopping wherever something is due.
    pub fn pass(&mut self, ms: u64) {
        let end = self.now.mono.plus(ms);
        loop {
            let next = self.shard.next_deadline().filter(|at| *at <= end);
            let mono = next.unwrap_or(end).max(self.now.mono);
            self.now.wall.0 += mono.since(self.now.mono) as i64;
            self.now.mono = mono;
            self.bring_producer_ids();
            let released = self.shard.tick(self.now);
            self.take(released);
            if next.is_none() {
                return;
            }
        }
    }

    /// What is committed has caught up with the log.
    pub fn commit_log(&mut self) {
        self.shard.log_mut().committed_at = None;
        let released = self.shard.committed(self.now);
        self.take(released);
    }

    /// Appends stay uncommitted from now on.
    pub fn hold_log(&mut self) {
        let end = self.shard.log().end();
        self.shard.log_mut().committed_at = Some(end);
    }

    pub fn init_request(id: &str) -> InitProducerIdRequest {
        InitProducerIdRequest {
            transactional_id: Some(id.into()),
            transaction_timeout_ms: 60_000,
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        }
    }

    pub fn init_with(&mut self, version: i16, request: InitProducerIdRequest) -> Given {
        match self.ask(version, TxnRequest::InitProducerId(request)) {
            TxnAnswer::InitProducerId(a) => given(a.error_code, a.producer_id, a.producer_epoch),
            other => panic!("{other:?}"),
        }
    }

    /// A new producer takes over the id.
    pub fn init(&mut self, id: &str) -> Given {
        self.init_with(INIT, World::init_request(id))
    }

    /// A producer that has this producer id and epoch goes on after an error.
    pub fn reinit(&mut self, id: &str, producer_id: i64, producer_epoch: i16) -> Given {
        self.init_with(INIT, InitProducerIdRequest { producer_id, producer_epoch, ..World::init_request(id) })
    }

    pub fn ask_partitions(
        &mut self,
        version: i16,
        id: &str,
        (producer_id, producer_epoch): (i64, i16),
        partitions: &[&str],
        purpose: Purpose,
    ) -> Vec<ErrorCode> {
        let add = AddPartitions {
            transactional_id: id.into(),
            producer_id,
            producer_epoch,
            partitions: partitions.iter().map(|p| partition(p)).collect(),
            purpose,
        };
        match self.ask(version, TxnRequest::AddPartitions(add)) {
            TxnAnswer::AddPartitions(results) => results.into_iter().map(|(_, error)| error).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Adds partitions in transaction version 2; all fare alike.
    pub fn add(&mut self, id: &str, producer: (i64, i16), partitions: &[&str]) -> ErrorCode {
        let all = self.ask_partitions(5, id, producer, partitions, Purpose::Add(TransactionVersion::V2));
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
        all[0]
    }

    /// Adds partitions as a client of transaction version 1 does.
    pub fn add_v1(&mut self, id: &str, producer: (i64, i16), partitions: &[&str]) -> ErrorCode {
        self.ask_partitions(3, id, producer, partitions, Purpose::Add(TransactionVersion::V0))[0]
    }

    pub fn verify(&mut self, id: &str, producer: (i64, i16), partitions: &[&str]) -> Vec<ErrorCode> {
        self.ask_partitions(5, id, producer, partitions, Purpose::Verify)
    }

    pub fn end_in(&mut self, version: i16, id: &str, (producer_id, producer_epoch): (i64, i16), committed: bool) -> Given {
        match self.ask(version, TxnRequest::EndTxn(end_request(id, (producer_id, producer_epoch), committed))) {
            TxnAnswer::EndTxn(a) => given(a.error_code, a.producer_id, a.producer_epoch),
            other => panic!("{other:?}"),
        }
    }

    pub fn commit(&mut self, id: &str, producer: (i64, i16)) -> Given {
        self.end_in(END, id, producer, true)
    }

    pub fn abort(&mut self, id: &str, producer: (i64, i16)) -> Given {
        self.end_in(END, id, producer, false)
    }

    /// Commits or aborts in transaction version 1.
    pub fn end_v1(&mut self, id: &str, producer: (i64, i16), committed: bool) -> ErrorCode {
        self.end_in(END_V1, id, producer, committed).err().unwrap_or(ErrorCode::None)
    }

    pub fn describe(&mut self, id: &str) -> Described {
        match self.ask(0, TxnRequest::DescribeTransaction(id.into())) {
            TxnAnswer::DescribeTransaction(described) => described,
            other => panic!("{other:?}"),
        }
    }

    pub fn list(&mut self, filter: ListFilter) -> Vec<String> {
        match self.ask(2, TxnRequest::ListTransactions(filter)) {
            TxnAnswer::ListTransactions(listed) => listed.unwrap().into_iter().map(|t| t.transactional_id).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub fn txn(&self, id: &str) -> &Txn {
        self.shard.machine().get(id).unwrap()
    }

    pub fn state(&self, id: &str) -> TxnState {
        self.txn(id).state
    }

    /// Makes the id's record as if its history had led there.
    pub fn rewrite(&mut self, id: &str, change: impl FnOnce(&mut Txn)) {
        let mut records = self.shard.machine().snapshot();
        let record = records.iter_mut().find(|r| r.transactional_id == id).unwrap();
        change(record.txn.as_mut().unwrap());
        let (key, value) = TxnShard::encode(record).unwrap();
        self.shard.log_mut().push(key, value);
        self.crash();
    }
}

fn given(error_code: i16, producer_id: i64, epoch: i16) -> Given {
    match ErrorCode::from_code(error_code) {
        ErrorCode::None => Ok((producer_id, epoch)),
        error => {
            assert_eq!((producer_id, epoch), (-1, -1), "an error and an id");
            Err(error)
        }
    }
}

pub fn end_request(id: &str, (producer_id, producer_epoch): (i64, i16), committed: bool) -> EndTxnRequest {
    EndTxnRequest { transactional_id: id.into(), producer_id, producer_epoch, committed }
}

/// `topic-partition`
pub fn partition(name: &str) -> TopicPartition {
    let (topic, partition) = name.rsplit_once('-').unwrap();
    TopicPartition::new(topic, partition.parse().unwrap())
}
