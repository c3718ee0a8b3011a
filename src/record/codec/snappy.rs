//! snappy: xerial's framing of 32 KiB blocks, and (on read) one raw block without framing, as some clients write it.
//!
//! ```text
//! 82 53 4e 41 50 50 59 00   magic
//! 00 00 00 01 00 00 00 01   version, compatible version
//! then blocks: u32 big-endian length, raw snappy block of that length; the header may appear again between blocks
//! ```

use super::{Blocks, Codec, RecordError, undecodable};

const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const HEADER: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
const BLOCK: usize = 32 * 1024;
/// A copy of three bytes yields 64 at most.
const MOST_EXPANSION: usize = 22;

pub(super) struct Decoder<'a> {
    rest: &'a [u8],
    /// Known after the first look at the input.
    framed: bool,
    decoder: snap::raw::Decoder,
}

impl<'a> Decoder<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Decoder { rest: input, framed: input.starts_with(&MAGIC), decoder: snap::raw::Decoder::new() }
    }

    /// Asks `allow` for every block's length before memory is taken for it.
    pub fn next(&mut self, out: &mut Vec<u8>, allow: impl Fn(usize) -> Result<(), RecordError>) -> Result<bool, RecordError> {
        while self.framed && self.rest.starts_with(&MAGIC) {
            self.rest = self.rest.get(HEADER.len()..).ok_or_else(|| bad("header is cut short"))?;
        }
        if self.rest.is_empty() {
            return Ok(false);
        }
        let block = if self.framed { self.framed_block()? } else { std::mem::take(&mut self.rest) };
        let len = snap::raw::decompress_len(block).map_err(bad)?;
        if len > block.len().saturating_mul(MOST_EXPANSION) {
            return Err(bad("block claims more than its bytes can hold"));
        }
        allow(len)?;
        let at = out.len();
        out.resize(at + len, 0);
        self.decoder.decompress(block, &mut out[at..]).map_err(bad)?;
        Ok(true)
    }

    fn framed_block(&mut self) -> Result<&'a [u8], RecordError> {
        let (len, rest) = self.rest.split_first_chunk::<4>().ok_or_else(|| bad("block length is cut short"))?;
        let len = u32::from_be_bytes(*len) as usize;
        let block = rest.get(..len).ok_or_else(|| bad("block is cut short"))?;
        self.rest = &rest[len..];
        Ok(block)
    }
}

pub(super) struct Encoder {
    blocks: Blocks,
    writer: Writer,
}

struct Writer {
    encoder: snap::raw::Encoder,
    out: Vec<u8>,
}

impl Encoder {
    pub fn new(mut out: Vec<u8>) -> Self {
        out.extend_from_slice(&HEADER);
        Encoder { blocks: Blocks::new(BLOCK), writer: Writer { encoder: snap::raw::Encoder::new(), out } }
    }

    pub fn write(&mut self, input: &[u8]) -> Result<(), RecordError> {
        self.blocks.write(input, |block| self.writer.block(block))
    }

    pub fn output_len(&self) -> usize {
        self.writer.out.len()
    }

    pub fn finish(mut self) -> Result<Vec<u8>, RecordError> {
        self.blocks.finish(|block| self.writer.block(block))?;
        Ok(self.writer.out)
    }
}

impl Writer {
    fn block(&mut self, block: &[u8]) -> Result<(), RecordError> {
        let out = &mut self.out;
        let at = out.len();
        out.resize(at + 4 + snap::raw::max_compress_len(block.len()), 0);
        let n = self.encoder.compress(block, &mut out[at + 4..]).map_err(bad)?;
        out[at..at + 4].copy_from_slice(&(n as u32).to_be_bytes());
        out.truncate(at + 4 + n);
        Ok(())
    }
}

fn bad(reason: impl std::fmt::Display) -> RecordError {
    undecodable(Codec::Snappy, reason)
}
