//! Records as text: what the commands that read, write and keep records have in common.
//!
//! `json` is one record a line, without loss, both ways; `layout` reads format strings (`'%k %v\n'`, the grammar of rpk and kcl), which
//! `format` prints records with and `scan` reads them by; `times` reads moments, `place` where to read from and to, `grep` which records.

pub mod format;
pub mod grep;
pub mod json;
pub mod layout;
pub mod line;
pub mod numbers;
pub mod place;
#[cfg(test)]
mod samples;
pub mod scan;
pub mod span;
pub mod stamp;
pub mod times;
pub mod unpack;
