//! The admin client: one function per request, results per item where the protocol has them.
//!
//! Every call tries again on errors that may pass, until `default.api.timeout.ms` is over.

mod acls;
mod cluster;
mod configs;
mod elections;
mod features;
mod groups;
mod offsets;
mod quorum;
mod quotas;
mod reassign;
mod scram;
mod share;
mod tokens;
mod topics;
mod transactions;

pub use acls::{AclBinding, AclFilter};
pub use cluster::{ClusterDescription, Endpoint};
pub use configs::{AlterOp, ConfigChange, ConfigEntry, ConfigResource, ResourceType};
pub use elections::ElectionKind;
pub use features::{Feature, Features, UpdateKind};
pub use groups::{ClassicGroup, ClassicMember, ConsumerGroup, GroupListing, GroupOffset};
pub use offsets::{ListedOffset, OffsetSpec};
pub use quorum::{QuorumDescription, QuorumReplica};
pub use quotas::{QuotaEntity, QuotaMatch};
pub use reassign::{Reassignment, ReplicaPlace};
pub use scram::{ScramChange, ScramCredentials, ScramMechanism};
pub use share::{ShareGroup, ShareGroupMember, ShareGroupOffset};
pub use tokens::{DelegationToken, NewToken, Principal};
pub use topics::{DescribedPartition, DescribedTopic, NewPartitions, NewTopic, TopicListing};
pub use transactions::{OpenTransaction, ProducerState, TransactionDescription, TransactionFilter, TransactionListing};

use kfk_wire::ErrorCode;

use super::cluster::Client;
use super::error::{Error, check};
use crate::config::ClientConfig;

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Admin {
    client: Client,
}

impl Admin {
    /// An admin client of the cluster behind `config.bootstrap_servers`. Connects with the first call.
    pub fn new(config: ClientConfig) -> Admin {
        Admin { client: Client::new(config) }
    }

    /// An admin client on the connections of another client.
    pub fn on(client: Client) -> Admin {
        Admin { client }
    }

    /// For requests that have no function here.
    pub fn client(&self) -> &Client {
        &self.client
    }

    async fn retrying<T, F: Future<Output = Result<T, Error>>>(&self, what: &str, attempt: impl FnMut() -> F) -> Result<T, Error> {
        self.client.retrying(what, self.client.api_timeout(), attempt).await
    }

    /// The error of an answer in which everything failed because it was not the controller that was asked: worth another attempt.
    async fn not_controller(&self, mut codes: impl ExactSizeIterator<Item = i16>) -> Result<(), Error> {
        let code = ErrorCode::NotController.code();
        if codes.len() > 0 && codes.all(|c| c == code) {
            self.client.refresh(&[]).await?;
            return check(code, None);
        }
        Ok(())
    }

    /// The `timeout_ms` of requests that have one.
    fn timeout_ms(&self) -> i32 {
        i32::try_from(self.client.config().request_timeout_ms).unwrap_or(i32::MAX)
    }
}
