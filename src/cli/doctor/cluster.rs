//! The cluster behind the addresses: one and the same, its brokers, their versions, its clock, its partitions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::address::Seen;
use super::advertised::{self, client, cluster_at};
use super::{Check, PATIENCE, Status};
use crate::cli::connect::Properties;
use crate::client::probe::Greeting;
use crate::client::{Admin, BrokerNode, Client, Metadata};
use crate::wire::fetch_request::FetchRequest;
use crate::wire::list_offsets_request::ListOffsetsRequest;
use crate::wire::metadata_request::MetadataRequest;
use crate::wire::produce_request::ProduceRequest;
use crate::wire::{ApiKey, Message, Request};

/// Clocks that differ by less need no word.
const CLOCKS_AGREE: Duration = Duration::from_secs(1);
/// Brokers refuse records from the future beyond this (log.message.timestamp.after.max.ms).
const REFUSED_AHEAD: Duration = Duration::from_secs(3600);
/// Partitions named in a line.
const MOST_NAMED: usize = 3;

/// Goes on with the addresses at which a broker answered.
pub async fn examine(usable: &[&Seen], properties: &Properties) -> Vec<Check> {
    let first = &usable[0].address;
    let Some(client) = client(first, properties) else { return Vec::new() };
    let metadata = match client.refresh_all().await {
        Ok(metadata) => metadata,
        Err(e) => return vec![Check::new(Status::Fail, "cluster", first, format!("it does not tell of its cluster: {e}"))],
    };
    let mut checks = vec![cluster(first, &metadata)];
    for other in &usable[1..] {
        let theirs = cluster_at(&other.address, properties).await;
        if theirs.is_some() && theirs != metadata.cluster_id {
            let what = format!("another cluster than that of {first} answers ({})", theirs.unwrap_or_default());
            let hint = "all addresses of --bootstrap-server must be of one cluster";
            checks.push(Check::new(Status::Fail, "cluster", &other.address, what).hint(hint));
        }
    }
    let brokers: Vec<BrokerNode> = metadata.brokers.values().cloned().collect();
    let (advertised, greetings) =
        advertised::examine(&brokers, usable, metadata.cluster_id.as_deref(), properties, &client.config().security).await;
    checks.extend(advertised);
    checks.push(versions(&greetings));
    checks.push(clock(&client).await);
    checks.push(partitions(&metadata));
    checks
}

fn cluster(asked: &str, metadata: &Metadata) -> Check {
    let id = metadata.cluster_id.as_deref().unwrap_or("without an id");
    let brokers = match metadata.brokers.len() {
        1 => "1 broker".to_owned(),
        n => format!("{n} brokers"),
    };
    if metadata.brokers.is_empty() {
        return Check::new(Status::Fail, "cluster", asked, format!("{id}, and no broker is alive")).hint("look into the brokers' logs");
    }
    if metadata.controller < 0 {
        let hint = "it may just be starting: `kfk ping --wait 30s` waits for it";
        return Check::new(Status::Fail, "cluster", asked, format!("{id}, {brokers}, and no controller")).hint(hint);
    }
    Check::new(Status::Ok, "cluster", asked, format!("{id}, {brokers}"))
}

/// Can kfk talk to all of them, and do they speak the same?
fn versions(greetings: &[(i32, Greeting)]) -> Check {
    let add = |status, what: String| Check::new(status, "versions", "", what);
    let Some((first, known)) = greetings.first() else {
        return add(Status::Skip, "no broker could be asked at the address that it advertises".into());
    };
    for (id, greeting) in greetings {
        let ours = [range::<MetadataRequest>(), range::<ProduceRequest>(), range::<FetchRequest>(), range::<ListOffsetsRequest>()];
        for (key, min, max) in ours {
            let shared = greeting.versions.get(&key.code()).is_some_and(|(low, high)| *low <= max && *high >= min);
            if !shared {
                let what = format!("broker {id} and kfk have no version of {} in common", key.name());
                return add(Status::Fail, what).hint("kfk works with Kafka from 2.1 on, as far as it is tested");
            }
        }
    }
    if let Some((id, _)) = greetings.iter().find(|(_, greeting)| greeting.versions != known.versions) {
        let what = format!("brokers {first} and {id} do not speak the same versions");
        return add(Status::Warn, what).hint("is an upgrade under way? Clients use what both know");
    }
    let metadata = known.features.get("metadata.version").map(|level| format!(", metadata.version {level}")).unwrap_or_default();
    add(Status::Ok, format!("{} APIs{metadata}; kfk and the brokers understand each other", known.versions.len()))
}

fn range<R: Request>() -> (ApiKey, i16, i16) {
    (R::KEY, <R as Message>::MIN, <R as Message>::MAX)
}

/// What time the active controller has. That is the one answer in Kafka's protocol that tells the time and changes nothing.
async fn clock(client: &Client) -> Check {
    let skip = |why: String| Check::new(Status::Skip, "clock", "", format!("the cluster does not tell its time ({why})"));
    let before = now();
    let asked = tokio::time::timeout(PATIENCE, Admin::on(client.clone()).describe_quorum()).await;
    let after = now();
    let quorum = match asked {
        Ok(Ok(quorum)) => quorum,
        Ok(Err(e)) => return skip(e.to_string()),
        Err(_) => return skip("no answer".into()),
    };
    // The leader has at every moment just fetched from itself.
    let Some(theirs) = quorum.voters.iter().find(|v| v.id == quorum.leader).and_then(|v| v.last_fetch) else {
        return skip("it is not in its answer".into());
    };
    told(theirs - (before + after) / 2, Duration::from_millis(u64::try_from(after - before).unwrap_or(0)))
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// `ahead`: milliseconds by which the controller's clock is ahead of ours; `took`: how long the answer was under way.
fn told(ahead: i64, took: Duration) -> Check {
    let apart = Duration::from_millis(ahead.unsigned_abs());
    let add = |status, what: String| Check::new(status, "clock", "", what);
    if apart <= CLOCKS_AGREE + took / 2 {
        return add(Status::Ok, format!("the controller's clock and this machine's agree to {} s", CLOCKS_AGREE.as_secs()));
    }
    let direction = if ahead > 0 { "behind" } else { "ahead of" };
    let what = format!("this machine's clock is {:.1} s {direction} the controller's", apart.as_secs_f64());
    let hint = "set both by NTP: timestamps of records, and what is kept how long, go by them";
    if ahead < 0 && apart > REFUSED_AHEAD {
        return add(Status::Fail, format!("{what}; brokers refuse records from more than an hour ahead")).hint(hint);
    }
    add(Status::Warn, what).hint(hint)
}

fn partitions(metadata: &Metadata) -> Check {
    let all: Vec<_> = metadata.topics.values().flat_map(|t| t.partitions.iter().map(|p| (t.name.as_str(), p))).collect();
    let named = |found: &[String]| {
        let more = if found.len() > MOST_NAMED { format!(" and {} more", found.len() - MOST_NAMED) } else { String::new() };
        format!("{}{more}", found.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", "))
    };
    let name = |(topic, p): &(&str, &crate::client::PartitionMetadata)| format!("{topic}-{}", p.partition);
    let leaderless: Vec<String> = all.iter().filter(|(_, p)| p.leader < 0).map(name).collect();
    let behind: Vec<String> = all.iter().filter(|(_, p)| p.isr.len() < p.replicas.len()).map(name).collect();
    let add = |status, what: String| Check::new(status, "partitions", "", what);
    if !leaderless.is_empty() {
        let what = format!("{} of {} have no leader: {}", leaderless.len(), all.len(), named(&leaderless));
        return add(Status::Fail, what).hint("`kfk topics --describe --unavailable-partitions` lists them; are their brokers alive?");
    }
    if !behind.is_empty() {
        let what = format!("{} of {} have replicas that are not in sync: {}", behind.len(), all.len(), named(&behind));
        return add(Status::Warn, what).hint("`kfk topics --describe --under-replicated-partitions` lists them");
    }
    add(Status::Ok, format!("{} in {} topics, all with a leader and in sync", all.len(), metadata.topics.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_told_by_how_much_and_which_way() {
        let ms = Duration::from_millis;
        assert_eq!(told(900, ms(2)).status, Status::Ok);
        assert_eq!(told(-1100, ms(400)).status, Status::Ok, "half of the way may be on either side");
        let behind = told(5000, ms(2));
        assert_eq!((behind.status, behind.what.as_str()), (Status::Warn, "this machine's clock is 5.0 s behind the controller's"));
        assert_eq!(told(7_200_000, ms(2)).status, Status::Warn);
        let ahead = told(-7_200_000, ms(2));
        assert!(ahead.status == Status::Fail && ahead.what.contains("7200.0 s ahead of"), "{}", ahead.what);
    }
}
