//! Where records come from: lines, lines of JSON, a format string, whole files.

use std::path::PathBuf;

use super::reader::LineReader;
use super::{Args, Input, options};
use crate::cli::error::CliError;
use crate::cli::records::scan::Scanner;

#[derive(Debug)]
pub(super) enum Source {
    Lines(LineReader),
    Json,
    Format(Scanner),
    /// Each is one record.
    Files(Vec<PathBuf>),
}

impl Source {
    /// What the options ask for. Errors: a property or the format is wrong.
    pub fn read(args: &Args) -> Result<Source, CliError> {
        let lines = options::reader(args)?;
        if !args.file.is_empty() {
            return Ok(Source::Files(args.file.clone()));
        }
        match (args.input, args.format.as_deref()) {
            (Some(Input::Json), _) | (_, Some("json")) => Ok(Source::Json),
            (_, Some(layout)) => match Scanner::parse(layout) {
                Ok(scanner) => Ok(Source::Format(scanner)),
                Err(why) => Err(CliError::usage(format!("--format: {why}")).hint("see docs/formats.md")),
            },
            _ => Ok(Source::Lines(lines)),
        }
    }
}
