//! EndTxn: commits or aborts a transaction. Version 5 raises the producer's epoch and tells it (KIP-890).

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_one;
use crate::machine::txn::{TxnAnswer, TxnRequest, TxnShard};
use crate::wire::end_txn_request::EndTxnRequest;
use crate::wire::end_txn_response::EndTxnResponse;

pub fn handle(cx: Cx, request: EndTxnRequest) -> Reply<EndTxnResponse> {
    let id = request.transactional_id.clone();
    ask_one::<TxnShard, _>(cx, &id, TxnRequest::EndTxn(request), |answer| match answer {
        TxnAnswer::EndTxn(response) => Some(response),
        _ => None,
    })
}
