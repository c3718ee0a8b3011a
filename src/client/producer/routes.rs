//! Where the records of each topic can go: what sending a record needs of the metadata, kept so that it is not looked up per record.

use std::collections::BTreeMap;

use crate::client::cluster::Client;
use crate::client::metadata::Metadata;
use crate::client::producer::Delivery;
use crate::machine::producer::{Accumulator, TopicIndex};

/// One topic.
pub(super) struct Route {
    topic: String,
    pub index: TopicIndex,
    /// 0 while the topic is not known.
    pub partitions: i32,
    /// Partitions with a leader, sorted; empty when all have one, or none.
    pub available: Vec<i32>,
}

/// All topics that records were sent to, as of one state of the metadata.
#[derive(Default)]
pub(super) struct Routes {
    version: u64,
    by_name: BTreeMap<String, usize>,
    all: Vec<Route>,
    /// The topic of the last record; mostly that of the next one.
    last: usize,
}

impl Routes {
    /// The route of a topic, in step with the client's metadata.
    pub fn find(&mut self, client: &Client, batches: &mut Accumulator<Delivery>, topic: &str) -> &Route {
        let version = client.metadata_version();
        if version != self.version {
            // The version was read first: what comes in between is seen with the next record.
            let metadata = client.metadata();
            self.all.iter_mut().for_each(|r| r.update(&metadata));
            self.version = version;
        }
        if self.all.get(self.last).is_none_or(|r| r.topic != topic) {
            self.last = self.place(client, batches, topic);
        }
        &self.all[self.last]
    }

    fn place(&mut self, client: &Client, batches: &mut Accumulator<Delivery>, topic: &str) -> usize {
        if let Some(at) = self.by_name.get(topic) {
            return *at;
        }
        let mut route = Route { topic: topic.to_string(), index: batches.topic(topic), partitions: 0, available: Vec::new() };
        route.update(&client.metadata());
        self.all.push(route);
        self.by_name.insert(topic.to_string(), self.all.len() - 1);
        self.all.len() - 1
    }

    /// The names of all topics.
    pub fn topics(&self) -> Vec<String> {
        self.all.iter().map(|r| r.topic.clone()).collect()
    }
}

impl Route {
    fn update(&mut self, metadata: &Metadata) {
        let known = metadata.topics.get(&self.topic).map(|t| t.partitions.as_slice()).unwrap_or_default();
        self.partitions = i32::try_from(known.len()).unwrap_or(i32::MAX);
        self.available = known.iter().filter(|p| p.leader >= 0).map(|p| p.partition).collect();
        if self.available.len() == known.len() {
            self.available.clear();
        }
    }
}
