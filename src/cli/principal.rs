//! Somebody, as Kafka's tools name them: `User:alice`.

use super::error::CliError;
use crate::client::admin::Principal;

/// Errors: there is no colon.
pub fn parse(text: &str) -> Result<Principal, CliError> {
    let text = text.trim();
    match text.split_once(':').filter(|(kind, name)| !kind.is_empty() && !name.is_empty()) {
        Some((kind, name)) => Ok(Principal { kind: kind.to_owned(), name: name.to_owned() }),
        None => Err(CliError::value(format!("expected a string in format principalType:principalName but got {text}"))
            .exception("java.lang.IllegalArgumentException")
            .hint("it looks like User:alice")),
    }
}
