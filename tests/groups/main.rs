//! The group coordinator on its executor, over a partition in memory and under a clock that the test moves.

mod admin;
mod consumer_convert;
mod consumer_driver;
mod consumer_join;
mod consumer_offsets;
mod consumer_random;
mod consumer_reconcile;
mod consumer_regex;
mod driver;
mod executor;
mod fake_cluster;
mod join;
mod members;
mod offsets;
mod random;
mod reload;
mod static_members;
mod sync;
mod txn_offsets;
