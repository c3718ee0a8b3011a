//! Kafka's small text files with a version, a count and lines: the offset checkpoints of a data directory here, the leader epochs
//! of a partition in `epochs.rs`.
//!
//! ```text
//! 0                    version
//! 2                    number of lines that follow
//! orders 0 1234        topic partition offset
//! orders 1 77
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use super::disk::{Disk, DiskError, Durable, read_file, replace_file};
use crate::types::{Offset, TopicPartition};

/// A checkpoint file larger than this is not one (10,000 partitions with the longest names take 3 MB).
const MAX_BYTES: usize = 256 << 20;

/// Why a checkpoint file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("malformed line {line} in checkpoint file {path}: {text:?}")]
    Malformed { path: String, line: usize, text: String },
}

/// Writes `version 0, count, lines`; each line is made by `line` without its end.
pub(super) fn print<T>(items: impl ExactSizeIterator<Item = T>, mut line: impl FnMut(T, &mut String)) -> String {
    let mut text = format!("0\n{}\n", items.len());
    for item in items {
        line(item, &mut text);
        text.push('\n');
    }
    text
}

/// Reads such a text. `Err` is the number of the bad line from 1 and what stands there.
pub(super) fn parse<T>(bytes: &[u8], mut line: impl FnMut(&str) -> Option<T>) -> Result<Vec<T>, (usize, String)> {
    let text = std::str::from_utf8(bytes).map_err(|_| (1, "(not UTF-8)".to_string()))?;
    let bad = |number: usize, text: Option<&str>| (number, text.unwrap_or("(end of file)").chars().take(200).collect::<String>());
    let mut lines = text.lines();
    let version = lines.next();
    if version != Some("0") {
        return Err(bad(1, version));
    }
    let count_line = lines.next();
    let count: usize = count_line.and_then(|c| c.parse().ok()).ok_or_else(|| bad(2, count_line))?;
    let mut items = Vec::new();
    for (i, text) in lines.enumerate() {
        items.push(line(text).ok_or_else(|| bad(i + 3, Some(text)))?);
    }
    if items.len() != count {
        return Err((2, format!("{count} lines announced, {} found", items.len())));
    }
    Ok(items)
}

/// Offsets by partition; `None` if there is no such file.
pub fn read_offsets(disk: &dyn Disk, path: &Path) -> Result<Option<BTreeMap<TopicPartition, Offset>>, CheckpointError> {
    let Some(bytes) = read_file(disk, path, MAX_BYTES)? else { return Ok(None) };
    parse(&bytes, parse_line).map(|entries| Some(entries.into_iter().collect())).map_err(|(line, text)| CheckpointError::Malformed {
        path: path.display().to_string(),
        line,
        text,
    })
}

fn parse_line(line: &str) -> Option<(TopicPartition, Offset)> {
    let mut words = line.split_ascii_whitespace();
    let partition = TopicPartition::new(words.next()?, words.next()?.parse().ok()?);
    let offset = words.next()?.parse().ok()?;
    words.next().is_none().then_some((partition, offset))
}

/// Replaces the file in one durable step.
pub fn write_offsets(disk: &dyn Disk, path: &Path, offsets: &BTreeMap<TopicPartition, Offset>) -> Result<(), DiskError> {
    use std::fmt::Write;
    let text = print(offsets.iter(), |(partition, offset), out| {
        // Writing into a String cannot fail.
        let _ = write!(out, "{} {} {offset}", partition.topic, partition.partition);
    });
    replace_file(disk, path, text.as_bytes(), Durable::Yes)
}

#[cfg(test)]
mod tests {
    use super::super::sim_disk::{SimDisk, Survives};
    use super::*;

    const PATH: &str = "/recovery-point-offset-checkpoint";

    #[test]
    fn l10_offsets_round_trip_in_kafkas_text() {
        let disk = SimDisk::new();
        let path = Path::new(PATH);
        assert!(read_offsets(&disk, path).unwrap().is_none());
        let offsets = BTreeMap::from([(TopicPartition::new("a", 0), 5), (TopicPartition::new("b.c", 12), i64::MAX)]);
        write_offsets(&disk, path, &offsets).unwrap();
        assert_eq!(disk.get(PATH).unwrap(), format!("0\n2\na 0 5\nb.c 12 {}\n", i64::MAX).as_bytes());
        disk.crash(Survives::Synced);
        assert_eq!(read_offsets(&disk, path).unwrap().unwrap(), offsets);
    }

    #[test]
    fn l10_malformed_files_say_where() {
        let disk = SimDisk::new();
        for (text, line) in
            [("", 1), ("1\n0\n", 1), ("0\nx\n", 2), ("0\n2\na 0 1\n", 2), ("0\n1\na 0\n", 3), ("0\n1\na 0 1 2\n", 3), ("0\n", 2)]
        {
            disk.put(PATH, text.as_bytes());
            match read_offsets(&disk, Path::new(PATH)) {
                Err(CheckpointError::Malformed { line: found, .. }) => assert_eq!(found, line, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }
}
