//! What `json` writes, `line` reads back; what is no record is refused.

use proptest::prelude::*;

use super::*;
use crate::cli::records::json::JsonLines;
use crate::cli::records::samples::Sample;

fn written(sample: &Sample) -> Vec<u8> {
    let mut out = Vec::new();
    sample.with(|record| JsonLines::default().write(record, &mut out));
    out
}

fn sample() -> impl Strategy<Value = Sample> {
    let text = || proptest::option::of(prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes)]);
    let name = prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes)];
    let headers = proptest::collection::vec((name, text()), 0..4);
    (0..i64::MAX / 2, text(), text(), headers).prop_map(|(timestamp, key, value, headers)| Sample { timestamp, key, value, headers })
}

proptest! {
    #[test]
    fn every_record_comes_back_unchanged(sample in sample()) {
        let line = written(&sample);
        prop_assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
        let record = read(&line).unwrap();
        prop_assert_eq!(record.topic.as_deref(), Some("t"));
        prop_assert_eq!((record.partition, record.timestamp), (Some(1), Some(sample.timestamp)));
        prop_assert_eq!(record.key.as_deref(), sample.key.as_deref());
        prop_assert_eq!(record.value.as_deref(), sample.value.as_deref());
        let headers: Vec<_> = record.headers.iter().map(|(k, v)| (k.to_vec(), v.as_ref().map(|v| v.to_vec()))).collect();
        prop_assert_eq!(headers, sample.headers);
    }

    #[test]
    fn any_line_is_read_or_refused(line in any::<Vec<u8>>()) {
        let _ = read(&line);
    }
}

#[test]
fn a_line_is_what_the_schema_says() {
    let sample = Sample::of(Some(b"k\"\n"), Some(b"\xff"), &[("h", None), ("h", Some(b""))]);
    assert_eq!(
        String::from_utf8(written(&sample)).unwrap(),
        "{\"topic\":\"t\",\"partition\":1,\"offset\":5,\"timestamp\":1700000004000,\"timestamp_type\":\"CreateTime\",\"key\":\"k\\\"\\n\",\
         \"value\":{\"base64\":\"/w==\"},\"headers\":[{\"key\":\"h\",\"value\":null},{\"key\":\"h\",\"value\":\"\"}]}\n"
    );
}

#[test]
fn lines_by_hand_may_be_short() {
    let record = read(br#"{"value": "v"}"#).unwrap();
    assert_eq!(record, InputRecord { value: Some(Cow::Borrowed(b"v")), ..InputRecord::default() });
    assert!(matches!(record.value, Some(Cow::Borrowed(_))), "a plain text is not copied");
    let record = read(br#"{"key":null,"value":null,"timestamp":"2023-11-14T22:13:24Z","headers":null}"#).unwrap();
    assert_eq!(record.timestamp, Some(1_700_000_004_000));
    assert_eq!(read(br#"{"value":"\u00e9\n"}"#).unwrap().value.as_deref(), Some("é\n".as_bytes()));
}

#[test]
fn what_is_no_record_is_told() {
    let told = |line: &str| read(line.as_bytes()).unwrap_err();
    assert_eq!(told(r#"{"key":"k"}"#), "there is no \"value\"; a tombstone has \"value\": null (column 11)");
    assert!(told(r#"{"vlaue":"v"}"#).starts_with("unknown field \"vlaue\""), "{}", told(r#"{"vlaue":"v"}"#));
    assert!(told(r#"{"value":{"a":1}}"#).starts_with("an object stands for bytes only as"));
    assert!(told(r#"{"value":5}"#).starts_with("invalid type: integer `5`, expected a string, null or "));
    assert!(told(r#"{"value":{"base64":"?"}}"#).starts_with("not base64"));
    assert!(told(r#"{"value":"a","value":"b"}"#).starts_with("duplicate field"));
    for bad in
        ["", "x", "[]", r#"{"value":"v"} x"#, r#"{"value":"v","headers":[{"key":null,"value":"x"}]}"#, r#"{"value":"v","timestamp":-1}"#]
    {
        assert!(read(bad.as_bytes()).is_err(), "{bad}");
    }
}
