//! State machines that decide and do nothing else: events and the time go in, records, replies and deadlines come out.
//!
//! No I/O, clock, randomness of their own, threads or hash-ordered iteration. `docs/ARCHITECTURE.md` has the verbs they share.

pub mod assign;
pub mod controller;
pub mod coordinator;
pub mod fetch_session;
pub mod group;
pub mod member;
pub mod partition;
pub mod producer;
pub mod share;
pub mod txn;
