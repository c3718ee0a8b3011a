//! Writes and takes the time.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::payload::Payloads;
use super::stats::Stats;
use super::{CLIENT_ID, Plan, some_rng};
use crate::cli::connect::{Properties, get};
use crate::cli::error::{CliError, stderr_line};
use crate::cli::out::Out;
use crate::cli::perf::figures::float;
use crate::cli::perf::metrics::{self, Metric, Value};
use crate::cli::perf::stop::Stop;
use crate::cli::perf::throttle::Throttle;
use crate::cli::perf::wall_ms;
use crate::cli::tool::{Context, Exit};
use crate::client::{Delivery, Error, OutgoingRecord, Producer, ProducerConfig};
use crate::rng::Rng;

/// How long to wait for what is under way after a signal.
const CLOSE: Duration = Duration::from_secs(5);

/// Writes the records and prints how long that took. A signal ends the writing, not the telling.
pub(super) async fn measure(plan: &Plan, payloads: Payloads, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
    let values = properties.iter().cloned().collect();
    let config = ProducerConfig::parse(&values).map_err(|e| CliError::config(e.to_string()))?;
    let patience = Duration::from_millis(config.delivery_timeout_ms) + CLOSE;
    let mut stop = Stop::new()?;
    let producer = Producer::new(config)?;
    // Said at once, not after max.block.ms.
    producer.client().refresh(&[]).await?;
    if plan.transaction_ms.is_some() {
        producer.init_transactions().await?;
    }
    if plan.warmup > 0 {
        let warmup = plan.warmup;
        cx.say(format!("Warmup first {warmup} records. Steady state results will print after the complete test summary."))?;
    }
    let start = wall_ms();
    let tally = Tally { all: Stats::new(plan.records, plan.interval_ms, false, start), steady: None, lost: 0, first: None };
    let mut sending = Sending {
        producer,
        plan,
        payloads,
        tally: Arc::new(Mutex::new(tally)),
        rng: some_rng(),
        loud: cx.is_kafka(),
        in_transaction: None,
    };
    let ended = stop.unless(sending.run(start)).await;
    sending.producer.close(if matches!(ended, Ok(Ok(()))) { patience } else { CLOSE }).await;
    sending.tell(properties)?;
    match ended {
        Ok(result) => result.and_then(|()| sending.verdict()),
        Err(number) => Err(CliError::stopped(number)),
    }
}

/// What became of the records.
struct Tally {
    all: Stats,
    /// After the warm-up.
    steady: Option<Stats>,
    lost: u64,
    /// Why the first one was lost.
    first: Option<Error>,
}

struct Sending<'a> {
    producer: Producer,
    plan: &'a Plan,
    payloads: Payloads,
    tally: Arc<Mutex<Tally>>,
    rng: Rng,
    /// Every loss is told at once.
    loud: bool,
    /// Since when.
    in_transaction: Option<u64>,
}

impl Sending<'_> {
    async fn run(&mut self, start: u64) -> Result<(), CliError> {
        let mut throttle = Throttle::new(self.plan.throughput, start);
        for number in 0..self.plan.records {
            if self.plan.transaction_ms.is_some() && self.in_transaction.is_none() {
                self.producer.begin_transaction()?;
                self.in_transaction = Some(wall_ms());
            }
            let now = wall_ms();
            let warm = self.plan.warmup > 0 && number >= self.plan.warmup;
            if warm && number == self.plan.warmup {
                let steady = Stats::new(self.plan.records - self.plan.warmup, self.plan.interval_ms, true, now);
                let mut tally = self.tally.lock();
                tally.steady = Some(steady);
                tally.all.hush();
            }
            self.send(number, now, warm).await?;
            if let (Some(longest), Some(since)) = (self.plan.transaction_ms, self.in_transaction)
                && now.saturating_sub(since) >= longest
            {
                self.commit().await?;
            }
            if throttle.too_fast(number, now) {
                throttle.pause().await;
            }
        }
        if self.in_transaction.is_some() {
            self.commit().await?;
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), CliError> {
        self.in_transaction = None;
        Ok(self.producer.commit_transaction().await?)
    }

    /// Errors: a record was not taken, and the next ones would fare no better; not under Kafka's name, where all are tried.
    async fn send(&mut self, number: u64, now: u64, warm: bool) -> Result<(), CliError> {
        let payload = self.payloads.next(number, &mut self.rng);
        let delivery = delivery(&self.tally, self.loud, now, payload.len(), warm);
        let record = OutgoingRecord { topic: &self.plan.topic, value: Some(payload), ..OutgoingRecord::default() };
        match self.producer.send_with(record, delivery).await {
            Ok(()) => Ok(()),
            Err(e) => {
                let hopeless = !self.loud && !matches!(e, Error::RecordTooLarge { .. });
                lose(&self.tally, self.loud, e.clone());
                if hopeless { Err(e.into()) } else { Ok(()) }
            }
        }
    }

    fn tell(&self, properties: &Properties) -> Result<(), CliError> {
        let (tally, now) = (self.tally.lock(), wall_ms());
        let mut out = Out::stdout();
        out.line(tally.all.total(now))?;
        if let Some(steady) = &tally.steady {
            out.line(steady.total(now))?;
        }
        if self.plan.print_metrics {
            let client_id = get(properties, "client.id").unwrap_or(CLIENT_ID);
            metrics::print(&mut out, client_id, &counted(&tally, now))?;
        }
        out.flush()
    }

    /// A producer that lost a record does not exit with 0.
    fn verdict(&self) -> Result<Exit, CliError> {
        let tally = self.tally.lock();
        match &tally.first {
            None => Ok(Exit::OK),
            // Told already, one by one.
            Some(_) if self.loud => Ok(Exit::FAILED),
            Some(first) => {
                let mut first = CliError::from(first.clone());
                let why = std::mem::take(&mut first.message);
                let why = first.cause.take().map_or(why.clone(), |cause| format!("{why}: {cause}"));
                Err(CliError::failed(format!("{} of {} records were not written", tally.lost, self.plan.records)).cause(why))
            }
        }
    }
}

/// Whom to tell what became of a record that was sent at `start`.
fn delivery(tally: &Arc<Mutex<Tally>>, loud: bool, start: u64, bytes: usize, warm: bool) -> Delivery {
    let tally = tally.clone();
    Delivery::Callback(Box::new(move |fate| match fate {
        Ok(_) => {
            let now = wall_ms();
            let (latency, bytes) = (now.saturating_sub(start), u64::try_from(bytes).unwrap_or(0));
            let mut tally = tally.lock();
            let line = tally.all.record(latency, bytes, now);
            let steady = tally.steady.as_mut().filter(|_| warm).and_then(|steady| steady.record(latency, bytes, now));
            for line in line.into_iter().chain(steady) {
                let mut out = Out::stdout();
                // That nobody reads any more comes up at the end.
                let _ = out.line(line).and_then(|()| out.flush());
            }
        }
        Err(e) => lose(&tally, loud, e),
    }))
}

fn lose(tally: &Mutex<Tally>, loud: bool, e: Error) {
    if loud {
        stderr_line(CliError::from(e.clone()).as_java());
    }
    let mut tally = tally.lock();
    tally.lost += 1;
    tally.first.get_or_insert(e);
}

fn counted(tally: &Tally, now: u64) -> Vec<Metric> {
    let (records, bytes) = tally.all.count();
    let elapsed = tally.all.elapsed(now);
    let number = Value::Number;
    let group = "producer-metrics";
    vec![
        ("app-info", "start-time-ms", Value::Text((now - elapsed).to_string())),
        ("app-info", "version", Value::Text(env!("CARGO_PKG_VERSION").to_owned())),
        (group, "record-error-total", number(float(tally.lost))),
        (group, "record-send-rate", number(1000.0 * float(records) / float(elapsed))),
        (group, "record-send-total", number(float(records))),
        (group, "record-size-avg", number(float(bytes) / float(records))),
    ]
}
