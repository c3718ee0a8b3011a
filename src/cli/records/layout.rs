//! Format strings: `'%t-%p at %o: %k{hex} = %v\n'`, in the grammar of rpk and kcl (franz-go's), with a few verbs of kcat's.
//!
//! Read into pieces here; `format` prints records by them, `scan` reads records by them. Each refuses pieces that only the other knows.

use super::numbers::NumberForm;
use super::stamp::Strftime;
use super::unpack::Unpack;

/// A part of a format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Literal(Vec<u8>),
    Number(NumberOf, NumberForm),
    /// A size that does not stand in the input: `%K{3}`. For reading.
    Fixed(NumberOf, usize),
    Text(TextOf, TextForm),
    Time(Strftime),
    Attribute(Attribute, Option<NumberForm>),
    /// What is in the braces, for each header.
    Headers(Vec<Piece>),
    /// `name=value,name=value`, as kcat has it.
    HeaderList,
}

/// What a number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberOf {
    TopicLength,
    KeyLength,
    ValueLength,
    HeaderCount,
    Partition,
    Offset,
    LeaderEpoch,
    /// Milliseconds since 1970.
    Timestamp,
    ProducerId,
    ProducerEpoch,
    /// How many records have been printed, this one included.
    Count,
    LogStart,
    LastStable,
    HighWatermark,
}

/// What a text is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextOf {
    Topic,
    Key,
    Value,
}

/// How a text looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextForm {
    Raw,
    Hex,
    Base64,
    /// Without padding.
    Base64Raw,
    /// Printed: a JSON string, `{"base64": ...}` or `null`. Read: any JSON value, its blanks left out.
    Json,
    /// For printing.
    Unpack(Unpack),
    /// For reading.
    Regex(String),
}

/// What of a batch's attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    Compression,
    TimestampType,
    Transactional,
    Control,
}

const NUMBERS: [(char, NumberOf); 14] = [
    ('T', NumberOf::TopicLength),
    ('K', NumberOf::KeyLength),
    ('V', NumberOf::ValueLength),
    ('S', NumberOf::ValueLength),
    ('H', NumberOf::HeaderCount),
    ('p', NumberOf::Partition),
    ('o', NumberOf::Offset),
    ('e', NumberOf::LeaderEpoch),
    ('x', NumberOf::ProducerId),
    ('y', NumberOf::ProducerEpoch),
    ('i', NumberOf::Count),
    ('[', NumberOf::LogStart),
    ('|', NumberOf::LastStable),
    (']', NumberOf::HighWatermark),
];

const TEXTS: [(char, TextOf); 4] = [('t', TextOf::Topic), ('k', TextOf::Key), ('v', TextOf::Value), ('s', TextOf::Value)];

const ATTRIBUTES: [(&str, Attribute); 4] = [
    ("compression", Attribute::Compression),
    ("timestamp-type", Attribute::TimestampType),
    ("transactional-bit", Attribute::Transactional),
    ("control-bit", Attribute::Control),
];

/// Reads a format string. Errors: what in it means nothing.
pub fn parse(layout: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut literal, mut rest) = (Vec::new(), Vec::new(), layout);
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let (byte, left) = escape(after)?;
                literal.push(byte);
                rest = left;
            }
            '%' => {
                let verb = after.chars().next().ok_or("nothing follows the last %; %% prints one")?;
                let left = &after[verb.len_utf8()..];
                if matches!(verb, '%' | '{' | '}') {
                    literal.push(verb as u8);
                    rest = left;
                    continue;
                }
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                let (piece, left) = verb_piece(verb, left)?;
                pieces.push(piece);
                rest = left;
            }
            _ => {
                literal.extend_from_slice(&rest.as_bytes()[..c.len_utf8()]);
                rest = after;
            }
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

fn escape(text: &str) -> Result<(u8, &str), String> {
    let c = text.chars().next().ok_or("nothing follows the last backslash; \\\\ prints one")?;
    let rest = &text[c.len_utf8()..];
    let byte = match c {
        't' => b'\t',
        'n' => b'\n',
        'r' => b'\r',
        '\\' => b'\\',
        'x' => {
            let digits = rest.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
            let digits = digits.ok_or("\\x takes two hexadecimal digits")?;
            return Ok((u8::from_str_radix(digits, 16).map_err(|e| e.to_string())?, &rest[2..]));
        }
        _ => return Err(format!("unknown escape \\{c}; there are \\t \\n \\r \\\\ \\xNN")),
    };
    Ok((byte, rest))
}

/// The piece of a verb, and what is left after it and its braces.
fn verb_piece(verb: char, rest: &str) -> Result<(Piece, &str), String> {
    let inside = rest.strip_prefix('{');
    if let Some((_, of)) = NUMBERS.iter().find(|(c, _)| *c == verb) {
        return number(*of, inside, rest).map_err(|e| format!("%{verb}: {e}"));
    }
    if let Some((_, of)) = TEXTS.iter().find(|(c, _)| *c == verb) {
        let Some(inside) = inside else { return Ok((Piece::Text(*of, TextForm::Raw), rest)) };
        let (form, rest) = text_form(inside).map_err(|e| format!("%{verb}: {e}"))?;
        return Ok((Piece::Text(*of, form), rest));
    }
    match (verb, inside) {
        ('d', None) => Ok((Piece::Number(NumberOf::Timestamp, NumberForm::Ascii), rest)),
        ('d', Some(inside)) => time(inside).map_err(|e| format!("%d: {e}")),
        ('h', None) => Ok((Piece::HeaderList, rest)),
        ('h', Some(inside)) => {
            let (spec, rest) = header_spec(inside)?;
            Ok((Piece::Headers(parse(spec).map_err(|e| format!("%h: {e}"))?), rest))
        }
        ('a', Some(inside)) => attribute(inside).map_err(|e| format!("%a: {e}")),
        ('a', None) => Err("%a takes braces: %a{compression}, {timestamp-type}, {transactional-bit} or {control-bit}".to_owned()),
        _ => Err(format!("unknown verb %{verb}")),
    }
}

fn number<'a>(of: NumberOf, inside: Option<&'a str>, rest: &'a str) -> Result<(Piece, &'a str), String> {
    let Some(inside) = inside else { return Ok((Piece::Number(of, NumberForm::Ascii), rest)) };
    let (name, rest) = inside.split_once('}').ok_or("the brace is never closed")?;
    if let Some(form) = NumberForm::named(name) {
        return Ok((Piece::Number(of, form), rest));
    }
    match name.parse::<usize>() {
        Ok(size @ 1..) => Ok((Piece::Fixed(of, size), rest)),
        _ => Err(format!("unknown number format {name}")),
    }
}

fn text_form(inside: &str) -> Result<(TextForm, &str), String> {
    if let Some(rest) = inside.strip_prefix("unpack") {
        let (pattern, rest) = enclosed(rest)?;
        return Ok((TextForm::Unpack(Unpack::parse(pattern)?), rest));
    }
    if let Some(rest) = inside.strip_prefix("re").filter(|r| !r.starts_with('}')) {
        let (pattern, rest) = enclosed(rest)?;
        return Ok((TextForm::Regex(pattern.to_owned()), rest));
    }
    let (name, rest) = inside.split_once('}').ok_or("the brace is never closed")?;
    let form = match name {
        "" => TextForm::Raw,
        "hex" => TextForm::Hex,
        "base64" => TextForm::Base64,
        "base64raw" => TextForm::Base64Raw,
        "json" => TextForm::Json,
        _ => return Err(format!("unknown text format {name}; there are hex, base64, base64raw, json, unpack[...] and re[...]")),
    };
    Ok((form, rest))
}

fn time(inside: &str) -> Result<(Piece, &str), String> {
    if let Some(rest) = inside.strip_prefix("strftime") {
        let (pattern, rest) = enclosed(rest)?;
        return Ok((Piece::Time(Strftime::parse(pattern)?), rest));
    }
    if let Some(rest) = inside.strip_prefix("go") {
        let (pattern, rest) = enclosed(rest)?;
        return Ok((Piece::Time(Strftime::from_go(pattern)?), rest));
    }
    number(NumberOf::Timestamp, Some(inside), inside)
}

fn attribute(inside: &str) -> Result<(Piece, &str), String> {
    let (text, rest) = inside.split_once('}').ok_or("the brace is never closed")?;
    let (name, form) = text.split_once(';').map_or((text, None), |(name, form)| (name, Some(form)));
    let found = ATTRIBUTES.iter().find(|(known, _)| *known == name);
    let (_, attribute) = found.ok_or_else(|| format!("unknown attribute {name}"))?;
    let form = form.map(|f| NumberForm::named(f).ok_or_else(|| format!("unknown number format {f}"))).transpose()?;
    Ok((Piece::Attribute(*attribute, form), rest))
}

/// What is between as many equal characters before and after it, `[...]`, `##...##`, and what follows the closing brace.
fn enclosed(text: &str) -> Result<(&str, &str), String> {
    let open = text.chars().next().ok_or("the brace is never closed")?;
    let close = match open {
        '{' => '}',
        '[' => ']',
        '(' => ')',
        same => same,
    };
    let count = text.chars().take_while(|c| *c == open).count();
    let end = String::from(close).repeat(count);
    let inner = &text[count * open.len_utf8()..];
    let (inner, rest) = inner.split_once(&end).ok_or_else(|| format!("{end} is missing"))?;
    let rest = rest.strip_prefix('}').ok_or_else(|| format!("}} is missing after {end}"))?;
    Ok((inner, rest))
}

/// The inside of `%h{...}`, which may hold braces of its own.
fn header_spec(inside: &str) -> Result<(&str, &str), String> {
    let (mut depth, mut before) = (1, '{');
    for (at, c) in inside.char_indices() {
        match c {
            '{' if before != '%' => depth += 1,
            '}' if before != '%' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok((&inside[..at], &inside[at + 1..]));
        }
        before = c;
    }
    Err("%h: the brace is never closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_escapes_and_verbs() {
        let text = Piece::Text;
        assert_eq!(
            parse("a\\t%%%{%k{hex}\\x00é%v").unwrap(),
            [
                Piece::Literal(b"a\t%{".to_vec()),
                text(TextOf::Key, TextForm::Hex),
                Piece::Literal("\0é".as_bytes().to_vec()),
                text(TextOf::Value, TextForm::Raw)
            ]
        );
        assert_eq!(parse("%K{big32}%[%H{3}").unwrap().len(), 3);
        assert_eq!(parse("%a{compression;hex8}").unwrap(), [Piece::Attribute(Attribute::Compression, Some(NumberForm::HexDigits(2)))]);
    }

    #[test]
    fn headers_nest_and_enclosures_count() {
        let header = |inner| Piece::Headers(inner);
        assert_eq!(
            parse("%h{ %k=%v{hex}%} }!").unwrap(),
            [
                header(vec![
                    Piece::Literal(b" ".to_vec()),
                    Piece::Text(TextOf::Key, TextForm::Raw),
                    Piece::Literal(b"=".to_vec()),
                    Piece::Text(TextOf::Value, TextForm::Hex),
                    Piece::Literal(b"} ".to_vec())
                ]),
                Piece::Literal(b"!".to_vec())
            ]
        );
        assert_eq!(parse("%d{strftime### [%F] ###}").unwrap(), [Piece::Time(Strftime::parse(" [%F] ").unwrap())]);
        assert_eq!(parse("%v{unpack[>i$]}").unwrap().len(), 1);
        assert_eq!(parse("%k{re[\\d*]}").unwrap(), [Piece::Text(TextOf::Key, TextForm::Regex("\\d*".into()))]);
    }

    #[test]
    fn what_means_nothing_is_told() {
        let told = |layout: &str| parse(layout).unwrap_err();
        assert_eq!(told("%q"), "unknown verb %q");
        assert!(told("%").starts_with("nothing follows") && told("\\").starts_with("nothing follows"));
        assert_eq!(told("\\q"), "unknown escape \\q; there are \\t \\n \\r \\\\ \\xNN");
        assert!(told("%k{nosuch}").starts_with("%k: unknown text format nosuch"));
        assert_eq!(told("%K{nosuch}"), "%K: unknown number format nosuch");
        for bad in
            ["%a", "%a{x}", "%h{%k", "%k{hex", "%v{unpack[i}", "%v{unpack[i]", "%d{strftime[%F", "%d{nosuch}", "\\x1", "%h{%q}", "%K{0}"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
