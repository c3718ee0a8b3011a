//! Members and states together: what a group coordinator decides about states is done at the share coordinators, and reported back.

use std::sync::Arc;

use tracing::warn;

use super::super::Broker;
use crate::machine::coordinator::Context;
use crate::machine::group::share::{ShareAsk, ShareProgress, ShareReply, ShareTopic};
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::machine::share::state::{Done, Refusal, ShareKey, ShareRequest, Summary, UNKNOWN};
use crate::types::{Offset, TopicId};
use crate::wire::ErrorCode;

type Refused = (ErrorCode, String);

impl Broker {
    /// Asks the coordinator of a group. May block.
    pub fn ask_share(self: &Arc<Self>, context: &Context, ask: ShareAsk) -> Result<ShareReply, ErrorCode> {
        let partition = self.partition_of::<GroupShard>(ask.group()).ok_or(ErrorCode::NotCoordinator)?;
        let asked = self.ask::<GroupShard>(partition, context, None, GroupRequest::Share(ask));
        match asked.wait() {
            Some(GroupAnswer::Share(reply)) => Ok(reply),
            _ => Err(ErrorCode::CoordinatorNotAvailable),
        }
    }

    fn share_step(self: &Arc<Self>, ask: ShareAsk) -> Result<ShareProgress, Refused> {
        let plain = |code: ErrorCode| (code, code.message().to_string());
        match self.ask_share(&Context::default(), ask).map_err(plain)? {
            ShareReply::Progress(progress) => progress,
            _ => Err(plain(ErrorCode::UnknownServerError)),
        }
    }

    /// Has states begun where a group is about to need them. Those that cannot be begun now have another turn later. May block.
    pub fn begin_share_states(self: &Arc<Self>, group: &str, progress: ShareProgress) {
        let outcome = self.begin_states(group, progress, |_, _| UNKNOWN);
        for (topic, partition, refusal) in outcome {
            warn!("share group {group}: the state of {topic}-{partition} is not begun: {}", refusal.message());
        }
    }

    /// Begins states at the given offsets, and reports what was begun; gives what was not.
    fn begin_states(
        self: &Arc<Self>,
        group: &str,
        progress: ShareProgress,
        start: impl Fn(TopicId, i32) -> Offset,
    ) -> Vec<(String, i32, Refusal)> {
        let (mut failed, mut begun) = (Vec::new(), Vec::new());
        for topic in progress.topics {
            let mut partitions = Vec::new();
            for partition in topic.partitions {
                let key = ShareKey { group: group.to_string(), topic: topic.id, partition };
                let start_offset = start(topic.id, partition);
                match self.share_state(ShareRequest::Initialize { key, state_epoch: progress.state_epoch, start_offset }) {
                    Ok(_) => partitions.push(partition),
                    Err(refusal) => failed.push((topic.name.clone(), partition, refusal)),
                }
            }
            begun.push(ShareTopic { id: topic.id, name: topic.name, partitions });
        }
        if let Err((code, _)) = self.share_step(ShareAsk::Begun { group: group.to_string(), topics: begun }) {
            warn!("share group {group}: begun states are not noted: {}", code.name());
        }
        failed
    }

    /// An administrator sets where a group without members goes on. Gives the partitions where that failed. May block.
    pub fn alter_share_offsets(
        self: &Arc<Self>,
        group: &str,
        topics: Vec<ShareTopic>,
        start: impl Fn(TopicId, i32) -> Offset,
    ) -> Result<Vec<(String, i32, Refusal)>, Refused> {
        let progress = self.share_step(ShareAsk::Begin { group: group.to_string(), topics })?;
        let failed = self.begin_states(group, progress, start);
        self.share_forget_group(group);
        Ok(failed)
    }

    /// Forgets the states of topics, or all, of a group without members. Gives those that there were, each with what went wrong. May block.
    pub fn end_share_states(
        self: &Arc<Self>,
        group: &str,
        topics: Option<Vec<TopicId>>,
    ) -> Result<Vec<(ShareTopic, Option<Refusal>)>, Refused> {
        let progress = self.share_step(ShareAsk::End { group: group.to_string(), topics })?;
        self.share_forget_group(group);
        let mut done = Vec::new();
        for topic in progress.topics {
            let delete = |partition: &i32| {
                let key = ShareKey { group: group.to_string(), topic: topic.id, partition: *partition };
                self.share_state(ShareRequest::Delete { key }).err()
            };
            // All of them, also after one that failed.
            let mut failed: Vec<Refusal> = topic.partitions.iter().filter_map(delete).collect();
            done.push((topic, failed.pop()));
        }
        let ended: Vec<TopicId> = done.iter().filter(|(_, failed)| failed.is_none()).map(|(topic, _)| topic.id).collect();
        if !ended.is_empty() {
            self.share_step(ShareAsk::Ended { group: group.to_string(), topics: ended })?;
        }
        Ok(done)
    }

    /// The partitions whose states are kept for a group; none if there is no such group.
    pub fn kept_share_states(self: &Arc<Self>, group: &str) -> Result<Vec<ShareTopic>, Refused> {
        match self.share_step(ShareAsk::Kept { group: group.to_string() }) {
            Ok(progress) => Ok(progress.topics),
            Err((ErrorCode::GroupIdNotFound, _)) => Ok(Vec::new()),
            Err(refused) => Err(refused),
        }
    }

    /// How far a group is in a partition, and how many records are before it (-1: not known). May block.
    pub fn share_summary(self: &Arc<Self>, group: &str, topic: TopicId, partition: i32) -> Result<(Summary, i64), Refusal> {
        let key = ShareKey { group: group.to_string(), topic, partition };
        let Done::Summary(summary) = self.share_state(ShareRequest::Summary { key: key.clone() })? else {
            return Err(ErrorCode::UnknownServerError.into());
        };
        if summary.start_offset == UNKNOWN || summary.complete < 0 {
            return Ok((summary, -1));
        }
        let hosted = self.share_hosted(&key)?;
        let end = hosted.with_open(self, |p| p.offsets().high_watermark())?;
        Ok((summary, (end - summary.start_offset - i64::from(summary.complete)).max(0)))
    }
}
