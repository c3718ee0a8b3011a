//! A batch of format version 2 with its records.

use std::borrow::Cow;

use super::fields::{Fields, Stop};
use super::sheet::{Crc, Origin, Sheet, date, name, quoted, time};
use crate::cli::dump_log::control;
use crate::cli::dump_log::error::DumpError;
use crate::cli::dump_log::log_file::crc32c_of;
use crate::cli::dump_log::records::body_of;
use crate::cli::dump_log::walk::{Found, header_from};
use crate::cli::dump_log::window::FileWindow;
use crate::record::{Attributes, BatchHeader, Codec, HEADER_LEN};

/// Names of control records by their type.
const CONTROL_TYPES: [&str; 7] =
    ["ABORT", "COMMIT", "LEADER_CHANGE", "SNAPSHOT_HEADER", "SNAPSHOT_FOOTER", "KRAFT_VERSION", "KRAFT_VOTERS"];

/// Prints every byte of the batch.
pub fn dump(sheet: &mut Sheet<'_, '_>, log: &mut FileWindow, batch: &Found) -> Result<(), DumpError> {
    let header = batch.header(log)?;
    let computed = crc32c_of(log, batch)?;
    let (first, last) = (header.base_offset, header.last_offset());
    sheet.heading(format!("batch at {}: {} bytes, offsets {first} to {last}", batch.position, batch.size))?;
    let bytes = batch.bytes(log)?;
    Fields::new(sheet, Origin::File(batch.position), bytes).within(bytes.len(), |fields| {
        header_fields(fields, &header, Crc::Computed(computed))?;
        if header.codec().ok() == Some(Codec::None) {
            return records(fields, &header);
        }
        let codec = header.codec().map_or("unknown codec", Codec::name);
        fields.rest(&format!("records ({codec})"), "")
    })?;
    match header.codec() {
        Ok(Codec::None) => Ok(()),
        Ok(_) => decompressed(sheet, &header, bytes),
        Err(e) => sheet.heading(format!("  not decompressed: {e}")),
    }
}

fn decompressed(sheet: &mut Sheet<'_, '_>, header: &BatchHeader, bytes: &[u8]) -> Result<(), DumpError> {
    let body: Cow<'_, [u8]> = match body_of(header, bytes) {
        Ok(body) => body,
        Err(e) => return sheet.heading(format!("  not decompressed: {e}")),
    };
    sheet.heading(format!("  decompressed to {} bytes", body.len()))?;
    Fields::new(sheet, Origin::Decompressed, &body).within(body.len(), |fields| records(fields, header))
}

fn header_fields(fields: &mut Fields<'_, '_, '_, '_>, header: &BatchHeader, crc: Crc) -> Result<(), Stop> {
    let size = header.size_in_bytes();
    fields.i64("baseOffset", |v| v)?;
    fields.i32("batchLength", |v| format!("{v} (and 12 before: {size} bytes)"))?;
    fields.i32("partitionLeaderEpoch", |v| v)?;
    fields.i8("magic", |v| v)?;
    fields.u32("crc", |stored| crc.beside(stored))?;
    fields.i16("attributes", |v| format!("{v} ({})", attributes(Attributes(v))))?;
    fields.i32("lastOffsetDelta", |v| format!("{v} (offset {})", header.last_offset()))?;
    fields.i64(if header.has_delete_horizon() { "deleteHorizonMs" } else { "baseTimestamp" }, time)?;
    fields.i64("maxTimestamp", time)?;
    fields.i64("producerId", none_if_negative)?;
    fields.i16("producerEpoch", none_if_negative)?;
    fields.i32("baseSequence", none_if_negative)?;
    fields.i32("recordsCount", |v| v).map(|_| ())
}

fn none_if_negative(value: impl Into<i64>) -> String {
    match value.into() {
        -1 => "-1 (none)".to_owned(),
        other => other.to_string(),
    }
}

fn attributes(bits: Attributes) -> String {
    let codec = Codec::from_id(bits.codec_id()).map_or("unknown codec", Codec::name);
    let mut words = vec![codec, bits.timestamp_type().name()];
    for (set, word) in
        [(bits.is_transactional(), "transactional"), (bits.is_control(), "control"), (bits.has_delete_horizon(), "delete horizon")]
    {
        words.extend(set.then_some(word));
    }
    words.join(", ")
}

fn records(fields: &mut Fields<'_, '_, '_, '_>, header: &BatchHeader) -> Result<(), Stop> {
    for n in 0..header.record_count {
        if fields.is_empty() {
            return fields.heading(format!("{n} of {} records are there", header.record_count));
        }
        fields.indent("  ");
        fields.heading(format!("record {} of {}", n + 1, header.record_count))?;
        let len = fields.varint("length", |v| v)?;
        let len = usize::try_from(len).map_err(|_| Stop::Unreadable("negative length"))?;
        fields.within(len, |fields| record(fields, header))?;
    }
    fields.indent("");
    Ok(())
}

fn record(fields: &mut Fields<'_, '_, '_, '_>, header: &BatchHeader) -> Result<(), Stop> {
    fields.i8("attributes", |v| v)?;
    fields.varlong("timestampDelta", |v| format!("{v} ({})", date(header.base_timestamp.wrapping_add(v))))?;
    fields.varint("offsetDelta", |v| format!("{v} (offset {})", header.base_offset.wrapping_add(i64::from(v))))?;
    let key_len = fields.varint("keyLength", null_if_negative)?;
    let mut kind = None;
    if header.is_control() && key_len == 4 {
        fields.i16("controlVersion", |v| v)?;
        let type_id = fields.i16("controlType", |v| format!("{v} ({})", control_name(v)))?;
        kind = Some(type_id);
    } else {
        fields.blob(key_len, "key", quoted)?;
    }
    let value_len = fields.varint("valueLength", null_if_negative)?;
    if matches!(kind, Some(0 | 1)) && value_len == 6 {
        fields.i16("markerVersion", |v| v)?;
        fields.i32("coordinatorEpoch", |v| v)?;
    } else {
        let message = |value| kind.and_then(|kind| control::message(kind, value)?.ok());
        fields.blob(value_len, "value", |value| message(value).unwrap_or_else(|| quoted(value)))?;
    }
    for _ in 0..fields.varint("headersCount", |v| v)? {
        let len = fields.varint("headerKeyLength", |v| v)?;
        fields.blob(len, "headerKey", name)?;
        let len = fields.varint("headerValueLength", null_if_negative)?;
        fields.blob(len, "headerValue", quoted)?;
    }
    Ok(())
}

fn control_name(type_id: i16) -> &'static str {
    usize::try_from(type_id).ok().and_then(|n| CONTROL_TYPES.get(n)).copied().unwrap_or("UNKNOWN")
}

fn null_if_negative(len: i32) -> String {
    if len < 0 { format!("{len} (null)") } else { len.to_string() }
}

/// The bytes of a batch that is not whole, as far as they go.
pub fn cut(sheet: &mut Sheet<'_, '_>, position: u64, bytes: &[u8]) -> Result<(), DumpError> {
    let mut padded = [0u8; HEADER_LEN];
    let there = bytes.len().min(HEADER_LEN);
    padded[..there].copy_from_slice(&bytes[..there]);
    let header = header_from(&padded);
    Fields::new(sheet, Origin::File(position), bytes).within(bytes.len(), |fields| {
        header_fields(fields, &header, Crc::Unknown)?;
        match header.codec() {
            Ok(Codec::None) => records(fields, &header),
            codec => fields.rest(&format!("records ({})", codec.map_or("unknown codec", Codec::name)), "cut"),
        }
    })
}
