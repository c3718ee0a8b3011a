//! `kfk completions bash|zsh|fish`: scripts that let the shell ask kfk itself, so that topic and group names complete from the broker.
//!
//! The scripts call `kfk` back with `KFK_COMPLETE` set to the shell's name and what was typed so far; [`answer`] replies from the same clap
//! tree that parses commands. The names of Kafka's own scripts are registered too, for links to kfk.
//!
//! Bash cuts words at `:` and `=`, which would tear `localhost:9092` apart; its script therefore hands over the whole line, and gets back
//! what belongs after the last of those characters.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Command;
use clap::ValueEnum;
use clap_complete::engine::complete;
use clap_complete::env::{CompleteEnv, EnvCompleter, Fish, Zsh};

use super::error::CliError;
use super::out::Out;
use super::tool::{Context, Exit, Tool};
use super::{TOOLS, command, kafka_tool};

const VARIABLE: &str = "KFK_COMPLETE";

/// The script for bash; `NAMES` are the commands it is for.
const BASH: &str = r#"_kfk() {
    local IFS=$'\n'
    COMPREPLY=($(KFK_COMPLETE=bash kfk -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
    if [[ "${COMPREPLY[0]-}" == *[=/:,] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o default -F _kfk NAMES
"#;

/// What clap's script for zsh has, and what is in its place: what ends in an equals sign goes on, so no blank follows it.
const ZSH_OPEN: [(&str, &str); 3] = [
    ("local -a other=()", "local -a other=()\n        local -a open=()"),
    (
        "            else\n                other+=(",
        "            elif [[ \"$value\" == *= ]]; then\n                open+=(\"$completion\")\n            else\n                other+=(",
    ),
    ("_describe -V 'values' other\n", "_describe -V 'values' other\n        [[ -n $open ]] && _describe -V 'values' open -S ''\n"),
];

/// Ends the script for zsh.
const ZSH_FIRST: &str = r#"if [[ $funcstack[1] == _kfk ]]; then
    _clap_dynamic_completer_kfk "$@"
fi"#;

/// A shell that kfk writes completions for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell to write for.
    #[arg(value_enum)]
    pub shell: Shell,
}

impl Tool for Args {
    const COMMAND: &'static str = "completions";
    const ABOUT: &'static str = "Print shell completions, which complete topic and group names from the broker.";

    fn run(self, _: &Context) -> Result<Exit, CliError> {
        let mut out = Out::stdout();
        out.bytes(&script(self.shell)?)?;
        out.flush()?;
        Ok(Exit::OK)
    }
}

/// The text to source in `shell`.
pub fn script(shell: Shell) -> io::Result<Vec<u8>> {
    let mut names = vec!["kfk".to_owned()];
    for entry in TOOLS.iter().filter(|e| !e.kafka.is_empty()) {
        names.push(entry.kafka.to_owned());
        names.push(format!("{}.sh", entry.kafka));
    }
    let mut text = Vec::new();
    match shell {
        // One function, bound to all names.
        Shell::Bash => text.extend_from_slice(BASH.replace("NAMES", &names.join(" ")).as_bytes()),
        Shell::Zsh => text.extend_from_slice(zsh(&names)?.as_bytes()),
        Shell::Fish => {
            for name in &names {
                Fish.write_registration(VARIABLE, name, name, "kfk", &mut text)?;
            }
        }
    }
    let mut tidy = String::from_utf8_lossy(&text).trim().to_owned();
    tidy.push('\n');
    Ok(tidy.into_bytes())
}

/// The script for zsh, to be sourced, or found as `_kfk` in `$fpath`.
fn zsh(names: &[String]) -> io::Result<String> {
    let names = names.join(" ");
    let mut text = Vec::new();
    Zsh.write_registration(VARIABLE, "kfk", &names, "kfk", &mut text)?;
    // The names come out as one quoted word, of which zsh makes a command with blanks in its name.
    let text = String::from_utf8_lossy(&text).replace(&format!("'{names}'"), &names);
    let text = ZSH_OPEN.iter().fold(text, |text, (theirs, ours)| text.replacen(theirs, ours, 1));
    // When zsh loads the file at the first Tab it runs it in place of the function, which that Tab is waiting for.
    Ok(format!("{}\n\n{ZSH_FIRST}", text.trim()))
}

/// Answers a shell that asks for completions. False if this is an ordinary start. Never fails loudly: the person is in the middle of a line.
pub fn answer() -> bool {
    let Some(shell) = std::env::var_os(VARIABLE).filter(|v| !v.is_empty()) else { return false };
    let words = typed_words();
    if shell == "bash" {
        let replies = bash_replies(words).unwrap_or_default();
        // Nobody to tell if it cannot be written.
        let _ = io::stdout().write_all(replies.join("\n").as_bytes());
        return true;
    }
    // The shell shows nothing on failure, which is right.
    let _ = CompleteEnv::with_factory(|| tree_for(&words)).var(VARIABLE).try_complete(std::env::args_os(), None);
    true
}

/// The words on the line being completed, the program's name first.
pub fn typed_words() -> Vec<OsString> {
    let after_dashes = std::env::args_os().skip_while(|word| word != "--").skip(1);
    if std::env::var_os(VARIABLE).is_some_and(|shell| shell == "bash") {
        return after_dashes.take(1).flat_map(|line| split(&line.to_string_lossy())).map(OsString::from).collect();
    }
    after_dashes.collect()
}

fn bash_replies(words: Vec<OsString>) -> Option<Vec<String>> {
    let last = words.last()?.to_string_lossy().into_owned();
    // What bash takes for the word begins after these.
    let kept = last.rfind([':', '=']).map_or(0, |at| at + 1);
    let mut tree = tree_for(&words);
    let index = words.len() - 1;
    let found = complete(&mut tree, words, index, std::env::current_dir().ok().as_deref()).ok()?;
    let reply = |whole: &str| if whole.starts_with(&last[..kept]) { whole[kept..].to_owned() } else { whole.to_owned() };
    Some(found.iter().map(|candidate| reply(&candidate.get_value().to_string_lossy())).collect())
}

/// The words of a line; quotes and backslashes protect blanks. A blank at the end begins an empty word.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), Some(String::new()), None);
    let mut letters = line.chars();
    while let Some(c) = letters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(letters.next()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.push(word.unwrap_or_default());
    words
}

fn tree_for(words: &[OsString]) -> Command {
    match words.first().and_then(|name| kafka_tool(name)) {
        Some(entry) => entry.clap_command(entry.kafka).disable_help_flag(true),
        None => command(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_the_shell_does() {
        assert_eq!(split("kfk topics --topic 'a b' c\\ d "), ["kfk", "topics", "--topic", "a b", "c d", ""]);
        assert_eq!(split("kfk"), ["kfk"]);
    }

    #[test]
    fn zsh_puts_no_blank_behind_an_equals_sign() {
        let text = String::from_utf8(script(Shell::Zsh).unwrap()).unwrap();
        for (_, ours) in ZSH_OPEN {
            assert!(text.contains(ours), "clap's script has changed: {text}");
        }
    }

    #[test]
    fn bash_gets_what_belongs_after_its_own_word_breaks() {
        let replies = |line: &str| bash_replies(split(line).into_iter().map(OsString::from).collect()).unwrap();
        assert!(replies("kfk top").contains(&"topics".to_owned()));
        assert_eq!(replies("kfk topics --output=js"), ["json", "jsonl"]);
        assert_eq!(replies("kfk topics --bootstrap-server localhost:9092 --output ta"), ["table"]);
        assert!(replies("kafka-topics.sh --desc").contains(&"--describe".to_owned()));
    }
}
