//! Kafka's built-in deserializers, by the names of their Java classes: bytes to the text that Java would print.

const PACKAGE: &str = "org.apache.kafka.common.serialization.";

/// How bytes become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deserializer {
    /// As they are: strings, and byte arrays (which Java would print as an address).
    Bytes,
    Short,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Uuid,
    Void,
}

impl Deserializer {
    /// The deserializer of that class name; `None` if there is none of that name.
    pub fn of_class(name: &str) -> Option<Deserializer> {
        let class = name.trim().strip_prefix(PACKAGE)?.strip_suffix("Deserializer")?;
        Some(match class {
            "String" | "ByteArray" | "ByteBuffer" | "Bytes" => Deserializer::Bytes,
            "Short" => Deserializer::Short,
            "Integer" => Deserializer::Integer,
            "Long" => Deserializer::Long,
            "Float" => Deserializer::Float,
            "Double" => Deserializer::Double,
            "Boolean" => Deserializer::Boolean,
            "UUID" => Deserializer::Uuid,
            "Void" => Deserializer::Void,
            _ => return None,
        })
    }

    /// Appends the text of `bytes`. Errors, as text in Java's words: bytes that cannot be such a value.
    pub fn write(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let text = match self {
            Deserializer::Bytes => {
                out.extend_from_slice(bytes);
                return Ok(());
            }
            Deserializer::Short => i16::from_be_bytes(sized(bytes, "ShortDeserializer")?).to_string(),
            Deserializer::Integer => i32::from_be_bytes(sized(bytes, "IntegerDeserializer")?).to_string(),
            Deserializer::Long => i64::from_be_bytes(sized(bytes, "LongDeserializer")?).to_string(),
            Deserializer::Float => {
                let value = f32::from_be_bytes(sized(bytes, "Deserializer")?);
                java_float(f64::from(value), format!("{value:?}"), format!("{value:E}"))
            }
            Deserializer::Double => {
                let value = f64::from_be_bytes(sized(bytes, "Deserializer")?);
                java_float(value, format!("{value:?}"), format!("{value:E}"))
            }
            Deserializer::Boolean => match bytes {
                [1] => "true".to_owned(),
                [0] => "false".to_owned(),
                [other] => return Err(format!("Unexpected byte received by BooleanDeserializer: {other}")),
                _ => return Err("Size of data received by BooleanDeserializer is not 1".to_owned()),
            },
            Deserializer::Uuid => match std::str::from_utf8(bytes) {
                Ok(text) if text.len() == 36 => text.to_owned(),
                _ => return Err("Error parsing data into UUID".to_owned()),
            },
            Deserializer::Void => return Err("Data should be null for a VoidDeserializer.".to_owned()),
        };
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn sized<const N: usize>(bytes: &[u8], by: &str) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| format!("Size of data received by {by} is not {N}"))
}

/// Java's `toString` of a floating-point number: plain between 1e-3 and 1e7, else `1.0E10`.
fn java_float(value: f64, plain: String, scientific: String) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return plain;
    }
    match scientific.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(class: &str, bytes: &[u8]) -> Result<String, String> {
        let mut out = Vec::new();
        Deserializer::of_class(&format!("{PACKAGE}{class}")).unwrap().write(bytes, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn numbers_print_as_in_java() {
        assert_eq!(text("IntegerDeserializer", &42i32.to_be_bytes()).unwrap(), "42");
        assert_eq!(text("LongDeserializer", &(-7i64).to_be_bytes()).unwrap(), "-7");
        assert_eq!(text("DoubleDeserializer", &1e10f64.to_be_bytes()).unwrap(), "1.0E10");
        assert_eq!(text("DoubleDeserializer", &100.0f64.to_be_bytes()).unwrap(), "100.0");
        assert_eq!(text("FloatDeserializer", &1.5e-5f32.to_be_bytes()).unwrap(), "1.5E-5");
        assert_eq!(text("BooleanDeserializer", &[1]).unwrap(), "true");
    }

    #[test]
    fn wrong_sizes_are_told_in_javas_words() {
        assert_eq!(text("IntegerDeserializer", &[0; 8]).unwrap_err(), "Size of data received by IntegerDeserializer is not 4");
    }

    #[test]
    fn classes_need_their_package() {
        assert_eq!(Deserializer::of_class("LongDeserializer"), None);
        assert_eq!(Deserializer::of_class("no.such.Class"), None);
    }
}
