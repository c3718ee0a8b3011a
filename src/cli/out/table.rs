//! Tables for people: no borders, upper-case headers with hyphens (so that awk still works), numbers to the right.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

/// The table without a newline at its end. `heads`: headers, and whether the column stands to the right. Lines carry no trailing blanks.
pub fn render(heads: &[(String, bool)], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(heads.iter().map(|(head, _)| head));
    for row in rows {
        table.add_row(row.into_iter().map(Cell::new));
    }
    for (at, (_, number)) in heads.iter().enumerate() {
        if let Some(drawn) = table.column_mut(at) {
            drawn.set_padding((0, 2));
            if *number {
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
            &[("GROUP".to_owned(), false), ("LAG".to_owned(), true), ("HOST".to_owned(), false)],
            [vec!["a".into(), "12".into(), "-".into()], vec!["longer".into(), "3".into(), "/127.0.0.1".into()]],
        );
        assert_eq!(drawn, "GROUP   LAG  HOST\na        12  -\nlonger    3  /127.0.0.1");
    }
}
