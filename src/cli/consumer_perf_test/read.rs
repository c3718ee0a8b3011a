//! Reads and takes the time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::report::{Count, Span, progress, summary};
use super::{Args, Plan};
use crate::cli::connect::{Properties, get};
use crate::cli::error::CliError;
use crate::cli::out::Out;
use crate::cli::perf::figures::float;
use crate::cli::perf::metrics::{self, Metric, Value};
use crate::cli::perf::stop::Stop;
use crate::cli::perf::wall_ms;
use crate::cli::tool::{Context, Exit};
use crate::client::{Callback, Consumer, ConsumerConfig, Polled, RebalanceListener};
use crate::types::TopicPartition;

/// How long to wait for records at once.
const POLL: Duration = Duration::from_millis(100);
/// How long leaving the group may take at the end.
const CLOSE: Duration = Duration::from_secs(5);

/// Reads as many records as are wanted and prints how long that took. A signal ends the reading, not the telling.
pub(super) async fn measure(args: &Args, plan: &Plan, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
    let values = properties.iter().cloned().collect();
    let config = ConsumerConfig::parse(&values).map_err(|e| CliError::config(e.to_string()))?;
    let mut stop = Stop::new()?;
    let start = wall_ms();
    let mut consumer = Consumer::new(config)?;
    // Said at once, not when the time is over.
    consumer.client().refresh(&[]).await?;
    let joining = Joining::since(start);
    consumer.set_listener(joining.clone());
    match (&args.topic, &args.include) {
        (Some(topic), _) => consumer.subscribe(&[topic])?,
        (None, include) => subscribe_matching(&mut consumer, include.as_deref().unwrap_or_default())?,
    }
    if !cx.is_kafka() {
        args.print_header()?;
    }
    let mut reading = Reading { args, plan, joining, total: Count::default(), before: Count::default(), reported: start };
    let ended = stop.unless(reading.run(&mut consumer)).await;
    reading.tell(start, ended.is_ok(), properties, cx)?;
    let _ = consumer.close(CLOSE).await;
    match ended {
        Ok(result) => result.map(|()| Exit::OK),
        Err(number) => Err(CliError::stopped(number)),
    }
}

fn subscribe_matching(consumer: &mut Consumer, pattern: &str) -> Result<(), CliError> {
    consumer.subscribe_pattern(pattern).map_err(|e| {
        CliError::value(format!("{pattern} is no regular expression"))
            .cause(e.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
            .exception("java.util.regex.PatternSyntaxException")
    })
}

struct Reading<'a> {
    args: &'a Args,
    plan: &'a Plan,
    joining: Joining,
    total: Count,
    /// At the last progress line, or where there would have been one.
    before: Count,
    reported: u64,
}

impl Reading<'_> {
    async fn run(&mut self, consumer: &mut Consumer) -> Result<(), CliError> {
        let mut now = wall_ms();
        let mut last = now;
        self.reported = now;
        while self.misses_some() && i64::try_from(now.saturating_sub(last)).unwrap_or(i64::MAX) <= self.plan.timeout_ms {
            let polled = consumer.poll(POLL).await?;
            now = wall_ms();
            if !polled.is_empty() {
                last = now;
                self.take(&polled, now)?;
            }
        }
        Ok(())
    }

    fn misses_some(&self) -> bool {
        i64::try_from(self.total.records).is_ok_and(|read| read < self.plan.wanted)
    }

    fn take(&mut self, polled: &Polled, now: u64) -> Result<(), CliError> {
        for record in polled.iter() {
            self.total.records += 1;
            let size = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
            self.total.bytes += u64::try_from(size).unwrap_or(0);
            if now.saturating_sub(self.reported) >= self.plan.interval_ms {
                self.report(now)?;
            }
        }
        Ok(())
    }

    fn report(&mut self, now: u64) -> Result<(), CliError> {
        let joining = self.joining.take_round();
        if self.args.show_detailed_stats {
            let span = Span { start: self.reported, end: now, joining };
            let mut out = Out::stdout();
            out.line(progress(self.total, self.before, span, &self.plan.dates))?;
            out.flush()?;
        }
        (self.before, self.reported) = (self.total, now);
        Ok(())
    }

    /// What comes at the end.
    fn tell(&self, start: u64, in_peace: bool, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let span = Span { start, end: wall_ms(), joining: self.joining.total() };
        if self.misses_some() && in_peace {
            let ms = self.plan.timeout_ms;
            cx.say(format!(
                "WARNING: Exiting before consuming the expected number of records: timeout ({ms} ms) exceeded. \
                 You can use the --timeout option to increase the timeout."
            ))?;
        }
        let mut out = Out::stdout();
        if !self.args.show_detailed_stats {
            out.line(summary(self.total, span, &self.plan.dates))?;
        }
        if self.args.print_metrics {
            metrics::print(&mut out, get(properties, "client.id").unwrap_or(super::CLIENT_ID), &self.metrics(span))?;
        }
        out.flush()
    }

    fn metrics(&self, span: Span) -> Vec<Metric> {
        let (assigned, joins) = self.joining.counts();
        let fetched = "consumer-fetch-manager-metrics";
        let coordinator = "consumer-coordinator-metrics";
        vec![
            ("app-info", "start-time-ms", Value::Text(span.start.to_string())),
            ("app-info", "version", Value::Text(env!("CARGO_PKG_VERSION").to_owned())),
            (coordinator, "assigned-partitions", Value::Number(float(assigned))),
            (coordinator, "rebalance-total", Value::Number(float(joins))),
            (coordinator, "rebalance-latency-total", Value::Number(float(span.joining))),
            (fetched, "bytes-consumed-total", Value::Number(float(self.total.bytes))),
            (fetched, "records-consumed-total", Value::Number(float(self.total.records))),
        ]
    }
}

/// How long the group took to hand out partitions: from the start, or from when the last ones were taken away.
#[derive(Clone)]
struct Joining(Arc<Mutex<Joins>>);

#[derive(Default)]
struct Joins {
    since: u64,
    total: u64,
    /// Since the last progress line.
    round: u64,
    count: u64,
    assigned: BTreeSet<TopicPartition>,
}

impl Joining {
    fn since(start: u64) -> Joining {
        Joining(Arc::new(Mutex::new(Joins { since: start, ..Joins::default() })))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Joins) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take_round(&self) -> u64 {
        self.with(|j| std::mem::take(&mut j.round))
    }

    fn total(&self) -> u64 {
        self.with(|j| j.total)
    }

    /// Partitions that are assigned, and how often some were.
    fn counts(&self) -> (u64, u64) {
        self.with(|j| (u64::try_from(j.assigned.len()).unwrap_or(0), j.count))
    }
}

impl RebalanceListener for Joining {
    fn assigned<'a>(&'a mut self, _: &'a mut Consumer, partitions: &'a [TopicPartition]) -> Callback<'a> {
        self.with(|j| {
            if j.assigned.is_empty() {
                let took = wall_ms().saturating_sub(j.since);
                j.total += took;
                j.round += took;
            }
            j.count += 1;
            j.assigned.extend(partitions.iter().cloned());
        });
        Box::pin(async {})
    }

    fn revoked<'a>(&'a mut self, _: &'a mut Consumer, partitions: &'a [TopicPartition]) -> Callback<'a> {
        self.with(|j| {
            j.assigned.retain(|tp| !partitions.contains(tp));
            if j.assigned.is_empty() {
                j.since = wall_ms();
            }
        });
        Box::pin(async {})
    }
}
