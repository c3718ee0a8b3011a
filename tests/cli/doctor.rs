//! `kfk doctor`, and how every command that talks to a broker tells what is there instead of one.

#[path = "../common/fake.rs"]
mod fake;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use fake::{Answer, FakeBroker};
use kfk::wire::describe_quorum_response::{DescribeQuorumResponse, PartitionData, ReplicaState, TopicData};
use kfk::wire::metadata_response::{MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use kfk::wire::sasl_handshake_response::SaslHandshakeResponse;
use kfk::wire::{ApiKey, ErrorCode};
use serde_json::Value;

use crate::common::TestBroker;
use crate::replay;

/// An address where nobody listens.
fn dead_address() -> String {
    replay::dead_address().replace("localhost", "127.0.0.1")
}

fn kfk(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
    let Output { status, stdout, stderr } = command.args(args).env_remove("KFK_BROKERS").stdin(Stdio::null()).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The checks that `kfk doctor` made: status, check, subject, what.
fn examined(bootstrap: &str, more: &[&str]) -> (i32, Vec<[String; 4]>) {
    let (code, out, err) = kfk(&[&["doctor", "--bootstrap-server", bootstrap, "-o", "json"], more].concat());
    assert_eq!(err, "");
    let checks: Vec<Value> = serde_json::from_str(&out).unwrap();
    let text = |check: &Value, field: &str| check[field].as_str().unwrap().to_owned();
    assert_eq!(checks.iter().any(|c| c["status"] == "fail"), code == 1);
    for check in checks.iter().filter(|c| c["status"] == "fail") {
        assert!(check["hint"].as_str().is_some_and(|hint| hint.len() > 10), "no remedy: {check}");
    }
    (code, checks.iter().map(|c| ["status", "check", "subject", "what"].map(|field| text(c, field))).collect())
}

/// The first check that failed.
fn failure(bootstrap: &str, more: &[&str]) -> String {
    let (code, checks) = examined(bootstrap, more);
    let failed = checks.iter().find(|c| c[0] == "fail").unwrap_or_else(|| panic!("{checks:?}"));
    assert_eq!(code, 1);
    format!("{} {}: {}", failed[1], failed[2], failed[3])
}

/// Something that answers what it hears by `answer`; `None`: it keeps quiet.
fn stranger(answer: fn(&[u8]) -> Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut heard = [0; 1024];
                let n = stream.read(&mut heard).unwrap_or(0);
                match answer(&heard[..n]) {
                    Some(words) => _ = stream.write_all(words),
                    // Until the other side hangs up.
                    None => while stream.read(&mut heard).is_ok_and(|n| n > 0) {},
                }
            });
        }
    });
    address
}

fn is_hello(heard: &[u8]) -> bool {
    heard.starts_with(&[0x16, 3])
}

/// As Java's: an alert to whoever does not speak TLS.
fn tls() -> String {
    stranger(|heard| Some(if is_hello(heard) { &[0x16, 3, 3, 0, 4, 2, 0, 0, 0] } else { &[0x15, 3, 3, 0, 2, 2, 80] }))
}

/// Hangs up on whoever does not speak TLS.
fn curt_tls() -> String {
    stranger(|heard| Some(if is_hello(heard) { &[0x15, 3, 3, 0, 2, 2, 40] } else { b"" }))
}

fn http() -> String {
    stranger(|_| Some(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
}

/// Waits for the end of a line, which never comes in Kafka's protocol.
fn patient_http() -> String {
    stranger(|heard| heard.contains(&b'\n').then_some(b"HTTP/1.0 200 OK\r\n\r\n"))
}

/// A running fake broker.
struct Fake {
    broker: FakeBroker,
    _runtime: tokio::runtime::Runtime,
}

fn fake(script: impl Fn(&fake::Call) -> Option<Answer> + Send + Sync + 'static) -> Fake {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let broker = runtime.block_on(FakeBroker::start(script));
    Fake { broker, _runtime: runtime }
}

const WANTS_SASL: &str = "its listener wants clients to authenticate with SASL (SCRAM-SHA-512, OAUTHBEARER)";

/// A listener with SASL: it tells versions and mechanisms, and hangs up at everything else.
fn sasl() -> Fake {
    fake(|call| match call.key {
        ApiKey::ApiVersions => None,
        ApiKey::SaslHandshake => {
            let code = ErrorCode::UnsupportedSaslMechanism.code();
            Some(call.answer(&SaslHandshakeResponse { error_code: code, mechanisms: vec!["SCRAM-SHA-512".into(), "OAUTHBEARER".into()] }))
        }
        _ => Some(Answer::Cut),
    })
}

/// A broker that says of its cluster what `metadata` says.
fn cluster(metadata: impl Fn() -> MetadataResponse + Send + Sync + 'static) -> Fake {
    fake(move |call| (call.key == ApiKey::Metadata).then(|| call.answer(&metadata())))
}

fn node(id: i32, host: &str, port: u16) -> MetadataResponseBroker {
    MetadataResponseBroker { node_id: id, host: host.into(), port: port.into(), rack: None }
}

#[test]
fn nothing_is_wrong_with_a_broker_in_order() {
    let broker = TestBroker::start(&[]);
    let address = broker.addr.to_string();
    let (code, checks) = examined(&address, &[]);
    assert_eq!(code, 0, "{checks:?}");
    let made: Vec<(&str, &str)> = checks.iter().map(|c| (c[1].as_str(), c[0].as_str())).collect();
    let wanted = ["connect", "speak", "cluster", "advertised", "versions", "clock", "partitions"];
    assert_eq!(made, wanted.map(|check| (check, "ok")));
    let (code, out, _) = kfk(&["doctor", "--bootstrap-server", &address]);
    assert!(code == 0 && out.ends_with("\nnothing is wrong\n"), "{out}");
    assert!(out.contains(&format!("ok    advertised broker 1 at {address}: as it was asked for\n")), "{out}");
}

#[test]
fn what_is_there_instead_of_a_broker_is_named() {
    let dead = dead_address();
    assert_eq!(failure(&dead, &[]), format!("connect {dead}: {dead}: connection refused"));
    let unresolved = failure("no-such-host.invalid:9092", &[]);
    assert!(unresolved.starts_with("resolve no-such-host.invalid:9092: the name does not resolve"), "{unresolved}");
    for address in [tls(), curt_tls()] {
        assert_eq!(failure(&address, &[]), format!("speak {address}: TLS, and the client has security.protocol=PLAINTEXT"));
    }
    for address in [http(), patient_http()] {
        assert_eq!(failure(&address, &[]), format!("speak {address}: HTTP, not Kafka's protocol"));
    }
    let sasl = sasl();
    let address = &sasl.broker.address;
    let wanted = format!("sasl {address}: {WANTS_SASL}; security.protocol=SASL_PLAINTEXT is for that");
    assert_eq!(failure(address, &[]), wanted);
}

#[test]
fn security_of_the_client_and_of_the_listener_are_compared_and_secrets_kept() {
    let dir = tempfile::tempdir().unwrap();
    let file = |protocol: &str| {
        let path = dir.path().join(protocol);
        let secrets = "sasl.mechanism=PLAIN\nssl.truststore.password=hunter2\n\
                       sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"hunter2\";\n";
        std::fs::write(&path, format!("security.protocol={protocol}\n{secrets}")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let broker = TestBroker::start(&[]);
    let plain = broker.addr.to_string();
    let against = |address: &str, protocol: &str| failure(address, &["--command-config", &file(protocol)]);
    let ssl = against(&plain, "SSL");
    assert_eq!(ssl, format!("speak {plain}: Kafka's protocol without TLS, and the client has security.protocol=SSL"));
    let sasl = against(&plain, "SASL_PLAINTEXT");
    assert!(sasl.starts_with(&format!("sasl {plain}: ")) && sasl.ends_with("security.protocol without SASL_ will do"), "{sasl}");
    assert!(against(&tls(), "SASL_SSL").starts_with("tls "));
    assert!(against(&plain, "NONSENSE").starts_with("config : "));
    // Nobody shows what is secret.
    for command in [["doctor"].as_slice(), &["topics", "--list"], &["ping"], &["console-consumer", "--topic", "t"]] {
        for protocol in ["SSL", "SASL_PLAINTEXT", "NONSENSE"] {
            let (code, out, err) = kfk(&[command, &["--bootstrap-server", &plain, "--command-config", &file(protocol)]].concat());
            assert!(code != 0 && !out.contains("hunter2") && !err.contains("hunter2"), "{command:?} {protocol}: {out}{err}");
        }
    }
}

#[test]
fn advertised_addresses_that_cannot_be_used_are_named() {
    let unresolved = cluster(|| MetadataResponse { brokers: vec![node(1, "kafka.invalid", 9092)], controller_id: 1, ..Default::default() });
    let told = failure(&unresolved.broker.address, &[]);
    assert!(
        told.starts_with("advertised broker 1 at kafka.invalid:9092: clients are sent there, and this machine cannot resolve the name"),
        "{told}"
    );
    let (code, _, err) = kfk(&["topics", "--describe", "--topic", "t", "--bootstrap-server", &unresolved.broker.address]);
    assert!(code == 1 && !err.is_empty());

    let dead: u16 = dead_address().rsplit_once(':').unwrap().1.parse().unwrap();
    let gone = cluster(move || MetadataResponse {
        brokers: vec![node(1, "127.0.0.1", dead), node(2, "0.0.0.0", 9092), node(3, "127.0.0.1", dead)],
        controller_id: 1,
        ..Default::default()
    });
    let (code, checks) = examined(&gone.broker.address, &[]);
    let advertised: Vec<String> = checks.iter().filter(|c| c[1] == "advertised").map(|c| format!("{} {}: {}", c[0], c[2], c[3])).collect();
    let at = format!("127.0.0.1:{dead}");
    assert_eq!(
        advertised,
        [
            format!("fail broker 1 at {at}: clients are sent there, and nobody can be reached there ({at}: connection refused)"),
            "fail broker 2 at 0.0.0.0:9092: that is no address to connect to".to_owned(),
            format!("fail broker 3 at {at}: broker 1 advertises the same address"),
        ]
    );
    assert_eq!(code, 1);
}

#[test]
fn another_cluster_at_an_advertised_address_is_found_out() {
    let theirs = TestBroker::start(&[]);
    let port = theirs.addr.port();
    let ours = cluster(move || MetadataResponse {
        brokers: vec![node(1, "127.0.0.1", port)],
        controller_id: 1,
        cluster_id: Some("ours".into()),
        ..Default::default()
    });
    assert!(failure(&ours.broker.address, &[]).contains("another cluster answers"));
    let both = format!("{},{}", ours.broker.address, theirs.addr);
    let (_, checks) = examined(&both, &[]);
    assert!(checks.iter().any(|c| c[0] == "fail" && c[1] == "cluster" && c[3].starts_with("another cluster than that of")), "{checks:?}");
}

#[test]
fn one_bad_address_of_several_is_a_warning() {
    let broker = TestBroker::start(&[]);
    let (code, checks) = examined(&format!("{},{}", dead_address(), broker.addr), &[]);
    assert_eq!((code, checks[0][0].as_str(), checks[0][1].as_str()), (0, "warn", "connect"));
}

#[test]
fn clocks_and_partitions_are_looked_at() {
    let hours_ago = jiff::Timestamp::now().as_millisecond() - 2 * 3_600_000;
    let partition = |partition_index: i32, leader_id: i32, isr: &[i32]| MetadataResponsePartition {
        partition_index,
        leader_id,
        replica_nodes: vec![1, 2],
        isr_nodes: isr.to_vec(),
        ..Default::default()
    };
    let broker = fake(move |call| match call.key {
        ApiKey::DescribeQuorum => {
            let leader = ReplicaState { replica_id: 1, last_fetch_timestamp: hours_ago, ..Default::default() };
            let partition = PartitionData { leader_id: 1, current_voters: vec![leader], ..Default::default() };
            let topics = vec![TopicData { topic_name: "__cluster_metadata".into(), partitions: vec![partition] }];
            Some(call.answer(&DescribeQuorumResponse { topics, ..Default::default() }))
        }
        ApiKey::Metadata => {
            let topic = MetadataResponseTopic {
                name: Some("orders".into()),
                partitions: vec![partition(0, 1, &[1, 2]), partition(1, -1, &[]), partition(2, 1, &[1])],
                ..Default::default()
            };
            // Without brokers whoever answers is asked for everything.
            Some(call.answer(&MetadataResponse { topics: vec![topic], controller_id: 1, ..Default::default() }))
        }
        _ => None,
    });
    let (code, checks) = examined(&broker.broker.address, &[]);
    let of = |check: &str| checks.iter().find(|c| c[1] == check).unwrap_or_else(|| panic!("{checks:?}"));
    assert_eq!(code, 1);
    assert_eq!((of("partitions")[0].as_str(), of("partitions")[3].as_str()), ("fail", "1 of 3 have no leader: orders-1"));
    assert_eq!(of("clock")[0], "fail");
    assert!(of("clock")[3].contains(" s ahead of the controller's; brokers refuse records"), "{checks:?}");
    assert!(of("cluster")[3].ends_with("no broker is alive") && of("versions")[0] == "skip", "{checks:?}");
}

/// A command line for every command that talks to brokers.
fn client_commands() -> Vec<Vec<&'static str>> {
    let lines = "topics --list
        configs --describe --entity-type topics --entity-name t
        console-producer --topic t
        console-consumer --topic t
        consumer-groups --list
        console-share-consumer --topic t
        share-groups --list
        groups --list
        get-offsets --topic t
        transactions list
        log-dirs --describe
        metadata-quorum describe --status
        leader-election --election-type preferred --all-topic-partitions
        reassign-partitions --list
        acls --list
        delegation-tokens --describe
        cluster cluster-id
        features describe
        client-metrics --list
        broker-api-versions
        ping
        record --topic t -
        consumer-perf-test --topic t --num-records 1
        verifiable-consumer --topic t --group-id g --max-messages 1
        replica-verification --topics-include t";
    lines.lines().map(|line| line.split_whitespace().collect()).collect()
}

/// Runs every client command against `address`; each must fail in time, with `wanted` and `address` in what it says.
fn all_tell(address: &str, wanted: &str) {
    let runs: Vec<_> = client_commands()
        .into_iter()
        .map(|command| {
            let server = if command[0] == "replica-verification" { "--broker-list" } else { "--bootstrap-server" };
            let words: Vec<String> = command.iter().copied().chain([server, address]).map(str::to_owned).collect();
            std::thread::spawn(move || {
                let begun = Instant::now();
                let (code, _, err) = kfk(&words.iter().map(String::as_str).collect::<Vec<_>>());
                (words, code, err, begun.elapsed())
            })
        })
        .collect();
    let mut wrong = Vec::new();
    for run in runs {
        let (words, code, err, took) = run.join().unwrap();
        if code == 0 || !err.contains(wanted) || !err.contains(address) || took > Duration::from_secs(20) {
            wrong.push(format!("{words:?}: exit {code} after {took:?}: {err}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_names_a_tls_port() {
    all_tell(&tls(), "it speaks TLS");
}

#[test]
fn every_command_names_an_http_port() {
    all_tell(&http(), "it speaks HTTP");
}

#[test]
fn every_command_names_a_listener_that_wants_authentication() {
    let sasl = sasl();
    all_tell(&sasl.broker.address, WANTS_SASL);
}

#[test]
fn ports_that_keep_quiet_or_hang_up_are_asked_once_more_in_their_own_tongue() {
    let (code, _, err) = kfk(&["topics", "--list", "--bootstrap-server", &patient_http()]);
    assert!(code == 1 && err.contains("it speaks HTTP"), "{err}");
    let (code, _, err) = kfk(&["topics", "--list", "--bootstrap-server", &curt_tls()]);
    assert!(code == 1 && err.contains("it speaks TLS"), "{err}");
}
