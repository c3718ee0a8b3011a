//! `kafka-configs`: settings, quotas and credentials.

use std::path::Path;
use std::time::Duration;

use crate::broker;
use crate::offsets::{block_on, topic};
use crate::replay::Replay;
use crate::transcript::Case;

/// The recorded broker's own settings, as far as a broker of kfk can have them.
const SETTINGS: [&str; 7] = [
    "log.retention.check.interval.ms=300000",
    "num.partitions=1",
    "offsets.topic.replication.factor=1",
    "share.coordinator.state.topic.min.isr=1",
    "share.coordinator.state.topic.replication.factor=1",
    "transaction.state.log.min.isr=1",
    "transaction.state.log.replication.factor=1",
];

/// What `--describe --entity-type topics` shows of the two topics that are there; the recording had others, too.
const ALL_TOPICS: &str = "Dynamic configs for topic cf-a are:
  retention.ms=86400000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=86400000}
Dynamic configs for topic cf-b are:
";

#[test]
fn configs_replay() {
    let broker = if broker::is_foreign() { broker::start() } else { broker::start_with(&SETTINGS) };
    block_on(&broker.bootstrap, async |admin, _| {
        let topics = [topic("cf-a", 1, ("retention.ms", "86400000")), topic("cf-b", 1, ("retention.ms", "1"))];
        for (_, result) in admin.create_topics(&topics, false).await.unwrap() {
            result.unwrap();
        }
    });
    let replay = Replay {
        file: "kafka-configs",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |case| case.stdout.is_empty() && !case.command.contains("--alter"),
        before: &|_, case, dir| adapt(case, dir),
    };
    let none = "kafka-configs --bootstrap-server localhost:19200 --alter --topic cf-b --delete-config retention.ms";
    replay.output(none, tempfile::tempdir().unwrap().path());
    replay.run();
}

fn adapt(case: &mut Case, dir: &Path) {
    if broker::is_foreign() {
        // Kafka answers before its broker has read what its controller wrote.
        std::thread::sleep(Duration::from_millis(200));
    }
    if case.command.contains("fast.properties") {
        crate::offsets::fast_properties(dir);
    }
    if case.remarked("all topics") {
        case.stdout = ALL_TOPICS.to_owned();
    }
    if case.remarked("every broker config") {
        case.stdout = case.stdout.split_inclusive('\n').map(without_place).collect();
    }
}

/// What the file of the recorded broker set and that of this one does not, or otherwise: where it listens, where its data is.
fn without_place(line: &str) -> String {
    const PLACES: [&str; 6] =
        ["advertised.listeners", "controller.listener.names", "controller.quorum.voters", "listeners", "log.dirs", "process.roles"];
    let name = line.trim_start().split('=').next().unwrap_or_default();
    let of_the_recording = SETTINGS.iter().any(|setting| setting.split('=').next() == Some(name));
    if PLACES.contains(&name) || (broker::is_foreign() && of_the_recording) {
        return format!("  {name}=<anything>\n");
    }
    line.to_owned()
}

/// What the recording has no example of, as Apache Kafka 4.3.1 printed it.
#[test]
fn credentials_quotas_and_log_levels_are_shown_as_they_were_set() {
    let broker = broker::start();
    let dir = tempfile::tempdir().unwrap();
    let replay = Replay {
        file: "kafka-configs",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| false,
        before: &|_, _, _| {},
    };
    let run = |rest: &str| replay.output(&format!("kafka-configs --bootstrap-server localhost:19200 {rest}"), dir.path());
    assert_eq!(
        run("--alter --user bob --add-config SCRAM-SHA-512=[iterations=8192,password=secret]"),
        "Completed updating config for user bob.\n"
    );
    run("--alter --user bob --add-config producer_byte_rate=10485760");
    run("--alter --entity-type users --entity-name bob --entity-type clients --entity-default --add-config request_percentage=12.5");
    let bob = "Quota configs for user-principal 'bob' are producer_byte_rate=1.048576E7\n\
               SCRAM credential configs for user-principal 'bob' are SCRAM-SHA-512=iterations=8192\n";
    assert_eq!(run("--describe --entity-type users"), bob);
    assert_eq!(run("--describe --user bob"), bob);
    let both = "Quota configs for user-principal 'bob', the default client-id are request_percentage=12.5\n";
    assert_eq!(run("--describe --user bob --client-defaults"), both);
    assert_eq!(
        run("--describe --user bob -o yaml"),
        "- entity: \"user-principal 'bob'\"\n  config: producer_byte_rate\n  value: 10485760.0\n  error: null\n  entity_types: [user]\n  \
         entity_names: [bob]\n- entity: \"user-principal 'bob'\"\n  config: SCRAM-SHA-512\n  value: 8192\n  error: null\n  \
         entity_types: [user]\n  entity_names: [bob]\n"
    );
    run("--alter --user bob --delete-config SCRAM-SHA-512");
    assert_eq!(run("--describe --user bob"), "Quota configs for user-principal 'bob' are producer_byte_rate=1.048576E7\n");
    if !broker::is_foreign() {
        run("--alter --broker-logger 1 --add-config root=WARN");
        assert_eq!(run("--describe --broker-logger 1 -o table"), TABLE);
    }
}

const TABLE: &str = "NAME  TYPE           CONFIG  VALUE  SOURCE
1     broker-logger  root    WARN   DYNAMIC_BROKER_LOGGER_CONFIG
";
