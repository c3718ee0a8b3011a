//! gzip: one or more members, as GZIPInputStream reads them.

use std::io::Write as _;

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::{Codec, RecordError, read_bounded, undecodable};

pub(super) fn compress(input: &[u8], level: Option<i32>, out: &mut Vec<u8>) -> Result<(), RecordError> {
    let level = level.and_then(|l| u32::try_from(l).ok()).filter(|l| (1..=9).contains(l)).map_or(Compression::default(), Compression::new);
    let mut encoder = GzEncoder::new(out, level);
    encoder.write_all(input).and_then(|()| encoder.finish().map(|_| ())).map_err(|e| undecodable(Codec::Gzip, e))
}

pub(super) fn decompress(input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
    read_bounded(Codec::Gzip, MultiGzDecoder::new(input), limit, out)
}
