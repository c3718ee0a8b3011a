//! The consumer: subscribe or assign, poll, commit.
//!
//! One `Consumer` belongs to one task. Membership of the group lives in a task of its own (`group.rs`), so heartbeats go out while
//! the user works; rebalance callbacks and all positions are handled inside `poll`, as in the Java client.

mod fetch;
mod group;
mod offsets;
mod records;
mod state;

pub use records::{ConsumerRecord, Polled, RecordChunk};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use regex::Regex;
use tokio::sync::mpsc;

use self::fetch::Fetched;
use self::group::{Event, Group};
use self::state::{Assignment, Position};
use super::admin::{Admin, OffsetSpec};
use super::cluster::Client;
use super::error::Error;
use crate::config::{ConfigError, ConsumerConfig, OffsetReset};
use crate::machine::assign::Assignor;
use crate::machine::member::{GroupMember, MemberOptions};
use crate::types::TopicPartition;

/// Hears of partitions coming and going, inside `poll`.
pub trait RebalanceListener: Send {
    /// These come, with the positions still to be looked up.
    fn assigned(&mut self, _partitions: &[TopicPartition]) {}
    /// These go; positions were committed before if auto commit is on.
    fn revoked(&mut self, _partitions: &[TopicPartition]) {}
    /// These went without warning; others may already own them.
    fn lost(&mut self, partitions: &[TopicPartition]) {
        self.revoked(partitions);
    }
}

/// See the module.
pub struct Consumer {
    client: Client,
    config: Arc<ConsumerConfig>,
    assignment: Assignment,
    group: Option<Group>,
    listener: Option<Box<dyn RebalanceListener>>,
    fetched: mpsc::UnboundedReceiver<Vec<Fetched>>,
    tell_fetched: mpsc::UnboundedSender<Vec<Fetched>>,
    next_auto_commit: Instant,
    metadata_due: Option<Instant>,
}

impl Consumer {
    /// A consumer of the cluster behind `config.client.bootstrap_servers`. Must be called within a tokio runtime.
    pub fn new(config: ConsumerConfig) -> Result<Consumer, Error> {
        assignors(&config)?;
        let (tell_fetched, fetched) = mpsc::unbounded_channel();
        Ok(Consumer {
            client: Client::new(config.client.clone()),
            next_auto_commit: Instant::now() + Duration::from_millis(config.auto_commit_interval_ms),
            config: Arc::new(config),
            assignment: Assignment::default(),
            group: None,
            listener: None,
            fetched,
            tell_fetched,
            metadata_due: None,
        })
    }

    /// The connections this consumer uses.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Who is told of rebalances.
    pub fn set_listener(&mut self, listener: Box<dyn RebalanceListener>) {
        self.listener = Some(listener);
    }

    /// Joins the group of `group.id` for these topics.
    pub fn subscribe(&mut self, topics: &[&str]) -> Result<(), Error> {
        let topics: BTreeSet<String> = topics.iter().map(|t| t.to_string()).collect();
        self.membership()?.subscribe(topics);
        Ok(())
    }

    /// Joins the group of `group.id` for every topic whose whole name matches, also those that come later.
    pub fn subscribe_pattern(&mut self, pattern: &str) -> Result<(), Error> {
        let whole = Regex::new(&format!("^(?:{pattern})$")).map_err(|e| Error::Usage(e.to_string()))?;
        let internal = !self.config.exclude_internal_topics;
        self.membership()?.subscribe_pattern(whole, internal);
        Ok(())
    }

    /// Reads these partitions, without a group. Positions of partitions that stay are kept.
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
            let options = MemberOptions {
                group: group.clone(),
                instance_id: c.group_instance_id.clone(),
                session_timeout_ms: i32::try_from(c.session_timeout_ms).unwrap_or(i32::MAX),
                max_poll_interval_ms: i32::try_from(c.max_poll_interval_ms).unwrap_or(i32::MAX),
                heartbeat_interval_ms: c.heartbeat_interval_ms,
                retry_backoff_ms: c.client.retry_backoff_ms,
                rack: Some(c.client_rack.clone()).filter(|r| !r.is_empty()),
                assignors: assignors(c)?,
            };
            let limit = Duration::from_millis(c.max_poll_interval_ms);
            self.group = Some(Group::start(self.client.clone(), &group, |now| GroupMember::new(options, now), limit));
        }
        self.group.as_ref().ok_or(Error::Closed)
    }

    /// What is assigned now.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.assignment.partitions.keys().cloned().collect()
    }

    /// The next records: those that have arrived, else those that arrive within `timeout`. Empty when there are none.
    ///
    /// Also the place where rebalances happen, so call it more often than `max.poll.interval.ms`.
    pub async fn poll(&mut self, timeout: Duration) -> Result<Polled, Error> {
        let deadline = Instant::now() + timeout;
        if let Some(group) = &self.group {
            group.polled();
        }
        loop {
            self.run_events().await?;
            self.auto_commit();
            self.limited(deadline, Step::Positions).await?;
            self.limited(deadline, Step::Metadata).await?;
            self.send_fetches();
            while let Ok(answers) = self.fetched.try_recv() {
                self.take(answers)?;
            }
            if self.assignment.has_records() {
                let polled = self.assignment.drain(self.config.max_poll_records);
                // The next answer travels while the user works on this one.
                self.send_fetches();
                return Ok(polled);
            }
            if Instant::now() >= deadline {
                return Ok(Polled::default());
            }
            self.wait(deadline).await?;
        }
    }

    /// Lookups must not hold `poll` longer than its timeout; what is not done is done next time.
    async fn limited(&mut self, deadline: Instant, step: Step) -> Result<(), Error> {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let work = async {
            match step {
                Step::Positions => self.find_positions().await,
                Step::Metadata => self.find_leaders().await,
            }
        };
        match tokio::time::timeout(left, work).await {
            Ok(Err(error)) if error.is_retriable() => {
                tokio::time::sleep(self.client.backoff(0).min(deadline.saturating_duration_since(Instant::now()))).await;
                Ok(())
            }
            Ok(result) => result,
            Err(_) => Ok(()),
        }
    }

    async fn wait(&mut self, deadline: Instant) -> Result<(), Error> {
        let mut until = deadline;
        until = self.assignment.next_retry().map_or(until, |t| until.min(t));
        until = self.metadata_due.map_or(until, |t| until.min(t));
        if self.config.enable_auto_commit {
            until = until.min(self.next_auto_commit);
        }
        let sleep = tokio::time::sleep_until(until.max(Instant::now() + Duration::from_millis(1)).into());
        let event = match &mut self.group {
            Some(group) => tokio::select! {
                answers = self.fetched.recv() => return answers.map_or(Ok(()), |a| self.take(a)),
                event = group.events.recv() => event,
                _ = sleep => None,
            },
            None => tokio::select! {
                answers = self.fetched.recv() => return answers.map_or(Ok(()), |a| self.take(a)),
                _ = sleep => None,
            },
        };
        match event {
            Some(event) => self.run_event(event).await,
            None => Ok(()),
        }
    }

    async fn run_events(&mut self) -> Result<(), Error> {
        while let Some(event) = self.group.as_mut().and_then(|g| g.events.try_recv().ok()) {
            self.run_event(event).await?;
        }
        Ok(())
    }

    async fn run_event(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Revoke(partitions) => {
                if self.config.enable_auto_commit {
                    // A failed commit here means records are seen twice, which a consumer must expect anyway.
                    let _ = tokio::time::timeout(Duration::from_secs(5), self.commit_sync(None)).await;
                }
                if let Some(listener) = &mut self.listener {
                    listener.revoked(&partitions);
                }
                self.assignment.remove(&partitions);
                if let Some(group) = &self.group {
                    group.revoked();
                }
            }
            Event::Lost(partitions) => {
                self.assignment.remove(&partitions);
                if let Some(listener) = &mut self.listener {
                    listener.lost(&partitions);
                }
            }
            Event::Assigned { added, all } => {
                self.assignment.replace(&all);
                if let Some(listener) = &mut self.listener {
                    listener.assigned(&added);
                }
            }
            Event::Fatal(error) => return Err(error),
        }
        Ok(())
    }

    fn auto_commit(&mut self) {
        if !self.config.enable_auto_commit || Instant::now() < self.next_auto_commit {
            return;
        }
        self.next_auto_commit = Instant::now() + Duration::from_millis(self.config.auto_commit_interval_ms);
        // Refused commits are repeated with the next interval.
        let _ = self.commit_async(None, |_| {});
    }

    async fn find_leaders(&mut self) -> Result<(), Error> {
        let metadata = self.client.metadata();
        let unknown = self.assignment.partitions.keys().any(|tp| !metadata.topics.contains_key(&tp.topic));
        let due = self.metadata_due.is_some_and(|t| Instant::now() >= t);
        if !unknown && !due {
            return Ok(());
        }
        let names: BTreeSet<&str> = self.assignment.partitions.keys().map(|tp| tp.topic.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let found = self.client.refresh(&names).await?;
        let missing = names.iter().any(|n| !found.topics.contains_key(*n));
        self.metadata_due = missing.then(|| Instant::now() + self.client.backoff(2));
        Ok(())
    }

    fn send_fetches(&mut self) {
        let metadata = self.client.metadata();
        let (by_leader, unknown) = self.assignment.wanted(&metadata, Instant::now());
        if unknown && self.metadata_due.is_none() {
            self.metadata_due = Some(Instant::now() + self.client.backoff(0));
        }
        for (node, wanted) in by_leader {
            let (client, config, tell) = (self.client.clone(), self.config.clone(), self.tell_fetched.clone());
            tokio::spawn(async move {
                let _ = tell.send(fetch::fetch(client, config, node, wanted).await);
            });
        }
    }

    fn take(&mut self, answers: Vec<Fetched>) -> Result<(), Error> {
        let retry_at = Instant::now() + self.client.backoff(0);
        let mut first_error = Ok(());
        for fetched in answers {
            match self.assignment.take(fetched, self.config.auto_offset_reset, retry_at) {
                Ok(true) => self.metadata_due = Some(Instant::now()),
                Ok(false) => {}
                Err(error) => first_error = first_error.and(Err(error)),
            }
        }
        first_error
    }

    /// Reads on at `offset`.
    pub fn seek(&mut self, tp: &TopicPartition, offset: i64) -> Result<(), Error> {
        self.seek_to(tp, Position::At(offset))
    }

    pub fn seek_to_beginning(&mut self, tp: &TopicPartition) -> Result<(), Error> {
        self.seek_to(tp, Position::Reset(OffsetReset::Earliest))
    }

    pub fn seek_to_end(&mut self, tp: &TopicPartition) -> Result<(), Error> {
        self.seek_to(tp, Position::Reset(OffsetReset::Latest))
    }

    fn seek_to(&mut self, tp: &TopicPartition, position: Position) -> Result<(), Error> {
        self.state(tp)?.seek(position);
        Ok(())
    }

    fn state(&mut self, tp: &TopicPartition) -> Result<&mut state::PartitionState, Error> {
        let unassigned = || Error::Usage(format!("partition {tp} is not assigned to this consumer"));
        self.assignment.partitions.get_mut(tp).ok_or_else(unassigned)
    }

    /// The offset of the next record that `poll` will give of this partition.
    pub async fn position(&mut self, tp: &TopicPartition) -> Result<i64, Error> {
        self.state(tp)?;
        self.find_positions().await?;
        match self.state(tp)?.position {
            Position::At(offset) => Ok(offset),
            _ => Err(Error::Usage(format!("the position of {tp} is not known yet"))),
        }
    }

    /// The end of the partition for this reader as of the last answer; `None` before the first.
    pub fn known_end(&self, tp: &TopicPartition) -> Option<i64> {
        let state = self.assignment.partitions.get(tp)?;
        if self.config.read_committed { state.last_stable_offset } else { state.high_watermark }
    }

    /// Gives no records of these partitions until `resume`.
    pub fn pause(&mut self, partitions: &[TopicPartition]) {
        self.set_paused(partitions, true);
    }

    pub fn resume(&mut self, partitions: &[TopicPartition]) {
        self.set_paused(partitions, false);
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
        let found = Admin::on(self.client.clone()).list_offsets(&specs, self.config.read_committed).await?;
        found.into_iter().map(|(tp, r)| r.map(|o| (tp, Some(o.offset).filter(|o| *o >= 0)))).collect()
    }

    /// Commits (with auto commit on), leaves the group and stops.
    pub async fn close(mut self, limit: Duration) -> Result<(), Error> {
        let mut result = Ok(());
        if self.config.enable_auto_commit && !self.assignment.partitions.is_empty() {
            result = tokio::time::timeout(limit, self.commit_sync(None)).await.unwrap_or(Ok(()));
        }
        if let Some(group) = self.group.take() {
            group.leave(limit).await;
        }
        result
    }
}

#[derive(Clone, Copy)]
enum Step {
    Positions,
    Metadata,
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
