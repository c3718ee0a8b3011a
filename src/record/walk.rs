//! One pass over a batch's records that checks their structure and reads as little as possible: keys, values and headers only as far as
//! their lengths. It runs over bytes in place, or over a compressed payload piece by piece without holding its decompressed form.

use super::codec::{Codec, Decoder, Pool};
use super::error::{ENDS_EARLY, INVALID_LENGTH, LEFTOVER, NEGATIVE_HEADER_COUNT, NEGATIVE_HEADER_KEY, RecordError, SIZE_MISMATCH};

/// What the walk tells of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordShape {
    pub timestamp_delta: i64,
    pub offset_delta: i32,
    pub has_key: bool,
}

/// Checks `count` records that must fill `bytes` exactly, and calls `each` with every record's shape in order. Error: `InvalidRecord`.
pub fn walk(bytes: &[u8], count: i32, each: impl FnMut(RecordShape)) -> Result<(), RecordError> {
    records(&mut InPlace { bytes, position: 0 }, count, each)
}

/// [`walk`] over a batch's body as it is, compressed or not. Takes no memory beyond the codec's own and one piece of output.
/// `limit`: most bytes the payload may decompress to.
///
/// Errors: `InvalidRecord`, `Undecodable`, `TooLarge`.
pub fn walk_payload(codec: Codec, body: &[u8], count: i32, limit: usize, each: impl FnMut(RecordShape)) -> Result<(), RecordError> {
    if codec == Codec::None {
        return walk(body, count, each);
    }
    let mut pieces = Pieces::new(Decoder::new(codec, body, limit));
    let done = records(&mut pieces, count, each);
    // A failed decoder looks like an early end from above.
    let decoded = std::mem::replace(&mut pieces.decoded, Ok(()));
    BUFFERS.give(std::mem::take(&mut pieces.buffer));
    decoded.and(done)
}

/// Bytes read from front to back. `None` means there are not enough of them.
trait Source {
    fn byte(&mut self) -> Option<u8>;
    fn skip(&mut self, len: usize) -> Option<()>;
    /// Bytes read and skipped so far.
    fn position(&self) -> u64;
}

fn records<S: Source>(from: &mut S, count: i32, mut each: impl FnMut(RecordShape)) -> Result<(), RecordError> {
    for _ in 0..count {
        each(record(from)?);
    }
    if from.byte().is_none() { Ok(()) } else { Err(LEFTOVER) }
}

#[inline(always)]
fn record<S: Source>(from: &mut S) -> Result<RecordShape, RecordError> {
    let len = u64::try_from(varint(from)?).map_err(|_| INVALID_LENGTH)?;
    let end = from.position() + len;
    from.byte().ok_or(ENDS_EARLY)?;
    let timestamp_delta = varlong(from)?;
    let offset_delta = varint(from)?;
    let has_key = skip_bytes(from)?;
    skip_bytes(from)?;
    let headers = varint(from)?;
    if headers != 0 {
        skip_headers(from, headers)?;
    }
    // A length inside that is too large leads past the end.
    if from.position() != end {
        return Err(SIZE_MISMATCH);
    }
    Ok(RecordShape { timestamp_delta, offset_delta, has_key })
}

fn skip_headers<S: Source>(from: &mut S, count: i32) -> Result<(), RecordError> {
    if count < 0 {
        return Err(NEGATIVE_HEADER_COUNT);
    }
    for _ in 0..count {
        if !skip_bytes(from)? {
            return Err(NEGATIVE_HEADER_KEY);
        }
        skip_bytes(from)?;
    }
    Ok(())
}

/// Skips a length and that many bytes; `false` for null.
#[inline(always)]
fn skip_bytes<S: Source>(from: &mut S) -> Result<bool, RecordError> {
    let Ok(len) = usize::try_from(varint(from)?) else { return Ok(false) };
    from.skip(len).ok_or(INVALID_LENGTH)?;
    Ok(true)
}

#[inline(always)]
fn varint<S: Source>(from: &mut S) -> Result<i32, RecordError> {
    let n = unsigned(from, 5).ok_or(ENDS_EARLY)? as u32;
    Ok(((n >> 1) as i32) ^ -((n & 1) as i32))
}

#[inline(always)]
fn varlong<S: Source>(from: &mut S) -> Result<i64, RecordError> {
    let n = unsigned(from, 10).ok_or(ENDS_EARLY)?;
    Ok(((n >> 1) as i64) ^ -((n & 1) as i64))
}

#[inline(always)]
fn unsigned<S: Source>(from: &mut S, most: u32) -> Option<u64> {
    let mut value = 0;
    for i in 0..most {
        let byte = from.byte()?;
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

struct InPlace<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Source for InPlace<'_> {
    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.position)?;
        self.position += 1;
        Some(byte)
    }

    #[inline(always)]
    fn skip(&mut self, len: usize) -> Option<()> {
        if len > self.bytes.len() - self.position {
            return None;
        }
        self.position += len;
        Some(())
    }

    #[inline(always)]
    fn position(&self) -> u64 {
        self.position as u64
    }
}

/// Buffers for one piece each; a piece is 64 KiB nearly always.
static BUFFERS: Pool<Vec<u8>> = Pool::new(4);
const KEEP_MOST: usize = 256 * 1024;

struct Pieces<'a> {
    decoder: Decoder<'a>,
    /// Why the decoder stopped, if it was not the end.
    decoded: Result<(), RecordError>,
    buffer: Vec<u8>,
    at: usize,
    /// Bytes in the pieces before this one.
    before: u64,
}

impl<'a> Pieces<'a> {
    fn new(decoder: Decoder<'a>) -> Self {
        let mut buffer = BUFFERS.take().filter(|b| b.capacity() <= KEEP_MOST).unwrap_or_default();
        buffer.clear();
        Pieces { decoder, decoded: Ok(()), buffer, at: 0, before: 0 }
    }

    /// Gets the next piece that is not empty.
    #[cold]
    fn refill(&mut self) -> Option<()> {
        self.before += self.buffer.len() as u64;
        self.at = 0;
        self.buffer.clear();
        while self.decoded.is_ok() && self.buffer.is_empty() {
            match self.decoder.next(&mut self.buffer) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(e) => self.decoded = Err(e),
            }
        }
        self.decoded.is_ok().then_some(())
    }
}

impl Source for Pieces<'_> {
    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        if self.at == self.buffer.len() {
            self.refill()?;
        }
        let byte = *self.buffer.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    #[inline(always)]
    fn skip(&mut self, mut len: usize) -> Option<()> {
        while len > self.buffer.len() - self.at {
            len -= self.buffer.len() - self.at;
            self.refill()?;
        }
        self.at += len;
        Some(())
    }

    #[inline(always)]
    fn position(&self) -> u64 {
        self.before + self.at as u64
    }
}
