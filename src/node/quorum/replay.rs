//! From batches of the metadata log, or of a snapshot of it, to the state they describe.

use crate::machine::controller::{ClusterState, MetadataRecord};
use crate::record::{BatchView, ControlRecord};
use crate::types::{Offset, WallMs};
use crate::wire::voters_record::VotersRecord;

use super::batches::{self, Content};
use super::error::QuorumError;

/// What the log says of the quorum that keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Voting {
    /// 0: the voters stand in the configuration; 1: in the log.
    pub kraft_version: i16,
    pub voters: Option<VotersRecord>,
}

/// The state as far as it has been read.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    pub state: ClusterState,
    pub voting: Voting,
    /// The offset behind the last batch.
    pub next_offset: Offset,
    /// The newest leader epoch seen; 0 before the first.
    pub epoch: i32,
    /// The newest timestamp of a batch.
    pub time: WallMs,
    /// The state before the metadata transaction that is open, if one is.
    before_transaction: Option<Box<ClusterState>>,
    was_in_transaction: bool,
}

impl Replay {
    pub(super) fn new() -> Self {
        Replay {
            state: ClusterState::new(),
            voting: Voting::default(),
            next_offset: 0,
            epoch: 0,
            time: WallMs(0),
            before_transaction: None,
            was_in_transaction: false,
        }
    }

    /// Reads on behind a snapshot, which stands for all offsets below `next_offset`.
    pub(super) fn after_snapshot(mut self, next_offset: Offset, epoch: i32) -> Self {
        if !self.is_blank() {
            self.state.set_offset(next_offset - 1);
        }
        self.next_offset = next_offset;
        self.epoch = epoch;
        self
    }

    /// Takes in the next batch of the log.
    pub(super) fn batch(&mut self, view: &BatchView<'_>) -> Result<(), QuorumError> {
        let header = &view.header;
        let offset = header.base_offset;
        if offset < self.next_offset {
            return Err(QuorumError::Damaged { offset, why: format!("offset {} was expected", self.next_offset) });
        }
        if header.partition_leader_epoch < self.epoch {
            let why = format!("leader epoch {} comes after {}", header.partition_leader_epoch, self.epoch);
            return Err(QuorumError::Damaged { offset, why });
        }
        self.content(batches::decode(view)?)?;
        self.next_offset = header.next_offset();
        self.epoch = header.partition_leader_epoch;
        self.time = WallMs(header.max_timestamp);
        Ok(())
    }

    pub(super) fn content(&mut self, content: Content) -> Result<(), QuorumError> {
        match content {
            Content::Control(records) => records.into_iter().for_each(|(_, record)| self.control(record)),
            Content::Records(records) => {
                for (offset, record) in &records {
                    self.record(record, *offset)?;
                }
            }
        }
        Ok(())
    }

    fn control(&mut self, record: ControlRecord) {
        match record {
            ControlRecord::KRaftVersion(version) => self.voting.kraft_version = version.kraft_version,
            ControlRecord::KRaftVoters(voters) => self.voting.voters = Some(voters),
            _ => {}
        }
    }

    fn record(&mut self, record: &MetadataRecord, offset: Offset) -> Result<(), QuorumError> {
        let misplaced = |what| QuorumError::Damaged { offset, why: format!("a metadata transaction {what}") };
        match record {
            MetadataRecord::BeginTransaction(_) => {
                if self.before_transaction.is_some() {
                    return Err(misplaced("begins inside another"));
                }
                self.before_transaction = Some(Box::new(self.state.clone()));
            }
            MetadataRecord::EndTransaction(_) => {
                self.before_transaction.take().ok_or_else(|| misplaced("ends that never began"))?;
            }
            MetadataRecord::AbortTransaction(_) => {
                self.state = *self.before_transaction.take().ok_or_else(|| misplaced("is aborted that never began"))?;
            }
            _ => {}
        }
        self.state.apply(record, offset, &mut Vec::new()).map_err(|source| QuorumError::Apply { offset, source })
    }

    /// Has no metadata record been seen at all? Then the cluster is yet to begin.
    pub(super) fn is_blank(&self) -> bool {
        self.state.offset() < 0
    }

    /// At the end of the log: forgets what an open transaction did, whose end will never come.
    pub(super) fn abort_if_open(&mut self) {
        if let Some(before) = self.before_transaction.take() {
            self.state = *before;
            self.was_in_transaction = true;
        }
    }

    /// Did the log end inside a metadata transaction?
    pub(super) fn in_transaction(&self) -> bool {
        self.was_in_transaction || self.before_transaction.is_some()
    }
}
