//! A progress bar on standard error: only on a terminal, only where the end is known, and only for what takes a while.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);
/// Steps between two looks at the clock.
const EVERY: u32 = 256;

/// How far a command is on its way through `total` bytes.
pub struct Progress {
    label: String,
    total: u64,
    started: Instant,
    calls: u32,
    wanted: bool,
    template: &'static str,
    bar: Option<ProgressBar>,
}

const BYTES: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {eta}";
const RECORDS: &str = "{msg} {wide_bar} {human_pos}/{human_len} {rate}/s {eta}";
/// Where no end is known.
const COUNT: &str = "{msg} {human_pos} {rate}/s";

impl Progress {
    /// Nothing is shown yet, and never if standard error is no terminal or if standard output is one (the data itself shows the progress).
    pub fn over(total: u64, label: &str) -> Progress {
        let wanted = io::stderr().is_terminal() && !io::stdout().is_terminal();
        Progress { label: label.to_owned(), total, started: Instant::now(), calls: 0, wanted, template: BYTES, bar: None }
    }

    /// For a command whose output comes at the end: shown wherever standard error is a terminal.
    pub fn of_checking(total: u64, label: &str) -> Progress {
        let mut progress = Progress::over(total, label);
        progress.wanted = io::stderr().is_terminal();
        progress
    }

    /// For a command that moves records; `total` 0: nobody knows how many. Shown wherever standard error is a terminal.
    pub fn of_records(total: u64, label: &str) -> Progress {
        let mut progress = Progress::of_checking(total, label);
        progress.template = if total == 0 { COUNT } else { RECORDS };
        progress
    }

    /// `done` bytes (or records) are behind us. Cheap enough to be called for every batch.
    pub fn reached(&mut self, done: u64) {
        if !self.wanted {
            return;
        }
        self.calls += 1;
        // Records come many at a call.
        if self.calls < EVERY && self.template == BYTES {
            return;
        }
        self.calls = 0;
        if self.bar.is_none() && self.started.elapsed() > PATIENCE {
            let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // A bar without its rate is no reason to stop.
                let _ = write!(out, "{:.0}", state.per_sec());
            };
            let style = ProgressStyle::with_template(self.template).map(|style| style.with_key("rate", rate));
            let bar = ProgressBar::new(self.total).with_message(self.label.clone());
            self.bar = Some(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
