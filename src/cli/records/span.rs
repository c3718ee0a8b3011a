//! The stretch of each partition that is read: placed when the partition is assigned, watched until its end is reached.

use std::collections::BTreeMap;

use super::place::{From, Until};
use super::times;
use crate::cli::error::CliError;
use crate::client::{Consumer, ConsumerRecord};
use crate::types::TopicPartition;

/// Where reading begins and ends, and which partitions are not at their end yet.
#[derive(Debug)]
pub struct Spans {
    from: From,
    until: Until,
    /// The end of every partition that is still read; `None`: it has none (yet).
    open: BTreeMap<TopicPartition, Option<i64>>,
    placed: bool,
}

impl Spans {
    pub fn new(from: From, until: Until) -> Spans {
        Spans { from, until, open: BTreeMap::new(), placed: false }
    }

    /// Whether reading ends by itself.
    pub fn is_bounded(&self) -> bool {
        self.until != Until::Never
    }

    /// Seeks in partitions that were just assigned, and finds out where they end.
    pub async fn place(&mut self, consumer: &mut Consumer, new: &[TopicPartition]) -> Result<(), CliError> {
        let (first, last) = (consumer.beginning_offsets(new).await?, consumer.end_offsets(new).await?);
        let by_time = match self.from {
            From::Time(ms) => consumer.offsets_for_times(&new.iter().map(|tp| (tp.clone(), ms)).collect()).await?,
            _ => BTreeMap::new(),
        };
        for tp in new {
            let (Some(first), Some(last)) = (first.get(tp).copied(), last.get(tp).copied()) else { continue };
            let start = match self.from {
                From::Start(n) => first.saturating_add(n),
                From::End(n) => last.saturating_sub(n),
                From::At(offset) => offset,
                From::Time(_) => by_time.get(tp).copied().flatten().unwrap_or(last),
            };
            consumer.seek(tp, start.clamp(first, last.max(first)))?;
            self.open.insert(tp.clone(), None);
        }
        self.bound(consumer, new).await?;
        self.placed = true;
        Ok(())
    }

    /// Seeks in partitions that were just assigned: each has its own stretch, from an offset to another.
    pub fn of(consumer: &mut Consumer, stretches: &BTreeMap<TopicPartition, (i64, i64)>) -> Result<Spans, CliError> {
        for (tp, (start, _)) in stretches {
            consumer.seek(tp, *start)?;
        }
        let open = stretches.iter().map(|(tp, (_, end))| (tp.clone(), Some(*end))).collect();
        Ok(Spans { from: From::Start(0), until: Until::End, open, placed: true })
    }

    /// Finds the ends of partitions, as far as they can be known by now.
    async fn bound(&mut self, consumer: &Consumer, partitions: &[TopicPartition]) -> Result<(), CliError> {
        let ends = match self.until {
            Until::Never => return Ok(()),
            Until::Time(ms) if ms > times::now() => return Ok(()),
            Until::At(offset) => partitions.iter().map(|tp| (tp.clone(), offset)).collect(),
            Until::End => consumer.end_offsets(partitions).await?,
            Until::Time(ms) => {
                let mut ends = consumer.end_offsets(partitions).await?;
                let wanted = partitions.iter().map(|tp| (tp.clone(), ms)).collect();
                let found = consumer.offsets_for_times(&wanted).await?;
                ends.extend(found.into_iter().filter_map(|(tp, offset)| Some((tp, offset?))));
                ends
            }
        };
        for (tp, end) in ends {
            if let Some(open) = self.open.get_mut(&tp) {
                *open = Some(end);
            }
        }
        Ok(())
    }

    /// How long until the clock reaches the end, if that is what is waited for.
    pub fn clock_ends_in(&self) -> Option<std::time::Duration> {
        let Until::Time(ms) = self.until else { return None };
        let waiting = self.open.values().any(Option::is_none);
        waiting.then(|| std::time::Duration::from_millis(u64::try_from(ms - times::now()).unwrap_or(0)))
    }

    /// Looks how far the consumer is. True if every partition is at its end; those that are, are not read any more.
    pub async fn all_read(&mut self, consumer: &mut Consumer) -> Result<bool, CliError> {
        if self.clock_ends_in().is_some_and(|left| left.is_zero()) {
            let open: Vec<TopicPartition> = self.open.keys().cloned().collect();
            self.bound(consumer, &open).await?;
        }
        if !self.is_bounded() || !self.placed {
            return Ok(false);
        }
        let positions = consumer.positions();
        let at_end = |tp: &TopicPartition, end: &Option<i64>| match (positions.get(tp), end) {
            (Some(position), Some(end)) => position.offset >= *end,
            _ => false,
        };
        let done: Vec<TopicPartition> = self.open.iter().filter(|(tp, end)| at_end(tp, end)).map(|(tp, _)| tp.clone()).collect();
        consumer.pause(&done);
        self.open.retain(|tp, _| !done.contains(tp));
        Ok(self.open.is_empty())
    }

    /// The end of a partition: no record from there on is wanted. A partition that has been read to its end has nothing more.
    pub fn end_of(&self, topic: &str, partition: i32) -> i64 {
        match self.open.get(&TopicPartition::new(topic, partition)) {
            Some(end) => end.unwrap_or(i64::MAX),
            None if self.is_bounded() => i64::MIN,
            None => i64::MAX,
        }
    }

    /// Whether a record before its partition's end is in the stretch. Timestamps need not be in order.
    pub fn holds(&self, record: &ConsumerRecord<'_>) -> bool {
        let young = !matches!(self.from, From::Time(ms) if record.timestamp < ms);
        let old = !matches!(self.until, Until::Time(ms) if record.timestamp >= ms);
        young && old
    }
}
