//! What members of KIP-848 ask: the coordinator for their place, any broker for the names of topics.

use std::collections::BTreeMap;
use std::time::Duration;

use kfk_wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use kfk_wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use kfk_wire::{ErrorCode, Uuid};

use crate::client::cluster::{Client, Coordinator};
use crate::client::error::Error;
use crate::client::nodes::Lane;
use crate::config::ConsumerConfig;
use crate::machine::member::ConsumerOptions;
use crate::rng::Rng;

/// `group.protocol` of these members.
pub(super) const CONSUMER: &str = "consumer";

/// An id that no other member has.
pub(in crate::client) fn fresh_member_id() -> String {
    let mut seed = [0; 8];
    // Should there be no randomness, the coordinator takes care of ids that meet.
    let _ = getrandom::fill(&mut seed);
    Rng::new(u64::from_ne_bytes(seed)).uuid().to_string()
}

/// Of a member with an id of its own.
pub(super) fn options(c: &ConsumerConfig, group: &str) -> ConsumerOptions {
    ConsumerOptions {
        group: group.to_string(),
        member_id: fresh_member_id(),
        instance_id: c.group_instance_id.clone(),
        rack: Some(c.client_rack.clone()).filter(|r| !r.is_empty()),
        max_poll_interval_ms: i32::try_from(c.max_poll_interval_ms).unwrap_or(i32::MAX),
        assignor: c.group_remote_assignor.clone(),
        retry_backoff_ms: c.client.retry_backoff_ms,
    }
}

/// Asks the coordinator; `None` when it cannot be found or does not answer. A broker that is too old answers that it is.
pub(super) async fn ask(client: &Client, group: &str, request: &ConsumerGroupHeartbeatRequest) -> Option<ConsumerGroupHeartbeatResponse> {
    let Ok(node) = client.coordinator(Coordinator::Group, group).await else {
        tokio::time::sleep(client.backoff(0)).await;
        return None;
    };
    match client.call_on(Lane::Group, node, request, i16::MAX, Duration::ZERO).await {
        Ok(answer) => Some(told(answer)),
        Err(Error::Unsupported { .. } | Error::CannotAsk { .. }) => {
            Some(told(ConsumerGroupHeartbeatResponse { error_code: ErrorCode::UnsupportedVersion.code(), ..Default::default() }))
        }
        Err(_) => {
            client.forget_coordinator(Coordinator::Group, group);
            None
        }
    }
}

/// The bare code would not tell what to do.
fn told(mut answer: ConsumerGroupHeartbeatResponse) -> ConsumerGroupHeartbeatResponse {
    if answer.error_code == ErrorCode::UnsupportedVersion.code() && answer.error_message.is_none() {
        let text = "The cluster does not support group.protocol=consumer, or not all that is asked of it: use group.protocol=classic.";
        answer.error_message = Some(text.into());
    }
    answer
}

/// The names of topics, as far as the cluster knows them.
pub(in crate::client) async fn names(client: &Client, ids: &[Uuid]) -> BTreeMap<Uuid, String> {
    let known = client.metadata();
    let here = names_in(&known, ids);
    if here.len() == ids.len() {
        return here;
    }
    match client.refresh_by_id(ids).await {
        Ok(metadata) => names_in(&metadata, ids),
        Err(_) => here,
    }
}

fn names_in(metadata: &crate::client::Metadata, ids: &[Uuid]) -> BTreeMap<Uuid, String> {
    let found = metadata.topics.values().filter(|topic| ids.contains(&topic.id));
    found.map(|topic| (topic.id, topic.name.clone())).collect()
}
