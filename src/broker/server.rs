//! Starting and stopping a broker: sockets, data directory, connections, ticks. Nothing here is global, so a process may hold several.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::context::{Caller, Listener};
use super::{Broker, OtherPartitions, StartError, TopicRefused, WantedTopic, cleaner, commit, conn, flush, metrics, shards, share, tick};
use crate::config::{BrokerConfig, Endpoint};
use crate::log::{Disk, RealDisk};
use crate::machine::group::GroupShard;
use crate::machine::share::state::ShareShard;
use crate::machine::txn::TxnShard;

/// A broker that accepts connections.
pub struct Running {
    addresses: Vec<SocketAddr>,
    metrics_address: Option<SocketAddr>,
    broker: Arc<Broker>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Starts a broker on the runtime of the caller. When this returns it accepts connections on every listener.
pub async fn start(config: BrokerConfig) -> Result<Running, StartError> {
    start_on(config, Arc::new(RealDisk)).await
}

/// The same over another disk, which may fail where a real one seldom does, or take its time.
pub async fn start_on(config: BrokerConfig, disk: Arc<dyn Disk>) -> Result<Running, StartError> {
    // Sockets come first: a port that is taken must not leave traces in the data directory.
    let sockets = bind_all(&config).await?;
    let metrics_socket = bind_metrics(&config).await?;
    let addresses = sockets.iter().map(|s| s.local_addr()).collect::<io::Result<Vec<_>>>().map_err(StartError::Socket)?;
    let listeners = listeners(&config, &addresses);
    let open_listeners = listeners.clone();
    let opened = tokio::task::spawn_blocking(move || Broker::open(config, &open_listeners, disk)).await;
    let broker = opened.map_err(|_| StartError::Internal)??;
    let (stop, stopping) = watch::channel(false);
    let metrics_address = metrics_socket.as_ref().map(TcpListener::local_addr).transpose().map_err(StartError::Socket)?;
    let mut tasks = JoinSet::new();
    for (socket, listener) in sockets.into_iter().zip(listeners) {
        info!("listening on {} as {}", addresses[tasks.len()], listener.name);
        tasks.spawn(accept(socket, broker.clone(), listener, stopping.clone()));
    }
    if let (Some(socket), Some(address)) = (metrics_socket, metrics_address) {
        info!("metrics on http://{address}/metrics");
        tasks.spawn(metrics::run(socket, broker.clone(), stopping.clone()));
    }
    tasks.spawn(tick::run(broker.clone(), stopping.clone()));
    tasks.spawn(flush::run(broker.clone(), stopping.clone()));
    tasks.spawn(commit::run(broker.clone(), stopping.clone()));
    tasks.spawn(cleaner::run(broker.clone(), stopping.clone()));
    tasks.spawn(shards::keep_time::<GroupShard>(broker.clone(), stopping.clone()));
    tasks.spawn(shards::keep_time::<TxnShard>(broker.clone(), stopping.clone()));
    tasks.spawn(shards::keep_time::<ShareShard>(broker.clone(), stopping.clone()));
    tasks.spawn(share::keep_time(broker.clone(), stopping));
    Ok(Running { addresses, metrics_address, broker, stop, tasks })
}

impl Running {
    /// Where the first listener really listens.
    pub fn addr(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Where each listener really listens, in the order of the settings.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where metrics are shown over HTTP, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Sees to it that the topics are there: makes those that are not, leaves the others as they are. Gives the ones that have another
    /// number of partitions than wanted.
    ///
    /// Errors: the first topic that was refused; others of the list may have been made.
    pub async fn have_topics(&self, wanted: Vec<WantedTopic>) -> Result<Vec<OtherPartitions>, TopicRefused> {
        let broker = self.broker.clone();
        let first = wanted.first().map_or_else(String::new, |t| t.name.clone());
        let made = tokio::task::spawn_blocking(move || broker.have_topics(&wanted)).await;
        made.unwrap_or_else(|_| Err(TopicRefused { topic: first, reason: "an internal error".to_owned() }))
    }

    /// Stops accepting, ends the connections, and leaves the data directory as a clean stop does.
    pub async fn stop(mut self) {
        self.broker.stopping.store(true, Ordering::Release);
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        let broker = self.broker;
        let close = move || match Arc::try_unwrap(broker) {
            Ok(broker) => broker.close(),
            Err(_) => warn!("a request still runs: the next start will look the logs over"),
        };
        let _ = tokio::task::spawn_blocking(close).await;
    }
}

async fn bind_all(config: &BrokerConfig) -> Result<Vec<TcpListener>, StartError> {
    let mut sockets = Vec::new();
    for endpoint in &config.listeners {
        let refused = |source| StartError::Listen { listener: endpoint.listener.clone(), address: address_of(endpoint), source };
        sockets.push(bind(endpoint, config.socket_listen_backlog_size).await.map_err(refused)?);
    }
    Ok(sockets)
}

async fn bind_metrics(config: &BrokerConfig) -> Result<Option<TcpListener>, StartError> {
    let Some((host, port)) = config.metrics_listener.clone() else { return Ok(None) };
    let endpoint = Endpoint { listener: "metrics".to_owned(), host, port };
    let refused = |source| StartError::Listen { listener: endpoint.listener.clone(), address: address_of(&endpoint), source };
    bind(&endpoint, config.socket_listen_backlog_size).await.map(Some).map_err(refused)
}

async fn bind(endpoint: &Endpoint, backlog: i32) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    let hosts: &[&str] = if endpoint.host.is_empty() { &["::", "0.0.0.0"] } else { &[&endpoint.host] };
    for host in hosts {
        let found = match tokio::net::lookup_host((*host, endpoint.port)).await {
            Ok(found) => found.collect::<Vec<_>>(),
            Err(e) => {
                last = e;
                continue;
            }
        };
        for address in found {
            match bind_one(address, backlog) {
                Ok(listener) => return Ok(listener),
                Err(e) => last = e,
            }
        }
    }
    Err(last)
}

fn bind_one(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(u32::try_from(backlog).unwrap_or(1024))
}

fn address_of(endpoint: &Endpoint) -> String {
    format!("{}:{}", endpoint.host, endpoint.port)
}

/// What clients are told: the advertised endpoint, or where the socket is bound.
fn listeners(config: &BrokerConfig, addresses: &[SocketAddr]) -> Vec<Arc<Listener>> {
    let of = |(endpoint, address): (&Endpoint, &SocketAddr)| {
        let told = config.advertised_listeners.iter().find(|a| a.listener == endpoint.listener).unwrap_or(endpoint);
        let wildcard = told.is_wildcard();
        let host = if wildcard { host_name() } else { told.host.clone() };
        let port = if told.port == 0 { address.port() } else { told.port };
        Arc::new(Listener { name: endpoint.listener.as_str().into(), host, port, wildcard })
    };
    config.listeners.iter().zip(addresses).map(of).collect()
}

/// This machine's name, which a listener on all interfaces registers.
fn host_name() -> String {
    rustix::system::uname().nodename().to_str().map_or_else(|_| "localhost".to_string(), str::to_string)
}

async fn accept(socket: TcpListener, broker: Arc<Broker>, listener: Arc<Listener>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stopping| *stopping) => break,
            Some(_) = connections.join_next() => continue,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                if broker.limits.enter(peer.ip()) {
                    let listener = stream.local_addr().map_or_else(|_| listener.clone(), |local| listener.reached_at(local));
                    let caller = Caller::new(broker.clone(), peer, listener);
                    connections.spawn(serve(stream, caller, stop.clone()));
                } else {
                    warn!("connection {peer} refused: too many connections");
                }
                let pause = broker.limits.pause(Instant::now());
                if !pause.is_zero() {
                    tokio::select! {
                        biased;
                        _ = stop.wait_for(|stopping| *stopping) => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
            Err(e) => {
                // Out of file descriptors, most likely: others must close first.
                warn!("cannot accept a connection: {e}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(socket);
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(Duration::from_millis(500), drained).await;
}

async fn serve(stream: TcpStream, caller: Caller, stop: watch::Receiver<bool>) {
    /// Counts the connection out however it ends.
    struct Leave(Arc<Broker>, IpAddr);
    impl Drop for Leave {
        fn drop(&mut self) {
            self.0.limits.leave(self.1);
        }
    }
    let _leave = Leave(caller.broker.clone(), caller.peer.ip());
    if let Err(e) = stream.set_nodelay(true) {
        warn!("connection {}: {e}", caller.peer);
        return;
    }
    conn::serve(stream, caller, stop).await
}
