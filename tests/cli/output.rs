//! Every command that prints facts, in every format of `-o`: they say the same, in the columns of `docs/output.md`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::broker::{self, Broker};

/// A column as the document has it.
type Column = (String, String);

/// What changes from one run to the next.
const VOLATILE: [&str; 8] =
    ["ms", "duration_ms", "minutes", "last_fetch", "last_caught_up", "usable_bytes", "log_end_offset", "high_watermark"];

/// The sections of the document, and the commands that they are about.
const COMMANDS: &[(&str, &str)] = &[
    ("kfk topics --list", "topics --list"),
    ("kfk topics --list --long", "topics --list --long"),
    ("kfk topics --describe", "topics --describe"),
    ("kfk topics --describe --topics-with-overrides", "topics --describe --topics-with-overrides"),
    ("kfk get-offsets", "get-offsets --time max-timestamp --topic o-a"),
    ("kfk delete-records", "delete-records --offset-json-file records.json"),
    ("kfk log-dirs", "log-dirs"),
    ("kfk reassign-partitions --list", "reassign-partitions --list"),
    ("kfk leader-election", "leader-election --election-type preferred --topic o-a --partition 0"),
    ("kfk groups", "groups"),
    ("kfk consumer-groups --list", "consumer-groups --list"),
    ("kfk consumer-groups --describe", "consumer-groups --describe --all-groups"),
    ("kfk consumer-groups --describe --members", "consumer-groups --describe --all-groups --members"),
    ("kfk consumer-groups --describe --state", "consumer-groups --describe --all-groups --state"),
    ("kfk consumer-groups --reset-offsets", "consumer-groups --reset-offsets --dry-run --group idle --topic o-a --to-latest"),
    ("kfk consumer-groups --delete-offsets", "consumer-groups --delete-offsets --group idle --topic o-a:3"),
    ("kfk share-groups --list", "share-groups --list"),
    ("kfk share-groups --describe", "share-groups --describe --group shared"),
    ("kfk share-groups --describe --members", "share-groups --describe --group shared --members"),
    ("kfk share-groups --describe --state", "share-groups --describe --group shared --state"),
    ("kfk share-groups --reset-offsets", "share-groups --reset-offsets --dry-run --group other --topic o-a --to-latest"),
    ("kfk share-groups --delete-offsets", "share-groups --delete-offsets --group nosuch --topic o-a"),
    ("kfk transactions list", "transactions list"),
    ("kfk transactions describe", "transactions describe --transactional-id tx"),
    ("kfk transactions describe-producers", "transactions describe-producers --topic o-tx --partition 0"),
    ("kfk transactions find-hanging", "transactions find-hanging --topic o-tx"),
    ("kfk configs --describe", "configs --describe --all --entity-type topics --entity-name o-a"),
    ("kfk configs --describe --entity-type users", "configs --describe --entity-type users"),
    ("kfk client-metrics --list", "client-metrics --list"),
    ("kfk client-metrics --describe", "client-metrics --describe"),
    ("kfk ping", "ping"),
    ("kfk doctor", "doctor"),
    ("kfk profile list", "profile list"),
    ("kfk profile show", "profile show --explain"),
    ("kfk cluster cluster-id", "cluster cluster-id"),
    ("kfk cluster list-endpoints", "cluster list-endpoints"),
    ("kfk features describe", "features describe"),
    ("kfk features version-mapping", "features version-mapping"),
    ("kfk features version-mapping", "storage version-mapping -r 4.0"),
    ("kfk features feature-dependencies", "features feature-dependencies --feature eligible.leader.replicas.version=1"),
    ("kfk features feature-dependencies", "storage feature-dependencies -f group.version=1 -f metadata.version=7"),
    ("kfk broker-api-versions", "broker-api-versions"),
    ("kfk metadata-quorum describe --status", "metadata-quorum describe --status"),
    ("kfk metadata-quorum describe --replication", "metadata-quorum describe --replication"),
    ("kfk storage info", "storage info -c other.properties"),
    ("kfk server --check", "server --check other"),
];

/// Sections about what this broker refuses: rights need an authorizer, tokens need one who proved who it is. Tests of their tools hold these.
const REFUSED: [&str; 2] = ["kfk acls --list", "kfk delegation-tokens --describe"];
/// What does not end; `watch.rs` tries it.
const ENDLESS: [&str; 1] = ["kfk consumer-groups --describe --watch"];
/// Commands that find nothing here, or may: their columns are held by the header of their CSV.
const MAY_BE_EMPTY: [&str; 3] = ["kfk reassign-partitions --list", "kfk transactions find-hanging", "kfk profile list"];

struct World {
    broker: Broker,
    dir: tempfile::TempDir,
    members: Vec<Child>,
}

impl Drop for World {
    fn drop(&mut self) {
        for member in &mut self.members {
            let _ = member.kill();
            let _ = member.wait();
        }
    }
}

impl World {
    /// A broker that has something to say to every command.
    fn new() -> World {
        let mut world = World { broker: broker::start_with(&[]), dir: tempfile::tempdir().unwrap(), members: Vec::new() };
        let properties = "process.roles=broker,controller\nnode.id=1\nlog.dirs=other\ncontroller.listener.names=C\n\
                          listeners=PLAINTEXT://127.0.0.1:0,C://127.0.0.1:0\n";
        std::fs::write(world.path().join("other.properties"), properties).unwrap();
        world.kfk("storage format -s -t MkU3OEVBNTcwNTJENDM2Qg -c other.properties");
        // A partition that the cluster of that directory knows nothing of.
        std::fs::create_dir(world.path().join("other/stray-0")).unwrap();
        std::fs::write(world.path().join("records.json"), r#"{"partitions": [{"topic": "o-a", "partition": 1, "offset": 0}]}"#).unwrap();
        for line in [
            "topics --create --topic o-a --partitions 4 --config retention.ms=3600000 --config leader.replication.throttled.replicas=0:1,1:1",
            "topics --create --topic o-tx --partitions 1",
            "producer-perf-test --topic o-a --num-records 20 --record-size 8 --throughput -1",
            "producer-perf-test --topic o-tx --num-records 5 --record-size 8 --throughput -1 --transactional-id tx --transaction-duration-ms 1",
            "consumer-groups --reset-offsets --execute --group idle --topic o-a --to-earliest",
            "share-groups --reset-offsets --execute --group shared --topic o-a --to-latest",
            "configs --alter --entity-type users --entity-name al,ice --add-config request_percentage=12.5",
            "configs --alter --entity-type users --entity-default --add-config producer_byte_rate=2048",
            "client-metrics --alter --name cm --interval 1000 --metrics org.apache",
        ] {
            world.kfk(line);
        }
        world.join(
            "console-consumer --topic o-a --group live --consumer-property enable.auto.commit=false",
            "consumer-groups --describe --group live",
        );
        world.join("console-share-consumer --topic o-a --group shared", "share-groups --describe --group shared");
        world
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
        command.args(line.split(' ')).current_dir(self.dir.path()).env_remove("KFK_BROKERS").stdin(Stdio::null());
        if !["server ", "storage ", "profile "].iter().any(|of| line.starts_with(of)) {
            command.args(["--bootstrap-server", &self.broker.bootstrap]);
        }
        command
    }

    fn kfk(&self, line: &str) -> String {
        let out = self.command(line).output().unwrap();
        let err = String::from_utf8_lossy(&out.stderr);
        // What is wrong is what these tell.
        let may_fail = line.starts_with("server --check") || line.starts_with("storage info") || line.contains("--delete-offsets");
        assert!(out.status.success() || may_fail, "{line}: {err}");
        assert!(!err.contains("panicked") && !err.contains("usage"), "{line}: {err}");
        String::from_utf8(out.stdout).unwrap()
    }

    /// Starts a member, and waits until its group has given it partitions.
    fn join(&mut self, line: &str, describe: &str) {
        self.members.push(self.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        let joined = || rows(&self.kfk(&format!("{describe} --members -o json"))).iter().any(|m| m["assignment"] != Value::Array(vec![]));
        // It may not exist yet.
        let there = || self.command(&format!("{describe} --state")).output().unwrap().status.success();
        while !(there() && joined()) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{line} never joined");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn rows(json: &str) -> Vec<Map<String, Value>> {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"))
}

/// The sections of the document with their columns.
pub fn documented() -> Vec<(String, Vec<Column>)> {
    let mut all: Vec<(String, Vec<Column>)> = Vec::new();
    for line in include_str!("../../docs/output.md").lines() {
        if let Some(name) = line.strip_prefix("### `").and_then(|rest| rest.strip_suffix('`')) {
            all.push((name.to_owned(), Vec::new()));
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let (Some((_, columns)), ["", name, kind, ..]) = (all.last_mut(), &cells[..])
            && let Some(name) = name.strip_prefix('`').and_then(|n| n.strip_suffix('`'))
        {
            columns.push((name.to_owned(), (*kind).to_owned()));
        }
    }
    all
}

#[test]
fn the_document_is_about_the_commands_that_are_tried() {
    let tried: Vec<&str> =
        COMMANDS.iter().map(|(section, _)| *section).chain(REFUSED).chain(ENDLESS).collect::<BTreeSet<_>>().into_iter().collect();
    let told = documented();
    let told: Vec<&str> = told.iter().map(|(section, _)| section.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(told, tried);
}

#[test]
fn every_format_of_every_command_says_the_same() {
    let world = World::new();
    let documented = documented();
    for (section, line) in COMMANDS {
        let (_, columns) = documented.iter().find(|(name, _)| name == section).unwrap();
        let print = |format: &str| world.kfk(&format!("{line} -o {format}"));
        let facts = rows(&print("json"));
        assert!(!facts.is_empty() || MAY_BE_EMPTY.contains(section), "{line} tells nothing");
        facts.iter().for_each(|row| fits(line, columns, row));

        let lines: Vec<Map<String, Value>> = print("jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(steady(line, lines), steady(line, facts.clone()), "{line} -o jsonl");
        assert_eq!(steady(line, yaml(&print("yaml"))), steady(line, facts.clone()), "{line} -o yaml");
        let (names, records) = csv(&print("csv"));
        assert_eq!(names, columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), "{line} -o csv");
        assert_eq!(steady(line, typed(&records, columns)), steady(line, facts.clone()), "{line} -o csv");
        let named: Vec<String> = print("name").lines().map(str::to_owned).collect();
        assert_eq!(named, first_of_each(&facts, &columns[0].0), "{line} -o name");
        let table = print("table");
        let heads: Vec<String> = columns.iter().map(|(name, _)| name.to_uppercase().replace('_', "-")).collect();
        let shown = |line: &str| line.split_whitespace().all(|head| heads.iter().any(|h| h == head));
        assert!(table.lines().any(shown), "{line} -o table: {table}");
        assert!(table.lines().count() > facts.len(), "{line} -o table: {table}");
        if !facts.iter().any(|row| row.keys().any(|key| VOLATILE.contains(&key.as_str()))) && !line.starts_with("server") {
            assert_eq!(world.kfk(line), print("plain"), "what is no terminal gets Kafka's layout");
        }
    }
}

/// The row has these columns, in this order, with such values.
fn fits(line: &str, columns: &[Column], row: &Map<String, Value>) {
    let told: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(row.keys().collect::<Vec<_>>(), told, "{line}");
    for (name, kind) in columns {
        let is = match &row[name] {
            Value::Null => continue,
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "text",
            Value::Array(_) => "list",
            Value::Object(_) => "map",
        };
        assert_eq!(is, kind, "{line}: {name}");
    }
}

/// Without what changes from one run to the next.
fn steady(line: &str, mut rows: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    let changes = |name: &&&str| **name != "log_end_offset" || line.starts_with("metadata-quorum");
    for row in &mut rows {
        for name in VOLATILE.iter().filter(changes) {
            if let Some(cell) = row.get_mut(*name) {
                *cell = Value::Null;
            }
        }
    }
    rows
}

fn first_of_each(rows: &[Map<String, Value>], column: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let all = rows.iter().map(|row| &row[column]).filter(|value| !value.is_null()).map(text);
    all.filter(|name| seen.insert(name.clone())).collect()
}

/// Fields as RFC 4180 has them, and whether they were quoted.
fn csv(text: &str) -> (Vec<String>, Vec<Vec<(String, bool)>>) {
    let (mut records, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' => {
                assert!(field.is_empty() && !quoted, "a quote in the middle of {text}");
                quoted = true;
                loop {
                    match letters.next().expect("a closing quote") {
                        '"' if letters.peek() == Some(&'"') => field.extend(letters.next()),
                        '"' => break,
                        c => field.push(c),
                    }
                }
            }
            ',' | '\r' => {
                record.push((std::mem::take(&mut field), std::mem::take(&mut quoted)));
                if c == '\r' {
                    assert_eq!(letters.next(), Some('\n'));
                    records.push(std::mem::take(&mut record));
                }
            }
            c => {
                assert!(!quoted && c != '\n', "something behind a quote in {text}");
                field.push(c);
            }
        }
    }
    assert!(record.is_empty() && field.is_empty(), "the last line has no end");
    let names = records.remove(0).into_iter().map(|(name, _)| name).collect();
    (names, records)
}

/// What the fields of CSV stand for in columns of these types.
fn typed(records: &[Vec<(String, bool)>], columns: &[Column]) -> Vec<Map<String, Value>> {
    let value = |(field, quoted): &(String, bool), kind: &str| match kind {
        _ if field.is_empty() && !quoted => Value::Null,
        "text" => Value::from(field.as_str()),
        _ => serde_json::from_str(field).unwrap_or_else(|e| panic!("{e}: {field}")),
    };
    let row = |record: &Vec<(String, bool)>| {
        assert_eq!(record.len(), columns.len());
        record.iter().zip(columns).map(|(field, (name, kind))| (name.clone(), value(field, kind))).collect()
    };
    records.iter().map(row).collect()
}

/// As much of YAML as a list of maps in block style takes whose values are in flow style.
fn yaml(text: &str) -> Vec<Map<String, Value>> {
    if text == "[]\n" {
        return Vec::new();
    }
    let mut rows: Vec<Map<String, Value>> = Vec::new();
    for line in text.lines() {
        if line.starts_with("- ") {
            rows.push(Map::new());
        }
        let (name, value) = line[2..].split_once(": ").unwrap_or_else(|| panic!("{line}"));
        let mut rest = value;
        let told = flow(&mut rest);
        assert_eq!(rest, "", "{line}");
        rows.last_mut().unwrap().insert(name.to_owned(), told);
    }
    rows
}

fn flow(rest: &mut &str) -> Value {
    let after = |rest: &mut &str, c: char| rest.strip_prefix(c).map(|after| *rest = after).is_some();
    if after(rest, '[') {
        let mut all = Vec::new();
        while !after(rest, ']') {
            all.push(flow(rest));
            let _ = after(rest, ',') && after(rest, ' ');
        }
        return Value::from(all);
    }
    if after(rest, '{') {
        let mut all = Map::new();
        while !after(rest, '}') {
            let name = flow(rest);
            assert!(after(rest, ':') && after(rest, ' '), "{rest}");
            all.insert(name.as_str().unwrap().to_owned(), flow(rest));
            let _ = after(rest, ',') && after(rest, ' ');
        }
        return Value::from(all);
    }
    if rest.starts_with('"') {
        // Double quotes mean in YAML what they mean in JSON.
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let text = values.next().unwrap().unwrap();
        *rest = &rest[values.byte_offset()..];
        return Value::from(text);
    }
    let end = rest.find([',', ']', '}']).unwrap_or(rest.len());
    let end = rest[..end].find(": ").unwrap_or(end);
    let word = &rest[..end];
    *rest = &rest[end..];
    // What is no number, null or truth is a plain text.
    serde_json::from_str(word).unwrap_or_else(|_| Value::from(word))
}
