//! Tables for people: no borders, upper-case headers with hyphens (so that awk still works), numbers to the right.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

/// One column: its header, and whether it holds numbers.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub header: &'static str,
    pub number: bool,
}

/// A column of text.
pub const fn text(header: &'static str) -> Column {
    Column { header, number: false }
}

/// A column of numbers.
pub const fn number(header: &'static str) -> Column {
    Column { header, number: true }
}

/// The table without a newline at its end. Lines carry no trailing blanks.
pub fn render(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|c| c.header));
    for row in rows {
        table.add_row(row.into_iter().map(Cell::new));
    }
    for (at, column) in columns.iter().enumerate() {
        if let Some(drawn) = table.column_mut(at) {
            drawn.set_padding((0, 2));
            if column.number {
                drawn.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_carry_no_trailing_blanks() {
        let drawn = render(
            &[text("GROUP"), number("LAG"), text("HOST")],
            [vec!["a".into(), "12".into(), "-".into()], vec!["longer".into(), "3".into(), "/127.0.0.1".into()]],
        );
        assert_eq!(drawn, "GROUP   LAG  HOST\na        12  -\nlonger    3  /127.0.0.1");
    }
}
