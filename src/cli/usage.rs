//! Usage errors in the words of Kafka's tools, and the two-column table of all options that they print after one.

use clap::{Arg, ArgAction, Command};

use super::error::{CliError, Kind, stderr_line};
use super::tool::Entry;

const TOTAL: usize = 100;
const LEFT_MOST: usize = 40;

/// An option (without dashes) and whether it was given.
pub type Given = (&'static str, bool);

/// Refuses a command line on which an option is missing.
pub fn require(needed: &[Given]) -> Result<(), CliError> {
    match needed.iter().find(|(_, given)| !given) {
        Some((name, _)) => Err(CliError::usage(format!("Missing required argument \"[{name}]\""))),
        None => Ok(()),
    }
}

/// Refuses a command line on which `used` stands together with one of `others`.
pub fn refuse(used: Given, others: &[Given]) -> Result<(), CliError> {
    match others.iter().find(|(_, given)| used.1 && *given) {
        Some((name, _)) => Err(CliError::usage(format!("Option \"[{}]\" can't be used with option \"[{name}]\"", used.0))),
        None => Ok(()),
    }
}

/// Tells a usage error as Kafka's tools do.
pub fn report(error: &CliError, entry: &Entry) {
    stderr_line(&error.message);
    if !error.no_table {
        print_option_table(&entry.clap_command(entry.kafka));
    }
}

/// Tells a failure as the plainer of Kafka's tools do: usage errors with the table; others by `prefix` and message, then, where the tool
/// does not expect the failure, its exception and an empty line.
pub fn report_with_trace(prefix: &str, error: &CliError, entry: &Entry) {
    if error.kind == Kind::Usage {
        return report(error, entry);
    }
    stderr_line(format!("{prefix}{}", error.kafka_message()));
    if !error.java.class.is_empty() {
        stderr_line(format!("{}\n", error.as_java()));
    }
}

/// Prints the table to standard error.
pub fn print_option_table(command: &Command) {
    stderr_line(option_table(command));
}

/// `Option` and `Description`, one option a row, sorted by name, without the last newline.
pub fn option_table(command: &Command) -> String {
    let mut rows: Vec<(String, String)> = command.get_arguments().filter(|a| a.get_long().is_some() && !a.is_hide_set()).map(row).collect();
    rows.push(("--help".into(), "Print this table.".into()));
    rows.push(("--version".into(), "Print the version.".into()));
    rows.sort();
    let left = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0).clamp(6, LEFT_MOST);
    let mut lines = vec![format!("{:left$}  {}", "Option", "Description"), format!("{:left$}  {}", "------", "-----------")];
    for (name, text) in rows {
        let mut pieces = wrap(&text, TOTAL - left - 2).into_iter();
        let first = pieces.next().unwrap_or_default();
        if name.len() > left {
            lines.push(name);
            lines.push(format!("{:left$}  {first}", ""));
        } else {
            lines.push(format!("{name:left$}  {first}").trim_end().to_owned());
        }
        lines.extend(pieces.map(|piece| format!("{:left$}  {piece}", "")));
    }
    lines.join("\n")
}

fn row(arg: &Arg) -> (String, String) {
    let long = arg.get_long().unwrap_or_default();
    let value = arg.get_value_names().and_then(|names| names.first()).map(|n| n.to_string()).unwrap_or_default();
    let name = match arg.get_action() {
        ArgAction::Set if arg.get_num_args().is_some_and(|n| n.min_values() == 0) => format!("--{long} [{value}]"),
        ArgAction::Append if arg.get_num_args().is_some_and(|n| n.min_values() == 0) => format!("--{long}"),
        ArgAction::Set | ArgAction::Append => format!("--{long} <{value}>"),
        _ => format!("--{long}"),
    };
    (name, arg.get_help().map(|h| h.to_string()).unwrap_or_default())
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_wrapped_and_aligned() {
        let command = Command::new("t")
            .arg(Arg::new("topic").long("topic").value_name("TOPIC").help("word ".repeat(40)))
            .arg(Arg::new("a").long("a").action(ArgAction::SetTrue).help("first"));
        let table = option_table(&command);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "Option           Description");
        assert_eq!(lines[2], "--a              first");
        assert!(lines[4].starts_with("--topic <TOPIC>  word word"), "{}", lines[4]);
        assert!(lines[5].starts_with("                 word"), "{}", lines[5]);
        assert!(lines.iter().all(|l| l.len() <= TOTAL));
    }
}
