//! Requests and responses with their headers, and messages that come out in pieces.

use bytes::Bytes;
use kfk_wire::api_versions_request::ApiVersionsRequest;
use kfk_wire::api_versions_response::ApiVersionsResponse;
use kfk_wire::fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData};
use kfk_wire::frame::{read_request_header, read_response_header, write_request, write_response};
use kfk_wire::heartbeat_request::HeartbeatRequest;
use kfk_wire::{ApiKey, DecodeError, EncodeError, Message, Piece, Reader, Records, Writer};

fn written(write: impl FnOnce(&mut Writer)) -> Bytes {
    let mut w = Writer::new();
    write(&mut w);
    w.into_bytes().unwrap()
}

/// Takes the length off and checks it.
fn unframed(frame: Bytes) -> Reader {
    let mut r = Reader::new(frame);
    assert_eq!(r.i32().unwrap() as usize, r.remaining());
    r
}

#[test]
fn a_request_has_the_header_of_its_version() {
    let body = HeartbeatRequest { group_id: "g".into(), ..Default::default() };
    for (version, start) in [(3, &b"\0\x0c\0\x03\0\0\0\x2a\0\x02me\0\x01g"[..]), (4, b"\0\x0c\0\x04\0\0\0\x2a\0\x02me\0\x02g")] {
        let frame = written(|w| write_request(w, 42, Some("me"), version, &body).unwrap());
        let mut r = unframed(frame.clone());
        assert_eq!(frame[4..][..start.len()], *start, "{version}");
        let (key, header) = read_request_header(&mut r).unwrap();
        assert_eq!((key, header.request_api_version, header.correlation_id), (ApiKey::Heartbeat, version, 42));
        assert_eq!(header.client_id.as_deref(), Some("me"));
        assert_eq!(HeartbeatRequest::decode(&mut r, version).unwrap(), body);
        assert_eq!(r.remaining(), 0);
    }
}

#[test]
fn n10_a_client_id_may_be_null() {
    let frame = written(|w| write_request(w, 1, None, 0, &ApiVersionsRequest::default()).unwrap());
    let (_, header) = read_request_header(&mut unframed(frame)).unwrap();
    assert_eq!(header.client_id, None);
}

#[test]
fn n3_an_unknown_api_key_is_an_error_and_n4_an_unknown_version_is_not() {
    let header = |key: i16, version: i16| written(|w| [key, version, 0, 7, -1].into_iter().for_each(|n| w.i16(n)));
    assert_eq!(read_request_header(&mut Reader::new(header(4, 1))), Err(DecodeError::UnknownApiKey { key: 4 }));
    assert_eq!(read_request_header(&mut Reader::new(header(-1, 0))), Err(DecodeError::UnknownApiKey { key: -1 }));
    // A version from the future has the newest header, which ends in a tagged section.
    let mut future = header(18, 99).to_vec();
    future.push(0);
    let (key, header) = read_request_header(&mut Reader::new(future)).unwrap();
    assert_eq!((key, header.request_api_version, header.correlation_id), (ApiKey::ApiVersions, 99, 7));
    assert!(!key.supports(99));
}

#[test]
fn n5_the_answer_to_api_versions_has_the_classic_header() {
    let frame = written(|w| write_response(w, ApiKey::ApiVersions, 4, 9, &ApiVersionsResponse::default()).unwrap());
    assert_eq!(frame[..12], [0, 0, 0, 12, 0, 0, 0, 9, 0, 0, 1, 0]);
    let mut r = unframed(frame);
    assert_eq!(read_response_header(&mut r, ApiKey::ApiVersions, 4), Ok(9));
    assert!(ApiVersionsResponse::decode(&mut r, 4).is_ok());
}

fn partition(records: Records) -> PartitionData {
    PartitionData { records: Some(records), ..Default::default() }
}

#[test]
fn records_stay_pieces_of_their_own() {
    let large = Bytes::from(vec![7; 5000]);
    let partitions = vec![
        partition(Records::Deferred { len: 1 << 20, token: 11 }),
        partition(Bytes::from_static(b"small").into()),
        partition(Records::Bytes(large.clone())),
        partition(Records::Deferred { len: 0, token: 12 }),
    ];
    let topic = FetchableTopicResponse { topic: "t".into(), partitions, ..Default::default() };
    let body = FetchResponse { responses: vec![topic], ..Default::default() };
    let mut w = Writer::new();
    write_response(&mut w, ApiKey::Fetch, 12, 5, &body).unwrap();
    let total = w.len();
    let pieces = w.into_pieces();

    assert_eq!(pieces.iter().map(Piece::len).sum::<usize>(), total);
    let Piece::Bytes(start) = &pieces[0] else { panic!("{pieces:?}") };
    assert_eq!(i32::from_be_bytes(start[..4].try_into().unwrap()) as usize, total - 4, "the length counts what is only promised");
    assert_eq!(pieces[1], Piece::Deferred { len: 1 << 20, token: 11 });
    let Piece::Bytes(same) = &pieces[3] else { panic!("{pieces:?}") };
    assert_eq!((same.len(), same.as_ptr()), (5000, large.as_ptr()), "not copied");
    assert_eq!(pieces.len(), 5, "small records are copied, empty ones are no piece: {pieces:?}");

    // With the promise kept, the whole is the message.
    let mut whole = Vec::new();
    for piece in &pieces {
        match piece {
            Piece::Bytes(bytes) => whole.extend_from_slice(bytes),
            Piece::Deferred { len, .. } => whole.resize(whole.len() + *len as usize, 9),
        }
    }
    let mut r = unframed(whole.into());
    assert_eq!(read_response_header(&mut r, ApiKey::Fetch, 12), Ok(5));
    let back = FetchResponse::decode(&mut r, 12).unwrap();
    let lens: Vec<usize> = back.responses[0].partitions.iter().map(|p| p.records.as_ref().unwrap().len()).collect();
    assert_eq!(lens, [1 << 20, 5, 5000, 0]);
    assert_eq!(r.remaining(), 0);
    assert_eq!(body.to_bytes(12), Err(EncodeError::Deferred));
}

#[test]
fn frames_follow_one_another_in_a_writer() {
    let mut w = Writer::new();
    let body = FetchResponse {
        responses: vec![FetchableTopicResponse { partitions: vec![partition(Bytes::from(vec![1; 600]).into())], ..Default::default() }],
        ..Default::default()
    };
    for id in [1, 2] {
        write_response(&mut w, ApiKey::Fetch, 11, id, &body).unwrap();
    }
    let mut r = Reader::new(w.into_bytes().unwrap());
    for id in [1, 2] {
        let len = r.i32().unwrap() as usize;
        let mut frame = Reader::new(r.slice(len).unwrap());
        assert_eq!(read_response_header(&mut frame, ApiKey::Fetch, 11), Ok(id));
        assert_eq!(FetchResponse::decode(&mut frame, 11).as_ref(), Ok(&body));
    }
    assert_eq!(r.remaining(), 0);
}

#[test]
fn versions_are_those_that_kafka_4_3_1_advertises() {
    let advertised: serde_json::Value = serde_json::from_str(include_str!("kafka-4.3.1-api-versions.json")).unwrap();
    let advertised = advertised.as_array().unwrap();
    for api in advertised {
        let number = |name: &str| i16::try_from(api[name].as_i64().unwrap()).unwrap();
        let row = ApiKey::from_code(number("key")).unwrap().row();
        assert_eq!((row.name, row.advertised_min, row.max), (api["name"].as_str().unwrap(), number("min"), number("max")));
        assert!(row.broker);
    }
    // Telemetry is answered only where something is configured to receive it.
    assert_eq!(ApiKey::all().filter(|k| k.row().broker).count(), advertised.len() + 2);
}
