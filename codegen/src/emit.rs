//! One message to one Rust file: its structs with their defaults, decoding and encoding, and JSON for those that tools print.

use std::fmt::Write;

use crate::names;
use crate::schema::{Kind, Message, Struct};
use crate::types::{Place, flexible_variable};
use crate::versions::{Condition, Versions};

/// The message's file, before formatting.
pub fn message_file(message: &Message) -> String {
    let mut out = format!("//! {}, {}. Written by kfk-codegen from Kafka's definition.\n\n", message.name, version_words(message.valid));
    out.push_str("use crate::prelude::*;\n");
    for owner in message.structs.iter().filter(|s| !s.known.is_empty()) {
        structure(&mut out, message, owner);
        defaults(&mut out, message, owner);
        codec(&mut out, message, owner);
        if prints_json(message) {
            to_json(&mut out, message, owner);
        }
    }
    constants(&mut out, message);
    if reads_json(message) {
        from_json(&mut out, message);
    }
    out
}

/// Whether the message is printed as JSON: everything that is stored in a log or a file.
pub fn prints_json(message: &Message) -> bool {
    !matches!(message.kind, Kind::Request | Kind::Response | Kind::Header)
}

/// The one message that is kept as JSON in a file.
fn reads_json(message: &Message) -> bool {
    message.name == "QuorumStateData"
}

fn version_words(valid: Versions) -> String {
    if valid.low == valid.high { format!("version {}", valid.low) } else { format!("versions {} to {}", valid.low, valid.high) }
}

fn version_range(versions: Versions, valid: Versions) -> String {
    match versions {
        Versions { low, high } if low == high => format!("version {low}"),
        Versions { low, high } if high == valid.high => format!("versions {low}+"),
        Versions { low, high } => format!("versions {low}-{high}"),
    }
}

/// The fields of a struct that exist in any version that we know.
fn places<'a>(message: &'a Message, owner: &'a Struct) -> impl Iterator<Item = Place<'a>> {
    owner.fields.iter().map(move |field| Place { message, owner, field }).filter(|p| p.present() != Condition::Never)
}

fn tagged<'a>(message: &'a Message, owner: &'a Struct) -> Vec<Place<'a>> {
    let mut tagged: Vec<_> = places(message, owner).filter(Place::is_tagged).collect();
    tagged.sort_by_key(|p| p.field.tag);
    tagged
}

fn derives_default(message: &Message, owner: &Struct) -> bool {
    places(message, owner).all(|p| p.default().is_none())
}

fn structure(out: &mut String, message: &Message, owner: &Struct) {
    let default = if derives_default(message, owner) { "Default, " } else { "" };
    let _ = writeln!(out, "\n#[derive(Clone, Debug, {default}PartialEq)]\npub struct {} {{", owner.name);
    for place in places(message, owner) {
        let versions = place.field.versions.and(owner.known);
        let mut about = place.field.about.replace(['<', '>'], "`");
        if versions != message.valid {
            about = format!("{} ({})", about.trim_end(), version_range(versions, message.valid));
        }
        if !about.trim().is_empty() {
            let _ = writeln!(out, "/// {}", about.trim());
        }
        let _ = writeln!(out, "pub {}: {},", names::field(&place.field.name), place.rust_type());
    }
    out.push_str("}\n");
}

fn defaults(out: &mut String, message: &Message, owner: &Struct) {
    if derives_default(message, owner) {
        return;
    }
    let _ = writeln!(out, "\nimpl Default for {} {{\nfn default() -> Self {{\nSelf {{", owner.name);
    for place in places(message, owner) {
        let value = place.default().unwrap_or_else(|| "Default::default()".into());
        let _ = writeln!(out, "{}: {value},", names::field(&place.field.name));
    }
    out.push_str("}\n}\n}\n");
}

/// `impl Message` for the top struct, `impl Struct` for the others.
fn codec(out: &mut String, message: &Message, owner: &Struct) {
    let top = owner.name == message.name;
    if top {
        let _ = writeln!(out, "\nimpl Message for {} {{", owner.name);
        let _ = writeln!(out, "const NAME: &'static str = {:?};", owner.name);
        let _ = writeln!(out, "const MIN: i16 = {};\nconst MAX: i16 = {};", message.valid.low, message.stable_high());
        if message.latest_unstable {
            let _ = writeln!(out, "const LATEST: i16 = {};", message.valid.high);
        }
    } else {
        let _ = writeln!(out, "\nimpl Struct for {} {{", owner.name);
    }
    let check = |error: &str| if top { format!("Self::check_version(v).ok_or({error}::version::<Self>(v))?;\n") } else { String::new() };
    let flexible = flexible_variable(message, owner);
    let _ = writeln!(out, "\nfn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {{\n{}{flexible}", check("DecodeError"));
    decode_body(out, message, owner);
    let _ =
        writeln!(out, "}}\n\nfn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {{\n{}{flexible}", check("EncodeError"));
    encode_body(out, message, owner);
    out.push_str("Ok(())\n}\n}\n");
}

/// Wraps a statement in its condition.
fn when(condition: &Condition, statement: &str) -> String {
    match condition {
        Condition::Always => format!("{statement}\n"),
        Condition::Never => String::new(),
        Condition::When(c) => format!("if {c} {{ {statement} }}\n"),
    }
}

fn decode_body(out: &mut String, message: &Message, owner: &Struct) {
    out.push_str("let mut out = Self::default();\n");
    for place in places(message, owner).filter(|p| !p.is_tagged()) {
        let name = names::field(&place.field.name);
        let mut read = format!("out.{name} = {};", place.read());
        if let (true, Condition::When(c)) = (place.is_option(), place.nullable()) {
            let _ = write!(read, "not_null(out.{name}.is_some() || {c}, {:?})?;", place.field.name);
        }
        out.push_str(&when(&place.present(), &read));
    }
    let section = decode_tags(message, owner);
    out.push_str(&when(&message.flexible.condition(owner.known), &section));
    out.push_str("Ok(out)\n");
}

fn decode_tags(message: &Message, owner: &Struct) -> String {
    let tagged = tagged(message, owner);
    if tagged.is_empty() {
        return "r.skip_tags()?;".into();
    }
    let mut section = String::from("r.tags(|r, tag| {\nmatch tag {\n");
    for place in tagged {
        let known = owner.known.and(message.flexible);
        let guard = match place.field.versions.condition(known) {
            Condition::When(c) => format!(" if {c}"),
            _ => String::new(),
        };
        let tag = place.field.tag.unwrap_or_default();
        let _ = writeln!(section, "{tag}{guard} => out.{} = {},", names::field(&place.field.name), place.read());
    }
    section.push_str("_ => return Ok(false),\n}\nOk(true)\n})?;");
    section
}

fn encode_body(out: &mut String, message: &Message, owner: &Struct) {
    for place in places(message, owner).filter(|p| !p.is_tagged()) {
        let mut write = String::new();
        if let (true, Condition::When(c)) = (place.is_option(), place.nullable()) {
            let _ = write!(write, "may_write({}.is_some() || {c}, {:?})?;", place.own(), place.field.name);
        }
        write.push_str(&place.write());
        out.push_str(&or_absent(&place, place.present(), &write));
    }
    let tagged = tagged(message, owner);
    for place in &tagged {
        // Outside its versions a tagged field is refused or dropped like any other.
        if place.present() != Condition::Always && !place.field.ignorable {
            let _ = writeln!(out, "if {} && {} {{ {} }}", place.present().negated(), place.differs(), refuse(place));
        }
    }
    let mut section = String::new();
    if tagged.is_empty() {
        section.push_str("w.no_tags();");
    } else {
        section.push_str("let t = w.start_tags();\n");
    }
    for place in &tagged {
        let known = owner.known.and(message.flexible);
        let present = place.field.versions.condition(known);
        let (tag, write) = (place.field.tag.unwrap_or_default(), place.write());
        let _ = writeln!(section, "if {} {{\nw.tag(t, {tag}, |w| {{ {write} Ok(()) }})?;\n}}", both(&present, &place.differs()));
    }
    out.push_str(&when(&message.flexible.condition(owner.known), &section));
}

fn both(condition: &Condition, expression: &str) -> String {
    match condition {
        Condition::When(c) => format!("{c} && {expression}"),
        _ => expression.into(),
    }
}

/// `write` where the field is present; elsewhere an error if its value would be lost and may not be.
fn or_absent(place: &Place, present: Condition, write: &str) -> String {
    match present {
        Condition::When(c) if !place.field.ignorable => {
            format!("if {c} {{ {write} }} else if {} {{ {} }}\n", place.differs(), refuse(place))
        }
        present => when(&present, write),
    }
}

fn refuse(place: &Place) -> String {
    format!("return Err(EncodeError::absent({:?}, v));", place.field.name)
}

fn to_json(out: &mut String, message: &Message, owner: &Struct) {
    let _ = writeln!(out, "\nimpl Json for {} {{\nfn to_json(&self, v: i16) -> Value {{\nlet mut o = Object::new();", owner.name);
    for place in places(message, owner) {
        let put = format!("o.put({:?}, &{}, v);", names::json(&place.field.name), place.own());
        let put = if place.is_tagged() { format!("if {} {{ {put} }}", place.differs()) } else { put };
        out.push_str(&when(&place.present(), &put));
    }
    out.push_str("o.done()\n}\n}\n");
}

fn from_json(out: &mut String, message: &Message) {
    for owner in &message.structs {
        let _ = writeln!(out, "\nimpl FromJson for {} {{\nfn from_json(json: &Value, v: i16) -> Result<Self, JsonError> {{", owner.name);
        out.push_str("let mut out = Self::default();\n");
        for place in places(message, owner) {
            let get = format!("out.{} = json::field(json, {:?}, v)?;", names::field(&place.field.name), names::json(&place.field.name));
            out.push_str(&when(&place.present(), &get));
        }
        out.push_str("Ok(out)\n}\n}\n");
    }
}

/// What ties a message to its key.
fn constants(out: &mut String, message: &Message) {
    let Some(key) = message.api_key else { return };
    let name = &message.name;
    match message.kind {
        Kind::Request => {
            let api = name.trim_end_matches("Request");
            let _ = writeln!(out, "\nimpl Request for {name} {{\nconst KEY: ApiKey = ApiKey::{api};");
            let _ = writeln!(out, "type Response = super::{}::{api}Response;\n}}", names::snake(&format!("{api}Response")));
        }
        Kind::Metadata | Kind::CoordinatorKey | Kind::CoordinatorValue => {
            let _ = writeln!(out, "\nimpl {name} {{\n/// Its number among the records of its log.\npub const TYPE: i16 = {key};\n}}");
        }
        Kind::Response | Kind::Header | Kind::Data => {}
    }
}
