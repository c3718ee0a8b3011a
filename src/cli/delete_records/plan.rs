//! The file of `--offset-json-file`: which records to remove.
//!
//! `{"partitions": [{"topic": "t", "partition": 0, "offset": 5}], "version": 1}`

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::json_file;
use crate::types::TopicPartition;

/// Up to which offset (without it) each partition loses its records; -1: all that are committed.
pub(super) type Plan = BTreeMap<TopicPartition, i64>;

const OPERATION: &str = "org.apache.kafka.tools.AdminOperationException";

/// Errors: the file cannot be read, or says something else.
pub(super) fn load(path: &Path) -> Result<Plan, CliError> {
    parse(&json_file::read(path)?)
}

fn parse(text: &str) -> Result<Plan, CliError> {
    let refused = |what: &str| CliError::failed(what).exception(OPERATION);
    let file: Value = serde_json::from_str(text).map_err(|e| {
        let hint = r#"it looks like {"partitions": [{"topic": "t", "partition": 0, "offset": 5}], "version": 1}"#;
        refused("The input string is not a valid JSON").cause(e.to_string()).hint(hint)
    })?;
    let file = json_file::object(&file)?;
    match file.get("version").map(json_file::int).transpose()? {
        None | Some(1) => {}
        Some(other) => return Err(refused(&format!("Not supported version field value {other}"))),
    }
    let list = file.get("partitions").ok_or_else(|| refused("Missing partitions field"))?;
    let list = json_file::array(list)?;
    let (mut plan, mut twice) = (Plan::new(), BTreeMap::new());
    for entry in list {
        let (tp, offset) = partition(entry)?;
        if plan.insert(tp.clone(), offset).is_some() {
            twice.insert(tp.to_string(), ());
        }
    }
    if !twice.is_empty() {
        let names = twice.into_keys().collect::<Vec<_>>().join(",");
        let error = CliError::failed(format!("Offset json file contains duplicate topic partitions: {names}"));
        return Err(error.exception("org.apache.kafka.tools.AdminCommandFailedException"));
    }
    Ok(plan)
}

fn partition(entry: &Value) -> Result<(TopicPartition, i64), CliError> {
    let topic = json_file::text(json_file::field(entry, "topic")?)?;
    let partition = json_file::int(json_file::field(entry, "partition")?)?;
    let offset = json_file::long(json_file::field(entry, "offset")?)?;
    Ok((TopicPartition::new(topic, partition), offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_may_be_left_out_and_what_is_wrong_is_named() {
        let plan = parse(r#"{"partitions": [{"topic": "t", "partition": 3, "offset": -1}]}"#).unwrap();
        assert_eq!(plan, Plan::from([(TopicPartition::new("t", 3), -1)]));
        let told = |text: &str| parse(text).unwrap_err().message;
        assert_eq!(told("[]"), "Expected JSON object, received []");
        assert_eq!(told(r#"{"partitions": 1}"#), "Expected JSON array, received 1");
        assert_eq!(told(r#"{"version": "1"}"#), "Expected `Integer` value, received \"1\"");
        assert_eq!(told(r#"{"partitions": [{"topic": 7}]}"#), "Expected `String` value, received 7");
        assert_eq!(
            told(r#"{"partitions": [{"topic": "t", "partition": 2147483648, "offset": 0}]}"#),
            "Expected `Integer` value, received 2147483648"
        );
        assert_eq!(told(r#"{"partitions": [{"topic": "t", "partition": 0, "offset": 0.5}]}"#), "Expected `Long` value, received 0.5");
    }
}
