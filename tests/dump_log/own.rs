//! What `kfk dump-log` does beyond Kafka's tool: directories, JSON, `--grep`, `--summary`, `--verify`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{fixtures, kfk, text};

/// All logs among the fixtures that Kafka's tool dumps without a failure.
fn sound_logs() -> Vec<PathBuf> {
    let mut dirs = vec![fixtures()];
    let mut logs = Vec::new();
    while let Some(dir) = dirs.pop() {
        for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "log" || e == "checkpoint")
                && kfk(&fixtures(), "kafka-dump-log", &["--print-data-log", "--files", path.to_str().unwrap()]).status.success()
            {
                logs.push(path);
            }
        }
    }
    logs.sort();
    logs
}

fn json_lines(args: &[&str]) -> Vec<Value> {
    let got = kfk(&fixtures(), "dump-log", &[args, &["-o", "json"]].concat());
    assert!(got.status.success(), "{args:?}: {}", text(&got.stderr));
    text(&got.stdout).lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

/// `name: value` pairs of a line of Kafka's, in front of key and payload.
fn pairs(line: &str) -> BTreeMap<&str, &str> {
    let words: Vec<&str> = line.split(' ').collect();
    words.windows(2).filter_map(|w| w[0].strip_suffix(':').map(|name| (name, w[1]))).rev().collect()
}

/// A number of Kafka's, -1 as null.
fn number(text: &str) -> Value {
    match text.parse::<i64>().unwrap() {
        -1 => Value::Null,
        n => n.into(),
    }
}

#[test]
fn json_says_what_kafkas_text_says() {
    let logs = sound_logs();
    assert!(logs.len() > 60, "{}", logs.len());
    for log in &logs {
        let path = log.to_str().unwrap();
        let kafka = text(&kfk(&fixtures(), "kafka-dump-log", &["--print-data-log", "--files", path]).stdout);
        let kafka = kafka.lines().filter(|l| l.starts_with("baseOffset: ") || l.starts_with("offset: ") || l.starts_with("| offset: "));
        let ours = json_lines(&[path, "--print-data-log"]);
        let ours: Vec<&Value> = ours.iter().filter(|line| line["type"] != "invalid").collect();
        assert_eq!(kafka.clone().count(), ours.len(), "{path}");
        for (theirs, ours) in kafka.zip(ours) {
            let said = pairs(theirs);
            assert_eq!(ours["file"], path);
            let names: &[(&str, &str)] = match (ours["type"].as_str().unwrap(), said.contains_key("isTransactional")) {
                ("batch", true) => &[
                    ("baseOffset", "base_offset"),
                    ("lastOffset", "last_offset"),
                    ("count", "count"),
                    ("baseSequence", "base_sequence"),
                    ("lastSequence", "last_sequence"),
                    ("producerId", "producer_id"),
                    ("producerEpoch", "producer_epoch"),
                    ("partitionLeaderEpoch", "leader_epoch"),
                    ("position", "position"),
                    ("size", "size"),
                    ("magic", "magic"),
                    ("crc", "crc"),
                ],
                ("batch", false) => &[("offset", "last_offset"), ("position", "position"), ("size", "size"), ("crc", "crc")],
                _ => &[("offset", "offset"), ("keySize", "key_size"), ("valueSize", "value_size")],
            };
            for (theirs, name) in names {
                assert_eq!(number(said[theirs]), ours[name], "{path}: {name} of {ours}");
            }
            if ours["type"] == "batch" {
                assert_eq!(said["isvalid"], ours["valid"].to_string(), "{ours}");
                assert_eq!(said["compresscodec"], ours["codec"].as_str().unwrap());
                if let Some(control) = said.get("isControl") {
                    assert_eq!((*control, said["isTransactional"]), (&*ours["control"].to_string(), &*ours["transactional"].to_string()));
                }
            } else if ours["control"].is_null() {
                let payload = theirs.split_once(" payload: ").map(|(_, payload)| payload);
                // What is no UTF-8 is base64 here and U+FFFD there; line ends are line ends there.
                if let (Some(payload), Some(value)) = (payload, ours["value"].as_str().filter(|v| !v.contains(['\n', '\r']))) {
                    assert_eq!(payload, value, "{path}");
                }
            } else if let Some(marker) = said.get("endTxnMarker") {
                assert_eq!((ours["control"]["type"].as_str().unwrap(), ours["key"].clone()), (*marker, Value::Null));
            }
        }
    }
}

#[test]
fn decoded_records_are_json_in_json() {
    let internal = [
        ("--cluster-metadata-decoder", "cluster-metadata/__cluster_metadata-0/00000000000000000000.log"),
        ("--offsets-decoder", "consumer-offsets/__consumer_offsets-0/00000000000000000000.log"),
        ("--transaction-log-decoder", "transaction-state/__transaction_state-0/00000000000000000000.log"),
        ("--share-group-state-decoder", "share-group-state/__share_group_state-0/00000000000000000000.log"),
    ];
    for (decoder, log) in internal {
        let plain = text(&kfk(&fixtures(), "kafka-dump-log", &[decoder, "--files", log]).stdout);
        let payloads: Vec<&str> = plain.lines().filter_map(|line| line.split_once(" payload: ").map(|(_, payload)| payload)).collect();
        let records = json_lines(&[decoder, log]);
        let values: Vec<&Value> = records.iter().filter(|r| r["type"] == "record" && r["control"].is_null()).map(|r| &r["value"]).collect();
        assert!(!payloads.is_empty() && payloads.len() == values.len(), "{decoder}: {} {}", payloads.len(), values.len());
        for (payload, value) in payloads.iter().zip(values) {
            match serde_json::from_str::<Value>(payload) {
                Ok(wanted) => assert_eq!(&wanted, value),
                Err(_) => assert_eq!((*payload, value), ("<DELETE>", &Value::Null)),
            }
        }
    }
    let longs = json_lines(&["--value-decoder-class=LongDecoder", "binary/binary-0/00000000000000000000.log", "--grep", "v:^.{8,}$"]);
    assert!(longs.iter().all(|r| r["value"].is_i64()), "{longs:?}");
}

#[test]
fn index_entries_and_producers_are_lines_too() {
    let dir = "transactional/txn-0";
    let lines = json_lines(&[dir, "--all-files"]);
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    let kafkas = |suffix: &str, start: &str| -> usize {
        let files =
            fs::read_dir(fixtures().join(dir)).unwrap().map(|f| f.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == suffix));
        let lines = |p: PathBuf| text(&kfk(&fixtures(), "kafka-dump-log", &["--files", p.to_str().unwrap()]).stdout);
        files.map(|p| lines(p).lines().filter(|line| line.starts_with(start)).count()).sum()
    };
    assert_eq!(of("index_entry"), kafkas("index", "offset: "));
    assert_eq!(of("time_index_entry"), kafkas("timeindex", "timestamp: "));
    assert_eq!(of("aborted_transaction"), kafkas("txnindex", "version: "));
    assert_eq!(of("producer"), kafkas("snapshot", "producerId: "));
    assert!(of("index_entry") > 0 && of("aborted_transaction") > 0 && of("producer") > 0 && of("batch") > 0);
    assert!(lines.iter().all(|line| line["topic"] == "txn" && line["partition"] == 0));
}

#[test]
fn a_directory_is_its_logs_in_order() {
    let got = kfk(&fixtures(), "dump-log", &["transactional"]);
    assert!(got.status.success());
    let dumped: Vec<String> =
        text(&got.stdout).lines().filter_map(|l| l.strip_prefix("Dumping transactional/txn-0/")).map(str::to_owned).collect();
    assert!(dumped.len() == 6 && dumped.is_sorted() && dumped.iter().all(|name| name.ends_with(".log")), "{dumped:?}");
    // The same files one by one, under Kafka's name.
    let files = dumped.iter().map(|name| format!("transactional/txn-0/{name}")).collect::<Vec<_>>().join(",");
    assert_eq!(got.stdout, kfk(&fixtures(), "kafka-dump-log", &["--files", &files]).stdout);
    assert_eq!(got.stdout, kfk(&fixtures(), "dump-log", &["--files", "transactional/txn-0/"]).stdout);
    let indexes = text(&kfk(&fixtures(), "dump-log", &["transactional", "--index-sanity-check"]).stdout);
    assert!(indexes.contains(".timeindex passed sanity check.") && !indexes.contains(".log\n"), "{indexes}");
    let kafkas = kfk(&fixtures(), "kafka-dump-log", &["--files", "transactional/txn-0"]);
    assert_eq!(
        (text(&kafkas.stdout), text(&kafkas.stderr)),
        ("Dumping transactional/txn-0\n".into(), "Ignoring unknown file transactional/txn-0\n".into())
    );
}

#[test]
fn a_bad_file_does_not_hide_the_others_of_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("t-0");
    fs::create_dir(&log).unwrap();
    let good = fs::read(fixtures().join("basic/orders-0/00000000000000000018.log")).unwrap();
    let mut bad = good.clone();
    bad[8..12].copy_from_slice(&5i32.to_be_bytes());
    fs::write(log.join("00000000000000000000.log"), bad).unwrap();
    fs::write(log.join("00000000000000000018.log"), good).unwrap();
    for options in [["--deep-iteration"].as_slice(), &["-o", "json"]] {
        let got = kfk(dir.path(), "dump-log", &[&["t-0"], options].concat());
        assert_eq!(got.status.code(), Some(1));
        assert!(
            text(&got.stderr).starts_with("error: t-0/00000000000000000000.log: the batch at 0 claims a length of 5 bytes"),
            "{options:?}"
        );
        assert!(text(&got.stdout).contains("00000000000000000018.log") && text(&got.stdout).lines().count() >= 5);
    }
    let got = kfk(dir.path(), "dump-log", &["."; 1]);
    assert_eq!(got.status.code(), Some(1));
    let got = kfk(dir.path(), "dump-log", &["nosuch-0"]);
    assert_eq!((got.status.code(), text(&got.stderr)), (Some(0), "Ignoring unknown file nosuch-0\n".into()));
    fs::create_dir(dir.path().join("empty")).unwrap();
    let got = kfk(dir.path(), "dump-log", &["empty"]);
    let wanted = "error: empty: no log in this directory, and none in directories TOPIC-PARTITION of it\n";
    assert_eq!((got.status.code(), text(&got.stderr).as_str()), (Some(1), wanted));
}

#[test]
fn grep_finds_in_keys_values_and_headers() {
    let all = json_lines(&["basic", "--print-data-log"]);
    let records: Vec<&Value> = all.iter().filter(|r| r["type"] == "record").collect();
    let wanted = |condition: &str, matches: &dyn Fn(&Value) -> bool| {
        let found = json_lines(&["basic", "--grep", condition]);
        let expected: Vec<&Value> = records.iter().filter(|r| matches(r)).copied().collect();
        assert!(found.iter().eq(expected.iter().copied()) && !found.is_empty(), "{condition}: {} of {}", found.len(), expected.len());
        // The same in Kafka's layout: the same offsets, under the lines of their batches.
        let plain = text(&kfk(&fixtures(), "dump-log", &["basic", "--grep", condition]).stdout);
        let offsets: Vec<String> = plain.lines().filter(|l| l.starts_with("| ")).map(|l| pairs(l)["offset"].to_owned()).collect();
        assert_eq!(offsets, expected.iter().map(|r| r["offset"].to_string()).collect::<Vec<_>>());
    };
    let has = |r: &Value, field: &str, word: &str| r[field].as_str().is_some_and(|t| t.contains(word));
    wanted("k:key-1", &|r| has(r, "key", "key-1"));
    wanted("v:juliett", &|r| has(r, "value", "juliett"));
    wanted("!v:juliett", &|r| !has(r, "value", "juliett"));
    wanted("h:h1=again", &|r| r["headers"].as_array().unwrap().iter().any(|h| h["key"] == "h1" && has(h, "value", "again")));
    wanted("t:^orders$", &|_| true);
    let none = kfk(&fixtures(), "dump-log", &["basic", "--grep", "k:no such key"]);
    assert_eq!((none.status.code(), none.stdout.len(), none.stderr.len()), (Some(0), 0, 0));
    let bad = kfk(&fixtures(), "dump-log", &["basic", "--grep", "k:["]);
    assert!(bad.status.code() == Some(2) && text(&bad.stderr).starts_with("error: --grep k:["));
    // Markers are not searched, gaps are not told.
    let marked = kfk(&fixtures(), "dump-log", &["transactional", "--grep", "."]);
    assert!(!text(&marked.stdout).contains("endTxnMarker") && marked.stderr.is_empty());
}

/// A sum over the lines of a kind.
fn sum(lines: &[Value], kind: &str, of: impl Fn(&Value) -> i64) -> i64 {
    lines.iter().filter(|line| line["type"] == kind).map(of).sum()
}

#[test]
fn a_summary_adds_up_what_the_lines_say() {
    for case in ["basic", "transactional", "open-transaction", "compacted", "gzip", "idempotent", "legacy-magic", "mixed"] {
        let lines = json_lines(&[case, "--deep-iteration"]);
        let summaries = json_lines(&[case, "--summary"]);
        let total = |field: &str| sum(&summaries, "summary", |s| s[field].as_i64().unwrap());
        assert_eq!(total("batches"), sum(&lines, "batch", |_| 1), "{case}");
        assert_eq!(total("bytes"), sum(&lines, "batch", |b| b["size"].as_i64().unwrap()), "{case}");
        assert_eq!(total("records"), sum(&lines, "record", |r| i64::from(r["control"].is_null())), "{case}");
        assert_eq!(total("control_records"), sum(&lines, "record", |r| i64::from(!r["control"].is_null())), "{case}");
        let marked = |kind: &str| sum(&lines, "record", |r| i64::from(r["control"]["type"] == kind));
        let decided = |field: &str| sum(&summaries, "summary", |s| s["transactions"][field].as_i64().unwrap());
        assert_eq!((decided("committed"), decided("aborted")), (marked("COMMIT"), marked("ABORT")), "{case}");
        for summary in &summaries {
            let times =
                lines.iter().filter(|l| l["type"] == "record" && l["topic"] == summary["topic"]).filter_map(|r| r["timestamp"].as_i64());
            assert_eq!(summary["last_timestamp"].as_i64(), times.max(), "{case}");
            let covered = summary["last_offset"].as_i64().unwrap() - summary["first_offset"].as_i64().unwrap() + 1;
            let there = ["records", "control_records", "missing_between", "missing_within"].map(|f| summary[f].as_i64().unwrap());
            assert_eq!(covered, there.iter().sum::<i64>(), "{case}: {summary}");
        }
    }
}

#[test]
fn a_summary_reads_well() {
    let got = text(&kfk(&fixtures(), "dump-log", &["--summary", "open-transaction", "truncated"]).stdout);
    let wanted = "\
open-transaction/overlap-0
  size          611 bytes in 2 files
  offsets       0 to 7
  records       5 in 8 batches
  control       3 records
  codec         none: 8 records in 8 batches, 611 bytes
  times         2023-11-14T22:13:20.001Z to 2026-11-21T09:17:15.487Z
  holes         none
  producers     2: 1000 (epoch 1, 3 records), 1001 (epoch 1, 2 records)
  transactions  2 committed, 1 aborted, 1 open: producer 1001 from offset 5
  leader epochs 2

truncated/orders-0
  size          928 bytes in 1 file
  offsets       18 to 22
  records       5 in 2 batches
  codec         none: 5 records in 2 batches, 804 bytes
  times         2023-11-14T22:13:39.481Z to 2023-11-14T22:13:45.591Z
  holes         none
  leader epochs 0
  invalid       124 bytes at the ends of files are no whole batch
";
    assert_eq!(got, wanted);
    let damaged = text(&kfk(&fixtures(), "dump-log", &["--summary", "flipped-crc/orders-0/00000000000000000018.log"]).stdout);
    assert!(
        damaged.starts_with("flipped-crc/orders-0\n")
            && damaged.contains("\n  holes         1 between batches, 2 offsets missing: 23 to 24\n")
    );
    assert!(damaged.contains("\n  damaged       1 batch, whose CRC does not fit; nothing else counts of them\n"), "{damaged}");
}

#[test]
fn verify_passes_what_kafka_left_in_order() {
    for case in [
        "basic",
        "transactional",
        "open-transaction",
        "compacted",
        "compacted-transactional",
        "consumer-offsets",
        "cluster-metadata",
        "live-index",
        "zstd",
    ] {
        let got = kfk(&fixtures(), "dump-log", &["--verify", case]);
        let stdout = text(&got.stdout);
        assert!(
            got.status.success() && stdout.starts_with("looked at 1 partition") && stdout.ends_with(": nothing is wrong\n"),
            "{case}: {stdout}"
        );
    }
}

#[test]
fn verify_says_what_is_wrong_where() {
    let cases = [
        ("flipped-crc", "00000000000000000018.log", 804, "no valid batch: batch is corrupt"),
        ("flipped-payload", "00000000000000000018.log", 804, "no valid batch: batch is corrupt"),
        ("index-mismatch", "00000000000000000018.index", 24, "entry 3 names offset 34 for position 1633"),
        ("index-mismatch", "00000000000000000018.timeindex", 36, "entry 3 says that 1700000043900 is the largest timestamp"),
    ];
    for (case, file, position, what) in cases {
        let path = format!("{case}/orders-0/{file}");
        let got = kfk(&fixtures(), "dump-log", &["--verify", &path]);
        let stdout = text(&got.stdout);
        assert_eq!(got.status.code(), Some(1), "{case}");
        assert!(stdout.starts_with(&format!("wrong: {path} position {position}")) && stdout.contains(what), "{stdout}");
        assert_eq!(stdout.matches("wrong: ").count(), 1, "only what belongs to the file: {stdout}");
        let got = kfk(&fixtures(), "dump-log", &["--verify", case, "-o", "json"]);
        let lines: Vec<Value> = text(&got.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let finding = lines.iter().find(|f| f["type"] == "finding" && f["file"] == path).unwrap_or_else(|| panic!("{lines:?}"));
        assert_eq!((finding["severity"].as_str(), finding["position"].as_i64()), (Some("wrong"), Some(position)));
        let last = lines.last().unwrap();
        assert!(
            last["type"] == "verified" && last["wrong"].as_i64() == Some(lines.iter().filter(|f| f["severity"] == "wrong").count() as i64)
        );
    }
    let old = kfk(&fixtures(), "dump-log", &["--verify", "legacy-magic/old-0/00000000000000000000.log"]);
    assert!(old.status.code() == Some(1) && text(&old.stdout).contains("older than 0.11"), "{}", text(&old.stdout));
}

/// Every byte of a metadata snapshot counts, and so does its end.
#[test]
fn verify_finds_damage_in_metadata_snapshots() {
    let name = "00000000000000000062-0000000001.checkpoint";
    let whole = fs::read(fixtures().join("cluster-metadata/__cluster_metadata-0").join(name)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let verified = |bytes: &[u8]| {
        fs::write(dir.path().join(name), bytes).unwrap();
        let got = kfk(dir.path(), "dump-log", &["--verify", name]);
        (got.status.code().unwrap(), text(&got.stdout))
    };
    assert_eq!(verified(&whole).0, 0);
    for at in [0, 16, 30, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        // The base offset of a snapshot's batch says nothing and is under no CRC.
        let wanted = i32::from(at > 7);
        assert_eq!(verified(&damaged).0, wanted, "byte {at}");
    }
    let footer = whole.len() - 100;
    let (code, told) = verified(&whole[..footer]);
    assert!(code == 1 && told.contains("bytes at the end are no whole batch"), "{told}");
    assert!(verified(&[]).1.contains("the snapshot has no footer record"));
}

/// A directory that kfk itself wrote, looked at as a whole.
#[test]
fn a_data_directory_is_verified_with_its_metadata() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("d");
    let mut producer = Command::new(env!("CARGO_BIN_EXE_kfk"))
        .args(["console-producer", "--topic", "t", "--embedded"])
        .arg(&data)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    producer.stdin.take().unwrap().write_all(b"one\ntwo\nthree\n").unwrap();
    assert!(producer.wait().unwrap().success());
    let got = kfk(dir.path(), "dump-log", &["--verify", "d"]);
    assert!(got.status.success() && text(&got.stdout).contains("nothing is wrong"), "{}", text(&got.stdout));
    let lines = text(&kfk(dir.path(), "dump-log", &["d", "-o", "json", "--grep", "t:^t$"]).stdout);
    let values: Vec<Value> = lines.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["value"].clone()).collect();
    assert_eq!(values, ["one", "two", "three"]);

    let log = data.join("t-0/00000000000000000000.log");
    let mut bytes = fs::read(&log).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&log, bytes).unwrap();
    for path in ["d", "d/t-0", "d/t-0/00000000000000000000.log"] {
        let got = kfk(dir.path(), "dump-log", &["--verify", path]);
        let stdout = text(&got.stdout);
        assert!(
            got.status.code() == Some(1) && stdout.starts_with("wrong: d/t-0/00000000000000000000.log position 0 offset 0: "),
            "{path}: {stdout}"
        );
    }
    // Without the rest of the directory nobody knows that the last stop was clean: it may be a write that was interrupted.
    let alone = dir.path().join("elsewhere/t-0");
    fs::create_dir_all(alone.parent().unwrap()).unwrap();
    fs::rename(data.join("t-0"), &alone).unwrap();
    let got = kfk(dir.path(), "dump-log", &["--verify", "elsewhere"]);
    assert!(got.status.success() && text(&got.stdout).starts_with("note: elsewhere/t-0/00000000000000000000.log position 0"));
}

#[test]
fn options_that_make_no_sense_together_are_refused() {
    for options in [
        ["--verify", "--summary"].as_slice(),
        &["--verify", "--hex"],
        &["--summary", "--grep", "x"],
        &["--hex", "-o", "json"],
        &["--grep", "x", "--index-sanity-check"],
        &["-o", "json", "--verify-index-only"],
    ] {
        let got = kfk(Path::new("."), "dump-log", &[options, &["x"]].concat());
        assert!(got.status.code() == Some(2) && text(&got.stderr).contains("can't be used with option"), "{options:?}");
    }
}
