//! Settings of topics, brokers and groups.

use std::collections::BTreeMap;

use kfk_wire::describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource};
pub use kfk_wire::describe_configs_response::DescribeConfigsResourceResult as ConfigEntry;
use kfk_wire::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest};
use kfk_wire::list_config_resources_request::ListConfigResourcesRequest;

use super::Admin;
use crate::client::error::{Error, check};

/// What has settings, numbered as in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceType {
    /// A topic, by name.
    Topic = 2,
    /// A broker, by id.
    Broker = 4,
    /// The log levels of a broker, by its id.
    BrokerLogger = 8,
    /// A subscription to metrics of clients, by name.
    ClientMetrics = 16,
    /// A group, by name.
    Group = 32,
}

/// One thing with settings. An empty name of a broker stands for all brokers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigResource {
    /// What kind of thing it is.
    pub kind: ResourceType,
    /// Its name or id.
    pub name: String,
}

impl ConfigResource {
    /// The topic of this name.
    pub fn topic(name: &str) -> Self {
        ConfigResource { kind: ResourceType::Topic, name: name.to_string() }
    }

    /// The broker of this id.
    pub fn broker(id: i32) -> Self {
        ConfigResource { kind: ResourceType::Broker, name: id.to_string() }
    }

    fn is(&self, kind: i8, name: &str) -> bool {
        self.kind as i8 == kind && self.name == name
    }

    /// Settings of one broker are asked of that broker.
    fn node(&self) -> Option<i32> {
        let own = matches!(self.kind, ResourceType::Broker | ResourceType::BrokerLogger);
        own.then(|| self.name.parse().ok()).flatten()
    }
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlterOp {
    /// Gives it this value.
    Set = 0,
    /// Takes the value away: the default, or what a wider scope says, holds again.
    Delete = 1,
    /// Adds to a list what is not in it yet.
    Append = 2,
    /// Takes out of a list.
    Subtract = 3,
}

/// A change of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChange {
    /// The setting.
    pub name: String,
    /// What to do with it.
    pub op: AlterOp,
    /// `None` with `AlterOp::Delete`.
    pub value: Option<String>,
}

impl Admin {
    /// The settings of each resource, with synonyms, in the order given. Answers carry Kafka's numbers for sources and types.
    pub async fn describe_configs(
        &self,
        resources: &[ConfigResource],
    ) -> Result<Vec<(ConfigResource, Result<Vec<ConfigEntry>, Error>)>, Error> {
        let mut out = Vec::new();
        for (node, some) in by_node(resources) {
            let wanted = |r: &ConfigResource| DescribeConfigsResource {
                resource_type: r.kind as i8,
                resource_name: r.name.clone(),
                configuration_keys: None,
            };
            let request = DescribeConfigsRequest {
                resources: some.iter().map(wanted).collect(),
                include_synonyms: true,
                include_documentation: false,
            };
            let answer = self.retrying("describing configs", || async {
                match node {
                    Some(node) => self.client.call_node(node, &request).await,
                    None => self.client.call_any(&request).await,
                }
            });
            for result in answer.await?.results {
                let Some(resource) = some.iter().find(|r| r.is(result.resource_type, &result.resource_name)) else { continue };
                let checked = check(result.error_code, result.error_message.as_deref());
                out.push((resource.clone(), checked.map(|()| result.configs)));
            }
        }
        out.sort_by_key(|(r, _)| resources.iter().position(|x| x == r));
        Ok(out)
    }

    /// Changes settings; each resource's changes succeed or fail together.
    pub async fn alter_configs(
        &self,
        changes: &[(ConfigResource, Vec<ConfigChange>)],
    ) -> Result<Vec<(ConfigResource, Result<(), Error>)>, Error> {
        let resources: Vec<ConfigResource> = changes.iter().map(|(r, _)| r.clone()).collect();
        let mut out = Vec::new();
        for (node, some) in by_node(&resources) {
            let of = |r: &ConfigResource| changes.iter().filter(move |(x, _)| x == r).flat_map(|(_, c)| c.clone()).collect::<Vec<_>>();
            let entry = |c: ConfigChange| AlterableConfig { name: c.name, config_operation: c.op as i8, value: c.value };
            let resource = |r: &ConfigResource| AlterConfigsResource {
                resource_type: r.kind as i8,
                resource_name: r.name.clone(),
                configs: of(r).into_iter().map(entry).collect(),
            };
            let request = IncrementalAlterConfigsRequest { resources: some.iter().map(resource).collect(), validate_only: false };
            let answer = self.retrying("altering configs", || async {
                match node {
                    Some(node) => self.client.call_node(node, &request).await,
                    None => self.client.call_controller(&request).await,
                }
            });
            for result in answer.await?.responses {
                let Some(resource) = some.iter().find(|r| r.is(result.resource_type, &result.resource_name)) else { continue };
                out.push((resource.clone(), check(result.error_code, result.error_message.as_deref())));
            }
        }
        out.sort_by_key(|(r, _)| resources.iter().position(|x| x == r));
        Ok(out)
    }
}

impl Admin {
    /// The names of everything of one kind that has, or could have, settings. Brokers older than Kafka 4.1 only know subscriptions to
    /// client metrics.
    pub async fn list_config_resources(&self, kind: ResourceType) -> Result<Vec<String>, Error> {
        let request = |resource_types| ListConfigResourcesRequest { resource_types };
        let answer = self.retrying("listing what has configs", || async {
            match self.client.call_any(&request(vec![kind as i8])).await {
                // Version 0 takes no types.
                Err(Error::CannotAsk { .. }) if kind == ResourceType::ClientMetrics => self.client.call_any(&request(vec![])).await,
                answer => answer,
            }
        });
        let answer = answer.await?;
        check(answer.error_code, None)?;
        let of_kind = |r: &kfk_wire::list_config_resources_response::ConfigResource| r.resource_type == kind as i8;
        let mut names: Vec<String> = answer.config_resources.into_iter().filter(of_kind).map(|r| r.resource_name).collect();
        names.sort();
        Ok(names)
    }
}

fn by_node(resources: &[ConfigResource]) -> BTreeMap<Option<i32>, Vec<ConfigResource>> {
    let mut out: BTreeMap<Option<i32>, Vec<ConfigResource>> = BTreeMap::new();
    for r in resources {
        let some = out.entry(r.node()).or_default();
        if !some.contains(r) {
            some.push(r.clone());
        }
    }
    out
}
