//! `kfk ping`: is the cluster ready? For scripts and health checks: the exit code says it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind};
use super::out::facts::{Column, Facts, number, row, text};
use super::out::{Format, Out};
use super::records::times;
use super::tool::{Context, Exit, Tool};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// Try for so long until the cluster is ready: 30s, 1m30s. Without it there is one try.
    #[arg(long, value_name = "DURATION")]
    pub wait: Option<String>,

    /// How to print the answer.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// What a ready cluster says.
struct Answer {
    cluster: String,
    brokers: Vec<String>,
    controller: i32,
    took: Duration,
}

impl Args {
    fn ask(&self, properties: Properties, cx: &Context) -> Result<Answer, CliError> {
        // A broker that is asked for must not be started by the asking.
        connect::run_on_existing(&self.connection, properties, cx, async |properties| {
            let started = Instant::now();
            let admin = connect::admin(&properties, cx).await?;
            let metadata = admin.client().refresh(&[]).await?;
            if metadata.brokers.is_empty() || metadata.controller < 0 {
                return Err(CliError::failed("the cluster has no controller yet").hint("`--wait 30s` waits for it"));
            }
            Ok(Answer {
                cluster: metadata.cluster_id.clone().unwrap_or_default(),
                brokers: metadata.brokers.values().map(|b| b.address()).collect(),
                controller: metadata.controller,
                took: started.elapsed(),
            })
        })
    }

    fn print(&self, answer: &Answer, cx: &Context) -> Result<(), CliError> {
        const COLUMNS: &[Column] = &[text("cluster"), number("controller"), text("brokers"), number("ms")];
        let millis = answer.took.as_secs_f64() * 1000.0;
        let rounded = (millis * 10.0).round() / 10.0;
        let facts = Facts::new(COLUMNS, [row![&answer.cluster, answer.controller, &answer.brokers, rounded]]);
        let mut out = Out::stdout();
        facts.print(&mut out, Format::pick(self.output, cx), |out| {
            let brokers = answer.brokers.join(",");
            out.line(format!("ready cluster={} controller={} brokers={brokers} ms={millis:.1}", answer.cluster, answer.controller))
        })?;
        out.flush()
    }
}

impl Tool for Args {
    const COMMAND: &'static str = "ping";
    const ABOUT: &'static str = "Tell whether the cluster is ready: exit code 0 if it is, 1 if not.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let mut properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        let wait = self.wait.as_deref().map(times::duration).transpose();
        let wait = wait.map_err(|why| CliError::usage(format!("--wait: {why}")).hint("a length of time looks like 30s or 1m30s"))?;
        let deadline = wait.map(|wait| Instant::now() + wait);
        loop {
            if let Some(deadline) = deadline {
                // No try outlasts the waiting by much.
                let left = deadline.saturating_duration_since(Instant::now()).as_millis().clamp(500, 4500);
                connect::set(&mut properties, "socket.connection.setup.timeout.ms", left.to_string());
            }
            match self.ask(properties.clone(), cx) {
                Ok(answer) => {
                    self.print(&answer, cx)?;
                    return Ok(Exit::OK);
                }
                Err(e) if e.kind == Kind::Failed && deadline.is_some_and(|d| Instant::now() + PAUSE < d) => std::thread::sleep(PAUSE),
                Err(e) => return Err(e),
            }
        }
    }
}
