//! The synchronous executors: they join what decides (`machine`) with what keeps (`log`), and know nothing of sockets or tasks.

pub mod check;
#[cfg(test)]
mod commit_tests;
mod groups_view;
pub mod image;
mod internal;
pub mod internal_batches;
pub mod partition;
pub mod quorum;
pub mod shard;
pub mod share_batches;
mod topic_regex;
pub mod transactions;
