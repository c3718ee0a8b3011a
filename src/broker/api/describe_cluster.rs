//! DescribeCluster: the brokers. Version 1 tells broker from controller listeners, 2 may include fenced brokers.

use super::authorized;
use crate::broker::cluster;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::describe_cluster_request::DescribeClusterRequest;
use crate::wire::describe_cluster_response::{DescribeClusterBroker, DescribeClusterResponse};

/// The endpoint type of brokers; 2 is that of controllers.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub fn handle(cx: Cx, request: DescribeClusterRequest) -> Reply<DescribeClusterResponse> {
    if request.endpoint_type != BROKERS {
        let (code, text) = match request.endpoint_type {
            CONTROLLERS => (
                ErrorCode::MismatchedEndpointType,
                "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER",
            ),
            _ => (ErrorCode::UnsupportedEndpointType, "Unsupported endpoint type"),
        };
        return Reply::now(DescribeClusterResponse {
            error_code: code.code(),
            error_message: Some(text.to_string()),
            endpoint_type: BROKERS,
            ..Default::default()
        });
    }
    let image = cx.broker.image();
    let shown = image.brokers().filter(|b| !b.fenced || request.include_fenced_brokers).filter_map(|b| {
        let (host, port) = cluster::address(b, &cx)?;
        Some(DescribeClusterBroker { broker_id: b.id, host, port, rack: b.rack.clone(), is_fenced: b.fenced })
    });
    Reply::now(DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: cx.broker.cluster_id.clone(),
        controller_id: cluster::some_live_broker(&image),
        brokers: shown.collect(),
        cluster_authorized_operations: if request.include_cluster_authorized_operations { authorized::CLUSTER } else { i32::MIN },
        ..Default::default()
    })
}
