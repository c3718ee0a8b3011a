//! The four compression codecs, each with a bound on what comes out.

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use super::error::RecordError;

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
    /// `None`: the codec's default, which is that of `compression.{gzip,lz4,zstd}.level`.
    pub level: Option<i32>,
}

impl From<Codec> for Compression {
    fn from(codec: Codec) -> Self {
        Compression { codec, level: None }
    }
}

/// Appends the compressed form of `input` to `out`.
pub fn compress(with: Compression, input: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    match with.codec {
        Codec::None => {
            out.extend_from_slice(input);
            Ok(())
        }
        Codec::Gzip => gzip::compress(input, with.level, out),
        Codec::Snappy => snappy::compress(input, out),
        Codec::Lz4 => lz4::compress(input, out),
        Codec::Zstd => zstd::compress(input, with.level, out),
    }
}

/// The decompressed form of `input`, at most `limit` bytes. Errors: `Undecodable`, `TooLarge`.
pub fn decompress(codec: Codec, input: &[u8], limit: usize) -> Result<Vec<u8>, RecordError> {
    let mut out = Vec::new();
    match codec {
        Codec::None if input.len() > limit => return Err(RecordError::TooLarge { codec, limit }),
        Codec::None => out.extend_from_slice(input),
        Codec::Gzip => gzip::decompress(input, limit, &mut out)?,
        Codec::Snappy => snappy::decompress(input, limit, &mut out)?,
        Codec::Lz4 => lz4::decompress(input, limit, &mut out)?,
        Codec::Zstd => zstd::decompress(input, limit, &mut out)?,
    }
    Ok(out)
}

/// Reads `from` to its end, refusing more than `limit` bytes.
fn read_bounded(codec: Codec, from: impl std::io::Read, limit: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
    use std::io::Read as _;
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    from.take(most.saturating_add(1)).read_to_end(out).map_err(|e| undecodable(codec, e))?;
    if out.len() > limit { Err(RecordError::TooLarge { codec, limit }) } else { Ok(()) }
}

fn undecodable(codec: Codec, reason: impl std::fmt::Display) -> RecordError {
    RecordError::Undecodable { codec, reason: reason.to_string() }
}
