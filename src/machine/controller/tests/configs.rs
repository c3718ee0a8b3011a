use super::*;
use crate::wire::alter_configs_request::{AlterConfigsRequest, AlterConfigsResource as LegacyResource, AlterableConfig as LegacyConfig};
use crate::wire::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest};

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

fn resource(kind: ResourceKind, name: &str, ops: &[(&str, i8, Option<&str>)]) -> AlterConfigsResource {
    let config = |(key, op, value): &(&str, i8, Option<&str>)| AlterableConfig {
        name: key.to_string(),
        config_operation: *op,
        value: value.map(str::to_string),
    };
    let configs = ops.iter().map(config).collect();
    AlterConfigsResource { resource_type: kind.id(), resource_name: name.into(), configs }
}

fn alter(world: &mut World, kind: ResourceKind, name: &str, ops: &[(&str, i8, Option<&str>)]) -> (ErrorCode, String) {
    let request = IncrementalAlterConfigsRequest { resources: vec![resource(kind, name, ops)], ..Default::default() };
    let response = world.run(&request);
    let (code, text) = refusal(response.responses[0].error_code, &response.responses[0].error_message);
    (code, text.to_string())
}

fn alter_topic(world: &mut World, ops: &[(&str, i8, Option<&str>)]) -> (ErrorCode, String) {
    alter(world, ResourceKind::Topic, "t", ops)
}

fn stored(world: &World, resource: ConfigResource) -> Overrides {
    world.controller.state().config(&resource).map(|o| o.as_ref().clone()).unwrap_or_default()
}

fn with_topic() -> World {
    let mut world = World::one_node();
    world.topic("t", 1, 1);
    world
}

fn ok() -> (ErrorCode, String) {
    (ErrorCode::None, "-".into())
}

#[test]
fn g2_set_delete_append_subtract() {
    let mut world = with_topic();
    assert_eq!(alter_topic(&mut world, &[("retention.ms", SET, Some("1")), ("segment.bytes", SET, Some("2"))]), ok());
    assert_eq!(alter_topic(&mut world, &[("retention.ms", DELETE, None), ("cleanup.policy", APPEND, Some("compact"))]), ok());
    assert_eq!(stored(&world, ConfigResource::topic("t")), overrides(&[("segment.bytes", "2"), ("cleanup.policy", "delete,compact")]));
    assert_eq!(alter_topic(&mut world, &[("cleanup.policy", APPEND, Some("compact"))]), ok());
    assert_eq!(alter_topic(&mut world, &[("cleanup.policy", SUBTRACT, Some("delete,nosuch"))]), ok());
    assert_eq!(stored(&world, ConfigResource::topic("t"))["cleanup.policy"], "compact");

    let text = "Can't APPEND to key retention.ms because its type is not LIST.".to_string();
    assert_eq!(alter_topic(&mut world, &[("retention.ms", APPEND, Some("1"))]), (ErrorCode::InvalidConfig, text));
    let text = "Config value append is not allowed for config key: log.cleaner.threads".to_string();
    let refused = alter(&mut world, ResourceKind::Broker, "1", &[("log.cleaner.threads", APPEND, Some("1"))]);
    assert_eq!(refused, (ErrorCode::InvalidConfig, text));
    let text = "Can't SUBTRACT to key retention.ms because its type is not LIST.".to_string();
    assert_eq!(alter_topic(&mut world, &[("retention.ms", SUBTRACT, Some("1"))]), (ErrorCode::InvalidConfig, text));
}

#[test]
fn g2_deleting_what_is_not_set_or_not_known_is_no_error_and_no_record() {
    let mut world = with_topic();
    let before = world.log.len();
    assert_eq!(alter_topic(&mut world, &[("retention.ms", DELETE, None), ("no.such", DELETE, None)]), ok());
    assert_eq!(world.log.len(), before);
}

#[test]
fn g3_one_bad_key_refuses_its_resource_and_no_other() {
    let mut world = with_topic();
    world.topic("u", 1, 1);
    let resources = vec![
        resource(ResourceKind::Topic, "t", &[("retention.ms", SET, Some("1")), ("no.such", SET, Some("1"))]),
        resource(ResourceKind::Topic, "u", &[("retention.ms", SET, Some("2"))]),
    ];
    let response = world.run(&IncrementalAlterConfigsRequest { resources, ..Default::default() });
    assert_eq!(response.responses[0].error_code, ErrorCode::InvalidConfig.code());
    assert_eq!(response.responses[1].error_code, 0);
    assert!(stored(&world, ConfigResource::topic("t")).is_empty());
    assert_eq!(stored(&world, ConfigResource::topic("u")), overrides(&[("retention.ms", "2")]));
}

#[test]
fn g3_twice_null_and_unknown_operations_are_refused() {
    let mut world = with_topic();
    let invalid = |text: &str| (ErrorCode::InvalidRequest, text.to_string());
    let twice = [("retention.ms", SET, Some("1")), ("retention.ms", DELETE, None)];
    assert_eq!(alter_topic(&mut world, &twice), invalid("Error due to duplicate config keys"));
    let null = [("retention.ms", SET, None), ("segment.bytes", APPEND, None)];
    assert_eq!(alter_topic(&mut world, &null), invalid("Null value not supported for : retention.ms, segment.bytes"));
    assert_eq!(alter_topic(&mut world, &[("retention.ms", 9, Some("1"))]), invalid("Unknown operations type 9"));

    let resources = vec![resource(ResourceKind::Topic, "t", &[]), resource(ResourceKind::Topic, "t", &[])];
    let response = world.run(&IncrementalAlterConfigsRequest { resources, ..Default::default() });
    assert_eq!(response.responses.len(), 2);
    for result in &response.responses {
        let text = "Each resource must appear at most once.";
        assert_eq!(refusal(result.error_code, &result.error_message), (ErrorCode::InvalidRequest, text));
    }
}

#[test]
fn g3_validate_only_writes_nothing() {
    let mut world = with_topic();
    let resources = vec![resource(ResourceKind::Topic, "t", &[("retention.ms", SET, Some("1"))])];
    let decision = world.decide(&IncrementalAlterConfigsRequest { resources, validate_only: true });
    assert!(decision.records.is_empty() && decision.response.responses[0].error_code == 0);
}

#[test]
fn g4_resources_that_cannot_be_configured_here() {
    let mut world = with_topic();
    let ops = [("retention.ms", SET, Some("1"))];
    let cases = [
        (ResourceKind::Topic, "", "Default topic resources are not allowed."),
        (ResourceKind::Group, "", "Default group resources are not allowed."),
        (ResourceKind::Broker, "abc", "Node id must be an integer, but it is: abc"),
        (ResourceKind::Broker, "-1", "Unexpected broker id, expected 1, but received -1"),
        (ResourceKind::Broker, "2", "Unexpected broker id, expected 1, but received 2"),
        (ResourceKind::Other(3), "x", "Unknown resource type 3"),
    ];
    for (kind, name, text) in cases {
        assert_eq!(alter(&mut world, kind, name, &ops), (ErrorCode::InvalidRequest, text.to_string()));
    }
    let text = "The topic 'nosuch' does not exist.".to_string();
    assert_eq!(alter(&mut world, ResourceKind::Topic, "nosuch", &ops), (ErrorCode::UnknownTopicOrPartition, text));
    assert_eq!(alter(&mut world, ResourceKind::Topic, "bad name", &ops).0, ErrorCode::InvalidTopicException);
}

#[test]
fn g4_an_empty_broker_name_is_the_cluster_default() {
    let mut world = with_topic();
    assert_eq!(alter(&mut world, ResourceKind::Broker, "", &[("message.max.bytes", SET, Some("5"))]), ok());
    assert_eq!(alter(&mut world, ResourceKind::Broker, "1", &[("log.cleaner.threads", SET, Some("2"))]), ok());
    assert_eq!(alter(&mut world, ResourceKind::Group, "g", &[("consumer.session.timeout.ms", SET, Some("50000"))]), ok());
    assert_eq!(stored(&world, ConfigResource::cluster_default()), overrides(&[("message.max.bytes", "5")]));
    assert_eq!(stored(&world, ConfigResource::broker(1)), overrides(&[("log.cleaner.threads", "2")]));
    // A broker is told again even of a value it has: it may want to load it anew.
    let before = world.log.len();
    assert_eq!(alter(&mut world, ResourceKind::Broker, "1", &[("log.cleaner.threads", SET, Some("2"))]), ok());
    assert_eq!(world.log.len(), before + 1);
}

#[test]
fn g7_the_legacy_request_replaces_the_whole_set() {
    let mut world = with_topic();
    alter_topic(&mut world, &[("retention.ms", SET, Some("1")), ("segment.bytes", SET, Some("2"))]);
    let config = |value: Option<&str>| LegacyConfig { name: "retention.ms".into(), value: value.map(str::to_string) };
    let request = |config| {
        let resource = LegacyResource { resource_type: 2, resource_name: "t".into(), configs: vec![config] };
        AlterConfigsRequest { resources: vec![resource], ..Default::default() }
    };
    assert_eq!(world.run(&request(config(Some("3")))).responses[0].error_code, 0);
    assert_eq!(stored(&world, ConfigResource::topic("t")), overrides(&[("retention.ms", "3")]));
    assert_eq!(world.run(&request(config(None))).responses[0].error_code, ErrorCode::InvalidRequest.code());
}

#[test]
fn a_value_that_no_record_can_hold_is_refused() {
    let mut world = with_topic();
    let long = "1".repeat(32768);
    let text = "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.".to_string();
    assert_eq!(alter_topic(&mut world, &[("retention.ms", SET, Some(&long))]), (ErrorCode::InvalidConfig, text));
}

#[test]
fn w14_a_new_minimum_of_in_sync_replicas_clears_the_eligible_leaders() {
    let mut world = with_topic();
    let text = "Broker-level min.insync.replicas cannot be altered while ELR is enabled.".to_string();
    assert_eq!(alter(&mut world, ResourceKind::Broker, "1", &[("min.insync.replicas", SET, Some("1"))]), (ErrorCode::InvalidConfig, text));
    let text = "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.".to_string();
    assert_eq!(alter(&mut world, ResourceKind::Broker, "", &[("min.insync.replicas", DELETE, None)]), (ErrorCode::InvalidConfig, text));
    alter_topic(&mut world, &[("min.insync.replicas", SET, Some("2"))]);
    assert!(matches!(world.log.last(), Some(MetadataRecord::ClearElr(c)) if c.topic_name == "t"));
    alter(&mut world, ResourceKind::Broker, "", &[("min.insync.replicas", SET, Some("2"))]);
    assert!(matches!(world.log.last(), Some(MetadataRecord::ClearElr(c)) if c.topic_name.is_empty()));
}
