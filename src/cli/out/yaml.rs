//! YAML 1.2: a list of maps, one a row. What is inside a cell is written in one line, as YAML's flow style (which includes JSON's).

use super::facts::{Cell, Column};

/// Words that stand for something else than themselves, in YAML 1.1 or 1.2.
const RESERVED: [&str; 11] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"];

/// The whole document.
pub fn list(columns: &[Column], rows: &[Vec<Cell>]) -> String {
    if rows.is_empty() {
        return "[]\n".to_owned();
    }
    let mut all = String::new();
    for row in rows {
        for (at, (column, cell)) in columns.iter().zip(row).enumerate() {
            all.push_str(if at == 0 { "- " } else { "  " });
            all.push_str(&format!("{}: {}\n", column.name, scalar(cell)));
        }
    }
    all
}

fn scalar(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Text(text) => word(text),
        Cell::List(all) => format!("[{}]", all.iter().map(scalar).collect::<Vec<_>>().join(", ")),
        Cell::Map(all) => {
            let pair = |(name, cell): &(String, Cell)| format!("{}: {}", word(name), scalar(cell));
            format!("{{{}}}", all.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        _ => cell.to_text(),
    }
}

/// A text as it is if nobody can take it for anything else, else in double quotes.
fn word(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/');
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-'));
    if begins && plain && !RESERVED.contains(&text.to_ascii_lowercase().as_str()) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut all = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => all.push_str("\\\""),
            '\\' => all.push_str("\\\\"),
            '\n' => all.push_str("\\n"),
            '\r' => all.push_str("\\r"),
            '\t' => all.push_str("\\t"),
            // What YAML does not call printable, and its other line ends.
            '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                all.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => all.push(c),
        }
    }
    all.push('"');
    all
}

#[cfg(test)]
mod tests {
    use super::super::facts::{number, row, text};
    use super::*;

    #[test]
    fn rows_are_maps_in_a_list() {
        let columns = [text("topic"), number("size"), text("isr"), text("error"), text("configs")];
        let configs = Cell::Map(vec![("a.b".into(), "1".into())]);
        let rows = [row!["orders", 5, vec![1, 2], Cell::Null, configs], row!["", 0.5, Vec::<i32>::new(), true, Cell::Map(vec![])]];
        let shown = "- topic: orders\n  size: 5\n  isr: [1, 2]\n  error: null\n  configs: {a.b: \"1\"}\n\
                     - topic: \"\"\n  size: 0.5\n  isr: []\n  error: true\n  configs: {}\n";
        assert_eq!(list(&columns, &rows), shown);
        assert_eq!(list(&columns, &[]), "[]\n");
    }

    #[test]
    fn texts_that_could_be_taken_for_something_else_are_quoted() {
        for same in ["orders", "__consumer_offsets", "/127.0.0.1", "a.b-c", "nothing"] {
            assert_eq!(word(same), same);
        }
        for told in [
            "",
            "1",
            "-1",
            "1e3",
            "0x1f",
            "~",
            "null",
            "No",
            "TRUE",
            ".5",
            "2026-01-01",
            "a: b",
            "a:b",
            "a #b",
            " a",
            "- a",
            "{x}",
            "[x]",
            "*",
            "&a",
        ] {
            assert_eq!(word(told), format!("\"{told}\""));
        }
        assert_eq!(word("é\"\\\n\t\u{7}\u{85}\u{2028}"), "\"é\\\"\\\\\\n\\t\\u0007\\u0085\\u2028\"");
    }
}
