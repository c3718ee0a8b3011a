//! Lines in, records out: every record's fate is known before the command ends, and one that was lost is never passed over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::input;
use super::overlay::Overlay;
use super::reader::LineReader;
use super::source::Source;
use crate::cli::connect::{self, Properties};
use crate::cli::error::{CliError, log4j_line, stderr_line};
use crate::cli::records::line::{self, InputRecord};
use crate::cli::records::scan::Scanner;
use crate::cli::records::times;
use crate::cli::tool::{Context, Exit};
use crate::client::producer::{Delivery, OutgoingRecord};
use crate::client::{Error, Producer, ProducerConfig};
use crate::wire::ErrorCode;

type Blocks = mpsc::Receiver<std::io::Result<input::Block>>;

const CALLBACK: &str = "org.apache.kafka.clients.producer.internals.ErrorLoggingCallback";
const EXECUTION: &str = "java.util.concurrent.ExecutionException";

/// What to do.
pub(super) struct Plan<'a> {
    /// Wins over topics that the input names.
    pub topic: Option<&'a str>,
    pub source: Source,
    pub overlay: Overlay,
    /// Wait for each record.
    pub sync: bool,
    /// Records a second, at most.
    pub rate: Option<f64>,
}

/// Reads standard input (or files) to its end and writes what it holds.
///
/// Errors: no broker can be reached; the input cannot be taken apart; with `sync`, the first record that is not written.
pub(super) async fn send_all(plan: &Plan<'_>, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
    let values = properties.iter().cloned().collect();
    let config = ProducerConfig::parse(&values).map_err(|e| CliError::config(e.to_string()))?;
    let longest = config.buffer_memory;
    let patience = Duration::from_millis(config.delivery_timeout_ms);
    let producer = Producer::new(config)?;
    // Said at once, not after max.block.ms.
    producer.client().refresh(&[]).await?;
    if let Some(topic) = plan.topic {
        look_for(topic, &producer).await;
    }
    let pace = plan.rate.map(Pace::new);
    let failures = Arc::<Mutex<Failures>>::default();
    let listener = {
        let failures = failures.clone();
        Arc::new(move |line, e| add(&failures, line, e))
    };
    let mut sender = Sender { producer, plan, cx, failures, listener, line: 0, pace, known: BTreeMap::new() };
    let outcome = match &plan.source {
        Source::Files(paths) => sender.files(paths, longest).await,
        Source::Format(scanner) => sender.scan(scanner, input::read_bytes(cx), longest).await,
        _ => sender.lines(input::read_lines(longest, cx)).await,
    };
    sender.producer.close(patience).await;
    outcome.map_err(|e| sender.with_losses(e))?;
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
    plan: &'a Plan<'a>,
    cx: &'a Context,
    failures: Arc<Mutex<Failures>>,
    /// Adds to them: one for all records, as one for each would cost more than all else that is done for a record.
    listener: Arc<dyn Fn(u64, Error) + Send + Sync>,
    /// Of the input, from 1; of records where these are no lines.
    line: u64,
    pace: Option<Pace>,
    /// How many partitions topics have that records were sent to by number.
    known: BTreeMap<String, i32>,
}

/// Lets so many records pass in a second.
struct Pace {
    start: Instant,
    rate: f64,
    sent: f64,
}

impl Pace {
    fn new(rate: f64) -> Pace {
        Pace { start: Instant::now(), rate, sent: 0.0 }
    }

    /// Waits until it is the next record's turn.
    async fn turn(&mut self) {
        let due = self.start + Duration::try_from_secs_f64(self.sent / self.rate).unwrap_or(Duration::MAX / 4);
        self.sent += 1.0;
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
    }
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
    async fn lines(&mut self, mut blocks: Blocks) -> Result<(), CliError> {
        while let Some(block) = blocks.recv().await {
            let block = block.map_err(unreadable)?;
            match &self.plan.source {
                Source::Lines(reader) if self.plan.overlay.is_empty() => self.plain_block(&block, reader).await?,
                Source::Lines(reader) => {
                    for line in input::lines(&block) {
                        self.line += 1;
                        let parsed = reader.parse(line, self.line)?;
                        let headers = parsed.headers.iter().map(|h| (Cow::Borrowed(h.key), h.value.map(Cow::Borrowed))).collect();
                        let (key, value) = (parsed.key.map(Cow::Borrowed), parsed.value.map(Cow::Borrowed));
                        self.record(InputRecord { key, value, headers, ..InputRecord::default() }).await?;
                    }
                }
                _ => {
                    for line in input::lines(&block) {
                        self.line += 1;
                        if !line.is_empty() {
                            let record = line::read(line).map_err(|why| self.no_record(&why))?;
                            self.record(record).await?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Lines that are records as they are.
    async fn plain_block(&mut self, block: &[u8], reader: &LineReader) -> Result<(), CliError> {
        let now = times::now();
        let topic = self.plan.topic.unwrap_or_default();
        for line in input::lines(block) {
            self.line += 1;
            let parsed = reader.parse(line, self.line)?;
            let timestamp = if self.pace.is_some() { None } else { Some(now) };
            let (key, value, headers) = (parsed.key, parsed.value, &parsed.headers[..]);
            self.send(OutgoingRecord { topic, partition: None, timestamp, key, value, headers }).await?;
        }
        Ok(())
    }

    async fn scan(&mut self, scanner: &Scanner, mut blocks: Blocks, longest: usize) -> Result<(), CliError> {
        let (mut bytes, mut at, mut all) = (Vec::new(), 0, false);
        loop {
            let found = scanner.next(&bytes[at..], all);
            if let Some((record, taken)) = found.map_err(|why| CliError::failed(format!("record {}: {why}", self.line + 1)))? {
                self.line += 1;
                self.record(record).await?;
                at += taken;
                continue;
            }
            if all {
                return Ok(());
            }
            bytes.drain(..at);
            at = 0;
            if bytes.len() > longest {
                return Err(CliError::failed(format!("record {} is longer than {longest} bytes", self.line + 1)));
            }
            match blocks.recv().await {
                Some(block) => bytes.extend_from_slice(&block.map_err(unreadable)?),
                None => all = true,
            }
        }
    }

    async fn files(&mut self, paths: &[PathBuf], longest: usize) -> Result<(), CliError> {
        for path in paths {
            let too_long = || CliError::failed(format!("{} is longer than {longest} bytes", path.display()));
            let value = if path.as_os_str() == "-" {
                let mut all = Vec::new();
                let mut blocks = input::read_bytes(self.cx);
                while let Some(block) = blocks.recv().await {
                    all.extend_from_slice(&block.map_err(unreadable)?);
                    if all.len() > longest {
                        return Err(too_long());
                    }
                }
                all
            } else {
                let size = std::fs::metadata(path).map_err(|e| connect::unreadable(path, &e))?.len();
                if size > longest as u64 {
                    return Err(too_long());
                }
                std::fs::read(path).map_err(|e| connect::unreadable(path, &e))?
            };
            self.line += 1;
            self.record(InputRecord { value: Some(Cow::Owned(value)), ..InputRecord::default() }).await?;
        }
        Ok(())
    }

    /// Sends a record as the input and the options tell it.
    async fn record(&mut self, mut record: InputRecord<'_>) -> Result<(), CliError> {
        let plan = self.plan;
        plan.overlay.apply(&mut record);
        let topic = match (plan.topic, &record.topic) {
            (Some(topic), _) => topic,
            (None, Some(topic)) => topic,
            (None, None) => return Err(self.no_record("it names no topic, and there is no --topic")),
        };
        if let Some(partition) = record.partition {
            self.has_partition(topic, partition).await?;
        }
        let headers = record.headers();
        self.send(OutgoingRecord {
            topic,
            partition: record.partition,
            timestamp: record.timestamp,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: &headers,
        })
        .await
    }

    /// A partition that does not exist is told at once: the client would wait for it.
    async fn has_partition(&mut self, topic: &str, partition: i32) -> Result<(), CliError> {
        if self.known.get(topic).is_some_and(|count| partition < *count) && partition >= 0 {
            return Ok(());
        }
        let found = self.producer.partitions(topic).await.map_err(|e| told(e, topic))?;
        let count = i32::try_from(found.partitions.len()).unwrap_or(i32::MAX);
        self.known.insert(topic.to_owned(), count);
        if (0..count).contains(&partition) {
            return Ok(());
        }
        let error = self.no_record(&format!("topic \"{topic}\" has no partition {partition}"));
        Err(error.cause(format!("it has {count}")).hint("`--partition any` lets the partitioner choose"))
    }

    fn no_record(&self, why: &str) -> CliError {
        CliError::failed(format!("line {}: {why}", self.line))
    }

    async fn send(&mut self, record: OutgoingRecord<'_>) -> Result<(), CliError> {
        if let Some(pace) = &mut self.pace {
            pace.turn().await;
        }
        if self.plan.sync {
            let topic = record.topic;
            let sent = self.producer.send_and_wait(record).await;
            return sent.map(|_| ()).map_err(|e| {
                if let Error::Usage(text) = e {
                    return out_of_turn(text);
                }
                add(&self.failures, self.line, e.clone());
                told(e, topic).wrapped_in(EXECUTION)
            });
        }
        match self.producer.send_with(record, self.delivery(&record)).await {
            Ok(()) => Ok(()),
            Err(e) => self.refused(&record, e),
        }
    }

    /// Whom to tell when the record is lost.
    fn delivery(&self, record: &OutgoingRecord<'_>) -> Delivery {
        if !self.cx.is_kafka() {
            return Delivery::OnFailure(self.line, self.listener.clone());
        }
        let failures = self.failures.clone();
        let (line, lost, topic) = (self.line, Lost::of(record), record.topic.to_owned());
        Delivery::Callback(Box::new(move |fate| {
            if let Err(e) = fate {
                lost.log(&topic, &e);
                add(&failures, line, e);
            }
        }))
    }

    /// The record was not even taken. One that is too large leaves the others alone; anything else meets the next record, too.
    fn refused(&self, record: &OutgoingRecord<'_>, e: Error) -> Result<(), CliError> {
        if let Error::Usage(text) = e {
            return Err(out_of_turn(text));
        }
        if self.cx.is_kafka() {
            Lost::of(record).log(record.topic, &e);
        }
        add(&self.failures, self.line, e.clone());
        match e {
            Error::RecordTooLarge { .. } => Ok(()),
            // Told already, in Kafka's own form.
            _ if self.cx.is_kafka() => Err(CliError::told()),
            e => Err(told(e, record.topic)),
        }
    }

    /// An error that ended the work, with the first record that was lost.
    fn with_losses(&self, mut e: CliError) -> CliError {
        let failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let (Some((line, _)), false) = (&failures.first, self.cx.is_kafka()) {
            let records = if failures.count == 1 { "record was" } else { "records were" };
            e.message = format!("{} {records} not written, the first at line {line}: {}", failures.count, e.message);
        }
        e
    }

    /// How it all went, once the fate of every record is known.
    fn verdict(&self) -> Result<Exit, CliError> {
        let failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some((line, error)) = &failures.first else { return Ok(Exit::OK) };
        if self.cx.is_kafka() {
            return Ok(Exit::FAILED);
        }
        let first = told(error.clone(), self.plan.topic.unwrap_or("of the record"));
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

fn unreadable(e: std::io::Error) -> CliError {
    CliError::failed("cannot read standard input").cause(e.to_string())
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
    fn of(record: &OutgoingRecord<'_>) -> Lost {
        Lost { key: record.key.map(<[u8]>::len), value: record.value.map(<[u8]>::len) }
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
