//! The batches of a segment file one after the other, through one buffer.

use std::ops::Range;
use std::sync::Arc;

use crate::log::disk::DiskFile;
use crate::log::error::LogError;
use crate::log::scan::{BadBatch, Why, ends_below, in_order};
use crate::record::{BatchPrefix, BatchView, HEADER_LEN, RecordError};
use crate::types::Offset;

/// Whole batches with good CRCs and rising offsets. The buffer grows to the largest batch.
#[derive(Debug)]
pub struct BatchReader {
    file: Arc<dyn DiskFile>,
    position: u64,
    end: u64,
    previous: Offset,
    below: Offset,
    buffer: Vec<u8>,
    /// What the buffer holds of the file.
    at: u64,
    len: usize,
    chunk: usize,
}

impl BatchReader {
    /// From the beginning to `end`, which is between batches; offsets must be in `offsets`. `chunk`: bytes a read.
    pub fn new(file: Arc<dyn DiskFile>, end: u64, offsets: Range<Offset>, chunk: usize) -> BatchReader {
        let Range { start, end: below } = offsets;
        let (position, previous, chunk) = (0, start - 1, chunk.max(HEADER_LEN));
        BatchReader { file, position, end, previous, below, buffer: Vec::new(), at: 0, len: 0, chunk }
    }

    /// The next batch.
    #[allow(clippy::should_implement_trait, reason = "items borrow the buffer")]
    pub fn next(&mut self) -> Result<Option<BatchView<'_>>, LogError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let position = self.position;
        self.fill(HEADER_LEN)?;
        let size = match BatchPrefix::parse(self.held()) {
            Ok(prefix) => prefix.size_in_bytes(),
            Err(e) => return Err(self.bad(e.into())),
        };
        let left = self.end - position;
        if size as u64 > left {
            return Err(self.bad(RecordError::Truncated { needed: size as u64, available: left }.into()));
        }
        self.fill(size)?;
        let header = match BatchView::parse(self.held()).and_then(|b| b.check_crc().map(|()| b.header)) {
            Ok(header) => header,
            Err(e) => return Err(self.bad(e.into())),
        };
        in_order(&header, self.previous).and_then(|()| ends_below(&header, self.below)).map_err(|why| self.bad(why))?;
        self.previous = header.last_offset();
        self.position += size as u64;
        let from = usize::try_from(position - self.at).unwrap_or(usize::MAX);
        Ok(Some(BatchView { header, bytes: &self.buffer[from..from + size] }))
    }

    fn held(&self) -> &[u8] {
        let from = usize::try_from(self.position - self.at).unwrap_or(usize::MAX);
        self.buffer.get(from..self.len).unwrap_or_default()
    }

    /// Makes sure that `want` bytes from the position on are held, or all up to the end.
    fn fill(&mut self, want: usize) -> Result<(), LogError> {
        if self.held().len() >= want {
            return Ok(());
        }
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let size = want.max(self.chunk).min(left);
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        self.len = self.file.read_at(&mut self.buffer[..size], self.position)?;
        self.at = self.position;
        Ok(())
    }

    fn bad(&self, why: Why) -> LogError {
        BadBatch { position: self.position, why }.in_file(&*self.file)
    }
}
