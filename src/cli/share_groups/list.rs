//! `--list`: group ids, and with `--state` states too.

use super::Args;
use crate::cli::error::CliError;
use crate::cli::out::facts::{Column, Facts, row, text};
use crate::cli::out::plain::row as padded;
use crate::cli::out::{Format, Out};
use crate::cli::tool::Context;
use crate::client::admin::{Admin, GroupListing};

/// The states that a share group can be in; in the order in which Kafka's tool names them.
const STATES: [&str; 3] = ["Stable", "Empty", "Dead"];

/// The states that `--list` is about; none: all. Errors: there is no such state.
pub(super) fn states(args: &Args) -> Result<Vec<String>, CliError> {
    let given = args.state.as_deref().unwrap_or_default();
    let find = |name: &str| STATES.iter().find(|k| k.eq_ignore_ascii_case(name.trim())).map(|k| (*k).to_owned());
    let found: Option<Vec<String>> = given.split(',').filter(|_| !given.is_empty()).map(find).collect();
    found.ok_or_else(|| CliError::usage(format!("Invalid state list '{given}'. Valid states are: {}", STATES.join(", "))))
}

/// The share groups of the cluster that are in one of these states.
pub(super) async fn groups(admin: &Admin, states: &[String]) -> Result<Vec<GroupListing>, CliError> {
    let mut all = admin.list_groups(states, &["share".to_owned()]).await?;
    // Asked for here again: old brokers do not filter.
    all.retain(|g| g.kind.eq_ignore_ascii_case("share") && (states.is_empty() || states.contains(&g.state)));
    Ok(all)
}

/// Prints the groups.
pub(super) async fn list(admin: &Admin, args: &Args, cx: &Context) -> Result<(), CliError> {
    let found = groups(admin, &states(args)?).await?;
    let mut out = Out::stdout();
    const COLUMNS: &[Column] = &[text("group"), text("state")];
    Facts::new(COLUMNS, found.iter().map(|g| row![&g.group, &g.state])).print(&mut out, Format::pick(args.output, cx), |out| {
        if args.state.is_none() {
            return found.iter().try_for_each(|g| out.line(&g.group));
        }
        let width = found.iter().map(|g| g.group.chars().count()).fold(15, usize::max);
        out.line(padded(&[("GROUP", width), ("STATE", 0)]))?;
        found.iter().try_for_each(|g| out.line(padded(&[(&g.group, width), (&g.state, 0)])))
    })?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_ignore_case_and_must_be_those_of_share_groups() {
        let of = |state: &str| states(&Args { state: Some(state.into()), ..Args::default() }).map_err(|e| e.message);
        assert_eq!(of("stable, EMPTY"), Ok(vec!["Stable".to_owned(), "Empty".to_owned()]));
        assert_eq!(of(""), Ok(vec![]));
        assert_eq!(of("Assigning"), Err("Invalid state list 'Assigning'. Valid states are: Stable, Empty, Dead".to_owned()));
    }
}
