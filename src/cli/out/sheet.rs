//! Facts with the layout of those tools of Kafka that end every cell with a tab.

use super::facts::{Cell, Facts};
use super::plain::pad;
use super::{Format, Out};
use crate::cli::error::CliError;

/// Facts, and which of them Kafka's tool shows.
pub struct Sheet {
    /// Kafka's header, and the column below it.
    pub heads: &'static [(&'static str, &'static str)],
    /// What Kafka's tool prints where there is nothing.
    pub none: &'static str,
    pub facts: Facts,
}

impl Sheet {
    /// Writes it all.
    pub fn print(&self, out: &mut Out, format: Format) -> Result<(), CliError> {
        self.facts.print(out, format, |out| self.plain().iter().try_for_each(|line| out.line(line)))
    }

    /// Every cell as wide as the widest of its column, with a tab behind it.
    pub fn plain(&self) -> Vec<String> {
        let places: Vec<Option<usize>> =
            self.heads.iter().map(|(_, name)| self.facts.columns.iter().position(|c| c.name == *name)).collect();
        let cells = |row: &Vec<Cell>| places.iter().map(|at| self.shown(at.and_then(|at| row.get(at)))).collect();
        let heads = self.heads.iter().map(|(head, _)| (*head).to_owned()).collect();
        let all: Vec<Vec<String>> = std::iter::once(heads).chain(self.facts.rows.iter().map(cells)).collect();
        let width = |at: usize| all.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.heads.len()).map(width).collect();
        all.iter().map(|row| row.iter().zip(&widths).map(|(cell, width)| format!("{}\t", pad(cell, *width))).collect()).collect()
    }

    fn shown(&self, cell: Option<&Cell>) -> String {
        match cell {
            None | Some(Cell::Null) => self.none.to_owned(),
            Some(Cell::List(all)) => all.iter().map(Cell::to_text).collect::<Vec<_>>().join(","),
            Some(cell) => cell.to_text(),
        }
    }
}
