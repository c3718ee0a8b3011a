//! The connections of a client: some per broker, opened when they are needed, one attempt shared by all who wait for it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::conn::{ConnectOptions, Connection};
use super::dial::{SocketBuffers, canonical_names, race};
use super::error::{Cause, Error};
use super::metadata::{BrokerNode, Metadata};
use super::probe::explained;
use crate::config::{ClientConfig, DnsLookup};
use crate::net::BufferPool;
use crate::rng::Rng;

/// Buffers of large answers kept for the next ones, in bytes.
const KEPT_BUFFERS: usize = 16 << 20;

/// Which of a broker's connections to take. A broker answers the requests of one connection in order, so a request that it may hold
/// back for long (a fetch waiting for records, a join waiting for other members) must not stand before others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// Everything that is answered at once.
    Calls,
    Fetch,
    /// JoinGroup and SyncGroup.
    Group,
}

/// See the file's head.
pub(super) struct Nodes {
    config: ClientConfig,
    options: ConnectOptions,
    slots: Mutex<HashMap<(i32, Lane), Arc<Slot>>>,
    bootstrap: tokio::sync::Mutex<Option<Arc<Connection>>>,
    rng: Mutex<Rng>,
}

/// One lane to one broker. The asynchronous lock makes callers share one attempt to connect.
#[derive(Default)]
struct Slot {
    held: tokio::sync::Mutex<Held>,
}

#[derive(Default)]
struct Held {
    connection: Option<Arc<Connection>>,
    /// The advertised address it belongs to.
    address: String,
    /// Attempts that failed one after the other, and the last of them.
    failures: u32,
    last_failure: Option<(Instant, Cause)>,
}

impl Nodes {
    pub fn new(config: &ClientConfig, seed: u64) -> Nodes {
        let idle_ms = if config.connections_max_idle_ms == 0 { u64::MAX } else { config.connections_max_idle_ms };
        let options = ConnectOptions {
            client_id: config.client_id.clone(),
            setup_timeout: Duration::from_millis(config.connection_setup_timeout_ms),
            request_timeout: Duration::from_millis(config.request_timeout_ms),
            max_idle: Duration::from_millis(idle_ms),
            security: config.security.clone(),
            socket: SocketBuffers { send: config.send_buffer_bytes, receive: config.receive_buffer_bytes },
            // Frames live as long as someone reads their records; what bounds them is what is asked for.
            buffers: BufferPool::new(usize::MAX, KEPT_BUFFERS),
        };
        Nodes {
            config: config.clone(),
            options,
            slots: Mutex::default(),
            bootstrap: tokio::sync::Mutex::default(),
            rng: Mutex::new(Rng::new(seed)),
        }
    }

    /// A connection to `broker`, opened if need be. After a failure a new attempt waits for the reconnect backoff.
    pub async fn get(&self, broker: &BrokerNode, lane: Lane) -> Result<Arc<Connection>, Error> {
        let slot = self.slots.lock().entry((broker.id, lane)).or_default().clone();
        let called = Instant::now();
        let mut held = slot.held.lock().await;
        let address = broker.address();
        if held.address != address {
            *held = Held { address: address.clone(), ..Held::default() };
        }
        if let Some(connection) = held.connection.as_ref().filter(|c| !c.is_closed()) {
            return Ok(connection.clone());
        }
        let failed = |cause| Error::Node { node: broker.id, address: address.clone(), cause };
        // Whoever waited while another's attempt failed need not make the same attempt again.
        if let Some((_, cause)) = held.last_failure.as_ref().filter(|(at, _)| *at >= called) {
            return Err(failed(cause.clone()));
        }
        tokio::time::sleep(self.reconnect_pause(&held)).await;
        match Connection::open(&address, &self.options_after(held.failures)).await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                *held = Held { connection: Some(connection.clone()), address, ..Held::default() };
                Ok(connection)
            }
            Err(cause) => {
                held.connection = None;
                held.failures += 1;
                held.last_failure = Some((Instant::now(), cause.clone()));
                Err(failed(cause))
            }
        }
    }

    fn reconnect_pause(&self, held: &Held) -> Duration {
        let Some((last, _)) = &held.last_failure else { return Duration::ZERO };
        let c = &self.config;
        let most = c.reconnect_backoff_max_ms.max(c.reconnect_backoff_ms);
        let grown = c.reconnect_backoff_ms.saturating_mul(1 << held.failures.saturating_sub(1).min(16)).min(most);
        self.jittered(grown).saturating_sub(last.elapsed())
    }

    /// The time to connect doubles with every failure, up to its own limit.
    fn options_after(&self, failures: u32) -> ConnectOptions {
        let c = &self.config;
        let most = c.connection_setup_timeout_max_ms.max(c.connection_setup_timeout_ms);
        let ms = c.connection_setup_timeout_ms.saturating_mul(1 << failures.min(16)).min(most);
        ConnectOptions { setup_timeout: Duration::from_millis(ms), ..self.options.clone() }
    }

    /// A connection to some broker: the least busy of those that are open, else whichever of the bootstrap servers and the known
    /// brokers answers first.
    pub async fn any(&self, known: &Metadata) -> Result<Arc<Connection>, Error> {
        if let Some(connection) = self.least_busy() {
            return Ok(connection);
        }
        let called = Instant::now();
        let mut held = self.bootstrap.lock().await;
        if let Some(connection) = held.as_ref().filter(|c| !c.is_closed()) {
            return Ok(connection.clone());
        }
        let candidates = self.candidates(known).await;
        let attempts = candidates.iter().cloned().map(|address| {
            let options = self.options.clone();
            async move { Connection::open(&address, &options).await }
        });
        match race(attempts).await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                *held = Some(connection.clone());
                Ok(connection)
            }
            Err(causes) => {
                let tried = candidates.into_iter().zip(causes).map(|(address, cause)| async move {
                    let cause = explained(&address, cause).await;
                    (address, cause)
                });
                Err(Error::NoBroker { tried: in_order(tried).await, after: called.elapsed() })
            }
        }
    }

    fn least_busy(&self) -> Option<Arc<Connection>> {
        let slots = self.slots.lock();
        let calls = slots.iter().filter(|((_, lane), _)| *lane == Lane::Calls);
        let open = calls.filter_map(|(_, s)| s.held.try_lock().ok().and_then(|h| h.connection.clone())).filter(|c| !c.is_closed());
        open.min_by_key(|c| c.calls_waiting())
    }

    /// Bootstrap servers first, then the brokers that metadata told of.
    async fn candidates(&self, known: &Metadata) -> Vec<String> {
        let mut all = Vec::new();
        for server in &self.config.bootstrap_servers {
            let names = match self.config.dns_lookup {
                DnsLookup::UseAllDnsIps => vec![server.clone()],
                DnsLookup::ResolveCanonicalBootstrapServersOnly => canonical_names(server, self.options.setup_timeout).await,
            };
            all.extend(names);
        }
        all.extend(known.brokers.values().map(BrokerNode::address));
        let mut seen = std::collections::HashSet::new();
        all.retain(|a| seen.insert(a.clone()));
        all
    }

    /// Gives the bootstrap connection to the broker that it turned out to be, so that no second one is opened to it. Does nothing
    /// where that cannot be told from the addresses.
    pub fn adopt_bootstrap(&self, known: &Metadata) {
        let Ok(mut held) = self.bootstrap.try_lock() else { return };
        let Some(connection) = held.as_ref().filter(|c| !c.is_closed()) else { return };
        let is_peer = |b: &&BrokerNode| {
            let literal: Option<SocketAddr> = b.address().parse().ok();
            b.address() == connection.address() || (literal.is_some() && literal == connection.peer())
        };
        let Some(broker) = known.brokers.values().find(is_peer) else { return };
        let slot = self.slots.lock().entry((broker.id, Lane::Calls)).or_default().clone();
        let Ok(mut taken) = slot.held.try_lock() else { return };
        if taken.connection.as_ref().is_none_or(|c| c.is_closed()) {
            *taken = Held { connection: held.take(), address: broker.address(), ..Held::default() };
        }
    }

    /// The pause before attempt `tries + 1`: doubling, at most `retry.backoff.max.ms`, 20 % jitter either way.
    pub fn backoff(&self, tries: u32) -> Duration {
        let c = &self.config;
        self.jittered(c.retry_backoff_ms.saturating_mul(1 << tries.min(16)).min(c.retry_backoff_max_ms.max(c.retry_backoff_ms)))
    }

    fn jittered(&self, ms: u64) -> Duration {
        let part = 80 + self.rng.lock().below(41);
        Duration::from_micros(ms.saturating_mul(part * 10))
    }
}

/// Runs all at once; the results come in the order of the tasks.
async fn in_order<T: Send + 'static>(tasks: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let mut done = Vec::new();
    for task in tasks.map(tokio::spawn).collect::<Vec<_>>() {
        done.extend(task.await.ok());
    }
    done
}
