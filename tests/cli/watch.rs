//! `consumer-groups --describe --watch`: a view of lag that goes on.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value};

use crate::broker::{self, Broker};
use crate::output::documented;

fn kfk(broker: &Broker, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
    command.args(line.split(' ')).args(["--bootstrap-server", &broker.bootstrap]).env_remove("KFK_BROKERS").stdin(Stdio::null());
    command
}

fn done(broker: &Broker, line: &str) {
    let out = kfk(broker, line).output().unwrap();
    assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&out.stderr));
}

/// A topic of ten records, and a group that is at its start.
fn world() -> Broker {
    let broker = broker::start_with(&[]);
    done(&broker, "topics --create --topic w --partitions 1");
    done(&broker, "producer-perf-test --topic w --num-records 10 --record-size 4 --throughput -1");
    done(&broker, "consumer-groups --reset-offsets --execute --group g --topic w --to-earliest");
    broker
}

fn watch(broker: &Broker, format: &str) -> (Child, impl Iterator<Item = String>) {
    let mut watching = kfk(broker, &format!("consumer-groups --describe --group g --watch 0.1 -o {format}"));
    let mut child = watching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // Half a minute, however it goes.
    (child, lines.take(300))
}

fn interrupted(child: Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn lag_is_told_with_its_rates_until_ctrl_c() {
    let broker = world();
    let (child, lines) = watch(&broker, "jsonl");
    let mut looks = lines.map(|line| serde_json::from_str::<Map<String, Value>>(&line).unwrap());
    let first = looks.next().unwrap();
    let (_, columns) = documented().into_iter().find(|(section, _)| section == "kfk consumer-groups --describe --watch").unwrap();
    assert_eq!(first.keys().collect::<Vec<_>>(), columns.iter().map(|(name, _)| name).collect::<Vec<_>>());
    assert_eq!((&first["group"], &first["lag"], &first["consumed_per_s"]), (&"g".into(), &10.into(), &Value::Null));
    done(&broker, "consumer-groups --reset-offsets --execute --group g --topic w --to-offset 4");
    let moved = looks.find(|look| look["lag"] == 6).expect("the group has moved");
    assert!(moved["consumed_per_s"].as_f64() > Some(0.0) && moved["lag_per_s"].as_f64() < Some(0.0), "{moved:?}");
    assert!(moved["seconds_to_zero"].as_f64() > Some(0.0) && moved["produced_per_s"] == 0.0, "{moved:?}");
    done(&broker, "consumer-groups --reset-offsets --execute --group g --topic w --to-latest");
    let there = looks.find(|look| look["lag"] == 0).expect("the group is there");
    assert_eq!(there["time_to_zero"], "0s");
    interrupted(child);
}

#[test]
fn what_is_no_terminal_gets_one_line_of_names_and_then_rows() {
    let broker = world();
    for (format, head) in [("csv", "group,topic,partition,lag,"), ("plain", "GROUP ")] {
        let (child, lines) = watch(&broker, format);
        let lines: Vec<String> = lines.take(3).collect();
        assert!(lines[0].starts_with(head) && lines[1..].iter().all(|line| line.starts_with('g')), "{lines:?}");
        interrupted(child);
    }
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let broker = broker::start_with(&[]);
    let code = |line: &str| kfk(&broker, line).output().unwrap().status.code();
    for line in [
        "--list --watch",
        "--describe --group g --members --watch",
        "--describe --group g --watch -o json",
        "--describe --group g --watch 0",
    ] {
        assert_eq!(code(&format!("consumer-groups {line}")), Some(2), "{line}");
    }
    assert_eq!(code("consumer-groups --describe --group nosuch --watch"), Some(1));
}
