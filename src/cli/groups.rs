//! `kfk groups`, `kafka-groups.sh`: groups of all types.

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind, log4j_line};
use super::out::facts::{Column, Facts, row, text};
use super::out::plain::pad;
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage::{self, Given, refuse};
use crate::client::admin::GroupListing;

const CLASS: &str = "org.apache.kafka.tools.GroupsCommand";
const TYPES: [&str; 4] = ["Classic", "Consumer", "Share", "Streams"];
/// What members of consumer groups agree on.
const CONSUMER_PROTOCOL: &str = "consumer";

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// List groups.
    #[arg(long, help_heading = "Action")]
    pub list: bool,

    /// Only groups of this type: classic, consumer, share or streams.
    #[arg(long, value_name = "TYPE", help_heading = "Which ones")]
    pub group_type: Option<String>,

    /// Only groups with this protocol: consumer, connect, share ...
    #[arg(long, value_name = "PROTOCOL", help_heading = "Which ones")]
    pub protocol: Option<String>,

    /// Only groups that consumers use, whatever their type; also those that only have offsets.
    #[arg(long, help_heading = "Which ones")]
    pub consumer: bool,

    /// Only share groups.
    #[arg(long, help_heading = "Which ones")]
    pub share: bool,

    /// Only streams groups.
    #[arg(long, help_heading = "Which ones")]
    pub streams: bool,

    /// How to print the groups.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

impl Args {
    /// Kafka's checks, in its order.
    fn check(&self, cx: &Context) -> Result<(), CliError> {
        if !self.connection.given(cx) {
            return Err(CliError::usage("Missing required option(s) [bootstrap-server]"));
        }
        // There is nothing else to do: under kfk's own name that goes without saying.
        if !self.list && cx.is_kafka() {
            return Err(CliError::usage("Command must include exactly one action: --list."));
        }
        if let Some(given) = &self.group_type
            && known_type(given).is_none()
        {
            return Err(CliError::value("--group-type must be a valid group type.")
                .hint(format!("there are: {}", TYPES.join(", ").to_lowercase()))
                .exception("java.lang.IllegalArgumentException"));
        }
        let by_type: Given = ("group-type", self.group_type.is_some());
        let by_protocol = ("protocol", self.protocol.is_some());
        let (consumer, share, streams) = (("consumer", self.consumer), ("share", self.share), ("streams", self.streams));
        refuse(consumer, &[by_type, by_protocol, share, streams])?;
        refuse(share, &[consumer, by_type, by_protocol, streams])?;
        refuse(streams, &[consumer, by_type, by_protocol, share])
    }

    fn wants(&self, group: &GroupListing) -> bool {
        let is = |kind: &str| group.kind.eq_ignore_ascii_case(kind);
        let protocol = self.protocol.as_ref().is_none_or(|p| *p == group.protocol_type);
        match &self.group_type {
            Some(kind) => is(kind.trim()) && protocol,
            None if self.consumer => matches!(group.protocol_type.as_str(), "" | CONSUMER_PROTOCOL) || is("consumer"),
            None if self.share => is("share"),
            None if self.streams => is("streams"),
            None => protocol,
        }
    }

    async fn work(&self, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
        let admin = connect::admin(properties, cx).await?;
        let mut found = admin.list_groups(&[], &[]).await?;
        found.retain(|group| self.wants(group));
        render(&found, Format::pick(self.output, cx))?;
        Ok(Exit::OK)
    }
}

/// The type of this name, as the tools print it; the case does not matter.
fn known_type(name: &str) -> Option<&'static str> {
    TYPES.into_iter().find(|known| known.eq_ignore_ascii_case(name.trim()))
}

/// Empty where an old broker does not tell.
fn shown_type(group: &GroupListing) -> &str {
    known_type(&group.kind).unwrap_or(if group.kind.is_empty() { "" } else { "Unknown" })
}

fn render(found: &[GroupListing], format: Format) -> Result<(), CliError> {
    const COLUMNS: &[Column] = &[text("group"), text("type"), text("protocol"), text("state")];
    let row = |g: &GroupListing| row![&g.group, shown_type(g), &g.protocol_type, &g.state];
    let mut out = Out::stdout();
    Facts::new(COLUMNS, found.iter().map(row)).print(&mut out, format, |out| plain(found).iter().try_for_each(|line| out.line(line)))?;
    out.flush()
}

/// All columns are as wide as the longest cell; rows end with a blank more than the header.
fn plain(found: &[GroupListing]) -> Vec<String> {
    let cells = |g: &GroupListing| [g.group.clone(), shown_type(g).to_owned(), g.protocol_type.clone()];
    let rows: Vec<[String; 3]> = found.iter().map(cells).collect();
    let width = rows.iter().flatten().map(|cell| cell.chars().count()).fold(20, usize::max);
    let header = ["GROUP", "TYPE", "PROTOCOL"].map(|cell| pad(cell, width)).join(" ");
    let row = |row: &[String; 3]| row.iter().map(|cell| pad(cell, width) + " ").collect();
    std::iter::once(header).chain(rows.iter().map(row)).collect()
}

impl Tool for Args {
    const COMMAND: &'static str = "groups";
    const KAFKA: &'static str = "kafka-groups";
    const ABOUT: &'static str = "List groups of all types: classic, consumer, share, streams.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        self.check(cx)?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        connect::run(&self.connection, properties, cx, connect::ADMIN, async |properties| self.work(&properties, cx).await)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage | Kind::Parse => usage::report(error, entry),
            // Found before Kafka's tool starts its work.
            Kind::Config | Kind::Value => usage::report_with_trace("", error, entry),
            Kind::Failed | Kind::Told | Kind::Stopped(_) | Kind::BrokenPipe => {
                let mut out = Out::stdout();
                let told = out.line(format!("Error while executing groups command : {}", error.kafka_message())).and_then(|()| out.flush());
                if told.is_ok() {
                    log4j_line("ERROR", &format!("{}\n", error.as_java()), CLASS);
                }
            }
        }
        Exit::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, kind: &str, protocol: &str) -> GroupListing {
        GroupListing { group: name.into(), protocol_type: protocol.into(), state: "Empty".into(), kind: kind.into() }
    }

    #[test]
    fn filters_combine_as_kafkas_do() {
        let groups = [
            group("simple", "classic", ""),
            group("c", "classic", "consumer"),
            group("w", "classic", "connect"),
            group("s", "share", "share"),
        ];
        let wanted = |args: Args| groups.iter().filter(|g| args.wants(g)).map(|g| g.group.as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!(wanted(Args::default()), "simple c w s");
        assert_eq!(wanted(Args { consumer: true, ..Args::default() }), "simple c");
        assert_eq!(wanted(Args { share: true, ..Args::default() }), "s");
        assert_eq!(wanted(Args { protocol: Some("connect".into()), ..Args::default() }), "w");
        let both = Args { group_type: Some("CLASSIC".into()), protocol: Some("consumer".into()), ..Args::default() };
        assert_eq!(wanted(both), "c");
    }

    #[test]
    fn a_long_name_widens_all_columns() {
        let lines = plain(&[group(&"g".repeat(22), "consumer", "consumer")]);
        assert_eq!(lines[0], format!("{:22} {:22} {:22}", "GROUP", "TYPE", "PROTOCOL"));
        assert_eq!(lines[1], format!("{} {:22} {:22} ", "g".repeat(22), "Consumer", "consumer"));
    }
}
