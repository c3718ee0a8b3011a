//! Members of KIP-848: `group.protocol=consumer`.

use super::*;

impl Cluster {
    /// A member of the group that is named as the topic, from the beginning, without auto commit, unless the settings say otherwise.
    fn member(&self, settings: &[(&str, &str)]) -> Consumer {
        self.reader(&[&[("group.protocol", "consumer")], settings].concat())
    }
}

/// Polls all until each has so many partitions, and no partition two owners at any time.
async fn shared(members: &mut [&mut Consumer], wanted: &[usize]) {
    let start = Instant::now();
    loop {
        let mut seen = BTreeSet::new();
        let all: Vec<TopicPartition> = members.iter().flat_map(|m| m.assignment()).collect();
        assert!(all.iter().all(|tp| seen.insert(tp.clone())), "V8: {all:?}");
        let counts: Vec<usize> = members.iter().map(|m| m.assignment().len()).collect();
        if counts == wanted {
            return;
        }
        assert!(start.elapsed() < SOON, "{counts:?} instead of {wanted:?}");
        for member in members.iter_mut() {
            member.poll(Duration::from_millis(20)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn k6_members_share_partitions_and_take_over_from_each_other() {
    let cluster = Cluster::with_topic("share-out", 4).await;
    for partition in 0..4 {
        cluster.produce(partition, numbers(0..3)).await;
    }
    let (mut first, mut second) = (cluster.member(&[]), cluster.member(&[("group.remote.assignor", "range")]));
    let diary = Diary::default();
    first.set_listener(diary.clone());
    first.subscribe(&[&cluster.topic]).unwrap();
    assert_eq!(read(&mut first, 12).await.len(), 12);
    first.commit_sync(None).await.unwrap();
    assert_eq!(diary.take(), ["assigned [0, 1, 2, 3]"]);
    second.subscribe(&[&cluster.topic]).unwrap();
    shared(&mut [&mut first, &mut second], &[2, 2]).await;
    let moved: Vec<i32> = partitions(&second).into_iter().collect();
    assert_eq!(diary.take(), [format!("revoked {moved:?}"), "assigned []".to_string()]);
    // What was committed is not read again by whoever has the partition now.
    cluster.produce(moved[0], ["new".to_string()]).await;
    assert_eq!(read(&mut second, 1).await, ["new"]);
    second.commit_sync(None).await.unwrap();
    assert_eq!(cluster.committed(moved[0]).await, Some(4));
    second.close(SOON).await.unwrap();
    assigned(&mut first, &[0, 1, 2, 3]).await;
    first.close(SOON).await.unwrap();
    let group = cluster.admin().describe_consumer_group(&cluster.topic).await.unwrap();
    assert_eq!((group.group_state.as_str(), group.members.len()), ("Empty", 0));
}

#[tokio::test]
async fn k10_the_coordinator_finds_topics_that_match_also_those_that_come() {
    let cluster = Cluster::start("regex").await;
    let mut consumer = cluster.member(&[]);
    cluster.create(&format!("{}-a.x", cluster.topic), 1).await;
    consumer.subscribe_regex(&format!("\\Q{}-\\E[ab]\\.x", cluster.topic)).unwrap();
    shared(&mut [&mut consumer], &[1]).await;
    // Expressions of a group are resolved every ten seconds at most; another subscription does not wait.
    for suffix in ["b.x", "bxx"] {
        cluster.create(&format!("{}-{suffix}", cluster.topic), 1).await;
    }
    consumer.subscribe(&[&format!("{}-b.x", cluster.topic)]).unwrap();
    let start = Instant::now();
    while consumer.assignment() != [TopicPartition::new(format!("{}-b.x", cluster.topic), 0)] {
        assert!(start.elapsed() < SOON, "{:?}", consumer.assignment());
        consumer.poll(Duration::from_millis(20)).await.unwrap();
    }
    consumer.unsubscribe().await.unwrap();
    assert!(cluster.consumer(&[]).subscribe_regex("a").is_err(), "not with the classic protocol");
    consumer.subscribe_regex("(a").unwrap();
    let refused = error(&mut consumer).await;
    assert_eq!(refused.code(), Some(ErrorCode::InvalidRegularExpression));
    assert!(refused.to_string().contains("missing closing )"), "{refused}");
}

#[tokio::test]
async fn k4_a_static_member_comes_back_to_its_partitions() {
    let cluster = Cluster::with_topic("static-848", 2).await;
    let member = |id: &str| {
        let mut consumer = cluster.member(&[("group.instance.id", id)]);
        consumer.subscribe(&[&cluster.topic]).unwrap();
        consumer
    };
    let (mut a, mut b) = (member("a"), member("b"));
    shared(&mut [&mut a, &mut b], &[1, 1]).await;
    let (mine, diary) = (partitions(&a), Diary::default());
    b.set_listener(diary.clone());
    // Two under one name: the one that came first keeps it.
    let mut usurper = member("a");
    assert_eq!(error(&mut usurper).await.code(), Some(ErrorCode::UnreleasedInstanceId));
    drop(usurper);
    a.close(SOON).await.unwrap();
    let mut back = member("a");
    assigned(&mut back, &mine.into_iter().collect::<Vec<_>>()).await;
    for _ in 0..10 {
        b.poll(Duration::from_millis(30)).await.unwrap();
    }
    assert!(diary.take().is_empty(), "the other one noticed nothing");
}

#[tokio::test]
async fn k1_a_member_that_does_not_poll_leaves_and_comes_back() {
    let cluster = Cluster::with_topic("stalled-848", 1).await;
    cluster.produce(0, numbers(0..2)).await;
    let mut consumer = cluster.member(&[("max.poll.interval.ms", "500")]);
    let diary = Diary::default();
    consumer.set_listener(diary.clone());
    consumer.subscribe(&[&cluster.topic]).unwrap();
    assert_eq!(read(&mut consumer, 2).await, ["0", "1"]);
    diary.take();
    let start = Instant::now();
    while cluster.admin().describe_consumer_group(&cluster.topic).await.unwrap().group_state != "Empty" {
        assert!(start.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(read(&mut consumer, 2).await, ["0", "1"], "not committed, so read again");
    // A coordinator that has just computed a target makes the next one a little later.
    let heard: Vec<String> = diary.take().into_iter().filter(|h| h != "assigned []").collect();
    assert_eq!(heard, ["lost [0]", "assigned [0]"]);
}

#[tokio::test]
async fn k11_members_of_both_protocols_share_a_group_while_it_changes() {
    let cluster = Cluster::with_topic("both", 4).await;
    let kind = |cluster: &Cluster| {
        let (admin, group) = (cluster.admin(), cluster.topic.clone());
        async move { admin.describe_consumer_group(&group).await.is_ok_and(|g| g.error_code == 0) }
    };
    let mut classic = cluster.consumer(&[("partition.assignment.strategy", "range,cooperative-sticky")]);
    classic.subscribe(&[&cluster.topic]).unwrap();
    assigned(&mut classic, &[0, 1, 2, 3]).await;
    assert!(!kind(&cluster).await);
    let mut new = cluster.member(&[]);
    new.subscribe(&[&cluster.topic]).unwrap();
    shared(&mut [&mut classic, &mut new], &[2, 2]).await;
    assert!(kind(&cluster).await);
    // The last member of the new protocol goes, and the group is a classic one again.
    new.close(SOON).await.unwrap();
    assigned(&mut classic, &[0, 1, 2, 3]).await;
    assert!(!kind(&cluster).await);
    let mut again = cluster.member(&[]);
    again.subscribe(&[&cluster.topic]).unwrap();
    shared(&mut [&mut classic, &mut again], &[2, 2]).await;
    classic.close(SOON).await.unwrap();
    assigned(&mut again, &[0, 1, 2, 3]).await;
}

#[tokio::test]
async fn k9_an_assignor_that_the_coordinator_does_not_have_is_told() {
    let cluster = Cluster::with_topic("assignor", 1).await;
    let mut consumer = cluster.member(&[("group.remote.assignor", "nope")]);
    consumer.subscribe(&[&cluster.topic]).unwrap();
    let refused = error(&mut consumer).await;
    assert_eq!(refused.code(), Some(ErrorCode::UnsupportedAssignor));
    assert!(refused.to_string().contains("ServerAssignor nope is not supported"), "{refused}");
}
