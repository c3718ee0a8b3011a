//! The settings of clients, typed, under the names of the Java client.

use std::time::Duration;

use super::key::{ConfigError, Key, split_list};
use super::security::Security;
use super::{Values, admin_table, consumer_table, producer_table};

/// What every client needs to reach a cluster. Times in milliseconds.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `host:port` entries: brokers, or controllers.
    pub bootstrap_servers: Vec<String>,
    /// The entries are controllers (`bootstrap.controllers`), who are to be asked themselves.
    pub controllers: bool,
    pub client_id: String,
    pub dns_lookup: DnsLookup,
    pub connections_max_idle_ms: u64,
    pub metadata_max_age_ms: u64,
    pub reconnect_backoff_ms: u64,
    pub reconnect_backoff_max_ms: u64,
    pub request_timeout_ms: u64,
    /// How long a call may take with all its retries.
    pub default_api_timeout_ms: u64,
    pub retry_backoff_ms: u64,
    pub retry_backoff_max_ms: u64,
    pub retries: u32,
    pub connection_setup_timeout_ms: u64,
    /// The time to connect grows up to this while a broker cannot be reached.
    pub connection_setup_timeout_max_ms: u64,
    /// -1: the operating system's choice, which is also the default here: a fixed size would turn off its tuning.
    pub send_buffer_bytes: i32,
    /// See `send_buffer_bytes`.
    pub receive_buffer_bytes: i32,
    /// `security.protocol` and what belongs to it.
    pub security: Security,
}

/// `client.dns.lookup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsLookup {
    /// Try every address a name resolves to.
    UseAllDnsIps,
    /// Expand bootstrap names to the canonical names of their addresses first.
    ResolveCanonicalBootstrapServersOnly,
}

/// Which replicas must have a record before it counts as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// Do not wait for an answer.
    None,
    Leader,
    All,
}

impl Acks {
    /// As in a Produce request.
    pub fn code(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
}

/// How records without a key (or all records) find their partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionerKind {
    /// Java's default: keys by murmur2, others sticky.
    Default,
    /// Keys or not: sticky.
    IgnoreKeys,
    RoundRobin,
}

/// A producer's settings.
#[derive(Debug, Clone)]
pub struct ProducerConfig {
    pub client: ClientConfig,
    pub acks: Acks,
    pub batch_size: usize,
    pub buffer_memory: usize,
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub compression_type: String,
    pub compression_gzip_level: i32,
    pub compression_lz4_level: i32,
    pub compression_zstd_level: i32,
    pub delivery_timeout_ms: u64,
    pub enable_idempotence: bool,
    pub linger_ms: u64,
    pub max_block_ms: u64,
    pub max_in_flight: usize,
    pub max_request_size: usize,
    pub partitioner: PartitionerKind,
    pub transaction_timeout_ms: i32,
    pub transactional_id: Option<String>,
}

/// Where to begin when a partition has no committed offset, or the one wanted is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetReset {
    Earliest,
    Latest,
    /// Fail instead.
    None,
    /// At the first record not older than this.
    ByDuration(Duration),
}

/// A consumer's settings.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    pub client: ClientConfig,
    pub allow_auto_create_topics: bool,
    pub auto_commit_interval_ms: u64,
    pub auto_offset_reset: OffsetReset,
    pub check_crcs: bool,
    pub client_rack: String,
    pub enable_auto_commit: bool,
    pub exclude_internal_topics: bool,
    pub fetch_max_bytes: i32,
    pub fetch_max_wait_ms: i32,
    pub fetch_min_bytes: i32,
    pub group_id: Option<String>,
    pub group_instance_id: Option<String>,
    /// `classic` or `consumer`.
    pub group_protocol: String,
    pub group_remote_assignor: Option<String>,
    pub heartbeat_interval_ms: u64,
    pub max_partition_fetch_bytes: i32,
    pub max_poll_interval_ms: u64,
    pub max_poll_records: usize,
    /// Kafka's class names or the short names `range`, `roundrobin`, `sticky`, `cooperative-sticky`.
    pub partition_assignment_strategy: Vec<String>,
    pub read_committed: bool,
    pub session_timeout_ms: u64,
    /// `share.acknowledgement.mode=explicit`: each record of a share group is acknowledged by itself.
    pub share_explicit: bool,
    /// `share.acquire.mode=record_limit`: `max.poll.records` is a limit also within a batch.
    pub share_record_limit: bool,
}

impl ClientConfig {
    /// Reads the settings of an admin client. Names that no table knows are ignored, as the Java client does.
    pub fn parse(values: &Values) -> Result<ClientConfig, ConfigError> {
        let values = &checked(admin_table::ADMIN, values)?;
        client(&Reader { table: admin_table::ADMIN, values })
    }
}

impl ProducerConfig {
    /// Reads the settings of a producer.
    pub fn parse(values: &Values) -> Result<ProducerConfig, ConfigError> {
        let values = &checked(producer_table::PRODUCER, values)?;
        let of = Reader { table: producer_table::PRODUCER, values };
        let acks = match of.text("acks").as_str() {
            "0" => Acks::None,
            "1" => Acks::Leader,
            _ => Acks::All,
        };
        let config = ProducerConfig {
            client: client(&of)?,
            acks,
            batch_size: of.num("batch.size"),
            buffer_memory: of.num("buffer.memory"),
            compression_type: of.text("compression.type"),
            compression_gzip_level: of.num("compression.gzip.level"),
            compression_lz4_level: of.num("compression.lz4.level"),
            compression_zstd_level: of.num("compression.zstd.level"),
            delivery_timeout_ms: delivery_timeout(&of)?,
            enable_idempotence: idempotence(&of, acks)?,
            linger_ms: of.num("linger.ms"),
            max_block_ms: of.num("max.block.ms"),
            max_in_flight: of.num("max.in.flight.requests.per.connection"),
            max_request_size: of.num("max.request.size"),
            partitioner: partitioner(&of)?,
            transaction_timeout_ms: of.num("transaction.timeout.ms"),
            transactional_id: of.opt("transactional.id"),
        };
        if config.transactional_id.is_some() && !config.enable_idempotence {
            return Err(ConfigError::new("Cannot set a transactional.id without also enabling idempotence."));
        }
        Ok(config)
    }
}

/// On unless settings that exclude it were chosen; asked for together with them is an error.
fn idempotence(of: &Reader<'_>, acks: Acks) -> Result<bool, ConfigError> {
    let asked = of.values.get("enable.idempotence").map(|v| v == "true");
    let conflict = if acks != Acks::All {
        Some("Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.")
    } else if of.num::<u32>("retries") == 0 {
        Some("Must set retries to non-zero when using the idempotent producer.")
    } else if of.num::<usize>("max.in.flight.requests.per.connection") > 5 {
        Some("Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent producer.")
    } else {
        None
    };
    match (asked, conflict) {
        (Some(true), Some(text)) => Err(ConfigError::new(text)),
        (asked, conflict) => Ok(asked.unwrap_or(true) && conflict.is_none()),
    }
}

/// Time for one attempt at least: the default gives way, a chosen one that is shorter is an error.
fn delivery_timeout(of: &Reader<'_>) -> Result<u64, ConfigError> {
    let (wanted, attempt) = (of.num::<u64>("delivery.timeout.ms"), of.num::<u64>("linger.ms") + of.num::<u64>("request.timeout.ms"));
    match of.given::<u64>("delivery.timeout.ms") {
        Some(given) if given < attempt => {
            Err(ConfigError::new("delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"))
        }
        _ => Ok(wanted.max(attempt)),
    }
}

fn partitioner(of: &Reader<'_>) -> Result<PartitionerKind, ConfigError> {
    let class = of.opt("partitioner.class").unwrap_or_default();
    match class.rsplit('.').next().unwrap_or_default() {
        "" if of.flag("partitioner.ignore.keys") => Ok(PartitionerKind::IgnoreKeys),
        "" => Ok(PartitionerKind::Default),
        "RoundRobinPartitioner" => Ok(PartitionerKind::RoundRobin),
        _ => Err(ConfigError::new(format!(
            "Invalid value {class} for configuration partitioner.class: Java classes cannot be loaded; known is org.apache.kafka.clients.producer.RoundRobinPartitioner"
        ))),
    }
}

impl ConsumerConfig {
    /// Reads the settings of a share consumer: those of a consumer, without what makes no sense in share groups.
    pub fn parse_share(values: &Values) -> Result<ConsumerConfig, ConfigError> {
        let given: Vec<&str> = NOT_OF_SHARE_GROUPS.into_iter().filter(|name| values.contains_key(*name)).collect();
        match given.is_empty() {
            true => ConsumerConfig::parse(values),
            false => Err(ConfigError::new(format!("{} cannot be set when using a share group.", given.join(", ")))),
        }
    }

    /// Reads the settings of a consumer.
    pub fn parse(values: &Values) -> Result<ConsumerConfig, ConfigError> {
        let values = &checked(consumer_table::CONSUMER, values)?;
        let of = Reader { table: consumer_table::CONSUMER, values };
        check_protocol(&of.text("group.protocol"), values)?;
        let group_id = of.opt("group.id").filter(|g| !g.is_empty());
        Ok(ConsumerConfig {
            client: client(&of)?,
            allow_auto_create_topics: of.flag("allow.auto.create.topics"),
            auto_commit_interval_ms: of.num("auto.commit.interval.ms"),
            auto_offset_reset: offset_reset(&of.text("auto.offset.reset"))?,
            check_crcs: of.flag("check.crcs"),
            client_rack: of.text("client.rack"),
            enable_auto_commit: of.flag("enable.auto.commit") && group_id.is_some(),
            exclude_internal_topics: of.flag("exclude.internal.topics"),
            fetch_max_bytes: of.num("fetch.max.bytes"),
            fetch_max_wait_ms: of.num("fetch.max.wait.ms"),
            fetch_min_bytes: of.num("fetch.min.bytes"),
            group_id,
            group_instance_id: of.opt("group.instance.id"),
            group_protocol: of.text("group.protocol").to_ascii_lowercase(),
            group_remote_assignor: of.opt("group.remote.assignor"),
            heartbeat_interval_ms: of.num("heartbeat.interval.ms"),
            max_partition_fetch_bytes: of.num("max.partition.fetch.bytes"),
            max_poll_interval_ms: of.num("max.poll.interval.ms"),
            max_poll_records: of.num("max.poll.records"),
            partition_assignment_strategy: split_list(&of.text("partition.assignment.strategy")).into_iter().map(String::from).collect(),
            read_committed: of.text("isolation.level") == "read_committed",
            session_timeout_ms: of.num("session.timeout.ms"),
            share_explicit: of.text("share.acknowledgement.mode") == "explicit",
            share_record_limit: of.text("share.acquire.mode").eq_ignore_ascii_case("record_limit"),
        })
    }
}

/// What a share group decides for all its members, or has no use for.
const NOT_OF_SHARE_GROUPS: [&str; 10] = [
    "auto.offset.reset",
    "enable.auto.commit",
    "group.instance.id",
    "isolation.level",
    "partition.assignment.strategy",
    "interceptor.classes",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "group.protocol",
    "group.remote.assignor",
];

/// What the other protocol of groups would not heed is refused.
fn check_protocol(protocol: &str, values: &Values) -> Result<(), ConfigError> {
    let protocol = protocol.to_ascii_uppercase();
    let foreign: &[&str] = match protocol.as_str() {
        "CONSUMER" => &["partition.assignment.strategy", "heartbeat.interval.ms", "session.timeout.ms"],
        _ => &["group.remote.assignor"],
    };
    let given: Vec<&str> = foreign.iter().copied().filter(|name| values.get(*name).is_some_and(|v| !v.trim().is_empty())).collect();
    if given.is_empty() {
        return Ok(());
    }
    Err(ConfigError::new(format!("{} cannot be set when group.protocol={protocol}", given.join(", "))))
}

fn offset_reset(text: &str) -> Result<OffsetReset, ConfigError> {
    let bad = || {
        ConfigError::new(format!(
            "Invalid value {text} for configuration auto.offset.reset: Invalid value `{text}` for configuration auto.offset.reset. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'."
        ))
    };
    match text.to_ascii_lowercase().as_str() {
        "earliest" => Ok(OffsetReset::Earliest),
        "latest" => Ok(OffsetReset::Latest),
        "none" => Ok(OffsetReset::None),
        other => {
            let duration = other.strip_prefix("by_duration:").ok_or_else(bad)?;
            let span: jiff::Span = duration.to_ascii_uppercase().parse().map_err(|_| bad())?;
            let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| bad())?;
            Duration::try_from(length).map(OffsetReset::ByDuration).map_err(|_| bad())
        }
    }
}

fn client(of: &Reader<'_>) -> Result<ClientConfig, ConfigError> {
    let (brokers, controllers) = (of.text("bootstrap.servers"), of.known("bootstrap.controllers").unwrap_or_default());
    Ok(ClientConfig {
        bootstrap_servers: split_list(if controllers.is_empty() { &brokers } else { &controllers }).into_iter().map(String::from).collect(),
        controllers: !controllers.is_empty(),
        client_id: of.text("client.id"),
        dns_lookup: match of.text("client.dns.lookup").as_str() {
            "resolve_canonical_bootstrap_servers_only" => DnsLookup::ResolveCanonicalBootstrapServersOnly,
            _ => DnsLookup::UseAllDnsIps,
        },
        connections_max_idle_ms: of.num("connections.max.idle.ms"),
        metadata_max_age_ms: of.num("metadata.max.age.ms"),
        reconnect_backoff_ms: of.num("reconnect.backoff.ms"),
        reconnect_backoff_max_ms: of.num("reconnect.backoff.max.ms"),
        request_timeout_ms: of.num("request.timeout.ms"),
        default_api_timeout_ms: of.known("default.api.timeout.ms").and_then(|v| v.parse().ok()).unwrap_or(60_000),
        retry_backoff_ms: of.num("retry.backoff.ms"),
        retry_backoff_max_ms: of.num("retry.backoff.max.ms"),
        retries: of.known("retries").and_then(|v| v.parse().ok()).unwrap_or(i32::MAX as u32),
        connection_setup_timeout_ms: of.num("socket.connection.setup.timeout.ms"),
        connection_setup_timeout_max_ms: of.num("socket.connection.setup.timeout.max.ms"),
        send_buffer_bytes: of.given("send.buffer.bytes").unwrap_or(-1),
        receive_buffer_bytes: of.given("receive.buffer.bytes").unwrap_or(-1),
        security: Security::parse(|name| of.known(name))?,
    })
}

/// The known ones among `values`, checked and in canonical form.
fn checked(table: &'static [Key], values: &Values) -> Result<Values, ConfigError> {
    let known = values.iter().filter_map(|(name, value)| super::find(table, name).map(|key| (key, value)));
    known.map(|(key, value)| Ok((key.name.to_string(), key.canonical(value)?))).collect()
}

struct Reader<'a> {
    table: &'static [Key],
    values: &'a Values,
}

impl Reader<'_> {
    fn opt(&self, name: &'static str) -> Option<String> {
        let key = super::find(self.table, name).unwrap_or_else(|| panic!("no row for {name}"));
        self.values.get(name).cloned().or(key.default.map(str::to_string))
    }

    /// Like `opt`, for a name that only some tables have.
    fn known(&self, name: &'static str) -> Option<String> {
        super::find(self.table, name).and_then(|_| self.opt(name))
    }

    /// A number, only if it was set.
    fn given<T: std::str::FromStr>(&self, name: &'static str) -> Option<T> {
        self.values.get(name).and_then(|v| v.parse().ok())
    }

    fn text(&self, name: &'static str) -> String {
        self.opt(name).unwrap_or_default()
    }

    fn flag(&self, name: &'static str) -> bool {
        self.text(name) == "true"
    }

    /// Negative values of settings that are counts or times mean "none" and read as 0.
    fn num<T: std::str::FromStr + Default>(&self, name: &'static str) -> T {
        self.text(name).parse().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    #[test]
    fn settings_of_the_other_group_protocol_are_refused() {
        let parse = |pairs: &[(&str, &str)]| {
            let own = [("bootstrap.servers", "a:1"), ("group.id", "g")];
            ConsumerConfig::parse(&own.iter().chain(pairs).map(|(k, v)| (k.to_string(), v.to_string())).collect())
        };
        let error = |pairs: &[(&str, &str)]| parse(pairs).unwrap_err().to_string();
        let timings = [("group.protocol", "consumer"), ("session.timeout.ms", "9000"), ("heartbeat.interval.ms", "300")];
        assert_eq!(error(&timings), "heartbeat.interval.ms, session.timeout.ms cannot be set when group.protocol=CONSUMER");
        assert_eq!(error(&[("group.remote.assignor", "range")]), "group.remote.assignor cannot be set when group.protocol=CLASSIC");
        let config = parse(&[("group.protocol", "Consumer"), ("group.remote.assignor", "range")]).unwrap();
        assert_eq!((config.group_protocol.as_str(), config.group_remote_assignor.as_deref()), ("consumer", Some("range")));
    }

    #[test]
    fn defaults_are_the_java_clients() {
        let p = ProducerConfig::parse(&Values::new()).unwrap();
        assert_eq!((p.linger_ms, p.batch_size, p.buffer_memory, p.max_in_flight), (5, 16384, 33_554_432, 5));
        assert!(p.enable_idempotence && p.acks == Acks::All && p.delivery_timeout_ms == 120_000);
        let c = ConsumerConfig::parse(&values(&[("group.id", "g")])).unwrap();
        assert_eq!((c.max_poll_records, c.fetch_max_bytes, c.session_timeout_ms), (500, 52_428_800, 45_000));
        assert!(c.enable_auto_commit && c.auto_offset_reset == OffsetReset::Latest && c.partition_assignment_strategy.len() == 2);
        assert_eq!(ClientConfig::parse(&Values::new()).unwrap().default_api_timeout_ms, 60_000);
    }

    #[test]
    fn idempotence_gives_way_unless_it_was_asked_for() {
        assert!(!ProducerConfig::parse(&values(&[("acks", "1")])).unwrap().enable_idempotence);
        assert!(ProducerConfig::parse(&values(&[("acks", "1"), ("enable.idempotence", "true")])).is_err());
    }

    #[test]
    fn a_delivery_has_time_for_one_attempt() {
        let of = |pairs: &[(&str, &str)]| ProducerConfig::parse(&values(pairs)).map(|c| c.delivery_timeout_ms);
        assert_eq!(of(&[("request.timeout.ms", "200000"), ("linger.ms", "10")]).unwrap(), 200_010);
        assert_eq!(of(&[("delivery.timeout.ms", "31000")]).unwrap(), 31_000);
        assert!(of(&[("delivery.timeout.ms", "30000")]).is_err());
    }

    #[test]
    fn bad_values_are_refused_in_kafkas_words() {
        let err = ClientConfig::parse(&values(&[("request.timeout.ms", "abc")])).unwrap_err().to_string();
        assert_eq!(err, "Invalid value abc for configuration request.timeout.ms: Not a number of type INT");
        assert!(ConsumerConfig::parse(&values(&[("auto.offset.reset", "never")])).is_err());
        let by = ConsumerConfig::parse(&values(&[("auto.offset.reset", "by_duration:P1DT2H")])).unwrap();
        assert_eq!(by.auto_offset_reset, OffsetReset::ByDuration(Duration::from_secs(26 * 3600)));
        // A12: never fall back to plaintext.
        assert!(ClientConfig::parse(&values(&[("security.protocol", "SASL_PLAINTEXT")])).is_err());
        let encrypted = ClientConfig::parse(&values(&[("security.protocol", "SSL")]));
        assert!(encrypted.is_err() || encrypted.is_ok_and(|c| c.security.tls.is_some()), "an error only where the system trusts nobody");
    }
}
