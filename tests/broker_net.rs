//! Connections, framing, bad input (facts N).

mod common;

use common::TestBroker;
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
