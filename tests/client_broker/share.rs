//! Share groups (KIP-932) through the client library.

use kfk::client::admin::{AlterOp, ConfigChange, ConfigResource, ResourceType};
use kfk::client::{Acknowledge, ShareConsumer, SharePolled};

use super::*;

impl Cluster {
    /// A member of the share group that is named as the topic.
    fn sharer(&self, settings: &[(&str, &str)]) -> ShareConsumer {
        let own = [("group.id", self.topic.as_str()), ("retry.backoff.ms", "20"), ("fetch.max.wait.ms", "100")];
        ShareConsumer::new(ConsumerConfig::parse_share(&self.values(&[&own, settings].concat())).unwrap()).unwrap()
    }

    fn explicit(&self) -> ShareConsumer {
        self.sharer(&[("share.acknowledgement.mode", "explicit")])
    }

    /// With a topic, and settings of the share group beside that it begins at the start.
    async fn for_sharing(test: &str, settings: &[(&str, &str)]) -> Cluster {
        let cluster = Cluster::with_topic(test, 1).await;
        let all = [&[("share.auto.offset.reset", "earliest")], settings].concat();
        let set = |(name, value): &(&str, &str)| ConfigChange { name: name.to_string(), op: AlterOp::Set, value: Some(value.to_string()) };
        let group = ConfigResource { kind: ResourceType::Group, name: cluster.topic.clone() };
        let changes = [(group, all.iter().map(set).collect::<Vec<_>>())];
        for (_, result) in cluster.admin().alter_configs(&changes).await.unwrap() {
            result.unwrap();
        }
        cluster
    }

    /// How many records the group is not done with. Its start offset says the same, but in Kafka only after another write.
    async fn lag(&self) -> Option<i64> {
        let found = self.admin().share_group_offsets(&self.topic, None).await.unwrap();
        found.get(&self.tp(0)).and_then(|o| o.clone().unwrap())?.lag
    }

    async fn lag_becomes(&self, wanted: i64) {
        let start = Instant::now();
        while self.lag().await != Some(wanted) {
            assert!(start.elapsed() < SOON, "{:?} instead of {wanted:?}", self.lag().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Value and delivery count.
fn delivered(polled: &SharePolled) -> Vec<(String, i16)> {
    polled.iter().map(|r| (String::from_utf8(r.value.unwrap().to_vec()).unwrap(), r.delivery_count)).collect()
}

/// The next records that come.
async fn next(consumer: &mut ShareConsumer) -> SharePolled {
    let start = Instant::now();
    while start.elapsed() < SOON {
        let polled = consumer.poll(Duration::from_millis(200)).await.unwrap();
        if !polled.is_empty() {
            return polled;
        }
    }
    panic!("no record came");
}

#[tokio::test]
async fn h2_what_poll_gave_is_accepted_by_the_next_poll_or_commit() {
    let cluster = Cluster::for_sharing("share-implicit", &[]).await;
    cluster.produce(0, numbers(0..3)).await;
    let mut consumer = cluster.sharer(&[]);
    consumer.subscribe(&[&cluster.topic]).unwrap();
    let first = next(&mut consumer).await;
    assert_eq!(delivered(&first), [("0".into(), 1), ("1".into(), 1), ("2".into(), 1)]);
    let refused = consumer.acknowledge(&first.iter().next().unwrap(), Acknowledge::Accept);
    assert!(refused.is_err(), "only with explicit acknowledgement");
    let committed = consumer.commit_sync().await.unwrap();
    assert_eq!(committed, BTreeMap::from([(cluster.tp(0), Ok(()))]));
    cluster.lag_becomes(0).await;
    cluster.produce(0, numbers(3..5)).await;
    assert_eq!(delivered(&next(&mut consumer).await).len(), 2);
    assert!(consumer.poll(Duration::from_millis(300)).await.unwrap().is_empty());
    cluster.lag_becomes(0).await;
    consumer.close(SOON).await.unwrap();
    let group = cluster.admin().describe_share_group(&cluster.topic).await.unwrap();
    assert_eq!((group.group_state.as_str(), group.members.len()), ("Empty", 0));
}

#[tokio::test]
async fn h2_each_record_is_accepted_released_or_rejected_by_itself() {
    let cluster = Cluster::for_sharing("share-explicit", &[]).await;
    cluster.produce(0, numbers(0..4)).await;
    let mut consumer = cluster.explicit();
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = told.clone();
    consumer.on_acknowledged(move |tp, count, result| listener.lock().unwrap().push((tp.partition, count, result.is_ok())));
    consumer.subscribe(&[&cluster.topic]).unwrap();
    let polled = next(&mut consumer).await;
    assert_eq!(polled.len(), 4);
    let unsaid = consumer.poll(Duration::ZERO).await.unwrap_err();
    assert!(matches!(unsaid, Error::Usage(_)), "{unsaid}");
    let said = [Acknowledge::Accept, Acknowledge::Release, Acknowledge::Reject, Acknowledge::Release];
    for (record, what) in polled.iter().zip(said) {
        consumer.acknowledge(&record, what).unwrap();
    }
    let again = next(&mut consumer).await;
    assert_eq!(delivered(&again), [("1".into(), 2), ("3".into(), 2)]);
    assert_eq!(told.lock().unwrap().clone(), [(0, 4, true)]);
    for record in again.iter() {
        consumer.acknowledge(&record, Acknowledge::Accept).unwrap();
    }
    consumer.commit_sync().await.unwrap();
    assert!(consumer.acknowledge(&again.iter().next().unwrap(), Acknowledge::Accept).is_err(), "it has been");
    cluster.lag_becomes(0).await;
    consumer.close(SOON).await.unwrap();
}

#[tokio::test]
async fn what_is_held_goes_back_when_the_consumer_closes() {
    let cluster = Cluster::for_sharing("share-close", &[]).await;
    cluster.produce(0, numbers(0..3)).await;
    let mut first = cluster.explicit();
    first.subscribe(&[&cluster.topic]).unwrap();
    let polled = next(&mut first).await;
    first.acknowledge(&polled.iter().next().unwrap(), Acknowledge::Accept).unwrap();
    first.close(SOON).await.unwrap();
    let mut second = cluster.explicit();
    second.subscribe(&[&cluster.topic]).unwrap();
    assert_eq!(delivered(&next(&mut second).await), [("1".into(), 2), ("2".into(), 2)]);
    // Who is dropped says nothing; the brokers see the connection close.
    drop(second);
    let mut third = cluster.sharer(&[]);
    third.subscribe(&[&cluster.topic]).unwrap();
    assert_eq!(delivered(&next(&mut third).await), [("1".into(), 3), ("2".into(), 3)]);
    third.close(SOON).await.unwrap();
    cluster.lag_becomes(2).await;
}

#[tokio::test]
async fn h2_a_renewed_record_stays_where_it_is_until_it_is_acknowledged() {
    let cluster = Cluster::for_sharing("share-renew", &[]).await;
    cluster.produce(0, numbers(0..1)).await;
    let (mut slow, mut other) = (cluster.explicit(), cluster.explicit());
    slow.subscribe(&[&cluster.topic]).unwrap();
    let polled = next(&mut slow).await;
    let record = polled.iter().next().unwrap();
    slow.acknowledge(&record, Acknowledge::Renew).unwrap();
    let committed = slow.commit_sync().await.unwrap();
    assert_eq!(committed, BTreeMap::from([(cluster.tp(0), Ok(()))]));
    other.subscribe(&[&cluster.topic]).unwrap();
    assert!(other.poll(Duration::from_millis(500)).await.unwrap().is_empty(), "it is held");
    assert!(slow.poll(Duration::from_millis(10)).await.unwrap().is_empty(), "and not given again");
    slow.acknowledge(&record, Acknowledge::Reject).unwrap();
    slow.commit_sync().await.unwrap();
    cluster.lag_becomes(0).await;
    slow.close(SOON).await.unwrap();
    other.close(SOON).await.unwrap();
}

#[tokio::test]
async fn h2_many_members_share_one_partition_and_every_record_is_worked_on() {
    let cluster = Cluster::for_sharing("share-many", &[]).await;
    let limited = [("max.poll.records", "3"), ("share.acquire.mode", "record_limit")];
    let mut members: Vec<ShareConsumer> = (0..3).map(|_| cluster.sharer(&limited)).collect();
    for member in &mut members {
        member.subscribe(&[&cluster.topic]).unwrap();
    }
    cluster.produce(0, numbers(0..30)).await;
    let (mut seen, mut by_member, start) = (BTreeSet::new(), [0; 3], Instant::now());
    while seen.len() < 30 {
        assert!(start.elapsed() < SOON, "{seen:?}");
        for (at, member) in members.iter_mut().enumerate() {
            let polled = member.poll(Duration::from_millis(20)).await.unwrap();
            assert!(polled.len() <= 3, "record_limit");
            by_member[at] += polled.len();
            assert!(delivered(&polled).into_iter().all(|(value, count)| count == 1 && seen.insert(value)), "nobody gets what another has");
        }
    }
    assert!(by_member.iter().all(|count| *count > 0), "{by_member:?}");
    for member in &mut members {
        member.commit_sync().await.unwrap();
    }
    cluster.lag_becomes(0).await;
    for member in members {
        member.close(SOON).await.unwrap();
    }
}

#[tokio::test]
async fn h5_administrators_list_move_and_forget_offsets_of_groups_without_members() {
    let cluster = Cluster::for_sharing("share-offsets", &[]).await;
    cluster.produce(0, numbers(0..5)).await;
    let mut consumer = cluster.sharer(&[]);
    consumer.subscribe(&[&cluster.topic]).unwrap();
    assert_eq!(next(&mut consumer).await.len(), 5);
    consumer.commit_sync().await.unwrap();
    let admin = cluster.admin();
    let group = admin.describe_share_group(&cluster.topic).await.unwrap();
    assert_eq!((group.group_state.as_str(), group.members.len()), ("Stable", 1));
    assert_eq!(group.members[0].member_id, consumer.member_id());
    let to_two = BTreeMap::from([(cluster.tp(0), 2)]);
    let refused = admin.alter_share_group_offsets(&cluster.topic, &to_two).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NonEmptyGroup));
    consumer.close(SOON).await.unwrap();
    let moved = admin.alter_share_group_offsets(&cluster.topic, &to_two).await.unwrap();
    assert_eq!(moved, BTreeMap::from([(cluster.tp(0), Ok(()))]));
    cluster.lag_becomes(3).await;
    let forgotten = admin.delete_share_group_offsets(&cluster.topic, &[&cluster.topic]).await.unwrap();
    assert_eq!(forgotten, BTreeMap::from([(cluster.topic.clone(), Ok(()))]));
    assert_eq!(cluster.lag().await, None);
    assert!(admin.list_groups(&[], &["share".into()]).await.unwrap().iter().any(|g| g.group == cluster.topic));
    assert_eq!(admin.delete_groups(&[&cluster.topic]).await.unwrap(), [(cluster.topic.clone(), Ok(()))]);
    let gone = admin.describe_share_group(&cluster.topic).await.unwrap_err();
    assert_eq!(gone.code(), Some(ErrorCode::GroupIdNotFound));
}

#[test]
fn settings_that_are_the_groups_are_refused() {
    let values = [("bootstrap.servers", "h:1"), ("group.id", "g"), ("auto.offset.reset", "earliest"), ("group.protocol", "consumer")];
    let refused = ConsumerConfig::parse_share(&values.map(|(k, v)| (k.to_string(), v.to_string())).into()).unwrap_err();
    assert_eq!(refused.to_string(), "auto.offset.reset, group.protocol cannot be set when using a share group.");
}
