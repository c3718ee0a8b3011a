//! The markers of a decided transaction: written to every partition until none is left, then the transaction is complete (facts E13, E14, E19).
//!
//! What is left follows from the record of the decision, so a coordinator that has just read its log goes on where the last one stopped:
//! a marker that was written already is written again, harmlessly.

use std::collections::BTreeMap;

use super::requests::{Job, MarkerOutcome, TxnEffect, WriteMarkers};
use super::state::{Txn, TxnState};
use super::{Entry, TxnOutput, TxnShard};
use crate::types::{MonoMs, Now, TopicPartition};
use crate::wire::ErrorCode;

/// How far the end of a transaction has come.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// The partitions that have no marker yet, with the job that is at it.
    left: BTreeMap<TopicPartition, Option<Job>>,
    /// When to go on; `None` while jobs are at work.
    at: Option<MonoMs>,
    /// A partition has heard from a later coordinator, or of a later epoch: this is not ours to end any more.
    given_up: bool,
}

impl Ending {
    pub fn of(txn: &Txn) -> Ending {
        let left = txn.partitions.iter().map(|partition| (partition.clone(), None)).collect();
        Ending { left, at: None, given_up: false }
    }

    pub fn at(&self) -> Option<MonoMs> {
        self.at
    }

    /// The partitions that have no marker yet.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.left.keys()
    }

    /// Notes what became of a job at a partition.
    fn note(&mut self, job: Job, partition: &TopicPartition, outcome: MarkerOutcome) {
        let Some(at_it) = self.left.get_mut(partition).filter(|at_it| **at_it == Some(job)) else { return };
        match outcome {
            MarkerOutcome::Failed(ErrorCode::InvalidProducerEpoch | ErrorCode::TransactionCoordinatorFenced) => self.given_up = true,
            MarkerOutcome::Failed(_) => *at_it = None,
            MarkerOutcome::Written | MarkerOutcome::Gone => {
                self.left.remove(partition);
            }
        }
    }

    /// There is something to do that no job is at.
    fn is_idle(&self) -> bool {
        !self.given_up && (self.left.is_empty() || self.left.values().any(Option::is_none))
    }
}

impl Entry {
    pub(super) fn check_ending(&self) -> Result<(), String> {
        let Some(ending) = &self.ending else {
            return if self.txn.state.is_prepared() { Err("is decided and does not end".into()) } else { Ok(()) };
        };
        if !self.txn.state.is_prepared() {
            return Err("ends and is not decided".into());
        }
        if !ending.left.keys().all(|partition| self.txn.partitions.contains(partition)) {
            return Err("ends in partitions that it does not have".into());
        }
        if ending.is_idle() && ending.at.is_none() {
            return Err("has markers left that nobody will write".into());
        }
        Ok(())
    }
}

impl TxnShard {
    /// When to go on with ending the transaction of an id.
    pub(super) fn set_timer(&mut self, transactional_id: &str, at: Option<MonoMs>) {
        let Some(ending) = self.ids.get_mut(transactional_id).and_then(|entry| entry.ending.as_mut()) else { return };
        if ending.at == at {
            return;
        }
        if let Some(before) = std::mem::replace(&mut ending.at, at) {
            self.work.remove(&(before, transactional_id.to_string()));
        }
        if let Some(at) = at {
            self.work.insert((at, transactional_id.to_string()));
        }
    }

    /// Has those markers written that nobody is at, or completes the transaction if all are.
    pub(super) fn go_on_ending(&mut self, now: Now, transactional_id: &str, out: &mut Vec<TxnOutput>) {
        self.last_job = Job(self.last_job.0 + 1);
        let job = self.last_job;
        let Some(Entry { txn, ending: Some(ending) }) = self.ids.get_mut(transactional_id) else { return };
        if ending.left.is_empty() {
            return self.complete(now, transactional_id, out);
        }
        let mut partitions = Vec::new();
        for (partition, at_it) in ending.left.iter_mut().filter(|(_, at_it)| at_it.is_none()) {
            *at_it = Some(job);
            partitions.push(partition.clone());
        }
        out.push(TxnOutput::Effect(TxnEffect::WriteMarkers(WriteMarkers {
            transactional_id: transactional_id.into(),
            job,
            producer_id: txn.producer_id,
            producer_epoch: txn.epoch,
            coordinator_epoch: self.coordinator_epoch,
            commit: txn.state == TxnState::PrepareCommit,
            version: txn.client_version,
            partitions,
        })));
        self.set_timer(transactional_id, None);
    }

    /// Hears what became of markers. What comes from a job of the past says nothing of the present transaction.
    pub(super) fn markers_told(
        &mut self,
        now: Now,
        transactional_id: &str,
        job: Job,
        results: Vec<(TopicPartition, MarkerOutcome)>,
        out: &mut Vec<TxnOutput>,
    ) {
        let Some(ending) = self.ids.get_mut(transactional_id).and_then(|entry| entry.ending.as_mut()) else { return };
        for (partition, outcome) in results {
            ending.note(job, &partition, outcome);
        }
        if ending.given_up {
            self.set_timer(transactional_id, None);
        } else if ending.left.is_empty() {
            self.complete(now, transactional_id, out);
        } else if ending.is_idle() && ending.at.is_none() {
            let retry = now.mono.plus(self.config.marker_retry_ms);
            self.set_timer(transactional_id, Some(retry));
        }
    }

    /// Appends that all is done. Should that fail, it is tried again.
    fn complete(&mut self, now: Now, transactional_id: &str, out: &mut Vec<TxnOutput>) {
        let Some(completed) = self.get(transactional_id).map(|txn| txn.completed(now.wall)) else { return };
        let retry = now.mono.plus(self.config.marker_retry_ms);
        self.set_timer(transactional_id, Some(retry));
        self.store(transactional_id, completed, out);
    }
}
