//! `--offset`, `--since`, `--until`, `--until-end`, `--tail`: which stretch of each partition is read.

use super::Args;
use crate::cli::error::CliError;
use crate::cli::records::place::{self, From, Until};
use crate::cli::records::times::{self, Bare};
use crate::cli::tool::Context;
use crate::cli::usage::refuse;

/// What the options ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub from: From,
    pub until: Until,
    /// The last N records first.
    pub tail: Option<usize>,
}

/// Refuses options that contradict each other.
pub(super) fn check(args: &Args) -> Result<(), CliError> {
    let starts = [
        ("offset", args.offset.is_some()),
        ("since", args.since.is_some()),
        ("tail", args.tail.is_some()),
        ("from-beginning", args.from_beginning),
    ];
    // Kafka's tool takes --offset with --from-beginning as long as there is no partition.
    for (at, one) in starts.iter().enumerate().skip(1) {
        refuse(*one, &starts[..at])?;
    }
    refuse(("until", args.until.is_some()), &[("until-end", args.until_end)])
}

/// The stretch asked for; `None` where Kafka's own rules hold.
pub(super) fn read(args: &Args, cx: &Context) -> Result<Option<Window>, CliError> {
    let ours = args.since.is_some() || args.until.is_some() || args.until_end || args.tail.is_some();
    if !ours && (cx.is_kafka() || args.offset.is_none()) {
        return Ok(None);
    }
    let now = times::now();
    let time = |name: &str, text: &Option<String>| {
        let read = |text: &String| times::moment(text, now, Bare::Ago).map(|at| at.millis);
        let refused = |why| CliError::usage(format!("--{name}: {why}")).hint(format!("a time looks like {}", times::SHAPES));
        text.as_ref().map(read).transpose().map_err(refused)
    };
    let offset = args.offset.as_ref().map(|text| {
        let refused = |why| CliError::usage(format!("--offset: {why}")).hint(format!("an offset looks like {}", place::SHAPES));
        place::parse(text, now).map_err(refused)
    });
    let (mut from, mut until) = offset.transpose()?.unwrap_or((From::Start(0), Until::Never));
    if let Some(ms) = time("since", &args.since)? {
        from = From::Time(ms);
    }
    let by_option = time("until", &args.until)?.map(Until::Time).or(args.until_end.then_some(Until::End));
    if let Some(by_option) = by_option {
        if until != Until::Never {
            return Err(CliError::usage("--offset tells an end already: no --until or --until-end with it."));
        }
        until = by_option;
    }
    if let (From::Time(from), Until::Time(until)) = (from, until)
        && until <= from
    {
        return Err(CliError::usage("--until is not after --since."));
    }
    Ok(Some(Window { from, until, tail: args.tail }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tool::Personality;

    fn window(args: &Args) -> Result<Option<Window>, CliError> {
        let cx = Context { personality: Personality::Modern, invoked_as: String::new() };
        check(args).and_then(|()| read(args, &cx))
    }

    #[test]
    fn an_end_alone_means_from_the_beginning() {
        assert_eq!(window(&Args::default()).unwrap(), None);
        let all = Window { from: From::Start(0), until: Until::End, tail: None };
        assert_eq!(window(&Args { until_end: true, ..Args::default() }).unwrap(), Some(all));
        assert_eq!(window(&Args { offset: Some(":end".into()), ..Args::default() }).unwrap(), Some(all));
        let tail = Args { tail: Some(3), until_end: true, ..Args::default() };
        assert_eq!(window(&tail).unwrap().unwrap().tail, Some(3));
    }

    #[test]
    fn contradictions_are_refused() {
        let some = |text: &str| Some(text.to_owned());
        for bad in [
            Args { since: some("1h"), offset: some("3"), ..Args::default() },
            Args { tail: Some(1), from_beginning: true, ..Args::default() },
            Args { until: some("1h"), until_end: true, ..Args::default() },
            Args { offset: some("1:3"), until_end: true, ..Args::default() },
            Args { since: some("1h"), until: some("2h"), ..Args::default() },
            Args { since: some("soon"), ..Args::default() },
        ] {
            assert_eq!(window(&bad).unwrap_err().exit_code(), 2, "{bad:?}");
        }
    }
}
