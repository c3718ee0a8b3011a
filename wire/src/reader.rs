//! Reads the definitions' primitive types from bytes that nobody has checked.
//!
//! ```text
//!                  classic version                      flexible version
//! string, bytes    int16 / int32 length, -1 null        uvarint length + 1, 0 null
//! array            int32 count, -1 null                 uvarint count + 1, 0 null
//! nullable struct  int8: -1 null, 1 present             the same; as a tagged field uvarint: 0 null, 1 present
//! end of struct    -                                    uvarint count of tagged fields; each uvarint tag, uvarint size, value
//! ```
//!
//! A length or count is compared with the bytes left before anything is reserved (fact N7). That alone would let one byte on the
//! wire become one struct of 200 bytes in memory, so everything decoded is also charged to a budget (N8): 16 MiB, which is far
//! beyond any request of ordinary size, and 8 bytes for every byte of a larger frame. Real structs take 2 to 12 bytes of memory
//! per byte on the wire when their strings are empty, less as soon as they hold names; records and bytes are slices of the frame
//! and cost nothing.

use bytes::Bytes;

use crate::varint::{self, VarintError};
use crate::{DecodeError, Records, Struct, Uuid};

/// What a frame of any size may take when decoded, in bytes.
const BUDGET_BASE: usize = 16 << 20;
/// What each byte of the frame adds.
const BUDGET_FACTOR: usize = 8;
/// Kafka's limit for a string, also where its length is a varint.
const MAX_STRING: usize = 0x7fff;

type Result<T> = std::result::Result<T, DecodeError>;

/// A position in bytes that are being decoded, and the memory that may still be spent on them.
#[derive(Clone, Debug)]
pub struct Reader {
    bytes: Bytes,
    at: usize,
    budget: usize,
}

/// Numbers of a fixed width, most significant byte first.
macro_rules! fixed {
    ($($name:ident: $ty:ty),*) => {
        $(#[inline]
        pub fn $name(&mut self) -> Result<$ty> {
            self.take().map(<$ty>::from_be_bytes)
        })*
    };
}

impl Reader {
    /// Reads `bytes` with the usual memory budget.
    pub fn new(bytes: impl Into<Bytes>) -> Reader {
        let bytes = bytes.into();
        let budget = BUDGET_BASE.saturating_add(bytes.len().saturating_mul(BUDGET_FACTOR));
        Reader { bytes, at: 0, budget }
    }

    /// Reads `bytes`; what is decoded may take `budget` bytes of memory beside them.
    pub fn with_budget(bytes: impl Into<Bytes>, budget: usize) -> Reader {
        Reader { bytes: bytes.into(), at: 0, budget }
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The bytes that are left.
    pub fn rest(&self) -> Bytes {
        self.bytes.slice(self.at..)
    }

    /// What may still be spent on decoded values, in bytes.
    pub fn budget(&self) -> usize {
        self.budget
    }

    #[inline]
    fn ahead(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.ahead().first_chunk::<N>() {
            Some(chunk) => {
                let chunk = *chunk;
                self.at += N;
                Ok(chunk)
            }
            None => Err(DecodeError::Truncated { at: self.bytes.len(), wanted: N - self.remaining() }),
        }
    }

    /// The next `len` bytes as a slice of the input.
    pub fn slice(&mut self, len: usize) -> Result<Bytes> {
        self.check_left(len)?;
        let start = self.at;
        self.at += len;
        Ok(self.bytes.slice(start..self.at))
    }

    #[inline]
    fn check_left(&self, len: usize) -> Result<()> {
        let left = self.remaining();
        if len <= left { Ok(()) } else { Err(DecodeError::LengthBeyondEnd { at: self.at, len, left }) }
    }

    #[inline]
    fn charge(&mut self, wanted: usize) -> Result<()> {
        match self.budget.checked_sub(wanted) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(DecodeError::OverBudget { wanted, left: self.budget }),
        }
    }

    fixed!(i8: i8, i16: i16, u16: u16, i32: i32, u32: u32, i64: i64, f64: f64);

    #[inline]
    pub fn bool(&mut self) -> Result<bool> {
        Ok(self.i8()? != 0)
    }

    #[inline]
    pub fn uuid(&mut self) -> Result<Uuid> {
        self.take().map(Uuid)
    }

    #[inline]
    pub fn uvarint(&mut self) -> Result<u32> {
        match varint::read_u32(self.ahead()) {
            Ok((value, len)) => {
                self.at += len;
                Ok(value)
            }
            Err(VarintError::Truncated) => Err(DecodeError::Truncated { at: self.bytes.len(), wanted: 1 }),
            Err(VarintError::TooLong) => Err(DecodeError::VarintTooLong { at: self.at }),
        }
    }

    /// A length as a varint, one more than it stands for. Like Kafka's, anything negative means null.
    #[inline]
    fn compact_len(&mut self) -> Result<Option<usize>> {
        let len = (self.uvarint()? as i32).wrapping_sub(1);
        Ok(usize::try_from(len).ok())
    }

    #[inline]
    fn len_32(&mut self, flexible: bool) -> Result<Option<usize>> {
        if flexible { self.compact_len() } else { Ok(usize::try_from(self.i32()?).ok()) }
    }

    #[inline]
    fn required<T>(&self, at: usize, value: Option<T>) -> Result<T> {
        value.ok_or(DecodeError::Null { at })
    }

    pub fn string(&mut self, flexible: bool) -> Result<String> {
        let at = self.at;
        let value = self.opt_string(flexible)?;
        self.required(at, value)
    }

    pub fn opt_string(&mut self, flexible: bool) -> Result<Option<String>> {
        let at = self.at;
        let len = if flexible { self.compact_len()? } else { usize::try_from(self.i16()?).ok() };
        let Some(len) = len else { return Ok(None) };
        if len > MAX_STRING {
            return Err(DecodeError::StringTooLong { at, len });
        }
        self.check_left(len)?;
        self.charge(len)?;
        let text = std::str::from_utf8(&self.ahead()[..len]).map_err(|_| DecodeError::NotUtf8 { at })?.to_owned();
        self.at += len;
        Ok(Some(text))
    }

    pub fn bytes(&mut self, flexible: bool) -> Result<Bytes> {
        let at = self.at;
        let value = self.opt_bytes(flexible)?;
        self.required(at, value)
    }

    pub fn opt_bytes(&mut self, flexible: bool) -> Result<Option<Bytes>> {
        match self.len_32(flexible)? {
            Some(len) => self.slice(len).map(Some),
            None => Ok(None),
        }
    }

    pub fn records(&mut self, flexible: bool) -> Result<Records> {
        self.bytes(flexible).map(Records::Bytes)
    }

    pub fn opt_records(&mut self, flexible: bool) -> Result<Option<Records>> {
        Ok(self.opt_bytes(flexible)?.map(Records::Bytes))
    }

    /// The count of an array, checked against the bytes left and charged `size` bytes an element.
    fn count(&mut self, flexible: bool, size: usize) -> Result<Option<usize>> {
        let Some(count) = self.len_32(flexible)? else { return Ok(None) };
        self.check_left(count)?;
        self.charge(count.saturating_mul(size))?;
        Ok(Some(count))
    }

    pub fn list<T: Element>(&mut self, flexible: bool) -> Result<Vec<T>> {
        let at = self.at;
        let value = self.opt_list(flexible)?;
        self.required(at, value)
    }

    pub fn opt_list<T: Element>(&mut self, flexible: bool) -> Result<Option<Vec<T>>> {
        let Some(count) = self.count(flexible, size_of::<T>())? else { return Ok(None) };
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            out.push(T::read(self, flexible)?);
        }
        Ok(Some(out))
    }

    pub fn structs<T: Struct>(&mut self, version: i16, flexible: bool) -> Result<Vec<T>> {
        let at = self.at;
        let value = self.opt_structs(version, flexible)?;
        self.required(at, value)
    }

    pub fn opt_structs<T: Struct>(&mut self, version: i16, flexible: bool) -> Result<Option<Vec<T>>> {
        let Some(count) = self.count(flexible, size_of::<T>())? else { return Ok(None) };
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            out.push(T::decode(self, version)?);
        }
        Ok(Some(out))
    }

    pub fn opt_struct<T: Struct>(&mut self, version: i16) -> Result<Option<T>> {
        if self.i8()? < 0 { Ok(None) } else { T::decode(self, version).map(Some) }
    }

    /// A nullable struct as the value of a tagged field: its mark is a varint, 0 for null.
    pub fn opt_tagged_struct<T: Struct>(&mut self, version: i16) -> Result<Option<T>> {
        if self.uvarint()? == 0 { Ok(None) } else { T::decode(self, version).map(Some) }
    }

    /// The tagged section of a struct. `known` reads the value of a tag that it knows, or returns false to have it skipped.
    pub fn tags(&mut self, mut known: impl FnMut(&mut Reader, u32) -> Result<bool>) -> Result<()> {
        for _ in 0..self.uvarint()? {
            let (tag, size) = (self.uvarint()?, self.uvarint()? as usize);
            self.check_left(size)?;
            let start = self.at;
            if !known(self, tag)? {
                self.at = start + size;
            } else if self.at - start != size {
                return Err(DecodeError::TagSize { tag, size, read: self.at - start });
            }
        }
        Ok(())
    }

    /// A tagged section of which no tag is known.
    #[inline]
    pub fn skip_tags(&mut self) -> Result<()> {
        self.tags(|_, _| Ok(false))
    }
}

/// What can stand in an array without being a struct.
pub trait Element: Sized {
    fn read(r: &mut Reader, flexible: bool) -> Result<Self>;
    fn write(&self, w: &mut crate::Writer, flexible: bool) -> std::result::Result<(), crate::EncodeError>;
}

macro_rules! element {
    ($($ty:ty: $name:ident),*) => {
        $(impl Element for $ty {
            fn read(r: &mut Reader, _flexible: bool) -> Result<Self> {
                r.$name()
            }

            fn write(&self, w: &mut crate::Writer, _flexible: bool) -> std::result::Result<(), crate::EncodeError> {
                w.$name(*self);
                Ok(())
            }
        })*
    };
}

element!(i8: i8, i16: i16, i32: i32, i64: i64, Uuid: uuid);

impl Element for String {
    fn read(r: &mut Reader, flexible: bool) -> Result<Self> {
        r.string(flexible)
    }

    fn write(&self, w: &mut crate::Writer, flexible: bool) -> std::result::Result<(), crate::EncodeError> {
        w.string(self, flexible)
    }
}
