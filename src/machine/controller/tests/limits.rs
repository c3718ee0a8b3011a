//! Quotas and SCRAM credentials: what is refused, what is written, and that a snapshot keeps it.

use std::collections::BTreeSet;

use super::*;
use crate::machine::controller::AlterClientQuotas;
use crate::wire::alter_client_quotas_request::{AlterClientQuotasRequest, EntityData, EntryData, OpData};
use crate::wire::alter_user_scram_credentials_request::{
    AlterUserScramCredentialsRequest, ScramCredentialDeletion, ScramCredentialUpsertion,
};

type Entity<'a> = &'a [(&'a str, Option<&'a str>)];

fn entry(entity: Entity<'_>, ops: &[(&str, Option<f64>)]) -> EntryData {
    let part = |(kind, name): &(&str, Option<&str>)| EntityData { entity_type: kind.to_string(), entity_name: name.map(str::to_string) };
    let op = |(key, value): &(&str, Option<f64>)| OpData { key: key.to_string(), value: value.unwrap_or(0.0), remove: value.is_none() };
    EntryData { entity: entity.iter().map(part).collect(), ops: ops.iter().map(op).collect() }
}

fn alter_all(world: &mut World, entries: Vec<EntryData>) -> Vec<(ErrorCode, String)> {
    let unresolved = BTreeSet::from(["no.such.host".to_string()]);
    let command = AlterClientQuotas { request: AlterClientQuotasRequest { entries, validate_only: false }, unresolved };
    let told =
        |r: crate::wire::alter_client_quotas_response::EntryData| (ErrorCode::from_code(r.error_code), r.error_message.unwrap_or_default());
    world.run(&command).entries.into_iter().map(told).collect()
}

fn alter(world: &mut World, entity: Entity<'_>, ops: &[(&str, Option<f64>)]) -> (ErrorCode, String) {
    alter_all(world, vec![entry(entity, ops)]).remove(0)
}

/// `user=a,client-id=null key value`, for all limits.
fn limits(state: &ClusterState) -> Vec<String> {
    let entity = |parts: &[(String, Option<String>)]| {
        parts.iter().map(|(kind, name)| format!("{kind}={}", name.as_deref().unwrap_or("*"))).collect::<Vec<_>>().join(",")
    };
    state.kept().limits().map(|(parts, key, value)| format!("{} {key} {value}", entity(parts))).collect()
}

#[test]
fn u1_quotas_are_set_changed_and_removed() {
    let mut world = World::one_node();
    let ok = (ErrorCode::None, String::new());
    assert_eq!(alter(&mut world, &[("user", Some("a")), ("client-id", None)], &[("producer_byte_rate", Some(5.0))]), ok);
    assert_eq!(alter(&mut world, &[("ip", None)], &[("connection_creation_rate", Some(7.0))]), ok);
    assert_eq!(limits(world.controller.state()), ["client-id=*,user=a producer_byte_rate 5", "ip=* connection_creation_rate 7"]);
    let written = world.log.len();
    // The order of the parts does not matter, and what changes nothing is not written.
    let same = [("producer_byte_rate", Some(5.0)), ("consumer_byte_rate", None)];
    assert_eq!(alter(&mut world, &[("client-id", None), ("user", Some("a"))], &same), ok);
    assert_eq!(world.log.len(), written);
    assert_eq!(alter(&mut world, &[("client-id", None), ("user", Some("a"))], &[("producer_byte_rate", None)]), ok);
    assert_eq!(limits(world.controller.state()), ["ip=* connection_creation_rate 7"]);
    let mut again = ClusterState::new();
    let records: Vec<_> = world.controller.state().records().collect();
    records.iter().for_each(|record| again.apply(record, 0, &mut Vec::new()).unwrap());
    assert_eq!(limits(&again), limits(world.controller.state()));
}

#[test]
fn u5_bad_quotas_are_refused_and_change_nothing() {
    let mut world = World::one_node();
    let user: Entity<'_> = &[("user", Some("a"))];
    let rate = |value: f64| [("producer_byte_rate", Some(value))];
    let refused = [
        (user, &[("nosuch", Some(1.0))][..], "Invalid configuration key nosuch"),
        (user, &rate(0.0), "Quota producer_byte_rate must be greater than 0"),
        (user, &rate(f64::NAN), "Quota producer_byte_rate must be greater than 0"),
        (user, &rate(1.5), "producer_byte_rate cannot be a fractional value."),
        (user, &rate(1e30), "Proposed value for producer_byte_rate is too large for a LONG."),
        (user, &[("connection_creation_rate", Some(1.0))], "Invalid configuration key connection_creation_rate"),
        (
            &[("ip", None)],
            &[("connection_creation_rate", Some(3e9))],
            "Proposed value for connection_creation_rate is too large for an INT.",
        ),
        (&[("ip", Some("no.such.host"))], &[], "no.such.host is not a valid IP or resolvable host."),
        (&[], &rate(1.0), "Invalid empty client quota entity"),
        (&[("host", None)], &rate(1.0), "Unhandled client quota entity type: host"),
        (&[("user", Some(""))], &rate(1.0), "Empty user not supported"),
        (&[("user", None), ("user", None)], &rate(1.0), "Invalid client quota entity, duplicate entity entry user"),
        (
            &[("user", None), ("ip", None)],
            &rate(1.0),
            "Invalid quota entity combination, IP entity should not be combined with User or ClientId",
        ),
        (
            user,
            &[("producer_byte_rate", Some(1.0)), ("producer_byte_rate", None)],
            "Duplicate quota key producer_byte_rate not updating quota for this entity ClientQuotaEntity(entries={user=a})",
        ),
    ];
    let before = world.log.len();
    for (entity, ops, text) in refused {
        assert_eq!(alter(&mut world, entity, ops), (ErrorCode::InvalidRequest, text.to_string()));
    }
    assert_eq!(world.log.len(), before);
    let twice = alter_all(&mut world, vec![entry(user, &rate(1.0)), entry(user, &rate(2.0))]);
    assert_eq!((twice[0].0, twice[1].1.as_str()), (ErrorCode::None, "Ignoring duplicate entity ClientQuotaEntity(entries={user=a})"));
    assert_eq!(limits(world.controller.state()), ["user=a producer_byte_rate 1"]);
}

fn set(name: &str, mechanism: i8, iterations: i32) -> ScramCredentialUpsertion {
    let (salt, salted_password) = (b"salt".as_slice().into(), b"salted".as_slice().into());
    ScramCredentialUpsertion { name: name.into(), mechanism, iterations, salt, salted_password }
}

fn alter_users(world: &mut World, deletions: &[(&str, i8)], upsertions: Vec<ScramCredentialUpsertion>) -> Vec<(String, ErrorCode)> {
    let gone = |(name, mechanism): &(&str, i8)| ScramCredentialDeletion { name: name.to_string(), mechanism: *mechanism };
    let request = AlterUserScramCredentialsRequest { deletions: deletions.iter().map(gone).collect(), upsertions };
    world.run(&request).results.into_iter().map(|r| (r.user, ErrorCode::from_code(r.error_code))).collect()
}

#[test]
fn a5_credentials_are_kept_without_the_password_and_go() {
    let mut world = World::one_node();
    let done = alter_users(&mut world, &[], vec![set("a", 1, 4096), set("b", 2, 16_384)]);
    assert_eq!(done, [("a".to_string(), ErrorCode::None), ("b".to_string(), ErrorCode::None)]);
    let kept = world.controller.state().kept().credential(1, "a").unwrap();
    assert_eq!((kept.stored_key.len(), kept.server_key.len(), kept.iterations), (32, 32, 4096));
    assert_ne!(kept.stored_key, kept.server_key);
    assert_eq!(world.controller.state().kept().credential(2, "b").unwrap().stored_key.len(), 64);
    assert_eq!(alter_users(&mut world, &[("a", 1)], vec![]), [("a".to_string(), ErrorCode::None)]);
    assert!(world.controller.state().kept().credential(1, "a").is_none());
}

#[test]
fn a5_bad_credentials_are_refused_user_by_user() {
    let mut world = World::one_node();
    let of =
        |results: Vec<(String, ErrorCode)>| results.into_iter().map(|(user, code)| format!("{user} {}", code.name())).collect::<Vec<_>>();
    let upsertions = vec![
        set("", 1, 4096),
        set("few", 1, 4095),
        set("fine", 1, 4096),
        set("many", 1, 16_385),
        set("twice", 1, 4096),
        set("twice", 2, 4096),
        set("unknown", 3, 4096),
    ];
    assert_eq!(
        of(alter_users(&mut world, &[("gone", 1)], upsertions)),
        [
            " UNACCEPTABLE_CREDENTIAL",
            "few UNACCEPTABLE_CREDENTIAL",
            "fine NONE",
            "gone RESOURCE_NOT_FOUND",
            "many UNACCEPTABLE_CREDENTIAL",
            "twice DUPLICATE_RESOURCE",
            "unknown UNSUPPORTED_SASL_MECHANISM",
        ]
    );
    assert_eq!(world.controller.state().kept().credentials().count(), 1);
}
