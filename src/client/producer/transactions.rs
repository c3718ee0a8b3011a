//! Transactions: the user's calls, and the requests that `machine::producer::Transactions` wants sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kfk_wire::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use kfk_wire::add_partitions_to_txn_request::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use kfk_wire::end_txn_request::EndTxnRequest;
use kfk_wire::init_producer_id_request::InitProducerIdRequest;
use kfk_wire::txn_offset_commit_request::{TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};
use kfk_wire::{ErrorCode, Request};

use super::record::Delivery;
use super::sender::tell_all;
use super::telling::Telling;
use super::{Flushing, GroupMetadata, Producer, Shared, State};
use crate::client::admin::GroupOffset;
use crate::client::cluster::Coordinator;
use crate::client::error::Error;
use crate::machine::producer::{Answer, Ask, OffsetToCommit, Outcome, ProducerIdentity, Refusal, Stage, Transactions};
use crate::types::TopicPartition;

/// The newest versions in which partitions and groups are added to a transaction before they are written to (TV1). Newer ones add them by
/// themselves, or end a transaction with a new epoch.
const PRODUCE_TV1: i16 = 11;
const OFFSETS_TV1: i16 = 4;
const END_TV1: i16 = 4;
/// From version 4 on only brokers ask this.
const ADD_PARTITIONS_OF_CLIENTS: i16 = 3;
/// The level of `transaction.version` from which on the second protocol holds.
const TV2: i16 = 2;

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        let broker = |code| Error::Broker { code, message: None };
        match refusal {
            Refusal::MustAbort(code) => Error::MustAbort { because: Box::new(broker(code)) },
            // E11: the last is what TV2 says to a commit after the coordinator has aborted the transaction for its timeout.
            Refusal::Fatal(code @ (ErrorCode::ProducerFenced | ErrorCode::InvalidProducerEpoch | ErrorCode::InvalidTxnState)) => {
                Error::Fenced { code }
            }
            Refusal::Fatal(code) => broker(code),
            misuse => Error::Usage(misuse.to_string()),
        }
    }
}

impl Producer {
    /// Takes the `transactional.id` over: an earlier producer of that id is fenced, and what it left open is aborted. Once, before the
    /// first transaction.
    ///
    /// Errors: no `transactional.id` is set; not done within `max.block.ms` (may be called again); the id may not be used.
    pub async fn init_transactions(&self) -> Result<(), Error> {
        self.transact("initializing transactions", Transactions::init, |t, ()| match t.stage() {
            Stage::Initializing => None,
            Stage::Fatal(code) => Some(Err(Refusal::Fatal(code))),
            _ => Some(Ok(())),
        })
        .await
    }

    /// Begins a transaction: what is sent from now on is seen by readers of committed records together or not at all.
    pub fn begin_transaction(&self) -> Result<(), Error> {
        with_transactions(&mut self.shared.state.lock(), Transactions::begin)
    }

    /// Makes offsets that were consumed part of the transaction: they are committed with it. `group` is who consumed them, as
    /// [`Consumer::group_metadata`](crate::client::Consumer::group_metadata) tells.
    ///
    /// Errors: [`Error::MustAbort`] when the group has given the partitions to another member; [`Error::Fenced`].
    pub async fn send_offsets_to_transaction(
        &self,
        offsets: &BTreeMap<TopicPartition, GroupOffset>,
        group: &GroupMetadata,
    ) -> Result<(), Error> {
        let plain = |o: &GroupOffset| OffsetToCommit { offset: o.offset, leader_epoch: o.leader_epoch, metadata: o.metadata.clone() };
        let offsets: BTreeMap<_, _> = offsets.iter().map(|(tp, o)| (tp.clone(), plain(o))).collect();
        let group = group.clone();
        self.transact("sending offsets", |t| t.send_offsets(group, offsets), |t, number| t.offsets_are_over(*number)).await
    }

    /// Waits until every record of the transaction is stored, and makes them visible.
    ///
    /// Errors: [`Error::MustAbort`] when something of it was lost: call [`abort_transaction`](Self::abort_transaction), then begin anew.
    /// [`Error::Fenced`] when another producer has the id. [`Error::TimedOut`] after `max.block.ms`: nobody knows yet, call this again.
    pub async fn commit_transaction(&self) -> Result<(), Error> {
        let hurry = Flushing::start(&self.shared);
        let done = self.transact("committing the transaction", Transactions::commit, |t, ()| match t.stage() {
            Stage::Committing => None,
            Stage::MustAbort(code) => Some(Err(Refusal::MustAbort(code))),
            Stage::Fatal(code) => Some(Err(Refusal::Fatal(code))),
            _ => Some(Ok(())),
        });
        let done = done.await;
        drop(hurry);
        done
    }

    /// Takes everything of the transaction back. Records that were not sent yet fail with [`Error::Aborted`].
    ///
    /// Errors: [`Error::Fenced`]; [`Error::TimedOut`] after `max.block.ms`: call this again.
    pub async fn abort_transaction(&self) -> Result<(), Error> {
        self.transact("aborting the transaction", Transactions::abort, |t, ()| match t.stage() {
            Stage::Aborting | Stage::Renewing => None,
            Stage::Fatal(code) => Some(Err(Refusal::Fatal(code))),
            _ => Some(Ok(())),
        })
        .await
    }

    /// Does something to the machine and waits until it is over, `max.block.ms` at most.
    async fn transact<T>(
        &self,
        what: &str,
        act: impl FnOnce(&mut Transactions) -> Result<T, Refusal>,
        over: impl Fn(&Transactions, &T) -> Option<Result<(), Refusal>>,
    ) -> Result<(), Error> {
        let limit = Duration::from_millis(self.shared.config.max_block_ms);
        let deadline = Instant::now() + limit;
        let (given_up, handle) = {
            let mut state = self.shared.state.lock();
            let handle = with_transactions(&mut state, act)?;
            (settle(&mut state, &[]), handle)
        };
        tell(&self.shared, given_up);
        loop {
            // Registered before the look, so that nothing in between is missed.
            let progress = self.shared.progress.notified();
            if let Some(result) = self.shared.state.lock().transactions.as_ref().and_then(|t| over(t, &handle)) {
                return result.map_err(Error::from);
            }
            self.shared.work.notify_one();
            if tokio::time::timeout(deadline.saturating_duration_since(Instant::now()), progress).await.is_err() {
                let last = self.shared.jobs.lock().trouble().map(Box::new);
                return Err(Error::TimedOut { what: what.into(), after: limit, last });
            }
        }
    }

    /// Before closing: nobody will end it later.
    pub(super) async fn abort_unfinished(&self) {
        let stage = self.shared.state.lock().transactions.as_ref().map(Transactions::stage);
        if matches!(stage, Some(Stage::InTransaction | Stage::MustAbort(_) | Stage::Aborting)) {
            // What remains open is ended by its timeout.
            let _ = self.abort_transaction().await;
        }
    }
}

fn with_transactions<T>(state: &mut State, act: impl FnOnce(&mut Transactions) -> Result<T, Refusal>) -> Result<T, Error> {
    match &mut state.transactions {
        Some(transactions) => Ok(act(transactions)?),
        None => Err(Error::Usage("Cannot use transactional methods without enabling transactions by setting the transactional.id".into())),
    }
}

impl Shared {
    /// The newest version of Produce to use.
    pub(super) fn produce_cap(&self) -> i16 {
        match &self.state.lock().transactions {
            Some(transactions) if !transactions.is_implicit() => PRODUCE_TV1,
            _ => i16::MAX,
        }
    }
}

/// Records that have no place to go any more, why, and the number of their telling.
pub(super) type GivenUp = Option<(Vec<Outcome<Delivery>>, Error, u64)>;

/// Brings records and transaction into step after either has changed: what failed spoils the transaction, a transaction that is over
/// drops what waits, and a new identity is taken on.
pub(super) fn settle<'a>(state: &mut State, outcomes: impl IntoIterator<Item = &'a Outcome<Delivery>>) -> GivenUp {
    let transactions = state.transactions.as_mut()?;
    for outcome in outcomes {
        match outcome {
            Outcome::Failed { error, .. } => transactions.batch_failed(*error),
            Outcome::Expired { last, .. } => transactions.batch_failed(last.unwrap_or(ErrorCode::RequestTimedOut)),
            Outcome::Delivered(_) | Outcome::Retrying { .. } => {}
        }
    }
    let over = transactions.gives_up();
    state.batches.set_giving_up(over);
    let given_up = over.then(|| {
        let why = match transactions.stage() {
            Stage::MustAbort(code) => Error::from(Refusal::MustAbort(code)),
            Stage::Fatal(code) => Error::from(Refusal::Fatal(code)),
            _ => Error::Aborted,
        };
        (state.batches.give_up_waiting(why.code().unwrap_or(ErrorCode::TransactionAbortable)), why)
    });
    if state.batches.take_lost_sequences() {
        transactions.sequences_lost();
    }
    if let Some(identity) = transactions.identity() {
        state.batches.change_identity(identity);
    }
    let (records, why) = given_up.filter(|(records, _)| !records.is_empty())?;
    Some((records, why, state.tellings.begin()))
}

/// Tells those who wait for these records.
pub(super) fn tell(shared: &Shared, given_up: GivenUp) {
    if let Some((records, why, number)) = given_up {
        let telling = Telling { shared, number };
        tell_all(records, &why);
        drop(telling);
    }
}

/// Sends what the machine asks for and hands the answer back.
pub(super) async fn ask(shared: std::sync::Arc<Shared>, ask: Ask) {
    let answer = send(&shared, &ask).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let lost = error.is_retriable() && error.code().is_none();
            let answer = if lost { Answer::Lost } else { Answer::Refused(error.code().unwrap_or(ErrorCode::UnsupportedVersion)) };
            shared.jobs.lock().note(error);
            answer
        }
    };
    let now = shared.now();
    let given_up = {
        let mut state = shared.state.lock();
        if let Some(transactions) = &mut state.transactions {
            transactions.answered(now, answer);
        }
        settle(&mut state, &[])
    };
    tell(&shared, given_up);
    shared.progress.notify_waiters();
    shared.work.notify_one();
}

async fn send(shared: &Shared, ask: &Ask) -> Result<Answer, Error> {
    let id = shared.config.transactional_id.as_deref().unwrap_or_default();
    let (identity, implicit) = {
        let state = shared.state.lock();
        let transactions = state.transactions.as_ref();
        (transactions.and_then(Transactions::identity), transactions.is_some_and(Transactions::is_implicit))
    };
    let none = ProducerIdentity { id: -1, epoch: -1 };
    let me = identity.unwrap_or(none);
    match ask {
        Ask::Init { identity } => init(shared, id, identity.unwrap_or(none)).await,
        Ask::AddPartitions(partitions) => {
            let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
            partitions.iter().for_each(|tp| topics.entry(&tp.topic).or_default().push(tp.partition));
            let topic = |(name, partitions): (&str, _)| AddPartitionsToTxnTopic { name: name.to_string(), partitions };
            let request = AddPartitionsToTxnRequest {
                v3_and_below_transactional_id: id.to_string(),
                v3_and_below_producer_id: me.id,
                v3_and_below_producer_epoch: me.epoch,
                v3_and_below_topics: topics.into_iter().map(topic).collect(),
                ..Default::default()
            };
            let answer = call(shared, Coordinator::Transaction, id, &request, ADD_PARTITIONS_OF_CLIENTS).await?;
            let each = answer.results_by_topic_v3_and_below.into_iter().flat_map(|t| {
                let name = t.name;
                t.results_by_partition.into_iter().map(move |p| (name.clone(), p.partition_index, p.partition_error_code))
            });
            Ok(per_partition(shared, Coordinator::Transaction, id, each))
        }
        Ask::AddOffsets { group } => {
            let request = AddOffsetsToTxnRequest {
                transactional_id: id.to_string(),
                producer_id: me.id,
                producer_epoch: me.epoch,
                group_id: group.clone(),
            };
            let answer = call(shared, Coordinator::Transaction, id, &request, i16::MAX).await?;
            Ok(single(shared, id, answer.error_code).unwrap_or(Answer::Done))
        }
        Ask::CommitOffsets { group, offsets } => {
            let request = offsets_request(id, me, group, offsets);
            let cap = if implicit { i16::MAX } else { OFFSETS_TV1 };
            let answer = call(shared, Coordinator::Group, &group.group, &request, cap).await?;
            let each = answer.topics.into_iter().flat_map(|t| {
                let name = t.name;
                t.partitions.into_iter().map(move |p| (name.clone(), p.partition_index, p.error_code))
            });
            Ok(per_partition(shared, Coordinator::Group, &group.group, each))
        }
        Ask::End { commit } => {
            let request =
                EndTxnRequest { transactional_id: id.to_string(), producer_id: me.id, producer_epoch: me.epoch, committed: *commit };
            let answer = call(shared, Coordinator::Transaction, id, &request, if implicit { i16::MAX } else { END_TV1 }).await?;
            let next = ProducerIdentity { id: answer.producer_id, epoch: answer.producer_epoch };
            let next = (implicit && next.id >= 0).then_some(next);
            Ok(single(shared, id, answer.error_code).unwrap_or(Answer::Ended(next)))
        }
    }
}

async fn init(shared: &Shared, id: &str, identity: ProducerIdentity) -> Result<Answer, Error> {
    let request = InitProducerIdRequest {
        transactional_id: Some(id.to_string()),
        transaction_timeout_ms: shared.config.transaction_timeout_ms,
        producer_id: identity.id,
        producer_epoch: identity.epoch,
        ..Default::default()
    };
    let answer = call(shared, Coordinator::Transaction, id, &request, i16::MAX).await?;
    if let Some(refused) = single(shared, id, answer.error_code) {
        return Ok(refused);
    }
    let node = shared.client.coordinator(Coordinator::Transaction, id).await?;
    let implicit = shared.client.feature(node, "transaction.version").await? >= TV2;
    Ok(Answer::Identity { identity: ProducerIdentity { id: answer.producer_id, epoch: answer.producer_epoch }, implicit })
}

fn offsets_request(
    id: &str,
    me: ProducerIdentity,
    group: &GroupMetadata,
    offsets: &BTreeMap<TopicPartition, OffsetToCommit>,
) -> TxnOffsetCommitRequest {
    let mut topics: BTreeMap<&str, Vec<TxnOffsetCommitRequestPartition>> = BTreeMap::new();
    for (tp, o) in offsets {
        topics.entry(&tp.topic).or_default().push(TxnOffsetCommitRequestPartition {
            partition_index: tp.partition,
            committed_offset: o.offset,
            committed_leader_epoch: o.leader_epoch,
            committed_metadata: Some(o.metadata.clone()),
        });
    }
    let topic = |(name, partitions): (&str, _)| TxnOffsetCommitRequestTopic { name: name.to_string(), partitions };
    TxnOffsetCommitRequest {
        transactional_id: id.to_string(),
        group_id: group.group.clone(),
        producer_id: me.id,
        producer_epoch: me.epoch,
        generation_id: group.generation,
        member_id: group.member_id.clone(),
        group_instance_id: group.instance_id.clone(),
        topics: topics.into_iter().map(topic).collect(),
    }
}

/// Asks the coordinator of `key`, once; one that cannot be reached is looked up anew the next time.
async fn call<R: Request>(shared: &Shared, kind: Coordinator, key: &str, request: &R, cap: i16) -> Result<R::Response, Error> {
    let node = shared.client.coordinator(kind, key).await?;
    let answer = shared.client.call_node_capped(node, request, cap).await;
    if let Err(error) = &answer {
        shared.client.forget_if_moved(kind, key, error);
    }
    answer
}

/// What the transaction coordinator refuses; `None` when it does not.
fn single(shared: &Shared, id: &str, code: i16) -> Option<Answer> {
    let code = ErrorCode::from_code(code).ok().err()?;
    shared.note_refusal(Coordinator::Transaction, id, code);
    Some(Answer::Refused(code))
}

fn per_partition(shared: &Shared, kind: Coordinator, key: &str, each: impl Iterator<Item = (String, i32, i16)>) -> Answer {
    let read = |(topic, partition, code): (String, i32, i16)| (TopicPartition::new(topic, partition), ErrorCode::from_code(code));
    let each: BTreeMap<TopicPartition, ErrorCode> = each.map(read).collect();
    if let Some(code) = each.values().find(|c| **c != ErrorCode::None) {
        shared.note_refusal(kind, key, *code);
    }
    Answer::Partitions(each)
}

impl Shared {
    /// Remembers what was in the way, and forgets a coordinator that is none any more.
    fn note_refusal(&self, kind: Coordinator, key: &str, code: ErrorCode) {
        let error = Error::Broker { code, message: None };
        self.client.forget_if_moved(kind, key, &error);
        self.jobs.lock().note(error);
    }
}
