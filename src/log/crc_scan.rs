//! Reading a log file in full: every batch with its CRC, or any batch at all behind a bad spot.

use std::sync::Arc;

use super::disk::{DiskError, DiskFile};
use super::scan::{BadBatch, ScanError, Why, in_order};
use crate::record::{BatchHeader, HEADER_LEN, RecordError};
use crate::types::Offset;

const WINDOW: usize = 256 << 10;
/// Where the bytes begin that the CRC covers.
const CRC_FROM: u64 = 21;

/// A moving view of a file.
#[derive(Debug)]
struct Window {
    file: Arc<dyn DiskFile>,
    end: u64,
    buffer: Vec<u8>,
    at: u64,
    len: usize,
}

impl Window {
    fn new(file: Arc<dyn DiskFile>, end: u64) -> Window {
        Window { file, end, buffer: Vec::new(), at: 0, len: 0 }
    }

    /// The bytes from `position` on, at least `want` of them unless the end is nearer.
    fn bytes(&mut self, position: u64, want: usize) -> Result<&[u8], DiskError> {
        let want = want.min(usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX));
        let held = |w: &Window| position >= w.at && position + want as u64 <= w.at + w.len as u64;
        if !held(self) {
            let len = usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX).min(WINDOW);
            self.buffer.resize(self.buffer.len().max(len), 0);
            self.len = self.file.read_at(&mut self.buffer[..len], position)?;
            self.at = position;
        }
        let from = usize::try_from(position - self.at).unwrap_or(usize::MAX).min(self.len);
        Ok(&self.buffer[from..self.len])
    }

    /// CRC-32C of a stretch of the file.
    fn crc(&mut self, from: u64, to: u64) -> Result<u32, DiskError> {
        let mut crc = 0;
        let mut position = from;
        while position < to {
            let left = usize::try_from(to - position).unwrap_or(usize::MAX);
            let bytes = self.bytes(position, 1)?;
            if bytes.is_empty() {
                break;
            }
            let take = bytes.len().min(left);
            crc = crc32c::crc32c_append(crc, &bytes[..take]);
            position += take as u64;
        }
        Ok(crc)
    }
}

/// Batch after batch with everything checked that can be checked without decompressing.
#[derive(Debug)]
pub struct CrcScan {
    window: Window,
    position: u64,
    previous: Offset,
    highest: Offset,
}

impl CrcScan {
    /// Reads `file` up to `end`; offsets must be above `previous` and not above `highest`.
    pub fn new(file: Arc<dyn DiskFile>, end: u64, previous: Offset, highest: Offset) -> CrcScan {
        CrcScan { window: Window::new(file, end), position: 0, previous, highest }
    }

    /// The next good batch's header; an error is final.
    #[allow(clippy::should_implement_trait, reason = "an Iterator of Results reads worse at every call")]
    pub fn next(&mut self) -> Result<Option<BatchHeader>, ScanError> {
        if self.position >= self.window.end {
            return Ok(None);
        }
        match self.check()? {
            Ok(header) => {
                self.position += header.size_in_bytes() as u64;
                self.previous = header.last_offset();
                Ok(Some(header))
            }
            Err(why) => Err(ScanError::Bad(BadBatch { position: self.position, why })),
        }
    }

    fn check(&mut self) -> Result<Result<BatchHeader, Why>, DiskError> {
        let left = self.window.end - self.position;
        let header = match BatchHeader::parse(self.window.bytes(self.position, HEADER_LEN)?) {
            Ok(header) => header,
            Err(e) => return Ok(Err(e.into())),
        };
        let needed = header.size_in_bytes() as u64;
        if needed > left {
            return Ok(Err(RecordError::Truncated { needed, available: left }.into()));
        }
        let computed = self.window.crc(self.position + CRC_FROM, self.position + needed)?;
        if computed != header.crc {
            return Ok(Err(RecordError::BadCrc { stored: header.crc, computed }.into()));
        }
        if let Err(why) = in_order(&header, self.previous) {
            return Ok(Err(why));
        }
        let last = header.last_offset();
        if last > self.highest {
            return Ok(Err(Why::TooFar { last, highest: self.highest }));
        }
        Ok(Ok(header))
    }
}

/// Looks at every position from `from` on for a whole batch with a good CRC and offsets above `above`. Gives its position.
///
/// A record may carry bytes that look like batches; so may an attacker's. The work is bounded, and giving up counts as finding: what is not
/// known to be worthless is not cut.
pub fn find_batch(file: Arc<dyn DiskFile>, from: u64, end: u64, above: Offset) -> Result<Option<u64>, DiskError> {
    let mut window = Window::new(file.clone(), end);
    let mut body = Window::new(file, end);
    let mut budget = 64 * (end.saturating_sub(from)).max(1 << 20);
    let mut position = from;
    while position + HEADER_LEN as u64 <= end {
        let bytes = window.bytes(position, HEADER_LEN)?;
        let Some(last) = bytes.len().checked_sub(HEADER_LEN) else { break };
        let candidate = (0..=last).find(|i| bytes[i + 16] == 2 && is_plausible(&bytes[*i..], end - position - *i as u64, above));
        let Some(i) = candidate else {
            position += last as u64 + 1;
            continue;
        };
        let header = BatchHeader::parse(&bytes[i..]);
        position += i as u64;
        if let Ok(header) = header {
            let size = header.size_in_bytes() as u64;
            if budget < size || body.crc(position + CRC_FROM, position + size)? == header.crc {
                return Ok(Some(position));
            }
            budget -= size;
        }
        position += 1;
    }
    Ok(None)
}

fn is_plausible(bytes: &[u8], left: u64, above: Offset) -> bool {
    let Ok(h) = BatchHeader::parse(bytes) else { return false };
    h.size_in_bytes() as u64 <= left
        && in_order(&h, above).is_ok()
        && h.attributes.0 & !0x7f == 0
        && (0..=h.last_offset_delta.saturating_add(1)).contains(&h.record_count)
}
