//! The consumer: subscribe or assign, poll, commit.
//!
//! One `Consumer` belongs to one task. Membership of the group lives in a task of its own (`group.rs`), so heartbeats go out while
//! the user works; rebalance callbacks and all positions are handled inside `poll`, as in the Java client. Fetches, lookups and commits run
//! beside it and report to it, so any of its futures may be dropped half way: nothing is lost, the next call goes on.
//!
//! Settings have the names, defaults and meanings of the Java client's. What is particular here:
//!
//! - A broker that has no room for a fetch session is told everything with every fetch; nothing else is different then.
//! - Commits are made in the order of the calls, synchronous or not; only `commit_sync` tries again.
//! - A log that was cut behind what was read (an unclean election) is noticed by the fetch itself, from Kafka 2.7 on: reading goes back to
//!   where the logs parted or, without a reset policy, fails. Older brokers tell only of offsets out of range.
//! - A topic that was deleted and created anew under its name is read by the reset policy; the Java client goes on at the old offset.
//!
//! ```no_run
//! use std::time::Duration;
//! use kfk::client::{Consumer, ConsumerConfig};
//!
//! # async fn example() -> Result<(), kfk::client::Error> {
//! let settings = [("bootstrap.servers", "localhost:9092"), ("group.id", "readers"), ("enable.auto.commit", "false")];
//! let settings = settings.map(|(k, v)| (k.to_string(), v.to_string())).into();
//! let mut consumer = Consumer::new(ConsumerConfig::parse(&settings)?)?;
//! consumer.subscribe(&["greetings"])?;
//! loop {
//!     let polled = consumer.poll(Duration::from_secs(1)).await?;
//!     for record in polled.iter() {
//!         println!("{}-{} at {}: {:?}", record.topic, record.partition, record.offset, record.value);
//!     }
//!     if !polled.is_empty() {
//!         // What was worked on is not read again.
//!         consumer.commit_sync(None).await?;
//!     }
//! }
//! # }
//! ```

mod commits;
pub(in crate::client) mod fetch;
mod group;
pub(in crate::client) mod heartbeats;
mod listener;
mod offsets;
mod poll;
mod records;
mod session;
mod state;

pub use listener::{Callback, RebalanceListener};
pub use records::{ConsumerRecord, Polled, RecordChunk};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use regex::Regex;
use tokio::sync::mpsc;

use self::commits::Commits;
use self::group::{Event, Group};
use self::poll::News;
use self::session::Session;
use self::state::{Assignment, Position};
use super::admin::{Admin, OffsetSpec};
use super::cluster::Client;
use super::error::Error;
use crate::config::{ConfigError, ConsumerConfig, OffsetReset};
use crate::machine::assign::Assignor;
use crate::machine::member::{AnyMember, ConsumerMember, GroupMember, MemberOptions};
use crate::types::{MonoMs, TopicPartition};

/// Shared with a callback that is under way.
type Listener = Arc<tokio::sync::Mutex<Box<dyn RebalanceListener>>>;

/// Reads records, alone or as a member of a group.
///
/// Ends well with [`close`](Consumer::close). One that is dropped is thrown out of its group when its session is over.
pub struct Consumer {
    client: Client,
    config: Arc<ConsumerConfig>,
    assignment: Assignment,
    /// By broker.
    sessions: BTreeMap<i32, Session>,
    group: Option<Group>,
    /// The event of the group that is being handled.
    event: Option<Event>,
    listener: Option<Listener>,
    calling_back: Arc<AtomicBool>,
    news: mpsc::UnboundedReceiver<News>,
    tell: mpsc::UnboundedSender<News>,
    commits: Commits,
    next_auto_commit: Instant,
    auto_committing: bool,
    metadata_due: Instant,
    refreshing: bool,
}

impl Consumer {
    /// A consumer of the cluster behind `config.client.bootstrap_servers`. Must be called within a tokio runtime.
    ///
    /// Errors: an assignor that is not known.
    pub fn new(config: ConsumerConfig) -> Result<Consumer, Error> {
        assignors(&config)?;
        let (tell, news) = mpsc::unbounded_channel();
        let client = Client::new(config.client.clone());
        Ok(Consumer {
            commits: Commits::new(client.clone()),
            client,
            next_auto_commit: Instant::now() + Duration::from_millis(config.auto_commit_interval_ms),
            metadata_due: Instant::now() + Duration::from_millis(config.client.metadata_max_age_ms),
            config: Arc::new(config),
            assignment: Assignment::default(),
            sessions: BTreeMap::new(),
            group: None,
            event: None,
            listener: None,
            calling_back: Arc::default(),
            news,
            tell,
            auto_committing: false,
            refreshing: false,
        })
    }

    /// The connections this consumer uses.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Who is told of rebalances.
    pub fn set_listener(&mut self, listener: impl RebalanceListener + 'static) {
        self.listener = Some(Arc::new(tokio::sync::Mutex::new(Box::new(listener))));
    }

    /// Joins the group of `group.id` for these topics.
    ///
    /// Errors: no `group.id`; partitions are assigned by hand.
    pub fn subscribe(&mut self, topics: &[&str]) -> Result<(), Error> {
        let topics: BTreeSet<String> = topics.iter().map(|t| t.to_string()).collect();
        self.membership()?.subscribe(topics);
        Ok(())
    }

    /// Joins the group of `group.id` for every topic whose whole name matches, also those that come later.
    ///
    /// Errors: as of `subscribe`; not a regular expression.
    pub fn subscribe_pattern(&mut self, pattern: &str) -> Result<(), Error> {
        let whole = Regex::new(&format!("^(?:{pattern})$")).map_err(|e| Error::Usage(e.to_string()))?;
        let internal = !self.config.exclude_internal_topics;
        self.membership()?.subscribe_pattern(whole, internal);
        Ok(())
    }

    /// Joins the group of `group.id` for every topic whose whole name matches `regex`, in the syntax of RE2; the coordinator decides which
    /// these are. Only with `group.protocol=consumer`.
    ///
    /// Errors: as of `subscribe`; the protocol is the classic one. That the coordinator does not take the expression comes with `poll`.
    pub fn subscribe_regex(&mut self, regex: &str) -> Result<(), Error> {
        if self.config.group_protocol != heartbeats::CONSUMER {
            return Err(Error::Usage("the coordinator resolves regular expressions only with group.protocol=consumer".into()));
        }
        self.membership()?.subscribe_regex(regex);
        Ok(())
    }

    /// Commits (with auto commit on), tells the listener that everything is revoked, leaves the group and forgets all partitions, also those
    /// assigned by hand. Then `subscribe` and `assign` are free again.
    pub async fn unsubscribe(&mut self) -> Result<(), Error> {
        let limit = self.client.api_timeout();
        let committed = self.auto_commit_now(limit).await;
        self.give_up_partitions().await;
        if let Some(group) = self.group.take() {
            group.leave(limit).await;
        }
        self.event = None;
        self.assignment.replace(&[]);
        committed
    }

    /// Reads these partitions, without a group. Positions of partitions that stay are kept.
    ///
    /// Errors: topics are subscribed to.
    pub fn assign(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        if self.group.is_some() {
            return Err(Error::Usage("subscribed to topics already: assigning partitions excludes that".into()));
        }
        self.assignment.replace(partitions);
        Ok(())
    }

    fn membership(&mut self) -> Result<&Group, Error> {
        if self.group.is_none() {
            if !self.assignment.partitions.is_empty() {
                return Err(Error::Usage("partitions are assigned already: subscribing to topics excludes that".into()));
            }
            let c = &self.config;
            let group = c.group_id.clone().ok_or_else(|| Error::Usage("group.id is needed to subscribe".into()))?;
            let member = member(c, &group)?;
            let limit = Duration::from_millis(c.max_poll_interval_ms);
            self.group = Some(Group::start(self.client.clone(), &group, member, limit, c.allow_auto_create_topics));
        }
        self.group.as_ref().ok_or(Error::Closed)
    }

    /// What is assigned now.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.assignment.partitions.keys().cloned().collect()
    }

    /// Reads on at `offset`. What had been fetched of the old position is dropped.
    ///
    /// Errors: the partition is not assigned.
    pub fn seek(&mut self, tp: &TopicPartition, offset: i64) -> Result<(), Error> {
        self.seek_to(tp, Position::At(offset))
    }

    /// Reads on at the first record there is. Looked up with the next `poll` or `position`.
    pub fn seek_to_beginning(&mut self, tp: &TopicPartition) -> Result<(), Error> {
        self.seek_to(tp, Position::Reset(OffsetReset::Earliest))
    }

    /// Reads on at the end: what comes from now on. Looked up with the next `poll` or `position`.
    pub fn seek_to_end(&mut self, tp: &TopicPartition) -> Result<(), Error> {
        self.seek_to(tp, Position::Reset(OffsetReset::Latest))
    }

    fn seek_to(&mut self, tp: &TopicPartition, position: Position) -> Result<(), Error> {
        if self.assignment.seek(tp, position) { Ok(()) } else { Err(unassigned(tp)) }
    }

    /// The offset of the next record that `poll` will give of this partition. Waits until it is known, `default.api.timeout.ms` at most.
    pub async fn position(&mut self, tp: &TopicPartition) -> Result<i64, Error> {
        let deadline = Instant::now() + self.client.api_timeout();
        loop {
            match self.assignment.partitions.get(tp).map(|s| s.position) {
                None => return Err(unassigned(tp)),
                Some(Position::At(offset)) => return Ok(offset),
                Some(_) if Instant::now() >= deadline => {
                    let what = format!("finding the position of {tp}");
                    return Err(Error::TimedOut { what, after: self.client.api_timeout(), last: None });
                }
                Some(_) => {}
            }
            self.start_lookups();
            self.await_news(deadline).await?;
        }
    }

    /// The end of the partition for this reader as of the last answer; `None` before the first.
    pub fn known_end(&self, tp: &TopicPartition) -> Option<i64> {
        let state = self.assignment.partitions.get(tp)?;
        if self.config.read_committed { state.last_stable_offset } else { state.high_watermark }
    }

    /// What the last answer told of the partition; `None` before the first.
    pub fn known_marks(&self, tp: &TopicPartition) -> Option<PartitionMarks> {
        let state = self.assignment.partitions.get(tp)?;
        Some(PartitionMarks { log_start: state.log_start?, last_stable: state.last_stable_offset?, high_watermark: state.high_watermark? })
    }

    /// Gives no records of these partitions until `resume`. What has been fetched of them is kept.
    pub fn pause(&mut self, partitions: &[TopicPartition]) {
        self.set_paused(partitions, true);
    }

    /// Takes `pause` back.
    pub fn resume(&mut self, partitions: &[TopicPartition]) {
        self.set_paused(partitions, false);
    }

    /// Partitions that are assigned and paused.
    pub fn paused(&self) -> Vec<TopicPartition> {
        self.assignment.partitions.iter().filter(|(_, s)| s.paused).map(|(tp, _)| tp.clone()).collect()
    }

    fn set_paused(&mut self, partitions: &[TopicPartition], paused: bool) {
        for tp in partitions {
            if let Some(state) = self.assignment.partitions.get_mut(tp) {
                state.paused = paused;
            }
        }
    }

    /// For each partition the first offset at or after a time (ms since 1970); `None` when there is none.
    pub async fn offsets_for_times(&self, times: &BTreeMap<TopicPartition, i64>) -> Result<BTreeMap<TopicPartition, Option<i64>>, Error> {
        let specs = times.iter().map(|(tp, ms)| (tp.clone(), OffsetSpec::Timestamp(*ms))).collect();
        let found = self.listed(specs).await?;
        Ok(found.into_iter().map(|(tp, offset)| (tp, Some(offset).filter(|o| *o >= 0))).collect())
    }

    /// The first offset of each partition.
    pub async fn beginning_offsets(&self, partitions: &[TopicPartition]) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        self.listed(partitions.iter().map(|tp| (tp.clone(), OffsetSpec::Earliest)).collect()).await
    }

    /// The end of each partition as this consumer sees it, by `isolation.level`.
    pub async fn end_offsets(&self, partitions: &[TopicPartition]) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        self.listed(partitions.iter().map(|tp| (tp.clone(), OffsetSpec::Latest)).collect()).await
    }

    async fn listed(&self, specs: BTreeMap<TopicPartition, OffsetSpec>) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let found = Admin::on(self.client.clone()).list_offsets(&specs, self.config.read_committed).await?;
        found.into_iter().map(|(tp, r)| r.map(|o| (tp, o.offset))).collect()
    }

    /// Commits (with auto commit on), waits for commits under way, tells the listener that everything is revoked, leaves the group and stops.
    /// `limit` is for each of these.
    pub async fn close(mut self, limit: Duration) -> Result<(), Error> {
        let result = self.auto_commit_now(limit).await;
        if self.config.group_id.is_some() && !self.commits_by_itself() {
            // An empty commit is over when those before it are.
            let _ = tokio::time::timeout(limit, self.commit_sync(Some(BTreeMap::new()))).await;
        }
        let _ = tokio::time::timeout(limit, self.give_up_partitions()).await;
        if let Some(group) = self.group.take() {
            group.leave(limit).await;
        }
        result
    }
}

/// The offsets that bound what can be read of a partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionMarks {
    /// Of the first record there is.
    pub log_start: i64,
    /// The end of what readers of committed records see.
    pub last_stable: i64,
    /// The end of what all replicas have.
    pub high_watermark: i64,
}

fn unassigned(tp: &TopicPartition) -> Error {
    Error::Usage(format!("partition {tp} is not assigned to this consumer"))
}

fn member(c: &ConsumerConfig, group: &str) -> Result<Box<dyn FnOnce(MonoMs) -> AnyMember>, Error> {
    if c.group_protocol == heartbeats::CONSUMER {
        let options = heartbeats::options(c, group);
        return Ok(Box::new(|now| AnyMember::Consumer(Box::new(ConsumerMember::new(options, now)))));
    }
    let options = MemberOptions {
        group: group.to_string(),
        instance_id: c.group_instance_id.clone(),
        session_timeout_ms: i32::try_from(c.session_timeout_ms).unwrap_or(i32::MAX),
        max_poll_interval_ms: i32::try_from(c.max_poll_interval_ms).unwrap_or(i32::MAX),
        heartbeat_interval_ms: c.heartbeat_interval_ms,
        retry_backoff_ms: c.client.retry_backoff_ms,
        rack: Some(c.client_rack.clone()).filter(|r| !r.is_empty()),
        assignors: assignors(c)?,
    };
    Ok(Box::new(|now| AnyMember::Classic(Box::new(GroupMember::new(options, now)))))
}

fn assignors(config: &ConsumerConfig) -> Result<Vec<Assignor>, Error> {
    let known = |name: &String| {
        Assignor::from_class_name(name).or_else(|| Assignor::from_name(name)).ok_or_else(|| {
            Error::Config(ConfigError::new(format!(
                "Invalid value {name} for configuration partition.assignment.strategy: known are range, roundrobin, sticky and cooperative-sticky, and Kafka's class names of these"
            )))
        })
    };
    let all: Vec<Assignor> = config.partition_assignment_strategy.iter().map(known).collect::<Result<_, _>>()?;
    if all.is_empty() { Err(Error::Config(ConfigError::new("partition.assignment.strategy is empty"))) } else { Ok(all) }
}
