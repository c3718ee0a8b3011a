//! FindCoordinator: which broker looks after a group, a transactional id, or the state of a share group's
//! partition (key type 2, from version 6). Version 4 takes many keys. The topic in which coordinators keep
//! their state is made when it is first needed.

use crate::broker::cluster::{self, OFFSETS_TOPIC, SHARE_TOPIC, TRANSACTION_TOPIC};
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::ClusterState;
use crate::machine::group::partition_for;
use crate::types::Uuid;
use crate::wire::ErrorCode;
use crate::wire::find_coordinator_request::FindCoordinatorRequest;
use crate::wire::find_coordinator_response::{Coordinator, FindCoordinatorResponse};

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;

pub fn handle(cx: Cx, request: FindCoordinatorRequest) -> Reply<FindCoordinatorResponse> {
    let keys = if cx.version < 4 { vec![request.key.clone()] } else { request.coordinator_keys.clone() };
    let kind = request.key_type;
    if let Some(topic) = topic_of(kind).filter(|topic| cx.broker.image().topic(topic).is_none()) {
        return Reply::blocking(move || {
            cx.broker.ensure_internal_topic(topic);
            answer(&cx, kind, keys)
        });
    }
    Reply::now(answer(&cx, kind, keys))
}

/// Where coordinators of this kind keep their state, if there are any.
fn topic_of(kind: i8) -> Option<&'static str> {
    match kind {
        GROUP => Some(OFFSETS_TOPIC),
        TRANSACTION => Some(TRANSACTION_TOPIC),
        SHARE => Some(SHARE_TOPIC),
        _ => None,
    }
}

fn answer(cx: &Cx, kind: i8, keys: Vec<String>) -> FindCoordinatorResponse {
    let image = cx.broker.image();
    let mut found = keys.into_iter().map(|key| coordinator(cx, &image, kind, key));
    if cx.version >= 4 {
        return FindCoordinatorResponse { coordinators: found.collect(), ..Default::default() };
    }
    let Some(one) = found.next() else { return FindCoordinatorResponse::default() };
    FindCoordinatorResponse {
        error_code: one.error_code,
        error_message: one.error_message,
        node_id: one.node_id,
        host: one.host,
        port: one.port,
        ..Default::default()
    }
}

fn coordinator(cx: &Cx, image: &ClusterState, kind: i8, key: String) -> Coordinator {
    let found = match topic_of(kind) {
        Some(_) if kind == SHARE && !(cx.version >= 6 && is_share_key(&key)) => Err(ErrorCode::InvalidRequest),
        Some(topic) => leader_for(cx, image, topic, &key),
        None => Err(ErrorCode::InvalidRequest),
    };
    match found {
        Ok(e) => Coordinator { key, node_id: e.id, host: e.host, port: e.port, ..Default::default() },
        Err(code) => Coordinator {
            key,
            node_id: -1,
            port: -1,
            error_code: code.code(),
            error_message: Some(code.message().to_string()),
            ..Default::default()
        },
    }
}

/// `group:topic id:partition`; a group's name may have colons.
fn is_share_key(key: &str) -> bool {
    let mut parts = key.rsplitn(3, ':');
    let partition = parts.next().is_some_and(|p| p.parse::<i32>().is_ok_and(|p| p >= 0));
    partition && parts.next().is_some_and(|id| id.parse::<Uuid>().is_ok()) && parts.next().is_some_and(|group| !group.is_empty())
}

fn leader_for(cx: &Cx, image: &ClusterState, topic: &str, key: &str) -> Result<cluster::Endpoint, ErrorCode> {
    let topic = image.topic(topic).ok_or(ErrorCode::CoordinatorNotAvailable)?;
    let index = partition_for(key, topic.partition_count());
    let leader = topic.partition(index).map_or(-1, |p| p.leader);
    cluster::endpoint(image, cx, leader).ok_or(ErrorCode::CoordinatorNotAvailable)
}
