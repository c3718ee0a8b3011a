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
    One { name: String, create: bool },
    Matching { expression: Regex, internal: bool },
}

/// Keeps a consumer assigned to every partition of some topics.
#[derive(Debug)]
pub(super) struct Whole {
    topics: Topics,
    assigned: BTreeSet<TopicPartition>,
    next_look: Instant,
    looked: bool,
}

impl Whole {
    pub fn new(topics: Topics) -> Whole {
        Whole { topics, assigned: BTreeSet::new(), next_look: Instant::now(), looked: false }
    }

    /// When the next look is due.
    pub fn due(&self) -> Instant {
        self.next_look
    }

    /// Looks for partitions if it is time to. Partitions that come later are read from their start: all of it is news.
    ///
    /// Errors: the broker refuses for good, or cannot be reached at the first look.
    pub async fn look(&mut self, consumer: &mut Consumer) -> Result<(), CliError> {
        if Instant::now() < self.next_look {
            return Ok(());
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
                }
            }
            // While reading goes on, its own calls tell what is wrong.
            Err(e) if self.looked && e.is_retriable() => {}
            Err(e) => return Err(e.into()),
        }
        self.looked = true;
        self.next_look = Instant::now() + if self.assigned.is_empty() { LOOK_FOR_FIRST } else { LOOK_AGAIN };
        Ok(())
    }

    async fn partitions(&self, consumer: &Consumer) -> Result<BTreeSet<TopicPartition>, Error> {
        let client = consumer.client();
        match &self.topics {
            Topics::One { name, create } => match client.topic(name, *create).await {
                Ok(topic) => Ok(topic.partitions.iter().map(|p| TopicPartition::new(name, p.partition)).collect()),
                Err(e) if e.code() == Some(ErrorCode::UnknownTopicOrPartition) => Ok(BTreeSet::new()),
                Err(e) if e.code() == Some(ErrorCode::LeaderNotAvailable) => Ok(BTreeSet::new()),
                Err(e) => Err(e),
            },
            Topics::Matching { expression, internal } => {
                let all = client.refresh_all().await?;
                let wanted = all.topics.values().filter(|t| expression.is_match(&t.name) && (*internal || !t.is_internal));
                Ok(wanted.flat_map(|t| t.partitions.iter().map(|p| TopicPartition::new(&t.name, p.partition))).collect())
            }
        }
    }
}
