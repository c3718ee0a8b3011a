//! What a command is to the frame: its options (a clap struct), its Kafka name, what it does, and how it tells a failure under Kafka's name.

use std::ffi::OsString;

use clap::{ArgMatches, Command};

use super::argparse::{Refused, Spec};
use super::error::{CliError, Kind, stderr_line};
use super::out::Out;
use super::usage;

/// Under which name kfk was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personality {
    /// `kfk topics ...`: errors as `error: ...`, exit codes 0, 1, 2.
    Modern,
    /// `kafka-topics.sh ...`, or `kfk kafka-topics ...`: Kafka's own words, streams and exit codes.
    Kafka,
}

/// What a command knows about the way it was started.
#[derive(Clone, Debug)]
pub struct Context {
    pub personality: Personality,
    /// The name to show in hints: `kfk topics` or `kafka-topics`.
    pub invoked_as: String,
}

impl Context {
    pub fn is_kafka(&self) -> bool {
        self.personality == Personality::Kafka
    }

    /// Says something that is no data: on standard error, or on standard output where Kafka's own tool has it there.
    pub fn say(&self, text: impl AsRef<str>) -> Result<(), CliError> {
        if !self.is_kafka() {
            stderr_line(text);
            return Ok(());
        }
        let mut out = Out::stdout();
        out.line(text)?;
        out.flush()
    }
}

/// The exit code of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    pub const OK: Exit = Exit(0);
    pub const FAILED: Exit = Exit(1);
    pub const USAGE: Exit = Exit(2);
}

/// A command line in its new form; `None`: it has that already.
pub type Translation = Result<Option<Vec<OsString>>, CliError>;

/// One command. Its fields are its options; doc comments on them are the help, the man page and the completions.
///
/// Options carry no clap-level `required` or `conflicts_with`: combinations are checked by the command in Kafka's order and words,
/// as [`CliError::usage`]. Options whose value may be absent use `num_args = 0..=1, require_equals = true`.
pub trait Tool: clap::Args + Sized + 'static {
    /// `topics`
    const COMMAND: &'static str;
    /// The script of Kafka that this is, without `.sh`: `kafka-topics`. Empty when Kafka has none.
    const KAFKA: &'static str = "";
    /// One sentence.
    const ABOUT: &'static str;

    /// For the tools of Kafka that read their command line with argparse4j: what that accepts.
    const ARGPARSE: Option<&'static Spec> = None;

    /// Under Kafka's name: an old form of the command line in its new one, or `None` where it is new.
    fn translate(words: &[OsString], cx: &Context) -> Translation {
        let _ = (words, cx);
        Ok(None)
    }

    /// Does the work. Data goes to standard output, everything else to standard error.
    fn run(self, cx: &Context) -> Result<Exit, CliError>;

    /// Tells what argparse4j finds wrong with the command line. Called under Kafka's name only.
    fn refuse_as_kafka(refused: &Refused) {
        stderr_line(refused.told());
    }

    /// Tells a failure as Kafka's own tool does and gives its exit code. Called under Kafka's name only.
    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage => usage::report(error, entry),
            _ => stderr_line(&error.message),
        }
        Exit::FAILED
    }
}

/// A [`Tool`] as one row of the table in `cli/mod.rs`.
pub struct Entry {
    pub command: &'static str,
    pub kafka: &'static str,
    pub about: &'static str,
    pub argparse: Option<&'static Spec>,
    augment: fn(Command) -> Command,
    translate: fn(&[OsString], &Context) -> Translation,
    run: fn(&ArgMatches, &Context) -> Result<Exit, CliError>,
    report_as_kafka: fn(&CliError, &Entry) -> Exit,
    refuse_as_kafka: fn(&Refused),
}

impl Entry {
    pub const fn of<T: Tool>() -> Entry {
        Entry {
            command: T::COMMAND,
            kafka: T::KAFKA,
            about: T::ABOUT,
            argparse: T::ARGPARSE,
            augment: |command| T::augment_args(command),
            translate: T::translate,
            run: |matches, cx| match T::from_arg_matches(matches) {
                Ok(args) => args.run(cx),
                Err(e) => Err(CliError::usage(e.to_string())),
            },
            report_as_kafka: T::report_as_kafka,
            refuse_as_kafka: T::refuse_as_kafka,
        }
    }

    /// The clap definition of this command under `name`.
    pub fn clap_command(&self, name: &'static str) -> Command {
        (self.augment)(Command::new(name)).about(self.about)
    }

    pub fn translate(&self, words: &[OsString], cx: &Context) -> Translation {
        (self.translate)(words, cx)
    }

    pub fn run(&self, matches: &ArgMatches, cx: &Context) -> Result<Exit, CliError> {
        (self.run)(matches, cx)
    }

    pub fn refuse_as_kafka(&self, refused: &Refused) {
        (self.refuse_as_kafka)(refused);
    }

    pub fn report_as_kafka(&self, error: &CliError) -> Exit {
        (self.report_as_kafka)(error, self)
    }
}
