//! `kfk dump-log` against what Kafka 4.3.1's own tool printed: every run recorded in `dump-log-fixtures/cases.json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

struct Case {
    dir: PathBuf,
    label: String,
    args: Vec<String>,
    exit: i32,
    stdout: String,
    stderr: Option<String>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-fixtures")
}

fn cases() -> Vec<Case> {
    let list: Value = serde_json::from_slice(&fs::read(fixtures().join("cases.json")).unwrap()).unwrap();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let case = |v: &Value| {
        let dir = fixtures().join(text(&v["case"]));
        Case {
            label: format!("{}/{}", text(&v["case"]), text(&v["name"])),
            args: v["args"].as_array().unwrap().iter().map(text).collect(),
            exit: i32::try_from(v["exit"].as_i64().unwrap()).unwrap(),
            stdout: text(&v["stdout"]),
            stderr: v["stderr"].as_str().map(str::to_owned),
            dir,
        }
    };
    list.as_array().unwrap().iter().map(case).collect()
}

fn kfk(dir: &Path, tool: &str, args: &[impl AsRef<std::ffi::OsStr>]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kfk")).arg(tool).args(args).current_dir(dir).output().unwrap()
}

/// Java's array hashes are different in every run.
fn without_hashes(text: &str) -> String {
    let mut pieces = text.split("[B@");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.strip_prefix("<hash>").unwrap_or_else(|| piece.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
        out.push_str("[B@<hash>");
        out.push_str(rest);
    }
    out
}

/// The blocks of a report: a heading with what belongs to it. Kafka prints them in the order of a hash map.
fn blocks(report: &str) -> BTreeSet<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in report.lines() {
        match blocks.last_mut() {
            Some(block) if line.starts_with(' ') || line.starts_with("Indexed") => *block += &format!("\n{line}"),
            _ => blocks.push(line.to_owned()),
        }
    }
    blocks.into_iter().collect()
}

/// What is wrong with one run, if anything.
fn mismatch(case: &Case) -> Option<String> {
    let got = kfk(&case.dir, "kafka-dump-log", &case.args);
    if got.status.code() != Some(case.exit) {
        return Some(format!("exit {:?} instead of {}; stderr: {}", got.status.code(), case.exit, String::from_utf8_lossy(&got.stderr)));
    }
    let wanted = without_hashes(&fs::read_to_string(case.dir.join(&case.stdout)).unwrap());
    let stdout = without_hashes(&String::from_utf8(got.stdout).unwrap());
    if stdout != wanted {
        let at = wanted.lines().zip(stdout.lines()).position(|(a, b)| a != b).unwrap_or(wanted.lines().count().min(stdout.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or("<end>").to_owned();
        return Some(format!("stdout line {}\n  wanted {}\n  got    {}", at + 1, line(&wanted), line(&stdout)));
    }
    let wanted = case.stderr.as_ref().map(|f| fs::read_to_string(case.dir.join(f)).unwrap()).unwrap_or_default();
    let stderr = String::from_utf8(got.stderr).unwrap().replace(case.dir.to_str().unwrap(), "$DIR");
    let same = match case.exit {
        0 => blocks(&stderr) == blocks(&wanted),
        // Kafka goes on with what a damaged gzip stream gives until a record makes no sense; here the stream itself is found damaged.
        _ if case.label.starts_with("flipped-gzip/") => stderr.lines().count() == 1,
        _ => same_failure(&stderr, &wanted),
    };
    (!same).then(|| format!("stderr\n  wanted {wanted}\n  got    {stderr}"))
}

/// A failure is told in one line, which begins with the exception that Kafka's tool died of. The text after the class is Java's own where
/// bytes are damaged.
fn same_failure(got: &str, wanted: &str) -> bool {
    let class = |text: &str| text.lines().next().map(|l| l.split(": ").next().unwrap_or(l).to_owned());
    got.lines().count() == 1 && class(got) == class(wanted)
}

#[test]
fn every_recorded_run_prints_the_same() {
    let cases = cases();
    assert_eq!(cases.len(), 382);
    let wrong: Vec<String> = cases.iter().filter_map(|c| mismatch(c).map(|what| format!("{}: {what}", c.label))).collect();
    assert!(wrong.is_empty(), "{} of {} runs differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn every_kind_of_internal_record_prints_the_same() {
    let mut wrong = Vec::new();
    for decoder in ["offsets", "transaction-log", "share-group-state", "cluster-metadata", "remote-log-metadata"] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-records").join(decoder);
        let wanted = fs::read_to_string(dir.join("expected.txt")).unwrap();
        let got = kfk(&dir, "dump-log", &[format!("--{decoder}-decoder"), "--files=00000000000000000000.log".to_owned()]);
        let stdout = String::from_utf8(got.stdout).unwrap();
        assert!(got.status.success() && got.stderr.is_empty(), "{decoder}: {}", String::from_utf8_lossy(&got.stderr));
        assert_eq!(stdout.lines().count(), wanted.lines().count(), "{decoder}");
        // Why bytes are no message is said in other words.
        let up_to_reason = |line: &str| line.split("due to: ").next().map(str::to_owned);
        let differing = wanted.lines().zip(stdout.lines()).filter(|(a, b)| up_to_reason(a) != up_to_reason(b));
        wrong.extend(differing.map(|(a, b)| format!("{decoder}\n  wanted {a}\n  got    {b}")));
    }
    assert!(wrong.is_empty(), "{} lines differ:\n{}", wrong.len(), wrong.join("\n"));
}
