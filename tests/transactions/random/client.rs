//! A producer as the Java client is one: one request at a time, asked again until it is answered.

use std::collections::{BTreeMap, BTreeSet};

use kfk::machine::partition::txn::Support;
use kfk::rng::Rng;
use kfk::types::TopicPartition;
use kfk::wire::ErrorCode;

use super::partition::Batch;

/// Producer id and epoch.
pub type Producer = (i64, i16);

/// What a client asks. The number tells repetitions of one request from the next one.
#[derive(Clone, Debug)]
pub struct Ask {
    pub client: usize,
    pub instance: u64,
    pub number: u64,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Init,
    Add { producer: Producer, partition: TopicPartition },
    Produce { partition: TopicPartition, batch: Batch },
    End { producer: Producer, commit: bool },
}

/// One transaction that a client tried, for the reckoning at the end.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    pub values: Vec<(TopicPartition, u64)>,
    pub commit_sent: bool,
    pub outcome: Option<bool>,
}

/// A process that holds a transactional id until it dies or hears that it was replaced; then the next one starts in its place.
pub struct Client {
    pub transactional_id: String,
    pub index: usize,
    /// 1 or 2.
    pub version: i16,
    pub instance: u64,
    producer: Option<Producer>,
    attempt: Option<Attempt>,
    added: BTreeSet<TopicPartition>,
    sequences: BTreeMap<TopicPartition, i32>,
    next_number: u64,
    /// The request that has no answer yet.
    pub asked: Option<Ask>,
    must_abort: bool,
    /// Those that are over, one way or another.
    pub attempts: Vec<Attempt>,
    pub fenced: u64,
}

impl Client {
    pub fn new(index: usize, transactional_id: &str, version: i16) -> Self {
        Client {
            transactional_id: transactional_id.into(),
            index,
            version,
            instance: 1,
            producer: None,
            attempt: None,
            added: BTreeSet::new(),
            sequences: BTreeMap::new(),
            next_number: 0,
            asked: None,
            must_abort: false,
            attempts: Vec::new(),
            fenced: 0,
        }
    }

    pub fn support(&self) -> Support {
        if self.version >= 2 { Support::Adds } else { Support::Abortable }
    }

    /// The process dies; another starts.
    pub fn restart(&mut self) {
        self.attempts.extend(self.attempt.take());
        self.instance += 1;
        self.asked = None;
        self.producer = None;
        self.begin_epoch();
        self.added.clear();
        self.must_abort = false;
    }

    fn begin_epoch(&mut self) {
        self.sequences.clear();
    }

    /// What it does next, if it waits for nothing.
    pub fn next(&mut self, rng: &mut Rng, partitions: &[TopicPartition], fresh_value: &mut u64) -> Option<Ask> {
        if self.asked.is_some() {
            return None;
        }
        let Some(producer) = self.producer else { return Some(self.ask(What::Init)) };
        let written = self.attempt.as_ref().map_or(0, |attempt| attempt.values.len());
        if self.must_abort || written > 0 && rng.below(4) == 0 {
            let commit = !self.must_abort && rng.below(4) > 0;
            self.attempt.get_or_insert_default().commit_sent |= commit;
            return Some(self.ask(What::End { producer, commit }));
        }
        let partition = partitions[rng.below(partitions.len() as u64) as usize].clone();
        if self.version < 2 && !self.added.contains(&partition) {
            return Some(self.ask(What::Add { producer, partition }));
        }
        *fresh_value += 1;
        let sequence = *self.sequences.get(&partition).unwrap_or(&0);
        let batch = Batch { producer_id: producer.0, epoch: producer.1, sequence, value: *fresh_value };
        self.attempt.get_or_insert_default().values.push((partition.clone(), batch.value));
        Some(self.ask(What::Produce { partition, batch }))
    }

    fn ask(&mut self, what: What) -> Ask {
        self.next_number += 1;
        let ask = Ask { client: self.index, instance: self.instance, number: self.next_number, what };
        self.asked = Some(ask.clone());
        ask
    }

    /// An answer has come. Those to requests of the past are not listened to.
    pub fn answered(&mut self, to: &Ask, answer: Result<Producer, ErrorCode>) {
        let current = self.asked.as_ref().is_some_and(|asked| (asked.instance, asked.number) == (to.instance, to.number));
        if !current {
            return;
        }
        match answer {
            Ok(given) => {
                self.asked = None;
                self.succeeded(to, given);
            }
            Err(error) => self.failed(to, error),
        }
    }

    fn succeeded(&mut self, to: &Ask, given: Producer) {
        match &to.what {
            What::Init => self.producer = Some(given),
            What::Add { partition, .. } => {
                self.added.insert(partition.clone());
            }
            What::Produce { partition, .. } => *self.sequences.entry(partition.clone()).or_default() += 1,
            What::End { commit, .. } => {
                let outcome = Some(*commit);
                self.attempts.extend(self.attempt.take().map(|attempt| Attempt { outcome, ..attempt }));
                self.added.clear();
                self.must_abort = false;
                if self.version >= 2 {
                    self.producer = Some(given);
                    self.begin_epoch();
                }
            }
        }
    }

    fn failed(&mut self, to: &Ask, error: ErrorCode) {
        match error {
            // The same again, later.
            ErrorCode::ConcurrentTransactions
            | ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::NotCoordinator
            | ErrorCode::NotEnoughReplicas => {}
            // With version 2 an abort takes the epoch, and with it all doubt about sequences.
            ErrorCode::OutOfOrderSequenceNumber | ErrorCode::TransactionAbortable
                if self.version >= 2 && matches!(to.what, What::Produce { .. }) =>
            {
                self.asked = None;
                self.must_abort = true;
            }
            _ => {
                self.fenced += 1;
                self.restart();
            }
        }
    }
}
