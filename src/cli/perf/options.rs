//! Options that are read where Kafka's tools read them: after the first lines have been printed.

use std::str::FromStr;

use crate::cli::error::CliError;

/// The value of an option as a number.
///
/// Errors: it is none.
pub fn number<T: FromStr>(name: &str, text: &str) -> Result<T, CliError> {
    text.parse().map_err(|_| {
        CliError::value(format!("Cannot parse argument '{text}' of option {name}"))
            .exception("joptsimple.OptionArgumentConversionException")
    })
}
