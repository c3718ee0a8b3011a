//! Reads and tells of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::consumer::Args;
use super::{tell, text};
use crate::cli::connect::Properties;
use crate::cli::error::CliError;
use crate::cli::perf::stop::Stop;
use crate::cli::tool::Exit;
use crate::client::admin::GroupOffset;
use crate::client::{Callback, Consumer, ConsumerConfig, ConsumerRecord, Polled, RebalanceListener};
use crate::types::TopicPartition;

/// Only bounds one call.
const POLL: Duration = Duration::from_secs(3600);
/// How long leaving the group may take at the end.
const CLOSE: Duration = Duration::from_secs(5);

/// Reads until there were enough or a signal comes.
pub(super) async fn read(args: &Args, properties: &Properties) -> Result<Exit, CliError> {
    let values = properties.iter().cloned().collect();
    let config = ConsumerConfig::parse(&values).map_err(|e| CliError::config(e.to_string()))?;
    let mut stop = Stop::new()?;
    let mut consumer = Consumer::new(config)?;
    tell("startup_complete", &[])?;
    // Said at once, and not tried for ever.
    consumer.client().refresh(&[]).await?;
    consumer.set_listener(Teller);
    consumer.subscribe(&[args.topic.as_deref().unwrap_or_default()])?;
    let mut reading = Reading { args, most: args.max_messages.and_then(|n| usize::try_from(n).ok()), count: 0 };
    let ended = stop.unless(reading.run(&mut consumer)).await;
    if ended.is_err() {
        tell("shutdown_requested", &[])?;
    }
    let _ = consumer.close(CLOSE).await;
    tell("shutdown_complete", &[])?;
    match ended {
        Err(number) => Err(CliError::stopped(number)),
        Ok(result) => {
            tell("shutdown_requested", &[])?;
            result.map(|()| Exit::OK)
        }
    }
}

struct Reading<'a> {
    args: &'a Args,
    most: Option<usize>,
    count: usize,
}

impl Reading<'_> {
    async fn run(&mut self, consumer: &mut Consumer) -> Result<(), CliError> {
        while self.most.is_none_or(|most| self.count < most) {
            let polled = consumer.poll(POLL).await?;
            if polled.is_empty() {
                continue;
            }
            let offsets = self.take(&polled)?;
            if !self.args.enable_autocommit {
                commit(consumer, offsets).await?;
            }
        }
        Ok(())
    }

    /// Tells of the records, of no more than were asked for. Gives what to commit.
    fn take(&mut self, polled: &Polled) -> Result<BTreeMap<TopicPartition, i64>, CliError> {
        let mut by_partition: BTreeMap<TopicPartition, Vec<ConsumerRecord<'_>>> = BTreeMap::new();
        for record in polled.iter() {
            by_partition.entry(TopicPartition::new(record.topic, record.partition)).or_default().push(record);
        }
        let (mut offsets, mut told) = (BTreeMap::new(), Vec::new());
        for (tp, mut records) in by_partition {
            records.truncate(self.most.map_or(usize::MAX, |most| most - self.count));
            let (Some(first), Some(last)) = (records.first(), records.last()) else { break };
            offsets.insert(tp.clone(), last.offset + 1);
            told.push(format!(
                "{{\"topic\":{},\"partition\":{},\"count\":{},\"minOffset\":{},\"maxOffset\":{}}}",
                text(Some(&tp.topic)),
                tp.partition,
                records.len(),
                first.offset,
                last.offset
            ));
            if self.args.verbose {
                records.iter().try_for_each(tell_of)?;
            }
            self.count += records.len();
        }
        tell("records_consumed", &[("count", polled.len().to_string()), ("partitions", format!("[{}]", told.join(",")))])?;
        Ok(offsets)
    }
}

fn tell_of(record: &ConsumerRecord<'_>) -> Result<(), CliError> {
    let shown = |bytes: Option<&[u8]>| text(bytes.map(String::from_utf8_lossy).as_deref());
    let fields = [
        ("key", shown(record.key)),
        ("value", shown(record.value)),
        ("topic", text(Some(record.topic))),
        ("partition", record.partition.to_string()),
        ("offset", record.offset.to_string()),
    ];
    tell("record_data", &fields)
}

/// A commit that is refused is told of, and no reason to stop.
async fn commit(consumer: &mut Consumer, offsets: BTreeMap<TopicPartition, i64>) -> Result<(), CliError> {
    let offset = |(tp, offset): (&TopicPartition, &i64)| {
        format!("{{\"topic\":{},\"partition\":{},\"offset\":{offset}}}", text(Some(&tp.topic)), tp.partition)
    };
    let told: Vec<String> = offsets.iter().map(offset).collect();
    let mut fields = vec![("offsets", format!("[{}]", told.join(",")))];
    let offsets = offsets.into_iter().map(|(tp, offset)| (tp, GroupOffset { offset, leader_epoch: -1, metadata: String::new() })).collect();
    let result = consumer.commit_sync(Some(offsets)).await;
    if let Err(e) = &result {
        fields.push(("error", text(Some(&CliError::from(e.clone()).kafka_message()))));
    }
    fields.push(("success", result.is_ok().to_string()));
    tell("offsets_committed", &fields)
}

/// Tells of partitions that come and go.
struct Teller;

impl Teller {
    fn told(name: &str, partitions: &[TopicPartition]) {
        let each = |tp: &TopicPartition| format!("{{\"topic\":{},\"partition\":{}}}", text(Some(&tp.topic)), tp.partition);
        let all: Vec<String> = partitions.iter().map(each).collect();
        // That nobody reads any more comes up with the next event.
        let _ = tell(name, &[("partitions", format!("[{}]", all.join(",")))]);
    }
}

impl RebalanceListener for Teller {
    fn assigned<'a>(&'a mut self, _: &'a mut Consumer, partitions: &'a [TopicPartition]) -> Callback<'a> {
        Teller::told("partitions_assigned", partitions);
        Box::pin(async {})
    }

    fn revoked<'a>(&'a mut self, _: &'a mut Consumer, partitions: &'a [TopicPartition]) -> Callback<'a> {
        Teller::told("partitions_revoked", partitions);
        Box::pin(async {})
    }
}
