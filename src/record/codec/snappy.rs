//! snappy: xerial's framing of 32 KiB blocks, and (on read) one raw block without framing, as some clients write it.
//!
//! ```text
//! 82 53 4e 41 50 50 59 00   magic
//! 00 00 00 01 00 00 00 01   version, compatible version
//! then blocks: u32 big-endian length, raw snappy block of that length; the header may appear again between blocks
//! ```

use super::{Codec, RecordError, undecodable};

const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const HEADER: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
const BLOCK: usize = 32 * 1024;

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    let mut encoder = snap::raw::Encoder::new();
    out.extend_from_slice(&HEADER);
    for block in input.chunks(BLOCK) {
        let at = out.len();
        out.resize(at + 4 + snap::raw::max_compress_len(block.len()), 0);
        let n = encoder.compress(block, &mut out[at + 4..]).map_err(|e| undecodable(Codec::Snappy, e))?;
        out[at..at + 4].copy_from_slice(&(n as u32).to_be_bytes());
        out.truncate(at + 4 + n);
    }
    Ok(())
}

pub(super) fn decompress(input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
    if !input.starts_with(&MAGIC) {
        return block(input, limit, out);
    }
    let mut rest = input;
    while !rest.is_empty() {
        if rest.starts_with(&MAGIC) {
            rest = rest.get(HEADER.len()..).ok_or_else(|| undecodable(Codec::Snappy, "header is cut short"))?;
            continue;
        }
        let (len, tail) = rest.split_first_chunk::<4>().ok_or_else(|| undecodable(Codec::Snappy, "block length is cut short"))?;
        let len = u32::from_be_bytes(*len) as usize;
        let body = tail.get(..len).ok_or_else(|| undecodable(Codec::Snappy, "block is cut short"))?;
        block(body, limit, out)?;
        rest = &tail[len..];
    }
    Ok(())
}

/// Appends one raw block. The length it claims is believed only as far as its bytes could make true: a 3-byte copy yields 64 bytes at most.
fn block(body: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
    let claimed = snap::raw::decompress_len(body).map_err(|e| undecodable(Codec::Snappy, e))?;
    if claimed > body.len().saturating_mul(32) {
        return Err(undecodable(Codec::Snappy, "block claims more than its bytes can hold"));
    }
    let at = out.len();
    if claimed > limit.saturating_sub(at) {
        return Err(RecordError::TooLarge { codec: Codec::Snappy, limit });
    }
    out.resize(at + claimed, 0);
    snap::raw::Decoder::new().decompress(body, &mut out[at..]).map_err(|e| undecodable(Codec::Snappy, e))?;
    Ok(())
}
