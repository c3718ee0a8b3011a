//! Lines of a file into a topic and out again, as fast as one task can: how the client is measured.
//!
//! ```text
//! cargo run --release --example lines -- produce localhost:9092 TOPIC < FILE
//! cargo run --release --example lines -- consume localhost:9092 TOPIC COUNT
//! ```

use std::io::Read;
use std::time::{Duration, Instant};

use kfk::client::{Consumer, ConsumerConfig, Delivery, Error, OutgoingRecord, Producer, ProducerConfig};
use kfk::types::TopicPartition;

fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["produce", brokers, topic, ref settings @ ..] => runtime.block_on(produce(brokers, topic, settings)),
        ["consume", brokers, topic, count, ref settings @ ..] => {
            runtime.block_on(consume(brokers, topic, count.parse().expect("a count"), settings))
        }
        _ => Err(Error::Usage("produce BROKERS TOPIC [KEY=VALUE ...] | consume BROKERS TOPIC COUNT [KEY=VALUE ...]".into())),
    }
}

fn values(brokers: &str, settings: &[&str]) -> std::collections::BTreeMap<String, String> {
    let pairs = settings.iter().filter_map(|s| s.split_once('=')).map(|(k, v)| (k.to_string(), v.to_string()));
    pairs.chain([("bootstrap.servers".to_string(), brokers.to_string())]).collect()
}

async fn produce(brokers: &str, topic: &str, settings: &[&str]) -> Result<(), Error> {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).expect("input");
    let producer = Producer::new(ProducerConfig::parse(&values(brokers, settings))?)?;
    let (start, mut count) = (Instant::now(), 0u64);
    for line in text.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        let record = OutgoingRecord { topic, value: Some(line), ..Default::default() };
        producer.send_with(record, Delivery::Forget).await?;
        count += 1;
    }
    let taken = start.elapsed();
    producer.close(Duration::from_secs(60)).await;
    println!("{count} records taken in {taken:?}, sent in {:?}", start.elapsed());
    Ok(())
}

async fn consume(brokers: &str, topic: &str, count: usize, settings: &[&str]) -> Result<(), Error> {
    let mut consumer = Consumer::new(ConsumerConfig::parse(&values(brokers, settings))?)?;
    let found = consumer.client().topic(topic, false).await?;
    let all: Vec<TopicPartition> = found.partitions.iter().map(|p| TopicPartition::new(topic, p.partition)).collect();
    consumer.assign(&all)?;
    all.iter().try_for_each(|tp| consumer.seek_to_beginning(tp))?;
    let (start, mut seen, mut bytes) = (Instant::now(), 0, 0);
    while seen < count {
        let polled = consumer.poll(Duration::from_secs(1)).await?;
        for record in polled.iter() {
            seen += 1;
            bytes += record.value.map_or(0, <[u8]>::len);
        }
    }
    println!("{seen} records, {bytes} bytes in {:?}", start.elapsed());
    Ok(())
}
