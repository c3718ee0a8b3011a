//! Transactions in one partition: what has to be verified before a batch may enter one, and the markers that end them.

use super::partition::{Moved, Partition, Refused, log_error, producer_error};
use crate::log::producers::Marker;
use crate::machine::partition::Acks;
use crate::machine::partition::txn::{Guard, Incoming, Known, Support, Unverified};
use crate::record::{BatchHeader, BatchOptions, BatchView, ControlRecord, control_batch};
use crate::types::{Now, Offset};
use crate::wire::ErrorCode;

/// The end of a producer's transaction, as it is written to each of its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndMarker {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub coordinator_epoch: i32,
    pub commit: bool,
    /// The transaction version that the client spoke.
    pub version: i16,
}

impl From<Unverified> for Refused {
    fn from(why: Unverified) -> Self {
        Refused { code: why.code(), message: Some(why.to_string()), records: Vec::new() }
    }
}

/// A batch as far as transactions care.
pub fn incoming(header: &BatchHeader) -> Incoming {
    Incoming {
        producer_id: header.producer_id,
        epoch: header.producer_epoch,
        first_sequence: header.base_sequence,
        transactional: header.is_transactional(),
    }
}

impl Partition {
    fn known(&self, producer_id: i64) -> Option<Known> {
        let state = self.log().producers().get(producer_id)?;
        let in_transaction = state.current_txn_first_offset.is_some();
        Some(Known { epoch: state.epoch, in_transaction, has_batches: !state.batches().is_empty() })
    }

    /// Whether a transactional batch can be appended without a word of the transaction coordinator.
    pub fn needs_verification(&self, batch: &Incoming) -> bool {
        !self.known(batch.producer_id).is_some_and(|known| known.in_transaction && known.epoch == batch.epoch)
    }

    /// A transactional batch has come (P7, E8). If the coordinator has to be asked, this gives the guard under which.
    pub fn begin_transaction(&mut self, now: Now, batch: &Incoming, support: Support) -> Result<Option<Guard>, Unverified> {
        if support != Support::Adds && !self.settings().verifies_transactions {
            return Ok(None);
        }
        let known = self.known(batch.producer_id);
        self.verifications.begin(now.mono, known, batch, support)
    }

    /// E8, I7, I8: whether a client's batch may enter its transaction now, and in this order.
    pub(super) fn check_transaction(&self, header: &BatchHeader, guard: Option<Guard>) -> Result<(), Unverified> {
        if !header.has_producer_id() || !header.is_transactional() && self.verifications.is_empty() {
            return Ok(());
        }
        self.check_guard(header, guard)?;
        self.verifications.check_order(self.known(header.producer_id), &incoming(header))
    }

    /// E8 alone: a coordinator numbers no batches.
    pub(super) fn check_guard(&self, header: &BatchHeader, guard: Option<Guard>) -> Result<(), Unverified> {
        if !header.is_transactional() || !self.settings().verifies_transactions {
            return Ok(());
        }
        self.verifications.check_verified(self.known(header.producer_id), &incoming(header), guard)
    }

    /// Ends a producer's transaction here, or what it has of one (E15, E16). Gives the marker's offset.
    pub fn append_marker(&mut self, now: Now, marker: &EndMarker) -> Result<(Offset, Moved), ErrorCode> {
        self.check_append(Acks::All)?;
        let coordinator_epoch = marker.coordinator_epoch;
        let record = match marker.commit {
            true => ControlRecord::Commit { coordinator_epoch },
            false => ControlRecord::Abort { coordinator_epoch },
        };
        let options = BatchOptions {
            partition_leader_epoch: self.leader_epoch(),
            producer_id: marker.producer_id,
            producer_epoch: marker.producer_epoch,
            transactional: true,
            ..Default::default()
        };
        let batch = control_batch(options, now.wall.0, &[record]).map_err(|_| ErrorCode::UnknownServerError)?;
        let view = BatchView::parse(&batch).map_err(|_| ErrorCode::UnknownServerError)?;
        let end = Marker { commit: marker.commit, coordinator_epoch };
        self.log().producers().check_marker(&view.header, end, marker.version).map_err(|e| producer_error(&e))?;
        let appended = self.append_checked(now, view.header, view.body()).map_err(|e| log_error(&e))?;
        self.verifications.ended(marker.producer_id, marker.producer_epoch);
        Ok(appended)
    }

    /// Forgets producers, and questions about their transactions, that were silent for long (I12).
    pub fn expire_producers(&mut self, now: Now, verifications_after_ms: u64) {
        self.log_mut().expire_producers(now.wall);
        self.verifications.expire(now.mono, verifications_after_ms);
    }
}
