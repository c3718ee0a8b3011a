//! One connection to one broker: requests out, answers back in the order they were asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kfk_wire::api_versions_request::ApiVersionsRequest;
use kfk_wire::{ApiKey, ErrorCode, Message, Piece, Reader, Request, Writer, frame};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use super::error::{Cause, Error, Speaks};

/// An answer that claims more than this is not one.
const MAX_ANSWER: usize = 512 << 20;
/// Grow towards a claimed size in steps of at most this, as bytes really arrive.
const GROW_STEP: usize = 1 << 20;

/// What happened to a call before the broker's own verdict.
#[derive(Debug, Clone)]
pub(crate) enum CallError {
    Broken(Cause),
    Other(Error),
}

struct Pending {
    correlation_id: i32,
    reply: oneshot::Sender<Result<Bytes, Cause>>,
}

#[derive(Default)]
struct Waiting {
    queue: VecDeque<Pending>,
    broken: Option<Cause>,
}

/// A request to write. `written` is told once the system has taken all of it.
struct Outgoing {
    pieces: Vec<Piece>,
    written: Option<oneshot::Sender<()>>,
}

/// A live connection with the versions its broker speaks.
pub(crate) struct Connection {
    address: String,
    client_id: String,
    versions: BTreeMap<i16, (i16, i16)>,
    out: mpsc::UnboundedSender<Outgoing>,
    waiting: Arc<Mutex<Waiting>>,
    next_id: std::sync::atomic::AtomicI32,
    closed: Arc<AtomicBool>,
    tasks: Vec<tokio::task::AbortHandle>,
    request_timeout: Duration,
}

impl Drop for Connection {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// How to open a connection.
pub(crate) struct ConnectOptions<'a> {
    pub client_id: &'a str,
    pub setup_timeout: Duration,
    pub request_timeout: Duration,
    pub send_buffer: i32,
    pub receive_buffer: i32,
}

impl Connection {
    /// Connects to `host:port`, trying every address the name resolves to, and learns what the broker speaks.
    pub async fn open(address: &str, options: &ConnectOptions<'_>) -> Result<Connection, Cause> {
        let work = async {
            let stream = dial(address, options).await?;
            Connection::start(address, stream, options).await
        };
        tokio::time::timeout(options.setup_timeout, work).await.unwrap_or(Err(Cause::NoAnswer(options.setup_timeout)))
    }

    async fn start(address: &str, stream: TcpStream, options: &ConnectOptions<'_>) -> Result<Connection, Cause> {
        let (read, write) = stream.into_split();
        let (out, requests) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let closed = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn(read_answers(read, waiting.clone(), closed.clone()));
        let writer = tokio::spawn(write_requests(write, requests, waiting.clone(), closed.clone()));
        let mut connection = Connection {
            address: address.to_string(),
            client_id: options.client_id.to_string(),
            versions: BTreeMap::new(),
            out,
            waiting,
            next_id: 0.into(),
            closed,
            tasks: vec![reader.abort_handle(), writer.abort_handle()],
            request_timeout: options.request_timeout,
        };
        connection.versions = connection.ask_versions().await?;
        Ok(connection)
    }

    /// `host:port` as it was asked for.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The lowest and highest version of each API that the broker speaks, by API key.
    pub fn versions(&self) -> &BTreeMap<i16, (i16, i16)> {
        &self.versions
    }

    /// The highest version of `R` that both sides speak.
    pub fn version_of<R: Request>(&self) -> Result<i16, Error> {
        let unsupported = Error::Unsupported { api: R::KEY };
        let (min, max) = self.versions.get(&R::KEY.code()).copied().ok_or(unsupported.clone())?;
        let version = max.min(R::MAX);
        if version < min.max(R::MIN) { Err(unsupported) } else { Ok(version) }
    }

    /// Asks and waits for the answer, at most the request timeout and `extra` (time the broker is allowed to think).
    pub async fn call<R: Request>(&self, request: &R, extra: Duration) -> Result<R::Response, CallError> {
        let version = self.version_of::<R>().map_err(CallError::Other)?;
        self.call_version(request, version, extra).await
    }

    /// As `call`, in version `cap` at most.
    pub async fn call_capped<R: Request>(&self, request: &R, cap: i16, extra: Duration) -> Result<R::Response, CallError> {
        let version = self.version_of::<R>().map_err(CallError::Other)?;
        self.call_version(request, version.min(cap), extra).await
    }

    async fn call_version<R: Request>(&self, request: &R, version: i16, extra: Duration) -> Result<R::Response, CallError> {
        let reply = self.send(request, version)?;
        let limit = self.request_timeout + extra;
        let bytes = match tokio::time::timeout(limit, reply).await {
            Ok(Ok(answer)) => answer.map_err(CallError::Broken)?,
            Ok(Err(_)) => return Err(CallError::Broken(Cause::Closed("the connection was closed".into()))),
            Err(_) => {
                self.close(Cause::NoAnswer(limit));
                return Err(CallError::Broken(Cause::NoAnswer(limit)));
            }
        };
        let mut r = Reader::new(bytes);
        let header = frame::read_response_header(&mut r, R::KEY, version);
        let answer = header.and_then(|_| R::Response::decode(&mut r, version));
        answer.map_err(|why| CallError::Other(Error::BadAnswer { api: R::KEY, why }))
    }

    /// Sends a request that gets no answer (Produce with acks=0) and waits until the system has taken it.
    pub async fn send_only<R: Request>(&self, request: &R) -> Result<(), CallError> {
        let version = self.version_of::<R>().map_err(CallError::Other)?;
        let pieces = self.encode(request, version, self.next_id())?;
        let (written, done) = oneshot::channel();
        self.out.send(Outgoing { pieces, written: Some(written) }).map_err(|_| CallError::Broken(self.cause()))?;
        done.await.map_err(|_| CallError::Broken(self.cause()))
    }

    fn send<R: Request>(&self, request: &R, version: i16) -> Result<oneshot::Receiver<Result<Bytes, Cause>>, CallError> {
        let (reply, answer) = oneshot::channel();
        // The order in the queue must be the order on the wire, so both happen under one lock.
        let mut waiting = self.waiting.lock();
        if let Some(cause) = &waiting.broken {
            return Err(CallError::Broken(cause.clone()));
        }
        let correlation_id = self.next_id();
        let pieces = self.encode(request, version, correlation_id)?;
        waiting.queue.push_back(Pending { correlation_id, reply });
        let sent = self.out.send(Outgoing { pieces, written: None });
        drop(waiting);
        sent.map_err(|_| CallError::Broken(self.cause()))?;
        Ok(answer)
    }

    fn encode<R: Request>(&self, request: &R, version: i16, correlation_id: i32) -> Result<Vec<Piece>, CallError> {
        let mut w = Writer::with_capacity(256);
        let written = frame::write_request(&mut w, correlation_id, Some(&self.client_id), version, request);
        written.map_err(|why| CallError::Other(Error::CannotAsk { api: R::KEY, why }))?;
        Ok(w.into_pieces())
    }

    fn next_id(&self) -> i32 {
        self.next_id.fetch_add(1, Ordering::Relaxed) & i32::MAX
    }

    fn cause(&self) -> Cause {
        self.waiting.lock().broken.clone().unwrap_or(Cause::Closed("the connection was closed".into()))
    }

    /// Breaks the connection: every waiting call fails with `cause`.
    pub fn close(&self, cause: Cause) {
        break_off(&self.waiting, &self.closed, cause);
        for task in &self.tasks {
            task.abort();
        }
    }

    async fn ask_raw(&self, request: &ApiVersionsRequest, version: i16) -> Result<Bytes, Cause> {
        let reply = self.send(request, version).map_err(as_cause)?;
        reply.await.map_err(|_| self.cause())?
    }

    /// ApiVersions in our highest version, and in version 0 if the broker does not know that one.
    async fn ask_versions(&self) -> Result<BTreeMap<i16, (i16, i16)>, Cause> {
        let request = ApiVersionsRequest { client_software_name: "kfk".into(), client_software_version: env!("CARGO_PKG_VERSION").into() };
        let bytes = self.ask_raw(&request, 4).await?;
        let code = bytes.get(4..6).map(|b| i16::from_be_bytes([b[0], b[1]]));
        let (bytes, version) = match code.map(ErrorCode::from_code) {
            Some(ErrorCode::UnsupportedVersion) => (self.ask_raw(&ApiVersionsRequest::default(), 0).await?, 0),
            _ => (bytes, 4),
        };
        let mut r = Reader::new(bytes);
        let header = frame::read_response_header(&mut r, ApiKey::ApiVersions, version);
        let answer = header.and_then(|_| <ApiVersionsRequest as Request>::Response::decode(&mut r, version));
        let answer = answer.map_err(|_| Cause::NotKafka(Speaks::Unknown))?;
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => Ok(answer.api_keys.iter().map(|k| (k.api_key, (k.min_version, k.max_version))).collect()),
            code => Err(Cause::Closed(format!("it refuses to tell its versions: {}", code.name()))),
        }
    }
}

fn as_cause(error: CallError) -> Cause {
    match error {
        CallError::Broken(cause) => cause,
        CallError::Other(error) => Cause::Closed(error.to_string()),
    }
}

async fn dial(address: &str, options: &ConnectOptions<'_>) -> Result<TcpStream, Cause> {
    let resolved = tokio::net::lookup_host(address).await.map_err(|e| Cause::Unresolved(e.to_string()))?;
    let mut last = Cause::Unresolved("no address".into());
    for ip in resolved {
        match connect(ip, options).await {
            Ok(stream) => return Ok(stream),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => last = Cause::Refused,
            Err(e) => last = Cause::Closed(e.to_string()),
        }
    }
    Err(last)
}

async fn connect(ip: std::net::SocketAddr, options: &ConnectOptions<'_>) -> std::io::Result<TcpStream> {
    let socket = if ip.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    // Buffer sizes are wishes: a system that refuses them is no reason to fail.
    if let Ok(size) = u32::try_from(options.send_buffer) {
        let _ = socket.set_send_buffer_size(size);
    }
    if let Ok(size) = u32::try_from(options.receive_buffer) {
        let _ = socket.set_recv_buffer_size(size);
    }
    let stream = socket.connect(ip).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn break_off(waiting: &Mutex<Waiting>, closed: &AtomicBool, cause: Cause) {
    closed.store(true, Ordering::Relaxed);
    let mut waiting = waiting.lock();
    let cause = waiting.broken.get_or_insert(cause).clone();
    for pending in waiting.queue.drain(..) {
        let _ = pending.reply.send(Err(cause.clone()));
    }
}

async fn write_requests(
    mut stream: OwnedWriteHalf,
    mut requests: mpsc::UnboundedReceiver<Outgoing>,
    waiting: Arc<Mutex<Waiting>>,
    closed: Arc<AtomicBool>,
) {
    while let Some(Outgoing { pieces, written }) = requests.recv().await {
        for piece in pieces {
            let Piece::Bytes(mut bytes) = piece else { continue };
            while bytes.has_remaining() {
                if let Err(e) = stream.write_buf(&mut bytes).await {
                    return break_off(&waiting, &closed, Cause::Closed(e.to_string()));
                }
            }
        }
        if let Some(written) = written {
            let _ = written.send(());
        }
    }
}

async fn read_answers(mut stream: OwnedReadHalf, waiting: Arc<Mutex<Waiting>>, closed: Arc<AtomicBool>) {
    let mut buffer = BytesMut::new();
    let cause = loop {
        match take_answer(&mut buffer, &waiting) {
            Err(cause) => break cause,
            Ok(Some(needed)) => buffer.reserve(needed.min(GROW_STEP)),
            Ok(None) => buffer.reserve(16 * 1024),
        }
        match stream.read_buf(&mut buffer).await {
            Ok(0) => break Cause::Closed("the broker closed the connection".into()),
            Ok(_) => {}
            Err(e) => break Cause::Closed(e.to_string()),
        }
    };
    break_off(&waiting, &closed, cause);
}

/// Hands every whole answer in `buffer` to its call. `Some(n)`: at least n more bytes belong to the one begun.
fn take_answer(buffer: &mut BytesMut, waiting: &Mutex<Waiting>) -> Result<Option<usize>, Cause> {
    loop {
        let Some(head) = buffer.first_chunk::<4>() else { return Ok(None) };
        let size = usize::try_from(i32::from_be_bytes(*head)).ok().filter(|s| *s <= MAX_ANSWER && *s >= 4);
        let Some(size) = size.filter(|_| head != b"HTTP" && head[..2] != [0x15, 3]) else { return Err(Cause::NotKafka(speaks(head))) };
        if buffer.len() < 4 + size {
            return Ok(Some(4 + size - buffer.len()));
        }
        buffer.advance(4);
        let answer = buffer.split_to(size).freeze();
        let id = i32::from_be_bytes([answer[0], answer[1], answer[2], answer[3]]);
        let pending = waiting.lock().queue.pop_front();
        match pending {
            Some(p) if p.correlation_id == id => drop(p.reply.send(Ok(answer))),
            Some(p) => {
                let cause = Cause::Closed("an answer came to a request that was not asked".into());
                let _ = p.reply.send(Err(cause.clone()));
                return Err(cause);
            }
            None => return Err(Cause::NotKafka(Speaks::Unknown)),
        }
    }
}

fn speaks(head: &[u8; 4]) -> Speaks {
    match head {
        b"HTTP" => Speaks::Http,
        [0x14..=0x17, 3, ..] => Speaks::Tls,
        _ => Speaks::Unknown,
    }
}
