//! The producer: records in, batches out, every record's fate told once.
//!
//! Thinking is done by `machine::producer`; here are the metadata it needs, the task that sends, and the ways to learn what became of a
//! record: await it, take a callback, hear of failures only, or do not care.
//!
//! ```no_run
//! use kfk::client::{Delivery, OutgoingRecord, Producer, ProducerConfig};
//!
//! # async fn example() -> Result<(), kfk::client::Error> {
//! let settings = [("bootstrap.servers", "localhost:9092"), ("compression.type", "zstd")];
//! let settings = settings.map(|(k, v)| (k.to_string(), v.to_string())).into();
//! let producer = Producer::new(ProducerConfig::parse(&settings)?)?;
//!
//! let hello = OutgoingRecord { topic: "greetings", key: Some(b"en"), value: Some(b"hello"), ..Default::default() };
//! // Waits until all replicas that count have it (acks=all).
//! let stored = producer.send_and_wait(hello).await?;
//! println!("{}-{} at offset {}", stored.topic, stored.partition, stored.offset);
//!
//! // Many at once: the batches fill while earlier ones travel.
//! for n in 0..1000 {
//!     let value = n.to_string();
//!     let record = OutgoingRecord { topic: "numbers", value: Some(value.as_bytes()), ..Default::default() };
//!     let told = move |fate: Result<_, _>| if let Err(error) = fate { eprintln!("number {n} is lost: {error}") };
//!     producer.send_with(record, Delivery::Callback(Box::new(told))).await?;
//! }
//! producer.close(std::time::Duration::from_secs(30)).await;
//! # Ok(())
//! # }
//! ```

mod record;
mod request;
mod routes;
mod sender;
mod telling;
mod transactions;

pub use crate::machine::producer::GroupMetadata;
pub use record::{Delivery, OutgoingRecord, RecordMetadata};

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use self::routes::Routes;
use self::sender::{Jobs, tell_all};
use self::telling::Tellings;
use super::cluster::Client;
use super::error::Error;
use super::metadata::TopicMetadata;
use crate::config::{PartitionerKind, ProducerConfig};
use crate::machine::producer::{
    Accumulator, AppendError, Appended, KeyPartitioner, NewRecord, Options, PartitionContext, Partitioner, RoundRobinPartitioner,
    StickyPartitioner, Transactions,
};
use crate::record::{Codec, Compression};
use crate::rng::Rng;
use crate::types::MonoMs;

/// Sends records. Cheap to clone; clones share batches, connections and order: records that one task sends to a partition one after the
/// other are stored in that order.
///
/// `close` before the last clone is dropped: what has not been sent by then fails with [`Error::Closed`].
#[derive(Clone)]
pub struct Producer {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    config: ProducerConfig,
    state: Mutex<State>,
    jobs: Mutex<Jobs>,
    /// Something can be sent, or must be timed.
    work: Arc<Notify>,
    /// A batch is over: memory is free, a flush may be done.
    progress: Notify,
    started: Instant,
    sender: Mutex<Option<tokio::task::AbortHandle>>,
}

struct State {
    batches: Accumulator<Delivery>,
    routes: Routes,
    partitioner: Box<dyn Partitioner>,
    rng: Rng,
    flushes: usize,
    /// The machine is done with these records, but not all that wait for them have been told.
    tellings: Tellings,
    /// Failed for good (not allowed to produce at all, say): every later send gets this.
    fatal: Option<Error>,
    /// With a `transactional.id`.
    transactions: Option<Transactions>,
    closed: bool,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.lock().take() {
            sender.abort();
        }
        let lost = self.state.lock().batches.abandon(kfk_wire::ErrorCode::RequestTimedOut);
        tell_all(lost, &Error::Closed);
    }
}

impl Producer {
    /// Starts a producer; must be called within a tokio runtime. Connects with the first record.
    pub fn new(config: ProducerConfig) -> Result<Producer, Error> {
        let partitioner: Box<dyn Partitioner> = match config.partitioner {
            PartitionerKind::Default => Box::new(KeyPartitioner::new(config.batch_size)),
            PartitionerKind::IgnoreKeys => Box::new(StickyPartitioner::new(config.batch_size)),
            PartitionerKind::RoundRobin => Box::new(RoundRobinPartitioner::default()),
        };
        Producer::with_partitioner(config, partitioner)
    }

    /// As `new`, with a partitioner of the caller's own.
    pub fn with_partitioner(config: ProducerConfig, partitioner: Box<dyn Partitioner>) -> Result<Producer, Error> {
        let mut seed = [0u8; 8];
        // Only the choice of sticky partitions depends on it.
        let _ = getrandom::fill(&mut seed);
        let state = State {
            batches: Accumulator::new(options(&config)),
            routes: Routes::default(),
            partitioner,
            rng: Rng::new(u64::from_ne_bytes(seed)),
            flushes: 0,
            tellings: Tellings::default(),
            fatal: None,
            transactions: config.transactional_id.as_ref().map(|_| {
                let c = &config.client;
                Transactions::new(c.retry_backoff_ms, c.retry_backoff_max_ms)
            }),
            closed: false,
        };
        let shared = Arc::new(Shared {
            client: Client::new(config.client.clone()),
            jobs: Mutex::new(Jobs::new(&config)),
            config,
            state: Mutex::new(state),
            work: Arc::new(Notify::new()),
            progress: Notify::new(),
            started: Instant::now(),
            sender: Mutex::new(None),
        });
        let task = tokio::spawn(sender::run(Arc::downgrade(&shared)));
        *shared.sender.lock() = Some(task.abort_handle());
        Ok(Producer { shared })
    }

    /// The connections this producer uses.
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Sends a record and gives a future of its fate. Returns as soon as the record is in a batch; waits while the topic's metadata is
    /// not known or `buffer.memory` is used up, `max.block.ms` at most.
    pub async fn send(&self, record: OutgoingRecord<'_>) -> Result<impl Future<Output = Result<RecordMetadata, Error>> + use<>, Error> {
        let (tell, told) = oneshot::channel();
        self.send_with(record, Delivery::Future(tell)).await?;
        Ok(async move { told.await.unwrap_or(Err(Error::Closed)) })
    }

    /// Sends a record and waits until its fate is known.
    pub async fn send_and_wait(&self, record: OutgoingRecord<'_>) -> Result<RecordMetadata, Error> {
        self.send(record).await?.await
    }

    /// Sends a record whose fate goes to `delivery`. An error here means that the record was not taken, and `delivery` was not told.
    pub async fn send_with(&self, record: OutgoingRecord<'_>, delivery: Delivery) -> Result<(), Error> {
        match self.append(&record, delivery) {
            Ok(Appended::Filled) => {
                // A loop of sends must not keep the sending task from its work where both share a thread.
                tokio::task::yield_now().await;
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(Refused::Fatal(error)) => Err(error),
            Err(Refused::Wait(delivery)) => self.send_waiting(record, delivery).await,
        }
    }

    async fn send_waiting(&self, record: OutgoingRecord<'_>, mut delivery: Delivery) -> Result<(), Error> {
        let limit = Duration::from_millis(self.shared.config.max_block_ms);
        let deadline = Instant::now() + limit;
        loop {
            self.await_partitions(record.topic, record.partition, deadline).await?;
            // Registered before the attempt, so that memory freed in between is not missed.
            let progress = self.shared.progress.notified();
            match self.append(&record, delivery) {
                Ok(_) => return Ok(()),
                Err(Refused::Fatal(error)) => return Err(error),
                Err(Refused::Wait(back)) => delivery = back,
            }
            self.shared.work.notify_one();
            if tokio::time::timeout(deadline.saturating_duration_since(Instant::now()), progress).await.is_err() {
                let last = self.shared.jobs.lock().trouble().map(Box::new);
                return Err(Error::TimedOut { what: "waiting for room in buffer.memory".into(), after: limit, last });
            }
        }
    }

    /// Takes the record if that needs no waiting.
    pub fn try_send(&self, record: &OutgoingRecord<'_>, delivery: Delivery) -> Result<(), Refused> {
        self.append(record, delivery).map(|_| ())
    }

    fn append(&self, record: &OutgoingRecord<'_>, delivery: Delivery) -> Result<Appended, Refused> {
        let new = NewRecord::new(record.timestamp.unwrap_or_else(wall_ms), record.key, record.value, record.headers);
        let mut guard = self.shared.state.lock();
        let state = &mut *guard;
        if let Some(error) = &state.fatal {
            return Err(Refused::Fatal(error.clone()));
        }
        if state.closed {
            return Err(Refused::Fatal(Error::Closed));
        }
        let route = state.routes.find(&self.shared.client, &mut state.batches, record.topic);
        if route.partitions == 0 || record.partition.is_some_and(|p| p >= route.partitions) {
            return Err(Refused::Wait(delivery));
        }
        let partition = match record.partition {
            Some(given) if given < 0 => return Err(Refused::Fatal(negative_partition(given))),
            Some(given) => given,
            None => {
                let context = PartitionContext {
                    topic: record.topic,
                    topic_number: route.index.number(),
                    key: record.key,
                    value: record.value,
                    partitions: route.partitions,
                    available: &route.available,
                    size: new.size(),
                };
                state.partitioner.partition(context, &mut state.rng).clamp(0, route.partitions - 1)
            }
        };
        if let Some(transactions) = &mut state.transactions
            && let Err(refusal) = transactions.admit(record.topic, partition)
        {
            return Err(Refused::Fatal(refusal.into()));
        }
        let result = state.batches.append(|| self.shared.now(), route.index, partition, &new, delivery);
        drop(guard);
        match result {
            Ok(Appended::Joined) => Ok(Appended::Joined),
            Ok(appended) => {
                self.shared.work.notify_one();
                Ok(appended)
            }
            Err(AppendError::Full(delivery)) => Err(Refused::Wait(delivery)),
            Err(AppendError::TooLarge { size, .. }) => {
                let limit = self.shared.config.max_request_size.min(self.shared.config.buffer_memory);
                Err(Refused::Fatal(Error::RecordTooLarge { size, limit }))
            }
        }
    }

    /// The partitions of a topic, asked for if it is not known. Lets the broker create the topic if it is set up to.
    pub async fn partitions(&self, topic: &str) -> Result<Arc<TopicMetadata>, Error> {
        self.await_partitions(topic, None, Instant::now() + Duration::from_millis(self.shared.config.max_block_ms)).await?;
        let found = self.shared.client.metadata().topics.get(topic).cloned();
        found.ok_or(Error::Broker { code: kfk_wire::ErrorCode::UnknownTopicOrPartition, message: None })
    }

    /// Asks for the partitions of a topic if they are not known. Waits for a topic that does not exist yet until `deadline`.
    async fn await_partitions(&self, topic: &str, partition: Option<i32>, deadline: Instant) -> Result<(), Error> {
        let enough = |count: usize| count > 0 && partition.is_none_or(|p| usize::try_from(p).is_ok_and(|p| p < count));
        if self.shared.client.metadata().topics.get(topic).is_some_and(|t| enough(t.partitions.len())) {
            return Ok(());
        }
        let client = &self.shared.client;
        let what = format!("finding topic {topic}");
        let left = deadline.saturating_duration_since(Instant::now());
        client
            .retrying(&what, left, || async {
                let found = client.topic(topic, true).await?;
                let missing = Error::Broker { code: kfk_wire::ErrorCode::UnknownTopicOrPartition, message: None };
                if enough(found.partitions.len()) { Ok(()) } else { Err(missing) }
            })
            .await
    }

    /// Sends everything that lingers and waits until the fate of every record sent so far is known, and has been told: no callback of
    /// theirs runs any more. Records that are sent while it waits do not hold it up. Not to be awaited in a callback.
    pub async fn flush(&self) {
        let flushing = Flushing::start(&self.shared);
        let mark = self.shared.state.lock().batches.mark();
        let mut tellings = None;
        loop {
            let progress = self.shared.progress.notified();
            {
                let state = self.shared.state.lock();
                if state.batches.is_over(mark) {
                    // What is told of later was sent later.
                    let last = *tellings.get_or_insert_with(|| state.tellings.mark());
                    if state.tellings.is_over(last) {
                        break;
                    }
                }
            }
            self.shared.work.notify_one();
            progress.await;
        }
        drop(flushing);
    }

    /// Flushes and refuses everything after; a transaction that is open is aborted. What is not sent within `limit` fails with
    /// [`Error::Closed`].
    pub async fn close(&self, limit: Duration) {
        self.shared.state.lock().closed = true;
        let work = async {
            self.abort_unfinished().await;
            self.flush().await;
        };
        if tokio::time::timeout(limit, work).await.is_err() {
            let given_up = self.shared.state.lock().batches.abandon(kfk_wire::ErrorCode::RequestTimedOut);
            tell_all(given_up, &Error::Closed);
            self.shared.progress.notify_waiters();
        }
        if let Some(sender) = self.shared.sender.lock().take() {
            sender.abort();
        }
    }
}

/// Why a record was not taken at once.
pub enum Refused {
    /// Metadata or memory is missing: waiting may help. The delivery comes back.
    Wait(Delivery),
    /// It never will be; the delivery was not told.
    Fatal(Error),
}

/// While one lives, nothing lingers. Also when a flush is given up half way.
struct Flushing<'a>(&'a Shared);

impl<'a> Flushing<'a> {
    fn start(shared: &'a Shared) -> Self {
        change_flushes(shared, 1);
        Flushing(shared)
    }
}

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        change_flushes(self.0, -1);
    }
}

fn change_flushes(shared: &Shared, by: isize) {
    let mut state = shared.state.lock();
    state.flushes = state.flushes.saturating_add_signed(by);
    let on = state.flushes > 0;
    state.batches.set_flushing(on);
}

impl Shared {
    fn now(&self) -> MonoMs {
        MonoMs(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

fn negative_partition(partition: i32) -> Error {
    Error::Usage(format!("Invalid partition: {partition}. Partition number should always be non-negative or null."))
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn options(config: &ProducerConfig) -> Options {
    let codec = Codec::from_name(&config.compression_type).unwrap_or(Codec::None);
    let level = match codec {
        Codec::Gzip => Some(config.compression_gzip_level),
        Codec::Lz4 => Some(config.compression_lz4_level),
        Codec::Zstd => Some(config.compression_zstd_level),
        Codec::None | Codec::Snappy => None,
    };
    Options {
        linger_ms: config.linger_ms,
        batch_size: config.batch_size,
        buffer_memory: config.buffer_memory,
        max_in_flight_per_node: config.max_in_flight,
        max_request_size: config.max_request_size,
        delivery_timeout_ms: config.delivery_timeout_ms,
        retries: config.client.retries,
        retry_backoff_ms: config.client.retry_backoff_ms,
        retry_backoff_max_ms: config.client.retry_backoff_max_ms,
        compression: Compression { codec, level },
        idempotent: config.enable_idempotence,
        transactional: config.transactional_id.is_some(),
    }
}
