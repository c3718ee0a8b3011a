//! Compares what a command printed with what was recorded: placeholders stand for what varies, and the rules of `docs/differences.md` that
//! hold everywhere are taken out of the recording.

use regex::Regex;

/// Placeholder in a transcript, and the expression for what it stands for.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("[<timestamp>]", r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]"),
    ("<timestamp>", r"\d{13}"),
    ("<TopicId>", r"[A-Za-z0-9_-]{22}"),
    ("IdMuft48RFClHJcpOhaF1A", r"[A-Za-z0-9_-]{22}"),
    ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    // The id that a member of the consumer protocol made for itself.
    ("xxxxxxxxxxxxxxxxxxxxxx", r"[A-Za-z0-9_-]{22}"),
    ("<duration>", r"\d+ *"),
    ("<blanks>", r" *"),
    ("<address>", r"[A-Za-z0-9.]+:\d+"),
    ("<DirectoryId>", r"[A-Za-z0-9_-]{22}"),
    ("<uuid: 22 characters, base64url>", r"[A-Za-z0-9_-]{22}"),
    ("<dir>", r"/[^\x22\n]+"),
    ("<any>", r"[^\n\t]+"),
    ("<DirectoryId: 22 ch.>.", r"[A-Za-z0-9_-]{22}"),
    ("<timestamp  >", r"\d{13}"),
    ("<usage synopsis, as shown above>", r"usage: (?s:.+?)"),
    ("<description, positional and optional argument sections>", r"(?s:.+)"),
    ("<anything>", r".*"),
    ("<n>", r"\d+"),
    ("<n>", r"-?\d+"),
    // In rows of the tools that measure.
    ("<time>", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}"),
    ("<rows>\n", r"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}, 0(?:, -?\d+(?:\.\d{4})?){8}\n)+"),
    ("<moment>", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"),
    ("<date>", r"\d{4}-\d\d-\d\d"),
    ("<double>", r"\d+\.\d+(?:E-?\d+)?"),
    ("<#.##>", r"(?:\d+\.\d{2}|Infinity)"),
    ("<#.######>", r"(?:\d+\.\d{6}|Infinity)"),
    (
        "<progress>\n",
        r"(?:\d+ records sent, \d+\.\d records/sec \(\d+\.\d\d MB/sec\), \d+\.\d ms avg latency, \d+\.\d ms max latency\.\n)+",
    ),
    ("<rate>", r"(?:-?\d+\.\d{4}|NaN|Infinity)"),
    ("<random>", r"\d+"),
    ("[B@<hash>", r"\[B@[0-9a-f]+"),
    ("<tool description>", r".+"),
    // A byte that the recorder could not show as text.
    ("\u{fffd}", r"\\x[89a-f][0-9a-f]"),
    ("<option table>", r"Option +Description\n(?s:.+)"),
];

/// The recording as an expression for the whole stream. Lines that only say what caused a Java exception may be missing.
pub fn expression(recorded: &str) -> Regex {
    let mut pattern = String::from("^");
    for line in recorded.split_inclusive('\n') {
        let optional = line.starts_with("Caused by: ");
        pattern.push_str(if optional { "(?:" } else { "" });
        push_line(&mut pattern, line);
        pattern.push_str(if optional { ")?" } else { "" });
    }
    pattern.push('$');
    Regex::new(&pattern).expect("a transcript makes a valid expression")
}

fn push_line(pattern: &mut String, mut rest: &str) {
    while !rest.is_empty() {
        let found = PLACEHOLDERS.iter().filter_map(|(mark, with)| rest.find(mark).map(|at| (at, *mark, *with)));
        match found.min_by_key(|(at, mark, _)| (*at, usize::MAX - mark.len())) {
            Some((at, mark, with)) => {
                pattern.push_str(&regex::escape(&rest[..at]));
                pattern.push_str(with);
                rest = &rest[at + mark.len()..];
            }
            None => {
                pattern.push_str(&regex::escape(rest));
                rest = "";
            }
        }
    }
}

/// What of a recorded stderr kfk prints too: rules E1 to E3 of `docs/differences.md`.
pub fn without_java(recorded: &str) -> String {
    let mut kept = String::new();
    let mut after_client_log = false;
    for line in recorded.split_inclusive('\n') {
        let java = line.starts_with("\t<stack frames>")
            || line.starts_with("<previous ")
            || line.starts_with("The consumer rebalance protocol (KIP-848) is production-ready!");
        let client_log = line.starts_with("[<timestamp>]")
            && line.trim_end().ends_with(')')
            && line.contains("(org.apache.kafka.clients.")
            // That one is the console producer's own way of telling what it lost.
            && !line.contains("ErrorLoggingCallback");
        // A logged exception goes on in the next line.
        let continued = after_client_log && line.starts_with("org.apache.kafka.");
        after_client_log = client_log;
        if !java && !client_log && !continued {
            kept.push_str(line);
        }
    }
    kept
}

/// `None` if `actual` is what was recorded; otherwise a description of the difference. `any_order`: the lines may come in any order.
pub fn difference(recorded: &str, actual: &str, any_order: bool) -> Option<String> {
    if expression(recorded).is_match(actual) {
        return None;
    }
    if any_order && same_lines(&with_sorted_settings(recorded), &with_sorted_settings(actual)) {
        return None;
    }
    Some(format!("recorded:\n{}actual:\n{}", indent(recorded), indent(actual)))
}

/// The settings of a described topic come out of a Java hash map, too: rule E5.
fn with_sorted_settings(text: &str) -> String {
    let sorted = |line: &str| match line.split_once("\tConfigs: ") {
        Some((start, list)) => {
            let mut settings: Vec<&str> = list.trim_end().split(',').collect();
            settings.sort_unstable();
            format!("{start}\tConfigs: {}\n", settings.join(","))
        }
        None => line.to_owned(),
    };
    text.split_inclusive('\n').map(sorted).collect()
}

fn same_lines(recorded: &str, actual: &str) -> bool {
    let mut left: Vec<&str> = actual.split_inclusive('\n').collect();
    recorded.split_inclusive('\n').all(|line| {
        let expression = expression(line);
        left.iter().position(|l| expression.is_match(l)).map(|at| left.remove(at)).is_some()
    }) && left.is_empty()
}

fn indent(text: &str) -> String {
    let mut shown: String = text.split_inclusive('\n').map(|l| format!("  |{l}")).collect();
    if !shown.ends_with('\n') {
        shown.push_str("<no newline at end>\n");
    }
    shown
}

/// Bytes as the transcripts show them: control characters and what is no text as `\xNN`.
pub fn shown(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\t' => out.push(c),
                c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

#[test]
fn placeholders_stand_for_what_varies() {
    assert!(difference("Topic: a\tTopicId: <TopicId>\tx\n", "Topic: a\tTopicId: abcdefghijklmnopqrstuv\tx\n", false).is_none());
    assert!(difference("[<timestamp>] ERROR a (b)\n", "[2026-01-02 03:04:05,678] ERROR a (b)\n", false).is_none());
    assert!(difference("CreateTime:<timestamp>\n", "CreateTime:1700000000000\n", false).is_none());
    assert!(difference("Missing\n<option table>\n", "Missing\nOption  Description\n------\nx\n", false).is_none());
    assert!(difference("a.b\n", "aab\n", false).is_some());
    assert!(difference("a\nb\n", "b\na\n", true).is_none());
    assert!(difference("a\nb\n", "b\na\n", false).is_some());
    assert!(difference("a\nb\n", "b\na\nc\n", true).is_some());
}

#[test]
fn what_only_java_prints_is_taken_out() {
    let recorded = "[<timestamp>] WARN [AdminClient clientId=demo] x (org.apache.kafka.clients.NetworkClient)\n<previous line repeated; the count depends on timing>\nmessage\n\t<stack frames>\nCaused by: y\n\t<stack frames>\n\n";
    assert_eq!(without_java(recorded), "message\nCaused by: y\n\n");
    assert!(difference("m\nCaused by: y\n\n", "m\n\n", false).is_none());
    assert!(difference("m\nCaused by: y\n\n", "m\nCaused by: y\n\n", false).is_none());
}

#[test]
fn bytes_are_shown_as_the_recorder_does() {
    assert_eq!(shown(b"\xff\xfe\t\x00\x01\x80caf\xc3\xa9\n"), "\\xff\\xfe\t\\x00\\x01\\x80café\n");
}
