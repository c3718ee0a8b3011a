//! Committed offsets, and where to begin without one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use super::commits::{Commit, Committer};
use super::state::Position;
use super::{Consumer, News};
use crate::client::admin::{Admin, GroupOffset, OffsetSpec};
use crate::client::cluster::Client;
use crate::client::error::Error;
use crate::config::OffsetReset;
use crate::machine::producer::GroupMetadata;
use crate::types::TopicPartition;

/// What a lookup found for the position with this serial number, with its leader epoch.
pub(super) type Found = (TopicPartition, u64, Result<(Position, i32), Error>);

/// What is to be committed; `None`: the position of every assigned partition.
type Offsets = Option<BTreeMap<TopicPartition, GroupOffset>>;

impl Consumer {
    /// Commits the position of every assigned partition, or `offsets`, and waits. Commits that were begun before are over then, too.
    ///
    /// The positions are those behind the last records that `poll` gave. Tries again for `default.api.timeout.ms`.
    pub async fn commit_sync(&mut self, offsets: Offsets) -> Result<(), Error> {
        let (tell, told) = oneshot::channel();
        self.queue_commit(offsets, true, Box::new(|result| drop(tell.send(result))))?;
        let result = told.await.unwrap_or(Err(Error::Closed));
        self.note_commit(&result);
        result
    }

    /// Commits in the background; `then` hears how it went. Commits are made in the order of the calls. One that fails is not tried again:
    /// the next one says more.
    pub fn commit_async(&mut self, offsets: Offsets, then: impl FnOnce(Result<(), Error>) + Send + 'static) -> Result<(), Error> {
        let tell = self.tell.clone();
        let done = move |result: Result<(), Error>| {
            let _ = tell.send(News::Committed { result: result.clone(), auto: false });
            then(result);
        };
        self.queue_commit(offsets, false, Box::new(done))
    }

    fn queue_commit(&mut self, offsets: Offsets, insist: bool, done: Box<dyn FnOnce(Result<(), Error>) + Send>) -> Result<(), Error> {
        let offsets = offsets.unwrap_or_else(|| self.positions_to_commit());
        let who = self.committer()?;
        self.commits.push(Commit { who, offsets, insist, done });
        Ok(())
    }

    /// The committed offsets of `partitions`; those without one are left out.
    pub async fn committed(&self, partitions: &[TopicPartition]) -> Result<BTreeMap<TopicPartition, GroupOffset>, Error> {
        let group = self.config.group_id.as_deref().ok_or_else(no_group)?;
        let found = Admin::on(self.client.clone()).stable_group_offsets(group, partitions).await?;
        found.into_iter().map(|(tp, offset)| offset.map(|o| (tp, o))).collect()
    }

    /// Who this consumer is in its group, for [`Producer::send_offsets_to_transaction`](crate::client::Producer). Changes with each
    /// rebalance: ask for it with the records that a transaction is made from.
    pub fn group_metadata(&self) -> Result<GroupMetadata, Error> {
        let Committer { group, member_id, generation, instance_id } = self.committer()?;
        Ok(GroupMetadata { group, generation, member_id, instance_id })
    }

    /// The positions of all assigned partitions, as `commit_sync` would commit them.
    pub fn positions(&self) -> BTreeMap<TopicPartition, GroupOffset> {
        self.positions_to_commit()
    }

    fn committer(&self) -> Result<Committer, Error> {
        let group = self.config.group_id.clone().ok_or_else(no_group)?;
        let (member_id, generation, instance_id) = match &self.group {
            Some(membership) => membership.identity(),
            None => (String::new(), -1, None),
        };
        Ok(Committer { group, member_id, generation, instance_id })
    }

    fn positions_to_commit(&self) -> BTreeMap<TopicPartition, GroupOffset> {
        let offset = |(offset, leader_epoch)| GroupOffset { offset, leader_epoch, metadata: String::new() };
        self.assignment.positions().into_iter().map(|(tp, at)| (tp, offset(at))).collect()
    }

    pub(super) fn note_commit(&self, result: &Result<(), Error>) {
        if let (Err(error), Some(group)) = (result, &self.group)
            && let Some(code) = error.code()
        {
            group.commit_refused(code);
        }
    }

    // ---- auto commit ---------------------------------------------------------------------------------------------------------

    pub(super) fn commits_by_itself(&self) -> bool {
        self.config.enable_auto_commit && self.config.group_id.is_some()
    }

    /// Begins a commit if its time has come and the last one is over.
    pub(super) fn auto_commit(&mut self) {
        if !self.commits_by_itself() || self.auto_committing || Instant::now() < self.next_auto_commit {
            return;
        }
        self.next_auto_commit = Instant::now() + Duration::from_millis(self.config.auto_commit_interval_ms);
        let tell = self.tell.clone();
        let done = move |result| drop(tell.send(News::Committed { result, auto: true }));
        self.auto_committing = self.queue_commit(None, false, Box::new(done)).is_ok();
    }

    /// An auto commit is over; one that failed is soon repeated, with newer positions.
    pub(super) fn auto_committed(&mut self, result: &Result<(), Error>) {
        self.auto_committing = false;
        if result.as_ref().is_err_and(Error::is_retriable) {
            self.next_auto_commit = self.next_auto_commit.min(Instant::now() + self.client.backoff(0));
        }
    }

    /// Commits before partitions go; gives up after `limit`. A failure means that records are seen twice, which a consumer must expect.
    pub(super) async fn auto_commit_now(&mut self, limit: Duration) -> Result<(), Error> {
        if !self.commits_by_itself() || self.assignment.partitions.is_empty() {
            return Ok(());
        }
        let late = Error::TimedOut { what: "committing offsets".into(), after: limit, last: None };
        tokio::time::timeout(limit, self.commit_sync(None)).await.unwrap_or(Err(late))
    }

    // ---- where to begin ------------------------------------------------------------------------------------------------------

    /// Begins lookups for partitions without a position: committed offset first, then the reset policy.
    pub(super) fn start_lookups(&mut self) {
        let now = Instant::now();
        let unknown = self.assignment.take_unplaced(now, |p| (p == Position::Unknown).then_some(()));
        if !unknown.is_empty() {
            let (client, config) = (self.client.clone(), self.config.clone());
            self.spawn_lookup(async move {
                let wanted = unknown.into_iter().map(|(tp, serial, ())| (tp, serial)).collect();
                committed_positions(&client, config.group_id.as_deref(), config.auto_offset_reset, wanted).await
            });
        }
        let resets = self.assignment.take_unplaced(now, |p| if let Position::Reset(how) = p { Some(how) } else { None });
        if !resets.is_empty() {
            let (client, committed_only) = (self.client.clone(), self.config.read_committed);
            self.spawn_lookup(async move { reset_positions(&client, committed_only, resets).await });
        }
    }

    fn spawn_lookup(&self, lookup: impl Future<Output = Vec<Found>> + Send + 'static) {
        let tell = self.tell.clone();
        tokio::spawn(async move { drop(tell.send(News::Found(lookup.await))) });
    }

    /// What a lookup found, or the first error that time will not cure.
    pub(super) fn take_positions(&mut self, found: Vec<Found>) -> Result<(), Error> {
        let retry_at = Instant::now() + self.client.backoff(0);
        let mut told = Ok(());
        for (tp, serial, result) in found {
            let error = result.as_ref().err().filter(|e| !e.is_retriable()).cloned();
            self.assignment.place(&tp, serial, result.map_err(|_| retry_at));
            if let Some(error) = error {
                told = told.and(Err(error));
            }
        }
        told
    }
}

async fn committed_positions(client: &Client, group: Option<&str>, reset: OffsetReset, wanted: Vec<(TopicPartition, u64)>) -> Vec<Found> {
    let names: Vec<TopicPartition> = wanted.iter().map(|(tp, _)| tp.clone()).collect();
    let looked = match group {
        Some(group) => Admin::on(client.clone()).stable_group_offsets(group, &names).await,
        None => Ok(BTreeMap::new()),
    };
    let mut committed = match looked {
        Ok(committed) => committed,
        Err(error) => return wanted.into_iter().map(|(tp, serial)| (tp, serial, Err(error.clone()))).collect(),
    };
    let place = |(tp, serial): (TopicPartition, u64)| {
        let position = match committed.remove(&tp) {
            Some(found) => found.map(|o| (Position::At(o.offset), o.leader_epoch)),
            None if reset == OffsetReset::None => Err(no_offset(&tp)),
            None => Ok((Position::Reset(reset), -1)),
        };
        (tp, serial, position)
    };
    wanted.into_iter().map(place).collect()
}

async fn reset_positions(client: &Client, read_committed: bool, wanted: Vec<(TopicPartition, u64, OffsetReset)>) -> Vec<Found> {
    let specs = wanted.iter().map(|(tp, _, how)| (tp.clone(), spec(*how))).collect();
    let mut found = match offsets(client, read_committed, specs).await {
        Ok(found) => found,
        Err(error) => return wanted.into_iter().map(|(tp, serial, _)| (tp, serial, Err(error.clone()))).collect(),
    };
    let missing = || Err(Error::Broker { code: kfk_wire::ErrorCode::LeaderNotAvailable, message: None });
    let place = |(tp, serial, _)| {
        let position = found.remove(&tp).unwrap_or_else(missing).map(|(offset, epoch)| (Position::At(offset), epoch));
        (tp, serial, position)
    };
    wanted.into_iter().map(place).collect()
}

/// Offsets with leader epochs. Where nothing is as young as was asked for, the end.
async fn offsets(
    client: &Client,
    read_committed: bool,
    specs: BTreeMap<TopicPartition, OffsetSpec>,
) -> Result<BTreeMap<TopicPartition, Result<(i64, i32), Error>>, Error> {
    let admin = Admin::on(client.clone());
    let mut found = admin.list_offsets(&specs, read_committed).await?;
    let none: BTreeMap<TopicPartition, OffsetSpec> =
        found.iter().filter(|(_, r)| matches!(r, Ok(o) if o.offset < 0)).map(|(tp, _)| (tp.clone(), OffsetSpec::Latest)).collect();
    if !none.is_empty() {
        found.extend(admin.list_offsets(&none, read_committed).await?);
    }
    Ok(found.into_iter().map(|(tp, r)| (tp, r.map(|o| (o.offset, o.leader_epoch)))).collect())
}

fn spec(how: OffsetReset) -> OffsetSpec {
    match how {
        OffsetReset::Earliest => OffsetSpec::Earliest,
        OffsetReset::Latest | OffsetReset::None => OffsetSpec::Latest,
        OffsetReset::ByDuration(ago) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            let ms = now.saturating_sub(ago).as_millis();
            OffsetSpec::Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
        }
    }
}

fn no_group() -> Error {
    Error::Usage("group.id is needed for committed offsets".into())
}

fn no_offset(tp: &TopicPartition) -> Error {
    Error::Usage(format!("Undefined offset with no reset policy for partitions: [{tp}]"))
}
