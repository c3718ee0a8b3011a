//! One history: a broker, its disk, its clients, and what goes wrong, all from one number.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kfk::log::sim_disk::{Fault, SimDisk, Survives};
use kfk::rng::Rng;
use kfk::types::{MonoMs, Now, TopicId, WallMs};
use kfk::wire::ErrorCode;

use crate::acks::Unanswered;
use crate::check::{self, Promise};
use crate::members::Member;
use crate::model::{Idempotent, Model, TopicModel, TxnClient};
use crate::node::{Fail, Manner, Node, OFFSETS, Part, ROOT, SHARES, SOURCE, TRANSACTIONS, sync};
use crate::rot;
use crate::shares::ShareGroup;

/// What the machine may do to a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The process dies, the machine does not: all that was acknowledged must be there, whatever the flush settings.
    Kill,
    /// The power goes, and every append is synced before its answer: the same.
    Synced,
    /// The power goes, and answers wait for group commit: what was answered must be there.
    Grouped,
    /// The power goes, and nothing is synced but by rolls, timers and stops: what was synced must be there, and nothing wrong.
    Loose,
}

/// How much was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    pub histories: u64,
    pub events: u64,
    pub crashes: u64,
    pub power_losses: u64,
    pub clean_stops: u64,
    pub io_errors: u64,
    pub full_disks: u64,
    pub flips: u64,
    pub disk_steps: u64,
    pub records: u64,
    pub transactions: u64,
    /// Answers to members of consumer groups.
    pub heartbeats: u64,
    /// Records that members of share groups got, and that they accepted or rejected.
    pub shared: u64,
    pub acknowledged: u64,
}

impl Stats {
    pub fn add(&mut self, other: &Stats) {
        let all = [
            (&mut self.histories, other.histories),
            (&mut self.events, other.events),
            (&mut self.crashes, other.crashes),
            (&mut self.power_losses, other.power_losses),
            (&mut self.clean_stops, other.clean_stops),
            (&mut self.io_errors, other.io_errors),
            (&mut self.full_disks, other.full_disks),
            (&mut self.flips, other.flips),
            (&mut self.disk_steps, other.disk_steps),
            (&mut self.records, other.records),
            (&mut self.transactions, other.transactions),
            (&mut self.heartbeats, other.heartbeats),
            (&mut self.shared, other.shared),
            (&mut self.acknowledged, other.acknowledged),
        ];
        all.into_iter().for_each(|(mine, more)| *mine += more);
    }
}

pub struct World {
    pub seed: u64,
    pub kind: Kind,
    pub rng: Rng,
    pub disk: SimDisk,
    pub manner: Manner,
    pub now: Now,
    node: Option<Node>,
    pub model: Model,
    pub idempotent: Vec<Idempotent>,
    pub clients: Vec<TxnClient>,
    pub unanswered: Vec<Unanswered>,
    pub members: Vec<Member>,
    pub share_groups: Vec<ShareGroup>,
    pub stats: Stats,
    counter: u64,
    /// What happened, newest last.
    pub trace: Vec<String>,
    full_since: Option<u64>,
    /// Only this fault, at this step of the disk, and none by chance.
    only: Option<(u64, Fault)>,
    /// The broker could not start for want of space: the next try comes after somebody has made room.
    life: u64,
}

impl World {
    pub fn new(seed: u64) -> World {
        World::with(seed, None)
    }

    /// The history of a seed without faults by chance; the one at `only` if given.
    pub fn with_fault_at(seed: u64, step: Option<u64>, fault: Fault) -> World {
        World::with(seed, Some((step.unwrap_or(u64::MAX), fault)))
    }

    fn with(seed: u64, only: Option<(u64, Fault)>) -> World {
        let mut rng = Rng::new(seed);
        let kind = [Kind::Kill, Kind::Synced, Kind::Synced, Kind::Grouped, Kind::Grouped, Kind::Loose][rng.below(6) as usize];
        let transaction_version = if rng.below(3) == 0 { 1 } else { 2 };
        let manner = Manner { synced: kind == Kind::Synced, group_commit: kind == Kind::Grouped, transaction_version };
        let client = |i: u64| TxnClient {
            name: format!("tx{i}"),
            ids: None,
            next: BTreeMap::new(),
            open: None,
            must_abort: false,
            unsure: false,
            history: Vec::new(),
            added: BTreeSet::new(),
        };
        let clients = if kind == Kind::Loose { Vec::new() } else { (0..2).map(client).collect() };
        let world = World {
            seed,
            kind,
            rng,
            disk: SimDisk::new(),
            manner,
            now: Now { wall: WallMs(1_700_000_000_000), mono: MonoMs(1_000) },
            node: None,
            model: Model::default(),
            idempotent: Vec::new(),
            clients,
            unanswered: Vec::new(),
            members: Member::some(),
            share_groups: if kind == Kind::Loose { Vec::new() } else { ShareGroup::some() },
            stats: Stats { histories: 1, ..Stats::default() },
            counter: 0,
            trace: Vec::new(),
            full_since: None,
            only,
            life: 0,
        };
        if let Some((step, fault)) = only {
            world.disk.fail_at(step, fault);
        }
        world
    }

    /// A whole history of so many events, and what must hold at its end.
    pub fn run(&mut self, events: u64) {
        self.restart();
        for _ in 0..events {
            self.plan_fault();
            self.step();
            self.after();
        }
        self.finish();
        self.stats.disk_steps = self.disk.steps();
    }

    pub fn note(&mut self, what: impl Into<String>) {
        let what = what.into();
        if std::env::var_os("KFK_SIM_TRACE").is_some() {
            eprintln!("{:>5} {what}", self.stats.events);
        }
        self.trace.push(what);
    }

    pub fn what(&self, on: &str) -> String {
        format!("seed {} event {}: {on}", self.seed, self.stats.events)
    }

    pub fn is_full(&self) -> bool {
        self.full_since.is_some()
    }

    pub fn fresh(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub fn node(&mut self) -> &mut Node {
        self.node.as_mut().expect("it runs")
    }

    fn plan_fault(&mut self) {
        if self.only.is_some() || self.rng.below(8) != 0 || self.full_since.is_some() {
            return;
        }
        let fault = [Fault::Crash, Fault::Crash, Fault::Io, Fault::NoSpace][self.rng.below(4) as usize];
        let step = self.disk.steps() + self.rng.below(14);
        self.note(format!("{fault:?} at step {step}"));
        self.disk.fail_at(step, fault);
        if fault == Fault::NoSpace {
            self.full_since = Some(self.stats.events);
        }
    }

    fn step(&mut self) {
        self.stats.events += 1;
        let ms = match self.rng.below(20) {
            0 => 75_000,
            1..=3 => self.rng.below(15_000),
            _ => self.rng.below(50),
        };
        self.pass(ms);
        match self.rng.below(100) {
            0..=7 => self.change_topics(),
            8..=17 => self.produce_plain(),
            18..=33 => self.produce_idempotent(),
            34..=52 => self.transact(),
            53..=57 => self.commit_offset(),
            58..=65 => self.member_acts(),
            66..=73 => self.share_acts(),
            74..=76 => self.delete_records(),
            77..=86 => self.keep_house(),
            87..=88 => self.reload(),
            89..=93 => self.verify_some(),
            94..=96 => self.stop_cleanly(),
            _ => self.stop_at_once(),
        }
    }

    /// Time passes.
    pub fn pass(&mut self, ms: u64) {
        self.now = Now { wall: WallMs(self.now.wall.0 + ms as i64), mono: self.now.mono.plus(ms) };
        self.disk.set_now(self.now.wall.0);
    }

    /// After each event: has the machine died, is the disk gone, is anything wrong?
    fn after(&mut self) {
        let now = self.now;
        if self.node.is_some() && !self.disk.is_dead() {
            self.node().pump(now);
        }
        if self.node.is_some() {
            if self.rng.below(2) == 0 && !self.disk.is_dead() {
                self.sync_some(false);
            }
            self.settle();
        }
        if self.disk.is_dead() {
            self.note("it died");
            self.stats.crashes += 1;
            self.lose();
            self.restart();
        } else if self.node().logs.offline_reason().is_some() {
            self.note("its disk failed");
            self.stats.io_errors += 1;
            self.node = None;
            self.lose();
            self.restart();
        }
        if let Some(since) = self.full_since
            && self.stats.events > since + 4
        {
            self.full_since = None;
            self.stats.full_disks += 1;
            self.disk.heal();
        }
        self.look();
    }

    /// What can be seen without reading.
    fn look(&mut self) {
        let what = self.what("look");
        let Some(node) = &self.node else { return };
        node.check();
        for (id, part) in &node.parts {
            if let Some(model) = self.model.parts.get_mut(id) {
                check::monotone(model, &part.borrow(), &what);
            }
        }
    }

    /// The process is dead: what of its files is still there?
    fn lose(&mut self) {
        self.node = None;
        self.answers_are_lost();
        self.locks_are_lost();
        let survives = match self.kind {
            Kind::Kill => Survives::Everything,
            _ if self.rng.below(3) == 0 => Survives::Everything,
            _ if self.rng.below(2) == 0 => Survives::Synced,
            _ => Survives::Some(Rng::new(self.rng.next_u64())),
        };
        let power = !matches!(survives, Survives::Everything);
        self.note(format!("left: {survives:?}"));
        self.disk.crash(survives);
        self.full_since = None;
        self.life += 1;
        if power {
            self.stats.power_losses += 1;
        }
        self.forget_what_power_took(power);
    }

    /// In a loose history a producer cannot rely on what the broker remembers of it.
    fn forget_what_power_took(&mut self, power: bool) {
        if self.kind == Kind::Loose && power {
            self.idempotent.clear();
            self.members_begin_anew();
            let ends: Vec<_> = self.model.offsets.keys().cloned().collect();
            for key in ends {
                self.model.offsets.entry(key).or_default().insert(0, -1);
            }
        }
    }

    /// Starts the broker, which may die again on the way (R18), and reads everything.
    fn restart(&mut self) {
        for attempt in 0.. {
            if self.only.is_none() && attempt < 3 && self.life > 0 && self.rng.below(4) == 0 {
                let step = self.disk.steps() + self.rng.below(40);
                let fault = if self.rng.below(4) == 0 { Fault::Io } else { Fault::Crash };
                self.disk.fail_at(step, fault);
            }
            let before = self.logs();
            let rng = Rng::new(self.rng.next_u64());
            let node = Node::start(&self.disk, self.manner, self.now, rng);
            let alive = !self.disk.is_dead();
            match node {
                Ok(node) if alive && node.logs.offline_reason().is_none() => {
                    self.node = Some(node);
                    if !self.everything_is_there(&before) {
                        self.lose();
                        continue;
                    }
                    return;
                }
                Ok(_) => {}
                Err(e) => {
                    let planned = self.disk.is_dead() || format!("{e:?}").contains("simulated") || format!("{e:?}").contains("offline");
                    assert!(planned, "{}", self.what(&format!("it does not start: {e:?}")));
                }
            }
            self.note("it died while starting");
            self.stats.crashes += 1;
            self.lose();
        }
    }

    /// Opens and reads all partitions; false if the disk fails meanwhile.
    fn everything_is_there(&mut self, before: &BTreeMap<PathBuf, Vec<u8>>) -> bool {
        self.compare_topics();
        for part in self.model.parts.values_mut() {
            (part.high_watermark, part.last_stable) = (0, 0);
        }
        let promise = if self.kind == Kind::Loose { Promise::Synced } else { Promise::All };
        for id in self.model.parts.keys().copied().collect::<Vec<_>>() {
            if !self.verify(id, promise) {
                return false;
            }
        }
        self.check_offsets();
        rot::nothing_destroyed(before, &self.disk.files(ROOT), &self.what("R9"));
        self.damage_is_cut();
        self.disk.heal();
        self.groups_are_as_they_were();
        true
    }

    /// A power loss may leave a hole in what was never synced (R8): an operator decides to go on without it.
    fn damage_is_cut(&mut self) {
        let parts: Vec<Part> = self.node().parts.values().cloned().collect();
        let mut cut = false;
        for part in parts {
            if part.borrow().log().damage().is_some() {
                assert_eq!(self.kind, Kind::Loose, "{}", self.what("damage where everything was synced or nothing lost"));
                part.borrow_mut().log_mut().cut_damage().unwrap();
                cut = true;
            }
        }
        if cut {
            // Coordinators have read what they could; now they can write as well.
            self.note("damage was cut off");
        }
    }

    pub fn logs(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut all = self.disk.files(ROOT);
        all.retain(|path, _| path.extension().is_some_and(|e| e == "log" || e == "cut"));
        all
    }

    /// A partition of the model, opened. `None` if the disk does not let us.
    pub fn part(&mut self, id: (TopicId, i32)) -> Option<Part> {
        let now = self.now;
        let state = self.node().state();
        let topic = state.topic_by_id(id.0)?.clone();
        match self.node().part(&topic, id.1, now) {
            Ok(part) => Some(part),
            Err(e) => {
                let excused = self.disk.is_dead() || self.node().logs.offline_reason().is_some() || self.full_since.is_some();
                assert!(excused, "{}", self.what(&format!("{}-{} cannot be opened: {e:?}", topic.name, id.1)));
                None
            }
        }
    }

    /// Reads one partition and compares; false if the disk fails meanwhile.
    fn verify(&mut self, id: (TopicId, i32), promise: Promise) -> bool {
        let Some(part) = self.part(id) else { return false };
        let max_bytes = 1 + self.rng.below(900) as usize;
        // What the last broker had in the page cache counts once it is synced, which the first use of a partition begins.
        let synced = sync(&part, self.now).map_err(|e| e.to_string());
        let shown = synced.and_then(|()| check::show(&mut part.borrow_mut(), max_bytes));
        let what = self.what(&part.borrow().log().partition().to_string());
        match shown {
            Ok(shown) => check::compare(&mut self.model, id, &shown, promise, &what),
            Err(e) => {
                assert!(self.disk.is_dead() || self.full_since.is_some() || e.contains("simulated"), "{what}: {e}");
                return false;
            }
        }
        true
    }

    fn verify_some(&mut self) {
        self.note("verify");
        for id in self.model.parts.keys().copied().collect::<Vec<_>>() {
            self.verify(id, Promise::All);
        }
        self.check_offsets();
    }

    /// The cluster's topics must be those that were made, but for changes in doubt.
    pub fn compare_topics(&mut self) {
        let state = self.node().state();
        let mut found = BTreeMap::new();
        for topic in state.topics().filter(|t| ![OFFSETS, TRANSACTIONS, SHARES, SOURCE].contains(&&*t.name)) {
            let overrides = state.config(&kfk::machine::controller::ConfigResource::topic(&*topic.name));
            let overrides = overrides.map(|o| o.iter().map(|(k, v)| (k.clone(), v.clone())).collect()).unwrap_or_default();
            let known = TopicModel { id: topic.id, partitions: topic.partition_count(), overrides };
            assert!(!self.model.gone.contains(&topic.id), "{}", self.what(&format!("{} is back", topic.name)));
            found.insert(topic.name.to_string(), known);
        }
        let names: BTreeSet<String> = found.keys().chain(self.model.topics.keys()).cloned().collect();
        for name in names {
            if self.model.doubts.0.contains(&name) {
                self.adopt_topic(&name, found.get(&name).cloned());
            } else {
                let known = self.model.topics.get(&name);
                assert_eq!(known, found.get(&name), "{}", self.what(&format!("topic {name}")));
            }
        }
        self.model.doubts.0.clear();
    }

    pub fn adopt_topic(&mut self, name: &str, new: Option<TopicModel>) {
        let old = self.model.topics.remove(name);
        if let Some(old) = old
            && new.as_ref().is_none_or(|n| n.id != old.id)
        {
            self.model.gone.insert(old.id);
            self.model.parts.retain(|(id, _), _| *id != old.id);
            self.model.offsets.retain(|(_, topic, _), _| topic != name);
        }
        if let Some(new) = new {
            for index in 0..new.partitions {
                let part = self.model.parts.entry((new.id, index)).or_default();
                part.compacted |= new.is_compact();
            }
            self.model.topics.insert(name.to_string(), new);
        }
    }

    fn stop_cleanly(&mut self) {
        self.note("clean stop");
        let Some(node) = self.node.take() else { return };
        self.answers_are_lost();
        self.locks_are_lost();
        let now = self.now;
        let closed = node.close(now);
        if self.disk.is_dead() {
            return; // `after` sees to it
        }
        match closed {
            Ok(_) => {
                self.stats.clean_stops += 1;
                self.rot();
                if self.kind != Kind::Kill && self.rng.below(2) == 0 {
                    // R1: what a clean stop left survives the machine.
                    self.note("and the power goes");
                    self.stats.power_losses += 1;
                    self.disk.crash(Survives::Synced);
                    self.model.parts.values_mut().for_each(|p| p.synced = i64::MAX);
                }
                self.life += 1;
                self.restart();
            }
            Err(e) => {
                self.note(format!("not clean: {e:?}"));
                self.stats.io_errors += 1;
                self.lose();
                self.restart();
            }
        }
    }

    fn stop_at_once(&mut self) {
        self.note("kill");
        self.stats.crashes += 1;
        self.node = None;
        self.lose();
        self.rot();
        self.restart();
    }

    /// Bits rot in a copy of the disk: whatever a broker makes of it, nothing wrong is served and nothing destroyed.
    fn rot(&mut self) {
        if self.only.is_some() {
            return;
        }
        self.stats.flips += 1;
        let copy = self.disk.fork();
        let mut rng = Rng::new(self.rng.next_u64());
        let what = self.what("rot");
        rot::try_one(&copy, &mut rng, self.manner, self.now, &self.model, &what);
    }

    fn reload(&mut self) {
        self.note("reload");
        let now = self.now;
        if let Err(e) = self.node().reload(now) {
            let excused = self.disk.is_dead() || self.full_since.is_some() || self.node().logs.offline_reason().is_some();
            assert!(excused, "{}", self.what(&format!("coordinators cannot read: {e:?}")));
        }
    }

    /// Peace: nothing fails any more, and time passes. Then nothing may hang, and all must be there.
    fn finish(&mut self) {
        self.disk.heal();
        self.only = Some((u64::MAX, Fault::Io));
        self.full_since = None;
        self.note("the end");
        self.node = None;
        self.lose();
        self.restart();
        for round in 0..30 {
            self.pass(10_000);
            let now = self.now;
            self.node().pump(now);
            self.all_beat(round >= 15);
        }
        self.sync_some(true);
        self.verify_some();
        self.all_is_settled();
        self.everything_has_an_owner();
        self.everything_was_shared();
        self.note("clean stop at the end");
        let node = self.node.take().expect("it runs");
        let clean = node.close(self.now).unwrap_or_else(|e| panic!("{}", self.what(&format!("it does not stop: {e:?}"))));
        assert!(clean, "{}", self.what("a stop in peace is not clean"));
        self.restart();
        self.verify_some();
        self.all_is_settled();
    }
}

/// A refusal that says that nothing was done, now and for good.
pub fn refused(fail: &Fail) -> Option<ErrorCode> {
    match fail {
        Fail::Refused(code) => Some(*code),
        Fail::Unknown(_) => None,
    }
}
