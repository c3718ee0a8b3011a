//! A summary in words and as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Source;
use super::count::Counts;

/// Holes and producers told in words; of more only their number is.
const MOST_TOLD: usize = 5;

/// Names and values for people.
pub fn rows(c: &Counts) -> Vec<(&'static str, String)> {
    let mut rows = vec![("size", format!("{} in {}", count(c.bytes, "byte"), count(c.files, "file")))];
    rows.push(("offsets", c.offsets.map_or("none".into(), |(first, last)| format!("{first} to {last}"))));
    rows.push(("records", format!("{} in {}", c.records, batches(c.batches))));
    if c.control_records > 0 {
        rows.push(("control", count(c.control_records, "record")));
    }
    for (name, of) in &c.codecs {
        rows.push(("codec", format!("{name}: {} in {}, {}", count(of.records, "record"), batches(of.batches), count(of.bytes, "byte"))));
    }
    if let Some((first, last)) = c.times {
        rows.push(("times", format!("{} to {}", moment(first), moment(last))));
    }
    rows.push(("holes", holes(c)));
    if !c.producers.is_empty() {
        rows.push(("producers", producers(c)));
    }
    if c.committed + c.aborted > 0 || !c.open.is_empty() {
        let open = list(c.open.iter().map(|(id, from)| format!("producer {id} from offset {from}")));
        let open = if c.open.is_empty() { String::new() } else { format!(": {open}") };
        rows.push(("transactions", format!("{} committed, {} aborted, {} open{open}", c.committed, c.aborted, c.open.len())));
    }
    if let Some((first, last)) = c.leader_epochs {
        rows.push(("leader epochs", if first == last { first.to_string() } else { format!("{first} to {last}") }));
    }
    if c.damaged > 0 {
        rows.push(("damaged", format!("{}, whose CRC does not fit; nothing else counts of them", batches(c.damaged))));
    }
    if c.invalid_bytes > 0 {
        rows.push(("invalid", format!("{} at the ends of files are no whole batch", count(c.invalid_bytes, "byte"))));
    }
    rows
}

fn holes(c: &Counts) -> String {
    let within = match c.missing_within {
        0 => String::new(),
        n => format!("{} missing within batches (compaction)", count(n, "offset")),
    };
    match (c.hole_count, within.as_str()) {
        (0, "") => "none".into(),
        (0, within) => within.into(),
        (n, within) => {
            let told = list(c.holes.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from} to {to}") }));
            let more = if within.is_empty() { String::new() } else { format!("; {within}") };
            format!("{n} between batches, {} missing: {told}{more}", count(c.missing_between, "offset"))
        }
    }
}

fn producers(c: &Counts) -> String {
    let told = list(c.producers.iter().map(|(id, p)| format!("{id} (epoch {}, {})", p.epoch, count(p.records, "record"))));
    format!("{}: {told}", c.producers.len())
}

/// Some of them, and how many more there are.
fn list(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(MOST_TOLD);
    let mut text = all.take(MOST_TOLD).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn batches(n: u64) -> String {
    format!("{n} batch{}", if n == 1 { "" } else { "es" })
}

/// A time in UTC; the number itself where it is no time.
fn moment(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(|_| millis.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

pub fn json(source: &Source, c: &Counts) -> Value {
    let mut fields = source.fields();
    let offset = |at: Option<i64>| at.map_or(Value::Null, Value::from);
    let codec = |(name, of): (&&str, &super::count::OfCodec)| json!({"codec": name, "batches": of.batches, "records": of.records, "bytes": of.bytes});
    let producer = |(id, p): (&i64, &super::count::OfProducer)| {
        let sequence = (p.last_sequence >= 0).then_some(p.last_sequence);
        json!({"producer_id": id, "producer_epoch": p.epoch, "records": p.records, "last_sequence": sequence, "last_offset": p.last_offset})
    };
    let rest = json!({
        "files": c.files,
        "bytes": c.bytes,
        "first_offset": offset(c.offsets.map(|(first, _)| first)),
        "last_offset": offset(c.offsets.map(|(_, last)| last)),
        "batches": c.batches,
        "records": c.records,
        "control_records": c.control_records,
        "codecs": c.codecs.iter().map(codec).collect::<Vec<_>>(),
        "first_timestamp": offset(c.times.map(|(first, _)| first)),
        "last_timestamp": offset(c.times.map(|(_, last)| last)),
        "hole_count": c.hole_count,
        "holes": c.holes.iter().map(|(from, to)| json!({"first_offset": from, "last_offset": to})).collect::<Vec<_>>(),
        "missing_between": c.missing_between,
        "missing_within": c.missing_within,
        "producers": c.producers.iter().map(producer).collect::<Vec<_>>(),
        "transactions": {
            "committed": c.committed,
            "aborted": c.aborted,
            "open": c.open.iter().map(|(id, from)| json!({"producer_id": id, "first_offset": from})).collect::<Vec<_>>(),
        },
        "first_leader_epoch": c.leader_epochs.map(|(first, _)| first),
        "last_leader_epoch": c.leader_epochs.map(|(_, last)| last),
        "damaged_batches": c.damaged,
        "invalid_bytes": c.invalid_bytes,
    });
    if let Value::Object(rest) = rest {
        fields.extend(rest);
    }
    Value::Object(fields)
}
