//! Replicas in the directories of their brokers: how far they are on their way to other ones, and sending them there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{FAILED, Moves, Replica};
use crate::cli::error::CliError;
use crate::cli::out::Out;
use crate::client::Admin;
use crate::client::admin::ReplicaPlace;
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

/// A replica that is not on its broker yet can be sent to a directory only then.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the replicas are; those that their broker does not have are missing.
pub(super) async fn places(admin: &Admin, replicas: impl Iterator<Item = &Replica>) -> Result<BTreeMap<Replica, ReplicaPlace>, CliError> {
    let mut brokers: BTreeMap<i32, BTreeSet<TopicPartition>> = BTreeMap::new();
    for r in replicas {
        brokers.entry(r.broker).or_default().insert(r.partition.clone());
    }
    let mut all = BTreeMap::new();
    for (broker, partitions) in brokers {
        let found = admin.replica_places(broker, &partitions).await?;
        all.extend(found.into_iter().map(|(partition, place)| (Replica { broker, partition }, place)));
    }
    Ok(all)
}

/// One line about a replica that is to be in `wanted`, and whether it is on its way.
pub(super) fn told(replica: &Replica, place: Option<&ReplicaPlace>, wanted: &str) -> (String, bool) {
    let Replica { broker, partition } = replica;
    let Some(place) = place else {
        return (format!("Partition {partition} cannot be found in any live log directory on broker {broker}."), false);
    };
    let text = match (&place.current, &place.future) {
        (None, _) => format!(
            "Partition {partition} is not found in any live log dir on broker {broker}. There is likely an offline log directory on the broker."
        ),
        (_, Some(future)) if future == wanted => format!("Reassignment of replica {partition}-{broker} is still in progress."),
        (_, Some(future)) => format!("Partition {partition} on broker {broker} is being moved to log dir {future} instead of {wanted}."),
        (Some(current), None) if current == wanted => format!("Reassignment of replica {partition}-{broker} completed successfully."),
        (Some(current), None) => {
            format!("Partition {partition} on broker {broker} is not being moved from log dir {current} to {wanted}.")
        }
    };
    (text, place.current.is_some() && place.future.is_some())
}

/// Sends replicas to directories, and tells of each as soon as its broker has begun.
pub(super) async fn send(admin: &Admin, moves: &Moves, timeout: Duration, out: &mut Out) -> Result<(), CliError> {
    let started = Instant::now();
    let mut left = moves.clone();
    loop {
        let begun = try_all(admin, &left).await?;
        for replica in &begun {
            let Replica { broker, partition } = replica;
            let dir = left.remove(replica).unwrap_or_default();
            out.line(format!("Successfully started moving log directory to {dir} for replica {partition} with broker {broker} "))?;
        }
        out.flush()?;
        if left.is_empty() {
            return Ok(());
        }
        if started.elapsed() >= timeout {
            let names: Vec<String> = left.keys().map(|r| format!("{}-{}", r.partition, r.broker)).collect();
            let s = if names.len() == 1 { "" } else { "s" };
            return Err(CliError::failed(format!("Timed out before log directory move{s} could be started for: {}", names.join(","))));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn try_all(admin: &Admin, moves: &Moves) -> Result<BTreeSet<Replica>, CliError> {
    let mut brokers: BTreeMap<i32, BTreeMap<TopicPartition, String>> = BTreeMap::new();
    for (r, dir) in moves {
        brokers.entry(r.broker).or_default().insert(r.partition.clone(), dir.clone());
    }
    let mut begun = BTreeSet::new();
    for (broker, targets) in brokers {
        for (partition, result) in admin.alter_replica_dirs(broker, &targets).await? {
            match result {
                Ok(()) => {
                    begun.insert(Replica { broker, partition });
                }
                Err(e) if e.code() == Some(ErrorCode::ReplicaNotAvailable) => {}
                Err(e) => {
                    let error = CliError::failed(format!("Failed to alter dir for {partition}-{broker}")).exception(FAILED);
                    return Err(error.cause(e.to_string()));
                }
            }
        }
    }
    Ok(begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_move_is_told() {
        let replica = Replica { broker: 1, partition: TopicPartition::new("t", 0) };
        let place = |current: Option<&str>, future: Option<&str>| ReplicaPlace {
            current: current.map(str::to_owned),
            future: future.map(str::to_owned),
        };
        let told = |place: Option<ReplicaPlace>| told(&replica, place.as_ref(), "/b");
        assert_eq!(told(Some(place(Some("/b"), None))), ("Reassignment of replica t-0-1 completed successfully.".to_owned(), false));
        assert_eq!(told(Some(place(Some("/a"), Some("/b")))), ("Reassignment of replica t-0-1 is still in progress.".to_owned(), true));
        assert!(told(Some(place(Some("/a"), Some("/c")))).0.ends_with("is being moved to log dir /c instead of /b."));
        assert!(told(Some(place(Some("/a"), None))).0.ends_with("is not being moved from log dir /a to /b."));
        assert!(told(Some(place(None, None))).0.contains("offline log directory") && told(None).0.contains("cannot be found"));
    }
}
