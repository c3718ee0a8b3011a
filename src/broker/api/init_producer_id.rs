//! InitProducerId: a producer id for an idempotent producer.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::init_producer_id_request::InitProducerIdRequest;
use crate::wire::init_producer_id_response::InitProducerIdResponse;

pub fn handle(cx: Cx, request: InitProducerIdRequest) -> Reply<InitProducerIdResponse> {
    match &request.transactional_id {
        Some(id) if id.is_empty() => Reply::now(refused(ErrorCode::InvalidRequest)),
        // There is no transaction coordinator yet, so no broker can be named as one either.
        Some(_) => Reply::now(refused(ErrorCode::CoordinatorNotAvailable)),
        None if (request.producer_id < 0) != (request.producer_epoch < 0) => Reply::now(refused(ErrorCode::InvalidRequest)),
        None => match cx.broker.producer_ids.at_hand() {
            Some(id) => Reply::now(given(id)),
            None => Reply::blocking(move || cx.broker.next_producer_id().map_or_else(refused, given)),
        },
    }
}

fn given(producer_id: i64) -> InitProducerIdResponse {
    InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() }
}

fn refused(code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse { error_code: code.code(), producer_id: -1, producer_epoch: -1, ..Default::default() }
}
