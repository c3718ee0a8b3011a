//! ListConfigResources: what has, or could have, settings. Version 0 (by its old name) knew subscriptions to client metrics only.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::{ClusterState, ResourceKind};
use crate::wire::ErrorCode;
use crate::wire::list_config_resources_request::ListConfigResourcesRequest;
use crate::wire::list_config_resources_response::{ConfigResource, ListConfigResourcesResponse};

const ALL: [ResourceKind; 5] =
    [ResourceKind::Topic, ResourceKind::Broker, ResourceKind::BrokerLogger, ResourceKind::ClientMetrics, ResourceKind::Group];

pub fn handle(cx: Cx, request: ListConfigResourcesRequest) -> Reply<ListConfigResourcesResponse> {
    let mut kinds: Vec<ResourceKind> = match (cx.version, request.resource_types.as_slice()) {
        (0, _) => vec![ResourceKind::ClientMetrics],
        (_, []) => ALL.to_vec(),
        (_, asked) => asked.iter().map(|id| ResourceKind::from_id(*id)).collect(),
    };
    if kinds.iter().any(|kind| !ALL.contains(kind)) {
        let error_code = ErrorCode::UnsupportedVersion.code();
        return Reply::now(ListConfigResourcesResponse { error_code, ..Default::default() });
    }
    kinds.sort_unstable();
    kinds.dedup();
    let image = cx.broker.image();
    let named = |kind: ResourceKind| {
        let resource = move |resource_name| ConfigResource { resource_name, resource_type: kind.id() };
        names(&image, kind).into_iter().map(resource)
    };
    Reply::now(ListConfigResourcesResponse { config_resources: kinds.into_iter().flat_map(named).collect(), ..Default::default() })
}

/// Topics and brokers are there whether they have settings of their own or not; the others only with some.
fn names(image: &ClusterState, kind: ResourceKind) -> Vec<String> {
    match kind {
        ResourceKind::Topic => image.topics().map(|topic| topic.name.to_string()).collect(),
        ResourceKind::Broker | ResourceKind::BrokerLogger => image.brokers().map(|broker| broker.id.to_string()).collect(),
        _ => image.configs().filter(|(resource, _)| resource.kind == kind).map(|(resource, _)| resource.name.clone()).collect(),
    }
}
