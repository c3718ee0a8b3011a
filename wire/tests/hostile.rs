//! Lengths and counts that lie: refused before memory is reserved for them.

use bytes::Bytes;
use kfk_wire::create_topics_request::CreateTopicsRequest;
use kfk_wire::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use kfk_wire::metadata_request::MetadataRequest;
use kfk_wire::produce_request::ProduceRequest;
use kfk_wire::{DecodeError, EncodeError, Message, Reader, Records, Writer};

fn reader(bytes: &[u8]) -> Reader {
    Reader::new(Bytes::copy_from_slice(bytes))
}

/// The biggest claims there are, in front of a few bytes.
fn claims() -> [Vec<u8>; 4] {
    [
        vec![0x7f, 0xff, 0xff, 0xff, 1, 2, 3],
        vec![0xff, 0xff, 0xff, 0xff, 0x07, 1, 2],
        vec![0x7f, 0xff, 1, 2],
        vec![0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7],
    ]
}

#[test]
fn n7_a_claim_beyond_the_end_is_refused_and_costs_nothing() {
    let is_refused = |result: Result<(), DecodeError>, r: &Reader, before: usize| {
        assert!(matches!(result, Err(DecodeError::LengthBeyondEnd { .. } | DecodeError::StringTooLong { .. })), "{result:?}");
        assert_eq!(r.budget(), before, "nothing was charged, so nothing was reserved");
    };
    let [classic, flexible, string, off_by_one] = claims();
    for (bytes, flexible) in [(&classic, false), (&flexible, true), (&off_by_one, false)] {
        for read in [
            |r: &mut Reader, f| r.bytes(f).map(drop),
            |r: &mut Reader, f| r.opt_records(f).map(drop),
            |r: &mut Reader, f| r.list::<i64>(f).map(drop),
            |r: &mut Reader, f| r.structs::<FetchTopic>(12, f).map(drop),
        ] {
            let mut r = reader(bytes);
            let before = r.budget();
            is_refused(read(&mut r, flexible), &r, before);
        }
    }
    for (bytes, flexible) in [(&string, false), (&flexible, true)] {
        let mut r = reader(bytes);
        let before = r.budget();
        is_refused(r.string(flexible).map(drop), &r, before);
    }
}

#[test]
fn n7_an_overlong_varint_is_refused() {
    assert!(matches!(reader(&[0xff; 6]).uvarint(), Err(DecodeError::VarintTooLong { at: 0 })));
    assert!(matches!(reader(&[0x80; 3]).uvarint(), Err(DecodeError::Truncated { .. })));
    assert!(matches!(reader(&[0xff; 9]).string(true), Err(DecodeError::VarintTooLong { .. })));
}

/// A megabyte of zeros that claims to be a million topics: each would be one byte on the wire and 100 in memory.
#[test]
fn n8_one_byte_cannot_become_a_struct_without_limit() {
    let mut frame = vec![0, 0x0f, 0x00, 0x00];
    frame.resize(1 << 20, 0);
    let frame = Bytes::from(frame);
    let mut r = Reader::new(frame.clone());
    let before = r.budget();
    assert!(matches!(CreateTopicsRequest::decode(&mut r, 2), Err(DecodeError::OverBudget { .. })));
    assert_eq!(r.budget(), before);

    let mut tight = Reader::with_budget(frame, 1000);
    assert!(matches!(CreateTopicsRequest::decode(&mut tight, 2), Err(DecodeError::OverBudget { left: 1000, .. })));
}

/// What ordinary clients send stays far below the budget: here ten thousand partitions with short names.
#[test]
fn n8_a_large_honest_request_fits() {
    let partitions = vec![FetchPartition { partition: 7, ..Default::default() }; 100];
    let topic = |i: i32| FetchTopic { topic: format!("topic-{i}"), partitions: partitions.clone(), ..Default::default() };
    let request = FetchRequest { topics: (0..100).map(topic).collect(), ..Default::default() };
    let bytes = request.to_bytes(12).unwrap();
    let budget = 3 * bytes.len();
    assert_eq!(FetchRequest::decode(&mut Reader::with_budget(bytes, budget), 12), Ok(request));
}

#[test]
fn null_is_an_error_where_none_is_allowed() {
    assert_eq!(reader(&[0xff, 0xff]).string(false), Err(DecodeError::Null { at: 0 }));
    assert_eq!(reader(&[0]).string(true), Err(DecodeError::Null { at: 0 }));
    assert_eq!(reader(&[0xff, 0xff]).opt_string(false), Ok(None));
    // Metadata 0 has no "all topics" but the empty list; from 1 on it is null.
    let null_topics = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(MetadataRequest::from_bytes(null_topics.clone(), 0), Err(DecodeError::NullField { field: "Topics" }));
    assert_eq!(MetadataRequest::from_bytes(null_topics, 1).unwrap().topics, None);
    let all = MetadataRequest { topics: None, ..Default::default() };
    assert_eq!(all.to_bytes(0), Err(EncodeError::Null { field: "Topics" }));
}

#[test]
fn text_must_be_utf8() {
    assert_eq!(reader(&[0, 2, 0xc3, 0x28]).string(false), Err(DecodeError::NotUtf8 { at: 0 }));
    assert_eq!(reader("\0\u{2}é".as_bytes()).string(false).unwrap(), "é");
}

#[test]
fn a_tagged_field_must_have_the_size_it_says() {
    let request = FetchRequest { cluster_id: Some("abc".into()), ..Default::default() };
    let good = request.to_bytes(12).unwrap().to_vec();
    let at = good.len() - 5;
    assert_eq!(good[at..], [5 - 1, 4, b'a', b'b', b'c']);
    for size in [3, 5] {
        let mut bad = good.clone();
        bad[at] = size;
        bad.push(0);
        let error = FetchRequest::from_bytes(bad.into(), 12);
        assert_eq!(error, Err(DecodeError::TagSize { tag: 0, size: size.into(), read: 4 }));
    }
}

#[test]
fn a_value_that_a_version_cannot_hold_is_refused_unless_it_may_be_dropped() {
    let with_session = FetchRequest { session_id: 5, ..Default::default() };
    assert!(with_session.to_bytes(6).is_ok(), "SessionId is ignorable");
    let with_state = FetchRequest { replica_id: 3, ..Default::default() };
    assert_eq!(with_state.to_bytes(15), Err(EncodeError::Absent { field: "ReplicaId", version: 15 }));
    assert!(with_state.to_bytes(14).is_ok());
}

#[test]
fn what_does_not_fit_its_length_is_refused() {
    let mut w = Writer::new();
    assert_eq!(w.string(&"x".repeat(32768), true), Err(EncodeError::TooLong { len: 32768 }));
    assert_eq!(w.string(&"x".repeat(32768), false), Err(EncodeError::TooLong { len: 32768 }));
    assert_eq!(
        w.opt_records(Some(&Records::Deferred { len: u32::MAX, token: 0 }), true),
        Err(EncodeError::TooLong { len: u32::MAX as usize })
    );
}

#[test]
fn records_are_slices_of_the_frame() {
    let mut frame = Vec::new();
    frame.extend([0xff, 0xff]); // transactional id: null
    frame.extend([0, 1, 0, 0, 0, 9]); // acks, timeout
    frame.extend([0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 0]); // one topic, one partition
    frame.extend([0, 0, 0, 4, 1, 2, 3, 4]);
    let frame = Bytes::from(frame);
    let request = ProduceRequest::from_bytes(frame.clone(), 3).unwrap();
    let records = request.topic_data[0].partition_data[0].records.as_ref().unwrap().as_bytes().unwrap();
    assert_eq!(records[..], [1, 2, 3, 4]);
    assert_eq!(records.as_ptr(), frame[frame.len() - 4..].as_ptr(), "not a copy");
}
