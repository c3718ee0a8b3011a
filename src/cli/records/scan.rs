//! Records out of bytes by a format string: `-f '%k\t%v\n'`, `-f '%K{big32}%k%V{big32}%v'`.
//!
//! A text ends where the literal text after it begins, or has its length told before it, or ends as its regular expression or JSON does.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use regex::bytes::Regex;
use serde::de::IgnoredAny;

use super::layout::{self, NumberOf, Piece, TextForm, TextOf};
use super::line::{Bytes, InputRecord};
use super::numbers::NumberForm;

/// One step of reading.
#[derive(Debug)]
enum Step {
    Literal(Vec<u8>),
    Number(NumberOf, NumberForm),
    Fixed(NumberOf, usize),
    Text(TextOf, Decode, Extent),
    Headers(Vec<Step>),
}

/// Where a text ends.
#[derive(Debug)]
enum Extent {
    /// Its length was told.
    Sized,
    Before(Vec<u8>),
    EndOfInput,
    Regex(Box<Regex>),
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decode {
    None,
    Hex,
    Base64,
    Base64Raw,
    /// Blanks are left out.
    Json,
}

/// A format string for reading.
#[derive(Debug)]
pub struct Scanner {
    steps: Vec<Step>,
}

/// A record and how many bytes it took.
type Found<'a> = Option<(InputRecord<'a>, usize)>;

/// How the reading of one record stands.
struct State<'a> {
    bytes: &'a [u8],
    at: usize,
    /// There are no more bytes than these.
    all: bool,
    record: InputRecord<'a>,
    /// Lengths of topic, key and value, and the number of headers.
    sizes: [usize; 4],
}

/// More bytes are needed.
struct More;

impl Scanner {
    /// Errors: what in the format means nothing, cannot be read, or has no end.
    pub fn parse(layout: &str) -> Result<Scanner, String> {
        let steps = steps(layout::parse(layout)?, false)?;
        if !steps.iter().any(|s| matches!(s, Step::Text(..))) {
            return Err("it reads neither key nor value".to_owned());
        }
        Ok(Scanner { steps })
    }

    /// The first record of `bytes`; `None` if there is no whole one yet. `all`: no more bytes will come.
    ///
    /// Errors: the bytes are not what the format says.
    pub fn next<'a>(&self, bytes: &'a [u8], all: bool) -> Result<Found<'a>, String> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut state = State { bytes, at: 0, all, record: InputRecord::default(), sizes: [0; 4] };
        for (number, step) in self.steps.iter().enumerate() {
            let last = number + 1 == self.steps.len();
            match step.take(&mut state, last)? {
                Ok(()) => {}
                Err(More) if all => return Err("the input ends in the middle of a record".to_owned()),
                Err(More) => return Ok(None),
            }
        }
        if state.at == 0 {
            return Err("the format takes nothing from the input here, so reading would never end".to_owned());
        }
        Ok(Some((state.record, state.at)))
    }
}

fn steps(pieces: Vec<Piece>, in_header: bool) -> Result<Vec<Step>, String> {
    let mut out: Vec<Step> = Vec::new();
    let mut sized: Vec<NumberOf> = Vec::new();
    let mut pieces = pieces.into_iter().peekable();
    while let Some(piece) = pieces.next() {
        let of_length = |of| matches!(of, NumberOf::KeyLength | NumberOf::ValueLength);
        let step = match piece {
            Piece::Literal(text) => Step::Literal(text),
            Piece::Number(of, _) | Piece::Fixed(of, _) if in_header && !of_length(of) => {
                return Err("only %k %K %v %V can stand in %h".to_owned());
            }
            Piece::Number(of, form) if readable(of) => {
                sized.push(of);
                Step::Number(of, form)
            }
            Piece::Fixed(of, size) if length_slot(of).is_some() => {
                sized.push(of);
                Step::Fixed(of, size)
            }
            Piece::Text(TextOf::Topic, _) if in_header => return Err("only %k %K %v %V can stand in %h".to_owned()),
            Piece::Text(of, form) => {
                let delimiter = match pieces.peek() {
                    Some(Piece::Literal(text)) => Some(Some(text.clone())),
                    Some(_) => None,
                    None => Some(None),
                };
                let step = text_step(of, form, sized.contains(&length_of(of)), delimiter.filter(|d| d.is_some() || !in_header))?;
                if matches!(step, Step::Text(_, _, Extent::Before(_))) {
                    pieces.next();
                }
                step
            }
            Piece::Headers(_) if in_header => return Err("%h cannot stand in %h".to_owned()),
            Piece::Headers(inner) if sized.contains(&NumberOf::HeaderCount) => {
                let inner = steps(inner, true)?;
                if !inner.iter().any(|s| matches!(s, Step::Text(TextOf::Key, ..))) {
                    return Err("%h{...} needs a %k".to_owned());
                }
                Step::Headers(inner)
            }
            Piece::Headers(_) => return Err("how many headers there are must be told before them: %H %h{...}".to_owned()),
            other => return Err(format!("this is for printing only: {other:?}")),
        };
        out.push(step);
    }
    Ok(out)
}

fn readable(of: NumberOf) -> bool {
    use NumberOf as N;
    length_slot(of).is_some() || matches!(of, N::Partition | N::Offset | N::LeaderEpoch | N::Timestamp | N::ProducerId | N::ProducerEpoch)
}

/// `delimiter`: the text after it; `Some(None)` at the end of the format; `None` if something else follows.
fn text_step(of: TextOf, form: TextForm, sized: bool, delimiter: Option<Option<Vec<u8>>>) -> Result<Step, String> {
    let decode = match &form {
        TextForm::Hex => Decode::Hex,
        TextForm::Base64 => Decode::Base64,
        TextForm::Base64Raw => Decode::Base64Raw,
        TextForm::Unpack(_) => return Err("unpack[...] is for printing".to_owned()),
        TextForm::Json => Decode::Json,
        TextForm::Raw | TextForm::Regex(_) => Decode::None,
    };
    let extent = match form {
        TextForm::Json | TextForm::Regex(_) if sized => return Err("a length cannot be told of what json or re[...] reads".to_owned()),
        TextForm::Json => Extent::Json,
        TextForm::Regex(pattern) => Extent::Regex(Box::new(Regex::new(&format!("^(?:{pattern})")).map_err(|e| e.to_string())?)),
        _ if sized => Extent::Sized,
        _ => match delimiter {
            Some(Some(text)) => Extent::Before(text),
            Some(None) => Extent::EndOfInput,
            None => {
                let (text, length) = letters(of);
                return Err(format!("where {text} ends must be told: text after it, or its length ({length}) before it"));
            }
        },
    };
    Ok(Step::Text(of, decode, extent))
}

fn letters(of: TextOf) -> (&'static str, &'static str) {
    match of {
        TextOf::Topic => ("%t", "%T"),
        TextOf::Key => ("%k", "%K"),
        TextOf::Value => ("%v", "%V"),
    }
}

fn length_of(of: TextOf) -> NumberOf {
    match of {
        TextOf::Topic => NumberOf::TopicLength,
        TextOf::Key => NumberOf::KeyLength,
        TextOf::Value => NumberOf::ValueLength,
    }
}

/// The place of a length in `State::sizes`.
fn length_slot(of: NumberOf) -> Option<usize> {
    [NumberOf::TopicLength, NumberOf::KeyLength, NumberOf::ValueLength, NumberOf::HeaderCount].iter().position(|slot| *slot == of)
}

impl Step {
    /// Reads one step. `last`: it is the last one, whose end may be that of the input.
    fn take(&self, state: &mut State<'_>, last: bool) -> Result<Result<(), More>, String> {
        match self {
            Step::Literal(text) => literal(text, state, last),
            Step::Fixed(of, size) => {
                state.note(*of, *size as u64)?;
                Ok(Ok(()))
            }
            Step::Number(of, form) => match form.read(state.rest(), state.all)? {
                Some((number, len)) => {
                    state.at += len;
                    state.note(*of, number)?;
                    Ok(Ok(()))
                }
                None => Ok(Err(More)),
            },
            Step::Text(of, decode, extent) => match extent.take(*of, state, last)? {
                Ok(bytes) => {
                    let bytes = decode.apply(bytes)?;
                    state.keep(*of, bytes)?;
                    Ok(Ok(()))
                }
                Err(more) => Ok(Err(more)),
            },
            Step::Headers(inner) => headers(inner, state),
        }
    }
}

fn literal(text: &[u8], state: &mut State<'_>, last: bool) -> Result<Result<(), More>, String> {
    let rest = state.rest();
    if rest.starts_with(text) {
        state.at += text.len();
        return Ok(Ok(()));
    }
    // The last line of a file often has no end.
    if last && state.all && rest.is_empty() {
        return Ok(Ok(()));
    }
    if text.starts_with(rest) {
        return Ok(Err(More));
    }
    let shown = String::from_utf8_lossy(&rest[..rest.len().min(text.len().max(10))]);
    Err(format!("\"{}\" should stand where \"{}\" does", String::from_utf8_lossy(text).escape_debug(), shown.escape_debug()))
}

fn headers(inner: &[Step], state: &mut State<'_>) -> Result<Result<(), More>, String> {
    let (key, value) = (state.record.key.take(), state.record.value.take());
    for _ in 0..state.sizes[3] {
        for step in inner {
            if let Err(more) = step.take(state, false)? {
                return Ok(Err(more));
            }
        }
        let name = state.record.key.take().unwrap_or_default();
        let header = (name, state.record.value.take());
        state.record.headers.push(header);
    }
    (state.record.key, state.record.value) = (key, value);
    Ok(Ok(()))
}

impl Extent {
    fn take<'a>(&self, of: TextOf, state: &mut State<'a>, last: bool) -> Result<Result<&'a [u8], More>, String> {
        let rest = state.rest();
        let (length, skip) = match self {
            Extent::Sized => {
                let size = length_slot(length_of(of)).map_or(0, |slot| state.sizes[slot]);
                if rest.len() < size {
                    return Ok(Err(More));
                }
                (size, 0)
            }
            Extent::Before(text) => match find(rest, text) {
                Some(at) => (at, text.len()),
                None if last && state.all => (rest.len(), 0),
                None => return Ok(Err(More)),
            },
            Extent::EndOfInput if state.all => (rest.len(), 0),
            Extent::EndOfInput => return Ok(Err(More)),
            Extent::Regex(expression) => match expression.find(rest) {
                // A longer input might match further.
                Some(found) if found.end() == rest.len() && !state.all => return Ok(Err(More)),
                Some(found) => (found.end(), 0),
                None if !state.all => return Ok(Err(More)),
                None => return Err(format!("{} does not match at \"{}\"", expression.as_str(), shown(rest))),
            },
            Extent::Json => match json_length(rest, state.all)? {
                Some(length) => (length, 0),
                None => return Ok(Err(More)),
            },
        };
        state.at += length + skip;
        Ok(Ok(&rest[..length]))
    }
}

/// The fault is with the last byte: `1.` is no number, but may become one.
fn lies_at_end(e: &serde_json::Error, bytes: &[u8]) -> bool {
    let last_line = bytes.rsplit(|b| *b == b'\n').next().map_or(0, <[u8]>::len);
    e.line() == 1 + bytes.iter().filter(|b| **b == b'\n').count() && e.column() >= last_line
}

/// How long the JSON value is that `bytes` begin with.
fn json_length(bytes: &[u8], all: bool) -> Result<Option<usize>, String> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    match values.next() {
        // A number could go on.
        Some(Ok(_)) if values.byte_offset() == bytes.len() && !all => Ok(None),
        Some(Ok(_)) => Ok(Some(values.byte_offset())),
        Some(Err(e)) if (e.is_eof() || lies_at_end(&e, bytes)) && !all => Ok(None),
        Some(Err(e)) => Err(format!("no JSON at \"{}\": {e}", shown(bytes))),
        None if all => Err("no JSON, but the end of the input".to_owned()),
        None => Ok(None),
    }
}

/// JSON without the blanks between its parts; everything else stays as it was written.
fn without_blanks(json: &[u8]) -> Vec<u8> {
    let (mut out, mut in_text, mut escaped) = (Vec::with_capacity(json.len()), false, false);
    for byte in json {
        if in_text {
            in_text = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_text = *byte == b'"';
        }
        out.push(*byte);
    }
    out
}

/// Where `mark`, which is not empty, stands in `text` for the first time.
fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    let (first, more) = mark.split_first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|b| b == first) {
        if text[from + at + 1..].starts_with(more) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).escape_debug().to_string()
}

impl Decode {
    fn apply(self, bytes: &[u8]) -> Result<Bytes<'_>, String> {
        let refused = |e: &dyn std::fmt::Display| format!("\"{}\": {e}", shown(bytes));
        match self {
            Decode::None => Ok(Cow::Borrowed(bytes)),
            Decode::Json => Ok(Cow::Owned(without_blanks(bytes))),
            Decode::Hex => hex::decode(bytes).map(Cow::Owned).map_err(|e| refused(&e)),
            Decode::Base64 => STANDARD.decode(bytes).map(Cow::Owned).map_err(|e| refused(&e)),
            Decode::Base64Raw => STANDARD_NO_PAD.decode(bytes).map(Cow::Owned).map_err(|e| refused(&e)),
        }
    }
}

impl<'a> State<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    fn note(&mut self, of: NumberOf, number: u64) -> Result<(), String> {
        let too_large = || format!("the number {number} is too large");
        if let Some(slot) = length_slot(of) {
            self.sizes[slot] = usize::try_from(number).map_err(|_| too_large())?;
        }
        match of {
            NumberOf::Partition => self.record.partition = Some(i32::try_from(number).map_err(|_| too_large())?),
            NumberOf::Timestamp => self.record.timestamp = Some(i64::try_from(number).map_err(|_| too_large())?),
            // What a record has only once it is stored.
            _ => {}
        }
        Ok(())
    }

    fn keep(&mut self, of: TextOf, bytes: Bytes<'a>) -> Result<(), String> {
        match of {
            TextOf::Topic => {
                let text = String::from_utf8(bytes.into_owned()).map_err(|_| "the topic is not UTF-8".to_owned())?;
                self.record.topic = Some(Cow::Owned(text));
            }
            TextOf::Key => self.record.key = Some(bytes),
            TextOf::Value => self.record.value = Some(bytes),
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
