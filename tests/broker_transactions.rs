//! Transactions over real sockets (facts P1, P6, P7, F12 to F14, E, X8).

#[path = "kill9/bank.rs"]
mod bank;
mod common;
#[path = "broker_transactions/library.rs"]
mod library;
#[path = "broker_transactions/through.rs"]
mod through;
#[path = "broker_transactions/transform.rs"]
mod transform;

use std::collections::BTreeSet;

use bytes::Bytes;
use common::records::*;
use common::{Client, TestBroker};
use kfk::record::{BatchOptions, ControlRecord, batches};
use kfk::wire::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use kfk::wire::add_partitions_to_txn_request::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kfk::wire::add_partitions_to_txn_response::AddPartitionsToTxnResult;
use kfk::wire::api_versions_request::ApiVersionsRequest;
use kfk::wire::delete_topics_request::DeleteTopicsRequest;
use kfk::wire::describe_producers_request::{DescribeProducersRequest, TopicRequest};
use kfk::wire::describe_producers_response::ProducerState;
use kfk::wire::describe_transactions_request::DescribeTransactionsRequest;
use kfk::wire::describe_transactions_response::TransactionState;
use kfk::wire::end_txn_request::EndTxnRequest;
use kfk::wire::fetch_request::FetchRequest;
use kfk::wire::fetch_response::PartitionData;
use kfk::wire::find_coordinator_request::FindCoordinatorRequest;
use kfk::wire::init_producer_id_request::InitProducerIdRequest;
use kfk::wire::list_transactions_request::ListTransactionsRequest;
use kfk::wire::metadata_request::{MetadataRequest, MetadataRequestTopic};
use kfk::wire::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kfk::wire::offset_fetch_response::OffsetFetchResponsePartitions;
use kfk::wire::produce_request::ProduceRequest;
use kfk::wire::txn_offset_commit_request::{TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};
use kfk::wire::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest};
use kfk::wire::{ErrorCode, Request};

const COMMIT: bool = true;
const ABORT: bool = false;

/// Producer id and epoch.
type Producer = (i64, i16);

/// A broker with topic `t` of two partitions and a transaction coordinator, and a connection.
fn started() -> (TestBroker, Client) {
    let broker = TestBroker::start(&[("transaction.state.log.num.partitions", "3")]);
    let mut client = broker.connect();
    create(&mut client, "t", 2, &[]);
    coordinator(&mut client);
    (broker, client)
}

fn coordinator(client: &mut Client) {
    let asked = FindCoordinatorRequest { key_type: 1, coordinator_keys: vec!["x".into()], ..Default::default() };
    let found = client.call(6, &asked).coordinators.remove(0);
    assert_eq!(found.error_code, 0, "{found:?}");
}

fn init(client: &mut Client, id: &str) -> Result<Producer, ErrorCode> {
    let request = InitProducerIdRequest { transactional_id: Some(id.into()), transaction_timeout_ms: 60_000, ..Default::default() };
    let response = client.call(5, &request);
    ok(response.error_code).map(|()| (response.producer_id, response.producer_epoch))
}

fn ok(code: i16) -> Result<(), ErrorCode> {
    ErrorCode::from_code(code).ok()
}

fn end(client: &mut Client, version: i16, id: &str, producer: Producer, committed: bool) -> Result<Producer, ErrorCode> {
    let (producer_id, producer_epoch) = producer;
    let response = client.call(version, &EndTxnRequest { transactional_id: id.into(), producer_id, producer_epoch, committed });
    ok(response.error_code).map(|()| (response.producer_id, response.producer_epoch))
}

fn txn_batch((producer_id, producer_epoch): Producer, base_sequence: i32, values: &[&str]) -> Bytes {
    batch_with(BatchOptions { producer_id, producer_epoch, base_sequence, transactional: true, ..Default::default() }, values)
}

/// Produces in a transaction; gives the base offset.
fn write(client: &mut Client, version: i16, id: &str, partition: i32, batch: Bytes) -> Result<i64, ErrorCode> {
    let request = ProduceRequest { transactional_id: Some(id.into()), ..produce_request("t", partition, -1, batch) };
    let response = call_produce(client, version, &request);
    ok(response.0).map(|()| response.1)
}

/// Version 13 names topics by id, so these tests stay below it.
fn call_produce(client: &mut Client, version: i16, request: &ProduceRequest) -> (i16, i64) {
    let answered = client.call(version, request).responses.remove(0).partition_responses.remove(0);
    (answered.error_code, answered.base_offset)
}

/// What a reader of committed transactions sees, as the client shows it: without aborted records and markers.
fn committed(client: &mut Client, partition: i32) -> Vec<String> {
    let request = FetchRequest { isolation_level: 1, ..fetch_request("t", partition, 0) };
    let data = only_partition(client.call(12, &request));
    assert_eq!(data.error_code, 0);
    readable(&data)
}

/// Drops aborted records and control batches as clients do (F12, F14).
fn readable(data: &PartitionData) -> Vec<String> {
    let mut aborted = data.aborted_transactions.clone().unwrap_or_default();
    let Some(bytes) = data.records.as_ref().and_then(|r| r.as_bytes()) else { return Vec::new() };
    let mut dropping = BTreeSet::new();
    let mut seen = Vec::new();
    for batch in batches(bytes).map(Result::unwrap) {
        let (producer, last) = (batch.header.producer_id, batch.header.last_offset());
        let begun: Vec<i64> = aborted.extract_if(.., |a| a.first_offset <= last).map(|a| a.producer_id).collect();
        dropping.extend(begun);
        let data = batch.data(1 << 20).unwrap();
        let mut records = data.iter().map(Result::unwrap);
        if batch.header.is_control() {
            if let Ok(ControlRecord::Abort { .. }) = ControlRecord::parse(&records.next().unwrap()) {
                dropping.remove(&producer);
            }
        } else if !(batch.header.is_transactional() && dropping.contains(&producer)) {
            seen.extend(records.map(|r| String::from_utf8(r.value.unwrap().to_vec()).unwrap()));
        }
    }
    seen
}

fn describe(client: &mut Client, id: &str) -> TransactionState {
    client.call(0, &DescribeTransactionsRequest { transactional_ids: vec![id.into()] }).transaction_states.remove(0)
}

fn producers(client: &mut Client, partition: i32) -> Vec<ProducerState> {
    let topics = vec![TopicRequest { name: "t".into(), partition_indexes: vec![partition] }];
    client.call(0, &DescribeProducersRequest { topics }).topics.remove(0).partitions.remove(0).active_producers
}

fn add_v3(client: &mut Client, id: &str, producer: Producer, partitions: &[(&str, i32)]) -> Vec<ErrorCode> {
    let topics = partitions.iter().map(|(t, p)| AddPartitionsToTxnTopic { name: t.to_string(), partitions: vec![*p] });
    let request = AddPartitionsToTxnRequest {
        v3_and_below_transactional_id: id.into(),
        v3_and_below_producer_id: producer.0,
        v3_and_below_producer_epoch: producer.1,
        v3_and_below_topics: topics.collect(),
        ..Default::default()
    };
    let answered = client.call(3, &request).results_by_topic_v3_and_below;
    let each = answered.iter().flat_map(|t| &t.results_by_partition).map(|p| ErrorCode::from_code(p.partition_error_code));
    each.collect()
}

#[test]
fn e10_f12_f14_a_committed_transaction_is_seen_whole_and_an_aborted_one_not_at_all() {
    let (_broker, mut client) = started();
    let first = init(&mut client, "x").unwrap();
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(first, 0, &["a", "b"])), Ok(0));
    assert_eq!(write(&mut client, 12, "x", 1, txn_batch(first, 0, &["c"])), Ok(0));
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(first, 2, &["d"])), Ok(2));
    assert_eq!((committed(&mut client, 0), committed(&mut client, 1)), (vec![], vec![]), "F13: nothing before the end");
    let second = end(&mut client, 5, "x", first, COMMIT).unwrap();
    assert_eq!(second, (first.0, first.1 + 1));
    assert_eq!(committed(&mut client, 0), ["a", "b", "d"]);
    assert_eq!(committed(&mut client, 1), ["c"]);
    // The next one, right away, is aborted.
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(second, 0, &["lost"])), Ok(4), "E16: the marker took one offset");
    let third = end(&mut client, 5, "x", second, ABORT).unwrap();
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(third, 0, &["kept"])), Ok(6));
    assert_eq!(committed(&mut client, 0), ["a", "b", "d"]);
    end(&mut client, 5, "x", third, COMMIT).unwrap();
    assert_eq!(committed(&mut client, 0), ["a", "b", "d", "kept"]);
    assert_eq!(records_of(&fetch(&mut client, "t", 0, 0)).len(), 5 + 3, "without isolation all is there, markers too");
    // F14: markers come as they are, each with one offset of its own.
    let data = fetch(&mut client, "t", 0, 0);
    let bytes = data.records.as_ref().and_then(|r| r.as_bytes()).unwrap();
    let all: Vec<_> = batches(bytes).map(|b| b.unwrap().header).collect();
    let control: Vec<(i64, i64)> = all.iter().filter(|h| h.is_control()).map(|h| (h.base_offset, h.last_offset())).collect();
    assert_eq!(control, [(3, 3), (5, 5), (7, 7)]);
    assert_eq!(list_offset(&mut client, "t", 0, -1).offset, 8);
}

#[test]
fn e18_x8_offsets_become_visible_with_the_transaction() {
    let (_broker, mut client) = started();
    let fetch_group = |client: &mut Client, require_stable: bool| -> OffsetFetchResponsePartitions {
        let topics = vec![OffsetFetchRequestTopics { name: "t".into(), partition_indexes: vec![0], ..Default::default() }];
        let groups = vec![OffsetFetchRequestGroup { group_id: "g".into(), topics: Some(topics), ..Default::default() }];
        let mut response = client.call(8, &OffsetFetchRequest { groups, require_stable, ..Default::default() });
        response.groups.remove(0).topics.remove(0).partitions.remove(0)
    };
    let commit = |client: &mut Client, version: i16, (producer_id, producer_epoch): Producer, committed_offset: i64| -> ErrorCode {
        let partition = |partition_index| TxnOffsetCommitRequestPartition { partition_index, committed_offset, ..Default::default() };
        let request = TxnOffsetCommitRequest {
            transactional_id: "x".into(),
            group_id: "g".into(),
            producer_id,
            producer_epoch,
            generation_id: -1,
            topics: vec![TxnOffsetCommitRequestTopic { name: "t".into(), partitions: vec![partition(0), partition(9)] }],
            ..Default::default()
        };
        let answered = client.call(version, &request).topics.remove(0).partitions;
        assert_eq!(answered[1].error_code, ErrorCode::UnknownTopicOrPartition.code(), "{answered:?}");
        ErrorCode::from_code(answered[0].error_code)
    };
    let group = FindCoordinatorRequest { key_type: 0, coordinator_keys: vec!["g".into()], ..Default::default() };
    assert_eq!(client.call(6, &group).coordinators[0].error_code, 0);

    let first = init(&mut client, "x").unwrap();
    assert_eq!(commit(&mut client, 5, first, 7), ErrorCode::None);
    assert_eq!(fetch_group(&mut client, true).error_code, ErrorCode::UnstableOffsetCommit.code());
    assert_eq!(fetch_group(&mut client, false).committed_offset, -1);
    let second = end(&mut client, 5, "x", first, COMMIT).unwrap();
    assert_eq!(fetch_group(&mut client, true).committed_offset, 7);
    assert_eq!(commit(&mut client, 5, second, 8), ErrorCode::None);
    let third = end(&mut client, 5, "x", second, ABORT).unwrap();
    assert_eq!(fetch_group(&mut client, true).committed_offset, 7);
    // A producer that was replaced commits nothing.
    assert_eq!(commit(&mut client, 5, first, 99), ErrorCode::InvalidProducerEpoch);

    // Before KIP-890 the partition of the offsets is added first.
    assert_eq!(commit(&mut client, 4, third, 10), ErrorCode::TransactionAbortable);
    assert_eq!(commit(&mut client, 3, third, 10), ErrorCode::InvalidTxnState);
    let add = AddOffsetsToTxnRequest { transactional_id: "x".into(), producer_id: third.0, producer_epoch: third.1, group_id: "g".into() };
    assert_eq!(client.call(4, &add).error_code, 0);
    assert_eq!(commit(&mut client, 4, third, 10), ErrorCode::None);
    end(&mut client, 4, "x", third, COMMIT).unwrap();
    assert_eq!(fetch_group(&mut client, true).committed_offset, 10);
}

#[test]
fn e18_the_offsets_topic_is_made_when_a_transaction_needs_it() {
    let (_broker, mut client) = started();
    let (producer_id, producer_epoch) = init(&mut client, "x").unwrap();
    let add = AddOffsetsToTxnRequest { transactional_id: "x".into(), producer_id, producer_epoch, group_id: "g".into() };
    assert_eq!(client.call(3, &add).error_code, 0);
    assert_eq!(describe(&mut client, "x").topics[0].topic, "__consumer_offsets");
}

#[test]
fn e7_p7_before_kip_890_partitions_have_to_be_added_before_they_are_written() {
    let (_broker, mut client) = started();
    let mine = init(&mut client, "x").unwrap();
    assert_eq!(write(&mut client, 11, "x", 0, txn_batch(mine, 0, &["a"])), Err(ErrorCode::TransactionAbortable));
    assert_eq!(write(&mut client, 9, "x", 0, txn_batch(mine, 0, &["a"])), Err(ErrorCode::InvalidTxnState));
    assert_eq!(add_v3(&mut client, "x", mine, &[("t", 0)]), [ErrorCode::None]);
    assert_eq!(write(&mut client, 11, "x", 1, txn_batch(mine, 0, &["a"])), Err(ErrorCode::TransactionAbortable));
    assert_eq!(write(&mut client, 11, "x", 0, txn_batch(mine, 0, &["a"])), Ok(0));
    assert_eq!(write(&mut client, 11, "x", 0, txn_batch(mine, 1, &["b"])), Ok(1));
    assert_eq!(end(&mut client, 4, "x", mine, COMMIT), Ok((-1, -1)));
    assert_eq!(committed(&mut client, 0), ["a", "b"]);
    // The next transaction does not have the partition by itself.
    assert_eq!(write(&mut client, 11, "x", 0, txn_batch(mine, 2, &["c"])), Err(ErrorCode::TransactionAbortable));
    assert_eq!(add_v3(&mut client, "x", mine, &[("t", 0)]), [ErrorCode::None]);
    assert_eq!(write(&mut client, 11, "x", 0, txn_batch(mine, 2, &["c"])), Ok(3));
    assert_eq!(end(&mut client, 4, "x", mine, ABORT), Ok((-1, -1)));
    assert_eq!(committed(&mut client, 0), ["a", "b"]);
}

#[test]
fn e7_verification_can_be_turned_off() {
    let broker =
        TestBroker::start(&[("transaction.partition.verification.enable", "false"), ("transaction.state.log.num.partitions", "1")]);
    let mut client = broker.connect();
    create(&mut client, "t", 1, &[]);
    coordinator(&mut client);
    let mine = init(&mut client, "x").unwrap();
    assert_eq!(write(&mut client, 11, "x", 0, txn_batch(mine, 0, &["a"])), Ok(0), "which leaves a transaction that nobody ends");
    assert_eq!(producers(&mut client, 0)[0].current_txn_start_offset, 0);
}

#[test]
fn p1_p6_whose_batches_are_refused_at_once() {
    let (_broker, mut client) = started();
    let mine = init(&mut client, "x").unwrap();
    let no_id = call_produce(&mut client, 12, &produce_request("t", 0, -1, txn_batch(mine, 0, &["a"])));
    assert_eq!(no_id.0, ErrorCode::TransactionalIdAuthorizationFailed.code());
    let other = init(&mut client, "y").unwrap();
    let mut request = ProduceRequest { transactional_id: Some("x".into()), ..produce_request("t", 0, -1, txn_batch(mine, 0, &["a"])) };
    let second = produce_request("t", 1, -1, txn_batch(other, 0, &["b"])).topic_data.remove(0).partition_data.remove(0);
    request.topic_data[0].partition_data.push(second);
    let answered = client.call(12, &request).responses.remove(0).partition_responses;
    assert!(answered.iter().all(|p| p.error_code == ErrorCode::InvalidProducerIdMapping.code()), "{answered:?}");
    assert!(producers(&mut client, 0).is_empty());
}

#[test]
fn e2_a_new_producer_shuts_out_the_old_one_and_what_it_had_open() {
    let (_broker, mut client) = started();
    let old = init(&mut client, "x").unwrap();
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(old, 0, &["lost"])), Ok(0));
    assert_eq!(init(&mut client, "x"), Err(ErrorCode::ConcurrentTransactions));
    let new = init(&mut client, "x").unwrap();
    assert_eq!(new, (old.0, old.1 + 2));
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(old, 1, &["late"])), Err(ErrorCode::InvalidProducerEpoch));
    assert_eq!(write(&mut client, 12, "x", 1, txn_batch(old, 0, &["late"])), Err(ErrorCode::InvalidProducerEpoch), "never written by it");
    assert_eq!(end(&mut client, 5, "x", old, COMMIT), Err(ErrorCode::ProducerFenced));
    assert_eq!(end(&mut client, 1, "x", old, COMMIT), Err(ErrorCode::InvalidProducerEpoch), "E5");
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(new, 0, &["kept"])), Ok(2));
    end(&mut client, 5, "x", new, COMMIT).unwrap();
    assert_eq!(committed(&mut client, 0), ["kept"]);
}

#[test]
fn i7_i10_sequences_of_transactional_producers() {
    let (_broker, mut client) = started();
    let mine = init(&mut client, "x").unwrap();
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(mine, 3, &["a"])), Err(ErrorCode::OutOfOrderSequenceNumber), "I7");
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(mine, 0, &["a"])), Ok(0));
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(mine, 0, &["a"])), Ok(0), "I2");
    let plain = numbered(mine.0, mine.1, 1, &["b"]);
    assert_eq!(write(&mut client, 12, "x", 0, plain), Err(ErrorCode::InvalidTxnState), "I10");
}

#[test]
fn e6_what_is_wrong_with_the_partitions_themselves() {
    let (_broker, mut client) = started();
    let mine = init(&mut client, "x").unwrap();
    let told = add_v3(&mut client, "x", mine, &[("t", 0), ("t", 9), ("nope", 0), ("__transaction_state", 0)]);
    use ErrorCode::*;
    assert_eq!(told, [TopicAuthorizationFailed, UnknownTopicOrPartition, OperationNotAttempted, UnknownTopicOrPartition]);
    assert_eq!(describe(&mut client, "x").transaction_state, "Empty");
}

#[test]
fn e6_e7_between_brokers_one_request_asks_for_many_transactions() {
    let (_broker, mut client) = started();
    let (x, y) = (init(&mut client, "x").unwrap(), init(&mut client, "y").unwrap());
    let txn = |id: &str, (producer_id, producer_epoch): Producer, partition: i32, verify_only: bool| AddPartitionsToTxnTransaction {
        transactional_id: id.into(),
        producer_id,
        producer_epoch,
        verify_only,
        topics: vec![AddPartitionsToTxnTopic { name: "t".into(), partitions: vec![partition] }],
    };
    let mut ask = |transactions: Vec<AddPartitionsToTxnTransaction>| -> Vec<(String, ErrorCode)> {
        let answered = client.call(5, &AddPartitionsToTxnRequest { transactions, ..Default::default() });
        assert_eq!(answered.error_code, 0);
        let code = |r: &AddPartitionsToTxnResult| ErrorCode::from_code(r.topic_results[0].results_by_partition[0].partition_error_code);
        answered.results_by_transaction.iter().map(|r| (r.transactional_id.clone(), code(r))).collect()
    };
    let told = ask(vec![txn("x", x, 0, false), txn("y", y, 9, false), txn("y", y, 0, true)]);
    let expected = [("x", ErrorCode::None), ("y", ErrorCode::UnknownTopicOrPartition), ("y", ErrorCode::TransactionAbortable)];
    assert_eq!(told, expected.map(|(id, code)| (id.to_string(), code)));
    assert_eq!(ask(vec![txn("x", x, 0, true)]), [("x".to_string(), ErrorCode::None)]);
}

#[test]
fn e14_a_deleted_topic_does_not_hold_up_its_transaction() {
    let (_broker, mut client) = started();
    create(&mut client, "gone", 1, &[]);
    let mine = init(&mut client, "x").unwrap();
    assert_eq!(add_v3(&mut client, "x", mine, &[("t", 0), ("gone", 0)]), [ErrorCode::None, ErrorCode::None]);
    let delete = DeleteTopicsRequest { topic_names: vec!["gone".into()], ..Default::default() };
    assert_eq!(client.call(5, &delete).responses[0].error_code, 0);
    end(&mut client, 4, "x", mine, COMMIT).unwrap();
    assert_eq!(describe(&mut client, "x").transaction_state, "CompleteCommit");
}

#[test]
fn e17_a_transaction_whose_producer_is_gone_ends_by_itself() {
    let settings = [("transaction.state.log.num.partitions", "1"), ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "50")];
    let broker = TestBroker::start(&settings);
    let mut client = broker.connect();
    create(&mut client, "t", 2, &[]);
    coordinator(&mut client);
    let request = InitProducerIdRequest { transactional_id: Some("x".into()), transaction_timeout_ms: 100, ..Default::default() };
    let response = client.call(5, &request);
    let mine = (response.producer_id, response.producer_epoch);
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(mine, 0, &["lost"])), Ok(0));
    assert_eq!(produce_ok(&mut client, "t", 0, batch(&["behind it"])), 1);
    let begun = std::time::Instant::now();
    while committed(&mut client, 0).is_empty() {
        assert!(begun.elapsed().as_secs() < 10, "the last stable offset is stuck");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(committed(&mut client, 0), ["behind it"]);
    assert_eq!(write(&mut client, 12, "x", 0, txn_batch(mine, 1, &["late"])), Err(ErrorCode::InvalidProducerEpoch));
}

#[test]
fn e19_transactions_go_on_after_a_restart() {
    let (mut broker, mut client) = started();
    let open = init(&mut client, "open").unwrap();
    let done = init(&mut client, "done").unwrap();
    assert_eq!(write(&mut client, 12, "open", 0, txn_batch(open, 0, &["a"])), Ok(0));
    assert_eq!(write(&mut client, 12, "done", 1, txn_batch(done, 0, &["b"])), Ok(0));
    let next = end(&mut client, 5, "done", done, COMMIT).unwrap();
    broker.stop();
    let again = TestBroker::start_in(broker.dir(), &[]);
    let mut client = again.connect();
    assert_eq!((describe(&mut client, "open").transaction_state.as_str(), committed(&mut client, 1)), ("Ongoing", vec!["b".to_string()]));
    assert_eq!(end(&mut client, 5, "done", done, COMMIT), Ok(next), "a repetition over the restart");
    assert_eq!(write(&mut client, 12, "open", 0, txn_batch(open, 1, &["c"])), Ok(1), "the open one goes on");
    end(&mut client, 5, "open", open, COMMIT).unwrap();
    assert_eq!(committed(&mut client, 0), ["a", "c"]);
    assert_eq!(init(&mut client, "open"), Ok((open.0, open.1 + 2)));
}

#[test]
fn e21_list_and_describe() {
    let (_broker, mut client) = started();
    let mine = init(&mut client, "x").unwrap();
    init(&mut client, "y").unwrap();
    write(&mut client, 12, "x", 1, txn_batch(mine, 0, &["a"])).unwrap();
    let list = |client: &mut Client, request: &ListTransactionsRequest| {
        let answered = client.call(2, request);
        let mut ids: Vec<(String, String)> =
            answered.transaction_states.into_iter().map(|t| (t.transactional_id, t.transaction_state)).collect();
        ids.sort();
        (ErrorCode::from_code(answered.error_code), ids, answered.unknown_state_filters)
    };
    let (x, y) = (("x".to_string(), "Ongoing".to_string()), ("y".to_string(), "Empty".to_string()));
    let all = ListTransactionsRequest::default();
    assert_eq!(list(&mut client, &all), (ErrorCode::None, vec![x.clone(), y.clone()], vec![]));
    let filters = vec!["Ongoing".into(), "Strange".into()];
    let some = ListTransactionsRequest { state_filters: filters, ..all.clone() };
    assert_eq!(list(&mut client, &some), (ErrorCode::None, vec![x], vec!["Strange".to_string()]));
    let pattern = ListTransactionsRequest { transactional_id_pattern: Some("[y-z]".into()), ..all.clone() };
    assert_eq!(list(&mut client, &pattern), (ErrorCode::None, vec![y], vec![]));
    let bad = ListTransactionsRequest { transactional_id_pattern: Some("(".into()), ..all };
    assert_eq!(list(&mut client, &bad).0, ErrorCode::InvalidRegularExpression);

    let shown = describe(&mut client, "x");
    assert_eq!((shown.producer_id, shown.producer_epoch, shown.transaction_timeout_ms), (mine.0, mine.1, 60_000));
    assert_eq!((shown.topics[0].topic.as_str(), &shown.topics[0].partitions[..]), ("t", &[1][..]));
    assert_eq!(describe(&mut client, "nobody").error_code, ErrorCode::TransactionalIdNotFound.code());
    assert_eq!(describe(&mut client, "").error_code, ErrorCode::InvalidRequest.code());
    let [seen] = &producers(&mut client, 1)[..] else { panic!() };
    assert_eq!((seen.producer_id, seen.producer_epoch, seen.current_txn_start_offset), (mine.0, mine.1.into(), 0));
}

#[test]
fn e15_e21_an_administrator_ends_a_hanging_transaction() {
    let (_broker, mut client) = started();
    let mine = init(&mut client, "x").unwrap();
    write(&mut client, 12, "x", 0, txn_batch(mine, 0, &["hangs"])).unwrap();
    let end_with = |client: &mut Client, epoch: i16, coordinator_epoch: i32, version: i8, partitions: Vec<i32>| -> Vec<ErrorCode> {
        let marker = WritableTxnMarker {
            producer_id: mine.0,
            producer_epoch: epoch,
            transaction_result: false,
            topics: vec![WritableTxnMarkerTopic { name: "t".into(), partition_indexes: partitions }],
            coordinator_epoch,
            transaction_version: version,
        };
        let request = WriteTxnMarkersRequest { markers: vec![marker] };
        let answered = client.call(if version == 0 { 1 } else { 2 }, &request).markers.remove(0).topics.remove(0).partitions;
        answered.iter().map(|p| ErrorCode::from_code(p.error_code)).collect()
    };
    assert_eq!(end_with(&mut client, mine.1, 0, 2, vec![0]), [ErrorCode::InvalidProducerEpoch], "a late marker of the last transaction");
    assert_eq!(end_with(&mut client, mine.1, 5, 0, vec![0, 9]), [ErrorCode::None, ErrorCode::UnknownTopicOrPartition]);
    assert_eq!(producers(&mut client, 0)[0].current_txn_start_offset, -1);
    assert_eq!(end_with(&mut client, mine.1, 4, 0, vec![0]), [ErrorCode::TransactionCoordinatorFenced]);
    assert_eq!(client.call(1, &WriteTxnMarkersRequest { markers: vec![] }).markers, []);
}

#[test]
fn t13_the_transaction_topic_is_made_on_first_need_as_kafka_makes_it() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    let topic = MetadataRequestTopic { name: Some("__transaction_state".into()), ..Default::default() };
    let ask = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
    assert_ne!(client.call(9, &ask).topics[0].error_code, 0);
    coordinator(&mut client);
    let topic = client.call(9, &ask).topics.remove(0);
    assert_eq!((topic.error_code, topic.is_internal, topic.partitions.len()), (0, true, 50));
}

#[test]
fn tv2_is_told_with_the_features() {
    let broker = TestBroker::start(&[]);
    let asked = ApiVersionsRequest { client_software_name: "t".into(), client_software_version: "1".into() };
    let response = broker.connect().call(4, &asked);
    let level = response.finalized_features.iter().find(|f| f.name == "transaction.version").unwrap().max_version_level;
    assert_eq!(level, 2);
    for (key, max) in [(EndTxnRequest::KEY, 5), (TxnOffsetCommitRequest::KEY, 5), (ProduceRequest::KEY, 13)] {
        let row = response.api_keys.iter().find(|row| row.api_key == key.code()).unwrap();
        assert_eq!(row.max_version, max, "{key}");
    }
}
