//! Comma-separated values as RFC 4180 has them.
//!
//! Nothing is an empty field, an empty text is `""`; lists and maps are JSON.

use super::facts::Cell;

/// One record with its line end.
pub fn line(row: &[Cell]) -> String {
    let mut text = row.iter().map(field).collect::<Vec<_>>().join(",");
    text.push_str("\r\n");
    text
}

fn field(cell: &Cell) -> String {
    let text = cell.to_text();
    let quoted = *cell == Cell::Text(String::new()) || text.contains(['"', ',', '\r', '\n']);
    if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::facts::row;
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let shown = |row: Vec<Cell>| line(&row);
        assert_eq!(shown(row!["a b", 1, true, 0.5]), "a b,1,true,0.5\r\n");
        assert_eq!(shown(row!["", Cell::Null, ""]), "\"\",,\"\"\r\n");
        assert_eq!(shown(row!["a,b", "say \"x\"", "two\nlines", "cr\r"]), "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\"cr\r\"\r\n");
        assert_eq!(shown(row![vec!["a", "b"], Vec::<i32>::new(), vec![1]]), "\"[\"\"a\"\",\"\"b\"\"]\",[],[1]\r\n");
    }
}
