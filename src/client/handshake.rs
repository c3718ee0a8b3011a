//! The first exchange on a connection: which versions the broker speaks, and whether it is one at all.

use std::collections::BTreeMap;

use bytes::Bytes;
use kfk_wire::api_versions_request::ApiVersionsRequest;
use kfk_wire::{ApiKey, ErrorCode, Message, Piece, Reader, Request, Writer, frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::{Cause, Speaks};
use super::security::{Duplex, tls_trouble};

/// An answer to ApiVersions that claims more than this is not one.
const MAX_ANSWER: usize = 1 << 20;

/// API key to the lowest and highest version.
pub(super) type Versions = BTreeMap<i16, (i16, i16)>;

/// What a broker says of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Spoken {
    pub versions: Versions,
    /// The level of each feature that the cluster has agreed on.
    pub features: BTreeMap<String, i16>,
}

/// ApiVersions in our highest version, and in version 0 if the broker does not know that one.
pub(super) async fn ask_versions(stream: &mut dyn Duplex, client_id: &str) -> Result<Spoken, Cause> {
    let request = ApiVersionsRequest { client_software_name: "kfk".into(), client_software_version: env!("CARGO_PKG_VERSION").into() };
    let (mut bytes, mut version) = (ask(stream, client_id, &request, ApiVersionsRequest::MAX).await?, ApiVersionsRequest::MAX);
    // A broker that does not know the version answers in version 0.
    let code = bytes.get(4..6).map(|b| ErrorCode::from_code(i16::from_be_bytes([b[0], b[1]])));
    if code == Some(ErrorCode::UnsupportedVersion) {
        (bytes, version) = (ask(stream, client_id, &ApiVersionsRequest::default(), 0).await?, 0);
    }
    let mut r = Reader::new(bytes);
    let header = frame::read_response_header(&mut r, ApiKey::ApiVersions, version);
    let answer = header.and_then(|_| <ApiVersionsRequest as Request>::Response::decode(&mut r, version));
    let answer = answer.map_err(|_| Cause::NotKafka(Speaks::Unknown))?;
    match ErrorCode::from_code(answer.error_code) {
        ErrorCode::None => Ok(Spoken {
            versions: answer.api_keys.iter().map(|k| (k.api_key, (k.min_version, k.max_version))).collect(),
            features: answer.finalized_features.into_iter().map(|f| (f.name, f.max_version_level)).collect(),
        }),
        code => Err(Cause::Closed(format!("it refuses to tell its versions: {}", code.name()))),
    }
}

/// One request and its answer, while nothing else goes on.
pub(super) async fn exchange<R: Request>(
    stream: &mut dyn Duplex,
    client_id: &str,
    request: &R,
    version: i16,
) -> Result<R::Response, Cause> {
    let mut r = Reader::new(ask(stream, client_id, request, version).await?);
    let header = frame::read_response_header(&mut r, R::KEY, version);
    let answer = header.and_then(|_| R::Response::decode(&mut r, version));
    answer.map_err(|why| Cause::Closed(format!("its answer to {} cannot be read: {why}", R::KEY.name())))
}

async fn ask<R: Request>(mut stream: &mut dyn Duplex, client_id: &str, request: &R, version: i16) -> Result<Bytes, Cause> {
    let mut w = Writer::with_capacity(128);
    frame::write_request(&mut w, 0, Some(client_id), version, request).map_err(|e| Cause::Closed(e.to_string()))?;
    for piece in w.into_pieces() {
        let Piece::Bytes(bytes) = piece else { continue };
        stream.write_all(&bytes).await.map_err(|e| broken(&e))?;
    }
    stream.flush().await.map_err(|e| broken(&e))?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.map_err(|e| broken(&e))?;
    let size = usize::try_from(i32::from_be_bytes(head)).ok().filter(|s| (4..=MAX_ANSWER).contains(s));
    let size = size.ok_or(Cause::NotKafka(speaks(&head)))?;
    let mut answer = Vec::new();
    // Grows as bytes arrive, not by what the head claims.
    (&mut stream).take(size as u64).read_to_end(&mut answer).await.map_err(|e| broken(&e))?;
    if answer.len() < size {
        return Err(hung_up());
    }
    if answer[..4] != [0; 4] {
        return Err(Cause::NotKafka(Speaks::Unknown));
    }
    Ok(Bytes::from(answer))
}

fn broken(e: &std::io::Error) -> Cause {
    if let Some(cause) = tls_trouble(e) {
        return cause;
    }
    match e.kind() {
        std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset => hung_up(),
        _ => Cause::Closed(e.to_string()),
    }
}

fn hung_up() -> Cause {
    Cause::Closed("it closes the connection when asked; the port may want TLS or SASL (security.protocol)".into())
}

/// What begins an answer that is none.
fn speaks(head: &[u8; 4]) -> Speaks {
    match head {
        b"HTTP" => Speaks::Http,
        // Alert or handshake records of TLS 1.x.
        [0x14..=0x17, 3, ..] => Speaks::Tls,
        _ => Speaks::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_and_http_are_known_by_their_first_bytes() {
        assert_eq!(speaks(b"HTTP"), Speaks::Http);
        assert_eq!(speaks(&[0x15, 3, 1, 0]), Speaks::Tls);
        assert_eq!(speaks(b"SSH-"), Speaks::Unknown);
    }
}
