//! `kfk verifiable-producer` and `kfk verifiable-consumer`, Kafka's scripts of these names: every event a line of JSON.

pub mod consumer;
pub mod producer;
mod read;
mod send;
mod spec;

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::Value;

use super::argparse::Spec;
use super::connect::{Properties, load_properties};
use super::error::{CliError, Kind, stderr_line};
use super::out::Out;
use super::perf::wall_ms;
use super::tool::{Context, Exit};

/// Prints an event: what it is called, and what belongs to it as names and JSON.
fn tell(name: &str, fields: &[(&str, String)]) -> Result<(), CliError> {
    let mut out = Out::stdout();
    out.line(event(wall_ms(), name, fields))?;
    out.flush()
}

fn event(now: u64, name: &str, fields: &[(&str, String)]) -> String {
    let mut line = format!("{{\"timestamp\":{now},\"name\":\"{name}\"");
    for (name, json) in fields {
        // Writing into a string cannot fail.
        let _ = write!(line, ",\"{name}\":{json}");
    }
    line + "}"
}

/// A text, or none, as JSON.
fn text(text: Option<&str>) -> String {
    text.map_or(Value::Null, Value::from).to_string()
}

/// The settings of the one file or the other.
///
/// Errors: both are given; the file cannot be read.
fn from_file(old: (&str, Option<&PathBuf>), new: Option<&PathBuf>, cx: &Context) -> Result<Properties, CliError> {
    let (old_name, old) = old;
    if old.is_some() && new.is_some() {
        return Err(CliError::usage(format!("Options {old_name} and --command-config are mutually exclusive.")));
    }
    if old.is_some() {
        cx.say(format!("Option {old_name} has been deprecated and will be removed in a future version. Use --command-config instead."))?;
    }
    Ok(old.or(new).map(|path| load_properties(path)).transpose()?.unwrap_or_default())
}

/// As argparse4j tells a command line that is wrong; a file that cannot be read counts as one. What comes later is an exception.
fn report(spec: &Spec, error: &CliError) -> Exit {
    match error.kind {
        Kind::Usage => stderr_line(spec.unfit(&error.message)),
        Kind::Config if error.java.class.starts_with("java.") => stderr_line(spec.unfit(&error.kafka_message())),
        _ => stderr_line(format!("Exception in thread \"main\" {}", error.as_java())),
    }
    Exit::FAILED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line_of_json() {
        let fields = [("key", text(None)), ("value", text(Some("a \"b\""))), ("offset", 3.to_string())];
        let line = r#"{"timestamp":5,"name":"x","key":null,"value":"a \"b\"","offset":3}"#;
        assert_eq!(event(5, "x", &fields), line);
        assert_eq!(event(5, "startup_complete", &[]), r#"{"timestamp":5,"name":"startup_complete"}"#);
    }
}
