//! `meta.properties`: to which cluster and node a data directory belongs. A Java properties file.
//!
//! ```text
//! #
//! cluster.id=MkU3OEVBNTcwNTJENDM2Qk
//! directory.id=0FIgzNoQLnuW1uaQ2uSnzg
//! node.id=1
//! version=1
//! ```
//! Version 0, written by Kafka with ZooKeeper, calls the node `broker.id` and has no directory id.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskError, Durable, read_file, replace_file};
use super::names;
use crate::types::{NodeId, Uuid};

/// The file's content. Keys that are not known here are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetaProperties {
    pub version: i32,
    pub cluster_id: Option<String>,
    pub node_id: Option<NodeId>,
    pub directory_id: Option<Uuid>,
    pub others: BTreeMap<String, String>,
}

/// Why a data directory must not be used.
#[derive(Debug, thiserror::Error)]
pub enum MetaPropertiesError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{}: {reason}", path.display())]
    Malformed { path: PathBuf, reason: String },
    #[error("{} belongs to {key} {found}, not {expected}", path.display())]
    Foreign { path: PathBuf, key: &'static str, found: String, expected: String },
}

impl MetaProperties {
    /// What a new directory gets.
    pub fn new(cluster_id: &str, node_id: NodeId, directory_id: Uuid) -> MetaProperties {
        MetaProperties {
            version: 1,
            cluster_id: Some(cluster_id.to_string()),
            node_id: Some(node_id),
            directory_id: Some(directory_id),
            others: BTreeMap::new(),
        }
    }

    /// Reads the file in `root`; `None` if there is none.
    pub fn read(disk: &dyn Disk, root: &Path) -> Result<Option<MetaProperties>, MetaPropertiesError> {
        let path = root.join(names::META_PROPERTIES);
        let Some(bytes) = read_file(disk, &path, 1 << 20)? else { return Ok(None) };
        decode(&bytes).map(Some).map_err(|reason| MetaPropertiesError::Malformed { path, reason })
    }

    /// Replaces the file in `root` in one durable step.
    pub fn write(&self, disk: &dyn Disk, root: &Path) -> Result<(), DiskError> {
        replace_file(disk, &root.join(names::META_PROPERTIES), self.encode().as_bytes(), Durable::Yes)
    }

    /// L13: a wrong cluster id or node id must keep the process from starting.
    pub fn check(&self, root: &Path, cluster_id: Option<&str>, node_id: NodeId) -> Result<(), MetaPropertiesError> {
        let foreign = |key, found: String, expected: String| {
            Err(MetaPropertiesError::Foreign { path: root.join(names::META_PROPERTIES), key, found, expected })
        };
        match (&self.cluster_id, cluster_id) {
            (Some(found), Some(expected)) if found != expected => return foreign("cluster.id", found.clone(), expected.to_string()),
            _ => {}
        }
        match self.node_id {
            Some(found) if found != node_id => foreign("node.id", found.to_string(), node_id.to_string()),
            _ => Ok(()),
        }
    }

    fn encode(&self) -> String {
        let mut all = self.others.clone();
        all.insert("version".into(), self.version.to_string());
        let node_key = if self.version == 0 { "broker.id" } else { "node.id" };
        let mut put = |key: &str, value: Option<String>| value.map(|v| all.insert(key.into(), v));
        put("cluster.id", self.cluster_id.clone());
        put(node_key, self.node_id.map(|n| n.to_string()));
        put("directory.id", self.directory_id.map(|d| d.to_string()));
        let mut text = String::from("#\n");
        for (key, value) in &all {
            text.push_str(&format!("{}={}\n", escape(key, true), escape(value, false)));
        }
        text
    }
}

fn decode(bytes: &[u8]) -> Result<MetaProperties, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_string())?;
    let mut all = parse_properties(text)?;
    let version = all.remove("version").ok_or("no version")?;
    let version: i32 = version.parse().ok().filter(|v| (0..=1).contains(v)).ok_or(format!("unknown version {version}"))?;
    let number = |key: &str, value: Option<String>| match value {
        None => Ok(None),
        Some(v) => v.parse::<NodeId>().ok().filter(|n| *n >= 0).map(Some).ok_or(format!("{key} is not a node id: {v}")),
    };
    let node_key = if version == 0 { "broker.id" } else { "node.id" };
    let node_id = number(node_key, all.remove(node_key))?;
    let cluster_id = all.remove("cluster.id");
    if version == 1 && (node_id.is_none() || cluster_id.is_none()) {
        return Err("cluster.id or node.id is missing".into());
    }
    let directory_id = all.remove("directory.id").map(|d| d.parse().map_err(|e| format!("directory.id: {e}"))).transpose()?;
    Ok(MetaProperties { version, cluster_id, node_id, directory_id, others: all })
}

/// One `key=value` a line; `#` and `!` begin comments; backslash escapes. Continued lines are not used by Kafka and refused.
fn parse_properties(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut key = String::new();
        let mut chars = line.chars();
        loop {
            match chars.next() {
                None => break,
                Some('=' | ':') => break,
                Some('\\') => key.push(unescape(&mut chars)?),
                Some(c) => key.push(c),
            }
        }
        let mut value = String::new();
        let mut rest = chars.as_str().trim_start().chars();
        while let Some(c) = rest.next() {
            value.push(if c == '\\' { unescape(&mut rest)? } else { c });
        }
        all.insert(key.trim_end().to_string(), value);
    }
    Ok(all)
}

fn unescape(chars: &mut std::str::Chars<'_>) -> Result<char, String> {
    match chars.next() {
        None => Err("a line ends in a backslash".into()),
        Some('t') => Ok('\t'),
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('f') => Ok('\u{c}'),
        Some('u') => {
            let digits: String = chars.take(4).collect();
            let code = (digits.len() == 4).then(|| u32::from_str_radix(&digits, 16).ok()).flatten();
            code.and_then(char::from_u32).ok_or_else(|| format!("bad escape \\u{digits}"))
        }
        Some(c) => Ok(c),
    }
}

fn escape(text: &str, is_key: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.chars().enumerate() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            ' ' if !is_key && i > 0 => out.push(' '),
            ' ' | '\\' | '=' | ':' | '#' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sim_disk::SimDisk;
    use super::*;

    const ROOT: &str = "/";

    #[test]
    fn l13_kafkas_file_is_read_and_ours_round_trips() {
        let disk = SimDisk::new();
        let root = Path::new(ROOT);
        assert_eq!(MetaProperties::read(&disk, root).unwrap(), None);
        let kafka = "#\n#Fri Nov 21 09:12:33 UTC 2025\ncluster.id=MkU3OEVBNTcwNTJENDM2Qk\ndirectory.id=0FIgzNoQLnuW1uaQ2uSnzg\nnode.id=1\nversion=1\nx\\:y=a\\=b \\u0041\n";
        disk.put("/meta.properties", kafka.as_bytes());
        let meta = MetaProperties::read(&disk, root).unwrap().unwrap();
        assert_eq!(meta.cluster_id.as_deref(), Some("MkU3OEVBNTcwNTJENDM2Qk"));
        assert_eq!((meta.node_id, meta.version), (Some(1), 1));
        assert_eq!(meta.others["x:y"], "a=b A");
        meta.write(&disk, root).unwrap();
        assert_eq!(MetaProperties::read(&disk, root).unwrap().unwrap(), meta);
        let new = MetaProperties::new("c", 2, meta.directory_id.unwrap());
        new.write(&disk, root).unwrap();
        assert_eq!(disk.get("/meta.properties").unwrap(), b"#\ncluster.id=c\ndirectory.id=0FIgzNoQLnuW1uaQ2uSnzg\nnode.id=2\nversion=1\n");
    }

    #[test]
    fn l13_another_cluster_or_node_is_refused() {
        let meta = MetaProperties::new("mine", 1, Uuid([1; 16]));
        let root = Path::new("/data");
        meta.check(root, Some("mine"), 1).unwrap();
        meta.check(root, None, 1).unwrap();
        let error = meta.check(root, Some("other"), 1).unwrap_err();
        assert_eq!(error.to_string(), "/data/meta.properties belongs to cluster.id mine, not other");
        let error = meta.check(root, Some("mine"), 2).unwrap_err();
        assert_eq!(error.to_string(), "/data/meta.properties belongs to node.id 1, not 2");
    }

    #[test]
    fn l13_malformed_files_are_refused() {
        for bad in [
            "",
            "version=2\n",
            "version=1\ncluster.id=x\n",
            "version=1\ncluster.id=x\nnode.id=-1\n",
            "version=1\nnode.id=1\ncluster.id=\\u00\n",
        ] {
            assert!(decode(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert_eq!(decode(b"version=0\nbroker.id=3\n").unwrap().node_id, Some(3));
    }
}
