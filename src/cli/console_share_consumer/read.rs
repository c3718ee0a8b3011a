//! The loop of the console share consumer: poll, format, write, acknowledge; and the ways it ends.
//!
//! Records are acknowledged when they have been written: those that were not go back to the group when the consumer closes.

use std::time::{Duration, Instant};

use super::options::Plan;
use super::{Args, CLASS};
use crate::cli::connect::Properties;
use crate::cli::console_consumer::stop::Stop;
use crate::cli::error::{CliError, Kind, log4j_line, stderr_line};
use crate::cli::out::Out;
use crate::cli::tool::{Context, Exit};
use crate::client::{Acknowledge, ConsumerConfig, PartitionMarks, ShareConsumer, SharePolled};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

/// How long to wait for records when there is no limit; only bounds one call.
const LONG: Duration = Duration::from_secs(3600);
/// How long leaving the group may take at the end.
const CLOSE: Duration = Duration::from_secs(5);

/// Why the loop ended.
enum End {
    /// Enough records.
    Done,
    /// None came for as long as was asked for.
    Idle,
    Signal(u8),
    /// The cluster was at fault.
    Failed(CliError),
    /// A record that cannot be printed, or the output.
    Unprinted(CliError),
}

/// Takes records until there is a reason to stop, prints, and tells how many there were.
pub(super) async fn read(args: &Args, plan: Plan, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
    let values = properties.iter().cloned().collect();
    let config = ConsumerConfig::parse_share(&values).map_err(|e| CliError::config(e.to_string()))?;
    let mut consumer = ShareConsumer::new(config)?;
    // Said at once, not when the time is over.
    consumer.client().refresh(&[]).await?;
    let topic = args.topic.as_deref().unwrap_or_default();
    let mut reading = Reading { plan, out: Out::stdout(), buffer: Vec::new(), count: 0, cx };
    let mut stop = Stop::new()?;
    let end = match reading.start(&mut consumer, topic).await {
        Ok(()) => stop.unless(reading.run(&mut consumer)).await.unwrap_or_else(End::Signal),
        Err(e) => End::Failed(e),
    };
    // Who cannot say so now is forgotten by the group, and what is held goes to others.
    let closed = consumer.close(CLOSE).await;
    let ended = verdict(end, cx);
    if !matches!(&ended, Err(e) if e.kind == Kind::BrokenPipe) {
        stderr_line(format!("Processed a total of {} messages", reading.count));
    }
    if args.enable_systest_events {
        cx.say("shutdown_complete")?;
    }
    match closed {
        Err(e) if ended.is_ok() && !cx.is_kafka() => Err(CliError::from(e)),
        _ => ended,
    }
}

struct Reading<'a> {
    plan: Plan,
    out: Out,
    buffer: Vec<u8>,
    count: u64,
    cx: &'a Context,
}

impl Reading<'_> {
    /// A topic that does not exist may come to be; under kfk's own name that is said.
    async fn start(&self, consumer: &mut ShareConsumer, topic: &str) -> Result<(), CliError> {
        match consumer.client().topic(topic, false).await {
            Ok(_) => {}
            Err(e) if e.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                if !self.cx.is_kafka() {
                    stderr_line(format!("warning: topic \"{topic}\" does not exist; waiting for it"));
                }
            }
            Err(e) if e.is_retriable() => {}
            Err(e) => return Err(e.into()),
        }
        Ok(consumer.subscribe(&[topic])?)
    }

    async fn run(&mut self, consumer: &mut ShareConsumer) -> End {
        let patience = self.plan.timeout_ms.map(Duration::from_millis);
        let mut idle_since = Instant::now();
        while self.plan.max_messages.is_none_or(|most| self.count < most) {
            let left = patience.map_or(LONG, |p| p.saturating_sub(idle_since.elapsed()));
            let polled = match consumer.poll(left).await {
                Ok(polled) => polled,
                Err(e) => return End::Failed(e.into()),
            };
            if polled.is_empty() {
                if patience.is_some_and(|p| idle_since.elapsed() >= p) {
                    return End::Idle;
                }
                continue;
            }
            if let Err(e) = self.work(consumer, &polled) {
                return End::Unprinted(e);
            }
            idle_since = Instant::now();
        }
        End::Done
    }

    /// Prints records, `--max-messages` in all, and says what becomes of them.
    fn work(&mut self, consumer: &mut ShareConsumer, polled: &SharePolled) -> Result<(), CliError> {
        let mut said: Vec<(TopicPartition, i64, Acknowledge)> = Vec::new();
        let mut failed = None;
        for record in polled.iter() {
            if self.plan.max_messages.is_some_and(|most| self.count >= most) {
                break;
            }
            self.count += 1;
            let delivery = Some(record.delivery_count);
            let written = self.plan.formatter.write(&record, delivery, PartitionMarks::default(), &mut self.buffer, self.cx);
            let what = match written {
                Ok(()) => self.plan.says,
                Err(e) if self.plan.rejects_errors => {
                    self.tell_rejected(&e);
                    Acknowledge::Reject
                }
                Err(e) => {
                    failed = Some(e);
                    break;
                }
            };
            said.push((TopicPartition::new(record.topic, record.partition), record.offset, what));
        }
        self.out.bytes(&self.buffer)?;
        self.buffer.clear();
        self.out.flush()?;
        for (tp, offset, what) in said {
            consumer.acknowledge_at(&tp, offset, what)?;
        }
        failed.map_or(Ok(()), Err)
    }

    fn tell_rejected(&self, e: &CliError) {
        if self.cx.is_kafka() {
            log4j_line("ERROR", "Error processing message, rejecting this message: ", CLASS);
            stderr_line(e.as_java());
        } else {
            stderr_line(format!("warning: rejected a record: {}", e.message));
        }
    }
}

/// What the end means. Kafka's tool logs what ended it and exits 0; but not for what it could not print.
fn verdict(end: End, cx: &Context) -> Result<Exit, CliError> {
    let terminated = || log4j_line("ERROR", "Error processing message, terminating consumer process: ", CLASS);
    match end {
        End::Done => Ok(Exit::OK),
        End::Signal(code) => Ok(Exit(code)),
        End::Idle => {
            if cx.is_kafka() {
                terminated();
                stderr_line("org.apache.kafka.common.errors.TimeoutException");
            }
            Ok(Exit::OK)
        }
        End::Failed(e) if cx.is_kafka() => {
            terminated();
            stderr_line(e.as_java());
            Ok(Exit::OK)
        }
        End::Failed(e) | End::Unprinted(e) => Err(e),
    }
}
