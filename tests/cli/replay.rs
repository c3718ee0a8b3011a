//! Runs recorded commands with kfk under Kafka's names and compares.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::differences::{self, Difference};
use crate::pattern::{difference, shown, without_java};
use crate::transcript::{self, Case};

/// Addresses in the recordings: the broker, and a port where nobody listens.
pub const RECORDED_BROKER: &str = "localhost:19200";
const RECORDED_CONTROLLER: &str = "localhost:19201";
const RECORDED_DEAD: &str = "localhost:19299";
/// No recorded command may take longer than this; one that does has hung.
const TOO_LONG: Duration = Duration::from_secs(60);
/// A command that the recorder had to kill is killed here after this time.
const KILL_AFTER: Duration = Duration::from_millis(1500);

/// The tools that are replayed; a transcript may use others to prepare something.
pub const TOOLS: &[&str] = &[
    "kafka-topics",
    "kafka-configs",
    "kafka-cluster",
    "kafka-features",
    "kafka-client-metrics",
    "kafka-console-producer",
    "kafka-console-consumer",
    "kafka-consumer-groups",
    "kafka-transactions",
    "kafka-dump-log",
    "kafka-groups",
    "kafka-get-offsets",
    "kafka-delete-records",
    "kafka-log-dirs",
    "kafka-metadata-quorum",
    "kafka-leader-election",
    "kafka-acls",
    "kafka-reassign-partitions",
    "kafka-storage",
    "kafka-delegation-tokens",
    "kafka-broker-api-versions",
    "kafka-share-groups",
    "kafka-console-share-consumer",
    "kafka-consumer-perf-test",
    "kafka-producer-perf-test",
    "kafka-e2e-latency",
    "kafka-verifiable-producer",
    "kafka-verifiable-consumer",
    "kafka-replica-verification",
];

const KILLED: i32 = -1;
/// Commands that run at the same time.
const AT_ONCE: usize = 8;

/// How one transcript is replayed.
pub struct Replay<'a> {
    pub file: &'a str,
    /// Takes the place of the recorded broker; `None`: only commands that need no broker are run.
    pub bootstrap: Option<String>,
    /// Output whose lines may come in any order.
    pub any_order: fn(&Case) -> bool,
    /// The command may run at the same time as its neighbours.
    pub side_by_side: fn(&Case) -> bool,
    /// Called before each command, in its working directory: changes what the recording took from its own machine.
    pub before: &'a (dyn Fn(&Replay, &mut Case, &Path) + Sync),
}

#[derive(Default)]
struct Tally {
    same: usize,
    listed: usize,
    failures: Vec<String>,
}

/// What a command did.
#[derive(Debug)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    /// The exit code, 128 + N after signal N, `KILLED` if it did not end.
    pub exit: i32,
    pub took: Duration,
}

/// The transcript `tests/transcripts/{file}.txt`.
pub fn load(file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(format!("{file}.txt"));
    transcript::parse(&std::fs::read_to_string(path).expect("a transcript"))
}

impl Replay<'_> {
    /// Replays the whole file. Fails with every unexpected difference, and with every listed one that is none.
    pub fn run(&self) {
        let listed: Vec<Difference> = differences::load().into_iter().filter(|d| d.file == self.file).collect();
        let work = tempfile::tempdir().expect("a directory");
        let mut tally = Tally::default();
        let mut batch: Vec<(String, Case)> = Vec::new();
        let cases = load(self.file);
        let total = cases.len();
        for mut case in cases {
            let recorded = case.command.clone();
            if !(self.side_by_side)(&case) {
                self.run_batch(&mut batch, work.path(), &listed, &mut tally);
            }
            // A name that begins with a directory of the recorder's is what a command left there.
            for (name, text) in case.files.iter().filter(|(name, _)| !name.starts_with('$')) {
                std::fs::write(work.path().join(name), text).expect("a file");
            }
            (self.before)(self, &mut case, work.path());
            let other_tool = !TOOLS.contains(&case.words()[0].as_str());
            if other_tool || (self.bootstrap.is_none() && !needs_no_broker(&case)) {
                continue;
            }
            batch.push((recorded, case));
            if batch.last().is_some_and(|(_, case)| !(self.side_by_side)(case)) {
                self.run_batch(&mut batch, work.path(), &listed, &mut tally);
            }
        }
        self.run_batch(&mut batch, work.path(), &listed, &mut tally);
        println!("{}: {} of {total} the same, {} listed as different", self.file, tally.same, tally.listed);
        let complete = self.bootstrap.is_some() && !crate::broker::is_foreign();
        for stale in listed.iter().filter(|d| complete && !d.used.get()) {
            tally.failures.push(format!("docs/differences.md lists `{}`, but it is no difference (or was not recorded)", stale.command));
        }
        assert!(tally.failures.is_empty(), "{} of {}.txt differ:\n\n{}", tally.failures.len(), self.file, tally.failures.join("\n"));
    }

    /// Runs commands that do not disturb each other at the same time: most of them only wait.
    fn run_batch(&self, batch: &mut Vec<(String, Case)>, dir: &Path, listed: &[Difference], tally: &mut Tally) {
        let batch = std::mem::take(batch);
        let next = AtomicUsize::new(0);
        let results: Vec<Mutex<Option<String>>> = batch.iter().map(|_| Mutex::new(None)).collect();
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(batch.len()) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some((_, case)) = batch.get(at) else { break };
                        *results[at].lock().expect("no panic") = self.compare(case, &self.execute(case, dir));
                    }
                });
            }
        });
        for ((recorded, case), result) in batch.iter().zip(results) {
            let entry = listed.iter().find(|d| d.command == *recorded);
            match (result.into_inner().expect("no panic"), entry) {
                (None, _) => tally.same += 1,
                (Some(_), Some(entry)) => {
                    tally.listed += 1;
                    entry.used.set(true);
                }
                (Some(text), None) => tally.failures.push(format!("{}.txt:{}: $ {}\n{text}", self.file, case.line, case.command)),
            }
        }
    }

    fn compare(&self, case: &Case, outcome: &Outcome) -> Option<String> {
        let mut text = String::new();
        if case.exit.is_some_and(|code| code != outcome.exit) || (case.exit.is_none() && outcome.exit != KILLED) {
            let recorded = case.exit.map_or("none (killed by the recorder)".to_owned(), |c| c.to_string());
            text.push_str(&format!("exit {}, recorded {recorded}, after {:?}\n", outcome.exit, outcome.took));
        }
        let any_order = (self.any_order)(case);
        if let Some(found) = difference(&shown(case.stdout.as_bytes()), &outcome.stdout, any_order) {
            text.push_str(&format!("stdout {found}"));
        }
        if let Some(found) = difference(&without_java(&case.stderr), &outcome.stderr, any_order) {
            text.push_str(&format!("stderr {found}"));
        }
        (!text.is_empty()).then_some(text)
    }

    /// Runs one command; addresses in its output are turned back into those of the recording.
    pub fn execute(&self, case: &Case, dir: &Path) -> Outcome {
        let dead = dead_address();
        let bootstrap = self.bootstrap.clone().unwrap_or_else(|| dead.clone());
        let places = [(RECORDED_BROKER, bootstrap.clone()), (RECORDED_DEAD, dead), (RECORDED_CONTROLLER, controller(&bootstrap))];
        let here = |word: String| places.iter().fold(word, |word, (recorded, here)| word.replace(recorded, here));
        let words: Vec<String> = case.words().into_iter().map(here).collect();
        let mut outcome = run_kfk(&words, case.stdin.as_bytes(), dir, case);
        for stream in [&mut outcome.stdout, &mut outcome.stderr] {
            *stream = places.iter().fold(std::mem::take(stream), |text, (recorded, here)| text.replace(here, recorded));
        }
        outcome
    }
}

impl Replay<'_> {
    /// What a command prints; it must succeed.
    pub fn output(&self, command: &str, dir: &Path) -> String {
        let outcome = self.execute(&Case { command: command.to_owned(), exit: Some(0), ..Case::default() }, dir);
        assert_eq!(outcome.exit, 0, "{command}: {}", outcome.stderr);
        outcome.stdout
    }
}

/// Shortens `--timeout-ms`: the recorder waited longer than a test has to.
pub fn hurry(case: &mut Case) {
    for slow in ["2000", "3000", "4000", "8000"] {
        case.command = case.command.replace(&format!("--timeout-ms {slow}"), "--timeout-ms 1500");
    }
}

fn needs_no_broker(case: &Case) -> bool {
    if case.stderr.contains("no current committed offset") || case.stderr.contains("ExecutionException") {
        return false;
    }
    let usage = [
        "<option table>",
        "<usage synopsis, as shown above>",
        ": error: ",
        "is not a recognized option",
        "UnavailableOptionException",
        "must be specified",
    ];
    usage.iter().any(|mark| case.stderr.contains(mark)) || case.command.contains("--version") || case.command.contains("--validate-regex")
}

/// Where the controller listens: one port after a foreign broker's; kfk has no such place.
fn controller(bootstrap: &str) -> String {
    let port = bootstrap.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    match port.filter(|_| crate::broker::is_foreign()) {
        Some(port) => format!("localhost:{}", port + 1),
        None => dead_address(),
    }
}

/// An address of this machine where nobody listens.
pub fn dead_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("localhost:{}", listener.local_addr().expect("its address").port())
}

/// Runs kfk under the name `words[0]`.
pub fn run_kfk(words: &[String], stdin: &[u8], dir: &Path, case: &Case) -> Outcome {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kfk"))
        .arg0(format!("/opt/kafka/bin/{}.sh", words[0]))
        .args(&words[1..])
        .current_dir(dir)
        .env_remove("KFK_BROKERS")
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kfk starts");
    // A command that does not read its input may be gone before it is written.
    let _ = child.stdin.take().map(|mut pipe| pipe.write_all(stdin));
    let mut out = child.stdout.take().expect("a pipe");
    let mut err = child.stderr.take().expect("a pipe");
    let (stop, lines) = (signal_to_send(case), case.stdout.lines().count());
    let pid = child.id();
    let out = std::thread::spawn(move || {
        let (mut all, mut buffer, mut sent) = (Vec::new(), [0; 4096], false);
        while let Ok(n @ 1..) = out.read(&mut buffer) {
            all.extend_from_slice(&buffer[..n]);
            if let Some(signal) = stop.filter(|_| !sent && all.iter().filter(|b| **b == b'\n').count() >= lines) {
                sent = true;
                let _ = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status();
            }
        }
        all
    });
    let err = std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = err.read_to_end(&mut all);
        all
    });
    let limit = if case.exit.is_none() { KILL_AFTER } else { TOO_LONG };
    let exit = loop {
        match child.try_wait().expect("a status") {
            Some(status) => {
                break status.code().unwrap_or_else(|| 128 + std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0));
            }
            None if started.elapsed() > limit => {
                let _ = child.kill();
                let _ = child.wait();
                break KILLED;
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    Outcome { stdout: shown(&out.join().expect("stdout")), stderr: shown(&err.join().expect("stderr")), exit, took: started.elapsed() }
}

/// Recordings without an end of their own were ended by a signal once the records were printed.
fn signal_to_send(case: &Case) -> Option<&'static str> {
    ["INT", "TERM"].into_iter().find(|signal| case.remarked(&format!("ended with SIG{signal}")))
}
