//! A few pages over HTTP/1.1, one request a connection: `/metrics`, `/healthz` (the process answers), `/readyz` (it accepts clients).

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{RwLock, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::warn;

use super::page::page;
use crate::broker::Broker;

/// A request's head may be this long.
const MAX_HEAD: usize = 8 << 10;
/// From the connection to the end of the reply.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections beyond this wait to be accepted.
const MAX_CONNECTIONS: usize = 16;

/// Serves until the broker stops. Requests in flight are dropped then: a broker that closes must be nobody else's.
pub async fn run(listener: TcpListener, broker: Arc<Broker>, mut stop: watch::Receiver<bool>) {
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let making = Arc::new(RwLock::new(()));
    let mut connections = JoinSet::new();
    loop {
        let next = async { (free.clone().acquire_owned().await, listener.accept().await) };
        let (permit, accepted) = tokio::select! {
            biased;
            _ = stop.wait_for(|stopping| *stopping) => break,
            Some(_) = connections.join_next() => continue,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let pages = Pages { broker: broker.clone(), making: making.clone() };
                connections.spawn(async move {
                    let _permit = permit;
                    // Who is slow, or goes away, gets nothing; that is for the other side to complain about.
                    let _ = tokio::time::timeout(PATIENCE, serve(stream, pages)).await;
                });
            }
            Err(e) => {
                warn!("cannot accept a connection for metrics: {e}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    connections.shutdown().await;
    // A page that is being made goes on without its connection.
    drop(making.write().await);
}

/// What a connection may ask for.
struct Pages {
    broker: Arc<Broker>,
    /// Read while a page is made.
    making: Arc<RwLock<()>>,
}

async fn serve(mut stream: TcpStream, pages: Pages) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        if head.len() > MAX_HEAD || stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let line = head.split(|b| *b == b'\r').next().unwrap_or_default();
    let mut words = std::str::from_utf8(line).unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, body) = match (method, target.split('?').next().unwrap_or_default()) {
        ("GET" | "HEAD", path) => pages.answer(path).await,
        _ => ("405 Method Not Allowed", "only GET and HEAD\n".to_owned()),
    };
    let kind = if target.starts_with("/metrics") { "text/plain; version=0.0.4; charset=utf-8" } else { "text/plain; charset=utf-8" };
    let length = body.len();
    let mut reply = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    if method != "HEAD" {
        reply.push_str(&body);
    }
    stream.write_all(reply.as_bytes()).await?;
    stream.shutdown().await
}

impl Pages {
    async fn answer(&self, path: &str) -> (&'static str, String) {
        match path {
            "/metrics" => self.metrics().await,
            "/healthz" => ("200 OK", "ok\n".to_owned()),
            "/readyz" if self.broker.is_stopping() => ("503 Service Unavailable", "stopping\n".to_owned()),
            "/readyz" => ("200 OK", "ready\n".to_owned()),
            _ => ("404 Not Found", "there are /metrics, /healthz and /readyz\n".to_owned()),
        }
    }

    async fn metrics(&self) -> (&'static str, String) {
        let (broker, making) = (self.broker.clone(), self.making.clone().read_owned().await);
        let made = tokio::task::spawn_blocking(move || {
            let page = page(&broker);
            drop(broker);
            drop(making);
            page
        });
        made.await.map_or_else(|_| ("500 Internal Server Error", String::new()), |page| ("200 OK", page))
    }
}
