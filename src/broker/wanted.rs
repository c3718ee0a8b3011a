//! Topics that a broker is to have from its start, whoever asks for them: the command line, a file, a program that embeds it.

use std::str::FromStr;

use super::Broker;
use crate::wire::ErrorCode;
use crate::wire::create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};

/// A topic to have: made if it is not there, left as it is if it is.
///
/// As text: `name[:partitions[:key=value...]]`, such as `orders:6:cleanup.policy=compact,delete:retention.ms=1000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedTopic {
    pub name: String,
    /// `None`: `num.partitions` of the broker.
    pub partitions: Option<i32>,
    /// Names and values of topic settings.
    pub settings: Vec<(String, String)>,
}

/// Why a text is no [`WantedTopic`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WantedTopicError {
    #[error("{0}: a topic is name[:partitions[:key=value...]]")]
    NoName(String),
    #[error("{topic}: {partitions} is no number of partitions")]
    Partitions { topic: String, partitions: String },
    #[error("{topic}: {setting} is not key=value")]
    Setting { topic: String, setting: String },
}

/// A topic that could not be made, and why in the broker's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot create topic {topic}: {reason}")]
pub struct TopicRefused {
    pub topic: String,
    pub reason: String,
}

/// A topic that was there already, with another number of partitions than wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherPartitions {
    pub topic: String,
    pub wanted: i32,
    pub has: i32,
}

impl FromStr for WantedTopic {
    type Err = WantedTopicError;

    fn from_str(text: &str) -> Result<Self, WantedTopicError> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(WantedTopicError::NoName(text.to_owned()));
        }
        let partitions = match parts.next() {
            None | Some("") => None,
            Some(number) => {
                let wrong = || WantedTopicError::Partitions { topic: name.clone(), partitions: number.to_owned() };
                Some(number.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?)
            }
        };
        let mut settings: Vec<(String, String)> = Vec::new();
        for part in parts {
            match (part.split_once('='), settings.last_mut()) {
                (Some((key, value)), _) if !key.is_empty() => settings.push((key.to_owned(), value.to_owned())),
                // A value with a colon in it, as throttled replicas have.
                (None, Some((_, value))) => *value = format!("{value}:{part}"),
                _ => return Err(WantedTopicError::Setting { topic: name, setting: part.to_owned() }),
            }
        }
        Ok(WantedTopic { name, partitions, settings })
    }
}

impl Broker {
    /// Sees to it that the topics are there; gives those that are, but with other numbers of partitions. May block.
    pub(super) fn have_topics(&self, wanted: &[WantedTopic]) -> Result<Vec<OtherPartitions>, TopicRefused> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let request = CreateTopicsRequest { topics: wanted.iter().map(creatable).collect(), ..Default::default() };
        let response = self.submit(&request).map_err(|code| refused(&wanted[0].name, code, None))?;
        for topic in response.topics {
            match ErrorCode::from_code(topic.error_code) {
                ErrorCode::None | ErrorCode::TopicAlreadyExists => {}
                code => return Err(refused(&topic.name, code, topic.error_message)),
            }
        }
        let image = self.image();
        let differs = |t: &WantedTopic| {
            let (wanted, has) = (t.partitions?, image.topic(&t.name)?.partition_count());
            (wanted != has).then(|| OtherPartitions { topic: t.name.clone(), wanted, has })
        };
        Ok(wanted.iter().filter_map(differs).collect())
    }
}

fn creatable(topic: &WantedTopic) -> CreatableTopic {
    let configs = topic.settings.iter().map(|(name, value)| CreatableTopicConfig { name: name.clone(), value: Some(value.clone()) });
    CreatableTopic {
        name: topic.name.clone(),
        num_partitions: topic.partitions.unwrap_or(-1),
        replication_factor: -1,
        configs: configs.collect(),
        ..Default::default()
    }
}

fn refused(topic: &str, code: ErrorCode, message: Option<String>) -> TopicRefused {
    TopicRefused { topic: topic.to_owned(), reason: message.unwrap_or_else(|| code.message().to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_read_from_its_short_form() {
        let plain = |name: &str, partitions| WantedTopic { name: name.into(), partitions, settings: Vec::new() };
        assert_eq!("t".parse(), Ok(plain("t", None)));
        assert_eq!("t:".parse(), Ok(plain("t", None)));
        assert_eq!("t:3".parse(), Ok(plain("t", Some(3))));
        let settings = "t::cleanup.policy=compact,delete:leader.replication.throttled.replicas=0:1,1:1".parse::<WantedTopic>().unwrap();
        assert_eq!(settings.partitions, None);
        let expected = [("cleanup.policy", "compact,delete"), ("leader.replication.throttled.replicas", "0:1,1:1")];
        assert_eq!(settings.settings, expected.map(|(k, v)| (k.to_string(), v.to_string())));
    }

    #[test]
    fn what_is_no_topic_is_told_with_its_part() {
        let told = |text: &str| text.parse::<WantedTopic>().unwrap_err().to_string();
        assert_eq!(told(""), ": a topic is name[:partitions[:key=value...]]");
        assert_eq!(told("t:many"), "t: many is no number of partitions");
        assert_eq!(told("t:0"), "t: 0 is no number of partitions");
        assert_eq!(told("t:1:compact"), "t: compact is not key=value");
        assert_eq!(told("t:1:=x"), "t: =x is not key=value");
    }
}
