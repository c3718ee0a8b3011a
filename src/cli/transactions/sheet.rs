//! What was found, as rows: in Kafka's layout, as a table for people, as JSON.

use serde_json::{Map, Value};

use super::hanging::Hanging;
use crate::cli::error::CliError;
use crate::cli::out::plain::pad;
use crate::cli::out::table::{Column, number, text};
use crate::cli::out::{Format, Out, json, table};
use crate::client::admin::{ProducerState, TransactionDescription, TransactionListing};

/// What Kafka's tool prints where there is nothing.
const NONE: &str = "None";

/// One column: Kafka's header, and the one for people.
type Head = (&'static str, Column);

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

/// Rows under headers.
pub(super) struct Sheet {
    heads: &'static [Head],
    rows: Vec<Vec<String>>,
}

impl Sheet {
    pub fn print(&self, out: &mut Out, format: Format) -> Result<(), CliError> {
        match format {
            Format::Plain => self.plain().iter().try_for_each(|line| out.line(line)),
            Format::Table => {
                let columns: Vec<Column> = self.heads.iter().map(|(_, column)| *column).collect();
                let dash = |cell: &String| if cell == NONE || cell.is_empty() { "-".to_owned() } else { cell.clone() };
                out.line(table::render(&columns, self.rows.iter().map(|row| row.iter().map(dash).collect())))
            }
            Format::Json => json::print(out, &Value::from(self.rows.iter().map(|row| self.object(row)).collect::<Vec<_>>())),
        }
    }

    /// Every cell as wide as the widest of its column, with a tab behind it.
    fn plain(&self) -> Vec<String> {
        let heads = self.heads.iter().map(|(head, _)| (*head).to_owned()).collect::<Vec<_>>();
        let all: Vec<&Vec<String>> = std::iter::once(&heads).chain(&self.rows).collect();
        let width = |at: usize| all.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        all.iter().map(|row| row.iter().zip(&widths).map(|(cell, width)| format!("{}\t", pad(cell, *width))).collect()).collect()
    }

    /// Keys are Kafka's headers: `ProducerId` becomes `producerId`. Lists of partitions are lists.
    fn object(&self, row: &[String]) -> Value {
        let mut object = Map::new();
        for ((head, column), cell) in self.heads.iter().zip(row) {
            let mut letters = head.trim_end_matches("(min)").chars();
            let key: String = letters.next().map(|c| c.to_lowercase().chain(letters).collect()).unwrap_or_default();
            let value = match cell.as_str() {
                NONE => Value::Null,
                list if *head == "TopicPartitions" => Value::from(list.split(',').filter(|p| !p.is_empty()).collect::<Vec<_>>()),
                digits if column.number => digits.parse::<i64>().map_or(Value::from(digits), Value::from),
                words => Value::from(words),
            };
            object.insert(key, value);
        }
        Value::from(object)
    }
}

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
