//! What DescribeConfigs answers: every setting in force with its source and synonyms (fact G1).

use super::group::CLIENT_METRICS;
use super::key::Key;
use super::topic::inherited;
use super::{Kind, Layers, Update, Values, broker_key, broker_keys, group_keys, topic_keys};

/// Where a value comes from, numbered as DescribeConfigs numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    DynamicTopic = 1,
    DynamicBroker = 2,
    DynamicDefaultBroker = 3,
    StaticBroker = 4,
    Default = 5,
    BrokerLogger = 6,
    ClientMetrics = 7,
    Group = 8,
}

/// Another place that sets the same thing, weaker than the one before it in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synonym {
    pub name: String,
    /// `None` when sensitive.
    pub value: Option<String>,
    pub source: Source,
}

/// One setting of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    /// `None` when not set, or sensitive.
    pub value: Option<String>,
    pub source: Source,
    pub read_only: bool,
    pub sensitive: bool,
    /// `None` for a name that no table knows.
    pub kind: Option<Kind>,
    /// Strongest first; begins with the value in force.
    pub synonyms: Vec<Synonym>,
}

/// All settings of a topic.
pub fn describe_topic(overrides: &Values, layers: Layers<'_>) -> Vec<Entry> {
    topic_keys().iter().filter(|k| !k.internal || overrides.contains_key(k.name)).map(|k| topic_entry(k, overrides, layers)).collect()
}

fn topic_entry(key: &Key, overrides: &Values, layers: Layers<'_>) -> Entry {
    let mut synonyms = Vec::new();
    if let Some(value) = overrides.get(key.name) {
        let value = key.canonical(value).unwrap_or_else(|_| value.clone());
        synonyms.push(Synonym { name: key.name.to_string(), value: Some(value), source: Source::DynamicTopic });
    }
    if let Some(name) = key.broker.first() {
        synonyms.extend(broker_synonyms(name, layers));
    }
    let source = synonyms.first().map_or(Source::Default, |s| s.source);
    let value = match overrides.get(key.name) {
        Some(value) => key.canonical(value).ok(),
        None => inherited(key, layers).or(key.default.map(str::to_string)),
    };
    Entry { name: key.name.to_string(), value, source, read_only: false, sensitive: key.sensitive, kind: Some(key.kind), synonyms }
}

/// All that sets broker setting `name` or a weaker name of the same thing, layer by layer. As in Kafka the list begins with `name` itself:
/// what stands before that is left out, and all of it if `name` is set nowhere.
fn broker_synonyms(name: &str, layers: Layers<'_>) -> Vec<Synonym> {
    let names = names_of_the_same(name);
    let shown = |name: &str, value: &str| match broker_key(name) {
        Some(k) if k.sensitive => None,
        Some(k) => Some(k.canonical(value).unwrap_or_else(|_| value.to_string())),
        None => None,
    };
    let mut all = Vec::new();
    let layers =
        [(layers.per_broker, Source::DynamicBroker), (layers.cluster, Source::DynamicDefaultBroker), (layers.file, Source::StaticBroker)];
    for (values, source) in layers {
        let set = names.iter().filter_map(|n| values.get(*n).map(|v| (*n, v)));
        all.extend(set.map(|(n, v)| Synonym { name: n.to_string(), value: shown(n, v), source }));
    }
    let defaults = names.iter().filter_map(|n| broker_key(n)?.default.map(|d| (*n, d)));
    all.extend(defaults.map(|(n, d)| Synonym { name: n.to_string(), value: Some(d.to_string()), source: Source::Default }));
    all.into_iter().skip_while(|s| s.name != name).collect()
}

/// `log.retention.ms`, `log.retention.minutes` and `log.retention.hours` say the same, the first that is set counts. Most have one name.
fn names_of_the_same(name: &str) -> Vec<&str> {
    // Kafka takes it for the default of `log.flush.interval.ms` only, not the other way round.
    let alone = name == "log.flush.scheduler.interval.ms";
    let family = topic_keys().iter().map(|k| k.broker).find(|names| names.len() > 1 && names.contains(&name));
    family.filter(|_| !alone).map_or_else(|| vec![name], <[&str]>::to_vec)
}

/// All settings of a broker. A name that no table knows is shown without its value: it may be a secret.
pub fn describe_broker(layers: Layers<'_>) -> Vec<Entry> {
    let known = broker_keys().iter().filter(|k| !k.internal).map(|k| broker_entry(k.name, layers));
    let mut out: Vec<Entry> = known.collect();
    for values in [layers.per_broker, layers.cluster, layers.file] {
        for name in values.keys().filter(|n| broker_key(n).is_none()) {
            if !out.iter().any(|e| &e.name == name) {
                out.push(broker_entry(name, layers));
            }
        }
    }
    out
}

fn broker_entry(name: &str, layers: Layers<'_>) -> Entry {
    let key = broker_key(name);
    let synonyms = broker_synonyms(name, layers);
    let sensitive = key.is_none_or(|k| k.sensitive);
    Entry {
        name: name.to_string(),
        value: synonyms.first().and_then(|s| s.value.clone()).filter(|_| !sensitive),
        source: synonyms.first().map_or(Source::Default, |s| s.source),
        read_only: key.is_some_and(|k| k.update == Update::ReadOnly),
        sensitive,
        kind: key.map(|k| k.kind),
        synonyms,
    }
}

/// All settings of a group. Most have a broker setting that gives the default: `session.timeout.ms` of a kind of group is that of
/// `group.KIND.session.timeout.ms`.
pub fn describe_group(overrides: &Values, layers: Layers<'_>) -> Vec<Entry> {
    group_keys().iter().map(|key| group_entry(key, overrides, layers)).collect()
}

fn group_entry(key: &Key, overrides: &Values, layers: Layers<'_>) -> Entry {
    let mut synonyms = Vec::new();
    if let Some(value) = overrides.get(key.name) {
        let value = key.canonical(value).unwrap_or_else(|_| value.clone());
        synonyms.push(Synonym { name: key.name.to_string(), value: Some(value), source: Source::Group });
    }
    let of_broker = format!("group.{}", key.name);
    if broker_key(&of_broker).is_some() {
        synonyms.extend(broker_synonyms(&of_broker, layers));
    } else {
        let default = key.default.map(str::to_string);
        synonyms.extend(default.map(|v| Synonym { name: key.name.to_string(), value: Some(v), source: Source::Default }));
    }
    Entry {
        name: key.name.to_string(),
        source: synonyms.first().map_or(Source::Default, |s| s.source),
        value: synonyms.first().and_then(|s| s.value.clone()),
        read_only: false,
        sensitive: false,
        kind: Some(key.kind),
        synonyms,
    }
}

/// All settings of a subscription to client metrics.
pub fn describe_client_metrics(overrides: &Values) -> Vec<Entry> {
    let entry = |(name, kind, default): &(&str, Kind, &str)| {
        let own = overrides.get(*name).cloned();
        let synonym = |value: &String| Synonym { name: name.to_string(), value: Some(value.clone()), source: Source::ClientMetrics };
        Entry {
            name: name.to_string(),
            source: if own.is_some() { Source::ClientMetrics } else { Source::Default },
            synonyms: own.iter().map(synonym).collect(),
            value: own.or(Some(default.to_string())),
            read_only: false,
            sensitive: false,
            kind: Some(*kind),
        }
    };
    CLIENT_METRICS.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(e: &Entry) -> String {
        let parts: Vec<String> =
            e.synonyms.iter().map(|s| format!("{:?}:{}={}", s.source, s.name, s.value.as_deref().unwrap_or("null"))).collect();
        format!("{}={} {}", e.name, e.value.as_deref().unwrap_or("null"), parts.join(" "))
    }

    #[test]
    fn g1_synonyms_are_those_that_kafka_lists() {
        let none = Values::new();
        let cluster = Values::from([("min.insync.replicas".into(), "1".into())]);
        let own = Values::from([("retention.ms".into(), "86400000".into()), ("cleanup.policy".into(), "compact".into())]);
        let entries = describe_topic(&own, Layers { per_broker: &none, cluster: &cluster, file: &none });
        let of = |name: &str| text(entries.iter().find(|e| e.name == name).unwrap());
        assert_eq!(of("retention.ms"), "retention.ms=86400000 DynamicTopic:retention.ms=86400000");
        assert_eq!(of("cleanup.policy"), "cleanup.policy=compact DynamicTopic:cleanup.policy=compact Default:log.cleanup.policy=delete");
        assert_eq!(
            of("min.insync.replicas"),
            "min.insync.replicas=1 DynamicDefaultBroker:min.insync.replicas=1 Default:min.insync.replicas=1"
        );
        assert_eq!(of("flush.ms"), "flush.ms=9223372036854775807 ");
        let hours = "Default:log.retention.hours=168";
        let cluster = Values::from([("log.retention.ms".into(), "5000".into())]);
        let layers = Layers { per_broker: &none, cluster: &cluster, file: &none };
        let entries = [describe_topic(&none, layers), describe_broker(layers)].concat();
        let of = |name: &str| text(entries.iter().find(|e| e.name == name).unwrap());
        assert_eq!(of("retention.ms"), format!("retention.ms=5000 DynamicDefaultBroker:log.retention.ms=5000 {hours}"));
        assert_eq!(of("log.retention.ms"), format!("log.retention.ms=5000 DynamicDefaultBroker:log.retention.ms=5000 {hours}"));
        assert_eq!(of("log.retention.hours"), format!("log.retention.hours=168 {hours}"));
        assert_eq!(of("segment.jitter.ms"), "segment.jitter.ms=0 ");
        assert!(!entries.iter().any(|e| e.name == "internal.segment.bytes"));
    }

    #[test]
    fn g1_group_settings_have_the_brokers_as_synonyms() {
        let none = Values::new();
        let (file, own) = (Values::from([("group.consumer.heartbeat.interval.ms".into(), "6000".into())]), Values::new());
        let entries = describe_group(&own, Layers { per_broker: &none, cluster: &none, file: &file });
        let of = |name: &str| text(entries.iter().find(|e| e.name == name).unwrap());
        let heartbeat = "consumer.heartbeat.interval.ms=6000 StaticBroker:group.consumer.heartbeat.interval.ms=6000 Default:group.consumer.heartbeat.interval.ms=5000";
        assert_eq!(of("consumer.heartbeat.interval.ms"), heartbeat);
        assert_eq!(of("share.isolation.level"), "share.isolation.level=read_uncommitted Default:share.isolation.level=read_uncommitted");
    }

    #[test]
    fn g1_sensitive_and_unknown_values_are_never_returned() {
        let none = Values::new();
        let file = Values::from([("ssl.key.password".into(), "secret".into()), ("no.such".into(), "secret".into())]);
        let entries = describe_broker(Layers { per_broker: &none, cluster: &none, file: &file });
        for name in ["ssl.key.password", "no.such"] {
            let e = entries.iter().find(|e| e.name == name).unwrap();
            assert!(e.sensitive && !format!("{e:?}").contains("secret"), "{e:?}");
        }
        let node = entries.iter().find(|e| e.name == "log.retention.ms").unwrap();
        assert_eq!((node.value.as_deref(), node.synonyms.len()), (None, 0));
    }
}
