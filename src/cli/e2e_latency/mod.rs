//! `kfk e2e-latency`, `kafka-e2e-latency.sh`: how long a record takes from a producer to a consumer.

mod measure;

use std::ffi::OsString;
use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, load_properties};
use super::error::{CliError, Kind};
use super::names;
use super::perf::options::number;
use super::tool::{Context, Entry, Exit, Tool};
use super::usage::{self, require};

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The topic to write to and to read from; created if it does not exist.
    #[arg(long, value_name = "TOPIC", add = names::topics())]
    pub topic: Option<String>,

    /// How many records to send, one after the other.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true)]
    pub num_records: Option<String>,

    /// Who must have a record before it is read: 1 the leader, all the replicas in sync.
    #[arg(long, value_name = "ACKS", allow_hyphen_values = true)]
    pub producer_acks: Option<String>,

    /// How many bytes a value has.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "Records")]
    pub record_size: Option<String>,

    /// How many bytes a key has. Default 0.
    #[arg(long, value_name = "BYTES", num_args = 0..=1, require_equals = true, allow_hyphen_values = true, help_heading = "Records")]
    pub record_key_size: Option<Option<String>>,

    /// How many headers a record has. Default 0.
    #[arg(long, value_name = "COUNT", num_args = 0..=1, require_equals = true, allow_hyphen_values = true, help_heading = "Records")]
    pub num_headers: Option<Option<String>>,

    /// How many bytes the name of a header has. Default 0.
    #[arg(long, value_name = "BYTES", num_args = 0..=1, require_equals = true, allow_hyphen_values = true, help_heading = "Records")]
    pub record_header_key_size: Option<Option<String>>,

    /// How many bytes the value of a header has; -1: it has none. Default 0.
    #[arg(long, value_name = "BYTES", num_args = 0..=1, require_equals = true, allow_hyphen_values = true, help_heading = "Records")]
    pub record_header_size: Option<Option<String>>,

    /// Properties file with client settings.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<Option<PathBuf>>,
}

/// The options, read.
struct Plan {
    topic: String,
    records: usize,
    acks: String,
    value: usize,
    key: usize,
    headers: usize,
    header_key: usize,
    /// `None`: null.
    header_value: Option<usize>,
}

impl Tool for Args {
    const COMMAND: &'static str = "e2e-latency";
    const KAFKA: &'static str = "kafka-e2e-latency";
    const ABOUT: &'static str = "Measure how long a record takes from a producer to a consumer.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let plan = self.plan(cx)?;
        let file = self.command_config.iter().flatten().next();
        let properties = file.map(|path| load_properties(path)).transpose()?.unwrap_or_default();
        connect::run(&self.connection, properties, cx, connect::CONSUMER, async |properties| measure::measure(&plan, &properties, cx).await)
    }

    fn translate(words: &[OsString], cx: &Context) -> Result<Option<Vec<OsString>>, CliError> {
        by_position(words, cx)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Parse => usage::report(error, entry),
            _ => usage::report_with_trace("", error, entry),
        }
        Exit::FAILED
    }
}

impl Args {
    /// Refuses what does not fit, in Kafka's words and order.
    fn plan(&self, cx: &Context) -> Result<Plan, CliError> {
        require(&[
            ("bootstrap-server", self.connection.given(cx)),
            ("topic", self.topic.is_some()),
            ("num-records", self.num_records.is_some()),
            ("producer-acks", self.producer_acks.is_some()),
            ("record-size", self.record_size.is_some()),
        ])?;
        let acks = self.producer_acks.clone().unwrap_or_default();
        if !["1", "all"].contains(&acks.as_str()) {
            let text = "Invalid value for --producer-acks. Latency testing requires synchronous acknowledgement. Please use '1' or 'all'.";
            return Err(CliError::usage(text));
        }
        let optional = |value: &Option<Option<String>>| value.clone().flatten().unwrap_or_else(|| "0".to_owned());
        let size = |name: &str, text: &str| -> Result<usize, CliError> {
            let refusal = CliError::usage(format!("Value for --{name} must be a non-negative integer."));
            usize::try_from(number::<i32>(name, text)?).map_err(|_| refusal)
        };
        let records = size("num-records", self.num_records.as_deref().unwrap_or_default());
        let records = match records {
            Ok(0) => Err(Kind::Usage),
            Err(e) if e.kind != Kind::Usage => return Err(e),
            other => other.map_err(|e| e.kind),
        };
        let records = records.map_err(|_| CliError::usage("Value for --num-records must be a positive integer."))?;
        let value = size("record-size", self.record_size.as_deref().unwrap_or_default())?;
        let key = size("record-key-size", &optional(&self.record_key_size))?;
        let header_key = size("record-header-key-size", &optional(&self.record_header_key_size))?;
        let header_value = match optional(&self.record_header_size).as_str() {
            "-1" => None,
            text => Some(size("record-header-size", text).map_err(|e| match e.kind {
                Kind::Usage => {
                    CliError::usage("Value for --record-header-size must be a non-negative integer or -1 for null header value.")
                }
                _ => e,
            })?),
        };
        let headers = size("num-headers", &optional(&self.num_headers))?;
        Ok(Plan { topic: self.topic.clone().unwrap_or_default(), records, acks, value, key, headers, header_key, header_value })
    }
}

/// The command line of Kafka's tool before 4.2: five or six values in order.
fn by_position(words: &[OsString], cx: &Context) -> Result<Option<Vec<OsString>>, CliError> {
    const NAMES: [&str; 6] = ["--bootstrap-server", "--topic", "--num-records", "--producer-acks", "--record-size", "--command-config"];
    if words.is_empty() || words.iter().any(|w| NAMES[..5].iter().any(|name| w == name)) {
        return Ok(None);
    }
    if !(5..=6).contains(&words.len()) {
        return Err(CliError::failed(format!(
            "Invalid number of arguments. Expected 5 or 6 positional arguments, but got {}. \
             Usage: bootstrap-server topic num-records producer-acks record-size [optional] command-config",
            words.len()
        )));
    }
    cx.say(format!(
        "WARNING: Positional argument usage is deprecated and will be removed in Apache Kafka 5.0. \
         Please use named arguments instead: {}",
        NAMES.join(", ")
    ))?;
    Ok(Some(NAMES.iter().zip(words).flat_map(|(name, word)| [OsString::from(name), word.clone()]).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tool::Personality;

    #[test]
    fn values_in_order_become_options() {
        let cx = Context { personality: Personality::Modern, invoked_as: String::new() };
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let named = by_position(&words("h:1 t 10 1 100 file"), &cx).unwrap().unwrap();
        let expected = "--bootstrap-server h:1 --topic t --num-records 10 --producer-acks 1 --record-size 100 --command-config file";
        assert_eq!(named, words(expected));
        assert_eq!(by_position(&words("--topic t"), &cx).unwrap(), None);
        assert!(by_position(&words("--help"), &cx).unwrap_err().message.contains("but got 1. Usage: "));
    }
}
