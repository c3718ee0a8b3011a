//! The files beside the messages: `mod.rs`, `api_key.rs` with the table of requests, `record_kinds.rs` with the records of each
//! internal log.

use std::fmt::Write;

use crate::emit::prints_json;
use crate::names;
use crate::schema::{Kind, Message};

/// `generated/mod.rs`.
pub fn mod_file(messages: &[Message]) -> String {
    let mut out = String::from("//! Kafka's messages, one file each. Written by kfk-codegen from Kafka's definitions.\n\n");
    let mut modules: Vec<String> = messages.iter().map(|m| names::snake(&m.name)).collect();
    modules.extend(["api_key".into(), "record_kinds".into()]);
    modules.sort();
    for module in modules {
        let _ = writeln!(out, "pub mod {module};");
    }
    out.push_str(&for_each_macro(messages));
    out
}

/// A macro over every message, for tests that want to visit all of them: `stored` ones have JSON, `spoken` ones have not.
fn for_each_macro(messages: &[Message]) -> String {
    let mut out = String::from(
        "\n/// Calls a macro with `module, Message, stored|spoken` for every message.\n#[macro_export]\nmacro_rules! for_each_message {\n($call:ident) => {\n",
    );
    for message in messages {
        let sort = if prints_json(message) { "stored" } else { "spoken" };
        let _ = writeln!(out, "$call!({}, {}, {sort});", names::snake(&message.name), message.name);
    }
    out.push_str("};\n}\n");
    out
}

/// `generated/api_key.rs`.
pub fn api_key_file(messages: &[Message]) -> String {
    let mut requests: Vec<&Message> = messages.iter().filter(|m| m.kind == Kind::Request).collect();
    requests.sort_by_key(|m| m.api_key);
    let mut out =
        String::from("//! The kinds of requests. Written by kfk-codegen from Kafka's definitions.\n\nuse crate::api_key::Row;\n\n");
    out.push_str("/// What a request asks for: the first number of its header.\n");
    out.push_str("#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\n#[repr(i16)]\npub enum ApiKey {\n");
    for m in &requests {
        let _ = writeln!(out, "{} = {},", api(m), m.api_key.unwrap_or(-1));
    }
    out.push_str("}\n\n/// One row per request, by key.\n#[rustfmt::skip]\npub(crate) const TABLE: &[Row] = &[\n");
    for m in &requests {
        let _ = writeln!(out, "    {},", row(m));
    }
    out.push_str("];\n");
    out
}

fn row(m: &Message) -> String {
    // Clients built on librdkafka take a broker that does not list Produce 0 for one they cannot produce to (KAFKA-18659).
    let advertised_min = if api(m) == "Produce" { 0 } else { m.valid.low };
    let first_flexible = if m.flexible.is_empty() { "i16::MAX".into() } else { m.flexible.low.to_string() };
    let on = |listener: &str| m.listeners.iter().any(|l| l == listener);
    let (min, max, latest) = (m.valid.low, m.stable_high(), m.valid.high);
    let (name, broker, controller) = (api(m), on("broker"), on("controller"));
    format!(
        "Row {{ key: ApiKey::{name}, name: {name:?}, min: {min}, max: {max}, latest: {latest}, advertised_min: {advertised_min}, \
         first_flexible: {first_flexible}, broker: {broker}, controller: {controller} }}"
    )
}

/// `generated/record_kinds.rs`: one enum for each log, and for keys and values apart where a log has both.
pub fn record_kinds_file(messages: &[Message]) -> String {
    let mut out = String::from("//! The records of each internal log. Written by kfk-codegen from Kafka's definitions.\n\n");
    out.push_str("use crate::record_frames::record_kinds;\n");
    for (name, folder, kind, about) in [
        ("MetadataRecord", "metadata", Kind::Metadata, "A record of `__cluster_metadata`."),
        ("GroupKey", "group", Kind::CoordinatorKey, "The key of a record of `__consumer_offsets`."),
        ("GroupValue", "group", Kind::CoordinatorValue, "The value of a record of `__consumer_offsets`."),
        ("TransactionKey", "transaction", Kind::CoordinatorKey, "The key of a record of `__transaction_state`."),
        ("TransactionValue", "transaction", Kind::CoordinatorValue, "The value of a record of `__transaction_state`."),
        ("ShareKey", "share", Kind::CoordinatorKey, "The key of a record of `__share_group_state`."),
        ("ShareValue", "share", Kind::CoordinatorValue, "The value of a record of `__share_group_state`."),
    ] {
        let mut kinds: Vec<&Message> = messages.iter().filter(|m| m.kind == kind && m.folder == folder).collect();
        kinds.sort_by_key(|m| m.api_key);
        let _ = writeln!(out, "\nrecord_kinds! {{\n    /// {about}\n    {name} {{");
        for m in kinds {
            let _ = writeln!(out, "        {}", record_kind(m));
        }
        out.push_str("    }\n}\n");
    }
    out
}

fn record_kind(m: &Message) -> String {
    let bare = ["Record", "Key", "Value"].iter().find_map(|end| m.name.strip_suffix(end)).unwrap_or(&m.name);
    // Kafka names a metadata record after its message, a coordinator's record after what it is about.
    let shown = if m.kind == Kind::Metadata { &m.name } else { bare };
    let (module, key) = (names::snake(&m.name), m.api_key.unwrap_or(-1));
    format!("{bare}({module}::{}) = {key}, {:?};", m.name, names::upper_snake(shown))
}

fn api(message: &Message) -> &str {
    message.name.trim_end_matches("Request")
}
