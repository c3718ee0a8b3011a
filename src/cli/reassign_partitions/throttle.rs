//! Limits for the traffic of a reassignment: settings of the brokers and topics that take part.

use std::collections::{BTreeMap, BTreeSet};

use super::Target;
use crate::cli::error::CliError;
use crate::cli::out::Out;
use crate::client::Admin;
use crate::client::admin::{AlterOp, ConfigChange, ConfigResource, Reassignment};
use crate::types::TopicPartition;

const LEADER_RATE: &str = "leader.replication.throttled.rate";
const FOLLOWER_RATE: &str = "follower.replication.throttled.rate";
const DIRS_RATE: &str = "replica.alter.log.dirs.io.max.bytes.per.second";
const LEADER_REPLICAS: &str = "leader.replication.throttled.replicas";
const FOLLOWER_REPLICAS: &str = "follower.replication.throttled.replicas";

/// From which brokers a partition comes, and to which it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    from: BTreeSet<i32>,
    to: BTreeSet<i32>,
}

/// The ways of what moves already and of what is to move.
pub(super) fn ways(
    ongoing: &BTreeMap<TopicPartition, Reassignment>,
    proposed: &BTreeMap<TopicPartition, Vec<i32>>,
    current: &BTreeMap<TopicPartition, Vec<i32>>,
) -> BTreeMap<TopicPartition, Way> {
    let moving = |r: &Reassignment| {
        let to: BTreeSet<i32> = r.adding.iter().copied().collect();
        Way { from: r.replicas.iter().copied().filter(|id| !to.contains(id)).collect(), to }
    };
    let mut all: BTreeMap<TopicPartition, Way> = ongoing.iter().map(|(tp, r)| (tp.clone(), moving(r))).collect();
    for (tp, replicas) in proposed {
        let now = || current.get(tp).into_iter().flatten().copied().collect();
        let from: BTreeSet<i32> = all.get(tp).map_or_else(now, |way| way.from.clone());
        let to = replicas.iter().copied().filter(|id| !from.contains(id)).collect();
        all.insert(tp.clone(), Way { from, to });
    }
    all
}

/// By topic: `0:1,0:2`, partition and broker.
fn listed(ways: &BTreeMap<TopicPartition, Way>, side: impl Fn(&Way) -> &BTreeSet<i32>) -> BTreeMap<String, String> {
    let mut topics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (tp, way) in ways {
        topics.entry(tp.topic.clone()).or_default().extend(side(way).iter().map(|id| format!("{}:{id}", tp.partition)));
    }
    topics.into_iter().map(|(topic, all)| (topic, all.into_iter().collect::<Vec<_>>().join(","))).collect()
}

fn set(name: &str, value: impl Into<String>) -> ConfigChange {
    ConfigChange { name: name.to_owned(), op: AlterOp::Set, value: Some(value.into()) }
}

fn unset(name: &&str) -> ConfigChange {
    ConfigChange { name: (*name).to_owned(), op: AlterOp::Delete, value: None }
}

async fn alter(admin: &Admin, changes: &[(ConfigResource, Vec<ConfigChange>)]) -> Result<(), CliError> {
    for (_, result) in admin.alter_configs(changes).await? {
        result?;
    }
    Ok(())
}

/// Limits the traffic between brokers, in bytes a second.
pub(super) async fn between_brokers(admin: &Admin, ways: &BTreeMap<TopicPartition, Way>, rate: i64, out: &mut Out) -> Result<(), CliError> {
    let followers = listed(ways, |way| &way.to);
    let topic = |(topic, leaders): (String, String)| {
        let followers = followers.get(&topic).cloned().unwrap_or_default();
        (ConfigResource::topic(&topic), vec![set(LEADER_REPLICAS, leaders), set(FOLLOWER_REPLICAS, followers)])
    };
    let topics: Vec<_> = listed(ways, |way| &way.from).into_iter().map(topic).collect();
    alter(admin, &topics).await?;
    let brokers: BTreeSet<i32> = ways.values().flat_map(|way| way.from.iter().chain(&way.to)).copied().collect();
    let both = || vec![set(LEADER_RATE, rate.to_string()), set(FOLLOWER_RATE, rate.to_string())];
    let brokers: Vec<_> = brokers.into_iter().map(|id| (ConfigResource::broker(id), both())).collect();
    alter(admin, &brokers).await?;
    out.line(format!("The inter-broker throttle limit was set to {rate} B/s"))
}

/// Limits the traffic between the directories of `brokers`.
pub(super) async fn between_dirs(admin: &Admin, brokers: &BTreeSet<i32>, rate: i64, out: &mut Out) -> Result<(), CliError> {
    let brokers: Vec<_> = brokers.iter().map(|id| (ConfigResource::broker(*id), vec![set(DIRS_RATE, rate.to_string())])).collect();
    alter(admin, &brokers).await?;
    out.line(format!("The replica-alter-dir throttle limit was set to {rate} B/s"))
}

/// Takes all limits away: of all brokers, and of the topics of `targets`.
pub(super) async fn clear(admin: &Admin, targets: &[Target], out: &mut Out) -> Result<(), CliError> {
    let mut brokers: BTreeSet<i32> = admin.describe_cluster().await?.brokers.iter().map(|b| b.id).collect();
    brokers.extend(targets.iter().flat_map(|t| &t.replicas));
    let ids: Vec<String> = brokers.iter().map(i32::to_string).collect();
    let s = |count: usize| if count == 1 { "" } else { "s" };
    out.line(format!("Clearing broker-level throttles on broker{} {}", s(ids.len()), ids.join(",")))?;
    let rates = || [LEADER_RATE, FOLLOWER_RATE, DIRS_RATE].iter().map(unset).collect::<Vec<_>>();
    alter(admin, &brokers.iter().map(|id| (ConfigResource::broker(*id), rates())).collect::<Vec<_>>()).await?;
    let topics: BTreeSet<&str> = targets.iter().map(|t| t.partition.topic.as_str()).collect();
    let names: Vec<&str> = topics.iter().copied().collect();
    out.line(format!("Clearing topic-level throttles on topic{} {}", s(names.len()), names.join(",")))?;
    let replicas = || [LEADER_REPLICAS, FOLLOWER_REPLICAS].iter().map(unset).collect::<Vec<_>>();
    alter(admin, &topics.into_iter().map(|t| (ConfigResource::topic(t), replicas())).collect::<Vec<_>>()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_where_replicas_are_and_goals_where_none_is_yet() {
        let (a, b) = (TopicPartition::new("t", 0), TopicPartition::new("t", 1));
        let ongoing = Reassignment { replicas: vec![3, 1, 2], adding: vec![3], removing: vec![2] };
        let ongoing = BTreeMap::from([(a.clone(), ongoing)]);
        let proposed = BTreeMap::from([(a.clone(), vec![4, 1]), (b.clone(), vec![1, 3])]);
        let current = BTreeMap::from([(a, vec![3, 1, 2]), (b, vec![1, 2])]);
        let ways = ways(&ongoing, &proposed, &current);
        assert_eq!(listed(&ways, |w| &w.from), BTreeMap::from([("t".to_owned(), "0:1,0:2,1:1,1:2".to_owned())]));
        assert_eq!(listed(&ways, |w| &w.to), BTreeMap::from([("t".to_owned(), "0:4,1:3".to_owned())]));
    }
}
