//! `kfk dump-log` against what Kafka 4.3.1's own tool printed: every run recorded in `dump-log-fixtures/cases.json`.

#[path = "dump_log/own.rs"]
mod own;

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

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_dump_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for (name, len) in [("00000000000000000000.log", 0), ("00000000000000000000.index", 13), ("00000000000000000000.txnindex", 35)] {
        fs::write(dir.path().join(name), vec![0; len]).unwrap();
    }
    // The time index is not there: Kafka's tool would make one.
    for suffix in ["index", "timeindex", "txnindex"] {
        kfk(dir.path(), "kafka-dump-log", &["--files", &format!("00000000000000000000.{suffix}")]);
    }
    let mut left: Vec<(String, u64)> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
        .collect();
    left.sort();
    let wanted = [("00000000000000000000.index", 13), ("00000000000000000000.log", 0), ("00000000000000000000.txnindex", 35)];
    assert_eq!(left, wanted.map(|(name, len)| (name.to_owned(), len)));
}

#[test]
fn a_failure_is_one_line_that_names_the_file() {
    let dir = fixtures().join("basic");
    let files = [
        ("orders-0/00000000000000000099.log", "error: cannot open orders-0/00000000000000000099.log: no such file\n"),
        ("orders-0/nosuch.log", "error: orders-0/nosuch.log: the name does not begin with an offset\n"),
        (
            "orders-0/x.checkpoint",
            "error: orders-0/x.checkpoint: not the name of a snapshot, which is OFFSET-EPOCH.checkpoint with 20 and 10 digits\n",
        ),
        ("00000000000000000001.snapshot", "error: cannot open 00000000000000000001.snapshot: no such file\n"),
    ];
    for (file, wanted) in files {
        let got = kfk(&dir, "dump-log", &["--files", file]);
        assert_eq!((got.status.code(), text(&got.stderr)), (Some(1), wanted.to_owned()), "{file}");
        assert!(text(&got.stdout).starts_with(&format!("Dumping {file}\n")));
    }
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("00000000000000000000.log")).unwrap();
    let got = kfk(directory.path(), "dump-log", &["--files", "00000000000000000000.log"]);
    assert_eq!(text(&got.stderr), "error: cannot read 00000000000000000000.log: it is a directory\n");
}

#[test]
fn under_kafkas_name_the_first_line_is_kafkas() {
    let dir = fixtures().join("basic");
    let log = "orders-0/00000000000000000018.log";
    let java = |what: &str| format!("Exception in thread \"main\" {what}");
    let cases: [(&[&str], i32, String); 11] = [
        (&["--print-data-log"], 1, "Missing required argument \"[files]\"".into()),
        (&[log], 1, "Missing required argument \"[files]\"".into()),
        (&["--files", "nosuch.log"], 1, java("java.lang.NumberFormatException: For input string: \"nosuch\"")),
        (&["--files", "00000000000000000099.log"], 1, java("java.nio.file.NoSuchFileException: 00000000000000000099.log")),
        (&["--files", log, "--nosuch"], 1, java("joptsimple.UnrecognizedOptionException: nosuch is not a recognized option")),
        (
            &["--files", log, "--max-bytes", "abc"],
            1,
            java("joptsimple.OptionArgumentConversionException: Cannot parse argument 'abc' of option max-bytes"),
        ),
        (
            &["--files", log, "--max-bytes", "-1"],
            1,
            java(&format!(
                "java.lang.IllegalArgumentException: Invalid size: -1 in read from FileRecords(size=2241, file={log}, start=0, end=2147483647)"
            )),
        ),
        (&["--files"], 1, java("joptsimple.OptionMissingRequiredArgumentException: Option files requires an argument")),
        (
            &["--files", log, "--files", log],
            1,
            java("joptsimple.MultipleArgumentsForOptionException: Found multiple arguments for option files, but you asked for only one"),
        ),
        (&["--files", log, "--value-decoder-class", "no.such.Class"], 1, java("java.lang.RuntimeException: Failed to load decoder class")),
        (&["-files", ""], 0, "Ignoring unknown file ".into()),
    ];
    for (args, exit, line) in cases {
        let got = kfk(&dir, "kafka-dump-log", args);
        let stderr = text(&got.stderr);
        assert_eq!((got.status.code(), stderr.lines().next()), (Some(exit), Some(line.as_str())), "{args:?}");
    }
}

#[test]
fn paths_are_told_as_java_tells_them() {
    let dir = fixtures().join("basic");
    let got = kfk(&dir, "kafka-dump-log", &["--files", "orders-0//partition.metadata,orders-0,,orders-0/nosuch.txt,"]);
    assert_eq!(text(&got.stdout), "Dumping orders-0/partition.metadata\nDumping orders-0\nDumping \nDumping orders-0/nosuch.txt\n");
    assert_eq!(text(&got.stderr).lines().count(), 4);
    assert!(got.status.success());
}

#[test]
fn a_reader_that_goes_away_ends_the_dump_quietly() {
    use std::io::Read as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_kfk"))
        .args(["dump-log", "--hex", "--files", "00000000000000000000.log"])
        .current_dir(fixtures().join("consumer-offsets/__consumer_offsets-0"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 7]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

/// Hexdumps as they should look. To accept a change: `KFK_ACCEPT=1 cargo test --test dump_log`, and read the difference.
#[test]
fn hexdumps_look_as_kept() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-hex");
    let files = [
        ("plain", "basic/orders-0/00000000000000000018.log"),
        ("gzip", "flipped-gzip/t-gzip-0/00000000000000000000.log"),
        ("legacy", "legacy-magic/old-0/00000000000000000000.log"),
        ("transactional", "transactional/txn-0/00000000000000000001.log"),
        ("horizon", "compacted-transactional/compact-txn-0/00000000000000000025.log"),
        ("headers", "binary/binary-0/00000000000000000000.log"),
        ("checkpoint", "cluster-metadata/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"),
        ("truncated", "truncated/orders-0/00000000000000000018.log"),
        ("garbage", "trailing-garbage/orders-0/00000000000000000018.log"),
        ("index", "truncated-index/orders-0/00000000000000000018.index"),
        ("timeindex", "truncated-index/orders-0/00000000000000000018.timeindex"),
        ("txnindex", "transactional/txn-0/00000000000000000001.txnindex"),
        ("snapshot", "flipped-snapshot/txn-0/00000000000000000046.snapshot"),
    ];
    for (name, file) in files {
        let stdout = text(&kfk(&fixtures(), "dump-log", &["--hex", "--files", file]).stdout);
        let path = kept.join(format!("{name}.txt"));
        if std::env::var_os("KFK_ACCEPT").is_some() {
            fs::create_dir_all(&kept).unwrap();
            fs::write(&path, &stdout).unwrap();
        }
        let wanted = fs::read_to_string(&path).unwrap_or_default();
        let differing = wanted.lines().zip(stdout.lines()).find(|(a, b)| a != b);
        assert!(stdout == wanted, "{name}: not as in {}; first {differing:?}", path.display());
    }
}
