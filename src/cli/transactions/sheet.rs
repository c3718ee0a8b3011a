//! What was found, as rows.

use super::hanging::Hanging;
use crate::cli::out::facts::{Column, Facts, number, row, text};
use crate::cli::out::sheet::Sheet;
use crate::client::admin::{ProducerState, TransactionDescription, TransactionListing};

const NONE: &str = "None";

pub(super) fn listing(found: &[TransactionListing]) -> Sheet {
    const COLUMNS: &[Column] = &[text("transactional_id"), number("coordinator"), number("producer_id"), text("state")];
    let row = |t: &TransactionListing| row![&t.transactional_id, t.coordinator, t.producer_id, &t.state];
    let heads = &[
        ("TransactionalId", "transactional_id"),
        ("Coordinator", "coordinator"),
        ("ProducerId", "producer_id"),
        ("TransactionState", "state"),
    ];
    Sheet { heads, none: NONE, facts: Facts::new(COLUMNS, found.iter().map(row)) }
}

pub(super) fn description(id: &str, t: &TransactionDescription) -> Sheet {
    const COLUMNS: &[Column] = &[
        text("transactional_id"),
        number("coordinator"),
        number("producer_id"),
        number("producer_epoch"),
        text("state"),
        number("timeout_ms"),
        number("start_ms"),
        number("duration_ms"),
        text("partitions"),
    ];
    let heads = &[
        ("CoordinatorId", "coordinator"),
        ("TransactionalId", "transactional_id"),
        ("ProducerId", "producer_id"),
        ("ProducerEpoch", "producer_epoch"),
        ("TransactionState", "state"),
        ("TransactionTimeoutMs", "timeout_ms"),
        ("CurrentTransactionStartTimeMs", "start_ms"),
        ("TransactionDurationMs", "duration_ms"),
        ("TopicPartitions", "partitions"),
    ];
    let now = jiff::Timestamp::now().as_millisecond();
    let duration = t.start_ms.map(|start| now - start);
    let partitions: Vec<String> = t.partitions.iter().map(ToString::to_string).collect();
    let row = row![id, t.coordinator, t.producer_id, t.producer_epoch, &t.state, t.timeout_ms, t.start_ms, duration, partitions];
    Sheet { heads, none: NONE, facts: Facts::new(COLUMNS, [row]) }
}

pub(super) fn producers(found: &[ProducerState]) -> Sheet {
    const COLUMNS: &[Column] = &[
        number("producer_id"),
        number("producer_epoch"),
        number("coordinator_epoch"),
        number("last_sequence"),
        number("last_timestamp"),
        number("open_since_offset"),
    ];
    let heads = &[
        ("ProducerId", "producer_id"),
        ("ProducerEpoch", "producer_epoch"),
        ("LatestCoordinatorEpoch", "coordinator_epoch"),
        ("LastSequence", "last_sequence"),
        ("LastTimestamp", "last_timestamp"),
        ("CurrentTransactionStartOffset", "open_since_offset"),
    ];
    let row = |p: &ProducerState| {
        let open = Some(p.current_txn_start_offset).filter(|o| *o >= 0);
        row![p.producer_id, p.producer_epoch, p.coordinator_epoch, p.last_sequence, p.last_timestamp, open]
    };
    Sheet { heads, none: NONE, facts: Facts::new(COLUMNS, found.iter().map(row)) }
}

pub(super) fn hanging(found: &[Hanging]) -> Sheet {
    const COLUMNS: &[Column] = &[
        text("topic"),
        number("partition"),
        number("producer_id"),
        number("producer_epoch"),
        number("coordinator_epoch"),
        number("start_offset"),
        number("last_timestamp"),
        number("minutes"),
    ];
    let heads = &[
        ("Topic", "topic"),
        ("Partition", "partition"),
        ("ProducerId", "producer_id"),
        ("ProducerEpoch", "producer_epoch"),
        ("CoordinatorEpoch", "coordinator_epoch"),
        ("StartOffset", "start_offset"),
        ("LastTimestamp", "last_timestamp"),
        ("Duration(min)", "minutes"),
    ];
    let now = jiff::Timestamp::now().as_millisecond();
    let row = |h: &Hanging| {
        let (tp, p) = (&h.partition, &h.producer);
        let minutes = (now - p.last_timestamp) / 60_000;
        let (start, last) = (p.current_txn_start_offset, p.last_timestamp);
        row![&tp.topic, tp.partition, p.producer_id, p.producer_epoch, p.coordinator_epoch, start, last, minutes]
    };
    Sheet { heads, none: NONE, facts: Facts::new(COLUMNS, found.iter().map(row)) }
}

#[cfg(test)]
mod tests {
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
    fn what_is_not_there_is_told_in_kafkas_word() {
        let t = TransactionDescription {
            coordinator: 1,
            producer_id: 7,
            producer_epoch: 2,
            state: "Empty".into(),
            timeout_ms: 30_000,
            start_ms: None,
            partitions: vec![],
        };
        let lines = description("x", &t).plain();
        let cells: Vec<&str> = lines[1].split('\t').map(str::trim_end).collect();
        assert_eq!(cells, ["1", "x", "7", "2", "Empty", "30000", "None", "None", "", ""]);
    }

    #[test]
    fn every_header_of_kafkas_has_its_column() {
        let t = TransactionDescription {
            coordinator: 1,
            producer_id: 7,
            producer_epoch: 2,
            state: "Empty".into(),
            timeout_ms: 30_000,
            start_ms: None,
            partitions: vec![],
        };
        for sheet in [listing(&[]), description("x", &t), producers(&[]), hanging(&[])] {
            for (head, name) in sheet.heads {
                assert!(sheet.facts.columns.iter().any(|c| c.name == *name), "{head}");
            }
        }
    }
}
