//! Requests that name several transactions, or come in several shapes, taken apart for the shards and put together again.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::requests::{AddPartitions, ListFilter, Purpose};
use super::state::{TransactionVersion, TxnState};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;
use crate::wire::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use crate::wire::add_offsets_to_txn_response::AddOffsetsToTxnResponse;
use crate::wire::add_partitions_to_txn_request::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use crate::wire::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResponse, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use crate::wire::list_transactions_request::ListTransactionsRequest;
use crate::wire::list_transactions_response::{ListTransactionsResponse, TransactionState as Listed};

/// The first version that only brokers send, about many transactions.
const ADD_MANY: i16 = 4;

/// The partitions of a request and how each fares.
pub type PartitionErrors = Vec<(TopicPartition, ErrorCode)>;

/// The transactions that an AddPartitionsToTxn names.
pub fn added(version: i16, request: AddPartitionsToTxnRequest) -> Vec<AddPartitions> {
    let add = Purpose::Add(TransactionVersion::of_add_partitions(version));
    if version < ADD_MANY {
        return vec![AddPartitions {
            transactional_id: request.v3_and_below_transactional_id,
            producer_id: request.v3_and_below_producer_id,
            producer_epoch: request.v3_and_below_producer_epoch,
            partitions: partitions(request.v3_and_below_topics),
            purpose: add,
        }];
    }
    let each = request.transactions.into_iter().map(|txn| AddPartitions {
        transactional_id: txn.transactional_id,
        producer_id: txn.producer_id,
        producer_epoch: txn.producer_epoch,
        partitions: partitions(txn.topics),
        purpose: if txn.verify_only { Purpose::Verify } else { add },
    });
    each.collect()
}

fn partitions(topics: Vec<AddPartitionsToTxnTopic>) -> Vec<TopicPartition> {
    topics.into_iter().flat_map(|t| t.partitions.into_iter().map(move |p| TopicPartition::new(t.name.clone(), p))).collect()
}

/// E6: one bad partition is enough. `error_of` says what is wrong with a partition; `None` if nothing is wrong with any.
pub fn refused_partitions(
    partitions: &[TopicPartition],
    error_of: impl Fn(&TopicPartition) -> Option<ErrorCode>,
) -> Option<PartitionErrors> {
    let errors: Vec<Option<ErrorCode>> = partitions.iter().map(error_of).collect();
    if errors.iter().all(Option::is_none) {
        return None;
    }
    let each = partitions.iter().zip(errors).map(|(p, e)| (p.clone(), e.unwrap_or(ErrorCode::OperationNotAttempted)));
    Some(each.collect())
}

/// The answer to an AddPartitionsToTxn: how the partitions of each transactional id fare.
pub fn add_response(version: i16, results: Vec<(String, PartitionErrors)>) -> AddPartitionsToTxnResponse {
    let mut each = results.into_iter().map(|(transactional_id, errors)| (transactional_id, topic_results(errors)));
    if version < ADD_MANY {
        let results_by_topic_v3_and_below = each.next().map(|(_, topics)| topics).unwrap_or_default();
        return AddPartitionsToTxnResponse { results_by_topic_v3_and_below, ..Default::default() };
    }
    let results_by_transaction = each.map(|(transactional_id, topic_results)| AddPartitionsToTxnResult { transactional_id, topic_results });
    AddPartitionsToTxnResponse { results_by_transaction: results_by_transaction.collect(), ..Default::default() }
}

fn topic_results(errors: PartitionErrors) -> Vec<AddPartitionsToTxnTopicResult> {
    let mut topics: BTreeMap<String, Vec<AddPartitionsToTxnPartitionResult>> = BTreeMap::new();
    for (TopicPartition { topic, partition }, error) in errors {
        let result = AddPartitionsToTxnPartitionResult { partition_index: partition, partition_error_code: error.code() };
        topics.entry(topic).or_default().push(result);
    }
    let each = topics.into_iter().map(|(name, results_by_partition)| AddPartitionsToTxnTopicResult { name, results_by_partition });
    each.collect()
}

/// E18: an AddOffsetsToTxn adds the partition in which the group's offsets are.
pub fn added_offsets(request: AddOffsetsToTxnRequest, offsets_partition: TopicPartition) -> AddPartitions {
    AddPartitions {
        transactional_id: request.transactional_id,
        producer_id: request.producer_id,
        producer_epoch: request.producer_epoch,
        partitions: vec![offsets_partition],
        purpose: Purpose::Add(TransactionVersion::V0),
    }
}

/// The answer to an AddOffsetsToTxn.
pub fn add_offsets_response(errors: &PartitionErrors) -> AddOffsetsToTxnResponse {
    AddOffsetsToTxnResponse { error_code: errors.first().map_or(0, |(_, error)| error.code()), ..Default::default() }
}

/// What a ListTransactions asks for, and the names of states that do not exist. Error: the pattern cannot be understood.
pub fn list_filter(request: ListTransactionsRequest) -> Result<(ListFilter, Vec<String>), ErrorCode> {
    let (known, unknown): (Vec<_>, Vec<_>) =
        request.state_filters.into_iter().map(|name| TxnState::from_name(&name).ok_or(name)).partition(Result::is_ok);
    let unknown: Vec<String> = unknown.into_iter().filter_map(Result::err).collect();
    let states: BTreeSet<TxnState> = known.into_iter().flatten().collect();
    let pattern = request.transactional_id_pattern.filter(|pattern| !pattern.is_empty());
    let filter = ListFilter {
        producer_ids: request.producer_id_filters.into_iter().collect(),
        // A filter of unknown names only lets nothing through.
        states: (!states.is_empty() || !unknown.is_empty()).then_some(states),
        longer_than_ms: Some(request.duration_filter).filter(|ms| *ms >= 0),
        pattern: pattern.as_deref().map(whole).transpose()?,
    };
    Ok((filter, unknown))
}

/// A pattern that has to match from end to end.
fn whole(pattern: &str) -> Result<Regex, ErrorCode> {
    let checked = Regex::new(pattern).map_err(|_| ErrorCode::InvalidRegularExpression)?;
    Regex::new(&format!(r"\A(?:{})\z", checked.as_str())).map_err(|_| ErrorCode::InvalidRegularExpression)
}

/// The answer to a ListTransactions, from those of the shards. One that cannot answer spoils it for all: a list that leaves out ids says
/// that they do not exist.
pub fn list_response(
    unknown_state_filters: Vec<String>,
    shards: impl IntoIterator<Item = Result<Vec<Listed>, ErrorCode>>,
) -> ListTransactionsResponse {
    match shards.into_iter().collect::<Result<Vec<_>, _>>() {
        Ok(listed) => {
            let transaction_states = listed.into_iter().flatten().collect();
            ListTransactionsResponse { unknown_state_filters, transaction_states, ..Default::default() }
        }
        Err(error) => ListTransactionsResponse { error_code: error.code(), ..Default::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::add_partitions_to_txn_request::AddPartitionsToTxnTransaction;

    fn topics() -> Vec<AddPartitionsToTxnTopic> {
        vec![
            AddPartitionsToTxnTopic { name: "b".into(), partitions: vec![1, 0] },
            AddPartitionsToTxnTopic { name: "a".into(), partitions: vec![7] },
        ]
    }

    #[test]
    fn e6_one_transaction_below_version_4_and_many_from_there() {
        let old = AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: "x".into(),
            v3_and_below_producer_id: 5,
            v3_and_below_producer_epoch: 6,
            v3_and_below_topics: topics(),
            ..Default::default()
        };
        let [one] = &added(3, old)[..] else { panic!() };
        assert_eq!((one.transactional_id.as_str(), one.producer_id, one.producer_epoch), ("x", 5, 6));
        assert_eq!(one.partitions, [TopicPartition::new("b", 1), TopicPartition::new("b", 0), TopicPartition::new("a", 7)]);
        assert_eq!(one.purpose, Purpose::Add(TransactionVersion::V0));

        let txn = |verify_only| AddPartitionsToTxnTransaction { verify_only, topics: topics(), ..Default::default() };
        let many = added(5, AddPartitionsToTxnRequest { transactions: vec![txn(true), txn(false)], ..Default::default() });
        let purposes: Vec<Purpose> = many.iter().map(|add| add.purpose).collect();
        assert_eq!(purposes, [Purpose::Verify, Purpose::Add(TransactionVersion::V2)]);
    }

    #[test]
    fn e6_one_bad_partition_fails_all() {
        let all = [TopicPartition::new("a", 0), TopicPartition::new("b", 0)];
        assert_eq!(refused_partitions(&all, |_| None), None);
        let bad = |p: &TopicPartition| (p.topic == "b").then_some(ErrorCode::UnknownTopicOrPartition);
        let errors: Vec<ErrorCode> = refused_partitions(&all, bad).unwrap().into_iter().map(|(_, error)| error).collect();
        assert_eq!(errors, [ErrorCode::OperationNotAttempted, ErrorCode::UnknownTopicOrPartition]);
    }

    #[test]
    fn answers_are_grouped_by_topic_in_the_shape_of_their_version() {
        let errors = vec![(TopicPartition::new("b", 1), ErrorCode::None), (TopicPartition::new("a", 7), ErrorCode::ProducerFenced)];
        let old = add_response(3, vec![("x".into(), errors.clone())]);
        assert!(old.results_by_transaction.is_empty());
        let shown: Vec<(&str, i32, i16)> = old
            .results_by_topic_v3_and_below
            .iter()
            .flat_map(|t| t.results_by_partition.iter().map(|p| (t.name.as_str(), p.partition_index, p.partition_error_code)))
            .collect();
        assert_eq!(shown, [("a", 7, 90), ("b", 1, 0)]);
        let new = add_response(4, vec![("x".into(), errors), ("y".into(), vec![])]);
        assert!(new.results_by_topic_v3_and_below.is_empty());
        let ids: Vec<&str> = new.results_by_transaction.iter().map(|r| r.transactional_id.as_str()).collect();
        assert_eq!(ids, ["x", "y"]);
    }

    #[test]
    fn e21_a_pattern_must_match_the_whole_id_and_be_one() {
        let pattern = |p: &str| ListTransactionsRequest { transactional_id_pattern: Some(p.into()), ..Default::default() };
        let (filter, _) = list_filter(pattern("a|bc")).unwrap();
        let matches = |id: &str| filter.pattern.as_ref().unwrap().is_match(id);
        assert_eq!((matches("a"), matches("bc"), matches("ab"), matches("c"), matches("abc")), (true, true, false, false, false));
        assert!(list_filter(pattern("")).unwrap().0.pattern.is_none());
        for bad in ["(", "a)(b", "*"] {
            assert_eq!(list_filter(pattern(bad)).unwrap_err(), ErrorCode::InvalidRegularExpression, "{bad}");
        }
    }

    #[test]
    fn e21_unknown_states_are_told_and_match_nothing() {
        let request =
            |names: &[&str]| ListTransactionsRequest { state_filters: names.iter().map(|n| n.to_string()).collect(), ..Default::default() };
        let (filter, unknown) = list_filter(request(&["Ongoing", "Nonsense"])).unwrap();
        assert_eq!((filter.states, unknown), (Some([TxnState::Ongoing].into()), vec!["Nonsense".to_string()]));
        assert_eq!(list_filter(request(&["Nonsense"])).unwrap().0.states, Some(BTreeSet::new()));
        assert_eq!(list_filter(request(&[])).unwrap().0.states, None);
    }

    #[test]
    fn e21_a_shard_that_loads_spoils_the_list() {
        let listed = Listed { transactional_id: "x".into(), ..Default::default() };
        let all = list_response(vec![], [Ok(vec![listed.clone()]), Ok(vec![]), Ok(vec![listed.clone()])]);
        assert_eq!(all.transaction_states.len(), 2);
        let none = list_response(vec![], [Ok(vec![listed]), Err(ErrorCode::CoordinatorLoadInProgress)]);
        assert_eq!((none.error_code, none.transaction_states.len()), (14, 0));
    }
}
