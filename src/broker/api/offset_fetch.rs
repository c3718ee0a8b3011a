//! OffsetFetch: the committed positions of groups. Version 8 takes many groups, 10 names topics by id.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_many;
use crate::machine::controller::ClusterState;
use crate::machine::group::shapes::{groups_of, offset_fetch_response};
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use crate::wire::offset_fetch_response::{
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use crate::wire::{ErrorCode, Uuid};

/// The first version that names topics by id.
const BY_ID: i16 = 10;

pub fn handle(cx: Cx, request: OffsetFetchRequest) -> Reply<OffsetFetchResponse> {
    let version = cx.version;
    let image = cx.broker.image();
    let (mut groups, require_stable) = groups_of(version, request);
    let mut unknown: Vec<Vec<OffsetFetchResponseTopics>> = Vec::new();
    for group in &mut groups {
        unknown.push(name_topics(&image, version, group));
    }
    let question = |group: &OffsetFetchRequestGroup| {
        let body = GroupRequest::OffsetFetch { group: group.clone(), require_stable };
        (cx.broker.partition_of::<GroupShard>(&group.group_id), body)
    };
    let questions = groups.iter().map(question).collect();
    ask_many::<GroupShard, _>(cx, questions, move |answers| {
        let mut found = Vec::with_capacity(answers.len());
        for (answer, unknown) in answers.into_iter().zip(unknown) {
            let GroupAnswer::OffsetFetch(group) = answer else { return None };
            found.push(finish(&image, version, group, unknown));
        }
        Some(offset_fetch_response(version, &groups, found))
    })
}

/// Gives every topic of the question its name and id; takes those out whose id means nothing, and gives their answers.
fn name_topics(image: &ClusterState, version: i16, group: &mut OffsetFetchRequestGroup) -> Vec<OffsetFetchResponseTopics> {
    let mut unknown = Vec::new();
    let Some(topics) = group.topics.take() else { return unknown };
    let mut named = Vec::with_capacity(topics.len());
    for mut topic in topics {
        let found = if version >= BY_ID { image.topic_by_id(topic.topic_id) } else { image.topic(&topic.name) };
        match found {
            Some(found) => (topic.name, topic.topic_id) = (found.name.to_string(), found.id),
            None if version >= BY_ID => {
                unknown.push(refused(&topic, ErrorCode::UnknownTopicId));
                continue;
            }
            None => {}
        }
        named.push(topic);
    }
    group.topics = Some(named);
    unknown
}

fn refused(topic: &OffsetFetchRequestTopics, code: ErrorCode) -> OffsetFetchResponseTopics {
    let partition = |index: &i32| OffsetFetchResponsePartitions {
        partition_index: *index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(String::new()),
        error_code: code.code(),
    };
    OffsetFetchResponseTopics {
        name: String::new(),
        topic_id: topic.topic_id,
        partitions: topic.partition_indexes.iter().map(partition).collect(),
    }
}

/// One group's answer in the terms of the request's version.
fn finish(
    image: &ClusterState,
    version: i16,
    mut group: OffsetFetchResponseGroup,
    unknown: Vec<OffsetFetchResponseTopics>,
) -> OffsetFetchResponseGroup {
    if version >= BY_ID {
        for topic in &mut group.topics {
            if topic.topic_id.is_zero() {
                topic.topic_id = image.topic_id(&topic.name).unwrap_or_default();
            }
        }
        // Offsets of a topic that is gone cannot be named any more.
        group.topics.retain(|t| !t.topic_id.is_zero());
        group.topics.iter_mut().for_each(|t| t.name.clear());
        if group.error_code == 0 {
            group.topics.extend(unknown);
        }
    } else {
        group.topics.iter_mut().for_each(|t| t.topic_id = Uuid::default());
    }
    group
}
