//! What can go wrong for a client, told so that a person can act on it.

use std::time::Duration;

use kfk_wire::{ApiKey, DecodeError, EncodeError, ErrorCode};

use crate::config::ConfigError;

/// Why one address could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The name does not resolve.
    Unresolved(String),
    /// Nobody listens there.
    Refused,
    /// No answer within this time.
    NoAnswer(Duration),
    /// The connection was closed or broke.
    Closed(String),
    /// Something answered that is not a Kafka broker on such a connection.
    NotKafka(Speaks),
    /// No encrypted connection comes about: a certificate, or nobody who speaks TLS.
    Tls(String),
    /// The broker does not accept who we say we are, or wants to know it in another way.
    Unauthenticated(String),
}

impl Cause {
    /// Whether nothing will change by trying again.
    pub fn is_final(&self) -> bool {
        matches!(self, Cause::NotKafka(_) | Cause::Tls(_) | Cause::Unauthenticated(_))
    }
}

/// What an address speaks instead of Kafka's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// TLS: the port is for encrypted connections.
    Tls,
    /// HTTP.
    Http,
    /// Something else.
    Unknown,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::Unresolved(why) => write!(f, "the name does not resolve ({why})"),
            Cause::Refused => write!(f, "connection refused"),
            Cause::NoAnswer(after) => write!(f, "no answer within {:.1} s", after.as_secs_f64()),
            Cause::Closed(why) | Cause::Tls(why) | Cause::Unauthenticated(why) => write!(f, "{why}"),
            Cause::NotKafka(Speaks::Tls) => write!(f, "it speaks TLS; security.protocol=SSL or SASL_SSL is for that"),
            Cause::NotKafka(Speaks::Http) => write!(f, "it speaks HTTP, not Kafka's protocol"),
            Cause::NotKafka(Speaks::Unknown) => write!(f, "what it answers is not Kafka's protocol"),
        }
    }
}

/// A failed client call. Cheap to clone: the fate of a batch is told to every record in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// None of the addresses could be used. Each with its cause, in the order tried.
    #[error("cannot reach any broker of {}", tried.iter().map(|(a, c)| format!("{a}: {c}")).collect::<Vec<_>>().join("; "))]
    NoBroker {
        /// Address and cause.
        tried: Vec<(String, Cause)>,
        /// How long it took to find out.
        after: Duration,
    },
    /// One known broker could not be used.
    #[error("broker {node} at {address}: {cause}")]
    Node {
        /// Its id, -1 if it does not matter.
        node: i32,
        /// As advertised.
        address: String,
        /// What is wrong.
        cause: Cause,
    },
    /// The broker answered with an error code.
    #[error("{}", message.as_deref().filter(|m| !m.is_empty()).unwrap_or_else(|| code.message()))]
    Broker {
        /// The code.
        code: ErrorCode,
        /// The broker's own words, if it has some.
        message: Option<String>,
    },
    /// Retries did not help within the time given; `last` is what failed last.
    #[error("{what} did not succeed within {:.1} s{}", after.as_secs_f64(), last.as_ref().map(|e| format!(": {e}")).unwrap_or_default())]
    TimedOut {
        /// What was tried.
        what: String,
        /// For how long.
        after: Duration,
        /// Why the last attempt failed, if one did.
        last: Option<Box<Error>>,
    },
    /// The broker speaks no version of this request that we speak.
    #[error("the broker does not support {}", api.name())]
    Unsupported {
        /// Which one.
        api: ApiKey,
    },
    /// Bytes that do not fit the protocol.
    #[error("the broker's answer to {} cannot be read: {why}", api.name())]
    BadAnswer {
        /// To which request.
        api: ApiKey,
        /// Where reading stopped.
        why: DecodeError,
    },
    /// The request cannot be put into the version that the broker speaks.
    #[error("{} cannot be asked of this broker: {why}", api.name())]
    CannotAsk {
        /// Which request.
        api: ApiKey,
        /// What it cannot carry.
        why: EncodeError,
    },
    /// A setting.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// A record larger than `max.request.size` or `buffer.memory`.
    #[error("a record of {size} bytes is larger than max.request.size or buffer.memory allows ({limit})")]
    RecordTooLarge {
        /// Bytes it would take.
        size: usize,
        /// The lower of both limits.
        limit: usize,
    },
    /// Another producer with the same `transactional.id` has taken over, or the coordinator has given this one up: it can only be closed.
    #[error("this producer is fenced: {}", code.message())]
    Fenced {
        /// As the broker told it.
        code: ErrorCode,
    },
    /// This transaction cannot be committed. After `abort_transaction` the next one can be begun.
    #[error("the transaction must be aborted: {because}")]
    MustAbort {
        /// What spoiled the transaction.
        because: Box<Error>,
    },
    /// The record was not sent, as its transaction was aborted before.
    #[error("the transaction was aborted")]
    Aborted,
    /// The client was closed while the call was under way.
    #[error("the client is closed")]
    Closed,
    /// The call makes no sense now; the text says why.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    /// The broker's code, where there is one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Error::Broker { code, .. } => Some(*code),
            Error::TimedOut { last: Some(last), .. } => last.code(),
            Error::Fenced { code } => Some(*code),
            Error::MustAbort { because } => because.code(),
            _ => None,
        }
    }

    /// Whether a transaction has to be aborted, after which the producer can go on.
    pub fn is_abortable(&self) -> bool {
        matches!(self, Error::MustAbort { .. })
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retriable(&self) -> bool {
        match self {
            Error::Broker { code, .. } => code.is_retriable(),
            Error::NoBroker { tried, .. } => !tried.iter().any(|(_, c)| c.is_final()),
            Error::Node { cause, .. } => !cause.is_final(),
            _ => false,
        }
    }
}

/// `Ok` for code 0, else the error with the broker's words.
pub(crate) fn check(code: i16, message: Option<&str>) -> Result<(), Error> {
    match ErrorCode::from_code(code) {
        ErrorCode::None => Ok(()),
        code => Err(Error::Broker { code, message: message.map(str::to_string) }),
    }
}
