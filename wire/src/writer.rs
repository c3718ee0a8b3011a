//! Writes the definitions' primitive types (their forms are drawn in `reader.rs`).
//!
//! Most of a message is small fields, collected in one buffer. Record data is different: it may be large and lie in another
//! buffer, or not be in memory at all. The writer keeps such data beside the buffer and remembers where it belongs, so that the
//! message comes out as a list of pieces to be sent one after the other:
//!
//! ```text
//! | Bytes: length, header, ... | Deferred { len, token } | Bytes: more fields | Bytes: records of another partition | Bytes |
//! ```

use bytes::Bytes;

use crate::reader::Element;
use crate::{EncodeError, Struct, Uuid, varint};

/// Record data of fewer bytes is copied into the buffer: cheaper than one more piece.
const COPY_BELOW: usize = 512;

type Result<T> = std::result::Result<T, EncodeError>;

/// A `records` field: whole batches, as bytes or as a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    Bytes(Bytes),
    /// `len` bytes that whoever sends the message puts there; `token` tells that one which.
    Deferred {
        len: u32,
        token: u64,
    },
}

impl Default for Records {
    fn default() -> Self {
        Records::Bytes(Bytes::new())
    }
}

impl Records {
    /// How many bytes there are, or will be.
    pub fn len(&self) -> usize {
        match self {
            Records::Bytes(bytes) => bytes.len(),
            Records::Deferred { len, .. } => *len as usize,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, if they are here.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Records::Bytes(bytes) => Some(bytes),
            Records::Deferred { .. } => None,
        }
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Records::Bytes(bytes)
    }
}

/// A part of a finished message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Bytes(Bytes),
    /// See [`Records::Deferred`].
    Deferred {
        len: u32,
        token: u64,
    },
}

impl Piece {
    /// How many bytes the piece is when sent.
    pub fn len(&self) -> usize {
        match self {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Deferred { len, .. } => *len as usize,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Collects a message.
#[derive(Debug, Default)]
pub struct Writer {
    buffer: Vec<u8>,
    /// What belongs between the bytes of the buffer, by position in it.
    between: Vec<(usize, Piece)>,
    between_len: usize,
}

/// Numbers of a fixed width, most significant byte first.
macro_rules! fixed {
    ($($name:ident: $ty:ty),*) => {
        $(#[inline]
        pub fn $name(&mut self, value: $ty) {
            self.buffer.extend_from_slice(&value.to_be_bytes());
        })*
    };
}

impl Writer {
    pub fn new() -> Writer {
        Writer::default()
    }

    pub fn with_capacity(bytes: usize) -> Writer {
        Writer { buffer: Vec::with_capacity(bytes), ..Writer::default() }
    }

    /// How many bytes have been written, promised ones included.
    pub fn len(&self) -> usize {
        self.buffer.len() + self.between_len
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message in pieces, in the order in which they are to be sent. None is empty.
    pub fn into_pieces(self) -> Vec<Piece> {
        let buffer = Bytes::from(self.buffer);
        let mut pieces = Vec::with_capacity(2 * self.between.len() + 1);
        let mut sent = 0;
        for (at, piece) in self.between {
            pieces.push(Piece::Bytes(buffer.slice(sent..at)));
            pieces.push(piece);
            sent = at;
        }
        pieces.push(Piece::Bytes(buffer.slice(sent..)));
        pieces.retain(|p| !p.is_empty());
        pieces
    }

    /// The message in one buffer; fails if any of it is only promised.
    pub fn into_bytes(self) -> Result<Bytes> {
        if self.between.is_empty() {
            return Ok(self.buffer.into());
        }
        let mut whole = Vec::with_capacity(self.len());
        for piece in self.into_pieces() {
            match piece {
                Piece::Bytes(bytes) => whole.extend_from_slice(&bytes),
                Piece::Deferred { .. } => return Err(EncodeError::Deferred),
            }
        }
        Ok(whole.into())
    }

    /// Appends an int32 length and what `content` writes, which is that long.
    pub fn framed(&mut self, content: impl FnOnce(&mut Writer) -> Result<()>) -> Result<()> {
        let (at, before) = (self.buffer.len(), self.len() + 4);
        self.i32(0);
        content(self)?;
        let len = self.len() - before;
        let fits = i32::try_from(len).map_err(|_| EncodeError::TooLong { len })?;
        self.buffer[at..at + 4].copy_from_slice(&fits.to_be_bytes());
        Ok(())
    }

    fixed!(i8: i8, i16: i16, u16: u16, i32: i32, u32: u32, i64: i64, f64: f64);

    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.buffer.push(u8::from(value));
    }

    #[inline]
    pub fn uuid(&mut self, value: Uuid) {
        self.buffer.extend_from_slice(&value.0);
    }

    #[inline]
    pub fn uvarint(&mut self, value: u32) {
        varint::write_u32(&mut self.buffer, value);
    }

    /// Bytes as they are, without a length.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    fn compact_len(&mut self, len: Option<usize>) -> Result<()> {
        match len {
            None => self.uvarint(0),
            Some(len) => {
                let fits = i32::try_from(len).map_err(|_| EncodeError::TooLong { len })?;
                self.uvarint(fits as u32 + 1);
            }
        }
        Ok(())
    }

    fn len_32(&mut self, len: Option<usize>, flexible: bool) -> Result<()> {
        if flexible {
            return self.compact_len(len);
        }
        let len = len.map_or(Ok(-1), |len| i32::try_from(len).map_err(|_| EncodeError::TooLong { len }))?;
        self.i32(len);
        Ok(())
    }

    pub fn string(&mut self, value: &str, flexible: bool) -> Result<()> {
        self.opt_string(Some(value), flexible)
    }

    pub fn opt_string(&mut self, value: Option<&str>, flexible: bool) -> Result<()> {
        // Kafka holds strings to what fits an int16, also where the length is a varint.
        let len = match value {
            None => -1,
            Some(text) => i16::try_from(text.len()).map_err(|_| EncodeError::TooLong { len: text.len() })?,
        };
        if flexible {
            self.uvarint((i32::from(len) + 1) as u32);
        } else {
            self.i16(len);
        }
        self.raw(value.unwrap_or_default().as_bytes());
        Ok(())
    }

    pub fn bytes(&mut self, value: &[u8], flexible: bool) -> Result<()> {
        self.opt_bytes(Some(value), flexible)
    }

    pub fn opt_bytes(&mut self, value: Option<&[u8]>, flexible: bool) -> Result<()> {
        self.len_32(value.map(<[u8]>::len), flexible)?;
        self.raw(value.unwrap_or_default());
        Ok(())
    }

    pub fn records(&mut self, value: &Records, flexible: bool) -> Result<()> {
        self.opt_records(Some(value), flexible)
    }

    pub fn opt_records(&mut self, value: Option<&Records>, flexible: bool) -> Result<()> {
        self.len_32(value.map(Records::len), flexible)?;
        let piece = match value {
            None => return Ok(()),
            Some(Records::Bytes(bytes)) if bytes.len() < COPY_BELOW => {
                self.raw(bytes);
                return Ok(());
            }
            Some(Records::Bytes(bytes)) => Piece::Bytes(bytes.clone()),
            Some(Records::Deferred { len: 0, .. }) => return Ok(()),
            Some(&Records::Deferred { len, token }) => Piece::Deferred { len, token },
        };
        self.between_len += piece.len();
        self.between.push((self.buffer.len(), piece));
        Ok(())
    }

    pub fn list<T: Element>(&mut self, value: &[T], flexible: bool) -> Result<()> {
        self.opt_list(Some(value), flexible)
    }

    pub fn opt_list<T: Element>(&mut self, value: Option<&[T]>, flexible: bool) -> Result<()> {
        self.len_32(value.map(<[T]>::len), flexible)?;
        value.unwrap_or_default().iter().try_for_each(|element| element.write(self, flexible))
    }

    pub fn structs<T: Struct>(&mut self, value: &[T], version: i16, flexible: bool) -> Result<()> {
        self.opt_structs(Some(value), version, flexible)
    }

    pub fn opt_structs<T: Struct>(&mut self, value: Option<&[T]>, version: i16, flexible: bool) -> Result<()> {
        self.len_32(value.map(<[T]>::len), flexible)?;
        value.unwrap_or_default().iter().try_for_each(|element| element.encode(self, version))
    }

    pub fn opt_struct<T: Struct>(&mut self, value: Option<&T>, version: i16) -> Result<()> {
        self.i8(if value.is_some() { 1 } else { -1 });
        value.map_or(Ok(()), |value| value.encode(self, version))
    }

    pub fn opt_tagged_struct<T: Struct>(&mut self, value: Option<&T>, version: i16) -> Result<()> {
        self.uvarint(u32::from(value.is_some()));
        value.map_or(Ok(()), |value| value.encode(self, version))
    }

    /// An empty tagged section.
    #[inline]
    pub fn no_tags(&mut self) {
        self.buffer.push(0);
    }

    /// Begins a tagged section; the result goes to each [`Writer::tag`] of the section. No definition has as many as 128 tags,
    /// so the count is one byte.
    #[inline]
    pub fn start_tags(&mut self) -> usize {
        self.buffer.push(0);
        self.buffer.len() - 1
    }

    /// Adds a tagged field to the section that began at `section`; tags must come in rising order.
    pub fn tag(&mut self, section: usize, tag: u32, value: impl FnOnce(&mut Writer) -> Result<()>) -> Result<()> {
        self.buffer[section] += 1;
        self.uvarint(tag);
        let start = self.buffer.len();
        value(self)?;
        // The size goes before the value but is known only after it; tagged values are short, so move them.
        let size = self.buffer.len() - start;
        let fits = u32::try_from(size).map_err(|_| EncodeError::TooLong { len: size })?;
        self.uvarint(fits);
        self.buffer[start..].rotate_left(size);
        Ok(())
    }
}
