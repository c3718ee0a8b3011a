//! What was found, as rows.

use super::hanging::Hanging;
use crate::cli::out::sheet::{Head, NONE, Sheet};
use crate::cli::out::table::{number, text};
use crate::client::admin::{ProducerState, TransactionDescription, TransactionListing};

const LISTING: &[Head] = &[
    ("TransactionalId", text("TRANSACTIONAL-ID")),
    ("Coordinator", number("COORDINATOR")),
    ("ProducerId", number("PRODUCER-ID")),
    ("TransactionState", text("STATE")),
];

const DESCRIPTION: &[Head] = &[
    ("CoordinatorId", number("COORDINATOR")),
    ("TransactionalId", text("TRANSACTIONAL-ID")),
    ("ProducerId", number("PRODUCER-ID")),
    ("ProducerEpoch", number("EPOCH")),
    ("TransactionState", text("STATE")),
    ("TransactionTimeoutMs", number("TIMEOUT-MS")),
    ("CurrentTransactionStartTimeMs", number("START-MS")),
    ("TransactionDurationMs", number("DURATION-MS")),
    ("TopicPartitions", text("PARTITIONS")),
];

const PRODUCERS: &[Head] = &[
    ("ProducerId", number("PRODUCER-ID")),
    ("ProducerEpoch", number("EPOCH")),
    ("LatestCoordinatorEpoch", number("COORDINATOR-EPOCH")),
    ("LastSequence", number("LAST-SEQUENCE")),
    ("LastTimestamp", number("LAST-TIMESTAMP")),
    ("CurrentTransactionStartOffset", number("OPEN-SINCE-OFFSET")),
];

const HANGING: &[Head] = &[
    ("Topic", text("TOPIC")),
    ("Partition", number("PARTITION")),
    ("ProducerId", number("PRODUCER-ID")),
    ("ProducerEpoch", number("EPOCH")),
    ("CoordinatorEpoch", number("COORDINATOR-EPOCH")),
    ("StartOffset", number("START-OFFSET")),
    ("LastTimestamp", number("LAST-TIMESTAMP")),
    ("Duration(min)", number("MINUTES")),
];

fn or_none(number: Option<i64>) -> String {
    number.map_or(NONE.to_owned(), |n| n.to_string())
}

pub(super) fn listing(found: &[TransactionListing]) -> Sheet {
    let row =
        |t: &TransactionListing| vec![t.transactional_id.clone(), t.coordinator.to_string(), t.producer_id.to_string(), t.state.clone()];
    Sheet { heads: LISTING, rows: found.iter().map(row).collect() }
}

pub(super) fn description(id: &str, t: &TransactionDescription) -> Sheet {
    let now = jiff::Timestamp::now().as_millisecond();
    let partitions: Vec<String> = t.partitions.iter().map(ToString::to_string).collect();
    let row = vec![
        t.coordinator.to_string(),
        id.to_owned(),
        t.producer_id.to_string(),
        t.producer_epoch.to_string(),
        t.state.clone(),
        t.timeout_ms.to_string(),
        or_none(t.start_ms),
        or_none(t.start_ms.map(|start| now - start)),
        partitions.join(","),
    ];
    Sheet { heads: DESCRIPTION, rows: vec![row] }
}

pub(super) fn producers(found: &[ProducerState]) -> Sheet {
    let row = |p: &ProducerState| {
        vec![
            p.producer_id.to_string(),
            p.producer_epoch.to_string(),
            p.coordinator_epoch.to_string(),
            p.last_sequence.to_string(),
            p.last_timestamp.to_string(),
            or_none(Some(p.current_txn_start_offset).filter(|o| *o >= 0)),
        ]
    };
    Sheet { heads: PRODUCERS, rows: found.iter().map(row).collect() }
}

pub(super) fn hanging(found: &[Hanging]) -> Sheet {
    let now = jiff::Timestamp::now().as_millisecond();
    let row = |h: &Hanging| {
        vec![
            h.partition.topic.clone(),
            h.partition.partition.to_string(),
            h.producer.producer_id.to_string(),
            h.producer.producer_epoch.to_string(),
            h.producer.coordinator_epoch.to_string(),
            h.producer.current_txn_start_offset.to_string(),
            h.producer.last_timestamp.to_string(),
            ((now - h.producer.last_timestamp) / 60_000).to_string(),
        ]
    };
    Sheet { heads: HANGING, rows: found.iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn kafkas_layout_pads_every_cell_and_ends_it_with_a_tab() {
        let one = TransactionListing { transactional_id: "tx".into(), coordinator: 1, producer_id: 107, state: "CompleteCommit".into() };
        let lines = [
            "TransactionalId\tCoordinator\tProducerId\tTransactionState\t",
            "tx             \t1          \t107       \tCompleteCommit  \t",
        ];
        assert_eq!(listing(&[one]).plain(), lines);
        assert_eq!(listing(&[]).plain(), lines[..1]);
    }

    #[test]
    fn json_has_numbers_lists_and_nulls() {
        let t = TransactionDescription {
            coordinator: 1,
            producer_id: 7,
            producer_epoch: 2,
            state: "Empty".into(),
            timeout_ms: 30_000,
            start_ms: None,
            partitions: vec![],
        };
        let sheet = description("x", &t);
        let object = sheet.object(&sheet.rows[0]);
        assert_eq!(object["producerId"], 7);
        assert_eq!(object["currentTransactionStartTimeMs"], Value::Null);
        assert_eq!(object["topicPartitions"], Value::Array(vec![]));
    }
}
