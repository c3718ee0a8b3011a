//! Every message in every version, against an independent reading of Kafka's definitions.

mod definitions;

use std::collections::BTreeMap;

use bytes::Bytes;
use definitions::{Definition, Dice};
use kfk_wire::{DecodeError, EncodeError, Json, Message, Reader, Writer};
use serde_json::Value;

/// What the tests need of a message, its type left out.
struct Codec {
    min: i16,
    max: i16,
    latest: i16,
    /// Decodes and encodes again; also says how many bytes were left.
    round: fn(Bytes, i16) -> Result<(Bytes, usize), DecodeError>,
    default: fn(i16) -> Result<Bytes, EncodeError>,
    json: Option<fn(Bytes, i16) -> Value>,
}

fn round<M: Message>(bytes: Bytes, version: i16) -> Result<(Bytes, usize), DecodeError> {
    let mut r = Reader::new(bytes);
    let message = M::decode(&mut r, version)?;
    let again = message.to_bytes(version).unwrap_or_else(|e| panic!("{} {version}: {e}", M::NAME));
    Ok((again, r.remaining()))
}

fn json<M: Message + Json>(bytes: Bytes, version: i16) -> Value {
    M::from_bytes(bytes, version).unwrap().to_json(version)
}

fn codecs() -> BTreeMap<&'static str, Codec> {
    let mut all = BTreeMap::new();
    macro_rules! json_of {
        (stored, $message:ty) => {
            Some(json::<$message>)
        };
        (spoken, $message:ty) => {
            None
        };
    }
    macro_rules! row {
        ($module:ident, $message:ident, $sort:ident) => {
            type M = kfk_wire::$module::$message;
            let codec = Codec {
                min: M::MIN,
                max: M::MAX,
                latest: M::LATEST,
                round: round::<M>,
                default: |version| M::default().to_bytes(version),
                json: json_of!($sort, M),
            };
            all.insert(M::NAME, codec);
        };
    }
    macro_rules! scoped {
        ($($row:tt)*) => {{ row!($($row)*); }};
    }
    kfk_wire::for_each_message!(scoped);
    all
}

/// Calls `check` with every message, version, and its definition.
fn for_each_version(mut check: impl FnMut(&Definition, &Codec, i16)) {
    let definitions = definitions::load();
    for (name, codec) in codecs() {
        let definition = &definitions[name];
        for version in definition.valid.0..=definition.valid.1 {
            check(definition, &codec, version);
        }
    }
}

/// A seed that differs from message to message.
fn seed(definition: &Definition, version: i16, round: u64) -> u64 {
    definition.name.bytes().fold(round * 1000 + version as u64, |h, b| h.wrapping_mul(31).wrapping_add(b.into()))
}

#[test]
fn every_version_reads_what_the_definitions_say_and_writes_it_again() {
    let mut versions = 0;
    for_each_version(|definition, codec, version| {
        versions += 1;
        for i in 0..20 {
            let (bytes, shown) = definition.sample(version, &mut Dice::new(seed(definition, version, i)));
            let bytes = Bytes::from(bytes);
            let place = format!("{} {version} sample {i}", definition.name);
            let (again, left) = (codec.round)(bytes.clone(), version).unwrap_or_else(|e| panic!("{place}: {e}"));
            assert_eq!((again, left), (bytes.clone(), 0), "{place}");
            if let Some(json) = codec.json {
                assert_eq!(json(bytes, version).to_string(), shown.to_string(), "{place}");
            }
        }
    });
    assert!(versions > 600, "{versions}");
}

#[test]
fn defaults_are_those_of_the_definitions() {
    for_each_version(|definition, codec, version| {
        let want = definition.default(version).0;
        match (codec.default)(version) {
            Ok(bytes) => assert_eq!(bytes, want, "{} {version}", definition.name),
            // The default is null where this version allows none: Kafka cannot write it either.
            Err(EncodeError::Null { .. }) => {}
            Err(e) => panic!("{} {version}: {e}", definition.name),
        }
    });
}

#[test]
fn ranges_of_versions_are_those_of_the_definitions() {
    let definitions = definitions::load();
    for (name, codec) in codecs() {
        let unstable = name.starts_with("InitProducerId");
        assert_eq!((codec.min, codec.latest), (definitions[name].valid.0, definitions[name].valid.1), "{name}");
        assert_eq!(codec.max, codec.latest - i16::from(unstable), "{name}");
        for version in [codec.min - 1, codec.latest + 1] {
            assert!(matches!((codec.round)(Bytes::new(), version), Err(DecodeError::UnsupportedVersion { .. })), "{name}");
            assert!(matches!((codec.default)(version), Err(EncodeError::UnsupportedVersion { .. })), "{name}");
        }
    }
}

#[test]
fn n3_a_message_cut_anywhere_is_an_error() {
    for_each_version(|definition, codec, version| {
        let (bytes, _) = definition.sample(version, &mut Dice::new(seed(definition, version, 0)));
        let bytes = Bytes::from(bytes);
        for len in (0..bytes.len()).take(300) {
            assert!((codec.round)(bytes.slice(..len), version).is_err(), "{} {version} cut to {len}", definition.name);
        }
    });
}

/// Whatever arrives is a message or an error; what became a message can be written again, unless a null is where none may be.
#[test]
fn n14_damaged_messages_never_panic() {
    for_each_version(|definition, codec, version| {
        let mut dice = Dice::new(seed(definition, version, 1));
        let decode = |bytes: Vec<u8>| {
            let _ = (codec.round)(bytes.into(), version);
        };
        for _ in 0..40 {
            let (mut bytes, _) = definition.sample(version, &mut dice);
            for _ in 0..=dice.below(3) {
                let at = dice.below(bytes.len().max(1) as u64) as usize;
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = if dice.below(2) == 0 { 0xff } else { dice.next() as u8 };
                }
            }
            decode(bytes);
            let noise = (0..dice.below(60)).map(|_| dice.next() as u8 >> dice.below(8)).collect();
            decode(noise);
        }
    });
}

#[test]
fn unknown_tagged_fields_are_skipped() {
    use kfk_wire::response_header::ResponseHeader;
    let mut w = Writer::new();
    w.i32(7);
    w.raw(&[2, 0, 3, 1, 2, 3, 99, 0]);
    let header = ResponseHeader::from_bytes(w.into_bytes().unwrap(), 1).unwrap();
    assert_eq!(header, ResponseHeader { correlation_id: 7 });
}

/// One message of every kind and version, as Apache Kafka's own classes wrote it.
#[test]
fn bytes_and_json_are_those_of_apache_kafka() {
    let codecs = codecs();
    let mut versions = 0;
    for line in include_str!("kafka-4.3.1-messages.tsv").lines().filter(|l| !l.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (codec, version, hex) = (&codecs[columns[0]], columns[1].parse().unwrap(), columns.get(2).unwrap_or(&""));
        let bytes: Bytes = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
        let place = format!("{} {version}", columns[0]);
        let (again, left) = (codec.round)(bytes.clone(), version).unwrap_or_else(|e| panic!("{place}: {e}"));
        assert_eq!((again, left), (bytes.clone(), 0), "{place}");
        assert_eq!(codec.json.is_some(), columns.len() == 4, "{place}");
        if let Some(json) = codec.json {
            assert_eq!(kfk_wire::json::to_text(&json(bytes, version)), columns[3], "{place}");
        }
        versions += 1;
    }
    assert_eq!(versions, codecs.values().map(|c| (c.min..=c.latest).len()).sum::<usize>());
}
