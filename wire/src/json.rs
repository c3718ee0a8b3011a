//! Records as the JSON that Kafka's tools print: fields in order of definition, ids as text, bytes as base64.

use bytes::Bytes;
use serde_json::Value;

use crate::Uuid;

/// Something that Kafka's tools print as JSON.
pub trait Json {
    fn to_json(&self, version: i16) -> Value;
}

/// A JSON object under construction.
pub(crate) struct Object(serde_json::Map<String, Value>);

impl Object {
    pub(crate) fn new() -> Object {
        Object(serde_json::Map::new())
    }

    pub(crate) fn put(&mut self, name: &str, value: &impl Json, version: i16) {
        self.0.insert(name.to_owned(), value.to_json(version));
    }

    pub(crate) fn done(self) -> Value {
        Value::Object(self.0)
    }
}

macro_rules! plain {
    ($($ty:ty),*) => {
        $(impl Json for $ty {
            fn to_json(&self, _version: i16) -> Value {
                Value::from(*self)
            }
        })*
    };
}

plain!(bool, i8, i16, u16, i32, u32, i64, f64);

impl Json for String {
    fn to_json(&self, _version: i16) -> Value {
        Value::from(self.as_str())
    }
}

impl Json for Uuid {
    fn to_json(&self, _version: i16) -> Value {
        Value::from(self.to_string())
    }
}

impl Json for Bytes {
    fn to_json(&self, _version: i16) -> Value {
        Value::from(base64(self))
    }
}

impl<T: Json> Json for Option<T> {
    fn to_json(&self, version: i16) -> Value {
        self.as_ref().map_or(Value::Null, |value| value.to_json(version))
    }
}

impl<T: Json> Json for Vec<T> {
    fn to_json(&self, version: i16) -> Value {
        self.iter().map(|value| value.to_json(version)).collect()
    }
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let six = (bits >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() { char::from(ALPHABET[six as usize]) } else { '=' });
        }
    }
    out
}

/// Why JSON is not the struct it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("no field {0:?}")]
    Missing(&'static str),
    #[error("field {0:?} has the wrong type or is out of range")]
    Wrong(&'static str),
}

/// A struct that is kept as JSON in a file.
pub trait FromJson: Sized {
    fn from_json(json: &Value, version: i16) -> Result<Self, JsonError>;
}

/// A field of an object, which must be there.
pub(crate) fn field<T: FromJson>(object: &Value, name: &'static str, version: i16) -> Result<T, JsonError> {
    let value = object.get(name).ok_or(JsonError::Missing(name))?;
    // The innermost field's name is the useful one.
    T::from_json(value, version).map_err(|e| if e == JsonError::Wrong("") { JsonError::Wrong(name) } else { e })
}

impl FromJson for String {
    fn from_json(json: &Value, _version: i16) -> Result<Self, JsonError> {
        json.as_str().map(String::from).ok_or(JsonError::Wrong(""))
    }
}

impl FromJson for Uuid {
    fn from_json(json: &Value, _version: i16) -> Result<Self, JsonError> {
        json.as_str().and_then(|s| s.parse().ok()).ok_or(JsonError::Wrong(""))
    }
}

impl FromJson for i32 {
    fn from_json(json: &Value, _version: i16) -> Result<Self, JsonError> {
        json.as_i64().and_then(|n| i32::try_from(n).ok()).ok_or(JsonError::Wrong(""))
    }
}

impl FromJson for i64 {
    fn from_json(json: &Value, _version: i16) -> Result<Self, JsonError> {
        json.as_i64().ok_or(JsonError::Wrong(""))
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: &Value, version: i16) -> Result<Self, JsonError> {
        if json.is_null() { Ok(None) } else { T::from_json(json, version).map(Some) }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: &Value, version: i16) -> Result<Self, JsonError> {
        json.as_array().ok_or(JsonError::Wrong(""))?.iter().map(|value| T::from_json(value, version)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }
}
