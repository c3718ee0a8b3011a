//! An interpreter of Kafka's message definitions that shares no code with the generator: it invents a value for a message in a
//! version and says which bytes, and which JSON, Kafka would write for it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::Value;

/// Repeatable random numbers (xorshift).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// An inclusive range of versions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range(pub i16, pub i16);

impl Range {
    fn parse(text: Option<&Value>) -> Option<Range> {
        let text = text?.as_str()?;
        let number = |t: &str| t.parse::<i16>().unwrap();
        Some(match (text, text.strip_suffix('+'), text.split_once('-')) {
            ("none", ..) => Range(1, 0),
            (_, Some(low), _) => Range(number(low), i16::MAX),
            (_, _, Some((low, high))) => Range(number(low), number(high)),
            _ => Range(number(text), number(text)),
        })
    }

    fn has(self, version: i16) -> bool {
        self.0 <= version && version <= self.1
    }
}

/// One definition, as it stands in its file.
pub struct Definition {
    pub name: String,
    pub valid: Range,
    json: Value,
    flexible: Range,
    structs: HashMap<String, Vec<Value>>,
}

/// Every definition that has a version, by name.
pub fn load() -> BTreeMap<String, Definition> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../codegen/messages");
    let mut all = BTreeMap::new();
    for folder in std::fs::read_dir(root).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let bare: String = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
            let definition = Definition::new(serde_json::from_str(&bare).unwrap());
            if definition.valid.0 <= definition.valid.1 {
                all.insert(definition.name.clone(), definition);
            }
        }
    }
    all
}

fn list(json: &Value, key: &str) -> Vec<Value> {
    json.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn text<'a>(json: &'a Value, key: &str) -> &'a str {
    json.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Definition {
    fn new(json: Value) -> Definition {
        let mut structs = HashMap::new();
        let mut todo = vec![list(&json, "fields")];
        for common in list(&json, "commonStructs") {
            structs.insert(text(&common, "name").to_string(), list(&common, "fields"));
            todo.push(list(&common, "fields"));
        }
        while let Some(fields) = todo.pop() {
            for field in fields {
                if field.get("fields").is_some() {
                    let name = text(&field, "type").trim_start_matches("[]").to_string();
                    structs.insert(name, list(&field, "fields"));
                    todo.push(list(&field, "fields"));
                }
            }
        }
        Definition {
            name: text(&json, "name").into(),
            valid: Range::parse(json.get("validVersions")).unwrap(),
            flexible: Range::parse(json.get("flexibleVersions")).unwrap_or(Range(1, 0)),
            structs,
            json,
        }
    }

    /// An invented message: its bytes and its JSON.
    pub fn sample(&self, version: i16, dice: &mut Dice) -> (Vec<u8>, Value) {
        let mut maker = Maker { definition: self, version, dice: Some(dice) };
        maker.structure(&list(&self.json, "fields"))
    }

    /// The message in which every field has its default.
    pub fn default(&self, version: i16) -> (Vec<u8>, Value) {
        let mut maker = Maker { definition: self, version, dice: None };
        maker.structure(&list(&self.json, "fields"))
    }
}

/// Makes values of one version; with dice any value, without them the default.
struct Maker<'a> {
    definition: &'a Definition,
    version: i16,
    dice: Option<&'a mut Dice>,
}

const NAMES: [&str; 8] = ["", "a", "orders", "zürich-\u{1f600}", "with \"quotes\"\n", "group.instance-1", "127.0.0.1", "x_y.z-0"];

impl Maker<'_> {
    fn structure(&mut self, fields: &[Value]) -> (Vec<u8>, Value) {
        let (mut bytes, mut json) = (Vec::new(), serde_json::Map::new());
        let mut tagged = BTreeMap::new();
        for field in fields {
            let in_tags = Range::parse(field.get("taggedVersions"));
            let versions = Range::parse(field.get("versions")).or(in_tags).unwrap();
            if !versions.has(self.version) {
                continue;
            }
            let flexible = Range::parse(field.get("flexibleVersions")).unwrap_or(self.definition.flexible).has(self.version);
            let (value, shown) = self.field(field, flexible);
            let mut name = text(field, "name").to_string();
            name[..1].make_ascii_lowercase();
            if in_tags.is_some_and(|t| t.has(self.version)) {
                let default = Maker { definition: self.definition, version: self.version, dice: None }.field(field, flexible).0;
                if value != default {
                    tagged.insert(field["tag"].as_u64().unwrap(), value);
                    json.insert(name, shown);
                }
            } else {
                bytes.extend(value);
                json.insert(name, shown);
            }
        }
        if self.definition.flexible.has(self.version) {
            uvarint(&mut bytes, tagged.len() as u64);
            for (tag, value) in tagged {
                uvarint(&mut bytes, tag);
                uvarint(&mut bytes, value.len() as u64);
                bytes.extend(value);
            }
        }
        (bytes, Value::Object(json))
    }

    fn field(&mut self, field: &Value, flexible: bool) -> (Vec<u8>, Value) {
        let ty = text(field, "type");
        let nullable = Range::parse(field.get("nullableVersions"));
        let default = match field.get("default") {
            Some(Value::String(s)) => s.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        // "records" start as null; a default of "null" says so of the others.
        let null = match &mut self.dice {
            Some(dice) => nullable.is_some_and(|n| n.has(self.version)) && dice.one_in(4),
            None => default == "null" || ty == "records" && nullable.is_some(),
        };
        let is_struct = ty.starts_with(char::is_uppercase);
        if null {
            let bytes = match ty {
                _ if is_struct && field.get("tag").is_some() => vec![0],
                _ if is_struct => vec![0xff],
                _ if flexible => vec![0],
                "string" => vec![0xff; 2],
                _ => vec![0xff; 4],
            };
            return (bytes, Value::Null);
        }
        let (mut bytes, json) = match ty.strip_prefix("[]") {
            Some(element) => self.array(element, flexible),
            None => self.value(ty, if default == "null" { "" } else { &default }, flexible),
        };
        if is_struct && nullable.is_some_and(|n| n.has(self.version)) {
            bytes.insert(0, 1);
        }
        (bytes, json)
    }

    fn array(&mut self, element: &str, flexible: bool) -> (Vec<u8>, Value) {
        let is_struct = element.starts_with(char::is_uppercase);
        let count = match &mut self.dice {
            None => 0,
            Some(dice) => match dice.below(40) {
                0 if !is_struct => 130,
                _ => dice.below(3),
            },
        };
        let mut bytes = length(count as usize, 4, flexible);
        let mut items = Vec::new();
        for _ in 0..count {
            let (value, json) = self.value(element, "", flexible);
            bytes.extend(value);
            items.push(json);
        }
        (bytes, Value::Array(items))
    }

    fn value(&mut self, ty: &str, default: &str, flexible: bool) -> (Vec<u8>, Value) {
        let number = |dice: &mut Option<&mut Dice>| match dice {
            Some(dice) => dice.next() as i64 >> dice.below(64),
            None => match default.strip_prefix("0x") {
                Some(hex) => i64::from_str_radix(hex, 16).unwrap(),
                None => default.parse().unwrap_or(0),
            },
        };
        match ty {
            "bool" => {
                let b = self.dice.as_mut().map_or(default == "true", |d| d.one_in(2));
                (vec![u8::from(b)], b.into())
            }
            "int8" => both(number(&mut self.dice) as i8, |n| n.to_be_bytes()),
            "int16" => both(number(&mut self.dice) as i16, |n| n.to_be_bytes()),
            "uint16" => both(number(&mut self.dice) as u16, |n| n.to_be_bytes()),
            "int32" => both(number(&mut self.dice) as i32, |n| n.to_be_bytes()),
            "uint32" => both(number(&mut self.dice) as u32, |n| n.to_be_bytes()),
            "int64" => both(number(&mut self.dice), |n| n.to_be_bytes()),
            "float64" => both((number(&mut self.dice) % 1_000_000) as f64 / 4.0, |n| n.to_be_bytes()),
            "uuid" => {
                let mut id = [0; 16];
                if let Some(dice) = &mut self.dice {
                    id.fill_with(|| dice.next() as u8);
                }
                (id.to_vec(), base64(&id, b"-_").into())
            }
            "string" => {
                let s = self.dice.as_mut().map_or(default.to_string(), |d| match d.below(NAMES.len() as u64 + 1) as usize {
                    long if long == NAMES.len() => "long".repeat(40),
                    i => NAMES[i].to_string(),
                });
                let mut bytes = length(s.len(), 2, flexible);
                bytes.extend(s.as_bytes());
                (bytes, s.into())
            }
            "bytes" | "records" => {
                let size = self.dice.as_mut().map_or(0, |d| if d.one_in(10) { 700 } else { d.below(20) });
                let data: Vec<u8> = (0..size).map(|_| self.dice.as_mut().unwrap().next() as u8).collect();
                let mut bytes = length(data.len(), 4, flexible);
                bytes.extend(&data);
                (bytes, base64(&data, b"+/").into())
            }
            _ => {
                let fields = self.definition.structs.get(ty).unwrap_or_else(|| panic!("{}: {ty}", self.definition.name));
                self.structure(fields)
            }
        }
    }
}

fn both<T: Copy + Into<Value>, const N: usize>(number: T, bytes: impl Fn(T) -> [u8; N]) -> (Vec<u8>, Value) {
    (bytes(number).to_vec(), number.into())
}

fn uvarint(out: &mut Vec<u8>, mut n: u64) {
    while n > 127 {
        out.push(n as u8 | 128);
        n >>= 7;
    }
    out.push(n as u8);
}

/// A length in its classic form of `width` bytes, or as a varint one larger.
fn length(n: usize, width: usize, flexible: bool) -> Vec<u8> {
    let mut out = Vec::new();
    if flexible {
        uvarint(&mut out, n as u64 + 1);
    } else {
        out.extend(&(n as u32).to_be_bytes()[4 - width..]);
    }
    out
}

/// Base64 bit by bit: padded where the alphabet ends in `+/`, unpadded where it ends in `-_`.
fn base64(bytes: &[u8], last: &[u8; 2]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).collect();
    let alphabet: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(*last).collect();
    let sextet = |six: &[u8]| (0..6).fold(0, |n, i| n << 1 | six.get(i).copied().unwrap_or(0)) as usize;
    let mut out: String = bits.chunks(6).map(|six| char::from(alphabet[sextet(six)])).collect();
    while last == b"+/" && !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}
