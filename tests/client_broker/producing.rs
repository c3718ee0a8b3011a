//! The producer: partitioners, codecs, acknowledgements, lingering.

use kfk::machine::producer::{PartitionContext, Partitioner, partition_of_key};
use kfk::rng::Rng;

use super::*;

/// Which partitions the values are in.
async fn places(cluster: &Cluster, partitions: i32, count: usize) -> BTreeMap<String, i32> {
    let mut consumer = cluster.consumer(&[]);
    consumer.assign(&(0..partitions).map(|p| cluster.tp(p)).collect::<Vec<_>>()).unwrap();
    let (mut out, start) = (BTreeMap::new(), Instant::now());
    while out.len() < count {
        assert!(start.elapsed() < SOON, "{out:?}");
        let polled = consumer.poll(Duration::from_millis(200)).await.unwrap();
        out.extend(polled.iter().map(|r| (String::from_utf8(r.value.unwrap().to_vec()).unwrap(), r.partition)));
    }
    out
}

async fn send_keyed(producer: &Producer, topic: &str, count: usize) {
    for n in numbers(0..count) {
        let key = format!("key {n}");
        let record = OutgoingRecord { topic, key: Some(key.as_bytes()), value: Some(n.as_bytes()), ..Default::default() };
        drop(producer.send(record).await.unwrap());
    }
    producer.flush().await;
}

#[tokio::test]
async fn partitioners_put_records_where_they_belong() {
    let by_key = Cluster::with_topic("by-key", 5).await;
    send_keyed(&by_key.producer(&[]), &by_key.topic, 30).await;
    for (value, partition) in places(&by_key, 5, 30).await {
        assert_eq!(partition, partition_of_key(format!("key {value}").as_bytes(), 5));
    }
    let in_turn = Cluster::with_topic("in-turn", 5).await;
    let class = "org.apache.kafka.clients.producer.RoundRobinPartitioner";
    send_keyed(&in_turn.producer(&[("partitioner.class", class)]), &in_turn.topic, 10).await;
    let found = places(&in_turn, 5, 10).await;
    assert!((0..10).all(|n| found[&n.to_string()] == n % 5), "{found:?}");
    let sticky = Cluster::with_topic("sticky", 5).await;
    send_keyed(&sticky.producer(&[("partitioner.ignore.keys", "true")]), &sticky.topic, 10).await;
    assert_eq!(places(&sticky, 5, 10).await.into_values().collect::<BTreeSet<_>>().len(), 1, "less than a batch stays together");

    /// By the length of the value.
    struct ByLength;
    impl Partitioner for ByLength {
        fn partition(&mut self, record: PartitionContext<'_>, _: &mut Rng) -> i32 {
            record.value.map_or(0, |v| v.len() as i32)
        }
    }
    let own = Cluster::with_topic("own", 5).await;
    let config = ProducerConfig::parse(&own.values(&[])).unwrap();
    send_keyed(&Producer::with_partitioner(config, Box::new(ByLength)).unwrap(), &own.topic, 12).await;
    assert!(places(&own, 5, 12).await.iter().all(|(value, partition)| value.len() as i32 == *partition));
}

#[tokio::test]
async fn every_codec_and_every_kind_of_acks_arrives() {
    let cluster = Cluster::with_topic("codecs", 1).await;
    let mut count = 0;
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        for acks in ["0", "1", "all"] {
            let producer = cluster.producer(&[("compression.type", codec), ("acks", acks), ("linger.ms", "20")]);
            for _ in 0..20 {
                let text = format!("{count} {}", "x".repeat(100));
                let record = OutgoingRecord { topic: &cluster.topic, value: Some(text.as_bytes()), ..Default::default() };
                drop(producer.send(record).await.unwrap());
                count += 1;
            }
            producer.close(SOON).await;
            // What nobody confirms is waited for here.
            let start = Instant::now();
            let end = async || cluster.consumer(&[]).end_offsets(&[cluster.tp(0)]).await.unwrap()[&cluster.tp(0)];
            while end().await < count {
                assert!(start.elapsed() < SOON);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
    let mut consumer = cluster.consumer(&[]);
    consumer.assign(&[cluster.tp(0)]).unwrap();
    let got = read(&mut consumer, 300).await;
    assert!(got.iter().enumerate().all(|(n, text)| text.starts_with(&format!("{n} "))));
}

#[tokio::test]
async fn lingering_makes_batches_and_closing_sends_what_lingers() {
    let cluster = Cluster::with_topic("linger", 1).await;
    let producer = cluster.producer(&[("linger.ms", "3600000")]);
    let mut fates = Vec::new();
    for n in numbers(0..10) {
        let record = OutgoingRecord { topic: &cluster.topic, value: Some(n.as_bytes()), ..Default::default() };
        fates.push(producer.send(record).await.unwrap());
    }
    producer.close(SOON).await;
    let mut offsets = Vec::new();
    for fate in fates {
        offsets.push(fate.await.unwrap().offset);
    }
    assert_eq!(offsets, (0..10).collect::<Vec<i64>>());
    let mut consumer = cluster.consumer(&[]);
    consumer.assign(&[cluster.tp(0)]).unwrap();
    let start = Instant::now();
    let polled = loop {
        let polled = consumer.poll(Duration::from_millis(200)).await.unwrap();
        assert!(start.elapsed() < SOON);
        if !polled.is_empty() {
            break polled;
        }
    };
    assert_eq!((polled.chunks.len(), polled.len()), (1, 10), "all in one batch");
}
