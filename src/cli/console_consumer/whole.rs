//! Reading whole topics without a group: all their partitions, also those that come later.
//!
//! Kafka's tool joins a group of a random name for this, which costs it the group's initial delay (3 s by default) and leaves the group
//! behind on the broker. Nothing is shared between members here, so none is needed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use regex::Regex;

use crate::cli::error::CliError;
use crate::client::{Consumer, Error};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

/// How often to look for new partitions, and for a topic that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const LOOK_FOR_FIRST: Duration = Duration::from_millis(250);

/// Which topics.
#[derive(Debug)]
pub(super) enum Topics {
    Named { names: Vec<String>, create: bool },
    Matching { expression: Regex, internal: bool },
}

/// Keeps a consumer assigned to every partition of some topics.
#[derive(Debug)]
pub(super) struct Whole {
    topics: Topics,
    assigned: BTreeSet<TopicPartition>,
    next_look: Instant,
    looked: bool,
    over: bool,
}

impl Whole {
    pub fn new(topics: Topics) -> Whole {
        Whole { topics, assigned: BTreeSet::new(), next_look: Instant::now(), looked: false, over: false }
    }

    /// When the next look is due, if there is one.
    pub fn due(&self) -> Option<Instant> {
        (!self.over).then_some(self.next_look)
    }

    /// What there is now is all that is wanted.
    pub fn stop_looking(&mut self) {
        self.over = true;
    }

    /// Looks for partitions if it is time to; gives those that the first look found. Partitions that come later are read from their start:
    /// all of it is news.
    ///
    /// Errors: the broker refuses for good, or cannot be reached at the first look.
    pub async fn look(&mut self, consumer: &mut Consumer) -> Result<Vec<TopicPartition>, CliError> {
        let mut first = Vec::new();
        if self.over || Instant::now() < self.next_look {
            return Ok(first);
        }
        match self.partitions(consumer).await {
            Ok(found) => {
                let new: Vec<TopicPartition> = found.difference(&self.assigned).cloned().collect();
                if !new.is_empty() {
                    let late = self.looked && !self.assigned.is_empty();
                    self.assigned.extend(new.iter().cloned());
                    consumer.assign(&self.assigned.iter().cloned().collect::<Vec<_>>())?;
                    for tp in new.iter().filter(|_| late) {
                        consumer.seek_to_beginning(tp)?;
                    }
                    first = if late { first } else { new };
                }
            }
            // While reading goes on, its own calls tell what is wrong.
            Err(e) if self.looked && e.is_retriable() => {}
            Err(e) => return Err(e.into()),
        }
        self.looked = true;
        self.next_look = Instant::now() + if self.assigned.is_empty() { LOOK_FOR_FIRST } else { LOOK_AGAIN };
        Ok(first)
    }

    async fn partitions(&self, consumer: &Consumer) -> Result<BTreeSet<TopicPartition>, Error> {
        let client = consumer.client();
        match &self.topics {
            Topics::Named { names, create } => {
                let mut all = BTreeSet::new();
                for name in names {
                    match client.topic(name, *create).await {
                        Ok(topic) => all.extend(topic.partitions.iter().map(|p| TopicPartition::new(name, p.partition))),
                        Err(e) if e.code() == Some(ErrorCode::UnknownTopicOrPartition) => {}
                        Err(e) if e.code() == Some(ErrorCode::LeaderNotAvailable) => {}
                        Err(e) => return Err(e),
                    }
                }
                Ok(all)
            }
            Topics::Matching { expression, internal } => {
                let all = client.refresh_all().await?;
                let wanted = all.topics.values().filter(|t| expression.is_match(&t.name) && (*internal || !t.is_internal));
                Ok(wanted.flat_map(|t| t.partitions.iter().map(|p| TopicPartition::new(&t.name, p.partition))).collect())
            }
        }
    }
}
