//! What the broker counts of its own work, and how others get to see it: Prometheus text under the names that the usual rules for Kafka's
//! JMX beans produce (`kafka_server_brokertopicmetrics_messagesin_total`, ...), so that dashboards made for Kafka show a kfk.

mod http;
mod page;
mod process;
mod requests;
mod text;
mod traffic;

pub use http::run;
pub use requests::Requests;
pub use traffic::Traffic;

use std::time::Instant;

/// The counters of one broker.
pub struct Metrics {
    /// Of all topics, those included that are deleted meanwhile.
    pub traffic: Traffic,
    pub requests: Requests,
    started: Instant,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics { traffic: Traffic::default(), requests: Requests::default(), started: Instant::now() }
    }
}
