//! `--print-metrics`: a table in the layout of Kafka's tools, of what kfk's client counts.

use crate::cli::error::CliError;
use crate::cli::out::Out;

use super::figures::fixed;

/// A metric's value.
#[derive(Clone, Debug)]
pub enum Value {
    Number(f64),
    Text(String),
}

/// One metric: group and name as in Java's client, and its value.
pub type Metric = (&'static str, &'static str, Value);

/// Prints the metrics of the client `client_id`, sorted by name.
pub fn print(out: &mut Out, client_id: &str, metrics: &[Metric]) -> Result<(), CliError> {
    table(client_id, metrics).into_iter().try_for_each(|line| out.line(line))
}

fn table(client_id: &str, metrics: &[Metric]) -> Vec<String> {
    let row = |(group, name, value): &Metric| {
        let shown = match value {
            Value::Number(number) => fixed(*number, 3),
            Value::Text(text) => text.clone(),
        };
        (format!("{group}:{name}:{{client-id={client_id}}}"), shown)
    };
    let mut rows: Vec<(String, String)> = metrics.iter().map(row).collect();
    rows.sort();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let head = format!("\n{:<width$}   Value", "Metric Name");
    std::iter::once(head).chain(rows.into_iter().map(|(name, value)| format!("{name:<width$} : {value}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_values_stand_in_one_column() {
        let metrics = [("b", "longer", Value::Number(1.0)), ("a", "x", Value::Text("4.3.1".into()))];
        let lines = ["\nMetric Name              Value", "a:x:{client-id=c}      : 4.3.1", "b:longer:{client-id=c} : 1.000"];
        assert_eq!(table("c", &metrics), lines);
    }
}
