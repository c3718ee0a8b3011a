//! One partition's files, in Kafka's own formats, on one narrow door to the disk.
//!
//! [`LogDir`] is a data directory, [`Log`] one partition in it. `disk` is the only way to the operating system.

mod append;
mod aside;
pub mod check;
pub mod checkpoint;
pub mod clean_shutdown;
pub mod compact;
mod crc_scan;
mod dir;
pub mod disk;
mod dormant;
pub mod epochs;
mod error;
mod flush;
mod home;
pub mod index_file;
#[expect(clippy::module_inception, reason = "the room is named after its main type")]
mod log;
mod markers;
pub mod meta_properties;
pub mod names;
pub mod offset_index;
mod open;
pub mod open_files;
mod order;
pub mod partition_meta;
pub mod producer_snapshot;
pub mod producers;
mod read;
mod recover;
mod replay;
mod retain;
pub mod scan;
mod segment;
mod settings;
pub mod sim_disk;
pub mod time_index;
mod timestamps;
mod truncate;
pub mod txn_index;

pub use append::{Appended, NewBatch};
pub use dir::LogDir;
pub use disk::{Disk, DiskError, DiskFile, RealDisk};
pub use epochs::{EpochEnd, Epochs};
pub use error::LogError;
pub use flush::{FlushJob, Flushed};
pub use log::{Damage, Log};
pub use producers::{ProducerCheck, ProducerError};
pub use read::ReadSlice;
pub use retain::Dropped;
pub use settings::{DirOptions, LogConfig};
pub use timestamps::TimestampHit;
