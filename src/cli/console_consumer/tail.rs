//! `--tail N`: the last N records of all partitions together, by their timestamps.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::cli::error::CliError;
use crate::cli::records::span::Spans;
use crate::client::{Consumer, ConsumerRecord, RecordChunk};
use crate::types::TopicPartition;

/// How long to wait for records before looking whether all has been read.
const LOOK: Duration = Duration::from_millis(20);

/// The newest records of some partitions.
#[derive(Default)]
pub(super) struct Tail {
    chunks: BTreeMap<TopicPartition, VecDeque<RecordChunk>>,
}

impl Tail {
    /// Reads the last `n` records of every partition. Leaves the consumer at the ends that there were when reading began.
    ///
    /// What is not there any more (compacted, or never visible) makes a stretch of offsets hold fewer records: it is read again, longer.
    pub async fn read(consumer: &mut Consumer, partitions: &[TopicPartition], n: usize) -> Result<Tail, CliError> {
        let (first, ends) = (consumer.beginning_offsets(partitions).await?, consumer.end_offsets(partitions).await?);
        let mut tail = Tail::default();
        let mut back = i64::try_from(n).unwrap_or(i64::MAX);
        let mut open = partitions.to_vec();
        while !open.is_empty() {
            consumer.assign(&open)?;
            consumer.resume(&open);
            let bounds = |tp: &TopicPartition| Some((*first.get(tp)?, *ends.get(tp)?));
            let stretch = |tp: &TopicPartition| bounds(tp).map(|(first, end)| (tp.clone(), (end.saturating_sub(back).max(first), end)));
            let mut spans = Spans::of(consumer, &open.iter().filter_map(stretch).collect())?;
            open.iter().for_each(|tp| drop(tail.chunks.remove(tp)));
            while !spans.all_read(consumer).await? {
                for chunk in consumer.poll(LOOK).await?.chunks {
                    if chunk.iter().next().is_some_and(|r| r.offset < spans.end_of(r.topic, r.partition)) {
                        tail.keep(chunk, n);
                    }
                }
            }
            let whole = |tp: &TopicPartition| bounds(tp).is_none_or(|(first, end)| end.saturating_sub(back) <= first);
            open.retain(|tp| tail.count(tp) < n && !whole(tp));
            back = back.saturating_mul(4).max(1);
        }
        consumer.assign(partitions)?;
        consumer.resume(partitions);
        for (tp, end) in &ends {
            consumer.seek(tp, *end)?;
        }
        Ok(tail)
    }

    fn keep(&mut self, chunk: RecordChunk, n: usize) {
        let chunks = self.chunks.entry(TopicPartition::new(chunk.topic(), chunk.partition())).or_default();
        chunks.push_back(chunk);
        let mut count: usize = chunks.iter().map(RecordChunk::len).sum();
        while let Some(front) = chunks.front().filter(|front| count - front.len() >= n) {
            count -= front.len();
            chunks.pop_front();
        }
    }

    fn count(&self, tp: &TopicPartition) -> usize {
        self.chunks.get(tp).map_or(0, |chunks| chunks.iter().map(RecordChunk::len).sum())
    }

    /// The last `n` records, the oldest first; those of one partition in its order, whatever their timestamps.
    pub fn newest(&self, n: usize) -> Vec<ConsumerRecord<'_>> {
        let mut each: Vec<Vec<ConsumerRecord<'_>>> =
            self.chunks.values().map(|chunks| chunks.iter().flat_map(RecordChunk::iter).collect()).collect();
        let mut newest = Vec::new();
        while newest.len() < n {
            let last = |records: &&mut Vec<ConsumerRecord<'_>>| records.last().map_or(i64::MIN, |r| r.timestamp);
            let Some(record) = each.iter_mut().filter(|r| !r.is_empty()).max_by_key(last).and_then(Vec::pop) else { break };
            newest.push(record);
        }
        newest.reverse();
        newest
    }
}
