//! One connection to one broker: requests out, answers back in the order they were asked.
//!
//! Two tasks serve a connection, one that writes and one that reads. A call waits on nothing but its own answer, so many calls can be
//! under way at once; the broker answers them in order.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kfk_wire::{Message, Piece, Reader, Request, Writer, frame};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::dial::{SocketBuffers, dial};
use super::error::{Cause, Error};
use super::handshake::{Spoken, Versions, ask_versions};
use super::probe;
use super::security::{ReadHalf, Stream, WriteHalf, authenticate, secure, tls_trouble};
use crate::config::Security;
use crate::net::{BufferPool, FrameReader, Target};

/// An answer that claims more than this is not one.
const MAX_ANSWER: usize = 512 << 20;
/// Requests written with one call to the system at most.
const MAX_JOINED: usize = 16;
/// Slices given to the system at once.
const MAX_SLICES: usize = 64;

/// What happened to a call before the broker's own verdict.
#[derive(Debug, Clone)]
pub(super) enum CallError {
    /// The connection is of no use any more.
    Broken(Cause),
    /// This call alone failed.
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

/// What the handle and the two tasks share.
struct Shared {
    waiting: Mutex<Waiting>,
    closed: AtomicBool,
    /// A call was answered.
    answered: AtomicBool,
    opened: Instant,
    /// Milliseconds after `opened` at which something was last sent or received.
    last_used: AtomicU64,
}

impl Shared {
    fn touch(&self) {
        self.last_used.store(self.age_ms(), Ordering::Relaxed);
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Ends the connection: every waiting call fails with the first cause that was given.
    fn break_off(&self, cause: Cause) {
        self.closed.store(true, Ordering::Relaxed);
        let mut waiting = self.waiting.lock();
        let cause = waiting.broken.get_or_insert(cause).clone();
        for pending in waiting.queue.drain(..) {
            let _ = pending.reply.send(Err(cause.clone()));
        }
    }

    fn cause(&self) -> Cause {
        self.waiting.lock().broken.clone().unwrap_or(Cause::Closed("the connection was closed".into()))
    }
}

/// A live connection with the versions its broker speaks.
pub(super) struct Connection {
    address: String,
    peer: Option<SocketAddr>,
    client_id: String,
    spoken: Spoken,
    security: Security,
    /// When the broker wants to be told again who we are (KIP-368). A new connection does that.
    fresh_until: Option<Instant>,
    out: mpsc::UnboundedSender<Outgoing>,
    shared: Arc<Shared>,
    next_id: AtomicI32,
    tasks: [tokio::task::AbortHandle; 2],
    request_timeout: Duration,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::AbortHandle::abort);
    }
}

/// How to open a connection, and how long to keep it.
#[derive(Clone)]
pub(super) struct ConnectOptions {
    pub client_id: String,
    /// For connecting and learning the versions together.
    pub setup_timeout: Duration,
    pub request_timeout: Duration,
    /// A connection on which nothing happens for this long is closed.
    pub max_idle: Duration,
    pub socket: SocketBuffers,
    pub security: Security,
    /// For large answers.
    pub buffers: Arc<BufferPool>,
}

impl Connection {
    /// Connects to `host:port`, trying every address the name resolves to, encrypts, learns what the broker speaks, and tells it who we
    /// are.
    pub async fn open(address: &str, options: &ConnectOptions) -> Result<Connection, Cause> {
        let start = Instant::now();
        let tcp = dial(address, options.socket, options.setup_timeout).await?;
        let left = options.setup_timeout.saturating_sub(start.elapsed());
        let greeted = tokio::time::timeout(left, greet(tcp, address, options)).await;
        let (stream, spoken, lifetime) = greeted.unwrap_or(Err(Cause::NoAnswer(options.setup_timeout)))?;
        Ok(Connection::start(address, stream, spoken, lifetime, options))
    }

    fn start(address: &str, stream: Stream, spoken: Spoken, lifetime: Option<Duration>, options: &ConnectOptions) -> Connection {
        let peer = stream.peer();
        let (read, write) = stream.split();
        let (out, requests) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            closed: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            opened: Instant::now(),
            last_used: AtomicU64::new(0),
        });
        let frames = FrameReader::new(MAX_ANSWER, options.buffers.clone());
        let reader = tokio::spawn(read_answers(read, frames, shared.clone(), options.max_idle, options.buffers.clone()));
        let writer = tokio::spawn(write_requests(write, requests, shared.clone()));
        Connection {
            address: address.to_string(),
            peer,
            client_id: options.client_id.clone(),
            spoken,
            security: options.security.clone(),
            // Somewhat before the broker's own end of it, so that no request meets that.
            fresh_until: lifetime.map(|l| Instant::now() + l.mul_f64(0.85)),
            out,
            shared,
            next_id: AtomicI32::new(0),
            tasks: [reader.abort_handle(), writer.abort_handle()],
            request_timeout: options.request_timeout,
        }
    }

    /// `host:port` as it was asked for.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The other end.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// No new call should take this connection.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Relaxed) || self.fresh_until.is_some_and(|end| Instant::now() >= end)
    }

    /// Calls that have no answer yet.
    pub fn calls_waiting(&self) -> usize {
        self.shared.waiting.lock().queue.len()
    }

    /// The lowest and highest version of each API that the broker speaks, by API key.
    pub fn versions(&self) -> &Versions {
        &self.spoken.versions
    }

    /// The level of a feature in the cluster as of when the connection was opened; 0 when it is not known there.
    pub fn feature(&self, name: &str) -> i16 {
        self.spoken.features.get(name).copied().unwrap_or(0)
    }

    /// The highest version of `R` that both sides speak.
    pub fn version_of<R: Request>(&self) -> Result<i16, Error> {
        let unsupported = Error::Unsupported { api: R::KEY };
        let (min, max) = self.spoken.versions.get(&R::KEY.code()).copied().ok_or(unsupported.clone())?;
        let version = max.min(R::MAX);
        if version < min.max(R::MIN) { Err(unsupported) } else { Ok(version) }
    }

    /// Asks in the highest common version, `cap` at most, and waits for the answer, at most the request timeout and `extra` (time the
    /// broker is allowed to think). Without an answer in time the connection is given up: a late one would answer the wrong call.
    pub async fn call<R: Request>(&self, request: &R, cap: i16, extra: Duration) -> Result<R::Response, CallError> {
        let version = self.version_of::<R>().map_err(CallError::Other)?.min(cap);
        let reply = self.send(request, version)?;
        let limit = self.request_timeout.saturating_add(extra);
        let bytes = match tokio::time::timeout(limit, reply).await {
            Ok(Ok(Ok(answer))) => answer,
            Ok(Ok(Err(cause))) => return Err(CallError::Broken(self.plainer(cause).await)),
            Ok(Err(_)) => return Err(CallError::Broken(self.shared.cause())),
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

    /// Why the connection broke. A listener that wants its clients to authenticate tells its versions, and hangs up at the first request.
    async fn plainer(&self, cause: Cause) -> Cause {
        let strange = matches!(cause, Cause::Closed(_)) && !self.shared.answered.load(Ordering::Relaxed);
        if !strange || self.security.sasl.is_some() {
            return cause;
        }
        probe::wants_sasl(&self.address, &self.security, probe::SASL_PATIENCE).await.unwrap_or(cause)
    }

    /// Sends a request that gets no answer (Produce with acks=0) and waits until the system has taken it.
    pub async fn send_only<R: Request>(&self, request: &R) -> Result<(), CallError> {
        let version = self.version_of::<R>().map_err(CallError::Other)?;
        let pieces = self.encode(request, version, self.next_id())?;
        let (written, done) = oneshot::channel();
        self.shared.touch();
        self.out.send(Outgoing { pieces, written: Some(written) }).map_err(|_| CallError::Broken(self.shared.cause()))?;
        done.await.map_err(|_| CallError::Broken(self.shared.cause()))
    }

    fn send<R: Request>(&self, request: &R, version: i16) -> Result<oneshot::Receiver<Result<Bytes, Cause>>, CallError> {
        let (reply, answer) = oneshot::channel();
        let correlation_id = self.next_id();
        let pieces = self.encode(request, version, correlation_id)?;
        self.shared.touch();
        // The order in the queue must be the order on the wire, so both happen under one lock.
        let mut waiting = self.shared.waiting.lock();
        if let Some(cause) = &waiting.broken {
            return Err(CallError::Broken(cause.clone()));
        }
        waiting.queue.push_back(Pending { correlation_id, reply });
        let sent = self.out.send(Outgoing { pieces, written: None });
        drop(waiting);
        sent.map_err(|_| CallError::Broken(self.shared.cause()))?;
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

    /// Gives the connection up: every waiting call fails with `cause`.
    pub fn close(&self, cause: Cause) {
        self.shared.break_off(cause);
        self.tasks.iter().for_each(tokio::task::AbortHandle::abort);
    }
}

/// What comes before the first request.
async fn greet(tcp: TcpStream, address: &str, options: &ConnectOptions) -> Result<(Stream, Spoken, Option<Duration>), Cause> {
    let mut stream = secure(tcp, address, options.security.tls.as_ref()).await?;
    let spoken = ask_versions(stream.duplex(), &options.client_id).await?;
    let lifetime = match &options.security.sasl {
        None => None,
        Some(sasl) => authenticate(stream.duplex(), &options.client_id, &spoken, sasl).await?,
    };
    Ok((stream, spoken, lifetime))
}

async fn write_requests(mut stream: WriteHalf, mut requests: mpsc::UnboundedReceiver<Outgoing>, shared: Arc<Shared>) {
    let mut batch: Vec<Outgoing> = Vec::new();
    while requests.recv_many(&mut batch, MAX_JOINED).await > 0 {
        let pieces = batch.iter_mut().flat_map(|o| std::mem::take(&mut o.pieces));
        let parts = pieces.filter_map(|p| if let Piece::Bytes(bytes) = p { Some(bytes) } else { None });
        if let Err(e) = write_all(&mut stream, parts.collect()).await {
            return shared.break_off(Cause::Closed(e.to_string()));
        }
        for written in batch.drain(..).filter_map(|o| o.written) {
            let _ = written.send(());
        }
    }
}

async fn write_all(stream: &mut WriteHalf, mut parts: Vec<Bytes>) -> std::io::Result<()> {
    let mut first = 0;
    while first < parts.len() {
        let mut sent = {
            let slices: Vec<_> = parts[first..].iter().take(MAX_SLICES).map(|p| std::io::IoSlice::new(p)).collect();
            stream.write_vectored(&slices).await?
        };
        if sent == 0 && parts[first..].iter().any(|p| !p.is_empty()) {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        while first < parts.len() && sent >= parts[first].len() {
            sent -= parts[first].len();
            first += 1;
        }
        if let Some(part) = parts.get_mut(first) {
            *part = part.slice(sent..);
        }
    }
    // What encryption holds back.
    stream.flush().await
}

async fn read_answers(mut stream: ReadHalf, mut frames: FrameReader, shared: Arc<Shared>, max_idle: Duration, buffers: Arc<BufferPool>) {
    let idle = tokio::time::sleep(max_idle);
    tokio::pin!(idle);
    let cause = loop {
        if let Err(cause) = hand_out(&mut frames, &shared) {
            break cause;
        }
        let Target::Read(mut target) = frames.target() else {
            buffers.wait().await;
            continue;
        };
        tokio::select! {
            read = stream.read_buf(&mut target) => match read {
                Ok(0) => break Cause::Closed(hung_up(shared.answered.load(Ordering::Relaxed))),
                Ok(_) => shared.touch(),
                Err(e) => break tls_trouble(&e).unwrap_or_else(|| Cause::Closed(e.to_string())),
            },
            () = &mut idle => {
                let unused = Duration::from_millis(shared.age_ms().saturating_sub(shared.last_used.load(Ordering::Relaxed)));
                // A call that waits has a limit of its own.
                if unused >= max_idle && shared.waiting.lock().queue.is_empty() {
                    break Cause::Closed("the connection was closed after connections.max.idle.ms".into());
                }
                idle.as_mut().reset(tokio::time::Instant::now() + max_idle.saturating_sub(unused).max(Duration::from_millis(10)));
            }
        }
    };
    shared.break_off(cause);
}

/// A listener that wants SASL tells its versions to everybody, and closes at anything else.
fn hung_up(answered: bool) -> String {
    let why = "the broker closed the connection";
    if answered { why.into() } else { format!("{why} at the first request; the port may want SASL (security.protocol)") }
}

/// Hands every whole answer to its call.
fn hand_out(frames: &mut FrameReader, shared: &Shared) -> Result<(), Cause> {
    while let Some(answer) = frames.next_frame().map_err(|e| Cause::Closed(format!("what it answers is not Kafka's protocol: {e}")))? {
        let id = answer.first_chunk::<4>().map(|id| i32::from_be_bytes(*id));
        let pending = shared.waiting.lock().queue.pop_front();
        match pending {
            Some(p) if Some(p.correlation_id) == id => {
                shared.answered.store(true, Ordering::Relaxed);
                drop(p.reply.send(Ok(answer)));
            }
            pending => {
                let cause = Cause::Closed("an answer came to a request that was not asked".into());
                if let Some(p) = pending {
                    let _ = p.reply.send(Err(cause.clone()));
                }
                return Err(cause);
            }
        }
    }
    if !frames.in_frame() && shared.waiting.lock().queue.is_empty() {
        frames.release();
    }
    Ok(())
}
