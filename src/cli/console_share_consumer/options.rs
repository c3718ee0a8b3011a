//! The options of `console-share-consumer` as settings of the client and a formatter.

use std::collections::BTreeSet;

use super::Args;
use crate::cli::connect::{Properties, get, load_properties, parse_pairs, set, set_default};
use crate::cli::console_consumer::format::Formatter;
use crate::cli::console_consumer::options::{GivenFormatter, deprecated, max_messages};
use crate::cli::error::{CliError, Kind, stderr_line};
use crate::cli::tool::Context;
use crate::cli::usage::require;
use crate::client::Acknowledge;

/// The group of those who name none.
const DEFAULT_GROUP: &str = "share";

/// What to do, with everything read that the options name.
#[derive(Debug)]
pub(super) struct Plan {
    pub properties: Properties,
    pub formatter: Formatter,
    /// What becomes of records that were printed.
    pub says: Acknowledge,
    /// A record that cannot be printed is rejected.
    pub rejects_errors: bool,
    /// `None`: no limit.
    pub max_messages: Option<u64>,
    /// `None`: wait for ever.
    pub timeout_ms: Option<u64>,
}

/// Refuses options that do not fit together, in Kafka's order and words, and says which are deprecated.
pub(super) fn check(args: &Args, cx: &Context) -> Result<(), CliError> {
    if args.topic.is_none() {
        return Err(CliError::usage("--topic is a required argument"));
    }
    require(&[("bootstrap-server", args.connection.given(cx))])?;
    if args.reject && args.release {
        return Err(CliError::usage("At most one of --reject and --release may be specified."));
    }
    let renamed = [
        ("--consumer-property", "--command-property", !args.consumer_property.is_empty(), !args.command_property.is_empty()),
        ("--consumer-config", "--command-config", args.consumer_config.is_some(), args.command_config.is_some()),
        ("--property", "--formatter-property", !args.property.is_empty(), !args.formatter_property.is_empty()),
    ];
    for (old, new, has_old, has_new) in renamed {
        if has_old && has_new {
            return Err(CliError::usage(format!("Options {old} and {new} cannot be specified together.")));
        }
        deprecated(&[(old, new, has_old)], cx)?;
    }
    Ok(())
}

/// Reads files and values. Errors: one of them is wrong.
pub(super) fn plan(args: &Args, cx: &Context) -> Result<Plan, CliError> {
    let properties = client_properties(args).map_err(|e| uncaught(e, cx))?;
    let pairs = parse_pairs(&args.property).into_iter().chain(parse_pairs(&args.formatter_property));
    let formatter = GivenFormatter {
        class: args.formatter.as_deref(),
        file: args.formatter_config.as_deref(),
        key_deserializer: args.key_deserializer.as_deref(),
        value_deserializer: args.value_deserializer.as_deref(),
        pairs: pairs.collect(),
    };
    let formatter = formatter.made(cx)?;
    let says = match (args.reject, args.release) {
        (true, _) => Acknowledge::Reject,
        (_, true) => Acknowledge::Release,
        _ => Acknowledge::Accept,
    };
    let max_messages = max_messages(args.max_messages.as_deref(), cx)?;
    let timeout_ms = args.timeout_ms.and_then(|ms| u64::try_from(ms).ok());
    Ok(Plan { properties, formatter, says, rejects_errors: args.reject_message_on_error, max_messages, timeout_ms })
}

/// A file that cannot be read ends Kafka's tool before it begins.
fn uncaught(e: CliError, cx: &Context) -> CliError {
    if !cx.is_kafka() || e.kind == Kind::Usage {
        return e;
    }
    stderr_line(format!("Exception in thread \"main\" {}", e.as_java()));
    CliError::told()
}

fn client_properties(args: &Args) -> Result<Properties, CliError> {
    let file = args.command_config.as_ref().or(args.consumer_config.as_ref());
    let mut all = file.map(|path| load_properties(path)).transpose()?.unwrap_or_default();
    let mut extra = parse_pairs(&args.command_property);
    extra.extend(parse_pairs(&args.consumer_property));
    let group = group(args, &all, &extra)?;
    for (key, value) in extra {
        set(&mut all, &key, value);
    }
    set_default(&mut all, "client.id", "console-share-consumer");
    set(&mut all, "group.id", group);
    // Each record when it has been printed.
    set(&mut all, "share.acknowledgement.mode", "explicit");
    Ok(all)
}

/// The group named by the options. Errors: they name different ones.
fn group(args: &Args, file: &Properties, extra: &Properties) -> Result<String, CliError> {
    let named: BTreeSet<&str> = [args.group.as_deref(), get(file, "group.id"), get(extra, "group.id")].into_iter().flatten().collect();
    if named.len() > 1 {
        let shown: Vec<String> = named.iter().map(|g| format!("'{g}'")).collect();
        return Err(CliError::usage(format!(
            "The group ids provided in different places (directly using '--group', via '--consumer-property', \
             or via '--consumer-config') do not match. Detected group ids: {}",
            shown.join(", ")
        )));
    }
    Ok(named.first().copied().unwrap_or(DEFAULT_GROUP).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_may_be_named_twice_but_not_differently_and_has_a_default() {
        let named = |args: &Args| client_properties(args).map(|all| get(&all, "group.id").map(str::to_owned));
        let mut args = Args { group: Some("a".into()), command_property: vec!["group.id=a".into()], ..Args::default() };
        assert_eq!(named(&args), Ok(Some("a".to_owned())));
        args.command_property = vec!["group.id=b".into()];
        assert!(named(&args).unwrap_err().message.ends_with("Detected group ids: 'a', 'b'"));
        assert_eq!(named(&Args::default()), Ok(Some("share".to_owned())));
    }
}
