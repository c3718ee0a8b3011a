//! The JSON files that Kafka's tools take, and what these say of wrong ones.

use std::path::Path;

use serde_json::{Map, Value};

use super::error::CliError;

const MAPPING: &str = "com.fasterxml.jackson.databind.JsonMappingException";

/// The text of a file. Errors: it cannot be read.
pub fn read(path: &Path) -> Result<String, CliError> {
    let bytes = std::fs::read(path).map_err(|e| {
        let shown = path.display();
        CliError::config(format!("Unable to read file {shown}"))
            .cause(e.to_string())
            .exception("java.io.IOException")
            .caused_by(format!("java.nio.file.NoSuchFileException: {shown}"))
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// An object. Errors: it is something else; as of the functions below.
pub fn object(value: &Value) -> Result<&Map<String, Value>, CliError> {
    value.as_object().ok_or_else(|| unexpected("JSON object", value))
}

/// A list.
pub fn array(value: &Value) -> Result<&Vec<Value>, CliError> {
    value.as_array().ok_or_else(|| unexpected("JSON array", value))
}

/// A string.
pub fn text(value: &Value) -> Result<&str, CliError> {
    value.as_str().ok_or_else(|| unexpected("`String` value", value))
}

/// A number of 32 bits.
pub fn int(value: &Value) -> Result<i32, CliError> {
    value.as_i64().and_then(|n| i32::try_from(n).ok()).ok_or_else(|| unexpected("`Integer` value", value))
}

/// A number of 64 bits.
pub fn long(value: &Value) -> Result<i64, CliError> {
    value.as_i64().ok_or_else(|| unexpected("`Long` value", value))
}

/// A field of an object. Errors: `entry` is none, or has no such field.
pub fn field<'a>(entry: &'a Value, name: &str) -> Result<&'a Value, CliError> {
    object(entry)?.get(name).ok_or_else(|| CliError::failed(format!("No such field exists: `{name}`")).exception(MAPPING))
}

fn unexpected(wanted: &str, value: &Value) -> CliError {
    CliError::failed(format!("Expected {wanted}, received {value}")).exception(MAPPING)
}
