//! Records by format strings, as rpk and kcl print them.

use super::*;
use crate::cli::records::samples::Sample;

fn printed(layout: &str, sample: &Sample) -> Vec<u8> {
    let mut out = Vec::new();
    let mut format = Format::parse(layout).unwrap();
    let marks = PartitionMarks { log_start: 2, last_stable: 8, high_watermark: 9 };
    sample.with(|record| format.write(record, marks, &mut out));
    out
}

fn text(layout: &str, sample: &Sample) -> String {
    String::from_utf8(printed(layout, sample)).unwrap()
}

#[test]
fn fields_lengths_and_numbers() {
    let sample = Sample::of(Some(b"key"), Some(b"va\xff"), &[("a", Some(b"1")), ("b", None)]);
    assert_eq!(text("%t/%p/%o/%e %T %K %V %H %i%%\\n", &sample), "t/1/5/7 1 3 3 2 1%\n");
    assert_eq!(text("%k{hex} %v{base64} %v{base64raw} %v{json} %k{json}", &sample), "6b6579 dmH/ dmH/ {\"base64\":\"dmH/\"} \"key\"");
    assert_eq!(printed("%K{big32}%k%V{little16}%v", &sample), b"\0\0\0\x03key\x03\0va\xff");
    assert_eq!(text("%[ %| %] %x %y", &sample), "2 8 9 -1 -1");
    assert_eq!(text("%s", &Sample::of(None, Some(b"v"), &[])), "v");
}

#[test]
fn null_prints_as_nothing_except_as_json() {
    let sample = Sample::of(None, None, &[]);
    assert_eq!(text("<%k><%v><%K><%k{json}>", &sample), "<><><0><null>");
}

#[test]
fn headers_repeat_their_braces() {
    let sample = Sample::of(None, None, &[("a", Some(b"1")), ("b", None)]);
    assert_eq!(text("%H:%h{ %k=%v{hex}(%K,%V)}", &sample), "2: a=31(1,1) b=(1,0)");
    assert_eq!(text("%h", &sample), "a=1,b=");
}

#[test]
fn times_and_attributes() {
    let sample = Sample::of(None, None, &[]);
    assert_eq!(text("%d %d{hex64} %d{strftime[%F]}", &sample), "1700000004000 0000018bcfe577a0 2023-11-14");
    assert_eq!(text("%d{go##2006-01-02T15:04:05Z07:00##}", &sample), "2023-11-14T22:13:24Z");
    assert_eq!(text("%a{compression} %a{compression;number} %a{timestamp-type} %a{control-bit;bool}", &sample), "none 0 0 false");
    assert_eq!(text("%d{strftime[%F]}", &Sample { timestamp: i64::MAX / 2, ..sample }), (i64::MAX / 2).to_string());
}

#[test]
fn what_is_for_reading_is_refused() {
    for bad in ["%K{3}", "%k{re[a]}", "%h{%h{%k}}", "%h{%o}", "%h{%t}"] {
        assert!(Format::parse(bad).is_err(), "{bad}");
    }
    assert!(Format::parse("%]").unwrap().wants_marks() && !Format::parse("%o").unwrap().wants_marks());
}
