//! A member of a group of one protocol or the other, behind the same verbs.

use std::collections::{BTreeMap, BTreeSet};

use kfk_wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use kfk_wire::join_group_response::JoinGroupResponse;
use kfk_wire::sync_group_response::SyncGroupResponse;
use kfk_wire::{ErrorCode, Uuid};

use super::{Action, ConsumerMember, GroupMember, Identity};
use crate::machine::assign::Topics;
use crate::types::MonoMs;

/// A member as its driver sees it. An answer to what only the other kind asks means nothing.
#[derive(Debug)]
pub enum AnyMember {
    Classic(Box<GroupMember>),
    Consumer(Box<ConsumerMember>),
}

impl AnyMember {
    /// Member id and generation or epoch, for commits.
    pub fn identity(&self) -> Identity {
        match self {
            AnyMember::Classic(member) => member.identity(),
            AnyMember::Consumer(member) => Identity { member_id: member.member_id().to_string(), generation: member.epoch() },
        }
    }

    /// `group.instance.id`.
    pub fn instance_id(&self) -> Option<&str> {
        match self {
            AnyMember::Classic(member) => member.instance_id(),
            AnyMember::Consumer(member) => member.instance_id(),
        }
    }

    /// Topics that are subscribed to by name.
    pub fn subscription(&self) -> &BTreeSet<String> {
        match self {
            AnyMember::Classic(member) => member.subscription(),
            AnyMember::Consumer(member) => member.subscription(),
        }
    }

    pub fn subscribe(&mut self, topics: BTreeSet<String>) {
        match self {
            AnyMember::Classic(member) => member.subscribe(topics),
            AnyMember::Consumer(member) => member.subscribe(topics),
        }
    }

    /// False: a coordinator of this protocol resolves no expressions.
    pub fn subscribe_regex(&mut self, regex: &str) -> bool {
        match self {
            AnyMember::Classic(_) => false,
            AnyMember::Consumer(member) => {
                member.subscribe_regex(regex);
                true
            }
        }
    }

    /// The user asked for records. True if there may be something to `poll` for now.
    pub fn polled(&mut self, now: MonoMs) -> bool {
        match self {
            AnyMember::Classic(member) => member.polled(now),
            AnyMember::Consumer(member) => member.polled(now),
        }
    }

    /// What to do now.
    pub fn poll(&mut self, now: MonoMs) -> Vec<Action> {
        match self {
            AnyMember::Classic(member) => member.poll(now),
            AnyMember::Consumer(member) => member.poll(now),
        }
    }

    /// When `poll` has something to do by time alone.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        match self {
            AnyMember::Classic(member) => member.next_deadline(),
            AnyMember::Consumer(member) => member.next_deadline(),
        }
    }

    /// The callback that `Action::Revoke` asked for is over.
    pub fn revoked(&mut self) -> Vec<Action> {
        match self {
            AnyMember::Classic(member) => member.revoked(),
            AnyMember::Consumer(member) => member.revoked(),
        }
    }

    /// A commit in this identity was refused.
    pub fn commit_refused(&mut self, now: MonoMs, asked_as: &Identity, error: ErrorCode) -> Vec<Action> {
        match self {
            AnyMember::Classic(member) => member.commit_refused(now, asked_as, error),
            AnyMember::Consumer(member) => {
                member.commit_refused(now, error);
                Vec::new()
            }
        }
    }

    /// Leaves the group.
    pub fn leave(&mut self, reason: &str) -> Option<Action> {
        match self {
            AnyMember::Classic(member) => member.leave(reason),
            AnyMember::Consumer(member) => member.leave(),
        }
    }

    /// Topics changed; who assigns them has to look again.
    pub fn metadata_changed(&mut self, topics: &Topics) {
        if let AnyMember::Classic(member) = self {
            member.metadata_changed(topics);
        }
    }

    pub fn joined(&mut self, now: MonoMs, answer: Option<JoinGroupResponse>) -> Vec<Action> {
        match self {
            AnyMember::Classic(member) => member.joined(now, answer),
            AnyMember::Consumer(_) => Vec::new(),
        }
    }

    pub fn synced(&mut self, now: MonoMs, answer: Option<SyncGroupResponse>) -> Vec<Action> {
        match self {
            AnyMember::Classic(member) => member.synced(now, answer),
            AnyMember::Consumer(_) => Vec::new(),
        }
    }

    pub fn heartbeat_answered(&mut self, now: MonoMs, asked_as: &Identity, code: Option<i16>) -> Vec<Action> {
        match self {
            AnyMember::Classic(member) => member.heartbeat_answered(now, asked_as, code),
            AnyMember::Consumer(_) => Vec::new(),
        }
    }

    pub fn topics(&mut self, topics: Topics) -> Vec<Action> {
        match self {
            AnyMember::Classic(member) => member.topics(topics),
            AnyMember::Consumer(_) => Vec::new(),
        }
    }

    pub fn consumer_answered(&mut self, now: MonoMs, life: u64, answer: Option<ConsumerGroupHeartbeatResponse>) -> Vec<Action> {
        match self {
            AnyMember::Classic(_) => Vec::new(),
            AnyMember::Consumer(member) => member.heartbeat_answered(now, life, answer),
        }
    }

    pub fn named_topics(&mut self, now: MonoMs, names: BTreeMap<Uuid, String>) {
        if let AnyMember::Consumer(member) = self {
            member.named_topics(now, names);
        }
    }
}
