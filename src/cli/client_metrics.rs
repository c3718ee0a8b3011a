//! `kfk client-metrics`, `kafka-client-metrics.sh`: subscriptions to the metrics of clients (KIP-714).

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind, log4j_line};
use super::out::facts::{Column, Facts, row, text};
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage::{self, refuse};
use crate::client::admin::{Admin, AlterOp, ConfigChange, ConfigEntry, ConfigResource, ResourceType};
use crate::wire::Uuid;

const CLASS: &str = "org.apache.kafka.tools.ClientMetricsCommand";
const ILLEGAL: &str = "java.lang.IllegalArgumentException";
/// The source of what the subscription itself sets.
const OWN: i8 = 7;

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// List the subscriptions.
    #[arg(long, help_heading = "Action")]
    pub list: bool,

    /// Show what subscriptions ask for: that of --name, or all.
    #[arg(long, help_heading = "Action")]
    pub describe: bool,

    /// Set what a subscription asks for; it comes to be with that.
    #[arg(long, help_heading = "Action")]
    pub alter: bool,

    /// Take a subscription away.
    #[arg(long, help_heading = "Action")]
    pub delete: bool,

    /// The subscription's name.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub name: Option<String>,

    /// Make a name up (--alter).
    #[arg(long)]
    pub generate_name: bool,

    /// How often clients are to send, in milliseconds; empty: the default again (--alter).
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub interval: Option<String>,

    /// Which clients: SELECTOR=REGEX,..., by client_id, client_instance_id, client_software_name, client_software_version,
    /// client_source_address or client_source_port; empty: all (--alter).
    #[arg(long = "match", value_name = "SELECTOR=REGEX,...")]
    pub matching: Option<String>,

    /// Which metrics, by how their names begin; empty: none (--alter).
    #[arg(long, value_name = "PREFIX,...")]
    pub metrics: Option<String>,

    /// How to print --list and --describe.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

fn illegal(message: &str) -> CliError {
    CliError::value(message).exception(ILLEGAL)
}

impl Args {
    /// Kafka's checks, in its order.
    fn check(&self, cx: &Context) -> Result<(), CliError> {
        let actions = [self.alter, self.delete, self.describe, self.list];
        if actions.iter().filter(|given| **given).count() != 1 {
            return Err(CliError::usage("Command must include exactly one action: --alter, --delete, --describe or --list."));
        }
        if !self.connection.given(cx) {
            return Err(illegal("--bootstrap-server must be specified."));
        }
        let changes = [
            ("generate-name", self.generate_name),
            ("interval", self.interval.is_some()),
            ("match", self.matching.is_some()),
            ("metrics", self.metrics.is_some()),
        ];
        refuse(("delete", self.delete), &changes)?;
        refuse(("describe", self.describe), &changes)?;
        refuse(("list", self.list), &[("name", self.name.is_some())])?;
        refuse(("list", self.list), &changes)?;
        if self.alter && self.name.is_some() == self.generate_name {
            return Err(illegal("One of --name or --generate-name must be specified with --alter."));
        }
        let is_number = |text: &String| text.is_empty() || text.parse::<i32>().is_ok();
        if self.alter && !self.interval.as_ref().is_none_or(is_number) {
            return Err(illegal("Invalid interval value. Enter an integer, or leave empty to reset."));
        }
        if self.delete && self.name.is_none() {
            return Err(illegal("A client metrics resource name must be specified with --delete."));
        }
        Ok(())
    }

    async fn work(&self, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let admin = connect::admin(properties, cx).await?;
        let format = Format::pick(self.output, cx);
        if self.list {
            return show_names(&admin.list_config_resources(ResourceType::ClientMetrics).await?, format);
        }
        if self.describe {
            return self.describe(&admin, format).await;
        }
        let name = match &self.name {
            Some(name) => name.clone(),
            None => made_up()?,
        };
        let changes = if self.delete { everything(&admin, &name).await? } else { self.changes() };
        let resource = ConfigResource { kind: ResourceType::ClientMetrics, name: name.clone() };
        for (_, result) in admin.alter_configs(&[(resource, changes)]).await? {
            result?;
        }
        cx.say(format!("{} client metrics config for {name}.", if self.delete { "Deleted" } else { "Altered" }))
    }

    /// What is empty goes back to its default.
    fn changes(&self) -> Vec<ConfigChange> {
        let given = [("interval.ms", &self.interval), ("match", &self.matching), ("metrics", &self.metrics)];
        let change = |(name, value): (&str, &Option<String>)| {
            let value = value.clone()?;
            let op = if value.is_empty() { AlterOp::Delete } else { AlterOp::Set };
            Some(ConfigChange { name: name.to_owned(), op, value: Some(value).filter(|v| !v.is_empty()) })
        };
        given.into_iter().filter_map(change).collect()
    }

    async fn describe(&self, admin: &Admin, format: Format) -> Result<(), CliError> {
        let known = admin.list_config_resources(ResourceType::ClientMetrics).await?;
        let mut out = Out::stdout();
        let names = match &self.name {
            Some(name) if !known.contains(name) => {
                let text = format!("The client metric resource {name} doesn't exist and doesn't have dynamic config.");
                if format == Format::Plain {
                    out.line(text)?;
                    return out.flush();
                }
                return Err(CliError::failed(text));
            }
            Some(name) => vec![name.clone()],
            None => known,
        };
        let mut found = Vec::new();
        for name in names {
            found.push((entries(admin, &name).await?, name));
        }
        render(&mut out, &found, format)?;
        out.flush()
    }
}

fn made_up() -> Result<String, CliError> {
    loop {
        let mut bytes = [0u8; 16];
        getrandom::fill(&mut bytes).map_err(|e| CliError::failed("the system gives no random name").cause(e.to_string()))?;
        // Version 4 of a UUID; as in Kafka none that a command line could take for an option.
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let name = Uuid(bytes).to_string();
        if !name.starts_with('-') {
            return Ok(name);
        }
    }
}

async fn entries(admin: &Admin, name: &str) -> Result<Vec<ConfigEntry>, CliError> {
    let resource = ConfigResource { kind: ResourceType::ClientMetrics, name: name.to_owned() };
    let mut all = Vec::new();
    for (_, entries) in admin.describe_configs(&[resource]).await? {
        all.extend(entries?);
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

async fn everything(admin: &Admin, name: &str) -> Result<Vec<ConfigChange>, CliError> {
    let own = entries(admin, name).await?.into_iter().filter(|e| e.config_source == OWN);
    Ok(own.map(|e| ConfigChange { name: e.name, op: AlterOp::Delete, value: None }).collect())
}

fn show_names(names: &[String], format: Format) -> Result<(), CliError> {
    let mut out = Out::stdout();
    // Kafka's tool ends the list, however short, with one newline.
    const COLUMNS: &[Column] = &[text("name")];
    Facts::new(COLUMNS, names.iter().map(|name| row![name])).print(&mut out, format, |out| out.line(names.join("\n")))?;
    out.flush()
}

fn render(out: &mut Out, found: &[(Vec<ConfigEntry>, String)], format: Format) -> Result<(), CliError> {
    const COLUMNS: &[Column] = &[text("name"), text("config"), text("value")];
    let rows = found.iter().flat_map(|(entries, name)| entries.iter().map(move |e| row![name, &e.name, e.value.clone()]));
    let value = |e: &ConfigEntry| e.value.clone().unwrap_or_else(|| "null".to_owned());
    Facts::new(COLUMNS, rows).print(out, format, |out| {
        found.iter().try_for_each(|(entries, name)| {
            out.line(format!("Client metrics configs for {name} are:"))?;
            entries.iter().try_for_each(|e| out.line(format!("  {}={}", e.name, value(e))))
        })
    })
}

impl Tool for Args {
    const COMMAND: &'static str = "client-metrics";
    const KAFKA: &'static str = "kafka-client-metrics";
    const ABOUT: &'static str = "Show and change which metrics clients are asked to send.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        self.check(cx)?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        connect::run(&self.connection, properties, cx, connect::ADMIN, async |properties| self.work(&properties, cx).await)?;
        Ok(Exit::OK)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage | Kind::Parse => usage::report(error, entry),
            // Found before Kafka's tool starts its work.
            Kind::Config | Kind::Value => usage::report_with_trace("", error, entry),
            Kind::Failed | Kind::Told | Kind::Stopped(_) | Kind::BrokenPipe => {
                let mut out = Out::stdout();
                let text = format!("Error while executing client metrics command : {}", error.kafka_message());
                if out.line(text).and_then(|()| out.flush()).is_ok() {
                    log4j_line("ERROR", &format!("{}\n", error.as_java()), CLASS);
                }
            }
        }
        Exit::FAILED
    }
}
