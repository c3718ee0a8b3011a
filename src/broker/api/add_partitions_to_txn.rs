//! AddPartitionsToTxn: partitions will be part of a transaction (E6), or are asked about (E7). From version 4 on only brokers send it, about
//! many transactions at once.

use crate::broker::cluster;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_many;
use crate::machine::controller::ClusterState;
use crate::machine::txn::{TxnAnswer, TxnRequest, TxnShard, shapes};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;
use crate::wire::add_partitions_to_txn_request::AddPartitionsToTxnRequest;
use crate::wire::add_partitions_to_txn_response::AddPartitionsToTxnResponse;

/// The first version that clients do not send.
const BETWEEN_BROKERS: i16 = 4;

pub fn handle(cx: Cx, request: AddPartitionsToTxnRequest) -> Reply<AddPartitionsToTxnResponse> {
    let (image, version) = (cx.broker.image(), cx.version);
    let mut questions = Vec::new();
    // In the order of the request: the id, and what is wrong already.
    let mut transactions = Vec::new();
    for add in shapes::added(version, request) {
        let refused = shapes::refused_partitions(&add.partitions, |p| error_of(&image, version, p));
        transactions.push((add.transactional_id.clone(), refused.clone()));
        if refused.is_none() {
            questions.push((cx.broker.partition_of::<TxnShard>(&add.transactional_id), TxnRequest::AddPartitions(add)));
        }
    }
    ask_many::<TxnShard, _>(cx, questions, move |answers| {
        let mut answers = answers.into_iter();
        let mut results = Vec::with_capacity(transactions.len());
        for (id, refused) in transactions {
            let errors = match refused {
                Some(errors) => errors,
                None => match answers.next()? {
                    TxnAnswer::AddPartitions(errors) => errors,
                    _ => return None,
                },
            };
            results.push((id, errors));
        }
        Some(shapes::add_response(version, results))
    })
}

/// What is wrong with a partition before anyone looks at its transaction.
fn error_of(image: &ClusterState, version: i16, p: &TopicPartition) -> Option<ErrorCode> {
    if version < BETWEEN_BROKERS && cluster::is_internal(&p.topic) {
        return Some(ErrorCode::TopicAuthorizationFailed);
    }
    image.partition(&p.topic, p.partition).is_none().then_some(ErrorCode::UnknownTopicOrPartition)
}
