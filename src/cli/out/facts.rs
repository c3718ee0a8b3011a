//! Facts for people and programs: rows under named columns, in every format of `-o`.
//!
//! A command says what it knows once, as [`Facts`], and how Kafka's tool has it; everything else about formats is here. `docs/output.md` lists
//! the columns of every command.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Format, Out, csv, json, plain, table, yaml};
use crate::cli::error::CliError;

/// How wide columns of texts are where nobody knows what comes.
const FLOWING: usize = 12;

/// When a table for people has a column. For programs all are always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Always,
    /// Only if one of its cells says something.
    IfAny,
    Never,
}

/// One column: its name for programs (`log_end_offset`), from which its header for people comes (`LOG-END-OFFSET`).
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    number: bool,
    shown: Shown,
}

/// A column of texts, or of whatever stands to the left.
pub const fn text(name: &'static str) -> Column {
    Column { name, number: false, shown: Shown::Always }
}

/// A column of numbers.
pub const fn number(name: &'static str) -> Column {
    Column { name, number: true, shown: Shown::Always }
}

impl Column {
    /// Left out of tables in which it would say nothing.
    pub const fn if_any(self) -> Column {
        Column { shown: Shown::IfAny, ..self }
    }

    /// For programs only.
    pub const fn detail(self) -> Column {
        Column { shown: Shown::Never, ..self }
    }

    fn header(&self) -> String {
        self.name.to_uppercase().replace('_', "-")
    }
}

/// One fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Not known, or not there.
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Cell>),
    /// Names and what they stand for, in order.
    Map(Vec<(String, Cell)>),
}

impl Cell {
    pub fn to_json(&self) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Bool(is) => Value::from(*is),
            Cell::Int(n) => Value::from(*n),
            // What is no number of JSON's becomes null.
            Cell::Float(n) => Value::from(*n),
            Cell::Text(text) => Value::from(text.as_str()),
            Cell::List(all) => all.iter().map(Cell::to_json).collect(),
            Cell::Map(all) => Value::from(all.iter().map(|(name, cell)| (name.clone(), cell.to_json())).collect::<Map<_, _>>()),
        }
    }

    /// One text, as far as it goes without JSON; lists and maps are JSON.
    pub fn to_text(&self) -> String {
        match self {
            Cell::Null => String::new(),
            Cell::Text(text) => text.clone(),
            _ => self.to_json().to_string(),
        }
    }

    fn is_nothing(&self) -> bool {
        match self {
            Cell::Null => true,
            Cell::Text(text) => text.is_empty(),
            Cell::List(all) => all.is_empty(),
            Cell::Map(all) => all.is_empty(),
            _ => false,
        }
    }

    /// For people: lists without brackets, and a dash for nothing.
    fn to_shown(&self) -> String {
        match self {
            nothing if nothing.is_nothing() => "-".to_owned(),
            Cell::List(all) => all.iter().map(Cell::to_shown).collect::<Vec<_>>().join(","),
            Cell::Map(all) => all.iter().map(|(name, cell)| format!("{name}={}", cell.to_text())).collect::<Vec<_>>().join(","),
            _ => self.to_text(),
        }
    }
}

macro_rules! from_whole_numbers {
    ($($t:ty),*) => { $(impl From<$t> for Cell { fn from(n: $t) -> Cell { Cell::Int(n.into()) } })* };
}
from_whole_numbers!(i8, i16, i32, i64, u8, u16, u32);

impl From<u64> for Cell {
    fn from(n: u64) -> Cell {
        Cell::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Cell {
    fn from(n: usize) -> Cell {
        Cell::from(n as u64)
    }
}

impl From<f64> for Cell {
    fn from(n: f64) -> Cell {
        Cell::Float(n)
    }
}

impl From<bool> for Cell {
    fn from(is: bool) -> Cell {
        Cell::Bool(is)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Cell {
        Cell::Text(text.clone())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Cell {
        cell.map_or(Cell::Null, Into::into)
    }
}

impl<T: Into<Cell>> From<Vec<T>> for Cell {
    fn from(all: Vec<T>) -> Cell {
        Cell::List(all.into_iter().map(Into::into).collect())
    }
}

impl<T: Clone + Into<Cell>> From<&[T]> for Cell {
    fn from(all: &[T]) -> Cell {
        Cell::from(all.to_vec())
    }
}

impl<T: Clone + Into<Cell>> From<&Vec<T>> for Cell {
    fn from(all: &Vec<T>) -> Cell {
        Cell::from(all.clone())
    }
}

/// Partitions as `topic-0`.
impl From<&crate::types::TopicPartition> for Cell {
    fn from(tp: &crate::types::TopicPartition) -> Cell {
        Cell::Text(tp.to_string())
    }
}

/// One row: anything that makes a cell, in the order of the columns.
macro_rules! row {
    ($($cell:expr),* $(,)?) => { vec![$($crate::cli::out::facts::Cell::from($cell)),*] };
}
pub(crate) use row;

/// Rows under columns.
#[derive(Clone, Debug)]
pub struct Facts {
    pub columns: &'static [Column],
    pub rows: Vec<Vec<Cell>>,
    above: Option<Box<Facts>>,
}

impl Facts {
    pub fn new(columns: &'static [Column], rows: impl IntoIterator<Item = Vec<Cell>>) -> Facts {
        let rows: Vec<Vec<Cell>> = rows.into_iter().collect();
        debug_assert!(rows.iter().all(|row| row.len() == columns.len()), "a row has other cells than {columns:?}");
        Facts { columns, rows, above: None }
    }

    /// For people there are two tables, this one below. `above` must say nothing that the columns here do not say too.
    pub fn below(self, above: Facts) -> Facts {
        Facts { above: Some(Box::new(above)), ..self }
    }

    /// Writes it all; `plain` is for Kafka's own layout.
    pub fn print(&self, out: &mut Out, format: Format, plain: impl FnOnce(&mut Out) -> Result<(), CliError>) -> Result<(), CliError> {
        match format {
            Format::Plain => plain(out),
            Format::Table => out.line(self.tables()),
            Format::Json => json::print(out, &self.rows.iter().map(|row| self.object(row)).collect()),
            Format::Jsonl => self.rows.iter().try_for_each(|row| out.line(self.object(row).to_string())),
            Format::Csv => {
                let names: Vec<Cell> = self.columns.iter().map(|c| Cell::from(c.name)).collect();
                std::iter::once(&names).chain(&self.rows).try_for_each(|row| out.bytes(csv::line(row).as_bytes()))
            }
            Format::Yaml => out.bytes(yaml::list(self.columns, &self.rows).as_bytes()),
            Format::Name => {
                let mut told = BTreeSet::new();
                let names = self.rows.iter().filter_map(|row| row.first()).filter(|name| **name != Cell::Null).map(Cell::to_text);
                names.filter(|name| told.insert(name.clone())).try_for_each(|name| out.line(name))
            }
        }
    }

    fn object(&self, row: &[Cell]) -> Value {
        Value::from(self.columns.iter().zip(row).map(|(c, cell)| (c.name.to_owned(), cell.to_json())).collect::<Map<_, _>>())
    }

    /// For what goes on and on: as `print`, but names only before the `first` rows. Where people look there is a line a row, with all columns.
    pub fn print_on(&self, out: &mut Out, format: Format, first: bool) -> Result<(), CliError> {
        let cells = |row: &Vec<Cell>| -> Vec<String> { row.iter().map(Cell::to_shown).collect() };
        match format {
            Format::Table | Format::Plain => {
                let heads: Vec<String> = self.columns.iter().map(Column::header).collect();
                // As wide as the name, or as most of what stands below it.
                let width = |head: &String| head.chars().count().max(FLOWING);
                let padded = |line: &Vec<String>| {
                    let cells: Vec<(&str, usize)> = line.iter().zip(&heads).map(|(cell, head)| (cell.as_str(), width(head))).collect();
                    plain::row(&cells).trim_end().to_owned()
                };
                let above = first.then(|| heads.clone());
                above.into_iter().chain(self.rows.iter().map(cells)).try_for_each(|line| out.line(padded(&line)))
            }
            Format::Csv if !first => self.rows.iter().try_for_each(|row| out.bytes(csv::line(row).as_bytes())),
            // Lists of YAML go on by themselves, so long as they are not empty.
            Format::Yaml if self.rows.is_empty() => Ok(()),
            _ => self.print(out, format, |_| Ok(())),
        }
    }

    /// Writes what Kafka has no layout for: a table in its place.
    pub fn print_own(&self, out: &mut Out, format: Format) -> Result<(), CliError> {
        self.print(out, format, |out| out.line(self.tables()))
    }

    /// As people get it.
    pub fn tables(&self) -> String {
        let all = self.above.iter().map(|above| above.as_ref()).chain([self]);
        all.filter(|facts| facts.above.is_none() || !facts.rows.is_empty()).map(Facts::table).collect::<Vec<_>>().join("\n\n")
    }

    fn table(&self) -> String {
        let is_shown = |at: usize, column: &Column| match column.shown {
            Shown::Always => true,
            Shown::IfAny => self.rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_nothing())),
            Shown::Never => false,
        };
        let shown: Vec<(usize, &Column)> = self.columns.iter().enumerate().filter(|(at, column)| is_shown(*at, column)).collect();
        let heads: Vec<(String, bool)> = shown.iter().map(|(_, column)| (column.header(), column.number)).collect();
        let row = |row: &Vec<Cell>| shown.iter().map(|(at, _)| row.get(*at).map_or_else(String::new, Cell::to_shown)).collect();
        table::render(&heads, self.rows.iter().map(row))
    }
}

/// Asserts that `docs/output.md` has these columns in its section about a command: for those that no broker of the tests answers.
#[cfg(test)]
pub fn assert_documented(command: &str, columns: &[Column]) {
    let document = include_str!("../../../docs/output.md");
    let (_, section) = document.split_once(&format!("### `{command}`\n")).expect("a section");
    let section = section.split("\n#").next().unwrap_or_default();
    let told: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(columns.iter().map(|c| c.name).collect::<Vec<_>>(), told);
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[text("topic"), number("size"), text("in_sync"), text("error").if_any(), text("configs").detail()];

    fn facts() -> Facts {
        let configs = Cell::Map(vec![("b".into(), "1,2".into()), ("a".into(), Cell::Null)]);
        Facts::new(COLUMNS, [row!["t", 5, vec![1, 2], None::<String>, configs], row!["t", 12, Vec::<i32>::new(), "", Cell::Null]])
    }

    #[test]
    fn tables_leave_out_what_is_for_programs_and_what_says_nothing() {
        assert_eq!(facts().tables(), "TOPIC  SIZE  IN-SYNC\nt         5  1,2\nt        12  -");
        let mut told = facts();
        told.rows[1][3] = "gone".into();
        assert_eq!(told.tables(), "TOPIC  SIZE  IN-SYNC  ERROR\nt         5  1,2      -\nt        12  -        gone");
    }

    #[test]
    fn the_table_above_is_for_people_alone_and_stands_alone_where_nothing_is_below() {
        const ABOVE: &[Column] = &[text("all")];
        let above = Facts::new(ABOVE, [row![2]]);
        assert_eq!(facts().below(above.clone()).tables().lines().take(3).collect::<Vec<_>>(), ["ALL", "2", ""]);
        assert_eq!(Facts::new(COLUMNS, []).below(above).tables(), "ALL\n2");
        assert_eq!(Facts::new(COLUMNS, []).tables(), "TOPIC  SIZE  IN-SYNC");
    }

    #[test]
    fn objects_keep_the_order_of_columns_and_of_maps() {
        let facts = facts();
        let shown = facts.object(&facts.rows[0]).to_string();
        assert_eq!(shown, r#"{"topic":"t","size":5,"in_sync":[1,2],"error":null,"configs":{"b":"1,2","a":null}}"#);
    }
}
