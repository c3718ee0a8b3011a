//! Settings of brokers, groups, loggers and client metrics, as they are shown and as they act when changed (facts G, N11).

mod common;

use common::records::*;
use common::{Client, TestBroker};
use kfk::wire::ErrorCode;
use kfk::wire::api_versions_request::ApiVersionsRequest;
use kfk::wire::describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource};
use kfk::wire::describe_configs_response::DescribeConfigsResult;
use kfk::wire::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

/// Sets a value, or with `None` deletes it.
fn set(client: &mut Client, kind: i8, name: &str, key: &str, value: Option<&str>) -> (ErrorCode, String) {
    let config =
        AlterableConfig { name: key.into(), config_operation: if value.is_some() { 0 } else { 1 }, value: value.map(str::to_string) };
    let resource = AlterConfigsResource { resource_type: kind, resource_name: name.into(), configs: vec![config] };
    let response = client.call(1, &IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false });
    let told = &response.responses[0];
    (ErrorCode::from_code(told.error_code), told.error_message.clone().unwrap_or_default())
}

fn set_ok(client: &mut Client, kind: i8, name: &str, key: &str, value: Option<&str>) {
    assert_eq!(set(client, kind, name, key, value), (ErrorCode::None, String::new()));
}

fn describe(client: &mut Client, kind: i8, name: &str) -> DescribeConfigsResult {
    let resource = DescribeConfigsResource { resource_type: kind, resource_name: name.into(), configuration_keys: None };
    client.call(4, &DescribeConfigsRequest { resources: vec![resource], include_synonyms: true, ..Default::default() }).results.remove(0)
}

/// `value, source: synonym=value from source ...`
fn shown(client: &mut Client, kind: i8, name: &str, key: &str) -> String {
    let entry = describe(client, kind, name).configs.into_iter().find(|c| c.name == key).unwrap();
    let text = |v: &Option<String>| v.clone().unwrap_or("null".into());
    let synonyms = entry.synonyms.iter().map(|s| format!(" {}={} from {}", s.name, text(&s.value), s.source));
    format!("{}, {}:{}", text(&entry.value), entry.config_source, synonyms.collect::<String>())
}

#[test]
fn g1_g6_settings_of_one_broker_win_over_those_of_all_and_both_act_at_once() {
    let broker = TestBroker::start(&[("message.max.bytes", "2000")]);
    let mut client = broker.connect();
    create(&mut client, "t", 1, &[]);
    let fits = |client: &mut Client, bytes: usize| produce(client, "t", 0, batch(&[&"x".repeat(bytes)])).error_code == 0;
    assert!(fits(&mut client, 1500) && !fits(&mut client, 2500));
    set_ok(&mut client, BROKER, "", "message.max.bytes", Some("3000"));
    assert!(fits(&mut client, 2500));
    set_ok(&mut client, BROKER, "1", "message.max.bytes", Some("1000"));
    assert!(!fits(&mut client, 1500));
    let synonyms =
        "message.max.bytes=1000 from 2 message.max.bytes=3000 from 3 message.max.bytes=2000 from 4 message.max.bytes=1048588 from 5";
    assert_eq!(shown(&mut client, BROKER, "1", "message.max.bytes"), format!("1000, 2: {synonyms}"));
    assert_eq!(shown(&mut client, TOPIC, "t", "max.message.bytes"), format!("1000, 2: {synonyms}"));
    assert_eq!(shown(&mut client, BROKER, "", "message.max.bytes"), "3000, 3: message.max.bytes=3000 from 3");
    for name in ["1", ""] {
        set_ok(&mut client, BROKER, name, "message.max.bytes", None);
    }
    assert!(fits(&mut client, 1500) && !fits(&mut client, 2500));
}

#[test]
fn n11_g6_limits_of_connections_change_at_run_time_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = TestBroker::start_in(dir.path(), &[]);
    let mut client = broker.connect();
    let asked = ApiVersionsRequest { client_software_name: "t".into(), client_software_version: "1".into() };
    let mut second = broker.connect();
    second.call(4, &asked);
    set_ok(&mut client, BROKER, "", "max.connections.per.ip", Some("1"));
    assert_eq!(broker.connect().receive_frame(), None);
    second.call(4, &asked);
    set_ok(&mut client, BROKER, "1", "max.connections.per.ip.overrides", Some("127.0.0.1:3"));
    broker.connect().call(4, &asked);
    let (code, text) = set(&mut client, BROKER, "1", "max.connections.per.ip.overrides", Some("127.0.0.1"));
    assert_eq!(code, ErrorCode::InvalidConfig, "{text}");
    set_ok(&mut client, BROKER, "1", "max.connections.per.ip.overrides", None);
    broker.stop();
    let broker = TestBroker::start_in(dir.path(), &[]);
    let mut client = broker.connect();
    client.call(4, &asked);
    assert_eq!(broker.connect().receive_frame(), None);
}

#[test]
fn g5_settings_that_are_read_only_or_of_one_broker_are_refused() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    for key in ["num.partitions", "group.max.size", "group.consumer.heartbeat.interval.ms", "broker.id"] {
        let refused = set(&mut client, BROKER, "", key, Some("3"));
        assert_eq!(refused, (ErrorCode::InvalidRequest, format!("Cannot update these configs dynamically: [{key}]")));
    }
    let (code, text) = set(&mut client, BROKER, "", "listeners", Some("PLAINTEXT://localhost:1"));
    assert_eq!(code, ErrorCode::InvalidRequest);
    assert_eq!(text, "Cannot update these configs at default cluster level, broker id must be specified: [listeners]");
    assert_eq!(shown(&mut client, BROKER, "1", "broker.id"), "1, 4: broker.id=1 from 4 broker.id=-1 from 5");
    set_ok(&mut client, BROKER, "1", "no.such", Some("1"));
    assert_eq!(shown(&mut client, BROKER, "1", "no.such"), "null, 2: no.such=null from 2");
}

#[test]
fn g1_groups_client_metrics_and_loggers_are_shown_as_kafka_shows_them() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    set_ok(&mut client, GROUP, "g", "consumer.session.timeout.ms", Some("50000"));
    let own = "50000, 8: consumer.session.timeout.ms=50000 from 8 group.consumer.session.timeout.ms=45000 from 5";
    assert_eq!(shown(&mut client, GROUP, "g", "consumer.session.timeout.ms"), own);
    let (code, text) = set(&mut client, GROUP, "g", "consumer.session.timeout.ms", Some("1"));
    assert_eq!(code, ErrorCode::InvalidConfig);
    assert_eq!(text, "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms");
    set_ok(&mut client, CLIENT_METRICS, "m", "interval.ms", Some("5000"));
    assert_eq!(shown(&mut client, CLIENT_METRICS, "m", "interval.ms"), "5000, 7: interval.ms=5000 from 7");
    assert_eq!(shown(&mut client, CLIENT_METRICS, "m", "match"), ", 5:");
    let unknown = (ErrorCode::InvalidRequest, "Unknown client metrics configuration: foo".to_string());
    assert_eq!(set(&mut client, CLIENT_METRICS, "m", "foo", Some("1")), unknown);
    let loggers = describe(&mut client, BROKER_LOGGER, "1");
    assert_eq!((loggers.error_code, loggers.configs[0].name.as_str(), loggers.configs[0].config_source), (0, "root", 6));
    for (kind, name) in [(BROKER_LOGGER, "7"), (BROKER_LOGGER, ""), (GROUP, ""), (CLIENT_METRICS, ""), (99, "x")] {
        assert_eq!(describe(&mut client, kind, name).error_code, ErrorCode::InvalidRequest.code(), "{kind} {name:?}");
    }
    assert_eq!(set(&mut client, BROKER_LOGGER, "1", "root", Some("DEBUG")).0, ErrorCode::InvalidRequest);
}
