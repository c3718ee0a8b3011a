//! A refusal with words for whoever reads the client's log.

use crate::wire::ErrorCode;
use crate::wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;

#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub code: ErrorCode,
    pub message: String,
}

impl Refusal {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Refusal { code, message: message.into() }
    }

    pub fn unknown_member(id: &str, group: &str) -> Self {
        Refusal::new(ErrorCode::UnknownMemberId, format!("Member {id} is not a member of group {group}."))
    }

    pub fn unknown_instance(instance: &str) -> Self {
        Refusal::new(ErrorCode::UnknownMemberId, format!("Instance id {instance} is unknown."))
    }

    pub fn no_group(group: &str) -> Self {
        Refusal::new(ErrorCode::GroupIdNotFound, format!("Group {group} not found."))
    }

    pub fn not_a_consumer_group(group: &str) -> Self {
        Refusal::new(ErrorCode::GroupIdNotFound, format!("Group {group} is not a consumer group."))
    }

    pub fn heartbeat(self) -> ConsumerGroupHeartbeatResponse {
        ConsumerGroupHeartbeatResponse { error_code: self.code.code(), error_message: Some(self.message), ..Default::default() }
    }
}
