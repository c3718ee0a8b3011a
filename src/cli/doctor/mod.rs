//! `kfk doctor`: why does it not work? Resolves, connects, speaks, compares what the brokers advertise with what was asked for, versions,
//! clocks and partitions; one line for each, with a remedy where something is wrong. Changes nothing anywhere.

mod address;
mod advertised;
mod cluster;

use std::path::PathBuf;
use std::time::Duration;

use super::connect::{self, ConnectionArgs, Properties, get};
use super::error::CliError;
use super::out::facts::{Column, Facts, number, row, text};
use super::out::{Format, Out};
use super::tool::{Context, Exit, Tool};
use crate::client::ClientConfig;
use address::Seen;

/// For each of resolving, connecting and speaking.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client; what it says of security is compared with what the brokers speak.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// How to print the answer.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    /// It works, but not as it should, or not for everybody.
    Warn,
    Fail,
    /// It could not be looked at.
    Skip,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Fail => "fail",
            Status::Skip => "skip",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub status: Status,
    /// `resolve`, `connect`, ...
    pub check: &'static str,
    /// An address, a broker; empty: the cluster.
    pub subject: String,
    pub what: String,
    /// How long it took.
    pub took: Option<Duration>,
    pub hint: Option<String>,
}

impl Check {
    pub fn new(status: Status, check: &'static str, subject: impl Into<String>, what: impl Into<String>) -> Check {
        Check { status, check, subject: subject.into(), what: what.into(), took: None, hint: None }
    }

    pub fn took(mut self, took: Option<Duration>) -> Check {
        self.took = took;
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Check {
        self.hint = Some(hint.into());
        self
    }
}

impl Tool for Args {
    const COMMAND: &'static str = "doctor";
    const ABOUT: &'static str = "Find out what is wrong between this machine and a cluster, and what helps. Exit code 1 if something is.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        // A broker that is asked for must not be started by the asking.
        let checks = connect::run_on_existing(&self.connection, properties, cx, async |properties| Ok(examine(properties).await))?;
        let mut out = Out::stdout();
        // Lines are for people, too: what is wrong is told in sentences.
        facts(&checks).print(&mut out, self.output.or_else(Format::preferred).unwrap_or(Format::Plain), |out| {
            lines(&checks).into_iter().try_for_each(|line| out.line(line))
        })?;
        out.flush()?;
        Ok(if count(&checks, Status::Fail) > 0 { Exit::FAILED } else { Exit::OK })
    }
}

/// All checks, in order. What cannot be looked at because of an earlier failure is left out.
async fn examine(properties: Properties) -> Vec<Check> {
    let config = match ClientConfig::parse(&properties.iter().cloned().collect()) {
        Ok(config) => config,
        Err(e) => return vec![Check::new(Status::Fail, "config", "", e.to_string()).hint("correct it in the properties file")],
    };
    let servers: Vec<String> = get(&properties, "bootstrap.servers").unwrap_or_default().split(',').map(str::to_owned).collect();
    let mut seen: Vec<Seen> = Vec::new();
    for looked_at in address::look_at_all(&servers, &config.security).await {
        seen.push(looked_at);
    }
    let mut checks: Vec<Check> = seen.iter().flat_map(|s| s.checks.clone()).collect();
    let usable: Vec<&Seen> = seen.iter().filter(|s| s.is_usable()).collect();
    if usable.is_empty() {
        return checks;
    }
    if seen.len() > usable.len() {
        // One that answers is enough for clients, as long as it does.
        for check in checks.iter_mut().filter(|c| c.status == Status::Fail) {
            check.status = Status::Warn;
        }
    }
    checks.extend(cluster::examine(&usable, &properties).await);
    checks
}

fn count(checks: &[Check], status: Status) -> usize {
    checks.iter().filter(|c| c.status == status).count()
}

fn lines(checks: &[Check]) -> Vec<String> {
    let mut lines = Vec::new();
    for Check { status, check, subject, what, took, hint } in checks {
        let subject = if subject.is_empty() { String::new() } else { format!("{subject}: ") };
        let took = took.map(|took| format!(" in {:.1} ms", millis(took))).unwrap_or_default();
        lines.push(format!("{:<5} {check:<10} {subject}{what}{took}", status.name()));
        lines.extend(hint.as_ref().map(|hint| format!("      hint: {hint}")));
    }
    let warnings = match count(checks, Status::Warn) {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        n => format!(", {n} warnings"),
    };
    lines.push(match count(checks, Status::Fail) {
        0 => format!("nothing is wrong{warnings}"),
        1 => format!("1 thing is wrong{warnings}"),
        n => format!("{n} things are wrong{warnings}"),
    });
    lines
}

fn facts(checks: &[Check]) -> Facts {
    const COLUMNS: &[Column] =
        &[text("check"), text("status"), text("subject"), text("what"), number("ms").if_any(), text("hint").if_any()];
    let row = |c: &Check| row![c.check, c.status.name(), &c.subject, &c.what, c.took.map(millis), c.hint.clone()];
    Facts::new(COLUMNS, checks.iter().map(row))
}

/// Milliseconds with one digit behind the point.
fn millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}
