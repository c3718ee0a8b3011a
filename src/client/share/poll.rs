//! `poll`, and whatever else sends requests and takes answers in.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::{Duration, Instant};

use kfk_wire::ErrorCode;

use super::ShareConsumer;
use super::group::Event;
use super::held::{AllSaid, Said};
use super::records::{ShareChunk, SharePolled};
use super::requests::{Answered, Part};
use super::session::CLOSING;
use crate::client::error::Error;
use crate::machine::member::SharePart;

/// What tasks of the consumer report.
pub(super) enum News {
    Answered(Answered),
    /// Metadata was asked for.
    Refreshed(Result<(), Error>),
}

impl ShareConsumer {
    /// The next records: those that have arrived, else those that arrive within `timeout`; empty when there are none. About
    /// `max.poll.records` of them, so that batches stay whole; with `share.acquire.mode=record_limit` no more than that.
    ///
    /// Call it more often than `max.poll.interval.ms`: a member that does not is taken out of its group until it polls again.
    ///
    /// Errors: with explicit acknowledgement, records of the last `poll` that nothing was said of; what time alone will not cure (not
    /// authorized ...). The next call tries again.
    pub async fn poll(&mut self, timeout: Duration) -> Result<SharePolled, Error> {
        let deadline = Instant::now() + timeout;
        self.accept_if_implicit();
        let left = self.held.unacknowledged();
        if left > 0 {
            return Err(Error::Usage(format!("{left} records of the last poll have to be acknowledged before the next")));
        }
        if let Some(group) = &self.group {
            group.polled();
        }
        loop {
            self.run_events()?;
            self.take_all_news()?;
            self.start_refresh();
            if self.held.has_records() {
                self.send_said();
                return Ok(self.held.give(self.most()));
            }
            self.send_renewals();
            self.send_fetches();
            self.send_said();
            if Instant::now() >= deadline {
                // Tasks get their turn also where all share one thread and nobody ever waits.
                tokio::task::yield_now().await;
                return Ok(SharePolled::default());
            }
            self.await_news(deadline).await?;
        }
    }

    /// A batch is given out whole, unless it is to be cut.
    fn most(&self) -> usize {
        if self.config.share_record_limit { self.config.max_poll_records } else { usize::MAX }
    }

    fn run_events(&mut self) -> Result<(), Error> {
        while let Some(event) = self.group.as_mut().and_then(|g| g.events.try_recv().ok()) {
            self.take_event(event)?;
        }
        Ok(())
    }

    fn take_event(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Assigned(parts) => self.assigned = parts.into_iter().collect(),
            Event::Fatal(error) => return Err(error),
        }
        Ok(())
    }

    /// Waits until something has happened or may be begun, and takes it in.
    async fn await_news(&mut self, deadline: Instant) -> Result<(), Error> {
        let now = Instant::now();
        let retries = self.sessions.values().filter(|s| !s.is_busy()).filter_map(|s| s.not_before).filter(|at| *at > now);
        let until = retries.fold(deadline.min(self.metadata_due.max(now)), Instant::min);
        // Overdue work that cannot be begun must not become a busy loop.
        let sleep = tokio::time::sleep_until(until.max(now + Duration::from_millis(1)).into());
        match &mut self.group {
            Some(group) => tokio::select! {
                Some(news) = self.news.recv() => self.take_news(news),
                Some(event) = group.events.recv() => self.take_event(event),
                () = sleep => Ok(()),
            },
            None => tokio::select! {
                Some(news) = self.news.recv() => self.take_news(news),
                () = sleep => Ok(()),
            },
        }
    }

    fn take_all_news(&mut self) -> Result<(), Error> {
        let mut told = Ok(());
        while let Ok(news) = self.news.try_recv() {
            told = told.and(self.take_news(news));
        }
        told
    }

    // ---- requests ------------------------------------------------------------------------------------------------------------

    /// Where to fetch what, as of the metadata.
    fn wanted(&mut self) -> BTreeMap<i32, BTreeSet<SharePart>> {
        let metadata = self.client.metadata();
        let mut by_node: BTreeMap<i32, BTreeSet<SharePart>> = BTreeMap::new();
        for part in &self.assigned {
            // A topic of this name that is another one has other partitions.
            let same = metadata.topics.get(&part.1.topic).is_some_and(|t| t.id == part.0);
            match metadata.leader(&part.1.topic, part.1.partition).filter(|_| same) {
                Some(node) => _ = by_node.entry(node).or_default().insert(part.clone()),
                None => self.metadata_due = self.metadata_due.min(Instant::now() + self.client.backoff(0)),
            }
        }
        by_node
    }

    /// Asks all brokers that have partitions of ours and nothing else to do for us; what there is to say goes with it.
    fn send_fetches(&mut self) {
        let now = Instant::now();
        for (node, wanted) in self.wanted() {
            let session = self.sessions.entry(node).or_default();
            if !session.is_free(now) {
                continue;
            }
            let said = if session.is_open() { self.held.take_unsent(node, false) } else { AllSaid::new() };
            session.acknowledging = !said.is_empty();
            let ask = session.ask(wanted.clone());
            self.spawn(self.asker.clone().fetch(node, ask, wanted, said));
        }
    }

    fn send_renewals(&mut self) {
        for node in self.held.listeners() {
            if self.held.renews(node) {
                self.send_to(node, true);
            }
        }
    }

    /// Sends what has been said, as far as brokers can be asked now.
    pub(super) fn send_said(&mut self) {
        for node in self.held.listeners() {
            self.send_to(node, self.held.renews(node));
        }
    }

    fn send_to(&mut self, node: i32, renewals: bool) {
        let session = self.sessions.entry(node).or_default();
        if !session.is_free(Instant::now()) {
            return;
        }
        if !session.is_open() {
            // The next fetch opens one; without a partition there none will.
            let none = !self.wanted().contains_key(&node);
            if none && self.assigned_leaders_known() {
                let said = self.held.take_unsent(node, renewals);
                let gone = Error::Broker { code: ErrorCode::ShareSessionNotFound, message: None };
                said.into_iter().for_each(|(part, said)| self.judge(node, &part, &said, Err(gone.clone())));
            }
            return;
        }
        let said = self.held.take_unsent(node, renewals);
        let epoch = session.acknowledge();
        self.spawn(self.asker.clone().acknowledge(node, epoch, said, renewals));
    }

    fn assigned_leaders_known(&self) -> bool {
        let metadata = self.client.metadata();
        self.assigned.iter().all(|(_, tp)| metadata.leader(&tp.topic, tp.partition).is_some())
    }

    fn spawn(&self, asking: impl Future<Output = Answered> + Send + 'static) {
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let _ = tell.send(News::Answered(asking.await));
        });
    }

    /// Something was said that no answer came to.
    pub(super) fn has_unanswered(&self) -> bool {
        !self.held.listeners().is_empty() || self.sessions.values().any(|s| s.acknowledging)
    }

    /// Sends what has been said, until all of it is answered.
    pub(super) async fn await_said(&mut self, deadline: Instant) {
        loop {
            // Errors of fetches are for `poll`, which will have them again.
            let _ = self.take_all_news();
            self.send_said();
            self.reopen();
            if !self.has_unanswered() || Instant::now() >= deadline {
                return;
            }
            let _ = self.await_news(deadline).await;
        }
    }

    /// Has sessions opened where there is something to say and none is.
    fn reopen(&mut self) {
        let closed = |node: &i32| self.sessions.get(node).is_none_or(|s| !s.is_open());
        if self.held.listeners().iter().any(closed) {
            self.send_fetches();
        }
    }

    /// Says what is left to say with requests that close the sessions, so that what is held goes back.
    pub(super) async fn close_sessions(&mut self, deadline: Instant) {
        self.assigned.clear();
        loop {
            let _ = self.take_all_news();
            self.send_renewals();
            let open: Vec<i32> = self.sessions.iter().filter(|(_, s)| s.is_open() && !s.is_busy()).map(|(node, _)| *node).collect();
            for node in open {
                let said = self.held.take_unsent(node, false);
                if let Some(session) = self.sessions.get_mut(&node) {
                    _ = session.acknowledge();
                }
                self.spawn(self.asker.clone().acknowledge(node, CLOSING, said, false));
            }
            if !self.sessions.values().any(|s| s.is_busy()) || Instant::now() >= deadline {
                // Where no session is open any more, nothing can be said.
                return self.send_said();
            }
            let _ = self.await_news(deadline).await;
        }
    }

    // ---- answers -------------------------------------------------------------------------------------------------------------

    fn take_news(&mut self, news: News) -> Result<(), Error> {
        match news {
            News::Answered(answered) => self.take_answer(answered),
            News::Refreshed(result) => {
                self.refreshing = false;
                let age = Duration::from_millis(self.config.client.metadata_max_age_ms.max(100));
                self.metadata_due = Instant::now() + if result.is_err() { self.client.backoff(2).min(age) } else { age };
                result.or_else(|e| if e.is_retriable() { Ok(()) } else { Err(e) })
            }
        }
    }

    fn take_answer(&mut self, answered: Answered) -> Result<(), Error> {
        let Answered { node, closes, outcome, mut said } = answered;
        let session = self.sessions.entry(node).or_default();
        let parts = match outcome {
            Ok(parts) => {
                if closes {
                    session.lost()
                } else {
                    session.answered()
                }
                parts
            }
            Err(error) => {
                session.lost();
                session.not_before = Some(Instant::now() + self.client.backoff(0));
                return self.take_failure(node, &error, said);
            }
        };
        let mut told = Ok(());
        for Part { part, acknowledged, taken } in parts {
            if let (Some(result), Some(said)) = (acknowledged, said.remove(&part)) {
                self.judge(node, &part, &said, result);
            }
            told = told.and(match taken {
                Ok(taken) => {
                    self.held.say(node, &part, &taken.said);
                    for (delivery_count, records) in taken.chunks {
                        self.held.buffer(ShareChunk { topic_id: part.0, node, delivery_count, records });
                    }
                    taken.error.map_or(Ok(()), Err)
                }
                Err(error) => self.not_fetched(node, error),
            });
        }
        // The broker passed over what it was told without a word: that is consent.
        said.into_iter().for_each(|(part, said)| self.judge(node, &part, &said, Ok(())));
        told
    }

    /// No answer, or an error in place of one: the session is over.
    fn take_failure(&mut self, node: i32, error: &Error, said: AllSaid) -> Result<(), Error> {
        use ErrorCode::{InvalidShareSessionEpoch, ShareSessionLimitReached, ShareSessionNotFound};
        let passes = matches!(error.code(), Some(ShareSessionNotFound | InvalidShareSessionEpoch | ShareSessionLimitReached));
        if error.code().is_none() {
            // Its connection is gone, and with that what it held for us.
            self.held.drop_buffered(node);
            self.metadata_due = Instant::now();
        }
        said.into_iter().for_each(|(part, said)| self.judge(node, &part, &said, Err(error.clone())));
        if passes || error.is_retriable() { Ok(()) } else { Err(error.clone()) }
    }

    /// A partition that cannot be fetched from now.
    fn not_fetched(&mut self, node: i32, error: Error) -> Result<(), Error> {
        let pause = Instant::now() + self.client.backoff(0);
        self.sessions.entry(node).or_default().not_before = Some(pause);
        let moved = matches!(error.code(), Some(ErrorCode::UnknownTopicId | ErrorCode::InvalidRecordState));
        // Retriable by its table, but the bytes on the broker's disk do not change.
        let corrupt = error.code() == Some(ErrorCode::CorruptMessage);
        if !corrupt && (moved || error.is_retriable()) {
            self.metadata_due = Instant::now();
            return Ok(());
        }
        Err(error)
    }

    /// What became of what was said. A broker that could not keep it now is told again; not one that is not the leader any more.
    fn judge(&mut self, node: i32, part: &SharePart, said: &[Said], result: Result<(), Error>) {
        use ErrorCode::{FencedLeaderEpoch, NotLeaderOrFollower, UnknownTopicOrPartition};
        if let Err(Error::Broker { code, .. }) = &result {
            let gone = matches!(code, NotLeaderOrFollower | FencedLeaderEpoch | UnknownTopicOrPartition);
            if code.is_retriable() && !gone && self.sessions.get(&node).is_some_and(|s| s.is_open()) {
                self.sessions.entry(node).or_default().not_before = Some(Instant::now() + self.client.backoff(0));
                return self.held.say(node, part, said);
            }
        }
        if result.is_err() {
            self.held.forget(part, said);
        }
        let offsets = said.iter().map(|s| s.last.abs_diff(s.first).saturating_add(1)).fold(0, u64::saturating_add);
        if let Some(listener) = &mut self.listener {
            listener(&part.1, offsets, result.as_ref().copied());
        }
        let known = self.committed.entry(part.1.clone()).or_insert(Ok(()));
        if known.is_ok() {
            *known = result;
        }
    }

    /// Asks for the metadata of the assigned topics if some of it is not known or old.
    fn start_refresh(&mut self) {
        let metadata = self.client.metadata();
        let names: BTreeSet<String> = self.assigned.iter().map(|(_, tp)| tp.topic.clone()).collect();
        let never_asked = |n: &String| !metadata.topics.contains_key(n) && !metadata.refused.contains_key(n);
        let due = Instant::now() >= self.metadata_due || names.iter().any(never_asked);
        if self.refreshing || names.is_empty() || !due {
            return;
        }
        self.refreshing = true;
        let (client, tell) = (self.client.clone(), self.tell.clone());
        tokio::spawn(async move {
            let topics: Vec<&str> = names.iter().map(String::as_str).collect();
            let found = client.refresh(&topics).await;
            let _ = tell.send(News::Refreshed(found.map(|_| ())));
        });
    }
}
