//! What the quorum looks like: a summary, or a row for every node.

use crate::cli::error::CliError;
use crate::cli::out::facts::{Cell, Column, Facts, number, row, text};
use crate::cli::out::sheet::Sheet;
use crate::cli::out::{Format, Out};
use crate::client::admin::{QuorumDescription, QuorumReplica};
use crate::wire::Uuid;

const STATUS: &[Column] = &[
    text("cluster_id"),
    number("leader"),
    number("leader_epoch"),
    number("high_watermark"),
    number("max_follower_lag"),
    number("max_follower_lag_ms"),
    text("voters"),
    text("observers"),
];

const REPLICATION: &[Column] = &[
    number("node_id"),
    text("directory_id"),
    number("log_end_offset"),
    number("lag"),
    number("last_fetch"),
    number("last_caught_up"),
    text("status"),
    text("endpoints").detail(),
];

const HEADS: &[(&str, &str)] = &[
    ("NodeId", "node_id"),
    ("DirectoryId", "directory_id"),
    ("LogEndOffset", "log_end_offset"),
    ("Lag", "lag"),
    ("LastFetchTimestamp", "last_fetch"),
    ("LastCaughtUpTimestamp", "last_caught_up"),
    ("Status", "status"),
];

/// The leader as a voter. Errors: it is none.
fn leader(quorum: &QuorumDescription) -> Result<&QuorumReplica, CliError> {
    quorum.voters.iter().find(|v| v.id == quorum.leader).ok_or_else(|| {
        let error = CliError::failed("the metadata quorum has no leader among its voters now").hint("try again in a moment");
        error.exception("java.util.NoSuchElementException").java_message("No value present")
    })
}

pub(super) fn status(out: &mut Out, cluster: &str, quorum: &QuorumDescription, format: Format) -> Result<(), CliError> {
    let leader = leader(quorum)?;
    let slowest = quorum.voters.iter().min_by_key(|v| v.end_offset).unwrap_or(leader);
    let lag_time = match (slowest.id == leader.id, leader.last_caught_up, slowest.last_caught_up) {
        (true, ..) => 0,
        (false, Some(leader), Some(slowest)) => leader - slowest,
        _ => -1,
    };
    let lag = leader.end_offset - slowest.end_offset;
    let ids = |replicas: &[QuorumReplica]| replicas.iter().map(|r| r.id).collect::<Vec<_>>();
    let row = row![
        cluster,
        quorum.leader,
        quorum.leader_epoch,
        quorum.high_watermark,
        lag,
        (lag_time >= 0).then_some(lag_time),
        ids(&quorum.voters),
        ids(&quorum.observers),
    ];
    let lines = [
        ("ClusterId", cluster.to_owned()),
        ("LeaderId", quorum.leader.to_string()),
        ("LeaderEpoch", quorum.leader_epoch.to_string()),
        ("HighWatermark", quorum.high_watermark.to_string()),
        ("MaxFollowerLag", lag.to_string()),
        ("MaxFollowerLagTimeMs", lag_time.to_string()),
        ("CurrentVoters", list(&quorum.voters)),
        ("CurrentObservers", list(&quorum.observers)),
    ];
    Facts::new(STATUS, [row])
        .print(out, format, |out| lines.into_iter().try_for_each(|(name, value)| out.line(format!("{:<24}{value}", format!("{name}:")))))
}

fn list(replicas: &[QuorumReplica]) -> String {
    let one = |r: &QuorumReplica| {
        // Java would print a zero id as null; its tool leaves it out.
        let directory = if r.directory == Uuid::ZERO { String::new() } else { format!(", \"directoryId\": \"{}\"", r.directory) };
        let endpoints: Vec<String> = r.endpoints.iter().map(|e| format!("\"{e}\"")).collect();
        let endpoints = if endpoints.is_empty() { String::new() } else { format!(", \"endpoints\": [{}]", endpoints.join(", ")) };
        format!("{{\"id\": {}{directory}{endpoints}}}", r.id)
    };
    format!("[{}]", replicas.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// `ago`: times as how long ago.
pub(super) fn replication(quorum: &QuorumDescription, ago: bool) -> Result<Sheet, CliError> {
    let leader = leader(quorum)?;
    let now = jiff::Timestamp::now().as_millisecond();
    let time = |at: Option<i64>, what: &str| match at {
        None => Ok(Cell::Null),
        Some(at) if ago && (at <= 0 || at > now) => {
            let text = "Error while computing relative time, possible drift in system clock.";
            let error = CliError::failed(format!("{text}\nCurrent timestamp is {now}, {what} timestamp is {at}"));
            Err(error.exception("org.apache.kafka.common.KafkaException"))
        }
        Some(at) if ago => Ok(Cell::from(format!("{} ms ago", now - at))),
        Some(at) => Ok(Cell::from(at)),
    };
    let row = |(r, status): (&QuorumReplica, &str)| {
        let (fetch, caught_up) = (time(r.last_fetch, "last fetch")?, time(r.last_caught_up, "last caught up")?);
        let lag = leader.end_offset - r.end_offset;
        Ok(row![r.id, r.directory.to_string(), r.end_offset, lag, fetch, caught_up, status, &r.endpoints])
    };
    let followers = quorum.voters.iter().filter(|v| v.id != leader.id).map(|v| (v, "Follower"));
    let all = std::iter::once((leader, "Leader")).chain(followers).chain(quorum.observers.iter().map(|o| (o, "Observer")));
    let rows = all.map(row).collect::<Result<Vec<_>, CliError>>()?;
    Ok(Sheet { heads: HEADS, none: "-1", facts: Facts::new(REPLICATION, rows) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(id: i32, end_offset: i64, last: Option<i64>) -> QuorumReplica {
        QuorumReplica { id, directory: Uuid::ZERO, end_offset, last_fetch: last, last_caught_up: last, endpoints: vec![] }
    }

    #[test]
    fn a_replica_shows_what_is_known_of_it() {
        let known = QuorumReplica { directory: Uuid([1; 16]), endpoints: vec!["C://h:1".into(), "D://h:2".into()], ..replica(3, 0, None) };
        let text = r#"[{"id": 3, "directoryId": "AQEBAQEBAQEBAQEBAQEBAQ", "endpoints": ["C://h:1", "D://h:2"]}, {"id": 4}]"#;
        assert_eq!(list(&[known, replica(4, 0, None)]), text);
    }

    #[test]
    fn the_leader_comes_first_and_lags_are_counted_from_its_end() {
        let voters = vec![replica(1, 90, Some(5)), replica(2, 100, None)];
        let quorum = QuorumDescription { leader: 2, leader_epoch: 7, high_watermark: 90, voters, observers: vec![replica(9, 100, None)] };
        let rows = replication(&quorum, false).unwrap().facts.rows;
        let shown: Vec<Vec<Cell>> = rows.iter().map(|r| [0, 3, 4, 6].map(|at| r[at].clone()).to_vec()).collect();
        assert_eq!(shown, [row![2, 0, Cell::Null, "Leader"], row![1, 10, 5, "Follower"], row![9, 0, Cell::Null, "Observer"]]);
        let lost = QuorumDescription { leader: -1, ..quorum };
        assert!(replication(&lost, false).is_err());
    }

    #[test]
    fn a_clock_that_went_back_is_told() {
        let quorum = QuorumDescription {
            leader: 1,
            leader_epoch: 1,
            high_watermark: 1,
            voters: vec![replica(1, 1, Some(i64::MAX))],
            observers: vec![],
        };
        assert!(replication(&quorum, true).is_err());
    }
}
