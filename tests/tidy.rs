//! Style as a test: who may name whom, what pure rooms may not touch, how long files and functions may grow.
//!
//! The arrows are those of `docs/ARCHITECTURE.md`. When one has to change, change it here in the same commit and say why.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may name besides itself, `types`, `rng` and `wire` (which every room may).
const MAY_NAME: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("record", &[]),
    ("log", &["record"]),
    ("machine", &["record"]),
    ("node", &["machine", "log", "record"]),
    ("net", &[]),
    ("broker", &["node", "net", "machine", "log", "record", "config"]),
    ("client", &["machine", "net", "record", "config"]),
    ("cli", &["client", "record", "config"]),
];

/// Files that alone may take one more step than their room.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("src/cli/server.rs", "broker"),
    ("src/cli/embedded.rs", "broker"),
    ("src/cli/dump_log/", "log"),
    ("src/cli/check.rs", "node"),
    ("src/cli/storage/", "node"),
];

/// Words that must not stand in the pure rooms: they would bring in a clock, chance, hash order, files or sockets.
const IMPURE: &[&str] =
    &["tokio", "std::fs", "std::net", "Instant::now", "SystemTime::now", "HashMap", "HashSet", "getrandom", "std::thread", "unsafe {"];
const PURE_ROOMS: &[&str] = &["machine", "record"];

const MAX_FILE_LINES: usize = 800;
const MAX_FUNCTION_LINES: usize = 80;

fn sources(dir: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut stack = vec![root.join(dir)];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(d) = stack.pop() {
        for entry in fs::read_dir(&d).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                stack.push(entry);
            } else if entry.extension().is_some_and(|e| e == "rs") {
                files.push(entry);
            }
        }
    }
    files.sort();
    let name = |p: &Path| p.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    files.iter().map(|p| (name(p), fs::read_to_string(p).unwrap())).collect()
}

fn room_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    rest.split_once('/').map(|(room, _)| room)
}

/// The part of a file before its tests.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn named_rooms(text: &str) -> BTreeSet<String> {
    let rooms: Vec<&str> = MAY_NAME.iter().map(|(r, _)| *r).collect();
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + 7..];
            let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if rooms.contains(&word.as_str()) {
                found.insert(word);
            }
        }
    }
    found
}

#[test]
fn rooms_name_only_the_rooms_below_them() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let Some(room) = room_of(&path) else { continue };
        let (_, allowed) = MAY_NAME.iter().find(|(r, _)| *r == room).unwrap_or_else(|| panic!("{path}: room {room} has no row"));
        for named in named_rooms(product(&text)) {
            let excepted = EXCEPTIONS.iter().any(|(file, to)| path.starts_with(file) && *to == named);
            if named != room && !allowed.contains(&named.as_str()) && !excepted {
                wrong.push(format!("{path} names crate::{named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that docs/ARCHITECTURE.md does not allow:\n{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_touch_no_clock_chance_or_outside_world() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src").iter().filter(|(p, _)| room_of(p).is_some_and(|r| PURE_ROOMS.contains(&r))) {
        for (n, line) in product(text).lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            if let Some(word) = IMPURE.iter().find(|w| line.contains(*w)) {
                wrong.push(format!("{path}:{}: {word}", n + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "pure rooms reach outside:\n{}", wrong.join("\n"));
}

#[test]
fn files_stay_small() {
    let plain_tables = |p: &str| p.ends_with("_table.rs") || p.ends_with("error_code.rs") || p.contains("/generated/");
    let mut long: Vec<String> = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("wire/src")).chain(sources("codegen/src")) {
        let lines = product(&text).lines().count();
        if lines > MAX_FILE_LINES && !plain_tables(&path) {
            long.push(format!("{path}: {lines} lines"));
        }
    }
    assert!(long.is_empty(), "files over {MAX_FILE_LINES} lines before their tests; split them:\n{}", long.join("\n"));
}

#[test]
fn functions_can_be_read_at_a_glance() {
    let mut long = Vec::new();
    for (path, text) in sources("src").into_iter().filter(|(p, _)| !p.ends_with("_table.rs")) {
        let mut open: Option<(usize, usize, String)> = None;
        for (n, line) in product(&text).lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let starts = line.trim_start().split("fn ").next().is_some_and(|head| {
                line.contains("fn ") && head.split_whitespace().all(|w| ["pub", "async", "const", "pub(crate)", "pub(super)"].contains(&w))
            });
            if starts && open.is_none() {
                open = Some((n, indent, line.trim().to_string()));
            } else if line.trim() == "}" && open.as_ref().is_some_and(|(_, i, _)| *i == indent) {
                let (start, _, name) = open.take().unwrap();
                if n - start + 1 > MAX_FUNCTION_LINES {
                    long.push(format!("{path}:{}: {} lines: {name}", start + 1, n - start + 1));
                }
            } else if line.trim_end().ends_with(';') && open.as_ref().is_some_and(|(s, _, _)| *s == n) {
                open = None;
            }
            if starts && (line.trim_end().ends_with('}') || line.trim_end().ends_with(';')) {
                open = None;
            }
        }
    }
    assert!(long.is_empty(), "functions over {MAX_FUNCTION_LINES} lines:\n{}", long.join("\n"));
}
