//! One connection: frames in, replies out in the order of the requests.
//!
//! A request is handled as soon as it has arrived, also while replies to earlier ones are still awaited; the queue of those is bounded. Every
//! state in which a peer may keep the broker waiting has a deadline: an unfinished frame, an unread reply, silence. None of them is longer
//! than `connections.max.idle.ms`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::{debug, warn};

use super::context::Caller;
use super::dispatch;
use super::out::write_frames;
use super::reply::{Frame, Outcome, Pending, Reason};
use crate::net::{BufferPool, FrameError, FrameReader, Target};

/// Requests of one connection whose replies may be awaited at once.
const MAX_QUEUED: usize = 64;
/// An unfinished frame may take this long, and longer as its bytes arrive.
const FRAME_GRACE: Duration = Duration::from_secs(30);
/// A client that takes nothing of its reply for this long loses the connection.
const STALLED: Duration = Duration::from_secs(60);
/// Bytes a second that keep an unfinished frame alive.
const FRAME_BYTES_PER_SECOND: usize = 16 * 1024;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("the client closed it")]
    ByClient,
    #[error("the broker stops")]
    Stopping,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Request(Reason),
    #[error("a frame was not finished in time")]
    FrameTimeout,
    #[error("idle for too long")]
    Idle,
}

/// The place of one reply in the order of replies.
enum Slot {
    Ready(Frame),
    Waiting(Pending<Result<Frame, Reason>>),
}

struct Connection {
    stream: TcpStream,
    reader: FrameReader,
    caller: Caller,
    queue: VecDeque<Slot>,
    /// When bytes last came or a reply last went.
    active: Instant,
    frame_began: Option<Instant>,
}

enum Event {
    Read(usize),
    /// There was no buffer for a large frame, and may be one now.
    RoomAgain,
    Replied(Result<Frame, Reason>),
    Timer,
}

/// Serves a connection until either side ends it.
pub async fn serve(stream: TcpStream, caller: Caller, stop: watch::Receiver<bool>) {
    let limit = usize::try_from(caller.broker.config.socket_request_max_bytes).unwrap_or(0);
    let reader = FrameReader::new(limit, caller.broker.buffers.clone());
    let peer = caller.peer;
    let mut connection = Connection { stream, reader, caller, queue: VecDeque::new(), active: Instant::now(), frame_began: None };
    let Err(why) = connection.run(stop).await;
    match why {
        Closed::ByClient | Closed::Stopping | Closed::Idle => debug!("connection {peer} closed: {why}"),
        Closed::Io(e) if matches!(e.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            debug!("connection {peer} closed: {e}")
        }
        why => warn!("connection {peer} closed: {why}"),
    }
}

impl Connection {
    async fn run(&mut self, mut stop: watch::Receiver<bool>) -> Result<Infallible, Closed> {
        let timer = tokio::time::sleep_until(self.deadline().into());
        tokio::pin!(timer);
        loop {
            let more = self.handle_frames().await?;
            self.write_ready().await?;
            if more && self.queue.len() < MAX_QUEUED {
                continue;
            }
            // Otherwise the timer is left to fire early and look again: moving it costs more than that.
            if let Some(at) = self.frame_deadline().filter(|at| timer.deadline() > (*at).into()) {
                timer.as_mut().reset(at.into());
            }
            if !self.reader.in_frame() && self.queue.is_empty() {
                self.reader.release();
            }
            let may_read = self.queue.len() < MAX_QUEUED;
            let buffers = self.caller.broker.buffers.clone();
            let Connection { stream, reader, queue, .. } = self;
            let event = tokio::select! {
                biased;
                _ = stop.wait_for(|stopping| *stopping) => return Err(Closed::Stopping),
                reply = front(queue) => Event::Replied(reply),
                () = &mut timer => Event::Timer,
                event = read(stream, reader, &buffers), if may_read => event?,
            };
            match event {
                Event::Read(0) => return Err(Closed::ByClient),
                Event::Read(_) => self.active = Instant::now(),
                Event::RoomAgain => {}
                Event::Replied(reply) => self.queue[0] = Slot::Ready(reply.map_err(Closed::Request)?),
                Event::Timer => {
                    self.check_deadlines()?;
                    timer.as_mut().reset(self.deadline().into());
                }
            }
        }
    }

    /// Handles every whole frame that is there, as far as the queue has room; true when it had none for the next.
    async fn handle_frames(&mut self) -> Result<bool, Closed> {
        while self.queue.len() < MAX_QUEUED {
            let Some(frame) = self.reader.next_frame()? else {
                if self.reader.in_frame() {
                    self.frame_began.get_or_insert(self.active);
                }
                return Ok(false);
            };
            self.frame_began = None;
            self.handle(frame).await?;
        }
        Ok(true)
    }

    async fn handle(&mut self, frame: Bytes) -> Result<(), Closed> {
        let mut outcome = dispatch::handle(&mut self.caller, frame);
        while let Outcome::Blocking(work) = outcome {
            outcome = tokio::task::spawn_blocking(work).await.map_err(|_| Closed::Request("a request could not be handled".into()))?;
        }
        match outcome {
            Outcome::Ready(frame) => self.queue.push_back(Slot::Ready(frame)),
            Outcome::Waiting(reply) => self.queue.push_back(Slot::Waiting(reply)),
            Outcome::Silent | Outcome::Blocking(_) => {}
            Outcome::Close(why) => {
                self.write_ready().await?;
                return Err(Closed::Request(why));
            }
        }
        Ok(())
    }

    /// Writes the replies at the head of the queue that are there.
    async fn write_ready(&mut self) -> Result<(), Closed> {
        let ready = self.queue.iter().take_while(|slot| matches!(slot, Slot::Ready(_))).count();
        if ready == 0 {
            return Ok(());
        }
        let idle = self.idle_limit();
        let frames = self.queue.drain(..ready).filter_map(|slot| match slot {
            Slot::Ready(frame) => Some(frame),
            Slot::Waiting(_) => None,
        });
        write_frames(&self.stream, STALLED.min(idle), frames).await?;
        self.active = Instant::now();
        Ok(())
    }

    /// The next moment at which a deadline may have passed.
    fn deadline(&self) -> Instant {
        let quiet_since = if self.queue.is_empty() { self.active } else { Instant::now() };
        let idle = quiet_since + self.idle_limit();
        self.frame_deadline().map_or(idle, |frame| frame.min(idle))
    }

    fn frame_deadline(&self) -> Option<Instant> {
        let arrived = self.reader.progress().map_or(0, |(arrived, _)| arrived);
        let earned = Duration::from_secs((arrived / FRAME_BYTES_PER_SECOND) as u64);
        self.frame_began.map(|began| began + FRAME_GRACE.min(self.idle_limit()) + earned)
    }

    fn idle_limit(&self) -> Duration {
        // Kafka's own switch for "never" is a negative number.
        let never = Duration::from_secs(365 * 24 * 3600);
        u64::try_from(self.caller.broker.config.connections_max_idle_ms).map_or(never, |ms| Duration::from_millis(ms).min(never))
    }

    fn check_deadlines(&self) -> Result<(), Closed> {
        let now = Instant::now();
        if self.frame_deadline().is_some_and(|at| at <= now) {
            return Err(Closed::FrameTimeout);
        }
        if self.queue.is_empty() && self.active + self.idle_limit() <= now {
            return Err(Closed::Idle);
        }
        Ok(())
    }
}

/// The reply that the head of the queue waits for.
async fn front(queue: &mut VecDeque<Slot>) -> Result<Frame, Reason> {
    match queue.front_mut() {
        Some(Slot::Waiting(reply)) => reply.as_mut().await,
        _ => pending().await,
    }
}

async fn read(stream: &mut TcpStream, reader: &mut FrameReader, buffers: &BufferPool) -> io::Result<Event> {
    match reader.target() {
        Target::Read(mut to) => Ok(Event::Read(stream.read_buf(&mut to).await?)),
        Target::NoRoom => {
            buffers.wait().await;
            Ok(Event::RoomAgain)
        }
    }
}
