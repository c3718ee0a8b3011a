//! The words in which scripts speak of members of the KIP-848 protocol, and a model of such a member.

use std::collections::{BTreeMap, BTreeSet};

use kfk::machine::group::{GroupAnswer, GroupRequest};
use kfk::wire::ErrorCode;
use kfk::wire::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use kfk::wire::consumer_group_describe_response::{Assignment as DescribedAssignment, DescribedGroup, Member as DescribedMember};
use kfk::wire::consumer_group_heartbeat_request::{ConsumerGroupHeartbeatRequest, TopicPartitions};
use kfk::wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;

use crate::driver::{GROUP, World};

/// Partitions as scripts write them: `t-0`.
pub type Names = BTreeSet<String>;

pub fn names(list: &[&str]) -> Names {
    list.iter().map(|name| name.to_string()).collect()
}

/// What a client program remembers between heartbeats.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub id: String,
    pub epoch: i32,
    pub instance: Option<String>,
    pub topics: Vec<String>,
    pub regex: Option<String>,
    pub assignor: Option<String>,
    pub rebalance_ms: i32,
    /// What it consumes now.
    pub owned: Names,
    /// What it was told last.
    pub told: Names,
}

impl Client {
    pub fn new(id: &str, topics: &[&str]) -> Self {
        let topics = topics.iter().map(|t| t.to_string()).collect();
        Client { id: id.into(), topics, rebalance_ms: 60_000, ..Client::default() }
    }

    pub fn instance(mut self, instance: &str) -> Self {
        self.instance = Some(instance.into());
        self
    }

    pub fn assignor(mut self, assignor: &str) -> Self {
        self.assignor = Some(assignor.into());
        self
    }

    pub fn regex(mut self, regex: &str) -> Self {
        self.regex = Some(regex.into());
        self
    }

    pub fn rebalance_ms(mut self, ms: i32) -> Self {
        self.rebalance_ms = ms;
        self
    }

    /// A heartbeat that says everything.
    pub fn full(&self, w: &World) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest {
            rebalance_timeout_ms: self.rebalance_ms,
            subscribed_topic_names: (self.regex.is_none() || !self.topics.is_empty()).then(|| self.topics.clone()),
            subscribed_topic_regex: self.regex.clone(),
            server_assignor: self.assignor.clone(),
            topic_partitions: Some(w.by_topic(&self.owned)),
            ..self.brief()
        }
    }

    /// A heartbeat that says nothing new.
    pub fn brief(&self) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest {
            group_id: GROUP.into(),
            member_id: self.id.clone(),
            member_epoch: self.epoch,
            instance_id: self.instance.clone(),
            ..Default::default()
        }
    }

    pub fn hear(&mut self, w: &World, answer: &ConsumerGroupHeartbeatResponse) {
        self.epoch = answer.member_epoch;
        if let Some(assignment) = &answer.assignment {
            self.told = assignment.topic_partitions.iter().flat_map(|t| w.names(t.topic_id, &t.partitions)).collect();
        }
    }
}

impl World {
    pub fn names(&self, topic: kfk::types::Uuid, partitions: &[i32]) -> Names {
        let known = self.cluster.topics.iter().find(|(_, info)| info.id == topic).map(|(name, _)| name.clone());
        let name = known.unwrap_or_else(|| format!("gone:{topic}"));
        partitions.iter().map(|p| format!("{name}-{p}")).collect()
    }

    pub fn by_topic(&self, partitions: &Names) -> Vec<TopicPartitions> {
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for name in partitions {
            let (topic, partition) = name.rsplit_once('-').unwrap();
            topics.entry(topic).or_default().push(partition.parse().unwrap());
        }
        let id = |topic: &str| match topic.strip_prefix("gone:") {
            Some(id) => id.parse().unwrap(),
            None => self.cluster.topics.get(topic).map_or(kfk::types::Uuid([0xee; 16]), |t| t.id),
        };
        topics.into_iter().map(|(topic, partitions)| TopicPartitions { topic_id: id(topic), partitions }).collect()
    }

    /// Topics with their numbers of partitions.
    pub fn topics(&mut self, topics: &[(&str, i32)]) {
        for (name, partitions) in topics {
            self.cluster.create(name, *partitions);
        }
        let names: Vec<&str> = topics.iter().map(|(name, _)| *name).collect();
        self.tell_of_topics(&names);
    }

    pub fn beat_as(&mut self, version: i16, request: ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
        let token = self.send(version, GroupRequest::ConsumerGroupHeartbeat(request));
        match self.answer(token) {
            GroupAnswer::ConsumerGroupHeartbeat(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub fn beat_code(&mut self, request: ConsumerGroupHeartbeatRequest) -> ErrorCode {
        ErrorCode::from_code(self.beat_as(1, request).error_code)
    }

    /// A heartbeat that must succeed, and that the client hears. The client takes up and gives up at once what it is told to.
    pub fn beat(&mut self, client: &mut Client) -> ConsumerGroupHeartbeatResponse {
        let request = client.full(self);
        let answer = self.beat_as(1, request);
        assert_eq!(answer.error_code, 0, "{answer:?}");
        client.hear(self, &answer);
        client.owned.clone_from(&client.told);
        answer
    }

    /// Heartbeats of all until nothing changes any more; time for new targets passes in between.
    pub fn settle(&mut self, clients: &mut [Client]) {
        for _ in 0..20 {
            self.pass(1_000);
            let before: Vec<(i32, Names)> = clients.iter().map(|c| (c.epoch, c.owned.clone())).collect();
            clients.iter_mut().for_each(|client| _ = self.beat(client));
            if before == clients.iter().map(|c| (c.epoch, c.owned.clone())).collect::<Vec<_>>() && self.consumer_state() == "Stable" {
                return;
            }
        }
        panic!("the group does not come to rest: {:#?}", self.described());
    }

    pub fn leave_consumer(&mut self, client: &Client, epoch: i32) -> ErrorCode {
        self.beat_code(ConsumerGroupHeartbeatRequest { member_epoch: epoch, ..client.brief() })
    }

    pub fn described_as(&mut self, version: i16, group: &str) -> DescribedGroup {
        let request = ConsumerGroupDescribeRequest { group_ids: vec![group.into()], ..Default::default() };
        let token = self.send(version, GroupRequest::ConsumerGroupDescribe(request));
        match self.answer(token) {
            GroupAnswer::ConsumerGroupDescribe(mut answer) => answer.groups.remove(0),
            other => panic!("{other:?}"),
        }
    }

    pub fn described(&mut self) -> DescribedGroup {
        self.described_as(1, GROUP)
    }

    pub fn described_member(&mut self, id: &str) -> DescribedMember {
        self.described().members.into_iter().find(|m| m.member_id == id).expect("a member")
    }

    pub fn assignment_names(&self, assignment: &DescribedAssignment) -> Names {
        assignment.topic_partitions.iter().flat_map(|t| self.names(t.topic_id, &t.partitions)).collect()
    }

    pub fn consumer_state(&mut self) -> String {
        self.described().group_state
    }
}
