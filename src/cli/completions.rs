//! `kfk completions bash|zsh|fish`: scripts that let the shell ask kfk itself, so that topic and group names complete from the broker.
//!
//! The scripts call `kfk` back with `KFK_COMPLETE` set and the words typed so far; [`answer`] replies from the same clap tree that parses
//! commands. The names of Kafka's own scripts are registered too, for links to kfk.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Command;
use clap::ValueEnum;
use clap_complete::env::{Bash, CompleteEnv, EnvCompleter, Fish, Zsh};

use super::error::CliError;
use super::out::Out;
use super::tool::{Context, Exit, Tool};
use super::{TOOLS, command, kafka_tool};

const VARIABLE: &str = "KFK_COMPLETE";

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
        Shell::Bash => Bash.write_registration(VARIABLE, "kfk", &names.join(" "), "kfk", &mut text)?,
        Shell::Zsh => Zsh.write_registration(VARIABLE, "kfk", &names.join(" "), "kfk", &mut text)?,
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

/// Answers a shell that asks for completions. False if this is an ordinary start. Never fails loudly: the person is in the middle of a line.
pub fn answer() -> bool {
    if std::env::var_os(VARIABLE).is_none_or(|v| v.is_empty()) {
        return false;
    }
    let words: Vec<OsString> = typed_words().collect();
    let result = CompleteEnv::with_factory(|| tree_for(&words)).var(VARIABLE).try_complete(std::env::args_os(), None);
    if result.is_err() {
        // The shell shows nothing; an error text would only disturb the prompt.
        let _ = io::stderr().flush();
    }
    true
}

/// The words on the line being completed, the program's name first.
pub fn typed_words() -> impl Iterator<Item = OsString> {
    std::env::args_os().skip_while(|word| word != "--").skip(1)
}

fn tree_for(words: &[OsString]) -> Command {
    match words.first().and_then(|name| kafka_tool(name)) {
        Some(entry) => entry.clap_command(entry.kafka).disable_help_flag(true),
        None => command(),
    }
}
