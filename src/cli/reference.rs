//! `docs/cli.md`: every command and option as one page, from the same clap tree that parses them.

use std::fmt::Write;

use clap::{Arg, Command};

use super::{TOOLS, command};

/// The page, as `kfk man --markdown` prints it.
pub fn page() -> String {
    let mut root = command();
    root.build();
    let mut page = String::from(
        "# Commands\n\n\
         Written by `scripts/generate` from the definitions that parse the command line; `kfk COMMAND --help` shows the same.\n\
         Where a script of Apache Kafka is named, kfk started under that name (with or without `.sh`) is that script.\n",
    );
    for sub in root.get_subcommands() {
        section(&mut page, "kfk", sub, 2);
    }
    page
}

fn section(page: &mut String, above: &str, command: &Command, depth: usize) {
    let name = format!("{above} {}", command.get_name());
    let _ = write!(page, "\n{} {name}\n\n", "#".repeat(depth));
    if let Some(about) = command.get_about() {
        let _ = writeln!(page, "{}", escaped(&about.to_string()));
    }
    if let Some(kafka) = TOOLS.iter().find(|t| depth == 2 && t.command == command.get_name()).map(|t| t.kafka).filter(|k| !k.is_empty()) {
        let _ = writeln!(page, "Kafka's script: `{kafka}.sh`.");
    }
    let usage = command.clone().render_usage().to_string();
    let _ = write!(page, "\n    {}\n", usage.trim_start_matches("Usage: ").replace('\n', "\n    "));
    let shown: Vec<&Arg> =
        command.get_arguments().filter(|a| !a.is_hide_set() && a.get_id() != "help" && a.get_id() != "version").collect();
    if !shown.is_empty() {
        let _ = write!(page, "\n| option | |\n|---|---|\n");
    }
    for arg in shown {
        let _ = writeln!(page, "| `{}` | {} |", spelt(arg), told(arg));
    }
    for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
        section(page, &name, sub, depth + 1);
    }
}

/// `-o, --output <FORMAT>`
fn spelt(arg: &Arg) -> String {
    let short = arg.get_short().map(|c| format!("-{c}"));
    let long = arg.get_long().map(|l| format!("--{l}"));
    let flags: Vec<String> = short.into_iter().chain(long).collect();
    let values = match arg.get_value_names() {
        Some(names) if arg.get_action().takes_values() => names.iter().map(|n| format!("<{n}>")).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    };
    [flags.join(", "), values].iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ")
}

fn told(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(|h| escaped(&h.to_string())).unwrap_or_default();
    let mut notes = Vec::new();
    let possible: Vec<String> =
        arg.get_possible_values().iter().filter(|v| !v.is_hide_set()).map(|v| format!("`{}`", v.get_name())).collect();
    if !possible.is_empty() && arg.get_action().takes_values() {
        notes.push(format!("one of {}", possible.join(", ")));
    }
    let default: Vec<String> = arg.get_default_values().iter().map(|v| format!("`{}`", v.to_string_lossy())).collect();
    if !default.is_empty() && arg.get_action().takes_values() {
        notes.push(format!("default {}", default.join(" ")));
    }
    if let Some(variable) = arg.get_env() {
        notes.push(format!("environment `{}`", variable.to_string_lossy()));
    }
    if notes.is_empty() { help } else { format!("{help} ({})", notes.join("; ")) }
}

/// In a cell of a table.
fn escaped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_section_with_options_and_kafkas_name() {
        let page = page();
        for tool in TOOLS {
            assert!(page.contains(&format!("\n## kfk {}\n", tool.command)), "{}", tool.command);
        }
        assert!(page.contains("Kafka's script: `kafka-topics.sh`."));
        assert!(page.contains("| `--data-dir <DIR>` | Where to keep topics and metadata"));
    }
}
