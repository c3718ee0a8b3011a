//! A classic group comes from a consumer group, or becomes one (fact K11).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::member::Protocols;
use super::{ClassicGroup, Member, Phase};
use crate::machine::assign::consumer_protocol;
use crate::types::Now;
use crate::wire::group_metadata_value::GroupMetadataValue;

/// A member on its way between kinds of groups; `A` is its assignment in the terms of where it comes from.
pub struct Moving<A> {
    pub id: String,
    pub instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    pub protocols: Protocols,
    /// What it gave for the protocol that the group chose; empty for a member that comes from a consumer group.
    pub metadata: Bytes,
    pub assignment: A,
}

impl ClassicGroup {
    pub fn generation(&self) -> i32 {
        self.generation
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The members as they would leave for a group of another kind.
    pub fn moving(&self) -> Vec<Moving<Bytes>> {
        let protocol = self.protocol.clone().or_else(|| self.select_protocol()).unwrap_or_default();
        let each = |(id, m): (&String, &Member)| Moving {
            id: id.clone(),
            instance_id: m.instance_id.clone(),
            client_id: m.client_id.clone(),
            client_host: m.client_host.clone(),
            rebalance_timeout_ms: m.rebalance_timeout_ms,
            session_timeout_ms: m.session_timeout_ms,
            protocols: m.protocols.clone(),
            metadata: m.metadata(&protocol),
            assignment: self.assignment(id),
        };
        self.members.iter().map(each).collect()
    }

    /// A stable group of members that come from a group of another kind, and the record of it. `encode` turns an assignment into the bytes
    /// that go with a member's metadata. `None` if they have no protocol in common.
    pub fn from_moving<A>(
        now: Now,
        generation: i32,
        members: Vec<Moving<A>>,
        encode: impl Fn(&A, &Bytes) -> Bytes,
    ) -> Option<(ClassicGroup, GroupMetadataValue)> {
        let mut group = ClassicGroup { generation, state_timestamp: now.wall.0, ..ClassicGroup::new() };
        group.protocol_type = Some(consumer_protocol::PROTOCOL_TYPE.to_string());
        let mut assignments = BTreeMap::new();
        for moving in members {
            let member = Member {
                instance_id: moving.instance_id,
                client_id: moving.client_id,
                client_host: moving.client_host,
                rebalance_timeout_ms: moving.rebalance_timeout_ms,
                session_timeout_ms: moving.session_timeout_ms,
                protocols: moving.protocols,
                joining: None,
                syncing: None,
                is_new: false,
                session_deadline: None,
            };
            assignments.insert(moving.id.clone(), moving.assignment);
            group.insert(moving.id, member);
        }
        let protocol = group.select_protocol()?;
        let encoded = assignments.iter().map(|(id, assignment)| {
            let metadata = group.members.get(id).map(|m| m.metadata(&protocol)).unwrap_or_default();
            (id.clone(), encode(assignment, &metadata))
        });
        let encoded: BTreeMap<String, Bytes> = encoded.collect();
        group.protocol = Some(protocol);
        group.subscribed_topics = group.compute_subscribed_topics();
        group.phase = Phase::Stable;
        let value = group.to_value(&encoded);
        Some((group, value))
    }
}
