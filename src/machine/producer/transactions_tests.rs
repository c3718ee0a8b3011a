//! Scripts: what the user does and what the coordinator answers, by hand; and what comes of it.

use super::*;

const BACKOFF: u64 = 100;

/// The machine with a clock.
struct Script {
    machine: Transactions,
    now: u64,
}

fn me(epoch: i16) -> ProducerIdentity {
    ProducerIdentity { id: 9, epoch }
}

fn at(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

fn all_of(partitions: &[i32]) -> BTreeSet<TopicPartition> {
    partitions.iter().map(|p| at(*p)).collect()
}

fn codes(each: &[(i32, ErrorCode)]) -> Answer {
    Answer::Partitions(each.iter().map(|(p, code)| (at(*p), *code)).collect())
}

fn offsets(partitions: &[i32]) -> BTreeMap<TopicPartition, OffsetToCommit> {
    partitions.iter().map(|p| (at(*p), OffsetToCommit { offset: 5, leader_epoch: -1, metadata: String::new() })).collect()
}

fn group() -> GroupMetadata {
    GroupMetadata { group: "g".into(), generation: 3, member_id: "m".into(), instance_id: None }
}

impl Script {
    /// A producer that is ready for its first transaction.
    fn ready(implicit: bool) -> Script {
        let mut s = Script { machine: Transactions::new(BACKOFF, 1000), now: 0 };
        s.machine.init().unwrap();
        assert_eq!(s.next(), Some(Ask::Init { identity: None }));
        s.answer(Answer::Identity { identity: me(0), implicit });
        assert_eq!(s.machine.stage(), Stage::Ready);
        s
    }

    fn in_transaction(implicit: bool) -> Script {
        let mut s = Script::ready(implicit);
        s.machine.begin().unwrap();
        s
    }

    fn next(&mut self) -> Option<Ask> {
        self.machine.next(MonoMs(self.now), true)
    }

    fn answer(&mut self, answer: Answer) {
        self.machine.answered(MonoMs(self.now), answer);
    }

    /// Time until the next attempt, which must be this.
    fn again_after(&mut self, ms: u64, ask: Ask) {
        assert_eq!(self.machine.next_deadline(), Some(MonoMs(self.now + ms)));
        assert_eq!(self.next(), None, "too early");
        self.now += ms;
        assert_eq!(self.next(), Some(ask));
    }

    /// A record to `t-0`, of which the coordinator learns in TV1.
    fn write(&mut self) {
        self.machine.admit("t", 0).unwrap();
        if !self.machine.is_implicit() && !self.machine.may_send("t", 0) {
            assert_eq!(self.next(), Some(Ask::AddPartitions(all_of(&[0]))));
            self.answer(codes(&[(0, ErrorCode::None)]));
        }
        assert!(self.machine.may_send("t", 0));
    }

    fn stage(&self) -> Stage {
        self.machine.stage()
    }
}

#[test]
fn e6_tv1_names_each_partition_once_before_anything_is_written_there() {
    let mut s = Script::in_transaction(false);
    for partition in [0, 1, 0] {
        s.machine.admit("t", partition).unwrap();
    }
    assert!(!s.machine.may_send("t", 0));
    assert_eq!(s.next(), Some(Ask::AddPartitions(all_of(&[0, 1]))));
    s.machine.admit("t", 2).unwrap();
    assert_eq!(s.next(), None, "one request at a time");
    s.answer(codes(&[(0, ErrorCode::None), (1, ErrorCode::None)]));
    assert!(s.machine.may_send("t", 0) && s.machine.may_send("t", 1) && !s.machine.may_send("t", 2));
    assert_eq!(s.next(), Some(Ask::AddPartitions(all_of(&[2]))));
    s.answer(codes(&[(2, ErrorCode::None)]));
    s.machine.commit().unwrap();
    assert_eq!(s.machine.next(MonoMs(0), false), None, "records are under way");
    assert_eq!(s.next(), Some(Ask::End { commit: true }));
    s.answer(Answer::Ended(None));
    assert_eq!((s.stage(), s.machine.identity()), (Stage::Ready, Some(me(0))), "E9: the epoch stays");
    s.machine.begin().unwrap();
    assert!(!s.machine.may_send("t", 0), "each transaction names them anew");
}

#[test]
fn e10_tv2_names_nothing_and_goes_on_with_the_epoch_that_each_end_gives() {
    let mut s = Script::in_transaction(true);
    s.write();
    assert_eq!(s.next(), None);
    s.machine.commit().unwrap();
    assert_eq!(s.next(), Some(Ask::End { commit: true }));
    s.answer(Answer::Ended(Some(me(1))));
    assert_eq!((s.stage(), s.machine.identity()), (Stage::Ready, Some(me(1))));
    s.machine.begin().unwrap();
    s.write();
    s.machine.abort().unwrap();
    assert_eq!(s.next(), Some(Ask::End { commit: false }));
    s.answer(Answer::Ended(Some(ProducerIdentity { id: 10, epoch: 0 })));
    assert_eq!(s.machine.identity(), Some(ProducerIdentity { id: 10, epoch: 0 }), "a new id when the epochs are used up");
}

#[test]
fn a_transaction_without_anything_in_it_ends_without_a_request() {
    for implicit in [false, true] {
        let mut s = Script::in_transaction(implicit);
        s.machine.commit().unwrap();
        assert_eq!((s.next(), s.stage()), (None, Stage::Ready));
        s.machine.begin().unwrap();
        s.machine.abort().unwrap();
        assert_eq!((s.next(), s.stage()), (None, Stage::Ready));
    }
}

#[test]
fn e18_offsets_name_their_group_in_tv1_and_not_in_tv2() {
    for implicit in [false, true] {
        let mut s = Script::in_transaction(implicit);
        let number = s.machine.send_offsets(group(), offsets(&[0, 1])).unwrap();
        if !implicit {
            assert_eq!(s.next(), Some(Ask::AddOffsets { group: "g".into() }));
            s.answer(Answer::Done);
        }
        assert_eq!(s.next(), Some(Ask::CommitOffsets { group: group(), offsets: offsets(&[0, 1]) }));
        s.answer(codes(&[(0, ErrorCode::None), (1, ErrorCode::CoordinatorLoadInProgress)]));
        assert_eq!(s.machine.offsets_are_over(number), None);
        s.again_after(BACKOFF, Ask::CommitOffsets { group: group(), offsets: offsets(&[1]) });
        s.answer(codes(&[(1, ErrorCode::None)]));
        assert_eq!(s.machine.offsets_are_over(number), Some(Ok(())));
        s.machine.commit().unwrap();
        assert_eq!(s.next(), Some(Ask::End { commit: true }), "offsets alone are a transaction");
    }
}

#[test]
fn a_member_that_lost_its_partitions_must_abort_and_may_go_on() {
    for code in [ErrorCode::IllegalGeneration, ErrorCode::UnknownMemberId, ErrorCode::FencedInstanceId, ErrorCode::StaleMemberEpoch] {
        let mut s = Script::in_transaction(true);
        let number = s.machine.send_offsets(group(), offsets(&[0])).unwrap();
        s.next();
        s.answer(codes(&[(0, code)]));
        assert_eq!(s.machine.offsets_are_over(number), Some(Err(Refusal::MustAbort(code))));
        assert_eq!(s.machine.commit(), Err(Refusal::MustAbort(code)));
        s.machine.abort().unwrap();
        assert_eq!(s.machine.offsets_are_over(number), Some(Err(Refusal::Ending)), "dropped is not done");
        assert_eq!(s.next(), Some(Ask::End { commit: false }));
        s.answer(Answer::Ended(Some(me(1))));
        assert_eq!(s.machine.begin(), Ok(()));
    }
}

#[test]
fn coordinators_that_move_load_or_fall_silent_are_asked_again_with_growing_pauses() {
    let mut s = Script { machine: Transactions::new(BACKOFF, 300), now: 0 };
    s.machine.init().unwrap();
    s.next();
    s.answer(Answer::Refused(ErrorCode::NotCoordinator));
    s.again_after(100, Ask::Init { identity: None });
    s.answer(Answer::Refused(ErrorCode::CoordinatorLoadInProgress));
    s.again_after(200, Ask::Init { identity: None });
    s.answer(Answer::Lost);
    s.again_after(300, Ask::Init { identity: None });
    s.answer(Answer::Refused(ErrorCode::CoordinatorNotAvailable));
    s.again_after(300, Ask::Init { identity: None });
    s.answer(Answer::Identity { identity: me(4), implicit: false });
    assert_eq!((s.stage(), s.machine.next_deadline()), (Stage::Ready, None));
}

#[test]
fn e2_e9_markers_of_the_transaction_before_are_waited_for_shortly() {
    let mut s = Script::in_transaction(false);
    s.machine.admit("t", 0).unwrap();
    s.next();
    s.answer(codes(&[(0, ErrorCode::ConcurrentTransactions)]));
    s.again_after(20, Ask::AddPartitions(all_of(&[0])));
    s.answer(codes(&[(0, ErrorCode::None)]));
    s.machine.commit().unwrap();
    s.next();
    s.answer(Answer::Refused(ErrorCode::ConcurrentTransactions));
    s.again_after(20, Ask::End { commit: true });
}

#[test]
fn e3_e5_fencing_is_fatal_wherever_it_is_heard_of() {
    for code in [ErrorCode::ProducerFenced, ErrorCode::InvalidProducerEpoch] {
        let mut init = Script { machine: Transactions::new(BACKOFF, 1000), now: 0 };
        init.machine.init().unwrap();
        init.next();
        init.answer(Answer::Refused(code));
        let mut add = Script::in_transaction(false);
        add.machine.admit("t", 0).unwrap();
        add.next();
        add.answer(codes(&[(0, code)]));
        let mut end = Script::in_transaction(true);
        end.write();
        end.machine.commit().unwrap();
        end.next();
        end.answer(Answer::Refused(code));
        for s in [&mut init, &mut add, &mut end] {
            assert_eq!((s.stage(), s.next()), (Stage::Fatal(code), None));
            assert_eq!(s.machine.abort(), Err(Refusal::Fatal(code)));
            assert_eq!(s.machine.begin(), Err(Refusal::Fatal(code)));
            assert!(s.machine.gives_up());
        }
    }
}

#[test]
fn a_lost_record_spoils_the_transaction_but_not_the_producer() {
    let mut s = Script::in_transaction(true);
    s.write();
    s.machine.batch_failed(ErrorCode::InvalidRecord);
    assert_eq!(s.machine.admit("t", 0), Err(Refusal::MustAbort(ErrorCode::InvalidRecord)));
    assert_eq!(s.machine.commit(), Err(Refusal::MustAbort(ErrorCode::InvalidRecord)));
    assert!(s.machine.gives_up());
    assert_eq!(s.next(), None, "nothing happens before the user aborts");
    s.machine.abort().unwrap();
    assert_eq!(s.next(), Some(Ask::End { commit: false }));
    s.answer(Answer::Ended(Some(me(1))));
    s.machine.begin().unwrap();
    s.write();
    // While the commit waits for the records, one is lost: the coordinator must not hear of the commit.
    s.machine.commit().unwrap();
    assert_eq!(s.machine.next(MonoMs(0), false), None);
    s.machine.batch_failed(ErrorCode::RequestTimedOut);
    assert_eq!((s.stage(), s.next()), (Stage::MustAbort(ErrorCode::RequestTimedOut), None));
}

#[test]
fn e12_an_epoch_that_is_out_of_date_at_a_partition_is_settled_by_the_coordinator() {
    let mut s = Script::in_transaction(true);
    s.write();
    s.machine.batch_failed(ErrorCode::InvalidProducerEpoch);
    assert_eq!(s.stage(), Stage::MustAbort(ErrorCode::InvalidProducerEpoch));
    s.machine.abort().unwrap();
    s.next();
    s.answer(Answer::Refused(ErrorCode::ProducerFenced));
    assert_eq!(s.stage(), Stage::Fatal(ErrorCode::ProducerFenced));
}

#[test]
fn tv1_fetches_an_epoch_after_an_abort_that_lost_sequence_numbers() {
    let mut s = Script::in_transaction(false);
    s.write();
    s.machine.batch_failed(ErrorCode::RequestTimedOut);
    s.machine.sequences_lost();
    s.machine.abort().unwrap();
    assert_eq!(s.next(), Some(Ask::End { commit: false }));
    s.answer(Answer::Ended(None));
    assert_eq!((s.stage(), s.machine.begin()), (Stage::Renewing, Err(Refusal::Ending)));
    assert_eq!(s.next(), Some(Ask::Init { identity: Some(me(0)) }), "E3: with its own identity, so that a newer producer is not fenced");
    s.answer(Answer::Identity { identity: me(1), implicit: false });
    assert_eq!((s.stage(), s.machine.identity()), (Stage::Ready, Some(me(1))));
    // The end of a TV2 transaction gives an epoch anyway.
    let mut s = Script::in_transaction(true);
    s.write();
    s.machine.sequences_lost();
    s.machine.abort().unwrap();
    s.next();
    s.answer(Answer::Ended(Some(me(1))));
    assert_eq!(s.stage(), Stage::Ready);
}

#[test]
fn tv1_finds_out_whether_a_lost_request_began_the_transaction_before_it_ends_it() {
    for (answer, ends) in [(ErrorCode::None, true), (ErrorCode::TopicAuthorizationFailed, false)] {
        let mut s = Script::in_transaction(false);
        s.machine.admit("t", 0).unwrap();
        s.next();
        s.answer(Answer::Lost);
        s.machine.abort().unwrap();
        s.again_after(BACKOFF, Ask::AddPartitions(all_of(&[0])));
        s.answer(codes(&[(0, ErrorCode::NotCoordinator)]));
        s.again_after(2 * BACKOFF, Ask::AddPartitions(all_of(&[0])));
        s.answer(codes(&[(0, answer)]));
        s.now += BACKOFF;
        let next = s.next();
        assert_eq!(next, ends.then_some(Ask::End { commit: false }));
        assert!(ends || s.stage() == Stage::Ready);
    }
}

#[test]
fn a_coordinator_that_forgot_the_producer_id_gives_a_new_one() {
    let mut s = Script::in_transaction(false);
    s.machine.admit("t", 0).unwrap();
    s.next();
    s.answer(codes(&[(0, ErrorCode::InvalidProducerIdMapping)]));
    assert_eq!(s.stage(), Stage::MustAbort(ErrorCode::InvalidProducerIdMapping));
    s.machine.abort().unwrap();
    assert_eq!(s.next(), Some(Ask::Init { identity: Some(me(0)) }), "there is nothing to end");
    s.answer(Answer::Identity { identity: ProducerIdentity { id: 77, epoch: 0 }, implicit: false });
    assert_eq!(s.stage(), Stage::Ready);
}

#[test]
fn e6_the_partition_that_is_to_blame_is_told_and_not_those_that_were_not_attempted() {
    let mut s = Script::in_transaction(false);
    for partition in 0..3 {
        s.machine.admit("t", partition).unwrap();
    }
    s.next();
    let not_attempted = ErrorCode::OperationNotAttempted;
    s.answer(codes(&[(0, not_attempted), (1, ErrorCode::TopicAuthorizationFailed), (2, not_attempted)]));
    assert_eq!(s.stage(), Stage::MustAbort(ErrorCode::TopicAuthorizationFailed));
    let mut s = Script::in_transaction(false);
    for partition in 0..2 {
        s.machine.admit("t", partition).unwrap();
    }
    s.next();
    s.answer(codes(&[(0, not_attempted), (1, ErrorCode::UnknownTopicOrPartition)]));
    s.again_after(BACKOFF, Ask::AddPartitions(all_of(&[0, 1])));
}

#[test]
fn a_commit_whose_answer_is_lost_is_repeated_and_cannot_be_taken_back() {
    let mut s = Script::in_transaction(true);
    s.write();
    s.machine.commit().unwrap();
    s.next();
    s.answer(Answer::Lost);
    assert_eq!(s.machine.abort(), Err(Refusal::Ending));
    assert_eq!(s.machine.commit(), Ok(()), "asking again is fine");
    s.again_after(BACKOFF, Ask::End { commit: true });
    s.answer(Answer::Ended(Some(me(1))));
    assert_eq!(s.stage(), Stage::Ready);
}

#[test]
fn calls_out_of_turn_are_refused() {
    let mut s = Script { machine: Transactions::new(BACKOFF, 1000), now: 0 };
    assert_eq!(s.machine.begin(), Err(Refusal::Uninitialized("beginTransaction")));
    let text = s.machine.admit("t", 0).unwrap_err().to_string();
    assert_eq!(text, "Cannot perform a 'send' before completing a call to initTransactions when transactions are enabled.");
    let mut s = Script::ready(true);
    assert_eq!(s.machine.init(), Err(Refusal::Initialized));
    assert_eq!(s.machine.admit("t", 0), Err(Refusal::NotBegun));
    assert_eq!(s.machine.commit(), Err(Refusal::NotBegun));
    assert_eq!(s.machine.abort(), Err(Refusal::NotBegun));
    s.machine.begin().unwrap();
    assert_eq!(s.machine.begin(), Err(Refusal::Begun));
    s.machine.commit().unwrap();
    assert_eq!(s.machine.admit("t", 0), Err(Refusal::Ending));
}
