//! Looking at one address without a client: what is there, for those who want to know why nothing works.
//!
//! Nothing is changed by it. A broker logs that a client hung up, or that it sent something strange.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use kfk_wire::ErrorCode;
use kfk_wire::sasl_handshake_request::SaslHandshakeRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dial::{SocketBuffers, dial, resolve};
use super::error::{Cause, Speaks};
use super::handshake::{ask_versions, exchange};
use super::security::{authenticate, secure};
use crate::config::Security;

/// How long a failed attempt may be looked into before it is told.
const PATIENCE: Duration = Duration::from_millis(300);
/// Brokers let those wait who come with a mechanism that they do not know.
pub(super) const SASL_PATIENCE: Duration = Duration::from_secs(1);

const BUFFERS: SocketBuffers = SocketBuffers { send: -1, receive: -1 };
const CLIENT_ID: &str = "kfk";
/// Any mechanism will do: the answer names all that there are. To one that is not there brokers answer late, as to a failed login.
const MECHANISM: &str = "PLAIN";

/// What a broker says of itself when it is greeted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Greeting {
    /// API key to the lowest and highest version.
    pub versions: BTreeMap<i16, (i16, i16)>,
    /// The level of each feature that the cluster has agreed on.
    pub features: BTreeMap<String, i16>,
    /// How long all of it took.
    pub took: Duration,
}

/// The addresses behind `host:port`.
pub async fn addresses(address: &str, limit: Duration) -> Result<Vec<SocketAddr>, Cause> {
    resolve(address, limit).await
}

/// Connects to one address; how long that took.
pub async fn connect(address: SocketAddr, limit: Duration) -> Result<Duration, Cause> {
    let begun = Instant::now();
    dial(&address.to_string(), BUFFERS, limit).await.map(|_| begun.elapsed())
}

/// Connects to `host:port`, encrypts and authenticates as `security` says, and asks for the versions.
pub async fn greet(address: &str, security: &Security, limit: Duration) -> Result<Greeting, Cause> {
    let begun = Instant::now();
    let work = async {
        let tcp = dial(address, BUFFERS, limit).await?;
        let mut stream = secure(tcp, address, security.tls.as_ref()).await?;
        let spoken = ask_versions(stream.duplex(), CLIENT_ID).await?;
        if let Some(sasl) = &security.sasl {
            authenticate(stream.duplex(), CLIENT_ID, &spoken, sasl).await?;
        }
        Ok(Greeting { versions: spoken.versions, features: spoken.features, took: begun.elapsed() })
    };
    tokio::time::timeout(limit, work).await.unwrap_or(Err(Cause::NoAnswer(limit)))
}

/// What `host:port` speaks, if that is TLS or HTTP: asked in both at once, as many keep quiet or hang up when they do not understand.
pub async fn stranger(address: &str, limit: Duration) -> Option<Speaks> {
    let say = async |words: &[u8]| -> Option<[u8; 4]> {
        let mut stream = dial(address, BUFFERS, limit).await.ok()?;
        stream.write_all(words).await.ok()?;
        let mut head = [0; 4];
        stream.read_exact(&mut head).await.ok()?;
        Some(head)
    };
    let hello = client_hello();
    let (tls, http) = (tokio::time::timeout(limit, say(&hello)), tokio::time::timeout(limit, say(b"GET / HTTP/1.0\r\n\r\n")));
    match tokio::join!(tls, http) {
        (Ok(Some([0x14..=0x17, 3, ..])), _) => Some(Speaks::Tls),
        (_, Ok(Some(head))) if &head == b"HTTP" => Some(Speaks::Http),
        _ => None,
    }
}

/// What is there, where a broker could not be talked to: `cause`, or something that says more.
pub(super) async fn explained(address: &str, cause: Cause) -> Cause {
    match cause {
        Cause::NoAnswer(_) | Cause::Closed(_) | Cause::NotKafka(Speaks::Unknown) => {
            stranger(address, PATIENCE).await.map_or(cause, Cause::NotKafka)
        }
        plain => plain,
    }
}

/// Why a client without SASL is of no use at `host:port`; `None` if the listener does not ask who comes, or cannot be asked.
pub async fn wants_sasl(address: &str, security: &Security, limit: Duration) -> Option<Cause> {
    let work = async {
        let tcp = dial(address, BUFFERS, limit).await.ok()?;
        let mut stream = secure(tcp, address, security.tls.as_ref()).await.ok()?;
        exchange(stream.duplex(), CLIENT_ID, &SaslHandshakeRequest { mechanism: MECHANISM.into() }, 1).await.ok()
    };
    let answer = tokio::time::timeout(limit, work).await.ok()??;
    // A listener without SASL says that the request makes no sense there.
    if !matches!(ErrorCode::from_code(answer.error_code), ErrorCode::None | ErrorCode::UnsupportedSaslMechanism) {
        return None;
    }
    let protocol = if security.tls.is_some() { "SASL_SSL" } else { "SASL_PLAINTEXT" };
    let mechanisms = answer.mechanisms.join(", ");
    Some(Cause::Unauthenticated(format!(
        "its listener wants clients to authenticate with SASL ({mechanisms}); security.protocol={protocol} is for that"
    )))
}

/// The first words of TLS 1.2: no extensions, a few cipher suites. Whoever speaks TLS answers with a handshake or an alert.
fn client_hello() -> Vec<u8> {
    const SUITES: [u16; 6] = [0x1301, 0xc02f, 0xc02b, 0x009c, 0x002f, 0x00ff];
    let mut body = vec![3, 3];
    // Nothing secret will follow, so the random bytes need not be random.
    body.extend_from_slice(&[0x6b; 32]);
    body.push(0);
    body.extend_from_slice(&(SUITES.len() as u16 * 2).to_be_bytes());
    body.extend(SUITES.iter().flat_map(|suite| suite.to_be_bytes()));
    // One compression method: none.
    body.extend_from_slice(&[1, 0]);
    let length = |n: usize| [(n >> 8) as u8, n as u8];
    let mut hello = vec![0x16, 3, 1];
    hello.extend_from_slice(&length(body.len() + 4));
    hello.extend_from_slice(&[1, 0]);
    hello.extend_from_slice(&length(body.len()));
    hello.extend(body);
    hello
}
