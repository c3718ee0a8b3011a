//! The client library against a whole broker: kfk in this process, or any other cluster that `KFK_CLIENT_BOOTSTRAP` names.

#[path = "client_broker/consumer_groups.rs"]
mod consumer_groups;
#[path = "common/fake.rs"]
mod fake;
#[path = "client_broker/producing.rs"]
mod producing;
#[path = "client_broker/share.rs"]
mod share;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fake::{Answer, Call, FakeBroker};
use kfk::broker::{Running, start};
use kfk::client::admin::{GroupOffset, NewTopic};
use kfk::client::{
    Admin, Callback, Client, ClientConfig, Consumer, ConsumerConfig, Coordinator, Error, OutgoingRecord, Polled, Producer, ProducerConfig,
    RebalanceListener,
};
use kfk::config::BrokerConfig;
use kfk::record::{BatchBuilder, BatchOptions};
use kfk::types::TopicPartition;
use kfk::wire::end_txn_request::EndTxnRequest;
use kfk::wire::fetch_request::FetchRequest;
use kfk::wire::fetch_response::{EpochEndOffset, FetchResponse, FetchableTopicResponse, PartitionData};
use kfk::wire::find_coordinator_response::{Coordinator as Found, FindCoordinatorResponse};
use kfk::wire::init_producer_id_request::InitProducerIdRequest;
use kfk::wire::offset_commit_request::OffsetCommitRequest;
use kfk::wire::offset_commit_response::{OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kfk::wire::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kfk::wire::{ApiKey, ErrorCode, Records};

const SOON: Duration = Duration::from_secs(20);

/// A cluster, and a name that nobody else uses on it.
struct Cluster {
    bootstrap: String,
    topic: String,
    _running: Option<(Running, tempfile::TempDir)>,
}

impl Cluster {
    async fn start(test: &str) -> Cluster {
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let topic = format!("{test}-{nanos}");
        if let Ok(bootstrap) = std::env::var("KFK_CLIENT_BOOTSTRAP") {
            return Cluster { bootstrap, topic, _running: None };
        }
        let dir = tempfile::tempdir().unwrap();
        let own = [
            ("listeners", "PLAINTEXT://127.0.0.1:0"),
            ("log.dirs", dir.path().to_str().unwrap()),
            ("group.initial.rebalance.delay.ms", "0"),
            ("group.consumer.min.heartbeat.interval.ms", "50"),
            ("group.consumer.heartbeat.interval.ms", "100"),
            ("group.consumer.assignment.interval.ms", "0"),
            ("group.share.min.heartbeat.interval.ms", "50"),
            ("group.share.heartbeat.interval.ms", "100"),
            ("group.share.assignment.interval.ms", "0"),
        ];
        let (config, _) = BrokerConfig::parse(own.map(|(k, v)| (k.to_string(), v.to_string()))).unwrap();
        let running = start(config).await.unwrap();
        Cluster { bootstrap: running.addr().to_string(), topic, _running: Some((running, dir)) }
    }

    /// With a topic of so many partitions.
    async fn with_topic(test: &str, partitions: i32) -> Cluster {
        let cluster = Cluster::start(test).await;
        cluster.create(&cluster.topic, partitions).await;
        cluster
    }

    fn values(&self, settings: &[(&str, &str)]) -> BTreeMap<String, String> {
        let own = [("bootstrap.servers", self.bootstrap.as_str())];
        own.iter().chain(settings).map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    fn admin(&self) -> Admin {
        Admin::new(ClientConfig::parse(&self.values(&[])).unwrap())
    }

    async fn create(&self, topic: &str, partitions: i32) {
        let new = NewTopic { name: topic.into(), partitions: Some(partitions), ..Default::default() };
        for (_, result) in self.admin().create_topics(&[new], false).await.unwrap() {
            result.unwrap();
        }
    }

    fn producer(&self, settings: &[(&str, &str)]) -> Producer {
        Producer::new(ProducerConfig::parse(&self.values(settings)).unwrap()).unwrap()
    }

    /// Sends these texts to a partition of the topic.
    async fn produce(&self, partition: i32, texts: impl IntoIterator<Item = String>) {
        let producer = self.producer(&[("linger.ms", "0")]);
        for text in texts {
            let record =
                OutgoingRecord { topic: &self.topic, partition: Some(partition), value: Some(text.as_bytes()), ..Default::default() };
            drop(producer.send(record).await.unwrap());
        }
        producer.close(SOON).await;
    }

    /// In the group that is named as the topic, from the beginning, without auto commit, unless the settings say otherwise.
    fn consumer(&self, settings: &[(&str, &str)]) -> Consumer {
        self.reader(&[&[("heartbeat.interval.ms", "100")], settings].concat())
    }

    /// The same, without what only the classic protocol has.
    fn reader(&self, settings: &[(&str, &str)]) -> Consumer {
        let own = [
            ("group.id", self.topic.as_str()),
            ("auto.offset.reset", "earliest"),
            ("enable.auto.commit", "false"),
            ("retry.backoff.ms", "20"),
        ];
        Consumer::new(ConsumerConfig::parse(&self.values(&[&own, settings].concat())).unwrap()).unwrap()
    }

    fn tp(&self, partition: i32) -> TopicPartition {
        TopicPartition::new(&self.topic, partition)
    }

    async fn committed(&self, partition: i32) -> Option<i64> {
        let found = self.admin().group_offsets(&self.topic, Some(&[self.tp(partition)])).await.unwrap();
        found.get(&self.tp(partition)).map(|o| o.as_ref().unwrap().offset)
    }
}

fn numbers(range: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    range.map(|n| n.to_string())
}

fn texts(polled: &Polled) -> Vec<String> {
    polled.iter().map(|r| String::from_utf8(r.value.unwrap().to_vec()).unwrap()).collect()
}

/// Polls until there are so many records.
async fn read(consumer: &mut Consumer, count: usize) -> Vec<String> {
    let (mut out, start) = (Vec::new(), Instant::now());
    while out.len() < count && start.elapsed() < SOON {
        out.extend(texts(&consumer.poll(Duration::from_millis(200)).await.unwrap()));
    }
    assert!(out.len() >= count, "only {} of {count} records came", out.len());
    out
}

/// Polls until the partitions are these.
async fn assigned(consumer: &mut Consumer, wanted: &[i32]) {
    let (wanted, start): (BTreeSet<i32>, _) = (wanted.iter().copied().collect(), Instant::now());
    while partitions(consumer) != wanted {
        assert!(start.elapsed() < SOON, "{:?} instead of {wanted:?}", partitions(consumer));
        consumer.poll(Duration::from_millis(20)).await.unwrap();
    }
}

fn partitions(consumer: &Consumer) -> BTreeSet<i32> {
    consumer.assignment().into_iter().map(|tp| tp.partition).collect()
}

/// The error that comes within the time.
async fn error(consumer: &mut Consumer) -> Error {
    let start = Instant::now();
    while start.elapsed() < SOON {
        if let Err(error) = consumer.poll(Duration::from_millis(100)).await {
            return error;
        }
    }
    panic!("no error came");
}

#[tokio::test]
async fn what_was_committed_is_not_read_again() {
    let cluster = Cluster::with_topic("resume", 1).await;
    cluster.produce(0, numbers(0..10)).await;
    let mut first = cluster.consumer(&[("max.poll.records", "4")]);
    first.subscribe(&[&cluster.topic]).unwrap();
    assert_eq!(read(&mut first, 4).await, ["0", "1", "2", "3"], "max.poll.records");
    first.commit_sync(None).await.unwrap();
    assert_eq!(read(&mut first, 4).await, ["4", "5", "6", "7"]);
    assert_eq!(first.position(&cluster.tp(0)).await.unwrap(), 8);
    first.close(SOON).await.unwrap();
    let mut second = cluster.consumer(&[]);
    second.subscribe(&[&cluster.topic]).unwrap();
    assert_eq!(read(&mut second, 6).await, ["4", "5", "6", "7", "8", "9"]);
    second.close(SOON).await.unwrap();
}

#[tokio::test]
async fn commits_are_made_in_the_order_of_the_calls() {
    let cluster = Cluster::with_topic("order", 1).await;
    cluster.produce(0, numbers(0..10)).await;
    let mut consumer = cluster.consumer(&[]);
    consumer.assign(&[cluster.tp(0)]).unwrap();
    let at = |offset| Some(BTreeMap::from([(cluster.tp(0), GroupOffset { offset, leader_epoch: -1, metadata: "m".into() })]));
    let heard: Arc<Mutex<Vec<i64>>> = Arc::default();
    for offset in [9, 3, 7] {
        let told = heard.clone();
        consumer.commit_async(at(offset), move |result| told.lock().unwrap().push(result.map_or(-1, |()| offset))).unwrap();
    }
    consumer.commit_sync(at(5)).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), [9, 3, 7], "a synchronous commit waits for those before it");
    let committed = consumer.committed(&[cluster.tp(0)]).await.unwrap();
    assert_eq!((committed[&cluster.tp(0)].offset, committed[&cluster.tp(0)].metadata.as_str()), (5, "m"));
    // Nothing waits for this one but the end.
    consumer.commit_async(at(6), |_| {}).unwrap();
    consumer.close(SOON).await.unwrap();
    assert_eq!(cluster.committed(0).await, Some(6));
}

#[tokio::test]
async fn auto_commit_comes_with_the_interval_and_with_the_end() {
    let cluster = Cluster::with_topic("auto", 1).await;
    cluster.produce(0, numbers(0..3)).await;
    let mut consumer = cluster.consumer(&[("enable.auto.commit", "true"), ("auto.commit.interval.ms", "50")]);
    consumer.subscribe(&[&cluster.topic]).unwrap();
    read(&mut consumer, 3).await;
    let start = Instant::now();
    while cluster.committed(0).await != Some(3) {
        assert!(start.elapsed() < SOON);
        consumer.poll(Duration::from_millis(20)).await.unwrap();
    }
    consumer.close(SOON).await.unwrap();
    cluster.produce(0, numbers(3..5)).await;
    let mut consumer = cluster.consumer(&[("enable.auto.commit", "true"), ("auto.commit.interval.ms", "3600000")]);
    consumer.subscribe(&[&cluster.topic]).unwrap();
    assert_eq!(read(&mut consumer, 2).await, ["3", "4"]);
    consumer.close(SOON).await.unwrap();
    assert_eq!(cluster.committed(0).await, Some(5));
    // Without a group there is nothing to commit, and nothing to complain of.
    let values = cluster.values(&[("enable.auto.commit", "true")]);
    let mut alone = Consumer::new(ConsumerConfig::parse(&values).unwrap()).unwrap();
    alone.assign(&[cluster.tp(0)]).unwrap();
    alone.poll(Duration::from_millis(50)).await.unwrap();
    alone.close(SOON).await.unwrap();
}

#[tokio::test]
async fn auto_offset_reset_says_where_to_begin() {
    let cluster = Cluster::with_topic("reset", 1).await;
    cluster.produce(0, numbers(0..2)).await;
    let reading = |reset: &str| {
        let mut consumer = cluster.consumer(&[("group.id", &format!("{}-{reset}", cluster.topic)), ("auto.offset.reset", reset)]);
        consumer.assign(&[cluster.tp(0)]).unwrap();
        consumer
    };
    assert_eq!(reading("earliest").position(&cluster.tp(0)).await.unwrap(), 0);
    assert_eq!(reading("latest").position(&cluster.tp(0)).await.unwrap(), 2);
    assert_eq!(reading("by_duration:PT1H").position(&cluster.tp(0)).await.unwrap(), 0);
    // Nothing is as young as that: the end.
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(reading("by_duration:PT0.001S").position(&cluster.tp(0)).await.unwrap(), 2);
    let mut none = reading("none");
    assert!(error(&mut none).await.to_string().contains("no reset policy"));
    // The user may decide then.
    none.seek(&cluster.tp(0), 1).unwrap();
    assert_eq!(read(&mut none, 1).await, ["1"]);
}

#[tokio::test]
async fn an_offset_that_retention_took_is_reset_by_the_policy() {
    let cluster = Cluster::with_topic("range", 1).await;
    cluster.produce(0, numbers(0..10)).await;
    cluster.admin().delete_records(&BTreeMap::from([(cluster.tp(0), 6)])).await.unwrap()[&cluster.tp(0)].clone().unwrap();
    let mut earliest = cluster.consumer(&[]);
    earliest.assign(&[cluster.tp(0)]).unwrap();
    earliest.seek(&cluster.tp(0), 2).unwrap();
    assert_eq!(read(&mut earliest, 4).await, ["6", "7", "8", "9"]);
    earliest.seek(&cluster.tp(0), 99).unwrap();
    assert_eq!(read(&mut earliest, 4).await, ["6", "7", "8", "9"], "beyond the end, too");
    let mut none = cluster.consumer(&[("auto.offset.reset", "none")]);
    none.assign(&[cluster.tp(0)]).unwrap();
    none.seek(&cluster.tp(0), 2).unwrap();
    assert_eq!(error(&mut none).await.code(), Some(ErrorCode::OffsetOutOfRange));
    none.seek(&cluster.tp(0), 8).unwrap();
    assert_eq!(read(&mut none, 2).await, ["8", "9"]);
}

#[tokio::test]
async fn a_topic_deleted_and_created_anew_is_read_from_its_new_beginning() {
    let cluster = Cluster::with_topic("anew", 1).await;
    cluster.produce(0, numbers(0..5)).await;
    let mut consumer = cluster.consumer(&[("metadata.max.age.ms", "200"), ("allow.auto.create.topics", "false")]);
    consumer.assign(&[cluster.tp(0)]).unwrap();
    read(&mut consumer, 5).await;
    cluster.admin().delete_topics(&[&cluster.topic]).await.unwrap();
    consumer.poll(Duration::from_millis(50)).await.unwrap();
    // Another cluster may take a moment to let go of the name.
    let start = Instant::now();
    let new = NewTopic { name: cluster.topic.clone(), partitions: Some(1), ..Default::default() };
    while cluster.admin().create_topics(std::slice::from_ref(&new), false).await.unwrap().into_iter().any(|(_, r)| r.is_err()) {
        assert!(start.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // More than before: the old position would be a valid one in the new topic.
    cluster.produce(0, (0..9).map(|n| format!("new {n}"))).await;
    let got = read(&mut consumer, 9).await;
    assert_eq!((got[0].as_str(), got.len()), ("new 0", 9));
}

#[tokio::test]
async fn pause_resume_and_seek_between_polls() {
    let cluster = Cluster::with_topic("pause", 2).await;
    cluster.produce(0, numbers(0..4)).await;
    cluster.produce(1, (0..4).map(|n| format!("other {n}"))).await;
    let mut consumer = cluster.consumer(&[("max.poll.records", "2")]);
    consumer.assign(&[cluster.tp(0), cluster.tp(1)]).unwrap();
    consumer.pause(&[cluster.tp(1)]);
    assert_eq!(read(&mut consumer, 4).await, ["0", "1", "2", "3"]);
    assert_eq!(consumer.paused(), [cluster.tp(1)]);
    consumer.pause(&[cluster.tp(0)]);
    consumer.resume(&[cluster.tp(1)]);
    assert_eq!(read(&mut consumer, 2).await, ["other 0", "other 1"]);
    // What was fetched beyond the two is not what is wanted now.
    consumer.seek(&cluster.tp(1), 3).unwrap();
    assert_eq!(read(&mut consumer, 1).await, ["other 3"]);
    consumer.seek_to_beginning(&cluster.tp(1)).unwrap();
    assert_eq!(read(&mut consumer, 4).await, ["other 0", "other 1", "other 2", "other 3"]);
    consumer.seek_to_end(&cluster.tp(1)).unwrap();
    assert_eq!(consumer.position(&cluster.tp(1)).await.unwrap(), 4);
    let all = [cluster.tp(0), cluster.tp(1)];
    assert_eq!(consumer.beginning_offsets(&all).await.unwrap().into_values().collect::<Vec<_>>(), [0, 0]);
    assert_eq!(consumer.end_offsets(&all).await.unwrap().into_values().collect::<Vec<_>>(), [4, 4]);
}

#[tokio::test]
async fn fetch_sizes_and_waits_are_kept() {
    let cluster = Cluster::with_topic("sizes", 1).await;
    cluster.produce(0, (0..3).map(|n| n.to_string().repeat(5000))).await;
    // F7: a record larger than the limits is read all the same.
    let small = [("max.partition.fetch.bytes", "100"), ("fetch.max.bytes", "100")];
    let mut consumer = cluster.consumer(&small);
    consumer.assign(&[cluster.tp(0)]).unwrap();
    assert_eq!(read(&mut consumer, 3).await.concat().len(), 15_000);
    // Less than fetch.min.bytes is waited for no longer than fetch.max.wait.ms.
    let mut patient = cluster.consumer(&[("fetch.min.bytes", "1000000"), ("fetch.max.wait.ms", "400")]);
    patient.assign(&[cluster.tp(0)]).unwrap();
    patient.position(&cluster.tp(0)).await.unwrap();
    let start = Instant::now();
    assert_eq!(read(&mut patient, 3).await.len(), 3);
    assert!(start.elapsed() >= Duration::from_millis(390), "{:?}", start.elapsed());
}

/// Writes down what it hears; takes its time with revocations.
#[derive(Clone, Default)]
struct Diary {
    heard: Arc<Mutex<Vec<String>>>,
    slow: Duration,
}

impl Diary {
    fn note(&self, what: &str, partitions: &[TopicPartition]) {
        let numbers: Vec<i32> = partitions.iter().map(|tp| tp.partition).collect();
        self.heard.lock().unwrap().push(format!("{what} {numbers:?}"));
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

impl RebalanceListener for Diary {
    fn assigned<'a>(&'a mut self, _: &'a mut Consumer, partitions: &'a [TopicPartition]) -> Callback<'a> {
        self.note("assigned", partitions);
        Box::pin(async {})
    }

    fn revoked<'a>(&'a mut self, consumer: &'a mut Consumer, partitions: &'a [TopicPartition]) -> Callback<'a> {
        Box::pin(async move {
            assert!(matches!(consumer.poll(Duration::ZERO).await, Err(Error::Usage(_))), "no poll in a callback");
            tokio::time::sleep(self.slow).await;
            consumer.commit_sync(None).await.unwrap();
            self.note("revoked", partitions);
        })
    }

    fn lost<'a>(&'a mut self, _: &'a mut Consumer, partitions: &'a [TopicPartition]) -> Callback<'a> {
        self.note("lost", partitions);
        Box::pin(async {})
    }
}

#[tokio::test]
async fn an_eager_member_gives_everything_up_before_others_get_it() {
    let cluster = Cluster::with_topic("eager", 2).await;
    let settings = [("partition.assignment.strategy", "range")];
    let mut first = cluster.consumer(&settings);
    let diary = Diary { slow: Duration::from_millis(300), ..Diary::default() };
    first.set_listener(diary.clone());
    first.subscribe(&[&cluster.topic]).unwrap();
    assigned(&mut first, &[0, 1]).await;
    assert_eq!(diary.take(), ["assigned [0, 1]"]);
    cluster.produce(0, numbers(0..3)).await;
    assert_eq!(read(&mut first, 3).await.len(), 3);
    let mut second = cluster.consumer(&settings);
    second.subscribe(&[&cluster.topic]).unwrap();
    let (heard, committed) = (diary.clone(), cluster.admin());
    let group = cluster.topic.clone();
    let joining = async {
        let start = Instant::now();
        while second.assignment().is_empty() && start.elapsed() < SOON {
            second.poll(Duration::from_millis(20)).await.unwrap();
        }
        // What the first one did in its callback is done.
        assert_eq!(heard.heard.lock().unwrap()[0], "revoked [0, 1]");
        assert!(!committed.group_offsets(&group, None).await.unwrap().is_empty());
        second
    };
    let staying = async {
        loop {
            first.poll(Duration::from_millis(20)).await.unwrap();
        }
    };
    let second = tokio::select! {
        second = joining => second,
        () = staying => unreachable!(),
    };
    assert_eq!(second.assignment().len(), 1);
    second.close(SOON).await.unwrap();
    assigned(&mut first, &[0, 1]).await;
    diary.take();
    first.close(SOON).await.unwrap();
    assert_eq!(diary.take(), ["revoked [0, 1]"], "the end is a revocation, too");
}

#[tokio::test]
async fn a_cooperative_member_gives_up_only_what_moves() {
    let cluster = Cluster::with_topic("cooperative", 4).await;
    let settings = [("partition.assignment.strategy", "cooperative-sticky")];
    let (mut first, mut second) = (cluster.consumer(&settings), cluster.consumer(&settings));
    let diary = Diary::default();
    first.set_listener(diary.clone());
    first.subscribe(&[&cluster.topic]).unwrap();
    assigned(&mut first, &[0, 1, 2, 3]).await;
    diary.take();
    second.subscribe(&[&cluster.topic]).unwrap();
    let start = Instant::now();
    while second.assignment().len() < 2 {
        assert!(start.elapsed() < SOON);
        first.poll(Duration::from_millis(20)).await.unwrap();
        second.poll(Duration::from_millis(20)).await.unwrap();
    }
    let (mine, other) = (partitions(&first), partitions(&second));
    assert!(mine.len() == 2 && mine.is_disjoint(&other), "{mine:?} {other:?}");
    let revoked: Vec<String> = diary.take().into_iter().filter(|h| !h.starts_with("assigned []")).collect();
    assert_eq!(revoked, [format!("revoked {:?}", other.iter().collect::<Vec<_>>())]);
    second.close(SOON).await.unwrap();
    assigned(&mut first, &[0, 1, 2, 3]).await;
    first.close(SOON).await.unwrap();
}

#[tokio::test]
async fn a_static_member_comes_back_to_its_partitions_without_a_rebalance() {
    let cluster = Cluster::with_topic("static", 2).await;
    let member = |id: &str| {
        let mut consumer = cluster.consumer(&[("group.instance.id", id), ("partition.assignment.strategy", "range")]);
        consumer.subscribe(&[&cluster.topic]).unwrap();
        consumer
    };
    let (mut a, mut b) = (member("a"), member("b"));
    let start = Instant::now();
    while a.assignment().len() != 1 || b.assignment().len() != 1 {
        assert!(start.elapsed() < SOON);
        a.poll(Duration::from_millis(20)).await.unwrap();
        b.poll(Duration::from_millis(20)).await.unwrap();
    }
    let (mine, diary) = (partitions(&a), Diary::default());
    b.set_listener(diary.clone());
    a.close(SOON).await.unwrap();
    let mut back = member("a");
    assigned(&mut back, &mine.into_iter().collect::<Vec<_>>()).await;
    for _ in 0..10 {
        b.poll(Duration::from_millis(30)).await.unwrap();
    }
    assert!(diary.take().is_empty(), "the other one noticed nothing");
    // Another one under the same name: the older is told that it is not needed any more.
    let mut usurper = member("a");
    let start = Instant::now();
    while usurper.assignment().is_empty() && start.elapsed() < SOON {
        usurper.poll(Duration::from_millis(20)).await.unwrap();
    }
    assert_eq!(error(&mut back).await.code(), Some(ErrorCode::FencedInstanceId));
}

#[tokio::test]
async fn a_member_that_does_not_poll_loses_its_place_and_gets_it_back() {
    let cluster = Cluster::with_topic("stalled", 1).await;
    cluster.produce(0, numbers(0..2)).await;
    let mut consumer = cluster.consumer(&[("max.poll.interval.ms", "500"), ("heartbeat.interval.ms", "100")]);
    let diary = Diary::default();
    consumer.set_listener(diary.clone());
    consumer.subscribe(&[&cluster.topic]).unwrap();
    assert_eq!(read(&mut consumer, 2).await, ["0", "1"]);
    diary.take();
    let start = Instant::now();
    let left = |state: &str| state == "Empty";
    while !left(&cluster.admin().describe_classic_group(&cluster.topic).await.unwrap().group_state) {
        assert!(start.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Not committed, so read again.
    assert_eq!(read(&mut consumer, 2).await, ["0", "1"]);
    assert_eq!(diary.take(), ["lost [0]", "assigned [0]"]);
}

#[tokio::test]
async fn a_poll_that_is_dropped_in_a_callback_is_taken_up_again() {
    let cluster = Cluster::with_topic("dropped", 1).await;
    let mut first = cluster.consumer(&[]);
    let diary = Diary { slow: Duration::from_millis(150), ..Diary::default() };
    first.set_listener(diary.clone());
    first.subscribe(&[&cluster.topic]).unwrap();
    assigned(&mut first, &[0]).await;
    diary.take();
    let mut second = cluster.consumer(&[]);
    second.subscribe(&[&cluster.topic, "another"]).unwrap();
    let start = Instant::now();
    let mut patience = 50;
    while !diary.heard.lock().unwrap().iter().any(|h| h.starts_with("revoked")) {
        assert!(start.elapsed() < SOON);
        let _ = tokio::time::timeout(Duration::from_millis(patience), first.poll(SOON)).await;
        second.poll(Duration::from_millis(1)).await.unwrap();
        patience += 20;
    }
    let heard = diary.take();
    assert_eq!(heard.iter().filter(|h| h.starts_with("revoked")).collect::<Vec<_>>(), ["revoked [0]"], "{heard:?}");
}

#[tokio::test]
async fn polls_without_patience_find_their_positions_all_the_same() {
    let cluster = Cluster::with_topic("hasty", 1).await;
    cluster.produce(0, numbers(0..1)).await;
    let mut consumer = cluster.consumer(&[]);
    consumer.assign(&[cluster.tp(0)]).unwrap();
    let start = Instant::now();
    while consumer.poll(Duration::ZERO).await.unwrap().is_empty() {
        assert!(start.elapsed() < SOON);
    }
}

#[tokio::test]
async fn topics_that_match_a_pattern_are_found_when_they_come() {
    let cluster = Cluster::start("pattern").await;
    let mut consumer = cluster.consumer(&[("metadata.max.age.ms", "150")]);
    consumer.subscribe_pattern(&format!("{}-[ab]", cluster.topic)).unwrap();
    consumer.poll(Duration::from_millis(100)).await.unwrap();
    for suffix in ["a", "b", "c"] {
        cluster.create(&format!("{}-{suffix}", cluster.topic), 1).await;
    }
    let start = Instant::now();
    while consumer.assignment().len() < 2 {
        assert!(start.elapsed() < SOON);
        consumer.poll(Duration::from_millis(50)).await.unwrap();
    }
    let names: Vec<String> = consumer.assignment().into_iter().map(|tp| tp.topic).collect();
    assert_eq!(names, [format!("{}-a", cluster.topic), format!("{}-b", cluster.topic)]);
    consumer.unsubscribe().await.unwrap();
    assert!(consumer.assignment().is_empty());
    consumer.assign(&[TopicPartition::new(&names[0], 0)]).unwrap();
}

#[tokio::test]
async fn subscribing_to_a_topic_creates_it_where_that_is_allowed() {
    let cluster = Cluster::start("create").await;
    let mut consumer = cluster.consumer(&[("metadata.max.age.ms", "200")]);
    consumer.subscribe(&[&cluster.topic]).unwrap();
    assigned(&mut consumer, &[0]).await;
}

#[tokio::test]
async fn many_idle_partitions_hold_up_none_that_has_records() {
    let cluster = Cluster::with_topic("many", 40).await;
    let mut consumer = cluster.consumer(&[("fetch.max.wait.ms", "10000")]);
    let all: Vec<TopicPartition> = (0..40).map(|p| cluster.tp(p)).collect();
    consumer.assign(&all).unwrap();
    consumer.poll(Duration::from_millis(300)).await.unwrap();
    for round in 0..3 {
        let start = Instant::now();
        cluster.produce(13 + round, numbers(0..1)).await;
        assert_eq!(read(&mut consumer, 1).await, ["0"]);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

/// A transaction of one batch, from its beginning to its end.
async fn transaction(client: &Client, cluster: &Cluster, text: &str, committed: bool) {
    let id = format!("{}-{text}", cluster.topic);
    let all = client.refresh(&[&cluster.topic]).await.unwrap();
    let (topic_id, leader) = (all.topics[&cluster.topic].id, all.leader(&cluster.topic, 0).unwrap());
    let init = InitProducerIdRequest { transactional_id: Some(id.clone()), transaction_timeout_ms: 60_000, ..Default::default() };
    let coordinator = client
        .retrying("finding the coordinator", SOON, || async { client.coordinator(Coordinator::Transaction, &id).await })
        .await
        .unwrap();
    let begin = || async {
        let answer = client.call_node(coordinator, &init).await?;
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => Ok(answer),
            code => Err(Error::Broker { code, message: None }),
        }
    };
    let me = client.retrying("beginning", SOON, begin).await.unwrap();
    let (producer_id, producer_epoch) = (me.producer_id, me.producer_epoch);
    let options = BatchOptions { producer_id, producer_epoch, base_sequence: 0, transactional: true, ..Default::default() };
    let mut batch = BatchBuilder::new(options);
    batch.append(1, None, Some(text.as_bytes()), &[]).unwrap();
    let data = PartitionProduceData { index: 0, records: Some(Records::Bytes(batch.finish().unwrap())) };
    let topic = TopicProduceData { name: cluster.topic.clone(), topic_id, partition_data: vec![data] };
    let produce = ProduceRequest { transactional_id: Some(id.clone()), acks: -1, timeout_ms: 10_000, topic_data: vec![topic] };
    let stored = client.call_node(leader, &produce).await.unwrap();
    assert_eq!(stored.responses[0].partition_responses[0].error_code, 0);
    let end = EndTxnRequest { transactional_id: id, producer_id, producer_epoch, committed };
    assert_eq!(client.call_node(coordinator, &end).await.unwrap().error_code, 0);
}

#[tokio::test]
async fn f12_f14_isolation_shows_what_was_committed_and_never_a_marker() {
    let cluster = Cluster::with_topic("isolation", 1).await;
    let client = Client::new(ClientConfig::parse(&cluster.values(&[])).unwrap());
    for (text, committed) in [("lost", false), ("kept", true), ("lost too", false)] {
        transaction(&client, &cluster, text, committed).await;
    }
    for (level, wanted) in [("read_committed", vec!["kept"]), ("read_uncommitted", vec!["lost", "kept", "lost too"])] {
        let mut consumer = cluster.consumer(&[("isolation.level", level)]);
        consumer.assign(&[cluster.tp(0)]).unwrap();
        assert_eq!(read(&mut consumer, wanted.len()).await, wanted);
        // The position goes on past what is not shown: three records and three markers.
        let start = Instant::now();
        while consumer.position(&cluster.tp(0)).await.unwrap() < 6 {
            assert!(start.elapsed() < SOON);
            assert!(consumer.poll(Duration::from_millis(50)).await.unwrap().is_empty());
        }
    }
}

// ---- against a broker that fails on purpose ------------------------------------------------------------------------------------

/// Coordinator of everything is the fake broker itself.
fn coordinates(call: &Call, broker: &str) -> Answer {
    let port = broker.rsplit_once(':').unwrap().1.parse().unwrap();
    let me = Found { key: "g".into(), node_id: 1, host: "127.0.0.1".into(), port, ..Default::default() };
    call.answer(&FindCoordinatorResponse { coordinators: vec![me], ..Default::default() })
}

#[tokio::test]
async fn a_commit_that_has_to_be_tried_again_is_not_overtaken() {
    let (address, stored): (Arc<Mutex<String>>, Arc<Mutex<Vec<i64>>>) = Default::default();
    let (own, kept, tries) = (address.clone(), stored.clone(), Mutex::new(0));
    let broker = FakeBroker::start(move |call| match call.key {
        ApiKey::FindCoordinator => Some(coordinates(call, &own.lock().unwrap())),
        ApiKey::OffsetCommit => {
            let request: OffsetCommitRequest = call.read();
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            let code = if *tries <= 3 { ErrorCode::CoordinatorLoadInProgress } else { ErrorCode::None };
            if code == ErrorCode::None {
                kept.lock().unwrap().push(request.topics[0].partitions[0].committed_offset);
            }
            let partitions = vec![OffsetCommitResponsePartition { partition_index: 0, error_code: code.code() }];
            let topics = vec![OffsetCommitResponseTopic { name: "t".into(), partitions, ..Default::default() }];
            Some(call.answer(&OffsetCommitResponse { topics, ..Default::default() }))
        }
        _ => None,
    });
    let broker = broker.await;
    *address.lock().unwrap() = broker.address.clone();
    let mut consumer =
        Consumer::new(broker.consumer(&[("group.id", "g"), ("enable.auto.commit", "false"), ("retry.backoff.ms", "20")])).unwrap();
    let tp = TopicPartition::new("t", 0);
    let at = |offset| Some(BTreeMap::from([(tp.clone(), GroupOffset { offset, leader_epoch: -1, metadata: String::new() })]));
    // Given up by whoever waited, not by the consumer.
    assert!(tokio::time::timeout(Duration::from_millis(5), consumer.commit_sync(at(5))).await.is_err());
    consumer.commit_async(at(7), |result| result.unwrap()).unwrap();
    consumer.commit_sync(at(9)).await.unwrap();
    assert_eq!(*stored.lock().unwrap(), [5, 7, 9]);
}

/// Session id and epoch, partitions, offset and epoch of the first one.
type Asked = (i32, i32, usize, Option<(i64, i32)>);

/// Answers the n-th fetch as told, then holds its tongue.
async fn fetches(answers: Vec<FetchResponse>) -> (FakeBroker, Arc<Mutex<Vec<Asked>>>) {
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let seen = asked.clone();
    let broker = FakeBroker::start(move |call| {
        if call.key != ApiKey::Fetch {
            return None;
        }
        let request: FetchRequest = call.read();
        let first = request.topics.first().map(|t| (t.partitions[0].fetch_offset, t.partitions[0].last_fetched_epoch));
        let mut seen = seen.lock().unwrap();
        seen.push((request.session_id, request.session_epoch, request.topics.len(), first));
        let answer = answers.get(seen.len() - 1).map(|a| call.answer(a));
        Some(answer.unwrap_or(Answer::Silence))
    });
    (broker.await, asked)
}

async fn until_asked(consumer: &mut Consumer, asked: &Mutex<Vec<Asked>>, count: usize) -> Vec<String> {
    let (mut out, start) = (Vec::new(), Instant::now());
    while asked.lock().unwrap().len() < count {
        assert!(start.elapsed() < SOON, "{:?}", asked.lock().unwrap());
        out.extend(texts(&consumer.poll(Duration::from_millis(20)).await.unwrap()));
    }
    out
}

fn reading(broker: &FakeBroker) -> Consumer {
    let mut consumer = Consumer::new(broker.consumer(&[("auto.offset.reset", "earliest"), ("retry.backoff.ms", "5")])).unwrap();
    let tp = TopicPartition::new("t", 0);
    consumer.assign(std::slice::from_ref(&tp)).unwrap();
    consumer.seek(&tp, 0).unwrap();
    consumer
}

#[tokio::test]
async fn a_fetch_session_says_what_changed_and_is_begun_anew_when_it_is_lost() {
    let session = |error: ErrorCode, session_id| FetchResponse { error_code: error.code(), session_id, ..Default::default() };
    let answers = vec![
        session(ErrorCode::None, 9),
        session(ErrorCode::None, 9),
        session(ErrorCode::FetchSessionIdNotFound, 0),
        session(ErrorCode::None, 0),
    ];
    let (broker, asked) = fetches(answers).await;
    let mut consumer = reading(&broker);
    until_asked(&mut consumer, &asked, 5).await;
    let everything = Some((0, -1));
    let wanted = [(0, 0, 1, everything), (9, 1, 0, None), (9, 2, 0, None), (0, 0, 1, everything), (0, 0, 1, everything)];
    assert_eq!(*asked.lock().unwrap(), wanted);
}

#[tokio::test]
async fn f16_a_log_that_was_cut_is_read_again_from_where_it_parted() {
    let topic = |data: PartitionData| FetchResponse {
        responses: vec![FetchableTopicResponse { topic_id: kfk::types::Uuid([7; 16]), partitions: vec![data], ..Default::default() }],
        ..Default::default()
    };
    let records = |from: i64, epoch: i32, values: &[&str]| {
        let mut batch = BatchBuilder::new(BatchOptions { base_offset: from, partition_leader_epoch: epoch, ..Default::default() });
        values.iter().for_each(|v| batch.append(1, None, Some(v.as_bytes()), &[]).unwrap());
        topic(PartitionData { high_watermark: 9, records: Some(Records::Bytes(batch.finish().unwrap())), ..Default::default() })
    };
    let cut = topic(PartitionData { diverging_epoch: EpochEndOffset { epoch: 3, end_offset: 2 }, ..Default::default() });
    let (broker, asked) = fetches(vec![records(0, 4, &["0", "1", "2"]), cut, records(2, 5, &["new 2"])]).await;
    let mut consumer = reading(&broker);
    let got = until_asked(&mut consumer, &asked, 4).await;
    let offsets: Vec<_> = asked.lock().unwrap().iter().map(|a| a.3.unwrap()).collect();
    assert_eq!(offsets, [(0, -1), (3, 4), (2, 3), (3, 5)]);
    assert_eq!(got, ["0", "1", "2", "new 2"]);
}
