//! `.kafka_cleanshutdown`: its presence says that every log was flushed and every checkpoint written.
//!
//! ```text
//! {"version":0,"brokerEpoch":5}
//! ```
//! It is removed as soon as it was seen, so that a crash during the start counts as an unclean stop.

use std::path::Path;

use super::disk::{Disk, DiskError, Durable, read_file, remove_if_there, replace_file};
use super::names;

/// What the last stop left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanShutdown {
    /// The broker epoch of the stopped process; none if the file does not say.
    pub broker_epoch: Option<i64>,
}

/// Looks for the file in `root` and removes it durably.
pub fn take(disk: &dyn Disk, root: &Path) -> Result<Option<CleanShutdown>, DiskError> {
    let path = root.join(names::CLEAN_SHUTDOWN);
    // Unreadable content does not matter, only that the file is there: Kafka once wrote it empty.
    let Some(bytes) = read_file(disk, &path, 1 << 16)? else { return Ok(None) };
    remove_if_there(disk, &path)?;
    disk.sync_dir(root)?;
    let json: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
    let broker_epoch = json.and_then(|j| j.get("brokerEpoch")?.as_i64()).filter(|e| *e >= 0);
    Ok(Some(CleanShutdown { broker_epoch }))
}

/// Writes the file durably. Everything it vouches for must have been synced before.
pub fn write(disk: &dyn Disk, root: &Path, broker_epoch: i64) -> Result<(), DiskError> {
    let text = format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}");
    replace_file(disk, &root.join(names::CLEAN_SHUTDOWN), text.as_bytes(), Durable::Yes)
}

#[cfg(test)]
mod tests {
    use super::super::sim_disk::{SimDisk, Survives};
    use super::*;

    #[test]
    fn r1_the_file_is_taken_once_even_if_the_machine_stops() {
        let disk = SimDisk::new();
        let root = Path::new("/");
        assert_eq!(take(&disk, root).unwrap(), None);
        write(&disk, root, 7).unwrap();
        disk.crash(Survives::Synced);
        assert_eq!(take(&disk, root).unwrap(), Some(CleanShutdown { broker_epoch: Some(7) }));
        disk.crash(Survives::Synced);
        assert_eq!(take(&disk, root).unwrap(), None);
        disk.put("/.kafka_cleanshutdown", b"");
        assert_eq!(take(&disk, root).unwrap(), Some(CleanShutdown { broker_epoch: None }));
    }
}
