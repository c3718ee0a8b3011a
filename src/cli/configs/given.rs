//! What to set and what to take away, as the command line has it.

use std::collections::BTreeMap;

use super::{Args, illegal};
use crate::cli::connect::load_properties;
use crate::cli::error::CliError;

const FORM: &str = "requirement failed: Invalid entity config: all configs to be added must be in the format \"key=val\" or  \
                    \"key=[val1,val2]\" to group values which contain commas.";

/// See the file's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    pub set: BTreeMap<String, String>,
    pub delete: Vec<String>,
}

impl Given {
    /// Errors: a file cannot be read; what was given has no form.
    pub fn read(args: &Args) -> Result<Given, CliError> {
        let mut set = BTreeMap::new();
        if let Some(path) = &args.add_config_file {
            set.extend(load_properties(path)?);
        }
        if let Some(text) = &args.add_config {
            set.extend(pairs(text)?);
        }
        let plain = |key: &String| key.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if let Some(bad) = set.keys().find(|key| !plain(key)) {
            return Err(illegal(format!("Invalid character found for config key: {bad}")));
        }
        let delete = args.delete_config.iter().flat_map(|list| list.split(',')).map(|key| key.trim().to_owned()).collect();
        Ok(Given { set, delete })
    }
}

/// `key=value,key=[value,value]`: what stands in brackets is not taken apart.
fn pairs(text: &str) -> Result<Vec<(String, String)>, CliError> {
    let mut pieces = split(text, ',');
    // As Java's `split`: nothing at the end counts for nothing.
    while pieces.len() > 1 && pieces.last().is_some_and(|piece| piece.is_empty()) {
        pieces.pop();
    }
    let bare = |value: &str| value.replace(['[', ']'], "").trim().to_owned();
    pieces
        .into_iter()
        .map(|piece| match split(piece, '=').as_slice() {
            [key, value] => Ok((key.trim().to_owned(), bare(value))),
            _ => Err(illegal(FORM).hint("as in --add-config retention.ms=3600000,cleanup.policy=[compact,delete]")),
        })
        .collect()
}

/// Splits at every `separator` that is not in brackets: the next bracket behind it is none that closes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let outside = |at: usize| text[at..].chars().find(|c| matches!(c, '[' | ']')) != Some(']');
    let mut pieces = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices(separator).filter(|(at, _)| outside(*at)) {
        pieces.push(&text[from..at]);
        from = at + separator.len_utf8();
    }
    pieces.push(&text[from..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        pairs(text).map_or_else(|e| e.message, |all| all.iter().map(|(k, v)| format!("{k}:{v}")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn brackets_keep_a_value_together() {
        assert_eq!(read("a=1,b=[x,y], c = 2"), "a:1 b:x,y c:2");
        assert_eq!(read("SCRAM-SHA-256=[iterations=8192,password=secret]"), "SCRAM-SHA-256:iterations=8192,password=secret");
        assert_eq!(read("a=,b=1,"), "a: b:1");
        for bad in ["a", "a=1=2", "", "a=1,,b=2"] {
            assert_eq!(read(bad), FORM, "{bad}");
        }
    }
}
