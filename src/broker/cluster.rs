//! The cluster as one caller sees it: endpoints of the caller's own listener, internal topics, replicas that cannot be reached.

use super::context::Cx;
use crate::machine::controller::{Broker as BrokerState, ClusterState, NO_LEADER, Partition, topics};
use crate::types::NodeId;
use crate::wire::ErrorCode;

/// Where a broker can be reached by the caller.
pub struct Endpoint {
    pub id: NodeId,
    pub host: String,
    pub port: i32,
    pub rack: Option<String>,
}

/// Topics that the broker itself writes.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";
pub const TRANSACTION_TOPIC: &str = "__transaction_state";
pub const SHARE_TOPIC: &str = "__share_group_state";
const INTERNAL: [&str; 3] = [OFFSETS_TOPIC, TRANSACTION_TOPIC, SHARE_TOPIC];

pub fn is_internal(topic: &str) -> bool {
    INTERNAL.contains(&topic)
}

/// The error for a name that is no topic: it may be one that can never be.
pub fn missing_topic(name: &str) -> ErrorCode {
    if topics::check_name(name).is_err() { ErrorCode::InvalidTopicException } else { ErrorCode::UnknownTopicOrPartition }
}

/// All brokers that are let in, by the listener that the request came in on.
pub fn endpoints(image: &ClusterState, cx: &Cx) -> impl Iterator<Item = Endpoint> {
    image.brokers().filter(|b| !b.fenced).filter_map(|b| endpoint(image, cx, b.id))
}

/// One broker's endpoint, if it is let in and has the caller's listener.
pub fn endpoint(image: &ClusterState, cx: &Cx, id: NodeId) -> Option<Endpoint> {
    let broker = image.broker(id).filter(|b| !b.fenced)?;
    let (host, port) = address(broker, cx)?;
    Some(Endpoint { id, host, port, rack: broker.rack.clone() })
}

/// Where the caller reaches a broker, fenced or not: this one where the caller came in, others as they registered.
pub fn address(broker: &BrokerState, cx: &Cx) -> Option<(String, i32)> {
    let e = broker.endpoint(&cx.listener.name)?;
    let host = if broker.id == cx.broker.node_id { &cx.listener.host } else { &e.host };
    Some((host.clone(), i32::from(e.port)))
}

/// The leader of a partition for this caller, and what to tell of it. Whoever leads but cannot be reached is no leader to the caller.
pub fn leader(image: &ClusterState, cx: &Cx, p: &Partition) -> (NodeId, ErrorCode) {
    if !p.has_leader() {
        return (NO_LEADER, ErrorCode::LeaderNotAvailable);
    }
    match endpoint(image, cx, p.leader) {
        Some(_) => (p.leader, ErrorCode::None),
        None => (NO_LEADER, ErrorCode::ListenerNotFound),
    }
}

/// Requests for the controller are taken by any broker, so any live one may be named.
pub fn some_live_broker(image: &ClusterState) -> NodeId {
    image.brokers().find(|b| !b.fenced).map_or(-1, |b| b.id)
}

/// Replicas on brokers that are not there for the caller.
pub fn offline(image: &ClusterState, cx: &Cx, replicas: &[NodeId]) -> Vec<NodeId> {
    replicas.iter().copied().filter(|id| endpoint(image, cx, *id).is_none()).collect()
}
