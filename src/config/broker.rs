//! The broker's own settings, typed. Read once at start; what can change at run time is looked up through `Layers`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::key::{ConfigError, split_list};
use super::listener::{Endpoint, parse_endpoints};
use super::own::{self, Durability};
use super::{CleanerConfig, ConsumerGroupSettings, DynamicConfig, ShareGroupSettings, Values, broker_dynamic, broker_key, topic_keys};

/// Something about the given settings that the operator should know, though the broker starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// No such setting in Kafka 4.3.1; perhaps `suggestion` was meant.
    Unknown { name: String, suggestion: Option<&'static str> },
    /// Kafka knows it; kfk does not act on it yet.
    NotHonoured { name: String },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Warning::Unknown { name, suggestion: None } => write!(f, "unknown setting {name}: ignored"),
            Warning::Unknown { name, suggestion: Some(s) } => write!(f, "unknown setting {name}: ignored; did you mean {s}?"),
            Warning::NotHonoured { name } => write!(f, "setting {name} is known but not honoured yet: it has no effect"),
        }
    }
}

/// The settings of one broker, times in milliseconds and sizes in bytes as their names say.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Everything that was given, for `Layers::file`.
    pub file: Values,
    pub node_id: i32,
    pub broker_rack: Option<String>,
    /// Broker listeners only; those in `controller.listener.names` are left out.
    pub listeners: Vec<Endpoint>,
    /// Empty: the listeners are advertised.
    pub advertised_listeners: Vec<Endpoint>,
    pub log_dir: PathBuf,
    pub add_partitions_to_txn_retry_backoff_max_ms: i32,
    pub add_partitions_to_txn_retry_backoff_ms: i32,
    pub auto_create_topics_enable: bool,
    pub connections_max_idle_ms: i64,
    pub default_replication_factor: i32,
    pub delete_topic_enable: bool,
    pub durability: Durability,
    pub fetch_max_bytes: i32,
    pub group_consumer: ConsumerGroupSettings,
    pub group_initial_rebalance_delay_ms: i32,
    pub group_max_session_timeout_ms: i32,
    pub group_max_size: i32,
    pub group_min_session_timeout_ms: i32,
    pub group_share: ShareGroupSettings,
    pub log_cleaner_enable: bool,
    pub log_flush_offset_checkpoint_interval_ms: i32,
    pub log_flush_start_offset_checkpoint_interval_ms: i32,
    pub log_flush_scheduler_interval_ms: i64,
    pub log_initial_task_delay_ms: i64,
    pub log_retention_check_interval_ms: i64,
    pub max_incremental_fetch_session_cache_slots: i32,
    pub max_request_partition_size_limit: i32,
    pub num_partitions: i32,
    /// `metadata.log.max.record.bytes.between.snapshots`, if it is set: without, snapshots are taken much sooner than Kafka does, for
    /// quick starts.
    pub metadata_bytes_between_snapshots: Option<u64>,
    pub metadata_max_retention_bytes: i64,
    /// Where metrics are shown over HTTP: host (empty: all interfaces) and port.
    pub metrics_listener: Option<(String, u16)>,
    pub metadata_max_snapshot_interval_ms: i64,
    pub offset_metadata_max_bytes: i32,
    pub offsets_commit_timeout_ms: i32,
    pub offsets_retention_check_interval_ms: i64,
    pub offsets_retention_minutes: i32,
    pub offsets_topic_num_partitions: i32,
    pub offsets_topic_replication_factor: i16,
    pub offsets_topic_segment_bytes: i32,
    pub producer_id_expiration_check_interval_ms: i32,
    pub producer_id_expiration_ms: i32,
    pub replica_high_watermark_checkpoint_interval_ms: i64,
    pub socket_listen_backlog_size: i32,
    pub socket_request_max_bytes: i32,
    pub transaction_abort_timed_out_transaction_cleanup_interval_ms: i32,
    pub transaction_max_timeout_ms: i32,
    pub transaction_remove_expired_transaction_cleanup_interval_ms: i32,
    pub transaction_state_log_min_isr: i32,
    pub transaction_state_log_num_partitions: i32,
    pub transaction_state_log_replication_factor: i16,
    pub transaction_state_log_segment_bytes: i32,
    pub transactional_id_expiration_ms: i32,
}

impl BrokerConfig {
    /// Reads `pairs` (a later one wins over an earlier one of the same name). Every value is checked before anything else
    /// happens, so a bad one leaves no trace.
    pub fn parse(pairs: impl IntoIterator<Item = (String, String)>) -> Result<(BrokerConfig, Vec<Warning>), ConfigError> {
        let mut file: Values = pairs.into_iter().collect();
        for (name, value) in file.iter_mut() {
            if let Some(key) = broker_key(name) {
                *value = key.canonical(value)?;
                broker_dynamic::check(name, value)?;
            }
        }
        let mut read = Reader { file: &file, names: BTreeSet::new() };
        let mut config = read.config()?;
        read.note_topic_defaults();
        let names = read.names;
        let warnings = file.keys().filter_map(|name| warning(name, &names)).collect();
        // One number under two names, as Kafka shows it.
        for name in ["node.id", "broker.id"] {
            file.insert(name.to_string(), config.node_id.to_string());
        }
        config.file = file;
        config.check()?;
        Ok((config, warnings))
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.listeners.is_empty() {
            return Err(ConfigError::new("Invalid value for configuration listeners: at least one broker listener is needed"));
        }
        let unknown = |a: &&Endpoint| !self.listeners.iter().any(|l| l.listener == a.listener);
        if let Some(a) = self.advertised_listeners.iter().find(unknown) {
            let text = format!("advertised.listeners names listener {}, which listeners does not have", a.listener);
            return Err(ConfigError::new(text));
        }
        if self.group_min_session_timeout_ms > self.group_max_session_timeout_ms {
            return Err(ConfigError::new("group.min.session.timeout.ms must not be above group.max.session.timeout.ms"));
        }
        Ok(())
    }
}

fn warning(name: &str, honoured: &BTreeSet<&'static str>) -> Option<Warning> {
    match broker_key(name) {
        None if own::is_own(name) => None,
        None => Some(Warning::Unknown { name: name.to_string(), suggestion: nearest(name) }),
        Some(_) if honoured.contains(name) => None,
        Some(_) => Some(Warning::NotHonoured { name: name.to_string() }),
    }
}

/// Topic defaults that are shown, and kept for topics, but that nothing acts on yet.
const TOPIC_DEFAULTS_WITHOUT_EFFECT: [&str; 3] = ["log.local.retention.bytes", "log.local.retention.ms", "log.preallocate"];

/// Reads settings by name and remembers which names it was asked for: those are the honoured ones.
struct Reader<'a> {
    file: &'a Values,
    names: BTreeSet<&'static str>,
}

impl Reader<'_> {
    fn opt(&mut self, name: &'static str) -> Option<String> {
        let key = broker_key(name).unwrap_or_else(|| panic!("no row for {name}"));
        self.names.insert(name);
        self.file.get(name).cloned().or(key.default.map(str::to_string))
    }

    /// A number only if it is set, whatever the default.
    fn given<T: std::str::FromStr>(&mut self, name: &'static str) -> Option<T> {
        self.names.insert(name);
        self.file.get(name).and_then(|text| text.parse().ok())
    }

    fn num<T: std::str::FromStr>(&mut self, name: &'static str) -> T {
        let text = self.opt(name).unwrap_or_else(|| panic!("{name} has no default"));
        text.parse().unwrap_or_else(|_| panic!("{name} was checked"))
    }

    fn flag(&mut self, name: &'static str) -> bool {
        self.opt(name).as_deref() == Some("true")
    }

    fn config(&mut self) -> Result<BrokerConfig, ConfigError> {
        Ok(BrokerConfig {
            file: Values::new(),
            node_id: self.node_id()?,
            broker_rack: self.opt("broker.rack"),
            listeners: self.listeners()?,
            advertised_listeners: self.advertised()?,
            log_dir: self.log_dir()?,
            add_partitions_to_txn_retry_backoff_max_ms: self.num("add.partitions.to.txn.retry.backoff.max.ms"),
            add_partitions_to_txn_retry_backoff_ms: self.num("add.partitions.to.txn.retry.backoff.ms"),
            auto_create_topics_enable: self.flag("auto.create.topics.enable"),
            connections_max_idle_ms: self.num("connections.max.idle.ms"),
            default_replication_factor: self.num("default.replication.factor"),
            delete_topic_enable: self.flag("delete.topic.enable"),
            durability: Durability::of(self.file)?,
            fetch_max_bytes: self.num("fetch.max.bytes"),
            group_consumer: ConsumerGroupSettings::read(self.file)?,
            group_initial_rebalance_delay_ms: self.num("group.initial.rebalance.delay.ms"),
            group_max_session_timeout_ms: self.num("group.max.session.timeout.ms"),
            group_max_size: self.num("group.max.size"),
            group_min_session_timeout_ms: self.num("group.min.session.timeout.ms"),
            group_share: ShareGroupSettings::read(self.file)?,
            log_cleaner_enable: self.flag("log.cleaner.enable"),
            log_flush_offset_checkpoint_interval_ms: self.num("log.flush.offset.checkpoint.interval.ms"),
            log_flush_start_offset_checkpoint_interval_ms: self.num("log.flush.start.offset.checkpoint.interval.ms"),
            log_flush_scheduler_interval_ms: self.num("log.flush.scheduler.interval.ms"),
            log_initial_task_delay_ms: self.num("log.initial.task.delay.ms"),
            log_retention_check_interval_ms: self.num("log.retention.check.interval.ms"),
            max_incremental_fetch_session_cache_slots: self.num("max.incremental.fetch.session.cache.slots"),
            max_request_partition_size_limit: self.num("max.request.partition.size.limit"),
            num_partitions: self.num("num.partitions"),
            metadata_bytes_between_snapshots: self.given("metadata.log.max.record.bytes.between.snapshots"),
            metadata_max_retention_bytes: self.num("metadata.max.retention.bytes"),
            metrics_listener: own::metrics_listener(self.file)?,
            metadata_max_snapshot_interval_ms: self.num("metadata.log.max.snapshot.interval.ms"),
            offset_metadata_max_bytes: self.num("offset.metadata.max.bytes"),
            offsets_commit_timeout_ms: self.num("offsets.commit.timeout.ms"),
            offsets_retention_check_interval_ms: self.num("offsets.retention.check.interval.ms"),
            offsets_retention_minutes: self.num("offsets.retention.minutes"),
            offsets_topic_num_partitions: self.num("offsets.topic.num.partitions"),
            offsets_topic_replication_factor: self.num("offsets.topic.replication.factor"),
            offsets_topic_segment_bytes: self.num("offsets.topic.segment.bytes"),
            producer_id_expiration_check_interval_ms: self.num("producer.id.expiration.check.interval.ms"),
            producer_id_expiration_ms: self.num("producer.id.expiration.ms"),
            replica_high_watermark_checkpoint_interval_ms: self.num("replica.high.watermark.checkpoint.interval.ms"),
            socket_listen_backlog_size: self.num("socket.listen.backlog.size"),
            socket_request_max_bytes: self.num("socket.request.max.bytes"),
            transaction_abort_timed_out_transaction_cleanup_interval_ms: self
                .num("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
            transaction_max_timeout_ms: self.num("transaction.max.timeout.ms"),
            transaction_remove_expired_transaction_cleanup_interval_ms: self
                .num("transaction.remove.expired.transaction.cleanup.interval.ms"),
            transaction_state_log_min_isr: self.num("transaction.state.log.min.isr"),
            transaction_state_log_num_partitions: self.num("transaction.state.log.num.partitions"),
            transaction_state_log_replication_factor: self.num("transaction.state.log.replication.factor"),
            transaction_state_log_segment_bytes: self.num("transaction.state.log.segment.bytes"),
            transactional_id_expiration_ms: self.num("transactional.id.expiration.ms"),
        })
    }

    /// `node.id`, or the older `broker.id`; 1 when neither is given, so that a bare `kfk server` needs no settings.
    fn node_id(&mut self) -> Result<i32, ConfigError> {
        let node: Option<i32> = self.opt("node.id").and_then(|n| n.parse().ok());
        let broker: Option<i32> = self.opt("broker.id").and_then(|n| n.parse().ok()).filter(|n| *n >= 0);
        match (node, broker) {
            (Some(n), Some(b)) if n != b => Err(ConfigError::new(format!("node.id is {n} but broker.id is {b}: they must be equal"))),
            (n, b) => Ok(n.or(b).unwrap_or(1)),
        }
    }

    fn listeners(&mut self) -> Result<Vec<Endpoint>, ConfigError> {
        let controllers = self.opt("controller.listener.names").unwrap_or_default();
        let controllers = split_list(&controllers);
        let all = parse_endpoints("listeners", &self.opt("listeners").unwrap_or_default())?;
        let map = self.opt("listener.security.protocol.map").unwrap_or_default();
        self.protocols(&map)?;
        let brokers: Vec<Endpoint> = all.into_iter().filter(|e| !is_one_of(&controllers, &e.listener)).collect();
        for e in &brokers {
            let protocol = protocol_of(&map, &e.listener);
            if protocol.as_deref() != Some("PLAINTEXT") {
                let name = &e.listener;
                return Err(ConfigError::new(format!(
                    "listener {name} uses {}, which kfk does not speak yet: refusing to serve it unprotected; use PLAINTEXT, or leave it out",
                    protocol.unwrap_or_else(|| "a protocol that listener.security.protocol.map does not give".into())
                )));
            }
        }
        Ok(brokers)
    }

    fn protocols(&self, map: &str) -> Result<(), ConfigError> {
        match split_list(map).iter().find(|entry| !entry.contains(':')) {
            Some(bad) => Err(ConfigError::new(format!(
                "Invalid value {bad} for configuration listener.security.protocol.map: Expected LISTENER:PROTOCOL"
            ))),
            None => Ok(()),
        }
    }

    fn advertised(&mut self) -> Result<Vec<Endpoint>, ConfigError> {
        let text = self.opt("advertised.listeners").unwrap_or_default();
        let controllers = self.opt("controller.listener.names").unwrap_or_default();
        let controllers = split_list(&controllers);
        let all = parse_endpoints("advertised.listeners", &text)?;
        Ok(all.into_iter().filter(|e| !is_one_of(&controllers, &e.listener)).collect())
    }

    /// One directory: kfk keeps all partitions in one place.
    fn log_dir(&mut self) -> Result<PathBuf, ConfigError> {
        let text = self.opt("log.dirs").filter(|d| !d.is_empty()).or_else(|| self.opt("log.dir")).unwrap_or_default();
        self.names.insert("log.dir");
        match split_list(&text).as_slice() {
            [one] => Ok(PathBuf::from(one)),
            [] => Err(ConfigError::new("log.dirs names no directory")),
            _ => Err(ConfigError::new("log.dirs names several directories; kfk keeps its data in one: give one")),
        }
    }

    /// Topic defaults, and what can change at run time, are read through `Layers`; roles and quorum are fixed on one node and accepted as given.
    fn note_topic_defaults(&mut self) {
        let acts = |name: &&str| !TOPIC_DEFAULTS_WITHOUT_EFFECT.contains(name);
        self.names.extend(topic_keys().iter().flat_map(|k| k.broker.iter().copied()).filter(acts));
        self.names.extend(DynamicConfig::NAMES);
        self.names.extend(CleanerConfig::NAMES);
        self.names.extend(ConsumerGroupSettings::NAMES);
        self.names.extend(ShareGroupSettings::NAMES);
        self.names.insert("share.coordinator.write.timeout.ms");
        self.names.insert("transaction.partition.verification.enable");
        self.names.extend(["process.roles", "controller.quorum.voters", "controller.quorum.bootstrap.servers"]);
    }
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|n| n.eq_ignore_ascii_case(name))
}

fn protocol_of(map: &str, listener: &str) -> Option<String> {
    let found = split_list(map).into_iter().filter_map(|e| e.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case(listener));
    found.map(|(_, protocol)| protocol.trim().to_ascii_uppercase())
}

/// The known setting whose name is nearest, if it is near enough to be a slip.
fn nearest(name: &str) -> Option<&'static str> {
    let best = super::broker_keys().iter().map(|k| (distance(name, k.name), k.name)).min()?;
    (best.0 <= 3 && best.0 * 3 < name.len()).then_some(best.1)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<(BrokerConfig, Vec<Warning>), ConfigError> {
        BrokerConfig::parse(pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())))
    }

    #[test]
    fn defaults_are_kafkas() {
        let (c, warnings) = parse(&[]).unwrap();
        assert_eq!((c.node_id, c.num_partitions, c.fetch_max_bytes, c.socket_request_max_bytes), (1, 1, 57_671_680, 104_857_600));
        assert_eq!(c.listeners, parse_endpoints("", "PLAINTEXT://:9092").unwrap());
        assert!(warnings.is_empty() && c.auto_create_topics_enable);
    }

    #[test]
    fn a_combined_kraft_file_is_taken_as_it_is() {
        let (c, warnings) = parse(&[
            ("process.roles", "broker,controller"),
            ("node.id", "7"),
            ("controller.quorum.voters", "7@localhost:9093"),
            ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
            ("advertised.listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
            ("controller.listener.names", "CONTROLLER"),
            ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
            ("log.dirs", "/d"),
            ("log.retention.hours", "24"),
        ])
        .unwrap();
        assert_eq!((c.node_id, c.listeners.len(), c.advertised_listeners.len()), (7, 1, 1));
        assert_eq!(warnings, []);
    }

    #[test]
    fn what_is_wrong_is_said_plainly() {
        let err = |pairs: &[(&str, &str)]| parse(pairs).unwrap_err().to_string();
        assert_eq!(err(&[("num.partitions", "x")]), "Invalid value x for configuration num.partitions: Not a number of type INT");
        assert_eq!(err(&[("num.partitions", "0")]), "Invalid value 0 for configuration num.partitions: Value must be at least 1");
        assert!(err(&[("log.dirs", "/a,/b")]).contains("several"));
        assert!(err(&[("node.id", "1"), ("broker.id", "2")]).contains("must be equal"));
        assert!(err(&[("advertised.listeners", "X://a:1")]).contains("listener X"));
        // A12: never fall back to plaintext.
        assert!(err(&[("listeners", "SSL://:9093")]).contains("SSL"));
    }

    #[test]
    fn unknown_and_unhonoured_settings_are_told_apart() {
        let (_, warnings) = parse(&[("num.partition", "2"), ("log.cleaner.threads", "2"), ("x.y", "1")]).unwrap();
        let text: Vec<String> = warnings.iter().map(|w| w.to_string()).collect();
        assert!(text[0].contains("log.cleaner.threads") && text[0].contains("not honoured"), "{text:?}");
        assert!(text[1].contains("did you mean num.partitions?"), "{text:?}");
        assert!(text[2].contains("unknown setting x.y: ignored"), "{text:?}");
        let (_, warnings) = parse(&[("log.preallocate", "true"), ("log.retention.bytes", "1"), ("max.connections", "9")]).unwrap();
        assert_eq!(warnings, [Warning::NotHonoured { name: "log.preallocate".into() }]);
    }
}
