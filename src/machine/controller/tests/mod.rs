//! A controller on its own: commands in, records applied at once, responses out.

use std::collections::BTreeMap;

use crate::rng::Rng;
use crate::types::{MonoMs, Now, Uuid, WallMs};
use crate::wire::ErrorCode;
use crate::wire::broker_registration_request::{BrokerRegistrationRequest, Feature, Listener};
use crate::wire::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use crate::wire::create_topics_response::{CreatableTopicConfigs, CreateTopicsResponse};

use super::features::{FEATURES, bootstrap_records};
use super::{
    ApiError, Change, ClusterState, Command, ConfigResource, ConfigRules, Context, Controller, MetadataRecord, NodeStart, Options,
    Overrides, ResourceKind,
};

mod brokers;
mod configs;
mod elections;
mod limits;
mod records;
mod topics;

/// A few settings, enough to see that the controller asks for them.
pub struct Rules;

impl ConfigRules for Rules {
    fn validate(&self, resource: &ConfigResource, new: &Overrides, _: &Overrides) -> Result<(), ApiError> {
        let known = ["retention.ms", "cleanup.policy", "min.insync.replicas", "unclean.leader.election.enable", "segment.bytes"];
        match new.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) if resource.kind == ResourceKind::Topic => {
                Err(ApiError::new(ErrorCode::InvalidConfig, format!("Unknown topic config name: {key}")))
            }
            _ => Ok(()),
        }
    }

    fn is_list(&self, _: ResourceKind, key: &str) -> bool {
        key == "cleanup.policy"
    }

    fn default_value(&self, _: ResourceKind, key: &str) -> Option<String> {
        (key == "cleanup.policy").then(|| "delete".to_string())
    }

    fn static_topic_value(&self, key: &str) -> Option<String> {
        (key == "min.insync.replicas").then(|| "1".to_string())
    }

    fn topic_configs(&self, _: &ClusterState, overrides: &Overrides) -> Vec<CreatableTopicConfigs> {
        let entry = |(name, value): (&String, &String)| CreatableTopicConfigs {
            name: name.clone(),
            value: Some(value.clone()),
            ..Default::default()
        };
        overrides.iter().map(entry).collect()
    }
}

pub struct World {
    pub controller: Controller,
    pub log: Vec<MetadataRecord>,
    pub now: Now,
    rng: Rng,
}

impl World {
    /// A formatted cluster without brokers.
    pub fn empty() -> World {
        let options = Options { cluster_id: "cluster".into(), ..Options::default() };
        let mut world = World {
            controller: Controller::new(options, ClusterState::new()),
            log: Vec::new(),
            now: Now { wall: WallMs(1_700_000_000_000), mono: MonoMs(0) },
            rng: Rng::new(7),
        };
        world.apply(bootstrap_records());
        world
    }

    /// One node at work.
    pub fn one_node() -> World {
        let mut world = World::empty();
        let start = NodeStart { registration: registration(1, 1), clean: true };
        world.run(&start).unwrap();
        world
    }

    /// Brokers 1 to `n`, all registered and unfenced.
    pub fn brokers(n: i32) -> World {
        let mut world = World::empty();
        for id in 1..=n {
            world.register(id, 1);
            world.heartbeat(id, false, false);
        }
        world
    }

    pub fn decide<C: Command>(&mut self, command: &C) -> super::Decision<C::Response> {
        let mut cx = Context { now: self.now, next_offset: self.log.len() as i64, rng: &mut self.rng, rules: &Rules };
        command.decide(&mut self.controller, &mut cx)
    }

    pub fn run<C: Command>(&mut self, command: &C) -> C::Response {
        let decision = self.decide(command);
        self.apply(decision.records);
        decision.response
    }

    pub fn apply(&mut self, records: Vec<MetadataRecord>) -> Vec<Change> {
        let mut changes = Vec::new();
        for record in records {
            self.controller.apply(&record, self.log.len() as i64, &mut changes).unwrap();
            self.log.push(record);
        }
        self.controller.check().unwrap();
        changes
    }

    pub fn create(&mut self, topics: Vec<CreatableTopic>) -> CreateTopicsResponse {
        self.run(&CreateTopicsRequest { topics, ..Default::default() })
    }

    /// Creates one topic that must come to be.
    pub fn topic(&mut self, name: &str, partitions: i32, factor: i16) {
        let response = self.create(vec![topic(name, partitions, factor)]);
        assert_eq!(response.topics[0].error_code, 0, "{:?}", response.topics[0].error_message);
    }

    pub fn register(&mut self, id: i32, incarnation: u8) -> i16 {
        self.run(&registration(id, incarnation)).error_code
    }
}

pub fn topic(name: &str, partitions: i32, factor: i16) -> CreatableTopic {
    CreatableTopic { name: name.into(), num_partitions: partitions, replication_factor: factor, ..Default::default() }
}

pub fn registration(id: i32, incarnation: u8) -> BrokerRegistrationRequest {
    let features = FEATURES.iter().map(|f| Feature { name: f.name.into(), min_supported_version: f.min, max_supported_version: f.max });
    let listener = Listener { name: "PLAINTEXT".into(), host: format!("host{id}"), port: 9092, ..Default::default() };
    let mut dir = [9; 16];
    dir[15] = u8::try_from(id).unwrap();
    BrokerRegistrationRequest {
        broker_id: id,
        cluster_id: "cluster".into(),
        incarnation_id: Uuid([incarnation; 16]),
        listeners: vec![listener],
        features: features.collect(),
        log_dirs: vec![Uuid(dir)],
        ..Default::default()
    }
}

/// Code and text of a result.
pub fn refusal(code: i16, message: &Option<String>) -> (ErrorCode, &str) {
    (ErrorCode::from_code(code), message.as_deref().unwrap_or("-"))
}

/// Names in a map, for assertions on order.
pub fn overrides(pairs: &[(&str, &str)]) -> Overrides {
    pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<BTreeMap<_, _>>()
}
