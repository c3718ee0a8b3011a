//! A record of format version 0 or 1, and those it holds in compressed form.

use super::fields::{Fields, Stop};
use super::sheet::{Crc, Origin, Sheet, quoted, time};
use crate::cli::dump_log::error::DumpError;
use crate::cli::dump_log::legacy;
use crate::cli::dump_log::log_file::crc32_of;
use crate::cli::dump_log::records::MOST_DECOMPRESSED;
use crate::cli::dump_log::walk::Found;
use crate::cli::dump_log::window::FileWindow;
use crate::record::Codec;

/// Prints every byte of the record.
pub fn dump(sheet: &mut Sheet<'_, '_>, log: &mut FileWindow, batch: &Found) -> Result<(), DumpError> {
    let computed = crc32_of(log, batch)?;
    sheet.heading(format!("record at {}: {} bytes, format version {}", batch.position, batch.size, batch.magic))?;
    let bytes = batch.bytes(log)?;
    Fields::new(sheet, Origin::File(batch.position), bytes).within(bytes.len(), |fields| record(fields, Crc::Computed(computed)))?;
    let Ok(outer) = legacy::parse(bytes) else { return Ok(()) };
    if !matches!(legacy::codec_of(outer.attributes), Ok(codec) if codec != Codec::None) {
        return Ok(());
    }
    match legacy::decompress(&outer, MOST_DECOMPRESSED) {
        Ok(set) => inner(sheet, &set),
        Err(e) => sheet.heading(format!("  not decompressed: {e}")),
    }
}

fn inner(sheet: &mut Sheet<'_, '_>, set: &[u8]) -> Result<(), DumpError> {
    sheet.heading(format!("  decompressed to {} bytes", set.len()))?;
    Fields::new(sheet, Origin::Decompressed, set).within(set.len(), |fields| {
        fields.indent("  ");
        while !fields.is_empty() {
            fields.heading("inner record")?;
            let size = fields.left().get(8..).and_then(|b| b.first_chunk::<4>()).map_or(0, |b| i32::from_be_bytes(*b));
            let size = usize::try_from(size).map_err(|_| Stop::Unreadable("negative size"))?;
            fields.within(size.saturating_add(12), |fields| record(fields, Crc::Unknown))?;
        }
        Ok(())
    })
}

fn record(fields: &mut Fields<'_, '_, '_, '_>, crc: Crc) -> Result<(), Stop> {
    fields.i64("offset", |v| v)?;
    fields.i32("size", |v| v)?;
    fields.u32("crc", |stored| crc.beside(stored))?;
    let magic = fields.i8("magic", |v| v)?;
    let attributes = fields.i8("attributes", |v| {
        let codec = legacy::codec_of(v.to_be_bytes()[0]).map_or("unknown codec", Codec::name);
        format!("{v} ({codec}, {})", legacy::time_of(magic, v.to_be_bytes()[0], 0).0)
    })?;
    if magic != 0 {
        fields.i64("timestamp", time)?;
    }
    let null = |len: i32| if len < 0 { format!("{len} (null)") } else { len.to_string() };
    let len = fields.i32("keyLength", null)?;
    fields.blob(len, "key", quoted)?;
    let len = fields.i32("valueLength", null)?;
    let compressed = legacy::codec_of(attributes.to_be_bytes()[0]).is_ok_and(|codec| codec != Codec::None);
    fields.blob(len, "value", |v| if compressed { "compressed records".to_owned() } else { quoted(v) }).map(|_| ())
}
