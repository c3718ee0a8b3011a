//! The controller executed on the metadata log `__cluster_metadata-0`, as its only voter.
//!
//! A change goes: decide, apply, append, sync, publish. [`Quorum::stage`] does the first two and may be called for several
//! commands in a row; [`Quorum::commit`] makes them durable in one go and lets readers see them. Only then may their responses
//! leave. [`Quorum::submit`] is both for a single command.
//!
//! ```text
//! <data directory>/
//!   meta.properties, bootstrap.checkpoint        format.rs
//!   __cluster_metadata-0/
//!     <offset>.log ...                           one batch a commit; a LeaderChange batch a start
//!     <offset>-<epoch>.checkpoint                checkpoint.rs: the state at that offset, so that starts stay quick
//!     quorum-state                               state_file.rs
//! ```

use std::path::PathBuf;
use std::sync::Arc;

use crate::log::disk::Disk;
use crate::log::{Log, LogConfig, LogError};
use crate::machine::controller::features::FEATURES;
use crate::machine::controller::{
    ApiError, Change, Command, ConfigRules, Context, Controller, Decision, MAX_RECORDS_PER_OPERATION, MetadataRecord, NodeStart, Options,
};
use crate::rng::Rng;
use crate::types::{NodeId, Now, Offset, Uuid, WallMs};
use crate::wire::broker_registration_request::{BrokerRegistrationRequest, Feature, Listener};

use super::image::{Image, ImageCell};
use batches::Place;
use replay::Voting;
use snapshots::SnapshotPolicy;

mod batches;
mod carry;
mod checkpoint;
mod error;
mod format;
mod open;
mod replay;
mod snapshots;
mod state_file;
pub mod storage;
mod survey;

#[cfg(test)]
mod tests;

pub use carry::preflight;
pub use error::QuorumError;
pub use format::{CLUSTER_METADATA_ID, Wanted, cluster_metadata_partition, format};
pub use snapshots::{SnapshotJob, SnapshotLimits, SnapshotWritten};
pub use survey::{Survey, damaged_snapshots, survey};

/// No batch takes more: what Kafka reads at once is limited to 8 MiB. Only the start of a node with very many partitions is longer,
/// and that may be cut anywhere.
const MAX_RECORDS_PER_BATCH: usize = 2 * MAX_RECORDS_PER_OPERATION;

/// Settings as the machine may ask for them, shared with the rest of the broker.
pub type SharedRules = Arc<dyn ConfigRules + Send + Sync>;

/// The settings of the metadata log: Kafka's, with every batch kept until a snapshot stands for it.
pub fn log_config() -> LogConfig {
    LogConfig { retention_bytes: -1, retention_ms: -1, ..LogConfig::default() }
}

/// What a quorum goes by.
pub struct Setup {
    pub options: Options,
    pub rules: SharedRules,
    pub rng: Rng,
}

/// What a command led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<R> {
    pub response: R,
    /// In the order in which they happened.
    pub changes: Vec<Change>,
}

/// The node that keeps the metadata log also is a broker: what it tells of itself at its start.
#[derive(Clone, Debug, Default)]
pub struct NodeDescription {
    pub listeners: Vec<Listener>,
    pub rack: Option<String>,
    /// The ids of its data directories.
    pub log_dirs: Vec<Uuid>,
}

/// How a quorum stands whose only voter, and leader, is this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub epoch: i32,
    /// Behind the last committed record.
    pub end_offset: Offset,
    /// The voter's data directory; zero where the voters stand in the configuration.
    pub directory: Uuid,
    /// The voters stand in the log.
    pub dynamic: bool,
}

/// The only voter of the metadata quorum, always its leader.
pub struct Quorum {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    log: Log,
    controller: Controller,
    rules: SharedRules,
    rng: Rng,
    voting: Voting,
    epoch: i32,
    image: ImageCell,
    /// Decided and applied, but not in the log yet.
    staged: Vec<MetadataRecord>,
    /// The time of the newest batch.
    last_time: WallMs,
    snapshots: SnapshotPolicy,
    /// Why nothing is accepted any more.
    failed: Option<String>,
}

impl Quorum {
    /// The newest committed picture, for readers to keep.
    pub fn image(&self) -> ImageCell {
        self.image.clone()
    }

    /// The controller with all that has been staged.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    pub fn node(&self) -> NodeId {
        self.controller.options.node
    }

    pub fn leader_epoch(&self) -> i32 {
        self.epoch
    }

    /// The offset behind the last committed record.
    pub fn end_offset(&self) -> Offset {
        self.log.end_offset()
    }

    /// How the quorum stands.
    pub fn standing(&self) -> Standing {
        let voters = self.voting.voters.iter().flat_map(|v| &v.voters);
        let known = voters.filter(|v| v.voter_id == self.node()).map(|v| v.voter_directory_id).next();
        Standing {
            epoch: self.epoch,
            end_offset: self.end_offset(),
            // Voters that stand in the configuration have no directories.
            directory: known.filter(|_| self.voting.kraft_version > 0).unwrap_or_default(),
            dynamic: self.voting.kraft_version > 0,
        }
    }

    /// Decides and applies; nobody sees it yet. The outcome may be acted on after [`Quorum::commit`].
    ///
    /// Errors: as of [`Quorum::commit`], which runs first if too much is staged already.
    pub fn stage<C: Command>(&mut self, now: Now, command: &C) -> Result<Outcome<C::Response>, QuorumError> {
        if self.staged.len() >= MAX_RECORDS_PER_OPERATION {
            self.commit(now)?;
        }
        self.check_alive()?;
        let next_offset = self.next_offset();
        let mut cx = Context { now, next_offset, rng: &mut self.rng, rules: &*self.rules };
        let Decision { records, response } = command.decide(&mut self.controller, &mut cx);
        let changes = self.apply(records)?;
        Ok(Outcome { response, changes })
    }

    /// Appends as one batch what was staged, makes it durable and then visible (T8). Costs nothing if nothing was.
    ///
    /// One batch a sync: whatever a power loss leaves of it, it is the end of the log that is torn, never its middle.
    ///
    /// Errors: a disk that is full loses what was staged and nothing else, as if it had never been asked for; after any other
    /// error nothing is accepted until the next start.
    pub fn commit(&mut self, now: Now) -> Result<(), QuorumError> {
        self.check_alive()?;
        let staged = std::mem::take(&mut self.staged);
        for chunk in staged.chunks(MAX_RECORDS_PER_BATCH) {
            let version = self.controller.state().metadata_version();
            let batch = batches::encode(chunk, version, self.place(now)).map_err(|e| self.fail(e))?;
            self.append(now, &batch)?;
        }
        if !staged.is_empty() {
            let last = self.image.load();
            self.image.store(Image::new(last.cluster_id.clone(), self.node(), self.controller.state().clone()));
        }
        Ok(())
    }

    /// [`Quorum::stage`] and [`Quorum::commit`] of one command.
    pub fn submit<C: Command>(&mut self, now: Now, command: &C) -> Result<Outcome<C::Response>, QuorumError> {
        let outcome = self.stage(now, command)?;
        self.commit(now)?;
        Ok(outcome)
    }

    /// Registers this process as a broker at work and commits. `clean`: its last run ended in order. Gives the broker's epoch.
    pub fn start_node(&mut self, now: Now, node: NodeDescription, clean: bool) -> Result<Outcome<Result<i64, ApiError>>, QuorumError> {
        let NodeDescription { listeners, rack, log_dirs } = node;
        let features =
            FEATURES.iter().map(|f| Feature { name: f.name.to_string(), min_supported_version: f.min, max_supported_version: f.max });
        let registration = BrokerRegistrationRequest {
            broker_id: self.node(),
            cluster_id: self.controller.options.cluster_id.clone(),
            incarnation_id: self.rng.uuid(),
            listeners,
            features: features.collect(),
            rack,
            log_dirs,
            ..BrokerRegistrationRequest::default()
        };
        self.submit(now, &NodeStart { registration, clean })
    }

    /// Commits and closes the log, so that the next start can trust its files.
    pub fn close(mut self, now: Now) -> Result<(), QuorumError> {
        self.commit(now)?;
        self.log.close()?;
        Ok(())
    }

    fn check_alive(&self) -> Result<(), QuorumError> {
        match &self.failed {
            Some(why) => Err(QuorumError::Failed(why.clone())),
            None => Ok(()),
        }
    }

    /// Passes the error on that ends this quorum.
    fn fail(&mut self, error: QuorumError) -> QuorumError {
        self.failed.get_or_insert_with(|| error.to_string());
        error
    }

    /// The offset that the next staged record gets.
    fn next_offset(&self) -> Offset {
        self.log.end_offset() + self.staged.len() as i64
    }

    fn place(&self, now: Now) -> Place {
        Place { offset: self.log.end_offset(), epoch: self.epoch, time: now.wall }
    }

    /// Stages records.
    fn apply(&mut self, records: Vec<MetadataRecord>) -> Result<Vec<Change>, QuorumError> {
        let mut changes = Vec::new();
        for (offset, record) in (self.next_offset()..).zip(&records) {
            let applied = self.controller.apply(record, offset, &mut changes);
            applied.map_err(|source| self.fail(QuorumError::Apply { offset, source }))?;
        }
        self.staged.extend(records);
        Ok(changes)
    }

    /// Appends one batch durably.
    fn append(&mut self, now: Now, batch: &[u8]) -> Result<(), QuorumError> {
        match self.log.append_stored(now, batch) {
            Ok(_) => {}
            Err(error @ LogError::NoSpace(_)) => {
                self.controller.reset(self.image.load().state().clone());
                return Err(error.into());
            }
            Err(error) => return Err(self.fail(error.into())),
        }
        // What a failed sync left on disk is unknown (R16).
        self.log.flush().map_err(|e| self.fail(e.into()))?;
        self.last_time = now.wall;
        self.snapshots.appended(batch.len());
        Ok(())
    }
}
