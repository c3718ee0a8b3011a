//! The share consumer (KIP-932): records of topics go to many consumers of one group, each to one of them, whatever its partition.
//!
//! A record that a consumer has is locked for it (`share.record.lock.duration.ms` of the group, 30 s by default) until it acknowledges it:
//! accepts it, releases it for somebody else, or rejects it for good. When the lock runs out, or the consumer goes away, another one gets it,
//! so what is not accepted is delivered again, five times at most by default.
//!
//! With `share.acknowledgement.mode=implicit`, the default, the next `poll` or commit accepts what the last `poll` gave. With `explicit`
//! each record is acknowledged by itself before the next `poll`. What is said travels with the next `poll`, or at once with `commit_sync`
//! and `commit_async`; what became of it hears [`ShareConsumer::on_acknowledged`].
//!
//! Settings have the names, defaults and meanings of the Java client's; where a group begins is a setting of the group
//! (`share.auto.offset.reset`). What is particular here:
//!
//! - A renewed record is not given again: it stays with the caller, to be acknowledged or renewed whenever that is, and `poll` goes on
//!   meanwhile.
//! - What could not be said because a broker was not to be asked at that moment is said again; what was said of records that the broker
//!   holds for us no more, is told as its error.
//!
//! ```no_run
//! use std::time::Duration;
//! use kfk::client::{Acknowledge, ConsumerConfig, ShareConsumer};
//!
//! # async fn example() -> Result<(), kfk::client::Error> {
//! let settings = [("bootstrap.servers", "localhost:9092"), ("group.id", "workers"), ("share.acknowledgement.mode", "explicit")];
//! let settings = settings.map(|(k, v)| (k.to_string(), v.to_string())).into();
//! let mut consumer = ShareConsumer::new(ConsumerConfig::parse_share(&settings)?)?;
//! consumer.subscribe(&["jobs"])?;
//! loop {
//!     let polled = consumer.poll(Duration::from_secs(1)).await?;
//!     for job in polled.iter() {
//!         let done = job.value.is_some_and(|job| job.starts_with(b"easy"));
//!         // The third time it is hopeless.
//!         let failed = if job.delivery_count < 3 { Acknowledge::Release } else { Acknowledge::Reject };
//!         consumer.acknowledge(&job, if done { Acknowledge::Accept } else { failed })?;
//!     }
//! }
//! # }
//! ```

mod group;
mod held;
mod poll;
mod read;
mod records;
mod requests;
mod session;

pub use records::{Acknowledge, SharePolled, ShareRecord};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use self::group::Group;
use self::held::Held;
use self::poll::News;
use self::requests::Asker;
use self::session::Session;
use super::cluster::Client;
use super::consumer::heartbeats::fresh_member_id;
use super::error::Error;
use crate::config::ConsumerConfig;
use crate::machine::member::{ShareOptions, SharePart};
use crate::types::TopicPartition;

/// What became of acknowledgements: of which partition, of how many offsets, and the error if they came to nothing.
type Listener = Box<dyn FnMut(&TopicPartition, u64, Result<(), &Error>) + Send>;

/// Partitions with what became of their acknowledgements.
pub type Committed = BTreeMap<TopicPartition, Result<(), Error>>;

/// Takes records as a member of a share group.
///
/// Ends well with [`close`](ShareConsumer::close). Of one that is dropped the brokers take back what it holds when they see its connections
/// close, and its group throws it out when its session is over.
pub struct ShareConsumer {
    client: Client,
    config: Arc<ConsumerConfig>,
    asker: Asker,
    group: Option<Group>,
    assigned: BTreeSet<SharePart>,
    held: Held,
    /// By broker.
    sessions: BTreeMap<i32, Session>,
    news: mpsc::UnboundedReceiver<News>,
    tell: mpsc::UnboundedSender<News>,
    listener: Option<Listener>,
    /// Since the last commit began.
    committed: Committed,
    metadata_due: Instant,
    refreshing: bool,
}

impl ShareConsumer {
    /// A consumer of the cluster behind `config.client.bootstrap_servers`, in the share group `group.id`. Must be called within a tokio
    /// runtime.
    ///
    /// Errors: no `group.id`.
    pub fn new(config: ConsumerConfig) -> Result<ShareConsumer, Error> {
        let group = config.group_id.clone().ok_or_else(|| Error::Usage("group.id is needed for a share group".into()))?;
        let (tell, news) = mpsc::unbounded_channel();
        let client = Client::new(config.client.clone());
        let config = Arc::new(config);
        let asker = Asker { client: client.clone(), config: config.clone(), group, member_id: fresh_member_id() };
        Ok(ShareConsumer {
            metadata_due: Instant::now() + Duration::from_millis(config.client.metadata_max_age_ms),
            client,
            config,
            asker,
            group: None,
            assigned: BTreeSet::new(),
            held: Held::default(),
            sessions: BTreeMap::new(),
            news,
            tell,
            listener: None,
            committed: Committed::new(),
            refreshing: false,
        })
    }

    /// The connections this consumer uses.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its id in the group, as administrators see it.
    pub fn member_id(&self) -> &str {
        &self.asker.member_id
    }

    /// Called, within `poll`, commits and `close`, with what became of acknowledgements: the partition, how many offsets, and the error if
    /// they came to nothing. Then the records go to somebody, perhaps once more to this consumer.
    pub fn on_acknowledged(&mut self, listener: impl FnMut(&TopicPartition, u64, Result<(), &Error>) + Send + 'static) {
        self.listener = Some(Box::new(listener));
    }

    /// Joins the group for these topics, and for no others. Topics that do not exist may come.
    ///
    /// Errors: none of them; `unsubscribe` leaves the group.
    pub fn subscribe(&mut self, topics: &[&str]) -> Result<(), Error> {
        if topics.is_empty() {
            return Err(Error::Usage("there is no topic to subscribe to".into()));
        }
        let options = ShareOptions {
            group: self.asker.group.clone(),
            member_id: self.asker.member_id.clone(),
            rack: Some(self.config.client_rack.clone()).filter(|r| !r.is_empty()),
            max_poll_interval_ms: self.config.max_poll_interval_ms,
            retry_backoff_ms: self.config.client.retry_backoff_ms,
        };
        let group = self.group.get_or_insert_with(|| Group::start(self.client.clone(), options));
        group.subscribe(topics.iter().map(|t| t.to_string()).collect());
        Ok(())
    }

    /// The topics it subscribes to.
    pub fn subscription(&self) -> BTreeSet<String> {
        self.group.as_ref().map(Group::subscription).unwrap_or_default()
    }

    /// Says something of a record that `poll` gave. It travels with the next `poll` or commit; until then it may be said otherwise.
    ///
    /// Errors: acknowledgement is implicit; the record has been acknowledged before.
    pub fn acknowledge(&mut self, record: &ShareRecord<'_>, what: Acknowledge) -> Result<(), Error> {
        self.acknowledge_at(&TopicPartition::new(record.topic, record.partition), record.offset, what)
    }

    /// As `acknowledge`, of the record at an offset.
    pub fn acknowledge_at(&mut self, tp: &TopicPartition, offset: i64, what: Acknowledge) -> Result<(), Error> {
        if !self.config.share_explicit {
            return Err(Error::Usage("records are acknowledged one by one only with share.acknowledgement.mode=explicit".into()));
        }
        match self.held.acknowledge(tp, offset, what) {
            true => Ok(()),
            false => Err(Error::Usage(format!("the record of {tp} at offset {offset} is not there to be acknowledged"))),
        }
    }

    /// Sends what has been said (with implicit acknowledgement: accepts what `poll` gave) and waits for what becomes of it,
    /// `default.api.timeout.ms` at most. A partition is there with the first error of its own.
    ///
    /// Errors: not everything was answered in time.
    pub async fn commit_sync(&mut self) -> Result<Committed, Error> {
        let limit = self.client.api_timeout();
        let deadline = Instant::now() + limit;
        self.accept_if_implicit();
        self.committed.clear();
        self.await_said(deadline).await;
        if self.has_unanswered() {
            return Err(Error::TimedOut { what: "acknowledging records".into(), after: limit, last: None });
        }
        Ok(std::mem::take(&mut self.committed))
    }

    /// Sends what has been said (with implicit acknowledgement: accepts what `poll` gave), as far as the brokers are not busy with a fetch;
    /// the rest follows with the next call.
    pub fn commit_async(&mut self) {
        self.accept_if_implicit();
        self.send_said();
    }

    /// Sends what has been said, gives back what is held besides, leaves the group and forgets everything. `subscribe` begins anew.
    pub async fn unsubscribe(&mut self) -> Result<(), Error> {
        self.end(self.client.api_timeout()).await
    }

    /// Sends what has been said, gives back what is held besides, and leaves the group. `limit` is for all of it.
    ///
    /// Errors: not everything that was said arrived; then others get those records.
    pub async fn close(mut self, limit: Duration) -> Result<(), Error> {
        self.end(limit).await
    }

    async fn end(&mut self, limit: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + limit;
        self.committed.clear();
        self.close_sessions(deadline).await;
        let unsaid = !self.held.listeners().is_empty();
        if let Some(group) = self.group.take() {
            group.leave(deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(100))).await;
        }
        self.assigned.clear();
        self.sessions.clear();
        self.held.clear();
        if unsaid {
            return Err(Error::TimedOut { what: "acknowledging records".into(), after: limit, last: None });
        }
        std::mem::take(&mut self.committed).into_values().collect()
    }

    fn accept_if_implicit(&mut self) {
        if !self.config.share_explicit {
            self.held.accept_all();
        }
    }
}
