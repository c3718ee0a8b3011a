//! `-o json`: one JSON object a line for every batch, record, index entry and producer. `docs/formats.md` has the schema.

mod log;
mod small;

use super::Dump;
use super::error::DumpError;
use super::places::partition_of;
use super::printer::Printer;
use crate::cli::records::grep::Grep;
use crate::cli::records::json;

/// Dumps a file of the kind that its suffix says.
pub fn dump(dump: &mut Dump<'_, '_>, path: &str, suffix: &str, grep: &Grep) -> Result<(), DumpError> {
    let place = Place::of(path);
    match suffix {
        "log" | "checkpoint" => log::dump(dump, path, &place, grep),
        "index" => small::offset_index(dump, path, &place),
        "timeindex" => small::time_index(dump, path, &place),
        "txnindex" => small::txn_index(dump, path, &place),
        _ => small::producer_snapshot(dump, path, &place),
    }
}

/// Where something was found, as every line tells it.
struct Place {
    /// Empty if the directory of the file is not named after a partition.
    topic: String,
    /// `"file":...,"topic":...,"partition":...`
    fields: String,
}

impl Place {
    fn of(path: &str) -> Place {
        let mut fields = b"\"file\":".to_vec();
        json::nullable(Some(path.as_bytes()), &mut fields);
        let partition = partition_of(path);
        match &partition {
            Some((topic, number)) => fields.extend_from_slice(format!(",\"topic\":\"{topic}\",\"partition\":{number}").as_bytes()),
            None => fields.extend_from_slice(b",\"topic\":null,\"partition\":null"),
        }
        Place { topic: partition.map(|(topic, _)| topic).unwrap_or_default(), fields: String::from_utf8_lossy(&fields).into_owned() }
    }

    /// Begins a line.
    fn line<'p, 'o>(&self, out: &'p mut Printer<'o>, kind: &str) -> &'p mut Printer<'o> {
        out.text("{\"type\":\"").text(kind).text("\",").text(&self.fields)
    }
}

/// What is no whole batch or entry, and why.
fn invalid(out: &mut Printer<'_>, place: &Place, position: u64, bytes: u64, why: &str) -> Result<(), DumpError> {
    place.line(out, "invalid").text(",\"position\":").uint(position).text(",\"bytes\":").uint(bytes);
    out.text(",\"why\":").json(Some(why.as_bytes())).text("}").end_line()
}
