//! Metadata: the brokers, and topics with their leaders. Version 10 brought topic ids in the reply, 12 in the request, 13 an error of its own.

use std::collections::BTreeSet;

use super::authorized;
use crate::broker::cluster;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::{ClusterState, Topic};
use crate::wire::metadata_request::MetadataRequest;
use crate::wire::metadata_response::{MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use crate::wire::{ErrorCode, Uuid};

pub fn handle(cx: Cx, request: MetadataRequest) -> Reply<MetadataResponse> {
    let topics = request.topics.as_deref().unwrap_or_default();
    if cx.version < 12 && topics.iter().any(|t| t.name.is_none() || !t.topic_id.is_zero()) {
        return Reply::now(invalid(&request));
    }
    let image = cx.broker.image();
    let all = if cx.version == 0 { topics.is_empty() } else { request.topics.is_none() };
    let missing = if all || topics.iter().any(|t| !t.topic_id.is_zero()) { vec![] } else { missing_names(&image, &request) };
    let may_create = request.allow_auto_topic_creation && cx.broker.config.auto_create_topics_enable;
    if may_create && !missing.is_empty() {
        return Reply::blocking(move || {
            let errors = cx.broker.auto_create(&missing);
            answer(&cx, &image, &request, all, &errors)
        });
    }
    Reply::now(answer(&cx, &image, &request, all, &[]))
}

fn missing_names(image: &ClusterState, request: &MetadataRequest) -> Vec<String> {
    let names: BTreeSet<&str> = request.topics.iter().flatten().filter_map(|t| t.name.as_deref()).collect();
    names.into_iter().filter(|name| image.topic(name).is_none()).map(str::to_string).collect()
}

/// The reply. `refused` are names that could not be created automatically, with the reason.
fn answer(cx: &Cx, image: &ClusterState, request: &MetadataRequest, all: bool, refused: &[(String, ErrorCode)]) -> MetadataResponse {
    let mut topics = Vec::new();
    let by_id = request.topics.iter().flatten().any(|t| !t.topic_id.is_zero());
    if all {
        topics.extend(image.topics().map(|t| describe(cx, image, t)));
    } else if by_id {
        let ids: BTreeSet<Uuid> = request.topics.iter().flatten().map(|t| t.topic_id).filter(|id| !id.is_zero()).collect();
        topics.extend(ids.iter().map(|id| match image.topic_by_id(*id) {
            Some(topic) => describe(cx, image, topic),
            None => MetadataResponseTopic { error_code: ErrorCode::UnknownTopicId.code(), topic_id: *id, ..Default::default() },
        }));
    } else {
        let names: BTreeSet<&str> = request.topics.iter().flatten().filter_map(|t| t.name.as_deref()).collect();
        topics.extend(names.into_iter().map(|name| match image.topic(name) {
            Some(topic) => describe(cx, image, topic),
            None => {
                let told = refused.iter().find(|(n, _)| n == name).map(|(_, code)| *code);
                let code = told.unwrap_or_else(|| cluster::missing_topic(name));
                MetadataResponseTopic {
                    error_code: code.code(),
                    name: Some(name.to_string()),
                    is_internal: cluster::is_internal(name),
                    ..Default::default()
                }
            }
        }));
    }
    if request.include_topic_authorized_operations {
        topics.iter_mut().filter(|t| t.error_code == 0).for_each(|t| t.topic_authorized_operations = authorized::TOPIC);
    }
    MetadataResponse {
        brokers: cluster::endpoints(image, cx)
            .map(|e| MetadataResponseBroker { node_id: e.id, host: e.host, port: e.port, rack: e.rack })
            .collect(),
        cluster_id: Some(cx.broker.cluster_id.clone()),
        controller_id: cluster::some_live_broker(image),
        topics,
        cluster_authorized_operations: if request.include_cluster_authorized_operations { authorized::CLUSTER } else { i32::MIN },
        ..Default::default()
    }
}

fn describe(cx: &Cx, image: &ClusterState, topic: &Topic) -> MetadataResponseTopic {
    let partitions = topic.partitions.iter().map(|(index, p)| {
        let (leader_id, told) = cluster::leader(image, cx, p);
        let unknown_then = told == ErrorCode::ListenerNotFound && cx.version < 6;
        let error = if unknown_then { ErrorCode::LeaderNotAvailable } else { told };
        MetadataResponsePartition {
            error_code: error.code(),
            partition_index: *index,
            leader_id,
            leader_epoch: p.leader_epoch,
            replica_nodes: p.replicas.clone(),
            isr_nodes: p.isr.clone(),
            offline_replicas: cluster::offline(image, cx, &p.replicas),
        }
    });
    MetadataResponseTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id,
        is_internal: cluster::is_internal(&topic.name),
        partitions: partitions.collect(),
        ..Default::default()
    }
}

/// The answer to ids or null names in versions that do not have them.
fn invalid(request: &MetadataRequest) -> MetadataResponse {
    let code = ErrorCode::InvalidRequest.code();
    let topics = request.topics.iter().flatten().map(|t| MetadataResponseTopic {
        error_code: code,
        name: Some(t.name.clone().unwrap_or_default()),
        topic_id: t.topic_id,
        ..Default::default()
    });
    MetadataResponse { topics: topics.collect(), ..Default::default() }
}
