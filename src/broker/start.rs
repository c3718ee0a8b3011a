//! From settings to an open broker and back: data directory, cluster metadata, registration; and the steps of a clean stop.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::Broker;
use super::clock::Clock;
use super::config_rules::Rules;
use super::context::Listener;
use super::groups::Groups;
use super::hosted::Partitions;
use super::ids::ProducerIds;
use super::limits::Limits;
use super::metrics::Metrics;
use super::noted::Noted;
use super::sessions::Sessions;
use super::share::Share;
use super::transactions::Transactions;
use crate::config::{BrokerConfig, CleanerConfig};
use crate::log::{DirOptions, Disk, LogDir, LogError};
use crate::machine::controller::{ApiError, Options};
use crate::net::BufferPool;
use crate::node::quorum::{self, NodeDescription, Quorum, QuorumError, Setup, SnapshotLimits, Wanted};
use crate::rng::Rng;
use crate::types::{Now, Uuid};
use crate::wire::broker_registration_request::Listener as RegisteredListener;

/// Memory that unfinished and unhandled large frames of all connections may take together.
const FRAME_BUDGET: usize = 256 << 20;
/// Buffers kept for the next large frame.
const FRAME_RETAIN: usize = 16 << 20;

/// Why a broker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address} ({listener}): {source}")]
    Listen { listener: String, address: String, source: io::Error },
    #[error("cannot use a socket: {0}")]
    Socket(io::Error),
    #[error("cannot make the data directory {path}: {source}")]
    Directory { path: String, source: io::Error },
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Metadata(#[from] QuorumError),
    #[error("the broker cannot join its cluster: {0}")]
    Refused(String),
    #[error("there is no randomness: {0}")]
    Random(String),
    #[error("an internal error")]
    Internal,
}

impl StartError {
    /// Another process runs on the data directory.
    pub fn directory_in_use(&self) -> bool {
        matches!(self, StartError::Log(LogError::Locked(_)))
    }
}

impl Broker {
    /// Opens the data directory, formatting a new one, loads the cluster's metadata and registers. May block.
    pub(super) fn open(config: BrokerConfig, listeners: &[Arc<Listener>], disk: Arc<dyn Disk>) -> Result<Arc<Broker>, StartError> {
        let clock = Clock::start();
        let now = clock.now();
        let mut rng = seeded()?;
        let root = config.log_dir.clone();
        std::fs::create_dir_all(&root).map_err(|source| StartError::Directory { path: root.display().to_string(), source })?;
        let options = DirOptions { producer_id_expiration_ms: config.producer_id_expiration_ms.into(), ..DirOptions::default() };
        let check = |disk: &dyn Disk, root: &Path| quorum::preflight(disk, root, config.node_id).map_err(StartError::from);
        let logs = Arc::new(LogDir::open_if(disk, &root, options, check)?);
        let wanted = Wanted { node: config.node_id, cluster_id: None };
        let properties = quorum::format(&logs, wanted, true, now, &mut rng)?;
        let cluster_id = properties.cluster_id.unwrap_or_default();
        let rules = Arc::new(Rules { file: config.file.clone(), node: config.node_id });
        let mut quorum = open_quorum(&config, &logs, &cluster_id, rules.clone(), Rng::new(rng.next_u64()), now)?;
        let node = NodeDescription {
            listeners: listeners.iter().map(|l| registered(l)).collect(),
            rack: config.broker_rack.clone(),
            log_dirs: properties.directory_id.into_iter().collect::<Vec<Uuid>>(),
        };
        let clean = logs.clean_shutdown().is_some();
        let refused = |e: ApiError| StartError::Refused(e.message.unwrap_or_else(|| e.code.message().to_string()));
        let broker_epoch = quorum.start_node(now, node, clean)?.response.map_err(refused)?;
        if !clean && !logs.unrecovered().is_empty() {
            info!("the last stop was not clean: {} partitions will be looked over", logs.unrecovered().len());
        }
        let cleaning = rules.with_layers(quorum.image().load().state(), CleanerConfig::effective);
        let broker = Broker {
            clock,
            buffers: BufferPool::new(FRAME_BUDGET, FRAME_RETAIN),
            node_id: config.node_id,
            cluster_id,
            broker_epoch,
            rules,
            logs,
            partitions: Partitions::new(config.node_id),
            rolled: Noted::default(),
            unsynced: Noted::default(),
            limits: Limits::default(),
            metrics: Metrics::default(),
            cleaning: watch::Sender::new(cleaning),
            sessions: Sessions::new(config.max_incremental_fetch_session_cache_slots, Rng::new(rng.next_u64())),
            producer_ids: ProducerIds::default(),
            groups: Groups::new(&config, Rng::new(rng.next_u64())),
            transactions: Transactions::new(&config),
            share: Share::new(&config),
            image: quorum.image(),
            quorum: Mutex::new(Some(quorum)),
            rng: Mutex::new(rng),
            stopping: AtomicBool::new(false),
            config,
        };
        broker.obey_dynamic_settings();
        Ok(Arc::new(broker))
    }

    /// Leaves the data directory as a clean stop does (R1). May block.
    pub(super) fn close(self) {
        let quorum = self.quorum.lock().take();
        let mut in_order = true;
        for hosted in self.partitions.all() {
            let (name, partition) = (hosted.name(), hosted.take());
            let Some(partition) = partition else { continue };
            self.logs.set_high_watermark(&name, partition.offsets().high_watermark());
            if let Err(e) = partition.into_log().close() {
                error!("partition {name} is not closed in order: {e}");
                in_order = false;
            }
        }
        if let Some(Err(e)) = quorum.map(|q| q.close(self.clock.now())) {
            error!("cluster metadata is not closed in order: {e}");
            in_order = false;
        }
        let Ok(logs) = Arc::try_unwrap(self.logs) else {
            warn!("a request still runs: the next start will look the logs over");
            return;
        };
        if !in_order {
            return;
        }
        match logs.close(self.broker_epoch) {
            Ok(true) => {}
            Ok(false) => info!("some logs were not looked over since the last unclean stop; the next start will do it"),
            Err(e) => error!("the stop is not clean: {e}"),
        }
    }
}

fn open_quorum(
    config: &BrokerConfig,
    logs: &LogDir,
    cluster_id: &str,
    rules: Arc<Rules>,
    rng: Rng,
    now: Now,
) -> Result<Quorum, StartError> {
    let options = Options {
        node: config.node_id,
        cluster_id: cluster_id.to_string(),
        default_partitions: config.num_partitions,
        default_replication_factor: i16::try_from(config.default_replication_factor).unwrap_or(i16::MAX),
        ..Options::default()
    };
    let mut quorum = Quorum::open(logs, Setup { options, rules, rng }, now)?;
    quorum.limit_snapshots(SnapshotLimits {
        between: config.metadata_bytes_between_snapshots,
        // 0: age does not matter.
        max_age_ms: u64::try_from(config.metadata_max_snapshot_interval_ms).ok().filter(|ms| *ms > 0),
        // -1: no limit.
        max_log_bytes: u64::try_from(config.metadata_max_retention_bytes).unwrap_or(u64::MAX),
    });
    Ok(quorum)
}

fn registered(listener: &Listener) -> RegisteredListener {
    RegisteredListener { name: listener.name.to_string(), host: listener.host.clone(), port: listener.port, security_protocol: 0 }
}

/// The one place where chance comes in: from the operating system, and the clock beside it.
fn seeded() -> Result<Rng, StartError> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|e| StartError::Random(e.to_string()))?;
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
    Ok(Rng::new(u64::from_be_bytes(seed) ^ u64::from(nanos)))
}
