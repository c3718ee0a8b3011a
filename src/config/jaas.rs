//! `sasl.jaas.config`: one entry of a JAAS file, `MODULE FLAG NAME="VALUE" ... ;`.

use super::key::ConfigError;

/// A login module and its options, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub module: String,
    pub options: Vec<(String, String)>,
}

/// Reads the entry. Errors never repeat what stands in it, since that may be a password.
pub(super) fn parse(text: &str) -> Result<Login, ConfigError> {
    let bad = |why: &str| ConfigError::new(format!("sasl.jaas.config is not MODULE required NAME=\"VALUE\" ... ; : {why}"));
    let mut tokens =
        Tokens { rest: text.trim() }.collect::<Option<Vec<_>>>().ok_or_else(|| bad("a quotation mark is missing"))?.into_iter();
    let module = tokens.next().ok_or_else(|| bad("it is empty"))?;
    let flag = tokens.next().unwrap_or_default();
    if !["required", "requisite", "sufficient", "optional"].iter().any(|f| flag.eq_ignore_ascii_case(f)) {
        return Err(bad("the second word has to be required, requisite, sufficient or optional"));
    }
    let mut options = Vec::new();
    loop {
        let name = tokens.next().ok_or_else(|| bad("the semicolon at the end is missing"))?;
        if name == ";" {
            break;
        }
        if tokens.next().as_deref() != Some("=") {
            return Err(bad("an option has no value"));
        }
        let value = tokens.next().filter(|v| v != ";").ok_or_else(|| bad("an option has no value"))?;
        options.push((name, value));
    }
    if tokens.next().is_some() { Err(bad("there must be one module only")) } else { Ok(Login { module, options }) }
}

/// Words, texts in quotation marks, `=` and `;`. `Some(None)`: a text without an end.
struct Tokens<'a> {
    rest: &'a str,
}

impl Iterator for Tokens<'_> {
    type Item = Option<String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next()?;
        match first {
            '=' | ';' => {
                self.rest = &self.rest[1..];
                Some(Some(first.to_string()))
            }
            '"' => Some(self.quoted()),
            _ => {
                let end = self.rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | ';' | '"')).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                Some(Some(word.to_string()))
            }
        }
    }
}

impl Tokens<'_> {
    fn quoted(&mut self) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(out);
                }
                '\\' => out.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                }),
                c => out.push(c),
            }
        }
        self.rest = "";
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_java_reads_them() {
        let login = parse("a.b.PlainLoginModule  required\n username=\"alice\" password = \"p;=\\\"\\\\w\" serviceName=kafka ;").unwrap();
        assert_eq!(login.module, "a.b.PlainLoginModule");
        let options: Vec<_> = login.options.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(options, [("username", "alice"), ("password", "p;=\"\\w"), ("serviceName", "kafka")]);
    }

    #[test]
    fn what_is_wrong_is_told_without_the_secret() {
        let entries =
            ["", "m", "m required password=hush", "m required password=\"hush", "m required password;", "m hush a=b;", "m required ; hush"];
        for entry in entries {
            let told = parse(entry).unwrap_err().to_string();
            assert!(!told.contains("hush"), "{told}");
        }
    }
}
