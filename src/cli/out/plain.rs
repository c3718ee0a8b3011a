//! Kafka's own layouts: cells padded to a width as Java's `%-15s` does, by characters, never cut.

/// `text` padded with blanks on the right to `width` characters.
pub fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

/// Cells padded to their widths and joined by one blank. A width of 0 leaves the cell as it is.
pub fn row(cells: &[(&str, usize)]) -> String {
    cells.iter().map(|(text, width)| pad(text, *width)).collect::<Vec<_>>().join(" ")
}

/// A number as Java's `Double.toString` has it: `2048.0`, `1.0E7`.
pub fn java_double(number: f64) -> String {
    if number == 0.0 || !number.is_finite() || (1e-3..1e7).contains(&number.abs()) {
        return format!("{number:?}").replace("inf", "Infinity");
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_javas() {
        let shown: Vec<String> = [2048.0, 99.5, 1e7, 10_485_760.0, 0.001, 0.000_25, 0.0, -1.5e9].map(java_double).to_vec();
        assert_eq!(shown, ["2048.0", "99.5", "1.0E7", "1.048576E7", "0.001", "2.5E-4", "0.0", "-1.5E9"]);
    }

    #[test]
    fn cells_are_padded_but_never_cut() {
        assert_eq!(row(&[("GROUP", 8), ("TOPIC", 3), ("LAG", 0)]), "GROUP    TOPIC LAG");
        assert_eq!(pad("é", 3), "é  ");
    }
}
