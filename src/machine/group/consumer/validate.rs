//! What is wrong with a ConsumerGroupHeartbeat before anyone looks at its group (facts K1, K2).

use super::Refusal;
use super::assign::ServerAssignor;
use super::member::{AWAY, GONE};
use crate::wire::ErrorCode;
use crate::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;

/// From this version on the member makes its own id.
const CLIENT_MAKES_MEMBER_ID: i16 = 1;

pub fn validate(version: i16, request: &ConsumerGroupHeartbeatRequest, assignors: &[ServerAssignor]) -> Result<(), Refusal> {
    let epoch = request.member_epoch;
    if version >= CLIENT_MAKES_MEMBER_ID || epoch > 0 || epoch == GONE {
        not_blank(Some(&request.member_id), "MemberId")?;
    }
    not_blank(Some(&request.group_id), "GroupId")?;
    not_blank(request.instance_id.as_ref(), "InstanceId")?;
    not_blank(request.rack_id.as_ref(), "RackId")?;
    match epoch {
        0 => validate_join(request)?,
        AWAY => ensure(request.instance_id.is_some(), "InstanceId can't be null.")?,
        ..AWAY => return Err(Refusal::new(ErrorCode::InvalidRequest, "MemberEpoch is invalid.")),
        _ => {}
    }
    let Some(name) = &request.server_assignor else { return Ok(()) };
    if assignors.iter().any(|a| a.name() == name) {
        return Ok(());
    }
    let known: Vec<&str> = assignors.iter().map(|a| a.name()).collect();
    let message = format!("ServerAssignor {name} is not supported. Supported assignors: {}.", known.join(", "));
    Err(Refusal::new(ErrorCode::UnsupportedAssignor, message))
}

fn validate_join(request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    ensure(request.rebalance_timeout_ms != -1, "RebalanceTimeoutMs must be provided in first request.")?;
    let owns_nothing = request.topic_partitions.as_ref().is_some_and(Vec::is_empty);
    ensure(owns_nothing, "TopicPartitions must be empty when (re-)joining.")?;
    let subscribes = request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some();
    ensure(subscribes, "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")
}

fn not_blank(value: Option<&String>, name: &str) -> Result<(), Refusal> {
    ensure(value.is_none_or(|v| !v.trim().is_empty()), &format!("{name} can't be empty."))
}

fn ensure(ok: bool, message: &str) -> Result<(), Refusal> {
    if ok { Ok(()) } else { Err(Refusal::new(ErrorCode::InvalidRequest, message)) }
}
