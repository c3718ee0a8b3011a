//! How records are printed: Kafka's formatters by the names of their Java classes.

use std::io::Write;

use super::deserialize::Deserializer;
use super::internal::Internal;
use crate::cli::connect::{Properties, get};
use crate::cli::error::{CliError, log4j_line, stderr_line};
use crate::cli::records::format::Format;
use crate::cli::records::json::JsonLines;
use crate::cli::tool::Context;
use crate::client::{ConsumerRecord, PartitionMarks};

const PACKAGE: &str = "org.apache.kafka.tools.consumer.";
const SERIALIZATION: &str = "org.apache.kafka.common.errors.SerializationException";

/// What prints records.
#[derive(Debug)]
pub(in crate::cli) enum Formatter {
    Default(Layout),
    /// Prints as the default one, and the record in words to the log (which Kafka's tools do not show).
    Logging(Layout),
    Internal(Internal),
    NoOp,
    Json(JsonLines),
    /// By a format string.
    Custom(Box<Format>),
}

impl Formatter {
    /// The formatter of class `class` (the default one if `None`). Errors: kfk has none of that name.
    pub fn new(class: Option<&str>, properties: &Properties, cx: &Context) -> Result<Formatter, CliError> {
        let class = class.unwrap_or("org.apache.kafka.tools.consumer.DefaultMessageFormatter");
        if let Some(internal) = Internal::of_class(class) {
            return Ok(Formatter::Internal(internal));
        }
        match class.strip_prefix(PACKAGE) {
            Some("DefaultMessageFormatter") => Ok(Formatter::Default(Layout::new(properties, cx)?)),
            Some("LoggingMessageFormatter") => Ok(Formatter::Logging(Layout::new(properties, cx)?)),
            Some("NoOpMessageFormatter") => Ok(Formatter::NoOp),
            _ => Err(CliError::usage(format!("kfk cannot run the Java class {class}")).java_message(class)),
        }
    }

    /// Whether it prints what is known of a partition beside its records.
    pub fn wants_marks(&self) -> bool {
        matches!(self, Formatter::Custom(format) if format.wants_marks())
    }

    /// Appends the record to `out`. Errors, in Java's words: the record is not what the formatter expects.
    ///
    /// `delivery`: how often it was delivered, where that is counted.
    pub fn write(
        &mut self,
        record: &ConsumerRecord<'_>,
        delivery: Option<i16>,
        marks: PartitionMarks,
        out: &mut Vec<u8>,
        cx: &Context,
    ) -> Result<(), CliError> {
        match self {
            Formatter::Default(layout) | Formatter::Logging(layout) => layout.write(record, delivery, out),
            Formatter::NoOp => Ok(()),
            Formatter::Json(lines) => {
                lines.write(record, out);
                Ok(())
            }
            Formatter::Custom(format) => {
                format.write(record, marks, out);
                Ok(())
            }
            Formatter::Internal(internal) => {
                let json = internal.json(record.key, record.value).map_err(|e| undecodable(record, &e.to_string()))?;
                out.extend_from_slice(json.as_deref().unwrap_or_default().as_bytes());
                if json.is_some() && !cx.is_kafka() {
                    // Kafka's formatters put nothing between two documents.
                    out.push(b'\n');
                }
                Ok(())
            }
        }
    }
}

fn undecodable(record: &ConsumerRecord<'_>, why: &str) -> CliError {
    let place = format!("{}-{} at offset {}", record.topic, record.partition, record.offset);
    CliError::failed(format!("the record of {place} cannot be decoded: {why}")).exception(SERIALIZATION)
}

/// The default formatter: columns in a fixed order, each with a separator after it, the last with a line end.
#[derive(Debug)]
pub(in crate::cli) struct Layout {
    timestamp: bool,
    partition: bool,
    offset: bool,
    delivery: bool,
    epoch: bool,
    headers: bool,
    key: bool,
    value: bool,
    key_separator: Vec<u8>,
    line_separator: Vec<u8>,
    headers_separator: Vec<u8>,
    null_literal: Vec<u8>,
    key_deserializer: Deserializer,
    value_deserializer: Deserializer,
    headers_deserializer: Deserializer,
}

impl Layout {
    /// Reads the formatter's properties. Errors (not under Kafka's name, which logs it and prints bytes): an unknown deserializer.
    pub fn new(properties: &Properties, cx: &Context) -> Result<Layout, CliError> {
        let flag = |key, default| get(properties, key).map_or(default, |v| v.trim().eq_ignore_ascii_case("true"));
        let text = |key, default: &str| get(properties, key).unwrap_or(default).as_bytes().to_vec();
        Ok(Layout {
            timestamp: flag("print.timestamp", false),
            partition: flag("print.partition", false),
            offset: flag("print.offset", false),
            delivery: flag("print.delivery", false),
            epoch: flag("print.epoch", false),
            headers: flag("print.headers", false),
            key: flag("print.key", false),
            value: flag("print.value", true),
            key_separator: text("key.separator", "\t"),
            line_separator: text("line.separator", "\n"),
            headers_separator: text("headers.separator", ","),
            null_literal: text("null.literal", "null"),
            key_deserializer: deserializer(properties, "key.deserializer", cx)?,
            value_deserializer: deserializer(properties, "value.deserializer", cx)?,
            headers_deserializer: deserializer(properties, "headers.deserializer", cx)?,
        })
    }

    fn write(&self, record: &ConsumerRecord<'_>, delivery: Option<i16>, out: &mut Vec<u8>) -> Result<(), CliError> {
        let start = out.len();
        let mut columns = Columns { layout: self, out, any: false };
        if self.timestamp {
            columns.number(&format!("{}:", record.timestamp_type.name()), record.timestamp);
        }
        if self.partition {
            columns.number("Partition:", i64::from(record.partition));
        }
        if self.offset {
            columns.number("Offset:", record.offset);
        }
        if self.delivery {
            match delivery {
                Some(count) => columns.number("Delivery:", i64::from(count)),
                None => columns.start().extend_from_slice(b"Delivery:NOT_PRESENT"),
            }
        }
        if self.epoch {
            // Kafka's console consumer does not pass the epoch on to its formatters.
            columns.start().extend_from_slice(b"Epoch:NOT_PRESENT");
        }
        let written = columns.variable(record);
        let any = columns.any;
        if let Err(message) = written {
            out.truncate(start);
            return Err(CliError::failed(message).exception(SERIALIZATION));
        }
        if any {
            out.extend_from_slice(&self.line_separator);
        }
        Ok(())
    }
}

struct Columns<'a> {
    layout: &'a Layout,
    out: &'a mut Vec<u8>,
    any: bool,
}

impl Columns<'_> {
    /// Begins the next column.
    fn start(&mut self) -> &mut Vec<u8> {
        if std::mem::replace(&mut self.any, true) {
            self.out.extend_from_slice(&self.layout.key_separator);
        }
        self.out
    }

    fn number(&mut self, label: &str, value: i64) {
        // Writing to memory cannot fail.
        let _ = write!(self.start(), "{label}{value}");
    }

    fn variable(&mut self, record: &ConsumerRecord<'_>) -> Result<(), String> {
        if self.layout.headers {
            self.headers(record)?;
        }
        if self.layout.key {
            self.cell(record.key, self.layout.key_deserializer)?;
        }
        if self.layout.value {
            self.cell(record.value, self.layout.value_deserializer)?;
        }
        Ok(())
    }

    fn cell(&mut self, bytes: Option<&[u8]>, deserializer: Deserializer) -> Result<(), String> {
        self.start();
        self.bytes(bytes, deserializer)
    }

    fn bytes(&mut self, bytes: Option<&[u8]>, deserializer: Deserializer) -> Result<(), String> {
        match bytes {
            Some(bytes) => deserializer.write(bytes, self.out),
            None => {
                self.out.extend_from_slice(&self.layout.null_literal);
                Ok(())
            }
        }
    }

    fn headers(&mut self, record: &ConsumerRecord<'_>) -> Result<(), String> {
        self.start();
        let mut headers = record.headers().peekable();
        if headers.peek().is_none() {
            self.out.extend_from_slice(b"NO_HEADERS");
        }
        for (at, header) in headers.enumerate() {
            if at > 0 {
                self.out.extend_from_slice(&self.layout.headers_separator);
            }
            self.out.extend_from_slice(header.key_text().as_bytes());
            self.out.push(b':');
            self.bytes(header.value, self.layout.headers_deserializer)?;
        }
        Ok(())
    }
}

fn deserializer(properties: &Properties, key: &str, cx: &Context) -> Result<Deserializer, CliError> {
    let Some(class) = get(properties, key) else { return Ok(Deserializer::Bytes) };
    match Deserializer::of_class(class) {
        Some(deserializer) => Ok(deserializer),
        None if cx.is_kafka() => {
            let text = format!("Unable to instantiate a deserializer from {class}");
            log4j_line("ERROR", &text, "org.apache.kafka.tools.consumer.DefaultMessageFormatter");
            stderr_line(format!("java.lang.ClassNotFoundException: {class}"));
            Ok(Deserializer::Bytes)
        }
        None => Err(CliError::usage(format!("{key}: kfk cannot run the Java class {class}"))
            .hint("built in are Kafka's own, such as org.apache.kafka.common.serialization.LongDeserializer")),
    }
}
