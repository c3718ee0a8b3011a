//! `--validate-regex`: whether a broker would take a regular expression (RE2 syntax), told in the words of the RE2 library.

use crate::cli::error::CliError;
use crate::cli::out::Out;
use crate::cli::tool::Exit;

/// What the expression parser here says (a part of it), and how RE2 puts it. The first that fits counts.
const WORDS: &[(&str, &str)] = &[
    ("unclosed group", "missing closing )"),
    ("unopened group", "missing closing )"),
    ("unclosed character class", "missing closing ]"),
    ("invalid character class range", "invalid character class range"),
    ("look-around", "invalid or unsupported Perl syntax"),
    ("unrecognized flag", "invalid or unsupported Perl syntax"),
    ("repetition operator missing expression", "missing argument to repetition operator"),
    ("repetition quantifier", "invalid repetition size"),
    ("invalid repetition count range", "invalid repetition size"),
    ("incomplete escape sequence", "trailing backslash at end of expression"),
    ("capture group name", "invalid named capture"),
    ("capture name", "invalid named capture"),
    ("backreferences", "invalid escape sequence"),
    ("escape sequence", "invalid escape sequence"),
    ("Unicode property", "invalid character class range"),
];

/// Prints whether `pattern` is valid.
pub(super) fn validate(pattern: &str) -> Result<Exit, CliError> {
    let mut out = Out::stdout();
    match ::regex::Regex::new(pattern) {
        Ok(_) => out.line(format!("The regular expression `{pattern}` is valid."))?,
        Err(e) => out.line(format!("The regular expression `{pattern}` is invalid: {}.", reason(&e)))?,
    }
    out.flush()?;
    Ok(Exit::OK)
}

fn reason(e: &::regex::Error) -> String {
    let text = e.to_string();
    let known = WORDS.iter().find(|(mark, _)| text.contains(mark)).map(|(_, words)| (*words).to_owned());
    let last = || text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    known.unwrap_or_else(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_those_of_re2() {
        let why = |pattern: &str| reason(&::regex::Regex::new(pattern).unwrap_err());
        assert_eq!(why("a(b"), "missing closing )");
        assert_eq!(why("(?=x)y"), "invalid or unsupported Perl syntax");
        assert_eq!(why("[a"), "missing closing ]");
        assert_eq!(why("*a"), "missing argument to repetition operator");
        assert_eq!(why("a\\"), "trailing backslash at end of expression");
    }
}
