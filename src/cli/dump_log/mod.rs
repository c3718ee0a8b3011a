//! `kfk dump-log`: what is in a broker's files, offline. Kafka's DumpLogSegments, line for line, and an annotated hexdump.
//!
//! It only reads: Kafka's tool cuts an index whose length is odd, and creates one that is missing; this one does neither.

mod args;
mod control;
mod decode;
mod error;
mod findings;
mod hexdump;
mod index_file;
mod legacy;
mod lines;
mod log_file;
mod offset_index;
mod places;
mod printer;
mod producer_snapshot;
mod records;
mod summary;
mod text;
mod time_index;
mod txn_index;
mod verify;
mod walk;
mod window;

use std::io::{self, IsTerminal};

use super::error::{CliError, Kind as Failure, stderr_line};
use super::records::grep::Grep;
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;
use error::DumpError;
use findings::Findings;
use places::Place;
use printer::Printer;

use crate::log::names::Kind;

pub use args::Args;

/// A dump in progress.
struct Dump<'a, 'o> {
    args: &'a Args,
    out: &'a mut Printer<'o>,
    findings: Findings,
    /// Whether to colour the hexdump.
    colour: bool,
    /// Where remarks go at once: a line on standard error.
    remark: fn(String),
    /// A file of a directory could not be dumped, or something is wrong with it.
    failed: bool,
}

impl Dump<'_, '_> {
    /// Tells a failure after which the dump goes on. Error: standard output is gone.
    fn told(&mut self, e: DumpError) -> Result<(), DumpError> {
        if let DumpError::Output(_) = e {
            return Err(e);
        }
        self.failed = true;
        self.out.flush()?;
        (self.remark)(format!("error: {e}"));
        Ok(())
    }
}

impl Tool for Args {
    const COMMAND: &'static str = "dump-log";
    const KAFKA: &'static str = "kafka-dump-log";
    const ABOUT: &'static str = "Show what is in the files of a broker: log segments, indexes, producer snapshots, metadata snapshots";

    fn run(mut self, cx: &Context) -> Result<Exit, CliError> {
        if cx.is_kafka() {
            // Kafka's tool passes over what is no option.
            self.paths.clear();
        }
        if self.files.is_none() && self.paths.is_empty() {
            return Err(CliError::usage("Missing required argument \"[files]\""));
        }
        self.check()?;
        let mut stdout = io::stdout().lock();
        let mut out = Printer::new(&mut stdout);
        let result = dump_all(&self, cx.is_kafka(), &mut out, stderr_line);
        // What was printed up to a failure counts; and a reader that went away is the first thing to know.
        out.flush()?;
        let (findings, failed) = result?;
        findings.tell();
        Ok(if failed { Exit::FAILED } else { Exit::OK })
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.java.class.as_str() {
            "" if error.kind == Failure::Usage => usage::report(error, entry),
            "" => stderr_line(&error.message),
            class if error.kind == Failure::Failed => stderr_line(format!("Exception in thread \"main\" {class}")),
            _ => stderr_line(format!("Exception in thread \"main\" {}", error.as_java())),
        }
        Exit::FAILED
    }
}

/// Gives what was found out of order, and whether a part of it failed. `as_kafka`: a directory is nothing to look into.
fn dump_all(args: &Args, as_kafka: bool, out: &mut Printer<'_>, remark: fn(String)) -> Result<(Findings, bool), CliError> {
    let mut dump = Dump { args, out, findings: Findings::default(), colour: wants_colour(), remark, failed: false };
    let paths: Vec<String> = args.files().into_iter().chain(args.paths.iter().map(String::as_str)).map(text::normalized_path).collect();
    if args.verify {
        let sound = verify::dump(&mut dump, &paths)?;
        return Ok((dump.findings, !sound || dump.failed));
    }
    let grep = Grep::parse(&args.grep).map_err(CliError::usage)?;
    let mut found = Vec::new();
    for path in paths {
        if as_kafka {
            found.push(Place::File(path));
        } else {
            found.extend(places::places(&path)?);
        }
    }
    if args.summary {
        summary::dump(&mut dump, &found)?;
        return Ok((dump.findings, dump.failed));
    }
    for place in &found {
        match place {
            Place::File(path) => dump_file(&mut dump, path, &grep)?,
            Place::Log(log) => {
                for path in log.paths(|kind| wanted(args, kind), !args.checks_indexes()) {
                    dump_file(&mut dump, path, &grep).or_else(|e| dump.told(e))?;
                }
            }
        }
    }
    Ok((dump.findings, dump.failed))
}

/// Which files of a directory to dump.
fn wanted(args: &Args, kind: Kind) -> bool {
    match kind {
        Kind::Log => !args.checks_indexes(),
        Kind::OffsetIndex | Kind::TimeIndex => (args.checks_indexes() || args.all_files) && args.grep.is_empty(),
        Kind::TxnIndex | Kind::Snapshot => args.all_files && !args.checks_indexes() && args.grep.is_empty(),
    }
}

fn dump_file(dump: &mut Dump<'_, '_>, path: &str, grep: &Grep) -> Result<(), DumpError> {
    let suffix = text::file_name(path).rsplit_once('.').map_or("", |(_, suffix)| suffix);
    let json = dump.args.prints_json();
    match suffix {
        // Only logs have what can be searched.
        "index" | "timeindex" | "txnindex" | "snapshot" if !grep.is_empty() => return Ok(()),
        "log" | "checkpoint" if !grep.is_empty() && !json => return log_file::dump_wanted(dump, path, grep),
        "log" | "checkpoint" | "index" | "timeindex" | "txnindex" | "snapshot" if json => return lines::dump(dump, path, suffix, grep),
        _ if json => {}
        _ => dump.out.text("Dumping ").line(path)?,
    }
    match suffix {
        "log" | "checkpoint" if dump.args.hex => hexdump::log(dump, path),
        "index" | "timeindex" | "txnindex" | "snapshot" if dump.args.hex => hexdump::small(dump, path, suffix),
        "log" | "checkpoint" => log_file::dump(dump, path),
        "index" => offset_index::dump(dump, path),
        "timeindex" => time_index::dump(dump, path),
        "txnindex" => txn_index::dump(dump, path),
        "snapshot" => producer_snapshot::dump(dump, path),
        _ => {
            dump.out.flush()?;
            (dump.remark)(format!("Ignoring unknown file {path}"));
            Ok(())
        }
    }
}

/// On a terminal, unless the environment says otherwise.
fn wants_colour() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    set("CLICOLOR_FORCE") || (io::stdout().is_terminal() && !set("NO_COLOR") && !dumb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches as _;
    use proptest::prelude::*;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Dumps `path` and gives what was printed, up to a failure if there is one.
    fn dumped(options: &[&str], path: &Path) -> (String, Result<(), CliError>) {
        let files = format!("--files={}", path.display());
        let command = <Args as clap::Args>::augment_args(clap::Command::new("dump-log").no_binary_name(true));
        let args = Args::from_arg_matches(&command.get_matches_from(options.iter().copied().chain([files.as_str()]))).unwrap();
        let mut sink = Vec::new();
        let mut out = Printer::new(&mut sink);
        let result = dump_all(&args, false, &mut out, |_| {}).map(|_| ());
        out.flush().unwrap();
        (String::from_utf8(sink).unwrap(), result)
    }

    /// The bytes in the lines of a hexdump, those that were decompressed left out.
    fn bytes_in(hexdump: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in hexdump.lines() {
            let Some((place, rest)) = line.split_at_checked(8).filter(|(place, _)| place.bytes().all(|b| b.is_ascii_hexdigit())) else {
                continue;
            };
            assert_eq!(usize::from_str_radix(place, 16).unwrap(), bytes.len(), "bytes left out or twice: {line}");
            bytes.extend(hex::decode(rest[..25].replace(' ', "")).unwrap());
        }
        bytes
    }

    fn fixture_files() -> Vec<PathBuf> {
        let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-fixtures")];
        let mut files = Vec::new();
        while let Some(dir) = dirs.pop() {
            for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
                let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
                if path.is_dir() {
                    dirs.push(path);
                } else if ["log", "checkpoint", "index", "timeindex", "txnindex", "snapshot"].contains(&kind) {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }

    #[test]
    fn a_hexdump_holds_every_byte_of_the_file_once_and_in_order() {
        let files = fixture_files();
        assert!(files.len() > 300);
        for path in files {
            let (hexdump, _) = dumped(&["--hex"], &path);
            assert!(bytes_in(&hexdump) == fs::read(&path).unwrap(), "{}", path.display());
        }
    }

    const OPTIONS: [&[&str]; 16] = [
        &[],
        &["--print-data-log"],
        &["--offsets-decoder"],
        &["--transaction-log-decoder"],
        &["--cluster-metadata-decoder"],
        &["--remote-log-metadata-decoder"],
        &["--share-group-state-decoder"],
        &["--index-sanity-check"],
        &["--max-bytes=900", "--deep-iteration"],
        &["--output=json"],
        &["--output=json", "--print-data-log"],
        &["--output=json", "--offsets-decoder"],
        &["--output=json", "--cluster-metadata-decoder"],
        &["--grep=a", "--print-data-log"],
        &["--summary"],
        &["--verify"],
    ];

    /// Dumps bytes as every kind of file in every way. Whatever they are, that must not panic, and the hexdump must be whole.
    fn dump_in_every_way(bytes: &[u8]) {
        let dir = tempfile::tempdir().unwrap();
        for kind in ["log", "index", "timeindex", "txnindex", "snapshot"] {
            fs::write(dir.path().join(format!("00000000000000000007.{kind}")), bytes).unwrap();
        }
        for kind in ["log", "index", "timeindex", "txnindex", "snapshot"] {
            let path = dir.path().join(format!("00000000000000000007.{kind}"));
            for options in OPTIONS {
                let _ = dumped(options, &path);
            }
            let (hexdump, _) = dumped(&["--hex"], &path);
            assert_eq!(bytes_in(&hexdump), bytes, "{kind}");
            assert_eq!(fs::read(&path).unwrap(), bytes, "{kind} was changed");
        }
    }

    fn small_log(n: usize) -> Vec<u8> {
        let small = |path: &&PathBuf| {
            path.extension().is_some_and(|e| e == "log") && fs::metadata(path).is_ok_and(|meta| (60..4000).contains(&meta.len()))
        };
        let files = fixture_files();
        let small: Vec<&PathBuf> = files.iter().filter(small).collect();
        fs::read(small[n % small.len()]).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            dump_in_every_way(&bytes);
        }

        #[test]
        fn damaged_logs_never_panic(
            file in any::<usize>(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
            cut in any::<prop::sample::Index>(),
            cuts in any::<bool>(),
        ) {
            let mut bytes = small_log(file);
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if cuts {
                bytes.truncate(cut.index(bytes.len()));
            }
            dump_in_every_way(&bytes);
        }
    }

    #[test]
    fn a_log_cut_at_any_byte_never_panics() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("00000000000000000000.log");
        let whole = small_log(3);
        for len in 0..whole.len() {
            fs::write(&path, &whole[..len]).unwrap();
            let _ = dumped(&["--print-data-log"], &path);
            let (hexdump, _) = dumped(&["--hex"], &path);
            assert_eq!(bytes_in(&hexdump), &whole[..len]);
        }
    }
}
