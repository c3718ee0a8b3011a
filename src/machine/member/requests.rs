//! What a member asks its coordinator.

use kfk_wire::heartbeat_request::HeartbeatRequest;
use kfk_wire::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use kfk_wire::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use kfk_wire::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};

use super::{Action, GroupMember};
use crate::machine::assign::consumer_protocol::{PROTOCOL_TYPE, encode_assignment, encode_subscription};
use crate::machine::assign::{NO_GENERATION, Subscription};
use crate::types::TopicPartition;

/// The version of the consumer protocol that is written; every reader skips what it does not know.
const PROTOCOL_VERSION: i16 = 3;

impl GroupMember {
    pub(super) fn join_request(&self) -> JoinGroupRequest {
        let protocols = self.options.assignors.iter().map(|assignor| {
            let held = (self.generation != NO_GENERATION).then_some(self.owned.as_slice());
            let subscription = Subscription {
                topics: self.subscription.iter().cloned().collect(),
                user_data: assignor.user_data(held, self.generation),
                owned_partitions: self.owned.clone(),
                generation: self.generation,
                rack: self.options.rack.clone(),
            };
            let metadata = encode_subscription(&subscription, PROTOCOL_VERSION).unwrap_or_default();
            JoinGroupRequestProtocol { name: assignor.name().to_string(), metadata }
        });
        JoinGroupRequest {
            group_id: self.options.group.clone(),
            session_timeout_ms: self.options.session_timeout_ms,
            rebalance_timeout_ms: self.options.max_poll_interval_ms,
            member_id: self.member_id.clone(),
            group_instance_id: self.options.instance_id.clone(),
            protocol_type: PROTOCOL_TYPE.to_string(),
            protocols: protocols.collect(),
            reason: None,
        }
    }

    pub(super) fn sync_request(&self, assignments: Vec<SyncGroupRequestAssignment>) -> SyncGroupRequest {
        SyncGroupRequest {
            group_id: self.options.group.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.options.instance_id.clone(),
            protocol_type: Some(PROTOCOL_TYPE.to_string()),
            protocol_name: self.protocol.map(|p| p.name().to_string()),
            assignments,
        }
    }

    pub(super) fn heartbeat_request(&self) -> HeartbeatRequest {
        HeartbeatRequest {
            group_id: self.options.group.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.options.instance_id.clone(),
        }
    }

    /// Static members do not leave: their place is kept until the session ends.
    pub(super) fn leave_request(&self, reason: &str) -> Option<Action> {
        if self.member_id.is_empty() || self.options.instance_id.is_some() {
            return None;
        }
        let identity = MemberIdentity { member_id: self.member_id.clone(), group_instance_id: None, reason: Some(reason.to_string()) };
        Some(Action::Leave(LeaveGroupRequest {
            group_id: self.options.group.clone(),
            // The driver keeps the form that the negotiated version has.
            member_id: self.member_id.clone(),
            members: vec![identity],
        }))
    }
}

/// One member's part of an assignment.
pub(super) fn encoded((member_id, partitions): (String, Vec<TopicPartition>)) -> SyncGroupRequestAssignment {
    let assignment = encode_assignment(&partitions, None, PROTOCOL_VERSION).unwrap_or_default();
    SyncGroupRequestAssignment { member_id, assignment }
}
