//! Writes numbers and tells of each what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::producer::Args;
use super::{tell, text};
use crate::cli::connect::Properties;
use crate::cli::error::CliError;
use crate::cli::perf::figures::{double, float};
use crate::cli::perf::stop::Stop;
use crate::cli::perf::throttle::Throttle;
use crate::cli::perf::{look_for, wall_ms};
use crate::cli::tool::{Context, Exit};
use crate::client::{Delivery, Error, OutgoingRecord, Producer, ProducerConfig, RecordMetadata};

/// How long to wait for what is under way after a signal.
const CLOSE: Duration = Duration::from_secs(5);

/// Writes until there were enough or a signal comes.
pub(super) async fn send_all(args: &Args, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
    let values = properties.iter().cloned().collect();
    let config = ProducerConfig::parse(&values).map_err(|e| CliError::config(e.to_string()))?;
    let patience = Duration::from_millis(config.delivery_timeout_ms) + CLOSE;
    let mut stop = Stop::new()?;
    let start = wall_ms();
    let producer = Producer::new(config)?;
    tell("startup_complete", &[])?;
    // Said at once, not after max.block.ms.
    producer.client().refresh(&[]).await?;
    look_for(args.topic.as_deref().unwrap_or_default(), &producer).await;
    let mut sending = Sending { producer, args, sent: 0, acked: Arc::default(), next_key: 0, created: created(args) };
    let ended = stop.unless(sending.run(start)).await;
    sending.producer.close(if ended.is_ok() { patience } else { CLOSE }).await;
    tell("shutdown_complete", &[])?;
    let (sent, acked) = (sending.sent, sending.acked.load(Ordering::Acquire));
    let average = 1000.0 * (float(acked) / float(wall_ms().saturating_sub(start)));
    let fields = [
        ("sent", sent.to_string()),
        ("acked", acked.to_string()),
        ("target_throughput", args.throughput.unwrap_or(-1).to_string()),
        ("avg_throughput", number(average)),
    ];
    tell("tool_data", &fields)?;
    match ended {
        Err(signal) => Err(CliError::stopped(signal)),
        Ok(result) => match sent - acked {
            0 => result.map(|()| Exit::OK),
            // Each was told of.
            _ if cx.is_kafka() => Ok(Exit::FAILED),
            lost => Err(CliError::failed(format!("{lost} of {sent} records were not written"))),
        },
    }
}

/// JSON has no other numbers; Kafka's tool puts those between quotes.
fn number(value: f64) -> String {
    if value.is_finite() { double(value) } else { format!("\"{}\"", double(value)) }
}

fn created(args: &Args) -> Option<i64> {
    args.message_create_time.filter(|ms| *ms != -1)
}

struct Sending<'a> {
    producer: Producer,
    args: &'a Args,
    sent: u64,
    acked: Arc<AtomicU64>,
    next_key: i32,
    /// The next record's timestamp, if that was given.
    created: Option<i64>,
}

impl Sending<'_> {
    async fn run(&mut self, start: u64) -> Result<(), CliError> {
        let mut throttle = Throttle::new(f64::from(self.args.throughput.unwrap_or(-1)), start);
        let most = u64::try_from(self.args.max_messages.unwrap_or(-1)).unwrap_or(u64::MAX);
        for place in 0..most {
            let now = wall_ms();
            self.send(place, start).await?;
            if throttle.too_fast(place, now) {
                throttle.pause().await;
            }
        }
        Ok(())
    }

    async fn send(&mut self, place: u64, start: u64) -> Result<(), CliError> {
        let key = self.key();
        let value = self.args.value_prefix.map_or_else(|| place.to_string(), |prefix| format!("{prefix}.{place}"));
        let timestamp = self.created;
        if let Some(created) = &mut self.created {
            *created = created.saturating_add(i64::try_from(wall_ms().saturating_sub(start)).unwrap_or(0));
        }
        let topic = self.args.topic.as_deref().unwrap_or_default();
        let told = Told { topic: topic.to_owned(), key: key.clone(), value: value.clone() };
        let acked = self.acked.clone();
        let callback = {
            let told = told.clone();
            move |fate| {
                // That nobody reads any more comes up at the end.
                let _ = match fate {
                    Ok(stored) => {
                        acked.fetch_add(1, Ordering::AcqRel);
                        told.success(&stored)
                    }
                    Err(e) => told.failure(e),
                };
            }
        };
        let record = OutgoingRecord {
            topic,
            timestamp,
            key: key.as_deref().map(str::as_bytes),
            value: Some(value.as_bytes()),
            ..OutgoingRecord::default()
        };
        self.sent += 1;
        match self.producer.send_with(record, Delivery::Callback(Box::new(callback))).await {
            Ok(()) => Ok(()),
            Err(e) => told.failure(e),
        }
    }

    fn key(&mut self) -> Option<String> {
        let count = self.args.repeating_keys?;
        let key = self.next_key.to_string();
        self.next_key = self.next_key.wrapping_add(1);
        if self.next_key == count {
            self.next_key = 0;
        }
        Some(key)
    }
}

/// A record as it is told of.
#[derive(Clone)]
struct Told {
    topic: String,
    key: Option<String>,
    value: String,
}

impl Told {
    fn success(&self, stored: &RecordMetadata) -> Result<(), CliError> {
        let fields = [
            ("key", text(self.key.as_deref())),
            ("value", text(Some(&self.value))),
            ("offset", stored.offset.to_string()),
            ("topic", text(Some(&self.topic))),
            ("partition", stored.partition.to_string()),
        ];
        tell("producer_send_success", &fields)
    }

    fn failure(&self, e: Error) -> Result<(), CliError> {
        let e = CliError::from(e);
        let fields = [
            ("topic", text(Some(&self.topic))),
            ("key", text(self.key.as_deref())),
            ("value", text(Some(&self.value))),
            ("exception", text(Some(&format!("class {}", e.java.class)))),
            ("message", text(Some(&e.kafka_message()))),
        ];
        tell("producer_send_error", &fields)
    }
}
