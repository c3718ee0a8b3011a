//! `kafka-cluster`, `kafka-features`, `kafka-client-metrics`.

use regex::Regex;

use crate::broker;
use crate::offsets::{block_on, fast_properties};
use crate::replay::Replay;
use crate::transcript::Case;

#[test]
fn cluster_replay() {
    let broker = broker::start();
    let id = block_on(&broker.bootstrap, async |admin, _| admin.describe_cluster().await.unwrap().cluster_id);
    let port = broker.bootstrap.rsplit_once(':').expect("a port").1.to_owned();
    replay("kafka-cluster", &broker.bootstrap, &|case| {
        case.stdout = case.stdout.replace(" 19200      ", &format!(" {port:<10} "));
        case.stdout = case.stdout.replace("MkU3OEVBNTcwNTJENDM2Qg", &id);
        // Rule E2; the line behind it is the tool's own.
        let of_client = |line: &&str| !line.ends_with("(org.apache.kafka.clients.admin.KafkaAdminClient)\n");
        case.stderr = case.stderr.split_inclusive('\n').filter(of_client).collect();
    });
}

/// Where in the metadata log features were read is another place in every cluster.
#[test]
fn features_replay() {
    let broker = broker::start();
    let epochs = Regex::new(r"Epoch: \d+").unwrap();
    replay("kafka-features", &broker.bootstrap, &|case| {
        case.stdout = epochs.replace_all(&case.stdout, "Epoch: <n>").into_owned();
        if !broker::is_foreign() {
            // The recorded cluster was upgraded to a level that kfk's quorum does not have.
            case.stdout = case.stdout.split_inclusive('\n').map(at_kraft_version_0).collect();
        }
    });
}

fn at_kraft_version_0(line: &str) -> String {
    match line.starts_with("Feature: kraft.version") {
        true => line.replace("FinalizedVersionLevel: 1", "FinalizedVersionLevel: 0"),
        false => line.to_owned(),
    }
}

/// The name that was made up is an id of 22 characters, and which of the two names comes first is up to it.
#[test]
fn client_metrics_replay() {
    let broker = broker::start();
    replay("kafka-client-metrics", &broker.bootstrap, &|case| {
        if case.command.ends_with("--list") {
            case.stdout = "<anything>\n<anything>\n".to_owned();
        }
        case.stdout = case.stdout.replace("<uuid>", "<TopicId>");
    });
}

fn replay(file: &str, bootstrap: &str, adapt: &(dyn Fn(&mut Case) + Sync)) {
    Replay {
        file,
        bootstrap: Some(bootstrap.to_owned()),
        any_order: |_| false,
        side_by_side: |_| false,
        before: &|_, case, dir| {
            fast_properties(dir);
            adapt(case);
        },
    }
    .run();
}
