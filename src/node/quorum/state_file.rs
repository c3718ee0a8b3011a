//! `quorum-state`: the epoch this voter has reached and whom it knows as leader, as Kafka writes it.
//!
//! ```text
//! {"clusterId":"","leaderId":1,"leaderEpoch":4,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}
//! {"leaderId":1,"leaderEpoch":3,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}
//! ```
//! Version 0 belongs to quorums whose voters stand in the configuration (`kraft.version` 0), version 1 to those whose voters
//! stand in the log.

use std::path::Path;

use crate::log::disk::{Disk, Durable, read_file, replace_file};
use crate::types::NodeId;
use crate::wire::Json;
use crate::wire::json::FromJson;
use crate::wire::quorum_state_data::{QuorumStateData, Voter};

use super::error::QuorumError;

pub(super) const NAME: &str = "quorum-state";

/// Reads the file in `dir`; `None` if it is not there or a power loss left it without its bytes: the log has the epochs too.
pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<QuorumStateData>, QuorumError> {
    let path = dir.join(NAME);
    let Some(bytes) = read_file(disk, &path, 1 << 20)?.filter(|bytes| bytes.iter().any(|b| *b != 0)) else {
        return Ok(None);
    };
    let bad = |why: String| QuorumError::File { path: path.clone(), why };
    let json: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
    let version = json.get("data_version").and_then(serde_json::Value::as_i64);
    let version = match version {
        Some(0) => 0,
        Some(1) => 1,
        other => return Err(bad(format!("data_version is {other:?}, known are 0 and 1"))),
    };
    QuorumStateData::from_json(&json, version).map(Some).map_err(|e| bad(e.to_string()))
}

/// Notes that `node`, the only voter, leads `epoch`. It is not synced: a lone voter has nobody to contradict, and the batch that begins
/// the epoch is synced before anything else of that epoch counts. With several voters it would have to be.
pub(super) fn write(disk: &dyn Disk, dir: &Path, node: NodeId, epoch: i32, kraft_version: i16) -> Result<(), QuorumError> {
    let version = i16::from(kraft_version > 0);
    let data = QuorumStateData {
        leader_id: node,
        leader_epoch: epoch,
        current_voters: Some(vec![Voter { voter_id: node }]),
        ..QuorumStateData::default()
    };
    let mut json = data.to_json(version);
    if let Some(object) = json.as_object_mut() {
        object.insert("data_version".into(), version.into());
    }
    replace_file(disk, &dir.join(NAME), json.to_string().as_bytes(), Durable::No)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::sim_disk::SimDisk;

    #[test]
    fn the_file_is_kafkas_in_both_versions() {
        let disk = SimDisk::new();
        let dir = Path::new("/");
        assert_eq!(read(&disk, dir).unwrap(), None);
        write(&disk, dir, 1, 1, 0).unwrap();
        let kafka = r#"{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}"#;
        assert_eq!(disk.get("/quorum-state").unwrap(), kafka.as_bytes());
        write(&disk, dir, 1, 3, 1).unwrap();
        let kafka = r#"{"leaderId":1,"leaderEpoch":3,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#;
        assert_eq!(disk.get("/quorum-state").unwrap(), kafka.as_bytes());
        assert_eq!(read(&disk, dir).unwrap().unwrap().leader_epoch, 3);
    }

    #[test]
    fn a_file_that_is_not_kafkas_is_refused_and_an_empty_one_is_none() {
        let disk = SimDisk::new();
        for text in ["{", "{}", r#"{"data_version":2}"#, r#"{"data_version":1}"#, "null"] {
            disk.put("/quorum-state", text.as_bytes());
            assert!(matches!(read(&disk, Path::new("/")), Err(QuorumError::File { .. })), "{text}");
        }
        disk.put("/quorum-state", b"");
        assert_eq!(read(&disk, Path::new("/")).unwrap(), None);
    }
}
