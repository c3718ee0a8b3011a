//! A bank over transactions: tellers move money between accounts in different partitions, many of them change their minds, some vanish in
//! the middle of a transfer and others take their place. Whoever reads committed entries sees each transfer whole or not at all.
//!
//! Knows nothing of the broker but its address, so that it goes on while the broker is killed and started again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kfk::client::admin::{Admin, NewTopic, OffsetSpec};
use kfk::client::{ClientConfig, Consumer, ConsumerConfig, Delivery, Error, OutgoingRecord, Producer, ProducerConfig};
use kfk::rng::Rng;
use kfk::types::TopicPartition;
use parking_lot::Mutex;
use tokio::task::JoinSet;

const PARTITIONS: i32 = 4;
const ACCOUNTS: u64 = 40;
/// Nothing that is waited for may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Teller and number.
type Transfer = (usize, u64);

/// What tellers were told of their transfers. One that is in neither list was left in the middle.
#[derive(Default)]
pub struct Told {
    pub committed: BTreeSet<Transfer>,
    pub aborted: BTreeSet<Transfer>,
    /// Producers that were dropped in the middle of a transaction.
    pub dropped: usize,
    /// Producers that went on after another one had taken their id, and were refused.
    pub fenced: usize,
}

/// The tellers at work, and somebody who reads all the time.
pub struct Bank {
    bootstrap: String,
    name: String,
    told: Arc<Mutex<Told>>,
    stop: Arc<AtomicBool>,
    tellers: JoinSet<()>,
    auditor: tokio::task::JoinHandle<Auditor>,
}

fn settings(bootstrap: &str, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = [
        ("bootstrap.servers", bootstrap),
        ("retry.backoff.ms", "10"),
        ("retry.backoff.max.ms", "100"),
        ("reconnect.backoff.ms", "5"),
        ("reconnect.backoff.max.ms", "50"),
        ("request.timeout.ms", "10000"),
    ];
    own.iter().chain(more).map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

fn accounts(topic: &str) -> Vec<TopicPartition> {
    (0..PARTITIONS).map(|p| TopicPartition::new(topic, p)).collect()
}

/// An admin client for the broker at an address.
pub fn admin(bootstrap: &str) -> Admin {
    Admin::new(ClientConfig::parse(&settings(bootstrap, &[])).unwrap())
}

/// A producer with a transactional id that has not taken it over yet.
pub fn producer(bootstrap: &str, id: &str, timeout_ms: &str) -> Producer {
    let own = [("transactional.id", id), ("transaction.timeout.ms", timeout_ms), ("linger.ms", "2")];
    Producer::new(ProducerConfig::parse(&settings(bootstrap, &own)).unwrap()).unwrap()
}

impl Bank {
    /// `name`: of its topic and, with their numbers, of its tellers.
    pub async fn open(bootstrap: &str, name: &str, tellers: usize, seed: u64) -> Bank {
        let topic = NewTopic { name: name.into(), partitions: Some(PARTITIONS), ..NewTopic::default() };
        for (_, created) in admin(bootstrap).create_topics(&[topic], false).await.unwrap() {
            created.unwrap();
        }
        let (told, stop): (Arc<Mutex<Told>>, Arc<AtomicBool>) = Default::default();
        let mut all = JoinSet::new();
        for number in 0..tellers {
            let teller = Teller {
                number,
                bank: name.to_string(),
                bootstrap: bootstrap.to_string(),
                rng: Rng::new(seed.wrapping_mul(1000) + number as u64),
                transfers: 0,
                told: told.clone(),
                stop: stop.clone(),
            };
            all.spawn(teller.work());
        }
        let (mut auditor, ends) = (Auditor::new(bootstrap, name), stop.clone());
        let auditor = tokio::spawn(async move {
            while !ends.load(Ordering::SeqCst) {
                auditor.look().await;
            }
            auditor
        });
        Bank { bootstrap: bootstrap.to_string(), name: name.to_string(), told, stop, tellers: all, auditor }
    }

    /// Transfers that were committed so far.
    pub fn committed(&self) -> usize {
        self.told.lock().committed.len()
    }

    /// Waits for at least so many more transfers.
    pub async fn await_more(&self, count: usize) {
        let (goal, began) = (self.committed() + count, Instant::now());
        while self.committed() < goal {
            assert!(began.elapsed() < PATIENCE, "only {} of {goal} transfers after {PATIENCE:?}", self.committed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the work and holds what two readers saw, one who was there all the time and one who comes now, against what tellers were told.
    pub async fn close(mut self) -> String {
        self.stop.store(true, Ordering::SeqCst);
        while let Some(done) = self.tellers.join_next().await {
            done.unwrap();
        }
        // Whoever vanished at last is replaced once more: nothing may be left open.
        let mut old = self.auditor.await.unwrap();
        let mut new = Auditor::new(&self.bootstrap, &self.name);
        old.read_to_the_end().await;
        new.read_to_the_end().await;
        let told = self.told.lock();
        old.check(&told);
        new.check(&told);
        assert_eq!(old.seen, new.seen, "both readers saw the same");
        format!(
            "{} transfers seen; {} told as committed, {} as aborted, {} producers dropped in the middle, {} fenced",
            new.seen.len(),
            told.committed.len(),
            told.aborted.len(),
            told.dropped,
            told.fenced
        )
    }
}

struct Teller {
    number: usize,
    bank: String,
    bootstrap: String,
    rng: Rng,
    transfers: u64,
    told: Arc<Mutex<Told>>,
    stop: Arc<AtomicBool>,
}

impl Teller {
    async fn work(mut self) {
        let mut producer = self.take_place().await;
        while !self.stop.load(Ordering::SeqCst) {
            match self.rng.below(20) {
                0 => {
                    self.begin(&producer).await;
                    self.told.lock().dropped += 1;
                    drop(producer);
                    producer = self.take_place().await;
                }
                1 => {
                    let next = self.replace(producer).await;
                    producer = next;
                }
                2..=5 => {
                    let transfer = self.begin(&producer).await;
                    self.abort(&producer, transfer).await;
                }
                _ => self.transfer(&producer).await,
            }
        }
        producer.close(PATIENCE).await;
    }

    /// Takes the teller's id over, from whoever had it.
    async fn take_place(&self) -> Producer {
        let producer = producer(&self.bootstrap, &format!("{}-{}", self.bank, self.number), "60000");
        producer.init_transactions().await.unwrap();
        producer
    }

    /// Begins a transfer. Amount and accounts are this teller's and this number's alone.
    async fn begin(&mut self, producer: &Producer) -> Transfer {
        producer.begin_transaction().unwrap();
        self.transfers += 1;
        let (from, to, amount) = (self.rng.below(ACCOUNTS), self.rng.below(ACCOUNTS), 1 + self.rng.below(100) as i64);
        for (account, amount) in [(from, -amount), (to, amount)] {
            let value = format!("{} {} {amount}", self.number, self.transfers);
            let (partition, key) = (Some(account as i32 % PARTITIONS), account.to_string());
            let entry = OutgoingRecord {
                topic: &self.bank,
                partition,
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                ..Default::default()
            };
            let sent = if self.rng.below(2) == 0 {
                producer.send_with(entry, Delivery::Forget).await
            } else {
                producer.send_and_wait(entry).await.map(|_| ())
            };
            // What a broker's death has spoiled the end of the transaction tells.
            if let Err(error) = sent {
                assert!(error.is_abortable() || error.code().is_some(), "{error:?}");
            }
        }
        (self.number, self.transfers)
    }

    async fn transfer(&mut self, producer: &Producer) {
        let transfer = self.begin(producer).await;
        loop {
            match producer.commit_transaction().await {
                Ok(()) => {
                    self.told.lock().committed.insert(transfer);
                    return;
                }
                Err(error) if error.is_abortable() => return self.abort(producer, transfer).await,
                Err(Error::TimedOut { .. }) => {}
                Err(error) => panic!("teller {} cannot commit: {error}", self.number),
            }
        }
    }

    async fn abort(&self, producer: &Producer, transfer: Transfer) {
        loop {
            match producer.abort_transaction().await {
                Ok(()) => break,
                Err(Error::TimedOut { .. }) => {}
                Err(error) => panic!("teller {} cannot abort: {error}", self.number),
            }
        }
        self.told.lock().aborted.insert(transfer);
    }

    /// Somebody takes the place of a teller who is in the middle of a transfer, and does not know.
    async fn replace(&mut self, old: Producer) -> Producer {
        let transfer = self.begin(&old).await;
        let new = self.take_place().await;
        let error = match old.commit_transaction().await {
            Err(error) if error.is_abortable() => old.abort_transaction().await.unwrap_err(),
            Err(error) => error,
            Ok(()) => panic!("{transfer:?} was committed by a teller who had been replaced"),
        };
        assert!(matches!(error, Error::Fenced { .. }), "{error:?}");
        let mut told = self.told.lock();
        told.fenced += 1;
        told.aborted.insert(transfer);
        new
    }
}

/// Reads committed entries.
struct Auditor {
    bootstrap: String,
    bank: String,
    consumer: Consumer,
    next: BTreeMap<i32, i64>,
    seen: BTreeMap<Transfer, Vec<i64>>,
}

impl Auditor {
    fn new(bootstrap: &str, bank: &str) -> Auditor {
        let own = [("isolation.level", "read_committed"), ("enable.auto.commit", "false"), ("fetch.max.wait.ms", "20")];
        let mut consumer = Consumer::new(ConsumerConfig::parse(&settings(bootstrap, &own)).unwrap()).unwrap();
        consumer.assign(&accounts(bank)).unwrap();
        accounts(bank).iter().for_each(|tp| consumer.seek_to_beginning(tp).unwrap());
        Auditor { bootstrap: bootstrap.to_string(), bank: bank.to_string(), consumer, next: BTreeMap::new(), seen: BTreeMap::new() }
    }

    async fn look(&mut self) {
        let polled = match self.consumer.poll(Duration::from_millis(50)).await {
            Ok(polled) => polled,
            Err(error) if error.is_retriable() => return,
            Err(error) => panic!("reading: {error}"),
        };
        for record in polled.iter() {
            let next = self.next.entry(record.partition).or_default();
            assert!(record.offset >= *next, "offset {} of partition {} was read before", record.offset, record.partition);
            *next = record.offset + 1;
            let text = std::str::from_utf8(record.value.unwrap()).unwrap();
            let mut words = text.split(' ');
            let mut word = || words.next().unwrap();
            let transfer = (word().parse().unwrap(), word().parse().unwrap());
            self.seen.entry(transfer).or_default().push(word().parse().unwrap());
        }
    }

    /// Up to what is the end now. That it comes there shows that no transaction is left open.
    async fn read_to_the_end(&mut self) {
        let wanted = accounts(&self.bank).into_iter().map(|tp| (tp, OffsetSpec::Latest)).collect();
        let ends = admin(&self.bootstrap).list_offsets(&wanted, false).await.unwrap();
        let began = Instant::now();
        for (tp, end) in ends {
            let end = end.unwrap().offset;
            while self.consumer.position(&tp).await.unwrap() < end {
                assert!(began.elapsed() < PATIENCE, "{tp} is stuck at {} of {end}", self.consumer.position(&tp).await.unwrap());
                self.look().await;
            }
        }
    }

    fn check(&mut self, told: &Told) {
        for (transfer, amounts) in &mut self.seen {
            amounts.sort_unstable();
            assert!(amounts.len() == 2 && amounts[0] + amounts[1] == 0, "of {transfer:?} there are {amounts:?}");
            assert!(!told.aborted.contains(transfer), "{transfer:?} was aborted and is there");
        }
        let missing: Vec<_> = told.committed.iter().filter(|t| !self.seen.contains_key(t)).collect();
        assert!(missing.is_empty(), "committed and not there: {missing:?}");
    }
}
