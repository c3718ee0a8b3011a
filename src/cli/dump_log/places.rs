//! What the paths on the command line stand for: files as they are, directories as the logs in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::error::DumpError;
use super::text;
use crate::log::names::{self, DirName, Kind, Mark};
use crate::types::Offset;

/// A path on the command line, or one log of a directory there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// As given.
    File(String),
    Log(LogDir),
}

/// The files of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogDir {
    pub dir: String,
    /// By the offset in their names, then as in [`Kind::ALL`].
    pub files: BTreeMap<(Offset, Kind), String>,
    /// Snapshots of the cluster's metadata.
    pub checkpoints: Vec<String>,
}

impl LogDir {
    /// The paths of the files that `wanted` says, segment by segment, then the metadata snapshots.
    pub fn paths(&self, wanted: impl Fn(Kind) -> bool, checkpoints: bool) -> Vec<&str> {
        let files = self.files.iter().filter(|((_, kind), _)| wanted(*kind)).map(|(_, path)| path.as_str());
        files.chain(self.checkpoints.iter().filter(|_| checkpoints).map(String::as_str)).collect()
    }
}

/// What `path` stands for. A directory: the log in it and the logs in its directories `TOPIC-PARTITION`. Errors: a directory that cannot
/// be read, or holds no log.
pub fn places(path: &str) -> Result<Vec<Place>, DumpError> {
    // What is named like a file is taken for one, and told to be none when it is opened.
    if names::parse_file(text::file_name(path)).is_some() || !Path::new(path).is_dir() {
        return Ok(vec![Place::File(path.to_owned())]);
    }
    let (own, partitions) = look(path)?;
    let mut found = Vec::new();
    if !own.files.is_empty() || !own.checkpoints.is_empty() {
        found.push(Place::Log(own));
    }
    for (_, dir) in partitions {
        let (log, _) = look(&dir)?;
        if !log.files.is_empty() || !log.checkpoints.is_empty() {
            found.push(Place::Log(log));
        }
    }
    if found.is_empty() { Err(DumpError::NoLogs(path.to_owned())) } else { Ok(found) }
}

/// Directories of partitions by topic and number.
type Partitions = BTreeMap<(String, i32), String>;

fn look(dir: &str) -> Result<(LogDir, Partitions), DumpError> {
    let fail = |source| DumpError::File { action: "read", path: dir.to_owned(), source };
    let mut log = LogDir { dir: dir.to_owned(), ..LogDir::default() };
    let mut partitions = Partitions::new();
    for entry in fs::read_dir(dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if dir.ends_with('/') { format!("{dir}{name}") } else { format!("{dir}/{name}") };
        if entry.path().is_dir() {
            if let DirName::Partition(partition) = names::parse_dir(&name) {
                partitions.insert((partition.topic.to_string(), partition.partition), path);
            }
        } else if let Some((base, kind, Mark::None)) = names::parse_file(&name) {
            log.files.insert((base, kind), path);
        } else if name.ends_with(".checkpoint") {
            log.checkpoints.push(path);
        }
    }
    log.checkpoints.sort();
    Ok((log, partitions))
}

/// The topic and partition that the directory of a file is named after, if it is.
pub fn partition_of(path: &str) -> Option<(String, i32)> {
    let absolute = text::absolute_path(path);
    let dir = absolute.strip_suffix(text::file_name(&absolute))?;
    dir_partition(dir)
}

/// The topic and partition that a directory is named after, if it is.
pub fn dir_partition(dir: &str) -> Option<(String, i32)> {
    let absolute = text::normalized_path(&text::absolute_path(dir));
    match names::parse_dir(text::file_name(&absolute)) {
        DirName::Partition(partition) => Some((partition.topic.to_string(), partition.partition)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }

    #[test]
    fn a_data_directory_stands_for_its_logs_by_topic_and_number() {
        let dir = tempfile::tempdir().unwrap();
        let base = "00000000000000000000";
        touch(
            dir.path(),
            &[
                &format!("t-10/{base}.log"),
                "t-2/00000000000000000007.log",
                &format!("t-2/{base}.timeindex"),
                &format!("t-2/{base}.log"),
                &format!("t-2/{base}.index"),
                "t-2/00000000000000000003.log.deleted",
                "t-2/leader-epoch-checkpoint",
                "t-3/partition.metadata",
                &format!("t-1.0123456789abcdef0123456789abcdef-delete/{base}.log"),
                "meta.properties",
            ],
        );
        let root = dir.path().to_str().unwrap();
        let logs: Vec<LogDir> = places(root)
            .unwrap()
            .into_iter()
            .map(|place| match place {
                Place::Log(log) => log,
                Place::File(file) => panic!("{file}"),
            })
            .collect();
        assert_eq!(logs.iter().map(|log| text::file_name(&log.dir)).collect::<Vec<_>>(), ["t-2", "t-10"]);
        let names = |paths: Vec<&str>| paths.into_iter().map(|p| text::file_name(p).to_owned()).collect::<Vec<_>>();
        assert_eq!(names(logs[0].paths(|kind| kind == Kind::Log, true)), [format!("{base}.log"), "00000000000000000007.log".to_owned()]);
        let all = names(logs[0].paths(|_| true, true));
        assert_eq!(all[..3], [format!("{base}.log"), format!("{base}.index"), format!("{base}.timeindex")]);
        assert_eq!(dir_partition(&format!("{root}/t-10/")), Some(("t".to_owned(), 10)));
        assert!(matches!(places(&format!("{root}/t-3")), Err(DumpError::NoLogs(_))));
    }
}
