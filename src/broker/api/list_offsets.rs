//! ListOffsets: offsets by time. Version 2 brought isolation, 4 leader epochs, 7 the largest timestamp, 8 the local begin, 9 and 11 tiers.

use std::collections::BTreeMap;

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::ClusterState;
use crate::machine::partition::Reader;
use crate::node::partition::{Found, Lookup};
use crate::wire::ErrorCode;
use crate::wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest};
use crate::wire::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse};

const READ_COMMITTED: i8 = 1;

pub fn handle(cx: Cx, request: ListOffsetsRequest) -> Reply<ListOffsetsResponse> {
    // Looking a time up reads the log.
    Reply::blocking(move || find_all(&cx, &request))
}

fn find_all(cx: &Cx, request: &ListOffsetsRequest) -> ListOffsetsResponse {
    let image = cx.broker.image();
    let reader = match (request.replica_id, request.isolation_level) {
        (0.., _) => Reader::Replica,
        (_, READ_COMMITTED) => Reader::Committed,
        _ => Reader::Uncommitted,
    };
    let mut named: BTreeMap<(&str, i32), u32> = BTreeMap::new();
    for topic in &request.topics {
        for p in &topic.partitions {
            *named.entry((&topic.name, p.partition_index)).or_default() += 1;
        }
    }
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|p| {
            let twice = named.get(&(topic.name.as_str(), p.partition_index)).is_some_and(|n| *n > 1);
            let found = if twice { Err(ErrorCode::InvalidRequest) } else { find(cx, &image, &topic.name, p, reader) };
            shown(cx, p.partition_index, found)
        });
        ListOffsetsTopicResponse { name: topic.name.clone(), partitions: partitions.collect() }
    });
    ListOffsetsResponse { topics: topics.collect(), ..Default::default() }
}

/// What a timestamp field asks for; `None`: an offset of tiered storage, of which there is none.
fn lookup(timestamp: i64, version: i16) -> Result<Option<Lookup>, ErrorCode> {
    match timestamp {
        0.. => Ok(Some(Lookup::AtOrAfter(timestamp))),
        -1 => Ok(Some(Lookup::Latest)),
        -2 => Ok(Some(Lookup::Earliest)),
        -3 if version >= 7 => Ok(Some(Lookup::MaxTimestamp)),
        -4 if version >= 8 => Ok(Some(Lookup::Earliest)),
        -5 if version >= 9 => Ok(None),
        -6 if version >= 11 => Ok(None),
        _ => Err(ErrorCode::UnsupportedVersion),
    }
}

fn find(cx: &Cx, image: &ClusterState, topic: &str, p: &ListOffsetsPartition, reader: Reader) -> Result<Found, ErrorCode> {
    let lookup = lookup(p.timestamp, cx.version)?;
    let topic = image.topic(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let hosted = cx.broker.partitions.get(topic, p.partition_index)?;
    let Some(lookup) = lookup else { return Ok(Found::NONE) };
    hosted.with_open(&cx.broker, |partition| partition.find(lookup, reader, p.current_leader_epoch))?
}

fn shown(cx: &Cx, partition_index: i32, found: Result<Found, ErrorCode>) -> ListOffsetsPartitionResponse {
    let (code, found) = match found {
        Ok(found) => (ErrorCode::None, found),
        Err(ErrorCode::OffsetNotAvailable) if cx.version < 5 => (ErrorCode::LeaderNotAvailable, Found::NONE),
        Err(code) => (code, Found::NONE),
    };
    ListOffsetsPartitionResponse {
        partition_index,
        error_code: code.code(),
        timestamp: found.timestamp,
        offset: found.offset,
        leader_epoch: if cx.version >= 4 { found.leader_epoch } else { -1 },
    }
}
