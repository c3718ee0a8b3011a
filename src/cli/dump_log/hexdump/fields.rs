//! Takes bytes apart field by field and prints each as it is taken.

use std::fmt::Display;

use super::sheet::{Origin, Sheet};
use crate::cli::dump_log::error::DumpError;
use crate::wire::varint;

/// Why a field could not be taken.
#[derive(Debug)]
pub enum Stop {
    /// The bytes do not make sense here; nothing was taken.
    Unreadable(&'static str),
    /// The line could not be printed.
    Failed(DumpError),
}

impl From<DumpError> for Stop {
    fn from(e: DumpError) -> Stop {
        Stop::Failed(e)
    }
}

const ENDS: Stop = Stop::Unreadable("cut off here");
const NO_VARINT: Stop = Stop::Unreadable("not a varint");

/// Bytes and how far they have been taken apart.
pub struct Fields<'s, 'p, 'o, 'b> {
    sheet: &'s mut Sheet<'p, 'o>,
    origin: Origin,
    bytes: &'b [u8],
    at: usize,
    /// Before every name.
    indent: &'static str,
}

impl<'s, 'p, 'o, 'b> Fields<'s, 'p, 'o, 'b> {
    pub fn new(sheet: &'s mut Sheet<'p, 'o>, origin: Origin, bytes: &'b [u8]) -> Self {
        Fields { sheet, origin, bytes, at: 0, indent: "" }
    }

    pub fn indent(&mut self, by: &'static str) {
        self.indent = by;
    }

    pub fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// What is left.
    pub fn left(&self) -> &'b [u8] {
        &self.bytes[self.at..]
    }

    pub fn heading(&mut self, text: impl Display) -> Result<(), Stop> {
        Ok(self.sheet.heading(format!("{}{text}", self.indent))?)
    }

    fn take(&mut self, len: usize, name: &str, meaning: impl Display) -> Result<&'b [u8], Stop> {
        let bytes = self.left().get(..len).ok_or(ENDS)?;
        self.sheet.field(self.origin, self.at, bytes, &format!("{}{name}", self.indent), meaning)?;
        self.at += len;
        Ok(bytes)
    }

    fn fixed<const N: usize, T: Copy, D: Display>(
        &mut self,
        name: &str,
        from: fn([u8; N]) -> T,
        meaning: impl FnOnce(T) -> D,
    ) -> Result<T, Stop> {
        let value = from(*self.left().first_chunk::<N>().ok_or(ENDS)?);
        self.take(N, name, meaning(value))?;
        Ok(value)
    }

    pub fn i8<D: Display>(&mut self, name: &str, meaning: impl FnOnce(i8) -> D) -> Result<i8, Stop> {
        self.fixed(name, i8::from_be_bytes, meaning)
    }

    pub fn i16<D: Display>(&mut self, name: &str, meaning: impl FnOnce(i16) -> D) -> Result<i16, Stop> {
        self.fixed(name, i16::from_be_bytes, meaning)
    }

    pub fn i32<D: Display>(&mut self, name: &str, meaning: impl FnOnce(i32) -> D) -> Result<i32, Stop> {
        self.fixed(name, i32::from_be_bytes, meaning)
    }

    pub fn u32<D: Display>(&mut self, name: &str, meaning: impl FnOnce(u32) -> D) -> Result<u32, Stop> {
        self.fixed(name, u32::from_be_bytes, meaning)
    }

    pub fn i64<D: Display>(&mut self, name: &str, meaning: impl FnOnce(i64) -> D) -> Result<i64, Stop> {
        self.fixed(name, i64::from_be_bytes, meaning)
    }

    /// A zigzag varint of at most five bytes.
    pub fn varint<D: Display>(&mut self, name: &str, meaning: impl FnOnce(i32) -> D) -> Result<i32, Stop> {
        let (value, len) = varint::read_i32(self.left()).map_err(|_| NO_VARINT)?;
        self.take(len, name, meaning(value))?;
        Ok(value)
    }

    /// A zigzag varint of at most ten bytes.
    pub fn varlong<D: Display>(&mut self, name: &str, meaning: impl FnOnce(i64) -> D) -> Result<i64, Stop> {
        let (value, len) = varint::read_i64(self.left()).map_err(|_| NO_VARINT)?;
        self.take(len, name, meaning(value))?;
        Ok(value)
    }

    /// `len` bytes; none, and no line, if `len` is not above 0.
    pub fn blob<D: Display>(&mut self, len: i32, name: &str, meaning: impl FnOnce(&'b [u8]) -> D) -> Result<&'b [u8], Stop> {
        let Ok(len) = usize::try_from(len) else { return Ok(&[]) };
        let bytes = self.left().get(..len).ok_or(ENDS)?;
        if len > 0 {
            self.take(len, name, meaning(bytes))?;
        }
        Ok(bytes)
    }

    /// All that is left, if anything is.
    pub fn rest(&mut self, name: &str, meaning: impl Display) -> Result<(), Stop> {
        if !self.is_empty() {
            self.take(self.bytes.len() - self.at, name, meaning)?;
        }
        Ok(())
    }

    /// Lets `body` take apart the next `len` bytes, or as many as there are; what it leaves is printed as unreadable.
    pub fn within(&mut self, len: usize, body: impl FnOnce(&mut Fields<'_, 'p, 'o, 'b>) -> Result<(), Stop>) -> Result<(), DumpError> {
        let end = self.at.saturating_add(len).min(self.bytes.len());
        let mut inner =
            Fields { sheet: &mut *self.sheet, origin: self.origin, bytes: &self.bytes[..end], at: self.at, indent: self.indent };
        let why = match body(&mut inner) {
            Ok(()) => "not expected here",
            Err(Stop::Unreadable(why)) => why,
            Err(Stop::Failed(e)) => return Err(e),
        };
        match inner.rest("unreadable", why) {
            Err(Stop::Failed(e)) => return Err(e),
            Ok(()) | Err(Stop::Unreadable(_)) => {}
        }
        self.at = end;
        Ok(())
    }
}
