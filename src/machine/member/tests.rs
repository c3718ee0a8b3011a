//! Scripts of one member: what it asks, what it tells its user, whatever the coordinator answers.

use kfk_wire::join_group_response::JoinGroupResponseMember;

use super::*;
use crate::machine::assign::TopicPartitions;
use crate::machine::assign::consumer_protocol::encode_assignment;

fn options(assignor: Assignor) -> MemberOptions {
    MemberOptions {
        group: "g".into(),
        instance_id: None,
        session_timeout_ms: 45_000,
        max_poll_interval_ms: 300_000,
        heartbeat_interval_ms: 3_000,
        retry_backoff_ms: 100,
        rack: None,
        assignors: vec![assignor],
    }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| n.to_string()).collect()
}

fn partitions(numbers: &[i32]) -> Vec<TopicPartition> {
    numbers.iter().map(|n| TopicPartition::new("t", *n)).collect()
}

fn topics(counts: &[(&str, usize)]) -> Topics {
    counts.iter().map(|(name, count)| (name.to_string(), TopicPartitions { racks: vec![vec![]; *count] })).collect()
}

/// A member with a clock, taken through a script.
struct Script {
    member: GroupMember,
    now: u64,
}

impl Script {
    fn of(options: MemberOptions) -> Script {
        let mut member = GroupMember::new(options, MonoMs(0));
        member.subscribe(names(&["t"]));
        Script { member, now: 0 }
    }

    fn new(assignor: Assignor) -> Script {
        Script::of(options(assignor))
    }

    /// In a group as a follower that holds these partitions of `t`.
    fn stable(assignor: Assignor, held: &[i32]) -> Script {
        let mut s = Script::new(assignor);
        s.enter();
        s.follow(1);
        s.assign(held);
        assert!(s.member.is_stable());
        s
    }

    fn time(&mut self, now: u64) -> &mut Self {
        self.now = now;
        self
    }

    /// Whatever the member wants, until it wants no more.
    fn poll(&mut self) -> Vec<Action> {
        let mut out = Vec::new();
        loop {
            let more = self.member.poll(MonoMs(self.now));
            self.member.check();
            if more.is_empty() {
                return out;
            }
            out.extend(more);
        }
    }

    fn only(actions: Vec<Action>) -> Action {
        assert_eq!(actions.len(), 1, "{actions:?}");
        actions.into_iter().next().unwrap()
    }

    /// Joins, with an id that the coordinator gives out first.
    fn enter(&mut self) -> JoinGroupRequest {
        let Action::Join(first) = Self::only(self.poll()) else { panic!() };
        assert_eq!(first.member_id, "");
        let with_id = JoinGroupResponse { error_code: ErrorCode::MemberIdRequired.code(), member_id: "me".into(), ..Default::default() };
        let Action::Join(second) = Self::only(self.joined(with_id)) else { panic!() };
        assert_eq!(second.member_id, "me");
        second
    }

    fn joined(&mut self, answer: JoinGroupResponse) -> Vec<Action> {
        let out = self.member.joined(MonoMs(self.now), Some(answer));
        self.member.check();
        out
    }

    fn join_answer(&self, generation_id: i32, leader: &str) -> JoinGroupResponse {
        JoinGroupResponse {
            generation_id,
            protocol_name: Some(self.member.options.assignors[0].name().into()),
            leader: leader.into(),
            member_id: "me".into(),
            ..Default::default()
        }
    }

    /// The join succeeds, somebody else leads.
    fn follow(&mut self, generation: i32) -> SyncGroupRequest {
        let answer = self.join_answer(generation, "other");
        let Action::Sync(sync) = Self::only(self.joined(answer)) else { panic!() };
        assert_eq!((sync.generation_id, sync.assignments.len()), (generation, 0));
        sync
    }

    fn synced(&mut self, error: ErrorCode, held: &[i32]) -> Vec<Action> {
        let assignment = encode_assignment(&partitions(held), None, 3).unwrap();
        let answer = SyncGroupResponse { error_code: error.code(), assignment, ..Default::default() };
        let out = self.member.synced(MonoMs(self.now), Some(answer));
        self.member.check();
        out
    }

    fn assign(&mut self, held: &[i32]) -> Vec<Action> {
        self.synced(ErrorCode::None, held)
    }

    fn heartbeat(&mut self, error: ErrorCode) -> Vec<Action> {
        let asked_as = self.member.identity();
        let out = self.member.heartbeat_answered(MonoMs(self.now), &asked_as, Some(error.code()));
        self.member.check();
        out
    }
}

fn me(generation: i32) -> Identity {
    Identity { member_id: "me".into(), generation }
}

fn assigned(added: &[i32], all: &[i32]) -> Action {
    Action::Assigned { added: partitions(added), all: partitions(all) }
}

fn owned_in(join: &JoinGroupRequest) -> (Vec<TopicPartition>, i32) {
    let s = decode_subscription(&join.protocols[0].metadata).unwrap();
    (s.owned_partitions, s.generation)
}

#[test]
fn a_member_enters_beats_and_leaves() {
    let mut s = Script::new(Assignor::Range);
    s.enter();
    s.follow(1);
    assert_eq!(s.assign(&[0, 1]), [assigned(&[0, 1], &[0, 1])]);
    assert_eq!(s.member.next_deadline(), Some(MonoMs(3_000)));
    assert!(s.time(2_999).poll().is_empty());
    let Action::Heartbeat(beat) = Script::only(s.time(3_000).poll()) else { panic!() };
    assert_eq!((beat.member_id.as_str(), beat.generation_id), ("me", 1));
    assert!(s.time(7_000).poll().is_empty(), "one at a time");
    assert!(s.heartbeat(ErrorCode::None).is_empty());
    assert_eq!(s.member.next_deadline(), Some(MonoMs(10_000)));
    let Some(Action::Leave(leave)) = s.member.leave("done") else { panic!() };
    assert_eq!((leave.members[0].member_id.as_str(), leave.members[0].reason.as_deref()), ("me", Some("done")));
    assert!(s.time(20_000).poll().is_empty());
}

#[test]
fn an_eager_member_gives_everything_up_before_it_joins_again() {
    let mut s = Script::stable(Assignor::Range, &[0, 1]);
    s.heartbeat(ErrorCode::RebalanceInProgress);
    assert_eq!(s.poll(), [Action::Revoke(partitions(&[0, 1]))]);
    assert!(s.poll().is_empty(), "it waits for its user");
    let Action::Join(join) = Script::only(s.member.revoked()) else { panic!() };
    assert_eq!(owned_in(&join), (vec![], 1));
    s.follow(2);
    assert_eq!(s.assign(&[1]), [assigned(&[1], &[1])]);
}

#[test]
fn a_cooperative_member_gives_up_only_what_it_is_told_to_and_joins_once_more() {
    let mut s = Script::stable(Assignor::CooperativeSticky, &[0, 1]);
    s.heartbeat(ErrorCode::RebalanceInProgress);
    let Action::Join(join) = Script::only(s.poll()) else { panic!() };
    assert_eq!(owned_in(&join), (partitions(&[0, 1]), 1));
    s.follow(2);
    assert_eq!(s.assign(&[1, 2]), [Action::Revoke(partitions(&[0]))]);
    let after = s.member.revoked();
    let [told, Action::Join(again)] = &after[..] else { panic!("{after:?}") };
    assert_eq!(*told, assigned(&[2], &[1, 2]));
    assert_eq!(owned_in(again), (partitions(&[1, 2]), 2));
    s.follow(3);
    assert_eq!(s.assign(&[1, 2]), [assigned(&[], &[1, 2])]);
    assert!(s.poll().is_empty());
}

#[test]
fn a_cooperative_member_gives_up_topics_it_left_before_it_joins() {
    let mut s = Script::stable(Assignor::CooperativeSticky, &[0]);
    s.member.subscribe(names(&["u"]));
    assert_eq!(s.poll(), [Action::Revoke(partitions(&[0]))]);
    let Action::Join(join) = Script::only(s.member.revoked()) else { panic!() };
    assert_eq!(owned_in(&join), (vec![], 1));
    assert!(s.poll().is_empty());
}

#[test]
fn a_member_beats_while_its_user_takes_time_to_give_up_partitions() {
    for assignor in [Assignor::Range, Assignor::CooperativeSticky] {
        let mut s = Script::stable(assignor, &[0, 1]);
        s.heartbeat(ErrorCode::RebalanceInProgress);
        let mut wanted = s.poll();
        if assignor == Assignor::CooperativeSticky {
            s.follow(2);
            wanted = s.assign(&[0]);
        }
        assert!(matches!(&wanted[..], [Action::Revoke(_)]), "{wanted:?}");
        assert_eq!(s.member.next_deadline(), Some(MonoMs(3_000)));
        assert!(matches!(s.time(3_000).poll()[..], [Action::Heartbeat(_)]));
        assert!(s.heartbeat(ErrorCode::RebalanceInProgress).is_empty());
        assert!(matches!(s.time(6_000).poll()[..], [Action::Heartbeat(_)]));
        assert!(s.heartbeat(ErrorCode::None).is_empty());
        assert!(matches!(s.member.revoked().last(), Some(Action::Join(_))));
        assert_eq!(s.member.next_deadline(), None, "a join waits as long as it takes");
        assert!(s.time(100_000).poll().is_empty());
    }
}

#[test]
fn a_member_beats_while_it_syncs_and_while_its_leader_looks_for_partitions() {
    let mut s = Script::new(Assignor::Range);
    s.enter();
    s.follow(1);
    assert!(matches!(s.time(3_000).poll()[..], [Action::Heartbeat(_)]));
    assert!(s.heartbeat(ErrorCode::RebalanceInProgress).is_empty(), "the answer to the sync will say so");
    let Action::Join(_) = Script::only(s.synced(ErrorCode::RebalanceInProgress, &[])) else { panic!() };
    let answer = s.join_answer(2, "me");
    assert!(matches!(s.joined(answer)[..], [Action::NeedTopics(_)]));
    assert!(matches!(s.time(6_000).poll()[..], [Action::Heartbeat(_)]));
}

#[test]
fn a_lost_membership_is_told_and_the_group_entered_anew() {
    for (error, id) in [(ErrorCode::UnknownMemberId, ""), (ErrorCode::IllegalGeneration, "me")] {
        let mut s = Script::stable(Assignor::CooperativeSticky, &[0, 1]);
        assert_eq!(s.heartbeat(error), [Action::Lost(partitions(&[0, 1]))]);
        assert_eq!((s.member.generation(), s.member.owned().len()), (NO_GENERATION, 0));
        let Action::Join(join) = Script::only(s.poll()) else { panic!() };
        assert_eq!((join.member_id.as_str(), owned_in(&join)), (id, (vec![], NO_GENERATION)));
    }
}

#[test]
fn a_membership_lost_during_a_callback_is_entered_anew_after_it() {
    // Eager: everything is being given up anyway.
    let mut s = Script::stable(Assignor::Range, &[0, 1]);
    s.heartbeat(ErrorCode::RebalanceInProgress);
    s.poll();
    assert!(s.heartbeat(ErrorCode::UnknownMemberId).is_empty());
    assert!(s.time(10_000).poll().is_empty(), "the callback ends first");
    let Action::Join(join) = Script::only(s.member.revoked()) else { panic!() };
    assert_eq!(join.member_id, "");

    // Cooperative: what was kept is lost; what was to come was never told.
    let mut s = Script::stable(Assignor::CooperativeSticky, &[0, 1]);
    s.heartbeat(ErrorCode::RebalanceInProgress);
    s.poll();
    s.follow(2);
    s.assign(&[1, 2]);
    assert_eq!(s.heartbeat(ErrorCode::IllegalGeneration), [Action::Lost(partitions(&[1]))]);
    let Action::Join(join) = Script::only(s.member.revoked()) else { panic!() };
    assert_eq!(owned_in(&join), (vec![], NO_GENERATION));
}

#[test]
fn a_member_whose_user_does_not_poll_leaves_and_comes_back_with_the_next_poll() {
    let mut s = Script::stable(Assignor::Range, &[0]);
    s.member.polled(MonoMs(1_000));
    assert!(matches!(s.time(301_000).poll()[..], [Action::Heartbeat(_)]), "just in time");
    let left = s.time(301_001).poll();
    let [Action::Leave(leave), Action::Lost(lost)] = &left[..] else { panic!("{left:?}") };
    assert_eq!((leave.members[0].member_id.as_str(), lost), ("me", &partitions(&[0])));
    assert!(s.time(900_000).poll().is_empty());
    assert_eq!(s.member.next_deadline(), None);
    assert!(s.member.polled(MonoMs(900_000)));
    let Action::Join(join) = Script::only(s.poll()) else { panic!() };
    assert_eq!(join.member_id, "");
    assert!(!s.member.polled(MonoMs(900_001)));
}

#[test]
fn a_user_who_stalls_in_the_middle_of_a_rebalance_is_left_behind() {
    let mut s = Script::stable(Assignor::Range, &[0]);
    s.heartbeat(ErrorCode::RebalanceInProgress);
    s.poll();
    let left = s.time(300_001).poll();
    assert!(matches!(&left[..], [Action::Leave(_)]), "{left:?}");
    s.member.polled(MonoMs(400_000));
    assert!(s.poll().is_empty(), "the callback comes first");
    let Action::Join(join) = Script::only(s.member.revoked()) else { panic!() };
    assert_eq!(join.member_id, "");
}

#[test]
fn a_static_member_keeps_its_place() {
    let mut s = Script::of(MemberOptions { instance_id: Some("i".into()), ..options(Assignor::Range) });
    let Action::Join(join) = Script::only(s.poll()) else { panic!() };
    assert_eq!(join.group_instance_id.as_deref(), Some("i"));
    s.follow(1);
    s.assign(&[0]);
    // It does not say that it leaves.
    assert_eq!(s.time(300_001).poll(), [Action::Lost(partitions(&[0]))]);
    s.member.polled(MonoMs(300_002));
    let Action::Join(again) = Script::only(s.poll()) else { panic!() };
    assert_eq!((again.member_id.as_str(), again.group_instance_id.as_deref()), ("me", Some("i")));
    s.follow(2);
    s.assign(&[0]);
    // Somebody else has taken its name: it must not fight for it.
    assert_eq!(s.heartbeat(ErrorCode::FencedInstanceId), [Action::Lost(partitions(&[0])), Action::Fatal(ErrorCode::FencedInstanceId)]);
    assert!(!s.member.polled(MonoMs(400_000)));
    assert!(s.time(900_000).poll().is_empty());
    assert_eq!(s.member.leave("x"), None);
}

#[test]
fn a_refused_member_tries_again_when_its_user_does() {
    let mut s = Script::new(Assignor::Range);
    s.poll();
    let refused = JoinGroupResponse { error_code: ErrorCode::GroupAuthorizationFailed.code(), ..Default::default() };
    assert_eq!(s.joined(refused), [Action::Fatal(ErrorCode::GroupAuthorizationFailed)]);
    assert!(s.time(60_000).poll().is_empty());
    assert!(s.member.polled(MonoMs(60_000)));
    assert!(s.poll().is_empty());
    assert!(matches!(s.time(60_100).poll()[..], [Action::Join(_)]));
}

#[test]
fn a_coordinator_that_moves_or_is_silent_is_looked_up_again() {
    let mut s = Script::stable(Assignor::CooperativeSticky, &[0]);
    assert_eq!(s.heartbeat(ErrorCode::NotCoordinator), [Action::ForgetCoordinator]);
    assert_eq!(s.member.next_deadline(), Some(MonoMs(100)), "and asked soon");
    assert!(s.heartbeat(ErrorCode::CoordinatorLoadInProgress).is_empty());
    assert_eq!(s.member.heartbeat_answered(MonoMs(0), &me(1), None), [Action::ForgetCoordinator]);
    s.heartbeat(ErrorCode::RebalanceInProgress);
    s.poll();
    assert_eq!(s.member.joined(MonoMs(0), None), [Action::ForgetCoordinator]);
    assert_eq!(s.member.next_deadline(), Some(MonoMs(100)));
    let Action::Join(join) = Script::only(s.time(100).poll()) else { panic!() };
    assert_eq!((join.member_id.as_str(), owned_in(&join)), ("me", (partitions(&[0]), 1)), "it still holds what it held");
    s.follow(2);
    assert_eq!(s.member.synced(MonoMs(100), None), [Action::ForgetCoordinator]);
    assert!(matches!(s.time(200).poll()[..], [Action::Join(_)]));
}

#[test]
fn answers_to_questions_that_are_over_change_nothing() {
    let mut s = Script::stable(Assignor::Range, &[0]);
    let late = s.join_answer(1, "other");
    assert!(s.joined(late).is_empty());
    assert!(s.assign(&[1, 2]).is_empty());
    assert!(s.member.topics(topics(&[("t", 1)])).is_empty());
    assert!(s.member.revoked().is_empty());
    assert!(s.member.heartbeat_answered(MonoMs(0), &me(0), Some(ErrorCode::UnknownMemberId.code())).is_empty());
    assert!(s.member.commit_refused(MonoMs(0), &me(0), ErrorCode::UnknownMemberId).is_empty());
    // A static member's former id may be told of in the same generation.
    let before = Identity { member_id: "former".into(), generation: 1 };
    assert!(s.member.heartbeat_answered(MonoMs(0), &before, Some(ErrorCode::FencedInstanceId.code())).is_empty());
    assert!(s.member.is_stable());
}

#[test]
fn a_refused_commit_tells_of_the_group() {
    let mut s = Script::stable(Assignor::Range, &[0]);
    assert!(s.member.commit_refused(MonoMs(0), &me(1), ErrorCode::OffsetMetadataTooLarge).is_empty());
    assert!(s.member.is_stable());
    s.member.commit_refused(MonoMs(0), &me(1), ErrorCode::RebalanceInProgress);
    assert_eq!(s.poll(), [Action::Revoke(partitions(&[0]))]);
    // The commit of the callback meets the same group.
    assert!(s.member.commit_refused(MonoMs(0), &me(1), ErrorCode::RebalanceInProgress).is_empty());
    assert!(s.member.commit_refused(MonoMs(0), &me(1), ErrorCode::IllegalGeneration).is_empty());
    let Action::Join(join) = Script::only(s.member.revoked()) else { panic!() };
    assert_eq!(owned_in(&join).1, NO_GENERATION);
}

/// A leader of itself (`t`) and of a member that wants `u`.
fn leader(skip_assignment: bool) -> Script {
    let mut s = Script::new(Assignor::Range);
    let join = s.enter();
    let other = Script::of(options(Assignor::Range));
    let mut other = other.member;
    other.subscribe(names(&["u"]));
    let metadata = |join: &JoinGroupRequest| join.protocols[0].metadata.clone();
    let members = [("me", metadata(&join)), ("other", metadata(&other.join_request()))];
    let member = |(id, metadata): (&str, bytes::Bytes)| JoinGroupResponseMember { member_id: id.into(), metadata, ..Default::default() };
    let answer = JoinGroupResponse { skip_assignment, members: members.map(member).into(), ..s.join_answer(1, "me") };
    assert_eq!(s.joined(answer), [Action::NeedTopics(names(&["t", "u"]))]);
    s
}

#[test]
fn a_leader_assigns_and_looks_after_everybodys_topics() {
    let mut s = leader(false);
    let Action::Sync(sync) = Script::only(s.member.topics(topics(&[("t", 2)]))) else { panic!() };
    let of = |id: &str| {
        let found = sync.assignments.iter().find(|a| a.member_id == id).unwrap();
        decode_assignment(&found.assignment).unwrap().0
    };
    assert_eq!((of("me"), of("other")), (partitions(&[0, 1]), vec![]));
    s.assign(&[0, 1]);
    assert_eq!(s.member.watched(), names(&["t", "u"]));
    s.member.metadata_changed(&topics(&[("t", 2)]));
    assert!(s.member.is_stable());
    // The other member's topic comes to be.
    s.member.metadata_changed(&topics(&[("t", 2), ("u", 1)]));
    assert!(!s.member.is_stable());

    // A former leader leaves that to the new one.
    assert!(matches!(s.poll()[..], [Action::Revoke(_)]));
    s.member.revoked();
    s.follow(2);
    s.assign(&[0]);
    assert_eq!(s.member.watched(), names(&["t"]));
    s.member.metadata_changed(&topics(&[("t", 9)]));
    assert!(s.member.is_stable());
}

#[test]
fn j11_a_returning_static_leader_keeps_the_assignment_but_looks_after_the_topics() {
    let mut s = leader(true);
    let Action::Sync(sync) = Script::only(s.member.topics(topics(&[("t", 1), ("u", 1)]))) else { panic!() };
    assert!(sync.assignments.is_empty());
    s.assign(&[0]);
    s.member.metadata_changed(&topics(&[("t", 1), ("u", 2)]));
    assert!(!s.member.is_stable());
}

#[test]
fn a_new_subscription_is_joined_with_once_the_member_is_stable() {
    let mut s = Script::new(Assignor::Range);
    s.enter();
    s.member.subscribe(names(&["t", "u"]));
    assert!(s.poll().is_empty());
    s.follow(1);
    assert_eq!(s.assign(&[0]), [assigned(&[0], &[0])]);
    assert_eq!(s.poll(), [Action::Revoke(partitions(&[0]))]);
    // Changed again before the join goes out: one join is enough.
    s.member.subscribe(names(&["u"]));
    let Action::Join(join) = Script::only(s.member.revoked()) else { panic!() };
    assert_eq!(decode_subscription(&join.protocols[0].metadata).unwrap().topics, ["u"]);
    s.follow(2);
    s.assign(&[]);
    assert!(s.poll().is_empty() && s.member.is_stable());
}

#[test]
fn an_answer_that_does_not_fit_is_fatal() {
    let mut s = Script::new(Assignor::Range);
    s.enter();
    let alien = JoinGroupResponse { protocol_name: Some("sticky".into()), ..s.join_answer(1, "other") };
    assert_eq!(s.joined(alien), [Action::Fatal(ErrorCode::InconsistentGroupProtocol)]);

    let mut s = Script::new(Assignor::Range);
    s.enter();
    s.follow(1);
    let garbage = SyncGroupResponse { assignment: bytes::Bytes::from_static(&[0, 0, 0x7f, 0xff, 0xff, 0xff]), ..Default::default() };
    assert_eq!(s.member.synced(MonoMs(0), Some(garbage)), [Action::Fatal(ErrorCode::InconsistentGroupProtocol)]);
}
