//! Writes `wire/src/generated` from Kafka's message definitions in `codegen/messages`.
//!
//!     cargo run -p kfk-codegen            writes the files and formats them with rustfmt
//!     cargo test -p kfk-codegen           fails when the committed files are not what the definitions give
//!
//! The definitions ship inside Kafka's jars (`common/message/*.json` of kafka-clients 4.3.1 and its sisters).

mod emit;
mod index;
mod names;
mod schema;
mod types;
mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Definitions that nothing here speaks: tiered storage, and the principal of an envelope.
const LEFT_OUT: [&str; 5] = [
    "DefaultPrincipalData",
    "RemoteLogSegmentMetadataRecord",
    "RemoteLogSegmentMetadataSnapshotRecord",
    "RemoteLogSegmentMetadataUpdateRecord",
    "RemotePartitionDeleteMetadataRecord",
];

fn definitions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("messages")
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/src/generated")
}

/// Every file to write, by name, not yet formatted.
fn generate() -> BTreeMap<String, String> {
    let mut messages = schema::load(&definitions());
    messages.retain(|m| !LEFT_OUT.contains(&m.name.as_str()));
    spread_unstable(&mut messages);
    let mut files = BTreeMap::new();
    for message in &messages {
        files.insert(format!("{}.rs", names::snake(&message.name)), emit::message_file(message));
    }
    files.insert("api_key.rs".into(), index::api_key_file(&messages));
    files.insert("record_kinds.rs".into(), index::record_kinds_file(&messages));
    files.insert("mod.rs".into(), index::mod_file(&messages));
    files
}

/// Only requests say that their latest version is unstable; the response of the same key shares the fate.
fn spread_unstable(messages: &mut [schema::Message]) {
    let keys: Vec<_> = messages.iter().filter(|m| m.latest_unstable).map(|m| m.api_key).collect();
    for message in messages.iter_mut().filter(|m| m.kind == schema::Kind::Response && keys.contains(&m.api_key)) {
        message.latest_unstable = true;
    }
}

fn main() -> ExitCode {
    match write(&target(), &generate()) {
        Ok(count) => {
            println!("wrote {count} files to wire/src/generated");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("kfk-codegen: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Writes and formats the files; removes those that no definition gives any more.
fn write(dir: &Path, files: &BTreeMap<String, String>) -> Result<usize, String> {
    let told = |what: &str, e: std::io::Error| format!("{what}: {e}");
    std::fs::create_dir_all(dir).map_err(|e| told("creating wire/src/generated", e))?;
    for entry in std::fs::read_dir(dir).map_err(|e| told("reading wire/src/generated", e))?.flatten() {
        if !files.contains_key(&entry.file_name().to_string_lossy().into_owned()) {
            std::fs::remove_file(entry.path()).map_err(|e| told("removing a stale file", e))?;
        }
    }
    for (name, text) in files {
        std::fs::write(dir.join(name), text).map_err(|e| told(name, e))?;
    }
    // rustfmt follows the `mod` lines of mod.rs to all the others.
    let status = Command::new("rustfmt").args(["--edition", "2024"]).arg(dir.join("mod.rs")).status();
    match status.map_err(|e| told("rustfmt (part of the Rust toolchain: `rustup component add rustfmt`)", e))? {
        status if status.success() => Ok(files.len()),
        status => Err(format!("rustfmt: {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a source text when layout is taken away, so that the check needs no rustfmt.
    fn without_layout(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '{' | '}')).collect()
    }

    #[test]
    fn committed_files_are_what_the_definitions_give() {
        let files = generate();
        let committed: Vec<String> =
            std::fs::read_dir(target()).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        for name in &committed {
            assert!(files.contains_key(name), "{name} comes from no definition: cargo run -p kfk-codegen");
        }
        for (name, text) in &files {
            let there = std::fs::read_to_string(target().join(name)).unwrap_or_default();
            let same = without_layout(&there) == without_layout(text);
            assert!(same, "{name} is not current: cargo run -p kfk-codegen");
        }
    }

    #[test]
    fn every_kind_of_definition_is_there() {
        let files = generate();
        for name in ["produce_request.rs", "topic_record.rs", "offset_commit_key.rs", "quorum_state_data.rs", "voters_record.rs"] {
            assert!(files.contains_key(name), "{name}");
        }
        assert!(!files.contains_key("leader_and_isr_request.rs"), "removed from the protocol");
    }
}
