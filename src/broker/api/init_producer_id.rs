//! InitProducerId: a producer id; with a transactional id, the one that belongs to it. Version 3 lets a producer go on with the id and epoch
//! it has, 4 knows PRODUCER_FENCED.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_one;
use crate::machine::txn::{TxnAnswer, TxnRequest, TxnShard};
use crate::wire::ErrorCode;
use crate::wire::init_producer_id_request::InitProducerIdRequest;
use crate::wire::init_producer_id_response::InitProducerIdResponse;

pub fn handle(cx: Cx, request: InitProducerIdRequest) -> Reply<InitProducerIdResponse> {
    if let Some(id) = request.transactional_id.clone() {
        return ask_one::<TxnShard, _>(cx, &id, TxnRequest::InitProducerId(request), |answer| match answer {
            TxnAnswer::InitProducerId(response) => Some(response),
            _ => None,
        });
    }
    if (request.producer_id < 0) != (request.producer_epoch < 0) {
        return Reply::now(refused(ErrorCode::InvalidRequest));
    }
    match cx.broker.producer_ids.at_hand() {
        Some(id) => Reply::now(given(id)),
        None => Reply::blocking(move || cx.broker.next_producer_id().map_or_else(refused, given)),
    }
}

fn given(producer_id: i64) -> InitProducerIdResponse {
    InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() }
}

fn refused(code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse { error_code: code.code(), producer_id: -1, producer_epoch: -1, ..Default::default() }
}
