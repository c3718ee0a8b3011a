//! A disk in memory that lies like a real one: what was not synced may be lost or torn at a crash, and any call can be made to fail.
//!
//! Names and bytes are kept twice: as the process sees them, and as they would be found after a power loss. `sync` and `sync_dir`
//! move things from the first to the second. Steps (calls that change something) are counted, so that a test can run the same
//! work again and again with a fault at step 0, 1, 2 ...

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::disk::{Disk, DiskError, DiskFile, DiskLock, Entry, Meta, Open};
use crate::rng::Rng;

/// What happens at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This one call fails (EIO). A write may have left a part of its bytes.
    Io,
    /// This call and every later one that needs room fails until [`SimDisk::heal`]. A write leaves a part of its bytes.
    NoSpace,
    /// The process dies here: the call has half its effect, and it and every later call fail until [`SimDisk::crash`].
    Crash,
}

/// What a crash leaves.
#[derive(Debug)]
pub enum Survives {
    /// The process died (kill -9), the machine did not.
    Everything,
    /// The power went: only what was synced is there.
    Synced,
    /// The power went: what was synced is there, and of the rest any part, in pieces of 512 bytes.
    Some(Rng),
}

type NodeId = u64;

#[derive(Clone, Debug, Default)]
struct Node {
    data: Vec<u8>,
    synced: Vec<u8>,
    pending: Vec<FileOp>,
    modified_ms: i64,
    is_dir: bool,
}

#[derive(Clone, Debug)]
enum FileOp {
    Write { position: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// A name that was set (`Some`) or removed, in the directory of `path`.
#[derive(Clone, Debug)]
struct NameOp {
    dirs: Vec<PathBuf>,
    changes: Vec<(PathBuf, Option<NodeId>)>,
}

#[derive(Clone, Debug, Default)]
struct World {
    nodes: BTreeMap<NodeId, Node>,
    names: BTreeMap<PathBuf, NodeId>,
    synced_names: BTreeMap<PathBuf, NodeId>,
    pending_names: Vec<NameOp>,
    next_id: NodeId,
    now_ms: i64,
    steps: u64,
    fault: Option<(u64, Fault)>,
    full: bool,
    dead: bool,
    /// Grows at each crash; older handles are useless.
    life: u64,
    locks: BTreeSet<PathBuf>,
    read_error: Option<PathBuf>,
    syncs: u64,
}

/// See the module. Cloning gives another handle to the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    world: Arc<Mutex<World>>,
}

impl SimDisk {
    /// An empty disk with the root directory `/`.
    pub fn new() -> SimDisk {
        let disk = SimDisk::default();
        let mut w = disk.world.lock();
        let root = w.add_node(true);
        w.names.insert("/".into(), root);
        w.synced_names.insert("/".into(), root);
        drop(w);
        disk
    }

    /// Another disk with the same content, on which something else may happen. Nobody has it open.
    pub fn fork(&self) -> SimDisk {
        let mut world = self.world.lock().clone();
        world.life += 1;
        world.locks.clear();
        world.dead = false;
        SimDisk { world: Arc::new(Mutex::new(world)) }
    }

    /// How many changing calls were made so far.
    pub fn steps(&self) -> u64 {
        self.world.lock().steps
    }

    /// How many file and directory syncs were made so far.
    pub fn syncs(&self) -> u64 {
        self.world.lock().syncs
    }

    /// Plans a fault for the call that makes [`SimDisk::steps`] pass `step`. Only one is planned at a time.
    pub fn fail_at(&self, step: u64, fault: Fault) {
        self.world.lock().fault = Some((step, fault));
    }

    /// Every read of this file fails from now on (`None`: of no file).
    pub fn fail_reads_of(&self, path: Option<&Path>) {
        self.world.lock().read_error = path.map(Path::to_path_buf);
    }

    /// Forgets planned and lasting faults; there is room again.
    pub fn heal(&self) {
        let mut w = self.world.lock();
        w.fault = None;
        w.full = false;
        w.read_error = None;
    }

    /// True once a planned [`Fault::Crash`] has come.
    pub fn is_dead(&self) -> bool {
        self.world.lock().dead
    }

    /// Ends this life of the machine or process: open files and locks are gone, and what was not synced as `survives` says.
    pub fn crash(&self, survives: Survives) {
        let w = &mut *self.world.lock();
        match survives {
            Survives::Everything => {}
            Survives::Synced => w.lose_unsynced(&mut |_| false),
            Survives::Some(mut rng) => w.lose_unsynced(&mut |_| rng.below(2) == 0),
        }
        w.dead = false;
        w.fault = None;
        w.full = false;
        w.life += 1;
        w.locks.clear();
    }

    /// Time for `modified_ms`.
    pub fn set_now(&self, now_ms: i64) {
        self.world.lock().now_ms = now_ms;
    }

    /// The bytes of a file, without counting a step.
    pub fn get(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let w = self.world.lock();
        w.names.get(path.as_ref()).map(|id| w.nodes[id].data.clone())
    }

    /// Puts a file (with its directories) in place, synced, without counting a step.
    pub fn put(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        let w = &mut *self.world.lock();
        let path = path.as_ref();
        for dir in path.ancestors().skip(1) {
            if !w.names.contains_key(dir) {
                let id = w.add_node(true);
                w.names.insert(dir.into(), id);
                w.synced_names.insert(dir.into(), id);
            }
        }
        let id = w.add_node(false);
        w.names.insert(path.into(), id);
        w.synced_names.insert(path.into(), id);
        if let Some(node) = w.nodes.get_mut(&id) {
            node.data = bytes.to_vec();
            node.synced = bytes.to_vec();
        }
    }

    /// Inverts bits of one byte of a file, in both views.
    pub fn flip(&self, path: impl AsRef<Path>, position: usize, mask: u8) {
        let w = &mut *self.world.lock();
        if let Some(id) = w.names.get(path.as_ref())
            && let Some(node) = w.nodes.get_mut(id)
        {
            for bytes in [&mut node.data, &mut node.synced] {
                if let Some(b) = bytes.get_mut(position) {
                    *b ^= mask;
                }
            }
        }
    }

    /// All files below a directory, with their bytes.
    pub fn files(&self, dir: impl AsRef<Path>) -> BTreeMap<PathBuf, Vec<u8>> {
        let w = self.world.lock();
        w.names
            .iter()
            .filter(|(path, id)| path.starts_with(dir.as_ref()) && !w.nodes[id].is_dir)
            .map(|(path, id)| (path.clone(), w.nodes[id].data.clone()))
            .collect()
    }

    /// Takes the world for a step called `op`, or fails as planned. The flag says that the call must stop half way.
    fn step(&self, op: &'static str, path: &Path, life: Option<u64>) -> Result<(MutexGuard<'_, World>, Option<DiskError>), DiskError> {
        let mut w = self.world.lock();
        w.check_alive(op, path, life)?;
        let step = w.steps;
        w.steps += 1;
        let planned = w.fault.take_if(|(at, _)| *at == step).map(|(_, fault)| fault);
        let error = match planned {
            Some(Fault::Io) => Some(io::Error::other("simulated I/O error")),
            Some(Fault::NoSpace) => {
                w.full = true;
                None
            }
            Some(Fault::Crash) => {
                w.dead = true;
                Some(io::Error::other("simulated crash"))
            }
            None => None,
        };
        let full = w.full && matches!(op, "write" | "create" | "create directory");
        let error = error.or_else(|| full.then(|| io::ErrorKind::StorageFull.into()));
        Ok((w, error.map(|e| DiskError::new(op, path, e))))
    }

    /// A step that changes names: on a planned fault it does nothing.
    fn name_step(&self, op: &'static str, path: &Path) -> Result<MutexGuard<'_, World>, DiskError> {
        match self.step(op, path, None)? {
            (w, None) => Ok(w),
            (_, Some(e)) => Err(e),
        }
    }
}

impl World {
    fn add_node(&mut self, is_dir: bool) -> NodeId {
        let id = self.next_id;
        self.next_id += 1;
        self.nodes.insert(id, Node { is_dir, modified_ms: self.now_ms, ..Node::default() });
        id
    }

    fn check_alive(&self, op: &'static str, path: &Path, life: Option<u64>) -> Result<(), DiskError> {
        if self.dead || life.is_some_and(|l| l != self.life) {
            return Err(DiskError::new(op, path, io::Error::other("simulated crash")));
        }
        Ok(())
    }

    fn change_names(&mut self, changes: Vec<(PathBuf, Option<NodeId>)>) {
        let dirs: BTreeSet<PathBuf> = changes.iter().filter_map(|(p, _)| p.parent()).map(Path::to_path_buf).collect();
        for (path, to) in &changes {
            set_name(&mut self.names, path, *to);
        }
        self.pending_names.push(NameOp { dirs: dirs.into_iter().collect(), changes });
    }

    fn require_parent(&self, op: &'static str, path: &Path) -> Result<(), DiskError> {
        match path.parent().and_then(|p| self.names.get(p)) {
            Some(id) if self.nodes[id].is_dir => Ok(()),
            _ => Err(DiskError::new(op, path, io::ErrorKind::NotFound.into())),
        }
    }

    fn children(&self, dir: &Path) -> Vec<PathBuf> {
        self.names.keys().filter(|p| p.parent() == Some(dir)).cloned().collect()
    }

    /// Rebuilds both views from what was synced and from the pending changes for which `keep` says yes.
    fn lose_unsynced(&mut self, keep: &mut dyn FnMut(()) -> bool) {
        // A journal loses its end, not its middle: names survive up to some point per directory.
        let mut stopped: BTreeSet<PathBuf> = BTreeSet::new();
        for op in std::mem::take(&mut self.pending_names) {
            if op.dirs.iter().any(|d| stopped.contains(d)) || !keep(()) {
                stopped.extend(op.dirs);
                continue;
            }
            for (path, to) in &op.changes {
                set_name(&mut self.synced_names, path, *to);
            }
        }
        let known = self.synced_names.clone();
        self.synced_names.retain(|path, _| path.ancestors().all(|a| known.contains_key(a)));
        self.names = self.synced_names.clone();
        for node in self.nodes.values_mut() {
            let mut data = std::mem::take(&mut node.synced);
            for op in std::mem::take(&mut node.pending) {
                match op {
                    FileOp::SetLen(len) if keep(()) => data.resize(len, 0),
                    FileOp::SetLen(_) => {}
                    FileOp::Write { position, bytes } => {
                        for (i, sector) in bytes.chunks(512).enumerate() {
                            if keep(()) {
                                put_bytes(&mut data, position + i * 512, sector);
                            }
                        }
                    }
                }
            }
            node.synced = data.clone();
            node.data = data;
        }
    }
}

fn set_name(names: &mut BTreeMap<PathBuf, NodeId>, path: &Path, to: Option<NodeId>) {
    match to {
        Some(id) => _ = names.insert(path.into(), id),
        None => _ = names.remove(path),
    }
}

fn put_bytes(data: &mut Vec<u8>, position: usize, bytes: &[u8]) {
    let end = position + bytes.len();
    if data.len() < end {
        data.resize(end, 0);
    }
    data[position..end].copy_from_slice(bytes);
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    node: NodeId,
    path: PathBuf,
    life: u64,
}

impl SimFile {
    fn change(&self, op: &'static str, act: impl FnOnce(&mut World, &mut Node, bool)) -> Result<(), DiskError> {
        let (mut w, error) = self.disk.step(op, &self.path, Some(self.life))?;
        let w = &mut *w;
        if let Some(mut node) = w.nodes.remove(&self.node) {
            node.modified_ms = w.now_ms;
            act(w, &mut node, error.is_some());
            w.nodes.insert(self.node, node);
        }
        error.map_or(Ok(()), Err)
    }
}

impl DiskFile for SimFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn size(&self) -> Result<u64, DiskError> {
        let w = self.disk.world.lock();
        w.check_alive("stat", &self.path, Some(self.life))?;
        Ok(w.nodes[&self.node].data.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], position: u64) -> Result<usize, DiskError> {
        let w = self.disk.world.lock();
        w.check_alive("read", &self.path, Some(self.life))?;
        if w.read_error.as_ref() == Some(&self.path) {
            return Err(DiskError::new("read", &self.path, io::Error::other("simulated I/O error")));
        }
        let data = &w.nodes[&self.node].data;
        let from = usize::try_from(position).unwrap_or(usize::MAX).min(data.len());
        let n = buf.len().min(data.len() - from);
        buf[..n].copy_from_slice(&data[from..from + n]);
        Ok(n)
    }

    fn write_at(&self, slices: &mut [IoSlice<'_>], position: u64) -> Result<(), DiskError> {
        let mut bytes: Vec<u8> = slices.iter().flat_map(|s| s.iter().copied()).collect();
        let position = position as usize;
        self.change("write", |_, node, broken| {
            if broken {
                bytes.truncate(bytes.len() / 2);
            }
            put_bytes(&mut node.data, position, &bytes);
            node.pending.push(FileOp::Write { position, bytes });
        })
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        let len = len as usize;
        self.change("resize", |_, node, broken| {
            if !broken {
                node.data.resize(len, 0);
                node.pending.push(FileOp::SetLen(len));
            }
        })
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.change("sync", |w, node, broken| {
            w.syncs += 1;
            if broken {
                // As on Linux: the dirty pages are marked clean and will never be written.
                return;
            }
            node.synced = node.data.clone();
            node.pending.clear();
        })
    }

    fn std_file(&self) -> Option<Arc<File>> {
        None
    }
}

struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    life: u64,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut w = self.disk.world.lock();
        if w.life == self.life {
            w.locks.remove(&self.path);
        }
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> Result<Arc<dyn DiskFile>, DiskError> {
        let fail = |kind: io::ErrorKind| DiskError::new("open", path, kind.into());
        let existing = {
            let w = self.world.lock();
            w.check_alive("open", path, None)?;
            w.names.get(path).map(|id| (*id, w.nodes[id].is_dir, w.life))
        };
        let file = |node, life| Arc::new(SimFile { disk: self.clone(), node, path: path.into(), life });
        match (existing, how) {
            (Some((_, true, _)), _) => Err(fail(io::ErrorKind::IsADirectory)),
            (Some(_), Open::CreateNew) => Err(fail(io::ErrorKind::AlreadyExists)),
            (Some((id, _, life)), Open::Truncate) => {
                let file = file(id, life);
                file.set_len(0)?;
                Ok(file)
            }
            (Some((id, _, life)), _) => Ok(file(id, life)),
            (None, Open::Read | Open::ReadWrite) => Err(fail(io::ErrorKind::NotFound)),
            (None, _) => {
                let mut w = self.name_step("create", path)?;
                w.require_parent("create", path)?;
                let id = w.add_node(false);
                w.change_names(vec![(path.into(), Some(id))]);
                Ok(file(id, w.life))
            }
        }
    }

    fn metadata(&self, path: &Path) -> Result<Option<Meta>, DiskError> {
        let w = self.world.lock();
        w.check_alive("stat", path, None)?;
        Ok(w.names.get(path).map(|id| {
            let node = &w.nodes[id];
            Meta { len: node.data.len() as u64, modified_ms: node.modified_ms, is_dir: node.is_dir }
        }))
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>, DiskError> {
        let w = self.world.lock();
        w.check_alive("list", dir, None)?;
        if !w.names.get(dir).is_some_and(|id| w.nodes[id].is_dir) {
            return Err(DiskError::new("list", dir, io::ErrorKind::NotFound.into()));
        }
        let entry = |p: PathBuf| Entry {
            name: p.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            is_dir: w.nodes[&w.names[&p]].is_dir,
        };
        Ok(w.children(dir).into_iter().map(entry).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        let mut w = self.name_step("rename", from)?;
        w.require_parent("rename", to)?;
        if !w.names.contains_key(from) {
            return Err(DiskError::new("rename", from, io::ErrorKind::NotFound.into()));
        }
        let mut changes = Vec::new();
        for (path, id) in &w.names {
            if let Ok(rest) = path.strip_prefix(from) {
                let target = if rest.as_os_str().is_empty() { to.to_path_buf() } else { to.join(rest) };
                changes.push((path.clone(), None));
                changes.push((target, Some(*id)));
            }
        }
        w.change_names(changes);
        // What is inside a renamed directory moves with it in one step, whatever directory is synced: only the two parents matter.
        if let Some(op) = w.pending_names.last_mut() {
            op.dirs = [from, to].iter().filter_map(|p| p.parent()).map(Path::to_path_buf).collect();
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        let mut w = self.name_step("remove", path)?;
        match w.names.get(path) {
            Some(id) if !w.nodes[id].is_dir => {
                w.change_names(vec![(path.into(), None)]);
                Ok(())
            }
            _ => Err(DiskError::new("remove", path, io::ErrorKind::NotFound.into())),
        }
    }

    fn remove_dir(&self, path: &Path) -> Result<(), DiskError> {
        let mut w = self.name_step("remove directory", path)?;
        if !w.names.contains_key(path) {
            return Err(DiskError::new("remove directory", path, io::ErrorKind::NotFound.into()));
        }
        if !w.children(path).is_empty() {
            return Err(DiskError::new("remove directory", path, io::ErrorKind::DirectoryNotEmpty.into()));
        }
        w.change_names(vec![(path.into(), None)]);
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
        let mut w = self.name_step("create directory", path)?;
        w.require_parent("create directory", path)?;
        if w.names.contains_key(path) {
            return Err(DiskError::new("create directory", path, io::ErrorKind::AlreadyExists.into()));
        }
        let id = w.add_node(true);
        w.change_names(vec![(path.into(), Some(id))]);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), DiskError> {
        let mut w = self.name_step("sync directory", dir)?;
        w.syncs += 1;
        let (now, later) = std::mem::take(&mut w.pending_names).into_iter().partition(|op| op.dirs.iter().any(|d| d == dir));
        w.pending_names = later;
        let now: Vec<NameOp> = now;
        for op in now {
            for (path, to) in &op.changes {
                set_name(&mut w.synced_names, path, *to);
            }
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn DiskLock>>, DiskError> {
        self.open(path, Open::Create)?;
        let mut w = self.world.lock();
        if !w.locks.insert(path.into()) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimLock { disk: self.clone(), path: path.into(), life: w.life })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(disk: &SimDisk, path: &str, bytes: &[u8]) -> Arc<dyn DiskFile> {
        let file = disk.open(Path::new(path), Open::Create).unwrap();
        file.write_at(&mut [IoSlice::new(bytes)], 0).unwrap();
        file
    }

    #[test]
    fn unsynced_names_and_bytes_are_lost_with_the_power_and_only_then() {
        let disk = SimDisk::new();
        write(&disk, "/a", b"one").sync().unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        write(&disk, "/a", b"two");
        write(&disk, "/b", b"new").sync().unwrap();
        disk.crash(Survives::Everything);
        assert_eq!(disk.get("/a").unwrap(), b"two");
        assert_eq!(disk.get("/b").unwrap(), b"new");
        disk.crash(Survives::Synced);
        assert_eq!(disk.get("/a").unwrap(), b"one");
        assert_eq!(disk.get("/b"), None, "its bytes were synced, its name was not");
    }

    #[test]
    fn an_unsynced_rename_may_be_lost() {
        let disk = SimDisk::new();
        disk.put("/a", b"old");
        write(&disk, "/a.tmp", b"new").sync().unwrap();
        disk.rename(Path::new("/a.tmp"), Path::new("/a")).unwrap();
        assert_eq!(disk.get("/a").unwrap(), b"new");
        disk.crash(Survives::Synced);
        assert_eq!(disk.get("/a").unwrap(), b"old");
    }

    #[test]
    fn faults_come_at_their_step_and_leave_half_a_write() {
        let disk = SimDisk::new();
        let file = write(&disk, "/a", b"");
        disk.fail_at(disk.steps() + 1, Fault::NoSpace);
        file.write_at(&mut [IoSlice::new(b"12")], 0).unwrap();
        let error = file.write_at(&mut [IoSlice::new(b"3456")], 2).unwrap_err();
        assert!(error.is_no_space(), "{error}");
        assert_eq!(error.to_string(), "cannot write /a: no storage space");
        assert_eq!(disk.get("/a").unwrap(), b"1234");
        disk.heal();
        disk.fail_at(disk.steps(), Fault::Crash);
        assert!(file.sync().is_err() && disk.is_dead());
        assert!(disk.open(Path::new("/a"), Open::Read).is_err());
        disk.crash(Survives::Synced);
        assert!(file.size().is_err(), "a handle of an earlier life");
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let disk = SimDisk::new();
        let held = disk.lock(Path::new("/.lock")).unwrap();
        assert!(held.is_some());
        assert!(disk.lock(Path::new("/.lock")).unwrap().is_none());
        drop(held);
        assert!(disk.lock(Path::new("/.lock")).unwrap().is_some());
    }
}
