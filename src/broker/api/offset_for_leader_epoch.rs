//! OffsetForLeaderEpoch: where a leader epoch ends, for readers that suspect their log has parted from the leader's.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::log::EpochEnd;
use crate::machine::controller::ClusterState;
use crate::wire::ErrorCode;
use crate::wire::offset_for_leader_epoch_request::{OffsetForLeaderEpochRequest, OffsetForLeaderPartition};
use crate::wire::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult};

pub fn handle(cx: Cx, request: OffsetForLeaderEpochRequest) -> Reply<OffsetForLeaderEpochResponse> {
    Reply::blocking(move || {
        let image = cx.broker.image();
        let topics = request.topics.iter().map(|t| OffsetForLeaderTopicResult {
            topic: t.topic.clone(),
            partitions: t.partitions.iter().map(|p| shown(p, find(&cx, &image, &t.topic, p))).collect(),
        });
        OffsetForLeaderEpochResponse { topics: topics.collect(), ..Default::default() }
    })
}

fn find(cx: &Cx, image: &ClusterState, topic: &str, p: &OffsetForLeaderPartition) -> Result<EpochEnd, ErrorCode> {
    let topic = image.topic(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let hosted = cx.broker.partitions.get(topic, p.partition)?;
    hosted.with_open(&cx.broker, |partition| partition.end_of_epoch(p.leader_epoch, p.current_leader_epoch))?
}

fn shown(p: &OffsetForLeaderPartition, found: Result<EpochEnd, ErrorCode>) -> EpochEndOffset {
    let (code, end) = match found {
        Ok(end) => (ErrorCode::None, end),
        Err(code) => (code, EpochEnd::UNKNOWN),
    };
    EpochEndOffset { error_code: code.code(), partition: p.partition, leader_epoch: end.epoch, end_offset: end.end }
}
