//! What clients and the broker's own timers do: topics, plain and idempotent records, offsets, retention, compaction.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kfk::machine::group::{GroupAnswer, GroupRequest};
use kfk::machine::partition::Acks;
use kfk::machine::partition::txn::Guard;
use kfk::node::partition::Partition;
use kfk::record::{BatchBuilder, BatchOptions, Codec, Compression, single_batch};
use kfk::types::{Now, Offset, TopicId};
use kfk::wire::ErrorCode;
use kfk::wire::create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic};
use kfk::wire::create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use kfk::wire::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use kfk::wire::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest};
use kfk::wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kfk::wire::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};

use crate::acks::From;
use crate::model::{Entry, Idempotent, TopicModel};
use crate::node::{Fail, Part, told};
use crate::world::{Kind, World, refused};

/// Who sends a batch.
#[derive(Clone, Copy)]
pub struct Sender {
    pub producer_id: i64,
    pub epoch: i16,
    pub sequence: i32,
    pub transactional: bool,
}

impl Sender {
    const NOBODY: Sender = Sender { producer_id: -1, epoch: -1, sequence: -1, transactional: false };
}

pub fn batch(now: Now, sender: Sender, entries: &[Entry]) -> Bytes {
    let total: usize = entries.iter().map(|e| e.value.as_ref().map_or(0, String::len)).sum();
    let codec = if total.is_multiple_of(3) { Codec::Lz4 } else { Codec::None };
    let options = BatchOptions {
        compression: Compression { codec, level: None },
        producer_id: sender.producer_id,
        producer_epoch: sender.epoch,
        base_sequence: sender.sequence,
        transactional: sender.transactional,
        ..BatchOptions::default()
    };
    let mut builder = BatchBuilder::new(options);
    for entry in entries {
        builder.append(now.wall.0, Some(entry.key.as_bytes()), entry.value.as_deref().map(str::as_bytes), &[]).unwrap();
    }
    builder.finish().unwrap()
}

/// Has a partition append a batch, as the produce handler does.
pub fn append(part: &mut Partition, now: Now, bytes: &Bytes, guard: Option<Guard>) -> Result<Offset, Fail> {
    let batch = single_batch(bytes, true).unwrap_or_else(|e| panic!("{e}"));
    part.append(now, Acks::All, &batch, guard).map(|(appended, _)| appended.base_offset).map_err(|r| told(r.code))
}

impl World {
    pub fn any_part(&mut self, compact_too: bool) -> Option<(TopicId, i32)> {
        let of = |t: &TopicModel| (0..t.partitions).map(|i| (t.id, i)).collect::<Vec<_>>();
        let topics = self.model.topics.iter().filter(|(name, t)| !self.model.doubts.0.contains(*name) && (compact_too || !t.is_compact()));
        let all: Vec<_> = topics.flat_map(|(_, t)| of(t)).collect();
        let at = self.rng.below(all.len() as u64) as usize;
        all.get(at).copied()
    }

    pub fn entries(&mut self, txn: Option<usize>) -> Vec<Entry> {
        let count = 1 + self.rng.below(3);
        let mut one = |_| {
            let number = self.fresh();
            let padding = "x".repeat(self.rng.below(90) as usize);
            let key = format!("k{}", self.rng.below(6));
            let value = (self.rng.below(12) > 0).then(|| format!("{number}{padding}"));
            // A transaction's records are told apart by their values.
            let value = value.or_else(|| txn.map(|_| number.to_string()));
            Entry { key, value, txn }
        };
        (0..count).map(&mut one).collect()
    }

    /// Records that were acknowledged at an offset.
    pub fn acknowledged(&mut self, id: (TopicId, i32), base: Offset, entries: &[Entry]) {
        self.stats.records += entries.len() as u64;
        let what = self.what("acknowledged");
        let Some(part) = self.model.parts.get_mut(&id) else { return };
        for (offset, entry) in (base..).zip(entries) {
            // What was in doubt has arrived now, or had arrived before.
            if let Some(at) = part.maybe.iter().position(|m| m == entry) {
                part.maybe.remove(at);
            }
            if let Some(known) = part.records.get(&offset) {
                assert_eq!(known, entry, "{what}: offset {offset} was another's");
            }
            part.records.insert(offset, entry.clone());
        }
    }

    pub fn in_doubt(&mut self, id: (TopicId, i32), entries: &[Entry]) {
        if let Some(part) = self.model.parts.get_mut(&id) {
            for entry in entries {
                // Tombstones of one key are all alike.
                if entry.value.is_none() || (!part.maybe.contains(entry) && !part.records.values().any(|e| e == entry)) {
                    part.maybe.push(entry.clone());
                }
            }
        }
    }

    pub fn produce_plain(&mut self) {
        let Some(id) = self.any_part(true) else { return };
        let Some(part) = self.part(id) else { return };
        let entries = self.entries(None);
        let sent = append(&mut part.borrow_mut(), self.now, &batch(self.now, Sender::NOBODY, &entries), None);
        self.note(format!("plain {} to {id:?}: {sent:?}", entries.len()));
        match sent {
            Ok(base) => self.appended(id, base, &entries, From::Plain),
            Err(Fail::Unknown(_)) => self.in_doubt(id, &entries),
            Err(Fail::Refused(code)) => self.refusal_is_fair(id, code),
        }
    }

    /// The only thing wrong with what these clients send may be that a partition is damaged.
    fn refusal_is_fair(&mut self, id: (TopicId, i32), code: ErrorCode) {
        panic!("{}", self.what(&format!("{id:?} refuses a good batch: {code:?}")));
    }

    pub fn produce_idempotent(&mut self) {
        if self.idempotent.len() < 2 {
            let now = self.now;
            let Ok(producer) = self.node().producer_id(now) else { return };
            assert!(self.model.producer_ids.insert(producer), "{}", self.what("Q8: a producer id twice"));
            let fresh = Idempotent { id: producer, next: BTreeMap::new(), pending: BTreeMap::new(), last: BTreeMap::new() };
            self.idempotent.push(fresh);
            return;
        }
        let Some(id) = self.any_part(true) else { return };
        let who = self.rng.below(2) as usize;
        let pending = self.idempotent[who].pending.get(&id).cloned();
        if pending.is_none() && self.rng.below(5) == 0 {
            return self.send_again(who, id);
        }
        let (sequence, entries) = match pending {
            Some(pending) => pending,
            None => (self.idempotent[who].next.get(&id).copied().unwrap_or(0), self.entries(None)),
        };
        let Some(part) = self.part(id) else { return };
        let sender = Sender { producer_id: self.idempotent[who].id, epoch: 0, sequence, transactional: false };
        let sent = append(&mut part.borrow_mut(), self.now, &batch(self.now, sender, &entries), None);
        self.note(format!("idempotent {who} sequence {sequence} +{} to {id:?}: {sent:?}", entries.len()));
        if !matches!(sent, Err(Fail::Refused(_))) {
            // Until the answer is here it may be sent again.
            self.idempotent[who].pending.insert(id, (sequence, entries.clone()));
        }
        match sent {
            Ok(base) => self.appended(id, base, &entries, From::Idempotent { who, sequence }),
            Err(Fail::Unknown(_)) => self.in_doubt(id, &entries),
            Err(Fail::Refused(code)) => self.refusal_is_fair(id, code),
        }
    }

    /// I2, I14: the last batch sent once more is there already.
    fn send_again(&mut self, who: usize, id: (TopicId, i32)) {
        let Some((sequence, entries, base)) = self.idempotent[who].last.get(&id).cloned() else { return };
        let Some(part) = self.part(id) else { return };
        if part.borrow().log().start_offset() > base {
            return; // deleted, and its producer perhaps forgotten (I7)
        }
        let sender = Sender { producer_id: self.idempotent[who].id, epoch: 0, sequence, transactional: false };
        let sent = append(&mut part.borrow_mut(), self.now, &batch(self.now, sender, &entries), None);
        self.note(format!("again {who} sequence {sequence} to {id:?}: {sent:?}"));
        match sent {
            Ok(again) => assert_eq!(again, base, "{}", self.what("I2: a batch sent again is there twice")),
            Err(Fail::Unknown(_)) => {}
            Err(Fail::Refused(code)) => self.refusal_is_fair(id, code),
        }
    }

    pub fn change_topics(&mut self) {
        let name = format!("t{}", self.rng.below(4));
        if self.model.doubts.0.contains(&name) {
            return;
        }
        match (self.model.topics.get(&name).cloned(), self.rng.below(10)) {
            (None, _) => self.create_topic(name),
            (Some(_), 0..=1) => self.delete_topic(name),
            (Some(known), 2..=4) if known.partitions < 3 => self.grow_topic(name, known),
            (Some(known), _) => self.alter_topic(name, known),
        }
    }

    fn create_topic(&mut self, name: String) {
        let mut overrides = BTreeMap::new();
        match self.rng.below(4) {
            0 => _ = overrides.insert("cleanup.policy".to_string(), "compact".to_string()),
            1 => _ = overrides.insert("retention.bytes".to_string(), "4000".to_string()),
            _ => {}
        }
        let partitions = 1 + self.rng.below(2) as i32;
        let config = |(k, v): (&String, &String)| CreatableTopicConfig { name: k.clone(), value: Some(v.clone()) };
        let configs = overrides.iter().map(config).collect();
        let topic = CreatableTopic { name: name.clone(), num_partitions: partitions, replication_factor: 1, configs, ..Default::default() };
        let now = self.now;
        let done = self.node().submit(now, &CreateTopicsRequest { topics: vec![topic], ..Default::default() });
        self.note(format!("create {name}: {}", done.is_ok()));
        match done {
            Ok(response) => {
                assert_eq!(response.topics[0].error_code, 0, "{}", self.what("create"));
                self.adopt_topic(&name, Some(TopicModel { id: response.topics[0].topic_id, partitions, overrides }));
            }
            Err(_) => _ = self.model.doubts.0.insert(name),
        }
    }

    fn delete_topic(&mut self, name: String) {
        let topics = vec![DeleteTopicState { name: Some(name.clone()), ..Default::default() }];
        let now = self.now;
        let done = self.node().submit(now, &DeleteTopicsRequest { topics, ..Default::default() });
        self.note(format!("delete {name}: {}", done.is_ok()));
        match done {
            Ok(response) => {
                assert_eq!(response.responses[0].error_code, 0, "{}", self.what("delete"));
                self.adopt_topic(&name, None);
            }
            Err(_) => _ = self.model.doubts.0.insert(name),
        }
    }

    fn grow_topic(&mut self, name: String, known: TopicModel) {
        let topic = CreatePartitionsTopic { name: name.clone(), count: known.partitions + 1, assignments: None };
        let now = self.now;
        let done = self.node().submit(now, &CreatePartitionsRequest { topics: vec![topic], ..Default::default() });
        self.note(format!("grow {name}: {}", done.is_ok()));
        match done {
            Ok(response) => {
                assert_eq!(response.results[0].error_code, 0, "{}", self.what("grow"));
                self.adopt_topic(&name, Some(TopicModel { partitions: known.partitions + 1, ..known }));
            }
            Err(_) => _ = self.model.doubts.0.insert(name),
        }
    }

    fn alter_topic(&mut self, name: String, mut known: TopicModel) {
        let value = (1000 + self.rng.below(1000)).to_string();
        let config = AlterableConfig { name: "segment.bytes".into(), value: Some(value.clone()), ..Default::default() };
        let resource = AlterConfigsResource { resource_type: 2, resource_name: name.clone(), configs: vec![config] };
        let now = self.now;
        let done = self.node().submit(now, &IncrementalAlterConfigsRequest { resources: vec![resource], ..Default::default() });
        self.note(format!("alter {name}: {}", done.is_ok()));
        match done {
            Ok(response) => {
                assert_eq!(response.responses[0].error_code, 0, "{}", self.what("alter"));
                known.overrides.insert("segment.bytes".into(), value);
                self.adopt_topic(&name, Some(known));
            }
            Err(_) => _ = self.model.doubts.0.insert(name),
        }
    }

    pub fn commit_offset(&mut self) {
        let Some((id, index)) = self.any_part(true) else { return };
        let Some(name) = self.model.topics.iter().find(|(_, t)| t.id == id).map(|(n, _)| n.clone()) else { return };
        let group = format!("g{}", self.rng.below(2));
        let offset = self.fresh() as i64;
        let partition = OffsetCommitRequestPartition { partition_index: index, committed_offset: offset, ..Default::default() };
        let topic = OffsetCommitRequestTopic { name: name.clone(), topic_id: id, partitions: vec![partition] };
        let request =
            OffsetCommitRequest { group_id: group.clone(), generation_id_or_member_epoch: -1, topics: vec![topic], ..Default::default() };
        let now = self.now;
        let answer = self.node().ask_group(now, 9, None, GroupRequest::OffsetCommit(request));
        let code = match answer {
            Some(GroupAnswer::OffsetCommit(answer)) => ErrorCode::from_code(answer.topics[0].partitions[0].error_code),
            _ => {
                self.excuse_silence("a commit");
                ErrorCode::RequestTimedOut
            }
        };
        self.note(format!("commit {group} {name}-{index} at {offset}: {code:?}"));
        self.committed_offset(&group, &name, index, offset, code);
    }

    /// Committed offsets must be those that were committed.
    pub fn check_offsets(&mut self) {
        for key in self.model.offsets.keys().cloned().collect::<Vec<_>>() {
            let (group, topic, index) = key.clone();
            if self.model.doubts.0.contains(&topic) {
                continue;
            }
            let Some(found) = self.fetch_offset(&group, &topic, index) else { continue };
            let what = self.what(&format!("X: group {group} {topic}-{index}"));
            let possible = self.model.offsets.get_mut(&key).unwrap();
            assert!(possible.contains(&found), "{what}: is at {found}, committed were {possible:?}");
            if self.kind != Kind::Loose {
                *possible = vec![found];
            }
        }
    }

    /// `None` if the coordinator cannot tell now.
    pub fn fetch_offset(&mut self, group: &str, topic: &str, index: i32) -> Option<i64> {
        let id = self.model.topics.get(topic).map(|t| t.id).unwrap_or_default();
        let topics = vec![OffsetFetchRequestTopics { name: topic.into(), topic_id: id, partition_indexes: vec![index] }];
        let group = OffsetFetchRequestGroup { group_id: group.into(), topics: Some(topics), member_epoch: -1, ..Default::default() };
        let now = self.now;
        let answer = self.node().ask_group(now, 9, None, GroupRequest::OffsetFetch { group, require_stable: false });
        let Some(GroupAnswer::OffsetFetch(answer)) = answer else {
            self.excuse_silence("a fetch of offsets");
            return None;
        };
        if answer.error_code != 0 {
            assert!(is_coordinators_trouble(ErrorCode::from_code(answer.error_code)), "{}", self.what("fetch of offsets"));
            return None;
        }
        Some(answer.topics[0].partitions[0].committed_offset)
    }

    pub fn delete_records(&mut self) {
        let Some(id) = self.any_part(false) else { return };
        let Some(part) = self.part(id) else { return };
        let offsets = part.borrow().offsets();
        let to = offsets.log_start() + self.rng.below((offsets.high_watermark() - offsets.log_start() + 1) as u64) as i64;
        // What belongs to an open transaction is left alone, as no consumer has seen it.
        let to = to.min(offsets.last_stable());
        if let Some(model) = self.model.parts.get_mut(&id) {
            model.start_max = model.start_max.max(to);
        }
        let now = self.now;
        let done = part.borrow_mut().delete_records(now, to);
        let kept = done.map_err(told).and_then(|start| Ok(self.node().logs.write_log_starts().map(|()| start)?));
        self.note(format!("delete records of {id:?} below {to}: {kept:?}"));
        match kept {
            Ok(start) => {
                let Some(model) = self.model.parts.get_mut(&id) else { return };
                model.start_min = model.start_min.max(start);
                model.start_max = model.start_max.max(start);
            }
            Err(e) => assert_eq!(refused(&e), None, "{}", self.what("delete records")),
        }
    }

    /// What the broker does by itself. Failures are told in its log; the next time is another chance.
    pub fn keep_house(&mut self) {
        let now = self.now;
        let what = self.rng.below(10);
        self.note(format!("house {what}"));
        let ids: BTreeSet<(TopicId, i32)> = self.model.parts.keys().copied().collect();
        let parts: Vec<((TopicId, i32), Part)> = self.node().parts.iter().map(|(id, p)| (*id, p.clone())).collect();
        match what {
            0 => _ = self.node().logs.write_recovery_points(),
            1 => _ = self.node().logs.write_log_starts(),
            2 => _ = self.node().logs.purge(now.mono),
            9 => self.prune_shares(),
            _ => {
                for (id, part) in parts {
                    match what {
                        3 => self.retain(id, &part),
                        4 => _ = part.borrow_mut().log_mut().flush(),
                        5 => flush_rolled(&part),
                        6 if ids.contains(&id) => _ = part.borrow_mut().log_mut().roll(now),
                        _ => self.compact(id, &part),
                    }
                }
            }
        }
    }

    fn retain(&mut self, id: (TopicId, i32), part: &Part) {
        if let Some(model) = self.model.parts.get_mut(&id) {
            model.start_max = part.borrow().offsets().high_watermark();
        }
        let done = part.borrow_mut().retain(self.now);
        if let (Ok(_), Some(model)) = (done, self.model.parts.get_mut(&id)) {
            model.start_max = part.borrow().offsets().log_start();
        }
    }

    fn compact(&mut self, id: (TopicId, i32), part: &Part) {
        let is_compact = part.borrow().log().config().compact;
        if !is_compact {
            return;
        }
        if let Some(model) = self.model.parts.get_mut(&id) {
            model.compacted = true;
        }
        let now = self.now;
        let done = self.node().compact(part, now);
        if let Err(e) = done {
            let excused = self.disk.is_dead() || !e.is_lasting() || e.to_string().contains("simulated");
            assert!(excused, "{}", self.what(&format!("compaction: {e}")));
        }
    }
}

fn flush_rolled(part: &Part) {
    let job = part.borrow_mut().log_mut().rolled_flush_job();
    if let Ok(Some(job)) = job
        && let Ok(done) = job.run()
    {
        part.borrow_mut().log_mut().flushed(done);
    }
}

/// What a client takes for "try again, perhaps elsewhere".
pub fn is_coordinators_trouble(code: ErrorCode) -> bool {
    use ErrorCode::*;
    matches!(code, CoordinatorNotAvailable | NotCoordinator | CoordinatorLoadInProgress | RequestTimedOut | KafkaStorageError)
}
