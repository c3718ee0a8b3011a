//! A partition as its leader keeps it: producers' state and verifications are the real ones, the log is a list.

use std::collections::{BTreeMap, BTreeSet};

use kfk::log::producers::{Marker, Producers};
use kfk::log::{ProducerCheck, ProducerError};
use kfk::machine::partition::txn::{Guard, Incoming, Known, Support, Unverified, Verifications};
use kfk::machine::txn::WriteMarkers;
use kfk::record::{Attributes, BatchHeader};
use kfk::types::{MonoMs, Offset};
use kfk::wire::ErrorCode;

/// One batch of one record.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub producer_id: i64,
    pub epoch: i16,
    pub sequence: i32,
    /// Unlike all others.
    pub value: u64,
}

#[derive(Clone, Copy, Debug)]
enum Stored {
    Data(Batch),
    Marker { producer_id: i64, commit: bool },
}

#[derive(Default)]
pub struct Partition {
    producers: Producers,
    verifications: Verifications,
    log: Vec<Stored>,
}

impl Partition {
    fn end(&self) -> Offset {
        self.log.len() as Offset
    }

    fn known(&self, producer_id: i64) -> Option<Known> {
        self.producers.get(producer_id).map(|state| Known {
            epoch: state.epoch,
            in_transaction: state.current_txn_first_offset.is_some(),
            has_batches: !state.batches().is_empty(),
        })
    }

    fn header(&self, producer_id: i64, producer_epoch: i16, base_sequence: i32, control: bool) -> BatchHeader {
        BatchHeader {
            base_offset: self.end(),
            batch_length: 49,
            partition_leader_epoch: 0,
            magic: 2,
            crc: 0,
            attributes: Attributes(0).with_transactional(true).with_control(control),
            last_offset_delta: 0,
            base_timestamp: 0,
            max_timestamp: 0,
            producer_id,
            producer_epoch,
            base_sequence,
            record_count: 1,
        }
    }

    fn incoming(batch: &Batch) -> Incoming {
        Incoming { producer_id: batch.producer_id, epoch: batch.epoch, first_sequence: batch.sequence, transactional: true }
    }

    /// The guard under which the coordinator has to be asked, if it has.
    pub fn begin(&mut self, now: MonoMs, batch: &Batch, support: Support) -> Result<Option<Guard>, ErrorCode> {
        let known = self.known(batch.producer_id);
        self.verifications.begin(now, known, &Self::incoming(batch), support).map_err(|e| e.code())
    }

    pub fn append(&mut self, batch: &Batch, guard: Option<Guard>) -> Result<(), ErrorCode> {
        let header = self.header(batch.producer_id, batch.epoch, batch.sequence, false);
        let checked = self.producers.check(&header);
        if let Ok(ProducerCheck::Duplicate(_)) = checked {
            return Ok(());
        }
        let known = self.known(batch.producer_id);
        let incoming = Self::incoming(batch);
        let verified = self.verifications.check_verified(known, &incoming, guard);
        verified.and_then(|()| self.verifications.check_order(known, &incoming)).map_err(|e: Unverified| e.code())?;
        checked.map_err(code)?;
        self.producers.note(&header);
        self.verifications.appended(batch.producer_id);
        self.log.push(Stored::Data(*batch));
        Ok(())
    }

    pub fn write_marker(&mut self, job: &WriteMarkers) -> Result<(), ErrorCode> {
        let header = self.header(job.producer_id, job.producer_epoch, -1, true);
        let marker = Marker { commit: job.commit, coordinator_epoch: job.coordinator_epoch };
        self.producers.check_marker(&header, marker, job.version.0).map_err(code)?;
        self.producers.note_marker(&header, marker);
        self.verifications.ended(job.producer_id, job.producer_epoch);
        self.log.push(Stored::Marker { producer_id: job.producer_id, commit: job.commit });
        Ok(())
    }

    /// Leadership moves: what was being verified is forgotten.
    pub fn change_leader(&mut self) {
        self.verifications.expire(MonoMs(u64::MAX), 0);
    }

    /// Producer id and epoch of the transactions that are open here.
    pub fn open(&self) -> Vec<(i64, i16)> {
        self.producers.ongoing().filter_map(|(_, id)| self.producers.get(id).map(|state| (id, state.epoch))).collect()
    }

    /// The values that a reader of committed transactions sees.
    pub fn readable(&self) -> BTreeSet<u64> {
        let mut open: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for stored in &self.log {
            match stored {
                Stored::Data(batch) => open.entry(batch.producer_id).or_default().push(batch.value),
                Stored::Marker { producer_id, commit } => {
                    for value in open.remove(producer_id).unwrap_or_default().into_iter().filter(|_| *commit) {
                        assert!(seen.insert(value), "value {value} can be read twice");
                    }
                }
            }
        }
        seen
    }

    pub fn last_stable_is_end(&self) -> bool {
        self.producers.ongoing().next().is_none()
    }
}

fn code(e: ProducerError) -> ErrorCode {
    match e {
        ProducerError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
        ProducerError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
        ProducerError::InvalidTxnState { .. } => ErrorCode::InvalidTxnState,
        ProducerError::TransactionCoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
    }
}
