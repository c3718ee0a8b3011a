//! `kfk cluster`, `kafka-cluster.sh`: the cluster's id, its nodes, and forgetting a broker.

use std::path::PathBuf;

use clap::ValueHint;

use super::argparse::{OneOf, Opt, Spec, Sub, Value as Takes};
use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, stderr_line};
use super::out::facts::{Column, Facts, number, row, text};
use super::out::plain::pad;
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use crate::client::Error;
use crate::client::admin::{Admin, Endpoint};

/// Java wraps what a future failed with.
const EXECUTION: &str = "java.util.concurrent.ExecutionException";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Brokers to contact first, separated by commas. Else bootstrap.servers of the properties file, $KFK_BROKERS, the profile's, or
    /// localhost:9092.
    #[arg(long, short = 'b', value_name = "HOST:PORT,...", add = super::names::brokers(), global = true)]
    pub bootstrap_server: Option<String>,

    /// Controllers to ask instead of brokers, separated by commas.
    #[arg(long, short = 'C', value_name = "HOST:PORT,...", value_hint = ValueHint::Other, global = true)]
    pub bootstrap_controller: Option<String>,

    /// Instead of a server, run the broker in this process on the data directory DIR (or talk to the server that owns it).
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, global = true)]
    pub embedded: Option<PathBuf>,

    /// Properties file for the client.
    #[arg(long, short = 'c', value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub command_config: Option<PathBuf>,

    /// The old name of --command-config.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub config: Option<PathBuf>,

    /// How to print what is found.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT", global = true)]
    pub output: Option<Format>,

    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Print the cluster's id.
    ClusterId,
    /// Forget a broker that is gone for good.
    Unregister {
        /// The broker's id.
        #[arg(long, short = 'i', value_name = "ID", allow_hyphen_values = true)]
        id: i32,
    },
    /// List the brokers, or with --bootstrap-controller the controllers.
    ListEndpoints {
        /// Also brokers that are not let in.
        #[arg(long)]
        include_fenced_brokers: bool,
    },
}

const COMMON: [Opt; 4] = [
    Opt::new("--config", "CONFIG", Takes::Text, "the old name of --command-config"),
    Opt::new("--command-config", "COMMAND_CONFIG", Takes::Text, "properties file for the client").short("-c"),
    Opt::new("--bootstrap-server", "BOOTSTRAP_SERVER", Takes::Text, "brokers to contact first, separated by commas")
        .short("-b")
        .one_of(OneOf::Exactly),
    Opt::new("--bootstrap-controller", "BOOTSTRAP_CONTROLLER", Takes::Text, "controllers to ask instead of brokers")
        .short("-C")
        .one_of(OneOf::Exactly),
];

const SPEC: Spec = Spec {
    prog: "kafka-cluster",
    options: &[],
    subs: &[
        Sub { name: "cluster-id", help: "print the cluster's id", options: &COMMON },
        Sub {
            name: "unregister",
            help: "forget a broker that is gone for good",
            options: &[
                COMMON[0],
                COMMON[1],
                Opt::new("--id", "ID", Takes::Integer, "the broker's id").short("-i").required(),
                COMMON[2],
                COMMON[3],
            ],
        },
        Sub {
            name: "list-endpoints",
            help: "list brokers or controllers",
            options: &[
                COMMON[0],
                COMMON[1],
                Opt::flag("--include-fenced-brokers", "also brokers that are not let in"),
                COMMON[2],
                COMMON[3],
            ],
        },
    ],
    metavar: "",
    version: false,
    help_exit: 1,
};

impl Args {
    async fn work(&self, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let admin = connect::admin(properties, cx).await?;
        let format = Format::pick(self.output, cx);
        match self.action {
            Action::ClusterId => {
                let id = admin.describe_cluster().await.map_err(failed)?.cluster_id;
                let mut out = Out::stdout();
                const COLUMNS: &[Column] = &[text("cluster_id")];
                Facts::new(COLUMNS, [row![&id]]).print(&mut out, format, |out| out.line(format!("Cluster ID: {id}")))?;
                out.flush()
            }
            Action::Unregister { id } => {
                admin.unregister_broker(id).await.map_err(failed)?;
                cx.say(format!("Broker {id} is no longer registered."))
            }
            Action::ListEndpoints { include_fenced_brokers } => list(&admin, include_fenced_brokers, format).await,
        }
    }
}

async fn list(admin: &Admin, fenced: bool, format: Format) -> Result<(), CliError> {
    let controllers = admin.client().config().controllers;
    let mut found = admin.list_endpoints(fenced).await.map_err(failed)?;
    // Brokers before Kafka 4.0 have no say in it.
    found.retain(|e| fenced || !e.fenced);
    let mut out = Out::stdout();
    const COLUMNS: &[Column] = &[number("id"), text("host"), number("port"), text("rack"), text("fenced"), text("type")];
    let row = |e: &Endpoint| {
        row![e.node.id, &e.node.host, e.node.port, e.node.rack.clone(), (!controllers).then_some(e.fenced), kind(controllers)]
    };
    Facts::new(COLUMNS, found.iter().map(row))
        .print(&mut out, format, |out| plain(&found, controllers).iter().try_for_each(|line| out.line(line)))?;
    out.flush()
}

fn kind(controllers: bool) -> &'static str {
    if controllers { "controller" } else { "broker" }
}

fn cells(e: &Endpoint, controllers: bool) -> [String; 6] {
    let state = match (controllers, e.fenced) {
        (true, _) => "-",
        (false, true) => "fenced",
        (false, false) => "unfenced",
    };
    let (n, rack) = (&e.node, e.node.rack.clone().unwrap_or_else(|| "null".to_owned()));
    [n.id.to_string(), n.host.clone(), n.port.to_string(), rack, state.to_owned(), kind(controllers).to_owned()]
}

/// Kafka's columns: each 10 wide, but the host as wide as the longest, the type 15; controllers have no state.
fn plain(found: &[Endpoint], controllers: bool) -> Vec<String> {
    let host = found.iter().map(|e| e.node.host.chars().count()).fold(0, usize::max);
    let widths = [10, host, 10, 10, 10, 15];
    let line = |cells: [String; 6]| {
        let shown = cells.iter().zip(widths).enumerate().filter(|(at, _)| *at != 4 || !controllers);
        shown.map(|(_, (cell, width))| pad(cell, width)).collect::<Vec<_>>().join(" ")
    };
    let header = ["ID", "HOST", "PORT", "RACK", "STATE", "ENDPOINT_TYPE"].map(str::to_owned);
    std::iter::once(header).chain(found.iter().map(|e| cells(e, controllers))).map(line).collect()
}

/// A failure of the client, as Kafka's tool shows it.
fn failed(e: Error) -> CliError {
    CliError::from(e).wrapped_in(EXECUTION)
}

impl Tool for Args {
    const COMMAND: &'static str = "cluster";
    const KAFKA: &'static str = "kafka-cluster";
    const ABOUT: &'static str = "Show a cluster's id and nodes, and forget brokers that are gone.";
    const ARGPARSE: Option<&'static Spec> = Some(&SPEC);

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        if self.config.is_some() {
            cx.say("Option --config has been deprecated and will be removed in a future version. Use --command-config instead.")?;
        }
        let file = self.command_config.as_deref().or(self.config.as_deref());
        let properties = file.map(connect::load_properties).transpose()?.unwrap_or_default();
        let connection = ConnectionArgs {
            bootstrap_server: self.bootstrap_server.clone(),
            embedded: self.embedded.clone(),
            bootstrap_controller: self.bootstrap_controller.clone(),
        };
        connect::run(&connection, properties, cx, connect::ADMIN, async |properties| self.work(&properties, cx).await)?;
        Ok(Exit::OK)
    }

    /// Kafka's tool prints the message, then the exception.
    fn report_as_kafka(error: &CliError, _: &Entry) -> Exit {
        stderr_line(error.kafka_message());
        if !error.java.class.is_empty() {
            stderr_line(format!("{}\n", error.as_java()));
        }
        Exit::FAILED
    }
}
