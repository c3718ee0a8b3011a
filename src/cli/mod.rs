//! The command line: one file (or folder) a tool, one table of all of them.
//!
//! A tool is a clap struct that implements [`Tool`]; one line in [`TOOLS`] makes it a subcommand of `kfk`, a name of its own (`kafka-topics`,
//! `kafka-topics.sh`), a man page and a part of the completions. After a change of options run `scripts/generate`.

pub mod acls;
pub mod argparse;
pub mod base64;
pub mod broker_api_versions;
pub mod carry;
pub mod check;
pub mod client_metrics;
pub mod cluster;
pub mod completions;
pub mod configs;
pub mod connect;
pub mod console_consumer;
pub mod console_producer;
pub mod console_share_consumer;
pub mod consumer_groups;
pub mod consumer_perf_test;
pub mod delegation_tokens;
pub mod delete_records;
pub mod doctor;
pub mod dump_log;
pub mod e2e_latency;
pub mod embedded;
pub mod error;
pub mod failure;
pub mod features;
pub mod get_offsets;
pub mod groups;
pub mod install_links;
pub mod jopt;
pub mod json_file;
pub mod leader_election;
pub mod log_dirs;
pub mod man;
pub mod metadata_quorum;
pub mod names;
pub mod out;
pub mod perf;
pub mod ping;
pub mod principal;
pub mod producer_perf_test;
pub mod profile;
pub mod reassign_partitions;
pub mod records;
pub mod reference;
pub mod replica_verification;
pub mod server;
pub mod settings;
pub mod share_groups;
pub mod storage;
pub mod tool;
pub mod topic_pattern;
pub mod topics;
pub mod transactions;
pub mod usage;
pub mod verifiable;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use error::{CliError, Kind, stderr_line};
use out::Out;
use tool::{Context, Entry, Exit, Personality};

pub use tool::Tool;

/// The version of Apache Kafka whose tools these are.
pub const KAFKA_VERSION: &str = "4.3.1";

/// Every command, in the order of `kfk --help`.
pub const TOOLS: &[Entry] = &[
    Entry::of::<server::Args>(),
    Entry::of::<topics::Args>(),
    Entry::of::<configs::Args>(),
    Entry::of::<console_producer::Args>(),
    Entry::of::<console_consumer::Args>(),
    Entry::of::<consumer_groups::Args>(),
    Entry::of::<console_share_consumer::Args>(),
    Entry::of::<share_groups::Args>(),
    Entry::of::<groups::Args>(),
    Entry::of::<get_offsets::Args>(),
    Entry::of::<delete_records::Args>(),
    Entry::of::<transactions::Args>(),
    Entry::of::<log_dirs::Args>(),
    Entry::of::<metadata_quorum::Args>(),
    Entry::of::<leader_election::Args>(),
    Entry::of::<reassign_partitions::Args>(),
    Entry::of::<storage::Args>(),
    Entry::of::<acls::Args>(),
    Entry::of::<delegation_tokens::Args>(),
    Entry::of::<cluster::Args>(),
    Entry::of::<features::Args>(),
    Entry::of::<client_metrics::Args>(),
    Entry::of::<broker_api_versions::Args>(),
    Entry::of::<dump_log::Args>(),
    Entry::of::<ping::Args>(),
    Entry::of::<doctor::Args>(),
    Entry::of::<profile::Args>(),
    Entry::of::<carry::record::Args>(),
    Entry::of::<carry::replay::Args>(),
    Entry::of::<carry::copy::Args>(),
    Entry::of::<producer_perf_test::Args>(),
    Entry::of::<consumer_perf_test::Args>(),
    Entry::of::<e2e_latency::Args>(),
    Entry::of::<verifiable::producer::Args>(),
    Entry::of::<verifiable::consumer::Args>(),
    Entry::of::<replica_verification::Args>(),
    Entry::of::<completions::Args>(),
    Entry::of::<man::Args>(),
    Entry::of::<install_links::Args>(),
];

/// Runs the command that this process was started for and gives its exit code.
pub fn main() -> ExitCode {
    if completions::answer() {
        return ExitCode::SUCCESS;
    }
    let mut words = std::env::args_os();
    let started_as = words.next().unwrap_or_default();
    let words: Vec<OsString> = words.collect();
    ExitCode::from(run(&started_as, words).0)
}

fn run(started_as: &OsStr, mut words: Vec<OsString>) -> Exit {
    if let Some(entry) = kafka_tool(started_as) {
        return run_as_kafka(entry, &words);
    }
    if let Some(entry) = words.first().and_then(|first| kafka_tool(first)) {
        words.remove(0);
        return run_as_kafka(entry, &words);
    }
    run_as_kfk(words)
}

/// The whole tree under kfk's own name.
pub fn command() -> Command {
    let version = format!("{} (Apache Kafka {KAFKA_VERSION} tools)", env!("CARGO_PKG_VERSION"));
    Command::new("kfk")
        .version(version)
        .about("A Kafka broker and Kafka's command-line tools in one binary")
        .long_about(
            "A Kafka broker and Kafka's command-line tools in one binary. Started under the name of one of Kafka's scripts \
             (kafka-topics.sh, kafka-console-consumer, ...), say through a link, it behaves as that script.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommands(TOOLS.iter().map(|entry| entry.clap_command(entry.command)))
}

/// The tool that a program name or first word stands for, if it is one of Kafka's: `/opt/bin/kafka-topics.sh`.
pub(crate) fn kafka_tool(name: &OsStr) -> Option<&'static Entry> {
    let file = Path::new(name).file_name()?.to_str()?;
    let stem = file.strip_suffix(".sh").unwrap_or(file);
    TOOLS.iter().find(|entry| !entry.kafka.is_empty() && entry.kafka == stem)
}

fn run_as_kfk(words: Vec<OsString>) -> Exit {
    let entry = words.first().and_then(|w| w.to_str()).and_then(|name| TOOLS.iter().find(|e| e.command == name));
    let mut line = vec![OsString::from("kfk")];
    match entry {
        Some(entry) => {
            line.push(entry.command.into());
            let command = entry.clap_command(entry.command);
            if command.has_subcommands() {
                line.extend_from_slice(&words[1..]);
            } else {
                match jopt::normalize(&command, &words[1..], jopt::Mode::Lenient) {
                    Ok(normal) => line.extend(normal.args),
                    Err(e) => return report(&e),
                }
            }
        }
        None => line.extend(words),
    }
    let matches = match command().try_get_matches_from(line) {
        Ok(matches) => matches,
        Err(e) => {
            // Help to a reader that went away, or a closed standard error: nothing left to tell.
            let _ = e.print();
            return Exit(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    let (Some(entry), Some((_, matches))) = (entry, matches.subcommand()) else { return Exit::USAGE };
    let cx = Context { personality: Personality::Modern, invoked_as: format!("kfk {}", entry.command) };
    entry.run(matches, &cx).unwrap_or_else(|e| {
        let hint = format!("`{} --help` shows the options", cx.invoked_as);
        let plain_usage = e.kind == Kind::Usage && e.hint.is_none();
        report(&if plain_usage { e.hint(hint) } else { e })
    })
}

fn report(e: &CliError) -> Exit {
    if !matches!(e.kind, Kind::BrokenPipe | Kind::Told | Kind::Stopped(_)) {
        e.print();
    }
    Exit(e.exit_code())
}

fn run_as_kafka(entry: &Entry, words: &[OsString]) -> Exit {
    let command = entry.clap_command(entry.kafka).disable_help_flag(true).disable_version_flag(true);
    let cx = Context { personality: Personality::Kafka, invoked_as: entry.kafka.to_owned() };
    if let Some(spec) = entry.argparse {
        return run_as_argparse(entry, spec, command, words, &cx);
    }
    let outcome = entry.translate(words, &cx).and_then(|new| {
        let normal = jopt::normalize(&command, new.as_deref().unwrap_or(words), jopt::Mode::Strict)?;
        if words.is_empty() || normal.help {
            stderr_line(entry.about);
            usage::print_option_table(&command);
            return Ok(Exit::FAILED);
        }
        if normal.version {
            let mut out = Out::stdout();
            out.line(KAFKA_VERSION)?;
            out.flush()?;
            return Ok(Exit::OK);
        }
        let line = std::iter::once(OsString::from(entry.kafka)).chain(normal.args);
        let matches = command.try_get_matches_from(line).map_err(|e| refused_value(&e))?;
        entry.run(&matches, &cx)
    });
    outcome.unwrap_or_else(|e| match e.kind {
        Kind::BrokenPipe => Exit::OK,
        Kind::Told | Kind::Stopped(_) => Exit(e.exit_code()),
        _ => entry.report_as_kafka(&e),
    })
}

/// As `run_as_kafka`, for a tool whose command line argparse4j reads.
fn run_as_argparse(entry: &Entry, spec: &argparse::Spec, command: Command, words: &[OsString], cx: &Context) -> Exit {
    let print = |text: &str| {
        let mut out = Out::stdout();
        out.line(text).and_then(|()| out.flush())
    };
    let outcome = match spec.parse(entry.about, words) {
        Err(refused) => {
            entry.refuse_as_kafka(&refused);
            return Exit::FAILED;
        }
        // Those without subcommands take no words at all for a wish for help, and do not call that a failure.
        Ok(argparse::Parsed::Help(text)) => print(text.trim_end()).map(|()| if words.is_empty() { Exit::OK } else { Exit(spec.help_exit) }),
        Ok(argparse::Parsed::Version) => print(KAFKA_VERSION).map(|()| Exit::OK),
        Ok(argparse::Parsed::Words(words)) => {
            let line = std::iter::once(OsString::from(entry.kafka)).chain(words);
            command.try_get_matches_from(line).map_err(|e| refused_value(&e)).and_then(|matches| entry.run(&matches, cx))
        }
    };
    outcome.unwrap_or_else(|e| match e.kind {
        Kind::BrokenPipe => Exit::OK,
        Kind::Told | Kind::Stopped(_) => Exit(e.exit_code()),
        _ => entry.report_as_kafka(&e),
    })
}

/// What clap can still refuse after the words are in normal form: a value that does not convert.
fn refused_value(e: &clap::Error) -> CliError {
    let text = |kind| match e.get(kind) {
        Some(ContextValue::String(s)) => s.clone(),
        _ => String::new(),
    };
    if !matches!(e.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return CliError::usage(e.render().to_string().trim_end().to_owned());
    }
    let arg = text(ContextKind::InvalidArg);
    let name = arg.split([' ', '=', '[']).next().unwrap_or_default().trim_start_matches('-');
    CliError::value(format!("Cannot parse argument '{}' of option {name}", text(ContextKind::InvalidValue)))
        .exception("joptsimple.OptionArgumentConversionException")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn no_option_leaves_to_clap_what_the_tools_check_themselves() {
        for entry in TOOLS {
            for arg in entry.clap_command(entry.command).get_arguments() {
                let optional = arg.get_num_args().is_some_and(|n| n.min_values() == 0 && n.takes_values());
                assert!(!optional || arg.is_require_equals_set(), "{}: --{} must require an equals sign", entry.command, arg.get_id());
            }
        }
    }
}
