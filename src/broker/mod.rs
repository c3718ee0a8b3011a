//! The broker's outside: sockets, tasks, the clock, and one handler per kind of request. Decisions and files lie in the rooms below.

mod api;
mod cleaner;
mod clock;
mod cluster;
mod commit;
mod config_rules;
mod conn;
mod context;
mod control;
mod dispatch;
mod dormant;
mod flush;
mod groups;
mod hosted;
mod ids;
mod limits;
pub mod logging;
mod metrics;
mod noted;
mod out;
mod reply;
mod server;
mod sessions;
mod settings;
mod shards;
mod share;
mod start;
mod tick;
mod transactions;
mod verify;
mod wait;
mod wanted;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

pub use server::{Running, start, start_on};
pub use start::StartError;
pub use wanted::{OtherPartitions, TopicRefused, WantedTopic, WantedTopicError};

use clock::Clock;
use config_rules::Rules;
use groups::Groups;
use hosted::Partitions;
use ids::ProducerIds;
use limits::Limits;
use metrics::Metrics;
use noted::Noted;
use sessions::Sessions;
use share::Share;
use transactions::Transactions;

use crate::config::{BrokerConfig, CleanerConfig};
use crate::log::LogDir;
use crate::net::BufferPool;
use crate::node::image::{Image, ImageCell};
use crate::node::quorum::Quorum;
use crate::rng::Rng;
use crate::types::NodeId;

/// What all connections and ticks of one broker share.
pub struct Broker {
    pub config: BrokerConfig,
    pub clock: Clock,
    pub buffers: Arc<BufferPool>,
    pub node_id: NodeId,
    pub cluster_id: String,
    /// Of this registration; grows with every start.
    broker_epoch: i64,
    pub rules: Arc<Rules>,
    pub logs: Arc<LogDir>,
    pub partitions: Partitions,
    /// With finished segments that are not synced.
    pub rolled: Noted,
    /// With records that wait for a sync.
    pub unsynced: Noted,
    pub limits: Limits,
    pub metrics: Metrics,
    /// How compaction goes about its work; it is woken by a change.
    cleaning: watch::Sender<CleanerConfig>,
    pub sessions: Sessions,
    pub producer_ids: ProducerIds,
    pub groups: Groups,
    pub transactions: Transactions,
    pub share: Share,
    /// `None` once the broker is closed.
    quorum: Mutex<Option<Quorum>>,
    image: ImageCell,
    rng: Mutex<Rng>,
    stopping: AtomicBool,
}

impl Broker {
    /// The newest picture of the cluster.
    pub fn image(&self) -> Arc<Image> {
        self.image.load()
    }

    /// Long work in the background looks at this between its steps.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
