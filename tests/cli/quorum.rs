//! `kafka-metadata-quorum`: the quorum of one node, and against a cluster of three where there is one.

use regex::Regex;

use crate::broker;
use crate::offsets::fast_properties;
use crate::replay::Replay;
use crate::three;
use crate::transcript::Case;

#[test]
fn metadata_quorum_replay() {
    let broker = broker::start();
    Replay {
        file: "kafka-metadata-quorum",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, case, dir| {
            fast_properties(dir);
            loose(case);
            // The voters of a new cluster stand in its configuration, without directories; kfk has no listener for controllers.
            let voter =
                Regex::new(r#", "directoryId": "<DirectoryId: 22 ch.>.", "endpoints": \["CONTROLLER://localhost:19201"\]"#).unwrap();
            case.stdout = voter.replace_all(&case.stdout, if broker::is_foreign() { "<any>" } else { "" }).into_owned();
        },
    }
    .run();
}

/// Takes out of a recording what every cluster has of its own: its id, epochs, offsets, times and the leader.
fn loose(case: &mut Case) {
    let summary = Regex::new("(?m)^(ClusterId|LeaderId|LeaderEpoch|HighWatermark|MaxFollowerLag|MaxFollowerLagTimeMs):( +).+$").unwrap();
    case.stdout = summary.replace_all(&case.stdout, "$1:$2<any>").into_owned();
    if !case.stdout.starts_with("NodeId") {
        return;
    }
    let row = Regex::new(r"(?m)^(\d +)\t[^\t]+\t\d+ +\t\d+ +\t[^\t]+\t[^\t]+\t(\w+) *\t$").unwrap();
    let rows = row.replace_all(&case.stdout, "$1\t<any>\t<any>\t<any>\t<any>\t<any>\t$2<blanks>\t").into_owned();
    // Which of them leads depends on the election; widths depend on the numbers.
    let header = Regex::new(r"(?m)^NodeId\t.*$").unwrap();
    let widths = "NodeId\tDirectoryId<blanks>\tLogEndOffset<blanks>\tLag<blanks>\tLastFetchTimestamp<blanks>\tLastCaughtUpTimestamp<blanks>\tStatus<blanks>\t";
    case.stdout = header.replace(&rows, widths).into_owned();
}

#[test]
fn metadata_quorum_of_three_replay() {
    let Some(cluster) = three::cluster() else { return };
    Replay {
        file: "kafka-metadata-quorum-3",
        bootstrap: Some(cluster.brokers.clone()),
        any_order: |case| case.words().contains(&"--replication".into()),
        side_by_side: |_| true,
        before: &|_, case, _| {
            if case.remarked("only the first and the last API row") {
                // An excerpt: nothing to compare with.
                case.command = "abridged".to_owned();
                return;
            }
            loose(case);
            cluster.adapt(case);
            let leader = Regex::new(r"(?m)^\d( +\t.*(Leader|Follower))").unwrap();
            case.stdout = leader.replace_all(&case.stdout, "<n>$1").into_owned();
        },
    }
    .run();
}
