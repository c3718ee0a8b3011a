//! The states of a group's partitions, step by step: what the share coordinator does in between is for whoever asks both.

use std::collections::{BTreeMap, BTreeSet};

use super::records::Records;
use super::{Kept, ShareGroup, States};
use crate::machine::group::consumer::Refusal;
use crate::machine::group::records::GroupRecord;
use crate::types::TopicId;
use crate::wire::ErrorCode;
use crate::wire::share_group_describe_request::ShareGroupDescribeRequest;
use crate::wire::share_group_describe_response::ShareGroupDescribeResponse;
use crate::wire::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use crate::wire::share_group_heartbeat_response::ShareGroupHeartbeatResponse;

/// Some partitions of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareTopic {
    pub id: TopicId,
    pub name: String,
    pub partitions: Vec<i32>,
}

impl ShareTopic {
    pub(super) fn of((id, kept): (&TopicId, &Kept)) -> Self {
        ShareTopic { id: *id, name: kept.name.clone(), partitions: kept.partitions.iter().copied().collect() }
    }
}

/// Partitions to go on with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareProgress {
    /// For states that begin now.
    pub state_epoch: i32,
    pub topics: Vec<ShareTopic>,
}

/// What a group coordinator is asked about share groups.
#[derive(Clone, Debug)]
pub enum ShareAsk {
    Heartbeat(ShareGroupHeartbeatRequest),
    /// Names groups of this shard only.
    Describe(ShareGroupDescribeRequest),
    /// The partitions whose state is kept.
    Kept {
        group: String,
    },
    /// An administrator wants states to begin anew; the group has to be empty.
    Begin {
        group: String,
        topics: Vec<ShareTopic>,
    },
    /// The share coordinator keeps these now.
    Begun {
        group: String,
        topics: Vec<ShareTopic>,
    },
    /// The states of these topics, or of all, are to go; the group has to be empty.
    End {
        group: String,
        topics: Option<Vec<TopicId>>,
    },
    /// They are gone.
    Ended {
        group: String,
        topics: Vec<TopicId>,
    },
}

impl ShareAsk {
    pub fn group(&self) -> &str {
        match self {
            ShareAsk::Heartbeat(request) => &request.group_id,
            ShareAsk::Describe(_) => "",
            ShareAsk::Kept { group }
            | ShareAsk::Begin { group, .. }
            | ShareAsk::Begun { group, .. }
            | ShareAsk::End { group, .. }
            | ShareAsk::Ended { group, .. } => group,
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ShareReply {
    /// With what the share coordinator shall begin to keep.
    Heartbeat(ShareGroupHeartbeatResponse, Option<ShareProgress>),
    Describe(ShareGroupDescribeResponse),
    Progress(Result<ShareProgress, (ErrorCode, String)>),
}

impl States {
    /// The share coordinator is about to be asked for these.
    pub(super) fn begin(&mut self, topics: &BTreeMap<TopicId, Kept>) {
        for (id, kept) in topics {
            let known = self.initializing.entry(*id).or_default();
            known.name.clone_from(&kept.name);
            known.partitions.extend(&kept.partitions);
        }
    }

    fn begun(&mut self, topics: &[ShareTopic]) {
        for topic in topics {
            let Some(waiting) = self.initializing.get_mut(&topic.id) else { continue };
            let done: BTreeSet<i32> = topic.partitions.iter().copied().filter(|p| waiting.partitions.remove(p)).collect();
            if waiting.partitions.is_empty() {
                self.initializing.remove(&topic.id);
            }
            if !done.is_empty() {
                let kept = self.initialized.entry(topic.id).or_default();
                kept.name.clone_from(&topic.name);
                kept.partitions.extend(done);
            }
        }
    }

    /// Takes topics out; gives what was kept, or about to be.
    fn take(&mut self, which: impl Fn(&TopicId) -> bool) -> BTreeMap<TopicId, Kept> {
        let mut taken: BTreeMap<TopicId, Kept> = BTreeMap::new();
        for map in [&mut self.initializing, &mut self.initialized] {
            let ids: Vec<TopicId> = map.keys().copied().filter(&which).collect();
            for (id, kept) in ids.into_iter().filter_map(|id| map.remove(&id).map(|kept| (id, kept))) {
                let all = taken.entry(id).or_default();
                all.name = kept.name;
                all.partitions.extend(kept.partitions);
            }
        }
        taken
    }
}

impl ShareGroup {
    pub fn kept(&self) -> ShareProgress {
        ShareProgress { state_epoch: self.epoch, topics: self.states.initialized.iter().map(ShareTopic::of).collect() }
    }

    /// Nobody may be in the group when an administrator takes its offsets in hand.
    fn ensure_empty(&self) -> Result<(), Refusal> {
        let code = ErrorCode::NonEmptyGroup;
        if self.is_empty() { Ok(()) } else { Err(Refusal::new(code, code.message())) }
    }

    /// The records of a step, and what it is about.
    pub fn step(&self, id: &str, ask: &ShareAsk) -> Result<(Vec<GroupRecord>, ShareProgress), Refusal> {
        let mut states = self.states.clone();
        let mut progress = ShareProgress { state_epoch: self.epoch, topics: Vec::new() };
        match ask {
            ShareAsk::Begin { topics, .. } => {
                self.ensure_empty()?;
                let kept = |t: &ShareTopic| (t.id, Kept { name: t.name.clone(), partitions: t.partitions.iter().copied().collect() });
                topics.iter().for_each(|t| _ = states.deleting.remove(&t.id));
                states.begin(&topics.iter().map(kept).collect());
                progress.topics.clone_from(topics);
            }
            ShareAsk::Begun { topics, .. } => states.begun(topics),
            ShareAsk::End { topics, .. } => {
                self.ensure_empty()?;
                let taken = states.take(|id| topics.as_ref().is_none_or(|topics| topics.contains(id)));
                states.deleting.extend(taken.iter().map(|(id, kept)| (*id, kept.name.clone())));
                progress.topics = taken.iter().map(ShareTopic::of).collect();
            }
            ShareAsk::Ended { topics, .. } => states.deleting.retain(|id, _| !topics.contains(id)),
            ShareAsk::Kept { .. } | ShareAsk::Heartbeat(_) | ShareAsk::Describe(_) => return Ok((Vec::new(), self.kept())),
        }
        Ok((self.changed(id, &states), progress))
    }

    /// Topics that are gone are no business of the group any more.
    pub fn forget_topics(&self, id: &str, topics: &[(String, TopicId)]) -> Vec<GroupRecord> {
        let gone = |id: &TopicId| topics.iter().any(|(_, topic)| topic == id);
        let mut states = self.states.clone();
        states.take(gone);
        states.deleting.retain(|id, _| !gone(id));
        self.changed(id, &states)
    }

    fn changed(&self, id: &str, states: &States) -> Vec<GroupRecord> {
        let mut records = Records::new(id);
        if *states != self.states {
            records.states(states);
        }
        records.into_vec()
    }
}
