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

/// JSON as Kafka's tools print it: no blanks, numbers with a fraction as Java writes them, control characters as `\\u001F`.
pub fn to_text(value: &Value) -> String {
    let mut out = String::new();
    append(&mut out, value);
    out
}

fn append(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) if n.is_f64() => append_double(out, n.as_f64().unwrap_or_default()),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::String(s) => append_string(out, s),
        Value::Array(items) => {
            append_all(out, '[', items.iter(), append);
            out.push(']');
        }
        Value::Object(fields) => {
            append_all(out, '{', fields.iter(), |out, (name, value)| {
                append_string(out, name);
                out.push(':');
                append(out, value);
            });
            out.push('}');
        }
    }
}

fn append_all<T>(out: &mut String, open: char, items: impl Iterator<Item = T>, mut item: impl FnMut(&mut String, T)) {
    out.push(open);
    for (i, value) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        item(out, value);
    }
}

fn append_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `1024.0`, but `1.048576E7` from ten million on and `5.0E-4` below a thousandth.
fn append_double(out: &mut String, value: f64) {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        out.push_str(&format!("{value:?}"));
        return;
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    out.push_str(&format!("{digits}{point}E{exponent}"));
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
    fn text_is_as_java_writes_it() {
        let value =
            serde_json::json!({"a": [1, null, true], "b": {}, "c": "\u{1f}\"\n\u{e9}", "d": [1024.0, 10485760.0, 0.0005, 0.001, 1e7]});
        let want = r#"{"a":[1,null,true],"b":{},"c":"\u001F\"\né","d":[1024.0,1.048576E7,5.0E-4,0.001,1.0E7]}"#;
        assert_eq!(to_text(&value), want);
    }

    #[test]
    fn base64_pads() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }
}
