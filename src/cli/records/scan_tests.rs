//! Reading by format strings: the same records however the input is cut, and no end without all of them.

use super::*;

/// Key, value, partition and headers of all records; feeds the input in pieces of `step` bytes.
fn records(layout: &str, input: &[u8], step: usize) -> Result<Vec<String>, String> {
    let scanner = Scanner::parse(layout)?;
    let (mut out, mut start, mut end) = (Vec::new(), 0, step.min(input.len()));
    loop {
        let all = end == input.len();
        match scanner.next(&input[start..end], all)? {
            Some((record, taken)) => {
                start += taken;
                let text = |bytes: &Option<Bytes<'_>>| bytes.as_ref().map_or("-".to_owned(), |b| String::from_utf8_lossy(b).into_owned());
                let headers: String = record.headers.iter().map(|(k, v)| format!(" {}={}", String::from_utf8_lossy(k), text(v))).collect();
                out.push(format!("{}:{}{headers}", text(&record.key), text(&record.value)));
            }
            None if all => return Ok(out),
            None => end = (end + step).min(input.len()),
        }
    }
}

fn same(layout: &str, input: &[u8], wanted: &[&str]) {
    for step in 1..=input.len().max(1) {
        assert_eq!(records(layout, input, step).unwrap(), wanted, "{layout} in pieces of {step}");
    }
}

#[test]
fn texts_end_at_what_follows_them() {
    same("%k\\t%v\\n", b"a\tb\nc\td\n", &["a:b", "c:d"]);
    same("%k\\t%v\\n", b"a\tb\n\t", &["a:b", ":"]);
    same("%k||%v;;", b"a|||b;c;;x||y", &["a:|b;c", "x:y"]);
    same("%v\\n", b"one\ntwo", &["-:one", "-:two"]);
    same("%v", b"all\nof it", &["-:all\nof it"]);
    same("<%v>\\n", b"<a>\n<b>\n", &["-:a", "-:b"]);
}

#[test]
fn lengths_come_first() {
    same("%K{big16}%k%V{byte}%v", b"\0\x02ab\x01c\0\0\0", &["ab:c", ":"]);
    same("%V %v\\n", b"3 a b\n0 \n", &["-:a b", "-:"]);
    same("%V{3}%v%K{1}%k", b"abcdefgh", &["d:abc", "h:efg"]);
    same("%H %h{%K{byte}%k%V{byte}%v}%v\\n", b"2 \x01a\x01b\x01c\0V\n0 W\n", &["-:V a=b c=", "-:W"]);
    same("%H %h{%k:%v,}%k=%v\\n", b"1 x:y,K=V\n", &["K:V x=y"]);
}

#[test]
fn texts_are_decoded() {
    same("%k{hex} %v{base64}\\n", b"6869 aGk=\n", &["hi:hi"]);
    same("%v{json}%k\\n", b"{\"a\": [1.0e5, 2]}x\n\"q \\\"\"y\n", &["x:{\"a\":[1.0e5,2]}", "y:\"q \\\"\""]);
    same("%k{re[\\d+]}%v\\n", b"12ab\n3c\n", &["12:ab", "3:c"]);
    assert!(records("%k{hex}\\n", b"zz\n", 9).unwrap_err().starts_with("\"zz\": "));
}

#[test]
fn numbers_tell_partition_and_time() {
    let scanner = Scanner::parse("%p %d %o %v\\n").unwrap();
    let (record, taken) = scanner.next(b"3 1700000000000 9 x\n", true).unwrap().unwrap();
    assert_eq!((record.partition, record.timestamp, taken), (Some(3), Some(1_700_000_000_000), 20));
    assert!(scanner.next(b"99999999999 1 1 x\n", true).is_err());
}

#[test]
fn what_does_not_fit_is_told() {
    assert_eq!(records("%k=%v\\n", b"novalue", 9).unwrap_err(), "the input ends in the middle of a record");
    assert_eq!(records("<%v>\\n", b"x>\n", 9).unwrap_err(), "\"<\" should stand where \"x>\\n\" does");
    assert_eq!(records("%K{big32}%k", b"\xff\xff\xff\xffx", 9).unwrap_err(), "the input ends in the middle of a record");
    assert!(records("%v{re[x*]}", b"y", 9).unwrap_err().contains("takes nothing"));
}

#[test]
fn formats_without_an_end_are_refused() {
    for bad in
        ["", "x", "%p\\n", "%k%v\\n", "%h{%k}", "%h{%k%v}", "%i%v", "%H%h{%v,}%v", "%v{unpack[i]}", "%a{compression}%v", "%K%k{json}"]
    {
        assert!(Scanner::parse(bad).is_err(), "{bad}");
    }
}
