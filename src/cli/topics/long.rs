//! `--list --long`: how big topics are, and who reads them.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::consumer_groups::group;
use crate::cli::error::CliError;
use crate::cli::failure::java_class;
use crate::cli::out::facts::{Column, Facts, number, row, text};
use crate::client::admin::{Admin, DescribedTopic, GroupListing, OffsetSpec, TopicListing};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

const COLUMNS: &[Column] = &[
    text("topic"),
    number("partitions"),
    number("replication_factor"),
    number("records"),
    number("bytes"),
    text("groups"),
    text("internal").detail(),
    text("topic_id").detail(),
];

/// Asks for everything that the topics' own listing does not tell.
pub(super) async fn facts(admin: &Admin, topics: &[TopicListing]) -> Result<Facts, CliError> {
    let names: Vec<&str> = topics.iter().map(|t| t.name.as_str()).collect();
    let mut described = Vec::new();
    for (_, result) in if names.is_empty() { Vec::new() } else { admin.describe_topics(&names).await? } {
        match result {
            Ok(topic) => described.push(topic),
            // Deleted in the meantime.
            Err(e) if e.code() == Some(ErrorCode::UnknownTopicOrPartition) => {}
            Err(e) => return Err(e.into()),
        }
    }
    let partitions: Vec<TopicPartition> =
        described.iter().flat_map(|t| t.partitions.iter().map(|p| TopicPartition::new(&t.name, p.partition))).collect();
    let (first, last) = (offsets(admin, &partitions, OffsetSpec::Earliest).await?, offsets(admin, &partitions, OffsetSpec::Latest).await?);
    let sizes = sizes(admin, &described).await?;
    let readers = readers(admin).await?;
    let row = |t: &DescribedTopic| {
        let all = || t.partitions.iter().map(|p| TopicPartition::new(&t.name, p.partition));
        // Of a topic one of whose partitions does not tell nobody knows the sum.
        let records: Option<i64> = all().map(|tp| Some(last.get(&tp)? - first.get(&tp)?)).sum();
        let bytes: Option<i64> = all().map(|tp| sizes.get(&tp).copied()).sum();
        let groups: Vec<&str> = readers.get(&t.name).into_iter().flatten().map(String::as_str).collect();
        let factor = t.partitions.first().map_or(0, |p| p.replicas.len());
        row![&t.name, t.partitions.len(), factor, records, bytes, groups, t.is_internal, t.id.to_string()]
    };
    Ok(Facts::new(COLUMNS, described.iter().map(row)))
}

/// Offsets, as far as leaders tell.
async fn offsets(admin: &Admin, partitions: &[TopicPartition], spec: OffsetSpec) -> Result<BTreeMap<TopicPartition, i64>, CliError> {
    let wanted = partitions.iter().map(|tp| (tp.clone(), spec)).collect();
    let found = admin.list_offsets(&wanted, false).await?;
    Ok(found.into_iter().filter_map(|(tp, result)| Some((tp, result.ok()?.offset))).filter(|(_, offset)| *offset >= 0).collect())
}

/// What the leaders' copies take on their disks.
async fn sizes(admin: &Admin, topics: &[DescribedTopic]) -> Result<BTreeMap<TopicPartition, i64>, CliError> {
    let mut led: BTreeMap<i32, Vec<(String, Vec<i32>)>> = BTreeMap::new();
    for topic in topics {
        let mut by_leader: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        topic.partitions.iter().filter(|p| p.leader >= 0).for_each(|p| by_leader.entry(p.leader).or_default().push(p.partition));
        by_leader.into_iter().for_each(|(leader, own)| led.entry(leader).or_default().push((topic.name.clone(), own)));
    }
    let mut all = BTreeMap::new();
    for (leader, wanted) in led {
        for dir in admin.describe_log_dirs(leader, Some(&wanted)).await? {
            for topic in dir.topics {
                let current = topic.partitions.iter().filter(|p| !p.is_future_key);
                all.extend(current.map(|p| (TopicPartition::new(&topic.name, p.partition_index), p.partition_size)));
            }
        }
    }
    Ok(all)
}

/// The groups that have been somewhere in a topic, or are about to be there; by topic.
async fn readers(admin: &Admin) -> Result<BTreeMap<String, BTreeSet<String>>, CliError> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for group in admin.list_groups(&[], &[]).await? {
        for topic in read_by(admin, &group).await? {
            all.entry(topic).or_default().insert(group.group.clone());
        }
    }
    Ok(all)
}

async fn read_by(admin: &Admin, listed: &GroupListing) -> Result<BTreeSet<String>, CliError> {
    let id = listed.group.as_str();
    if listed.kind.eq_ignore_ascii_case("share") {
        let begun = unless_gone(admin.share_group_offsets(id, None).await.map_err(CliError::from))?;
        let found = unless_gone(admin.describe_share_group(id).await.map_err(CliError::from))?;
        let assigned = found.into_iter().flat_map(|g| g.members).flat_map(|m| m.assignment.topic_partitions).map(|t| t.topic_name);
        return Ok(begun.into_iter().flatten().map(|(tp, _)| tp.topic).chain(assigned).collect());
    }
    let committed = unless_gone(admin.group_offsets(id, None).await.map_err(CliError::from))?;
    let mut topics: BTreeSet<String> =
        committed.into_iter().flatten().filter(|(_, offset)| offset.is_ok()).map(|(tp, _)| tp.topic).collect();
    // Others (Connect, streams) have members too, but only they know what of.
    if matches!(listed.protocol_type.as_str(), "" | "consumer") {
        let found = unless_gone(group::describe(admin, id).await)?;
        topics.extend(found.into_iter().flat_map(|g| g.members).flat_map(|m| m.partitions).map(|tp| tp.topic));
    }
    Ok(topics)
}

/// `None` if the group went while we asked.
fn unless_gone<T>(found: Result<T, CliError>) -> Result<Option<T>, CliError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.java.class == java_class(ErrorCode::GroupIdNotFound) => Ok(None),
        Err(e) => Err(e),
    }
}
