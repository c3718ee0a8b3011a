//! The four offsets of a partition, which keep their order: log start <= last stable <= high watermark <= log end.

use crate::types::Offset;

/// Changed only by the setters here, each of which keeps the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offsets {
    log_start: Offset,
    last_stable: Offset,
    high_watermark: Offset,
    log_end: Offset,
}

impl Offsets {
    /// Of a log that spans `log_start..log_end` with nothing known to be committed.
    pub fn new(log_start: Offset, log_end: Offset) -> Self {
        let log_end = log_end.max(log_start);
        Offsets { log_start, last_stable: log_start, high_watermark: log_start, log_end }
    }

    /// First offset still readable.
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// End of what is decided: no open transaction before it.
    pub fn last_stable(&self) -> Offset {
        self.last_stable
    }

    /// End of what is committed.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// The next offset to be given.
    pub fn log_end(&self) -> Offset {
        self.log_end
    }

    /// Moves the end; a truncation pulls the others back with it, though never before the start.
    pub fn set_log_end(&mut self, end: Offset) {
        self.log_end = end.max(self.log_start);
        self.high_watermark = self.high_watermark.min(self.log_end);
        self.last_stable = self.last_stable.min(self.high_watermark);
    }

    /// Moves the start forward; what lies before it counts as committed and decided.
    pub fn set_log_start(&mut self, start: Offset) {
        self.log_start = self.log_start.max(start);
        self.log_end = self.log_end.max(self.log_start);
        self.high_watermark = self.high_watermark.max(self.log_start);
        self.last_stable = self.last_stable.max(self.log_start);
    }

    /// Moves the high watermark forward, at most to the log end.
    pub fn raise_high_watermark(&mut self, to: Offset) {
        self.high_watermark = self.high_watermark.max(to.min(self.log_end));
    }

    /// Moves the last stable offset to `first_unstable`, within log start and high watermark.
    pub fn set_last_stable(&mut self, first_unstable: Offset) {
        self.last_stable = first_unstable.clamp(self.log_start, self.high_watermark);
    }

    /// Panics when the order is broken.
    pub fn check(&self) {
        assert!(
            self.log_start <= self.last_stable && self.last_stable <= self.high_watermark && self.high_watermark <= self.log_end,
            "{self:?}"
        );
    }
}
