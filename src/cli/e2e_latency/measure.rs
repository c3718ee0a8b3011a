//! Sends a record, waits until it has come back, and takes the time; again and again.

use std::time::{Duration, Instant};

use super::Plan;
use crate::cli::connect::{Properties, set};
use crate::cli::error::CliError;
use crate::cli::out::Out;
use crate::cli::perf::figures::{double, fixed, float};
use crate::cli::perf::stop::Stop;
use crate::cli::tool::{Context, Exit};
use crate::client::admin::{Admin, NewTopic};
use crate::client::{Consumer, ConsumerConfig, Error, OutgoingRecord, Polled, Producer, ProducerConfig};
use crate::record::Header;
use crate::rng::Rng;
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

/// How long a record may be on its way.
const POLL: Duration = Duration::from_secs(60);
const CLOSE: Duration = Duration::from_secs(5);

/// Measures and prints. A signal ends the measuring, not the telling.
pub(super) async fn measure(plan: &Plan, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
    let mut stop = Stop::new()?;
    let producer = Producer::new(producer_config(plan, properties)?)?;
    // Said at once.
    producer.client().refresh(&[]).await?;
    let mut consumer = Consumer::new(consumer_config(properties)?)?;
    create_if_missing(&plan.topic, &producer, cx).await?;
    follow(&plan.topic, &mut consumer).await?;
    let mut latencies = Vec::new();
    let ended = stop.unless(run(plan, &producer, &mut consumer, &mut latencies)).await;
    producer.close(CLOSE).await;
    let _ = consumer.close(CLOSE).await;
    if !latencies.is_empty() && !matches!(ended, Ok(Err(_))) {
        let mut out = Out::stdout();
        summary(&mut latencies).iter().try_for_each(|line| out.line(line))?;
        out.flush()?;
    }
    match ended {
        Ok(result) => result.map(|()| Exit::OK),
        Err(number) => Err(CliError::stopped(number)),
    }
}

fn producer_config(plan: &Plan, properties: &Properties) -> Result<ProducerConfig, CliError> {
    let mut properties = properties.clone();
    set(&mut properties, "linger.ms", "0");
    set(&mut properties, "acks", &plan.acks);
    ProducerConfig::parse(&properties.into_iter().collect()).map_err(|e| CliError::config(e.to_string()))
}

/// Without a group: all partitions are read here.
fn consumer_config(properties: &Properties) -> Result<ConsumerConfig, CliError> {
    let mut properties = properties.clone();
    properties.retain(|(key, _)| key != "group.id");
    set(&mut properties, "enable.auto.commit", "false");
    set(&mut properties, "auto.offset.reset", "latest");
    // A fetch that waits would be measured, too.
    set(&mut properties, "fetch.max.wait.ms", "0");
    ConsumerConfig::parse(&properties.into_iter().collect()).map_err(|e| CliError::config(e.to_string()))
}

async fn create_if_missing(topic: &str, producer: &Producer, cx: &Context) -> Result<(), CliError> {
    match producer.client().topic(topic, false).await {
        Err(e) if e.code() == Some(ErrorCode::UnknownTopicOrPartition) => {}
        found => return Ok(found.map(|_| ())?),
    }
    cx.say(format!("Topic \"{topic}\" does not exist. Will create topic with 1 partition(s) and replication factor = 1"))?;
    let new = NewTopic { name: topic.to_owned(), partitions: Some(1), replication_factor: Some(1), ..NewTopic::default() };
    let created = Admin::on(producer.client().clone()).create_topics(&[new], false).await;
    let refused = match created {
        Ok(results) => results.into_iter().find_map(|(_, result)| result.err()),
        Err(e) => Some(e),
    };
    if let Some(e) = refused {
        cx.say(format!("Creation of topic {topic} failed"))?;
        return Err(CliError::from(e).wrapped_in("java.lang.RuntimeException"));
    }
    Ok(())
}

/// Reads every partition of the topic from its end.
async fn follow(topic: &str, consumer: &mut Consumer) -> Result<(), CliError> {
    let client = consumer.client().clone();
    let found = client.retrying("finding the topic", client.api_timeout(), || client.topic(topic, false)).await?;
    let partitions: Vec<TopicPartition> = found.partitions.iter().map(|p| TopicPartition::new(topic, p.partition)).collect();
    consumer.assign(&partitions)?;
    for tp in &partitions {
        consumer.seek_to_end(tp)?;
    }
    for tp in &partitions {
        consumer.position(tp).await?;
    }
    Ok(())
}

async fn run(plan: &Plan, producer: &Producer, consumer: &mut Consumer, latencies: &mut Vec<u64>) -> Result<(), CliError> {
    let mut rng = Rng::new(0);
    for number in 0..plan.records {
        let sent = Sent::random(plan, &mut rng);
        let headers: Vec<Header<'_>> = sent.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect();
        let record = OutgoingRecord {
            topic: &plan.topic,
            key: Some(&sent.key),
            value: Some(&sent.value),
            headers: &headers,
            ..OutgoingRecord::default()
        };
        let begin = Instant::now();
        producer.send_and_wait(record).await.map_err(not_sent)?;
        let polled = consumer.poll(POLL).await?;
        let elapsed = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        sent.compare(&polled)?;
        latencies.push(elapsed);
        if number.is_multiple_of(1000) {
            let mut out = Out::stdout();
            out.line(format!("{number}\t{}", double(milliseconds(elapsed))))?;
            out.flush()?;
        }
    }
    Ok(())
}

fn not_sent(e: Error) -> CliError {
    CliError::from(e).wrapped_in("java.util.concurrent.ExecutionException")
}

fn milliseconds(nanoseconds: u64) -> f64 {
    float(nanoseconds) / 1000.0 / 1000.0
}

/// The lines at the end, of latencies in nanoseconds.
fn summary(latencies: &mut [u64]) -> [String; 2] {
    let (total, count) = (latencies.iter().fold(0.0, |sum, n| sum + float(*n)), float(u64::try_from(latencies.len()).unwrap_or(0)));
    latencies.sort_unstable();
    let [median, p99, p999] =
        [500, 990, 999].map(|per_mille| latencies.get(latencies.len() * per_mille / 1000).copied().unwrap_or(0) / 1_000_000);
    [
        format!("Avg latency: {} ms", fixed(total / count / 1000.0 / 1000.0, 4)),
        format!("Percentiles: 50th = {median}, 99th = {p99}, 99.9th = {p999}"),
    ]
}

/// A record that was sent.
struct Sent {
    key: Vec<u8>,
    value: Vec<u8>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Sent {
    fn random(plan: &Plan, rng: &mut Rng) -> Sent {
        let mut letters = |count: usize| vec![b'A' + u8::try_from(rng.below(26)).unwrap_or(0); count];
        let (key, value) = (letters(plan.key), letters(plan.value));
        let headers = (0..plan.headers).map(|_| (letters(plan.header_key), plan.header_value.map(&mut letters))).collect();
        Sent { key, value, headers }
    }

    /// Errors: nothing came in time, or another record.
    fn compare(&self, polled: &Polled) -> Result<(), CliError> {
        let wrong = |text: String| Err(CliError::failed(text).exception("java.lang.RuntimeException"));
        let Some(record) = polled.iter().next() else {
            return wrong(format!("poll() timed out before finding a result (timeout:[{}ms])", POLL.as_millis()));
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let read = record.value.unwrap_or_default();
        if read != self.value {
            return wrong(format!("The message value read [{}] did not match the message value sent [{}]", text(read), text(&self.value)));
        }
        let Some(key) = record.key else { return wrong("Expected message key but received null".to_owned()) };
        if key != self.key {
            return wrong(format!("The message key read [{}] did not match the message key sent [{}]", text(key), text(&self.key)));
        }
        let mut sent = self.headers.iter();
        for header in record.headers() {
            match sent.next() {
                None => return wrong("Header count mismatch between sent and received messages".to_owned()),
                Some((key, value)) if header.key != key || header.value != value.as_deref() => {
                    let (read, sent) = (header.key_text(), text(key));
                    return wrong(format!("The message header read [{read}] did not match the message header sent [{sent}]"));
                }
                Some(_) => {}
            }
        }
        if sent.next().is_some() {
            return wrong("Header count mismatch between sent and received messages".to_owned());
        }
        match polled.len() {
            1 => Ok(()),
            count => wrong(format!("Only one result was expected during this test. We found [{count}]")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_summed_up_in_milliseconds() {
        let mut latencies: Vec<u64> = (1..=1000).rev().map(|ms| ms * 1_000_000).collect();
        let lines = ["Avg latency: 500.5000 ms", "Percentiles: 50th = 501, 99th = 991, 99.9th = 1000"];
        assert_eq!(summary(&mut latencies), lines);
    }
}
