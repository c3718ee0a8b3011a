//! `docs/differences.md`: which recorded commands kfk answers differently, and why. The document is the list; nothing else skips a command.

use std::cell::Cell;
use std::path::Path;

/// A recorded command that is not expected to match.
#[derive(Debug)]
pub struct Difference {
    /// The transcript, without `.txt`.
    pub file: String,
    pub command: String,
    pub reason: String,
    /// It came up in a replay and did differ.
    pub used: Cell<bool>,
}

/// All entries of the document's part "Single commands": under `### FILE`, `- reason` with the commands as nested items in backticks.
pub fn load() -> Vec<Difference> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/differences.md");
    parse(&std::fs::read_to_string(path).expect("docs/differences.md"))
}

fn parse(text: &str) -> Vec<Difference> {
    let mut all = Vec::new();
    let (mut file, mut reason) = (String::new(), String::new());
    let part = text.split_once("\n## Single commands").map_or("", |(_, part)| part);
    let part = part.split("\n## ").next().unwrap_or(part);
    for line in part.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            file = name.to_owned();
            reason.clear();
        } else if let Some(text) = line.strip_prefix("- ") {
            reason = text.to_owned();
        } else if let Some(item) = line.strip_prefix("  - `") {
            let command = item.trim_end().strip_suffix('`').expect("a command between backticks").to_owned();
            assert!(!reason.is_empty(), "{command}: a difference without a reason");
            all.push(Difference { file: file.clone(), command, reason: reason.clone(), used: Cell::new(false) });
        } else if let Some(more) = line.strip_prefix("  ") {
            reason.push(' ');
            reason.push_str(more);
        }
    }
    all
}

#[test]
fn the_document_is_read() {
    let all = parse(
        "# x\n- not here\n\n## Single commands\n\n### kafka-topics\n\n- First\n  reason.\n  - `kafka-topics --a`\n  - `kafka-topics --b 'c'`\n- Second.\n  - `x`\n",
    );
    let seen: Vec<_> = all.iter().map(|d| (d.file.as_str(), d.command.as_str(), d.reason.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("kafka-topics", "kafka-topics --a", "First reason."),
            ("kafka-topics", "kafka-topics --b 'c'", "First reason."),
            ("kafka-topics", "x", "Second.")
        ]
    );
}
