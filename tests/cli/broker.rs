//! The broker that commands are replayed against: `kfk server` on a directory of its own, or any other one named by `KFK_REPLAY_BOOTSTRAP`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A broker for one test; stopped when dropped.
pub struct Broker {
    /// `localhost:PORT`
    pub bootstrap: String,
    server: Option<(Child, tempfile::TempDir)>,
    data_dir: Option<PathBuf>,
}

const FOREIGN: &str = "KFK_REPLAY_BOOTSTRAP";
const FOREIGN_DATA: &str = "KFK_REPLAY_DATA_DIR";

/// The broker is not kfk's own.
pub fn is_foreign() -> bool {
    std::env::var_os(FOREIGN).is_some()
}

/// Starts a broker with id 1, as the transcripts assume.
pub fn start() -> Broker {
    if let Ok(bootstrap) = std::env::var(FOREIGN) {
        return Broker { bootstrap, server: None, data_dir: std::env::var_os(FOREIGN_DATA).map(PathBuf::from) };
    }
    start_with(&[])
}

/// Starts a broker of our own with more settings.
pub fn start_with(settings: &[&str]) -> Broker {
    let dir = tempfile::tempdir().expect("a directory");
    let mut server = Command::new(env!("CARGO_BIN_EXE_kfk"))
        .args(["server", "--listen", "localhost:0", "--data-dir"])
        .arg(dir.path())
        .args(["--override", "node.id=1", "--override", "group.initial.rebalance.delay.ms=0"])
        .args(settings.iter().flat_map(|setting| ["--override", setting]))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kfk starts");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let address = line.trim_end().strip_prefix("ready ").unwrap_or_else(|| panic!("kfk server printed {line:?}"));
    let port = address.rsplit_once(':').expect("a port").1;
    let data_dir = Some(dir.path().to_owned());
    Broker { bootstrap: format!("localhost:{port}"), server: Some((server, dir)), data_dir }
}

impl Broker {
    /// Where it keeps its data; `None` if a broker that is not kfk's own came without `KFK_REPLAY_DATA_DIR`.
    pub fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some((server, _)) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
