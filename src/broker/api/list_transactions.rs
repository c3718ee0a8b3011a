//! ListTransactions: the transactional ids of all coordinators on this broker. Version 1 filters by age, 2 by a pattern.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_many;
use crate::machine::txn::{TxnAnswer, TxnRequest, TxnShard, shapes};
use crate::wire::list_transactions_request::ListTransactionsRequest;
use crate::wire::list_transactions_response::ListTransactionsResponse;

pub fn handle(cx: Cx, request: ListTransactionsRequest) -> Reply<ListTransactionsResponse> {
    let (filter, unknown) = match shapes::list_filter(request) {
        Ok(understood) => understood,
        Err(code) => return Reply::now(ListTransactionsResponse { error_code: code.code(), ..Default::default() }),
    };
    let all = cx.broker.partitions_of::<TxnShard>();
    let questions = all.into_iter().map(|p| (Some(p), TxnRequest::ListTransactions(filter.clone()))).collect();
    ask_many::<TxnShard, _>(cx, questions, move |answers| {
        let listed = answers.into_iter().map(|answer| match answer {
            TxnAnswer::ListTransactions(listed) => Some(listed),
            _ => None,
        });
        Some(shapes::list_response(unknown, listed.collect::<Option<Vec<_>>>()?))
    })
}
