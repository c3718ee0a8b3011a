//! The page of one scrape: counters as they are, gauges looked up for the occasion.

use std::collections::BTreeMap;

use super::process;
use super::text::{Kind, Text};
use super::traffic::Counts;
use crate::broker::Broker;
use crate::machine::controller::{ClusterState, Partition};

/// Name of a counter of [`Counts`], and where it lies.
type Column = (&'static str, fn(&Counts) -> u64);

const TRAFFIC: [Column; 7] = [
    ("kafka_server_brokertopicmetrics_messagesin_total", |c| c.messages_in),
    ("kafka_server_brokertopicmetrics_bytesin_total", |c| c.bytes_in),
    ("kafka_server_brokertopicmetrics_bytesout_total", |c| c.bytes_out),
    ("kafka_server_brokertopicmetrics_totalproducerequests_total", |c| c.produces),
    ("kafka_server_brokertopicmetrics_failedproducerequests_total", |c| c.failed_produces),
    ("kafka_server_brokertopicmetrics_totalfetchrequests_total", |c| c.fetches),
    ("kafka_server_brokertopicmetrics_failedfetchrequests_total", |c| c.failed_fetches),
];
const QUANTILES: [(&str, f64); 6] = [("0.50", 0.5), ("0.75", 0.75), ("0.95", 0.95), ("0.98", 0.98), ("0.99", 0.99), ("0.999", 0.999)];

/// Looks at every open partition under its lock: may block for a moment.
pub fn page(broker: &Broker) -> String {
    let mut text = Text::default();
    traffic(broker, &mut text);
    requests(broker, &mut text);
    cluster(broker, &mut text);
    logs(broker, &mut text);
    process::write(&mut text);
    text.sample(Kind::Gauge, "kfk_uptime_seconds", &[], broker.metrics.started.elapsed().as_secs_f64());
    text.gauge("kfk_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.into_page()
}

/// Without a label: all topics. With one: a topic, since the broker's start.
fn traffic(broker: &Broker, text: &mut Text) {
    let mut topics: BTreeMap<String, Counts> = BTreeMap::new();
    for hosted in broker.partitions.all() {
        *topics.entry(hosted.topic().to_string()).or_default() += hosted.traffic.counts();
    }
    topics.retain(|_, counts| *counts != Counts::default());
    let all = broker.metrics.traffic.counts();
    for (name, of) in TRAFFIC {
        text.counter(name, &[], of(&all));
        for (topic, counts) in &topics {
            text.counter(name, &[("topic", topic)], of(counts));
        }
    }
}

fn requests(broker: &Broker, text: &mut Text) {
    let kinds = broker.metrics.requests.kinds();
    for kind in &kinds {
        for (version, count) in kind.counts() {
            let labels = [("request", kind.key.to_string()), ("version", version.to_string())];
            let labels = [(labels[0].0, &*labels[0].1), (labels[1].0, &*labels[1].1)];
            text.counter("kafka_network_requestmetrics_requests_total", &labels, count);
        }
    }
    for kind in &kinds {
        let total = kind.counts().iter().map(|(_, count)| count).sum();
        text.counter("kafka_network_requestmetrics_totaltimems_count", &[("request", &kind.key.to_string())], total);
    }
    for kind in &kinds {
        let Some(took) = kind.percentiles(QUANTILES.map(|(_, part)| part)) else { continue };
        for ((quantile, _), ms) in QUANTILES.iter().zip(took) {
            let labels = [("request", &*kind.key.to_string()), ("quantile", *quantile)];
            text.sample(Kind::Gauge, "kafka_network_requestmetrics_totaltimems", &labels, ms);
        }
    }
}

fn cluster(broker: &Broker, text: &mut Text) {
    let image = broker.image();
    let all = || partitions(&image).map(|(_, _, p)| p);
    let count = |n: usize| n as u64;
    let mine = |p: &&Partition| p.replicas.contains(&broker.node_id);
    text.gauge("kafka_controller_kafkacontroller_activecontrollercount", &[], 1);
    text.gauge("kafka_controller_kafkacontroller_activebrokercount", &[], count(image.brokers().filter(|b| !b.fenced).count()));
    text.gauge("kafka_controller_kafkacontroller_fencedbrokercount", &[], count(image.brokers().filter(|b| b.fenced).count()));
    text.gauge("kafka_controller_kafkacontroller_globaltopiccount", &[], count(image.topic_count()));
    text.gauge("kafka_controller_kafkacontroller_globalpartitioncount", &[], count(all().count()));
    text.gauge("kafka_controller_kafkacontroller_offlinepartitionscount", &[], count(all().filter(|p| !p.has_leader()).count()));
    text.gauge("kafka_server_replicamanager_partitioncount", &[], count(all().filter(mine).count()));
    text.gauge("kafka_server_replicamanager_leadercount", &[], count(all().filter(|p| p.leader == broker.node_id).count()));
    let under = all().filter(|p| p.leader == broker.node_id && p.isr.len() < p.replicas.len()).count();
    text.gauge("kafka_server_replicamanager_underreplicatedpartitions", &[], count(under));
    let mut offline = 0;
    for hosted in broker.partitions.all() {
        offline += u64::from(hosted.if_open(|p| !p.log().is_online()).unwrap_or(false));
    }
    text.gauge("kafka_server_replicamanager_offlinereplicacount", &[], offline);
    text.gauge("kafka_server_socketserver_connections", &[], count(broker.limits.open()));
}

fn partitions(image: &ClusterState) -> impl Iterator<Item = (&str, i32, &Partition)> {
    image.topics().flat_map(|t| (0..t.partition_count()).filter_map(|n| Some((&*t.name, n, t.partition(n)?))))
}

/// Of the partitions that are open: those that somebody asked for since the start.
fn logs(broker: &Broker, text: &mut Text) {
    let mut open: Vec<(String, String, [u64; 4])> = Vec::new();
    for hosted in broker.partitions.all() {
        let offset = |o: i64| u64::try_from(o).unwrap_or(0);
        let figures = hosted.if_open(|p| {
            let log = p.log();
            [log.size(), log.segment_count() as u64, offset(log.start_offset()), offset(log.end_offset())]
        });
        open.extend(figures.map(|figures| (hosted.topic().to_string(), hosted.index().to_string(), figures)));
    }
    open.sort();
    let names = ["kafka_log_log_size", "kafka_log_log_numlogsegments", "kafka_log_log_logstartoffset", "kafka_log_log_logendoffset"];
    for (at, name) in names.into_iter().enumerate() {
        for (topic, partition, figures) in &open {
            text.gauge(name, &[("topic", topic), ("partition", partition)], figures[at]);
        }
    }
}
