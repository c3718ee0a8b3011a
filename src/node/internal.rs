//! A partition of an internal topic as its coordinator uses it: records in, records out.

use super::internal_batches::{build_batch, items_of};
use super::partition::{Moved, Partition, log_error};
use super::shard::{AppendError, KeyValue, Page};
use crate::log::LogError;
use crate::machine::coordinator::Producer;
use crate::machine::partition::Acks;
use crate::machine::partition::txn::Guard;
use crate::record::{BatchHeader, BatchView, batches};
use crate::types::{Now, Offset};
use crate::wire::ErrorCode;

impl Partition {
    /// Appends one batch of records, all or nothing; gives the offset of the first. A batch of a transaction needs its `guard` (E8).
    pub fn append_records(
        &mut self,
        now: Now,
        producer: Producer,
        guard: Option<Guard>,
        records: &[KeyValue],
    ) -> Result<(Offset, Moved), AppendError> {
        self.check_append(Acks::All).map_err(AppendError::Refused)?;
        let batch = build_batch(now, producer, self.leader_epoch(), records);
        let batch = batch.map_err(|_| AppendError::Refused(ErrorCode::RecordListTooLarge))?;
        if batch.len() > self.max_message_bytes() {
            return Err(AppendError::Refused(ErrorCode::MessageTooLarge));
        }
        let view = BatchView::parse(&batch).map_err(|_| AppendError::Refused(ErrorCode::InvalidRecord))?;
        self.check_coordinated(&view.header, guard).map_err(AppendError::Refused)?;
        self.append_checked(now, view.header, view.body()).map_err(|e| match &e {
            // The write or the sync failed half-way.
            LogError::Disk(_) => AppendError::Unknown(log_error(&e)),
            _ => AppendError::Refused(log_error(&e)),
        })
    }

    /// What a leader checks of a coordinator's batch: no sequences, as a coordinator does not number its batches.
    fn check_coordinated(&self, header: &BatchHeader, guard: Option<Guard>) -> Result<(), ErrorCode> {
        self.check_guard(header, guard).map_err(|why| why.code())?;
        match self.log().producers().get(header.producer_id) {
            Some(state) if header.has_producer_id() && header.producer_epoch < state.epoch => Err(ErrorCode::InvalidProducerEpoch),
            _ => Ok(()),
        }
    }

    /// Committed records and markers from the batch that contains `from` on, about `max_bytes` of them.
    pub fn read_page(&mut self, from: Offset, max_bytes: usize) -> Result<Page, ErrorCode> {
        let end = self.offsets().high_watermark();
        let from = from.max(self.offsets().log_start());
        let slice = self.log_mut().read(from, max_bytes, true, end).map_err(|e| log_error(&e))?;
        let Some(slice) = slice else { return Ok(Page { items: Vec::new(), next: end.max(from), at_end: true }) };
        let bytes = slice.read().map_err(|_| ErrorCode::KafkaStorageError)?;
        let checked = batches(&bytes).try_for_each(|batch| batch?.check_crc());
        let items = checked.and_then(|()| items_of(&bytes)).map_err(|e| {
            tracing::error!("{}: {e}", self.log().partition());
            ErrorCode::KafkaStorageError
        })?;
        Ok(Page { items, next: slice.end_offset, at_end: slice.end_offset >= end })
    }
}
