//! The tools that measure: their figures vary, but have to look as recorded and fit each other.

use kfk::client::{OutgoingRecord, Producer, ProducerConfig};
use regex::{Captures, Regex};

use crate::broker::{self, Broker};
use crate::replay::Replay;
use crate::transcript::Case;

/// Long enough that joining a group shows.
const JOINING: &str = "group.initial.rebalance.delay.ms=300";

#[test]
fn consumer_perf_test_replays() {
    let broker = slow_to_join();
    fill(&broker.bootstrap, "pf-a", 15_010);
    Replay {
        file: "kafka-consumer-perf-test",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, case, _| adapt_consumer(case),
    }
    .run();
}

#[test]
fn producer_perf_test_replays() {
    let broker = broker::start();
    create(&broker.bootstrap, "pf-a", 2);
    Replay {
        file: "kafka-producer-perf-test",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, case, dir| {
            adapt_producer(case);
            // The recorder's own directory is not in the recording.
            let dir = format!("payloads from: {}/", dir.canonicalize().unwrap().display());
            case.stdout = case.stdout.replace("payloads from: ", &dir);
        },
    }
    .run();
}

/// Figures become placeholders, except how many records there were in all; progress lines become one; the pace is faster.
fn adapt_producer(case: &mut Case) {
    let progress = Regex::new(r"(?m)(^\d+ records sent,.* max latency\.\n)+").unwrap();
    case.stdout = progress.replace_all(&case.stdout, "<progress>\n").into_owned();
    let summary = Regex::new(r"(?m)^(\d+)(.* records sent, .*)$").unwrap();
    let figures = [(r"\d+\.\d{6}", "<#.######>"), (r"\d+\.\d\d\b", "<#.##>"), (r"\d+ ms", "<n> ms")];
    case.stdout = summary
        .replace_all(&case.stdout, |line: &Captures| {
            let blank = |text: String, (figure, mark): &(&str, &str)| Regex::new(figure).unwrap().replace_all(&text, *mark).into_owned();
            format!("{}{}", &line[1], figures.iter().fold(line[2].to_owned(), blank))
        })
        .into_owned();
    case.command = case.command.replace("--throughput 500", "--throughput 5000 --reporting-interval 400");
    case.command = case.command.replace("--throughput 1000 --reporting-interval 1000", "--throughput 5000 --reporting-interval 200");
    case.command = case.command.replace("--throughput 1000 --transactional-id", "--throughput 4000 --transactional-id");
}

#[test]
fn e2e_latency_replays() {
    let broker = broker::start();
    create(&broker.bootstrap, "pf-e", 1);
    Replay {
        file: "kafka-e2e-latency",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| false,
        before: &|_, case, _| {
            let latency = Regex::new(r"(?m)^(\d+)\t.*$").unwrap();
            case.stdout = latency.replace_all(&case.stdout, "$1\t<double>").into_owned();
            let (mean, percentile) = (Regex::new(r"latency: [\d.]+").unwrap(), Regex::new(r"th = \d+").unwrap());
            case.stdout = mean.replace_all(&case.stdout, "latency: <rate>").into_owned();
            case.stdout = percentile.replace_all(&case.stdout, "th = <n>").into_owned();
        },
    }
    .run();
}

/// What both write into and read from.
const VERIFIABLE: [&str; 2] = [
    "kafka-verifiable-producer --bootstrap-server localhost:19200 --topic pf-v --max-messages 3",
    "kafka-verifiable-producer --bootstrap-server localhost:19200 --topic pf-v --max-messages 4 --value-prefix 7 --repeating-keys 2",
];

#[test]
fn verifiable_producer_replays() {
    let broker = broker::start();
    create(&broker.bootstrap, "pf-v", 1);
    Replay {
        file: "kafka-verifiable-producer",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| false,
        before: &|_, case, _| {
            let rate = Regex::new(r#""avg_throughput":[\d.]+"#).unwrap();
            case.stdout = rate.replace_all(&case.stdout, r#""avg_throughput":<double>"#).into_owned();
        },
    }
    .run();
}

#[test]
fn verifiable_consumer_replays() {
    let broker = broker::start();
    create(&broker.bootstrap, "pf-v", 1);
    VERIFIABLE.iter().for_each(|command| drop(run(&broker, command)));
    Replay {
        file: "kafka-verifiable-consumer",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, _, _| {},
    }
    .run();
}

#[test]
fn replica_verification_replays() {
    let broker = broker::start();
    create(&broker.bootstrap, "ld-a", 2);
    Replay {
        file: "kafka-replica-verification",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, case, _| {
            let moment = Regex::new(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}").unwrap();
            // Rule E5.
            case.stdout = moment.replace_all(&case.stdout, "<moment>").replace("ld-a-1", "ld-a-0");
            case.command = case.command.replace("--report-interval-ms 2000", "--report-interval-ms 100 --max-wait-ms 100");
        },
    }
    .run();
}

/// Times, counts and rates become placeholders; nobody waits as long as the recorder did.
fn adapt_consumer(case: &mut Case) {
    let row = Regex::new(r"(?m)^\d{4}-\d\d-\d\d.*, .*$").unwrap();
    // How many lines there are depends on how busy the machine is.
    let detailed = case.command.contains("--show-detailed-stats");
    let blank = |line: &Captures| if detailed { "<rows>".to_owned() } else { blanked(&line[0]) };
    case.stdout = row.replace_all(&case.stdout, blank).into_owned();
    for text in [&mut case.command, &mut case.stdout] {
        *text = text.replace("--timeout 3000", "--timeout 900").replace("timeout (3000 ms)", "timeout (900 ms)");
    }
}

/// A line with columns as a pattern.
fn blanked(line: &str) -> String {
    let column = |text: &str| match text {
        time if time.contains(':') => "<time>",
        date if date.contains('-') => "<date>",
        rate if rate.contains('.') => "<rate>",
        _ => "<n>",
    };
    line.split(", ").map(column).collect::<Vec<_>>().join(", ")
}

fn create(bootstrap: &str, topic: &str, partitions: u32) {
    let command = format!("kafka-topics --bootstrap-server localhost:19200 --create --topic {topic} --partitions {partitions}");
    on(bootstrap).output(&command, tempfile::tempdir().unwrap().path());
}

fn fill(bootstrap: &str, topic: &str, records: usize) {
    create(bootstrap, topic, 2);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let settings = [("bootstrap.servers".to_owned(), bootstrap.to_owned())].into();
        let producer = Producer::new(ProducerConfig::parse(&settings).unwrap()).unwrap();
        for n in 0..records {
            let partition = Some(i32::from(n % 2 == 1));
            let record = OutgoingRecord { topic, partition, value: Some(&[b'x'; 100]), ..Default::default() };
            producer.send_with(record, kfk::client::Delivery::Forget).await.unwrap();
        }
        producer.close(std::time::Duration::from_secs(30)).await;
    });
}

fn on(bootstrap: &str) -> Replay<'static> {
    Replay {
        file: "kafka-consumer-perf-test",
        bootstrap: Some(bootstrap.to_owned()),
        any_order: |_| false,
        side_by_side: |_| false,
        before: &|_, _, _| {},
    }
}

fn slow_to_join() -> Broker {
    if broker::is_foreign() { broker::start() } else { broker::start_with(&[JOINING]) }
}

/// What a tool prints under Kafka's name.
fn run(broker: &Broker, command: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    on(&broker.bootstrap).output(command, dir.path())
}

/// The numbers of a line, in order; times and words left out.
fn numbers(text: &str) -> Vec<f64> {
    let number = Regex::new(r"-?\d+(?:\.\d+)?").unwrap();
    number.find_iter(text).map(|m| m.as_str().parse().unwrap()).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 0.01 * a.abs().max(b.abs()) + 0.001
}

#[test]
fn figures_of_the_consumer_fit_each_other() {
    let broker = slow_to_join();
    fill(&broker.bootstrap, "pf-a", 3000);
    let out = run(
        &broker,
        "kafka-consumer-perf-test --bootstrap-server localhost:19200 --topic pf-a --num-records 2000 --hide-header --date-format S",
    );
    let [_, _, megabytes, mb_rate, records, rate, joining, fetching, mb_fetched, fetched] = numbers(&out)[..] else { panic!("{out}") };
    assert!((2000.0..=2500.0).contains(&records), "one batch of a poll more at most: {out}");
    assert!(near(megabytes * 1024.0 * 1024.0 / 100.0, records), "{out}");
    assert!((250.0..5000.0).contains(&joining), "{out}");
    let elapsed = records / rate * 1000.0;
    assert!(near(elapsed, joining + fetching), "{out}");
    assert!(near(mb_rate * elapsed / 1000.0, megabytes), "{out}");
    assert!(fetching == 0.0 || (near(fetched * fetching / 1000.0, records) && near(mb_fetched * fetching / 1000.0, megabytes)), "{out}");
}

#[test]
fn progress_lines_add_up_to_what_was_read() {
    let broker = slow_to_join();
    fill(&broker.bootstrap, "pf-a", 3000);
    let command = "kafka-consumer-perf-test --bootstrap-server localhost:19200 --topic pf-a --num-records 3000 --show-detailed-stats \
                   --reporting-interval 1 --command-property max.poll.records=100 --date-format S";
    let out = run(&broker, command);
    let rows: Vec<Vec<f64>> = out.lines().skip(1).map(numbers).collect();
    assert!(rows.len() > 1, "{out}");
    assert!(rows.windows(2).all(|pair| pair[0][4] < pair[1][4] && pair[0][2] <= pair[1][2]), "totals grow: {out}");
    assert!(rows.iter().all(|row| row[1] == 0.0), "one thread: {out}");
    assert!(rows[0][6] >= 250.0 && rows[1..].iter().all(|row| row[6] == 0.0), "joining is in the first line: {out}");
}

#[test]
fn a_signal_ends_a_measurement_with_its_summary() {
    let broker = broker::start();
    fill(&broker.bootstrap, "pf-a", 10);
    let case = Case {
        command: "kafka-consumer-perf-test --bootstrap-server localhost:19200 --topic pf-a --num-records 99 --show-detailed-stats \
                  --reporting-interval 1 --print-metrics"
            .into(),
        // The signal comes after as many lines.
        stdout: "header\nprogress\n".into(),
        remarks: vec!["ended with SIGINT".into()],
        exit: Some(130),
        ..Case::default()
    };
    let outcome = on(&broker.bootstrap).execute(&case, tempfile::tempdir().unwrap().path());
    assert_eq!(outcome.exit, 130, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("records-consumed-total:{client-id=perf-consumer-client}") && outcome.stdout.contains(": 10.000"));
}

#[test]
fn figures_of_the_producer_fit_each_other() {
    let broker = broker::start();
    let command = "kafka-producer-perf-test --bootstrap-server localhost:19200 --topic pf-b --num-records 3000 --record-size 1000 \
                   --throughput 3000 --reporting-interval 200 --warmup-records 1500";
    let out = run(&broker, command);
    let lines: Vec<Vec<f64>> = out.lines().skip(1).map(numbers).collect();
    let [windows @ .., total, steady] = &lines[..] else { panic!("{out}") };
    assert!(windows.len() >= 3 && out.contains("In steady state.\n"), "{out}");
    for line in [total, steady] {
        // Numbers with the names of the percentiles.
        let [records, rate, megabytes, mean, max, p50, _, p95, _, p99, _, p999, _] = line[..] else { panic!("{out}") };
        assert!(rate < 3300.0 && near(megabytes * 1024.0 * 1024.0 / 1000.0, rate), "{out}");
        assert!(mean <= max && p50 <= p95 && p95 <= p99 && p99 <= p999 && p999 <= max, "{out}");
        assert!(records == 3000.0 || records == 1500.0);
    }
    assert_eq!((total[0], steady[0]), (3000.0, 1500.0), "{out}");
    let told: f64 = windows.iter().filter(|w| w.len() == 5).map(|w| w[0]).sum();
    assert!(told <= 3000.0, "{out}");
    let ends = run(&broker, "kafka-get-offsets --bootstrap-server localhost:19200 --topic pf-b");
    let stored: u64 = ends.lines().map(|line| line.rsplit(':').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(stored, 3000);
}

#[test]
fn records_in_transactions_are_committed() {
    let broker = broker::start();
    let common = "--bootstrap-server localhost:19200 --topic pf-t";
    let command =
        format!("kafka-producer-perf-test {common} --num-records 1000 --payload-monotonic --throughput 5000 --transaction-duration-ms 20");
    assert!(run(&broker, &command).starts_with("1000 records sent, "));
    let found = run(&broker, "kafka-transactions --bootstrap-server localhost:19200 list");
    assert!(found.contains("performance-producer-") && found.contains("CompleteCommit"), "{found}");
    let read = format!(
        "kafka-consumer-perf-test {common} --num-records 1000 --hide-header --date-format S --command-property isolation.level=read_committed"
    );
    let ends = run(&broker, "kafka-get-offsets --bootstrap-server localhost:19200 --topic pf-t");
    let end: u64 = ends.trim_end().rsplit(':').next().unwrap().parse().unwrap();
    assert!(end > 1001, "several transactions, each with its marker: {end}");
    assert_eq!(numbers(&run(&broker, &read))[4], 1000.0);
}

#[test]
fn a_signal_ends_writing_with_its_summary() {
    let broker = broker::start();
    let case = Case {
        command: "kafka-producer-perf-test --bootstrap-server localhost:19200 --topic pf-c --num-records 1000000 --record-size 10 \
                  --throughput 200 --reporting-interval 100"
            .into(),
        stdout: "progress\nprogress\n".into(),
        remarks: vec!["ended with SIGINT".into()],
        exit: Some(130),
        ..Case::default()
    };
    let outcome = on(&broker.bootstrap).execute(&case, tempfile::tempdir().unwrap().path());
    assert_eq!(outcome.exit, 130, "{}", outcome.stderr);
    assert!(outcome.stdout.lines().last().unwrap().ends_with(" ms 99.9th."), "{}", outcome.stdout);
}

#[test]
fn a_producer_that_lost_records_says_so_once_and_exits_with_1() {
    let broker = broker::start();
    let kfk = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kfk"));
        let output = command.args(args).args(["--bootstrap-server", &broker.bootstrap]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, out, err) = kfk(&["producer-perf-test", "--topic", "t", "--num-records", "3", "--record-size", "2000000"]);
    assert!(out.starts_with("0 records sent, "), "{out}");
    assert_eq!(code, Some(1));
    assert!(err.starts_with("error: 3 of 3 records were not written\n  cause: "), "{err}");
    let (code, _, err) = kfk(&["producer-perf-test", "--topic", "t", "--num-records", "3"]);
    assert_eq!(code, Some(2), "{err}");
    // Several values after one option, as Kafka's tool takes them.
    let several = ["--command-property", "acks=1", "linger.ms=1", "--num-records", "3", "--payload-monotonic"];
    let (code, out, err) = kfk(&[&["producer-perf-test", "--topic", "t"], &several[..]].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
}

#[test]
fn latencies_from_end_to_end_fit_each_other() {
    let broker = broker::start();
    let out = run(
        &broker,
        "kafka-e2e-latency --bootstrap-server localhost:19200 --topic pf-l --num-records 1200 --producer-acks 1 --record-size 100 \
         --record-key-size 8 --num-headers 2 --record-header-key-size 3 --record-header-size -1",
    );
    let lines: Vec<&str> = out.lines().collect();
    let [created, first, later, mean, percentiles] = lines[..] else { panic!("{out}") };
    assert_eq!(created, "Topic \"pf-l\" does not exist. Will create topic with 1 partition(s) and replication factor = 1");
    assert!(first.starts_with("0\t") && later.starts_with("1000\t"), "{out}");
    let (first, mean) = (numbers(first)[1], numbers(mean)[0]);
    let [_, p50, _, p99, _, p999] = numbers(percentiles)[..] else { panic!("{out}") };
    assert!(p50 <= p99 && p99 <= p999 && mean > 0.0 && mean < first.max(p999) + 1.0, "{out}");
    let ends = run(&broker, "kafka-get-offsets --bootstrap-server localhost:19200 --topic pf-l");
    assert_eq!(ends, "pf-l:0:1200\n");
    let groups = run(&broker, "kafka-consumer-groups --bootstrap-server localhost:19200 --list");
    assert_eq!(groups.trim(), "", "no group is left behind");
}

fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))
}

fn stopped(broker: &Broker, command: &str, after: usize, signal: (&str, i32)) -> Vec<serde_json::Value> {
    let case = Case {
        command: command.into(),
        stdout: "line\n".repeat(after),
        remarks: vec![format!("ended with SIG{}", signal.0)],
        exit: Some(signal.1),
        ..Case::default()
    };
    let outcome = on(&broker.bootstrap).execute(&case, tempfile::tempdir().unwrap().path());
    assert_eq!(outcome.exit, signal.1, "{}", outcome.stderr);
    outcome.stdout.lines().map(json).collect()
}

#[test]
fn a_signal_ends_the_verifiable_tools_with_all_they_have_to_tell() {
    let broker = broker::start();
    create(&broker.bootstrap, "pf-v", 2);
    let common = "--bootstrap-server localhost:19200 --topic pf-v";
    let written = stopped(&broker, &format!("kafka-verifiable-producer {common} --throughput 300"), 20, ("TERM", 143));
    let [.., end, data] = &written[..] else { panic!("{written:?}") };
    assert_eq!((&end["name"], &data["name"]), (&"shutdown_complete".into(), &"tool_data".into()));
    let acked = written.iter().filter(|e| e["name"] == "producer_send_success").count();
    assert!(acked >= 19 && data["sent"] == acked && data["acked"] == acked && data["target_throughput"] == 300, "{data}");
    let command = format!("kafka-verifiable-consumer {common} --group-id g --verbose");
    let read = stopped(&broker, &command, 2 + acked, ("INT", 130));
    let names: Vec<&str> = read.iter().map(|e| e["name"].as_str().unwrap()).collect();
    let last = ["shutdown_requested", "partitions_revoked", "shutdown_complete"];
    assert_eq!(names[names.len() - 3..], last, "{names:?}");
    let mut values: Vec<u64> =
        read.iter().filter(|e| e["name"] == "record_data").map(|e| e["value"].as_str().unwrap().parse().unwrap()).collect();
    values.sort_unstable();
    assert_eq!(values, (0..u64::try_from(acked).unwrap()).collect::<Vec<_>>());
}

#[test]
fn a_record_that_is_lost_is_told_as_an_event_and_by_the_exit_code() {
    let broker = broker::start();
    std::fs::write(broker.data_dir().unwrap().join("p.properties"), "max.request.size=10\n").unwrap();
    let config = broker.data_dir().unwrap().join("p.properties");
    let command = format!(
        "kafka-verifiable-producer --bootstrap-server localhost:19200 --topic t --max-messages 1 --command-config {}",
        config.display()
    );
    let case = Case { command, exit: Some(1), ..Case::default() };
    let outcome = on(&broker.bootstrap).execute(&case, tempfile::tempdir().unwrap().path());
    let events: Vec<serde_json::Value> = outcome.stdout.lines().map(json).collect();
    assert_eq!(outcome.exit, 1);
    assert_eq!(events[1]["name"], "producer_send_error");
    assert_eq!(events[1]["exception"], "class org.apache.kafka.common.errors.RecordTooLargeException");
    assert_eq!((&events[3]["sent"], &events[3]["acked"]), (&1.into(), &0.into()));
}

#[test]
fn what_was_written_is_verified() {
    let broker = broker::start();
    fill(&broker.bootstrap, "pf-a", 2000);
    let command = "kafka-replica-verification --broker-list localhost:19200 --topics-include pf-.* --time -2 --report-interval-ms 1 \
                   --max-wait-ms 20";
    let case = Case {
        command: command.into(),
        stdout: "line\n".repeat(6),
        remarks: vec!["ended with SIGTERM".into()],
        exit: Some(143),
        ..Case::default()
    };
    let outcome = on(&broker.bootstrap).execute(&case, tempfile::tempdir().unwrap().path());
    assert_eq!(outcome.exit, 143, "{}", outcome.stderr);
    assert!(outcome.stdout.lines().all(|line| !line.contains("match")), "{}", outcome.stdout);
    let last = outcome.stdout.lines().last().unwrap();
    assert!(last.ends_with(": max lag is 0 for partition pf-a-0 at offset 1000 among 2 partitions"), "{}", outcome.stdout);
}
