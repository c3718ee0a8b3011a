//! Rows under headers: in the layout of Kafka's newer tools, as a table for people, as JSON.

use serde_json::{Map, Value};

use super::plain::pad;
use super::table::Column;
use super::{Format, Out, json, table};
use crate::cli::error::CliError;

/// What Kafka's tools print where there is nothing.
pub const NONE: &str = "None";

/// One column: Kafka's header, and the one for people.
pub type Head = (&'static str, Column);

/// Rows under headers.
pub struct Sheet {
    pub heads: &'static [Head],
    pub rows: Vec<Vec<String>>,
}

impl Sheet {
    /// Writes it all.
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
    pub fn plain(&self) -> Vec<String> {
        let heads = self.heads.iter().map(|(head, _)| (*head).to_owned()).collect::<Vec<_>>();
        let all: Vec<&Vec<String>> = std::iter::once(&heads).chain(&self.rows).collect();
        let width = |at: usize| all.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        all.iter().map(|row| row.iter().zip(&widths).map(|(cell, width)| format!("{}\t", pad(cell, *width))).collect()).collect()
    }

    /// Keys are Kafka's headers: `ProducerId` becomes `producerId`. Lists of partitions are lists.
    pub fn object(&self, row: &[String]) -> Value {
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
