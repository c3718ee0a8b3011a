//! The task that sends: takes due batches, hands the verdicts back to the machine, keeps metadata and identity at hand.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use kfk_wire::ErrorCode;
use kfk_wire::init_producer_id_request::InitProducerIdRequest;

use super::Shared;
use super::record::{Delivery, RecordMetadata};
use super::request::{Verdict, produce};
use super::telling::Telling;
use super::transactions;
use crate::client::error::{Error, check};
use crate::config::ProducerConfig;
use crate::machine::producer::{Outcome, ProducerIdentity, ReadyBatch};
use crate::types::NodeId;

/// The task looks around this often even when nothing seems to happen.
const LONGEST: Duration = Duration::from_secs(60);

/// A lookup that runs beside the sending, at most one at a time, with growing pauses while it does not help.
#[derive(Debug)]
struct Lookup {
    running: bool,
    not_before: Instant,
    tries: u32,
}

impl Lookup {
    fn new() -> Lookup {
        Lookup { running: false, not_before: Instant::now(), tries: 0 }
    }

    /// Whether to start it now; it counts as running from then on.
    fn start(&mut self) -> bool {
        let go = !self.running && Instant::now() >= self.not_before;
        self.running |= go;
        go
    }

    fn done(&mut self, pause: Duration) {
        self.running = false;
        self.tries = self.tries.saturating_add(1);
        self.not_before = Instant::now() + pause;
    }
}

/// What runs beside the sending, and what went wrong with it.
#[derive(Debug)]
pub(super) struct Jobs {
    metadata: Lookup,
    identity: Lookup,
    /// When metadata is too old.
    metadata_due: Instant,
    trouble: Option<Error>,
}

impl Jobs {
    pub fn new(config: &ProducerConfig) -> Jobs {
        Jobs { metadata: Lookup::new(), identity: Lookup::new(), metadata_due: Instant::now() + max_age(config), trouble: None }
    }

    pub fn note(&mut self, trouble: Error) {
        self.trouble = Some(trouble);
    }

    /// Why lookups or requests have failed lately: what a record that was given up may have waited for.
    pub fn trouble(&self) -> Option<Error> {
        self.trouble.clone()
    }
}

fn max_age(config: &ProducerConfig) -> Duration {
    Duration::from_millis(config.client.metadata_max_age_ms.max(100))
}

/// Runs until the last `Producer` is gone.
pub(super) async fn run(producer: Weak<Shared>) {
    let Some(work) = producer.upgrade().map(|shared| shared.work.clone()) else { return };
    loop {
        // Held only while it works: the producer must not live on in its own task.
        let Some(shared) = producer.upgrade() else { return };
        let until = step(&shared);
        drop(shared);
        tokio::select! {
            () = work.notified() => {}
            () = tokio::time::sleep_until(until.into()) => {}
        }
    }
}

/// One round. Returns when to have the next unless something happens before.
fn step(shared: &Arc<Shared>) -> Instant {
    let now = shared.now();
    let metadata = shared.client.metadata();
    let (expired, given_up, drained, ask, anonymous, deadline) = {
        let mut guard = shared.state.lock();
        let state = &mut *guard;
        let expired = state.batches.expire(now);
        let expired = (!expired.is_empty()).then(|| (expired, state.tellings.begin()));
        let given_up = transactions::settle(state, expired.iter().flat_map(|(expired, _)| expired));
        let (batches, txn) = (&mut state.batches, &mut state.transactions);
        let may_send = |topic: &str, partition| txn.as_ref().is_none_or(|t| t.may_send(topic, partition));
        let drained = batches.drain_where(now, may_send, |topic, partition| metadata.leader(topic, partition));
        let before = txn.as_ref().map(|t| t.stage());
        let ask = txn.as_mut().and_then(|t| t.next(now, batches.is_empty()));
        if txn.as_ref().map(|t| t.stage()) != before {
            // A transaction with nothing in it has ended without a request.
            shared.progress.notify_waiters();
        }
        let anonymous = txn.is_none() && batches.needs_identity() && !batches.is_empty();
        let retry = txn.as_ref().and_then(|t| t.next_deadline());
        let deadline = [batches.next_deadline(now), retry].into_iter().flatten().min();
        (expired, given_up, drained, ask, anonymous, deadline)
    };
    if let Some((expired, number)) = expired {
        tell_expired(&Telling { shared, number }, expired);
    }
    transactions::tell(shared, given_up);
    if let Some(ask) = ask {
        tokio::spawn(transactions::ask(shared.clone(), ask));
    }
    for (node, batches) in drained.requests {
        start_in_order(send(shared.clone(), node, batches));
    }
    let mut jobs = shared.jobs.lock();
    if !drained.unknown_leaders && !jobs.metadata.running {
        jobs.metadata.tries = 0;
    }
    let stale = Instant::now() >= jobs.metadata_due;
    if (drained.unknown_leaders || stale) && jobs.metadata.start() {
        tokio::spawn(refresh(shared.clone()));
    }
    if anonymous && jobs.identity.start() {
        tokio::spawn(renew_identity(shared.clone()));
    }
    // A lookup that runs wakes this task when it is done.
    let mut until = Instant::now() + LONGEST;
    if !jobs.metadata.running {
        until = until.min(jobs.metadata_due.max(jobs.metadata.not_before));
    }
    if drained.unknown_leaders && !jobs.metadata.running {
        until = until.min(jobs.metadata.not_before);
    }
    if anonymous && !jobs.identity.running {
        until = until.min(jobs.identity.not_before);
    }
    let deadline = deadline.map(|d| Instant::now() + Duration::from_millis(d.since(now).max(1)));
    deadline.map_or(until, |d| d.min(until))
}

/// Asks for the metadata of the topics in use.
async fn refresh(shared: Arc<Shared>) {
    let topics = shared.state.lock().routes.topics();
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let result = shared.client.refresh_creating(&names, true).await;
    {
        let mut jobs = shared.jobs.lock();
        let pause = shared.client.backoff(jobs.metadata.tries);
        jobs.metadata.done(pause);
        match result {
            Ok(known) => {
                if let Some(code) = names.iter().find_map(|n| known.refused.get(*n)) {
                    jobs.trouble = Some(Error::Broker { code: *code, message: None });
                }
                jobs.metadata_due = Instant::now() + max_age(&shared.config);
            }
            Err(error) => jobs.trouble = Some(error),
        }
    }
    shared.work.notify_one();
}

/// Asks for a producer id.
async fn renew_identity(shared: Arc<Shared>) {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    let answer = shared.client.call_any(&request).await;
    let result = answer.and_then(|a| check(a.error_code, None).map(|()| ProducerIdentity { id: a.producer_id, epoch: a.producer_epoch }));
    let pause = shared.client.backoff(shared.jobs.lock().identity.tries);
    shared.jobs.lock().identity.done(pause);
    match result {
        Ok(identity) => {
            shared.jobs.lock().identity = Lookup::new();
            shared.state.lock().batches.set_identity(identity);
        }
        Err(error) if error.is_retriable() => shared.jobs.lock().trouble = Some(error),
        Err(error) => {
            let (given_up, number) = {
                let mut state = shared.state.lock();
                state.fatal = Some(error.clone());
                (state.batches.abandon(error.code().unwrap_or(ErrorCode::UnknownServerError)), state.tellings.begin())
            };
            let telling = Telling { shared: &shared, number };
            tell_all(given_up, &error);
            drop(telling);
        }
    }
    shared.work.notify_one();
}

/// Runs a request up to the first thing it waits for, then beside the others: so that requests are handed to a connection in the order in
/// which they were drained, whatever the threads do.
fn start_in_order(request: impl Future<Output = ()> + Send + 'static) {
    let mut request = Box::pin(request);
    let now = request.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    if now.is_pending() {
        tokio::spawn(request);
    }
}

/// One Produce request from send to verdict.
async fn send(shared: Arc<Shared>, node: NodeId, batches: Vec<ReadyBatch>) {
    let verdicts = produce(&shared, node, batches).await;
    let now = shared.now();
    let (outcomes, given_up, number) = {
        let mut guard = shared.state.lock();
        let state = &mut *guard;
        state.batches.request_done(node);
        let result = |v: Verdict| {
            let code = v.error.as_ref().map(|(code, _)| *code);
            Some((state.batches.on_result(now, v.id, code, v.base_offset, v.log_append_time)?, v))
        };
        let outcomes: Vec<_> = verdicts.into_iter().filter_map(result).collect();
        let given_up = transactions::settle(state, outcomes.iter().map(|(o, _)| o));
        (outcomes, given_up, state.tellings.begin())
    };
    let telling = Telling { shared: &shared, number };
    let moved = outcomes.iter().any(|(o, _)| matches!(o, Outcome::Retrying { refresh: true }));
    {
        let mut jobs = shared.jobs.lock();
        jobs.trouble = outcomes.iter().find_map(|(_, v)| v.error.as_ref().map(|(_, e)| e.clone()));
        if moved {
            jobs.metadata_due = Instant::now();
        }
    }
    for (outcome, verdict) in outcomes {
        tell(outcome, &verdict);
    }
    drop(telling);
    transactions::tell(shared.as_ref(), given_up);
    shared.work.notify_one();
}

/// Tells every record of a batch what became of it.
fn tell(outcome: Outcome<Delivery>, verdict: &Verdict) {
    match outcome {
        Outcome::Delivered(d) => {
            for (i, delivery) in (0..).zip(d.deliveries) {
                delivery.delivered(|| RecordMetadata {
                    topic: d.topic.clone(),
                    partition: d.partition,
                    offset: if d.base_offset < 0 { -1 } else { d.base_offset + i },
                    log_append_time: d.log_append_time,
                });
            }
        }
        Outcome::Failed { error: code, deliveries, .. } => {
            for (place, delivery) in deliveries.into_iter().enumerate() {
                delivery.failed(&verdict.error_of(place).unwrap_or(Error::Broker { code, message: None }));
            }
        }
        Outcome::Expired { .. } | Outcome::Retrying { .. } => {}
    }
}

fn tell_expired(telling: &Telling<'_>, expired: Vec<Outcome<Delivery>>) {
    let shared = telling.shared;
    let after = Duration::from_millis(shared.config.delivery_timeout_ms);
    for outcome in expired {
        let Outcome::Expired { last, deliveries } = outcome else { continue };
        let broker = last.filter(|c| *c != ErrorCode::NetworkException).map(|code| Error::Broker { code, message: None });
        let last = broker.or_else(|| shared.jobs.lock().trouble()).map(Box::new);
        let error = Error::TimedOut { what: "sending a record".into(), after, last };
        deliveries.into_iter().for_each(|d| d.failed(&error));
    }
}

/// Tells the same to every record of batches that were given up.
pub(super) fn tell_all(given_up: Vec<Outcome<Delivery>>, error: &Error) {
    for outcome in given_up {
        if let Outcome::Failed { deliveries, .. } = outcome {
            deliveries.into_iter().for_each(|d| d.failed(error));
        }
    }
}
