//! The producer: records in, batches out, every record's fate told once.
//!
//! Thinking is done by `machine::producer`; here are the metadata it needs, the task that sends, and three ways to learn what became
//! of a record: await it, take a callback, or do not care.

mod record;
mod sender;

pub use record::{Delivery, OutgoingRecord, RecordMetadata};

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::cluster::Client;
use super::error::Error;
use crate::config::{PartitionerKind, ProducerConfig};
use crate::machine::producer::{
    Accumulator, AppendError, KeyPartitioner, Options, PartitionContext, Partitioner, RoundRobinPartitioner, StickyPartitioner,
};
use crate::record::{Codec, Compression, Header, record_size_upper_bound};
use crate::rng::Rng;
use crate::types::MonoMs;

/// See the module. Cheap to clone; clones share batches, connections and order.
#[derive(Clone)]
pub struct Producer {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    config: ProducerConfig,
    state: Mutex<State>,
    /// Something can be sent, or must be timed.
    work: Arc<Notify>,
    /// A batch is over: memory is free, a flush may be done.
    progress: Notify,
    started: Instant,
    sender: Mutex<Option<tokio::task::AbortHandle>>,
}

struct State {
    batches: Accumulator<Delivery>,
    partitioner: Box<dyn Partitioner>,
    rng: Rng,
    flushes: usize,
    /// Failed for good (fenced, say): every later send gets this.
    fatal: Option<Error>,
    closed: bool,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.lock().take() {
            sender.abort();
        }
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
        if config.transactional_id.is_some() {
            return Err(Error::Usage("transactional.id is set, but this producer has no transactions yet".into()));
        }
        let mut seed = [0u8; 8];
        // Only the choice of sticky partitions depends on it.
        let _ = getrandom::fill(&mut seed);
        let state = State {
            batches: Accumulator::new(options(&config)),
            partitioner,
            rng: Rng::new(u64::from_ne_bytes(seed)),
            flushes: 0,
            fatal: None,
            closed: false,
        };
        let shared = Arc::new(Shared {
            client: Client::new(config.client.clone()),
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
        let fate = self.send(record).await?;
        self.shared.work.notify_one();
        fate.await
    }

    /// Sends a record whose fate goes to `delivery`. An error here means that the record was not taken, and `delivery` was not told.
    pub async fn send_with(&self, record: OutgoingRecord<'_>, delivery: Delivery) -> Result<(), Error> {
        let mut delivery = match self.try_send(&record, delivery) {
            Ok(()) => return Ok(()),
            Err(Refused::Fatal(error)) => return Err(error),
            Err(Refused::Wait(delivery)) => delivery,
        };
        let deadline = Instant::now() + Duration::from_millis(self.shared.config.max_block_ms);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            self.await_partitions(record.topic, record.partition, left).await?;
            // Registered before the attempt, so that memory freed in between is not missed.
            let progress = self.shared.progress.notified();
            match self.try_send(&record, delivery) {
                Ok(()) => return Ok(()),
                Err(Refused::Fatal(error)) => return Err(error),
                Err(Refused::Wait(back)) => delivery = back,
            }
            self.shared.work.notify_one();
            if tokio::time::timeout(deadline.saturating_duration_since(Instant::now()), progress).await.is_err() {
                let after = Duration::from_millis(self.shared.config.max_block_ms);
                return Err(Error::TimedOut { what: "waiting for room in buffer.memory".into(), after, last: None });
            }
        }
    }

    /// Takes the record if that needs no waiting.
    pub fn try_send(&self, record: &OutgoingRecord<'_>, delivery: Delivery) -> Result<(), Refused> {
        let metadata = self.shared.client.metadata();
        let Some(topic) = metadata.topics.get(record.topic) else { return Err(Refused::Wait(delivery)) };
        let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        if count == 0 || record.partition.is_some_and(|p| p >= count) {
            return Err(Refused::Wait(delivery));
        }
        let headers: Vec<Header<'_>> = record.headers.to_vec();
        let timestamp = record.timestamp.unwrap_or_else(wall_ms);
        let now = self.shared.now();
        let mut state = self.shared.state.lock();
        let state = &mut *state;
        if let Some(error) = &state.fatal {
            return Err(Refused::Fatal(error.clone()));
        }
        if state.closed {
            return Err(Refused::Fatal(Error::Closed));
        }
        let size = record_size_upper_bound(record.key, record.value, &headers);
        let partition = record.partition.unwrap_or_else(|| {
            let context = PartitionContext { topic: record.topic, key: record.key, value: record.value, partitions: count, size };
            state.partitioner.partition(context, &mut state.rng).clamp(0, count - 1)
        });
        let idle = state.batches.is_empty();
        match state.batches.append(now, record.topic, partition, timestamp, record.key, record.value, &headers, delivery) {
            Ok(full) => {
                if full || idle || state.batches.options().linger_ms == 0 {
                    self.shared.work.notify_one();
                }
                Ok(())
            }
            Err(AppendError::Full(delivery)) => Err(Refused::Wait(delivery)),
            Err(AppendError::TooLarge { size, .. }) => {
                let limit = self.shared.config.max_request_size.min(self.shared.config.buffer_memory);
                Err(Refused::Fatal(Error::RecordTooLarge { size, limit }))
            }
        }
    }

    /// The partitions of a topic, asked for if not known. Waits for a topic that does not exist yet, at most `limit`.
    async fn await_partitions(&self, topic: &str, partition: Option<i32>, limit: Duration) -> Result<(), Error> {
        let enough = |count: usize| count > 0 && partition.is_none_or(|p| usize::try_from(p).is_ok_and(|p| p < count));
        if self.shared.client.metadata().topics.get(topic).is_some_and(|t| enough(t.partitions.len())) {
            return Ok(());
        }
        let client = &self.shared.client;
        let what = format!("finding topic {topic}");
        client
            .retrying(&what, limit, || async {
                let found = client.topic(topic, true).await?;
                let missing = Error::Broker { code: kfk_wire::ErrorCode::UnknownTopicOrPartition, message: None };
                if enough(found.partitions.len()) { Ok(()) } else { Err(missing) }
            })
            .await
    }

    /// Sends everything that lingers and waits until the fate of every record sent so far is known.
    pub async fn flush(&self) {
        self.shared.change_flushes(1);
        loop {
            let progress = self.shared.progress.notified();
            if self.shared.state.lock().batches.is_empty() {
                break;
            }
            self.shared.work.notify_one();
            progress.await;
        }
        self.shared.change_flushes(-1);
    }

    /// Flushes and refuses everything after. What is not sent within `limit` fails with `Error::Closed`.
    pub async fn close(&self, limit: Duration) {
        self.shared.state.lock().closed = true;
        if tokio::time::timeout(limit, self.flush()).await.is_err() {
            let given_up = self.shared.state.lock().batches.abandon(kfk_wire::ErrorCode::RequestTimedOut);
            for outcome in given_up {
                sender::tell(outcome, &|_| Error::Closed);
            }
        }
        if let Some(sender) = self.shared.sender.lock().take() {
            sender.abort();
        }
    }
}

/// Why a record was not taken at once.
pub enum Refused {
    /// Metadata or memory is missing: waiting may help.
    Wait(Delivery),
    Fatal(Error),
}

impl Shared {
    fn now(&self) -> MonoMs {
        MonoMs(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn change_flushes(&self, by: isize) {
        let mut state = self.state.lock();
        state.flushes = state.flushes.saturating_add_signed(by);
        let on = state.flushes > 0;
        state.batches.set_flushing(on);
    }
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
