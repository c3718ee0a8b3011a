//! Connections, framing, bad input (facts N).

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use common::TestBroker;
use common::records::{batch, create, fetch, produce, produce_ok};
use kfk::wire::api_versions_request::ApiVersionsRequest;
use kfk::wire::{ApiKey, ErrorCode, Reader, Writer};

fn asked() -> ApiVersionsRequest {
    ApiVersionsRequest { client_software_name: "test".into(), client_software_version: "1.0".into() }
}

fn header(key: i16, version: i16, id: i32) -> Vec<u8> {
    [&key.to_be_bytes()[..], &version.to_be_bytes(), &id.to_be_bytes(), &(-1i16).to_be_bytes()].concat()
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as i32).to_be_bytes()[..], body].concat()
}

#[test]
fn n4b_api_versions_lists_what_is_served_and_produce_from_zero() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    for version in 0..=4 {
        let response = client.call(version, &asked());
        assert_eq!(response.error_code, 0);
        for row in &response.api_keys {
            let key = ApiKey::from_code(row.api_key).unwrap();
            assert_eq!((row.min_version, row.max_version), (key.row().advertised_min, key.row().max), "{key}");
        }
        assert!(response.api_keys.iter().any(|row| row.api_key == ApiKey::ApiVersions.code()));
    }
}

#[test]
fn n4_n5_an_unknown_version_of_api_versions_is_answered_in_version_zero() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    let mut frame = header(18, 99, 7);
    frame.extend([0, 1, 2, 3]);
    client.send_raw(&framed(&frame));
    let mut reader = Reader::new(client.receive_frame().unwrap());
    assert_eq!(reader.i32().unwrap(), 7);
    assert_eq!(reader.i16().unwrap(), ErrorCode::UnsupportedVersion.code());
    assert_eq!((reader.i32().unwrap(), reader.i16().unwrap(), reader.i16().unwrap(), reader.i16().unwrap()), (1, 18, 0, 4));
    assert_eq!(reader.remaining(), 0);
    assert_eq!(client.call(4, &asked()).error_code, 0, "the connection lives on");
}

#[test]
fn n6_bad_client_software_names_are_refused() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    let bad = ApiVersionsRequest { client_software_name: "-bad".into(), ..asked() };
    assert_eq!(client.call(3, &bad).error_code, ErrorCode::InvalidRequest.code());
    assert_eq!(client.call(2, &ApiVersionsRequest::default()).error_code, 0);
}

#[test]
fn n1_n3_n4_n14_bad_frames_close_only_their_own_connection() {
    let broker = TestBroker::start(&[("socket.request.max.bytes", "10000")]);
    let mut witness = broker.connect();
    witness.call(4, &asked());
    let mut lying = header(18, 3, 1);
    lying.extend([0, 200, 1]);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("negative size", (-5i32).to_be_bytes().to_vec()),
        ("size over the limit", 10_001i32.to_be_bytes().to_vec()),
        ("empty frame", framed(&[])),
        ("cut header", framed(&[0, 18, 0])),
        ("unknown key", framed(&header(999, 0, 1))),
        ("negative key", framed(&header(-1, 0, 1))),
        ("known key that no broker serves", framed(&header(52, 0, 1))),
        ("unsupported version", framed(&header(3, 99, 1))),
        ("produce 0, which ApiVersions lists", framed(&header(0, 0, 1))),
        ("lying string length", framed(&lying)),
    ];
    for (what, bytes) in cases {
        let mut client = broker.connect();
        client.send_raw(&bytes);
        assert_eq!(client.receive_frame(), None, "{what}");
        witness.call(4, &asked());
    }
}

#[test]
fn n9_pipelined_requests_are_answered_in_order() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    let sent: Vec<i32> = (0..500).map(|_| client.send(4, &asked())).collect();
    let got: Vec<i32> = sent.iter().map(|_| client.receive::<ApiVersionsRequest>(4).0).collect();
    assert_eq!(sent, got);
}

#[test]
fn n10_a_missing_client_id_is_accepted_and_a_frame_may_come_in_pieces() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    let mut w = Writer::new();
    kfk::wire::frame::write_request(&mut w, 5, None, 4, &asked()).unwrap();
    for byte in w.into_bytes().unwrap() {
        client.send_raw(&[byte]);
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    assert_eq!(client.receive::<ApiVersionsRequest>(4).0, 5);
}

#[test]
fn n11_idle_and_surplus_connections_are_closed() {
    let broker = TestBroker::start(&[("connections.max.idle.ms", "100"), ("max.connections.per.ip", "2")]);
    let (mut one, mut two) = (broker.connect(), broker.connect());
    one.call(4, &asked());
    two.call(4, &asked());
    assert_eq!(broker.connect().receive_frame(), None, "the third of one address");
    assert_eq!(one.receive_frame(), None, "idle");
    assert_eq!(two.receive_frame(), None, "idle");
    broker.connect().call(4, &asked());
}

fn http(addr: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// The values of a page by what stands before them; every line must be one of Prometheus' text format.
fn samples(page: &str) -> std::collections::BTreeMap<String, f64> {
    let line = regex::Regex::new(r#"^([a-z_]+(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})?) ([0-9.]+)$"#).unwrap();
    let mut typed = std::collections::BTreeSet::new();
    let mut samples = std::collections::BTreeMap::new();
    for text in page.lines() {
        if let Some(rest) = text.strip_prefix("# TYPE ") {
            assert!(typed.insert(rest.split(' ').next().unwrap().to_string()), "told twice: {text}");
            continue;
        }
        let found = line.captures(text).unwrap_or_else(|| panic!("{text}"));
        assert!(typed.contains(found[1].split('{').next().unwrap()), "without a type: {text}");
        assert!(samples.insert(found[1].to_string(), found[2].parse().unwrap()).is_none(), "twice: {text}");
    }
    samples
}

#[test]
fn metrics_have_the_names_of_kafkas_exporters_and_count_what_was_done() {
    let broker = TestBroker::start(&[("kfk.metrics.listener", "127.0.0.1:0"), ("auto.create.topics.enable", "false")]);
    let metrics = broker.metrics.unwrap();
    let mut client = broker.connect();
    create(&mut client, "t", 2, &[("max.message.bytes", "200")]);
    let bytes = batch(&["a", "b", "c"]);
    produce_ok(&mut client, "t", 1, bytes.clone());
    assert_eq!(fetch(&mut client, "t", 1, 0).error_code, 0);
    assert_ne!(produce(&mut client, "t", 1, batch(&[&"x".repeat(200)])).error_code, 0);
    assert_ne!(fetch(&mut client, "t", 1, 99).error_code, 0);

    let page = http(metrics, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"), "{head}");
    let samples = samples(body);
    let size = bytes.len() as f64;
    let expected = [
        ("kafka_server_brokertopicmetrics_messagesin_total", 3.0),
        ("kafka_server_brokertopicmetrics_messagesin_total{topic=\"t\"}", 3.0),
        ("kafka_server_brokertopicmetrics_bytesin_total{topic=\"t\"}", size),
        ("kafka_server_brokertopicmetrics_bytesout_total{topic=\"t\"}", size),
        ("kafka_server_brokertopicmetrics_totalproducerequests_total", 2.0),
        ("kafka_server_brokertopicmetrics_failedproducerequests_total{topic=\"t\"}", 1.0),
        ("kafka_server_brokertopicmetrics_totalfetchrequests_total{topic=\"t\"}", 2.0),
        ("kafka_server_brokertopicmetrics_failedfetchrequests_total", 1.0),
        ("kafka_network_requestmetrics_requests_total{request=\"CreateTopics\",version=\"7\"}", 1.0),
        ("kafka_network_requestmetrics_totaltimems_count{request=\"Fetch\"}", 2.0),
        ("kafka_controller_kafkacontroller_globaltopiccount", 1.0),
        ("kafka_server_replicamanager_leadercount", 2.0),
        ("kafka_server_replicamanager_underreplicatedpartitions", 0.0),
        ("kafka_server_socketserver_connections", 1.0),
        ("kafka_log_log_size{topic=\"t\",partition=\"1\"}", size),
        ("kafka_log_log_logendoffset{topic=\"t\",partition=\"1\"}", 3.0),
    ];
    for (name, value) in expected {
        assert_eq!(samples.get(name), Some(&value), "{name} in\n{body}");
    }
    for quantile in ["0.50", "0.99", "0.999"] {
        assert!(samples[&format!("kafka_network_requestmetrics_totaltimems{{request=\"Produce\",quantile=\"{quantile}\"}}")] > 0.0);
    }
    let dashboard = include_str!("../docs/grafana-dashboard.json");
    let name = regex::Regex::new("(kafka|process|kfk)_[a-z_]+").unwrap();
    let known = |name: &str| samples.keys().any(|sample| sample.split('{').next() == Some(name));
    let unknown: Vec<&str> = name.find_iter(dashboard).map(|m| m.as_str()).filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "the dashboard asks for {unknown:?}");
    assert!(samples["process_resident_memory_bytes"] > 1e6 && samples["process_open_fds"] > 3.0);
}

#[test]
fn health_is_told_over_http_and_bad_requests_disturb_nobody() {
    let mut broker = TestBroker::start(&[("kfk.metrics.listener", "127.0.0.1:0")]);
    let metrics = broker.metrics.unwrap();
    // More connections than are served at once, silent, and one that does not speak HTTP.
    let silent: Vec<TcpStream> = (0..15).map(|_| TcpStream::connect(metrics).unwrap()).collect();
    assert_eq!(http(metrics, &"x".repeat(10_000)), "");
    for (target, status) in [("/healthz", "200 OK"), ("/readyz?verbose", "200 OK"), ("/", "404 Not Found"), ("/metrics/x", "404 Not Found")]
    {
        let reply = http(metrics, &format!("GET {target} HTTP/1.1\r\n\r\n"));
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{target}: {reply}");
    }
    assert!(http(metrics, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    assert!(http(metrics, "HEAD /healthz HTTP/1.1\r\n\r\n").ends_with("\r\n\r\n"));
    let more: Vec<TcpStream> = (0..5).map(|_| TcpStream::connect(metrics).unwrap()).collect();
    let begun = std::time::Instant::now();
    broker.stop();
    assert!(begun.elapsed().as_secs() < 5, "a stop waits for nobody's silence");
    drop((silent, more));
    assert!(TcpStream::connect(metrics).is_err());
}
