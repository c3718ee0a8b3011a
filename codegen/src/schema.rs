//! Kafka's message definitions, read from their JSON (with `//` comment lines) into a model that the emitters walk.
//!
//! What the words of a definition mean:
//! `versions` where a field exists; `nullableVersions` where it may be null; `taggedVersions` + `tag` where it is written in the
//! tagged section instead of in line; `ignorable` whether a value may be dropped silently when the version has no place for it;
//! `default` its value when absent; `flexibleVersions` where lengths are varints and structs end in a tagged section.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::versions::Versions;

/// What a message is for; decides which traits and helpers it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Request,
    Response,
    Header,
    /// A record of `__cluster_metadata`.
    Metadata,
    CoordinatorKey,
    CoordinatorValue,
    /// Anything else: control records, the consumer protocol, snapshot files.
    Data,
}

/// One definition file.
#[derive(Clone, Debug)]
pub struct Message {
    pub name: String,
    pub kind: Kind,
    /// The folder below `messages/`.
    pub folder: String,
    pub api_key: Option<i16>,
    pub listeners: Vec<String>,
    pub valid: Versions,
    pub flexible: Versions,
    pub latest_unstable: bool,
    /// The top struct first, then nested ones in order of definition, then common ones.
    pub structs: Vec<Struct>,
}

impl Message {
    /// The highest version that released clients may use.
    pub fn stable_high(&self) -> i16 {
        if self.latest_unstable { self.valid.high - 1 } else { self.valid.high }
    }
}

#[derive(Clone, Debug)]
pub struct Struct {
    pub name: String,
    /// The versions of the message in which this struct can occur.
    pub known: Versions,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub ty: Type,
    pub versions: Versions,
    pub nullable: Versions,
    pub tagged: Versions,
    pub tag: Option<u32>,
    /// Where it differs from the message's.
    pub flexible: Option<Versions>,
    pub ignorable: bool,
    /// The text of the default; empty when none is given.
    pub default: String,
    pub about: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Float64,
    Uuid,
    String,
    Bytes,
    Records,
    Struct(String),
    Array(Box<Type>),
}

impl Type {
    fn parse(text: &str) -> Type {
        match text {
            "bool" => Type::Bool,
            "int8" => Type::Int8,
            "int16" => Type::Int16,
            "uint16" => Type::Uint16,
            "int32" => Type::Int32,
            "uint32" => Type::Uint32,
            "int64" => Type::Int64,
            "float64" => Type::Float64,
            "uuid" => Type::Uuid,
            "string" => Type::String,
            "bytes" => Type::Bytes,
            "records" => Type::Records,
            _ => match text.strip_prefix("[]") {
                Some(element) => Type::Array(Box::new(Type::parse(element))),
                None if text.starts_with(|c: char| c.is_uppercase()) => Type::Struct(text.into()),
                None => panic!("unknown type {text:?}"),
            },
        }
    }

    /// The struct that this type is, or that its elements are.
    pub fn struct_name(&self) -> Option<&str> {
        match self {
            Type::Struct(name) => Some(name),
            Type::Array(element) => element.struct_name(),
            _ => None,
        }
    }
}

/// Reads every `*.json` in the folders below `dir`, sorted by name. Messages without a valid version are left out.
pub fn load(dir: &Path) -> Vec<Message> {
    let mut messages = Vec::new();
    for folder in entries(dir) {
        for file in entries(&folder) {
            let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let json = parse_json(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            if let Some(message) = Message::from_json(&json, name) {
                messages.push(message);
            }
        }
    }
    messages.sort_by(|a, b| a.name.cmp(&b.name));
    messages
}

fn entries(dir: &Path) -> Vec<std::path::PathBuf> {
    let listing = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut paths: Vec<_> = listing.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    paths
}

fn parse_json(text: &str) -> serde_json::Result<Value> {
    let bare: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
    serde_json::from_str(&bare.join("\n"))
}

fn text<'a>(json: &'a Value, key: &str) -> Option<&'a str> {
    json.get(key).and_then(Value::as_str)
}

fn versions(json: &Value, key: &str) -> Option<Versions> {
    text(json, key).map(Versions::parse)
}

impl Message {
    fn from_json(json: &Value, folder: String) -> Option<Message> {
        let name = text(json, "name").expect("a message has a name").to_string();
        let valid = versions(json, "validVersions").expect("a message has validVersions");
        if valid.is_empty() {
            return None;
        }
        let kind = match text(json, "type").expect("a message has a type") {
            "request" => Kind::Request,
            "response" => Kind::Response,
            "header" => Kind::Header,
            "metadata" => Kind::Metadata,
            "coordinator-key" => Kind::CoordinatorKey,
            "coordinator-value" => Kind::CoordinatorValue,
            "data" => Kind::Data,
            other => panic!("{name}: unknown message type {other}"),
        };
        let listeners = json.get("listeners").and_then(Value::as_array);
        let mut structs = vec![Struct { name: name.clone(), known: valid, fields: fields(json) }];
        collect_nested(&mut structs, json);
        for common in json.get("commonStructs").and_then(Value::as_array).into_iter().flatten() {
            let name = text(common, "name").expect("a struct has a name").to_string();
            structs.push(Struct { name, known: Versions::NONE, fields: fields(common) });
            collect_nested(&mut structs, common);
        }
        spread_versions(&mut structs);
        Some(Message {
            kind,
            folder,
            api_key: json.get("apiKey").and_then(Value::as_i64).map(|k| k as i16),
            listeners: listeners.into_iter().flatten().filter_map(|l| l.as_str().map(String::from)).collect(),
            valid,
            flexible: versions(json, "flexibleVersions").unwrap_or(Versions::NONE),
            latest_unstable: json.get("latestVersionUnstable").and_then(Value::as_bool).unwrap_or(false),
            structs,
            name,
        })
    }
}

fn fields(owner: &Value) -> Vec<Field> {
    let list = owner.get("fields").and_then(Value::as_array);
    list.into_iter().flatten().map(Field::from_json).collect()
}

/// Adds the structs that are defined inside the fields of `owner`.
fn collect_nested(structs: &mut Vec<Struct>, owner: &Value) {
    for field in owner.get("fields").and_then(Value::as_array).into_iter().flatten() {
        if field.get("fields").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            continue;
        }
        let name = Type::parse(text(field, "type").unwrap_or_default()).struct_name().expect("only structs have fields").to_string();
        structs.push(Struct { name, known: Versions::NONE, fields: fields(field) });
        collect_nested(structs, field);
    }
}

/// Works out in which versions each struct can occur, from the top struct down.
fn spread_versions(structs: &mut [Struct]) {
    let index: HashMap<String, usize> = structs.iter().enumerate().map(|(i, s)| (s.name.clone(), i)).collect();
    assert_eq!(index.len(), structs.len(), "{}: two structs of one name", structs[0].name);
    let mut todo = vec![0];
    while let Some(at) = todo.pop() {
        for field in structs[at].fields.clone() {
            let Some(name) = field.ty.struct_name() else { continue };
            let inner = *index.get(name).unwrap_or_else(|| panic!("{}: no struct {name}", structs[0].name));
            let known = structs[inner].known.hull(structs[at].known.and(field.versions));
            if known != structs[inner].known {
                structs[inner].known = known;
                todo.push(inner);
            }
        }
    }
}

impl Field {
    fn from_json(json: &Value) -> Field {
        let name = text(json, "name").expect("a field has a name").to_string();
        let tagged = versions(json, "taggedVersions").unwrap_or(Versions::NONE);
        let default = match json.get("default") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(s)) => s.clone(),
            Some(other) => other.to_string(),
        };
        Field {
            ty: Type::parse(text(json, "type").unwrap_or_else(|| panic!("{name}: no type"))),
            // A field that names only its tagged versions exists in just those.
            versions: versions(json, "versions").unwrap_or(tagged),
            nullable: versions(json, "nullableVersions").unwrap_or(Versions::NONE),
            tagged,
            tag: json.get("tag").and_then(Value::as_u64).map(|t| t as u32),
            flexible: versions(json, "flexibleVersions"),
            ignorable: json.get("ignorable").and_then(Value::as_bool).unwrap_or(false),
            default,
            about: text(json, "about").unwrap_or_default().to_string(),
            name,
        }
    }
}
