//! Side files: where recovery puts bytes before it takes them out of a log (R9). Beside each stands a text file with the reason.

use std::io::IoSlice;
use std::path::Path;

use super::disk::{Disk, DiskError, DiskFile, Durable, Open, remove_if_there, replace_file};
use super::home::Home;
use super::names::{self, Kind};
use crate::types::Offset;

const CHUNK: usize = 1 << 20;

/// Copies everything from `position` of a segment's log file to a side file, durably, then cuts the log file.
pub fn move_tail(home: &Home, file: &dyn DiskFile, base: Offset, position: u64, reason: &str) -> Result<(), DiskError> {
    let end = file.size()?;
    if end <= position {
        return Ok(());
    }
    for attempt in 0.. {
        let name = names::cut_name(base, position, attempt);
        let path = home.path(&name);
        if home.disk().metadata(&path)?.is_some() {
            // An interrupted recovery may have made it, or an earlier accident at the same place.
            if is_prefix_of_tail(home.disk(), &path, file, position)? {
                remove_if_there(home.disk(), &path)?;
            } else {
                continue;
            }
        }
        explain(home, &name, base, position, end, reason)?;
        copy(home.disk(), &path, file, position, end)?;
        break;
    }
    home.disk().sync_dir(&home.dir())?;
    file.set_len(position)?;
    // What follows may be a roll, and nobody looks at an older segment again.
    file.sync()
}

/// Renames a whole `.log` file to a side file; an empty one is removed.
pub fn move_segment(home: &Home, base: Offset, reason: &str) -> Result<(), DiskError> {
    let from = home.file(base, Kind::Log);
    let size = home.disk().metadata(&from)?.map_or(0, |m| m.len);
    if size == 0 {
        return remove_if_there(home.disk(), &from).map(|_| ());
    }
    for attempt in 0.. {
        let name = names::cut_name(base, 0, attempt);
        let path = home.path(&name);
        if home.disk().metadata(&path)?.is_none() {
            explain(home, &name, base, 0, size, reason)?;
            home.disk().rename(&from, &path)?;
            break;
        }
    }
    home.disk().sync_dir(&home.dir())
}

fn explain(home: &Home, name: &str, base: Offset, position: u64, end: u64, reason: &str) -> Result<(), DiskError> {
    let text = format!("bytes {position}..{end} of segment {base} of {}: {reason}\n", home.partition);
    replace_file(home.disk(), &home.path(&format!("{name}.txt")), text.as_bytes(), Durable::Yes)
}

fn copy(disk: &dyn Disk, to: &Path, file: &dyn DiskFile, from: u64, end: u64) -> Result<(), DiskError> {
    let out = disk.open(to, Open::CreateNew)?;
    let mut buffer = vec![0; CHUNK.min(usize::try_from(end - from).unwrap_or(CHUNK))];
    let mut done = 0;
    loop {
        let got = file.read_at(&mut buffer, from + done)?;
        if got == 0 {
            return out.sync();
        }
        out.write_at(&mut [IoSlice::new(&buffer[..got])], done)?;
        done += got as u64;
    }
}

/// Whether the side file at `path` holds what lies at `position`, or a part of it.
fn is_prefix_of_tail(disk: &dyn Disk, path: &Path, file: &dyn DiskFile, position: u64) -> Result<bool, DiskError> {
    let side = disk.open(path, Open::Read)?;
    let (mut a, mut b) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut at = 0;
    loop {
        let got = side.read_at(&mut a, at)?;
        if got == 0 {
            return Ok(true);
        }
        if file.read_at(&mut b[..got], position + at)? != got || a[..got] != b[..got] {
            return Ok(false);
        }
        at += got as u64;
    }
}
