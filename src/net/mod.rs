//! Length-prefixed frames over sockets, for both ends of a connection. Knows nothing of the requests inside.

pub mod frame;
pub mod pool;

pub use frame::{FrameError, FrameReader, Target};
pub use pool::BufferPool;
