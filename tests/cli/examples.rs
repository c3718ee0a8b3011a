//! Every command in the README and in `docs/` is run as it stands there, top to bottom, with what it needs around it.
//!
//! What differs from the page: the addresses (a broker of this test stands for `localhost:9092`, another one for `other:9092`), the data
//! directory, and fewer records where a page measures with a million.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::broker::{self, Broker};

/// Pages whose indented lines are commands. `cli.md` is generated and shows usage only.
const PAGES: &[&str] = &[
    "README.md",
    "docs/running.md",
    "docs/formats.md",
    "docs/output.md",
    "docs/connecting.md",
    "docs/profiles.md",
    "docs/transactions.md",
    "docs/differences.md",
];

/// Examples that say no to kfk's own broker, with the reason.
const REFUSED: &[(&str, &str)] = &[("kfk acls", "a broker without an authorizer has no ACLs to list")];

/// How an example comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By itself.
    Itself,
    /// It follows a topic, or serves: after its first line a signal ends it.
    Signal(Signal),
}

struct Example {
    place: String,
    line: String,
}

fn examples(page: &str) -> Vec<Example> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{page}: {e}"));
    let lines = text.lines().enumerate().filter_map(|(at, line)| Some((at, line.strip_prefix("    ")?)));
    lines
        .filter(|(_, line)| line.starts_with("kfk ") || line.contains("| kfk "))
        // What follows two blanks and a # is a remark.
        .map(|(at, line)| Example {
            place: format!("{page}:{}", at + 1),
            line: line.split("  #").next().unwrap_or(line).trim_end().to_string(),
        })
        .collect()
}

impl Example {
    fn end(&self) -> End {
        let last = self.line.rsplit('|').next().unwrap_or(&self.line);
        let bounded = ["--max-messages", "--until-end", "--until"].iter().any(|option| last.contains(option));
        if last.contains("kfk server") {
            End::Signal(Signal::TERM)
        } else if (last.contains("kfk console-consumer") && !bounded) || last.contains("--watch") {
            End::Signal(Signal::INT)
        } else {
            End::Itself
        }
    }

    /// As a shell gets it.
    fn command(&self, broker: &Broker, other: &Broker) -> String {
        let data = broker.data_dir().expect("a broker of our own").display().to_string();
        let mut line = self.line.replace("127.0.0.1:9092", "127.0.0.1:0").replace("127.0.0.1:9404", "127.0.0.1:0");
        line = line
            .replace("localhost:9092", &broker.bootstrap)
            .replace("other:9092", &other.bootstrap)
            .replace("broker.example:9092", &other.bootstrap)
            .replace("1000000", "1000");
        match self.line.as_str() {
            server if server.contains("kfk server") => line,
            // Only of a directory that no broker writes to.
            verify if verify.contains("--verify") => line.replace("./data", "./d"),
            _ => line.replace("./data", &data),
        }
    }

    fn missing_program(&self) -> Option<&'static str> {
        let there = |program: &str| {
            let all = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&all).any(|dir| dir.join(program).is_file())
        };
        ["jq", "openssl", "keytool"].into_iter().find(|program| self.line.contains(&format!("{program} ")) && !there(program))
    }
}

/// What the examples read.
fn prepare(dir: &Path, broker: &Broker) {
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
    let events: String = (0..40).map(|i| format!("key-{i}\tvalue {i} of error\n")).collect();
    write("events.txt", &events);
    write("pairs.txt", "a=1\nb=2\n");
    write("prod.properties", "client.id=prod\n");
    write("note.txt", "one record\nof two lines\n");
    write("up-to.json", r#"{"partitions":[{"topic":"t","partition":0,"offset":1}],"version":1}"#);
    write(
        "server.properties",
        "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://localhost:0,CONTROLLER://localhost:0\nlog.dirs=./from-file\n",
    );
    for line in [
        "echo first | kfk console-producer --embedded ./d --topic t",
        "kfk configs --alter --entity-type groups --entity-name s --add-config share.auto.offset.reset=earliest",
        "echo value | kfk console-producer --topic from",
        "kfk topics --create --topic orders --partitions 2",
    ] {
        let done = shell(line, dir, broker).output().unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

fn shell(line: &str, dir: &Path, broker: &Broker) -> Command {
    let own = Path::new(env!("CARGO_BIN_EXE_kfk")).parent().unwrap().to_owned();
    let paths = std::env::join_paths([own].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())));
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(dir).env("PATH", paths.unwrap()).env("HOME", dir).env("XDG_CONFIG_HOME", dir);
    command.env("KFK_BROKERS", &broker.bootstrap).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end; gives the exit code and what it said.
fn run(example: &Example, line: &str, dir: &Path, broker: &Broker) -> (Option<i32>, String) {
    let End::Signal(signal) = example.end() else {
        let done = shell(line, dir, broker).output().unwrap();
        return (done.status.code(), format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)));
    };
    let mut child = shell(&format!("exec {line}"), dir, broker).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut first = String::new();
        let _ = out.read_line(&mut first);
        let _ = tell.send(first);
        let _ = out.read_to_string(&mut String::new());
    });
    let first = told.recv_timeout(Duration::from_secs(60)).unwrap_or_default();
    kill_process(Pid::from_child(&child), signal).unwrap();
    let done = child.wait_with_output().unwrap();
    let _ = reader.join();
    assert!(!first.is_empty(), "{}: it printed nothing: {}", example.place, String::from_utf8_lossy(&done.stderr));
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn every_example_of_the_pages_works() {
    if broker::is_foreign() {
        eprintln!("skipped: the examples speak of kfk's own broker");
        return;
    }
    let mut count = 0;
    for page in PAGES {
        let (broker, other) = (broker::start_with(&[]), broker::start_with(&[]));
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path(), &broker);
        if *page != "README.md" {
            let made =
                shell("kfk console-producer --topic t --property parse.key=true < events.txt", dir.path(), &broker).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        for example in examples(page) {
            if let Some(program) = example.missing_program() {
                eprintln!("skipped: {} needs {program}", example.place);
                continue;
            }
            let _ = std::fs::remove_dir_all(dir.path().join("from-file"));
            let line = example.command(&broker, &other);
            let (code, said) = run(&example, &line, dir.path(), &broker);
            let refused = REFUSED.iter().any(|(start, _)| example.line.starts_with(start));
            // Whoever is interrupted in reading a topic tells that by the exit code, as shells do; a view that is watched is just over.
            let cut_off = example.end() == End::Signal(Signal::INT) && !example.line.contains("--watch");
            let expected = if cut_off { 130 } else { i32::from(refused) };
            assert_eq!(code, Some(expected), "{}: {line}\n{said}", example.place);
            count += 1;
        }
    }
    assert!(count > 40, "only {count} examples were found");
}
