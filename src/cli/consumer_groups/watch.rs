//! `--describe --watch`: lag as it goes, until Ctrl-C.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::Args;
use super::describe;
use super::trend::{History, Place, Places, Trend, Whose};
use crate::cli::error::{CliError, stderr_line};
use crate::cli::out::facts::{Cell, Column, Facts, number, row, text};
use crate::cli::out::{Format, Out};
use crate::cli::tool::{Context, Exit};
use crate::client::admin::Admin;

/// No broker is asked more often.
const SOONEST: f64 = 0.1;
/// A frame has at least so many lines of a terminal, however low it is.
const LOWEST: usize = 5;

const COLUMNS: &[Column] = &[
    text("group"),
    text("topic"),
    number("partition").if_any(),
    number("lag"),
    number("consumed_per_s"),
    number("produced_per_s"),
    number("lag_per_s"),
    number("time_to_zero"),
    number("seconds_to_zero").detail(),
    text("time").detail(),
];

/// Reads the value of `--watch`. Errors: it is no length of time that makes sense.
pub(super) fn every(text: &str) -> Result<Duration, CliError> {
    let seconds = text.trim_end_matches('s').parse::<f64>().ok().filter(|s| *s >= SOONEST);
    seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()).ok_or_else(|| {
        CliError::usage(format!("--watch {text}: no number of seconds from {SOONEST} on")).hint("`--watch 5` looks every five seconds")
    })
}

/// Shows the lag of groups again and again. A look that fails is told, unless it is the first; the next one may succeed.
pub(super) async fn watch(admin: &Admin, args: &Args, every: Duration, cx: &Context) -> Result<Exit, CliError> {
    let listen = |kind| signal(kind).map_err(|e| CliError::failed("cannot listen for signals").cause(e.to_string()));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let looking = async {
        let begun = Instant::now();
        let (mut history, mut view) = (History::default(), View::new(Format::pick(args.output, cx), every));
        loop {
            let asked = tokio::time::Instant::now();
            let failure = match look(admin, args).await {
                Ok(places) => {
                    history.seen(begun.elapsed(), places);
                    None
                }
                Err(e) if view.looks == 0 => return Err(e),
                Err(e) => Some(e),
            };
            let time = jiff::Timestamp::now().round(jiff::Unit::Second).map_or_else(|_| String::new(), |t| t.to_string());
            let rows = history.trends(args.verbose).into_iter().map(|(whose, trend)| cells(&whose, trend, &time));
            view.show(Facts::new(COLUMNS, rows), failure.as_ref())?;
            tokio::time::sleep_until(asked + every).await;
        }
    };
    tokio::select! {
        ended = looking => ended,
        _ = interrupt.recv() => Ok(Exit::OK),
        _ = terminate.recv() => Err(CliError::stopped(15)),
    }
}

async fn look(admin: &Admin, args: &Args) -> Result<Places, CliError> {
    let mut places = Places::new();
    for group in describe::gather(admin, args).await? {
        for row in describe::offsets(admin, &group).await? {
            places.insert((group.id.clone(), row.partition), Place { current: row.current, end: row.end });
        }
    }
    Ok(places)
}

fn cells(whose: &Whose, trend: Trend, time: &str) -> Vec<Cell> {
    // Nothing is not less than nothing: -0.0 + 0.0 is 0.0.
    let short = |rate: Option<f64>| rate.map(|r| (r * 10.0).round() / 10.0 + 0.0);
    let (consumed, produced, growth) = (short(trend.consumed), short(trend.produced), short(trend.growth));
    let until = trend.to_zero.map(shown);
    row![&whose.group, &whose.topic, whose.partition, trend.lag, consumed, produced, growth, until, short(trend.to_zero), time]
}

/// `40s`, `5m 07s`, `3h 20m`, `2d 04h`: two parts at most.
fn shown(seconds: f64) -> String {
    // What takes longer than anybody waits is cut.
    let s = seconds.ceil().clamp(0.0, 1e9) as u64;
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m {:02}s", s / 60, s % 60),
        3600..86_400 => format!("{}h {:02}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d {:02}h", s / 86_400, s % 86_400 / 3600),
    }
}

/// Where what is seen goes: a frame that is drawn over the one before, or lines that follow each other.
struct View {
    format: Format,
    every: Duration,
    on_terminal: bool,
    /// How many have been shown.
    looks: u64,
    /// How many lines the last frame had.
    drawn: usize,
}

impl View {
    fn new(format: Format, every: Duration) -> View {
        let on_terminal = io::stdout().is_terminal() && matches!(format, Format::Table | Format::Plain);
        View { format, every, on_terminal, looks: 0, drawn: 0 }
    }

    fn show(&mut self, facts: Facts, failure: Option<&CliError>) -> Result<(), CliError> {
        let mut out = Out::stdout();
        if self.on_terminal {
            let size = rustix::termios::tcgetwinsize(io::stdout()).map_or((24, 80), |s| (s.ws_row.into(), s.ws_col.into()));
            let below = match failure {
                Some(e) => format!("error: {}", e.message),
                None => format!("every {} s; Ctrl-C ends", self.every.as_secs_f64()),
            };
            let lines = frame(facts, &below, size);
            out.bytes(over(self.drawn, &lines).as_bytes())?;
            self.drawn = lines.len();
        } else if let Some(e) = failure {
            stderr_line(format!("error: {}", e.message));
        } else {
            facts.print_on(&mut out, self.format, self.looks == 0)?;
        }
        self.looks += 1;
        out.flush()
    }
}

/// As much as fits on a terminal of this many lines and columns; if that is not all, the largest lags.
fn frame(mut facts: Facts, below: &str, (height, width): (usize, usize)) -> Vec<String> {
    // The header, the line below, and that on which the cursor stands.
    let room = height.max(LOWEST) - 3;
    let all = facts.rows.len();
    if all > room {
        let lag = |row: &Vec<Cell>| match row.get(3) {
            Some(Cell::Int(lag)) => std::cmp::Reverse(*lag),
            _ => std::cmp::Reverse(-1),
        };
        facts.rows.sort_by_key(lag);
        facts.rows.truncate(room);
    }
    let hidden = if all > room { format!("{} more with less lag; ", all - room) } else { String::new() };
    let table = facts.tables();
    let cut = |line: &str| line.chars().take(width.max(1)).collect();
    table.lines().map(cut).chain([cut(&format!("{hidden}{below}"))]).collect()
}

/// The lines in the place of the last `drawn` ones.
fn over(drawn: usize, lines: &[String]) -> String {
    let back = if drawn > 0 { format!("\x1b[{drawn}A") } else { String::new() };
    let lines: String = lines.iter().map(|line| format!("{line}\x1b[K\n")).collect();
    format!("{back}{lines}\x1b[J")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(lags: &[i64]) -> Facts {
        let whose = |n: usize| Whose { group: format!("g{n}"), topic: "t".into(), partition: None };
        let trend =
            |lag: i64| Trend { lag: Some(lag), consumed: Some(2.0), produced: None, growth: Some(-2.0), to_zero: Some(lag as f64 / 2.0) };
        Facts::new(COLUMNS, lags.iter().enumerate().map(|(n, lag)| cells(&whose(n), trend(*lag), "now")))
    }

    #[test]
    fn a_frame_fits_the_terminal_and_keeps_the_largest_lags() {
        let whole = frame(facts(&[5, 100]), "end", (24, 80));
        let words: Vec<Vec<&str>> = whole.iter().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["GROUP", "TOPIC", "LAG", "CONSUMED-PER-S", "PRODUCED-PER-S", "LAG-PER-S", "TIME-TO-ZERO"]);
        assert_eq!(words[1], ["g0", "t", "5", "2.0", "-", "-2.0", "3s"]);
        assert_eq!((whole.len(), whole[3].as_str()), (4, "end"));
        let low = frame(facts(&[5, 100, 7]), "end", (5, 12));
        assert!(low.iter().all(|line| line.chars().count() <= 12));
        let starts: Vec<&str> = low.iter().map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!(starts, ["GROUP", "g1", "g2", "1"]);
    }

    #[test]
    fn a_frame_is_drawn_over_the_one_before() {
        let lines = ["a".to_owned(), "b".to_owned()];
        assert_eq!(over(0, &lines), "a\x1b[K\nb\x1b[K\n\x1b[J");
        assert!(over(3, &lines).starts_with("\x1b[3Aa\x1b[K\n"));
    }

    #[test]
    fn lengths_of_time_have_two_parts_at_most() {
        let all = [0.0, 0.2, 59.0, 307.0, 12_000.0, 187_200.0, f64::MAX].map(shown);
        assert_eq!(all, ["0s", "1s", "59s", "5m 07s", "3h 20m", "2d 04h", "11574d 01h"]);
    }

    #[test]
    fn the_time_between_looks_is_a_number_of_seconds() {
        assert_eq!(every("0.5").unwrap(), Duration::from_millis(500));
        assert_eq!(every("3s").unwrap(), Duration::from_secs(3));
        for bad in ["", "0", "-1", "often", "nan", "inf", "1e300"] {
            assert!(every(bad).is_err(), "{bad}");
        }
    }
}
