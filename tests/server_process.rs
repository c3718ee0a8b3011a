//! `kfk server` as a process: what it says where, what it refuses before it touches anything, how it stops.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

mod common;

use common::Client;
use kfk::wire::describe_cluster_request::DescribeClusterRequest;
use kfk::wire::metadata_request::MetadataRequest;
use rustix::process::{Pid, Signal, kill_process};

/// A server that is killed if the test ends early.
struct Server {
    child: Child,
    addr: SocketAddr,
}

fn kfk(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
    command.arg("server").args(args).env_remove("KFK_LOG").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Server {
    fn start(args: &[&str]) -> Server {
        Server::spawn(&mut kfk(args))
    }

    /// Starts one and reads its ready line.
    fn spawn(command: &mut Command) -> Server {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(1, child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let addr = line.strip_prefix("ready ").and_then(|a| a.trim_end().parse().ok());
        Server { addr: addr.unwrap_or_else(|| panic!("{line:?}")), child }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end; gives the exit code and what came after the ready line.
    fn wait(mut self) -> (Option<i32>, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap().code(), out, err)
    }

    /// Host and port that the broker tells clients of.
    fn advertised(&self) -> (String, i32) {
        let response = Client::connect(self.addr).call(12, &MetadataRequest { topics: Some(Vec::new()), ..Default::default() });
        (response.brokers[0].host.clone(), response.brokers[0].port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn refused(args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = kfk(args).output().unwrap();
    assert!(stdout.is_empty(), "data only on standard output: {stdout:?}");
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_new_directory_is_served_at_once_and_sigterm_stops_cleanly_within_a_second() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let server = Server::start(&["--data-dir", text(&dir), "--listen", "127.0.0.1:0"]);
    assert_ne!(server.addr.port(), 0);
    assert_eq!(server.advertised(), ("127.0.0.1".to_string(), i32::from(server.addr.port())), "the picked port is told to clients");
    let begun = Instant::now();
    server.signal(Signal::TERM);
    let (code, out, err) = server.wait();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!((code, out.as_str()), (Some(0), ""), "one line on standard output");
    assert!(err.contains("listening on 127.0.0.1"), "{err}");
    assert!(dir.join(".kafka_cleanshutdown").exists());
}

#[test]
fn sigint_stops_also_with_a_connection_open_and_a_second_one_is_no_error() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::start(&["--data-dir", text(temp.path()), "--listen", "127.0.0.1:0"]);
    let _open = TcpStream::connect(server.addr).unwrap();
    let begun = Instant::now();
    server.signal(Signal::INT);
    server.signal(Signal::INT);
    let (code, _, err) = server.wait();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // Both may arrive before the first is looked at, or the clean stop may be the faster.
    assert!(code == Some(0) || code == Some(1) && err.contains("without a clean shutdown"), "{code:?} {err}");
}

#[test]
fn settings_come_from_the_file_then_overrides_then_options_and_unknown_ones_are_told() {
    let temp = tempfile::tempdir().unwrap();
    let (file, dir) = (temp.path().join("server.properties"), temp.path().join("data"));
    let lines = [
        "# a comment",
        "log.dirs=/nowhere/at/all",
        "listeners=PLAINTEXT://127.0.0.1:0",
        "num.partition=3",
        "num.io.threads=4",
        "node.id=7",
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let log_dirs = format!("log.dirs={}", text(&dir));
    let advertised = "advertised.listeners=PLAINTEXT://broker.example:4711";
    let server = Server::start(&[text(&file), "--override", &log_dirs, "--override", advertised]);
    assert_eq!(server.advertised(), ("broker.example".to_string(), 4711));
    server.signal(Signal::TERM);
    let (code, _, err) = server.wait();
    assert_eq!(code, Some(0));
    assert!(err.contains("unknown setting num.partition: ignored; did you mean num.partitions?"), "{err}");
    assert!(err.contains("setting num.io.threads is known but not honoured yet"), "{err}");
    assert!(std::fs::read_to_string(dir.join("meta.properties")).unwrap().contains("node.id=7"));
}

#[test]
fn a_bad_setting_is_refused_before_anything_is_touched() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let cases = [
        ("num.partitions=x", "Invalid value x for configuration num.partitions: Not a number of type INT"),
        ("log.segment.bytes=1", "Invalid value 1 for configuration log.segment.bytes"),
        ("max.connections.per.ip.overrides=a", "max.connections.per.ip.overrides"),
        ("listeners=SSL://127.0.0.1:0", "refusing to serve it unprotected"),
    ];
    for (setting, told) in cases {
        let (code, err) = refused(&["--data-dir", text(&dir), "--override", "listeners=PLAINTEXT://127.0.0.1:0", "--override", setting]);
        assert!(code != Some(0) && code.is_some() && err.contains(told), "{setting}: {code:?} {err}");
        assert!(!dir.exists(), "{setting}");
    }
    let (code, err) = refused(&["--listen", "127.0.0.1:0"]);
    assert!(code == Some(2) && err.contains("--data-dir"), "{code:?} {err}");
}

#[test]
fn a_port_that_is_taken_is_told_with_its_remedy_and_leaves_no_trace() {
    let temp = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (dir, listen) = (temp.path().join("data"), taken.local_addr().unwrap().to_string());
    let (code, err) = refused(&["--data-dir", text(&dir), "--listen", &listen]);
    assert!(code == Some(1) && err.contains(&listen) && err.contains("picks a free port"), "{code:?} {err}");
    assert!(!dir.exists());
}

#[test]
fn a_listener_on_all_interfaces_tells_each_client_the_address_that_it_came_to() {
    for listen in [":0", "0.0.0.0:0"] {
        let temp = tempfile::tempdir().unwrap();
        let mut server = Server::start(&["--data-dir", text(temp.path()), "--listen", listen]);
        for last in [1, 2] {
            server.addr = SocketAddr::from(([127, 0, 0, last], server.addr.port()));
            assert_eq!(server.advertised(), (format!("127.0.0.{last}"), i32::from(server.addr.port())), "{listen}");
        }
        let described = Client::connect(server.addr).call(1, &DescribeClusterRequest { endpoint_type: 1, ..Default::default() });
        assert_eq!(described.brokers[0].host, "127.0.0.2");
    }
}

/// Names of the topics, with their numbers of partitions.
fn topics(server: &Server) -> Vec<(String, usize)> {
    let response = Client::connect(server.addr).call(12, &MetadataRequest { topics: None, ..Default::default() });
    let mut all: Vec<_> = response.topics.into_iter().map(|t| (t.name.unwrap(), t.partitions.len())).collect();
    all.sort();
    all
}

#[test]
fn topics_asked_for_are_there_when_it_is_ready_and_stay_as_they_are() {
    let temp = tempfile::tempdir().unwrap();
    let (file, dir) = (temp.path().join("topics"), temp.path().join("data"));
    std::fs::write(&file, "# made for us\n\n  from.file:2:cleanup.policy=compact,delete  \n").unwrap();
    let start = |topic: &str| {
        let args =
            ["--data-dir", text(&dir), "--listen", "127.0.0.1:0", "--topic", topic, "--topic", "plain", "--topics-file", text(&file)];
        Server::start(&args)
    };
    let server = start("asked:3");
    let all = [("asked", 3), ("from.file", 2), ("plain", 1)].map(|(name, n)| (name.to_string(), n));
    assert_eq!(topics(&server), all);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().0, Some(0));
    let again = start("asked:5");
    assert_eq!(topics(&again), all);
    again.signal(Signal::TERM);
    let (_, _, err) = again.wait();
    assert!(err.contains("topic asked has 3 partitions, not 5"), "{err}");

    let (code, err) = refused(&["--data-dir", text(&dir), "--listen", "127.0.0.1:0", "--topic", "a:1:no.such=1"]);
    assert!(code == Some(1) && err.contains("cannot create topic a: ") && err.contains("no.such"), "{code:?} {err}");
    let (code, err) = refused(&["--data-dir", text(&dir), "--listen", "127.0.0.1:0", "--topic", "a:x"]);
    assert!(code == Some(2) && err.contains("a: x is no number of partitions"), "{code:?} {err}");
    std::fs::write(&file, "a\nb:0\n").unwrap();
    let (code, err) = refused(&["--data-dir", text(&dir), "--listen", "127.0.0.1:0", "--topics-file", text(&file)]);
    assert!(code == Some(2) && err.contains("line 2: b: 0 is no number of partitions"), "{code:?} {err}");
}

#[test]
fn the_environment_gives_settings_as_in_kafkas_images_and_the_command_line_wins() {
    let temp = tempfile::tempdir().unwrap();
    let mut command = kfk(&["--data-dir", text(&temp.path().join("data")), "--override", "num.partitions=4", "--topic", "t"]);
    command.args(["--log-format", "json"]).env("KAFKA_LISTENERS", "PLAINTEXT://127.0.0.1:0").env("KAFKA_NUM_PARTITIONS", "2");
    let server = Server::spawn(command.env("KAFKA_NUM_PARTITION", "7").env("KAFKA_HEAP_OPTS", "-Xmx1g"));
    assert_eq!(topics(&server), [("t".to_string(), 4)]);
    server.signal(Signal::TERM);
    let (code, _, err) = server.wait();
    assert_eq!(code, Some(0));
    let lines: Vec<serde_json::Value> = err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |text: &str| lines.iter().any(|line| line["level"] == "WARN" && line["message"].as_str().unwrap().contains(text));
    assert!(told("unknown setting num.partition: ignored") && !told("heap"), "{err}");
}

#[test]
fn ipv6_addresses_are_written_in_brackets() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let server = Server::start(&["--data-dir", text(temp.path()), "--listen", "[::1]:0"]);
    assert!(server.addr.is_ipv6());
    assert_eq!(server.advertised(), ("::1".to_string(), i32::from(server.addr.port())));
}
