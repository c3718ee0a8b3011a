//! What is fuzzed: one function for each decoder of bytes from outside. They must return whatever they are given, without a panic, and
//! what they accept must hold what is said beside each. `tests/fuzz_replay.rs` includes this file, so it compiles on stable as well.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use kfk::config::{BrokerConfig, parse_endpoints, parse_properties};
use kfk::log::meta_properties::MetaProperties;
use kfk::log::sim_disk::SimDisk;
use kfk::log::{Epochs, checkpoint, partition_meta, producer_snapshot, txn_index};
use kfk::machine::assign::consumer_protocol;
use kfk::machine::controller::MetadataRecord;
use kfk::machine::coordinator::Coordinator;
use kfk::machine::group::GroupShard;
use kfk::machine::txn::TxnShard;
use kfk::record::codec::decompress;
use kfk::record::{BatchView, Codec, HEADER_LEN, ValidateOptions, batches, single_batch, validate, walk_payload};
use kfk::wire::frame::read_request_header;
use kfk::wire::{Message, Reader};

#[path = "log_files.rs"]
mod log_files;

pub use log_files::log_files;

/// Decompressed output is bounded by this.
const LIMIT: usize = 1 << 20;

/// What a fuzzer calls.
pub type Target = fn(&[u8]);

/// Name and body of every target. Names are those of `fuzz_targets/` and `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("request", request),
    ("message", message),
    ("record_batch", record_batch),
    ("batch_body", batch_body),
    ("codec", codec),
    ("log_files", log_files),
    ("small_files", small_files),
    ("metadata_dir", log_files::metadata_dir),
    ("properties", properties),
    ("coordinator_records", coordinator_records),
    ("member_bytes", member_bytes),
    ("command_line", command_line),
    ("reset_plan", reset_plan),
];

/// The first two bytes as a number, and the rest.
fn number(data: &[u8]) -> Option<(u16, &[u8])> {
    let (head, rest) = data.split_first_chunk()?;
    Some((u16::from_be_bytes(*head), rest))
}

/// What was decoded must be encodable again, and mean the same.
fn there_and_back<M: Message + PartialEq + std::fmt::Debug>(reader: &mut Reader, version: i16) {
    let Ok(message) = M::decode(reader, version) else { return };
    let Ok(bytes) = message.to_bytes(version) else { return };
    let again = M::from_bytes(bytes.clone(), version);
    // Floating point is not equal to itself when it is not a number; the bytes are.
    let same = again.as_ref().is_ok_and(|again| *again == message || again.to_bytes(version).is_ok_and(|b| b == bytes));
    assert!(same, "{} {version}: {message:?} came back as {again:?}", M::NAME);
}

/// A request frame as it comes over a connection: header, then the body that its key and version say.
fn request(data: &[u8]) {
    let mut reader = Reader::new(Bytes::copy_from_slice(data));
    let Ok((key, header)) = read_request_header(&mut reader) else { return };
    let (name, version) = (format!("{key:?}Request"), header.request_api_version);
    macro_rules! row {
        ($module:ident, $message:ident, spoken) => {
            if name == stringify!($message) && <kfk::wire::$module::$message as Message>::check_version(version).is_some() {
                return there_and_back::<kfk::wire::$module::$message>(&mut reader, version);
            }
        };
        ($module:ident, $message:ident, stored) => {};
    }
    kfk::wire::for_each_message!(row);
}

/// Any message in any version: responses as clients get them, records as they stand in internal logs.
fn message(data: &[u8]) {
    let Some((selected, data)) = number(data) else { return };
    let (selected, version) = (selected >> 5, (selected & 31) as i16);
    let mut at = 0;
    macro_rules! row {
        ($module:ident, $message:ident, $kind:ident) => {
            if at == selected {
                if <kfk::wire::$module::$message as Message>::check_version(version).is_some() {
                    there_and_back::<kfk::wire::$module::$message>(&mut Reader::new(Bytes::copy_from_slice(data)), version);
                }
                return;
            }
            at += 1;
        };
    }
    kfk::wire::for_each_message!(row);
    let _ = at;
}

fn look_at(batch: &BatchView<'_>) {
    let _ = batch.check_crc();
    if let Ok(data) = batch.data(LIMIT) {
        for record in data.iter() {
            let Ok(record) = record else { break };
            let _ = record.headers().count();
        }
    }
}

/// Record batches as producers send them, and as they stand in a log. A batch that was accepted can be read to its end.
fn record_batch(data: &[u8]) {
    for batch in batches(data) {
        let Ok(batch) = batch else { break };
        look_at(&batch);
    }
    let bytes = Bytes::copy_from_slice(data);
    let Ok(produced) = single_batch(&bytes, true) else { return };
    for compact in [false, true] {
        let options = ValidateOptions { compact, decompressed_limit: LIMIT, ..ValidateOptions::default() };
        let Ok(valid) = validate(&produced, &options) else { continue };
        let whole = [&valid.header_bytes(7, 3)[..], &valid.body].concat();
        let stored = BatchView::parse(&whole).expect("what was accepted is a batch");
        stored.check_crc().expect("what was accepted has its CRC");
        let records = stored.data(LIMIT).expect("what was accepted can be unpacked");
        let all: Result<Vec<_>, _> = records.iter().collect();
        let count = all.expect("what was accepted can be read").len();
        assert_eq!(count as i32, stored.header.record_count, "what was accepted has all its records");
    }
}

/// The same with a header that fits: past length and CRC.
fn batch_body(data: &[u8]) {
    if data.len() < HEADER_LEN {
        return;
    }
    let mut bytes = data.to_vec();
    let length = (bytes.len() - 12) as i32;
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    bytes[16] = 2;
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    let view = BatchView::parse(&bytes).expect("the header fits");
    if let Ok(codec) = view.header.codec() {
        let _ = walk_payload(codec, view.body(), view.header.record_count, LIMIT, |_| ());
    }
    record_batch(&bytes);
}

/// Each codec, with its bound on what comes out.
fn codec(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let codec = Codec::ALL[usize::from(first) % Codec::ALL.len()];
    if let Ok(out) = decompress(codec, rest, LIMIT) {
        assert!(out.len() <= LIMIT);
    }
}

/// Small files of a data directory, each decoder on the same bytes.
fn small_files(data: &[u8]) {
    if let Ok(entries) = producer_snapshot::decode(data) {
        let again = producer_snapshot::encode(entries.iter().copied());
        assert_eq!(producer_snapshot::decode(&again).expect("what was written can be read"), entries);
    }
    if let Some(epochs) = Epochs::decode(data) {
        assert!(epochs.entries().windows(2).all(|e| e[0].epoch < e[1].epoch && e[0].start < e[1].start), "V5");
        assert_eq!(Epochs::decode(&epochs.encode()).as_ref(), Some(&epochs));
    }
    if let Some(entries) = txn_index::decode(data) {
        assert!(entries.windows(2).all(|e| e[0].last_offset < e[1].last_offset), "L7");
    }
    let _ = partition_meta::decode(data);
    let disk = SimDisk::new();
    disk.put("/d/meta.properties", data);
    disk.put("/d/checkpoint", data);
    let _ = MetaProperties::read(&disk, Path::new("/d"));
    let _ = checkpoint::read_offsets(&disk, Path::new("/d/checkpoint"));
}

/// A properties file, and what a broker makes of it.
fn properties(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let pairs = parse_properties(&text);
    let _ = BrokerConfig::parse(pairs);
    let _ = parse_endpoints("listeners", &text);
}

/// Keys and values of internal topics, and records of the metadata log.
fn coordinator_records(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let key_len = usize::from(first).min(rest.len());
    let (key, value) = (Bytes::copy_from_slice(&rest[..key_len]), Bytes::copy_from_slice(&rest[key_len..]));
    for value in [None, Some(&value)] {
        if let Ok(record) = GroupShard::decode(&key, value) {
            let (key, value) = GroupShard::encode(&record).expect("what was read can be written");
            assert!(GroupShard::decode(&key, value.as_ref()).is_ok());
        }
        if let Ok(record) = TxnShard::decode(&key, value) {
            let (key, value) = TxnShard::encode(&record).expect("what was read can be written");
            assert!(TxnShard::decode(&key, value.as_ref()).is_ok());
        }
    }
    let _ = MetadataRecord::decode(&Bytes::copy_from_slice(data));
}

/// What members of a group send each other through the coordinator.
fn member_bytes(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    let _ = consumer_protocol::decode_subscription(&data);
    let _ = consumer_protocol::decode_assignment(&data);
    let _ = consumer_protocol::decode_sticky_user_data(&data);
    let _ = consumer_protocol::decode_cooperative_user_data(&data);
}

/// A command line under Kafka's rules and clap's: words are separated by zeros, the first byte says which tool.
fn command_line(data: &[u8]) {
    use kfk::cli::jopt::{Mode, normalize};
    let Some((&first, rest)) = data.split_first() else { return };
    let tools = ["topics", "console-producer", "console-consumer", "consumer-groups", "dump-log", "server"];
    let tool = tools[usize::from(first >> 1) % tools.len()];
    let words: Vec<OsString> = rest.split(|b| *b == 0).map(|w| OsString::from_vec(w.to_vec())).collect();
    let Some(command) = kfk::cli::command().find_subcommand(tool).cloned() else { panic!("{tool} is no tool") };
    let mode = if first & 1 == 0 { Mode::Strict } else { Mode::Lenient };
    if let Ok(normal) = normalize(&command, &words, mode) {
        let _ = command.no_binary_name(true).try_get_matches_from(normal.args);
    }
}

/// Offsets to reset to, as a file names them.
fn reset_plan(data: &[u8]) {
    use kfk::cli::consumer_groups::plan;
    let text = String::from_utf8_lossy(data);
    for group in [None, Some("g")] {
        if let Ok(parsed) = plan::parse(&text, group) {
            let written = plan::csv(&parsed, true);
            assert_eq!(plan::parse(&written, None).ok().as_ref(), Some(&parsed), "a plan is read back as it was written");
        }
    }
    let _ = plan::TopicArg::read_all(&[text.into_owned()]);
}

/// A disk as logs take it.
pub(crate) fn shared(disk: &SimDisk) -> Arc<SimDisk> {
    Arc::new(disk.clone())
}

/// Runs the target of a name.
pub fn run(name: &str, data: &[u8]) {
    if let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) {
        target(data);
    }
}
