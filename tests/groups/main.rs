//! The group coordinator on its executor, over a partition in memory and under a clock that the test moves.

mod driver;
mod join;
mod static_members;
mod sync;
