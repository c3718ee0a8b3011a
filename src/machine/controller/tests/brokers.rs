use super::*;
use crate::wire::broker_heartbeat_request::BrokerHeartbeatRequest;
use crate::wire::broker_heartbeat_response::BrokerHeartbeatResponse;
use crate::wire::unregister_broker_request::UnregisterBrokerRequest;
use crate::wire::update_features_request::{FeatureUpdateKey, UpdateFeaturesRequest};

use super::super::{AllocateProducerIds, BrokerTick, ProducerIdBlock};

impl World {
    /// A heartbeat of a broker that has read everything.
    pub fn heartbeat(&mut self, id: i32, want_fence: bool, want_shut_down: bool) -> BrokerHeartbeatResponse {
        let broker_epoch = self.controller.state().broker(id).unwrap().epoch;
        let current_metadata_offset = self.controller.state().offset();
        let request = BrokerHeartbeatRequest {
            broker_id: id,
            broker_epoch,
            current_metadata_offset,
            want_fence,
            want_shut_down,
            ..Default::default()
        };
        self.run(&request)
    }

    pub fn pass(&mut self, ms: u64) {
        self.now.mono = self.now.mono.plus(ms);
    }

    pub fn tick(&mut self) {
        self.run(&BrokerTick);
    }
}

#[test]
fn q5_a_broker_is_fenced_until_it_has_read_its_registration() {
    let mut world = World::empty();
    let response = world.run(&registration(1, 1));
    assert_eq!((response.error_code, response.broker_epoch), (0, world.controller.state().offset()));
    assert!(world.controller.state().broker(1).unwrap().fenced);
    let early =
        BrokerHeartbeatRequest { broker_id: 1, broker_epoch: response.broker_epoch, current_metadata_offset: 2, ..Default::default() };
    let answer = world.run(&early);
    assert!(!answer.is_caught_up && answer.is_fenced);
    assert!(!world.heartbeat(1, false, false).is_fenced);
    assert!(world.controller.state().is_active(1));
}

#[test]
fn q5_a_second_broker_under_the_same_id_waits_for_the_session_to_end() {
    let mut world = World::brokers(1);
    assert_eq!(world.register(1, 2), ErrorCode::DuplicateBrokerRegistration.code());
    assert_eq!(world.register(1, 1), 0, "the same incarnation may register again");
    world.pass(9000);
    assert_eq!(world.register(1, 2), 0);
    assert!(world.controller.state().broker(1).unwrap().fenced);
}

#[test]
fn q5_wrong_cluster_features_and_directories_are_refused() {
    let mut world = World::brokers(1);
    let mut code = |change: &dyn Fn(&mut BrokerRegistrationRequest)| {
        let mut request = registration(2, 1);
        change(&mut request);
        ErrorCode::from_code(world.run(&request).error_code)
    };
    assert_eq!(code(&|r| r.cluster_id = "other".into()), ErrorCode::InconsistentClusterId);
    assert_eq!(code(&|r| r.log_dirs.clear()), ErrorCode::InvalidRegistration);
    assert_eq!(code(&|r| r.log_dirs = vec![Uuid::ZERO]), ErrorCode::InvalidRegistration);
    assert_eq!(code(&|r| r.log_dirs = registration(1, 1).log_dirs), ErrorCode::InvalidRegistration);
    assert_eq!(code(&|r| r.log_dirs.push(r.log_dirs[0])), ErrorCode::InvalidRegistration);
    assert_eq!(code(&|r| r.features.retain(|f| f.name != "transaction.version")), ErrorCode::UnsupportedVersion);
    assert_eq!(code(&|r| r.features[0].max_supported_version = 29), ErrorCode::UnsupportedVersion);
    assert_eq!(code(&|_| ()), ErrorCode::None);
}

#[test]
fn q5_old_epochs_are_stale() {
    let mut world = World::brokers(1);
    let epoch = world.controller.state().broker(1).unwrap().epoch;
    let old = BrokerHeartbeatRequest { broker_id: 1, broker_epoch: epoch - 1, ..Default::default() };
    assert_eq!(world.run(&old).error_code, ErrorCode::StaleBrokerEpoch.code());
    let unknown = BrokerHeartbeatRequest { broker_id: 5, ..Default::default() };
    assert_eq!(world.run(&unknown).error_code, ErrorCode::StaleBrokerEpoch.code());
}

#[test]
fn q6_silence_fences_and_moves_leaderships() {
    let mut world = World::brokers(3);
    world.topic("t", 3, 3);
    let deadline = world.controller.next_deadline().unwrap();
    for id in [1, 3] {
        world.pass(4000);
        world.heartbeat(id, false, false);
    }
    world.now.mono = deadline;
    world.tick();
    assert!(world.controller.state().broker(2).unwrap().fenced);
    for p in world.controller.state().topic("t").unwrap().partitions.values() {
        let mut isr = p.isr.clone();
        isr.sort();
        assert_eq!(isr, [1, 3]);
        assert_ne!(p.leader, 2);
        let moved = p.replicas[0] == 2;
        assert_eq!((p.leader_epoch, p.partition_epoch), (i32::from(moved), 1));
    }
}

#[test]
fn q6_controlled_shutdown_moves_leaders_first() {
    let mut world = World::brokers(2);
    world.topic("t", 2, 2);
    let answer = world.heartbeat(1, false, true);
    assert!(!answer.should_shut_down);
    assert!(world.controller.state().topic("t").unwrap().partitions.values().all(|p| p.leader == 2 && p.isr == [2]));
    assert!(world.heartbeat(1, false, true).should_shut_down);
    assert!(world.controller.state().broker(1).unwrap().fenced);
}

#[test]
fn w14_the_last_replica_stays_eligible_and_leads_again_when_it_is_back() {
    let mut world = World::brokers(2);
    world.topic("t", 1, 1);
    let owner = world.controller.state().partition("t", 0).unwrap().leader;
    world.heartbeat(owner, true, false);
    let p = world.controller.state().partition("t", 0).unwrap().clone();
    assert_eq!((p.leader, &p.isr[..], &p.elr[..], &p.last_known_elr[..]), (-1, &[][..], &[owner][..], &[owner][..]));
    world.heartbeat(owner, false, false);
    let p = world.controller.state().partition("t", 0).unwrap().clone();
    assert_eq!((p.leader, &p.isr[..], &p.elr[..], &p.last_known_elr[..]), (owner, &[owner][..], &[][..], &[][..]));
    assert_eq!((p.leader_epoch, p.partition_epoch, p.recovering), (2, 2, false));
}

#[test]
fn unregistering_takes_a_broker_away() {
    let mut world = World::brokers(2);
    world.topic("t", 1, 2);
    assert_eq!(world.run(&UnregisterBrokerRequest { broker_id: 2 }).error_code, 0);
    assert!(world.controller.state().broker(2).is_none());
    assert_eq!(world.controller.state().partition("t", 0).unwrap().isr, [1]);
    let again = world.run(&UnregisterBrokerRequest { broker_id: 2 });
    let text = "Broker ID 2 is not currently registered";
    assert_eq!(refusal(again.error_code, &again.error_message), (ErrorCode::BrokerIdNotRegistered, text));
}

#[test]
fn w8_a_node_that_stopped_in_order_keeps_its_leader_epochs() {
    let mut world = World::one_node();
    world.topic("t", 3, 1);
    world.pass(60_000);
    let epochs = |world: &World| {
        let topic = world.controller.state().topic("t").unwrap();
        topic.partitions.values().map(|p| (p.leader, p.leader_epoch, p.partition_epoch)).collect::<Vec<_>>()
    };
    world.run(&NodeStart { registration: registration(1, 2), clean: true }).unwrap();
    assert_eq!(epochs(&world), [(1, 0, 0); 3]);
    world.run(&NodeStart { registration: registration(1, 3), clean: false }).unwrap();
    assert_eq!(epochs(&world), [(1, 1, 1); 3]);
}

#[test]
fn q8_producer_ids_come_in_blocks_and_never_twice() {
    let mut world = World::one_node();
    let broker_epoch = world.controller.state().broker(1).unwrap().epoch;
    let ask = AllocateProducerIds { broker: 1, broker_epoch };
    assert_eq!(world.run(&ask), Ok(ProducerIdBlock { first: 0, length: 1000 }));
    assert_eq!(world.run(&ask), Ok(ProducerIdBlock { first: 1000, length: 1000 }));
    let stale = AllocateProducerIds { broker: 1, broker_epoch: broker_epoch - 1 };
    assert_eq!(world.run(&stale).unwrap_err().code, ErrorCode::StaleBrokerEpoch);
    assert_eq!(world.controller.state().next_producer_id(), 2000);
    // A controller that loads the log goes on behind the last block.
    let mut state = ClusterState::new();
    for (offset, record) in (0..).zip(&world.log) {
        state.apply(record, offset, &mut Vec::new()).unwrap();
    }
    assert_eq!(state.next_producer_id(), 2000);
}

fn update(world: &mut World, feature: &str, level: i16, kind: i8) -> (ErrorCode, String) {
    let key = FeatureUpdateKey { feature: feature.into(), max_version_level: level, upgrade_type: kind, ..Default::default() };
    let response = world.run(&UpdateFeaturesRequest { feature_updates: vec![key], ..Default::default() });
    let (code, text) = refusal(response.error_code, &response.error_message);
    (code, text.to_string())
}

#[test]
fn features_are_raised_lowered_and_refused_in_kafkas_words() {
    let mut world = World::one_node();
    let refused = |why: &str| {
        let text = format!("The update failed for all features since the following feature had an error: {why}");
        (ErrorCode::InvalidUpdateVersion, text)
    };
    let cases = [
        (
            ("metadata.version", 29, 1),
            "Invalid update version 29 for feature metadata.version. Can't downgrade the version of this feature without setting the \
             upgrade type to either safe or unsafe downgrade.",
        ),
        (
            ("metadata.version", 29, 2),
            "Unsupported metadata.version downgrade from 30 to 29. Refusing to perform the requested downgrade because it might delete \
             metadata information.",
        ),
        (("group.version", 9, 1), "Invalid update version 9 for feature group.version. Local controller 1 only supports versions 0-1"),
        (("nosuch", 1, 1), "Invalid update version 1 for feature nosuch. Local controller 1 does not support this feature."),
        (
            ("metadata.version", 0, 3),
            "Invalid update version 0 for feature metadata.version. Local controller 1 only supports versions 7-30",
        ),
    ];
    for ((feature, level, kind), why) in cases {
        assert_eq!(update(&mut world, feature, level, kind), refused(why));
    }
    assert_eq!(update(&mut world, "share.version", 0, 2).0, ErrorCode::None);
    assert_eq!(world.controller.state().feature("share.version"), 0);
    assert_eq!(update(&mut world, "share.version", 1, 1).0, ErrorCode::None);
    assert_eq!(world.controller.state().feature("share.version"), 1);
}
