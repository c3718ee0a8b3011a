//! `--grep`: which records, by regular expressions over key, value, headers and topic.

use regex::bytes::Regex;

use crate::client::ConsumerRecord;
use crate::record::Header;

/// What conditions look at.
pub trait Sought {
    fn topic(&self) -> &str;
    fn key(&self) -> Option<&[u8]>;
    fn value(&self) -> Option<&[u8]>;
    fn headers(&self) -> impl Iterator<Item = Header<'_>>;
}

impl Sought for ConsumerRecord<'_> {
    fn topic(&self) -> &str {
        self.topic
    }

    fn key(&self) -> Option<&[u8]> {
        self.key
    }

    fn value(&self) -> Option<&[u8]> {
        self.value
    }

    fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        ConsumerRecord::headers(self)
    }
}

/// What an expression looks at.
#[derive(Debug)]
enum Part {
    /// Key, value or the value of a header.
    Any,
    Key,
    Value,
    Topic,
    HeaderKey,
    HeaderValue,
    /// The value of the headers of this name.
    Header(String),
}

#[derive(Debug)]
struct Condition {
    wanted: bool,
    part: Part,
    expression: Regex,
}

/// Conditions that a record must all meet.
#[derive(Debug, Default)]
pub struct Grep(Vec<Condition>);

impl Grep {
    /// Reads `[!][k:|v:|hk:|hv:|h:NAME=|t:]REGEX`, each. Errors: not a regular expression.
    pub fn parse(conditions: &[String]) -> Result<Grep, String> {
        conditions.iter().map(|text| condition(text).map_err(|why| format!("--grep {text}: {why}"))).collect::<Result<_, _>>().map(Grep)
    }

    /// True if there are no conditions.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the record is one of those wanted. Null matches nothing.
    pub fn wants(&self, record: &impl Sought) -> bool {
        self.0.iter().all(|c| c.met(record))
    }
}

fn condition(text: &str) -> Result<Condition, String> {
    let (wanted, rest) = text.strip_prefix('!').map_or((true, text), |rest| (false, rest));
    let plain = [("k:", Part::Key), ("v:", Part::Value), ("t:", Part::Topic), ("hk:", Part::HeaderKey), ("hv:", Part::HeaderValue)];
    let found = plain.into_iter().find_map(|(mark, part)| rest.strip_prefix(mark).map(|expression| (part, expression)));
    let (part, expression) = match (found, rest.strip_prefix("h:")) {
        (Some(found), _) => found,
        (None, Some(header)) => {
            let (name, expression) = header.split_once('=').ok_or("h: takes NAME=REGEX")?;
            (Part::Header(name.to_owned()), expression)
        }
        (None, None) => (Part::Any, rest),
    };
    let expression = Regex::new(expression).map_err(|e| e.to_string().split_whitespace().collect::<Vec<_>>().join(" "))?;
    Ok(Condition { wanted, part, expression })
}

impl Condition {
    fn met(&self, record: &impl Sought) -> bool {
        let matches = |bytes: Option<&[u8]>| bytes.is_some_and(|b| self.expression.is_match(b));
        let found = match &self.part {
            Part::Any => matches(record.key()) || matches(record.value()) || record.headers().any(|h| matches(h.value)),
            Part::Key => matches(record.key()),
            Part::Value => matches(record.value()),
            Part::Topic => matches(Some(record.topic().as_bytes())),
            Part::HeaderKey => record.headers().any(|h| matches(Some(h.key))),
            Part::HeaderValue => record.headers().any(|h| matches(h.value)),
            Part::Header(name) => record.headers().any(|h| h.key == name.as_bytes() && matches(h.value)),
        };
        found == self.wanted
    }
}
