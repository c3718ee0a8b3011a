//! DescribeTransactions: state, age and partitions of transactional ids.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_many;
use crate::machine::txn::{TxnAnswer, TxnRequest, TxnShard};
use crate::wire::describe_transactions_request::DescribeTransactionsRequest;
use crate::wire::describe_transactions_response::DescribeTransactionsResponse;

pub fn handle(cx: Cx, request: DescribeTransactionsRequest) -> Reply<DescribeTransactionsResponse> {
    let one = |id: String| (cx.broker.partition_of::<TxnShard>(&id), TxnRequest::DescribeTransaction(id));
    let questions = request.transactional_ids.into_iter().map(one).collect();
    ask_many::<TxnShard, _>(cx, questions, |answers| {
        let described = answers.into_iter().map(|answer| match answer {
            TxnAnswer::DescribeTransaction(state) => Some(state),
            _ => None,
        });
        let transaction_states = described.collect::<Option<_>>()?;
        Some(DescribeTransactionsResponse { transaction_states, ..Default::default() })
    })
}
