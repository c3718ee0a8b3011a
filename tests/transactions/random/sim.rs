//! The world of a random history: a network that is late, a coordinator on a log that is not to be relied on.

use std::collections::{BTreeMap, BTreeSet};

use kfk::machine::coordinator::{Context, Token};
use kfk::machine::partition::txn::{Guard, Support};
use kfk::machine::txn::{
    AddPartitions, LAST_CLIENT_EPOCH, MarkerOutcome, Purpose, TransactionVersion, Txn, TxnAnswer, TxnConfig, TxnEffect, TxnEvent,
    TxnRecord, TxnRequest, TxnShard, TxnState, WriteMarkers,
};
use kfk::node::shard::{Released, Shard};
use kfk::rng::Rng;
use kfk::types::{MonoMs, Now, TopicPartition, WallMs};
use kfk::wire::ErrorCode;
use kfk::wire::init_producer_id_request::InitProducerIdRequest;

use super::Counts;
use super::client::{Ask, Attempt, Client, Producer, What};
use super::partition::Partition;
use crate::driver::{END, END_V1, INIT, START, end_request};
use crate::memory_log::{Fault, MemoryLog};

const TIMEOUT_MS: u64 = 30_000;
const COMMIT_TIMEOUT_MS: u64 = 5_000;

/// What may happen in a history.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The transaction version that clients speak.
    version: i16,
    /// Both producers use one transactional id.
    shared_id: bool,
    /// Epochs are nearly used up.
    old_epochs: bool,
    /// Appends may be committed late, or never.
    replicated: bool,
    deletes_partitions: bool,
}

impl Rules {
    pub fn of(seed: u64) -> Rules {
        Rules {
            version: if seed.is_multiple_of(3) { 1 } else { 2 },
            shared_id: seed.is_multiple_of(2),
            old_epochs: seed.is_multiple_of(5),
            replicated: seed % 4 < 2,
            deletes_partitions: seed.is_multiple_of(7),
        }
    }
}

/// Something under way.
enum Message {
    Ask(Ask),
    /// A batch whose transaction was verified comes back to its partition.
    Append {
        ask: Ask,
        guard: Option<Guard>,
    },
    Marker {
        job: WriteMarkers,
        partition: TopicPartition,
    },
}

/// A question that the coordinator has not answered.
enum Pending {
    Client(Ask),
    Leader { ask: Ask, guard: Guard },
}

impl Pending {
    fn ask(&self) -> &Ask {
        match self {
            Pending::Client(ask) | Pending::Leader { ask, .. } => ask,
        }
    }
}

pub struct Sim {
    rules: Rules,
    rng: Rng,
    now: Now,
    config: TxnConfig,
    shard: Shard<TxnShard, MemoryLog>,
    coordinator_epoch: i32,
    next_producer_id: i64,
    next_token: u64,
    pending: BTreeMap<Token, Pending>,
    /// Each message with whether it is one of those that take very long.
    network: Vec<(Message, bool)>,
    partitions: BTreeMap<TopicPartition, Partition>,
    deleted: BTreeSet<TopicPartition>,
    clients: Vec<Client>,
    fresh_value: u64,
    /// Who was initialized last under each transactional id: client and instance.
    owners: BTreeMap<String, (usize, u64)>,
    faults: bool,
    counts: Counts,
}

impl Sim {
    pub fn new(seed: u64, rules: Rules) -> Self {
        let config = TxnConfig { transaction_version: rules.version, ..Default::default() };
        let now = Now { wall: WallMs(START), mono: MonoMs(1_000) };
        let ids = if rules.shared_id { ["x", "x"] } else { ["x", "y"] };
        let mut log = MemoryLog::default();
        if rules.old_epochs {
            nearly_use_up_epochs(&mut log, ids);
        }
        let shard = Shard::new(TxnShard::new(config.clone(), 1), log, COMMIT_TIMEOUT_MS);
        let clients = ids.iter().enumerate().map(|(i, id)| Client::new(i, id, rules.version)).collect();
        let partitions = ["a-0", "a-1", "b-0"].map(|name| (crate::driver::partition(name), Partition::default()));
        Sim {
            rng: Rng::new(seed),
            now,
            config,
            shard,
            coordinator_epoch: 1,
            next_producer_id: 100,
            next_token: 1,
            pending: BTreeMap::new(),
            network: Vec::new(),
            partitions: partitions.into(),
            deleted: BTreeSet::new(),
            clients,
            fresh_value: 0,
            owners: BTreeMap::new(),
            faults: true,
            counts: Counts::default(),
            rules,
        }
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.rng.below(n) == 0
    }

    /// A misfortune that does not happen once all shall come to rest.
    fn mishap(&mut self, one_in: u64) -> bool {
        self.faults && self.one_in(one_in)
    }

    pub fn step(&mut self) {
        match self.rng.below(200) {
            0..100 => self.deliver(),
            100..160 => self.client_acts(),
            160..176 => self.client_asks_again(),
            176..188 => {
                let ms = [1, 20, 100, 300, 1_000, 8_000][self.rng.below(6) as usize];
                self.pass(ms);
            }
            188..190 => self.fail_next_append(),
            190..194 => self.hold_or_commit(),
            194 => self.crash(),
            // A log that falls behind is often one that is about to be lost.
            198 if self.shard.log().committed_at.is_some() => self.crash(),
            195 => {
                let client = self.rng.below(2) as usize;
                self.clients[client].restart();
            }
            196 => {
                let partition = self.any_partition();
                self.partitions.get_mut(&partition).unwrap().change_leader();
            }
            197 => self.delete_partition(),
            _ => {}
        }
        self.check();
    }

    /// No more mishaps and no new work: everything that was begun ends.
    pub fn come_to_rest(&mut self) {
        self.faults = false;
        self.shard.log_mut().fault = None;
        for client in &mut self.clients {
            client.restart();
        }
        for _ in 0..2_000 {
            self.shard.log_mut().committed_at = None;
            while !self.network.is_empty() {
                self.deliver();
                self.check();
            }
            self.pass(1_000);
            self.check();
            let busy = self.shard.machine().iter().any(|(_, txn)| !txn.state.is_idle());
            if !busy && self.network.is_empty() && self.shard.is_active() {
                return self.reckon();
            }
        }
        panic!("it does not come to rest");
    }

    pub fn counts(&self) -> Counts {
        let attempts = || self.clients.iter().flat_map(|c| &c.attempts);
        let count = |f: fn(&Attempt) -> bool| attempts().filter(|a| f(a)).count() as u64;
        Counts {
            committed: count(|a| a.outcome == Some(true)),
            aborted: count(|a| a.outcome == Some(false)),
            undecided: count(|a| a.outcome.is_none() && a.commit_sent),
            fenced: self.clients.iter().map(|c| c.fenced).sum(),
            ..self.counts
        }
    }

    fn any_partition(&mut self) -> TopicPartition {
        let at = self.rng.below(self.partitions.len() as u64) as usize;
        self.partitions.keys().nth(at).unwrap().clone()
    }

    fn client_acts(&mut self) {
        let at = self.rng.below(2) as usize;
        let partitions: Vec<TopicPartition> = self.partitions.keys().cloned().collect();
        let Some(ask) = self.clients[at].next(&mut self.rng, &partitions, &mut self.fresh_value) else { return };
        self.post(ask);
    }

    fn send(&mut self, message: Message) {
        let slow = self.mishap(6);
        self.network.push((message, slow));
    }

    fn post(&mut self, ask: Ask) {
        // Before KIP-890 a request that comes twice can do harm; that hole is in the protocol (E12).
        if self.rules.version >= 2 && self.one_in(6) {
            self.counts.repeated += 1;
            self.send(Message::Ask(ask.clone()));
        }
        self.send(Message::Ask(ask));
    }

    fn client_asks_again(&mut self) {
        let at = self.rng.below(2) as usize;
        let Some(ask) = self.clients[at].asked.clone() else { return };
        if self.rules.version >= 2 || !self.is_under_way(&ask) {
            self.send(Message::Ask(ask));
        }
    }

    fn is_under_way(&self, ask: &Ask) -> bool {
        let same = |other: &Ask| (other.client, other.instance, other.number) == (ask.client, ask.instance, ask.number);
        let in_network = self.network.iter().any(|(message, _)| match message {
            Message::Ask(other) | Message::Append { ask: other, .. } => same(other),
            Message::Marker { .. } => false,
        });
        in_network || self.pending.values().map(Pending::ask).any(same)
    }

    /// Anything under way may be the next to arrive.
    fn deliver(&mut self) {
        let late = self.one_in(40) || !self.faults;
        let ready: Vec<usize> = (0..self.network.len()).filter(|at| late || !self.network[*at].1).collect();
        if ready.is_empty() {
            return;
        }
        let at = ready[self.rng.below(ready.len() as u64) as usize];
        match self.network.swap_remove(at).0 {
            Message::Ask(_) | Message::Append { .. } if self.mishap(12) => {} // lost
            Message::Ask(ask) => self.arrive(ask),
            Message::Append { ask, guard } => self.append(ask, guard),
            Message::Marker { job, partition } => self.write_marker(job, partition),
        }
    }

    fn arrive(&mut self, ask: Ask) {
        let id = self.clients[ask.client].transactional_id.clone();
        let v2 = self.rules.version >= 2;
        match &ask.what {
            What::Init => {
                let request = InitProducerIdRequest {
                    transactional_id: Some(id),
                    transaction_timeout_ms: TIMEOUT_MS as i32,
                    producer_id: -1,
                    producer_epoch: -1,
                    ..Default::default()
                };
                self.ask_coordinator(INIT, TxnRequest::InitProducerId(request), Pending::Client(ask));
            }
            What::Add { producer, partition } => {
                let add = self.add_request(id, *producer, partition, Purpose::Add(TransactionVersion::V0));
                self.ask_coordinator(3, add, Pending::Client(ask));
            }
            What::End { producer, commit } => {
                let body = TxnRequest::EndTxn(end_request(&id, *producer, *commit));
                self.ask_coordinator(if v2 { END } else { END_V1 }, body, Pending::Client(ask));
            }
            What::Produce { partition, batch } => {
                let support = self.clients[ask.client].support();
                let Some(leader) = self.partitions.get_mut(partition) else {
                    return self.answer(&ask, Err(ErrorCode::NotEnoughReplicas));
                };
                match leader.begin(self.now.mono, batch, support) {
                    Err(error) => self.answer(&ask, Err(error)),
                    Ok(None) => self.append(ask, None),
                    Ok(Some(guard)) => {
                        let purpose = if support == Support::Adds { Purpose::Add(TransactionVersion::V2) } else { Purpose::Verify };
                        let add = self.add_request(id, (batch.producer_id, batch.epoch), partition, purpose);
                        self.ask_coordinator(5, add, Pending::Leader { ask, guard });
                    }
                }
            }
        }
    }

    fn add_request(&self, transactional_id: String, producer: Producer, partition: &TopicPartition, purpose: Purpose) -> TxnRequest {
        let (producer_id, producer_epoch) = producer;
        TxnRequest::AddPartitions(AddPartitions {
            transactional_id,
            producer_id,
            producer_epoch,
            partitions: vec![partition.clone()],
            purpose,
        })
    }

    fn append(&mut self, ask: Ask, guard: Option<Guard>) {
        let What::Produce { partition, batch } = &ask.what else { panic!() };
        let outcome = match self.partitions.get_mut(partition) {
            Some(leader) => leader.append(batch, guard),
            None => Err(ErrorCode::NotEnoughReplicas),
        };
        self.answer(&ask, outcome.map(|()| (batch.producer_id, batch.epoch)));
    }

    fn ask_coordinator(&mut self, version: i16, body: TxnRequest, pending: Pending) {
        if self.shard.machine().wants_producer_ids() && !self.mishap(5) {
            let released = self.shard.event(self.now, TxnEvent::ProducerIds { first: self.next_producer_id, count: 1 });
            // A shard that does not listen has not got it.
            self.next_producer_id += 1;
            self.take(released);
        }
        let token = Token(self.next_token);
        self.next_token += 1;
        self.pending.insert(token, pending);
        let context = Context { api_version: version, ..Default::default() };
        let released = self.shard.request(self.now, token, context, body);
        self.take(released);
    }

    fn take(&mut self, released: Vec<Released<TxnAnswer>>) {
        for effect in self.shard.take_effects() {
            let TxnEffect::WriteMarkers(job) = effect;
            for partition in job.partitions.clone() {
                self.send(Message::Marker { job: job.clone(), partition });
            }
        }
        for Released { token, answer } in released {
            let pending = self.pending.remove(&token).expect("a question, and one answer to it");
            let answer = shortened(answer);
            match pending {
                Pending::Client(ask) => self.answer(&ask, answer),
                Pending::Leader { ask, guard } => match answer {
                    Ok(_) => {
                        self.owns(&ask);
                        self.send(Message::Append { ask, guard: Some(guard) });
                    }
                    Err(error) => {
                        let error = self.clients[ask.client].support().produce_error(error);
                        self.answer(&ask, Err(error));
                    }
                },
            }
        }
    }

    fn answer(&mut self, ask: &Ask, answer: Result<Producer, ErrorCode>) {
        if answer.is_ok() {
            match ask.what {
                What::Init => {
                    self.owners.insert(self.clients[ask.client].transactional_id.clone(), (ask.client, ask.instance));
                }
                What::Add { .. } | What::End { .. } => self.owns(ask),
                What::Produce { .. } => {}
            }
        }
        if !self.mishap(12) {
            self.clients[ask.client].answered(ask, answer);
        }
    }

    /// Only whoever was initialized last may do anything.
    fn owns(&self, ask: &Ask) {
        let id = &self.clients[ask.client].transactional_id;
        assert_eq!(self.owners.get(id), Some(&(ask.client, ask.instance)), "{ask:?} was let through");
    }

    fn write_marker(&mut self, job: WriteMarkers, partition: TopicPartition) {
        let failed = [ErrorCode::NotLeaderOrFollower, ErrorCode::NotEnoughReplicas, ErrorCode::UnknownTopicOrPartition];
        let outcome = if self.deleted.contains(&partition) {
            MarkerOutcome::Gone
        } else if self.mishap(4) {
            self.counts.failed_markers += 1;
            MarkerOutcome::Failed(failed[self.rng.below(3) as usize])
        } else {
            let leader = self.partitions.get_mut(&partition).unwrap();
            match leader.write_marker(&job) {
                // It is there, and its writer does not learn it.
                Ok(()) if self.mishap(6) => MarkerOutcome::Failed(ErrorCode::RequestTimedOut),
                Ok(()) => MarkerOutcome::Written,
                Err(error) => MarkerOutcome::Failed(error),
            }
        };
        let results = vec![(partition, outcome)];
        let released = self.shard.event(self.now, TxnEvent::Markers { transactional_id: job.transactional_id, job: job.job, results });
        self.take(released);
    }

    fn pass(&mut self, ms: u64) {
        let end = self.now.mono.plus(ms);
        loop {
            let next = self.shard.next_deadline().filter(|at| *at <= end);
            let mono = next.unwrap_or(end).max(self.now.mono);
            self.now.wall.0 += mono.since(self.now.mono) as i64;
            self.now.mono = mono;
            let overdue = self.shard.machine().iter().filter(|(_, txn)| txn.is_overdue(self.now.wall)).count();
            let was_active = self.shard.is_active();
            let released = self.shard.tick(self.now);
            let still = self.shard.machine().iter().filter(|(_, txn)| txn.is_overdue(self.now.wall)).count();
            self.counts.timed_out += if was_active { overdue.saturating_sub(still) as u64 } else { 0 };
            self.take(released);
            self.after_restart();
            if next.is_none() {
                return;
            }
        }
    }

    /// A shard that has started over by itself does so under the same leader epoch. Before KIP-890 its executor has to see to it that
    /// markers of before are not written any more.
    fn after_restart(&mut self) {
        if !self.shard.is_active() && self.rules.version < 2 {
            self.network.retain(|(message, _)| !matches!(message, Message::Marker { .. }));
        }
    }

    fn fail_next_append(&mut self) {
        self.counts.failed_appends += 1;
        let fault = match self.rng.below(3) {
            0 => Fault::UnknownWritten(ErrorCode::RequestTimedOut),
            1 => Fault::UnknownLost(ErrorCode::KafkaStorageError),
            _ => Fault::Refused(ErrorCode::NotEnoughReplicas),
        };
        self.shard.log_mut().fault = Some(fault);
    }

    fn hold_or_commit(&mut self) {
        let log = self.shard.log_mut();
        match log.committed_at.take() {
            None if self.rules.replicated => log.committed_at = Some(log.end()),
            _ => {
                let released = self.shard.committed(self.now);
                self.take(released);
            }
        }
    }

    /// The coordinator dies; the next one has what was committed, and perhaps more. What it had sent is still under way.
    fn crash(&mut self) {
        self.counts.crashes += 1;
        let mut log = std::mem::take(self.shard.log_mut());
        if let Some(committed) = log.committed_at.take() {
            let lost = self.rng.below((log.end() - committed) as u64 + 1) as i64;
            log.truncate((log.end() - lost).max(committed));
        }
        log.fault = None;
        self.pending.clear();
        self.coordinator_epoch += 1;
        self.shard = Shard::new(TxnShard::new(self.config.clone(), self.coordinator_epoch), log, COMMIT_TIMEOUT_MS);
    }

    fn delete_partition(&mut self) {
        if self.rules.deletes_partitions && self.partitions.len() > 2 {
            let partition = self.any_partition();
            self.partitions.remove(&partition);
            self.deleted.insert(partition);
        }
    }

    fn check(&mut self) {
        self.after_restart();
        self.shard.check().unwrap();
        if !self.shard.is_active() {
            return;
        }
        for (name, partition) in &self.partitions {
            for (producer_id, epoch) in partition.open() {
                let known = self.shard.machine().iter().any(|(_, txn)| {
                    let epochs = match txn.state {
                        TxnState::Ongoing => [txn.epoch, txn.epoch],
                        TxnState::PrepareCommit | TxnState::PrepareAbort => [txn.epoch - 1, txn.epoch],
                        _ => return false,
                    };
                    txn.producer_id == producer_id && epochs.contains(&epoch) && txn.partitions.contains(name)
                });
                assert!(known, "the transaction of ({producer_id}, {epoch}) hangs in {name}");
            }
        }
    }

    /// What every client was told, against what can be read.
    fn reckon(&self) {
        let readable: BTreeSet<u64> = self.partitions.values().flat_map(Partition::readable).collect();
        assert!(self.partitions.values().all(Partition::last_stable_is_end), "the last stable offset is stuck");
        for attempt in self.clients.iter().flat_map(|client| &client.attempts) {
            let kept = attempt.values.iter().filter(|(partition, _)| !self.deleted.contains(partition));
            let seen: Vec<bool> = kept.map(|(_, value)| readable.contains(value)).collect();
            let (all, none) = (seen.iter().all(|s| *s), seen.iter().all(|s| !*s));
            match attempt.outcome {
                Some(true) => assert!(all, "a committed transaction lost something: {attempt:?}"),
                Some(false) => assert!(none, "an aborted transaction can be read: {attempt:?}"),
                None if attempt.commit_sent => assert!(all || none, "a transaction was torn: {attempt:?}"),
                None => assert!(none, "a transaction that was never committed can be read: {attempt:?}"),
            }
        }
        self.check_log();
    }

    /// Every record may follow the one before, and all markers of a transaction say the same as its decision.
    fn check_log(&self) {
        let mut before = BTreeMap::new();
        for record in self.shard.log().records() {
            let Some(txn) = record.txn else { continue };
            txn.check().unwrap();
            if let Some(previous) = before.insert(record.transactional_id, txn.state) {
                assert!(txn.state.may_follow(previous), "{previous:?} -> {txn:?}");
            }
        }
    }
}

/// Leaves the ids a few epochs before their producer ids have to be replaced.
fn nearly_use_up_epochs(log: &mut MemoryLog, ids: [&str; 2]) {
    for (id, producer_id) in ids.into_iter().zip(50..) {
        let mut txn = Txn::new(producer_id, TIMEOUT_MS as i32, WallMs(START));
        txn.epoch = LAST_CLIENT_EPOCH - 3;
        let record = TxnRecord { transactional_id: id.into(), txn: Some(txn), written_under: TransactionVersion::V2 };
        let (key, value) = record.encode().unwrap();
        log.push(key, value);
    }
}

/// An answer as far as a client or a leader cares.
fn shortened(answer: TxnAnswer) -> Result<Producer, ErrorCode> {
    let result = |code: i16, given: Producer| match ErrorCode::from_code(code) {
        ErrorCode::None => Ok(given),
        error => Err(error),
    };
    match answer {
        TxnAnswer::InitProducerId(a) => result(a.error_code, (a.producer_id, a.producer_epoch)),
        TxnAnswer::EndTxn(a) => result(a.error_code, (a.producer_id, a.producer_epoch)),
        TxnAnswer::AddPartitions(results) => result(results[0].1.code(), (-1, -1)),
        other => panic!("{other:?}"),
    }
}
