//! Where replicas are to be (AlterPartitionReassignments). They stay where they are: a cluster of one node has no other place for them,
//! so all that can be asked for is what is, and there is never a move to cancel.

use crate::wire::ErrorCode;
use crate::wire::alter_partition_reassignments_request::{AlterPartitionReassignmentsRequest, ReassignablePartition};
use crate::wire::alter_partition_reassignments_response::{
    AlterPartitionReassignmentsResponse, ReassignablePartitionResponse, ReassignableTopicResponse,
};

use super::{ApiError, ClusterState};

/// Answers a request; nothing changes.
pub fn reassign(state: &ClusterState, request: &AlterPartitionReassignmentsRequest) -> AlterPartitionReassignmentsResponse {
    let responses = request.topics.iter().map(|t| {
        let partitions = t.partitions.iter().map(|p| {
            let error = check(state, &t.name, p, request.allow_replication_factor_change).err();
            ReassignablePartitionResponse {
                partition_index: p.partition_index,
                error_code: error.as_ref().map_or(0, |e| e.code.code()),
                error_message: error.map(|e| e.message.unwrap_or_else(|| e.code.message().to_string())),
            }
        });
        ReassignableTopicResponse { name: t.name.clone(), partitions: partitions.collect() }
    });
    AlterPartitionReassignmentsResponse {
        error_message: None,
        allow_replication_factor_change: request.allow_replication_factor_change,
        responses: responses.collect(),
        ..Default::default()
    }
}

fn check(state: &ClusterState, name: &str, target: &ReassignablePartition, another_factor: bool) -> Result<(), ApiError> {
    let unknown = |text: String| ApiError::new(ErrorCode::UnknownTopicOrPartition, text);
    let topic = state.topic(name).ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
    let number = target.partition_index;
    let partition = topic.partition(number).ok_or_else(|| unknown(format!("Unable to find partition {name}:{number}.")))?;
    let replicas = target.replicas.as_ref().ok_or(ErrorCode::NoReassignmentInProgress)?;
    let invalid = |text: String| Err(ApiError::new(ErrorCode::InvalidReplicaAssignment, text));
    if replicas.is_empty() {
        return invalid("The manual partition assignment includes an empty replica list.".to_string());
    }
    let mut sorted = replicas.clone();
    sorted.sort_unstable();
    for (at, id) in sorted.iter().enumerate() {
        if state.broker(*id).is_none() {
            return invalid(format!("The manual partition assignment includes broker {id}, but no such broker is registered."));
        }
        if at > 0 && sorted[at - 1] == *id {
            return invalid(format!("The manual partition assignment includes the broker {id} more than once."));
        }
    }
    let (now, then) = (partition.replicas.len(), replicas.len());
    if now != then && !another_factor {
        let text = format!("The replication factor is changed from {now} to {then}");
        return Err(ApiError::new(ErrorCode::InvalidReplicationFactor, text));
    }
    match *replicas == partition.replicas {
        true => Ok(()),
        false => invalid("Replicas cannot be moved: this cluster has one node.".to_string()),
    }
}
