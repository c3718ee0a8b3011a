//! JSON for programs: one document, indented for reading, keys in a fixed order.

use serde_json::Value;

use super::Out;
use crate::cli::error::CliError;

/// Writes `document` and a newline.
pub fn print(out: &mut Out, document: &Value) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(document).map_err(|e| CliError::failed("cannot write JSON").cause(e.to_string()))?;
    out.line(text)
}
