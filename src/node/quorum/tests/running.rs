use super::*;
use crate::log::sim_disk::{Fault, Survives};
use crate::machine::controller::{AllocateProducerIds, Change, MetadataRecord};
use crate::node::quorum::SnapshotLimits;
use crate::node::quorum::batches::{Content, decode};
use crate::record::{ControlRecord, batches};
use crate::wire::delete_topics_request::DeleteTopicsRequest;

/// Everything the log holds, as short words.
fn log_words(disk: &SimDisk) -> Vec<String> {
    let bytes = disk.get(log_dir().join("00000000000000000000.log")).unwrap();
    let mut words = Vec::new();
    for view in batches(&bytes) {
        let view = view.unwrap();
        words.push(format!("epoch {}", view.header.partition_leader_epoch));
        match decode(&view).unwrap() {
            Content::Control(all) => words.extend(all.iter().map(|(_, r)| match r {
                ControlRecord::LeaderChange(m) => format!("leader {}", m.leader_id),
                other => format!("{other:?}"),
            })),
            Content::Records(all) => words.extend(all.iter().map(|(_, r)| match r {
                MetadataRecord::FeatureLevel(f) => format!("{}={}", f.name, f.feature_level),
                MetadataRecord::Config(c) => format!("{}={}", c.name, c.value.clone().unwrap_or_default()),
                other => other.name().to_string(),
            })),
        }
    }
    words
}

#[test]
fn the_first_start_writes_what_kafka_writes() {
    let disk = SimDisk::new();
    start(&disk, 1).unwrap();
    let expected = [
        "epoch 1",
        "leader 1",
        "epoch 1",
        "BeginTransactionRecord",
        "metadata.version=30",
        "eligible.leader.replicas.version=1",
        "group.version=1",
        "share.version=1",
        "streams.version=1",
        "transaction.version=2",
        "min.insync.replicas=1",
        "EndTransactionRecord",
        "epoch 1",
        "RegisterBrokerRecord",
    ];
    assert_eq!(log_words(&disk), expected);
    let state = String::from_utf8(disk.get(log_dir().join("quorum-state")).unwrap()).unwrap();
    assert!(state.contains(r#""leaderEpoch":1"#), "{state}");
    assert!(disk.get("/bootstrap.checkpoint").is_some() && disk.get("/meta.properties").is_some());
}

#[test]
fn q4_a_restart_finds_everything_and_leads_the_next_epoch() {
    let disk = SimDisk::new();
    let mut quorum = start(&disk, 1).unwrap();
    for name in ["a", "b", "c"] {
        assert_eq!(create(&mut quorum, name, 3).unwrap().topics[0].error_code, 0);
    }
    quorum.submit(now(), &DeleteTopicsRequest { topic_names: vec!["b".into()], ..Default::default() }).unwrap();
    let before = quorum.image().load();
    quorum.close(now()).unwrap();
    disk.crash(Survives::Synced);

    let again = start_with(&disk, 2, true).unwrap();
    let image = again.image().load();
    assert_eq!(again.leader_epoch(), 2);
    assert_eq!(image.cluster_id, before.cluster_id);
    assert_eq!(image.topics().collect::<Vec<_>>(), before.topics().collect::<Vec<_>>());
    assert_eq!(names(&again), ["a", "c"]);
    assert_ne!(image.broker(1).unwrap().epoch, before.broker(1).unwrap().epoch);
}

#[test]
fn t8_an_answered_change_survives_a_power_loss_and_costs_one_sync() {
    let disk = SimDisk::new();
    let mut quorum = start(&disk, 1).unwrap();
    create(&mut quorum, "warm", 1).unwrap();
    let syncs = disk.syncs();
    create(&mut quorum, "t", 2).unwrap();
    assert!(disk.syncs() - syncs <= 3, "{} syncs", disk.syncs() - syncs);
    let known = ids(&quorum);
    disk.crash(Survives::Synced);
    assert_eq!(ids(&start(&disk, 2).unwrap()), known);
}

#[test]
fn readers_see_a_change_when_it_is_committed_and_not_before() {
    let disk = SimDisk::new();
    let mut quorum = start(&disk, 1).unwrap();
    let cell = quorum.image();
    let old = cell.load();
    let first = quorum.stage(now(), &topic("a", 2)).unwrap();
    // The second command already sees the first.
    let second = quorum.stage(now(), &topic("a", 1)).unwrap();
    assert_eq!(second.response.topics[0].error_code, crate::wire::ErrorCode::TopicAlreadyExists.code());
    assert!(cell.load().topic("a").is_none());
    let syncs = disk.syncs();
    quorum.commit(now()).unwrap();
    assert!(disk.syncs() > syncs);
    assert!(cell.load().topic("a").is_some() && old.topic("a").is_none());

    let id = cell.load().topic_id("a").unwrap();
    let created = |partition| Change::PartitionCreated { id, name: "a".into(), partition };
    let config = Change::TopicCreated { id, name: "a".into() };
    assert_eq!(first.changes, [config, created(0), created(1)]);
    assert!(second.changes.is_empty());
}

#[test]
fn a_command_that_changes_nothing_writes_nothing() {
    let disk = SimDisk::new();
    let mut quorum = start(&disk, 1).unwrap();
    let (end, steps) = (quorum.end_offset(), disk.steps());
    assert_ne!(create(&mut quorum, "bad name", 1).unwrap().topics[0].error_code, 0);
    assert_eq!((quorum.end_offset(), disk.steps()), (end, steps));
}

#[test]
fn r16_after_a_failed_sync_nothing_is_accepted() {
    let disk = SimDisk::new();
    let mut quorum = start(&disk, 1).unwrap();
    create(&mut quorum, "a", 1).unwrap();
    // One of the next steps is the append or its sync.
    let mut failed = None;
    for ahead in 0..20 {
        disk.fail_at(disk.steps() + ahead, Fault::Io);
        if let Err(error) = create(&mut quorum, &format!("t{ahead}"), 1) {
            failed = Some(error);
            break;
        }
    }
    assert!(failed.is_some());
    disk.heal();
    assert!(matches!(create(&mut quorum, "b", 1), Err(QuorumError::Failed(_))));
    assert!(matches!(quorum.commit(now()), Err(QuorumError::Failed(_))));
}

#[test]
fn r17_a_full_disk_refuses_a_change_and_nothing_else() {
    let disk = SimDisk::new();
    let mut quorum = start(&disk, 1).unwrap();
    create(&mut quorum, "a", 1).unwrap();
    disk.fail_at(disk.steps(), Fault::NoSpace);
    assert!(create(&mut quorum, "b", 1).is_err());
    assert_eq!(names(&quorum), ["a"]);
    assert!(quorum.controller().state().topic("b").is_none());
    disk.heal();
    // Nothing of what was staged together is left behind either.
    quorum.stage(now(), &topic("c", 1)).unwrap();
    quorum.stage(now(), &topic("d", 1)).unwrap();
    disk.fail_at(disk.steps(), Fault::NoSpace);
    assert!(quorum.commit(now()).is_err());
    assert_eq!(quorum.controller().state().topic_count(), 1);
    disk.heal();
    assert_eq!(create(&mut quorum, "b", 1).unwrap().topics[0].error_code, 0);
    let known = ids(&quorum);
    disk.crash(Survives::Synced);
    assert_eq!(ids(&start(&disk, 2).unwrap()), known);
}

#[test]
fn q8_producer_ids_are_not_given_again_after_a_crash() {
    let disk = SimDisk::new();
    let mut next = 0;
    for seed in 1..4 {
        let mut quorum = start(&disk, seed).unwrap();
        let broker_epoch = quorum.image().load().broker(1).unwrap().epoch;
        let block = quorum.submit(now(), &AllocateProducerIds { broker: 1, broker_epoch }).unwrap().response.unwrap();
        assert_eq!(block.first, next);
        next = block.first + block.length;
        disk.crash(Survives::Synced);
    }
}

#[test]
fn a_snapshot_is_taken_of_little_that_has_come_a_long_time_ago() {
    let disk = SimDisk::new();
    let mut quorum = start(&disk, 1).unwrap();
    let at = |ms: u64| Now { mono: MonoMs(ms), ..now() };
    let hour = 3_600_000;
    assert!(quorum.snapshot_job(at(5)).is_none());
    assert!(quorum.snapshot_job(at(4 + hour)).is_none());
    let written = quorum.snapshot_job(at(5 + hour)).unwrap().run();
    quorum.snapshot_done(written, at(5 + hour)).unwrap();
    assert!(quorum.snapshot_job(at(5 + 3 * hour)).is_none(), "nothing has come since");
    create(&mut quorum, "t", 1).unwrap();
    assert!(quorum.snapshot_job(at(5 + 3 * hour)).is_some());
    let mut other = start(&SimDisk::new(), 1).unwrap();
    other.limit_snapshots(SnapshotLimits { max_age_ms: None, ..SnapshotLimits::default() });
    assert!(other.snapshot_job(at(0)).is_none() && other.snapshot_job(at(9 * hour)).is_none());
}

#[test]
fn q4_a_snapshot_is_taken_when_the_log_has_grown_and_used_at_the_next_start() {
    let disk = SimDisk::new();
    let mut quorum = start(&disk, 1).unwrap();
    assert!(quorum.snapshot_job(now()).is_none());
    for i in 0..40 {
        create(&mut quorum, &format!("t{i}"), 100).unwrap();
    }
    let job = quorum.snapshot_job(now()).unwrap();
    assert!(quorum.snapshot_job(now()).is_none(), "one at a time");
    create(&mut quorum, "meanwhile", 1).unwrap();
    let written = job.run();
    quorum.snapshot_done(written, now()).unwrap();
    assert!(quorum.snapshot_job(now()).is_none());
    let known = quorum.image().load();
    disk.crash(Survives::Synced);

    let snapshots: Vec<_> = disk.files(log_dir()).into_keys().filter(|p| p.to_string_lossy().ends_with(".checkpoint")).collect();
    assert_eq!(snapshots.len(), 1);
    let again = open(&disk, 2).unwrap();
    assert_eq!(again.image().load().topics().collect::<Vec<_>>(), known.topics().collect::<Vec<_>>());

    // A snapshot that rots is passed over: the log has it all.
    disk.flip(&snapshots[0], 500, 1);
    let again = open(&disk, 3).unwrap();
    assert_eq!(again.image().load().topics().collect::<Vec<_>>(), known.topics().collect::<Vec<_>>());
}

#[test]
fn a_directory_that_kafka_formatted_begins_with_what_kafka_put_there() {
    let disk = SimDisk::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-fixtures/cluster-metadata/__cluster_metadata-0");
    let put = |name: &str, to: &str| disk.put(to, &std::fs::read(fixtures.join(name)).unwrap());
    put("bootstrap.checkpoint", "/bootstrap.checkpoint");
    disk.put("/meta.properties", b"node.id=1\ndirectory.id=nA3wYkKvQ_eRY7zvG454yw\nversion=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\n");
    disk.create_dir(&log_dir()).unwrap();
    put("00000000000000000000-0000000000.checkpoint", "/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint");
    let quorum = start(&disk, 1).unwrap();
    assert_eq!(quorum.image().load().cluster_id.as_ref(), "MkU3OEVBNTcwNTJENDM2Qg");
    let words = log_words(&disk);
    assert_eq!(words[1], "leader 1");
    assert!(words[2].starts_with("KRaftVersion") && words[3].starts_with("KRaftVoters"), "{words:?}");
    let state = String::from_utf8(disk.get(log_dir().join("quorum-state")).unwrap()).unwrap();
    assert!(state.ends_with(r#""data_version":1}"#), "{state}");
}

#[test]
fn a_directory_that_kafka_wrote_goes_on() {
    let disk = SimDisk::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-fixtures/cluster-metadata/__cluster_metadata-0");
    disk.create_dir(&log_dir()).unwrap();
    // Its log in one file: what the segments are is not the question here.
    let mut log = Vec::new();
    for base in [0, 113, 212] {
        log.extend(std::fs::read(fixtures.join(format!("{base:020}.log"))).unwrap());
    }
    disk.put(log_dir().join("00000000000000000000.log"), &log);
    for name in ["00000000000000000209-0000000002.checkpoint", "quorum-state"] {
        disk.put(log_dir().join(name), &std::fs::read(fixtures.join(name)).unwrap());
    }
    disk.put("/meta.properties", b"node.id=1\ndirectory.id=nA3wYkKvQ_eRY7zvG454yw\nversion=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\n");
    let quorum = start_with(&disk, 1, true).unwrap();
    assert_eq!(quorum.leader_epoch(), 4);
    let image = quorum.image().load();
    assert_eq!(image.topic_count(), 16);
    for topic in image.topics() {
        for (number, p) in &topic.partitions {
            assert_eq!((p.leader, &p.isr[..]), (1, &[1][..]), "{}-{number}", topic.name);
        }
    }
    assert_eq!(image.next_producer_id(), 2000);
}

#[test]
fn other_voters_and_other_nodes_are_refused() {
    let disk = SimDisk::new();
    start(&disk, 1).unwrap();
    let state = br#"{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}"#;
    disk.put(log_dir().join("quorum-state"), state);
    assert!(matches!(start(&disk, 2), Err(QuorumError::Unsupported(_))));
    let mut rng = Rng::new(1);
    let dir = log_dir_of(&disk).unwrap();
    let other = format(&dir, Wanted { node: 2, cluster_id: None }, true, now(), &mut rng);
    assert!(matches!(other, Err(QuorumError::MetaProperties(_))));
    let other = format(&dir, Wanted { node: 1, cluster_id: Some("other") }, true, now(), &mut rng);
    assert!(matches!(other, Err(QuorumError::MetaProperties(_))));
}

#[test]
fn a_directory_that_lost_its_meta_properties_is_not_made_anew() {
    let disk = SimDisk::new();
    start(&disk, 1).unwrap();
    as_disk(&disk).remove_file(Path::new("/meta.properties")).unwrap();
    let error = start(&disk, 2).err().unwrap().to_string();
    assert!(error.contains("meta.properties") && error.contains("__cluster_metadata-0"), "{error}");
}
