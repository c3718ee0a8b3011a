//! The broker's outside: sockets, tasks, the clock, and one handler per kind of request. Decisions and files lie in the rooms below.

mod api;
mod clock;
mod conn;
mod context;
mod dispatch;
mod out;
mod reply;
mod server;
mod wait;

use std::io;
use std::sync::Arc;

use clock::Clock;
use context::Listener;

pub use server::{Running, start};

use crate::config::BrokerConfig;
use crate::net::BufferPool;

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
    #[error("an internal error")]
    Internal,
}

/// What all connections and ticks of one broker share.
pub struct Broker {
    pub config: BrokerConfig,
    pub clock: Clock,
    pub buffers: Arc<BufferPool>,
}

impl Broker {
    /// Opens the data directory and joins the cluster. May block.
    fn open(config: BrokerConfig, _listeners: Vec<Arc<Listener>>) -> Result<Arc<Broker>, StartError> {
        Ok(Arc::new(Broker { config, clock: Clock::start(), buffers: BufferPool::new(FRAME_BUDGET, FRAME_RETAIN) }))
    }

    /// Leaves the data directory as a clean stop does. May block.
    fn close(&self) {}
}
