//! A connection's bytes, plain or encrypted, and what is wrong when TLS does not come about.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, AlertDescription, CertificateError, ClientConfig};

use crate::client::error::Cause;

/// Reads and writes, whichever way.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// The side that answers come from.
pub(crate) type ReadHalf = Box<dyn AsyncRead + Send + Unpin>;
/// The side that requests go to.
pub(crate) type WriteHalf = Box<dyn AsyncWrite + Send + Unpin>;

/// An open connection.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The other end.
    pub fn peer(&self) -> Option<SocketAddr> {
        match self {
            Stream::Plain(tcp) => tcp.peer_addr().ok(),
            Stream::Tls(tls) => tls.get_ref().0.peer_addr().ok(),
        }
    }

    pub fn duplex(&mut self) -> &mut dyn Duplex {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls,
        }
    }

    /// For two tasks. Only an encrypted stream needs a lock between its halves.
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        match self {
            Stream::Plain(tcp) => {
                let (read, write) = tcp.into_split();
                (Box::new(read), Box::new(write))
            }
            Stream::Tls(tls) => {
                let (read, write) = tokio::io::split(tls);
                (Box::new(read), Box::new(write))
            }
        }
    }
}

/// Encrypts `tcp`, which leads to `address` (`host:port`), if `tls` says how.
pub(crate) async fn secure(tcp: TcpStream, address: &str, tls: Option<&Arc<ClientConfig>>) -> Result<Stream, Cause> {
    let Some(config) = tls else { return Ok(Stream::Plain(tcp)) };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_string()).map_err(|_| Cause::Tls(format!("{host} is no name that a certificate can have")))?;
    match TlsConnector::from(config.clone()).connect(name, tcp).await {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
        Err(e) => Err(tls_trouble(&e).unwrap_or_else(|| match e.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                Cause::Tls("it closes the connection when TLS begins; the port may be for plain connections".into())
            }
            _ => Cause::Closed(e.to_string()),
        })),
    }
}

/// What of an error is about TLS, in words.
pub(crate) fn tls_trouble(e: &io::Error) -> Option<Cause> {
    let inner = e.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(Cause::Tls(match inner {
        rustls::Error::InvalidCertificate(why) => certificate(why),
        rustls::Error::InvalidMessage(_) => "it does not speak TLS; the port may be for plain connections".into(),
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::BadCertificate) => {
            "it wants a certificate of the client (ssl.keystore.location), or does not accept this one".into()
        }
        rustls::Error::AlertReceived(alert) => format!("it ends TLS with the alert {alert:?}"),
        other => format!("TLS does not come about: {other}"),
    }))
}

fn certificate(why: &CertificateError) -> String {
    match why {
        // A bad signature: somebody of the name of one who is.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate was issued by nobody who is trusted here (ssl.truststore.location)".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "its certificate is not valid yet".into(),
        CertificateError::NotValidForName => "its certificate is for another name".into(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            // Told as `DnsName("a")`.
            let names: Vec<&str> = presented.iter().map(|n| n.split('"').nth(1).unwrap_or(n)).collect();
            format!("its certificate is for other names ({})", names.join(", "))
        }
        other => format!("its certificate is no good: {other}"),
    }
}
