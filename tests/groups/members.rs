//! The client's member machine and the coordinator's group machine in one world of virtual time: members come, go, die, stall, change
//! their minds; requests and answers are delayed and lost; the coordinator restarts; topics grow. Over each history:
//! - no partition belongs to two members in one generation;
//! - what a member's user was told of is what the member holds, except what is just being given up;
//! - once nothing happens any more, all members settle in one generation and share all partitions of their topics.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kfk::machine::assign::{Assignor, RebalanceProtocol, TopicPartitions, Topics};
use kfk::machine::coordinator::Token;
use kfk::machine::group::{GroupAnswer, GroupConfig, GroupRequest};
use kfk::machine::member::{Action, GroupMember, Identity, MemberOptions};
use kfk::rng::Rng;
use kfk::types::{MonoMs, TopicPartition};
use kfk::wire::ErrorCode;

use crate::driver::{GROUP, World};

const SEEDS: u64 = 8;
const STEP_MS: u64 = 20;
const CHAOS_MS: u64 = 120_000;
const QUIET_MS: u64 = 90_000;
const MEMBERS: usize = 5;

#[derive(Clone, PartialEq)]
enum Kind {
    Join,
    Sync,
    Heartbeat(Identity),
    Leave,
}

/// A request on its way there or back.
struct Call {
    kind: Kind,
    /// `None`: it never arrived.
    token: Option<Token>,
    /// Not answered by then: the connection is given up.
    deadline: u64,
    /// The answer, and when it arrives.
    answer: Option<(u64, GroupAnswer)>,
    answer_lost: bool,
}

/// A consumer program.
struct Program {
    member: GroupMember,
    calls: Vec<Call>,
    /// What the member wants its user to hear, in order.
    events: VecDeque<Action>,
    /// What the user was told to hold.
    held: BTreeSet<TopicPartition>,
    next_poll: u64,
    failed: bool,
}

struct Play {
    w: World,
    rng: Rng,
    programs: Vec<Option<Program>>,
    assignors: Vec<Assignor>,
    topics: BTreeMap<String, usize>,
    /// Generation and partition to the program that got it.
    owners: BTreeMap<(i32, TopicPartition), usize>,
    chaos: bool,
}

impl Play {
    fn new(seed: u64, assignors: Vec<Assignor>) -> Play {
        Play {
            w: World::with_config(GroupConfig { initial_rebalance_delay_ms: 500, ..GroupConfig::default() }),
            rng: Rng::new(seed),
            programs: (0..MEMBERS).map(|_| None).collect(),
            assignors,
            topics: [("t".to_string(), 4), ("u".to_string(), 2)].into(),
            owners: BTreeMap::new(),
            chaos: true,
        }
    }

    fn now(&self) -> u64 {
        self.w.now.mono.0
    }

    fn start(&mut self, at: usize) {
        let options = MemberOptions {
            group: GROUP.into(),
            // The first one is a static member.
            instance_id: (at == 0).then(|| "static".to_string()),
            session_timeout_ms: 6_000,
            max_poll_interval_ms: 9_000,
            heartbeat_interval_ms: 1_000,
            retry_backoff_ms: 100,
            rack: None,
            assignors: self.assignors.clone(),
        };
        let mut member = GroupMember::new(options, MonoMs(self.now()));
        member.subscribe(self.some_topics());
        let (calls, events, held) = (Vec::new(), VecDeque::new(), BTreeSet::new());
        self.programs[at] = Some(Program { member, calls, events, held, next_poll: self.now(), failed: false });
    }

    fn some_topics(&mut self) -> BTreeSet<String> {
        let both = || BTreeSet::from(["t".to_string(), "u".to_string()]);
        if self.rng.below(4) == 0 { BTreeSet::from(["t".to_string()]) } else { both() }
    }

    fn happens_once_in(&mut self, ms: u64) -> bool {
        self.chaos && self.rng.below(ms / STEP_MS) == 0
    }

    fn step(&mut self) {
        self.w.pass(STEP_MS);
        self.mischief();
        for at in 0..MEMBERS {
            let Some(mut program) = self.programs[at].take() else { continue };
            self.receive(at, &mut program);
            self.user(at, &mut program);
            loop {
                let actions = program.member.poll(MonoMs(self.now()));
                if actions.is_empty() {
                    break;
                }
                self.perform(at, &mut program, actions);
            }
            program.member.check();
            let failed = program.failed;
            self.programs[at] = Some(program);
            if failed {
                self.start(at);
            }
        }
    }

    fn mischief(&mut self) {
        for at in 0..MEMBERS {
            let alive = self.programs[at].is_some();
            match alive {
                false if self.happens_once_in(3_000) => self.start(at),
                // Killed without a word.
                true if self.happens_once_in(30_000) => self.programs[at] = None,
                true if self.happens_once_in(20_000) => {
                    let topics = self.some_topics();
                    self.programs[at].as_mut().unwrap().member.subscribe(topics);
                }
                true if self.happens_once_in(30_000) => {
                    let mut program = self.programs[at].take().unwrap();
                    if let Some(Action::Leave(request)) = program.member.leave("bye") {
                        self.w.send(5, GroupRequest::LeaveGroup(request));
                    }
                }
                _ => {}
            }
        }
        if self.happens_once_in(40_000) {
            self.w.crash();
        }
        if self.happens_once_in(30_000) {
            *self.topics.get_mut("u").unwrap() += 1;
            let topics = self.known();
            self.programs.iter_mut().flatten().for_each(|p| p.member.metadata_changed(&topics));
        }
    }

    fn known(&self) -> Topics {
        self.topics.iter().map(|(name, count)| (name.clone(), TopicPartitions { racks: vec![vec![]; *count] })).collect()
    }

    fn delay(&mut self) -> u64 {
        self.now() + self.rng.below(if self.chaos { 200 } else { 20 })
    }

    /// Answers that have arrived, and those that never will.
    fn receive(&mut self, at: usize, program: &mut Program) {
        let now = self.now();
        let mut over = Vec::new();
        for mut call in std::mem::take(&mut program.calls) {
            if let Some(token) = call.token
                && call.answer.is_none()
            {
                match self.w.try_answer(token) {
                    Some(answer) => call.answer = Some((self.delay(), answer)),
                    // Lost when the coordinator died: the connection broke with it.
                    None if !self.w.waits(token) => call.deadline = now,
                    None => {}
                }
            }
            let arrived = !call.answer_lost && call.answer.as_ref().is_some_and(|(when, _)| *when <= now);
            if arrived || call.deadline <= now {
                over.push((call.kind, arrived.then(|| call.answer.unwrap().1)));
            } else {
                program.calls.push(call);
            }
        }
        for (kind, answer) in over {
            let (member, now) = (&mut program.member, MonoMs(now));
            let actions = match (kind, answer) {
                (Kind::Join, Some(GroupAnswer::JoinGroup(a))) => member.joined(now, Some(a)),
                (Kind::Join, _) => member.joined(now, None),
                (Kind::Sync, Some(GroupAnswer::SyncGroup(a))) => member.synced(now, Some(a)),
                (Kind::Sync, _) => member.synced(now, None),
                (Kind::Heartbeat(who), Some(GroupAnswer::Heartbeat(a))) => member.heartbeat_answered(now, &who, Some(a.error_code)),
                (Kind::Heartbeat(who), _) => member.heartbeat_answered(now, &who, None),
                (Kind::Leave, _) => Vec::new(),
            };
            self.perform(at, program, actions);
        }
    }

    fn send(&mut self, program: &mut Program, kind: Kind, version: i16, patience_ms: u64, request: GroupRequest) {
        let lost = self.happens_once_in(30 * STEP_MS);
        let token = (!lost).then(|| self.w.send(version, request));
        let answer_lost = self.happens_once_in(30 * STEP_MS);
        program.calls.push(Call { kind, token, deadline: self.now() + patience_ms, answer: None, answer_lost });
    }

    fn perform(&mut self, at: usize, program: &mut Program, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Join(r) => self.send(program, Kind::Join, 9, 12_000, GroupRequest::JoinGroup(r)),
                Action::Sync(r) => self.send(program, Kind::Sync, 5, 12_000, GroupRequest::SyncGroup(r)),
                Action::Heartbeat(r) => {
                    self.send(program, Kind::Heartbeat(Identity::from(&r)), 4, 2_000, GroupRequest::Heartbeat(r));
                }
                Action::Leave(mut r) => {
                    r.member_id.clear();
                    self.send(program, Kind::Leave, 5, 2_000, GroupRequest::LeaveGroup(r));
                }
                Action::NeedTopics(names) => {
                    let found = self.known().into_iter().filter(|(name, _)| names.contains(name)).collect();
                    let more = program.member.topics(found);
                    self.perform(at, program, more);
                }
                Action::ForgetCoordinator => {}
                // A coordinator that died before it wrote a static member's new id knows the old one, and takes the new one for an
                // impostor. The client cannot tell; whoever runs the program starts it again.
                Action::Fatal(error) => {
                    assert_eq!((at, error), (0, ErrorCode::FencedInstanceId));
                    program.failed = true;
                }
                Action::Assigned { added, all } => {
                    self.note_owners(at, program.member.generation(), &all);
                    program.events.push_back(Action::Assigned { added, all });
                }
                event @ (Action::Revoke(_) | Action::Lost(_)) => program.events.push_back(event),
                other => panic!("no classic member wants this: {other:?}"),
            }
        }
    }

    fn note_owners(&mut self, at: usize, generation: i32, all: &[TopicPartition]) {
        for tp in all {
            let owner = *self.owners.entry((generation, tp.clone())).or_insert(at);
            assert_eq!(owner, at, "{tp} belongs to two in generation {generation}");
        }
    }

    /// The user polls now and then: hears what happened, and answers callbacks.
    fn user(&mut self, at: usize, program: &mut Program) {
        if self.now() < program.next_poll {
            return;
        }
        let stalls = self.happens_once_in(60_000);
        program.next_poll = self.now() + if stalls { 12_000 } else { self.rng.below(500) };
        program.member.polled(MonoMs(self.now()));
        while let Some(event) = program.events.pop_front() {
            match event {
                Action::Revoke(gone) => {
                    assert!(gone.iter().all(|tp| program.held.remove(tp)), "revoked what was not held: {gone:?}");
                    let more = program.member.revoked();
                    self.perform(at, program, more);
                }
                Action::Lost(gone) => assert!(gone.iter().all(|tp| program.held.remove(tp)), "lost what was not held: {gone:?}"),
                Action::Assigned { added, all } => {
                    assert!(added.iter().all(|tp| program.held.insert(tp.clone())), "got what was held: {added:?}");
                    assert_eq!(program.held, all.into_iter().collect());
                }
                other => panic!("{other:?}"),
            }
        }
        let now_held: BTreeSet<TopicPartition> = program.member.owned().iter().cloned().collect();
        assert!(program.held.is_superset(&now_held) || !program.member.is_stable());
    }

    fn settled(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        let mut generations = BTreeSet::new();
        let mut wanted = BTreeSet::new();
        for program in self.programs.iter().flatten() {
            if !program.member.is_stable() {
                return Err(format!("{:?}", program.member));
            }
            generations.insert(program.member.generation());
            wanted.extend(program.member.subscription().iter().cloned());
            for tp in &program.held {
                if !seen.insert(tp.clone()) {
                    return Err(format!("{tp} is held twice"));
                }
            }
            if program.held.iter().ne(program.member.owned()) {
                return Err(format!("{:?} is told, {:?} held", program.held, program.member.owned()));
            }
        }
        let all: usize = self.topics.iter().filter(|(name, _)| wanted.contains(*name)).map(|(_, count)| count).sum();
        if generations.len() != 1 || seen.len() != all {
            return Err(format!("generations {generations:?}, {} of {all} partitions", seen.len()));
        }
        Ok(())
    }
}

fn play(seed: u64, assignors: Vec<Assignor>) {
    let mut play = Play::new(seed, assignors);
    play.start(0);
    play.start(1);
    while play.now() < CHAOS_MS {
        play.step();
    }
    play.chaos = false;
    // A static member that was killed must come back or be forgotten; whoever is alive settles.
    let until = play.now() + QUIET_MS;
    while play.now() < until {
        play.step();
    }
    if let Err(why) = play.settled() {
        panic!("seed {seed} with {:?} does not settle: {why}", play.assignors);
    }
}

fn play_all(assignors: &[Assignor]) {
    for seed in 0..SEEDS {
        play(seed, assignors.to_vec());
    }
}

#[test]
fn eager_members_share_their_topics_whatever_happens() {
    play_all(&[Assignor::Range]);
    play_all(&[Assignor::Sticky]);
}

#[test]
fn cooperative_members_share_their_topics_whatever_happens() {
    assert_eq!(Assignor::CooperativeSticky.rebalance_protocol(), RebalanceProtocol::Cooperative);
    play_all(&[Assignor::CooperativeSticky]);
}

#[test]
fn members_on_their_way_to_cooperation_share_their_topics_too() {
    play_all(&[Assignor::Range, Assignor::CooperativeSticky]);
}
