//! The picture of the cluster that handlers read: whole, unchanging, replaced as one.
//!
//! A picture shares everything with the one before it that did not change in between, down to the single topic. Whoever holds
//! one reads without a lock for as long as they like.

use std::ops::Deref;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::machine::controller::{ClusterState, ConfigResource, Overrides};
use crate::types::NodeId;

/// The cluster as of one offset of the metadata log. Topics, partitions, brokers, overrides and features are those of
/// [`ClusterState`], whose reading methods it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    pub cluster_id: Arc<str>,
    /// The node that the metadata log calls its leader.
    pub controller: NodeId,
    state: ClusterState,
}

impl Image {
    pub fn new(cluster_id: Arc<str>, controller: NodeId, state: ClusterState) -> Self {
        Image { cluster_id, controller, state }
    }

    pub fn state(&self) -> &ClusterState {
        &self.state
    }

    /// The overrides of a topic; `None` when it has none.
    pub fn topic_overrides(&self, topic: &str) -> Option<&Arc<Overrides>> {
        self.state.config(&ConfigResource::topic(topic))
    }
}

impl Deref for Image {
    type Target = ClusterState;

    fn deref(&self) -> &ClusterState {
        &self.state
    }
}

/// Where the newest picture hangs. Clones show the same one.
#[derive(Clone, Debug)]
pub struct ImageCell(Arc<RwLock<Arc<Image>>>);

impl ImageCell {
    pub fn new(image: Image) -> Self {
        ImageCell(Arc::new(RwLock::new(Arc::new(image))))
    }

    /// The newest picture. Only the pointer is taken under the lock.
    pub fn load(&self) -> Arc<Image> {
        self.0.read().clone()
    }

    /// Replaces the picture for all who load from now on.
    pub fn store(&self, image: Image) {
        *self.0.write() = Arc::new(image);
    }
}
