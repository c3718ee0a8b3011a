//! The options of `console-producer` as settings of the client and of the line reader.

use super::reader::LineReader;
use super::{Args, Input};
use crate::cli::connect::{Properties, get, load_properties, parse_pairs, set, set_default};
use crate::cli::error::{CliError, stderr_line};
use crate::cli::out::Out;
use crate::cli::tool::Context;
use crate::cli::usage::{refuse, require};

const LINE_READER: &str = "org.apache.kafka.tools.LineMessageReader";

/// Refuses options that do not fit together, in Kafka's words.
pub(super) fn check(args: &Args, cx: &Context) -> Result<(), CliError> {
    require(&[("topic", args.topic.is_some() || (!cx.is_kafka() && args.names_topics()))])?;
    if !args.connection.given(cx) {
        return Err(CliError::usage("Error while validating the bootstrap address\n"));
    }
    if cx.is_kafka() && args.connection.bootstrap_server.as_deref().is_some_and(|servers| !has_ports(servers)) {
        return Err(CliError::usage("Please provide valid host:port like host1:9091,host2:9092\n"));
    }
    let together = [
        ("--reader-property", "--property", !args.reader_property.is_empty(), !args.property.is_empty()),
        ("--command-property", "--producer-property", !args.command_property.is_empty(), !args.producer_property.is_empty()),
        ("--command-config", "--producer.config", args.command_config.is_some(), args.producer_config.is_some()),
    ];
    if let Some((new, old, _, _)) = together.iter().find(|(_, _, new, old)| *new && *old) {
        return Err(CliError::usage(format!("Options {new} and {old} cannot be specified together.")));
    }
    let lines = !args.reader_property.is_empty() || !args.property.is_empty() || args.reader_config.is_some();
    let json = args.input == Some(Input::Json);
    refuse(("input", json), &[("format", args.format.is_some()), ("file", !args.file.is_empty()), ("reader-property", lines)])?;
    refuse(("format", args.format.is_some()), &[("file", !args.file.is_empty()), ("reader-property", lines)])?;
    refuse(("file", !args.file.is_empty()), &[("reader-property", lines)])?;
    match args.rate {
        Some(rate) if !rate.is_finite() || rate <= 0.0 => Err(CliError::usage("--rate must be more than 0.")),
        _ => Ok(()),
    }
}

impl Args {
    /// The input may say which topics its records go to.
    fn names_topics(&self) -> bool {
        self.input == Some(Input::Json) || self.format.as_ref().is_some_and(|f| f.contains("%t"))
    }
}

fn has_ports(servers: &str) -> bool {
    servers
        .split(',')
        .filter(|s| !s.trim().is_empty())
        .all(|s| s.trim().rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()))
}

/// Kafka's tool says on standard output that an option is deprecated; kfk, under its own name, on standard error.
pub(super) fn warn_deprecated(args: &Args, cx: &Context) -> Result<(), CliError> {
    let future = "is deprecated and will be removed in a future version. Use";
    let mut warnings = Vec::new();
    if args.max_partition_memory_bytes.is_some() {
        warnings.push(
            "Warning: --max-partition-memory-bytes is deprecated and will be removed in Apache Kafka 5.0. Use --batch-size instead."
                .to_owned(),
        );
    }
    let old = [
        ("--property", "--reader-property", !args.property.is_empty()),
        ("--producer-property", "--command-property", !args.producer_property.is_empty()),
        ("--producer.config", "--command-config", args.producer_config.is_some()),
    ];
    warnings.extend(old.iter().filter(|(_, _, given)| *given).map(|(old, new, _)| format!("Warning: {old} {future} {new} instead.")));
    if !cx.is_kafka() {
        warnings.iter().for_each(stderr_line);
        return Ok(());
    }
    let mut out = Out::stdout();
    warnings.iter().try_for_each(|w| out.line(w))?;
    out.flush()
}

/// The client's settings: an option beats a property, a property beats the option's default.
pub(super) fn client_properties(args: &Args) -> Result<Properties, CliError> {
    let file = args.command_config.as_ref().or(args.producer_config.as_ref());
    let mut all = file.map(|path| load_properties(path)).transpose()?.unwrap_or_default();
    for (key, value) in parse_pairs(&args.command_property).into_iter().chain(parse_pairs(&args.producer_property)) {
        set(&mut all, &key, value);
    }
    set(
        &mut all,
        "compression.type",
        args.compression_codec.as_deref().map_or("none", |codec| if codec.is_empty() { "gzip" } else { codec }),
    );
    set_default(&mut all, "client.id", "console-producer");
    let batch_size = args.max_partition_memory_bytes.or(args.batch_size);
    let options = [
        // Whoever sets the pace wants to see it.
        ("linger.ms", args.timeout.map(|v| v.to_string()), if args.rate.is_some() { "5" } else { "1000" }),
        ("acks", args.request_required_acks.clone(), "-1"),
        ("request.timeout.ms", args.request_timeout_ms.map(|v| v.to_string()), "1500"),
        ("retries", args.message_send_max_retries.map(|v| v.to_string()), "3"),
        ("retry.backoff.ms", args.retry_backoff_ms.map(|v| v.to_string()), "100"),
        ("send.buffer.bytes", args.socket_buffer_size.map(|v| v.to_string()), "102400"),
        ("buffer.memory", args.max_memory_bytes.map(|v| v.to_string()), "33554432"),
        ("batch.size", batch_size.map(|v| v.to_string()), "16384"),
        ("metadata.max.age.ms", args.metadata_expiry_ms.map(|v| v.to_string()), "300000"),
        ("max.block.ms", args.max_block_ms.map(|v| v.to_string()), "60000"),
    ];
    for (key, given, default) in options {
        match given {
            Some(value) => set(&mut all, key, value),
            None => set_default(&mut all, key, default),
        }
    }
    Ok(all)
}

/// The line reader that the options describe.
pub(super) fn reader(args: &Args) -> Result<LineReader, CliError> {
    if let Some(class) = args.line_reader.as_deref().filter(|class| *class != LINE_READER) {
        return Err(match class.strip_prefix("java.") {
            Some(_) => CliError::failed("The reader must implement org.apache.kafka.tools.api.RecordReader interface")
                .exception("java.lang.IllegalArgumentException"),
            None => CliError::failed(format!("kfk cannot run the Java class {class}"))
                .hint(format!("only {LINE_READER} is built in"))
                .exception("java.lang.ClassNotFoundException")
                .java_message(class),
        });
    }
    let mut properties = args.reader_config.as_ref().map(|path| load_properties(path)).transpose()?.unwrap_or_default();
    for (key, value) in parse_pairs(&args.property).into_iter().chain(parse_pairs(&args.reader_property)) {
        set(&mut properties, &key, value);
    }
    LineReader::configure(|key| get(&properties, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_beats_a_property_and_a_property_beats_a_default() {
        let args = Args {
            command_property: vec!["linger.ms=7".into(), "acks=1".into()],
            request_required_acks: Some("all".into()),
            compression_codec: Some(String::new()),
            ..Args::default()
        };
        let all = client_properties(&args).unwrap();
        let seen = |key| get(&all, key).unwrap();
        assert_eq!((seen("linger.ms"), seen("acks"), seen("retries"), seen("compression.type")), ("7", "all", "3", "gzip"));
    }

    #[test]
    fn bootstrap_servers_need_ports() {
        assert!(has_ports("a:1,b:2"));
        assert!(has_ports("[::1]:9092"));
        assert!(!has_ports("localhost"));
        assert!(!has_ports("a:x"));
    }
}
