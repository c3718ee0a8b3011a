use super::*;
use kfk_wire::share_group_heartbeat_response::TopicPartitions;

const T: Uuid = Uuid([7; 16]);

fn member() -> ShareMember {
    let options = ShareOptions {
        group: "g".into(),
        member_id: "m".into(),
        rack: Some("r".into()),
        max_poll_interval_ms: 1000,
        retry_backoff_ms: 100,
    };
    let mut member = ShareMember::new(options, MonoMs(0));
    member.subscribe(["t".to_string()].into());
    member
}

/// The only heartbeat that is asked for at `now`.
fn heartbeat(member: &mut ShareMember, now: u64) -> (ShareGroupHeartbeatRequest, u64) {
    match member.poll(MonoMs(now)).pop() {
        Some(ShareAction::Heartbeat { request, life }) => (request, life),
        other => panic!("no heartbeat at {now}: {other:?}"),
    }
}

fn answer(epoch: i32, assigned: Option<&[i32]>) -> Option<ShareGroupHeartbeatResponse> {
    let topic = |p: &[i32]| Assignment { topic_partitions: vec![TopicPartitions { topic_id: T, partitions: p.to_vec() }] };
    Some(ShareGroupHeartbeatResponse {
        member_id: Some("m".into()),
        member_epoch: epoch,
        heartbeat_interval_ms: 300,
        assignment: assigned.map(topic),
        ..Default::default()
    })
}

fn refusal(code: ErrorCode) -> Option<ShareGroupHeartbeatResponse> {
    Some(ShareGroupHeartbeatResponse { error_code: code.code(), ..Default::default() })
}

fn part(p: i32) -> SharePart {
    (T, TopicPartition::new("t", p))
}

/// In the group, with partitions 0 and 1.
fn joined() -> ShareMember {
    let mut member = member();
    let (_, life) = heartbeat(&mut member, 0);
    assert!(member.heartbeat_answered(MonoMs(1), life, answer(1, Some(&[0, 1]))).is_empty(), "names first");
    assert_eq!(member.poll(MonoMs(1)), [ShareAction::NeedNames(vec![T])]);
    let told = member.named_topics(MonoMs(2), [(T, "t".to_string())].into());
    assert_eq!(told, [ShareAction::Assigned(vec![part(0), part(1)])]);
    member
}

#[test]
fn h1_a_member_says_everything_once_and_then_only_what_changed() {
    let mut member = joined();
    assert_eq!(member.next_deadline(), Some(MonoMs(301)));
    let (request, life) = heartbeat(&mut member, 301);
    assert_eq!((request.member_epoch, request.rack_id, request.subscribed_topic_names), (1, None, None));
    assert!(member.heartbeat_answered(MonoMs(302), life, answer(1, None)).is_empty(), "no news");
    member.subscribe(["t".to_string(), "u".to_string()].into());
    let (request, _) = heartbeat(&mut member, 303);
    assert_eq!(request.subscribed_topic_names, Some(vec!["t".to_string(), "u".to_string()]));
}

#[test]
fn h1_an_assignment_counts_at_once() {
    let mut member = joined();
    let (_, life) = heartbeat(&mut member, 301);
    let told = member.heartbeat_answered(MonoMs(302), life, answer(2, Some(&[1])));
    assert_eq!(told, [ShareAction::Assigned(vec![part(1)])]);
    let (request, _) = heartbeat(&mut member, 602);
    assert_eq!(request.member_epoch, 2);
}

#[test]
fn who_is_fenced_joins_again_and_tells_everything() {
    let mut member = joined();
    let (_, life) = heartbeat(&mut member, 301);
    let told = member.heartbeat_answered(MonoMs(302), life, refusal(ErrorCode::FencedMemberEpoch));
    assert_eq!(told, [ShareAction::Assigned(vec![])]);
    let (request, life) = heartbeat(&mut member, 302);
    assert_eq!((request.member_epoch, request.rack_id.as_deref()), (0, Some("r")));
    assert_eq!(request.subscribed_topic_names, Some(vec!["t".to_string()]));
    let told = member.heartbeat_answered(MonoMs(303), life, answer(4, Some(&[0])));
    assert_eq!(told, [ShareAction::Assigned(vec![part(0)])], "the name is known");
}

#[test]
fn without_an_answer_the_coordinator_is_looked_up_and_everything_said_again() {
    let mut member = joined();
    let (_, life) = heartbeat(&mut member, 301);
    assert_eq!(member.heartbeat_answered(MonoMs(302), life, None), [ShareAction::ForgetCoordinator]);
    assert_eq!(member.next_deadline(), Some(MonoMs(402)));
    let (request, _) = heartbeat(&mut member, 402);
    assert_eq!((request.member_epoch, request.subscribed_topic_names), (1, Some(vec!["t".to_string()])));
}

#[test]
fn who_does_not_poll_leaves_and_comes_back_with_the_next_poll() {
    let mut member = joined();
    let left = member.poll(MonoMs(1001));
    let Some(ShareAction::Leave(request)) = left.first() else { panic!("{left:?}") };
    assert_eq!((request.member_epoch, &left[1..]), (-1, &[ShareAction::Assigned(vec![])][..]));
    assert_eq!((member.next_deadline(), member.poll(MonoMs(5000))), (None, vec![]));
    assert!(member.polled(MonoMs(5001)));
    assert_eq!(heartbeat(&mut member, 5001).0.member_epoch, 0);
}

#[test]
fn what_time_does_not_cure_is_told_and_tried_again_with_the_next_poll() {
    let mut member = member();
    let (_, life) = heartbeat(&mut member, 0);
    let told = member.heartbeat_answered(MonoMs(1), life, refusal(ErrorCode::GroupAuthorizationFailed));
    assert_eq!(told, [ShareAction::Refused { code: ErrorCode::GroupAuthorizationFailed, message: None }]);
    assert_eq!((member.next_deadline(), member.poll(MonoMs(9))), (None, vec![]));
    assert!(member.polled(MonoMs(10)));
    assert_eq!(heartbeat(&mut member, 110).0.member_epoch, 0);
}

#[test]
fn who_leaves_hears_no_late_answers() {
    let mut member = joined();
    let (_, life) = heartbeat(&mut member, 301);
    assert!(matches!(member.leave(), Some(ShareAction::Leave(r)) if r.member_epoch == -1));
    assert!(member.heartbeat_answered(MonoMs(302), life, answer(2, Some(&[0]))).is_empty());
    assert_eq!((member.leave(), member.next_deadline()), (None, None));
}
