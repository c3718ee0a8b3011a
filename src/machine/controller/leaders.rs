//! Elections that somebody asks for: the preferred leader back, or any leader at all where there is none (ElectLeaders).

use crate::types::NodeId;
use crate::wire::ErrorCode;
use crate::wire::elect_leaders_request::ElectLeadersRequest;
use crate::wire::elect_leaders_response::{ElectLeadersResponse, PartitionResult, ReplicaElectionResult};

use super::election::{Election, PartitionChange};
use super::record::MetadataRecord;
use super::state::Topic;
use super::{ApiError, Command, Context, Controller, Decision};

const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

impl Command for ElectLeadersRequest {
    type Response = ElectLeadersResponse;

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<ElectLeadersResponse> {
        let election = match self.election_type {
            PREFERRED => Election::Preferred,
            UNCLEAN => Election::Unclean,
            _ => return Decision::answer(refused(self, ErrorCode::InvalidRequest)),
        };
        let mut records = Vec::new();
        let replica_election_results = match &self.topic_partitions {
            Some(wanted) => {
                let each = wanted.iter().map(|t| {
                    let partitions = t.partitions.iter().map(|p| (*p, elect(controller, cx, &t.topic, *p, election, &mut records)));
                    ReplicaElectionResult { topic: t.topic.clone(), partition_result: partitions.map(shown).collect() }
                });
                each.collect()
            }
            // Of all partitions only those are told of that needed an election.
            None => {
                let needed = |r: &(i32, Result<(), ApiError>)| !matches!(&r.1, Err(e) if e.code == ErrorCode::ElectionNotNeeded);
                let each = controller.state().topics().map(|t| {
                    let all = t.partitions.keys().map(|p| (*p, elect(controller, cx, &t.name, *p, election, &mut records)));
                    ReplicaElectionResult { topic: t.name.to_string(), partition_result: all.filter(needed).map(shown).collect() }
                });
                each.collect()
            }
        };
        Decision { records, response: ElectLeadersResponse { replica_election_results, ..Default::default() } }
    }
}

/// The same error for the request and for everything in it.
pub fn refused(request: &ElectLeadersRequest, code: ErrorCode) -> ElectLeadersResponse {
    let topics = request.topic_partitions.iter().flatten().map(|t| {
        let partitions = t.partitions.iter().map(|p| shown((*p, Err(ApiError::spelled_out(code)))));
        ReplicaElectionResult { topic: t.topic.clone(), partition_result: partitions.collect() }
    });
    ElectLeadersResponse { error_code: code.code(), replica_election_results: topics.collect(), ..Default::default() }
}

fn shown((partition_id, result): (i32, Result<(), ApiError>)) -> PartitionResult {
    let (code, error_message) = match result {
        Ok(()) => (ErrorCode::None, None),
        Err(e) => (e.code, Some(e.message.unwrap_or_else(|| e.code.message().to_string()))),
    };
    PartitionResult { partition_id, error_code: code.code(), error_message }
}

fn elect(
    controller: &Controller,
    cx: &Context<'_>,
    topic: &str,
    number: i32,
    election: Election,
    records: &mut Vec<MetadataRecord>,
) -> Result<(), ApiError> {
    let unknown = |text: String| ApiError::new(ErrorCode::UnknownTopicOrPartition, text);
    let topic: &Topic = controller.state().topic(topic).ok_or_else(|| unknown(format!("No such topic as {topic}")))?;
    let partition = topic.partition(number).ok_or_else(|| unknown(format!("No such partition as {}-{number}", topic.name)))?;
    let (there, missing) = match election {
        Election::Unclean => (partition.has_leader(), ErrorCode::EligibleLeadersNotAvailable),
        _ => (partition.replicas.first() == Some(&partition.leader), ErrorCode::PreferredLeaderNotAvailable),
    };
    if there {
        return Err(ErrorCode::ElectionNotNeeded.into());
    }
    let may_lead = |broker: NodeId| controller.state().is_active(broker);
    let change = PartitionChange {
        partition,
        topic: topic.id,
        number,
        isr: partition.isr.clone(),
        unclean_stop: None,
        may_lead: &may_lead,
        election,
        elr_enabled: controller.elr_enabled(),
        min_isr: controller.min_isr(cx, &topic.name).min(partition.replicas.len()),
    };
    records.push(change.record().ok_or(ApiError::from(missing))?.into());
    Ok(())
}
