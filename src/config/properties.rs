//! Java's `.properties` format: `key=value`, `key: value` or `key value` lines, `#` and `!` comments, continued lines, escapes.

/// The pairs of a properties text, in order; a key given twice is there twice (the last one counts).
///
/// Never fails, as Java does not: a malformed `\u` escape is kept as it stands.
pub fn parse_properties(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut lines = text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l));
    while let Some(first) = lines.next() {
        let mut line = first.trim_start_matches(BLANKS).to_string();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while continues(&line) {
            line.pop();
            match lines.next() {
                Some(next) => line.push_str(next.trim_start_matches(BLANKS)),
                None => break,
            }
        }
        pairs.push(split_pair(&line));
    }
    pairs
}

const BLANKS: [char; 3] = [' ', '\t', '\u{c}'];

/// An odd number of backslashes at the end continues the line.
fn continues(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

fn split_pair(line: &str) -> (String, String) {
    let mut escaped = false;
    let end = line.char_indices().find(|(_, c)| {
        let stops = !escaped && (matches!(c, '=' | ':') || BLANKS.contains(c));
        escaped = *c == '\\' && !escaped;
        stops
    });
    let Some((end, _)) = end else { return (unescape(line), String::new()) };
    let rest = line[end..].trim_start_matches(BLANKS);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(BLANKS);
    (unescape(&line[..end]), unescape(rest))
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let hex: String = chars.clone().take(4).collect();
                match u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == 4).and_then(char::from_u32) {
                    Some(decoded) => {
                        out.push(decoded);
                        chars.by_ref().take(4).for_each(drop);
                    }
                    None => out.push_str("\\u"),
                }
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_java_reads() {
        let text = "# comment\n! another\n\na=1\n b : 2\r\nc 3\nd=x\\\n   y\ne\\=f=g\\u0041\\t.\nempty=\nlone\nk = v = w \n";
        let want = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "xy"), ("e=f", "gA\t."), ("empty", ""), ("lone", ""), ("k", "v = w ")];
        let got = parse_properties(text);
        assert_eq!(got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), want);
    }

    #[test]
    fn odd_ends_are_harmless() {
        assert_eq!(parse_properties("a=\\"), [("a".to_string(), String::new())]);
        assert_eq!(parse_properties("a=\\u12"), [("a".to_string(), "\\u12".to_string())]);
        assert_eq!(parse_properties("=v"), [(String::new(), "v".to_string())]);
    }
}
