//! The options of `console-consumer` as settings of the client, a place to start and a formatter.

use std::collections::BTreeSet;
use std::path::Path;

use super::format::Formatter;
use super::window::{self, Window};
use super::{Args, Output};
use crate::cli::connect::{Properties, get, load_properties, parse_pairs, set, set_default};
use crate::cli::error::{CliError, stderr_line};
use crate::cli::out::Out;
use crate::cli::records::format::Format;
use crate::cli::records::grep::Grep;
use crate::cli::records::json::JsonLines;
use crate::cli::tool::Context;
use crate::cli::usage::{refuse, require};

/// Where to start in a partition read without a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Earliest,
    Latest,
    At(i64),
}

/// What to do, with everything read that the options name.
#[derive(Debug)]
pub(super) struct Plan {
    pub properties: Properties,
    pub topics: Vec<String>,
    pub start: Start,
    /// Set when more is asked for than Kafka's tool can do: a stretch of each partition.
    pub window: Option<Window>,
    pub grep: Grep,
    pub formatter: Formatter,
    /// `None`: no limit.
    pub max_messages: Option<u64>,
    /// `None`: wait for ever.
    pub timeout_ms: Option<u64>,
    /// Go on after a record that cannot be printed.
    pub skip_errors: bool,
}

/// Refuses options that do not fit together, in Kafka's order and words.
pub(super) fn check(args: &Args, cx: &Context) -> Result<(), CliError> {
    if cx.is_kafka() && args.topic.len() > 1 {
        let text = "Found multiple arguments for option topic, but you asked for only one";
        return Err(CliError::value(text).exception("joptsimple.MultipleArgumentsForOptionException"));
    }
    if args.topic.is_empty() == args.include.is_none() {
        return Err(CliError::usage("Exactly one of the following arguments is required: [topic], [include]"));
    }
    if args.partition.is_some() {
        if args.topic.is_empty() {
            return Err(CliError::usage("The topic is required when partition is specified."));
        }
        if args.from_beginning && args.offset.is_some() {
            return Err(CliError::usage("Options from-beginning and offset cannot be specified together."));
        }
    } else if args.offset.is_some() && cx.is_kafka() {
        return Err(CliError::usage("The partition is required when offset is specified."));
    }
    require(&[("bootstrap-server", args.connection.given(cx))])?;
    window::check(args)?;
    let by_class = args.formatter.is_some() || args.formatter_config.is_some() || !args.formatter_property.is_empty();
    refuse(("format", args.format.is_some()), &[("output", args.output.is_some()), ("formatter", by_class)])?;
    refuse(("output", args.output == Some(Output::Json)), &[("formatter", by_class)])?;
    let together = [
        ("--property", "--formatter-property", !args.property.is_empty(), !args.formatter_property.is_empty()),
        ("--consumer-property", "--command-property", !args.consumer_property.is_empty(), !args.command_property.is_empty()),
        ("--consumer.config", "--command-config", args.consumer_config.is_some(), args.command_config.is_some()),
    ];
    match together.iter().find(|(_, _, old, new)| *old && *new) {
        Some((old, new, _, _)) => Err(CliError::usage(format!("Options {old} and {new} cannot be specified together."))),
        None => Ok(()),
    }
}

/// Kafka's tool says on standard output that an option is deprecated; kfk, under its own name, on standard error.
pub(super) fn warn_deprecated(args: &Args, cx: &Context) -> Result<(), CliError> {
    let old = [
        ("--property", "--formatter-property", !args.property.is_empty()),
        ("--consumer-property", "--command-property", !args.consumer_property.is_empty()),
        ("--consumer.config", "--command-config", args.consumer_config.is_some()),
    ];
    deprecated(&old, cx)
}

/// Says which of these options, given or not, have a newer name.
pub(in crate::cli) fn deprecated(old: &[(&str, &str, bool)], cx: &Context) -> Result<(), CliError> {
    let mut out = Out::stdout();
    for (old, new, _) in old.iter().filter(|(_, _, given)| *given) {
        let text = format!("Option {old} is deprecated and will be removed in a future version. Use {new} instead.");
        if cx.is_kafka() { out.line(text)? } else { stderr_line(text) }
    }
    out.flush()
}

/// Reads files and values. Errors: one of them is wrong.
pub(super) fn plan(args: &Args, cx: &Context) -> Result<Plan, CliError> {
    let properties = client_properties(args)?;
    let window = window::read(args, cx)?;
    let start = if window.is_some() { Start::Earliest } else { start(args)? };
    if window.is_some() && get(&properties, "group.id").is_some_and(|g| !g.is_empty()) {
        return Err(CliError::usage("A group begins where it committed: no --offset, --since, --until, --until-end or --tail with it."));
    }
    let grep = Grep::parse(&args.grep).map_err(CliError::usage)?;
    let topics = match cx.is_kafka() {
        true => args.topic.clone(),
        // No topic has a comma in its name.
        false => args.topic.iter().flat_map(|t| t.split(',')).filter(|t| !t.is_empty()).map(str::to_owned).collect(),
    };
    let formatter = formatter(args, cx)?;
    let max_messages = max_messages(args.max_messages.as_deref(), cx)?;
    let timeout_ms = args.timeout_ms.and_then(|ms| u64::try_from(ms).ok());
    Ok(Plan { properties, topics, start, window, grep, formatter, max_messages, timeout_ms, skip_errors: args.skip_message_on_error })
}

/// The value of `--max-messages`; `None`: no limit.
pub(in crate::cli) fn max_messages(given: Option<&str>, cx: &Context) -> Result<Option<u64>, CliError> {
    match given.map(|text| (text, text.parse::<i32>())) {
        None => Ok(None),
        Some((_, Ok(n))) => Ok(u64::try_from(n).ok()),
        Some((text, Err(_))) => {
            if cx.is_kafka() {
                stderr_line("Processed a total of 0 messages");
            }
            Err(CliError::failed(format!("Cannot parse argument '{text}' of option max-messages"))
                .exception("joptsimple.OptionArgumentConversionException"))
        }
    }
}

fn client_properties(args: &Args) -> Result<Properties, CliError> {
    let file = args.command_config.as_ref().or(args.consumer_config.as_ref());
    let from_file = file.map(|path| load_properties(path)).transpose()?.unwrap_or_default();
    let mut extra = parse_pairs(&args.command_property);
    extra.extend(parse_pairs(&args.consumer_property));
    let group = group(args, &from_file, &extra)?;
    let mut all = from_file;
    for (key, value) in extra {
        set(&mut all, &key, value);
    }
    match get(&all, "auto.offset.reset") {
        Some(reset) if args.from_beginning && reset != "earliest" => {
            let text = format!("Can't simultaneously specify --from-beginning and 'auto.offset.reset={reset}', please remove one option");
            return Err(CliError::usage(text).without_table());
        }
        Some(_) => {}
        None => set(&mut all, "auto.offset.reset", if args.from_beginning { "earliest" } else { "latest" }),
    }
    set_default(&mut all, "client.id", "console-consumer");
    match &args.isolation_level {
        Some(level) => set(&mut all, "isolation.level", level),
        None => set_default(&mut all, "isolation.level", "read_uncommitted"),
    }
    match group {
        Some(group) => set(&mut all, "group.id", group),
        // Without a group there is nobody to commit for.
        None => set(&mut all, "enable.auto.commit", "false"),
    }
    Ok(all)
}

/// The group named by the options. Errors: they name different ones, or one besides a partition.
fn group(args: &Args, file: &Properties, extra: &Properties) -> Result<Option<String>, CliError> {
    let named: BTreeSet<&str> = [args.group.as_deref(), get(file, "group.id"), get(extra, "group.id")].into_iter().flatten().collect();
    if named.len() > 1 {
        let shown: Vec<String> = named.iter().map(|g| format!("'{g}'")).collect();
        return Err(CliError::usage(format!(
            "The group ids provided in different places (directly using '--group', via '--consumer-property', \
             or via '--consumer.config') do not match. Detected group ids: {}",
            shown.join(", ")
        )));
    }
    if !named.is_empty() && args.partition.is_some() {
        return Err(CliError::usage("Options group and partition cannot be specified together."));
    }
    Ok(named.first().map(|g| (*g).to_owned()))
}

fn start(args: &Args) -> Result<Start, CliError> {
    let Some(text) = &args.offset else {
        return Ok(if args.from_beginning { Start::Earliest } else { Start::Latest });
    };
    match (text.to_ascii_lowercase().as_str(), text.parse::<i64>()) {
        ("earliest", _) => Ok(Start::Earliest),
        ("latest", _) => Ok(Start::Latest),
        (_, Ok(offset)) if offset >= 0 => Ok(Start::At(offset)),
        _ => Err(CliError::usage(format!(
            "The provided offset value '{text}' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long."
        ))),
    }
}

fn formatter(args: &Args, cx: &Context) -> Result<Formatter, CliError> {
    if let Some(layout) = args.format.as_deref().filter(|f| *f != "json") {
        let format = Format::parse(layout).map_err(|why| CliError::usage(format!("--format: {why}")).hint("see docs/formats.md"))?;
        return Ok(Formatter::Custom(Box::new(format)));
    }
    if args.output == Some(Output::Json) || args.format.is_some() {
        return Ok(Formatter::Json(JsonLines::default()));
    }
    let pairs = parse_pairs(&args.property).into_iter().chain(parse_pairs(&args.formatter_property));
    let given = GivenFormatter {
        class: args.formatter.as_deref(),
        file: args.formatter_config.as_deref(),
        key_deserializer: args.key_deserializer.as_deref(),
        value_deserializer: args.value_deserializer.as_deref(),
        pairs: pairs.collect(),
    };
    given.made(cx)
}

/// What the options say of a formatter.
pub(in crate::cli) struct GivenFormatter<'a> {
    pub class: Option<&'a str>,
    pub file: Option<&'a Path>,
    pub key_deserializer: Option<&'a str>,
    pub value_deserializer: Option<&'a str>,
    pub pairs: Properties,
}

impl GivenFormatter<'_> {
    /// The formatter. Errors: there is none of that class; a property is wrong.
    pub fn made(self, cx: &Context) -> Result<Formatter, CliError> {
        // Whatever is wrong with the formatter, Kafka's tool answers with the exception's message and the table of options.
        let as_usage = |e: CliError| if cx.is_kafka() { CliError::usage(e.kafka_message()) } else { e };
        let mut properties = self.file.map(load_properties).transpose().map_err(as_usage)?.unwrap_or_default();
        for (key, class) in [("key.deserializer", self.key_deserializer), ("value.deserializer", self.value_deserializer)] {
            if let Some(class) = class.filter(|c| !c.is_empty()) {
                set(&mut properties, key, class);
            }
        }
        for (key, value) in self.pairs {
            set(&mut properties, &key, value);
        }
        Formatter::new(self.class, &properties, cx).map_err(as_usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_may_be_named_twice_but_not_differently() {
        let args = Args { group: Some("a".into()), command_property: vec!["group.id=a".into()], ..Args::default() };
        let all = client_properties(&args).unwrap();
        assert_eq!((get(&all, "group.id"), get(&all, "enable.auto.commit")), (Some("a"), None));
        let args = Args { command_property: vec!["group.id=b".into()], ..args };
        assert!(client_properties(&args).unwrap_err().message.ends_with("Detected group ids: 'a', 'b'"));
    }

    #[test]
    fn without_a_group_nothing_is_committed() {
        let all = client_properties(&Args::default()).unwrap();
        assert_eq!(get(&all, "group.id"), None);
        assert_eq!((get(&all, "enable.auto.commit"), get(&all, "auto.offset.reset")), (Some("false"), Some("latest")));
    }

    #[test]
    fn offsets_are_numbers_or_ends() {
        let at = |text: &str| start(&Args { offset: Some(text.into()), ..Args::default() });
        assert_eq!((at("Earliest").unwrap(), at("7").unwrap()), (Start::Earliest, Start::At(7)));
        assert!(at("-1").is_err() && at("abc").is_err());
    }
}
