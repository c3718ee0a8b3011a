//! The metadata quorum: who keeps the log of the cluster's metadata, and changes of that.

use std::collections::BTreeMap;

use kfk_wire::add_raft_voter_request::{AddRaftVoterRequest, Listener};
use kfk_wire::describe_quorum_request::{DescribeQuorumRequest, PartitionData, TopicData};
use kfk_wire::describe_quorum_response::{PartitionData as Described, ReplicaState};
use kfk_wire::remove_raft_voter_request::RemoveRaftVoterRequest;
use kfk_wire::{ErrorCode, Uuid};

use super::Admin;
use crate::client::error::{Error, check};

const METADATA_TOPIC: &str = "__cluster_metadata";

/// A node that has a copy of the metadata log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumReplica {
    /// Its id.
    pub id: i32,
    /// Its data directory; zero where the voters are fixed by the configuration.
    pub directory: Uuid,
    /// How far its copy goes.
    pub end_offset: i64,
    /// When it last asked the leader, in milliseconds since 1970; `None` if unknown.
    pub last_fetch: Option<i64>,
    /// When it last had all that the leader had; `None` if unknown.
    pub last_caught_up: Option<i64>,
    /// Its controller listeners as `NAME://host:port`.
    pub endpoints: Vec<String>,
}

/// The metadata quorum at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumDescription {
    /// The id of the active controller.
    pub leader: i32,
    /// Grows with every change of the leader.
    pub leader_epoch: i32,
    /// The offset behind what a majority has.
    pub high_watermark: i64,
    /// The controllers that decide.
    pub voters: Vec<QuorumReplica>,
    /// All others that have a copy.
    pub observers: Vec<QuorumReplica>,
}

impl Admin {
    /// Who keeps the metadata log, and how far everybody is.
    pub async fn describe_quorum(&self) -> Result<QuorumDescription, Error> {
        let partitions = vec![PartitionData { partition_index: 0 }];
        let request = DescribeQuorumRequest { topics: vec![TopicData { topic_name: METADATA_TOPIC.into(), partitions }] };
        let answer = self.retrying("describing the metadata quorum", || async {
            let answer = self.client.call_controller(&request).await?;
            check(answer.error_code, answer.error_message.as_deref())?;
            let partition = answer.topics.first().and_then(|t| t.partitions.first());
            partition.map_or(Ok(()), |p| check(p.error_code, p.error_message.as_deref())).map(|()| answer)
        });
        let answer = answer.await?;
        let endpoint = |l: kfk_wire::describe_quorum_response::Listener| format!("{}://{}:{}", l.name, l.host, l.port);
        let listeners = answer.nodes.into_iter().map(|n| (n.node_id, n.listeners.into_iter().map(endpoint).collect()));
        let endpoints: BTreeMap<i32, Vec<String>> = listeners.collect();
        let partition = answer.topics.into_iter().next().and_then(|t| t.partitions.into_iter().next());
        let nothing = || Error::Broker { code: ErrorCode::UnknownServerError, message: Some("the answer tells of no quorum".into()) };
        Ok(description(partition.ok_or_else(nothing)?, &endpoints))
    }

    /// Makes a controller a voter of the metadata quorum. `endpoints`: name, host and port of its listeners.
    pub async fn add_voter(&self, id: i32, directory: Uuid, endpoints: &[(String, String, u16)]) -> Result<(), Error> {
        let listener = |(name, host, port): &(String, String, u16)| Listener { name: name.clone(), host: host.clone(), port: *port };
        let request = AddRaftVoterRequest {
            cluster_id: None,
            timeout_ms: self.timeout_ms(),
            voter_id: id,
            voter_directory_id: directory,
            listeners: endpoints.iter().map(listener).collect(),
            ack_when_committed: true,
        };
        let answer = self.client.call_controller(&request).await?;
        check(answer.error_code, answer.error_message.as_deref())
    }

    /// Takes a voter out of the metadata quorum.
    pub async fn remove_voter(&self, id: i32, directory: Uuid) -> Result<(), Error> {
        let request = RemoveRaftVoterRequest { cluster_id: None, voter_id: id, voter_directory_id: directory };
        let answer = self.client.call_controller(&request).await?;
        check(answer.error_code, answer.error_message.as_deref())
    }
}

fn description(found: Described, endpoints: &BTreeMap<i32, Vec<String>>) -> QuorumDescription {
    let replica = |r: ReplicaState| QuorumReplica {
        id: r.replica_id,
        directory: r.replica_directory_id,
        end_offset: r.log_end_offset,
        last_fetch: Some(r.last_fetch_timestamp).filter(|t| *t >= 0),
        last_caught_up: Some(r.last_caught_up_timestamp).filter(|t| *t >= 0),
        endpoints: endpoints.get(&r.replica_id).cloned().unwrap_or_default(),
    };
    QuorumDescription {
        leader: found.leader_id,
        leader_epoch: found.leader_epoch,
        high_watermark: found.high_watermark,
        voters: found.current_voters.into_iter().map(replica).collect(),
        observers: found.observers.into_iter().map(replica).collect(),
    }
}
