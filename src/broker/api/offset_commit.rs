//! OffsetCommit: a group's positions. Version 10 names topics by id; the coordinator knows them by name.

use crate::broker::context::Cx;
use crate::broker::reply::{Answer, Reply};
use crate::broker::shards::ask_one;
use crate::machine::controller::ClusterState;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use crate::wire::offset_commit_response::{OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use crate::wire::{ErrorCode, Uuid};

/// The first version that names topics by id.
const BY_ID: i16 = 10;

pub fn handle(cx: Cx, mut request: OffsetCommitRequest) -> Reply<OffsetCommitResponse> {
    let image = cx.broker.image();
    let mut refused = Vec::new();
    let topics = std::mem::take(&mut request.topics);
    request.topics = topics.into_iter().filter_map(|topic| known(&image, cx.version, topic, &mut refused)).collect();
    let (group, version) = (request.group_id.clone(), cx.version);
    if request.topics.is_empty() && !refused.is_empty() {
        return Reply::now(merged(OffsetCommitResponse::default(), refused, version));
    }
    let reply = ask_one::<GroupShard, _>(cx, &group, GroupRequest::OffsetCommit(request), |answer| match answer {
        GroupAnswer::OffsetCommit(response) => Some(response),
        _ => None,
    });
    with_refused(reply, refused, version)
}

/// The topic with its name and id, without partitions that do not exist; those are noted in `refused`.
fn known(
    image: &ClusterState,
    version: i16,
    mut topic: OffsetCommitRequestTopic,
    refused: &mut Vec<OffsetCommitResponseTopic>,
) -> Option<OffsetCommitRequestTopic> {
    let (found, unknown) = if version >= BY_ID {
        (image.topic_by_id(topic.topic_id), ErrorCode::UnknownTopicId)
    } else {
        (image.topic(&topic.name), ErrorCode::UnknownTopicOrPartition)
    };
    let exists = |p: &OffsetCommitRequestPartition| found.is_some_and(|t| t.partition(p.partition_index).is_some());
    let (good, bad): (Vec<_>, Vec<_>) = std::mem::take(&mut topic.partitions).into_iter().partition(exists);
    if !bad.is_empty() {
        let code = if found.is_some() { ErrorCode::UnknownTopicOrPartition } else { unknown };
        let partition =
            |p: OffsetCommitRequestPartition| OffsetCommitResponsePartition { partition_index: p.partition_index, error_code: code.code() };
        let partitions = bad.into_iter().map(partition).collect();
        refused.push(OffsetCommitResponseTopic { name: topic.name.clone(), topic_id: topic.topic_id, partitions });
    }
    let found = found.filter(|_| !good.is_empty())?;
    Some(OffsetCommitRequestTopic { name: found.name.to_string(), topic_id: found.id, partitions: good })
}

fn with_refused(reply: Reply<OffsetCommitResponse>, refused: Vec<OffsetCommitResponseTopic>, version: i16) -> Reply<OffsetCommitResponse> {
    match reply {
        Reply::Now(Answer { body, .. }) => Reply::now(merged(body, refused, version)),
        Reply::Later(pending) => Reply::later(async move { merged(pending.await.body, refused, version) }),
        Reply::Blocking(work) => Reply::Blocking(Box::new(move || with_refused(work(), refused, version))),
        other => other,
    }
}

/// What the coordinator answered and what never reached it, in the terms of the request's version.
fn merged(mut response: OffsetCommitResponse, refused: Vec<OffsetCommitResponseTopic>, version: i16) -> OffsetCommitResponse {
    for bad in refused {
        let same = response.topics.iter_mut().find(|t| if version >= BY_ID { t.topic_id == bad.topic_id } else { t.name == bad.name });
        match same {
            Some(topic) => topic.partitions.extend(bad.partitions),
            None => response.topics.push(bad),
        }
    }
    for topic in &mut response.topics {
        if version >= BY_ID { topic.name.clear() } else { topic.topic_id = Uuid::default() }
    }
    response
}
