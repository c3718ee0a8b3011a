//! The cluster itself: brokers, controller, log directories.

use kfk_wire::describe_cluster_request::DescribeClusterRequest;
use kfk_wire::describe_log_dirs_request::{DescribableLogDirTopic, DescribeLogDirsRequest};
use kfk_wire::describe_log_dirs_response::DescribeLogDirsResult;

use super::Admin;
use crate::client::cluster::{BROKERS, CONTROLLERS};
use crate::client::error::{Error, check};
use crate::client::metadata::BrokerNode;

/// The brokers of a cluster, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDescription {
    /// The cluster's own id.
    pub cluster_id: String,
    /// The id of the broker that takes changes of the cluster.
    pub controller: i32,
    /// All that are let in.
    pub brokers: Vec<BrokerNode>,
}

impl Admin {
    /// Who is in the cluster.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription, Error> {
        let endpoint_type = if self.client.config().controllers { CONTROLLERS } else { BROKERS };
        let request = DescribeClusterRequest { endpoint_type, ..Default::default() };
        let answer = self.retrying("describing the cluster", || async { self.client.call_any(&request).await }).await?;
        check(answer.error_code, answer.error_message.as_deref())?;
        let broker = |b: kfk_wire::describe_cluster_response::DescribeClusterBroker| BrokerNode {
            id: b.broker_id,
            host: b.host,
            port: u16::try_from(b.port).unwrap_or(0),
            rack: b.rack,
        };
        let mut brokers: Vec<BrokerNode> = answer.brokers.into_iter().map(broker).collect();
        brokers.sort_by_key(|b| b.id);
        Ok(ClusterDescription { cluster_id: answer.cluster_id, controller: answer.controller_id, brokers })
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
