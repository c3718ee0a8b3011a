//! What an answer, or the lack of one, means for a batch: delivered, tried again, cut in two, given up.

use kfk_wire::ErrorCode;

use super::accumulator::{Accumulator, InFlight};
use super::batch::{Batch, BatchId, Delivered};
use super::options::Outcome;
use crate::record::CompressionRatio;
use crate::types::MonoMs;

impl<D> Accumulator<D> {
    /// The answer for one batch. `error` None means stored, at `base_offset`. Unknown ids are ignored (`None`).
    pub fn on_result(
        &mut self,
        now: MonoMs,
        id: BatchId,
        error: Option<ErrorCode>,
        base_offset: i64,
        log_append_time: i64,
    ) -> Option<Outcome<D>> {
        let InFlight { queue: at, batch, first } = self.in_flight.remove(&id)?;
        self.queues[at].in_flight -= 1;
        let Some(error) = error.filter(|e| *e != ErrorCode::DuplicateSequenceNumber) else {
            self.finish(&batch);
            self.queues[at].known |= batch.sequence.is_some_and(|(producer, _)| Some(producer) == self.queues[at].identity);
            let (topic, partition, deliveries) = (self.name_of(at).to_string(), self.queues[at].partition, batch.deliveries);
            return Some(Outcome::Delivered(Delivered { topic, partition, base_offset, log_append_time, deliveries }));
        };
        let batch = match error {
            ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge if batch.records() > 1 => match self.cut(at, batch) {
                Ok(()) => return Some(Outcome::Retrying { refresh: false }),
                Err(whole) => *whole,
            },
            _ => batch,
        };
        Some(self.failed(now, at, batch, first, error))
    }

    /// Two smaller batches in place of one that is too large, at the front of the queue.
    fn cut(&mut self, at: usize, batch: Batch<D>) -> Result<(), Box<Batch<D>>> {
        let (number, held) = (batch.number, batch.size);
        let [mut first, mut second] = batch.split(self.batch_options())?;
        first.attempts += 1;
        second.attempts += 1;
        self.used = self.used - held + first.size + second.size;
        *self.unfinished.entry(number).or_default() += 1;
        // What the guess was has led to a batch that is too large.
        self.queues[at].ratio = CompressionRatio::default();
        self.put_back(at, second);
        self.put_back(at, first);
        Ok(())
    }

    /// Back to where it was: before everything that was taken later.
    fn put_back(&mut self, at: usize, batch: Batch<D>) {
        let queue = &mut self.queues[at];
        let place = queue.waiting.iter().take_while(|w| comes_before(w, &batch)).count();
        queue.waiting.insert(place, batch);
        self.active.insert(at);
    }

    fn failed(&mut self, now: MonoMs, at: usize, mut batch: Batch<D>, first: bool, error: ErrorCode) -> Outcome<D> {
        let lost_identity =
            matches!(error, ErrorCode::OutOfOrderSequenceNumber | ErrorCode::UnknownProducerId | ErrorCode::InvalidProducerEpoch);
        let in_time = now.since(batch.created) < self.options.delivery_timeout_ms && batch.attempts < self.options.retries;
        batch.attempts += 1;
        batch.last_error = Some(error);
        // Numbers that are not the next ones, of a batch behind another one: that one failed, this one is as good as before.
        let overtook = error == ErrorCode::OutOfOrderSequenceNumber && !first;
        let again = error.is_retriable() || (lost_identity && self.may_renew()) || (overtook && self.options.transactional);
        if in_time && again && !self.giving_up {
            // A batch that was sent beside an older one may have overtaken it, even if that one is over by now: it is tried again alone.
            if lost_identity && first {
                self.break_identity(at);
            }
            self.queues[at].not_before = now.plus(self.options.backoff_ms(batch.attempts));
            self.put_back(at, batch);
            return Outcome::Retrying { refresh: !lost_identity };
        }
        self.finish(&batch);
        if batch.sequence.is_some() {
            self.lose_number(at);
        }
        Outcome::Failed { topic: self.name_of(at).to_string(), partition: self.queues[at].partition, error, deliveries: batch.deliveries }
    }

    fn lose_number(&mut self, at: usize) {
        self.lost_sequences = true;
        self.break_identity(at);
    }

    /// A number of this partition is lost: everything after it needs a new identity.
    fn break_identity(&mut self, at: usize) {
        if !self.may_renew() {
            return;
        }
        let queue = &mut self.queues[at];
        queue.broken = true;
        // An identity that came in since is as good as a new one.
        self.needs_identity |= queue.identity == self.identity;
    }

    /// A transactional producer must not change who it is by itself: the transaction has to be aborted.
    fn may_renew(&self) -> bool {
        self.options.idempotent && !self.options.transactional
    }

    /// A batch is over: its memory is free.
    fn finish(&mut self, batch: &Batch<D>) {
        self.used -= batch.size;
        if let Some(parts) = self.unfinished.get_mut(&batch.number) {
            *parts -= 1;
            if *parts == 0 {
                self.unfinished.remove(&batch.number);
            }
        }
    }

    /// Gives up batches that waited longer than the delivery timeout.
    pub fn expire(&mut self, now: MonoMs) -> Vec<Outcome<D>> {
        let mut out = Vec::new();
        let active: Vec<usize> = self.active.iter().copied().collect();
        for at in active {
            let limit = self.options.delivery_timeout_ms;
            while self.queues[at].waiting.front().is_some_and(|b| now.since(b.created) >= limit) {
                let Some(batch) = self.queues[at].waiting.pop_front() else { break };
                self.finish(&batch);
                if batch.sequence.is_some() {
                    self.lose_number(at);
                }
                out.push(Outcome::Expired { last: batch.last_error, deliveries: batch.deliveries });
            }
            if self.queues[at].waiting.is_empty() {
                self.active.remove(&at);
            }
        }
        out
    }

    /// Gives up everything that waits; what is in flight goes on.
    pub fn give_up_waiting(&mut self, error: ErrorCode) -> Vec<Outcome<D>> {
        let mut out = Vec::new();
        for at in std::mem::take(&mut self.active) {
            for batch in std::mem::take(&mut self.queues[at].waiting) {
                self.finish(&batch);
                self.lost_sequences |= batch.sequence.is_some();
                let (topic, partition) = (self.name_of(at).to_string(), self.queues[at].partition);
                out.push(Outcome::Failed { topic, partition, error, deliveries: batch.deliveries });
            }
        }
        out
    }

    /// Gives up everything that waits, and whatever is in flight is no longer waited for.
    pub fn abandon(&mut self, error: ErrorCode) -> Vec<Outcome<D>> {
        let mut out = Vec::new();
        let in_flight = std::mem::take(&mut self.in_flight).into_values().map(|f| (f.queue, f.batch));
        let mut all: Vec<(usize, Batch<D>)> = in_flight.collect();
        for at in std::mem::take(&mut self.active) {
            all.extend(self.queues[at].waiting.drain(..).map(|b| (at, b)));
        }
        for (at, batch) in all {
            self.finish(&batch);
            self.queues[at].in_flight = 0;
            let (topic, partition) = (self.name_of(at).to_string(), self.queues[at].partition);
            out.push(Outcome::Failed { topic, partition, error, deliveries: batch.deliveries });
        }
        self.in_flight_of_node.clear();
        out
    }
}

/// Whether `a` was taken before `b`, both of one partition.
fn comes_before<D>(a: &Batch<D>, b: &Batch<D>) -> bool {
    match (a.sequence, b.sequence) {
        // Parts of one batch that was cut. Sequences wrap: compare by distance.
        (Some((_, x)), Some((_, y))) if a.number == b.number => x.wrapping_sub(y) < 0,
        _ => a.number < b.number,
    }
}
