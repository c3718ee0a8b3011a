//! What a partition remembers of idempotent and transactional producers: enough to recognise a batch sent twice, to refuse one out of
//! order, and to know which transactions are open.
//!
//! Batches are first checked ([`Producers::check`]), then written, then noted ([`Producers::note`]). Followers and recovery only note.

use std::collections::BTreeMap;

use super::producer_snapshot::SnapshotEntry;
use crate::record::{BatchHeader, NO_PRODUCER_EPOCH, NO_SEQUENCE, NO_TIMESTAMP};
use crate::types::{Offset, WallMs};

/// How many of a producer's latest batches are remembered.
pub const REMEMBERED_BATCHES: usize = 5;

/// A batch as it is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMeta {
    pub last_sequence: i32,
    pub last_offset: Offset,
    /// Last offset - first offset, which is also last sequence - first sequence (sequences wrap after 2147483647).
    pub offset_delta: i32,
    pub timestamp: i64,
}

const NO_BATCH: BatchMeta = BatchMeta { last_sequence: NO_SEQUENCE, last_offset: -1, offset_delta: 0, timestamp: NO_TIMESTAMP };

impl BatchMeta {
    pub fn first_offset(&self) -> Offset {
        self.last_offset.saturating_sub(i64::from(self.offset_delta))
    }

    pub fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        // 0 follows 2147483647, so going below 0 lands at the top.
        if first < 0 { (first + i64::from(i32::MAX) + 1) as i32 } else { first as i32 }
    }
}

/// One producer's state (I1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerState {
    pub epoch: i16,
    /// Of the coordinator that wrote the last marker; -1 before.
    pub coordinator_epoch: i32,
    /// The latest batch's largest record timestamp, or the marker's.
    pub last_timestamp: i64,
    pub current_txn_first_offset: Option<Offset>,
    batches: [BatchMeta; REMEMBERED_BATCHES],
    count: u8,
}

impl ProducerState {
    fn new(epoch: i16) -> ProducerState {
        ProducerState {
            epoch,
            coordinator_epoch: -1,
            last_timestamp: NO_TIMESTAMP,
            current_txn_first_offset: None,
            batches: [NO_BATCH; REMEMBERED_BATCHES],
            count: 0,
        }
    }

    /// The remembered batches of the current epoch, oldest first.
    pub fn batches(&self) -> &[BatchMeta] {
        &self.batches[..usize::from(self.count)]
    }

    pub fn last_sequence(&self) -> i32 {
        self.batches().last().map_or(NO_SEQUENCE, |b| b.last_sequence)
    }

    pub fn last_offset(&self) -> Offset {
        self.batches().last().map_or(-1, |b| b.last_offset)
    }

    fn set_epoch(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.batches = [NO_BATCH; REMEMBERED_BATCHES];
            self.count = 0;
        }
    }

    fn push(&mut self, batch: BatchMeta) {
        if usize::from(self.count) == REMEMBERED_BATCHES {
            self.batches.rotate_left(1);
            self.count -= 1;
        }
        self.batches[usize::from(self.count)] = batch;
        self.count += 1;
        self.last_timestamp = batch.timestamp;
    }
}

/// What to do with a client's batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProducerCheck {
    /// Write it.
    New,
    /// It is already in the log, here: answer success with the original offsets and write nothing.
    Duplicate(BatchMeta),
}

/// Why a client's batch is refused. The names are those of Kafka's error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    #[error("Epoch of producer {producer_id} is {epoch}, which is smaller than the last seen epoch {current}")]
    InvalidProducerEpoch { producer_id: i64, epoch: i16, current: i16 },
    #[error(
        "Out of order sequence number for producer {producer_id}: {sequence} (incoming seq. number), {current} (current end sequence number)"
    )]
    OutOfOrderSequence { producer_id: i64, sequence: i32, current: i32 },
    #[error("Expected transactional write from producer {producer_id}: its transaction from offset {txn_first_offset} is open")]
    InvalidTxnState { producer_id: i64, txn_first_offset: Offset },
    #[error("Coordinator epoch of producer {producer_id} is {epoch}, which is smaller than the last seen epoch {current}")]
    TransactionCoordinatorFenced { producer_id: i64, epoch: i32, current: i32 },
}

/// A transaction that ended in this partition with records in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletedTxn {
    pub producer_id: i64,
    pub first_offset: Offset,
    /// The marker's.
    pub last_offset: Offset,
    pub aborted: bool,
    /// First offset of the oldest transaction still open after this one, or the offset after the marker.
    pub last_stable_offset: Offset,
}

/// The end of a transaction as its control record says (L15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    pub commit: bool,
    pub coordinator_epoch: i32,
}

/// All producers of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers {
    states: BTreeMap<i64, Box<ProducerState>>,
    /// Open transactions: first offset to producer.
    ongoing: BTreeMap<Offset, i64>,
    /// Ended transactions whose marker may lie at or above the high watermark: first offset to marker.
    unreplicated: BTreeMap<Offset, Offset>,
}

impl Producers {
    pub fn get(&self, producer_id: i64) -> Option<&ProducerState> {
        self.states.get(&producer_id).map(|s| &**s)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (i64, &ProducerState)> {
        self.states.iter().map(|(id, s)| (*id, &**s))
    }

    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// May this client batch be appended next? Its base offset does not matter (I2..I7, I10). Markers are not checked here.
    pub fn check(&self, header: &BatchHeader) -> Result<ProducerCheck, ProducerError> {
        if !header.has_producer_id() {
            return Ok(ProducerCheck::New);
        }
        let Some(state) = self.states.get(&header.producer_id) else { return Ok(ProducerCheck::New) };
        let (producer_id, epoch, sequence) = (header.producer_id, header.producer_epoch, header.base_sequence);
        if epoch == state.epoch {
            let last = header.last_sequence();
            if let Some(same) = state.batches().iter().find(|b| b.last_sequence == last && b.first_sequence() == sequence) {
                return Ok(ProducerCheck::Duplicate(*same));
            }
        }
        if epoch < state.epoch {
            return Err(ProducerError::InvalidProducerEpoch { producer_id, epoch, current: state.epoch });
        }
        let current = state.last_sequence();
        let in_order = if epoch != state.epoch {
            sequence == 0 || state.epoch == NO_PRODUCER_EPOCH
        } else {
            // After a marker that raised the epoch no batch is remembered: current is -1 and the next sequence 0.
            i64::from(sequence) == i64::from(current) + 1 || (sequence == 0 && current == i32::MAX)
        };
        if !in_order {
            return Err(ProducerError::OutOfOrderSequence { producer_id, sequence, current });
        }
        match state.current_txn_first_offset {
            Some(txn_first_offset) if !header.is_transactional() => Err(ProducerError::InvalidTxnState { producer_id, txn_first_offset }),
            _ => Ok(ProducerCheck::New),
        }
    }

    /// May this marker be written? (E15) `header` is its control batch, `transaction_version` what the ended transaction's client spoke.
    ///
    /// With version 2 the epoch was raised when the transaction was decided, so a marker with the present epoch belongs to a transaction
    /// that has ended: it is let through as long as that cannot end another one, for a coordinator that does not know it has written it.
    pub fn check_marker(&self, header: &BatchHeader, marker: Marker, transaction_version: i16) -> Result<(), ProducerError> {
        let Some(state) = self.states.get(&header.producer_id) else { return Ok(()) };
        let producer_id = header.producer_id;
        let repeated = header.producer_epoch == state.epoch && transaction_version >= 2;
        let may_repeat = state.current_txn_first_offset.is_none() || state.epoch == i16::MAX;
        if header.producer_epoch < state.epoch || repeated && !may_repeat {
            return Err(ProducerError::InvalidProducerEpoch { producer_id, epoch: header.producer_epoch, current: state.epoch });
        }
        if marker.coordinator_epoch < state.coordinator_epoch {
            let (epoch, current) = (marker.coordinator_epoch, state.coordinator_epoch);
            return Err(ProducerError::TransactionCoordinatorFenced { producer_id, epoch, current });
        }
        Ok(())
    }

    /// A batch is in the log: `header` with its real offsets. Unchecked (I11); the batch may be empty (I16).
    pub fn note(&mut self, header: &BatchHeader) {
        if !header.has_producer_id() || header.is_control() {
            return;
        }
        let state = self.states.entry(header.producer_id).or_insert_with(|| Box::new(ProducerState::new(header.producer_epoch)));
        state.set_epoch(header.producer_epoch);
        state.push(BatchMeta {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        if header.is_transactional() && state.current_txn_first_offset.is_none() {
            state.current_txn_first_offset = Some(header.base_offset);
            self.ongoing.insert(header.base_offset, header.producer_id);
        }
    }

    /// A marker is in the log. Tells of the transaction it ended, if that one has records here.
    pub fn note_marker(&mut self, header: &BatchHeader, marker: Marker) -> Option<CompletedTxn> {
        let state = self.states.entry(header.producer_id).or_insert_with(|| Box::new(ProducerState::new(header.producer_epoch)));
        state.set_epoch(header.producer_epoch);
        state.coordinator_epoch = marker.coordinator_epoch;
        state.last_timestamp = header.max_timestamp;
        let first_offset = state.current_txn_first_offset.take()?;
        self.ongoing.remove(&first_offset);
        let last_offset = header.base_offset;
        self.unreplicated.insert(first_offset, last_offset);
        let last_stable_offset = self.ongoing.keys().next().copied().unwrap_or(last_offset + 1);
        Some(CompletedTxn { producer_id: header.producer_id, first_offset, last_offset, aborted: !marker.commit, last_stable_offset })
    }

    /// First offset that a read_committed reader must not pass, if any: of an open transaction or of one whose marker is not below
    /// the high watermark (F13).
    pub fn first_unstable_offset(&self, high_watermark: Offset) -> Option<Offset> {
        let open = self.ongoing.keys().next().copied();
        let ended = self.unreplicated.iter().find(|(_, marker)| **marker >= high_watermark).map(|(first, _)| *first);
        match (open, ended) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Forgets ended transactions whose marker is below the high watermark: they are stable from now on.
    pub fn high_watermark_moved(&mut self, high_watermark: Offset) {
        if !self.unreplicated.is_empty() {
            self.unreplicated.retain(|_, marker| *marker >= high_watermark);
        }
    }

    /// Open transactions: (first offset, producer id), oldest first.
    pub fn ongoing(&self) -> impl Iterator<Item = (Offset, i64)> {
        self.ongoing.iter().map(|(first, id)| (*first, *id))
    }

    /// Forgets producers that were silent for `expiration_ms` and have no open transaction (I12). Tells how many.
    pub fn expire(&mut self, now: WallMs, expiration_ms: i64) -> usize {
        let before = self.states.len();
        self.states.retain(|_, s| s.current_txn_first_offset.is_some() || now.0.saturating_sub(s.last_timestamp) < expiration_ms);
        before - self.states.len()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Producers::default();
    }

    /// What a snapshot holds of these: the last batch of each (I14).
    pub fn to_snapshot(&self) -> impl ExactSizeIterator<Item = SnapshotEntry> {
        self.states.iter().map(|(id, s)| {
            let last = s.batches().last();
            SnapshotEntry {
                producer_id: *id,
                producer_epoch: s.epoch,
                last_sequence: s.last_sequence(),
                last_offset: s.last_offset(),
                offset_delta: last.map_or(0, |b| b.offset_delta),
                timestamp: s.last_timestamp,
                coordinator_epoch: s.coordinator_epoch,
                current_txn_first_offset: s.current_txn_first_offset.unwrap_or(-1),
            }
        })
    }

    /// The state that a snapshot describes. Producers that had expired by `now` are left out.
    pub fn from_snapshot(entries: &[SnapshotEntry], now: WallMs, expiration_ms: i64) -> Producers {
        let mut all = Producers::default();
        for e in entries {
            let mut state = ProducerState::new(e.producer_epoch);
            // Kafka reads an entry without a last batch as one with an empty list.
            if e.last_offset >= 0 {
                let (last_sequence, last_offset, offset_delta) = (e.last_sequence, e.last_offset, e.offset_delta);
                state.push(BatchMeta { last_sequence, last_offset, offset_delta, timestamp: e.timestamp });
            }
            state.last_timestamp = e.timestamp;
            state.coordinator_epoch = e.coordinator_epoch;
            if e.current_txn_first_offset >= 0 {
                state.current_txn_first_offset = Some(e.current_txn_first_offset);
                all.ongoing.insert(e.current_txn_first_offset, e.producer_id);
            }
            all.states.insert(e.producer_id, Box::new(state));
        }
        all.expire(now, expiration_ms);
        all
    }

    /// Completes the batches of producers of which a snapshot kept the last one, from those that lie before the snapshot.
    pub fn remember(&mut self, before: &Producers) {
        for (id, state) in &mut self.states {
            let same = |known: &ProducerState| known.epoch == state.epoch && known.batches().last() == state.batches().last();
            if let Some(known) = before.states.get(id).filter(|known| same(known)) {
                (state.batches, state.count) = (known.batches, known.count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Attributes;

    const PID: i64 = 4000;

    /// A batch of `n` records at `offset` with sequences from `sequence`.
    fn batch(offset: i64, epoch: i16, sequence: i32, n: i32) -> BatchHeader {
        BatchHeader {
            base_offset: offset,
            batch_length: 49,
            partition_leader_epoch: 0,
            magic: 2,
            crc: 0,
            attributes: Attributes(0),
            last_offset_delta: n - 1,
            base_timestamp: 1000,
            max_timestamp: 1000 + offset,
            producer_id: PID,
            producer_epoch: epoch,
            base_sequence: sequence,
            record_count: n,
        }
    }

    fn txn(header: BatchHeader) -> BatchHeader {
        BatchHeader { attributes: header.attributes.with_transactional(true), ..header }
    }

    fn of(producer_id: i64, header: BatchHeader) -> BatchHeader {
        BatchHeader { producer_id, ..header }
    }

    fn noted(headers: &[BatchHeader]) -> Producers {
        let mut all = Producers::default();
        headers.iter().for_each(|h| all.note(h));
        all
    }

    fn out_of_order(all: &Producers, h: &BatchHeader) -> bool {
        matches!(all.check(h), Err(ProducerError::OutOfOrderSequence { .. }))
    }

    #[test]
    fn i2_the_last_five_batches_are_recognised_as_duplicates() {
        let all = noted(&(0..7).map(|i| batch(i64::from(i) * 2, 0, i * 2, 2)).collect::<Vec<_>>());
        for i in 2..7 {
            match all.check(&batch(0, 0, i * 2, 2)) {
                Ok(ProducerCheck::Duplicate(d)) => assert_eq!((d.first_offset(), d.last_offset), (i64::from(i) * 2, i64::from(i) * 2 + 1)),
                other => panic!("batch {i}: {other:?}"),
            }
        }
        assert!(out_of_order(&all, &batch(0, 0, 12, 1)), "same first sequence, other size");
    }

    #[test]
    fn i3_older_than_the_window_is_out_of_order() {
        let all = noted(&(0..7).map(|i| batch(i64::from(i), 0, i, 1)).collect::<Vec<_>>());
        assert!(out_of_order(&all, &batch(0, 0, 1, 1)));
    }

    #[test]
    fn i4_a_lower_epoch_is_refused() {
        let all = noted(&[batch(0, 2, 0, 1)]);
        assert_eq!(all.check(&batch(0, 1, 1, 1)), Err(ProducerError::InvalidProducerEpoch { producer_id: PID, epoch: 1, current: 2 }));
        assert_eq!(all.check(&batch(0, 1, 0, 1)), Err(ProducerError::InvalidProducerEpoch { producer_id: PID, epoch: 1, current: 2 }));
    }

    #[test]
    fn i5_a_new_epoch_starts_at_sequence_zero() {
        let all = noted(&[batch(0, 2, 5, 1)]);
        assert!(out_of_order(&all, &batch(0, 3, 6, 1)));
        assert_eq!(all.check(&batch(0, 3, 0, 1)), Ok(ProducerCheck::New));
    }

    #[test]
    fn i6_sequences_follow_and_wrap() {
        let all = noted(&[batch(0, 0, i32::MAX - 1, 1)]);
        assert_eq!(all.check(&batch(1, 0, i32::MAX, 3)), Ok(ProducerCheck::New));
        assert!(out_of_order(&all, &batch(1, 0, 0, 1)));
        assert!(out_of_order(&all, &batch(1, 0, i32::MAX - 2, 1)));
        let wrapped = noted(&[batch(0, 0, i32::MAX - 1, 4)]);
        let last = wrapped.get(PID).unwrap().batches()[0];
        assert_eq!((last.first_sequence(), last.last_sequence), (i32::MAX - 1, 1));
        assert_eq!(wrapped.check(&batch(4, 0, 2, 1)), Ok(ProducerCheck::New));
        assert!(matches!(wrapped.check(&batch(4, 0, i32::MAX - 1, 4)), Ok(ProducerCheck::Duplicate(_))));
        let at_end = noted(&[batch(0, 0, i32::MAX, 1)]);
        assert_eq!(at_end.check(&batch(1, 0, 0, 1)), Ok(ProducerCheck::New));
    }

    #[test]
    fn i7_an_unknown_producer_may_start_anywhere() {
        let mut all = noted(&[batch(0, 0, 0, 1)]);
        assert_eq!(all.check(&of(1, batch(1, 0, 77, 1))), Ok(ProducerCheck::New));
        assert_eq!(all.expire(WallMs(1000 + 86_400_000), 86_400_000), 1);
        assert_eq!(all.check(&batch(1, 0, 77, 1)), Ok(ProducerCheck::New));
    }

    #[test]
    fn i9_a_batch_without_producer_is_not_looked_at() {
        let mut all = Producers::default();
        let plain = of(-1, batch(0, -1, -1, 3));
        assert_eq!(all.check(&plain), Ok(ProducerCheck::New));
        all.note(&plain);
        assert!(all.is_empty());
    }

    #[test]
    fn i10_a_plain_batch_inside_an_open_transaction_is_refused() {
        let all = noted(&[txn(batch(4, 0, 0, 1))]);
        assert_eq!(all.check(&batch(5, 0, 1, 1)), Err(ProducerError::InvalidTxnState { producer_id: PID, txn_first_offset: 4 }));
        assert_eq!(all.check(&txn(batch(5, 0, 1, 1))), Ok(ProducerCheck::New));
    }

    #[test]
    fn i11_followers_note_what_they_are_given() {
        let all = noted(&[batch(0, 5, 0, 1), batch(1, 3, 99, 1)]);
        assert_eq!((all.get(PID).unwrap().epoch, all.get(PID).unwrap().last_sequence()), (3, 99));
    }

    #[test]
    fn i12_open_transactions_do_not_expire() {
        let mut all = noted(&[txn(batch(0, 0, 0, 1)), of(1, batch(1, 0, 0, 1))]);
        assert_eq!(all.expire(WallMs(1000 + 86_400_000), 86_400_000), 0, "producer 1's last batch is one ms younger");
        assert_eq!(all.expire(WallMs(2000 + 86_400_000), 86_400_000), 1);
        assert!(all.get(PID).is_some());
    }

    #[test]
    fn i14_a_snapshot_keeps_the_last_batch() {
        let mut all = noted(&[batch(0, 1, 0, 2), batch(2, 1, 2, 1), txn(batch(3, 1, 3, 2)), of(9, txn(batch(5, 0, 0, 1)))]);
        all.note_marker(&of(9, batch(6, 1, -1, 1)), Marker { commit: true, coordinator_epoch: 8 });
        let entries: Vec<_> = all.to_snapshot().collect();
        let back = Producers::from_snapshot(&entries, WallMs(2000), i64::MAX);
        assert_eq!(back.get(PID).unwrap().batches(), &all.get(PID).unwrap().batches()[2..]);
        assert_eq!(back.get(PID).unwrap().current_txn_first_offset, Some(3));
        assert_eq!(back.get(9), all.get(9), "the epoch was raised by the marker, so no batch is remembered");
        assert_eq!(back.ongoing().collect::<Vec<_>>(), vec![(3, PID)]);
        assert!(Producers::from_snapshot(&entries, WallMs(i64::MAX), 1).get(9).is_none());
    }

    #[test]
    fn i16_empty_batches_and_markers_count() {
        let empty = BatchHeader { record_count: 0, ..batch(3, 0, 4, 2) };
        let mut all = noted(&[empty]);
        assert_eq!(all.check(&batch(5, 0, 6, 1)), Ok(ProducerCheck::New));
        let marker = Marker { commit: false, coordinator_epoch: 2 };
        assert_eq!(all.note_marker(&batch(5, 1, -1, 1), marker), None, "no records in the transaction");
        assert_eq!(all.get(PID).unwrap().epoch, 1);
        assert!(out_of_order(&all, &batch(6, 1, 7, 1)));
        assert_eq!(all.check(&batch(6, 1, 0, 1)), Ok(ProducerCheck::New));
    }

    #[test]
    fn f13_open_and_unreplicated_transactions_hold_the_last_stable_offset() {
        let mut all = noted(&[txn(batch(10, 0, 0, 1)), of(2, txn(batch(11, 0, 0, 1)))]);
        assert_eq!(all.first_unstable_offset(12), Some(10));
        let ended = all.note_marker(&batch(12, 0, -1, 1), Marker { commit: false, coordinator_epoch: 0 }).unwrap();
        assert_eq!(ended, CompletedTxn { producer_id: PID, first_offset: 10, last_offset: 12, aborted: true, last_stable_offset: 11 });
        assert_eq!(all.first_unstable_offset(12), Some(10), "the marker is not below the high watermark");
        all.high_watermark_moved(13);
        assert_eq!(all.first_unstable_offset(13), Some(11));
        let ended = all.note_marker(&of(2, batch(13, 0, -1, 1)), Marker { commit: true, coordinator_epoch: 0 }).unwrap();
        assert_eq!((ended.aborted, ended.last_stable_offset), (false, 14));
        assert_eq!(all.first_unstable_offset(14), None);
    }

    #[test]
    fn e15_markers_are_fenced_by_epoch_and_coordinator() {
        let mut all = noted(&[txn(batch(0, 3, 0, 1))]);
        let marker = |coordinator_epoch| Marker { commit: true, coordinator_epoch };
        all.note_marker(&batch(1, 3, -1, 1), marker(5));
        assert!(matches!(all.check_marker(&batch(2, 2, -1, 1), marker(6), 0), Err(ProducerError::InvalidProducerEpoch { .. })));
        assert!(matches!(all.check_marker(&batch(2, 3, -1, 1), marker(4), 0), Err(ProducerError::TransactionCoordinatorFenced { .. })));
        assert_eq!(all.check_marker(&batch(2, 3, -1, 1), marker(5), 0), Ok(()));
    }

    #[test]
    fn e15_under_version_2_a_marker_with_the_present_epoch_ends_nothing() {
        let mut all = noted(&[txn(batch(0, 3, 0, 1))]);
        let marker = Marker { commit: true, coordinator_epoch: 5 };
        assert!(matches!(all.check_marker(&batch(1, 3, -1, 1), marker, 2), Err(ProducerError::InvalidProducerEpoch { .. })));
        assert_eq!(all.check_marker(&batch(1, 4, -1, 1), marker, 2), Ok(()));
        all.note_marker(&batch(1, 4, -1, 1), marker);
        assert_eq!(all.check_marker(&batch(2, 4, -1, 1), marker, 2), Ok(()), "a repetition");
        all.note(&txn(batch(2, 4, 0, 1)));
        assert!(matches!(all.check_marker(&batch(3, 4, -1, 1), marker, 2), Err(ProducerError::InvalidProducerEpoch { .. })));
        assert_eq!(all.check_marker(&batch(3, 4, -1, 1), marker, 1), Ok(()), "the hole that version 2 closes");
    }
}
