//! FindCoordinator: which broker looks after a group. Version 4 takes many keys. The offsets topic is made when it is first needed.

use crate::broker::cluster::{self, OFFSETS_TOPIC};
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::ClusterState;
use crate::machine::group::partition_for;
use crate::wire::ErrorCode;
use crate::wire::find_coordinator_request::FindCoordinatorRequest;
use crate::wire::find_coordinator_response::{Coordinator, FindCoordinatorResponse};

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;

pub fn handle(cx: Cx, request: FindCoordinatorRequest) -> Reply<FindCoordinatorResponse> {
    let keys = if cx.version < 4 { vec![request.key.clone()] } else { request.coordinator_keys.clone() };
    let kind = request.key_type;
    if kind == GROUP && cx.broker.image().topic(OFFSETS_TOPIC).is_none() {
        return Reply::blocking(move || {
            cx.broker.ensure_offsets_topic();
            answer(&cx, kind, keys)
        });
    }
    Reply::now(answer(&cx, kind, keys))
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
    let found = match kind {
        GROUP => leader_for(cx, image, &key),
        // Nobody coordinates transactions or share groups yet.
        TRANSACTION => Err(ErrorCode::CoordinatorNotAvailable),
        SHARE if cx.version >= 6 => Err(ErrorCode::CoordinatorNotAvailable),
        _ => Err(ErrorCode::InvalidRequest),
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

fn leader_for(cx: &Cx, image: &ClusterState, group: &str) -> Result<cluster::Endpoint, ErrorCode> {
    let topic = image.topic(OFFSETS_TOPIC).ok_or(ErrorCode::CoordinatorNotAvailable)?;
    let index = partition_for(group, topic.partition_count());
    let leader = topic.partition(index).map_or(-1, |p| p.leader);
    cluster::endpoint(image, cx, leader).ok_or(ErrorCode::CoordinatorNotAvailable)
}
