//! Standard output, collected in blocks of 64 KiB. Formatting goes straight into the block.

use std::io::Write;

use super::error::DumpError;
use super::text;
use crate::cli::records::json;

const BLOCK: usize = 64 * 1024;

/// Collects lines and writes them in blocks. What is not flushed when it is dropped is lost: end with [`Printer::flush`].
pub struct Printer<'a> {
    buf: Vec<u8>,
    sink: &'a mut dyn Write,
}

impl<'a> Printer<'a> {
    pub fn new(sink: &'a mut dyn Write) -> Self {
        Printer { buf: Vec::with_capacity(BLOCK + 4096), sink }
    }

    pub fn text(&mut self, s: &str) -> &mut Self {
        self.buf.extend_from_slice(s.as_bytes());
        self
    }

    /// Bytes that are UTF-8 or nearly; replaced as Java does.
    pub fn utf8(&mut self, bytes: &[u8]) -> &mut Self {
        text::push_utf8(&mut self.buf, bytes);
        self
    }

    /// Bytes as JSON: a string, `{"base64":"..."}` if they are not UTF-8, or null.
    pub fn json(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        json::nullable(bytes, &mut self.buf);
        self
    }

    pub fn int(&mut self, value: impl Into<i64>) -> &mut Self {
        text::push_int(&mut self.buf, value.into());
        self
    }

    pub fn uint(&mut self, value: u64) -> &mut Self {
        text::push_uint(&mut self.buf, value);
        self
    }

    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.text(if value { "true" } else { "false" })
    }

    /// `OptionalLong.empty` or `OptionalLong[value]`.
    pub fn optional_long(&mut self, value: Option<i64>) -> &mut Self {
        match value {
            None => self.text("OptionalLong.empty"),
            Some(v) => self.text("OptionalLong[").int(v).text("]"),
        }
    }

    pub fn line(&mut self, s: &str) -> Result<(), DumpError> {
        self.text(s).end_line()
    }

    /// Ends the line, and writes the block once it is full.
    pub fn end_line(&mut self) -> Result<(), DumpError> {
        self.buf.push(b'\n');
        if self.buf.len() >= BLOCK { self.write_block() } else { Ok(()) }
    }

    fn write_block(&mut self) -> Result<(), DumpError> {
        let result = self.sink.write_all(&self.buf).map_err(DumpError::Output);
        self.buf.clear();
        result
    }

    /// Writes what is left.
    pub fn flush(&mut self) -> Result<(), DumpError> {
        self.write_block()?;
        self.sink.flush().map_err(DumpError::Output)
    }
}
