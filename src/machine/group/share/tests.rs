use std::sync::Arc;

use super::*;
use crate::machine::coordinator::{Coordinator, Input, Output, Position, Producer, Token};
use crate::machine::group::{GroupAnswer, GroupConfig, GroupRecord, GroupRequest, GroupSettings, GroupShard, TopicInfo};
use crate::rng::Rng;
use crate::types::{MonoMs, Now, WallMs};
use crate::wire::delete_groups_request::DeleteGroupsRequest;
use crate::wire::list_groups_request::ListGroupsRequest;

/// Two topics: one with two partitions, as Kafka 4.3.1 had it when it wrote what is compared here, and one with one.
struct Topics;

fn t() -> TopicId {
    "qM8vOq__SdSXGSE8gne05w".parse().unwrap()
}

impl ClusterView for Topics {
    fn version(&self) -> i64 {
        1
    }
    fn topic(&self, name: &str) -> Option<TopicInfo> {
        match name {
            "t" => Some(TopicInfo { id: t(), partitions: 2 }),
            "u" => Some(TopicInfo { id: crate::types::Uuid([7; 16]), partitions: 1 }),
            _ => None,
        }
    }
    fn topic_name(&self, id: TopicId) -> Option<&str> {
        (id == t()).then_some("t")
    }
    fn racks(&self, _: &str, _: i32) -> Vec<String> {
        Vec::new()
    }
    fn check_regex(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
    fn topics_matching(&self, _: &str) -> BTreeSet<String> {
        BTreeSet::new()
    }
    fn group_settings(&self, _: &str) -> GroupSettings {
        GroupSettings::default()
    }
}

struct Bench {
    shard: GroupShard,
    now: u64,
    /// Type of every record that was written since this was looked at last; negative for a tombstone.
    kinds: Vec<i16>,
    log: Vec<GroupRecord>,
}

impl Bench {
    fn new() -> Self {
        let mut shard = GroupShard::new(GroupConfig::default(), Rng::new(1));
        shard.set_cluster(Arc::new(Topics), &[]);
        let mut bench = Bench { shard, now: 0, kinds: Vec::new(), log: Vec::new() };
        bench.feed(Input::Loaded);
        bench
    }

    fn now(&self) -> Now {
        Now { wall: WallMs(1_000_000 + i64::try_from(self.now).unwrap()), mono: MonoMs(self.now) }
    }

    fn feed(&mut self, input: Input<GroupRequest, crate::machine::group::GroupEvent>) -> Vec<GroupAnswer> {
        let mut out = Vec::new();
        self.shard.decide(self.now(), input, &mut out);
        let mut answers = Vec::new();
        for output in out {
            match output {
                Output::Append { records, .. } => {
                    for record in records {
                        let (k, v) = GroupShard::encode(&record).unwrap();
                        assert_eq!(GroupShard::decode(&k, v.as_ref()).unwrap(), record);
                        let kind = i16::from_be_bytes([k[0], k[1]]);
                        self.kinds.push(if v.is_none() { -kind } else { kind });
                        self.log.push(record.clone());
                        self.shard.apply(record, Position { offset: 0, producer: Producer::NONE });
                    }
                }
                Output::Answer { answer, .. } => answers.push(answer),
                Output::Effect(never) => match never {},
            }
        }
        self.shard.check().unwrap();
        answers
    }

    fn ask(&mut self, body: GroupRequest) -> GroupAnswer {
        let context = Context { client_id: "c".into(), client_host: "/127.0.0.1".into(), api_version: 1 };
        self.feed(Input::Request { token: Token(1), context, body }).remove(0)
    }

    fn share(&mut self, ask: ShareAsk) -> ShareReply {
        let GroupAnswer::Share(reply) = self.ask(GroupRequest::Share(ask)) else { panic!("another answer") };
        reply
    }

    fn beat(&mut self, member: &str, epoch: i32, topics: Option<&[&str]>) -> (ShareGroupHeartbeatResponse, Option<ShareProgress>) {
        let request = ShareGroupHeartbeatRequest {
            group_id: "g".into(),
            member_id: member.into(),
            member_epoch: epoch,
            rack_id: None,
            subscribed_topic_names: topics.map(|topics| topics.iter().map(|t| t.to_string()).collect()),
        };
        let ShareReply::Heartbeat(response, progress) = self.share(ShareAsk::Heartbeat(request)) else { panic!("another reply") };
        (response, progress)
    }

    fn step(&mut self, ask: ShareAsk) -> Result<ShareProgress, (ErrorCode, String)> {
        let ShareReply::Progress(result) = self.share(ask) else { panic!("another reply") };
        result
    }

    fn kinds(&mut self) -> Vec<i16> {
        std::mem::take(&mut self.kinds)
    }

    /// A member that is in the group, with partitions.
    fn joined(&mut self, member: &str) -> i32 {
        let (_, progress) = self.beat(member, 0, Some(&["t"]));
        if let Some(progress) = progress {
            self.step(ShareAsk::Begun { group: "g".into(), topics: progress.topics }).unwrap();
        }
        self.now += 5_000;
        let epoch = self.shard.groups["g"].as_share().unwrap().members[member].epoch;
        self.beat(member, epoch, None).0.member_epoch
    }
}

fn partitions(response: &ShareGroupHeartbeatResponse) -> Option<Vec<i32>> {
    response.assignment.as_ref().map(|a| a.topic_partitions.iter().flat_map(|t| t.partitions.clone()).collect())
}

#[test]
fn h1_a_groups_life_writes_the_records_that_kafka_writes() {
    let mut b = Bench::new();
    let (response, progress) = b.beat("m", 0, Some(&["t"]));
    assert_eq!((response.error_code, response.member_epoch, partitions(&response)), (0, 2, Some(vec![])));
    assert_eq!(b.kinds(), [10, 11, 13, 12, 14, 15]);
    let topic = ShareTopic { id: t(), name: "t".into(), partitions: vec![0, 1] };
    assert_eq!(progress, Some(ShareProgress { state_epoch: 2, topics: vec![topic.clone()] }));
    assert_eq!(b.shard.groups["g"].as_share().unwrap().metadata_hash, -8811122178423924796);
    // Only one is asked to have the states begun, until that takes too long.
    assert_eq!(b.beat("m", 2, None).1, None);
    b.kinds();
    b.step(ShareAsk::Begun { group: "g".into(), topics: vec![topic.clone()] }).unwrap();
    assert_eq!(b.kinds(), [15]);

    b.now += 5_000;
    let (response, progress) = b.beat("m", 2, None);
    assert_eq!((response.member_epoch, partitions(&response), progress), (3, Some(vec![0, 1]), None));
    assert_eq!(b.kinds(), [11, 13, 12, 14]);
    let (response, _) = b.beat("m", 3, None);
    assert_eq!((response.member_epoch, response.assignment, b.kinds()), (3, None, vec![]));

    let (response, _) = b.beat("m", -1, None);
    assert_eq!((response.member_epoch, b.kinds()), (-1, vec![-14, -13, -10, 11]));
    let group = b.shard.groups["g"].as_share().unwrap();
    assert_eq!((group.epoch, group.metadata_hash), (4, 0));
    b.now += 5_000;
    let (response, _) = b.beat("n", 0, Some(&["t"]));
    assert_eq!((response.member_epoch, partitions(&response)), (5, Some(vec![0, 1])));
    assert_eq!(b.kinds(), [10, 11, 13, 12, 14]);
    b.beat("n", -1, None);
    b.kinds();

    let begun = b.step(ShareAsk::Begin { group: "g".into(), topics: vec![topic.clone()] }).unwrap();
    assert_eq!((begun.state_epoch, b.kinds()), (6, vec![15]));
    b.step(ShareAsk::Begun { group: "g".into(), topics: vec![topic.clone()] }).unwrap();
    let ended = b.step(ShareAsk::End { group: "g".into(), topics: None }).unwrap();
    assert_eq!(ended.topics, [topic]);
    assert_eq!(b.kinds(), [15, 15]);
    let GroupAnswer::DeleteGroups(deleted) = b.ask(GroupRequest::DeleteGroups(DeleteGroupsRequest { groups_names: vec!["g".into()] }))
    else {
        panic!()
    };
    assert_eq!((deleted.results[0].error_code, b.kinds()), (0, vec![-12, -15, -11]));
    assert!(b.shard.groups.is_empty());
}

#[test]
fn h1_members_share_partitions_and_what_was_read_again_is_the_same() {
    let mut b = Bench::new();
    let one = b.joined("a");
    b.now += 5_000;
    let (two, _) = b.beat("b", 0, Some(&["t", "nothing"]));
    assert_eq!(partitions(&two), Some(vec![1]));
    let (again, _) = b.beat("a", one, None);
    assert_eq!((again.member_epoch, partitions(&again)), (two.member_epoch, Some(vec![0])));
    let GroupAnswer::ListGroups(list) = b.ask(GroupRequest::ListGroups(ListGroupsRequest::default())) else { panic!() };
    assert_eq!((list.groups[0].group_type.as_str(), list.groups[0].group_state.as_str()), ("share", "Stable"));

    let mut shard = GroupShard::new(GroupConfig::default(), Rng::new(1));
    shard.set_cluster(Arc::new(Topics), &[]);
    for record in b.log.iter().chain(&b.log) {
        shard.apply(record.clone(), Position { offset: 0, producer: Producer::NONE });
    }
    assert_eq!(shard.snapshot(), b.shard.snapshot());
}

#[test]
fn h1_a_silent_member_is_taken_out() {
    let mut b = Bench::new();
    let epoch = b.joined("a");
    b.now += 44_999;
    b.feed(Input::Deadline);
    assert_eq!(b.beat("a", epoch, None).0.error_code, 0);
    b.kinds();
    b.now += 45_000;
    b.feed(Input::Deadline);
    assert_eq!(b.kinds(), [-14, -13, -10, 11]);
    assert_eq!(b.beat("a", epoch, None).0.error_code, ErrorCode::UnknownMemberId.code());
}

#[test]
fn h1_heartbeats_that_cannot_be_are_refused() {
    let mut b = Bench::new();
    let code = |b: &mut Bench, member, epoch, topics| b.beat(member, epoch, topics).0.error_code;
    assert_eq!(code(&mut b, "m", 3, None), ErrorCode::GroupIdNotFound.code());
    assert_eq!(code(&mut b, "m", 0, None), ErrorCode::InvalidRequest.code());
    assert_eq!(code(&mut b, "", 0, Some(&["t"])), ErrorCode::InvalidRequest.code());
    assert_eq!(code(&mut b, "m", -2, None), ErrorCode::InvalidRequest.code());
    assert_eq!(b.kinds(), Vec::<i16>::new());
    let epoch = b.joined("m");
    assert_eq!(code(&mut b, "m", epoch + 1, None), ErrorCode::FencedMemberEpoch.code());
    assert_eq!(code(&mut b, "m", epoch - 2, None), ErrorCode::FencedMemberEpoch.code());
    assert_eq!(code(&mut b, "m", epoch - 1, None), 0, "it may not have heard of the last epoch");
    assert_eq!(code(&mut b, "other", epoch, None), ErrorCode::UnknownMemberId.code());
    for ask in [ShareAsk::End { group: "g".into(), topics: None }, ShareAsk::Begin { group: "g".into(), topics: Vec::new() }] {
        assert_eq!(b.step(ask).unwrap_err().0, ErrorCode::NonEmptyGroup);
    }
    assert_eq!(b.step(ShareAsk::Kept { group: "x".into() }).unwrap_err(), (ErrorCode::GroupIdNotFound, "Group x not found.".into()));
}

#[test]
fn h1_an_administrator_makes_a_group_by_setting_where_it_begins() {
    let mut b = Bench::new();
    let topic = ShareTopic { id: t(), name: "t".into(), partitions: vec![0] };
    let begun = b.step(ShareAsk::Begin { group: "x".into(), topics: vec![topic.clone()] }).unwrap();
    assert_eq!(begun, ShareProgress { state_epoch: 1, topics: vec![topic.clone()] });
    b.step(ShareAsk::Begun { group: "x".into(), topics: vec![topic.clone()] }).unwrap();
    // As Kafka: nothing but the states.
    assert_eq!(b.kinds(), [15, 15]);
    assert_eq!(b.step(ShareAsk::Kept { group: "x".into() }).unwrap().topics, [topic]);
    assert_eq!(b.step(ShareAsk::Begin { group: "y".into(), topics: vec![] }), Ok(ShareProgress { state_epoch: 1, topics: vec![] }));
    assert!(b.step(ShareAsk::Kept { group: "y".into() }).is_err(), "of nothing no group is made");
}

#[test]
fn t11_a_topic_that_is_gone_is_no_business_of_the_group() {
    let mut b = Bench::new();
    b.joined("m");
    b.kinds();
    b.feed(Input::Event(crate::machine::group::GroupEvent::TopicsDeleted(vec![("t".into(), t())])));
    assert_eq!(b.kinds(), [15]);
    assert!(b.step(ShareAsk::Kept { group: "g".into() }).unwrap().topics.is_empty());
}
