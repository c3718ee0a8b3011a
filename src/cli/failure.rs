//! Failures of the client library in words: what failed, why, and what to do about it.

use crate::cli::error::{CliError, Kind};
use crate::client::{Cause, Error, Speaks};
use crate::wire::{ApiKey, ErrorCode};

const ERRORS: &str = "org.apache.kafka.common.errors.";

/// The Java class (without package) of the exception for a code, where it is not simply the code's name.
const IRREGULAR: &[(ErrorCode, &str)] = &[
    (ErrorCode::UnknownServerError, "UnknownServerException"),
    (ErrorCode::CorruptMessage, "CorruptRecordException"),
    (ErrorCode::RequestTimedOut, "TimeoutException"),
    (ErrorCode::MessageTooLarge, "RecordTooLargeException"),
    (ErrorCode::StaleControllerEpoch, "ControllerMovedException"),
    (ErrorCode::OffsetMetadataTooLarge, "OffsetMetadataTooLarge"),
    (ErrorCode::RecordListTooLarge, "RecordBatchTooLargeException"),
    (ErrorCode::TopicAuthorizationFailed, "TopicAuthorizationException"),
    (ErrorCode::GroupAuthorizationFailed, "GroupAuthorizationException"),
    (ErrorCode::ClusterAuthorizationFailed, "ClusterAuthorizationException"),
    (ErrorCode::TopicAlreadyExists, "TopicExistsException"),
    (ErrorCode::InvalidConfig, "InvalidConfigurationException"),
    (ErrorCode::OutOfOrderSequenceNumber, "OutOfOrderSequenceException"),
    (ErrorCode::DuplicateSequenceNumber, "DuplicateSequenceException"),
    (ErrorCode::InvalidProducerIdMapping, "InvalidPidMappingException"),
    (ErrorCode::InvalidTransactionTimeout, "InvalidTxnTimeoutException"),
    (ErrorCode::TransactionalIdAuthorizationFailed, "TransactionalIdAuthorizationException"),
    (ErrorCode::KafkaStorageError, "KafkaStorageException"),
    (ErrorCode::SaslAuthenticationFailed, "SaslAuthenticationException"),
    (ErrorCode::NonEmptyGroup, "GroupNotEmptyException"),
    (ErrorCode::DelegationTokenAuthDisabled, "DelegationTokenDisabledException"),
    (ErrorCode::DelegationTokenRequestNotAllowed, "UnsupportedByAuthenticationException"),
    (ErrorCode::DelegationTokenAuthorizationFailed, "DelegationTokenAuthorizationException"),
    (ErrorCode::InvalidRegularExpression, "InvalidRegularExpression"),
];

/// The Java class of the exception for `code`, with its package.
pub fn java_class(code: ErrorCode) -> String {
    if let Some((_, class)) = IRREGULAR.iter().find(|(c, _)| *c == code) {
        return format!("{ERRORS}{class}");
    }
    let mut class = String::from(ERRORS);
    for word in code.name().split('_') {
        let mut letters = word.chars();
        class.extend(letters.next());
        class.extend(letters.map(|c| c.to_ascii_lowercase()));
    }
    if !class.ends_with("Exception") {
        class.push_str("Exception");
    }
    class
}

/// `DescribeGroups` as `DESCRIBE_GROUPS`.
fn upper_snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

impl From<Error> for CliError {
    fn from(e: Error) -> CliError {
        let text = e.to_string();
        match e {
            Error::NoBroker { tried, after } => unreachable_brokers(&tried, after.as_secs_f64()),
            Error::Node { node, address, cause } => unreachable_node(node, &address, &cause),
            Error::Broker { code, message } => {
                let error = CliError::failed(text).cause(format!("{} ({})", code.name(), code.code())).exception(java_class(code));
                if message.as_deref() == Some("") { error.java_message("") } else { error }
            }
            Error::TimedOut { last, .. } => match last.as_deref() {
                // The broker's own answer says more than that it was given several times.
                Some(Error::Broker { code, message }) => CliError::failed(message.clone().unwrap_or_else(|| code.message().to_owned()))
                    .cause(format!("{} ({}), several times: {text}", code.name(), code.code()))
                    .exception(java_class(*code)),
                _ => CliError::failed(text).exception(java_class(ErrorCode::RequestTimedOut)),
            },
            Error::Unsupported { api } => {
                let error = CliError::failed(text)
                    .exception(java_class(ErrorCode::UnsupportedVersion))
                    .java_message(format!("The node does not support {}", upper_snake(api.name())));
                // Every broker knows this one.
                if api == ApiKey::Metadata { error.hint("is it the port of a controller? Take a broker's listener") } else { error }
            }
            Error::Config(_) => CliError::config(text),
            Error::RecordTooLarge { .. } => CliError::failed(text).exception(java_class(ErrorCode::MessageTooLarge)),
            Error::Fenced { code } => {
                CliError::failed(text).cause(format!("{} ({})", code.name(), code.code())).exception(java_class(code))
            }
            Error::MustAbort { because } => (*because).into(),
            Error::Aborted => CliError::failed(text).exception(java_class(ErrorCode::TransactionAbortable)),
            Error::BadAnswer { .. } | Error::CannotAsk { .. } | Error::Closed | Error::Usage(_) => {
                CliError::failed(text).exception("org.apache.kafka.common.KafkaException")
            }
        }
    }
}

fn unreachable_brokers(tried: &[(String, Cause)], seconds: f64) -> CliError {
    let addresses: Vec<&str> = tried.iter().map(|(address, _)| address.as_str()).collect();
    let count = match addresses.len() {
        1 => "1 address".to_owned(),
        n => format!("{n} addresses"),
    };
    let list = addresses.join(",");
    let barred = tried.iter().find_map(|(_, cause)| barred(&list, cause));
    let message = barred.unwrap_or_else(|| format!("cannot reach any broker of {list} (tried {count} in {seconds:.2} s)"));
    let cause = tried.iter().map(|(address, cause)| format!("{address}: {cause}")).collect::<Vec<_>>().join("; ");
    let hint = tried.first().map(|(address, cause)| hint(address, cause));
    let refusal = tried.iter().find_map(|(_, cause)| refusal(cause));
    let (exception, java) = refusal.unwrap_or_else(|| (java_class(ErrorCode::RequestTimedOut), format!("{message}: {cause}")));
    let error = CliError::failed(&message).exception(exception).java_message(java).cause(cause);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What failed where the broker is there and no connection comes about.
fn barred(list: &str, cause: &Cause) -> Option<String> {
    match cause {
        Cause::Unauthenticated(_) => Some(format!("authentication failed at {list}")),
        Cause::Tls(_) => Some(format!("no TLS connection with {list}")),
        _ => None,
    }
}

/// What Java says where the broker is there and no connection comes about.
fn refusal(cause: &Cause) -> Option<(String, String)> {
    match cause {
        Cause::Unauthenticated(why) => Some((java_class(ErrorCode::SaslAuthenticationFailed), why.clone())),
        Cause::Tls(why) => Some((format!("{ERRORS}SslAuthenticationException"), why.clone())),
        _ => None,
    }
}

/// What to do about an address that cannot be used.
pub fn hint(address: &str, cause: &Cause) -> String {
    match cause {
        Cause::Refused => "is it running? `kfk server` starts one here; another address goes into --bootstrap-server".to_owned(),
        Cause::Unresolved(_) => format!("check the name in {address}"),
        Cause::NoAnswer(_) => format!("is {address} right, and is no firewall in between?"),
        Cause::Closed(_) => format!("does a Kafka broker listen at {address}?"),
        Cause::NotKafka(Speaks::Tls) => {
            "put security.protocol=SSL (or SASL_SSL) into a file for --command-config, or name a plain listener of the broker".to_owned()
        }
        Cause::NotKafka(Speaks::Http) => {
            format!("{address} is the port of a web page, a REST proxy or metrics; a broker's is that of its `listeners`, often 9092")
        }
        Cause::NotKafka(Speaks::Unknown) => format!("point --bootstrap-server at a listener of the broker for clients, not at {address}"),
        Cause::Tls(_) => "see security.protocol and the ssl.* settings of --command-config".to_owned(),
        Cause::Unauthenticated(_) => "see security.protocol, sasl.mechanism and sasl.jaas.config of --command-config".to_owned(),
    }
}

/// The bootstrap server answered, but a broker it told of cannot be used.
fn unreachable_node(node: i32, address: &str, cause: &Cause) -> CliError {
    let (message, hint) = match cause {
        // The one that was asked first.
        _ if node < 0 => (barred(address, cause).unwrap_or_else(|| format!("cannot use the broker at {address}")), hint(address, cause)),
        _ if cause.is_final() => (format!("cannot use broker {node} at {address}"), hint(address, cause)),
        Cause::Unresolved(_) => (
            format!("broker {node} sends clients to \"{address}\", which this machine cannot resolve"),
            "set advertised.listeners of the broker to an address that clients can reach; `kfk doctor` looks at all of them".to_owned(),
        ),
        _ => (
            format!("cannot use broker {node} at {address}"),
            "the broker was told of by another one; if the address is wrong, correct its advertised.listeners".to_owned(),
        ),
    };
    let (exception, java) = refusal(cause).unwrap_or_else(|| (java_class(ErrorCode::RequestTimedOut), format!("{message}: {cause}")));
    CliError::failed(message).cause(cause.to_string()).hint(hint).exception(exception).java_message(java)
}

/// A client that could not be made: Kafka names the client's class, and the reason as its cause.
pub fn not_created(error: CliError, what: &str) -> CliError {
    if error.kind != Kind::Config {
        return error;
    }
    let caused_by = error.as_java();
    error.exception("org.apache.kafka.common.KafkaException").java_message(what).caused_by(caused_by)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn classes_are_javas() {
        assert_eq!(java_class(ErrorCode::UnknownTopicOrPartition), "org.apache.kafka.common.errors.UnknownTopicOrPartitionException");
        assert_eq!(java_class(ErrorCode::InvalidTopicException), "org.apache.kafka.common.errors.InvalidTopicException");
        assert_eq!(java_class(ErrorCode::TopicAlreadyExists), "org.apache.kafka.common.errors.TopicExistsException");
        assert_eq!(java_class(ErrorCode::NotLeaderOrFollower), "org.apache.kafka.common.errors.NotLeaderOrFollowerException");
    }

    #[test]
    fn a_refused_port_is_told_with_address_cause_and_remedy() {
        let e = CliError::from(Error::NoBroker { tried: vec![("h:1".into(), Cause::Refused)], after: Duration::from_millis(4) });
        assert_eq!(e.message, "cannot reach any broker of h:1 (tried 1 address in 0.00 s)");
        assert_eq!(e.cause.as_deref(), Some("h:1: connection refused"));
        assert!(e.hint.is_some_and(|h| h.contains("kfk server")));
    }
}
