//! Share groups (KIP-932) as this broker serves them.
//!
//! `coordinator.rs` keeps what became of records; `led.rs` has the partitions that this broker leads, as each group consumes them;
//! `groups.rs` brings members of groups and states of partitions together; `look.rs` is one look for records on behalf of a fetch.

mod coordinator;
mod groups;
mod led;
mod look;
mod settings;

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use self::led::Parts;
pub use self::led::keep_time;
pub use self::look::{Look, LookFor, key_of};
use super::shards::Shards;
use crate::config::{BrokerConfig, ShareGroupSettings};
use crate::machine::controller::ClusterState;
use crate::machine::share::session::ShareSessions;
use crate::machine::share::state::ShareShard;

/// The feature that turns share groups on.
const SHARE_VERSION: &str = "share.version";

/// Whether there are share groups in this cluster.
pub fn is_served(image: &ClusterState) -> bool {
    image.feature(SHARE_VERSION) >= 1
}

/// All of share groups that is not membership.
pub struct Share {
    pub settings: ShareGroupSettings,
    pub shards: Shards<ShareShard>,
    pub sessions: Mutex<ShareSessions>,
    parts: Parts,
}

impl Share {
    pub fn new(config: &BrokerConfig) -> Self {
        let settings = config.group_share.clone();
        Share {
            shards: Shards::new(u64::try_from(settings.write_timeout_ms).unwrap_or(0)),
            sessions: Mutex::new(ShareSessions::new(usize::try_from(settings.max_share_sessions).unwrap_or(0))),
            parts: Parts::default(),
            settings,
        }
    }
}

/// A number for every connection, which share sessions belong to.
pub fn next_connection() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n13_a_cluster_without_the_feature_has_no_share_groups() {
        assert!(!is_served(&ClusterState::new()));
    }
}
