//! A member of a classic group, as far as it lives in memory only.

use bytes::Bytes;

use crate::machine::coordinator::Context;
use crate::machine::group::turn::Waiter;
use crate::types::MonoMs;
use crate::wire::group_metadata_value::MemberMetadata;
use crate::wire::join_group_request::JoinGroupRequest;

/// The protocols a member can work with, best first, each with the metadata it gave.
pub type Protocols = Vec<(String, Bytes)>;

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    pub protocols: Protocols,
    /// Its JoinGroup waits for the rebalance to complete.
    pub joining: Option<Waiter>,
    /// Its SyncGroup waits for the leader's.
    pub syncing: Option<Waiter>,
    /// It has not seen a rebalance complete yet, and does not know its id perhaps: it cannot send heartbeats.
    pub is_new: bool,
    /// When it is taken for dead; `None` while it waits for us.
    pub session_deadline: Option<MonoMs>,
}

impl Member {
    /// A member that joins for the first time.
    pub fn joining(context: &Context, request: &JoinGroupRequest, waiter: Waiter) -> Self {
        Member {
            instance_id: request.group_instance_id.clone(),
            client_id: context.client_id.clone(),
            client_host: context.client_host.clone(),
            rebalance_timeout_ms: rebalance_timeout(request),
            session_timeout_ms: request.session_timeout_ms,
            protocols: protocols(request),
            joining: Some(waiter),
            syncing: None,
            is_new: true,
            session_deadline: None,
        }
    }

    /// A member as the log has it: of its protocols only the one that was chosen.
    pub fn stored(stored: &MemberMetadata, protocol: Option<&str>) -> Self {
        Member {
            instance_id: stored.group_instance_id.clone(),
            client_id: stored.client_id.clone(),
            client_host: stored.client_host.clone(),
            rebalance_timeout_ms: if stored.rebalance_timeout < 0 { stored.session_timeout } else { stored.rebalance_timeout },
            session_timeout_ms: stored.session_timeout,
            protocols: vec![(protocol.unwrap_or_default().to_string(), stored.subscription.clone())],
            joining: None,
            syncing: None,
            is_new: false,
            session_deadline: None,
        }
    }

    pub fn is_static(&self) -> bool {
        self.instance_id.is_some()
    }

    /// A silent member is no dead member while it is we who make it wait. New members are the exception: their client may be gone,
    /// and a JoinGroup that waits does not notice.
    pub fn is_waiting(&self) -> bool {
        !self.is_new && (self.joining.is_some() || self.syncing.is_some())
    }

    /// The metadata it gave for a protocol; empty if it does not know it.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols.iter().find(|(name, _)| name == protocol).map_or_else(Bytes::new, |(_, metadata)| metadata.clone())
    }

    /// The request says of the member's protocols what is known already.
    pub fn matches(&self, request: &JoinGroupRequest) -> bool {
        self.protocols.len() == request.protocols.len()
            && self.protocols.iter().zip(&request.protocols).all(|((name, metadata), p)| *name == p.name && *metadata == p.metadata)
    }
}

pub fn protocols(request: &JoinGroupRequest) -> Protocols {
    request.protocols.iter().map(|p| (p.name.clone(), p.metadata.clone())).collect()
}

/// Version 0 has no rebalance timeout: the session timeout is it.
pub fn rebalance_timeout(request: &JoinGroupRequest) -> i32 {
    if request.rebalance_timeout_ms < 0 { request.session_timeout_ms } else { request.rebalance_timeout_ms }
}
