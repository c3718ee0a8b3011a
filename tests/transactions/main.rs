//! The transaction coordinator on its executor, over a partition in memory and under a clock that the test moves.

mod add;
mod driver;
mod end;
mod init;
mod loading;
mod markers;
mod memory_log;
mod query;
mod random;
mod timeouts;
