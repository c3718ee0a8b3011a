//! gzip: one or more members; what follows the last member and is not a member is ignored, as java.util.zip.GZIPInputStream reads it.

use std::io::Read as _;

use flate2::bufread::GzDecoder;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use super::{Codec, Pool, RecordError, undecodable};

const MEMBER_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Deflate, no flags, no time, no extra flags, operating system unknown.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

pub(super) struct Decoder<'a> {
    member: Option<GzDecoder<&'a [u8]>>,
}

impl<'a> Decoder<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Decoder { member: Some(GzDecoder::new(input)) }
    }

    pub fn next(&mut self, out: &mut Vec<u8>, piece: usize) -> Result<bool, RecordError> {
        while let Some(member) = &mut self.member {
            let at = out.len();
            out.resize(at + piece, 0);
            let n = member.read(&mut out[at..]).map_err(|e| undecodable(Codec::Gzip, e))?;
            out.truncate(at + n);
            if n > 0 {
                return Ok(true);
            }
            let rest = self.member.take().map_or(&[][..], GzDecoder::into_inner);
            self.member = rest.starts_with(&MEMBER_MAGIC).then(|| GzDecoder::new(rest));
        }
        Ok(false)
    }
}

/// Deflate state is a few hundred KB and slow to set up, so a few are kept, with their level.
static IDLE: Pool<(u32, Compress)> = Pool::new(2);
const DEFAULT_LEVEL: u32 = 6;
const STEP: usize = 16 * 1024;

pub(super) struct Encoder {
    /// Only `None` while being dropped.
    deflate: Option<Compress>,
    level: u32,
    crc: Crc,
    out: Vec<u8>,
}

impl Encoder {
    pub fn new(level: Option<i32>, mut out: Vec<u8>) -> Self {
        let level = level.and_then(|l| u32::try_from(l).ok()).filter(|l| (1..=9).contains(l)).unwrap_or(DEFAULT_LEVEL);
        let idle = IDLE.take().filter(|(l, _)| *l == level).map(|(_, deflate)| deflate);
        let deflate = idle.unwrap_or_else(|| Compress::new(Compression::new(level), false));
        out.extend_from_slice(&HEADER);
        Encoder { deflate: Some(deflate), level, crc: Crc::new(), out }
    }

    pub fn write(&mut self, input: &[u8]) -> Result<(), RecordError> {
        self.crc.update(input);
        self.run(input, FlushCompress::None)
    }

    fn run(&mut self, mut input: &[u8], flush: FlushCompress) -> Result<(), RecordError> {
        let Some(deflate) = &mut self.deflate else { return Ok(()) };
        loop {
            self.out.reserve(STEP);
            let before = deflate.total_in();
            let status = deflate.compress_vec(input, &mut self.out, flush).map_err(|e| undecodable(Codec::Gzip, e))?;
            let used = usize::try_from(deflate.total_in() - before).unwrap_or(input.len());
            input = &input[used..];
            let done = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                _ => input.is_empty(),
            };
            if done {
                return Ok(());
            }
        }
    }

    pub fn output_len(&self) -> usize {
        self.out.len()
    }

    pub fn finish(mut self) -> Result<Vec<u8>, RecordError> {
        self.run(&[], FlushCompress::Finish)?;
        let mut out = std::mem::take(&mut self.out);
        out.extend_from_slice(&self.crc.sum().to_le_bytes());
        out.extend_from_slice(&self.crc.amount().to_le_bytes());
        Ok(out)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if let Some(mut deflate) = self.deflate.take() {
            deflate.reset();
            IDLE.give((self.level, deflate));
        }
    }
}
