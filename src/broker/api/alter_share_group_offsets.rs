//! AlterShareGroupOffsets: an administrator sets where a share group without members goes on.

use std::collections::BTreeMap;

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::group::share::ShareTopic;
use crate::types::{Offset, TopicId};
use crate::wire::ErrorCode;
use crate::wire::alter_share_group_offsets_request::AlterShareGroupOffsetsRequest;
use crate::wire::alter_share_group_offsets_response::{
    AlterShareGroupOffsetsResponse, AlterShareGroupOffsetsResponsePartition, AlterShareGroupOffsetsResponseTopic,
};

pub fn handle(cx: Cx, request: AlterShareGroupOffsetsRequest) -> Reply<AlterShareGroupOffsetsResponse> {
    Reply::blocking(move || alter(&cx, &request))
}

fn alter(cx: &Cx, request: &AlterShareGroupOffsetsRequest) -> AlterShareGroupOffsetsResponse {
    let image = cx.broker.image();
    let mut topics: Vec<ShareTopic> = Vec::new();
    let mut starts: BTreeMap<(TopicId, i32), Offset> = BTreeMap::new();
    for topic in &request.topics {
        let Some(known) = image.topic(&topic.topic_name) else { continue };
        let there: Vec<_> = topic.partitions.iter().filter(|p| known.partition(p.partition_index).is_some()).collect();
        starts.extend(there.iter().map(|p| ((known.id, p.partition_index), p.start_offset.max(0))));
        let partitions = there.iter().map(|p| p.partition_index).collect();
        topics.push(ShareTopic { id: known.id, name: topic.topic_name.clone(), partitions });
    }
    topics.retain(|t| !t.partitions.is_empty());
    let failed = match cx.broker.alter_share_offsets(&request.group_id, topics, |topic, p| starts.get(&(topic, p)).copied().unwrap_or(0)) {
        Ok(failed) => failed,
        Err((code, message)) => {
            return AlterShareGroupOffsetsResponse { error_code: code.code(), error_message: Some(message), ..Default::default() };
        }
    };
    let outcome = |topic: &str, id: Option<TopicId>, index: i32| {
        if id.is_none_or(|id| !starts.contains_key(&(id, index))) {
            return Some((ErrorCode::UnknownTopicOrPartition, ErrorCode::UnknownTopicOrPartition.message().to_string()));
        }
        failed.iter().find(|(name, p, _)| name == topic && *p == index).map(|(_, _, refusal)| (refusal.code, refusal.message()))
    };
    let responses = request.topics.iter().map(|topic| {
        let id = image.topic(&topic.topic_name).map(|t| t.id);
        let partition = |index: i32| {
            let (code, message) = outcome(&topic.topic_name, id, index).map_or((0, None), |(code, message)| (code.code(), Some(message)));
            AlterShareGroupOffsetsResponsePartition { partition_index: index, error_code: code, error_message: message }
        };
        AlterShareGroupOffsetsResponseTopic {
            topic_name: topic.topic_name.clone(),
            topic_id: id.unwrap_or_default(),
            partitions: topic.partitions.iter().map(|p| partition(p.partition_index)).collect(),
        }
    });
    AlterShareGroupOffsetsResponse { responses: responses.collect(), ..Default::default() }
}
