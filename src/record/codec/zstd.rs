//! zstd: frames with or without content size.

use super::{Codec, RecordError, read_bounded, undecodable};

const DEFAULT_LEVEL: i32 = 3;

pub(super) fn compress(input: &[u8], level: Option<i32>, out: &mut Vec<u8>) -> Result<(), RecordError> {
    let done = zstd::stream::copy_encode(input, out, level.unwrap_or(DEFAULT_LEVEL));
    done.map_err(|e| undecodable(Codec::Zstd, e))
}

pub(super) fn decompress(input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
    let decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(|e| undecodable(Codec::Zstd, e))?;
    read_bounded(Codec::Zstd, decoder, limit, out)
}
