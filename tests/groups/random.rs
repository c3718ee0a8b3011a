//! Random histories of one group: members join, sync, beat, commit, leave, die; writes fail; the process crashes. After every step the
//! machine's invariants are checked (by the driver), and over the whole history:
//! - every request is answered once, or lost with a crash;
//! - V8: within a generation, one leader made one assignment, and no partition went to two members;
//! - generations rise, except that a generation which was never written may come again after a crash or a failed write;
//! - V11: what a new process reads from the log is the durable state the old one had.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kfk::machine::assign::{Assignor, Member, TopicPartitions, Topics, consumer_protocol};
use kfk::machine::coordinator::Token;
use kfk::machine::group::{GroupAnswer, GroupConfig};
use kfk::node::shard::AppendError;
use kfk::rng::Rng;
use kfk::types::TopicPartition;
use kfk::wire::ErrorCode;

use crate::driver::{GROUP, Join, World};

const CLIENTS: usize = 6;
const STEPS: usize = 400;
const SEEDS: u64 = 60;

/// A client program: at most one JoinGroup or SyncGroup of it is under way.
#[derive(Default)]
struct Client {
    instance: Option<String>,
    id: String,
    generation: i32,
    asked: Option<Token>,
    /// It is a member, as far as it knows.
    settled: bool,
    topics: Vec<&'static str>,
}

struct History {
    w: World,
    rng: Rng,
    clients: Vec<Client>,
    /// Generation to the partitions given out in it, by member.
    given: BTreeMap<i32, BTreeMap<String, Vec<TopicPartition>>>,
    seed: u64,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let config =
            GroupConfig { initial_rebalance_delay_ms: rng.below(3) * 1_500, max_size: 3 + rng.below(4) as usize, ..Default::default() };
        let client =
            |i: usize| Client { instance: i.is_multiple_of(3).then(|| format!("instance-{i}")), topics: vec!["t"], ..Default::default() };
        History { w: World::with_config(config), rng, clients: (0..CLIENTS).map(client).collect(), given: BTreeMap::new(), seed }
    }

    fn run(&mut self) {
        for _ in 0..STEPS {
            let i = self.rng.below(CLIENTS as u64) as usize;
            match self.rng.below(100) {
                0..2 => self.crash(),
                2..5 => self.fail_an_append(),
                5..20 => self.pass(4_000),
                20..22 => self.pass(80_000),
                22..26 => self.restart(i),
                26..30 => self.leave(i),
                30..34 => self.clients[i].topics = if self.clients[i].topics.len() == 1 { vec!["t", "u"] } else { vec!["t"] },
                34..45 => self.beat(i),
                45..52 => self.commit(i),
                _ => self.go_on(i),
            }
            self.hear();
        }
        self.settle();
    }

    fn pass(&mut self, at_most_ms: u64) {
        let ms = self.rng.below(at_most_ms);
        self.w.pass(ms);
    }

    fn join_request(&self, i: usize) -> Join {
        let client = &self.clients[i];
        let join = Join::consumer().id(&client.id).topics(&client.topics).rebalance_ms(20_000 + 1_000 * i as i32);
        match &client.instance {
            Some(instance) => join.instance(instance),
            None => join,
        }
    }

    /// What a client does next when left alone.
    fn go_on(&mut self, i: usize) {
        if self.clients[i].asked.is_some() || self.clients[i].settled {
            return;
        }
        let join = self.join_request(i);
        self.clients[i].asked = Some(self.w.join(&join));
    }

    fn hear(&mut self) {
        for i in 0..CLIENTS {
            while let Some(answer) = self.clients[i].asked.and_then(|token| self.w.try_answer(token)) {
                self.clients[i].asked = None;
                match answer {
                    GroupAnswer::JoinGroup(answer) => self.joined(i, answer),
                    GroupAnswer::SyncGroup(answer) => self.synced(i, answer.error_code, &answer.assignment),
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn joined(&mut self, i: usize, answer: kfk::wire::join_group_response::JoinGroupResponse) {
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => {}
            ErrorCode::MemberIdRequired => {
                self.clients[i].id = answer.member_id;
                return;
            }
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                self.clients[i].id = String::new();
                return;
            }
            ErrorCode::RebalanceInProgress
            | ErrorCode::GroupMaxSizeReached
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorLoadInProgress => return,
            other => panic!("seed {}: JoinGroup answered {other:?}", self.seed),
        }
        self.clients[i].id = answer.member_id.clone();
        self.clients[i].generation = answer.generation_id;
        let mut assignments: Vec<(String, Bytes)> = Vec::new();
        if answer.leader == answer.member_id && !answer.skip_assignment {
            assignments = self.assign(&answer);
        }
        let request = kfk::wire::sync_group_request::SyncGroupRequest {
            group_id: GROUP.into(),
            generation_id: answer.generation_id,
            member_id: answer.member_id,
            group_instance_id: self.clients[i].instance.clone(),
            protocol_type: answer.protocol_type,
            protocol_name: answer.protocol_name,
            assignments: assignments
                .into_iter()
                .map(|(member_id, assignment)| kfk::wire::sync_group_request::SyncGroupRequestAssignment { member_id, assignment })
                .collect(),
        };
        self.clients[i].asked = Some(self.w.send(5, kfk::machine::group::GroupRequest::SyncGroup(request)));
    }

    fn assign(&self, answer: &kfk::wire::join_group_response::JoinGroupResponse) -> Vec<(String, Bytes)> {
        let topics: Topics = [("t", 4), ("u", 3)].map(|(name, n)| (name.to_string(), TopicPartitions::without_racks(n))).into();
        let member = |m: &kfk::wire::join_group_response::JoinGroupResponseMember| Member {
            id: m.member_id.clone(),
            instance_id: m.group_instance_id.clone(),
            subscription: consumer_protocol::decode_subscription(&m.metadata).unwrap(),
        };
        let members: Vec<Member> = answer.members.iter().map(member).collect();
        let lists = Assignor::Range.assign(&topics, &members);
        lists.into_iter().map(|(id, list)| (id, consumer_protocol::encode_assignment(&list, None, 3).unwrap())).collect()
    }

    fn synced(&mut self, i: usize, error: i16, assignment: &Bytes) {
        let client = &mut self.clients[i];
        match ErrorCode::from_code(error) {
            ErrorCode::None => {
                client.settled = true;
                let (partitions, _) = consumer_protocol::decode_assignment(assignment).unwrap();
                let (id, generation) = (client.id.clone(), client.generation);
                self.given.entry(generation).or_default().insert(id, partitions);
                self.check_given(generation);
            }
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => client.id = String::new(),
            ErrorCode::IllegalGeneration
            | ErrorCode::RebalanceInProgress
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorLoadInProgress => {}
            other => panic!("seed {}: SyncGroup answered {other:?}", self.seed),
        }
    }

    /// V8. A static member that was replaced hands its partitions on within the generation, so only present members count.
    fn check_given(&mut self, generation: i32) {
        let present: BTreeSet<String> = self.w.describe(GROUP).members.into_iter().map(|m| m.member_id).collect();
        let mut owners: BTreeMap<&TopicPartition, &String> = BTreeMap::new();
        for (id, partitions) in self.given[&generation].iter().filter(|(id, _)| present.contains(*id)) {
            for tp in partitions {
                let other = owners.insert(tp, id);
                assert!(other.is_none(), "seed {}: {tp} belongs to {id} and {other:?} in generation {generation}", self.seed);
            }
        }
    }

    fn beat(&mut self, i: usize) {
        if !self.clients[i].settled {
            return;
        }
        let (id, instance, generation) = (self.clients[i].id.clone(), self.clients[i].instance.clone(), self.clients[i].generation);
        match self.w.heartbeat_as(&id, instance.as_deref(), generation) {
            ErrorCode::None | ErrorCode::CoordinatorLoadInProgress => {}
            ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration => self.clients[i].settled = false,
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                self.clients[i].settled = false;
                self.clients[i].id = String::new();
            }
            other => panic!("seed {}: Heartbeat answered {other:?}", self.seed),
        }
    }

    fn commit(&mut self, i: usize) {
        if self.clients[i].settled {
            let (id, generation) = (self.clients[i].id.clone(), self.clients[i].generation);
            let offset = self.rng.below(1_000) as i64;
            if self.w.commit((&id, generation), i as i32, offset) == ErrorCode::None {
                assert_eq!(self.w.fetch(i as i32), offset);
            }
        }
    }

    fn leave(&mut self, i: usize) {
        let id = std::mem::take(&mut self.clients[i].id);
        if !id.is_empty() {
            self.w.leave(5, &[(&id, None)]);
            self.clients[i].settled = false;
            // A request of its own that still waited has been answered.
            self.hear();
            self.clients[i].id = String::new();
        }
    }

    /// The program dies and starts again; nobody tells the coordinator.
    fn restart(&mut self, i: usize) {
        let client = &mut self.clients[i];
        *client = Client { instance: client.instance.take(), topics: std::mem::take(&mut client.topics), ..Default::default() };
    }

    fn fail_an_append(&mut self) {
        let error = match self.rng.below(4) {
            0 => AppendError::Unknown(ErrorCode::KafkaStorageError),
            1 => AppendError::Refused(ErrorCode::NotLeaderOrFollower),
            _ => AppendError::Refused(ErrorCode::NotEnoughReplicas),
        };
        self.w.shard.log_mut().fail_next = Some(error);
    }

    fn crash(&mut self) {
        let before = self.w.shard.machine().snapshot();
        let loaded = self.w.shard.is_active();
        self.w.crash();
        if loaded {
            assert_eq!(self.w.shard.machine().snapshot(), before, "seed {}", self.seed);
        }
        for client in &mut self.clients {
            client.asked = None;
        }
        // A generation that was given out but not written comes again.
        let written = self.w.describe(GROUP).members;
        let present: BTreeSet<String> = written.into_iter().map(|m| m.member_id).collect();
        self.given.values_mut().for_each(|members| members.retain(|id, _| present.contains(id)));
    }

    /// Left in peace, everyone who wants to be in ends up in one stable generation.
    fn settle(&mut self) {
        self.w.shard.log_mut().fail_next = None;
        for _ in 0..200 {
            for i in 0..CLIENTS {
                self.beat(i);
                self.go_on(i);
                self.hear();
            }
            self.w.pass(1_000);
            self.hear();
        }
        let stable: Vec<&Client> = self.clients.iter().filter(|c| c.settled).collect();
        let generations: BTreeSet<i32> = stable.iter().map(|c| c.generation).collect();
        assert_eq!(generations.len(), 1, "seed {}", self.seed);
        assert_eq!(stable.len(), self.w.describe(GROUP).members.len(), "seed {}", self.seed);
        assert_eq!(stable.len(), CLIENTS.min(self.w.config.max_size), "seed {}", self.seed);
        assert_eq!(self.w.waiting(), 0, "seed {}: requests without an answer", self.seed);
    }
}

#[test]
fn v8_v11_random_histories_keep_every_invariant() {
    // More, or one, by hand: KFK_GROUP_SEEDS=FROM..TO
    let (from, to) = match std::env::var("KFK_GROUP_SEEDS") {
        Ok(range) => range.split_once("..").map(|(from, to)| (from.parse().unwrap(), to.parse().unwrap())).unwrap(),
        Err(_) => (0, SEEDS),
    };
    for seed in from..to {
        History::new(seed).run();
    }
}
