//! Everything that clients can see of a broker, as lines of text.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use kfk::record::batches;
use kfk::types::Uuid;
use kfk::wire::api_versions_request::ApiVersionsRequest;
use kfk::wire::describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource};
use kfk::wire::describe_groups_request::DescribeGroupsRequest;
use kfk::wire::describe_producers_request::{DescribeProducersRequest, TopicRequest};
use kfk::wire::describe_transactions_request::DescribeTransactionsRequest;
use kfk::wire::fetch_request::FetchRequest;
use kfk::wire::find_coordinator_request::FindCoordinatorRequest;
use kfk::wire::list_groups_request::ListGroupsRequest;
use kfk::wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use kfk::wire::list_transactions_request::ListTransactionsRequest;
use kfk::wire::metadata_request::MetadataRequest;
use kfk::wire::metadata_response::MetadataResponse;
use kfk::wire::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup};
use kfk::wire::offset_for_leader_epoch_request::{OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic};

use crate::common::Client;
use crate::common::records::{fetch_request, only_partition};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const GROUP: i8 = 32;
/// Sources of settings: set for a topic, a broker, all brokers; a group.
const DYNAMIC: [i8; 4] = [1, 2, 3, 8];

/// What stands on a broker, one fact a line, sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dump {
    lines: Vec<String>,
}

impl Dump {
    fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    /// Fails with what is in one and not in the other.
    pub fn must_equal(&self, before: &Dump, when: &str) {
        if self == before {
            return;
        }
        let (a, b): (BTreeSet<_>, BTreeSet<_>) = (before.lines.iter().collect(), self.lines.iter().collect());
        let mut text = format!("{when}: clients see something else\n");
        a.difference(&b).take(40).for_each(|l| _ = writeln!(text, "  before  {l}"));
        b.difference(&a).take(40).for_each(|l| _ = writeln!(text, "  now     {l}"));
        panic!("{text}");
    }
}

/// Asks for everything, until all answers are there: at first partitions may have no leader, lose it once more when the broker that was
/// killed is found to be gone, and coordinators load.
pub fn dump(addr: SocketAddr) -> Dump {
    let begun = Instant::now();
    loop {
        match is_ready(addr).and_then(|()| try_dump(addr)) {
            Ok(dump) => return dump,
            Err(why) => assert!(begun.elapsed() < Duration::from_secs(60), "not ready: {why}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn ok(code: i16, of: impl std::fmt::Debug) -> Result<(), String> {
    if code == 0 { Ok(()) } else { Err(format!("error {code}: {of:?}")) }
}

fn is_ready(addr: SocketAddr) -> Result<(), String> {
    let mut client = Client::connect(addr);
    let metadata = all_topics(&mut client);
    if metadata.brokers.is_empty() {
        return Err("no broker is registered".into());
    }
    for topic in &metadata.topics {
        if topic.error_code != 0 || topic.partitions.iter().any(|p| p.leader_id < 0 || p.error_code != 0) {
            return Err(format!("{topic:?}"));
        }
        let name = topic.name.as_deref().unwrap();
        for p in &topic.partitions {
            let data = only_partition(client.call(12, &fetch_request(name, p.partition_index, 0)));
            // Out of range: the log starts later.
            if ![0, 1].contains(&data.error_code) {
                return Err(format!("{name}-{}: error {}", p.partition_index, data.error_code));
            }
        }
    }
    for key_type in [0, 1] {
        let request = FindCoordinatorRequest { key_type, coordinator_keys: vec!["x".into()], ..Default::default() };
        let found = client.call(6, &request).coordinators.remove(0);
        if found.error_code != 0 {
            return Err(format!("{found:?}"));
        }
    }
    let groups = client.call(5, &ListGroupsRequest::default());
    let transactions = client.call(1, &list_transactions());
    match (groups.error_code, transactions.error_code) {
        (0, 0) => Ok(()),
        other => Err(format!("coordinators answer {other:?}")),
    }
}

fn list_transactions() -> ListTransactionsRequest {
    ListTransactionsRequest { duration_filter: -1, ..Default::default() }
}

pub fn all_topics(client: &mut Client) -> MetadataResponse {
    client.call(12, &MetadataRequest { topics: None, ..Default::default() })
}

fn try_dump(addr: SocketAddr) -> Result<Dump, String> {
    let mut client = Client::connect(addr);
    let mut dump = Dump::default();
    let metadata = all_topics(&mut client);
    let ids: Vec<i32> = metadata.brokers.iter().map(|b| b.node_id).collect();
    dump.line(format!("cluster {:?} of brokers {ids:?}", metadata.cluster_id));
    features(&mut client, &mut dump);
    let mut topics: Vec<(String, Uuid, Vec<i32>)> = Vec::new();
    for topic in &metadata.topics {
        let name = topic.name.clone().unwrap();
        let mut partitions: Vec<_> =
            topic.partitions.iter().map(|p| (p.partition_index, p.leader_id, p.replica_nodes.clone(), p.isr_nodes.clone())).collect();
        partitions.sort();
        dump.line(format!("topic {name} {} internal={} {partitions:?}", topic.topic_id, topic.is_internal));
        topics.push((name, topic.topic_id, partitions.iter().map(|p| p.0).collect()));
    }
    topics.sort();
    settings(&mut client, &mut dump, &topics)?;
    for (name, _, partitions) in &topics {
        for partition in partitions {
            log(&mut client, &mut dump, name, *partition)?;
        }
    }
    groups(&mut client, &mut dump)?;
    transactions(&mut client, &mut dump)?;
    // Brokers list topics and the like in no particular order.
    dump.lines.sort();
    Ok(dump)
}

fn features(client: &mut Client, dump: &mut Dump) {
    let request = ApiVersionsRequest { client_software_name: "test".into(), client_software_version: "1".into() };
    let mut features: Vec<_> =
        client.call(4, &request).finalized_features.into_iter().map(|f| (f.name, f.min_version_level, f.max_version_level)).collect();
    features.sort();
    features.into_iter().for_each(|f| dump.line(format!("feature {f:?}")));
}

/// All settings of topics, and those of brokers and groups that were set at run time.
fn settings(client: &mut Client, dump: &mut Dump, topics: &[(String, Uuid, Vec<i32>)]) -> Result<(), String> {
    let topics = topics.iter().map(|(name, ..)| (TOPIC, name.as_str()));
    for (kind, name) in topics.chain([(BROKER, "1"), (BROKER, ""), (GROUP, "classic"), (GROUP, "set-before-use")]) {
        let resource = DescribeConfigsResource { resource_type: kind, resource_name: name.into(), ..Default::default() };
        let request = DescribeConfigsRequest { resources: vec![resource], include_synonyms: true, ..Default::default() };
        let result = client.call(4, &request).results.remove(0);
        ok(result.error_code, &result.error_message)?;
        let mut lines: Vec<String> = Vec::new();
        for c in &result.configs {
            if kind != TOPIC && !DYNAMIC.contains(&c.config_source) {
                continue;
            }
            let synonyms: Vec<_> = c.synonyms.iter().map(|s| (&s.name, &s.value, s.source)).collect();
            lines.push(format!("setting {kind} {name:?} {}={:?} from {} after {synonyms:?}", c.name, c.value, c.config_source));
        }
        dump.lines.extend(lines);
    }
    Ok(())
}

/// Offsets, records, producers and epochs of one partition.
fn log(client: &mut Client, dump: &mut Dump, topic: &str, partition: i32) -> Result<(), String> {
    let at = format!("{topic}-{partition}");
    let mut start = 0;
    // Latest, earliest, largest timestamp, earliest on this broker; latest of committed transactions.
    for (timestamp, isolation_level) in [(-1, 0), (-2, 0), (-3, 0), (-4, 0), (-1, 1)] {
        let partitions = vec![ListOffsetsPartition { partition_index: partition, timestamp, ..Default::default() }];
        let topics = vec![ListOffsetsTopic { name: topic.into(), partitions }];
        let request = ListOffsetsRequest { replica_id: -1, isolation_level, topics, ..Default::default() };
        let p = client.call(10, &request).topics.remove(0).partitions.remove(0);
        ok(p.error_code, &at)?;
        dump.line(format!("offset {at} at {timestamp}/{isolation_level}: {} {}", p.timestamp, p.offset));
        if timestamp == -2 {
            start = p.offset;
        }
    }
    let epochs = records(client, dump, topic, partition, start)?;
    for epoch in epochs {
        let partitions = vec![OffsetForLeaderPartition { partition, current_leader_epoch: -1, leader_epoch: epoch }];
        let request =
            OffsetForLeaderEpochRequest { replica_id: -1, topics: vec![OffsetForLeaderTopic { topic: topic.into(), partitions }] };
        let p = client.call(4, &request).topics.remove(0).partitions.remove(0);
        ok(p.error_code, &at)?;
        dump.line(format!("epoch {at} {epoch}: {} {}", p.leader_epoch, p.end_offset));
    }
    let request = DescribeProducersRequest { topics: vec![TopicRequest { name: topic.into(), partition_indexes: vec![partition] }] };
    let p = client.call(0, &request).topics.remove(0).partitions.remove(0);
    ok(p.error_code, &p)?;
    dump.lines.extend(p.active_producers.iter().map(|p| format!("producer of {at} {p:?}")));
    Ok(())
}

/// Every batch and record; gives the leader epochs on them.
fn records(client: &mut Client, dump: &mut Dump, topic: &str, partition: i32, start: i64) -> Result<BTreeSet<i32>, String> {
    let (at, mut offset) = (format!("{topic}-{partition}"), start);
    let mut epochs = BTreeSet::new();
    let mut aborted = BTreeSet::new();
    loop {
        let request = FetchRequest { isolation_level: 1, ..fetch_request(topic, partition, offset) };
        let stable = only_partition(client.call(12, &request));
        aborted.extend(stable.aborted_transactions.into_iter().flatten().map(|a| (a.first_offset, a.producer_id)));
        let data = only_partition(client.call(12, &fetch_request(topic, partition, offset)));
        ok(stable.error_code.max(data.error_code), (&at, offset))?;
        if offset == start {
            let (high, stable, start) = (data.high_watermark, stable.last_stable_offset, data.log_start_offset);
            dump.line(format!("bounds {at} start {start} stable {stable} high {high}"));
        }
        let before = offset;
        let bytes = data.records.as_ref().and_then(|r| r.as_bytes()).cloned().unwrap_or_default();
        for view in batches(&bytes) {
            // The last one may be cut by the limit.
            let Ok(view) = view else { break };
            view.check_crc().unwrap();
            let h = view.header;
            epochs.insert(h.partition_leader_epoch);
            dump.line(format!("batch {at} {h:?}"));
            let unpacked = view.data(1 << 24).unwrap();
            for r in unpacked.iter().map(Result::unwrap) {
                let headers: Vec<_> = r.headers().map(|h| (short(Some(h.key)), short(h.value))).collect();
                dump.line(format!("record {at} {} {} {} {} {headers:?}", r.offset, r.timestamp, short(r.key), short(r.value)));
            }
            offset = h.next_offset();
        }
        if offset >= data.high_watermark || offset == before {
            break;
        }
    }
    aborted.into_iter().for_each(|(first, producer)| dump.line(format!("aborted {at} from {first} by {producer}")));
    Ok(epochs)
}

fn short(bytes: Option<&[u8]>) -> String {
    match bytes {
        None => "-".into(),
        Some(b) if b.len() <= 60 => format!("{:?}", b.escape_ascii().to_string()),
        Some(b) => format!("{} bytes, crc {:08x}", b.len(), crc(b)),
    }
}

/// FNV-1a: only to tell one long value from another.
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, b| (hash ^ u32::from(*b)).wrapping_mul(16_777_619))
}

fn groups(client: &mut Client, dump: &mut Dump) -> Result<(), String> {
    let listed = client.call(5, &ListGroupsRequest::default());
    ok(listed.error_code, "groups")?;
    for group in listed.groups {
        dump.line(format!("group {group:?}"));
        let request = DescribeGroupsRequest { groups: vec![group.group_id.clone()], ..Default::default() };
        let described = client.call(6, &request).groups.remove(0);
        let (state, kind, protocol) = (&described.group_state, &described.protocol_type, &described.protocol_data);
        dump.line(format!("described {} {state} {kind} {protocol:?} {} members", group.group_id, described.members.len()));
        let asked = OffsetFetchRequestGroup { group_id: group.group_id.clone(), topics: None, member_epoch: -1, ..Default::default() };
        let answered = client.call(9, &OffsetFetchRequest { groups: vec![asked], ..Default::default() }).groups.remove(0);
        ok(answered.error_code, &answered.group_id)?;
        for topic in &answered.topics {
            for p in &topic.partitions {
                dump.line(format!("committed {} {} {p:?}", group.group_id, topic.name));
            }
        }
    }
    Ok(())
}

fn transactions(client: &mut Client, dump: &mut Dump) -> Result<(), String> {
    let listed = client.call(1, &list_transactions());
    ok(listed.error_code, "transactions")?;
    for listed in listed.transaction_states {
        dump.line(format!("transaction {listed:?}"));
        let request = DescribeTransactionsRequest { transactional_ids: vec![listed.transactional_id] };
        let mut described = client.call(0, &request).transaction_states.remove(0);
        described.topics.sort_by(|a, b| a.topic.cmp(&b.topic));
        described.topics.iter_mut().for_each(|t| t.partitions.sort_unstable());
        ok(described.error_code, &described)?;
        dump.line(format!("described {described:?}"));
    }
    Ok(())
}
