//! Regular expressions over topic names in the syntax of RE2, which is what members of consumer groups send (fact K10).
//!
//! The `regex` crate works as RE2 does and means the same by nearly everything. What it spells in another way is translated, and what it
//! knows beyond RE2 is refused or means what it means there: `\Q..\E`, octal escapes, escaped punctuation, a `{` that begins no repetition, a
//! `[` or `&&` within a class. Complaints are in the words of Kafka's RE2/J.

use std::fmt::Write;

use regex::Regex;

/// An expression, to be matched against whole names.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = Translator::new(pattern).run()?;
    // Nothing of the translation opens or closes more than it should.
    Regex::new(&format!(r"\A(?:{translated})\z")).map_err(|error| in_one_line(&error))
}

fn in_one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_string()
}

const BAD_ESCAPE: &str = "invalid escape sequence";
const BAD_RANGE: &str = "invalid character class range";
const BAD_GROUP: &str = "invalid or unsupported Perl syntax";
const UNCLOSED_CLASS: &str = "missing closing ]";
const UNCLOSED_GROUP: &str = "missing closing )";
const TRAILING_BACKSLASH: &str = "trailing backslash at end of expression";

/// No repetition has a larger number.
const MAX_REPEAT: u32 = 1_000;

/// What may stand between `[:` and `:]`.
const CLASSES: [&str; 14] =
    ["alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit"];

/// What a repetition would repeat.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Atom,
    Repetition,
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    before: Before,
    /// Groups that are open.
    depth: usize,
    /// Where the output has flags as its last token: a repetition after them is still one of what came before.
    flags: Option<usize>,
}

impl<'a> Translator<'a> {
    fn new(pattern: &'a str) -> Self {
        Translator { rest: pattern, out: String::with_capacity(pattern.len()), before: Before::Nothing, depth: 0, flags: None }
    }

    fn run(mut self) -> Result<String, String> {
        while let Some(c) = self.next() {
            self.token(c)?;
        }
        if self.depth > 0 { Err(UNCLOSED_GROUP.into()) } else { Ok(self.out) }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn take(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.before = Before::Atom;
    }

    fn literal(&mut self, c: char) {
        put_char(&mut self.out, c);
        self.before = Before::Atom;
    }

    fn token(&mut self, c: char) -> Result<(), String> {
        let end = self.flags.take().unwrap_or(self.out.len());
        match c {
            '(' => self.open(end)?,
            ')' if self.depth == 0 => return Err("unexpected )".into()),
            ')' => {
                self.depth -= 1;
                self.atom(")");
            }
            '|' => {
                self.out.push('|');
                self.before = Before::Nothing;
            }
            '.' | '^' | '$' => self.atom(c.encode_utf8(&mut [0; 4])),
            '*' | '+' | '?' => self.repeat(&c.to_string(), end)?,
            '{' => match repetition(self.rest)? {
                Some((text, rest)) => {
                    self.rest = rest;
                    self.repeat(&text, end)?;
                }
                None => {
                    self.literal('{');
                    // RE2/J takes it for a repetition all the same when another one follows.
                    self.before = Before::Repetition;
                }
            },
            '[' => self.class()?,
            '\\' => self.escape()?,
            c => self.literal(c),
        }
        Ok(())
    }

    fn open(&mut self, end: usize) -> Result<(), String> {
        if self.rest.starts_with("?") && !self.rest.starts_with("?P<") && !self.rest.starts_with("?<") {
            let after = self.rest.find([':', ')']).ok_or(UNCLOSED_GROUP)?;
            let flags = &self.rest[1..after];
            if !flags.chars().all(|f| "imsU-".contains(f)) {
                return Err(BAD_GROUP.into());
            }
            let only_flags = self.rest[after..].starts_with(')');
            if !flags.is_empty() || !only_flags {
                write!(self.out, "({}", &self.rest[..=after]).ok();
            }
            self.rest = &self.rest[after + 1..];
            if only_flags {
                self.flags = Some(end);
                if self.before == Before::Repetition {
                    self.before = Before::Atom;
                }
                return Ok(());
            }
        } else {
            self.out.push('(');
            if self.rest.starts_with("?") {
                // The name is checked by whoever compiles it.
                let end = self.rest.find('>').ok_or("invalid named capture")?;
                self.out.push_str(&self.rest[..=end]);
                self.rest = &self.rest[end + 1..];
            }
        }
        self.depth += 1;
        self.before = Before::Nothing;
        Ok(())
    }

    /// Repeats what ends there in the output.
    fn repeat(&mut self, operator: &str, end: usize) -> Result<(), String> {
        match self.before {
            Before::Nothing => return Err("missing argument to repetition operator".into()),
            Before::Repetition => return Err("invalid nested repetition operator".into()),
            Before::Atom => {}
        }
        // Where whole names have to match, it does not matter how greedy it is; and a question mark could be taken for that.
        self.take("?");
        let operator = if operator == "?" { "{0,1}" } else { operator };
        self.out.insert_str(end, operator);
        self.flags = Some(end + operator.len());
        self.before = Before::Repetition;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        if self.take("Q") {
            let (text, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
            text.chars().for_each(|c| self.literal(c));
            self.rest = rest;
            return Ok(());
        }
        for anchor in ["A", "z", "b", "B"] {
            if self.take(anchor) {
                // Apart from what follows: the crate knows more kinds of borders, in braces.
                self.atom(&format!("(?:\\{anchor})"));
                return Ok(());
            }
        }
        match self.set()? {
            Some(set) => self.atom(&set),
            None => {
                let c = self.escaped_char()?;
                self.literal(c);
            }
        }
        Ok(())
    }

    /// A set of characters after a backslash: `\d` or `\pL` and their kind.
    fn set(&mut self) -> Result<Option<String>, String> {
        for set in ["d", "D", "s", "S", "w", "W"] {
            if self.take(set) {
                return Ok(Some(format!("\\{set}")));
            }
        }
        let mut negative = self.rest.starts_with('P');
        if !self.take("p") && !self.take("P") {
            return Ok(None);
        }
        let Some(first) = self.next() else { return Err(BAD_RANGE.into()) };
        let name = if first == '{' {
            let (name, rest) = self.rest.split_once('}').ok_or(BAD_RANGE)?;
            self.rest = rest;
            let positive = name.strip_prefix('^');
            negative ^= positive.is_some();
            positive.unwrap_or(name).to_string()
        } else {
            first.to_string()
        };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(BAD_RANGE.into());
        }
        Ok(Some(format!("\\{}{{{name}}}", if negative { 'P' } else { 'p' })))
    }

    /// One character after a backslash.
    fn escaped_char(&mut self) -> Result<char, String> {
        let c = self.next().ok_or(TRAILING_BACKSLASH)?;
        match c {
            // A lone digit would refer to a group, which no automaton can do.
            '1'..='7' if !self.rest.starts_with(|next: char| next.is_digit(8)) => Err(BAD_ESCAPE.into()),
            '0'..='7' => {
                let more = self.rest.chars().take(2).take_while(|next| next.is_digit(8)).count();
                let digits = format!("{c}{}", &self.rest[..more]);
                self.rest = &self.rest[more..];
                number(&digits, 8)
            }
            'x' if self.take("{") => {
                let (digits, rest) = self.rest.split_once('}').ok_or(BAD_ESCAPE)?;
                self.rest = rest;
                number(digits, 16)
            }
            'x' => {
                let digits = self.rest.get(..2).ok_or(BAD_ESCAPE)?;
                self.rest = &self.rest[2..];
                number(digits, 16)
            }
            'a' => Ok('\x07'),
            'f' => Ok('\x0c'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\x0b'),
            c if c.is_ascii_alphanumeric() => Err(BAD_ESCAPE.into()),
            c => Ok(c),
        }
    }

    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.take("^") {
            self.out.push('^');
        }
        let mut first = true;
        while first || !self.take("]") {
            first = false;
            self.class_item()?;
        }
        self.atom("]");
        Ok(())
    }

    fn class_item(&mut self) -> Result<(), String> {
        if let Some((name, rest)) = self.rest.strip_prefix("[:").and_then(|named| named.split_once(":]")) {
            self.rest = rest;
            if !CLASSES.contains(&name.trim_start_matches('^')) {
                return Err(BAD_RANGE.into());
            }
            write!(self.out, "[:{name}:]").ok();
            return Ok(());
        }
        if self.rest.starts_with('\\') {
            let here = self.rest;
            self.next();
            if let Some(set) = self.set()? {
                self.out.push_str(&set);
                return Ok(());
            }
            self.rest = here;
        }
        let low = self.class_char()?;
        put_char(&mut self.out, low);
        let mut ahead = self.rest.chars();
        if ahead.next() == Some('-') && ahead.next().is_some_and(|after| after != ']') {
            self.next();
            let high = self.class_char()?;
            if high < low {
                return Err(BAD_RANGE.into());
            }
            self.out.push('-');
            put_char(&mut self.out, high);
        }
        Ok(())
    }

    fn class_char(&mut self) -> Result<char, String> {
        match self.next() {
            None => Err(UNCLOSED_CLASS.into()),
            Some('\\') => self.escaped_char(),
            Some(c) => Ok(c),
        }
    }
}

/// The character and nothing else, within a class or without.
fn put_char(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || c == '_' {
        out.push(c);
    } else {
        write!(out, "\\x{{{:X}}}", u32::from(c)).ok();
    }
}

fn number(digits: &str, radix: u32) -> Result<char, String> {
    // A sign is no digit.
    let all_digits = digits.chars().all(|c| c.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| all_digits);
    code.and_then(char::from_u32).ok_or_else(|| BAD_ESCAPE.to_string())
}

/// The repetition that follows a brace, and what comes after it; `None`: the brace stands for itself.
fn repetition(rest: &str) -> Result<Option<(String, &str)>, String> {
    let Some((inner, after)) = rest.split_once('}') else { return Ok(None) };
    let (least, most) = inner.split_once(',').map_or((inner, Some(inner)), |(least, most)| (least, (!most.is_empty()).then_some(most)));
    let is_number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) && (s.len() == 1 || !s.starts_with('0'));
    if !is_number(least) || !most.is_none_or(is_number) {
        return Ok(None);
    }
    let value = |s: &str| s.parse().ok().filter(|n: &u32| *n <= MAX_REPEAT).ok_or("invalid repeat count");
    let least = value(least)?;
    if most.map(value).transpose()?.is_some_and(|most| most < least) {
        return Err("invalid repeat count".into());
    }
    Ok(Some((format!("{{{inner}}}"), after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        compile(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}")).is_match(name)
    }

    #[test]
    fn k10_a_whole_name_has_to_match() {
        assert!(matches("a|ab", "ab") && matches("a.*", "a") && matches("", ""));
        assert!(!matches("a", "ab") && !matches("b", "ab") && !matches("", "a"));
        assert!(matches("^a$", "a") && matches("(?i)ORDERS", "orders") && matches("(?:a|b)+?", "abab"));
    }

    #[test]
    fn k10_what_is_quoted_stands_for_itself() {
        assert!(matches(r"\Qa.b\E.*", "a.b-c") && !matches(r"\Qa.b\E.*", "axb"));
        assert!(matches(r"x\Q[(*", "x[(*") && matches(r"\Qab\E*", "abbb") && matches(r"\Q\Ea", "a"));
    }

    #[test]
    fn k10_syntax_is_that_of_re2() {
        // Repetitions that are none, classes without sets of sets, octal, punctuation.
        for (pattern, name) in [
            ("a{", "a{"),
            ("a{,3}", "a{,3}"),
            ("a{x}", "a{x}"),
            ("a{2}", "aa"),
            ("[a&&b]+", "&a&b"),
            ("[[a]", "["),
            ("[]a]+", "]a"),
            ("[a-]+", "a-"),
            (r"\055\x2e\x{5F}\_\-\.", "-.__-."),
            (r"[[:alpha:]\d_]+", "ab_9"),
            (r"\pL\p{Lu}\P{Lu}\p{^Lu}", "aBcd"),
            (r"[\.\]\x41-\x43]+", ".]ABC"),
            (r"(?P<n>a)\b", "a"),
            (r"a{1,2}?-}]", "aa-}]"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn k2_what_is_wrong_is_said_as_re2_says_it() {
        for (pattern, complaint) in [
            ("(a", UNCLOSED_GROUP),
            ("a)", "unexpected )"),
            ("[a", UNCLOSED_CLASS),
            ("[b-a]", BAD_RANGE),
            ("[a--]", BAD_RANGE),
            ("[[:nope:]]", BAD_RANGE),
            ("*a", "missing argument to repetition operator"),
            ("a|*", "missing argument to repetition operator"),
            ("(*)", "missing argument to repetition operator"),
            ("a**", "invalid nested repetition operator"),
            ("a{2}{3}", "invalid nested repetition operator"),
            ("a{1001}", "invalid repeat count"),
            ("a{3,2}", "invalid repeat count"),
            ("a\\", TRAILING_BACKSLASH),
            (r"(a)\1", BAD_ESCAPE),
            (r"\Z", BAD_ESCAPE),
            (r"\E", BAD_ESCAPE),
            (r"\x+1", BAD_ESCAPE),
            (r"\x{110000}", BAD_ESCAPE),
            ("(?=a)", BAD_GROUP),
            ("(?x:a)", BAD_GROUP),
            ("(?i", UNCLOSED_GROUP),
            ("(?P<a", "invalid named capture"),
        ] {
            assert_eq!(compile(pattern).expect_err(pattern), complaint, "{pattern}");
        }
    }

    #[test]
    fn n15_no_pattern_takes_much_memory() {
        let nested = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
        assert!(compile(&nested).is_err());
        assert!(compile("((((a{1000}){1000}){1000}){1000})").is_err());
    }

    #[test]
    fn k10_patterns_mean_what_re2j_takes_them_for() {
        // Patterns made by chance and what RE2/J 1.8, Kafka's own, says of them: names that match whole, or that the pattern is no good.
        let mut wrong = Vec::new();
        for line in include_str!("../../tests/fixtures/re2j.tsv").lines() {
            let (pattern, said) = line.split_once('\t').unwrap();
            let compiled = compile(pattern);
            match said.strip_prefix('=') {
                None if compiled.is_err() => {}
                None => wrong.push(line.to_string()),
                Some(matching) => {
                    let Ok(regex) = compiled else {
                        wrong.push(format!("{line} and not {}", compiled.unwrap_err()));
                        continue;
                    };
                    let names = ["a", "b", "ab", "aab", "-", "0", "a.b", "a-0", "orders.eu", "_x", "{a}", "[:-"];
                    let found: Vec<&str> = names.into_iter().filter(|name| regex.is_match(name)).collect();
                    if found.join(",") != matching {
                        wrong.push(format!("{line} and not {}", found.join(",")));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
