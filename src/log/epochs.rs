//! `leader-epoch-checkpoint`: at which offset each leader epoch began. Both columns strictly increase.
//!
//! ```text
//! 0          version
//! 2          number of lines that follow
//! 0 0        epoch, its first offset
//! 4 134
//! ```

use super::checkpoint;
use crate::types::{LeaderEpoch, Offset};

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    pub epoch: LeaderEpoch,
    pub start: Offset,
}

/// What a question about an epoch's end is answered with; -1 and -1 when unknown (O9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    pub epoch: LeaderEpoch,
    pub end: Offset,
}

impl EpochEnd {
    pub const UNKNOWN: EpochEnd = EpochEnd { epoch: -1, end: -1 };
}

/// The epochs of one log, oldest first. Changing methods tell whether anything changed, so that the caller writes the file then only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    entries: Vec<EpochStart>,
}

impl Epochs {
    pub fn entries(&self) -> &[EpochStart] {
        &self.entries
    }

    pub fn latest(&self) -> Option<EpochStart> {
        self.entries.last().copied()
    }

    /// Notes that `epoch` begins at `start`. Entries that this contradicts (not older, or not before) go.
    pub fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        let needed = match self.latest() {
            None => true,
            Some(latest) => epoch != latest.epoch || start < latest.start,
        };
        if epoch < 0 || start < 0 || !needed {
            return false;
        }
        let keep = self.entries.partition_point(|e| e.epoch < epoch && e.start < start);
        self.entries.truncate(keep);
        self.entries.push(EpochStart { epoch, start });
        true
    }

    /// O9. `log_end` is the end of the current epoch.
    pub fn end_of(&self, asked: LeaderEpoch, log_end: Offset) -> EpochEnd {
        if asked < 0 {
            return EpochEnd::UNKNOWN;
        }
        if self.latest().is_some_and(|l| l.epoch == asked) {
            return EpochEnd { epoch: asked, end: log_end };
        }
        let above = self.entries.partition_point(|e| e.epoch <= asked);
        let Some(next) = self.entries.get(above) else { return EpochEnd::UNKNOWN };
        let epoch = above.checked_sub(1).map_or(asked, |i| self.entries[i].epoch);
        EpochEnd { epoch, end: next.start }
    }

    /// The epoch under which the record at `offset` was written, if known.
    pub fn epoch_of(&self, offset: Offset) -> Option<LeaderEpoch> {
        let above = self.entries.partition_point(|e| e.start <= offset);
        above.checked_sub(1).map(|i| self.entries[i].epoch)
    }

    /// The log now ends at `end`: later epochs are forgotten.
    pub fn truncate_end(&mut self, end: Offset) -> bool {
        let keep = self.entries.partition_point(|e| e.start < end);
        let changed = keep < self.entries.len();
        self.entries.truncate(keep);
        changed
    }

    /// The log now starts at `start`: the epoch that covers it begins there.
    pub fn truncate_start(&mut self, start: Offset) -> bool {
        let covering = self.entries.partition_point(|e| e.start <= start);
        let Some(last) = covering.checked_sub(1) else { return false };
        let changed = last > 0 || self.entries[last].start < start;
        self.entries.drain(..last);
        self.entries[0].start = start;
        changed
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        use std::fmt::Write;
        let text = checkpoint::print(self.entries.iter(), |e, out| {
            // Writing into a String cannot fail.
            let _ = write!(out, "{} {}", e.epoch, e.start);
        });
        text.into_bytes()
    }

    /// `None` if the bytes are not such a file, or not in order.
    pub fn decode(bytes: &[u8]) -> Option<Epochs> {
        let line = |text: &str| {
            let (epoch, start) = text.split_once(' ')?;
            Some(EpochStart { epoch: epoch.parse().ok()?, start: start.parse().ok()? })
        };
        let entries = checkpoint::parse(bytes, line).ok()?;
        let ordered = entries.windows(2).all(|w| w[0].epoch < w[1].epoch && w[0].start < w[1].start);
        let valid = entries.first().is_none_or(|e| e.epoch >= 0 && e.start >= 0);
        (ordered && valid).then_some(Epochs { entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(list: &[(i32, i64)]) -> Epochs {
        Epochs { entries: list.iter().map(|&(epoch, start)| EpochStart { epoch, start }).collect() }
    }

    #[test]
    fn l9_kafkas_file_round_trips_and_disorder_is_refused() {
        let text = b"0\n3\n0 0\n2 44\n4 134\n";
        let read = Epochs::decode(text).unwrap();
        assert_eq!(read, epochs(&[(0, 0), (2, 44), (4, 134)]));
        assert_eq!(read.encode(), text);
        assert_eq!(Epochs::decode(b"0\n0\n").unwrap(), Epochs::default());
        for bad in ["0\n2\n1 0\n0 5\n", "0\n2\n0 5\n1 5\n", "0\n1\n-1 0\n", "0\n1\n0\n", "0\n2\n0 0\n", "1\n0\n"] {
            assert_eq!(Epochs::decode(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn l9_assigning_keeps_both_columns_rising() {
        let mut e = Epochs::default();
        assert!(e.assign(0, 0));
        assert!(!e.assign(0, 10), "the epoch already began");
        assert!(e.assign(2, 44));
        assert!(e.assign(4, 44), "an epoch without records is replaced");
        assert_eq!(e, epochs(&[(0, 0), (4, 44)]));
        assert!(e.assign(3, 50), "an older epoch pushes out newer ones");
        assert_eq!(e, epochs(&[(0, 0), (3, 50)]));
        assert!(!e.assign(-1, 60));
    }

    #[test]
    fn o9_end_of_an_epoch() {
        let e = epochs(&[(2, 10), (4, 20), (7, 30)]);
        let end = |asked| {
            let EpochEnd { epoch, end } = e.end_of(asked, 99);
            (epoch, end)
        };
        assert_eq!(end(7), (7, 99), "the current epoch ends at the log end");
        assert_eq!(end(4), (4, 30));
        assert_eq!(end(5), (4, 30), "largest known epoch not above the asked one");
        assert_eq!(end(1), (1, 10), "below all known");
        assert_eq!(end(8), (-1, -1), "above all known");
        assert_eq!(end(-1), (-1, -1));
        assert_eq!(Epochs::default().end_of(0, 5), EpochEnd::UNKNOWN);
        assert_eq!([5, 10, 19, 20, 300].map(|o| e.epoch_of(o)), [None, Some(2), Some(2), Some(4), Some(7)]);
    }

    #[test]
    fn l9_the_logs_real_bounds_cut_stale_entries() {
        let mut e = epochs(&[(2, 10), (4, 20), (7, 30)]);
        assert!(!e.truncate_end(31));
        assert!(e.truncate_end(30));
        assert_eq!(e, epochs(&[(2, 10), (4, 20)]));
        assert!(!e.truncate_start(10));
        assert!(e.truncate_start(15));
        assert_eq!(e, epochs(&[(2, 15), (4, 20)]));
        assert!(!e.truncate_start(15));
        assert!(e.truncate_start(20));
        assert_eq!(e, epochs(&[(4, 20)]));
        assert!(!e.truncate_start(5));
        assert!(e.truncate_start(25));
        assert_eq!(e, epochs(&[(4, 25)]));
    }
}
