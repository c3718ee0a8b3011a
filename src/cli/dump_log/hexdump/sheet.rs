//! The lines of the hexdump: where, which bytes, what they are called, what they mean.
//!
//! ```text
//! 0000000c  00 00 00 00              partitionLeaderEpoch = 0
//! 00000048  6a 75 6c 69 65 74 74 20  value = "juliett echo"
//! 00000050  65 63 68 6f              |echo|
//! ```
//!
//! Bytes that come out of a compressed batch have their place in the decompressed data: `+000004c`.

use std::fmt::Display;

use crate::cli::dump_log::error::DumpError;
use crate::cli::dump_log::printer::Printer;
use crate::cli::dump_log::text;

/// Bytes a line.
const ROW: usize = 8;
/// Characters of a key or value shown beside its first bytes.
const SHOWN: usize = 60;

/// Where the first byte of a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// At this position in the file.
    File(u64),
    /// In decompressed data.
    Decompressed,
}

/// Prints lines of a hexdump.
pub struct Sheet<'p, 'o> {
    out: &'p mut Printer<'o>,
    colour: bool,
}

impl<'p, 'o> Sheet<'p, 'o> {
    /// `colour`: with terminal escapes.
    pub fn new(out: &'p mut Printer<'o>, colour: bool) -> Self {
        Sheet { out, colour }
    }

    /// A line between the bytes, such as the title of a batch.
    pub fn heading(&mut self, text: impl Display) -> Result<(), DumpError> {
        let text = text.to_string();
        self.painted("1", &text);
        self.out.end_line()
    }

    /// `bytes`, which begin at `at` from `origin`, with their name and meaning; as many lines as it takes.
    pub fn field(&mut self, origin: Origin, at: usize, bytes: &[u8], name: &str, meaning: impl Display) -> Result<(), DumpError> {
        let meaning = meaning.to_string();
        self.row(origin, at, &bytes[..bytes.len().min(ROW)]);
        self.painted("36", name);
        self.out.text(if meaning.is_empty() { "" } else { " = " }).text(&meaning).end_line()?;
        for (n, row) in bytes.chunks(ROW).enumerate().skip(1) {
            self.row(origin, at + n * ROW, row);
            self.ascii(row);
            self.out.end_line()?;
        }
        Ok(())
    }

    fn row(&mut self, origin: Origin, at: usize, bytes: &[u8]) {
        let (place, mark) = match origin {
            Origin::File(start) => (start + at as u64, ""),
            Origin::Decompressed => (at as u64, "+"),
        };
        // Files are smaller than 4 GiB: positions in them are i32.
        let mut digits = [0; 8];
        let _ = hex::encode_to_slice((place as u32).to_be_bytes(), &mut digits);
        self.painted_bytes("2", mark, &digits[mark.len()..], "");
        let mut line = [b' '; ROW * 3 + 3];
        for (n, byte) in bytes.iter().enumerate().take(ROW) {
            let _ = hex::encode_to_slice([*byte], &mut line[n * 3 + 2..n * 3 + 4]);
        }
        self.out.utf8(&line);
    }

    fn ascii(&mut self, bytes: &[u8]) {
        let mut shown = [b'.'; ROW];
        for (place, byte) in shown.iter_mut().zip(bytes).filter(|(_, byte)| (b' '..=b'~').contains(*byte)) {
            *place = *byte;
        }
        self.painted_bytes("2", "|", &shown[..bytes.len().min(ROW)], "|");
    }

    fn painted_bytes(&mut self, code: &str, before: &str, bytes: &[u8], after: &str) {
        if self.colour {
            self.out.text("\x1b[").text(code).text("m");
        }
        self.out.text(before).utf8(bytes).text(after);
        if self.colour {
            self.out.text("\x1b[0m");
        }
    }

    fn painted(&mut self, code: &str, text: &str) {
        self.painted_bytes(code, text, b"", "");
    }
}

/// Bytes as text in quotation marks, cut where it gets long; only their number if they are no text.
pub fn quoted(bytes: &[u8]) -> String {
    let is_text = |text: &&str| text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
    let Some(all) = std::str::from_utf8(bytes).ok().filter(is_text) else {
        return format!("{} bytes", bytes.len());
    };
    let mut shown = String::new();
    for c in all.chars().take(SHOWN) {
        match c {
            '\'' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    if all.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

/// Milliseconds since 1970 with their date.
pub fn time(ms: i64) -> String {
    if ms < 0 { ms.to_string() } else { format!("{ms} ({})", date(ms)) }
}

/// Milliseconds since 1970 as a date, where there is one.
pub fn date(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| format!("{time:.3}"))
}

/// What is known of a stored CRC.
#[derive(Clone, Copy, Debug)]
pub enum Crc {
    /// The bytes give this one.
    Computed(u32),
    /// Not all bytes are there, or nobody asked.
    Unknown,
}

impl Crc {
    /// The meaning of a stored CRC.
    pub fn beside(self, stored: u32) -> String {
        match self {
            Crc::Computed(computed) if computed == stored => format!("{stored} (valid)"),
            Crc::Computed(computed) => format!("{stored} (INVALID: computed {computed})"),
            Crc::Unknown => stored.to_string(),
        }
    }
}

/// A header key, which is UTF-8 by contract.
pub fn name(bytes: &[u8]) -> String {
    text::java_utf8(bytes).escape_debug().to_string()
}
