//! OffsetFetch in all its versions: one group in the request itself (up to 7), or a list of groups (from 8).

use crate::wire::ErrorCode;
use crate::wire::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use crate::wire::offset_fetch_response::{
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};

const MANY_GROUPS: i16 = 8;
const TOP_LEVEL_ERROR: i16 = 2;

/// The groups a request asks for, and whether offsets of open transactions may be passed over in silence.
pub fn groups_of(version: i16, request: OffsetFetchRequest) -> (Vec<OffsetFetchRequestGroup>, bool) {
    if version >= MANY_GROUPS {
        return (request.groups, request.require_stable);
    }
    let topic = |t: crate::wire::offset_fetch_request::OffsetFetchRequestTopic| OffsetFetchRequestTopics {
        name: t.name,
        partition_indexes: t.partition_indexes,
        ..Default::default()
    };
    let topics = request.topics.map(|topics| topics.into_iter().map(topic).collect());
    (vec![OffsetFetchRequestGroup { group_id: request.group_id, topics, ..Default::default() }], request.require_stable)
}

/// The response made of the answers for each group, in the order of `asked`.
pub fn offset_fetch_response(
    version: i16,
    asked: &[OffsetFetchRequestGroup],
    answers: Vec<OffsetFetchResponseGroup>,
) -> OffsetFetchResponse {
    if version >= MANY_GROUPS {
        return OffsetFetchResponse { groups: answers, ..Default::default() };
    }
    let mut answer = answers.into_iter().next().unwrap_or_default();
    if version < TOP_LEVEL_ERROR && answer.error_code != 0 {
        answer.topics = asked.first().map(|group| refused_partitions(group, answer.error_code)).unwrap_or_default();
    }
    let partition = |p: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: p.partition_index,
        committed_offset: p.committed_offset,
        committed_leader_epoch: p.committed_leader_epoch,
        metadata: p.metadata,
        error_code: p.error_code,
    };
    let topic = |t: OffsetFetchResponseTopics| OffsetFetchResponseTopic {
        name: t.name,
        partitions: t.partitions.into_iter().map(partition).collect(),
    };
    OffsetFetchResponse { topics: answer.topics.into_iter().map(topic).collect(), error_code: answer.error_code, ..Default::default() }
}

/// The group's error at each of its partitions, for clients that know no other place.
fn refused_partitions(group: &OffsetFetchRequestGroup, error_code: i16) -> Vec<OffsetFetchResponseTopics> {
    let partition = |index: &i32| OffsetFetchResponsePartitions {
        partition_index: *index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(String::new()),
        error_code,
    };
    let topic = |t: &OffsetFetchRequestTopics| OffsetFetchResponseTopics {
        name: t.name.clone(),
        topic_id: t.topic_id,
        partitions: t.partition_indexes.iter().map(partition).collect(),
    };
    group.topics.iter().flatten().map(topic).collect()
}

/// The answer for a group that was refused before any coordinator saw it.
pub fn refused_group(group: &OffsetFetchRequestGroup, error: ErrorCode) -> OffsetFetchResponseGroup {
    OffsetFetchResponseGroup { group_id: group.group_id.clone(), error_code: error.code(), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;
    use crate::wire::offset_fetch_request::OffsetFetchRequestTopic;

    fn answer(error: ErrorCode) -> OffsetFetchResponseGroup {
        let partition = OffsetFetchResponsePartitions { partition_index: 3, committed_offset: 7, ..Default::default() };
        let partitions = if error.is_none() { vec![partition] } else { vec![] };
        let topic = OffsetFetchResponseTopics { name: "t".into(), partitions, ..Default::default() };
        OffsetFetchResponseGroup { group_id: "g".into(), topics: vec![topic], error_code: error.code() }
    }

    #[test]
    fn x7_every_version_asks_and_is_answered_in_its_own_shape() {
        for version in OffsetFetchRequest::MIN..=OffsetFetchRequest::MAX {
            let request = if version >= 8 {
                let topics = vec![OffsetFetchRequestTopics { name: "t".into(), partition_indexes: vec![3], ..Default::default() }];
                let group = OffsetFetchRequestGroup { group_id: "g".into(), topics: Some(topics), ..Default::default() };
                OffsetFetchRequest { groups: vec![group], ..Default::default() }
            } else {
                let topics = vec![OffsetFetchRequestTopic { name: "t".into(), partition_indexes: vec![3] }];
                OffsetFetchRequest { group_id: "g".into(), topics: Some(topics), ..Default::default() }
            };
            request.to_bytes(version).unwrap();
            let (groups, _) = groups_of(version, request);
            assert_eq!((groups[0].group_id.as_str(), groups[0].topics.as_ref().unwrap()[0].partition_indexes[0]), ("g", 3));

            let ok = offset_fetch_response(version, &groups, vec![answer(ErrorCode::None)]);
            let bytes = ok.to_bytes(version).unwrap();
            let back = OffsetFetchResponse::from_bytes(bytes, version).unwrap();
            let offset = match version {
                8.. => back.groups[0].topics[0].partitions[0].committed_offset,
                _ => back.topics[0].partitions[0].committed_offset,
            };
            assert_eq!(offset, 7);

            let refused = offset_fetch_response(version, &groups, vec![refused_group(&groups[0], ErrorCode::NotCoordinator)]);
            let back = OffsetFetchResponse::from_bytes(refused.to_bytes(version).unwrap(), version).unwrap();
            let code = match version {
                8.. => back.groups[0].error_code,
                2.. => back.error_code,
                _ => back.topics[0].partitions[0].error_code,
            };
            assert_eq!(code, 16);
        }
    }
}
