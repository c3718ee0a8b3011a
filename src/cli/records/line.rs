//! A record out of a line of JSON, as `json` writes it and as people write it by hand.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::times::{self, Bare};
use crate::record::Header;

/// Bytes that are those of the input where these need no decoding.
pub type Bytes<'a> = Cow<'a, [u8]>;

/// A record as the input tells it. `None`: null, or not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputRecord<'a> {
    pub topic: Option<Cow<'a, str>>,
    pub partition: Option<i32>,
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
    pub key: Option<Bytes<'a>>,
    pub value: Option<Bytes<'a>>,
    pub headers: Vec<(Bytes<'a>, Option<Bytes<'a>>)>,
}

impl InputRecord<'_> {
    /// The headers as the producer takes them.
    pub fn headers(&self) -> Vec<Header<'_>> {
        self.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect()
    }
}

/// Reads one line. Errors: it is not such a record; what is wrong and where.
pub fn read(line: &[u8]) -> Result<InputRecord<'_>, String> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let record = RecordSeed.deserialize(&mut json).map_err(told)?;
    json.end().map_err(told)?;
    Ok(record)
}

/// Without serde_json's line number: there is only one line.
fn told(e: serde_json::Error) -> String {
    let text = e.to_string();
    let place = format!(" at line {} column {}", e.line(), e.column());
    match text.strip_suffix(&place) {
        Some(text) if e.column() > 0 => format!("{text} (column {})", e.column()),
        _ => text,
    }
}

struct RecordSeed;

impl<'a> DeserializeSeed<'a> for RecordSeed {
    type Value = InputRecord<'a>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<InputRecord<'a>, D::Error> {
        from.deserialize_map(self)
    }
}

/// Refuses a field that came before.
fn once<E: Error>(seen: &mut bool, name: &'static str) -> Result<(), E> {
    if std::mem::replace(seen, true) { Err(E::duplicate_field(name)) } else { Ok(()) }
}

impl<'a> Visitor<'a> for RecordSeed {
    type Value = InputRecord<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record: {\"key\": ..., \"value\": ...}")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<InputRecord<'a>, M::Error> {
        let mut record = InputRecord::default();
        let [mut topic, mut partition, mut timestamp, mut key, mut value, mut headers] = [false; 6];
        while let Some(name) = map.next_key_seed(StrSeed)? {
            match &*name {
                "topic" => {
                    once(&mut topic, "topic")?;
                    record.topic = map.next_value_seed(NullableStr)?;
                }
                "partition" => {
                    once(&mut partition, "partition")?;
                    record.partition = map.next_value()?;
                }
                "timestamp" => {
                    once(&mut timestamp, "timestamp")?;
                    record.timestamp = map.next_value_seed(TimeSeed)?;
                }
                "key" => {
                    once(&mut key, "key")?;
                    record.key = map.next_value_seed(BytesSeed)?;
                }
                "value" => {
                    once(&mut value, "value")?;
                    record.value = map.next_value_seed(BytesSeed)?;
                }
                "headers" => {
                    once(&mut headers, "headers")?;
                    record.headers = map.next_value_seed(HeadersSeed)?;
                }
                // What a record has only once it is stored.
                "offset" | "timestamp_type" => drop(map.next_value::<IgnoredAny>()?),
                other => return Err(unknown(other)),
            }
        }
        if !value {
            return Err(M::Error::custom("there is no \"value\"; a tombstone has \"value\": null"));
        }
        Ok(record)
    }
}

fn unknown<E: Error>(name: &str) -> E {
    E::custom(format!("unknown field \"{name}\"; a record has topic, partition, timestamp, key, value and headers"))
}

/// A string that may be borrowed.
struct StrSeed;

impl<'a> DeserializeSeed<'a> for StrSeed {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Cow<'a, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for StrSeed {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct NullableStr;

impl<'a> DeserializeSeed<'a> for NullableStr {
    type Value = Option<Cow<'a, str>>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'a> Visitor<'a> for NullableStr {
    type Value = Option<Cow<'a, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'a>>(self, from: D) -> Result<Self::Value, D::Error> {
        StrSeed.deserialize(from).map(Some)
    }
}

/// A number of milliseconds, or a moment as `times` reads it.
struct TimeSeed;

impl<'a> DeserializeSeed<'a> for TimeSeed {
    type Value = Option<i64>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Option<i64>, D::Error> {
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for TimeSeed {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("milliseconds since 1970, a time like \"2026-01-31T10:00:00Z\", or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Option<i64>, E> {
        if n < 0 { Err(E::custom("a timestamp cannot be negative")) } else { Ok(Some(n)) }
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Option<i64>, E> {
        i64::try_from(n).map(Some).map_err(|_| E::custom("the timestamp is too large"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<i64>, E> {
        let at = times::moment(text, times::now(), Bare::Ago).map_err(E::custom)?;
        self.visit_i64(at.millis)
    }
}

/// A string, null, or `{"base64": "..."}`.
struct BytesSeed;

impl<'a> DeserializeSeed<'a> for BytesSeed {
    type Value = Option<Bytes<'a>>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Option<Bytes<'a>>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for BytesSeed {
    type Value = Option<Bytes<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, null or {\"base64\": \"...\"}")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text.as_bytes())))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.as_bytes().to_vec())))
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let other = || M::Error::custom("an object stands for bytes only as {\"base64\": \"...\"}");
        let name = map.next_key_seed(StrSeed)?.ok_or_else(other)?;
        let bytes = match &*name {
            "base64" => {
                let text = map.next_value_seed(StrSeed)?;
                STANDARD.decode(&*text).map_err(|e| M::Error::custom(format!("not base64: {e}")))?
            }
            _ => return Err(other()),
        };
        match map.next_key_seed(StrSeed)? {
            None => Ok(Some(Cow::Owned(bytes))),
            Some(_) => Err(other()),
        }
    }
}

/// `[{"key": ..., "value": ...}, ...]` or null.
struct HeadersSeed;

type HeaderPairs<'a> = Vec<(Bytes<'a>, Option<Bytes<'a>>)>;

impl<'a> DeserializeSeed<'a> for HeadersSeed {
    type Value = HeaderPairs<'a>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<HeaderPairs<'a>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for HeadersSeed {
    type Value = HeaderPairs<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers: [{\"key\": ..., \"value\": ...}, ...]")
    }

    fn visit_unit<E: Error>(self) -> Result<HeaderPairs<'a>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut seq: S) -> Result<HeaderPairs<'a>, S::Error> {
        let mut all = Vec::new();
        while let Some(header) = seq.next_element_seed(HeaderSeed)? {
            all.push(header);
        }
        Ok(all)
    }
}

struct HeaderSeed;

impl<'a> DeserializeSeed<'a> for HeaderSeed {
    type Value = (Bytes<'a>, Option<Bytes<'a>>);

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for HeaderSeed {
    type Value = (Bytes<'a>, Option<Bytes<'a>>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header: {\"key\": ..., \"value\": ...}")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let (mut key, mut value) = (None, None);
        while let Some(name) = map.next_key_seed(StrSeed)? {
            match &*name {
                "key" if key.is_none() => key = Some(map.next_value_seed(BytesSeed)?),
                "value" if value.is_none() => value = Some(map.next_value_seed(BytesSeed)?),
                _ => return Err(M::Error::custom(format!("unknown field \"{name}\"; a header has one key and one value"))),
            }
        }
        match (key, value) {
            (Some(Some(key)), Some(value)) => Ok((key, value)),
            (Some(None), _) => Err(M::Error::custom("a header's key cannot be null")),
            _ => Err(M::Error::custom("a header has a key and a value")),
        }
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
