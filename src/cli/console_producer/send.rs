//! Lines in, records out: every record's fate is known before the command ends, and one that was lost is never passed over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::input;
use super::reader::{LineReader, Parsed};
use crate::cli::connect::Properties;
use crate::cli::error::{CliError, log4j_line, stderr_line};
use crate::cli::tool::{Context, Exit};
use crate::client::producer::{Delivery, OutgoingRecord};
use crate::client::{Error, Producer, ProducerConfig};
use crate::wire::ErrorCode;

const CALLBACK: &str = "org.apache.kafka.clients.producer.internals.ErrorLoggingCallback";
const EXECUTION: &str = "java.util.concurrent.ExecutionException";

/// Reads standard input to its end and writes its lines to `topic`.
///
/// Errors: no broker can be reached; a line cannot be taken apart; with `sync`, the first record that is not written.
pub(super) async fn send_all(
    topic: &str,
    reader: &LineReader,
    sync: bool,
    properties: &Properties,
    cx: &Context,
) -> Result<Exit, CliError> {
    let values = properties.iter().cloned().collect();
    let config = ProducerConfig::parse(&values).map_err(|e| CliError::config(e.to_string()))?;
    let longest = config.buffer_memory;
    let patience = Duration::from_millis(config.delivery_timeout_ms);
    let producer = Producer::new(config)?;
    // Said at once, not after max.block.ms.
    producer.client().refresh(&[]).await?;
    look_for(topic, &producer).await;
    let mut sender = Sender { producer, topic, reader, sync, cx, failures: Arc::default(), line: 0 };
    let mut blocks = input::read_lines(longest, cx);
    let outcome = loop {
        match blocks.recv().await {
            None => break Ok(()),
            Some(Ok(block)) => {
                if let Err(e) = sender.block(&block).await {
                    break Err(e);
                }
            }
            Some(Err(e)) => break Err(CliError::failed("cannot read standard input").cause(e.to_string())),
        }
    };
    sender.producer.close(patience).await;
    outcome?;
    sender.verdict()
}

/// A topic that is created by being asked for is there within milliseconds, sooner than after the client's first pause.
async fn look_for(topic: &str, producer: &Producer) {
    for pause_ms in [2, 4, 8, 16, 32] {
        match producer.client().topic(topic, true).await {
            Err(e) if e.is_retriable() => tokio::time::sleep(Duration::from_millis(pause_ms)).await,
            // Anything else the first record will meet, too.
            _ => return,
        }
    }
}

struct Sender<'a> {
    producer: Producer,
    topic: &'a str,
    reader: &'a LineReader,
    sync: bool,
    cx: &'a Context,
    failures: Arc<Mutex<Failures>>,
    /// Of the input, from 1.
    line: u64,
}

#[derive(Debug, Default)]
struct Failures {
    count: u64,
    /// The earliest line, and why.
    first: Option<(u64, Error)>,
}

impl Failures {
    fn add(&mut self, line: u64, error: Error) {
        self.count += 1;
        if self.first.as_ref().is_none_or(|(first, _)| line < *first) {
            self.first = Some((line, error));
        }
    }
}

impl Sender<'_> {
    async fn block(&mut self, block: &[u8]) -> Result<(), CliError> {
        let now = jiff::Timestamp::now().as_millisecond();
        for line in input::lines(block) {
            self.line += 1;
            let parsed = self.reader.parse(line, self.line)?;
            let record = OutgoingRecord {
                topic: self.topic,
                partition: None,
                timestamp: Some(now),
                key: parsed.key,
                value: parsed.value,
                headers: &parsed.headers,
            };
            if self.sync {
                let sent = self.producer.send_and_wait(record).await;
                sent.map_err(|e| if let Error::Usage(text) = e { out_of_turn(text) } else { told(e, self.topic).wrapped_in(EXECUTION) })?;
            } else if let Err(e) = self.producer.send_with(record, self.delivery(&parsed)).await {
                self.refused(&parsed, e)?;
            }
        }
        Ok(())
    }

    /// Whom to tell when the record is lost.
    fn delivery(&self, parsed: &Parsed<'_>) -> Delivery {
        let failures = self.failures.clone();
        if !self.cx.is_kafka() {
            return Delivery::OnFailure(self.line, Arc::new(move |line, e| add(&failures, line, e)));
        }
        let (line, lost, topic) = (self.line, Lost::of(parsed), self.topic.to_owned());
        Delivery::Callback(Box::new(move |fate| {
            if let Err(e) = fate {
                lost.log(&topic, &e);
                add(&failures, line, e);
            }
        }))
    }

    /// The record was not even taken. One that is too large leaves the others alone; anything else meets the next record, too.
    fn refused(&self, parsed: &Parsed<'_>, e: Error) -> Result<(), CliError> {
        if let Error::Usage(text) = e {
            return Err(out_of_turn(text));
        }
        if self.cx.is_kafka() {
            Lost::of(parsed).log(self.topic, &e);
        }
        add(&self.failures, self.line, e.clone());
        match e {
            Error::RecordTooLarge { .. } => Ok(()),
            // Told already, in Kafka's own form.
            _ if self.cx.is_kafka() => Err(CliError::told()),
            e => Err(told(e, self.topic)),
        }
    }

    /// How it all went, once the fate of every record is known.
    fn verdict(&self) -> Result<Exit, CliError> {
        let failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some((line, error)) = &failures.first else { return Ok(Exit::OK) };
        if self.cx.is_kafka() {
            return Ok(Exit::FAILED);
        }
        let first = told(error.clone(), self.topic);
        let why = match &first.cause {
            Some(cause) => format!("{}: {cause}", first.message),
            None => first.message.clone(),
        };
        let records = if self.line == 1 { "record was" } else { "records were" };
        let mut e =
            CliError::failed(format!("{} of {} {records} not written, the first at line {line}", failures.count, self.line)).cause(why);
        e.hint = first.hint;
        Err(e)
    }
}

/// With a `transactional.id` the client takes no record outside of a transaction, and this command begins none.
fn out_of_turn(text: String) -> CliError {
    CliError::failed(text).exception("java.lang.IllegalStateException").hint("leave transactional.id out")
}

fn add(failures: &Mutex<Failures>, line: u64, error: Error) {
    failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).add(line, error);
}

/// An error of sending, in Kafka's words where they name the topic.
fn told(e: Error, topic: &str) -> CliError {
    match e.code() {
        Some(ErrorCode::InvalidTopicException) => {
            let mut error = CliError::from(e);
            error.message = format!("Invalid topics: [{topic}]");
            error
        }
        Some(ErrorCode::UnknownTopicOrPartition) => {
            let hint = format!("create it with `kfk topics --create --topic {topic}`, or check the name with `kfk topics --list`");
            let mut error = CliError::from(e).hint(hint);
            error.message = format!("topic \"{topic}\" does not exist");
            error
        }
        _ => e.into(),
    }
}

/// The sizes that Kafka's tool names when a record is lost.
#[derive(Clone, Copy, Debug)]
struct Lost {
    key: Option<usize>,
    value: Option<usize>,
}

impl Lost {
    fn of(parsed: &Parsed<'_>) -> Lost {
        Lost { key: parsed.key.map(<[u8]>::len), value: parsed.value.map(<[u8]>::len) }
    }

    fn log(self, topic: &str, e: &Error) {
        let size = |bytes: Option<usize>| bytes.map_or_else(|| "null".to_owned(), |n| format!("{n} bytes"));
        let (key, value) = (size(self.key), size(self.value));
        log4j_line("ERROR", &format!("Error when sending message to topic {topic} with key: {key}, value: {value} with error:"), CALLBACK);
        stderr_line(told(e.clone(), topic).as_java());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_loss_is_the_one_told() {
        let mut failures = Failures::default();
        failures.add(7, Error::Closed);
        failures.add(3, Error::Usage("x".into()));
        failures.add(9, Error::Closed);
        assert_eq!((failures.count, failures.first), (3, Some((3, Error::Usage("x".into())))));
    }
}
