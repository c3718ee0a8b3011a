//! The four compression codecs, each with a bound on what comes out.
//!
//! [`Decoder`] and [`Encoder`] work piece by piece, so that checking or recompressing a batch never holds its whole decompressed form;
//! [`decompress`] and [`compress`] do it in one go.

mod gzip;
mod lz4;
mod pool;
mod snappy;
mod zstd;

use super::error::RecordError;
pub(super) use pool::Pool;

/// A compression codec by its id in the batch attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    pub const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    pub fn id(self) -> u8 {
        self as u8
    }

    pub fn from_id(id: u8) -> Option<Codec> {
        Codec::ALL.get(usize::from(id)).copied()
    }

    /// The name as in `compression.type`.
    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }

    pub fn from_name(name: &str) -> Option<Codec> {
        Codec::ALL.into_iter().find(|c| c.name() == name)
    }
}

impl std::fmt::Display for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A codec with its level; a codec without levels ignores it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compression {
    pub codec: Codec,
    /// `None`: the codec's default, which is that of `compression.{gzip,lz4,zstd}.level`. LZ4 has one speed here whatever the level.
    pub level: Option<i32>,
}

impl From<Codec> for Compression {
    fn from(codec: Codec) -> Self {
        Compression { codec, level: None }
    }
}

/// Appends the compressed form of `input` to `out`, and gives `out` back.
pub fn compress(with: Compression, input: &[u8], out: Vec<u8>) -> Result<Vec<u8>, RecordError> {
    let mut encoder = Encoder::new(with, out)?;
    if let EncodeStream::Zstd(zstd) = &mut encoder.stream {
        zstd.expect(input.len())?;
    }
    encoder.write(input)?;
    encoder.finish()
}

/// The decompressed form of `input`, at most `limit` bytes. Errors: `Undecodable`, `TooLarge`.
pub fn decompress(codec: Codec, input: &[u8], limit: usize) -> Result<Vec<u8>, RecordError> {
    let mut decoder = Decoder::new(codec, input, limit);
    decoder.piece = input.len().saturating_mul(4).clamp(1024, PIECE);
    let mut out = Vec::new();
    while decoder.next(&mut out)? {}
    Ok(out)
}

/// Most bytes that gzip and zstd give at once; snappy and LZ4 give one block of the stream.
const PIECE: usize = 64 * 1024;

/// Decompresses one payload piece by piece.
pub struct Decoder<'a> {
    codec: Codec,
    limit: usize,
    produced: usize,
    piece: usize,
    stream: DecodeStream<'a>,
}

enum DecodeStream<'a> {
    Plain(&'a [u8]),
    Gzip(Box<gzip::Decoder<'a>>),
    Snappy(snappy::Decoder<'a>),
    Lz4(lz4::Decoder<'a>),
    Zstd(zstd::Decoder<'a>),
}

impl<'a> Decoder<'a> {
    /// Will give at most `limit` bytes in all.
    pub fn new(codec: Codec, input: &'a [u8], limit: usize) -> Decoder<'a> {
        let stream = match codec {
            Codec::None => DecodeStream::Plain(input),
            Codec::Gzip => DecodeStream::Gzip(Box::new(gzip::Decoder::new(input))),
            Codec::Snappy => DecodeStream::Snappy(snappy::Decoder::new(input)),
            Codec::Lz4 => DecodeStream::Lz4(lz4::Decoder::new(input)),
            Codec::Zstd => DecodeStream::Zstd(zstd::Decoder::new(input)),
        };
        Decoder { codec, limit, produced: 0, piece: PIECE, stream }
    }

    /// Appends the next piece to `out`; `false` at the end. Errors: `Undecodable`, `TooLarge`.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, RecordError> {
        let before = out.len();
        let room = self.limit - self.produced;
        let more = match &mut self.stream {
            DecodeStream::Plain(input) => {
                let all = std::mem::take(input);
                check_room(Codec::None, all.len(), room, self.limit)?;
                out.extend_from_slice(all);
                !all.is_empty()
            }
            DecodeStream::Gzip(d) => d.next(out, self.piece)?,
            DecodeStream::Snappy(d) => d.next(out, |len| check_room(Codec::Snappy, len, room, self.limit))?,
            DecodeStream::Lz4(d) => d.next(out)?,
            DecodeStream::Zstd(d) => {
                let more = d.next(out, self.piece)?;
                self.limit = self.limit.min(d.output_limit());
                more
            }
        };
        self.produced += out.len() - before;
        if self.produced > self.limit { Err(RecordError::TooLarge { codec: self.codec, limit: self.limit }) } else { Ok(more) }
    }
}

fn check_room(codec: Codec, len: usize, room: usize, limit: usize) -> Result<(), RecordError> {
    if len > room { Err(RecordError::TooLarge { codec, limit }) } else { Ok(()) }
}

/// Compresses pieces into one payload.
pub struct Encoder {
    stream: EncodeStream,
}

enum EncodeStream {
    Plain(Vec<u8>),
    Gzip(gzip::Encoder),
    Snappy(Box<snappy::Encoder>),
    Lz4(lz4::Encoder),
    Zstd(zstd::Encoder),
}

impl Encoder {
    /// Will append to `out`.
    pub fn new(with: Compression, out: Vec<u8>) -> Result<Encoder, RecordError> {
        let stream = match with.codec {
            Codec::None => EncodeStream::Plain(out),
            Codec::Gzip => EncodeStream::Gzip(gzip::Encoder::new(with.level, out)),
            Codec::Snappy => EncodeStream::Snappy(Box::new(snappy::Encoder::new(out))),
            Codec::Lz4 => EncodeStream::Lz4(lz4::Encoder::new(out)),
            Codec::Zstd => EncodeStream::Zstd(zstd::Encoder::new(with.level, out)?),
        };
        Ok(Encoder { stream })
    }

    pub fn write(&mut self, input: &[u8]) -> Result<(), RecordError> {
        match &mut self.stream {
            EncodeStream::Plain(out) => {
                out.extend_from_slice(input);
                Ok(())
            }
            EncodeStream::Gzip(e) => e.write(input),
            EncodeStream::Snappy(e) => e.write(input),
            EncodeStream::Lz4(e) => e.write(input),
            EncodeStream::Zstd(e) => e.write(input),
        }
    }

    /// Length of the output so far, including what it held at the start; what is still inside the codec is missing.
    pub fn output_len(&self) -> usize {
        match &self.stream {
            EncodeStream::Plain(out) => out.len(),
            EncodeStream::Gzip(e) => e.output_len(),
            EncodeStream::Snappy(e) => e.output_len(),
            EncodeStream::Lz4(e) => e.output_len(),
            EncodeStream::Zstd(e) => e.output_len(),
        }
    }

    /// Ends the payload and gives the output.
    pub fn finish(self) -> Result<Vec<u8>, RecordError> {
        match self.stream {
            EncodeStream::Plain(out) => Ok(out),
            EncodeStream::Gzip(e) => e.finish(),
            EncodeStream::Snappy(e) => e.finish(),
            EncodeStream::Lz4(e) => e.finish(),
            EncodeStream::Zstd(e) => e.finish(),
        }
    }
}

/// Cuts a stream of writes into blocks of one size. A write that holds whole blocks is not copied.
struct Blocks {
    pending: Vec<u8>,
    size: usize,
}

impl Blocks {
    fn new(size: usize) -> Blocks {
        Blocks { pending: Vec::new(), size }
    }

    fn write(&mut self, mut input: &[u8], mut block: impl FnMut(&[u8]) -> Result<(), RecordError>) -> Result<(), RecordError> {
        if !self.pending.is_empty() {
            let (head, rest) = input.split_at(input.len().min(self.size - self.pending.len()));
            self.pending.extend_from_slice(head);
            input = rest;
            if self.pending.len() == self.size {
                block(&self.pending)?;
                self.pending.clear();
            }
        }
        let mut whole = input.chunks_exact(self.size);
        whole.by_ref().try_for_each(&mut block)?;
        self.pending.extend_from_slice(whole.remainder());
        Ok(())
    }

    fn finish(&mut self, mut block: impl FnMut(&[u8]) -> Result<(), RecordError>) -> Result<(), RecordError> {
        if self.pending.is_empty() { Ok(()) } else { block(&self.pending) }
    }
}

fn undecodable(codec: Codec, reason: impl std::fmt::Display) -> RecordError {
    RecordError::Undecodable { codec, reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
