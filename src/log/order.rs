//! What no CRC covers: a batch's base offset and leader epoch. A bit of them that rots moves records to other offsets, which are right in
//! all else, and after a clean stop nothing reads a log again.
//!
//! In a log every batch lies above the one before it and below the one after it, and `leader-epoch-checkpoint` says under which epoch each
//! offset was written. So a stretch that this process has not written is walked by its headers once, before the first time it is sent. In a
//! log without gaps that finds every batch that was moved; where compaction has left gaps, a batch may be moved inside the gap around it.
//! The last batch of a log has none above it: see [`Log::open`](super::Log), which compares the log's end with what a clean stop noted.

use super::epochs::Epochs;
use super::error::LogError;
use super::log::Log;
use super::scan::{BadBatch, Found, Scan, ScanError, Why};
use crate::record::BatchHeader;
use crate::types::{LeaderEpoch, Offset};

/// Stretches of one segment that are remembered; then the first is forgotten, and walked again if it is asked for.
const MOST: usize = 16;

/// Which parts of a segment file are known to hold batches in order, between positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Walked {
    /// From here on this process has written the file, or recovery has read it.
    own: u64,
    /// Stretches below that have been walked; they do not touch each other. The one that grew last is the last.
    stretches: Vec<(u64, u64)>,
    /// The first batch that is out of order, once it was met. Nothing is served from there on.
    bad: Option<Box<BadBatch>>,
}

impl Walked {
    /// Nothing is known of a file of `size` bytes; what is appended to it will be.
    pub fn nothing(size: u64) -> Walked {
        Walked { own: size, ..Walked::default() }
    }

    /// The file now ends at `size`.
    pub fn cut(&mut self, size: u64) {
        self.own = self.own.min(size);
        if self.bad.as_ref().is_some_and(|bad| bad.position >= size) {
            self.bad = None;
        }
    }

    #[inline]
    pub fn has(&self, from: u64, to: u64) -> bool {
        from >= self.own || self.stretches.iter().any(|(a, b)| *a <= from && to.min(self.own) <= *b)
    }

    fn add(&mut self, from: u64, to: u64) {
        let (mut from, mut to) = (from, to);
        self.stretches.retain(|(a, b)| {
            let apart = *b < from || to < *a;
            if !apart {
                (from, to) = (from.min(*a), to.max(*b));
            }
            apart
        });
        if self.stretches.len() >= MOST {
            self.stretches.remove(0);
        }
        self.stretches.push((from, to));
    }
}

/// What a walk found.
enum Walk {
    InOrder,
    Bad(BadBatch),
}

impl Log {
    /// How far the batches of segment `i` between the positions `from` and `to` may be served: all of them, or those before the first that
    /// is out of order.
    ///
    /// Errors: `Corrupt` if that is the first one, or lies before it.
    #[inline]
    pub(super) fn in_order_upto(&mut self, i: usize, from: u64, to: u64) -> Result<u64, LogError> {
        if self.segments[i].walked.has(from, to) { Ok(to) } else { self.walk(i, from, to) }
    }

    /// What the indexes of segment `i` say is all that its batches say: not if they had to be made anew, and that came to a bad place.
    ///
    /// Errors: `Corrupt` then.
    pub(super) fn check_indexed(&mut self, i: usize) -> Result<(), LogError> {
        let (size, is_rebuilt) = (self.segments[i].size, self.segments[i].is_rebuilt());
        if is_rebuilt { self.check_order(i, 0, size) } else { Ok(()) }
    }

    /// Errors: `Corrupt` if any batch of segment `i` between the positions is out of order.
    pub(super) fn check_order(&mut self, i: usize, from: u64, to: u64) -> Result<(), LogError> {
        if self.in_order_upto(i, from, to)? >= to {
            return Ok(());
        }
        let segment = &mut self.segments[i];
        match segment.walked.bad.clone() {
            Some(bad) => Err(bad.in_file(&*segment.file(&self.home)?)),
            None => Ok(()),
        }
    }

    /// No batch between the offset asked for and the batch at `position`, where the next one begins, was moved out of the way.
    pub(super) fn check_gap(&mut self, i: usize, position: u64) -> Result<(), LogError> {
        let before = self.segments[i].position_before(&self.home, self.config.index_interval_bytes, position)?;
        self.check_order(i, before, position)
    }

    #[cold]
    fn walk(&mut self, i: usize, from: u64, to: u64) -> Result<u64, LogError> {
        if self.segments[i].walked.bad.is_none() {
            let upto = to.min(self.segments[i].walked.own);
            let near = self.segments[i].position_before(&self.home, self.config.index_interval_bytes, from)?;
            let mut walk = self.walk_headers(i, near, from, upto)?;
            if let Walk::Bad(_) = walk {
                // It may be the index that is wrong; and what is before a bad batch helps to say which one it is.
                walk = self.walk_headers(i, 0, from, upto)?;
            }
            match walk {
                Walk::InOrder => {
                    self.segments[i].walked.add(from, upto);
                    return Ok(to);
                }
                Walk::Bad(bad) => {
                    tracing::error!("{}: segment {}: {bad}; it is served up to there only", self.home.partition, self.segments[i].base);
                    self.segments[i].walked.bad = Some(Box::new(bad));
                }
            }
        }
        let segment = &mut self.segments[i];
        match segment.walked.bad.clone() {
            Some(bad) if bad.position <= from => Err(bad.in_file(&*segment.file(&self.home)?)),
            Some(bad) => Ok(to.min(bad.position)),
            None => Ok(to),
        }
    }

    /// Walks from the batch at `start` to the one at `to`, which is looked at as a neighbour only, as are those before `from`.
    fn walk_headers(&mut self, i: usize, start: u64, from: u64, to: u64) -> Result<Walk, LogError> {
        let next_base = self.end_of_segment(i);
        let segment = &mut self.segments[i];
        let mut scan = Scan::new(segment.file(&self.home)?, start, segment.size, segment.base - 1).below(next_base);
        let (mut behind, mut last) = (segment.base, None);
        loop {
            let found = match scan.next() {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(Walk::InOrder),
                Err(ScanError::Disk(e)) => return Err(e.into()),
                Err(ScanError::Bad(bad)) => return Ok(Walk::Bad(first_bad(bad, last))),
            };
            if found.position >= to {
                return Ok(Walk::InOrder);
            }
            if found.position >= from
                && let Err(why) = check_epoch(&self.epochs, self.start, &found.header)
            {
                return Ok(Walk::Bad(BadBatch { position: found.position, why }));
            }
            last = Some((found, found.header.base_offset > behind));
            behind = found.header.next_offset();
        }
    }
}

/// Of two neighbours that are out of order the first is the one that was moved, if it lies behind a gap.
fn first_bad(bad: BadBatch, last: Option<(Found, bool)>) -> BadBatch {
    match (&bad.why, last) {
        (Why::Order { base: next, .. }, Some((Found { position, header }, true))) if *next <= header.last_offset() => {
            BadBatch { position, why: Why::Jump { base: header.base_offset, last: header.last_offset() } }
        }
        _ => bad,
    }
}

/// The epoch on a batch must be the one that its offset was written under. Unknown: compaction or retention may have taken its beginning.
fn check_epoch(epochs: &Epochs, start: Offset, header: &BatchHeader) -> Result<(), Why> {
    let found = header.partition_leader_epoch;
    match noted_epoch(epochs, start, header) {
        Some(expected) if expected != found && found != -1 => Err(Why::Epoch { found, expected }),
        _ => Ok(()),
    }
}

/// What the checkpoint says of a batch in a log that starts at `start`: the first epoch is noted from there on.
pub(super) fn noted_epoch(epochs: &Epochs, start: Offset, header: &BatchHeader) -> Option<LeaderEpoch> {
    if header.last_offset() >= start { epochs.epoch_of(header.base_offset.max(start)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_grow_together_and_a_bounded_number_is_kept() {
        let mut walked = Walked::nothing(1000);
        assert!(!walked.has(0, 10) && !walked.has(990, 1010) && walked.has(1000, 1010), "what is appended is known");
        walked.add(0, 10);
        walked.add(20, 30);
        assert!(walked.has(0, 10) && walked.has(22, 30) && !walked.has(5, 25));
        walked.add(10, 20);
        assert!(walked.has(0, 30) && !walked.has(0, 31));
        assert_eq!(walked.stretches, [(0, 30)]);
        walked.add(900, 1000);
        assert!(walked.has(950, 2000), "the rest is our own");
        for i in 1..=MOST as u64 {
            walked.add(40 * i, 40 * i + 1);
        }
        assert_eq!(walked.stretches.len(), MOST);
        assert!(!walked.has(0, 30), "the oldest go first");
        walked.cut(500);
        assert!(walked.has(500, 600) && !walked.has(499, 600));
    }
}
