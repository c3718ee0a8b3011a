//! `--list`: group ids, and with `--state` and `--type` these too.

use super::Args;
use crate::cli::error::CliError;
use crate::cli::out::facts::{Column, Facts, row, text};
use crate::cli::out::plain::pad;
use crate::cli::out::{Format, Out};
use crate::cli::tool::Context;
use crate::client::admin::{Admin, GroupListing};

/// The states that a consumer group can be in; in the order in which Kafka's tool names them.
const STATES: [&str; 7] = ["Assigning", "Stable", "Empty", "PreparingRebalance", "Reconciling", "Dead", "CompletingRebalance"];
const TYPES: [&str; 2] = ["Consumer", "Classic"];

/// Which groups to list: names of states and types in the brokers' spelling; empty: all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    states: Vec<String>,
    types: Vec<String>,
}

impl Filter {
    /// Reads the values of `--state` and `--type`. Errors: there is no such state or type.
    pub fn read(args: &Args) -> Result<Filter, CliError> {
        let one_of = |given: Option<&str>, known: &[&str], what: &str| {
            let given = given.unwrap_or_default();
            let find = |name: &str| known.iter().find(|k| k.eq_ignore_ascii_case(name.trim())).map(|k| (*k).to_owned());
            let found: Option<Vec<String>> = given.split(',').filter(|_| !given.is_empty()).map(find).collect();
            found.ok_or_else(|| CliError::usage(format!("Invalid {what}s list '{given}'. Valid {what}s are: {}", known.join(", "))))
        };
        let state = one_of(args.state.as_deref(), &STATES, "state").map_err(|e| {
            // Kafka's tool speaks of a "state list", but of a "types list".
            CliError::usage(e.message.replacen("states list", "state list", 1))
        })?;
        Ok(Filter { states: state, types: one_of(args.kind.as_deref(), &TYPES, "type")? })
    }
}

/// The consumer groups of the cluster, of either protocol.
pub(super) async fn groups(admin: &Admin, filter: &Filter) -> Result<Vec<GroupListing>, CliError> {
    let is_consumer = |g: &GroupListing| {
        matches!(g.protocol_type.as_str(), "" | "consumer") && matches!(g.kind.to_ascii_lowercase().as_str(), "" | "classic" | "consumer")
    };
    // Asked for here again: old brokers do not filter.
    let wanted = |given: &[String], value: &str| given.is_empty() || given.iter().any(|g| g.eq_ignore_ascii_case(value));
    let mut all = admin.list_groups(&filter.states, &filter.types).await?;
    all.retain(|g| is_consumer(g) && wanted(&filter.states, &g.state) && wanted(&filter.types, &g.kind));
    Ok(all)
}

/// Prints the groups.
pub(super) async fn list(admin: &Admin, args: &Args, cx: &Context) -> Result<(), CliError> {
    let filter = Filter::read(args)?;
    let found = groups(admin, &filter).await?;
    let (types, states) = (args.kind.is_some(), args.state.is_some());
    let mut out = Out::stdout();
    const COLUMNS: &[Column] = &[text("group"), text("type"), text("state")];
    let row = |g: &GroupListing| row![&g.group, capital(&g.kind), &g.state];
    Facts::new(COLUMNS, found.iter().map(row)).print(&mut out, Format::pick(args.output, cx), |out| match types || states {
        true => plain(out, &found, types, states),
        false => found.iter().try_for_each(|g| out.line(&g.group)),
    })?;
    out.flush()
}

fn plain(out: &mut Out, found: &[GroupListing], types: bool, states: bool) -> Result<(), CliError> {
    let width = found.iter().map(|g| g.group.chars().count()).fold(15, usize::max) + 10;
    let mut row = |group: &str, kind: &str, state: &str| {
        let mut line = pad(group, width);
        for (_, cell) in [(types, kind), (states, state)].iter().filter(|(shown, _)| *shown) {
            line.push(' ');
            line.push_str(&pad(cell, 20));
        }
        out.line(line)
    };
    row("GROUP", "TYPE", "STATE")?;
    found.iter().try_for_each(|g| row(&g.group, &capital(&g.kind), &g.state))
}

/// `classic` as `Classic`.
fn capital(kind: &str) -> String {
    let mut letters = kind.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_else(|| "Unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_ignore_case_and_refuse_what_is_no_state() {
        let args = Args { state: Some("stable, EMPTY".into()), kind: Some("classic".into()), ..Args::default() };
        assert_eq!(Filter::read(&args).unwrap(), Filter { states: vec!["Stable".into(), "Empty".into()], types: vec!["Classic".into()] });
        let args = Args { state: Some("nosuch".into()), ..Args::default() };
        assert!(Filter::read(&args).unwrap_err().message.starts_with("Invalid state list 'nosuch'. Valid states are: Assigning, "));
        let args = Args { kind: Some("share".into()), ..Args::default() };
        assert_eq!(Filter::read(&args).unwrap_err().message, "Invalid types list 'share'. Valid types are: Consumer, Classic");
    }
}
