//! The log level, which can change while the broker runs. There is one logger, `root`.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use crate::machine::controller::ApiError;
use crate::wire::ErrorCode;
use crate::wire::incremental_alter_configs_request::AlterableConfig;

/// The only logger's name.
pub const ROOT: &str = "root";
/// Kafka's names, in its order. Nothing is logged at FATAL.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("DEBUG", LevelFilter::DEBUG),
    ("ERROR", LevelFilter::ERROR),
    ("FATAL", LevelFilter::OFF),
    ("INFO", LevelFilter::INFO),
    ("TRACE", LevelFilter::TRACE),
    ("WARN", LevelFilter::WARN),
];

const SET: i8 = 0;
const DELETE: i8 = 1;

/// Where the level can be changed; empty where another program keeps the log.
static HANDLE: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// Logs to standard error from now on, as lines of text or as JSON, unless the program that this runs in has set up a log of its own.
pub fn install(level: LevelFilter, json: bool) {
    let (filter, handle) = reload::Layer::new(level);
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    let done = match json {
        true => registry.with(lines.json().flatten_event(true)).try_init(),
        false => registry.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init(),
    };
    if done.is_ok() {
        // Only who has set up the log comes here, and that is one.
        let _ = HANDLE.set(handle);
    }
}

/// Whether the level can be changed.
pub fn is_changeable() -> bool {
    HANDLE.get().is_some()
}

/// The level in force.
pub fn level() -> String {
    LevelFilter::current().to_string().to_uppercase()
}

/// Checks changes of log levels and, unless `validate_only`, makes them. Errors, in Kafka's words: nothing was changed.
pub fn alter(changes: &[AlterableConfig], validate_only: bool) -> Result<(), ApiError> {
    let new = checked(changes)?;
    let Some(handle) = HANDLE.get() else {
        return Err(ApiError::new(ErrorCode::InvalidRequest, "The program that this broker runs in keeps its log levels to itself."));
    };
    match new.filter(|_| !validate_only) {
        Some(level) => handle.reload(level).map_err(|e| ApiError::new(ErrorCode::UnknownServerError, e.to_string())),
        None => Ok(()),
    }
}

/// The level that the changes lead to; `None`: there are none.
fn checked(changes: &[AlterableConfig]) -> Result<Option<LevelFilter>, ApiError> {
    let request = |text: String| Err(ApiError::new(ErrorCode::InvalidRequest, text));
    let mut new = None;
    for change in changes {
        let name = &change.name;
        if ![SET, DELETE].contains(&change.config_operation) {
            return request(format!("Operation {} is not allowed for the BROKER_LOGGER resource", change.config_operation));
        }
        if name != ROOT {
            return Err(ApiError::new(ErrorCode::InvalidConfig, format!("Logger {name} does not exist!")));
        }
        if change.config_operation == DELETE {
            return request(format!("Removing the log level of the {ROOT} logger is not allowed"));
        }
        let level = change.value.as_deref().unwrap_or_default();
        let Some((_, filter)) = LEVELS.iter().find(|(known, _)| *known == level) else {
            let valid = LEVELS.map(|(name, _)| name).join(", ");
            let text =
                format!("Cannot set the log level of {name} to {level} as it is not a supported log level. Valid log levels are {valid}");
            return Err(ApiError::new(ErrorCode::InvalidConfig, text));
        };
        new = Some(*filter);
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_kafkas() {
        let change = |name: &str, op, value: Option<&str>| {
            let one = AlterableConfig { name: name.into(), config_operation: op, value: value.map(str::to_owned) };
            checked(&[one]).map_err(|e| (e.code, e.message.unwrap()))
        };
        assert_eq!(change("root", SET, Some("DEBUG")), Ok(Some(LevelFilter::DEBUG)));
        let loud = "Cannot set the log level of root to LOUD as it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN";
        assert_eq!(change("root", SET, Some("LOUD")), Err((ErrorCode::InvalidConfig, loud.into())));
        assert_eq!(change("x", SET, Some("INFO")), Err((ErrorCode::InvalidConfig, "Logger x does not exist!".into())));
        assert_eq!(change("root", DELETE, None).unwrap_err().0, ErrorCode::InvalidRequest);
        assert_eq!(change("root", 2, Some("INFO")).unwrap_err().0, ErrorCode::InvalidRequest);
    }
}
