//! From `host:port` to an open stream: names resolved, addresses raced, what is wrong told.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::error::Cause;

/// How long one address is tried alone before the next one is tried beside it (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);
const UNREACHABLE: [io::ErrorKind; 2] = [io::ErrorKind::HostUnreachable, io::ErrorKind::NetworkUnreachable];

/// Wishes for a socket's buffers in bytes; negative: the operating system's choice.
#[derive(Debug, Clone, Copy)]
pub(super) struct SocketBuffers {
    pub send: i32,
    pub receive: i32,
}

/// Connects to `host:port`. Of several addresses behind the name the first that answers wins.
pub(super) async fn dial(address: &str, buffers: SocketBuffers, limit: Duration) -> Result<TcpStream, Cause> {
    let resolved = resolve(address, limit).await?;
    let attempts = resolved.into_iter().map(|ip| connect(ip, buffers));
    match tokio::time::timeout(limit, race(attempts)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(causes)) => Err(plainest(causes)),
        Err(_) => Err(Cause::NoAnswer(limit)),
    }
}

/// The addresses behind `host:port`.
pub(super) async fn resolve(address: &str, limit: Duration) -> Result<Vec<SocketAddr>, Cause> {
    match tokio::time::timeout(limit, tokio::net::lookup_host(address)).await {
        Ok(Ok(found)) => Ok(found.collect()),
        Ok(Err(e)) => Err(Cause::Unresolved(e.to_string())),
        Err(_) => Err(Cause::Unresolved(format!("no answer from the resolver within {:.1} s", limit.as_secs_f64()))),
    }
}

/// `client.dns.lookup=resolve_canonical_bootstrap_servers_only`: one `name:port` for every address behind `host:port`, under the name
/// that the address itself has. What cannot be looked up stays as it is.
pub(super) async fn canonical_names(address: &str, limit: Duration) -> Vec<String> {
    let Ok(resolved) = resolve(address, limit).await else { return vec![address.to_string()] };
    let mut out = Vec::new();
    for socket in resolved {
        let ip = socket.ip();
        let lookup = tokio::task::spawn_blocking(move || dns_lookup::lookup_addr(&ip));
        let name = match tokio::time::timeout(limit, lookup).await {
            Ok(Ok(Ok(name))) => name,
            _ => ip.to_string(),
        };
        let entry = join_host_port(&name, socket.port());
        if !out.contains(&entry) {
            out.push(entry);
        }
    }
    out
}

/// `host:port`, with brackets around an IPv6 address.
pub(super) fn join_host_port(host: &str, port: u16) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => format!("[{host}]:{port}"),
        _ => format!("{host}:{port}"),
    }
}

/// Runs `attempts` one beside the other, each begun when the one before has failed or had its head start. The first success ends all
/// others; the errors come in the order of the attempts.
pub(super) async fn race<T, F>(attempts: impl IntoIterator<Item = F>) -> Result<T, Vec<Cause>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Cause>> + Send + 'static,
{
    let mut running: JoinSet<(usize, Result<T, Cause>)> = JoinSet::new();
    let mut failed: Vec<(usize, Cause)> = Vec::new();
    let mut attempts = attempts.into_iter().enumerate().peekable();
    loop {
        if let Some((at, attempt)) = attempts.next() {
            running.spawn(async move { (at, attempt.await) });
        }
        let patience = if attempts.peek().is_some() { HEAD_START } else { Duration::MAX };
        match tokio::time::timeout(patience, running.join_next()).await {
            Ok(Some(Ok((_, Ok(value))))) => return Ok(value),
            Ok(Some(Ok((at, Err(cause))))) => failed.push((at, cause)),
            Ok(Some(Err(e))) => failed.push((usize::MAX, Cause::Closed(e.to_string()))),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    failed.sort_by_key(|(at, _)| *at);
    Err(failed.into_iter().map(|(_, cause)| cause).collect())
}

/// What to tell of several addresses of one name: a refusal says more than a missing route.
fn plainest(mut causes: Vec<Cause>) -> Cause {
    let at = causes.iter().position(|c| *c == Cause::Refused).unwrap_or(0);
    if causes.is_empty() { Cause::Unresolved("the name has no address".into()) } else { causes.swap_remove(at) }
}

async fn connect(ip: SocketAddr, buffers: SocketBuffers) -> Result<TcpStream, Cause> {
    let work = async {
        let socket = if ip.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Buffer sizes are wishes: a system that refuses them is no reason to fail.
        if let Ok(size) = u32::try_from(buffers.send) {
            let _ = socket.set_send_buffer_size(size);
        }
        if let Ok(size) = u32::try_from(buffers.receive) {
            let _ = socket.set_recv_buffer_size(size);
        }
        let stream = socket.connect(ip).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    work.await.map_err(|e: io::Error| match e.kind() {
        io::ErrorKind::ConnectionRefused => Cause::Refused,
        kind if UNREACHABLE.contains(&kind) => Cause::Closed("there is no route to it".into()),
        _ => Cause::Closed(e.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(after_ms: u64, result: Result<u8, Cause>) -> std::pin::Pin<Box<dyn Future<Output = Result<u8, Cause>> + Send>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            result
        })
    }

    #[tokio::test]
    async fn the_first_address_that_answers_wins() {
        let start = std::time::Instant::now();
        let never = 3_600_000;
        assert_eq!(race([attempt(never, Ok(1)), attempt(0, Err(Cause::Refused)), attempt(0, Ok(3))]).await, Ok(3));
        assert!(start.elapsed() < Duration::from_secs(2), "a silent address costs its head start only");
    }

    #[tokio::test]
    async fn failures_are_told_in_the_order_of_the_addresses() {
        let gone = |why: &str| Cause::Closed(why.into());
        let failed = race::<u8, _>([attempt(30, Err(gone("first"))), attempt(0, Err(gone("second")))]).await;
        assert_eq!(failed, Err(vec![gone("first"), gone("second")]));
        assert_eq!(plainest(vec![gone("x"), Cause::Refused]), Cause::Refused);
        assert_eq!(race::<u8, std::future::Ready<Result<u8, Cause>>>([]).await, Err(vec![]));
    }

    #[test]
    fn ipv6_addresses_stand_in_brackets() {
        assert_eq!(join_host_port("::1", 9), "[::1]:9");
        assert_eq!(join_host_port("broker.example", 9), "broker.example:9");
    }

    #[tokio::test]
    async fn canonical_names_are_one_per_address_and_keep_what_cannot_be_resolved() {
        let second = Duration::from_secs(1);
        let names = canonical_names("127.0.0.1:9092", second).await;
        assert!(names.len() == 1 && names[0].ends_with(":9092"), "{names:?}");
        assert_eq!(canonical_names("no port", second).await, ["no port"]);
    }
}
