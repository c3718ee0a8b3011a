//! `kfk dump-log`: what is in a broker's files, offline. Kafka's DumpLogSegments, line for line, and an annotated hexdump.
//!
//! It only reads: Kafka's tool cuts an index whose length is odd, and creates one that is missing; this one does neither.

mod args;
mod control;
mod decode;
mod error;
mod findings;
mod index_file;
mod legacy;
mod log_file;
mod offset_index;
mod printer;
mod producer_snapshot;
mod records;
mod text;
mod time_index;
mod txn_index;
mod walk;
mod window;

use std::io;

use super::error::{CliError, Kind, stderr_line};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;
use error::DumpError;
use findings::Findings;
use printer::Printer;

pub use args::Args;

/// A dump in progress.
struct Dump<'a, 'o> {
    args: &'a Args,
    out: &'a mut Printer<'o>,
    findings: Findings,
}

impl Tool for Args {
    const COMMAND: &'static str = "dump-log";
    const KAFKA: &'static str = "kafka-dump-log";
    const ABOUT: &'static str = "Show what is in the files of a broker: log segments, indexes, producer snapshots, metadata snapshots";

    fn run(self, _cx: &Context) -> Result<Exit, CliError> {
        if self.files.is_none() {
            return Err(CliError::usage("Missing required argument \"[files]\""));
        }
        let mut stdout = io::stdout().lock();
        let mut out = Printer::new(&mut stdout);
        let result = dump_files(&self, &mut out);
        // What was printed up to a failure counts; and a reader that went away is the first thing to know.
        out.flush()?;
        result?.tell();
        Ok(Exit::OK)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.java.class.as_str() {
            "" if error.kind == Kind::Usage => usage::report(error, entry),
            "" => stderr_line(&error.message),
            class if error.kind == Kind::Failed => stderr_line(format!("Exception in thread \"main\" {class}")),
            _ => stderr_line(format!("Exception in thread \"main\" {}", error.as_java())),
        }
        Exit::FAILED
    }
}

fn dump_files(args: &Args, out: &mut Printer<'_>) -> Result<Findings, DumpError> {
    let mut dump = Dump { args, out, findings: Findings::default() };
    for path in args.paths() {
        let path = text::normalized_path(path);
        dump.out.text("Dumping ").line(&path)?;
        dump_file(&mut dump, &path)?;
    }
    Ok(dump.findings)
}

fn dump_file(dump: &mut Dump<'_, '_>, path: &str) -> Result<(), DumpError> {
    match text::file_name(path).rsplit_once('.').map(|(_, suffix)| suffix) {
        Some("log" | "checkpoint") => log_file::dump(dump, path),
        Some("index") => offset_index::dump(dump, path),
        Some("timeindex") => time_index::dump(dump, path),
        Some("txnindex") => txn_index::dump(dump, path),
        Some("snapshot") => producer_snapshot::dump(dump, path),
        _ => {
            dump.out.flush()?;
            stderr_line(format!("Ignoring unknown file {path}"));
            Ok(())
        }
    }
}
