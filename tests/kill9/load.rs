//! Those who keep the broker busy through all its deaths: producers, a group that commits, someone who creates and deletes topics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kfk::client::admin::{GroupOffset, NewTopic};
use kfk::client::{Admin, ClientConfig, Delivery, Error, OutgoingRecord, Producer, ProducerConfig};
use kfk::rng::Rng;
use kfk::types::TopicPartition;
use kfk::wire::ErrorCode;
use tokio::task::JoinSet;

use super::ledger::{Ledger, Stamp};

/// Codec and idempotence of each producer.
pub const PRODUCERS: &[(&str, bool)] =
    &[("none", true), ("gzip", true), ("snappy", true), ("lz4", true), ("zstd", true), ("none", false), ("lz4", false), ("zstd", false)];

/// Where records go, with settings that make segments roll by size and by time.
#[allow(clippy::type_complexity)]
pub const TOPICS: &[(&str, i32, &[(&str, &str)])] = &[
    ("by-size", 3, &[("segment.bytes", "1048576"), ("index.interval.bytes", "512")]),
    ("by-time", 2, &[("segment.ms", "400"), ("index.interval.bytes", "100")]),
];

pub const GROUPS: &[&str] = &["g-one", "g-two", "g-three"];

pub fn settings(port: u16, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let address = format!("127.0.0.1:{port}");
    let own = [
        ("bootstrap.servers", address.as_str()),
        ("retry.backoff.ms", "10"),
        ("retry.backoff.max.ms", "100"),
        ("reconnect.backoff.ms", "5"),
        ("reconnect.backoff.max.ms", "50"),
        ("request.timeout.ms", "10000"),
        ("default.api.timeout.ms", "60000"),
    ];
    own.iter().chain(more).map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

pub fn admin(port: u16) -> Admin {
    Admin::new(ClientConfig::parse(&settings(port, &[])).unwrap())
}

pub fn partitions() -> Vec<TopicPartition> {
    TOPICS.iter().flat_map(|(name, count, _)| (0..*count).map(|p| TopicPartition::new(*name, p))).collect()
}

pub async fn create_topics(admin: &Admin) {
    for (name, count, configs) in TOPICS {
        let configs = configs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let topic = NewTopic { name: name.to_string(), partitions: Some(*count), configs, ..NewTopic::default() };
        let done = admin.create_topics(&[topic], false).await.unwrap();
        done.into_iter().for_each(|(_, result)| drop(result.unwrap()));
    }
}

/// Everybody at work, until told to stop.
pub struct Load {
    tasks: JoinSet<BTreeMap<TopicPartition, u64>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    pub fn start(port: u16, ledger: &Arc<Ledger>, rng: &mut Rng) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for producer in 0..PRODUCERS.len() {
            tasks.spawn(produce(producer, port, ledger.clone(), Rng::new(rng.next_u64()), stop.clone()));
        }
        for group in GROUPS {
            tasks.spawn(commit(group, port, ledger.clone(), Rng::new(rng.next_u64()), stop.clone()));
        }
        tasks.spawn(create_and_delete(port, ledger.clone(), stop.clone()));
        Load { tasks, stop }
    }

    /// Ends the work; gives how many records were sent to each partition by each producer, all of which have been told their fate.
    pub async fn stop(mut self) -> BTreeMap<TopicPartition, u64> {
        self.stop.store(true, Ordering::Release);
        let mut sent: BTreeMap<TopicPartition, u64> = BTreeMap::new();
        while let Some(done) = self.tasks.join_next().await {
            for (tp, count) in done.expect("a task of the load") {
                *sent.entry(tp).or_default() += count;
            }
        }
        sent
    }
}

async fn produce(number: usize, port: u16, ledger: Arc<Ledger>, mut rng: Rng, stop: Arc<AtomicBool>) -> BTreeMap<TopicPartition, u64> {
    let (codec, idempotent) = PRODUCERS[number];
    let own = [
        ("acks", "all"),
        ("enable.idempotence", if idempotent { "true" } else { "false" }),
        ("compression.type", codec),
        // Without sequence numbers only this keeps the order: a second request may reach the next life before the first is sent again.
        ("max.in.flight.requests.per.connection", if idempotent { "5" } else { "1" }),
        ("linger.ms", "2"),
        ("batch.size", "8192"),
        ("buffer.memory", "200000"),
        ("delivery.timeout.ms", "600000"),
        ("max.block.ms", "600000"),
    ];
    let producer = Producer::new(ProducerConfig::parse(&settings(port, &own)).unwrap()).unwrap();
    let targets = partitions();
    let mut next: BTreeMap<TopicPartition, u64> = BTreeMap::new();
    while !stop.load(Ordering::Acquire) {
        for _ in 0..1 + rng.below(20) {
            let tp = &targets[usize::try_from(rng.below(targets.len() as u64)).unwrap()];
            let count = next.entry(tp.clone()).or_default();
            send(&producer, tp, Stamp { producer: number, number: *count }, &ledger, &mut rng).await;
            *count += 1;
        }
        tokio::time::sleep(Duration::from_millis(1 + rng.below(8))).await;
    }
    producer.flush().await;
    producer.close(Duration::from_secs(10)).await;
    next
}

async fn send(producer: &Producer, tp: &TopicPartition, stamp: Stamp, ledger: &Arc<Ledger>, rng: &mut Rng) {
    let mut value = stamp.text().into_bytes();
    let size = if rng.below(20) == 0 { rng.below(6000) } else { rng.below(300) };
    value.extend((0..size).map(|_| u8::try_from(rng.below(256)).unwrap()));
    let record = OutgoingRecord { topic: &tp.topic, partition: Some(tp.partition), value: Some(&value), ..OutgoingRecord::default() };
    let (heard, at) = (ledger.clone(), tp.clone());
    let told = Delivery::Callback(Box::new(move |fate| {
        heard.note(|p| match fate {
            Ok(metadata) => {
                if let Some(other) = p.records.entry(at).or_default().insert(metadata.offset, stamp) {
                    p.failures.push(format!("{other:?} and {stamp:?} were both acknowledged at offset {}", metadata.offset));
                }
            }
            Err(e) => p.failures.push(format!("{stamp:?} in {at}: {e}")),
        });
    }));
    if let Err(e) = producer.send_with(record, told).await {
        ledger.note(|p| p.failures.push(format!("{stamp:?} in {tp} was not taken: {e}")));
    }
}

/// Commits ever larger offsets for one group.
async fn commit(group: &str, port: u16, ledger: Arc<Ledger>, mut rng: Rng, stop: Arc<AtomicBool>) -> BTreeMap<TopicPartition, u64> {
    let admin = admin(port);
    let mut offset = 0;
    while !stop.load(Ordering::Acquire) {
        offset += 1;
        let wanted = GroupOffset { offset, leader_epoch: -1, metadata: format!("at {offset}") };
        let chosen: BTreeMap<_, _> = partitions().into_iter().filter(|_| rng.below(3) > 0).map(|tp| (tp, wanted.clone())).collect();
        ledger.note(|p| {
            for tp in chosen.keys() {
                p.commits.entry((group.to_string(), tp.clone())).or_default().attempted = offset;
            }
        });
        // An error leaves open whether it was done.
        if let Ok(done) = admin.alter_group_offsets(group, &chosen).await {
            ledger.note(|p| {
                for (tp, _) in done.into_iter().filter(|(_, result)| result.is_ok()) {
                    p.commits.entry((group.to_string(), tp)).or_default().acknowledged = Some(offset);
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(2 + rng.below(20))).await;
    }
    BTreeMap::new()
}

/// Creates a topic now and then, and deletes every third again.
async fn create_and_delete(port: u16, ledger: Arc<Ledger>, stop: Arc<AtomicBool>) -> BTreeMap<TopicPartition, u64> {
    let admin = admin(port);
    let mut count = 0;
    while !stop.load(Ordering::Acquire) {
        let name = format!("fresh-{count}");
        let topic = NewTopic { name: name.clone(), partitions: Some(1 + count % 3), ..NewTopic::default() };
        if let Ok(done) = admin.create_topics(&[topic], false).await {
            for (name, result) in done {
                match result {
                    Ok(made) => {
                        ledger.note(|p| p.created.insert(name, Some(made.topic_id)));
                    }
                    // A retry of what the broker had done before it died.
                    Err(Error::Broker { code: ErrorCode::TopicAlreadyExists, .. }) => {
                        ledger.note(|p| p.created.insert(name, None));
                    }
                    Err(e) => ledger.note(|p| p.failures.push(format!("creating {name}: {e}"))),
                }
            }
        }
        if count % 3 == 2 {
            ledger.note(|p| p.created.remove(&name));
            if let Ok(done) = admin.delete_topics(&[&name]).await {
                for (name, result) in done {
                    match result {
                        Ok(()) | Err(Error::Broker { code: ErrorCode::UnknownTopicOrPartition, .. }) => {
                            ledger.note(|p| p.deleted.insert(name));
                        }
                        Err(e) => ledger.note(|p| p.failures.push(format!("deleting {name}: {e}"))),
                    }
                }
            }
        }
        count += 1;
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    BTreeMap::new()
}
