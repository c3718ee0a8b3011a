//! `--embedded DIR`: the broker runs inside the command, on a data directory of its own, for as long as the command lasts.
//!
//! The directory's lock lets one process at a time run on it. That one leaves its address in the directory ([`announce`]), so that a command
//! that finds the directory taken talks to it instead.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::error::CliError;
use crate::broker::{self, Running};
use crate::config::{BrokerConfig, parse_properties};

/// Holds `HOST:PORT` of the process that runs on the directory.
const ADDRESS_FILE: &str = "kfk-server.address";
/// How long to wait for a process that has just taken the directory, or is about to give it back.
const PATIENCE: Duration = Duration::from_secs(3);

/// A broker to talk to: in this process, or in the one that has the directory already.
pub struct Embedded {
    /// `HOST:PORT`
    pub address: String,
    own: Option<(Runtime, Running, Announcement)>,
}

impl Embedded {
    /// Starts a broker on `dir` (made if it is not there), or finds the one that runs there.
    ///
    /// Errors: the directory cannot be used; it is taken by a process that does not accept connections.
    pub fn open(dir: &Path) -> Result<Embedded, CliError> {
        let started = Instant::now();
        loop {
            match start(dir)? {
                Some(own) => return Ok(own),
                None => {
                    if let Some(address) = owner(dir) {
                        return Ok(Embedded { address, own: None });
                    }
                }
            }
            if started.elapsed() > PATIENCE {
                let text = format!("{} is in use by another process, which accepts no connections", dir.display());
                return Err(CliError::failed(text).hint("wait for it to end, or stop it; then try again"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops the broker if it is this process's own, leaving the directory as a clean stop does.
    pub fn close(self) {
        if let Some((runtime, running, announcement)) = self.own {
            drop(announcement);
            runtime.block_on(running.stop());
            // Nothing is left to wait for; connections of this very process are gone with the command.
            runtime.shutdown_background();
        }
    }
}

/// `None`: another process has the directory.
fn start(dir: &Path) -> Result<Option<Embedded>, CliError> {
    let config = config(dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("broker")
        .enable_all()
        .build()
        .map_err(|e| CliError::failed("cannot start threads").cause(e.to_string()))?;
    match runtime.block_on(broker::start(config)) {
        Ok(running) => {
            let announcement = announce(dir, running.addr())?;
            let address = running.addr().to_string();
            Ok(Some(Embedded { address, own: Some((runtime, running, announcement)) }))
        }
        Err(e) if e.directory_in_use() => Ok(None),
        Err(e) => Err(CliError::failed(format!("cannot run a broker on {}", dir.display())).cause(e.to_string())),
    }
}

fn config(dir: &Path) -> Result<BrokerConfig, CliError> {
    let text = dir.to_str().ok_or_else(|| CliError::value(format!("--embedded {} is not UTF-8", dir.display())))?;
    let mut settings = vec![
        ("log.dirs".to_owned(), text.to_owned()),
        ("listeners".to_owned(), "PLAINTEXT://127.0.0.1:0".to_owned()),
        // Nobody else joins: waiting for more members would only cost time.
        ("group.initial.rebalance.delay.ms".to_owned(), "0".to_owned()),
    ];
    // A directory keeps the id of the node that it was made for.
    let properties = fs::read_to_string(dir.join("meta.properties")).unwrap_or_default();
    settings.extend(parse_properties(&properties).into_iter().filter(|(key, _)| key == "node.id"));
    BrokerConfig::parse(settings).map(|(config, _)| config).map_err(|e| CliError::config(e.to_string()))
}

/// The address in the directory. Whether a process is there is another question.
pub fn announced(dir: &Path) -> Option<SocketAddr> {
    fs::read_to_string(dir.join(ADDRESS_FILE)).ok()?.trim().parse().ok()
}

/// The address of the process that runs on `dir`, if one accepts connections there.
pub fn owner(dir: &Path) -> Option<String> {
    let address = announced(dir)?;
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok()?;
    Some(address.to_string())
}

/// The address in the directory; taken away again when dropped.
#[derive(Debug)]
pub struct Announcement(PathBuf);

/// Leaves the address of this process in the data directory it runs on. Call with the directory locked.
pub fn announce(dir: &Path, address: SocketAddr) -> Result<Announcement, CliError> {
    let path = dir.join(ADDRESS_FILE);
    let failed = |e: std::io::Error| CliError::failed(format!("cannot write {}", path.display())).cause(e.to_string());
    // Written aside and renamed, so that nobody reads half an address.
    let aside = path.with_extension("tmp");
    let mut file = fs::File::create(&aside).map_err(failed)?;
    writeln!(file, "{}", reachable(address)).map_err(failed)?;
    fs::rename(&aside, &path).map_err(failed)?;
    Ok(Announcement(path))
}

/// An address of this machine where a wildcard is listened on.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let local = if address.is_ipv4() { std::net::Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(local);
    }
    address
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // Left behind it does no harm: it is only read when the lock is taken.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_found_only_while_it_listens() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(owner(dir.path()), None);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let announcement = announce(dir.path(), address).unwrap();
        assert_eq!(owner(dir.path()), Some(address.to_string()));
        drop(announcement);
        assert_eq!(owner(dir.path()), None);
    }

    #[test]
    fn a_wildcard_is_announced_as_this_machine() {
        assert_eq!(reachable("0.0.0.0:5".parse().unwrap()).to_string(), "127.0.0.1:5");
        assert_eq!(reachable("[::]:5".parse().unwrap()).to_string(), "[::1]:5");
    }
}
