//! `kfk broker-api-versions`, `kafka-broker-api-versions.sh`: which requests each broker understands, in which versions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::CliError;
use super::out::facts::{Cell, Column, Facts, number, row, text};
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;
use crate::client::Error;
use crate::wire::ApiKey;

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// How to print the versions.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// A kind of request: its number, and the versions that a broker takes; `None`: it does not know it.
struct Api {
    code: i16,
    versions: Option<(i16, i16)>,
}

impl Api {
    /// All kinds that brokers may know or `spoken` names, by number.
    fn all(spoken: &BTreeMap<i16, (i16, i16)>) -> Vec<Api> {
        let mut all: BTreeMap<i16, Option<(i16, i16)>> = spoken.iter().map(|(code, versions)| (*code, Some(*versions))).collect();
        for key in ApiKey::all().filter(|key| key.row().broker) {
            all.entry(key.code()).or_insert(None);
        }
        all.into_iter().map(|(code, versions)| Api { code, versions }).collect()
    }

    fn name(&self) -> &'static str {
        ApiKey::from_code(self.code).map_or("UNKNOWN", ApiKey::name)
    }

    /// The highest version that both sides speak.
    fn usable(&self) -> Result<i16, &'static str> {
        let (Some((min, max)), Some(key)) = (self.versions, ApiKey::from_code(self.code)) else { return Err("unknown") };
        match (key.max_version() < min, max < key.min_version()) {
            (true, _) => Err("node too new"),
            (_, true) => Err("node too old"),
            _ => Ok(max.min(key.max_version())),
        }
    }
}

/// `Fetch(1): 4 to 18 [usable: 18]`, as Kafka's tool has it.
impl std::fmt::Display for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({}): ", self.name(), self.code)?;
        match self.versions {
            None => return write!(f, "UNSUPPORTED"),
            Some((min, max)) if min == max => write!(f, "{min}")?,
            Some((min, max)) => write!(f, "{min} to {max}")?,
        }
        match self.usable() {
            Ok(version) => write!(f, " [usable: {version}]"),
            Err(_) if ApiKey::from_code(self.code).is_none() => Ok(()),
            Err(why) => write!(f, " [unusable: {why}]"),
        }
    }
}

const COLUMNS: &[Column] = &[
    number("broker"),
    text("api"),
    number("key"),
    number("min"),
    number("max"),
    number("usable"),
    text("address").detail(),
    text("rack").detail(),
    text("error").if_any(),
];

/// A broker as Kafka's tools name it, its id, and what it knows.
struct Spoken {
    id: i32,
    address: String,
    rack: Option<String>,
    apis: Result<Vec<Api>, Error>,
}

impl Args {
    async fn work(&self, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
        let admin = connect::admin(properties, cx).await?;
        let mut all = Vec::new();
        for broker in admin.client().metadata().brokers.values() {
            let apis = admin.client().versions(broker.id).await.map(|spoken| Api::all(&spoken));
            all.push(Spoken { id: broker.id, address: format!("{}:{}", broker.host, broker.port), rack: broker.rack.clone(), apis });
        }
        render(&all, Format::pick(self.output, cx))?;
        // Kafka's tool calls that a success.
        Ok(if all.iter().any(|b| b.apis.is_err()) && !cx.is_kafka() { Exit::FAILED } else { Exit::OK })
    }
}

fn render(all: &[Spoken], format: Format) -> Result<(), CliError> {
    let row = |b: &Spoken, api: &Api| {
        let (min, max) = (api.versions.map(|v| v.0), api.versions.map(|v| v.1));
        row![b.id, api.name(), api.code, min, max, api.usable().ok(), &b.address, b.rack.clone(), Cell::Null]
    };
    let rows = |b: &Spoken| match &b.apis {
        Ok(apis) => apis.iter().map(|api| row(b, api)).collect(),
        Err(e) => vec![row![b.id, Cell::Null, Cell::Null, Cell::Null, Cell::Null, Cell::Null, &b.address, b.rack.clone(), e.to_string()]],
    };
    let mut out = Out::stdout();
    Facts::new(COLUMNS, all.iter().flat_map(rows))
        .print(&mut out, format, |out| all.iter().try_for_each(|broker| out.line(plain(broker))))?;
    out.flush()
}

fn plain(broker: &Spoken) -> String {
    let rack = broker.rack.as_deref().unwrap_or("null");
    let node = format!("{} (id: {} rack: {rack} isFenced: false)", broker.address, broker.id);
    match &broker.apis {
        Ok(apis) => {
            let lines: Vec<String> = apis.iter().map(|api| format!("\t{api}")).collect();
            format!("{node} -> (\n{}\n)", lines.join(",\n"))
        }
        Err(e) => format!("{node} -> ERROR: {}", CliError::from(e.clone()).as_java()),
    }
}

impl Tool for Args {
    const COMMAND: &'static str = "broker-api-versions";
    const KAFKA: &'static str = "kafka-broker-api-versions";
    const ABOUT: &'static str = "Show which requests each broker understands, in which versions.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        usage::require(&[("bootstrap-server", self.connection.given(cx))])?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        if let Some(list) = self.connection.bootstrap_server.as_deref().filter(|_| cx.is_kafka()) {
            // Kafka's tool makes its client by hand and tells this as it is.
            connect::addresses(list, cx)?;
        }
        connect::run(&self.connection, properties, cx, connect::ADMIN, async |properties| self.work(&properties, cx).await)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        usage::report_with_trace("", error, entry);
        Exit::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_as_kafka_does() {
        let spoken = BTreeMap::from([(1, (4, 99)), (3, (0, 2)), (18, (0, 0)), (28, (90, 91)), (9999, (0, 3))]);
        let all = Api::all(&spoken);
        let told = |code: i16| all.iter().find(|a| a.code == code).unwrap().to_string();
        assert_eq!(told(1), "Fetch(1): 4 to 99 [usable: 18]");
        assert_eq!(told(18), "ApiVersions(18): 0 [usable: 0]");
        assert_eq!(told(28), "TxnOffsetCommit(28): 90 to 91 [unusable: node too new]");
        assert_eq!(told(71), "GetTelemetrySubscriptions(71): UNSUPPORTED");
        assert_eq!(told(9999), "UNKNOWN(9999): 0 to 3");
        assert!(all.is_sorted_by_key(|a| a.code));
    }
}
