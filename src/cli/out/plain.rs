//! Kafka's own layouts: cells padded to a width as Java's `%-15s` does, by characters, never cut.

/// `text` padded with blanks on the right to `width` characters.
pub fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

/// Cells padded to their widths and joined by one blank. A width of 0 leaves the cell as it is.
pub fn row(cells: &[(&str, usize)]) -> String {
    cells.iter().map(|(text, width)| pad(text, *width)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_padded_but_never_cut() {
        assert_eq!(row(&[("GROUP", 8), ("TOPIC", 3), ("LAG", 0)]), "GROUP    TOPIC LAG");
        assert_eq!(pad("é", 3), "é  ");
    }
}
