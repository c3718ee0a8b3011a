//! Whether the broker kept what it promised.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use kfk::client::admin::OffsetSpec;
use kfk::client::{Admin, Consumer, ConsumerConfig};
use kfk::record::batches;
use kfk::types::TopicPartition;

use super::ledger::{Promises, Stamp};
use super::load::{PRODUCERS, partitions, settings};

/// Records that are read again with each look, to see that they stay what they were.
const OVERLAP: i64 = 300;

/// What was seen in the logs so far. Nothing in it may ever change.
#[derive(Default)]
pub struct Seen {
    logs: BTreeMap<TopicPartition, Log>,
}

#[derive(Default)]
struct Log {
    records: Vec<Stamp>,
    /// The number each producer's next record must have.
    next: BTreeMap<usize, u64>,
    /// Acknowledgements below this offset were checked.
    checked: i64,
}

impl Log {
    /// Takes a record at an offset; says what is wrong with it.
    fn take(&mut self, offset: i64, stamp: Stamp) -> Result<(), String> {
        let end = i64::try_from(self.records.len()).unwrap();
        if offset < end {
            let known = self.records[usize::try_from(offset).unwrap()];
            return if known == stamp { Ok(()) } else { Err(format!("offset {offset} was {known:?} and is {stamp:?}")) };
        }
        if offset > end {
            return Err(format!("offset {offset} follows {}", end - 1));
        }
        let next = self.next.entry(stamp.producer).or_default();
        let (_, idempotent) = PRODUCERS[stamp.producer];
        if stamp.number == *next {
            *next += 1;
        } else if idempotent || stamp.number > *next {
            return Err(format!("offset {offset} holds {stamp:?}, but number {next} is due"));
        }
        self.records.push(stamp);
        Ok(())
    }

    /// Holds the acknowledgements against the records.
    fn hold(&mut self, acknowledged: &BTreeMap<i64, Stamp>, all: bool) -> Result<(), String> {
        let from = if all { 0 } else { self.checked };
        for (offset, stamp) in acknowledged.range((from - OVERLAP).max(0)..) {
            let found = usize::try_from(*offset).ok().and_then(|at| self.records.get(at));
            if found != Some(stamp) {
                let end = self.records.len();
                return Err(format!("{stamp:?} was acknowledged at offset {offset}, where {found:?} lies (the log ends at {end})"));
            }
        }
        self.checked = i64::try_from(self.records.len()).unwrap();
        Ok(())
    }
}

impl Seen {
    /// How many records there are.
    pub fn count(&self) -> usize {
        self.logs.values().map(|log| log.records.len()).sum()
    }

    /// How many different records of each partition were seen.
    pub fn distinct(&self) -> BTreeMap<TopicPartition, u64> {
        self.logs.iter().map(|(tp, log)| (tp.clone(), log.next.values().sum())).collect()
    }

    /// Reads what is new (or everything) and compares it with what was promised before.
    pub async fn look(&mut self, port: u16, promised: &Promises, all: bool) -> Result<(), String> {
        if let Some(failure) = promised.failures.first() {
            return Err(format!("{} failures, the first: {failure}", promised.failures.len()));
        }
        self.read(port, all).await?;
        for (tp, acknowledged) in &promised.records {
            self.logs.entry(tp.clone()).or_default().hold(acknowledged, all).map_err(|e| format!("{tp}: {e}"))?;
        }
        let admin = super::load::admin(port);
        check_commits(&admin, promised).await?;
        check_topics(&admin, promised).await
    }

    async fn read(&mut self, port: u16, all: bool) -> Result<(), String> {
        let own =
            [("enable.auto.commit", "false"), ("auto.offset.reset", "none"), ("fetch.max.wait.ms", "20"), ("max.poll.records", "5000")];
        let mut consumer = Consumer::new(ConsumerConfig::parse(&settings(port, &own)).unwrap()).map_err(|e| e.to_string())?;
        let ends = ends(&super::load::admin(port)).await?;
        let targets = partitions();
        consumer.assign(&targets).map_err(|e| e.to_string())?;
        let mut at = BTreeMap::new();
        for tp in &targets {
            let known = i64::try_from(self.logs.entry(tp.clone()).or_default().records.len()).unwrap();
            if ends[tp] < known {
                return Err(format!("{tp} ends at {}, but {known} records were seen in it", ends[tp]));
            }
            let from = if all { 0 } else { (known - OVERLAP).max(0) };
            at.insert(tp.clone(), from);
            consumer.seek(tp, from).map_err(|e| e.to_string())?;
        }
        // Of what was there at the beginning; the load goes on writing, and a slow machine takes its time over millions of records.
        let missing = |at: &BTreeMap<TopicPartition, i64>| targets.iter().map(|tp| (ends[tp] - at[tp]).max(0)).sum::<i64>();
        let (mut left, mut since) = (missing(&at), Instant::now());
        while left > 0 {
            if missing(&at) < left {
                (left, since) = (missing(&at), Instant::now());
            } else if since.elapsed() > Duration::from_secs(60) {
                return Err(format!("reading does not get on: at {at:?} of {ends:?}"));
            }
            let polled = consumer.poll(Duration::from_millis(500)).await.map_err(|e| format!("reading: {e}"))?;
            for record in polled.iter() {
                let tp = TopicPartition::new(record.topic, record.partition);
                let stamp =
                    record.value.and_then(Stamp::parse).ok_or_else(|| format!("{tp} offset {}: no record of ours", record.offset))?;
                self.logs.entry(tp.clone()).or_default().take(record.offset, stamp).map_err(|e| format!("{tp}: {e}"))?;
                at.insert(tp, record.offset + 1);
            }
        }
        consumer.close(Duration::from_secs(5)).await.map_err(|e| e.to_string())
    }
}

async fn ends(admin: &Admin) -> Result<BTreeMap<TopicPartition, i64>, String> {
    let wanted = partitions().into_iter().map(|tp| (tp, OffsetSpec::Latest)).collect();
    let listed = admin.list_offsets(&wanted, false).await.map_err(|e| e.to_string())?;
    listed.into_iter().map(|(tp, found)| Ok((tp, found.map_err(|e| e.to_string())?.offset))).collect()
}

async fn check_commits(admin: &Admin, promised: &Promises) -> Result<(), String> {
    for group in super::load::GROUPS {
        let kept = admin.group_offsets(group, None).await.map_err(|e| format!("offsets of {group}: {e}"))?;
        for ((_, tp), commit) in promised.commits.iter().filter(|((of, _), _)| of == group) {
            let Some(acknowledged) = commit.acknowledged else { continue };
            let found = match kept.get(tp) {
                Some(Ok(offset)) => offset,
                other => return Err(format!("{group} committed {acknowledged} for {tp}, which is now {other:?}")),
            };
            if found.offset < acknowledged || found.metadata != format!("at {}", found.offset) {
                return Err(format!("{group} committed {acknowledged} for {tp}, which is now {found:?}"));
            }
        }
    }
    Ok(())
}

async fn check_topics(admin: &Admin, promised: &Promises) -> Result<(), String> {
    let listed = admin.list_topics(false).await.map_err(|e| format!("listing topics: {e}"))?;
    let there: BTreeMap<_, _> = listed.into_iter().map(|t| (t.name.clone(), t)).collect();
    for (name, id) in &promised.created {
        match there.get(name) {
            // Its deletion may have begun since.
            None if name_is_deleted_later(name) => {}
            None => return Err(format!("topic {name} was created and is gone")),
            Some(topic) if id.is_some_and(|id| id != topic.id) => return Err(format!("topic {name} has another id")),
            Some(_) => {}
        }
    }
    match promised.deleted.iter().find(|name| there.contains_key(*name)) {
        Some(name) => Err(format!("topic {name} was deleted and is there")),
        None => Ok(()),
    }
}

fn name_is_deleted_later(name: &str) -> bool {
    name.strip_prefix("fresh-").and_then(|n| n.parse::<u32>().ok()).is_some_and(|n| n % 3 == 2)
}

/// Every batch in the segments of a directory whose broker has stopped: whole, with a good CRC, offsets in a row.
pub fn check_segments(dir: &Path) -> Result<(usize, usize), String> {
    let (mut segments, mut found) = (0, 0);
    for tp in partitions() {
        let inside = std::fs::read_dir(dir.join(tp.to_string())).map_err(|e| format!("{tp}: {e}"))?;
        let mut logs: Vec<_> = inside.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|x| x == "log")).collect();
        logs.sort();
        let mut next = 0;
        for path in logs {
            segments += 1;
            let told = |e: String| format!("{}: {e}", path.display());
            let bytes = std::fs::read(&path).map_err(|e| told(e.to_string()))?;
            for batch in batches(&bytes) {
                let batch = batch.map_err(|e| told(e.to_string()))?;
                batch.check_crc().map_err(|e| told(format!("offset {}: {e}", batch.header.base_offset)))?;
                if batch.header.base_offset != next {
                    return Err(told(format!("offset {} where {next} is due", batch.header.base_offset)));
                }
                next = batch.header.next_offset();
                found += 1;
            }
        }
    }
    Ok((segments, found))
}
