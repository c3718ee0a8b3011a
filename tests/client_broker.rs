//! The client library against a whole broker: kfk in this process, or any other cluster that `KFK_CLIENT_BOOTSTRAP` names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kfk::broker::{Running, start};
use kfk::client::admin::{GroupOffset, NewTopic};
use kfk::client::{
    Admin, Callback, ClientConfig, Consumer, ConsumerConfig, Error, OutgoingRecord, Polled, Producer, ProducerConfig, RebalanceListener,
};
use kfk::config::BrokerConfig;
use kfk::machine::producer::{PartitionContext, Partitioner, partition_of_key};
use kfk::rng::Rng;
use kfk::types::TopicPartition;
use kfk::wire::ErrorCode;

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
        let mut values = self.values(&[
            ("group.id", &self.topic),
            ("auto.offset.reset", "earliest"),
            ("enable.auto.commit", "false"),
            ("heartbeat.interval.ms", "100"),
            ("retry.backoff.ms", "20"),
        ]);
        values.extend(settings.iter().map(|(k, v)| (k.to_string(), v.to_string())));
        Consumer::new(ConsumerConfig::parse(&values).unwrap()).unwrap()
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
