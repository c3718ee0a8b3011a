use kfk_wire::consumer_group_heartbeat_response::TopicPartitions as Told;

use super::*;

const T: Uuid = Uuid([1; 16]);
const U: Uuid = Uuid([2; 16]);

fn options() -> ConsumerOptions {
    ConsumerOptions {
        group: "g".into(),
        member_id: "m".into(),
        instance_id: None,
        rack: None,
        max_poll_interval_ms: 60_000,
        assignor: None,
        retry_backoff_ms: 100,
    }
}

/// A member under a clock that the test moves; its topics have names.
struct Bench {
    member: ConsumerMember,
    now: MonoMs,
}

impl Bench {
    fn with(options: ConsumerOptions) -> Bench {
        let mut member = ConsumerMember::new(options, MonoMs(0));
        member.subscribe(BTreeSet::from(["t".to_string(), "u".to_string()]));
        member.named_topics(MonoMs(0), BTreeMap::from([(T, "t".to_string()), (U, "u".to_string())]));
        Bench { member, now: MonoMs(0) }
    }

    fn poll(&mut self) -> Vec<Action> {
        let actions = self.member.poll(self.now);
        self.member.check();
        actions
    }

    /// The one heartbeat that goes out now.
    fn beat(&mut self) -> (ConsumerGroupHeartbeatRequest, u64) {
        match self.poll().as_slice() {
            [Action::ConsumerHeartbeat { request, life }] => (request.clone(), *life),
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, life: u64, epoch: i32, assignment: Option<&[(Uuid, &[i32])]>) -> Vec<Action> {
        let topic = |(topic_id, partitions): &(Uuid, &[i32])| Told { topic_id: *topic_id, partitions: partitions.to_vec() };
        let assignment = assignment.map(|a| Assignment { topic_partitions: a.iter().map(topic).collect() });
        let answer = ConsumerGroupHeartbeatResponse {
            member_id: Some("m".into()),
            member_epoch: epoch,
            heartbeat_interval_ms: 5_000,
            assignment,
            ..Default::default()
        };
        let actions = self.member.heartbeat_answered(self.now, life, Some(answer));
        self.member.check();
        actions
    }

    fn refuse(&mut self, life: u64, error: ErrorCode) -> Vec<Action> {
        let answer = ConsumerGroupHeartbeatResponse { error_code: error.code(), ..Default::default() };
        let actions = self.member.heartbeat_answered(self.now, life, Some(answer));
        self.member.check();
        actions
    }

    fn wait(&mut self, ms: u64) {
        self.now = self.now.plus(ms);
        self.member.polled(self.now);
    }

    /// A member that has these partitions, and has said so.
    fn settled(options: ConsumerOptions, partitions: &[(Uuid, &[i32])]) -> Bench {
        let mut bench = Bench::with(options);
        let (_, life) = bench.beat();
        bench.answer(life, 1, Some(partitions));
        let actions = bench.poll();
        let [Action::Assigned { .. }, Action::ConsumerHeartbeat { life, .. }] = actions.as_slice() else { panic!("{actions:?}") };
        bench.answer(*life, 1, None);
        assert_eq!(bench.poll(), []);
        bench
    }
}

fn tp(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

#[test]
fn k1_k2_a_join_tells_everything_and_a_later_heartbeat_nothing() {
    let mut bench = Bench::with(ConsumerOptions { rack: Some("r".into()), assignor: Some("range".into()), ..options() });
    let (join, life) = bench.beat();
    assert_eq!((join.member_epoch, join.member_id.as_str(), join.rebalance_timeout_ms), (0, "m", 60_000));
    assert_eq!(join.subscribed_topic_names, Some(vec!["t".to_string(), "u".to_string()]));
    assert_eq!((join.topic_partitions, join.subscribed_topic_regex), (Some(Vec::new()), None));
    assert_eq!((join.rack_id.as_deref(), join.server_assignor.as_deref()), (Some("r"), Some("range")));
    assert_eq!((bench.member.member_id(), bench.member.epoch()), ("", -1), "no member yet");
    bench.answer(life, 3, Some(&[]));
    assert_eq!(bench.poll(), [Action::Assigned { added: vec![], all: vec![] }], "nothing is an assignment, too");
    assert_eq!((bench.member.member_id(), bench.member.epoch()), ("m", 3));
    assert_eq!(bench.member.next_deadline(), Some(MonoMs(5_000)));
    bench.wait(5_000);
    let (beat, _) = bench.beat();
    let bare = ConsumerGroupHeartbeatRequest { group_id: "g".into(), member_id: "m".into(), member_epoch: 3, ..Default::default() };
    assert_eq!(beat, bare);
}

#[test]
fn k6_what_is_new_is_acknowledged_at_once() {
    let mut bench = Bench::with(options());
    let (_, life) = bench.beat();
    bench.answer(life, 1, Some(&[(T, &[1, 0])]));
    let actions = bench.poll();
    let all = vec![tp("t", 0), tp("t", 1)];
    assert_eq!(actions[0], Action::Assigned { added: all.clone(), all: all.clone() });
    let Action::ConsumerHeartbeat { request, .. } = &actions[1] else { panic!("{actions:?}") };
    assert_eq!(request.topic_partitions, Some(vec![TopicPartitions { topic_id: T, partitions: vec![0, 1] }]));
    assert_eq!((request.member_epoch, &request.subscribed_topic_names, bench.member.owned()), (1, &None, all));
}

#[test]
fn k6_what_goes_is_held_until_the_user_has_let_go() {
    let mut bench = Bench::settled(options(), &[(T, &[0, 1])]);
    bench.wait(5_000);
    let (_, life) = bench.beat();
    bench.answer(life, 1, Some(&[(T, &[1])]));
    assert_eq!(bench.poll(), [Action::Revoke(vec![tp("t", 0)])]);
    // The callback takes its time; heartbeats go on and do not say that anything was given up.
    bench.wait(5_000);
    let (meanwhile, life) = bench.beat();
    assert_eq!(meanwhile.topic_partitions, None);
    bench.answer(life, 1, None);
    bench.member.revoked();
    let actions = bench.poll();
    assert_eq!(actions[0], Action::Assigned { added: vec![], all: vec![tp("t", 1)] });
    let Action::ConsumerHeartbeat { request, .. } = &actions[1] else { panic!("{actions:?}") };
    assert_eq!(request.topic_partitions, Some(vec![TopicPartitions { topic_id: T, partitions: vec![1] }]));
}

#[test]
fn k3_a_fenced_member_drops_everything_and_joins_anew() {
    for error in [ErrorCode::FencedMemberEpoch, ErrorCode::UnknownMemberId] {
        let mut bench = Bench::settled(options(), &[(T, &[0]), (U, &[2])]);
        bench.wait(5_000);
        let (_, life) = bench.beat();
        assert_eq!(bench.refuse(life, error), [Action::Lost(vec![tp("t", 0), tp("u", 2)])]);
        assert_eq!((bench.member.epoch(), bench.member.owned()), (-1, vec![]));
        let (join, life) = bench.beat();
        assert_eq!((join.member_epoch, join.member_id.as_str(), join.topic_partitions), (0, "m", Some(Vec::new())));
        bench.answer(life, 9, Some(&[(T, &[0])]));
        assert!(matches!(bench.poll().as_slice(), [Action::Assigned { .. }, Action::ConsumerHeartbeat { .. }]));
    }
}

#[test]
fn k3_who_is_fenced_in_a_callback_joins_when_it_is_over() {
    let mut bench = Bench::settled(options(), &[(T, &[0, 1])]);
    bench.wait(5_000);
    let (_, life) = bench.beat();
    bench.answer(life, 1, Some(&[(T, &[1])]));
    assert_eq!(bench.poll(), [Action::Revoke(vec![tp("t", 0)])]);
    bench.wait(5_000);
    let (_, life) = bench.beat();
    assert_eq!(bench.refuse(life, ErrorCode::FencedMemberEpoch), [Action::Lost(vec![tp("t", 1)])], "the other one is on its way already");
    bench.wait(10_000);
    assert_eq!((bench.poll(), bench.member.next_deadline()), (vec![], None));
    bench.member.revoked();
    assert_eq!(bench.beat().0.member_epoch, 0);
}

#[test]
fn a_lost_answer_makes_the_next_heartbeat_tell_everything() {
    let mut bench = Bench::settled(options(), &[(T, &[0])]);
    bench.wait(5_000);
    let (_, life) = bench.beat();
    assert_eq!(bench.member.heartbeat_answered(bench.now, life, None), [Action::ForgetCoordinator]);
    assert_eq!(bench.poll(), [], "not at once");
    bench.wait(100);
    let (full, _) = bench.beat();
    assert_eq!((full.member_epoch, full.rebalance_timeout_ms), (1, 60_000));
    assert_eq!(full.topic_partitions, Some(vec![TopicPartitions { topic_id: T, partitions: vec![0] }]));
    assert!(full.subscribed_topic_names.is_some());
}

#[test]
fn a_changed_subscription_is_told_at_once() {
    let mut bench = Bench::settled(options(), &[(T, &[0])]);
    bench.member.subscribe_regex("t.*");
    let (request, life) = bench.beat();
    assert_eq!((request.subscribed_topic_names, request.subscribed_topic_regex), (Some(vec![]), Some("t.*".to_string())));
    bench.answer(life, 1, None);
    bench.member.subscribe(BTreeSet::from(["u".to_string()]));
    let (request, _) = bench.beat();
    assert_eq!((request.subscribed_topic_names, request.subscribed_topic_regex), (Some(vec!["u".to_string()]), Some(String::new())));
}

#[test]
fn topics_without_a_name_are_looked_up_and_wait_alone() {
    let unheard = Uuid([3; 16]);
    let mut bench = Bench::with(options());
    let (_, life) = bench.beat();
    bench.answer(life, 1, Some(&[(T, &[0]), (unheard, &[7])]));
    let actions = bench.poll();
    assert_eq!(actions[0], Action::NeedNames(vec![unheard]));
    assert_eq!(actions[1], Action::Assigned { added: vec![tp("t", 0)], all: vec![tp("t", 0)] });
    let Action::ConsumerHeartbeat { life, .. } = actions[2] else { panic!("{actions:?}") };
    bench.answer(life, 1, None);
    // The cluster does not know it yet either.
    bench.member.named_topics(bench.now, BTreeMap::new());
    assert_eq!((bench.poll(), bench.member.next_deadline()), (vec![], Some(bench.now.plus(NAMES_AGAIN_MS))));
    bench.wait(NAMES_AGAIN_MS);
    assert_eq!(bench.poll(), [Action::NeedNames(vec![unheard])]);
    bench.member.named_topics(bench.now, BTreeMap::from([(unheard, "new".to_string())]));
    let actions = bench.poll();
    assert_eq!(actions[0], Action::Assigned { added: vec![tp("new", 7)], all: vec![tp("new", 7), tp("t", 0)] });
}

#[test]
fn k1_who_does_not_poll_leaves_and_comes_back_with_the_next_poll() {
    let mut bench = Bench::settled(options(), &[(T, &[0])]);
    bench.now = bench.now.plus(60_001);
    let actions = bench.poll();
    let [Action::LeaveConsumerGroup(leave), Action::Lost(lost)] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!((leave.member_epoch, lost.as_slice()), (-1, &[tp("t", 0)][..]));
    assert_eq!((bench.poll(), bench.member.next_deadline()), (vec![], None));
    assert!(bench.member.polled(bench.now));
    assert_eq!(bench.beat().0.member_epoch, 0);
}

#[test]
fn k1_leaving_is_for_good_or_for_a_while() {
    for (instance_id, epoch) in [(None, -1), (Some("i".to_string()), -2)] {
        let mut bench = Bench::settled(ConsumerOptions { instance_id: instance_id.clone(), ..options() }, &[(T, &[0])]);
        let Some(Action::LeaveConsumerGroup(leave)) = bench.member.leave() else { panic!("no farewell") };
        assert_eq!((leave.member_epoch, leave.instance_id), (epoch, instance_id));
        assert_eq!((bench.poll(), bench.member.owned()), (vec![], vec![]));
    }
    assert_eq!(Bench::with(options()).member.leave(), None, "it never was there");
}

#[test]
fn k4_what_cannot_be_helped_is_told_in_the_coordinators_words() {
    let mut bench = Bench::with(options());
    let (_, life) = bench.beat();
    let refusal = ConsumerGroupHeartbeatResponse {
        error_code: ErrorCode::UnreleasedInstanceId.code(),
        error_message: Some("taken".into()),
        ..Default::default()
    };
    let told = bench.member.heartbeat_answered(bench.now, life, Some(refusal));
    assert_eq!(told, [Action::Refused { code: ErrorCode::UnreleasedInstanceId, message: Some("taken".into()) }]);
    assert_eq!((bench.poll(), bench.member.next_deadline()), (vec![], None));
    // Whoever polls again means it.
    assert!(bench.member.polled(bench.now));
    bench.wait(100);
    assert_eq!(bench.beat().0.member_epoch, 0);
}

#[test]
fn answers_to_an_earlier_life_mean_nothing() {
    let mut bench = Bench::settled(options(), &[(T, &[0])]);
    bench.wait(5_000);
    let (_, old) = bench.beat();
    bench.now = bench.now.plus(60_001);
    bench.poll();
    bench.member.polled(bench.now);
    let (_, new) = bench.beat();
    assert_ne!(old, new);
    assert_eq!(bench.answer(old, 1, Some(&[(U, &[5])])), []);
    assert_eq!((bench.poll(), bench.member.owned()), (vec![], vec![]));
}
