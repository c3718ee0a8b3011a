//! The program of `docs/transactions.md`: what it shows is what is run here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kfk::client::Admin;
use kfk::types::TopicPartition;

use super::library::World;
use super::library::record;

// The document shows what lies between these two lines.
// ---- begin
use std::time::Duration;

use kfk::client::{Consumer, ConsumerConfig, Delivery, Error, OutgoingRecord, Polled, Producer, ProducerConfig};

/// Reads `words`, writes them in capitals to `shouts`, each exactly once, until `enough`.
async fn shout(bootstrap: &str, instance: &str, enough: impl Fn() -> bool) -> Result<(), Error> {
    let settings = |own: &[(&str, &str)]| {
        let all = [&[("bootstrap.servers", bootstrap)], own].concat();
        all.into_iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    };
    let mut consumer = Consumer::new(ConsumerConfig::parse(&settings(&[
        ("group.id", "shouters"),
        ("auto.offset.reset", "earliest"),
        // Offsets are committed by the transactions.
        ("enable.auto.commit", "false"),
        // What another program took back is not read.
        ("isolation.level", "read_committed"),
    ]))?)?;
    consumer.subscribe(&["words"])?;
    let producer = Producer::new(ProducerConfig::parse(&settings(&[("transactional.id", instance)]))?)?;
    let done = shout_until(&mut consumer, &producer, enough).await;
    producer.close(Duration::from_secs(10)).await;
    // The rest of the group gets its partitions at once.
    consumer.close(Duration::from_secs(10)).await?;
    done
}

async fn shout_until(consumer: &mut Consumer, producer: &Producer, enough: impl Fn() -> bool) -> Result<(), Error> {
    // From here on an earlier program with this id can do no harm; what it left open is taken back.
    producer.init_transactions().await?;
    while !enough() {
        let words = consumer.poll(Duration::from_millis(100)).await?;
        if words.is_empty() {
            continue;
        }
        producer.begin_transaction()?;
        match shout_all(producer, consumer, &words).await {
            Ok(()) => {}
            // Nothing of it happened; the same words come again.
            Err(error) if error.is_abortable() => {
                producer.abort_transaction().await?;
                go_back(consumer).await?;
            }
            // Fenced, say: another program with this id has taken over.
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One transaction: what is written, and the offsets that say what it was made from.
async fn shout_all(producer: &Producer, consumer: &Consumer, words: &Polled) -> Result<(), Error> {
    for word in words.iter() {
        let loud = String::from_utf8_lossy(word.value.unwrap_or_default()).to_uppercase();
        let shouted = OutgoingRecord { topic: "shouts", key: word.key, value: Some(loud.as_bytes()), ..Default::default() };
        // Whoever loses a record here hears of it from the commit.
        producer.send_with(shouted, Delivery::Forget).await?;
    }
    producer.send_offsets_to_transaction(&consumer.positions(), &consumer.group_metadata()?).await?;
    producer.commit_transaction().await
}

/// To where the last committed transaction ended.
async fn go_back(consumer: &mut Consumer) -> Result<(), Error> {
    let partitions = consumer.assignment();
    let committed = consumer.committed(&partitions).await?;
    for tp in &partitions {
        match committed.get(tp) {
            Some(found) => consumer.seek(tp, found.offset)?,
            None => consumer.seek_to_beginning(tp)?,
        }
    }
    Ok(())
}
// ---- end

#[test]
fn the_document_shows_this_program() {
    let here = std::fs::read_to_string(file!()).unwrap();
    let program = here.split("// ---- begin\n").nth(1).and_then(|rest| rest.split("// ---- end\n").next()).unwrap();
    let document = std::fs::read_to_string("docs/transactions.md").unwrap();
    assert!(document.contains(&format!("```rust\n{program}```\n")), "copy the program of {} into docs/transactions.md", file!());
}

/// A program of the same id takes over in the middle of the work of another: each word is shouted once all the same.
#[test]
fn each_word_is_shouted_exactly_once_although_a_shouter_is_taken_over() {
    let world = World::start(true, &[]);
    world.create("words", 2);
    world.create("shouts", 2);
    world.run(async |world| {
        let enough = Arc::new(AtomicBool::new(false));
        let start = || {
            let (bootstrap, enough) = (world.bootstrap.clone(), enough.clone());
            tokio::spawn(async move { shout(&bootstrap, "shouter-1", || enough.load(Ordering::SeqCst)).await })
        };
        let (first, mut second) = (start(), None);
        let producer = Producer::new(ProducerConfig::parse(&world.values(&[])).unwrap()).unwrap();
        let mut words = 0;
        while words < 200 || !first.is_finished() {
            producer.send_and_wait(record("words", words % 2, &format!("word {words:05}"))).await.unwrap();
            words += 1;
            if words == 100 {
                second = Some(start());
            }
        }
        let error = first.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Fenced { .. }), "{error:?}");
        let expected: Vec<String> = (0..words).map(|n| format!("WORD {n:05}")).collect();
        while world.committed("shouts").await.len() < expected.len() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        enough.store(true, Ordering::SeqCst);
        second.unwrap().await.unwrap().unwrap();
        assert_eq!(world.committed("shouts").await, expected);
        assert_eq!(offsets(&world.admin()).await.values().sum::<i64>(), i64::from(words));
    });
}

async fn offsets(admin: &Admin) -> BTreeMap<TopicPartition, i64> {
    let found = admin.group_offsets("shouters", None).await.unwrap();
    found.into_iter().map(|(tp, o)| (tp, o.unwrap().offset)).collect()
}
