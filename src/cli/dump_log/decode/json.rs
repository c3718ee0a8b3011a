//! JSON on one line as Kafka's tools write it: no blanks, control characters as `\u001F`, fractions as Java prints them.

use std::fmt::Write;

use serde_json::Value;

/// `value` as text.
pub fn text(value: &Value) -> String {
    let mut out = String::with_capacity(256);
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => match n.as_f64().filter(|_| n.is_f64()) {
            Some(double) => out.push_str(&java_double(double)),
            None => out.push_str(&n.to_string()),
        },
        Value::String(s) => string(out, s),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                write(out, item);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (n, (name, value)) in fields.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                string(out, name);
                out.push(':');
                write(out, value);
            }
            out.push('}');
        }
    }
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // Writing into a string does not fail.
            c if c < ' ' => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A double as Java's `Double.toString` has it: `4096.0`, and with an exponent below 10^-3 and from 10^7 on: `1.0E10`.
fn java_double(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{value:?}");
    }
    let shortest = format!("{value:E}");
    match shortest.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => shortest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_and_numbers_look_as_in_java() {
        assert_eq!(
            text(&json!({"a": "x\"\\/\u{1}\u{1f}\n€", "b": [1, null, true]})),
            "{\"a\":\"x\\\"\\\\/\\u0001\\u001F\\n€\",\"b\":[1,null,true]}"
        );
        let doubles = [0.0, -0.0, 1.5, 4096.0, 1e10, 123456789.125, 1e-5, 1e7, 9999999.0, 0.001, 1e21];
        let java = ["0.0", "-0.0", "1.5", "4096.0", "1.0E10", "1.23456789125E8", "1.0E-5", "1.0E7", "9999999.0", "0.001", "1.0E21"];
        assert_eq!(doubles.map(java_double), java);
    }
}
