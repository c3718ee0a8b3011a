//! `kfk server` as a process of its own on one directory and one port, to be killed and started again.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kfk::rng::Rng;
use parking_lot::Mutex;

pub struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it said on standard error so far.
    said: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

/// A port below those that the system hands out for outgoing connections: a client that tries it while nobody listens cannot meet itself.
pub fn free_port(rng: &mut Rng) -> u16 {
    loop {
        let port = 20_000 + u16::try_from(rng.below(10_000)).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Server {
    pub fn spawn(dir: &Path, port: u16, settings: &[&str]) -> Server {
        let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_kfk")));
        command.arg("server").arg("--data-dir").arg(dir).arg("--listen").arg(format!("127.0.0.1:{port}"));
        for setting in settings {
            command.arg("--override").arg(setting);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("KFK_LOG");
        let mut child = command.spawn().expect("kfk server starts");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::new(Mutex::new(String::new()));
        let heard = said.clone();
        let listener = std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|n| n > 0) {
                heard.lock().push_str(&line);
                line.clear();
            }
        });
        Server { child, stdout, said, listener: Some(listener) }
    }

    /// Waits for the line that says it accepts connections; false if it ended instead.
    pub fn wait_ready(&mut self) -> bool {
        let mut line = String::new();
        self.stdout.read_line(&mut line).is_ok() && line.starts_with("ready ")
    }

    /// Kills it as `kill -9` does, and gives what it said.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.rest()
    }

    /// Asks it to stop; gives its status, what it said, and how long it took.
    pub fn terminate(mut self) -> (ExitStatus, String, Duration) {
        let began = Instant::now();
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        (status, self.rest(), began.elapsed())
    }

    fn rest(&mut self) -> String {
        let mut unread = String::new();
        let _ = self.stdout.read_to_string(&mut unread);
        if let Some(listener) = self.listener.take() {
            listener.join().unwrap();
        }
        self.said.lock().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
