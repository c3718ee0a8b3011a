//! TxnOffsetCommit, live: who may, what is seen before and after the end of the transaction, and what a failed append leaves.

use kfk::machine::coordinator::{Marker, Producer};
use kfk::machine::group::{GroupAnswer, GroupRequest};
use kfk::node::shard::{AppendError, LogItem};
use kfk::wire::ErrorCode;
use kfk::wire::txn_offset_commit_request::{TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};

use super::driver::*;

const PRODUCER: Producer = Producer { id: 7, epoch: 3 };

/// Commits an offset of partition 0 of topic `t`; `("", -1)` says nothing of a member.
fn commit(w: &mut World, member: (&str, i32), offset: i64) -> ErrorCode {
    commit_with(w, member, None, offset, "")
}

fn commit_with(w: &mut World, member: (&str, i32), instance: Option<&str>, offset: i64, metadata: &str) -> ErrorCode {
    let partition = TxnOffsetCommitRequestPartition {
        partition_index: 0,
        committed_offset: offset,
        committed_metadata: Some(metadata.into()),
        ..Default::default()
    };
    let request = TxnOffsetCommitRequest {
        transactional_id: "x".into(),
        group_id: GROUP.into(),
        producer_id: PRODUCER.id,
        producer_epoch: PRODUCER.epoch,
        member_id: member.0.into(),
        generation_id: member.1,
        group_instance_id: instance.map(str::to_string),
        topics: vec![TxnOffsetCommitRequestTopic { name: "t".into(), partitions: vec![partition] }],
    };
    let token = w.send(5, GroupRequest::TxnOffsetCommit(request));
    match w.answer(token) {
        GroupAnswer::TxnOffsetCommit(answer) => ErrorCode::from_code(answer.topics[0].partitions[0].error_code),
        other => panic!("{other:?}"),
    }
}

/// The end of the transaction arrives at the partition.
fn end(w: &mut World, committed: bool) {
    let marker = Marker { producer_id: PRODUCER.id, committed };
    let now = w.now;
    let released = w.shard.end_transaction(now, marker, |log| {
        log.items.push(LogItem::Marker(marker));
        Ok(log.items.len() as i64 - 1)
    });
    w.take(released.unwrap());
}

#[test]
fn x8_a_transactional_commit_is_seen_when_its_transaction_commits() {
    let mut w = World::new();
    assert_eq!(commit(&mut w, ("", -1), 10), ErrorCode::None);
    let LogItem::Record { position, .. } = &w.shard.log().items[0] else { panic!() };
    assert_eq!(position.producer, PRODUCER, "the batch is the producer's");
    assert_eq!(w.fetch(0), -1);
    assert_eq!(w.fetch_as("t", Default::default(), 0, true).error_code, ErrorCode::UnstableOffsetCommit.code());
    end(&mut w, true);
    assert_eq!(w.fetch_as("t", Default::default(), 0, true).committed_offset, 10);
    assert_eq!(commit(&mut w, ("", -1), 20), ErrorCode::None);
    end(&mut w, false);
    assert_eq!(w.fetch(0), 10);
    w.crash();
    assert_eq!(w.fetch(0), 10, "the same from the log");
}

#[test]
fn x8_a_plain_commit_in_between_stays() {
    let mut w = World::new();
    assert_eq!(commit(&mut w, ("", -1), 10), ErrorCode::None);
    assert_eq!(w.commit(("", -1), 0, 30), ErrorCode::None);
    end(&mut w, true);
    assert_eq!(w.fetch(0), 30);
}

#[test]
fn x8_whoever_names_a_member_must_be_one() {
    let mut w = World::new();
    assert_eq!(commit(&mut w, ("m", 0), 1), ErrorCode::IllegalGeneration, "no group");
    let ids = w.stable(1);
    let member = ids[0].as_str();
    assert_eq!(commit(&mut w, (member, 1), 1), ErrorCode::None);
    assert_eq!(commit(&mut w, ("", -1), 1), ErrorCode::None, "says nothing of a member");
    assert_eq!(commit(&mut w, (member, 0), 1), ErrorCode::IllegalGeneration);
    assert_eq!(commit(&mut w, (member, -1), 1), ErrorCode::IllegalGeneration);
    assert_eq!(commit(&mut w, ("stranger", 1), 1), ErrorCode::UnknownMemberId);
    assert_eq!(commit_with(&mut w, (member, 1), Some("instance"), 1, ""), ErrorCode::UnknownMemberId);
}

#[test]
fn x1_metadata_that_is_too_long_is_refused() {
    let mut w = World::new();
    assert_eq!(commit_with(&mut w, ("", -1), None, 1, &"m".repeat(4_097)), ErrorCode::OffsetMetadataTooLarge);
    assert_eq!(w.shard.log().batches, 0);
}

#[test]
fn x5_what_the_producer_did_wrong_is_told_as_it_is() {
    let mut w = World::new();
    let refused = [
        (ErrorCode::InvalidProducerEpoch, ErrorCode::InvalidProducerEpoch),
        (ErrorCode::InvalidTxnState, ErrorCode::InvalidTxnState),
        (ErrorCode::NotEnoughReplicas, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::NotLeaderOrFollower, ErrorCode::NotCoordinator),
        (ErrorCode::MessageTooLarge, ErrorCode::UnknownServerError),
    ];
    for (fault, told) in refused {
        w.shard.log_mut().fail_next = Some(AppendError::Refused(fault));
        assert_eq!(commit(&mut w, ("", -1), 1), told, "{fault:?}");
    }
    end(&mut w, true);
    assert_eq!(w.fetch(0), -1);
}

#[test]
fn a_group_that_loads_takes_no_marker() {
    let mut w = World::new();
    w.shard.close(w.now, ErrorCode::NotCoordinator);
    let marker = Marker { producer_id: PRODUCER.id, committed: true };
    let refused = w.shard.end_transaction(w.now, marker, |_| panic!("not ours"));
    assert_eq!(refused.unwrap_err(), ErrorCode::NotCoordinator);
    w.shard.open(w.now);
    let refused = w.shard.end_transaction(w.now, marker, |_| panic!("not ready"));
    assert_eq!(refused.unwrap_err(), ErrorCode::CoordinatorLoadInProgress);
}
