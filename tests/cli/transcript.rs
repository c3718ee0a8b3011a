//! Recorded runs of Apache Kafka's tools: the format of `tests/transcripts`.
//!
//! ```text
//! # a remark; "# file NAME:" and lines "| ..." give the content of a file used from there on
//! $ the command
//! --- stdin          (only when something was typed)
//! --- stdout
//! --- stderr
//! --- exit N         (or: --- (killed by the recorder ...))
//! ```

use std::collections::BTreeMap;

/// One recorded command.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Where it stands in its file.
    pub line: usize,
    /// The command as typed, without the `$ `.
    pub command: String,
    pub remarks: Vec<String>,
    /// Files that exist from this command on.
    pub files: BTreeMap<String, String>,
    pub stdin: String,
    pub stdout: String,
    pub stderr: String,
    /// `None`: the recorder had to kill it.
    pub exit: Option<i32>,
}

impl Case {
    /// The words of the command. Only quotes mean something, as the recorder typed them; `|`, `;`, `<` and `$` stand for themselves.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        for c in self.command.chars() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (Some(_), c) => word.get_or_insert_default().push(c),
                (None, '\'' | '"') => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                (None, ' ') => words.extend(word.take()),
                (None, c) => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        words
    }

    /// A remark that contains `text`.
    pub fn remarked(&self, text: &str) -> bool {
        self.remarks.iter().any(|remark| remark.contains(text))
    }
}

/// All commands of a transcript, in order.
pub fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut next = Case::default();
    let mut file: Option<String> = None;
    let mut section = "";
    // Not `lines()`, which would drop a carriage return.
    for (at, line) in text.split_terminator('\n').enumerate() {
        if section.is_empty() {
            if let Some(command) = line.strip_prefix("$ ") {
                next.command = command.to_owned();
                next.line = at + 1;
                section = "command";
            } else if let Some(name) = line.strip_prefix("# file ") {
                file = Some(name.trim_end_matches(':').to_owned());
            } else if let Some(content) = line.strip_prefix("| ") {
                let name = file.clone().expect("content without a file name");
                let text = next.files.entry(name).or_default();
                text.push_str(content);
                text.push('\n');
            } else if let Some(remark) = line.strip_prefix("# ") {
                next.remarks.push(remark.to_owned());
            } else if line.is_empty() {
                continue;
            }
            continue;
        }
        if let Some(mark) = line.strip_prefix("--- ") {
            if let Some(code) = mark.strip_prefix("exit ") {
                next.exit = Some(code.parse().expect("an exit code"));
            }
            if mark.starts_with("exit ") || mark.starts_with('(') {
                cases.push(std::mem::take(&mut next));
                section = "";
                continue;
            }
            section = mark;
            continue;
        }
        let stream = match section {
            "stdin" => &mut next.stdin,
            "stdout" => &mut next.stdout,
            "stderr" => &mut next.stderr,
            other => panic!("line {}: a line in section {other:?}", at + 1),
        };
        if line == "<no newline at end>" {
            assert_eq!(stream.pop(), Some('\n'));
        } else {
            stream.push_str(line);
            stream.push('\n');
        }
    }
    cases
}

#[test]
fn the_format_is_read() {
    let text = "# head\n\n# file a.txt:\n| x=1\n| y\n$ tool --a 'b c' d=\"\" e|f\n--- stdin\nhi\n<no newline at end>\n--- stdout\n\n--- stderr\nbad\n--- exit 1\n# took long\n$ tool\n--- stdout\n--- stderr\n--- (killed by the recorder)\n";
    let cases = parse(text);
    assert_eq!(cases.len(), 2);
    assert_eq!(cases[0].words(), ["tool", "--a", "b c", "d=", "e|f"]);
    assert_eq!(
        (cases[0].stdin.as_str(), cases[0].stdout.as_str(), cases[0].stderr.as_str(), cases[0].exit),
        ("hi", "\n", "bad\n", Some(1))
    );
    assert_eq!(cases[0].files["a.txt"], "x=1\ny\n");
    assert_eq!((cases[1].exit, cases[1].remarked("took")), (None, true));
}

#[test]
fn an_empty_argument_is_a_word() {
    assert_eq!(Case { command: "t --topic ''".into(), ..Case::default() }.words(), ["t", "--topic", ""]);
}
