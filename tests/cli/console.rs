//! What kfk's console consumer and producer can do beyond Kafka's: formats, stretches, filters, records by flags and files.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kfk::client::admin::NewTopic;
use kfk::client::{Admin, ClientConfig, OutgoingRecord, Producer, ProducerConfig};
use kfk::record::Header;

use crate::broker::{self, Broker};

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Its output; it must have succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}", self.err);
        self.out
    }

    pub fn lines(self) -> Vec<String> {
        self.ok().lines().map(str::to_owned).collect()
    }
}

/// Runs `kfk` on the broker, with words that hold no blanks in one string and others added.
pub fn kfk(broker: &Broker, words: &str, more: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kfk"))
        .args(words.split_whitespace())
        .args(more)
        .env("KFK_BROKERS", &broker.bootstrap)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let done = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: done.status.code().unwrap(), out: text(&done.stdout), err: text(&done.stderr) }
}

pub fn settings(broker: &Broker) -> BTreeMap<String, String> {
    BTreeMap::from([("bootstrap.servers".to_owned(), broker.bootstrap.clone())])
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(work)
}

pub fn create(broker: &Broker, name: &str, partitions: i32, configs: &[(&str, &str)]) {
    let configs = configs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let topic = NewTopic { name: name.into(), partitions: Some(partitions), configs, ..NewTopic::default() };
    block_on(async {
        let admin = Admin::new(ClientConfig::parse(&settings(broker)).unwrap());
        admin.create_topics(&[topic], false).await.unwrap().pop().unwrap().1.unwrap();
    });
}

/// A record that a test writes: partition, timestamp, key, value, headers.
pub type Record<'a> = (i32, i64, Option<&'a [u8]>, Option<&'a [u8]>, &'a [Header<'a>]);

pub fn produce(broker: &Broker, topic: &str, records: &[Record<'_>]) {
    block_on(async {
        let producer = Producer::new(ProducerConfig::parse(&settings(broker)).unwrap()).unwrap();
        for (partition, timestamp, key, value, headers) in records {
            let (partition, timestamp) = (Some(*partition), Some(*timestamp));
            producer.send_and_wait(OutgoingRecord { topic, partition, timestamp, key: *key, value: *value, headers }).await.unwrap();
        }
        producer.close(Duration::from_secs(5)).await;
    });
}

const T: i64 = 1_700_000_000_000;

/// Two partitions of three records each, a second apart: 0 has `a0 a1 a2`, 1 has `b0 b1 b2` half a second later.
fn prepare_ab(broker: &Broker, topic: &str) {
    create(broker, topic, 2, &[]);
    let values: Vec<(i32, i64, String)> =
        (0..3).flat_map(|n| [(0, T + 1000 * n, format!("a{n}")), (1, T + 1000 * n + 500, format!("b{n}"))]).collect();
    let records: Vec<Record<'_>> = values.iter().map(|(p, t, v)| (*p, *t, None, Some(v.as_bytes()), &[][..])).collect();
    produce(broker, topic, &records);
}

fn sorted(mut lines: Vec<String>) -> String {
    lines.sort();
    lines.join(" ")
}

#[test]
fn json_lines_come_back_unchanged() {
    let broker = broker::start();
    for topic in ["from", "to"] {
        create(&broker, topic, 3, &[]);
    }
    let header = |key, value| Header { key, value };
    produce(
        &broker,
        "from",
        &[
            (0, T, Some(b"k"), Some(b"v"), &[header(b"h", Some(b"1")), header(b"h", None), header(b"e", Some(b""))]),
            (2, T + 1, None, Some(b""), &[]),
            (2, T + 2, Some(b""), None, &[header(b"bin", Some(b"\xff\x00"))]),
            (2, 0, Some(b"\xff\xfe\x00"), Some("quote\" back\\ \n\t\u{1} \u{e9}\u{1f600}".as_bytes()), &[]),
            (1, T + 3, Some(b"{\"base64\":\"x\"}"), Some(b"\r\nlast"), &[]),
        ],
    );
    let read = |topic: &str| {
        let lines = kfk(&broker, &format!("console-consumer --until-end -o json --topic {topic}"), &[], b"").lines();
        sorted(lines)
    };
    let from = read("from");
    assert_eq!(from.matches("{\"topic\":\"from\"").count(), 5, "{from}");
    assert!(from.contains("\"key\":{\"base64\":\"//4A\"}") && from.contains("\"offset\":1,\"timestamp\":1700000000002"), "{from}");
    let lines = kfk(&broker, "console-consumer --topic from --until-end --format json", &[], b"").ok();
    kfk(&broker, "console-producer --topic to --input json", &[], lines.as_bytes()).ok();
    assert_eq!(read("to"), from.replace("\"topic\":\"from\"", "\"topic\":\"to\""));
    // Each line's own topic; the last line has no end.
    kfk(&broker, "console-producer --input json", &[], lines.trim_end().as_bytes()).ok();
    assert_eq!(kfk(&broker, "console-consumer --topic from --until-end -o json", &[], b"").lines().len(), 10);
}

#[test]
fn stretches_end_by_themselves() {
    let broker = broker::start();
    prepare_ab(&broker, "ab");
    let read = |options: &str| sorted(kfk(&broker, &format!("console-consumer --topic ab {options}"), &[], b"").lines());
    assert_eq!(read("--until-end"), "a0 a1 a2 b0 b1 b2");
    assert_eq!(read("--offset 1:2"), "a1 b1");
    assert_eq!(read("--offset -1:end"), "a2 b2");
    assert_eq!(read("--offset +2 --until-end"), "a2 b2");
    assert_eq!(read("--partition 1 --offset :end"), "b0 b1 b2");
    assert_eq!(read("--partition 1 --offset 99 --until-end"), "");
    assert_eq!(read("--since 1700000001000 --until-end"), "a1 a2 b1 b2");
    assert_eq!(read("--since 2023-11-14T22:13:20.500 --until 2023-11-14T22:13:22Z"), "a1 b0 b1");
    assert_eq!(read("--offset @1700000001000:1s"), "a1 b1");
    assert_eq!(read("--until 2023-11-14T22:13:21Z"), "a0 b0");
    assert_eq!(read("--offset earliest --max-messages 6"), "a0 a1 a2 b0 b1 b2");
    // The last ones of both partitions, in the order of time.
    let tail = |n| kfk(&broker, &format!("console-consumer --topic ab --until-end --tail {n}"), &[], b"").lines();
    assert_eq!((tail(3), tail(0).len(), tail(99).len()), (vec!["b1".to_owned(), "a2".to_owned(), "b2".to_owned()], 0, 6));
    let none = kfk(&broker, "console-consumer --topic nosuch --until-end", &[], b"");
    assert!(none.code == 1 && none.err.contains("error: topic \"nosuch\" does not exist\n"), "{}", none.err);
    let wrong = kfk(&broker, "console-consumer --topic ab --since soon", &[], b"");
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""));
    assert!(wrong.err.starts_with("error: --since: \"soon\" is no time\n  hint: a time looks like"), "{}", wrong.err);
}

#[test]
fn the_tail_looks_past_what_is_not_there_any_more() {
    let broker = broker::start();
    create(&broker, "tx", 1, &[]);
    let mut values = settings(&broker);
    values.insert("transactional.id".to_owned(), "t".to_owned());
    block_on(async {
        let producer = Producer::new(ProducerConfig::parse(&values).unwrap()).unwrap();
        producer.init_transactions().await.unwrap();
        for n in 0..6 {
            producer.begin_transaction().unwrap();
            let value = n.to_string();
            producer.send_and_wait(OutgoingRecord { topic: "tx", value: Some(value.as_bytes()), ..Default::default() }).await.unwrap();
            producer.commit_transaction().await.unwrap();
        }
    });
    // Every other offset is a marker.
    let tail = kfk(&broker, "console-consumer --topic tx --tail 4 --until-end", &[], b"").lines();
    assert_eq!(tail, ["2", "3", "4", "5"]);
    assert_eq!(kfk(&broker, "console-consumer --topic tx --until-end --isolation-level read_committed", &[], b"").lines().len(), 6);
}

#[test]
fn records_are_chosen_by_what_they_hold() {
    let broker = broker::start();
    for topic in ["one", "two"] {
        create(&broker, topic, 1, &[]);
    }
    let header = [Header { key: b"kind", value: Some(b"red") }];
    produce(
        &broker,
        "one",
        &[(0, T, Some(b"k1"), Some(b"apple"), &header), (0, T, None, Some(b"pear"), &[]), (0, T, Some(b"k3"), None, &[])],
    );
    produce(&broker, "two", &[(0, T, Some(b"k1"), Some(b"plum"), &[])]);
    let read = |options: &str| {
        let words = format!("console-consumer --topic one,two --until-end {options}");
        sorted(kfk(&broker, &words, &["-f", "%t/%k/%v\\n"], b"").lines())
    };
    assert_eq!(read(""), "one//pear one/k1/apple one/k3/ two/k1/plum");
    assert_eq!(read("--grep k:^k1$"), "one/k1/apple two/k1/plum");
    assert_eq!(read("--grep k:^k1$ --grep !v:l$ --grep t:one"), "one/k1/apple");
    assert_eq!((read("--grep h:kind=^r"), read("--grep red"), read("--grep hk:k --grep hv:r")), tripled("one/k1/apple"));
    assert_eq!(read("--grep !p"), "one/k3/");
    assert_eq!(read("--grep p --max-messages 2").split(' ').count(), 2);
    assert_eq!(kfk(&broker, "console-consumer --topic one --topic two --until-end", &[], b"").lines().len(), 4);
    let wrong = kfk(&broker, "console-consumer --topic one --grep k:(", &[], b"");
    assert!(wrong.code == 2 && wrong.err.starts_with("error: --grep k:(: "), "{}", wrong.err);
}

fn tripled(text: &str) -> (String, String, String) {
    (text.to_owned(), text.to_owned(), text.to_owned())
}

#[test]
fn one_record_in_error_does_not_stop_the_others() {
    let broker = broker::start();
    create(&broker, "numbers", 1, &[]);
    let (one, two) = (1i64.to_be_bytes(), 2i64.to_be_bytes());
    produce(&broker, "numbers", &[(0, T, None, Some(&one), &[]), (0, T, None, Some(b"bad"), &[]), (0, T, None, Some(&two), &[])]);
    let words = "console-consumer --topic numbers --until-end --value-deserializer org.apache.kafka.common.serialization.LongDeserializer";
    let ran = kfk(&broker, words, &[], b"");
    assert_eq!((ran.code, ran.out.as_str()), (1, "1\n2\n"), "{}", ran.err);
    assert!(ran.err.contains("warning: skipped the record of numbers-0 at offset 1: "), "{}", ran.err);
    assert!(ran.err.contains("error: 1 of 3 records could not be printed\n"), "{}", ran.err);
    assert_eq!(kfk(&broker, words, &["--skip-message-on-error"], b"").ok(), "1\n2\n");
}

#[test]
fn flags_say_what_records_are() {
    let broker = broker::start();
    create(&broker, "flags", 3, &[]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("whole.txt");
    std::fs::write(&file, "two\nlines").unwrap();
    let produce =
        |words: &str, more: &[&str], input: &[u8]| kfk(&broker, &format!("console-producer --topic flags {words}"), more, input).ok();
    produce("--key K -p 2 --timestamp 1700000000000 -H a:1 -H b:x:y", &[], b"v1\nv2\n");
    produce("-k F -p 1 --file", &[file.to_str().unwrap()], b"");
    produce("-k gone -p 1 -Z", &[], b"\n");
    produce("-p 0 -f", &["%k=%v;"], b"x=1;y=2;");
    produce("-p 0 --file -", &[], b"all\nof it\n");
    produce("-p any --key J --input json", &[], b"{\"partition\":77,\"value\":\"any\"}\n\n");
    let read = |partition: i32, format: &str| {
        kfk(&broker, &format!("console-consumer --topic flags --partition {partition} --offset :end"), &["-f", format], b"").ok()
    };
    assert_eq!(
        read(2, "%d %k %v %h{%k=%v,}|").split_terminator('|').take(2).collect::<Vec<_>>(),
        ["1700000000000 K v1 a=1,b=x:y,", "1700000000000 K v2 a=1,b=x:y,"]
    );
    assert!(read(1, "%k=%v{json}|").starts_with("F=\"two\\nlines\"|gone=null|"));
    assert!(read(0, "%k=%v|").starts_with("x=1|y=2|=all\nof it\n|"));
    let all = kfk(&broker, "console-consumer --topic flags --until-end --grep k:J", &[], b"").ok();
    assert_eq!(all, "any\n");
}

#[test]
fn what_was_not_written_is_told_with_its_line() {
    let broker = broker::start();
    create(&broker, "small", 1, &[("max.message.bytes", "200")]);
    let produce = |words: &str, input: String| kfk(&broker, &format!("console-producer --topic small {words}"), &[], input.as_bytes());
    let big = "x".repeat(500);
    let ran = produce("--input json --batch-size 1", format!("{{\"value\":\"a\"}}\n{{\"value\":\"{big}\"}}\n{{\"value\":\"b\"}}\n"));
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: 1 of 3 records were not written, the first at line 2\n  cause: "), "{}", ran.err);
    let ran = produce("--input json", "{\"value\":\"c\"}\n{\"vlaue\":\"d\"}\n".to_owned());
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: line 2: unknown field \"vlaue\""), "{}", ran.err);
    let ran = produce("--partition 7", "v\n".to_owned());
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: line 1: topic \"small\" has no partition 7\n  cause: it has 1\n"), "{}", ran.err);
    let ran = kfk(&broker, "console-producer --input json", &[], b"{\"value\":\"d\"}");
    assert!(ran.code == 1 && ran.err.starts_with("error: line 1: it names no topic"), "{}", ran.err);
    // What came before the error was written all the same.
    let values = kfk(&broker, "console-consumer --topic small --until-end", &[], b"").lines();
    assert_eq!(values, ["a", "b", "c"]);
    for wrong in ["--rate 0", "--partition x", "--input json --file a", "--format %p"] {
        let ran = produce(wrong, String::new());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{wrong}: {}", ran.err);
    }
}

#[test]
fn a_rate_is_not_exceeded() {
    let broker = broker::start();
    create(&broker, "paced", 1, &[]);
    let started = Instant::now();
    kfk(&broker, "console-producer --topic paced --rate 50", &[], b"1\n2\n3\n4\n5\n6\n").ok();
    assert!(started.elapsed() >= Duration::from_millis(100), "six records at 50 a second take 100 ms");
    assert_eq!(kfk(&broker, "console-consumer --topic paced --until-end", &[], b"").lines().len(), 6);
}
