//! The client library's transactions against the broker, in both versions of the protocol.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kfk::client::admin::{Admin, GroupOffset, OffsetSpec};
use kfk::client::{ClientConfig, Consumer, ConsumerConfig, Error, GroupMetadata, OutgoingRecord, Producer, ProducerConfig};
use kfk::types::TopicPartition;
use kfk::wire::{ApiKey, ErrorCode};

use super::bank::Bank;
use super::through::{Faults, pass_on};
use crate::common::TestBroker;
use crate::common::records::create;

/// A broker, and a way to it that can be disturbed.
pub struct World {
    pub broker: TestBroker,
    pub faults: Arc<Faults>,
    pub bootstrap: String,
    runtime: tokio::runtime::Runtime,
}

/// Both versions of the protocol.
const VERSIONS: [bool; 2] = [false, true];

impl World {
    /// With topics `t` and `u` of two partitions. `implicit`: TV2.
    pub fn start(implicit: bool, settings: &[(&str, &str)]) -> World {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let bootstrap = listener.local_addr().unwrap().to_string();
        let advertised = format!("PLAINTEXT://{bootstrap}");
        let own = [("advertised.listeners", advertised.as_str()), ("transaction.state.log.num.partitions", "3")];
        let broker = TestBroker::start(&[&own, settings].concat());
        let mut client = broker.connect();
        create(&mut client, "t", 2, &[]);
        create(&mut client, "u", 2, &[]);
        let faults = Arc::new(Faults::default());
        faults.no_features.store(!implicit, Ordering::SeqCst);
        runtime.spawn(pass_on(listener, broker.addr, faults.clone()));
        World { broker, faults, bootstrap, runtime }
    }

    pub fn create(&self, topic: &str, partitions: i32) {
        create(&mut self.broker.connect(), topic, partitions, &[]);
    }

    pub fn run(&self, work: impl AsyncFnOnce(&World)) {
        let limited = async {
            let done = tokio::time::timeout(Duration::from_secs(60), work(self)).await;
            done.expect("a minute is enough");
        };
        self.runtime.block_on(limited);
    }

    pub fn values(&self, settings: &[(&str, &str)]) -> BTreeMap<String, String> {
        let own = [("bootstrap.servers", self.bootstrap.as_str()), ("retry.backoff.ms", "10"), ("reconnect.backoff.ms", "5")];
        own.iter().chain(settings).map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    pub fn producer(&self, id: &str, settings: &[(&str, &str)]) -> Producer {
        let own = [("transactional.id", id), ("linger.ms", "5"), ("request.timeout.ms", "5000")];
        Producer::new(ProducerConfig::parse(&self.values(&[&own, settings].concat())).unwrap()).unwrap()
    }

    /// A producer that has taken its id over.
    pub async fn ready(&self, id: &str) -> Producer {
        let producer = self.producer(id, &[]);
        producer.init_transactions().await.unwrap();
        producer
    }

    pub fn admin(&self) -> Admin {
        Admin::new(ClientConfig::parse(&self.values(&[])).unwrap())
    }

    /// All values of a topic that a reader of committed records sees, up to the last stable offset, which must be the end.
    pub async fn committed(&self, topic: &str) -> Vec<String> {
        let parts: Vec<TopicPartition> = (0..2).map(|p| TopicPartition::new(topic, p)).collect();
        let specs: BTreeMap<_, _> = parts.iter().map(|tp| (tp.clone(), OffsetSpec::Latest)).collect();
        let ends = self.admin().list_offsets(&specs, false).await.unwrap();
        let own = [("isolation.level", "read_committed"), ("fetch.max.wait.ms", "20"), ("enable.auto.commit", "false")];
        let mut consumer = Consumer::new(ConsumerConfig::parse(&self.values(&own)).unwrap()).unwrap();
        consumer.assign(&parts).unwrap();
        let mut seen = Vec::new();
        for tp in &parts {
            consumer.seek_to_beginning(tp).unwrap();
        }
        for (tp, end) in ends {
            while consumer.position(&tp).await.unwrap() < end.as_ref().unwrap().offset {
                let polled = consumer.poll(Duration::from_millis(50)).await.unwrap();
                seen.extend(polled.iter().map(|r| String::from_utf8(r.value.unwrap().to_vec()).unwrap()));
            }
        }
        seen.sort();
        seen
    }
}

pub fn record<'a>(topic: &'a str, partition: i32, value: &'a str) -> OutgoingRecord<'a> {
    OutgoingRecord { topic, partition: Some(partition), value: Some(value.as_bytes()), ..Default::default() }
}

async fn send(producer: &Producer, topic: &str, partition: i32, value: &str) {
    producer.send_with(record(topic, partition, value), kfk::client::Delivery::Forget).await.unwrap();
}

#[test]
fn what_is_committed_is_seen_whole_and_what_is_aborted_not_at_all() {
    for implicit in VERSIONS {
        let world = World::start(implicit, &[]);
        world.run(async |world| {
            let producer = world.ready("x").await;
            for round in 0..6 {
                producer.begin_transaction().unwrap();
                for n in 0..4 {
                    send(&producer, ["t", "u"][n % 2], (n / 2) as i32, &format!("{round}-{n}")).await;
                }
                if round % 3 == 1 {
                    producer.abort_transaction().await.unwrap();
                } else {
                    producer.commit_transaction().await.unwrap();
                }
            }
            assert_eq!(world.committed("t").await, ["0-0", "0-2", "2-0", "2-2", "3-0", "3-2", "5-0", "5-2"]);
            assert_eq!(world.committed("u").await, ["0-1", "0-3", "2-1", "2-3", "3-1", "3-3", "5-1", "5-3"]);
            producer.close(Duration::from_secs(5)).await;
        });
        let newest = |key| world.faults.versions(key).into_iter().max();
        let spoken = [ApiKey::Produce, ApiKey::EndTxn, ApiKey::AddPartitionsToTxn].map(newest);
        let expected = if implicit { [Some(13), Some(5), None] } else { [Some(11), Some(4), Some(3)] };
        assert_eq!(spoken, expected, "TV2: {implicit}");
    }
}

#[test]
fn e3_a_producer_that_was_dropped_is_ended_by_the_next_with_its_id_and_fenced() {
    for implicit in VERSIONS {
        World::start(implicit, &[]).run(async |world| {
            let old = world.ready("x").await;
            old.begin_transaction().unwrap();
            old.send_and_wait(record("t", 0, "never seen")).await.unwrap();
            let new = world.ready("x").await;
            assert_eq!(world.committed("t").await, [""; 0], "nothing is stuck");
            let error = old.commit_transaction().await.unwrap_err();
            assert!(matches!(error, Error::Fenced { .. }), "{error:?}");
            assert!(matches!(old.begin_transaction(), Err(Error::Fenced { .. })));
            assert!(matches!(old.abort_transaction().await, Err(Error::Fenced { .. })));
            new.begin_transaction().unwrap();
            send(&new, "t", 0, "seen").await;
            new.commit_transaction().await.unwrap();
            assert_eq!(world.committed("t").await, ["seen"]);
        });
    }
}

#[test]
fn a_record_of_a_fenced_producer_is_refused_and_its_abort_says_why() {
    World::start(true, &[]).run(async |world| {
        let old = world.ready("x").await;
        old.begin_transaction().unwrap();
        old.send_and_wait(record("t", 0, "1")).await.unwrap();
        world.ready("x").await;
        let error = old.send_and_wait(record("t", 0, "2")).await.unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::InvalidProducerEpoch));
        let error = old.commit_transaction().await.unwrap_err();
        assert!(error.is_abortable(), "{error:?}");
        let error = old.abort_transaction().await.unwrap_err();
        assert!(matches!(error, Error::Fenced { .. }), "{error:?}");
    });
}

#[test]
fn e18_x8_consumed_offsets_are_committed_with_the_transaction() {
    for implicit in VERSIONS {
        World::start(implicit, &[]).run(async |world| {
            let producer = world.ready("x").await;
            let offset = |offset| GroupOffset { offset, leader_epoch: -1, metadata: "m".into() };
            let at = |n| BTreeMap::from([(TopicPartition::new("t", 0), offset(n)), (TopicPartition::new("t", 1), offset(n))]);
            let group = GroupMetadata::of_group("g");
            let committed = async || {
                let found = world.admin().group_offsets("g", None).await.unwrap();
                found.into_values().map(|o| o.unwrap().offset).collect::<Vec<i64>>()
            };
            producer.begin_transaction().unwrap();
            producer.send_offsets_to_transaction(&at(3), &group).await.unwrap();
            assert_eq!(committed().await, [0; 0]);
            producer.commit_transaction().await.unwrap();
            assert_eq!(committed().await, [3, 3]);
            producer.begin_transaction().unwrap();
            send(&producer, "u", 0, "x").await;
            producer.send_offsets_to_transaction(&at(4), &group).await.unwrap();
            producer.abort_transaction().await.unwrap();
            assert_eq!(committed().await, [3, 3]);
            // A member that the group does not have.
            producer.begin_transaction().unwrap();
            let stranger = GroupMetadata { generation: 7, member_id: "nobody".into(), ..GroupMetadata::of_group("g") };
            let error = producer.send_offsets_to_transaction(&at(5), &stranger).await.unwrap_err();
            assert!(error.is_abortable(), "{error:?}");
            producer.abort_transaction().await.unwrap();
            producer.begin_transaction().unwrap();
            producer.send_offsets_to_transaction(&at(6), &group).await.unwrap();
            producer.commit_transaction().await.unwrap();
            assert_eq!(committed().await, [6, 6]);
        });
    }
}

#[test]
fn lost_answers_are_no_lost_transactions() {
    let requests = [ApiKey::InitProducerId, ApiKey::AddPartitionsToTxn, ApiKey::AddOffsetsToTxn, ApiKey::TxnOffsetCommit];
    for implicit in VERSIONS {
        let world = World::start(implicit, &[]);
        world.run(async |world| {
            let mut expected = Vec::new();
            for (n, key) in requests.into_iter().chain([ApiKey::Produce, ApiKey::EndTxn]).enumerate() {
                *world.faults.lose.lock() = Some((key, 0));
                let producer = world.ready(&format!("x{n}")).await;
                for round in 0..4 {
                    let value = format!("{n}-{round}");
                    producer.begin_transaction().unwrap();
                    send(&producer, "t", 0, &value).await;
                    let offset = GroupOffset { offset: round, leader_epoch: -1, metadata: String::new() };
                    let offsets = BTreeMap::from([(TopicPartition::new("u", 0), offset)]);
                    producer.send_offsets_to_transaction(&offsets, &GroupMetadata::of_group("g")).await.unwrap();
                    if round == 1 {
                        // What is lost with an abort on its way must not spoil the next transaction.
                        *world.faults.lose.lock() = Some((key, 0));
                        producer.abort_transaction().await.unwrap();
                    } else {
                        producer.commit_transaction().await.unwrap();
                        expected.push(value);
                    }
                }
                world.faults.lose.lock().take();
            }
            assert_eq!(world.committed("t").await, expected);
        });
        assert!(world.faults.lost.load(Ordering::SeqCst) >= if implicit { 6 } else { 10 });
    }
}

#[test]
fn records_of_an_aborted_transaction_that_were_not_sent_are_told() {
    World::start(true, &[]).run(async |world| {
        let producer = world.producer("x", &[("linger.ms", "60000")]);
        let early = producer.send(record("t", 0, "early")).await.map(|_| ()).unwrap_err();
        assert_eq!(
            early.to_string(),
            "Cannot perform a 'send' before completing a call to initTransactions when transactions are enabled."
        );
        producer.init_transactions().await.unwrap();
        producer.begin_transaction().unwrap();
        let fate = producer.send(record("t", 0, "lingers")).await.unwrap();
        producer.abort_transaction().await.unwrap();
        assert_eq!(fate.await, Err(Error::Aborted));
        producer.begin_transaction().unwrap();
        send(&producer, "t", 0, "committed").await;
        producer.commit_transaction().await.unwrap();
        assert_eq!(world.committed("t").await, ["committed"], "a commit does not linger");
    });
}

#[test]
fn a_record_that_the_broker_refuses_spoils_its_transaction_alone() {
    for implicit in VERSIONS {
        World::start(implicit, &[("message.max.bytes", "500")]).run(async |world| {
            let producer = world.ready("x").await;
            producer.begin_transaction().unwrap();
            send(&producer, "t", 0, "with a large one").await;
            let large = "x".repeat(1000);
            let error = producer.send_and_wait(record("t", 1, &large)).await.unwrap_err();
            assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge));
            let error = producer.commit_transaction().await.unwrap_err();
            assert!(error.is_abortable() && error.code() == Some(ErrorCode::MessageTooLarge), "{error:?}");
            producer.abort_transaction().await.unwrap();
            producer.begin_transaction().unwrap();
            send(&producer, "t", 0, "alone").await;
            send(&producer, "t", 1, "also").await;
            producer.commit_transaction().await.unwrap();
            assert_eq!(world.committed("t").await, ["alone", "also"]);
        });
    }
}

#[test]
fn closing_aborts_what_is_open() {
    World::start(true, &[]).run(async |world| {
        let producer = world.ready("x").await;
        producer.begin_transaction().unwrap();
        producer.send_and_wait(record("t", 0, "open")).await.unwrap();
        producer.close(Duration::from_secs(5)).await;
        assert_eq!(world.committed("t").await, [""; 0]);
    });
}

#[test]
fn without_an_id_there_are_no_transactions() {
    World::start(true, &[]).run(async |world| {
        let producer = Producer::new(ProducerConfig::parse(&world.values(&[])).unwrap()).unwrap();
        assert!(matches!(producer.begin_transaction(), Err(Error::Usage(_))));
        assert!(matches!(producer.init_transactions().await, Err(Error::Usage(_))));
    });
}

#[test]
fn totals_hold_whatever_tellers_do() {
    for implicit in VERSIONS {
        World::start(implicit, &[]).run(async |world| {
            let bank = Bank::open(&world.bootstrap, "accounts", 6, 7).await;
            bank.await_more(100).await;
            println!("TV2 {implicit}: {}", bank.close().await);
        });
    }
}

/// With `KFK_CLIENT_BOOTSTRAP=HOST:PORT`, against any other cluster.
#[test]
fn totals_and_offsets_hold_on_another_cluster() {
    let Ok(bootstrap) = std::env::var("KFK_CLIENT_BOOTSTRAP") else {
        eprintln!("skipped: KFK_CLIENT_BOOTSTRAP names no cluster");
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let name = format!("kfk-bank-{}-{}", std::process::id(), jiff::Timestamp::now().as_millisecond());
        let bank = Bank::open(&bootstrap, &name, 4, 7).await;
        bank.await_more(60).await;
        println!("{bootstrap}: {}", bank.close().await);
        let producer = super::bank::producer(&bootstrap, &format!("{name}-offsets"), "60000");
        producer.init_transactions().await.unwrap();
        let admin = super::bank::admin(&bootstrap);
        for (offset, commit, expected) in [(3, true, 3), (4, false, 3), (5, true, 5)] {
            let at = GroupOffset { offset, leader_epoch: -1, metadata: String::new() };
            let offsets = BTreeMap::from([(TopicPartition::new(name.as_str(), 0), at)]);
            producer.begin_transaction().unwrap();
            producer.send_offsets_to_transaction(&offsets, &GroupMetadata::of_group(name.as_str())).await.unwrap();
            if commit {
                producer.commit_transaction().await.unwrap();
            } else {
                producer.abort_transaction().await.unwrap();
            }
            await_offset(&admin, &name, expected).await;
        }
        producer.close(Duration::from_secs(5)).await;
        admin.delete_topics(&[&name]).await.unwrap();
    });
}

/// E13: it becomes visible some time after the commit was answered.
async fn await_offset(admin: &Admin, group: &str, expected: i64) {
    for _ in 0..500 {
        let found = admin.group_offsets(group, None).await.unwrap();
        let offsets: Vec<i64> = found.into_values().map(|o| o.unwrap().offset).collect();
        if offsets == [expected] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("offset {expected} never shows");
}
