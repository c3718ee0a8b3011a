//! A recording: a head that tells the topics, a line of JSON for each record, a foot that tells how many there are.
//!
//! The lines between are those of `kfk console-consumer -o json`. A recording that was cut off has no foot, and perhaps half a line at its end.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::topics::Shape;
use crate::cli::error::CliError;
use crate::types::TopicPartition;

/// The version of the form that this program writes and reads.
const VERSION: i64 = 1;

/// The path that stands for standard input or output.
pub(super) fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == "-"
}

pub(super) fn failed(path: &Path, what: &str, e: &io::Error) -> CliError {
    if e.kind() == io::ErrorKind::BrokenPipe {
        return CliError::from(io::Error::from(io::ErrorKind::BrokenPipe));
    }
    CliError::failed(format!("cannot {what} {}", path.display())).cause(e.to_string())
}

/// The first line of a recording.
pub(super) fn head(shapes: &[Shape]) -> Vec<u8> {
    let topics: Vec<Value> = shapes.iter().map(Shape::to_json).collect();
    let mut line = json!({"kfk_recording": VERSION, "topics": topics}).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// The last line of a whole recording.
pub(super) fn foot(records: u64) -> Vec<u8> {
    format!("{{\"kfk_recording_end\":{records}}}\n").into_bytes()
}

/// Reads the first line. Errors: it is no recording's, or a newer one's.
pub(super) fn read_head(line: &[u8], path: &Path) -> Result<Vec<Shape>, CliError> {
    let none = || {
        CliError::failed(format!("{} is no recording", path.display()))
            .hint("lines of `kfk console-consumer -o json` go into `kfk console-producer --input json`")
    };
    let value: Value = serde_json::from_slice(line).map_err(|_| none())?;
    match value.get("kfk_recording").and_then(Value::as_i64).ok_or_else(none)? {
        VERSION => {}
        newer => return Err(CliError::failed(format!("{} is a recording of form {newer}, this kfk reads {VERSION}", path.display()))),
    }
    let topics = value.get("topics").and_then(Value::as_array).ok_or_else(none)?;
    topics.iter().map(|t| Shape::from_json(t).ok_or_else(none)).collect()
}

/// The number in the last line of a whole recording, if `line` is one.
pub(super) fn read_foot(line: &[u8]) -> Option<u64> {
    if !line.starts_with(b"{\"kfk_recording_end\"") {
        return None;
    }
    serde_json::from_slice::<Value>(line).ok()?.get("kfk_recording_end")?.as_u64()
}

/// Opens a recording to read.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, CliError> {
    if is_pipe(path) {
        return Ok(Box::new(io::stdin()));
    }
    File::open(path).map(|f| Box::new(f) as Box<dyn Read>).map_err(|e| failed(path, "read", &e))
}

/// Opens a new recording to write. Errors: the file is there already.
pub(super) fn create(path: &Path) -> Result<BufWriter<Box<dyn Write + Send>>, CliError> {
    if is_pipe(path) {
        return Ok(BufWriter::with_capacity(1 << 16, Box::new(io::stdout())));
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => CliError::failed(format!("{} is there already", path.display()))
            .hint("`--resume` goes on with it; another name makes a new one"),
        _ => failed(path, "create", &e),
    })?;
    Ok(BufWriter::with_capacity(1 << 16, Box::new(file)))
}

/// A recording that was begun.
pub(super) struct Begun {
    pub out: BufWriter<Box<dyn Write + Send>>,
    pub shapes: Vec<Shape>,
    /// Behind the last record of each partition.
    pub next: BTreeMap<TopicPartition, i64>,
    pub records: u64,
}

/// Opens a recording to go on with it: its foot, or half a line at its end, is cut off.
pub(super) fn resume(path: &Path) -> Result<Begun, CliError> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| failed(path, "open", &e))?;
    let mut lines = BufReader::with_capacity(1 << 16, file);
    let (mut line, mut good) = (Vec::new(), 0u64);
    let (mut shapes, mut next, mut records) = (None, BTreeMap::new(), 0);
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line).map_err(|e| failed(path, "read", &e))?;
        if read == 0 || line.last() != Some(&b'\n') || read_foot(&line).is_some() {
            break;
        }
        if shapes.is_none() {
            shapes = Some(read_head(&line, path)?);
        } else {
            let (tp, offset) = place(&line).ok_or_else(|| {
                CliError::failed(format!("{}: line {} is no record", path.display(), records + 2)).hint("it cannot be gone on with")
            })?;
            let behind = next.entry(tp).or_insert(0);
            *behind = (offset + 1).max(*behind);
            records += 1;
        }
        good += read as u64;
    }
    let shapes = shapes.ok_or_else(|| CliError::failed(format!("{} is no recording", path.display())))?;
    let mut file = lines.into_inner();
    file.set_len(good).and_then(|()| file.seek(SeekFrom::End(0))).map_err(|e| failed(path, "write", &e))?;
    Ok(Begun { out: BufWriter::with_capacity(1 << 16, Box::new(file)), shapes, next, records })
}

fn place(line: &[u8]) -> Option<(TopicPartition, i64)> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let partition = i32::try_from(value.get("partition")?.as_i64()?).ok()?;
    Some((TopicPartition::new(value.get("topic")?.as_str()?, partition), value.get("offset")?.as_i64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "{\"topic\":\"t\",\"partition\":1,\"offset\":7,\"value\":null}\n";

    fn shape() -> Shape {
        Shape { name: "t".into(), partitions: 2, configs: BTreeMap::from([("a".to_owned(), "b".to_owned())]) }
    }

    #[test]
    fn a_recording_goes_on_behind_its_last_whole_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r");
        for rest in ["", "{\"topic\":\"t\",\"par", "{\"kfk_recording_end\":1}\n"] {
            let start = format!("{}{LINE}", String::from_utf8(head(&[shape()])).unwrap());
            std::fs::write(&path, format!("{start}{rest}")).unwrap();
            let mut begun = resume(&path).unwrap();
            assert_eq!((begun.shapes, begun.records), (vec![shape()], 1));
            assert_eq!(begun.next, BTreeMap::from([(TopicPartition::new("t", 1), 8)]));
            begun.out.write_all(b"x\n").unwrap();
            drop(begun.out);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{start}x\n"), "{rest}");
        }
        assert!(create(&path).err().is_some_and(|e| e.message.ends_with("is there already")));
    }

    #[test]
    fn other_files_are_no_recordings() {
        let refused = |line: &str| read_head(line.as_bytes(), Path::new("f")).unwrap_err().message;
        assert_eq!((refused("hello"), refused(LINE)), ("f is no recording".to_owned(), "f is no recording".to_owned()));
        assert_eq!(refused("{\"kfk_recording\":2}"), "f is a recording of form 2, this kfk reads 1");
        assert_eq!((read_foot(&foot(5)), read_foot(LINE.as_bytes())), (Some(5), None));
    }
}
