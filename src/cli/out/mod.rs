//! The only place that knows how things look on standard output: data only, buffered, and quiet when nobody reads any more.
//!
//! `facts` prints what a command knows in every format; `plain` has Kafka's own layouts, which each tool makes for itself.

mod csv;
pub mod facts;
pub mod json;
pub mod plain;
pub mod progress;
pub mod sheet;
pub mod table;
mod yaml;

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use super::error::{CliError, stderr_line};
use super::settings::Settings;
use super::tool::Context;

/// `-o`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people; the default on a terminal.
    Table,
    /// Kafka's own layout, tabs and spaces exact; the default elsewhere and under Kafka's name.
    Plain,
    /// One JSON document: a list of objects.
    Json,
    /// A JSON object a line.
    Jsonl,
    /// Comma-separated values under a line of names (RFC 4180).
    Csv,
    /// A YAML document: a list of maps.
    Yaml,
    /// The first column alone, each name once.
    Name,
}

impl Format {
    /// What was asked for, or what fits the place where standard output goes.
    pub fn pick(asked: Option<Format>, cx: &Context) -> Format {
        match asked {
            Some(format) => format,
            None if cx.is_kafka() => Format::Plain,
            None => Format::preferred().unwrap_or(if io::stdout().is_terminal() { Format::Table } else { Format::Plain }),
        }
    }

    /// What the environment, the project or the profile wants.
    pub fn preferred() -> Option<Format> {
        // A profile that is not there is told when brokers are looked for.
        let (value, origin) = Settings::load().ok()?.output()?;
        let known = <Format as clap::ValueEnum>::from_str(&value, false);
        if known.is_err() {
            stderr_line(format!("warning: {origin} wants output {value}, which is none of table, plain, json, jsonl, csv, yaml, name"));
        }
        known.ok()
    }
}

/// Standard output, locked and buffered for as long as a command writes.
///
/// A reader that went away becomes [`CliError`] of kind `BrokenPipe`, which ends a command quietly.
pub struct Out {
    inner: BufWriter<StdoutLock<'static>>,
}

impl Out {
    pub fn stdout() -> Out {
        Out { inner: BufWriter::with_capacity(64 * 1024, io::stdout().lock()) }
    }

    /// Writes one line of text.
    pub fn line(&mut self, text: impl AsRef<str>) -> Result<(), CliError> {
        self.inner.write_all(text.as_ref().as_bytes())?;
        Ok(self.inner.write_all(b"\n")?)
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        Ok(self.inner.write_all(bytes)?)
    }

    /// Hands everything to the reader. Must be called at the end: what an error leaves in the buffer on drop goes unseen.
    pub fn flush(&mut self) -> Result<(), CliError> {
        Ok(self.inner.flush()?)
    }
}
