//! The transaction coordinator of one `__transaction_state` partition (facts E1 to E21).
//!
//! [`TxnShard`] is the machine, `node::shard` carries out what it decides. Its durable state is one record for each transactional id
//! (`state.rs`). A transaction ends in three steps: the decision is appended (`end.rs`), which settles the outcome and answers the client;
//! then its markers are written to all its partitions, as an effect that is repeated until it succeeds (`markers.rs`); then the end of
//! that is appended. The middle step follows from the state alone, so it goes on by itself after a crash.

mod config;
mod end;
mod expiry;
mod init;
mod markers;
mod partitions;
mod query;
mod records;
mod requests;
pub mod shapes;
mod state;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

pub use self::config::TxnConfig;
pub use self::records::TxnRecord;
pub use self::requests::{
    AddPartitions, Job, ListFilter, MarkerOutcome, Purpose, TxnAnswer, TxnEffect, TxnEvent, TxnRequest, WriteMarkers,
};
pub use self::state::{LAST_CLIENT_EPOCH, TransactionVersion, Txn, TxnState};
/// The partition of `__transaction_state` that a transactional id belongs to is found as for groups.
pub use super::group::partition_for;

use self::markers::Ending;
use super::coordinator::{Context, Coordinator, Input, Marker, OutputOf, Position, Skipped, Token};
use crate::types::{MonoMs, Now};
use crate::wire::{EncodeError, ErrorCode};

type TxnOutput = OutputOf<TxnShard>;

/// One transactional id.
#[derive(Clone, Debug)]
struct Entry {
    txn: Txn,
    /// What has still to be done for a transaction that is decided; none in any other state.
    ending: Option<Ending>,
}

/// The coordinator of all transactional ids that one partition of `__transaction_state` holds.
pub struct TxnShard {
    config: TxnConfig,
    /// The leader epoch of the partition; markers carry it, so that a coordinator that was replaced is found out.
    coordinator_epoch: i32,
    ids: BTreeMap<String, Entry>,
    /// The ids whose transaction is open.
    ongoing: BTreeSet<String>,
    /// When to go on with ending which transaction; one entry for each [`Ending`] that has a time.
    work: BTreeSet<(MonoMs, String)>,
    fresh_producer_ids: VecDeque<i64>,
    last_job: Job,
    /// When to look for transactions that are open too long, and for ids that are idle too long; `None` while the partition is read.
    checks: Option<Checks>,
}

#[derive(Clone, Copy, Debug)]
struct Checks {
    timeouts: MonoMs,
    expiry: MonoMs,
}

impl TxnShard {
    /// A coordinator that has read nothing yet, for the given leader epoch of its partition.
    pub fn new(config: TxnConfig, coordinator_epoch: i32) -> Self {
        // Jobs of an earlier term of office are not mistaken for present ones.
        let last_job = Job(u64::from(coordinator_epoch.unsigned_abs()) << 32);
        TxnShard {
            config,
            coordinator_epoch,
            ids: BTreeMap::new(),
            ongoing: BTreeSet::new(),
            work: BTreeSet::new(),
            fresh_producer_ids: VecDeque::new(),
            last_job,
            checks: None,
        }
    }

    /// New settings, for all that happens from now on.
    pub fn configure(&mut self, config: TxnConfig) {
        self.config = config;
    }

    /// Producer ids have run out: [`TxnEvent::ProducerIds`] should bring more before the next request or deadline.
    pub fn wants_producer_ids(&self) -> bool {
        self.fresh_producer_ids.is_empty()
    }

    /// The state of an id, if it is known.
    pub fn get(&self, transactional_id: &str) -> Option<&Txn> {
        self.ids.get(transactional_id).map(|entry| &entry.txn)
    }

    /// All ids with their state.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Txn)> {
        self.ids.iter().map(|(id, entry)| (id.as_str(), &entry.txn))
    }

    /// The durable state as records: applied to an empty shard they give the same.
    pub fn snapshot(&self) -> Vec<TxnRecord> {
        self.iter().map(|(id, txn)| self.record(id, Some(txn.clone()))).collect()
    }

    fn own_version(&self) -> TransactionVersion {
        TransactionVersion(self.config.transaction_version)
    }

    fn record(&self, transactional_id: &str, txn: Option<Txn>) -> TxnRecord {
        TxnRecord { transactional_id: transactional_id.into(), txn, written_under: self.own_version() }
    }

    /// Appends the next state of an id.
    fn store(&self, transactional_id: &str, txn: Txn, out: &mut Vec<TxnOutput>) {
        out.push(TxnOutput::append(vec![self.record(transactional_id, Some(txn))]));
    }

    /// A producer id that nobody has had. Without one the client has to come again.
    fn fresh_producer_id(&mut self) -> Result<i64, ErrorCode> {
        self.fresh_producer_ids.pop_front().ok_or(ErrorCode::CoordinatorLoadInProgress)
    }

    fn request(&mut self, now: Now, token: Token, context: &Context, body: TxnRequest, out: &mut Vec<TxnOutput>) {
        let answer = match body {
            TxnRequest::InitProducerId(request) => requests::init_answer(context, self.init(now, &request, out)),
            TxnRequest::AddPartitions(request) => self.add_partitions(now, context, request, out),
            TxnRequest::EndTxn(request) => requests::end_answer(context, self.end(now, context, &request, out)),
            TxnRequest::ListTransactions(filter) => TxnAnswer::ListTransactions(Ok(self.list(now, &filter))),
            TxnRequest::DescribeTransaction(id) => TxnAnswer::DescribeTransaction(self.describe(&id)),
        };
        out.push(TxnOutput::Answer { token, answer });
    }

    fn event(&mut self, now: Now, event: TxnEvent, out: &mut Vec<TxnOutput>) {
        match event {
            TxnEvent::ProducerIds { first, count } => self.fresh_producer_ids.extend(first..first.saturating_add(count.into())),
            TxnEvent::Markers { transactional_id, job, results } => self.markers_told(now, &transactional_id, job, results, out),
        }
    }

    /// Does one thing that is due; whoever calls comes again.
    fn one_deadline(&mut self, now: Now, out: &mut Vec<TxnOutput>) {
        if let Some((_, id)) = self.work.first().filter(|(at, _)| *at <= now.mono).cloned() {
            return self.go_on_ending(now, &id, out);
        }
        let Some(checks) = &mut self.checks else { return };
        if checks.timeouts <= now.mono {
            checks.timeouts = now.mono.plus(self.config.timeout_check_interval_ms);
            self.abort_overdue(now, out);
        } else if checks.expiry <= now.mono {
            checks.expiry = now.mono.plus(self.config.expiry_check_interval_ms);
            self.expire_ids(now, out);
        }
    }
}

impl Coordinator for TxnShard {
    type Request = TxnRequest;
    type Event = TxnEvent;
    type Record = TxnRecord;
    type Answer = TxnAnswer;
    type Effect = TxnEffect;

    fn decide(&mut self, now: Now, input: Input<TxnRequest, TxnEvent>, out: &mut Vec<TxnOutput>) {
        match input {
            Input::Request { token, context, body } => self.request(now, token, &context, body, out),
            Input::Event(event) => self.event(now, event, out),
            Input::Deadline => self.one_deadline(now, out),
            Input::Loaded => {
                let timeouts = now.mono.plus(self.config.timeout_check_interval_ms);
                self.checks = Some(Checks { timeouts, expiry: now.mono.plus(self.config.expiry_check_interval_ms) });
            }
            // Nothing is assumed before it is applied, and no request ever waits in here.
            Input::AppendFailed { .. } => {}
            Input::Unloaded { .. } => self.checks = None,
        }
    }

    fn apply(&mut self, record: TxnRecord, _at: Position) {
        let id = record.transactional_id;
        self.set_timer(&id, None);
        self.ongoing.remove(&id);
        let Some(txn) = record.txn else {
            self.ids.remove(&id);
            return;
        };
        if txn.state == TxnState::Ongoing {
            self.ongoing.insert(id.clone());
        }
        let ending = txn.state.is_prepared().then(|| Ending::of(&txn));
        let at_once = ending.as_ref().map(|_| MonoMs::default());
        self.ids.insert(id.clone(), Entry { txn, ending });
        self.set_timer(&id, at_once);
    }

    fn forget(&mut self) {
        let fresh = Self::new(self.config.clone(), self.coordinator_epoch);
        let (last_job, fresh_producer_ids) = (self.last_job, std::mem::take(&mut self.fresh_producer_ids));
        *self = TxnShard { last_job, fresh_producer_ids, ..fresh };
    }

    /// This partition is never part of a transaction.
    fn apply_marker(&mut self, _marker: Marker) {}

    fn next_deadline(&self) -> Option<MonoMs> {
        let checks = self.checks?;
        let work = self.work.first().map(|(at, _)| *at);
        let timeouts = (!self.ongoing.is_empty()).then_some(checks.timeouts);
        let expiry = (!self.ids.is_empty()).then_some(checks.expiry);
        work.into_iter().chain(timeouts).chain(expiry).min()
    }

    fn check(&self) -> Result<(), String> {
        let mut producer_ids = BTreeSet::new();
        let mut timers = BTreeSet::new();
        for (id, entry) in &self.ids {
            entry.txn.check().map_err(|broken| format!("{id} {broken}"))?;
            entry.check_ending().map_err(|broken| format!("{id} {broken}"))?;
            timers.extend(entry.ending.as_ref().and_then(Ending::at).map(|at| (at, id.clone())));
            let next = Some(entry.txn.next_producer_id).filter(|next| *next != -1);
            if !next.into_iter().chain([entry.txn.producer_id]).all(|producer_id| producer_ids.insert(producer_id)) {
                return Err(format!("{id} has a producer id of another"));
            }
            if self.ongoing.contains(id) != (entry.txn.state == TxnState::Ongoing) {
                return Err(format!("{id} is {:?}, and the list of open transactions says otherwise", entry.txn.state));
            }
        }
        if timers != self.work {
            return Err("timers and transactions that end do not agree".into());
        }
        if !self.ongoing.iter().all(|id| self.ids.contains_key(id)) {
            return Err("an id that is not known has an open transaction".into());
        }
        if self.fresh_producer_ids.iter().any(|fresh| !producer_ids.insert(*fresh)) {
            return Err("a fresh producer id is in use".into());
        }
        Ok(())
    }

    fn encode(record: &TxnRecord) -> Result<(Bytes, Option<Bytes>), EncodeError> {
        record.encode()
    }

    fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<TxnRecord, Skipped> {
        TxnRecord::decode(key, value)
    }

    fn refuse(context: &Context, body: &TxnRequest, error: ErrorCode) -> TxnAnswer {
        requests::refuse(context, body, error)
    }

    fn fail(answer: TxnAnswer, error: ErrorCode) -> TxnAnswer {
        requests::fail(answer, error)
    }
}
