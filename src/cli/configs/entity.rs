//! What settings belong to: `--entity-type`, `--entity-name`, `--entity-default`, and the short forms `--topic`, `--user-defaults` ...

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use crate::cli::names;

/// What has settings, quotas or credentials. In the order in which Kafka's tool names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Topic,
    Client,
    User,
    Broker,
    Ip,
    ClientMetrics,
    Group,
    BrokerLogger,
}

impl Kind {
    pub const ALL: [Kind; 8] =
        [Kind::Topic, Kind::Client, Kind::User, Kind::Broker, Kind::Ip, Kind::ClientMetrics, Kind::Group, Kind::BrokerLogger];

    /// As `--entity-type` takes it.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Topic => "topics",
            Kind::Client => "clients",
            Kind::User => "users",
            Kind::Broker => "brokers",
            Kind::Ip => "ips",
            Kind::ClientMetrics => "client-metrics",
            Kind::Group => "groups",
            Kind::BrokerLogger => "broker-loggers",
        }
    }

    /// As Kafka's tool calls one of them: `client-metric`, too.
    pub fn singular(self) -> &'static str {
        let plural = self.plural();
        &plural[..plural.len() - 1]
    }

    /// What AlterClientQuotas calls it; `None` for what has no quotas.
    pub fn in_quotas(self) -> Option<&'static str> {
        match self {
            Kind::User => Some("user"),
            Kind::Client => Some("client-id"),
            Kind::Ip => Some("ip"),
            _ => None,
        }
    }
}

/// `--entity-...` as given. Which name or default belongs to which type is told by their order, which a derived struct would lose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityArgs {
    pub types: Vec<String>,
    /// Names and, as empty strings, defaults, in the order of the command line.
    pub names: Vec<String>,
    pub has_default: bool,
}

const TYPE: &str = "entity-type";
const NAME: &str = "entity-name";
const DEFAULT: &str = "entity-default";
const HEADING: &str = "Which ones";

impl clap::Args for EntityArgs {
    fn augment_args(command: Command) -> Command {
        let all = Kind::ALL.map(Kind::plural).join(", ");
        let text = |name: &'static str, value: &'static str, help: String| {
            let arg = Arg::new(name).long(name).value_name(value).action(ArgAction::Append).value_parser(ValueParser::string());
            arg.help(help).help_heading(HEADING).allow_hyphen_values(true)
        };
        command
            .arg(text(TYPE, "TYPE", format!("What kind of thing: {all}. Users and clients can be given together.")).add(names::kinds()))
            .arg(text(NAME, "NAME", "The name of one of that kind: a topic, a broker's id, a user ...".to_owned()).add(names::entities()))
            .arg(
                Arg::new(DEFAULT)
                    .long(DEFAULT)
                    .action(ArgAction::Append)
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("")
                    .hide_possible_values(true)
                    .value_name("")
                    .help("The defaults of that kind, for users, clients, brokers and ips.")
                    .help_heading(HEADING),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for EntityArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let values = |id: &str| matches.get_many::<String>(id).into_iter().flatten().cloned();
        let indices = |id: &str| matches.indices_of(id).into_iter().flatten();
        let names = indices(NAME).zip(values(NAME));
        let defaults = indices(DEFAULT).map(|at| (at, String::new()));
        let mut all: Vec<(usize, String)> = names.chain(defaults).collect();
        all.sort_by_key(|(at, _)| *at);
        Ok(EntityArgs {
            types: values(TYPE).collect(),
            names: all.into_iter().map(|(_, name)| name).collect(),
            has_default: matches.contains_id(DEFAULT),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::jopt::{Mode, normalize};

    fn read(line: &str) -> EntityArgs {
        let command = <EntityArgs as clap::Args>::augment_args(Command::new("t"));
        command.clone().debug_assert();
        let words: Vec<_> = line.split(' ').map(Into::into).collect();
        let normal = normalize(&command, &words, Mode::Strict).unwrap();
        let matches = command.try_get_matches_from(std::iter::once("t".into()).chain(normal.args)).unwrap();
        EntityArgs::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn names_and_defaults_keep_their_order() {
        let args = read("--entity-type users --entity-default --entity-type clients --entity-name c");
        assert_eq!((args.types, args.names), (vec!["users".to_owned(), "clients".into()], vec![String::new(), "c".into()]));
        let args = read("--entity-type users --entity-default --entity-type clients --entity-default");
        assert_eq!((args.names, args.has_default), (vec![String::new(), String::new()], true));
        assert_eq!(read("--entity-type brokers").names, [""; 0]);
    }
}
