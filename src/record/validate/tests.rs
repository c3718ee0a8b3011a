use super::*;
use crate::record::{BadRecord, BatchBuilder, BatchOptions, NO_PRODUCER_ID, RecordData};
use crate::types::{MonoMs, TopicPartition};
use crate::wire::ErrorCode;

const NOW: i64 = 1_700_000_000_000;

fn options() -> ValidateOptions {
    ValidateOptions { now: Now { wall: WallMs(NOW), mono: MonoMs(0) }, ..Default::default() }
}

/// A batch of records with these (timestamp, key) and a value each.
fn batch_with(options: BatchOptions, records: &[(i64, Option<&str>)]) -> Bytes {
    let mut builder = BatchBuilder::new(options);
    for (timestamp, key) in records {
        builder.append(*timestamp, key.map(str::as_bytes), Some(b"some value"), &[Header { key: b"h", value: None }]).unwrap();
    }
    builder.finish().unwrap()
}

fn batch(codec: Codec, records: &[(i64, Option<&str>)]) -> Bytes {
    batch_with(BatchOptions { compression: codec.into(), ..Default::default() }, records)
}

fn plain() -> Bytes {
    batch(Codec::None, &[(NOW, Some("a")), (NOW + 5, None), (NOW + 3, Some("c"))])
}

/// `bytes` with some header fields changed and the CRC made right again.
fn patched(bytes: &Bytes, change: impl FnOnce(&mut BatchHeader)) -> Bytes {
    let mut header = BatchHeader::parse(bytes).unwrap();
    change(&mut header);
    header.crc = header.compute_crc(&bytes[HEADER_LEN..]);
    Bytes::from([&header.to_bytes()[..], &bytes[HEADER_LEN..]].concat())
}

/// A batch with these bytes as its body.
fn with_body(count: i32, codec: Codec, body: &[u8]) -> Bytes {
    let shell = batch(Codec::None, &[(NOW, Some("a"))]);
    let bytes = Bytes::from([&shell[..HEADER_LEN], body].concat());
    patched(&bytes, |h| {
        h.batch_length = (bytes.len() - LOG_OVERHEAD) as i32;
        h.record_count = count;
        h.last_offset_delta = count - 1;
        h.attributes = h.attributes.with_codec(codec);
    })
}

fn run(bytes: &Bytes, options: &ValidateOptions) -> Result<Validated, Refusal> {
    let done = validate(&single_batch(bytes, true)?, options)?;
    // Whatever comes out must be a batch that reads back.
    let stored = [&done.header_bytes(1000, 7)[..], &done.body].concat();
    let view = BatchView::parse(&stored).unwrap();
    assert_eq!(view.bytes.len(), stored.len());
    view.check_crc().unwrap();
    let data = view.data(usize::MAX).unwrap();
    let offsets: Vec<i64> = data.iter().map(|r| r.unwrap().offset).collect();
    assert_eq!(offsets, (1000..1000 + i64::from(done.count())).collect::<Vec<_>>());
    Ok(done)
}

fn code(bytes: &Bytes, options: &ValidateOptions) -> ErrorCode {
    run(bytes, options).map_or_else(|e| e.error_code(), |_| ErrorCode::None)
}

fn read(done: &Validated) -> RecordData<'static> {
    let stored = [&done.header_bytes(0, 0)[..], &done.body].concat();
    let data = BatchView::parse(&stored).unwrap().data(usize::MAX).unwrap();
    RecordData { header: data.header, bytes: data.bytes.into_owned().into() }
}

#[test]
fn a_good_batch_stays_a_slice_of_the_request() {
    for codec in Codec::ALL {
        let bytes = batch(codec, &[(NOW, Some("a")), (NOW + 5, None), (NOW + 3, Some("c"))]);
        let done = run(&bytes, &options()).unwrap();
        assert!(!done.rewritten);
        assert_eq!(done.body.as_ptr(), bytes[HEADER_LEN..].as_ptr());
        assert_eq!(done.header, BatchHeader::parse(&bytes).unwrap());
        assert_eq!((done.max_timestamp, done.max_timestamp_delta, done.log_append_time, done.count()), (NOW + 5, 1, -1, 3));
    }
}

#[test]
fn p5_there_must_be_one_batch_of_magic_2() {
    let one = plain();
    for cut in [0, 1, 16, 60, one.len() - 1] {
        assert_eq!(single_batch(&one.slice(..cut), true).unwrap_err(), Refusal::NoBatch, "cut at {cut}");
    }
    let two = Bytes::from([&one[..], &one[..]].concat());
    assert_eq!(single_batch(&two, true).unwrap_err(), Refusal::MoreThanOneBatch);
    let with_magic = |magic: u8| {
        let mut bytes = one.to_vec();
        bytes[16] = magic;
        single_batch(&Bytes::from(bytes), true).unwrap_err()
    };
    for magic in [0, 1, 3, 0xff] {
        assert_eq!(with_magic(magic), Refusal::WrongMagic(magic as i8));
        assert_eq!(with_magic(magic).error_code(), ErrorCode::InvalidRecord);
    }
    // What is left of a second batch is dropped, as Kafka trims it.
    let trailing = Bytes::from([&one[..], &one[..40]].concat());
    assert_eq!(single_batch(&trailing, true).unwrap().bytes, one);
}

#[test]
fn p5_zstd_needs_a_request_version_that_knows_it() {
    let zstd = batch(Codec::Zstd, &[(NOW, None)]);
    assert_eq!(single_batch(&zstd, false).unwrap_err().error_code(), ErrorCode::UnsupportedCompressionType);
    assert!(single_batch(&zstd, true).is_ok());
}

#[test]
fn p12_base_offset_on_the_wire_must_be_0() {
    let bytes = patched(&plain(), |h| h.base_offset = 5);
    assert_eq!(code(&bytes, &options()), ErrorCode::InvalidRecord);
    assert_eq!(code(&bytes, &ValidateOptions { origin: Origin::Coordinator, ..options() }), ErrorCode::None);
}

#[test]
fn p13_batch_above_max_message_bytes_is_refused() {
    let bytes = plain();
    let at_most = |n| ValidateOptions { max_message_bytes: n, ..options() };
    assert_eq!(code(&bytes, &at_most(bytes.len())), ErrorCode::None);
    assert_eq!(code(&bytes, &at_most(bytes.len() - 1)), ErrorCode::MessageTooLarge);
    assert_eq!(code(&bytes, &ValidateOptions { origin: Origin::RaftLeader, ..at_most(1) }), ErrorCode::None);
}

#[test]
fn p14_a_flipped_bit_anywhere_under_the_crc_is_corrupt() {
    let good = plain();
    for at in 17..good.len() {
        let mut bytes = good.to_vec();
        bytes[at] ^= 0x10;
        assert_eq!(code(&Bytes::from(bytes), &options()), ErrorCode::CorruptMessage, "byte {at}");
    }
}

#[test]
fn p14_a_length_field_below_a_header_is_corrupt() {
    for length in [-1i32, 0, 48] {
        let mut bytes = plain().to_vec();
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        assert_eq!(code(&Bytes::from(bytes), &options()), ErrorCode::CorruptMessage);
    }
}

#[test]
fn p15_count_must_be_positive_and_fit_the_offsets() {
    for (count, last) in [(0, 2), (-1, 2), (3, 1), (3, 3), (0, -1), (i32::MIN, i32::MAX), (2, 2)] {
        let bytes = patched(&plain(), |h| (h.record_count, h.last_offset_delta) = (count, last));
        assert_eq!(code(&bytes, &options()), ErrorCode::InvalidRecord, "count {count}, last offset delta {last}");
    }
}

#[test]
fn p15_a_client_writes_no_control_batch_and_no_negative_sequence() {
    let control = patched(&plain(), |h| h.attributes = h.attributes.with_control(true));
    assert_eq!(code(&control, &options()), ErrorCode::InvalidRecord);
    assert_eq!(code(&control, &ValidateOptions { origin: Origin::Coordinator, ..options() }), ErrorCode::None);
    for (id, sequence, want) in [(9, -1, ErrorCode::InvalidRecord), (9, 0, ErrorCode::None), (NO_PRODUCER_ID, -1, ErrorCode::None)] {
        let bytes = patched(&plain(), |h| (h.producer_id, h.base_sequence) = (id, sequence));
        assert_eq!(code(&bytes, &options()), want);
    }
}

#[test]
fn p16_records_present_must_equal_the_count() {
    for codec in Codec::ALL {
        let bytes = batch(codec, &[(NOW, Some("a")), (NOW, Some("b")), (NOW, Some("c"))]);
        for count in [1, 2, 4, i32::MAX] {
            let lying = patched(&bytes, |h| (h.record_count, h.last_offset_delta) = (count, count - 1));
            assert_eq!(code(&lying, &options()), ErrorCode::InvalidRecord, "{codec} with count {count}");
        }
    }
}

#[test]
fn p16_every_length_inside_a_record_is_held_to_its_record() {
    let mut body = plain().to_vec().split_off(HEADER_LEN);
    let whole = body.len();
    body.push(0);
    assert_eq!(code(&with_body(3, Codec::None, &body), &options()), ErrorCode::InvalidRecord);
    for cut in 0..whole {
        assert_eq!(code(&with_body(3, Codec::None, &body[..cut]), &options()), ErrorCode::InvalidRecord, "cut at {cut}");
    }
    // length, attributes, time, offset, then key -1, value -1 and a header count
    for record in [
        &[0u8][..],                            // nothing in it
        &[1],                                  // length -1
        &[12, 0, 0, 0, 1, 1, 1],               // -1 headers
        &[14, 0, 0, 0, 1, 1, 2, 1],            // a header with a null key, cut short
        &[16, 0, 0, 0, 1, 1, 2, 1, 1],         // a header with a null key
        &[12, 0, 0, 0, 10, 1, 0],              // a key longer than the record
        &[10, 0, 0, 0, 1, 1, 0],               // a length one byte short
        &[14, 0, 0, 0, 1, 1, 0, 0],            // a length one byte long
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80], // a varint too long
    ] {
        assert_eq!(code(&with_body(1, Codec::None, record), &options()), ErrorCode::InvalidRecord, "{record:?}");
    }
    assert_eq!(code(&with_body(1, Codec::None, &[12, 0, 0, 0, 1, 1, 0]), &options()), ErrorCode::None);
}

#[test]
fn p17_a_compacted_topic_takes_no_null_key_and_names_every_bad_record() {
    for codec in Codec::ALL {
        let bytes = batch(codec, &[(NOW, None), (NOW, Some("b")), (NOW, None)]);
        assert_eq!(code(&bytes, &options()), ErrorCode::None);
        let refused = run(&bytes, &ValidateOptions { compact: true, ..options() }).unwrap_err();
        assert_eq!(refused.error_code(), ErrorCode::InvalidRecord);
        let null_key = |index| BadRecord { index, fault: RecordFault::NullKey };
        assert_eq!(refused.bad_records(), [null_key(0), null_key(2)]);
        let message = refused.bad_records()[0].message(&TopicPartition::new("t", 3));
        assert_eq!(message, "Compacted topic cannot accept message without key in topic partition t-3");
    }
}

#[test]
fn p17_the_list_of_bad_records_is_bounded() {
    let many: Vec<_> = (0..5000).map(|_| (NOW, None)).collect();
    let refused = run(&batch(Codec::Zstd, &many), &ValidateOptions { compact: true, ..options() }).unwrap_err();
    assert_eq!(refused.bad_records().len(), 1000);
    assert!(refused.to_string().contains("5000 record errors"), "{refused}");
}

#[test]
fn p18_create_time_must_lie_in_the_window() {
    let hour = 3_600_000;
    let narrow = ValidateOptions { before_max_ms: 100, after_max_ms: 50, ..options() };
    for (timestamp, by_default, in_narrow) in [
        (NOW, true, true),
        (NOW - 100, true, true),
        (NOW - 101, true, false),
        (NOW + 50, true, true),
        (NOW + 51, true, false),
        (NOW + hour, true, false),
        (NOW + hour + 1, false, false),
        (0, true, false),
        (-1, true, true),
        (-2, true, false),
        (i64::MAX, false, false),
        (i64::MIN, false, false),
    ] {
        for codec in [Codec::None, Codec::Lz4] {
            let bytes = batch(codec, &[(NOW, Some("a")), (timestamp, Some("b"))]);
            for (options, fits) in [(&options(), by_default), (&narrow, in_narrow)] {
                let want = if fits { ErrorCode::None } else { ErrorCode::InvalidTimestamp };
                assert_eq!(code(&bytes, options), want, "timestamp {timestamp}");
            }
        }
    }
}

#[test]
fn p18_a_bad_time_decides_the_error_even_beside_others() {
    let bytes = batch(Codec::None, &[(NOW, None), (NOW + 9, Some("b")), (NOW, Some("c"))]);
    let refused = run(&bytes, &ValidateOptions { compact: true, after_max_ms: 5, ..options() }).unwrap_err();
    assert_eq!(refused.error_code(), ErrorCode::InvalidTimestamp);
    let time = RecordFault::Timestamp { timestamp: NOW + 9, offset: 1, first: NOW.saturating_sub(i64::MAX), last: NOW + 5 };
    assert_eq!(refused.bad_records(), [BadRecord { index: 0, fault: RecordFault::NullKey }, BadRecord { index: 1, fault: time }]);
}

#[test]
fn p19_a_client_may_not_set_log_append_time() {
    let claims = |max| {
        patched(&plain(), |h| (h.attributes, h.max_timestamp) = (h.attributes.with_timestamp_type(TimestampType::LogAppendTime), max))
    };
    let append_time = ValidateOptions { timestamp_type: TimestampType::LogAppendTime, ..options() };
    let refused = run(&claims(NOW), &append_time).unwrap_err();
    assert_eq!((refused.error_code(), refused.bad_records().len()), (ErrorCode::InvalidTimestamp, 3));
    // On a CreateTime topic the batch's time is checked and the bit is cleared.
    assert_eq!(code(&claims(NOW + 3_600_001), &options()), ErrorCode::InvalidTimestamp);
    assert_eq!(code(&claims(-1), &options()), ErrorCode::InvalidTimestamp);
    let done = run(&claims(NOW + 1), &options()).unwrap();
    assert_eq!((done.header.timestamp_type(), done.max_timestamp), (TimestampType::CreateTime, NOW + 5));
}

#[test]
fn p20_log_append_time_sets_bit_and_max_timestamp_and_keeps_deltas() {
    let append_time = ValidateOptions { timestamp_type: TimestampType::LogAppendTime, ..options() };
    for codec in Codec::ALL {
        // Times that a CreateTime topic would refuse.
        let bytes = batch(codec, &[(i64::MAX, Some("a")), (5, Some("b"))]);
        let done = run(&bytes, &append_time).unwrap();
        assert!(!done.rewritten);
        assert_eq!((done.header.timestamp_type(), done.header.max_timestamp), (TimestampType::LogAppendTime, NOW));
        assert_eq!((done.max_timestamp, done.max_timestamp_delta, done.log_append_time), (NOW, 0, NOW));
        assert_eq!(done.body, bytes[HEADER_LEN..]);
        assert!(read(&done).iter().all(|r| r.unwrap().timestamp == NOW));
    }
}

#[test]
fn p20_create_time_rewrites_max_timestamp_to_the_true_one() {
    for lie in [NOW + 999, 0, -1] {
        let done = run(&patched(&plain(), |h| h.max_timestamp = lie), &options()).unwrap();
        assert_eq!((done.header.max_timestamp, done.max_timestamp_delta, done.rewritten), (NOW + 5, 1, false));
    }
    let untimed = batch(Codec::None, &[(-1, Some("a")), (-1, Some("b"))]);
    assert_eq!(run(&untimed, &options()).unwrap().max_timestamp, -1);
}

#[test]
fn p21_the_topics_codec_recompresses_what_has_another() {
    let records = [(NOW, Some("a")), (NOW + 5, None), (NOW + 3, Some("c"))];
    for from in Codec::ALL {
        for to in Codec::ALL {
            let fixed = ValidateOptions { compression: TopicCompression::Fixed(to.into()), ..options() };
            let bytes = batch(from, &records);
            let done = run(&bytes, &fixed).unwrap();
            assert_eq!((done.header.codec(), done.rewritten), (Ok(to), from != to));
            assert_eq!(done.max_timestamp, NOW + 5);
            let before = BatchView::parse(&bytes).unwrap().data(usize::MAX).unwrap();
            assert_eq!(read(&done).bytes, before.bytes, "{from} to {to}");
        }
    }
}

#[test]
fn p21_recompression_works_with_log_append_time() {
    let compression = TopicCompression::Fixed(Codec::Zstd.into());
    let both = ValidateOptions { compression, timestamp_type: TimestampType::LogAppendTime, ..options() };
    let done = run(&plain(), &both).unwrap();
    assert_eq!(
        (done.header.codec(), done.header.timestamp_type(), done.max_timestamp),
        (Ok(Codec::Zstd), TimestampType::LogAppendTime, NOW)
    );
}

#[test]
fn p21_size_is_checked_again_after_recompression_and_against_the_segment() {
    let many: Vec<_> = (0..1000).map(|_| (NOW, Some("key"))).collect();
    let small = batch(Codec::Zstd, &many);
    let to_none = ValidateOptions { compression: TopicCompression::Fixed(Codec::None.into()), max_message_bytes: 2000, ..options() };
    assert!(small.len() < 2000);
    assert_eq!(code(&small, &to_none), ErrorCode::MessageTooLarge);
    let segment = |n| ValidateOptions { segment_bytes: n, ..options() };
    assert_eq!(code(&small, &segment(small.len())), ErrorCode::None);
    assert_eq!(code(&small, &segment(small.len() - 1)), ErrorCode::RecordListTooLarge);
}

#[test]
fn p21_uncompressed_control_batches_stay_so() {
    let control = patched(&plain(), |h| h.attributes = h.attributes.with_control(true));
    let fixed = ValidateOptions { origin: Origin::Coordinator, compression: TopicCompression::Fixed(Codec::Gzip.into()), ..options() };
    assert!(!run(&control, &fixed).unwrap().rewritten);
}

#[test]
fn p22_inner_offsets_that_do_not_count_up_make_a_rewrite() {
    for codec in Codec::ALL {
        for deltas in [[0, 0, 0], [5, 6, 7], [2, 1, 0], [0, 1, i32::MAX]] {
            let mut builder = BatchBuilder::new(BatchOptions { compression: codec.into(), ..Default::default() });
            for (n, delta) in deltas.into_iter().enumerate() {
                builder.append_at(delta, NOW + n as i64, Some(b"k"), None, &[Header { key: b"h", value: Some(b"v") }]).unwrap();
            }
            let bytes = patched(&builder.finish().unwrap(), |h| h.last_offset_delta = 2);
            let done = run(&bytes, &options()).unwrap();
            assert!(done.rewritten);
            let data = read(&done);
            let records: Vec<_> = data.iter().map(Result::unwrap).collect();
            assert_eq!(records.iter().map(|r| (r.offset, r.timestamp)).collect::<Vec<_>>(), [(0, NOW), (1, NOW + 1), (2, NOW + 2)]);
            assert!(records.iter().all(|r| r.key == Some(b"k") && r.value.is_none() && r.headers().count() == 1));
        }
    }
}

#[test]
fn p23_a_payload_that_does_not_decode_is_an_invalid_record() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        assert_eq!(code(&with_body(1, codec, b"\xff\xff\xff\xffnot compressed"), &options()), ErrorCode::InvalidRecord);
    }
    for unknown in [5, 6, 7] {
        let bytes = patched(&plain(), |h| h.attributes.0 |= unknown);
        assert_eq!(code(&bytes, &options()), ErrorCode::InvalidRecord);
    }
}

#[test]
fn i9_sequences_are_kept_and_count_records() {
    let bytes = patched(&plain(), |h| (h.producer_id, h.producer_epoch, h.base_sequence) = (4, 2, i32::MAX));
    let done = run(&bytes, &options()).unwrap();
    assert_eq!((done.header.producer_id, done.header.producer_epoch), (4, 2));
    assert_eq!((done.header.base_sequence, done.header.last_sequence()), (i32::MAX, 1));
    assert_eq!(run(&plain(), &options()).unwrap().header.last_sequence(), -1);
}

/// One record whose value is `mib` MiB of zeros, compressed.
fn bomb(codec: Codec, mib: usize) -> Bytes {
    let mut record = Vec::new();
    write_record(&mut record, 0, 0, None, Some(&vec![0; mib << 20]), &[]).unwrap();
    let mut encoder = Encoder::new(codec.into(), Vec::new()).unwrap();
    encoder.write(&record).unwrap();
    with_body(1, codec, &encoder.finish().unwrap())
}

#[test]
fn a_decompression_bomb_is_refused() {
    for codec in [Codec::Gzip, Codec::Lz4, Codec::Zstd] {
        let bytes = bomb(codec, 48);
        let limit = |n| ValidateOptions { decompressed_limit: n, ..options() };
        assert_eq!(code(&bytes, &limit(16 << 20)), ErrorCode::MessageTooLarge);
        assert!(validate(&single_batch(&bytes, true).unwrap(), &limit(64 << 20)).is_ok());
    }
}

proptest::proptest! {
    #[test]
    fn random_bytes_never_panic(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), count in 1..5i32, id in 0..5u8) {
        let codec = Codec::from_id(id).unwrap();
        let _ = code(&Bytes::from(noise.clone()), &options());
        let _ = code(&with_body(count, codec, &noise), &options());
        let packed = crate::record::codec::compress(codec.into(), &noise, Vec::new()).unwrap();
        let _ = code(&with_body(count, codec, &packed), &options());
    }

    #[test]
    fn any_records_pass_and_read_back(
        records in proptest::collection::vec((-1..NOW, proptest::option::of("[a-z]{0,300}")), 1..50), from in 0..5u8, to in 0..5u8,
    ) {
        let records: Vec<_> = records.iter().map(|(t, k)| (*t, k.as_deref())).collect();
        let bytes = batch(Codec::from_id(from).unwrap(), &records);
        let fixed = ValidateOptions { compression: TopicCompression::Fixed(Codec::from_id(to).unwrap().into()), ..options() };
        let done = run(&bytes, &fixed).unwrap();
        let data = read(&done);
        let back: Vec<_> = data.iter().map(|r| r.unwrap()).map(|r| (r.timestamp, r.key)).collect();
        proptest::prop_assert_eq!(back, records.iter().map(|(t, k)| (*t, k.map(str::as_bytes))).collect::<Vec<_>>());
        proptest::prop_assert_eq!(done.max_timestamp, records.iter().map(|r| r.0).max().unwrap());
    }
}
