//! Topics by regular expression, as Kafka's tools read one: it must match the whole name, and commas stand for "or".

use regex::Regex;

use super::error::CliError;

/// Errors: the expression is invalid.
pub fn expression(pattern: &str) -> Result<Regex, CliError> {
    let quotes = ['"', '\''];
    let text = pattern.trim().replace(',', "|").replace(' ', "");
    let text = text.trim_matches(quotes);
    Regex::new(&format!("^(?:{text})$"))
        .map_err(|e| CliError::failed(format!("{text} is an invalid regex.")).cause(e.to_string()).exception("java.lang.RuntimeException"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_are_alternatives_and_the_whole_name_must_match() {
        let matches = |pattern: &str, name: &str| expression(pattern).unwrap().is_match(name);
        assert!(matches("orders,manual", "manual"));
        assert!(matches("my.*", "my_topic.v1"));
        assert!(!matches("orders", "orders2"));
        assert!(expression("a(").is_err());
    }
}
