//! Writing replies to a socket: bytes as they are, file stretches with `sendfile`.

use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use bytes::Bytes;
use rustix::net::SendFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::reply::{FileRange, Frame, Part};

/// Replies are joined into one write until they reach this size.
const JOIN: usize = 32 * 1024;
/// A stretch of a file up to this size is copied into the joined write: one packet and one wake-up of the reader instead of three.
const COPIED: usize = 16 * 1024;
/// Slices given to the kernel at once.
const MAX_SLICES: usize = 64;

/// Writes `frames` in order, joining small ones. A client that takes nothing for as long as `stalled` has lost the connection.
pub async fn write_frames(stream: &TcpStream, stalled: Duration, frames: impl IntoIterator<Item = Frame>) -> io::Result<()> {
    let mut joined: Vec<Bytes> = Vec::new();
    let mut size = 0;
    for part in frames.into_iter().flat_map(|frame| frame.parts) {
        let bytes = match part {
            Part::Bytes(bytes) => bytes,
            Part::File(range) if range.len <= COPIED => copied(&range)?,
            Part::File(range) => {
                // The kernel may hold the head back to join it with the file's bytes.
                send(stream, &mut joined, SendFlags::NOSIGNAL | SendFlags::MORE, stalled).await?;
                size = 0;
                send_file(stream, range, stalled).await?;
                continue;
            }
        };
        size += bytes.len();
        joined.push(bytes);
        if size >= JOIN {
            send(stream, &mut joined, SendFlags::NOSIGNAL, stalled).await?;
            size = 0;
        }
    }
    send(stream, &mut joined, SendFlags::NOSIGNAL, stalled).await
}

/// Sends and empties `parts`.
async fn send(stream: &TcpStream, parts: &mut Vec<Bytes>, flags: SendFlags, stalled: Duration) -> io::Result<()> {
    let mut first = 0;
    while first < parts.len() {
        let mut sent = ready(stream, stalled, || send_once(stream, &parts[first..], flags)).await?;
        while first < parts.len() && sent >= parts[first].len() {
            sent -= parts[first].len();
            first += 1;
        }
        if let Some(part) = parts.get_mut(first) {
            *part = part.slice(sent..);
        }
    }
    parts.clear();
    Ok(())
}

fn send_once(stream: &TcpStream, parts: &[Bytes], flags: SendFlags) -> io::Result<usize> {
    if let [only] = parts {
        return Ok(rustix::net::send(stream, only, flags)?);
    }
    let slices: Vec<IoSlice<'_>> = parts.iter().take(MAX_SLICES).map(|p| IoSlice::new(p)).collect();
    Ok(rustix::net::sendmsg(stream, &slices, &mut rustix::net::SendAncillaryBuffer::default(), flags)?)
}

fn copied(range: &FileRange) -> io::Result<Bytes> {
    let mut bytes = vec![0; range.len];
    range.file.read_exact_at(&mut bytes, range.position)?;
    Ok(bytes.into())
}

async fn send_file(stream: &TcpStream, range: FileRange, stalled: Duration) -> io::Result<()> {
    let FileRange { file, mut position, mut len } = range;
    while len > 0 {
        let sent = ready(stream, stalled, || Ok(rustix::fs::sendfile(stream, &*file, Some(&mut position), len)?)).await?;
        if sent == 0 {
            // The length went out already, so the stream cannot be mended.
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a log file is shorter than it was"));
        }
        len -= sent;
    }
    Ok(())
}

/// Runs a non-blocking write, waiting for the socket when it is full.
async fn ready(stream: &TcpStream, stalled: Duration, mut write: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match stream.try_io(Interest::WRITABLE, &mut write) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                let waited = tokio::time::timeout(stalled, stream.writable()).await;
                waited.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the client does not take its reply"))??;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
