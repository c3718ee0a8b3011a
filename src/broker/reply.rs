//! What a handler gives back, and what the connection makes of it.

use std::borrow::Cow;
use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

/// A future that a connection waits for while it reads on.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Why a connection must close, for the log.
pub type Reason = Cow<'static, str>;

/// A stretch of a file that goes from the page cache to the socket.
#[derive(Clone, Debug)]
pub struct FileRange {
    pub file: Arc<File>,
    pub position: u64,
    pub len: usize,
}

/// A response with the file stretches behind its deferred records: token N stands for `files[N]`.
#[derive(Debug)]
pub struct Answer<T> {
    pub body: T,
    pub files: Vec<FileRange>,
}

impl<T> From<T> for Answer<T> {
    fn from(body: T) -> Self {
        Answer { body, files: Vec::new() }
    }
}

/// A handler's result.
pub enum Reply<T> {
    /// The response is there.
    Now(Answer<T>),
    /// It comes later; meanwhile the connection's next requests are handled.
    Later(Pending<Answer<T>>),
    /// The work may block the thread (files are created, synced, recovered): it runs elsewhere, and the connection's next request waits for it.
    Blocking(Box<dyn FnOnce() -> Reply<T> + Send>),
    /// The request has no response.
    Silent,
    /// The protocol's only way to tell of an error here is to close the connection.
    Close(Reason),
}

impl<T> Reply<T> {
    pub fn now(body: T) -> Self {
        Reply::Now(body.into())
    }

    /// Work for a thread that may block.
    pub fn blocking(work: impl FnOnce() -> T + Send + 'static) -> Self {
        Reply::Blocking(Box::new(move || Reply::now(work())))
    }

    /// A response that arrives through a future.
    pub fn later(body: impl Future<Output = T> + Send + 'static) -> Self {
        Reply::Later(Box::pin(async move { body.await.into() }))
    }
}

/// One stretch of an encoded response.
#[derive(Debug)]
pub enum Part {
    Bytes(Bytes),
    File(FileRange),
}

/// An encoded response with its length in front.
#[derive(Debug, Default)]
pub struct Frame {
    pub parts: Vec<Part>,
}

/// What dispatch gives the connection for one request.
pub enum Outcome {
    Ready(Frame),
    Waiting(Pending<Result<Frame, Reason>>),
    Blocking(Box<dyn FnOnce() -> Outcome + Send>),
    Silent,
    Close(Reason),
}
