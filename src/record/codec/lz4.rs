//! LZ4 frames of independent 64 KiB blocks.

use std::io::Write as _;

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use super::{Codec, RecordError, read_bounded, undecodable};

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    let info = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(info, out);
    encoder.write_all(input).map_err(|e| undecodable(Codec::Lz4, e))?;
    encoder.finish().map(|_| ()).map_err(|e| undecodable(Codec::Lz4, e))
}

pub(super) fn decompress(input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
    read_bounded(Codec::Lz4, FrameDecoder::new(input), limit, out)
}
