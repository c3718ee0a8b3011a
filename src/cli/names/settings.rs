//! Completion of settings and of what they belong to. Needs no broker, but for the names of things.

use std::ffi::OsStr;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::{broker_ids, from_broker, group_names, topic_names};
use crate::cli::completions::typed_words;
use crate::cli::configs::entity::Kind;
use crate::config::{self, Key, Update, Valid};

const CLIENT_QUOTAS: [&str; 4] = ["consumer_byte_rate", "controller_mutation_rate", "producer_byte_rate", "request_percentage"];
const LEVELS: &[&str] = &["DEBUG", "ERROR", "FATAL", "INFO", "TRACE", "WARN"];
const TRUTHS: &[&str] = &["true", "false"];

/// A setting, and the values it can have if these are few.
type Setting = (&'static str, &'static [&'static str]);

/// Completes `NAME=VALUE` of a topic.
pub fn topic_settings() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| candidates(one(&current.to_string_lossy(), "", &of_kind(Kind::Topic))))
}

/// Completes `NAME=VALUE,...` of what the line is about so far.
pub fn settings() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| candidates(listed(&current.to_string_lossy(), &typed_settings(), true)))
}

/// Completes `NAME,...` of what the line is about so far.
pub fn setting_names() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| candidates(listed(&current.to_string_lossy(), &typed_settings(), false)))
}

/// Completes the name of one of the kind that the line is about.
pub fn entities() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| match typed_kinds(&typed()).last() {
        Some(Kind::Topic) => from_broker(current, topic_names),
        Some(Kind::Group) => from_broker(current, group_names),
        Some(Kind::Broker | Kind::BrokerLogger) => from_broker(current, broker_ids),
        _ => Vec::new(),
    })
}

/// Completes the kinds of things that have settings.
pub fn kinds() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let start = current.to_string_lossy();
        candidates(Kind::ALL.iter().map(|k| k.plural()).filter(|k| k.starts_with(&*start)).map(str::to_owned).collect())
    })
}

fn candidates(all: Vec<String>) -> Vec<CompletionCandidate> {
    all.into_iter().map(CompletionCandidate::new).collect()
}

fn typed() -> Vec<String> {
    typed_words().into_iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

fn typed_settings() -> Vec<Setting> {
    typed_kinds(&typed()).into_iter().flat_map(of_kind).collect()
}

/// The kinds that a line names: `--entity-type topics`, `--topic t`, `--broker-defaults`; each once.
fn typed_kinds(words: &[String]) -> Vec<Kind> {
    let mut found = Vec::new();
    let mut before = "";
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let long = if before == "--entity-type" { word } else { value };
        let by_type = |k: &Kind| (before == "--entity-type" || name == "--entity-type") && k.plural() == long;
        let short = |k: &Kind| {
            let stem = if *k == Kind::ClientMetrics { k.plural() } else { k.singular() };
            name.strip_prefix("--").is_some_and(|n| n == stem || n.strip_suffix("-defaults") == Some(stem))
        };
        found.extend(Kind::ALL.into_iter().filter(|k| (by_type(k) || short(k)) && !found.contains(k)).collect::<Vec<_>>());
        before = word;
    }
    found
}

fn of_kind(kind: Kind) -> Vec<Setting> {
    let of_keys = |keys: &'static [Key], changeable: fn(&Key) -> bool| {
        keys.iter().filter(|k| !k.internal && changeable(k)).map(|k| (k.name, values(k))).collect()
    };
    let free = |names: &[&'static str]| names.iter().map(|name| (*name, &[][..])).collect::<Vec<Setting>>();
    match kind {
        Kind::Topic => of_keys(config::topic_keys(), |_| true),
        Kind::Broker => of_keys(config::broker_keys(), |key| key.update != Update::ReadOnly),
        Kind::Group => of_keys(config::group_keys(), |_| true),
        Kind::User => free(&[&CLIENT_QUOTAS[..], &["SCRAM-SHA-256", "SCRAM-SHA-512"]].concat()),
        Kind::Client => free(&CLIENT_QUOTAS),
        Kind::Ip => free(&["connection_creation_rate"]),
        Kind::ClientMetrics => free(&["interval.ms", "match", "metrics"]),
        Kind::BrokerLogger => vec![("root", LEVELS)],
    }
}

fn values(key: &Key) -> &'static [&'static str] {
    match key.valid {
        Valid::OneOf(values) | Valid::OneOfIgnoringCase(values) => values,
        _ if key.kind == config::Kind::Boolean => TRUTHS,
        _ => &[],
    }
}

/// What may follow the last comma of a list. Nothing inside brackets, where a value is a list itself.
fn listed(current: &str, settings: &[Setting], with_values: bool) -> Vec<String> {
    let (before, start) = current.rfind(',').map_or(("", current), |at| current.split_at(at + 1));
    if current.rfind('[') > current.rfind(']') {
        return Vec::new();
    }
    if with_values {
        return one(start, before, settings);
    }
    let names = settings.iter().map(|(name, _)| *name).filter(|name| name.starts_with(start));
    names.map(|name| format!("{before}{name}")).collect()
}

/// What `start` may become: a name with its equals sign, or a value behind it.
fn one(start: &str, before: &str, settings: &[Setting]) -> Vec<String> {
    match start.split_once('=') {
        Some((name, value)) => {
            let values = settings.iter().filter(|(known, _)| *known == name).flat_map(|(_, values)| *values);
            values.filter(|v| v.starts_with(value)).map(|v| format!("{before}{name}={v}")).collect()
        }
        None => {
            let names = settings.iter().map(|(name, _)| *name).filter(|name| name.starts_with(start));
            names.map(|name| format!("{before}{name}=")).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds_of(line: &str) -> Vec<Kind> {
        typed_kinds(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_line_tells_what_has_settings() {
        assert_eq!(kinds_of("kfk configs --entity-type users --entity-type=clients --add-config"), [Kind::User, Kind::Client]);
        assert_eq!(kinds_of("kfk configs --topic orders --add-config"), [Kind::Topic]);
        assert_eq!(kinds_of("kfk configs --broker-defaults --add-config"), [Kind::Broker]);
        assert_eq!(kinds_of("kfk configs --client-metrics cm --broker-logger 1"), [Kind::ClientMetrics, Kind::BrokerLogger]);
        assert_eq!(kinds_of("kfk configs --add-config"), []);
    }

    #[test]
    fn names_and_their_values_follow_the_last_comma() {
        let topic = of_kind(Kind::Topic);
        assert_eq!(listed("cleanup", &topic, true), ["cleanup.policy="]);
        assert_eq!(listed("retention.ms=5,cleanup.policy=d", &topic, true), ["retention.ms=5,cleanup.policy=delete"]);
        assert_eq!(listed("cleanup.policy=[compact,", &topic, true), [""; 0]);
        assert_eq!(
            listed("cleanup.policy=[compact,delete],unclean", &topic, true),
            ["cleanup.policy=[compact,delete],unclean.leader.election.enable="]
        );
        assert_eq!(listed("preallocate=", &topic, true), ["preallocate=true", "preallocate=false"]);
        assert_eq!(listed("a,retention.m", &topic, false), ["a,retention.ms"]);
        assert_eq!(listed("nosuch", &topic, true), [""; 0]);
        assert_eq!(one("message.timestamp.type=L", "", &topic), ["message.timestamp.type=LogAppendTime"]);
    }

    #[test]
    fn only_what_can_be_changed_is_told_of_brokers() {
        let names: Vec<&str> = of_kind(Kind::Broker).into_iter().map(|(name, _)| name).collect();
        assert!(names.contains(&"log.retention.ms") && !names.contains(&"node.id"), "{names:?}");
    }
}
