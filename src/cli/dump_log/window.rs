//! Reads pieces of a file through a window of bounded size, without ever writing to it.
//!
//! Plain reads, no mapping: measured on segments of 0.2 and 0.5 GB they are as fast (0.11 s against 0.12 to 0.16 s for 0.5 GB, every CRC
//! checked), a dump stays at 4 MB of memory instead of the file's size, and a file that a broker cuts meanwhile is no signal but an end.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::error::DumpError;

/// Small enough to stay in the second-level cache between the copy, the CRC and the parsing; large enough that the calls do not count.
const WINDOW: usize = 256 * 1024;

/// A file and the part of it that was read last.
pub struct FileWindow {
    file: File,
    path: String,
    size: u64,
    buf: Vec<u8>,
    /// Where `buf` begins in the file.
    start: u64,
    step: usize,
}

impl FileWindow {
    /// Opens `path` for reading. Its size is taken now and does not change, even if the file grows.
    pub fn open(path: &str) -> Result<FileWindow, DumpError> {
        Self::with_step(path, WINDOW)
    }

    /// As [`FileWindow::open`], reading `step` bytes at a time; a file that is not larger is read as a whole.
    pub fn with_step(path: &str, step: usize) -> Result<FileWindow, DumpError> {
        let fail = |action| move |source| DumpError::File { action, path: path.to_owned(), source };
        let file = File::open(path).map_err(fail("open"))?;
        let meta = file.metadata().map_err(fail("read"))?;
        if meta.is_dir() {
            return Err(fail("read")(std::io::ErrorKind::IsADirectory.into()));
        }
        Ok(FileWindow { file, path: path.to_owned(), size: meta.len(), buf: Vec::new(), start: 0, step })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// `len` bytes at `position`, or `None` if the file ends before. Takes memory for at most what the file holds.
    pub fn bytes(&mut self, position: u64, len: usize) -> Result<Option<&[u8]>, DumpError> {
        let Some(end) = position.checked_add(len as u64).filter(|end| *end <= self.size) else {
            return Ok(None);
        };
        if position < self.start || end > self.start + self.buf.len() as u64 {
            self.fill(position, len)?;
        }
        let from = (position - self.start) as usize;
        // Shorter than asked for only if somebody cut the file meanwhile.
        Ok(self.buf.get(from..from + len))
    }

    fn fill(&mut self, position: u64, len: usize) -> Result<(), DumpError> {
        let position = if self.size <= self.step as u64 { 0 } else { position };
        let want = (len.max(self.step) as u64).min(self.size - position) as usize;
        self.buf.resize(want, 0);
        let mut got = 0;
        while got < want {
            match self.file.read_at(&mut self.buf[got..], position + got as u64) {
                Ok(0) => break,
                Ok(n) => got += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    self.buf.clear();
                    return Err(DumpError::File { action: "read", path: self.path.clone(), source });
                }
            }
        }
        self.buf.truncate(got);
        self.start = position;
        Ok(())
    }
}
