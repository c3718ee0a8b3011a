//! `kafka-console-share-consumer` and `kafka-share-groups`: one recording, as one prepares what the other shows.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::broker::{self, Broker};
use crate::replay::{Replay, hurry, run_kfk};
use crate::transcript::Case;

#[test]
fn share_groups_replay() {
    let broker = broker::start();
    let replay = Replay {
        file: "kafka-share",
        bootstrap: Some(broker.bootstrap.clone()),
        // Java hash maps.
        any_order: |case| case.command.contains("--list"),
        side_by_side: |_| false,
        before: &|_, case, _: &Path| hurry(case),
    };
    let dir = tempfile::tempdir().unwrap();
    prepare(&replay, dir.path());
    // It was there from the tests of other tools.
    reset_to_earliest(&replay, dir.path(), "g-share");
    replay.run();
}

const BROKER: &str = "--bootstrap-server localhost:19200";

/// Topic `sh-a` with five records, and a group `sg` that begins at its start.
fn prepare(replay: &Replay<'_>, dir: &Path) {
    replay.output(&format!("kafka-topics {BROKER} --create --topic sh-a"), dir);
    let words = ["kafka-console-producer", "--bootstrap-server", replay.bootstrap.as_deref().unwrap(), "--topic", "sh-a"];
    let parsing = ["--reader-property", "parse.key=true", "--reader-property", "key.separator=:"];
    let words: Vec<String> = words.iter().chain(&parsing).map(|w| w.to_string()).collect();
    let sent = run_kfk(&words, b"k0:v0\nk1:v1\nk2:v2\nk3:v3\nk4:v4\n", dir, &Case { exit: Some(0), ..Case::default() });
    assert_eq!((sent.exit, sent.stderr.as_str()), (0, ""));
    reset_to_earliest(replay, dir, "sg");
}

/// A group that is moved before it consumes begins there, whatever its settings say.
fn reset_to_earliest(replay: &Replay<'_>, dir: &Path, group: &str) {
    let moved = format!("kafka-share-groups {BROKER} --reset-offsets --group {group} --topic sh-a --to-earliest --execute");
    assert!(replay.output(&moved, dir).contains(group));
}

struct World {
    broker: Broker,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let world = World { broker: broker::start(), dir: tempfile::tempdir().unwrap() };
        prepare(&world.replay(), world.dir.path());
        reset_to_earliest(&world.replay(), world.dir.path(), "mine");
        world
    }

    fn replay(&self) -> Replay<'_> {
        Replay {
            file: "kafka-share",
            bootstrap: Some(self.broker.bootstrap.clone()),
            any_order: |_| false,
            side_by_side: |_| false,
            before: &|_, _, _| {},
        }
    }

    /// Standard output of a tool under Kafka's name; it must succeed.
    fn kafka(&self, command: &str) -> String {
        let (tool, rest) = command.split_once(' ').unwrap();
        self.replay().output(&format!("{tool} {BROKER} {rest}"), self.dir.path())
    }

    /// Exit code, standard output and standard error of a command under kfk's own name.
    fn kfk(&self, words: &[&str]) -> (i32, String, String) {
        let out = self.command(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
    }

    fn json(&self, words: &[&str]) -> Value {
        let (exit, out, err) = self.kfk(&[words, &["-o", "json"]].concat());
        assert_eq!(exit, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
        command.args(words).args(["--bootstrap-server", &self.broker.bootstrap]).env_remove("KFK_BROKERS").stdin(Stdio::null());
        command
    }

    /// A member of the group that is there until it is stopped.
    fn member(&self, group: &str, topic: &str) -> Child {
        let mut command = self.command(&["console-share-consumer", "--topic", topic, "--group", group]);
        let member = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        let shown = || self.kfk(&["share-groups", "--describe", "--group", group, "--members", "-o", "plain"]).1;
        while !shown().contains(&format!("{topic}:0")) {
            assert!(started.elapsed() < Duration::from_secs(20), "no assignment");
            std::thread::sleep(Duration::from_millis(50));
        }
        member
    }
}

const TAKE: &str = "kafka-console-share-consumer --topic sh-a --group mine --formatter-property print.delivery=true";

#[test]
fn records_are_released_rejected_and_accepted_as_the_options_say() {
    let world = World::new();
    // What is not printed goes back unsaid.
    assert_eq!(world.kafka(&format!("{TAKE} --max-messages 2 --release")), "Delivery:1\tv0\nDelivery:1\tv1\n");
    assert_eq!(world.kafka(&format!("{TAKE} --max-messages 1 --reject")), "Delivery:2\tv0\n");
    assert_eq!(world.kafka(&format!("{TAKE} --max-messages 4")), "Delivery:3\tv1\nDelivery:3\tv2\nDelivery:3\tv3\nDelivery:3\tv4\n");
    let offsets = world.json(&["share-groups", "--describe", "--group", "mine"]);
    assert_eq!((offsets[0]["start_offset"].as_i64(), offsets[0]["lag"].as_i64()), (Some(5), Some(0)));
}

#[test]
fn a_record_that_cannot_be_printed_ends_the_tool_or_is_rejected() {
    let world = World::new();
    let long = ["--formatter-property", "value.deserializer=org.apache.kafka.common.serialization.LongDeserializer"];
    let take = ["console-share-consumer", "--topic", "sh-a", "--group", "mine", "--max-messages", "5"];
    let (exit, out, err) = world.kfk(&[&take[..], &long].concat());
    assert_eq!((exit, out.as_str()), (1, ""));
    assert!(err.contains("Processed a total of 1 messages"), "{err}");
    let (exit, out, err) = world.kfk(&[&take[..], &long, &["--reject-message-on-error"]].concat());
    assert_eq!((exit, out.as_str(), err.matches("warning: rejected a record").count()), (0, "", 5), "{err}");
    assert!(err.ends_with("Processed a total of 5 messages\n"), "{err}");
    assert_eq!(world.kfk(&[&take[..6], &["--timeout-ms", "700"]].concat()).1, "", "nobody gets them again");
}

#[test]
fn a_group_with_members_is_described_and_neither_moved_nor_deleted() {
    let world = World::new();
    let mut member = world.member("live", "sh-a");
    let lines = |what: &str| {
        world.kafka(&format!("kafka-share-groups --describe --group live {what}")).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    // As Kafka 4.3.1 prints it, but for the member's id.
    let members = lines("--members --verbose");
    let id = members[2].split_whitespace().nth(1).unwrap().to_owned();
    assert_eq!(
        members,
        [
            String::new(),
            "GROUP           CONSUMER-ID            HOST            CLIENT-ID              #PARTITIONS  MEMBER-EPOCH  ASSIGNMENT"
                .to_owned(),
            format!(
                "live            {id} /127.0.0.1      console-share-consumer 1            {}             sh-a:0",
                members[2].split_whitespace().nth(5).unwrap()
            ),
        ]
    );
    let state = lines("--state");
    assert_eq!(state[1], "GROUP           COORDINATOR (ID)          STATE           #MEMBERS");
    assert!(state[2].ends_with("Stable          1"), "{state:?}");
    let groups = |words: &[&str]| world.kfk(&[&["share-groups", "--group", "live"], words].concat());
    let (exit, _, err) = groups(&["--reset-offsets", "--topic", "sh-a", "--to-earliest", "--execute"]);
    assert_eq!((exit, err.lines().next()), (1, Some("error: Share group 'live' is not empty.")));
    let (exit, _, err) = groups(&["--delete"]);
    assert_eq!(
        (exit, err.as_str()),
        (1, "error: Deletion of some share groups failed:\n* Group 'live' could not be deleted due to: Share group 'live' is not EMPTY.\n")
    );
    let (exit, out, err) = groups(&["--delete-offsets", "--topic", "sh-a", "-o", "plain"]);
    assert_eq!((exit, err.as_str()), (1, "error: The group is not empty.\n"));
    assert_eq!(out, "\nTOPIC           STATUS\nsh-a            Error: The group is not empty.\n");
    assert!(Command::new("kill").args(["-INT", &member.id().to_string()]).status().unwrap().success());
    assert_eq!(member.wait().unwrap().code(), Some(130));
    assert_eq!(groups(&["--delete"]), (0, String::new(), "Deletion of requested share groups ('live') was successful.\n".to_owned()));
}

#[test]
fn offsets_are_planned_moved_and_forgotten() {
    let world = World::new();
    world.kafka("kafka-topics --create --topic sh-b --partitions 2");
    let head = "\nGROUP           TOPIC           PARTITION  NEW-OFFSET\n";
    let reset = |words: &str| world.kafka(&format!("kafka-share-groups --reset-offsets --group fresh {words}"));
    let both = "fresh           sh-b            0          0\nfresh           sh-b            1          0\n";
    assert_eq!(reset("--topic sh-b --to-latest --dry-run"), format!("{head}{both}"));
    assert_eq!(reset("--all-topics --to-latest --dry-run"), head, "it has consumed from none");
    assert_eq!(
        reset("--topic sh-a --to-datetime 2020-01-01T00:00:00.000 --dry-run"),
        format!("{head}fresh           sh-a            0          0\n")
    );
    let late = reset("--topic sh-a --to-datetime 2100-01-01T00:00:00.000 --dry-run");
    assert_eq!(
        late,
        format!(
            "\nWarn: Partition 0 from topic sh-a is empty. Falling back to latest known offset.\n{head}fresh           sh-a            0          5\n"
        )
    );
    assert_eq!(
        reset("--topic sh-a --topic sh-b --to-latest --execute"),
        format!("{head}fresh           sh-a            0          5\n{both}")
    );
    assert_eq!(reset("--all-topics --to-earliest --execute"), format!("{head}fresh           sh-a            0          0\n{both}"));
    let forget = "kafka-share-groups --delete-offsets --group fresh";
    let gone = "Error: This server does not host this topic-partition.";
    let nothing = "Error: There is no offset information to delete.";
    let head = "\nTOPIC           STATUS\n";
    let forgotten = world.kafka(&format!("{forget} --topic sh-b --topic nosuch"));
    assert_eq!(forgotten, format!("{head}nosuch          {gone}\nsh-b            Successful\n"));
    assert_eq!(world.kafka(&format!("{forget} --topic sh-b")), format!("{head}sh-b            {nothing}\n"));
    let left = world.kafka("kafka-share-groups --describe --group fresh");
    assert_eq!(
        left,
        "\nGROUP           TOPIC           PARTITION  START-OFFSET  LAG\nfresh           sh-a            0          0             5\n"
    );
    world.kafka(&format!("{forget} --topic sh-a"));
    assert_eq!(world.kafka("kafka-share-groups --describe --group fresh"), "\nShare group 'fresh' has no offset information.\n");
    let nosuch = world.kafka("kafka-share-groups --delete-offsets --group nosuch --topic sh-a");
    assert_eq!(nosuch, "\nError: Group nosuch not found.\n\nTOPIC           STATUS\nsh-a            Error: Group nosuch not found.\n");
}

#[test]
fn tables_and_json_say_the_same_in_kfks_own_manner() {
    let world = World::new();
    let (exit, out, _) = world.kfk(&["share-groups", "--describe", "--all-groups", "-o", "table"]);
    assert_eq!(exit, 0);
    let shown: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(shown.iter().any(|row| row[..] == ["mine", "sh-a", "0", "0", "5"]), "{out}");
    let listed = world.json(&["share-groups", "--list"]);
    assert_eq!(listed, serde_json::json!([{"group": "mine", "state": "Empty"}, {"group": "sg", "state": "Empty"}]));
    let state = world.json(&["share-groups", "--describe", "--group", "sg", "--state"]);
    assert_eq!((state[0]["state"].as_str(), state[0]["members"].as_u64()), (Some("Empty"), Some(0)));
    let (exit, _, err) = world.kfk(&["share-groups", "--describe", "--group", "nosuch"]);
    assert_eq!((exit, err.lines().next()), (1, Some("error: Group nosuch not found.")));
    assert_eq!(world.kfk(&["share-groups", "--list", "--state=Assigning"]).0, 2);
}
