//! `kfk metadata-quorum`, `kafka-metadata-quorum.sh`: who keeps the metadata of a cluster, and changes of that.

mod controller;
mod describe;
mod spec;

use std::path::PathBuf;

use clap::ValueHint;

use self::controller::NewController;
use super::argparse::Spec;
use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind, stderr_line};
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use crate::wire::Uuid;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Brokers to contact first, separated by commas. Else bootstrap.servers of the properties file, $KFK_BROKERS, the profile's, or
    /// localhost:9092.
    #[arg(long, value_name = "HOST:PORT,...", add = super::names::brokers(), global = true)]
    pub bootstrap_server: Option<String>,

    /// Controllers to ask instead of brokers, separated by commas.
    #[arg(long, value_name = "HOST:PORT,...", value_hint = ValueHint::Other, global = true)]
    pub bootstrap_controller: Option<String>,

    /// Instead of a server, run the broker in this process on the data directory DIR (or talk to the server that owns it).
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, global = true)]
    pub embedded: Option<PathBuf>,

    /// Properties file for the client; for add-controller that of the controller to add.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub command_config: Option<PathBuf>,

    /// How to print what is found.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT", global = true)]
    pub output: Option<Format>,

    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Describe the quorum: a summary, or with --replication how far every node is.
    Describe {
        /// Leader, epoch, high watermark, voters and observers. The default.
        #[arg(long)]
        status: bool,
        /// A row for every node: how far it is, and when it last asked the leader.
        #[arg(long)]
        replication: bool,
        /// With --replication: times as how long ago.
        #[arg(long)]
        human_readable: bool,
    },
    /// Make a controller a voter; --command-config is its configuration, and its formatted metadata directory must be on this machine.
    AddController {
        /// Only tell what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// Take a voter out of the quorum.
    RemoveController {
        /// The controller's id.
        #[arg(long, short = 'i', value_name = "ID", allow_hyphen_values = true)]
        controller_id: i32,
        /// The id of its metadata directory, as describe --replication shows it.
        #[arg(long, short = 'd', value_name = "UUID", allow_hyphen_values = true)]
        controller_directory_id: String,
        /// Only tell what would be done.
        #[arg(long)]
        dry_run: bool,
    },
}

impl Tool for Args {
    const COMMAND: &'static str = "metadata-quorum";
    const KAFKA: &'static str = "kafka-metadata-quorum";
    const ABOUT: &'static str = "Show who keeps the metadata of a cluster and how far they are, and change who does.";
    const ARGPARSE: Option<&'static Spec> = Some(&spec::SPEC);

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let properties = self.properties()?;
        let connection = ConnectionArgs {
            bootstrap_server: self.bootstrap_server.clone(),
            embedded: self.embedded.clone(),
            bootstrap_controller: self.bootstrap_controller.clone(),
        };
        match &self.action {
            Action::Describe { status, replication, human_readable } => {
                check(*status, *replication, *human_readable, cx)?;
                self.ask(&connection, properties, cx, async |properties| self.describe(&properties, cx).await)
            }
            Action::AddController { dry_run } => {
                if self.command_config.is_none() {
                    const WHICH: &str =
                        "You must supply the configuration file of the controller you are adding when using add-controller.";
                    return Err(CliError::usage(WHICH));
                }
                let new = NewController::from(&properties)?;
                if !dry_run {
                    let (id, directory) = (new.id, new.directory);
                    self.ask(&connection, properties, cx, async |properties| {
                        let admin = connect::admin(&properties, cx).await?;
                        Ok(admin.add_voter(id, directory, &new.endpoints).await?)
                    })?;
                }
                let start = if *dry_run { "DRY RUN of adding" } else { "Added" };
                let endpoints = new.shown_endpoints();
                say(&format!("{start} controller {} with directory id {} and endpoints: {endpoints}", new.id, new.directory))
            }
            Action::RemoveController { controller_id, controller_directory_id, dry_run } => {
                if *controller_id < 0 {
                    return Err(CliError::usage(format!("Invalid negative --controller-id: {controller_id}")));
                }
                let directory = directory_id(controller_directory_id)?;
                if !dry_run {
                    self.ask(&connection, properties, cx, async |properties| {
                        let admin = connect::admin(&properties, cx).await?;
                        Ok(admin.remove_voter(*controller_id, directory).await?)
                    })?;
                }
                // Kafka's tool has both blanks.
                let start = if *dry_run { "DRY RUN of removing " } else { "Removed " };
                say(&format!("{start} KRaft controller {controller_id} with directory id {directory}"))
            }
        }
        .map(|()| Exit::OK)
    }

    /// What the tool itself refuses is told in one line, everything else with its exception.
    fn report_as_kafka(error: &CliError, _: &Entry) -> Exit {
        stderr_line(error.kafka_message());
        if error.kind != Kind::Usage && !error.java.class.is_empty() {
            stderr_line(format!("{}\n", error.as_java()));
        }
        Exit::FAILED
    }
}

impl Args {
    fn properties(&self) -> Result<Properties, CliError> {
        let Some(path) = &self.command_config else { return Ok(Properties::new()) };
        if !path.exists() {
            return Err(CliError::usage(format!("Properties file {} does not exists!", path.display())));
        }
        connect::load_properties(path)
    }

    /// Kafka's tool has the exception of the call and one around it.
    fn ask<T>(
        &self,
        connection: &ConnectionArgs,
        properties: Properties,
        cx: &Context,
        work: impl AsyncFnOnce(Properties) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let result = connect::run(connection, properties, cx, connect::ADMIN, work);
        result.map_err(|e| match e.kind {
            Kind::Failed if !e.java.class.is_empty() => e.wrapped_in("java.util.concurrent.ExecutionException"),
            _ => e,
        })
    }

    async fn describe(&self, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let admin = connect::admin(properties, cx).await?;
        let format = Format::pick(self.output, cx);
        let mut out = Out::stdout();
        match &self.action {
            Action::Describe { replication: true, human_readable, .. } => {
                let quorum = admin.describe_quorum().await?;
                describe::replication(&quorum, *human_readable)?.print(&mut out, format)?;
            }
            _ => {
                let cluster = admin.describe_cluster().await?.cluster_id;
                describe::status(&mut out, &cluster, &admin.describe_quorum().await?, format)?;
            }
        }
        out.flush()
    }
}

fn say(text: &str) -> Result<(), CliError> {
    let mut out = Out::stdout();
    out.line(text)?;
    out.flush()
}

/// What does not fit together. Without one of the two kinds kfk gives the summary.
fn check(status: bool, replication: bool, human_readable: bool, cx: &Context) -> Result<(), CliError> {
    if status && replication {
        return Err(CliError::usage("Only one of --status or --replication should be specified with describe sub-command"));
    }
    if !status && !replication && cx.is_kafka() {
        return Err(CliError::usage("One of --status or --replication must be specified with describe sub-command"));
    }
    if human_readable && !replication {
        return Err(CliError::usage("The option --human-readable is only supported along with --replication"));
    }
    Ok(())
}

fn directory_id(text: &str) -> Result<Uuid, CliError> {
    text.parse().map_err(|_| {
        let why = match text.get(..24).filter(|_| text.len() > 24) {
            Some(start) => format!("Input string with prefix `{start}` is too long to be decoded as a base64 UUID"),
            None => {
                let bytes = text.len() * 6 / 8;
                format!(
                    "Input string `{text}` decoded as {bytes} bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID"
                )
            }
        };
        let error = CliError::usage(format!("Failed to parse --controller-directory-id: {why}"));
        error.hint("an id has 22 characters; describe --replication shows it")
    })
}
