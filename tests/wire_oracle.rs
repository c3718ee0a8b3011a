//! The wire crate beside an independent one, `kafka-protocol`: the same bytes must mean the same fields to both, and both must write
//! them again. The bytes are Apache Kafka's own (`wire/tests/kafka-4.3.1-messages.tsv`), so three parties agree.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as OtherKey, RequestKind, ResponseKind};
use kfk::wire::{ApiKey, Message};
use regex::Regex;

/// Fields that Kafka added after 4.1, which `kafka-protocol` 0.18 follows.
const NEWER: &str = "ack_when_committed|cordoned_log_dirs|is_cordoned|lag|delivery_complete_count|acquisition_lock_timeout_ms\
    |share_acquire_mode|is_renew_ack|transaction_version";

/// How a message reads when printed for debugging, after decoding.
type Show = fn(Bytes, i16) -> String;

fn show<M: Message + std::fmt::Debug>(bytes: Bytes, version: i16) -> String {
    format!("{:?}", M::from_bytes(bytes, version).unwrap())
}

fn ours() -> BTreeMap<&'static str, Show> {
    let mut all: BTreeMap<&'static str, Show> = BTreeMap::new();
    macro_rules! row {
        ($module:ident, $message:ident, $sort:ident) => {
            all.insert(kfk::wire::$module::$message::NAME, show::<kfk::wire::$module::$message>);
        };
    }
    kfk::wire::for_each_message!(row);
    all
}

/// Takes away what differs in writing only: wrappers, the place of an underscore, the form of ids.
struct Plain {
    rules: Vec<(Regex, &'static str)>,
    id: Regex,
}

impl Plain {
    fn new() -> Plain {
        let newer = format!(", (?:{NEWER}): [^,}} ]+");
        let rules = [
            (newer.as_str(), ""),
            // Gone since.
            ("partition_max_bytes: 0, (acknowledgement_batches)", "$1"),
            (r"\benable_2_pc\b", "enable2_pc"),
            (r",? ?unknown_tagged_fields: \{\}", ""),
            (r"\b(Bytes)\((b\x22(?:[^\x22\\]|\\.)*\x22)\)", "$2"),
            (r"\b_(type|match)\b", "${1}_"),
            (r"\bk_raft_", "kraft_"),
            (r" \{ *\}", ""),
            (r"\b[A-Z][A-Za-z0-9]* \{", "{"),
        ];
        let rules = rules.map(|(pattern, with)| (Regex::new(pattern).unwrap(), with)).into();
        Plain { rules, id: Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap() }
    }

    fn of(&self, text: &str) -> String {
        let mut text = self.id.replace_all(text, |id: &regex::Captures| base64_id(&id[0])).into_owned();
        for (pattern, with) in &self.rules {
            text = pattern.replace_all(&text, *with).into_owned();
        }
        text
    }
}

fn base64_id(hyphenated: &str) -> String {
    let mut id = [0; 16];
    hex::decode_to_slice(hyphenated.replace('-', ""), &mut id).unwrap();
    kfk::wire::Uuid(id).to_string()
}

/// What the other crate makes of the bytes: their meaning, and the bytes it writes for it. `None` if it has no such version.
fn theirs(name: &str, version: i16, bytes: &Bytes) -> Option<(String, Bytes)> {
    let (api, is_request) = match name.strip_suffix("Request") {
        Some(api) => (api, true),
        None => (name.strip_suffix("Response")?, false),
    };
    let ours = ApiKey::all().find(|k| k.name() == api)?;
    let key = OtherKey::try_from(ours.code()).ok()?;
    if version > ours.max_version() {
        return None;
    }
    let (mut input, mut output) = (bytes.clone(), BytesMut::new());
    let decoded = if is_request {
        RequestKind::decode(key, &mut input, version).map(|message| (format!("{message:?}"), message.encode(&mut output, version)))
    } else {
        ResponseKind::decode(key, &mut input, version).map(|message| (format!("{message:?}"), message.encode(&mut output, version)))
    };
    let (shown, encoded) = match decoded {
        // Its own table of versions promises some that it does not have.
        Err(e) if format!("{e:#}").contains("specified version not supported") => return None,
        decoded => decoded.unwrap_or_else(|e| panic!("{name} {version}: {e:#}")),
    };
    encoded.unwrap_or_else(|e| panic!("{name} {version}: {e:#}"));
    assert!(input.is_empty(), "{name} {version}");
    // The enum's variant is wrapped around the message.
    let inner = shown.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(&shown);
    Some((inner.to_string(), output.freeze()))
}

#[test]
fn both_crates_read_the_same_meaning_from_kafkas_bytes() {
    let (ours, plain) = (ours(), Plain::new());
    let mut compared = 0;
    for line in include_str!("../wire/tests/kafka-4.3.1-messages.tsv").lines().filter(|l| !l.starts_with('#')) {
        let mut columns = line.split('\t');
        let (name, version) = (columns.next().unwrap(), columns.next().unwrap().parse::<i16>().unwrap());
        let bytes = Bytes::from(hex::decode(columns.next().unwrap_or_default()).unwrap());
        let Some((meaning, written)) = theirs(name, version, &bytes) else { continue };
        assert_eq!(plain.of(&ours[name](bytes.clone(), version)), plain.of(&meaning), "{name} {version}");
        assert_eq!(written, bytes, "{name} {version}");
        compared += 1;
    }
    assert!(compared > 550, "only {compared} messages in common");
}
