//! One partition's files, in Kafka's own formats, on one narrow door to the disk.

pub mod checkpoint;
pub mod clean_shutdown;
pub mod disk;
pub mod epochs;
pub mod meta_properties;
pub mod names;
pub mod open_files;
pub mod partition_meta;
pub mod producer_snapshot;
pub mod producers;
pub mod sim_disk;
