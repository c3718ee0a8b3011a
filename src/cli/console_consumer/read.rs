//! The loop of the console consumer: poll, choose, format, write; and the ways it ends.

use std::time::{Duration, Instant};

use regex::Regex;

use super::options::{Plan, Start};
use super::stop::Stop;
use super::tail::Tail;
use super::whole::{Topics, Whole};
use super::{Args, CLASS};
use crate::cli::connect::Properties;
use crate::cli::error::{CliError, Kind, log4j_line, stderr_line};
use crate::cli::failure::java_class;
use crate::cli::out::Out;
use crate::cli::records::place::From;
use crate::cli::records::span::Spans;
use crate::cli::tool::{Context, Exit};
use crate::client::{Consumer, ConsumerConfig, ConsumerRecord, PartitionMarks, Polled};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

/// Formatted bytes are handed on when there are this many.
const WRITE_BYTES: usize = 64 * 1024;
/// How long to wait for records when there is no limit; only bounds one call.
const LONG: Duration = Duration::from_secs(3600);
/// How often to look whether a stretch has been read to its end, where no record tells it.
const LOOK: Duration = Duration::from_millis(20);
/// How long leaving the group may take at the end.
const CLOSE: Duration = Duration::from_secs(5);

/// Why the loop ended.
enum End {
    /// Enough records.
    Done,
    /// None came for as long as was asked for.
    Idle,
    Signal(u8),
    Error(CliError),
}

/// Reads until there is a reason to stop, prints, and tells how many records there were.
pub(super) async fn read(args: &Args, plan: Plan, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
    let values = properties.iter().cloned().collect();
    let config = ConsumerConfig::parse(&values).map_err(|e| CliError::config(e.to_string()))?;
    let (create, internal, grouped) =
        (config.allow_auto_create_topics, !config.exclude_internal_topics, config.group_id.as_deref().is_some_and(|g| !g.is_empty()));
    let consumer = Consumer::new(config)?;
    // Said at once, not when the time is over.
    consumer.client().refresh(&[]).await?;
    let buffer = Vec::with_capacity(2 * WRITE_BYTES);
    let spans = plan.window.map(|w| Spans::new(w.from, w.until));
    let mut reading = Reading { consumer, whole: None, spans, plan, out: Out::stdout(), buffer, count: 0, bad: 0, cx };
    let mut stop = Stop::new()?;
    let end = match reading.start(args, Subscription { create, internal, grouped }).await {
        Ok(()) => stop.unless(reading.run()).await.unwrap_or_else(End::Signal),
        // What was asked for is wrong: no record was ever waited for.
        Err(e) if e.java.class.ends_with("PatternSyntaxException") => return Err(e),
        Err(e) => End::Error(e),
    };
    let (count, bad) = (reading.count, reading.bad);
    let written = reading.finish().await;
    let ended =
        verdict(end, cx).and_then(|exit| match bad {
            0 => Ok(exit),
            // Each was told when it came.
            _ if exit == Exit::OK => Err(CliError::failed(format!("{bad} of {count} records could not be printed"))
                .hint("--skip-message-on-error calls that a success")),
            _ => Ok(exit),
        });
    // A reader that went away is no news to anybody.
    let quiet = matches!(&written, Err(e) if e.kind == Kind::BrokenPipe) || matches!(&ended, Err(e) if e.kind == Kind::BrokenPipe);
    if !quiet {
        stderr_line(format!("Processed a total of {count} messages"));
    }
    if args.enable_systest_events {
        cx.say("shutdown_complete")?;
    }
    written?;
    ended
}

/// How topics are to be read.
#[derive(Clone, Copy)]
struct Subscription {
    /// A topic that does not exist is created, if the broker wants so.
    create: bool,
    /// A pattern matches internal topics, too.
    internal: bool,
    /// A group was named.
    grouped: bool,
}

struct Reading<'a> {
    consumer: Consumer,
    /// Set when topics are read without a group.
    whole: Option<Whole>,
    /// Set when a stretch of each partition is read.
    spans: Option<Spans>,
    plan: Plan,
    out: Out,
    buffer: Vec<u8>,
    count: u64,
    /// Records that could not be printed.
    bad: u64,
    cx: &'a Context,
}

impl Reading<'_> {
    async fn start(&mut self, args: &Args, how: Subscription) -> Result<(), CliError> {
        let topics = std::mem::take(&mut self.plan.topics);
        for topic in &topics {
            self.find(topic, how.create).await?;
        }
        match (&args.include, args.partition) {
            (None, Some(number)) => {
                let all: Vec<TopicPartition> = topics.iter().map(|topic| TopicPartition::new(topic, number)).collect();
                self.consumer.assign(&all)?;
                self.place(&all).await?;
            }
            (None, None) if how.grouped => self.consumer.subscribe(&topics.iter().map(String::as_str).collect::<Vec<_>>())?,
            (None, None) => self.whole = Some(Whole::new(Topics::Named { names: topics, create: how.create })),
            (Some(pattern), _) => {
                let expression = Regex::new(&format!("^(?:{pattern})$")).map_err(|e| no_pattern(pattern, &e.to_string()))?;
                match how.grouped {
                    true => self.consumer.subscribe_pattern(pattern)?,
                    false => self.whole = Some(Whole::new(Topics::Matching { expression, internal: how.internal })),
                }
            }
        }
        Ok(())
    }

    /// Begins where the options say in partitions that were just assigned.
    async fn place(&mut self, partitions: &[TopicPartition]) -> Result<(), CliError> {
        let Some(window) = self.plan.window else {
            for tp in partitions.iter().filter(|_| self.whole.is_none()) {
                match self.plan.start {
                    Start::Earliest => self.consumer.seek_to_beginning(tp)?,
                    Start::Latest => self.consumer.seek_to_end(tp)?,
                    Start::At(offset) => self.consumer.seek(tp, offset)?,
                }
            }
            return Ok(());
        };
        if partitions.is_empty() {
            return Ok(());
        }
        if let Some(n) = window.tail {
            let tail = Tail::read(&mut self.consumer, partitions, n).await?;
            for record in tail.newest(n) {
                self.emit(&record)?;
            }
            // On from where the tail ended.
            self.spans = Some(Spans::new(From::End(0), window.until));
        }
        let Some(spans) = &mut self.spans else { return Ok(()) };
        spans.place(&mut self.consumer, partitions).await?;
        if let Some(whole) = self.whole.as_mut().filter(|_| spans.is_bounded()) {
            whole.stop_looking();
        }
        Ok(())
    }

    /// A topic that does not exist may come to be; under kfk's own name that is said. Where a stretch of it is wanted, it is an error.
    async fn find(&self, topic: &str, create: bool) -> Result<(), CliError> {
        match self.consumer.client().topic(topic, create).await {
            Ok(_) => Ok(()),
            Err(e) if e.code() == Some(ErrorCode::InvalidTopicException) => {
                Err(CliError::failed(format!("Invalid topics: [{topic}]")).exception(java_class(ErrorCode::InvalidTopicException)))
            }
            // It would have no end that could be reached.
            Err(e) if e.code() == Some(ErrorCode::UnknownTopicOrPartition) && self.plan.window.is_some() => {
                let mut error = CliError::from(e).hint("`kfk topics --list` shows what there is");
                error.message = format!("topic \"{topic}\" does not exist");
                Err(error)
            }
            Err(e) if e.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                if !self.cx.is_kafka() {
                    stderr_line(format!("warning: topic \"{topic}\" does not exist; waiting for it"));
                }
                Ok(())
            }
            Err(e) if e.is_retriable() => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    async fn run(&mut self) -> End {
        match self.run_until_done().await {
            Ok(end) => end,
            Err(e) => End::Error(e),
        }
    }

    async fn run_until_done(&mut self) -> Result<End, CliError> {
        if self.is_enough() {
            return Ok(End::Done);
        }
        let patience = self.plan.timeout_ms.map(Duration::from_millis);
        let mut idle_since = Instant::now();
        loop {
            let mut next_look = LONG;
            if let Some(whole) = &mut self.whole {
                let first = whole.look(&mut self.consumer).await?;
                next_look = whole.due().map_or(LONG, |due| due.saturating_duration_since(Instant::now()));
                if !first.is_empty() {
                    self.place(&first).await?;
                }
            }
            let enough = self.is_enough();
            if let Some(spans) = &mut self.spans {
                if enough || spans.all_read(&mut self.consumer).await? {
                    return Ok(End::Done);
                }
                next_look = if spans.is_bounded() { next_look.min(LOOK) } else { next_look };
            }
            // What is there already is taken before what was formatted is handed on.
            let mut polled = self.consumer.poll(Duration::ZERO).await.map_err(reading_failed)?;
            if polled.is_empty() {
                self.hand_on()?;
                let left = patience.map_or(LONG, |p| p.saturating_sub(idle_since.elapsed()));
                polled = self.consumer.poll(left.min(next_look)).await.map_err(reading_failed)?;
            }
            if polled.is_empty() {
                if patience.is_some_and(|p| idle_since.elapsed() >= p) {
                    return Ok(End::Idle);
                }
            } else if self.print(&polled)? {
                return Ok(End::Done);
            } else {
                idle_since = Instant::now();
            }
        }
    }

    fn is_enough(&self) -> bool {
        self.plan.max_messages.is_some_and(|most| self.count >= most)
    }

    /// Formats records. True if there are enough now; the position is then behind the last one printed.
    fn print(&mut self, polled: &Polled) -> Result<bool, CliError> {
        for (at, chunk) in polled.chunks.iter().enumerate() {
            let end = self.spans.as_ref().map_or(i64::MAX, |spans| spans.end_of(chunk.topic(), chunk.partition()));
            let mut records = chunk.iter();
            for record in records.by_ref().take_while(|r| r.offset < end) {
                if self.spans.as_ref().is_some_and(|spans| !spans.holds(&record)) {
                    continue;
                }
                self.emit(&record)?;
                if self.is_enough() {
                    let others = polled.chunks[at + 1..].iter().filter_map(|chunk| chunk.iter().next());
                    let mut seen = Vec::new();
                    for left in records.next().into_iter().chain(others) {
                        let tp = TopicPartition::new(left.topic, left.partition);
                        if !seen.contains(&tp) {
                            self.consumer.seek(&tp, left.offset)?;
                            seen.push(tp);
                        }
                    }
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Formats a record, if it is one of those wanted and there are not enough yet.
    fn emit(&mut self, record: &ConsumerRecord<'_>) -> Result<(), CliError> {
        if !self.plan.grep.wants(record) || self.is_enough() {
            return Ok(());
        }
        self.count += 1;
        let marks = match self.plan.formatter.wants_marks() {
            true => self.consumer.known_marks(&TopicPartition::new(record.topic, record.partition)).unwrap_or_default(),
            false => PartitionMarks::default(),
        };
        if let Err(e) = self.plan.formatter.write(record, None, marks, &mut self.buffer, self.cx) {
            match (self.plan.skip_errors, self.cx.is_kafka()) {
                (false, true) => return Err(e),
                (false, false) => self.bad += 1,
                (true, _) => {}
            }
            self.tell_skipped(record, &e);
        }
        if self.buffer.len() >= WRITE_BYTES {
            self.out.bytes(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    fn tell_skipped(&self, record: &ConsumerRecord<'_>, e: &CliError) {
        if self.cx.is_kafka() {
            log4j_line("ERROR", "Error processing message, skipping this message: ", CLASS);
            stderr_line(e.as_java());
        } else {
            let place = format!("{}-{} at offset {}", record.topic, record.partition, record.offset);
            stderr_line(format!("warning: skipped the record of {place}: {}", e.message));
        }
    }

    fn hand_on(&mut self) -> Result<(), CliError> {
        if !self.buffer.is_empty() {
            self.out.bytes(&self.buffer)?;
            self.buffer.clear();
        }
        self.out.flush()
    }

    /// Hands on what is left, commits and leaves the group.
    async fn finish(mut self) -> Result<(), CliError> {
        let written = self.hand_on();
        // A group that cannot be left now forgets this member by itself.
        let _ = self.consumer.close(CLOSE).await;
        written
    }
}

fn no_pattern(pattern: &str, why: &str) -> CliError {
    CliError::failed(format!("{pattern} is no regular expression"))
        .cause(why.split_whitespace().collect::<Vec<_>>().join(" "))
        .exception("java.util.regex.PatternSyntaxException")
}

fn reading_failed(e: crate::client::Error) -> CliError {
    let no_policy = e.to_string().starts_with("Undefined offset with no reset policy");
    let error = CliError::from(e);
    match no_policy {
        true => error.exception("org.apache.kafka.clients.consumer.NoOffsetForPartitionException"),
        false => error,
    }
}

/// What the end means. Kafka's tool logs what ended it and exits 0; but not for what it could not print.
fn verdict(end: End, cx: &Context) -> Result<Exit, CliError> {
    let terminated = "Error processing message, terminating consumer process: ";
    match end {
        End::Done => Ok(Exit::OK),
        End::Signal(code) => Ok(Exit(code)),
        End::Idle => {
            if cx.is_kafka() {
                log4j_line("ERROR", terminated, CLASS);
                stderr_line("org.apache.kafka.common.errors.TimeoutException");
            }
            Ok(Exit::OK)
        }
        End::Error(e) if cx.is_kafka() && !prints_badly(&e) && e.kind == Kind::Failed => {
            log4j_line("ERROR", terminated, CLASS);
            stderr_line(e.as_java());
            Ok(Exit::OK)
        }
        End::Error(e) => Err(e),
    }
}

/// The record or the output was at fault, not the broker.
fn prints_badly(e: &CliError) -> bool {
    e.java.class.ends_with("SerializationException") || e.java.class.is_empty()
}
