//! LZ4 frames of independent blocks. Kafka's reader takes no other kind, and stops at the end mark of the first frame.
//!
//! ```text
//! 04 22 4d 18  magic
//! FLG          bits 6-7 version (01), 5 independent blocks, 4 block checksums, 3 content size, 2 content checksum
//! BD           bits 4-6: block size 4 = 64 KiB, 5 = 256 KiB, 6 = 1 MiB, 7 = 4 MiB
//! [u64]        content size, if its flag is set
//! HC           checksum of the above
//! blocks       u32 little-endian length (top bit: stored, not compressed), bytes, [u32 checksum]
//! 00 00 00 00  end mark, [u32 content checksum]
//! ```
//!
//! Checksums are skipped on read: the batch's own CRC covers the same bytes. Written are 64 KiB blocks without any flag, as Kafka does.

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};

use super::{Blocks, Codec, RecordError, undecodable};

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// Version 1, independent blocks of 64 KiB, and the checksum that belongs to these two bytes.
const HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
const BLOCK: usize = 64 * 1024;
const STORED: u32 = 1 << 31;
const END_MARK: u32 = 0;
/// One compressed byte can stand for 255 bytes; a block's first bytes carry a little more.
const MOST_EXPANSION: usize = 255;

pub(super) struct Decoder<'a> {
    rest: &'a [u8],
    frame: Option<Frame>,
    done: bool,
}

#[derive(Clone, Copy)]
struct Frame {
    block_checksums: bool,
    max_block: usize,
}

impl<'a> Decoder<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Decoder { rest: input, frame: None, done: false }
    }

    pub fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, RecordError> {
        if self.done {
            return Ok(false);
        }
        let frame = match self.frame {
            Some(frame) => frame,
            None => self.read_header()?,
        };
        self.frame = Some(frame);
        let word = u32::from_le_bytes(self.take()?);
        if word == END_MARK {
            self.done = true;
            return Ok(false);
        }
        let len = (word & !STORED) as usize;
        if len > frame.max_block || len > self.rest.len() {
            return Err(bad("block length out of range"));
        }
        let (block, rest) = self.rest.split_at(len);
        self.rest = rest;
        if word & STORED != 0 {
            out.extend_from_slice(block);
        } else {
            let at = out.len();
            out.resize(at + frame.max_block.min(len.saturating_mul(MOST_EXPANSION) + 64), 0);
            let n = decompress_into(block, &mut out[at..]).map_err(bad)?;
            out.truncate(at + n);
        }
        if frame.block_checksums {
            self.take::<4>()?;
        }
        Ok(true)
    }

    fn read_header(&mut self) -> Result<Frame, RecordError> {
        if self.take()? != MAGIC {
            return Err(bad("not an LZ4 frame"));
        }
        let [flags, descriptor] = self.take()?;
        if flags >> 6 != 1 || flags & 0b11 != 0 {
            return Err(bad("unsupported frame version or reserved flag"));
        }
        if flags & 0x20 == 0 {
            return Err(bad("dependent block stream is unsupported"));
        }
        let size_class = (descriptor >> 4) & 0b111;
        if descriptor & 0x8f != 0 || size_class < 4 {
            return Err(bad("unsupported block size"));
        }
        if flags & 0x08 != 0 {
            self.take::<8>()?;
        }
        self.take::<1>()?;
        Ok(Frame { block_checksums: flags & 0x10 != 0, max_block: 1 << (8 + 2 * usize::from(size_class)) })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| bad("stream is cut short"))?;
        self.rest = rest;
        Ok(*head)
    }
}

pub(super) struct Encoder {
    blocks: Blocks,
    writer: Writer,
}

struct Writer {
    table: CompressTable,
    out: Vec<u8>,
}

impl Encoder {
    pub fn new(mut out: Vec<u8>) -> Self {
        out.extend_from_slice(&HEADER);
        Encoder { blocks: Blocks::new(BLOCK), writer: Writer { table: CompressTable::large(), out } }
    }

    pub fn write(&mut self, input: &[u8]) -> Result<(), RecordError> {
        self.blocks.write(input, |block| self.writer.block(block))
    }

    pub fn output_len(&self) -> usize {
        self.writer.out.len()
    }

    pub fn finish(mut self) -> Result<Vec<u8>, RecordError> {
        self.blocks.finish(|block| self.writer.block(block))?;
        self.writer.out.extend_from_slice(&END_MARK.to_le_bytes());
        Ok(self.writer.out)
    }
}

impl Writer {
    fn block(&mut self, block: &[u8]) -> Result<(), RecordError> {
        let out = &mut self.out;
        let at = out.len();
        out.resize(at + 4 + get_maximum_output_size(block.len()), 0);
        let n = compress_into_with_table(block, &mut out[at + 4..], &mut self.table).map_err(bad)?;
        let word = if n < block.len() { n as u32 } else { block.len() as u32 | STORED };
        out[at..at + 4].copy_from_slice(&word.to_le_bytes());
        if n < block.len() {
            out.truncate(at + 4 + n);
        } else {
            out.truncate(at + 4);
            out.extend_from_slice(block);
        }
        Ok(())
    }
}

fn bad(reason: impl std::fmt::Display) -> RecordError {
    undecodable(Codec::Lz4, reason)
}
