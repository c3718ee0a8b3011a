//! Splits a command line the way jopt-simple, the parser of Kafka's tools, does, and hands it to clap in one unmistakable form.
//!
//! Facts about jopt-simple as Kafka uses it: long options may be written with one dash; a value follows as `--name=value` or as the next
//! word; an option that needs a value takes the next word whatever it looks like (`--shift-by -2`); an optional value is only taken when the
//! word does not start with a dash (or is a number, where a number is wanted); options are not abbreviated; words that are no options are
//! ignored; a flag may be repeated; several values for an option that takes one are an error only when it is read.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::{Arg, ArgAction, Command};

use super::error::CliError;

/// A command line in normal form: flags as `--name`, values as `--name=value`, then what is no option.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Normal {
    pub args: Vec<OsString>,
    /// `--help` was among them (only looked for in strict mode).
    pub help: bool,
    /// `--version` was among them (only looked for in strict mode).
    pub version: bool,
}

/// How far to follow jopt-simple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As Kafka's tools: unknown options are refused in jopt's words, words that are no options dropped if the command takes none.
    Strict,
    /// Only the spellings: what is unknown is left for clap to refuse, with its suggestions.
    Lenient,
}

enum Takes {
    Nothing,
    /// A flag that counts every time it is there.
    NothingEachTime,
    /// One with `numbers` also takes one below zero.
    Optional {
        numbers: bool,
    },
    Value {
        many: bool,
    },
}

/// Brings `words` (without the program's name) into normal form for `command`.
///
/// Errors, in strict mode: an unknown option, an option at the end that needs a value ([`Kind::Parse`](super::error::Kind::Parse)),
/// several values for an option that takes one ([`Kind::Value`](super::error::Kind::Value)).
pub fn normalize(command: &Command, words: &[OsString], mode: Mode) -> Result<Normal, CliError> {
    let mut normal = Normal::default();
    let mut positional = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let mut twice: Option<String> = None;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            positional.extend(rest.by_ref().cloned());
            break;
        }
        let Some((name, attached)) = split(word) else {
            positional.push(word.clone());
            continue;
        };
        if mode == Mode::Strict && (name == "help" || name == "version") {
            normal.help |= name == "help";
            normal.version |= name == "version";
            continue;
        }
        let Some(arg) = find(command, &name) else {
            if mode == Mode::Strict {
                return Err(unrecognized(&name, word));
            }
            normal.args.push(word.clone());
            continue;
        };
        let long = arg.get_long().unwrap_or(&name).to_owned();
        let value = match takes(arg) {
            Takes::Nothing => {
                if !seen.contains(&long) {
                    normal.args.push(word_of(&long, attached.as_deref()));
                    seen.push(long);
                }
                continue;
            }
            Takes::NothingEachTime => None,
            Takes::Optional { numbers } => {
                let wanted = |w: &OsStr| !looks_like_option(w) || (numbers && w.to_str().is_some_and(|t| t.parse::<i64>().is_ok()));
                attached.or_else(|| next_if(&mut rest, wanted))
            }
            Takes::Value { many } => {
                if seen.contains(&long) && !many {
                    twice.get_or_insert_with(|| long.clone());
                }
                let wanted = |w: &OsStr| mode == Mode::Strict || !names_option(command, w);
                match attached.or_else(|| next_if(&mut rest, wanted)) {
                    Some(value) => Some(value),
                    None if mode == Mode::Strict => {
                        return Err(CliError::parse(format!("Option {long} requires an argument"))
                            .exception("joptsimple.OptionMissingRequiredArgumentException"));
                    }
                    None => None,
                }
            }
        };
        normal.args.push(word_of(&long, value.as_deref()));
        while mode == Mode::Lenient && arg.get_num_args().is_some_and(|n| n.max_values() > 1) {
            let Some(value) = next_if(&mut rest, |w| !looks_like_option(w)) else { break };
            normal.args.push(word_of(&long, Some(&value)));
        }
        seen.push(long);
    }
    if let Some(name) = twice.filter(|_| mode == Mode::Strict) {
        return Err(CliError::value(format!("Found multiple arguments for option {name}, but you asked for only one"))
            .exception("joptsimple.MultipleArgumentsForOptionException"));
    }
    if mode == Mode::Lenient || command.get_positionals().next().is_some() {
        if !positional.is_empty() {
            normal.args.push("--".into());
        }
        normal.args.append(&mut positional);
    }
    Ok(normal)
}

/// `--name`, `-name`, `--name=value` as name and value; `None` for a word that is no option.
fn split(word: &OsStr) -> Option<(String, Option<OsString>)> {
    let bytes = word.as_bytes();
    let body = bytes.strip_prefix(b"--").or_else(|| bytes.strip_prefix(b"-"))?;
    if body.is_empty() {
        return None;
    }
    let (name, value) = match body.iter().position(|b| *b == b'=') {
        Some(at) => (&body[..at], Some(OsString::from_vec(body[at + 1..].to_vec()))),
        None => (body, None),
    };
    Some((String::from_utf8_lossy(name).into_owned(), value))
}

fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let mut short = name.chars();
    let short = short.next().filter(|_| short.next().is_none());
    command.get_arguments().find(|arg| {
        let long = arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|all| all.contains(&name));
        long || (short.is_some() && arg.get_short() == short)
    })
}

fn takes(arg: &Arg) -> Takes {
    match arg.get_action() {
        ArgAction::Set if arg.get_num_args().is_some_and(|n| n.min_values() == 0) => {
            Takes::Optional { numbers: arg.is_allow_hyphen_values_set() }
        }
        ArgAction::Set => Takes::Value { many: false },
        ArgAction::Append if arg.get_num_args().is_some_and(|n| n.min_values() == 0) => Takes::NothingEachTime,
        ArgAction::Append => Takes::Value { many: true },
        _ => Takes::Nothing,
    }
}

fn looks_like_option(word: &OsStr) -> bool {
    split(word).is_some()
}

fn names_option(command: &Command, word: &OsStr) -> bool {
    split(word).is_some_and(|(name, _)| find(command, &name).is_some())
}

fn next_if(rest: &mut std::slice::Iter<'_, OsString>, wanted: impl Fn(&OsStr) -> bool) -> Option<OsString> {
    let next = rest.clone().next().filter(|word| wanted(word))?;
    rest.next();
    Some(next.clone())
}

fn word_of(long: &str, value: Option<&OsStr>) -> OsString {
    let mut word = OsString::from(format!("--{long}"));
    if let Some(value) = value {
        word.push("=");
        word.push(value);
    }
    word
}

/// With one dash jopt reads an unknown word as a row of one-letter options, and complains about the first.
fn unrecognized(name: &str, word: &OsStr) -> CliError {
    let shown: String = if word.as_bytes().starts_with(b"--") { name.to_owned() } else { name.chars().take(1).collect() };
    CliError::parse(format!("{shown} is not a recognized option")).exception("joptsimple.UnrecognizedOptionException")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::error::Kind;

    fn command() -> Command {
        Command::new("t")
            .arg(Arg::new("list").long("list").action(ArgAction::SetTrue))
            .arg(Arg::new("topic").long("topic").short('t'))
            .arg(Arg::new("group").long("group").action(ArgAction::Append))
            .arg(Arg::new("default").long("default").action(ArgAction::Append).num_args(0..=1).require_equals(true))
            .arg(Arg::new("state").long("state").num_args(0..=1).require_equals(true))
            .arg(Arg::new("count").long("count").num_args(0..=1).require_equals(true).allow_hyphen_values(true))
            .arg(Arg::new("shift").long("shift-by").allow_hyphen_values(true))
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').filter(|w| !w.is_empty()).map(OsString::from).collect()
    }

    fn strict(line: &str) -> Result<String, CliError> {
        let normal = normalize(&command(), &words(line), Mode::Strict)?;
        let all: Vec<String> = normal.args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
        Ok(all.join(" "))
    }

    #[test]
    fn every_spelling_becomes_one_form() {
        assert_eq!(strict("-list --topic a").unwrap(), "--list --topic=a");
        assert_eq!(
            strict("--topic=a=b -topic=c"),
            Err(CliError::value("Found multiple arguments for option topic, but you asked for only one")
                .exception("joptsimple.MultipleArgumentsForOptionException"))
        );
        assert_eq!(strict("--topic=a=b --list --list extra").unwrap(), "--topic=a=b --list");
        assert_eq!(strict("--group a --group b").unwrap(), "--group=a --group=b");
        assert_eq!(strict("-t x").unwrap(), "--topic=x");
        assert_eq!(strict("--default --list --default").unwrap(), "--default --list --default");
    }

    #[test]
    fn a_needed_value_takes_the_next_word_and_an_optional_one_does_not() {
        assert_eq!(strict("--shift-by -2").unwrap(), "--shift-by=-2");
        assert_eq!(strict("--shift-by --list").unwrap(), "--shift-by=--list");
        assert_eq!(strict("--state --list").unwrap(), "--state --list");
        assert_eq!(strict("--state stable --list").unwrap(), "--state=stable --list");
        assert_eq!(strict("--count -1 --state -1").unwrap_err().message, "1 is not a recognized option");
        assert_eq!(strict("--count -1 --count=2 --list").unwrap(), "--count=-1 --count=2 --list");
        assert_eq!(strict("--topic").unwrap_err().message, "Option topic requires an argument");
    }

    #[test]
    fn options_are_neither_guessed_nor_abbreviated() {
        assert_eq!(strict("--lis").unwrap_err().message, "lis is not a recognized option");
        assert_eq!(strict("-lis").unwrap_err().message, "l is not a recognized option");
        assert_eq!(strict("--nosuch=1").unwrap_err().kind, Kind::Parse);
    }

    #[test]
    fn help_and_version_are_found_anywhere() {
        let normal = normalize(&command(), &words("--list -version"), Mode::Strict).unwrap();
        assert!(normal.version && !normal.help);
        assert!(normalize(&command(), &words("--topic a --help"), Mode::Strict).unwrap().help);
    }

    #[test]
    fn lenient_mode_leaves_the_unknown_to_clap() {
        let normal = normalize(&command(), &words("-topic a --lis --shift-by -2 x"), Mode::Lenient).unwrap();
        assert_eq!(normal.args, words("--topic=a --lis --shift-by=-2 -- x"));
        let normal = normalize(&command(), &words("--topic --list"), Mode::Lenient).unwrap();
        assert_eq!(normal.args, words("--topic --list"));
    }
}
