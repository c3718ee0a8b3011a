//! Random histories of a group whose members come and go with either protocol: replies are lost, programs die and start again, perhaps
//! with the other protocol, topics change, writes fail, the coordinator crashes. After every step the machine's invariants are checked (by
//! the driver), and over the whole history:
//! - V8: no partition is held by two members, and no client consumes what the coordinator does not know it to hold;
//! - V11: what a new process reads from the log is the durable state the old one had, also if it reads it twice;
//! - left in peace, everyone ends up in one stable group, and every partition of the topics they subscribe to has one consumer.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kfk::machine::assign::{Assignor, Member, Subscription, TopicPartitions, Topics, consumer_protocol};
use kfk::machine::coordinator::Token;
use kfk::machine::group::{ConsumerGroupConfig, GroupAnswer, GroupConfig, GroupRequest, MigrationPolicy};
use kfk::node::shard::AppendError;
use kfk::rng::Rng;
use kfk::types::TopicPartition;
use kfk::wire::ErrorCode;
use kfk::wire::consumer_group_describe_response::Member as DescribedMember;
use kfk::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use kfk::wire::join_group_response::JoinGroupResponse;
use kfk::wire::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};

use crate::consumer_driver::{Client, Names};
use crate::driver::{GROUP, Join, MemoryLog, World};

const CLIENTS: usize = 6;
const STEPS: usize = 400;
const SEEDS: u64 = 30;

/// A program that consumes. It has one request under way at most.
#[derive(Debug, Default)]
struct Program {
    /// Speaks the classic protocol, `client.epoch` being its generation.
    classic: bool,
    client: Client,
    /// It is a member, as far as it knows.
    joined: bool,
    /// It has told the coordinator everything there is to tell.
    told_all: bool,
    asked: Option<Token>,
    /// So many programs ran in this place before; each has an id of its own.
    lives: usize,
}

struct History {
    w: World,
    rng: Rng,
    programs: Vec<Program>,
    seed: u64,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let migration = [MigrationPolicy::Bidirectional, MigrationPolicy::Bidirectional, MigrationPolicy::Upgrade][rng.below(3) as usize];
        let consumer = ConsumerGroupConfig {
            migration,
            assignment_interval_ms: rng.below(2) as i32 * 1_000,
            max_size: if rng.below(3) == 0 { CLIENTS - 1 } else { 100 },
            ..Default::default()
        };
        let config = GroupConfig { initial_rebalance_delay_ms: rng.below(3) * 1_500, consumer, ..Default::default() };
        let mut w = World::with_config(config);
        w.topics(&[("t", 4), ("u", 3)]);
        let mut history = History { w, rng, programs: Vec::new(), seed };
        history.programs.resize_with(CLIENTS, Program::default);
        let with_classic = history.rng.below(2) == 0;
        (0..CLIENTS).for_each(|i| history.start(i, with_classic && i % 2 == 0));
        history
    }

    fn run(&mut self) {
        for _ in 0..STEPS {
            let i = self.rng.below(CLIENTS as u64) as usize;
            match self.rng.below(100) {
                0..2 => self.crash(),
                2..5 => self.fail_an_append(),
                5..20 => self.pass(3_000),
                20..22 => self.pass(70_000),
                22..25 => self.change_topics(),
                25..28 => self.restart(i),
                28..31 => self.leave(i),
                31..36 => self.subscribe(i),
                36..45 => self.obey(i),
                45..50 => self.commit(i),
                _ => self.speak(i),
            }
            self.hear();
            self.check_holdings();
        }
        self.settle();
    }

    fn pass(&mut self, at_most_ms: u64) {
        let ms = self.rng.below(at_most_ms);
        self.w.pass(ms);
    }

    /// A fresh program in this place. A static one has its instance id from the place.
    fn start(&mut self, i: usize, classic: bool) {
        let lives = self.programs[i].lives + 1;
        let client = Client::new(&format!("m{i}.{lives}"), &["t"]).rebalance_ms(20_000 + 1_000 * i as i32);
        // A static member says that it has no expression, for it inherits that of the program before it.
        let client = if i.is_multiple_of(3) { client.instance(&format!("instance-{i}")).regex("") } else { client };
        self.programs[i] = Program { classic, lives, client, ..Program::default() };
        if classic {
            self.programs[i].client.id = String::new();
        }
        self.subscribe(i);
    }

    /// Nobody tells the coordinator.
    fn restart(&mut self, i: usize) {
        let classic = if self.rng.below(3) == 0 { !self.programs[i].classic } else { self.programs[i].classic };
        self.start(i, classic);
    }

    fn subscribe(&mut self, i: usize) {
        let program = &mut self.programs[i];
        let topics: &[&str] = [&["t"][..], &["t", "u"], &["u"], &["t"]][self.rng.below(4) as usize];
        program.client.topics = topics.iter().map(|t| t.to_string()).collect();
        // The classic protocol has no expressions that the coordinator resolves.
        let regex = !program.classic && self.rng.below(4) == 0;
        let had_regex = program.client.regex.is_some();
        program.client.regex = if regex { Some("u|v.*".into()) } else { had_regex.then(String::new) };
        program.told_all = false;
    }

    fn change_topics(&mut self) {
        match self.rng.below(4) {
            0 => {
                self.forget("v1");
                self.w.topics(&[("v1", 2)]);
            }
            1 => {
                self.forget("v1");
                self.w.cluster.delete("v1");
                self.w.tell_of_topics(&["v1"]);
            }
            2 => {
                self.forget("u");
                self.w.topics(&[("u", 3)]);
            }
            _ => {
                let now = self.w.cluster.topics["t"].partitions;
                self.w.cluster.grow("t", (now + 1).min(8));
                self.w.tell_of_topics(&["t"]);
            }
        }
    }

    /// A topic goes, or gives its name to a new one: what clients have of it has no name any more.
    fn forget(&mut self, topic: &str) {
        let Some(info) = self.w.cluster.topics.get(topic) else { return };
        let prefix = format!("{topic}-");
        let rename = |names: &Names| -> Names {
            let gone = |name: &String| name.strip_prefix(&prefix).map(|p| format!("gone:{}-{p}", info.id));
            names.iter().map(|name| gone(name).unwrap_or_else(|| name.clone())).collect()
        };
        for client in self.programs.iter_mut().map(|p| &mut p.client) {
            (client.owned, client.told) = (rename(&client.owned), rename(&client.told));
        }
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
        let (before, loaded) = (self.w.shard.machine().snapshot(), self.w.shard.is_active());
        self.w.crash();
        if loaded {
            assert_eq!(self.w.shard.machine().snapshot(), before, "seed {}: V11", self.seed);
            let items = self.w.shard.log().items.clone();
            let twice = MemoryLog { items: [items.clone(), items].concat(), ..Default::default() };
            let twice = World::on(twice, self.w.config.clone());
            assert_eq!(twice.shard.machine().snapshot(), before, "seed {}: V11, read twice", self.seed);
        }
        self.programs.iter_mut().for_each(|program| program.asked = None);
    }

    /// What the program does next when left alone.
    fn speak(&mut self, i: usize) {
        if self.programs[i].asked.is_some() {
            return;
        }
        match self.programs[i].classic {
            true if self.programs[i].joined => self.classic_heartbeat(i),
            true => self.join(i),
            false => self.heartbeat(i),
        }
    }

    fn heartbeat(&mut self, i: usize) {
        let program = &self.programs[i];
        let is_full = !program.joined || !program.told_all;
        let mut request = if is_full { program.client.full(&self.w) } else { program.client.brief() };
        if !is_full && self.rng.below(2) == 0 {
            request.topic_partitions = Some(self.w.by_topic(&program.client.owned));
        }
        let answer = self.w.beat_as(1, request);
        let is_lost = self.rng.below(10) == 0;
        let program = &mut self.programs[i];
        if is_lost {
            // The next heartbeat says everything again. Until its answer nothing new is taken up: the coordinator has heard that the program
            // does not have what it was told before, and may have given it to someone else.
            program.told_all = false;
            program.client.told = &program.client.told & &program.client.owned;
            return;
        }
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => {
                (program.joined, program.told_all) = (true, true);
                program.client.hear(&self.w, &answer);
            }
            ErrorCode::UnknownMemberId | ErrorCode::FencedMemberEpoch => self.lost_everything(i),
            ErrorCode::FencedInstanceId => self.start(i, false),
            // Also said to a member that was taken out of a group that is full since.
            ErrorCode::GroupMaxSizeReached => self.lost_everything(i),
            ErrorCode::UnreleasedInstanceId
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorLoadInProgress => program.told_all = false,
            // Of a group that is a classic one now.
            ErrorCode::GroupIdNotFound => self.lost_everything(i),
            other => panic!("seed {}: ConsumerGroupHeartbeat answered {other:?}: {answer:?}", self.seed),
        }
    }

    fn lost_everything(&mut self, i: usize) {
        let program = &mut self.programs[i];
        program.client.owned.clear();
        program.client.told.clear();
        program.client.epoch = 0;
        program.joined = false;
    }

    /// Gives up what it shall not have, and takes what it shall have when it has said that it gave up.
    fn obey(&mut self, i: usize) {
        let client = &mut self.programs[i].client;
        if client.owned.is_subset(&client.told) {
            client.owned.clone_from(&client.told);
        } else {
            client.owned = &client.owned & &client.told;
        }
        self.programs[i].told_all = false;
    }

    fn join(&mut self, i: usize) {
        let client = &mut self.programs[i].client;
        client.owned.clear(); // an eager assignor
        let subscription = Subscription { topics: client.topics.clone(), generation: -1, ..Default::default() };
        let join = Join {
            protocols: vec![("range".into(), consumer_protocol::encode_subscription(&subscription, 3).unwrap())],
            instance: client.instance.clone(),
            ..Join::consumer().id(&client.id).rebalance_ms(client.rebalance_ms).session_ms(30_000)
        };
        self.programs[i].asked = Some(self.w.join(&join));
    }

    fn hear(&mut self) {
        for i in 0..CLIENTS {
            while let Some(answer) = self.programs[i].asked.and_then(|token| self.w.try_answer(token)) {
                self.programs[i].asked = None;
                match answer {
                    GroupAnswer::JoinGroup(answer) => self.classic_joined(i, answer),
                    GroupAnswer::SyncGroup(answer) => self.classic_synced(i, answer.error_code, &answer.assignment),
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn classic_joined(&mut self, i: usize, answer: JoinGroupResponse) {
        let client = &mut self.programs[i].client;
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => {}
            ErrorCode::MemberIdRequired => return client.id = answer.member_id,
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => return client.id = String::new(),
            ErrorCode::RebalanceInProgress
            | ErrorCode::GroupMaxSizeReached
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorLoadInProgress => return,
            other => panic!("seed {}: JoinGroup answered {other:?}", self.seed),
        }
        client.id.clone_from(&answer.member_id);
        client.epoch = answer.generation_id;
        let leads = answer.leader == answer.member_id && !answer.skip_assignment;
        let request = SyncGroupRequest {
            group_id: GROUP.into(),
            generation_id: answer.generation_id,
            member_id: answer.member_id.clone(),
            group_instance_id: client.instance.clone(),
            protocol_type: answer.protocol_type.clone(),
            protocol_name: answer.protocol_name.clone(),
            assignments: if leads { self.assign(&answer) } else { Vec::new() },
        };
        self.programs[i].asked = Some(self.w.send(5, GroupRequest::SyncGroup(request)));
    }

    fn assign(&self, answer: &JoinGroupResponse) -> Vec<SyncGroupRequestAssignment> {
        let partitions = |(name, topic): (&String, &kfk::machine::group::TopicInfo)| {
            (name.clone(), TopicPartitions::without_racks(topic.partitions as usize))
        };
        let topics: Topics = self.w.cluster.topics.iter().map(partitions).collect();
        let member = |m: &kfk::wire::join_group_response::JoinGroupResponseMember| Member {
            id: m.member_id.clone(),
            instance_id: m.group_instance_id.clone(),
            subscription: consumer_protocol::decode_subscription(&m.metadata).unwrap(),
        };
        let members: Vec<Member> = answer.members.iter().map(member).collect();
        let encode = |list: Vec<TopicPartition>| consumer_protocol::encode_assignment(&list, None, 3).unwrap();
        let lists = Assignor::Range.assign(&topics, &members).into_iter();
        lists.map(|(member_id, list)| SyncGroupRequestAssignment { member_id, assignment: encode(list) }).collect()
    }

    fn classic_synced(&mut self, i: usize, error: i16, assignment: &Bytes) {
        let client = &mut self.programs[i].client;
        match ErrorCode::from_code(error) {
            ErrorCode::None => {
                let (partitions, _) = consumer_protocol::decode_assignment(assignment).unwrap();
                client.told = partitions.iter().map(TopicPartition::to_string).collect();
                client.owned.clone_from(&client.told);
                self.programs[i].joined = true;
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

    fn classic_heartbeat(&mut self, i: usize) {
        let client = &self.programs[i].client;
        let (id, instance, generation) = (client.id.clone(), client.instance.clone(), client.epoch);
        let mut rejoins = !self.programs[i].told_all;
        self.programs[i].told_all = true;
        match self.w.heartbeat_as(&id, instance.as_deref(), generation) {
            ErrorCode::None | ErrorCode::CoordinatorLoadInProgress => {}
            ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator => {}
            ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration => rejoins = true,
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                rejoins = true;
                self.programs[i].client.id = String::new();
            }
            other => panic!("seed {}: Heartbeat answered {other:?}", self.seed),
        }
        if rejoins {
            self.programs[i].joined = false;
            self.programs[i].client.owned.clear();
        }
    }

    fn commit(&mut self, i: usize) {
        let client = &self.programs[i].client;
        if self.programs[i].joined
            && let Some((topic, partition)) = client.owned.first().and_then(|name| name.rsplit_once('-'))
        {
            let mut request = crate::driver::commit_request((&client.id, client.epoch), topic, partition.parse().unwrap(), 1);
            request.topics[0].topic_id = self.w.cluster.topics.get(topic).map_or(Default::default(), |t| t.id);
            self.w.commit_as(9, request);
        }
    }

    fn leave(&mut self, i: usize) {
        let program = &self.programs[i];
        if program.classic && !program.client.id.is_empty() {
            self.w.leave(5, &[(&program.client.id.clone(), None)]);
        } else if !program.classic && program.joined {
            let away = program.client.instance.is_some() && self.rng.below(2) == 0;
            let request = ConsumerGroupHeartbeatRequest { member_epoch: if away { -2 } else { -1 }, ..program.client.brief() };
            self.w.beat_as(1, request);
        }
        self.hear();
        self.restart(i);
    }

    /// No client that is a member has more than the coordinator says it has. (That no two members have the same the machine checks.)
    fn check_holdings(&mut self) {
        let group = self.w.described();
        let holds = |m: &DescribedMember| (m.member_id.clone(), (m.member_epoch, self.w.assignment_names(&m.assignment)));
        let held: BTreeMap<String, (i32, Names)> = group.members.iter().map(holds).collect();
        for program in &self.programs {
            let exists = |name: &&String| !name.starts_with("gone:");
            let owned: Names = program.client.owned.iter().filter(exists).cloned().collect();
            // A static member of a classic group may have missed a whole generation, and still consume what it had before.
            if let Some((epoch, held)) = held.get(&program.client.id)
                && program.joined
                && (!program.classic || program.client.epoch == *epoch)
            {
                assert!(owned.is_subset(held), "seed {}: {:?} holds {held:?} only", self.seed, program.client);
            }
        }
    }

    fn settle(&mut self) {
        self.w.shard.log_mut().fail_next = None;
        for _ in 0..200 {
            for i in 0..CLIENTS {
                self.speak(i);
                self.hear();
                if !self.programs[i].classic {
                    self.obey(i);
                }
                self.check_holdings();
            }
            self.w.pass(1_000);
            self.hear();
        }
        assert_eq!(self.w.waiting(), 0, "seed {}: requests without an answer", self.seed);
        let in_group: Vec<&Program> = self.programs.iter().filter(|p| p.joined).collect();
        let max = self.w.config.consumer.max_size;
        assert!(in_group.len() >= CLIENTS.min(max), "seed {}: {:#?}", self.seed, self.programs);
        let states = [self.w.consumer_state(), self.w.state()];
        assert!(states.contains(&"Stable".to_string()), "seed {}: {states:?} {:#?}", self.seed, self.programs);
        let mut consumed: BTreeSet<&String> = BTreeSet::new();
        for name in self.programs.iter().filter(|p| p.joined).flat_map(|p| &p.client.owned) {
            assert!(consumed.insert(name), "seed {}: {name} has two consumers: {:#?} {states:?}", self.seed, self.programs);
        }
        assert_eq!(consumed, self.wanted().iter().collect(), "seed {}: {:#?}", self.seed, self.programs);
    }

    /// Every partition of every topic that a member subscribes to.
    fn wanted(&self) -> Names {
        let mut topics: BTreeSet<&str> = BTreeSet::new();
        for client in self.programs.iter().filter(|p| p.joined).map(|p| &p.client) {
            topics.extend(client.topics.iter().map(String::as_str));
            if client.regex.as_ref().is_some_and(|r| !r.is_empty()) {
                topics.extend(["u", "v1"]);
            }
        }
        let partitions = |topic: &str| self.w.cluster.topics.get(topic).map_or(0, |t| t.partitions);
        topics.into_iter().flat_map(|topic| (0..partitions(topic)).map(move |p| format!("{topic}-{p}"))).collect()
    }
}

#[test]
fn v8_v11_k6_k11_random_histories_keep_every_invariant_and_converge() {
    // More, or one, by hand: KFK_CONSUMER_GROUP_SEEDS=FROM..TO
    let (from, to) = match std::env::var("KFK_CONSUMER_GROUP_SEEDS") {
        Ok(range) => range.split_once("..").map(|(from, to)| (from.parse().unwrap(), to.parse().unwrap())).unwrap(),
        Err(_) => (0, SEEDS),
    };
    for seed in from..to {
        History::new(seed).run();
    }
}
