//! The cluster itself: brokers, controllers, log directories.

use kfk_wire::describe_cluster_request::DescribeClusterRequest;
use kfk_wire::describe_cluster_response::{DescribeClusterBroker, DescribeClusterResponse};
use kfk_wire::describe_log_dirs_request::{DescribableLogDirTopic, DescribeLogDirsRequest};
use kfk_wire::describe_log_dirs_response::DescribeLogDirsResult;
use kfk_wire::unregister_broker_request::UnregisterBrokerRequest;

use super::Admin;
use crate::client::cluster::{BROKERS, CONTROLLERS};
use crate::client::error::{Error, check};
use crate::client::metadata::{self, BrokerNode};

/// The brokers of a cluster, by id; seen by a client of the controllers, these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDescription {
    /// The cluster's own id.
    pub cluster_id: String,
    /// The id of the broker that takes changes of the cluster.
    pub controller: i32,
    /// All that are let in.
    pub brokers: Vec<BrokerNode>,
}

/// A broker or a controller, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Id and address.
    pub node: BrokerNode,
    /// A broker that is not let in, or not any more.
    pub fenced: bool,
}

impl Admin {
    /// Who is in the cluster.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription, Error> {
        let (answer, endpoints) = self.ask_cluster(false).await?;
        let brokers = endpoints.into_iter().map(|e| e.node).collect();
        Ok(ClusterDescription { cluster_id: answer.cluster_id, controller: answer.controller_id, brokers })
    }

    /// The brokers, or the controllers if the client is one of the controllers', by id. `fenced`: also brokers that are not let in.
    pub async fn list_endpoints(&self, fenced: bool) -> Result<Vec<Endpoint>, Error> {
        Ok(self.ask_cluster(fenced).await?.1)
    }

    async fn ask_cluster(&self, fenced: bool) -> Result<(DescribeClusterResponse, Vec<Endpoint>), Error> {
        let endpoint_type = if self.client.config().controllers { CONTROLLERS } else { BROKERS };
        let request = DescribeClusterRequest { endpoint_type, include_fenced_brokers: fenced, ..Default::default() };
        let mut answer = self.retrying("describing the cluster", || async { self.client.call_any(&request).await }).await?;
        check(answer.error_code, answer.error_message.as_deref())?;
        let endpoint =
            |b: DescribeClusterBroker| Endpoint { fenced: b.is_fenced, node: metadata::node(b.broker_id, b.host, b.port, b.rack) };
        let mut all: Vec<Endpoint> = std::mem::take(&mut answer.brokers).into_iter().map(endpoint).collect();
        all.sort_by_key(|e| e.node.id);
        Ok((answer, all))
    }

    /// Takes a broker that is gone for good out of the cluster's metadata.
    pub async fn unregister_broker(&self, id: i32) -> Result<(), Error> {
        let request = UnregisterBrokerRequest { broker_id: id };
        let answer = self.retrying("unregistering a broker", || async { self.client.call_controller(&request).await }).await?;
        check(answer.error_code, answer.error_message.as_deref())
    }

    /// What a broker's log directories hold of `topics` (`None`: of all), sizes in bytes.
    pub async fn describe_log_dirs(&self, node: i32, topics: Option<&[(String, Vec<i32>)]>) -> Result<Vec<DescribeLogDirsResult>, Error> {
        let wanted =
            |(topic, partitions): &(String, Vec<i32>)| DescribableLogDirTopic { topic: topic.clone(), partitions: partitions.clone() };
        let request = DescribeLogDirsRequest { topics: topics.map(|t| t.iter().map(wanted).collect()) };
        let answer = self.retrying("describing log directories", || async { self.client.call_node(node, &request).await }).await?;
        check(answer.error_code, None)?;
        Ok(answer.results)
    }
}
