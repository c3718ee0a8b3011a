//! What a topic is made of: partitions and settings, as found in one cluster and made in another.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::error::{CliError, stderr_line};
use crate::client::Error;
use crate::client::admin::{Admin, ConfigResource, NewTopic};
use crate::wire::ErrorCode;

/// Settings that were made for the topic, not taken from the broker.
const OF_TOPIC: i8 = 1;

/// A topic's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub name: String,
    pub partitions: i32,
    pub configs: BTreeMap<String, String>,
}

impl Shape {
    /// The shape of a topic that is there.
    pub async fn of(admin: &Admin, name: &str) -> Result<Shape, CliError> {
        let found = admin.describe_topics(&[name]).await?.pop();
        let topic = found.map_or(Err(unknown()), |(_, topic)| topic).map_err(|e| missing(e, name))?;
        let resource = ConfigResource::topic(name);
        let mut configs = BTreeMap::new();
        for (_, settings) in admin.describe_configs(&[resource]).await? {
            let own = settings?.into_iter().filter(|c| c.config_source == OF_TOPIC && !c.is_sensitive);
            configs.extend(own.filter_map(|c| Some((c.name, c.value?))));
        }
        Ok(Shape { name: name.to_owned(), partitions: i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX), configs })
    }

    /// Creates the topic if it is not there.
    ///
    /// Errors: it is there with fewer partitions; the cluster refuses to create it.
    pub async fn ensure(&self, admin: &Admin) -> Result<(), CliError> {
        let found = admin.describe_topics(&[&self.name]).await?.pop();
        match found.map_or(Err(unknown()), |(_, topic)| topic) {
            Ok(topic) if topic.partitions.len() >= usize::try_from(self.partitions).unwrap_or(0) => Ok(()),
            Ok(topic) => {
                let text = format!("topic \"{}\" has fewer partitions than the records are of", self.name);
                let cause = format!("it has {}, {} are needed", topic.partitions.len(), self.partitions);
                let hint = format!("`kfk topics --alter --topic {} --partitions {}` adds them", self.name, self.partitions);
                Err(CliError::failed(text).cause(cause).hint(hint))
            }
            Err(e) if e.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                let (partitions, configs) = (Some(self.partitions), self.configs.clone());
                let new = NewTopic { name: self.name.clone(), partitions, configs, ..NewTopic::default() };
                for (_, created) in admin.create_topics(&[new], false).await? {
                    created.map_err(|e| {
                        let mut error = CliError::from(e);
                        error.message = format!("cannot create topic \"{}\": {}", self.name, error.message);
                        error
                    })?;
                }
                stderr_line(format!("created topic \"{}\" with {} partitions", self.name, self.partitions));
                Ok(())
            }
            Err(e) => Err(e.into()),
        }
    }

    pub fn to_json(&self) -> Value {
        json!({"name": self.name, "partitions": self.partitions, "configs": self.configs})
    }

    pub fn from_json(value: &Value) -> Option<Shape> {
        let configs = value.get("configs")?.as_object()?.iter().map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())));
        Some(Shape {
            name: value.get("name")?.as_str()?.to_owned(),
            partitions: i32::try_from(value.get("partitions")?.as_i64()?).ok().filter(|n| *n > 0)?,
            configs: configs.collect::<Option<_>>()?,
        })
    }
}

fn unknown() -> Error {
    Error::Broker { code: ErrorCode::UnknownTopicOrPartition, message: None }
}

/// Names the topic that an error is about.
pub(super) fn missing(e: Error, topic: &str) -> CliError {
    if e.code() != Some(ErrorCode::UnknownTopicOrPartition) {
        return e.into();
    }
    let mut error = CliError::from(e).hint("`kfk topics --list` shows what there is");
    error.message = format!("topic \"{topic}\" does not exist");
    error
}
