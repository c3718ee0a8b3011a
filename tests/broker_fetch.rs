//! Fetch, its sessions, ListOffsets, OffsetForLeaderEpoch (facts F, S, O).

mod common;

use std::time::{Duration, Instant};

use common::elsewhere::{EPOCH, OTHER, TOPIC};
use common::records::*;
use common::{Client, TestBroker};
use kfk::record::{BatchBuilder, BatchOptions};
use kfk::wire::fetch_request::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic};
use kfk::wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use kfk::wire::offset_for_leader_epoch_request::{OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic};
use kfk::wire::{ErrorCode, Uuid};

fn with_topic(partitions: i32) -> (TestBroker, Client, Uuid) {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    let id = create(&mut client, "t", partitions, &[]);
    (broker, client, id)
}

fn by_id(id: Uuid, partitions: &[(i32, i64)]) -> FetchTopic {
    let part = |(partition, offset): &(i32, i64)| FetchPartition {
        partition: *partition,
        fetch_offset: *offset,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    };
    FetchTopic { topic_id: id, partitions: partitions.iter().map(part).collect(), ..Default::default() }
}

#[test]
fn f1_f2_unknown_topics_and_partitions() {
    let (_broker, mut client, id) = with_topic(1);
    let mut request = fetch_request("nope", 0, 0);
    assert_eq!(only_partition(client.call(12, &request)).error_code, ErrorCode::UnknownTopicOrPartition.code());
    request.topics = vec![by_id(Uuid([9; 16]), &[(0, 0)])];
    assert_eq!(only_partition(client.call(13, &request)).error_code, ErrorCode::UnknownTopicId.code());
    request.topics = vec![by_id(id, &[(5, 0)])];
    assert_eq!(only_partition(client.call(13, &request)).error_code, ErrorCode::UnknownTopicOrPartition.code());
}

#[test]
fn n9_every_version_of_fetch_is_answered() {
    let (_broker, mut client, id) = with_topic(1);
    produce_ok(&mut client, "t", 0, batch(&["a", "b"]));
    for version in 4..=18 {
        let mut request = fetch_request("t", 0, 0);
        if version >= 13 {
            request.topics = vec![by_id(id, &[(0, 0)])];
        }
        let data = only_partition(client.call(version, &request));
        assert_eq!(records_of(&data).len(), 2, "version {version}");
        assert_eq!((data.high_watermark, data.last_stable_offset), (2, 2));
    }
}

#[test]
fn f3_leader_epochs_are_checked() {
    let (_broker, mut client, _) = with_topic(1);
    let known = list_offset(&mut client, "t", 0, -1).leader_epoch;
    for (epoch, code) in [(known, 0), (known - 1, 74), (known + 1, 75)] {
        if epoch < 0 {
            continue;
        }
        let mut request = fetch_request("t", 0, 0);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        assert_eq!(only_partition(client.call(12, &request)).error_code, code);
    }
}

#[test]
fn f5_f11_offsets_outside_of_the_log() {
    let (_broker, mut client, _) = with_topic(1);
    produce_ok(&mut client, "t", 0, batch(&["a", "b"]));
    for offset in [-1, 3, i64::MAX] {
        let data = fetch(&mut client, "t", 0, offset);
        assert_eq!(data.error_code, ErrorCode::OffsetOutOfRange.code());
        assert_eq!((data.high_watermark, data.log_start_offset), (-1, -1));
    }
    let data = fetch(&mut client, "t", 0, 2);
    assert_eq!((data.error_code, data.high_watermark, data.log_start_offset), (0, 2, 0));
    assert!(records_of(&data).is_empty());
}

#[test]
fn f6_f7_limits_and_the_first_batch() {
    let (_broker, mut client, _) = with_topic(2);
    for partition in [0, 1] {
        for _ in 0..3 {
            produce_ok(&mut client, "t", partition, batch(&[&"x".repeat(500), "y"]));
        }
    }
    // From the middle of a batch, the whole batch comes.
    assert_eq!(records_of(&fetch(&mut client, "t", 0, 3))[0].0, 2);
    let mut request = fetch_request("t", 0, 0);
    request.topics[0].partitions.push(FetchPartition { partition: 1, fetch_offset: 0, partition_max_bytes: 10, ..Default::default() });
    request.topics[0].partitions[0].partition_max_bytes = 10;
    let response = client.call(12, &request);
    let parts = &response.responses[0].partitions;
    assert_eq!(records_of(&parts[0]).len(), 2, "the first batch comes although it is larger");
    assert_eq!(records_of(&parts[1]).len(), 0, "after it limits hold");
    request.topics[0].partitions[0].partition_max_bytes = 1 << 20;
    request.max_bytes = 1300;
    let response = client.call(12, &request);
    let bytes: usize = response.responses[0].partitions.iter().map(|p| p.records.as_ref().unwrap().len()).sum();
    assert!((500..=1300).contains(&bytes), "{bytes}");
}

#[test]
fn f8_a_fetch_with_nothing_to_read_waits_no_longer_than_asked() {
    let (_broker, mut client, _) = with_topic(1);
    let mut request = fetch_request("t", 0, 0);
    let start = Instant::now();
    client.call(12, &request);
    assert!(start.elapsed() < Duration::from_millis(150));
    request.max_wait_ms = 300;
    let start = Instant::now();
    assert!(records_of(&only_partition(client.call(12, &request))).is_empty());
    assert!(start.elapsed() >= Duration::from_millis(295), "{:?}", start.elapsed());
    // An error is told at once.
    let mut bad = fetch_request("t", 0, 99);
    bad.max_wait_ms = 10_000;
    let start = Instant::now();
    client.call(12, &bad);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn f9_a_waiting_fetch_is_woken_by_the_append() {
    let (broker, mut client, _) = with_topic(1);
    let mut producer = broker.connect();
    for i in 0..5 {
        let mut request = fetch_request("t", 0, i);
        request.max_wait_ms = 15_000;
        client.send(12, &request);
        std::thread::sleep(Duration::from_millis(30));
        let start = Instant::now();
        produce_ok(&mut producer, "t", 0, batch(&["x"]));
        let (_, response) = client.receive::<FetchRequest>(12);
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(records_of(&only_partition(response)), [(i, "x".to_string())]);
    }
}

#[test]
fn f9_min_bytes_are_waited_for() {
    let (broker, mut client, _) = with_topic(1);
    let mut producer = broker.connect();
    let mut request = fetch_request("t", 0, 0);
    (request.max_wait_ms, request.min_bytes) = (15_000, 1000);
    client.send(12, &request);
    for _ in 0..2 {
        produce_ok(&mut producer, "t", 0, batch(&[&"x".repeat(400)]));
    }
    client.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut byte = [0];
    assert!(client.stream.peek(&mut byte).is_err(), "about 940 bytes are not enough");
    client.stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    produce_ok(&mut producer, "t", 0, batch(&[&"x".repeat(400)]));
    let (_, response) = client.receive::<FetchRequest>(12);
    assert_eq!(records_of(&only_partition(response)).len(), 3);
}

#[test]
fn n9_requests_behind_a_waiting_fetch_are_handled_but_answered_after_it() {
    let (broker, mut client, _) = with_topic(1);
    let mut request = fetch_request("t", 0, 0);
    request.max_wait_ms = 15_000;
    let fetch_id = client.send(12, &request);
    // The produce of the same connection is what wakes the fetch before it.
    let produce_id = client.send(12, &produce_request("t", 0, -1, batch(&["self"])));
    let (id, response) = client.receive::<FetchRequest>(12);
    assert_eq!(id, fetch_id);
    assert_eq!(records_of(&only_partition(response)).len(), 1);
    assert_eq!(client.receive::<kfk::wire::produce_request::ProduceRequest>(12).0, produce_id);
    drop(broker);
}

#[test]
fn f12_f13_committed_readers_get_a_list_of_aborted_transactions() {
    let (_broker, mut client, _) = with_topic(1);
    produce_ok(&mut client, "t", 0, batch(&["a"]));
    let mut request = fetch_request("t", 0, 0);
    assert_eq!(only_partition(client.call(12, &request)).aborted_transactions, None);
    request.isolation_level = 1;
    let data = only_partition(client.call(12, &request));
    assert_eq!(data.aborted_transactions, Some(vec![]));
    assert_eq!(data.last_stable_offset, data.high_watermark);
}

#[test]
fn f16_a_reader_that_has_parted_hears_where() {
    let (_broker, mut client, _) = with_topic(1);
    produce_ok(&mut client, "t", 0, batch(&["a"]));
    let epoch = list_offset(&mut client, "t", 0, -1).leader_epoch;
    let mut request = fetch_request("t", 0, 1);
    request.topics[0].partitions[0].last_fetched_epoch = epoch;
    let data = only_partition(client.call(12, &request));
    assert_eq!((data.error_code, data.diverging_epoch.epoch), (0, -1));
    request.topics[0].partitions[0].fetch_offset = 5;
    let data = only_partition(client.call(12, &request));
    assert_eq!((data.error_code, data.diverging_epoch.epoch, data.diverging_epoch.end_offset), (0, epoch, 1));
    assert!(records_of(&data).is_empty());
    request.topics[0].partitions[0].last_fetched_epoch = epoch + 5;
    assert_eq!(only_partition(client.call(12, &request)).error_code, ErrorCode::OffsetOutOfRange.code());
}

#[test]
fn f19_large_records_come_back_whole() {
    let (_broker, mut client, _) = with_topic(1);
    let texts: Vec<String> = (0..20).map(|i| char::from(b'a' + i).to_string().repeat(700_000)).collect();
    for text in &texts {
        produce_ok(&mut client, "t", 0, batch(&[text]));
    }
    let mut offset = 0;
    while offset < 20 {
        let mut request = fetch_request("t", 0, offset);
        request.topics[0].partitions[0].partition_max_bytes = 5 << 20;
        for (at, value) in records_of(&only_partition(client.call(12, &request))) {
            assert!(value == texts[at as usize]);
            offset = at + 1;
        }
    }
}

#[test]
fn s2_s4_s5_a_session_carries_only_changes() {
    let (_broker, mut client, id) = with_topic(3);
    let base = FetchRequest { max_wait_ms: 0, min_bytes: 1, max_bytes: 1 << 20, ..Default::default() };
    let opened = client.call(13, &FetchRequest { session_epoch: 0, topics: vec![by_id(id, &[(0, 0), (1, 0), (2, 0)])], ..base.clone() });
    assert!(opened.session_id > 0);
    assert_eq!(opened.responses[0].partitions.len(), 3);
    let session = FetchRequest { session_id: opened.session_id, ..base };
    let quiet = client.call(13, &FetchRequest { session_epoch: 1, ..session.clone() });
    assert_eq!((quiet.error_code, quiet.session_id, quiet.responses.len()), (0, opened.session_id, 0));
    produce_ok(&mut client, "t", 1, batch(&["a"]));
    let news = client.call(13, &FetchRequest { session_epoch: 2, ..session.clone() });
    assert_eq!(news.responses[0].partitions.iter().map(|p| p.partition_index).collect::<Vec<_>>(), [1]);
    let moved = FetchRequest { session_epoch: 3, topics: vec![by_id(id, &[(1, 1)])], ..session.clone() };
    assert_eq!(client.call(13, &moved).responses.len(), 0);
    let forget = |partitions: &[i32]| vec![ForgottenTopic { topic_id: id, partitions: partitions.to_vec(), ..Default::default() }];
    client.call(13, &FetchRequest { session_epoch: 4, forgotten_topics_data: forget(&[1]), ..session.clone() });
    produce_ok(&mut client, "t", 1, batch(&["unseen"]));
    assert_eq!(client.call(13, &FetchRequest { session_epoch: 5, ..session.clone() }).responses.len(), 0);
    let closed = client.call(13, &FetchRequest { session_epoch: 6, forgotten_topics_data: forget(&[0, 2]), ..session.clone() });
    assert_eq!((closed.error_code, closed.session_id), (0, 0));
    let gone = client.call(13, &FetchRequest { session_epoch: 7, ..session });
    assert_eq!(gone.error_code, ErrorCode::FetchSessionIdNotFound.code());
}

#[test]
fn s3_wrong_epochs_and_mixed_names() {
    let (_broker, mut client, id) = with_topic(1);
    let base = FetchRequest { max_wait_ms: 0, min_bytes: 1, max_bytes: 1 << 20, ..Default::default() };
    let opened = client.call(13, &FetchRequest { session_epoch: 0, topics: vec![by_id(id, &[(0, 0)])], ..base.clone() });
    let session = FetchRequest { session_id: opened.session_id, ..base };
    let wrong = client.call(13, &FetchRequest { session_epoch: 9, ..session.clone() });
    assert_eq!((wrong.error_code, wrong.responses.len()), (ErrorCode::InvalidFetchSessionEpoch.code(), 0));
    let mixed = client.call(12, &FetchRequest { session_epoch: 1, ..session });
    assert_eq!(mixed.error_code, ErrorCode::FetchSessionTopicIdError.code());
}

#[test]
fn o1_o2_timestamps_that_mean_something_and_partitions_named_twice() {
    let (_broker, mut client, _) = with_topic(1);
    produce_ok(&mut client, "t", 0, batch(&["a", "b"]));
    assert_eq!(list_offset(&mut client, "t", 0, -1).offset, 2);
    assert_eq!(list_offset(&mut client, "t", 0, -2).offset, 0);
    assert_eq!(list_offset(&mut client, "t", 0, -4).offset, 0);
    for tiered in [-5, -6] {
        let found = list_offset(&mut client, "t", 0, tiered);
        assert_eq!((found.error_code, found.offset, found.leader_epoch), (0, -1, -1));
    }
    for (version, timestamp) in [(11, -7), (6, -3), (7, -4), (8, -5), (10, -6)] {
        let found = list_offset_in(&mut client, version, "t", 0, timestamp);
        assert_eq!(found.error_code, ErrorCode::UnsupportedVersion.code(), "{timestamp} in version {version}");
    }
    for version in 1..=11 {
        assert_eq!(list_offset_in(&mut client, version, "t", 0, -1).offset, 2);
    }
    let partition = ListOffsetsPartition { partition_index: 0, timestamp: -1, ..Default::default() };
    let topics = vec![ListOffsetsTopic { name: "t".into(), partitions: vec![partition.clone(), partition] }];
    let response = client.call(11, &ListOffsetsRequest { replica_id: -1, topics, ..Default::default() });
    assert!(response.topics[0].partitions.iter().all(|p| p.error_code == ErrorCode::InvalidRequest.code()));
}

#[test]
fn o5_o6_offsets_by_time() {
    let (_broker, mut client, _) = with_topic(1);
    let empty = list_offset(&mut client, "t", 0, -3);
    assert_eq!((empty.error_code, empty.offset, empty.timestamp), (0, -1, -1));
    let base = now_ms() - 100_000;
    for times in [[0, 50], [20, 30], [50, 10]] {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for t in times {
            builder.append(base + t, None, Some(b"v"), &[]).unwrap();
        }
        produce_ok(&mut client, "t", 0, builder.finish().unwrap());
    }
    let max = list_offset(&mut client, "t", 0, -3);
    assert_eq!((max.offset, max.timestamp), (1, base + 50));
    for (t, offset) in [(0, 0), (1, 1), (50, 1), (51, -1)] {
        let found = list_offset(&mut client, "t", 0, base + t);
        assert_eq!((found.error_code, found.offset), (0, offset), "at {t}");
    }
}

#[test]
fn o9_the_present_epoch_ends_at_the_logs_end() {
    let (_broker, mut client, _) = with_topic(1);
    produce_ok(&mut client, "t", 0, batch(&["a", "b"]));
    let epoch = list_offset(&mut client, "t", 0, -1).leader_epoch;
    for version in 2..=4 {
        for (asked, want) in [(epoch, (epoch, 2)), (epoch + 1, (-1, -1)), (-1, (-1, -1))] {
            let partitions = vec![OffsetForLeaderPartition { leader_epoch: asked, ..Default::default() }];
            let topics = vec![OffsetForLeaderTopic { topic: "t".into(), partitions }];
            let response = client.call(version, &OffsetForLeaderEpochRequest { replica_id: -2, topics });
            let got = &response.topics[0].partitions[0];
            assert_eq!((got.error_code, got.leader_epoch, got.end_offset), (0, want.0, want.1));
        }
    }
}

#[test]
fn o3_o4_o8_the_ends_of_a_log_for_every_reader_and_epoch() {
    let (_broker, mut client, _) = with_topic(1);
    produce_ok(&mut client, "t", 0, batch(&["a", "b"]));
    let mut ask = |replica_id, isolation_level, current_leader_epoch, timestamp| {
        let partition = ListOffsetsPartition { current_leader_epoch, timestamp, ..Default::default() };
        let topics = vec![ListOffsetsTopic { name: "t".into(), partitions: vec![partition] }];
        let request = ListOffsetsRequest { replica_id, isolation_level, topics, ..Default::default() };
        let p = client.call(11, &request).topics.remove(0).partitions.remove(0);
        (ErrorCode::from_code(p.error_code), p.offset, p.timestamp, p.leader_epoch)
    };
    // Consumers of both kinds, a follower, and a tool for debugging.
    for (replica, isolation) in [(-1, 0), (-1, 1), (1, 0), (-2, 0)] {
        assert_eq!(ask(replica, isolation, -1, -1), (ErrorCode::None, 2, -1, 0));
        assert_eq!(ask(replica, isolation, 0, -2), (ErrorCode::None, 0, -1, 0));
        assert_eq!(ask(replica, isolation, -1, -4), (ErrorCode::None, 0, -1, 0), "all that there is, is local");
    }
    for tiered in [-5, -6] {
        assert_eq!(ask(-1, 0, -1, tiered), (ErrorCode::None, -1, -1, -1));
    }
    assert_eq!(ask(-1, 0, 7, -1), (ErrorCode::UnknownLeaderEpoch, -1, -1, -1));
}

#[test]
#[ignore = "a start refuses a directory with replicas elsewhere; to be held on a cluster of several brokers"]
fn f18_whoever_is_sent_away_is_told_of_the_leader_from_version_16() {
    let (_broker, mut client, _dir) = common::elsewhere::start();
    for version in 4..=18 {
        let mut request = fetch_request("t", 1, 0);
        request.topics[0].topic_id = TOPIC;
        let response = client.call(version, &request);
        let endpoints: Vec<(i32, String, i32)> = response.node_endpoints.iter().map(|e| (e.node_id, e.host.clone(), e.port)).collect();
        let data = only_partition(response);
        assert_eq!(data.error_code, ErrorCode::NotLeaderOrFollower.code(), "version {version}");
        let told = ((data.current_leader.leader_id, data.current_leader.leader_epoch), endpoints);
        let wanted = if version < 16 { ((-1, -1), vec![]) } else { ((OTHER, EPOCH), vec![(OTHER, "other.example".into(), 9)]) };
        assert_eq!(told, wanted, "version {version}");
    }
}

#[test]
fn f18_clients_that_do_not_know_of_storage_errors_look_for_another_leader() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = TestBroker::start_in(dir.path(), &[]);
    create(&mut broker.connect(), "t", 1, &[]);
    broker.stop();
    // A log that cannot be opened.
    let log = dir.path().join("t-0");
    let _ = std::fs::remove_dir_all(&log);
    std::fs::write(&log, "no directory").unwrap();
    let broker = TestBroker::start_in(dir.path(), &[]);
    let mut client = broker.connect();
    for (version, wanted) in [(4, ErrorCode::NotLeaderOrFollower), (5, ErrorCode::NotLeaderOrFollower), (6, ErrorCode::KafkaStorageError)] {
        let told = only_partition(client.call(version, &fetch_request("t", 0, 0)));
        assert_eq!(ErrorCode::from_code(told.error_code), wanted, "version {version}");
    }
}

#[test]
fn f17_without_another_replica_no_rack_is_sent_elsewhere() {
    let (_broker, mut client, _) = with_topic(1);
    produce_ok(&mut client, "t", 0, batch(&["a"]));
    let request = FetchRequest { rack_id: "far away".into(), ..fetch_request("t", 0, 0) };
    let data = only_partition(client.call(12, &request));
    assert_eq!((data.preferred_read_replica, records_of(&data).len()), (-1, 1));
}
