//! AddOffsetsToTxn: a group's offsets will be part of a transaction (E18). Clients from transaction version 2 on do without it.

use crate::broker::cluster::OFFSETS_TOPIC;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_one;
use crate::machine::group::GroupShard;
use crate::machine::txn::{TxnAnswer, TxnRequest, TxnShard, shapes};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;
use crate::wire::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use crate::wire::add_offsets_to_txn_response::AddOffsetsToTxnResponse;

pub fn handle(cx: Cx, request: AddOffsetsToTxnRequest) -> Reply<AddOffsetsToTxnResponse> {
    if cx.broker.image().topic(OFFSETS_TOPIC).is_some() {
        return add(cx, request);
    }
    // The group was never used, so nobody has asked for its coordinator yet.
    Reply::Blocking(Box::new(move || {
        cx.broker.ensure_internal_topic(OFFSETS_TOPIC);
        add(cx, request)
    }))
}

fn add(cx: Cx, request: AddOffsetsToTxnRequest) -> Reply<AddOffsetsToTxnResponse> {
    let Some(partition) = cx.broker.partition_of::<GroupShard>(&request.group_id) else {
        let error_code = ErrorCode::CoordinatorNotAvailable.code();
        return Reply::now(AddOffsetsToTxnResponse { error_code, ..Default::default() });
    };
    let id = request.transactional_id.clone();
    let body = TxnRequest::AddPartitions(shapes::added_offsets(request, TopicPartition::new(OFFSETS_TOPIC, partition)));
    ask_one::<TxnShard, _>(cx, &id, body, |answer| match answer {
        TxnAnswer::AddPartitions(errors) => Some(shapes::add_offsets_response(&errors)),
        _ => None,
    })
}
