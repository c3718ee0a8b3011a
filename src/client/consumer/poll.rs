//! `poll`: rebalance events, lookups and fetches begun and taken in, records given out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::fetch::{self, Answered};
use super::group::Event;
use super::offsets::Found;
use super::records::Polled;
use super::state::Rules;
use super::{Consumer, RebalanceListener};
use crate::client::error::Error;
use crate::types::TopicPartition;

/// What tasks of the consumer report.
pub(super) enum News {
    Fetched(Answered),
    /// Positions.
    Found(Vec<Found>),
    /// Metadata was asked for. True: topics are still missing.
    Refreshed(Result<bool, Error>),
    Committed {
        result: Result<(), Error>,
        auto: bool,
    },
}

/// Which of the listener's callbacks.
#[derive(Clone, Copy)]
enum Call {
    Assigned,
    Revoked,
    Lost,
}

/// While one lives, a callback is under way. Also when it is given up half way.
struct CallingBack(Arc<AtomicBool>);

impl Drop for CallingBack {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Consumer {
    /// The next records, `max.poll.records` at most: those that have arrived, else those that arrive within `timeout`. Empty when there are
    /// none.
    ///
    /// Also the place where rebalances happen, so call it more often than `max.poll.interval.ms`: a member that does not is taken out of its
    /// group until it polls again.
    ///
    /// Errors: what time alone will not cure (not authorized, no reset policy ...). The next call tries again.
    pub async fn poll(&mut self, timeout: Duration) -> Result<Polled, Error> {
        if self.calling_back.load(Ordering::Relaxed) {
            return Err(Error::Usage("poll cannot be called in a rebalance callback".into()));
        }
        let deadline = Instant::now() + timeout;
        if let Some(group) = &self.group {
            group.polled();
        }
        loop {
            self.run_events().await?;
            self.auto_commit();
            self.take_all_news()?;
            self.assignment.notice_new_topics(&self.client.metadata(), self.rules(), Instant::now())?;
            self.start_lookups();
            self.send_fetches();
            self.start_refresh();
            if self.assignment.has_records() {
                let polled = self.assignment.drain(self.config.max_poll_records);
                // The next answer travels while the user works on this one.
                self.send_fetches();
                return Ok(polled);
            }
            if Instant::now() >= deadline {
                // Tasks get their turn also where all share one thread and nobody ever waits.
                tokio::task::yield_now().await;
                return Ok(Polled::default());
            }
            self.await_news(deadline).await?;
        }
    }

    /// Waits until something has happened or may be begun, and takes it in. Events of the group are left to `run_events`.
    pub(super) async fn await_news(&mut self, deadline: Instant) -> Result<(), Error> {
        let now = Instant::now();
        let mut until = deadline.min(self.metadata_due.max(now));
        until = self.assignment.next_retry(now).map_or(until, |t| until.min(t));
        if self.commits_by_itself() && !self.auto_committing {
            until = until.min(self.next_auto_commit);
        }
        // Overdue work that cannot be begun must not become a busy loop.
        let sleep = tokio::time::sleep_until(until.max(now + Duration::from_millis(1)).into());
        let waiting_for_event = self.event.is_none();
        let news = match &mut self.group {
            Some(group) => tokio::select! {
                news = self.news.recv() => news,
                event = group.events.recv(), if waiting_for_event => {
                    self.event = event;
                    None
                }
                () = sleep => None,
            },
            None => tokio::select! {
                news = self.news.recv() => news,
                () = sleep => None,
            },
        };
        news.map_or(Ok(()), |news| self.take_news(news))
    }

    fn take_all_news(&mut self) -> Result<(), Error> {
        let mut told = Ok(());
        while let Ok(news) = self.news.try_recv() {
            told = told.and(self.take_news(news));
        }
        told
    }

    fn take_news(&mut self, news: News) -> Result<(), Error> {
        match news {
            News::Fetched(answered) => self.take_fetched(answered),
            News::Found(found) => self.take_positions(found),
            News::Committed { result, auto } => {
                self.note_commit(&result);
                if auto {
                    self.auto_committed(&result);
                }
                Ok(())
            }
            News::Refreshed(result) => {
                self.refreshing = false;
                let age = Duration::from_millis(self.config.client.metadata_max_age_ms.max(100));
                let missing = matches!(result, Ok(true) | Err(_));
                self.metadata_due = Instant::now() + if missing { self.client.backoff(2).min(age) } else { age };
                result.map(|_| ()).or_else(|e| if e.is_retriable() { Ok(()) } else { Err(e) })
            }
        }
    }

    // ---- the group -----------------------------------------------------------------------------------------------------------

    /// Handles what the group has to say. An event stays until it is done, so that a `poll` that is dropped half way loses none.
    async fn run_events(&mut self) -> Result<(), Error> {
        loop {
            if self.event.is_none() {
                self.event = self.group.as_mut().and_then(|g| g.events.try_recv().ok());
            }
            let Some(event) = self.event.clone() else { return Ok(()) };
            let result = self.run_event(event).await;
            self.event = None;
            result?;
        }
    }

    async fn run_event(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Revoke(partitions) => {
                let limit = self.client.api_timeout().min(Duration::from_millis(self.config.max_poll_interval_ms));
                let _ = self.auto_commit_now(limit).await;
                self.call_back(Call::Revoked, &partitions).await;
                self.assignment.remove(&partitions);
                if let Some(group) = &self.group {
                    group.revoked();
                }
            }
            Event::Lost(partitions) => {
                self.assignment.remove(&partitions);
                self.call_back(Call::Lost, &partitions).await;
            }
            Event::Assigned { added, all } => {
                self.assignment.replace(&all);
                self.call_back(Call::Assigned, &added).await;
            }
            Event::Fatal(error) => return Err(error),
        }
        Ok(())
    }

    /// The last callback before a member leaves its group.
    pub(super) async fn give_up_partitions(&mut self) {
        let all = self.assignment();
        if self.group.is_some() && !all.is_empty() {
            self.call_back(Call::Revoked, &all).await;
        }
        self.assignment.remove(&all);
    }

    async fn call_back(&mut self, call: Call, partitions: &[TopicPartition]) {
        let Some(listener) = self.listener.clone() else { return };
        self.calling_back.store(true, Ordering::Relaxed);
        let calling = CallingBack(self.calling_back.clone());
        let mut listener = listener.lock().await;
        let listener: &mut dyn RebalanceListener = listener.as_mut();
        match call {
            Call::Assigned => listener.assigned(self, partitions).await,
            Call::Revoked => listener.revoked(self, partitions).await,
            Call::Lost => listener.lost(self, partitions).await,
        }
        drop(calling);
    }

    // ---- fetches and metadata ------------------------------------------------------------------------------------------------

    fn rules(&self) -> Rules {
        let max_age = Duration::from_millis(self.config.client.metadata_max_age_ms);
        Rules::new(self.config.auto_offset_reset, Instant::now(), self.client.backoff(0), max_age)
    }

    fn send_fetches(&mut self) {
        let metadata = self.client.metadata();
        let to_fetch = self.assignment.take_fetchable(&metadata, Instant::now());
        if to_fetch.unknown_leaders {
            self.metadata_due = self.metadata_due.min(Instant::now() + self.client.backoff(0));
        }
        for (node, wanted) in to_fetch.by_node {
            let ask = self.sessions.entry(node).or_default().ask(&wanted);
            let (client, config, tell) = (self.client.clone(), self.config.clone(), self.tell.clone());
            tokio::spawn(async move {
                let _ = tell.send(News::Fetched(fetch::fetch(client, config, node, ask, wanted).await));
            });
        }
    }

    fn take_fetched(&mut self, answered: Answered) -> Result<(), Error> {
        self.assignment.answered(answered.node);
        let session = self.sessions.entry(answered.node).or_default();
        match answered.session {
            Some((error, id)) => session.answered(error, id),
            None => session.lost(),
        }
        let rules = self.rules();
        let mut told = Ok(());
        for fetched in answered.partitions {
            match self.assignment.take(fetched, rules) {
                Ok(true) => self.metadata_due = Instant::now(),
                Ok(false) => {}
                Err(error) => told = told.and(Err(error)),
            }
        }
        told
    }

    /// Asks for the metadata of the assigned topics if some of it is not known or old.
    fn start_refresh(&mut self) {
        let metadata = self.client.metadata();
        let missing = |m: &crate::client::Metadata, names: &BTreeSet<String>| names.iter().any(|n| !m.topics.contains_key(n));
        let names: BTreeSet<String> = self.assignment.partitions.keys().map(|tp| tp.topic.clone()).collect();
        let never_asked = |n: &String| !metadata.topics.contains_key(n) && !metadata.refused.contains_key(n);
        let due = Instant::now() >= self.metadata_due || names.iter().any(never_asked);
        if self.refreshing || names.is_empty() || !due {
            return;
        }
        self.refreshing = true;
        let (client, tell, create) = (self.client.clone(), self.tell.clone(), self.config.allow_auto_create_topics);
        tokio::spawn(async move {
            let topics: Vec<&str> = names.iter().map(String::as_str).collect();
            let found = client.refresh_creating(&topics, create).await;
            let _ = tell.send(News::Refreshed(found.map(|m| missing(&m, &names))));
        });
    }
}
