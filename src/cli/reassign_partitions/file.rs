//! The JSON files: where replicas are to be, and of which topics; and the first of them written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{FAILED, Moves, OPERATION, Replica, Target};
use crate::cli::error::CliError;
use crate::cli::json_file::{array, field, int, object, text};
use crate::types::TopicPartition;

/// Stands for whatever directory the broker chooses.
const ANY: &str = "any";

fn refused(what: impl Into<String>) -> CliError {
    CliError::failed(what).exception(FAILED)
}

fn operation(what: impl Into<String>) -> CliError {
    CliError::failed(what).exception(OPERATION)
}

fn version(file: &Value) -> Result<(), CliError> {
    match object(file)?.get("version").map(int).transpose()? {
        None | Some(1) => Ok(()),
        Some(other) => Err(operation(format!("Not supported version field value {other}"))),
    }
}

/// Partitions with their replicas to be, in the order of the file, and directories that are asked for.
pub(super) fn assignment(file: &str) -> Result<(Vec<Target>, Moves), CliError> {
    let file: Value = serde_json::from_str(file).map_err(|e| {
        let hint = r#"it looks like {"version": 1, "partitions": [{"topic": "t", "partition": 0, "replicas": [1, 2]}]}"#;
        operation(e.to_string()).hint(hint)
    })?;
    version(&file)?;
    let (mut targets, mut moves) = (Vec::new(), Moves::new());
    let none = Vec::new();
    for entry in file.get("partitions").map(array).transpose()?.unwrap_or(&none) {
        let partition = TopicPartition::new(text(field(entry, "topic")?)?, int(field(entry, "partition")?)?);
        let replicas: Vec<i32> = array(field(entry, "replicas")?)?.iter().map(int).collect::<Result<_, _>>()?;
        let dirs: Option<Vec<&str>> = match entry.get("log_dirs") {
            Some(dirs) => Some(array(dirs)?.iter().map(text).collect::<Result<_, _>>()?),
            None => None,
        };
        if let Some(dirs) = dirs {
            if dirs.len() != replicas.len() {
                let list = |items: Vec<String>| format!("[{}]", items.join(", "));
                let (ids, dirs) = (replicas.iter().map(i32::to_string).collect(), dirs.iter().map(|d| (*d).to_owned()).collect());
                let (ids, dirs) = (list(ids), list(dirs));
                return Err(refused(format!(
                    "Size of replicas list {ids} is different from size of log dirs list {dirs} for partition {partition}"
                )));
            }
            for (broker, dir) in replicas.iter().zip(dirs).filter(|(_, dir)| *dir != ANY) {
                moves.insert(Replica { broker: *broker, partition: partition.clone() }, dir.to_owned());
            }
        }
        targets.push(Target { partition, replicas });
    }
    Ok((targets, moves))
}

/// As [`assignment`], with what could not be executed refused.
pub(super) fn executable(file: &str) -> Result<(BTreeMap<TopicPartition, Vec<i32>>, Moves), CliError> {
    let (targets, moves) = assignment(file)?;
    if targets.is_empty() {
        return Err(refused("Partition reassignment list cannot be empty"));
    }
    if targets.iter().any(|t| t.replicas.is_empty()) {
        return Err(refused("Partition replica list cannot be empty"));
    }
    let twice = twice(targets.iter().map(|t| &t.partition));
    if !twice.is_empty() {
        return Err(refused(format!("Partition reassignment contains duplicate topic partitions: {}", joined(&twice, ","))));
    }
    let doubled: Vec<String> = targets
        .iter()
        .map(|t| (t, self::twice(t.replicas.iter())))
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(t, ids)| format!("{} contains multiple entries for {}", t.partition, joined(&ids, ",")))
        .collect();
    if !doubled.is_empty() {
        return Err(refused(format!("Partition replica lists may not contain duplicate entries: {}", doubled.join(". "))));
    }
    Ok((targets.into_iter().map(|t| (t.partition, t.replicas)).collect(), moves))
}

/// The topics of which assignments are to be proposed.
pub(super) fn topics(file: &str) -> Result<BTreeSet<String>, CliError> {
    let file: Value = serde_json::from_str(file).map_err(|e| {
        operation("The input string is not a valid JSON")
            .cause(e.to_string())
            .hint(r#"it looks like {"topics": [{"topic": "t"}], "version": 1}"#)
    })?;
    version(&file)?;
    let none = Vec::new();
    let list = file.get("topics").map(array).transpose()?.unwrap_or(&none);
    let names: Vec<String> = list.iter().map(|t| Ok(text(field(t, "topic")?)?.to_owned())).collect::<Result<_, CliError>>()?;
    let twice = twice(names.iter());
    if !twice.is_empty() {
        return Err(refused(format!("List of topics to reassign contains duplicate entries: [{}]", joined(&twice, ", "))));
    }
    Ok(names.into_iter().collect())
}

/// `1,2,3`
pub(super) fn brokers(list: &str) -> Result<Vec<i32>, CliError> {
    let id = |id: &str| {
        let no_number = || CliError::value(format!("For input string: \"{id}\"")).exception("java.lang.NumberFormatException");
        id.parse::<i32>().map_err(|_| no_number().hint("--broker-list takes ids: 1,2,3"))
    };
    let ids: Vec<i32> = list.split(',').map(id).collect::<Result<_, _>>()?;
    let twice = twice(ids.iter());
    if !twice.is_empty() {
        return Err(refused(format!("Broker list contains duplicate entries: [{}]", joined(&twice, ", "))));
    }
    Ok(ids)
}

/// An assignment as a file of this form. `places`: the directories that are known.
pub(super) fn written(assignment: &BTreeMap<TopicPartition, Vec<i32>>, places: &Moves) -> String {
    let entry = |(tp, replicas): (&TopicPartition, &Vec<i32>)| {
        let place = |id: &i32| places.get(&Replica { broker: *id, partition: tp.clone() }).map_or(ANY, String::as_str);
        let dirs: Vec<&str> = replicas.iter().map(place).collect();
        json!({"topic": tp.topic, "partition": tp.partition, "replicas": replicas, "log_dirs": dirs})
    };
    json!({"version": 1, "partitions": assignment.iter().map(entry).collect::<Vec<_>>()}).to_string()
}

fn twice<'a, T: Ord + 'a>(items: impl Iterator<Item = &'a T>) -> BTreeSet<&'a T> {
    let mut seen = BTreeSet::new();
    items.filter(|item| !seen.insert(*item)).collect()
}

fn joined<T: ToString>(items: &BTreeSet<&T>, separator: &str) -> String {
    items.iter().map(|item| item.to_string()).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_written_is_read_back() {
        let tp = TopicPartition::new("t", 0);
        let wanted = BTreeMap::from([(tp.clone(), vec![2, 1])]);
        let places = Moves::from([(Replica { broker: 1, partition: tp.clone() }, "/d".to_owned())]);
        let text = written(&wanted, &places);
        assert_eq!(text, r#"{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[2,1],"log_dirs":["any","/d"]}]}"#);
        assert_eq!(executable(&text).unwrap(), (wanted, places));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let told = |text: &str| executable(text).unwrap_err().message;
        let row = r#"{"topic":"t","partition":0,"replicas":[1,1],"log_dirs":["any"]}"#;
        let sizes = "Size of replicas list [1, 1] is different from size of log dirs list [any] for partition t-0";
        assert_eq!(told(&format!(r#"{{"partitions":[{row}]}}"#)), sizes);
        assert_eq!(told(r#"{"version":2}"#), "Not supported version field value 2");
        assert_eq!(told("{}"), "Partition reassignment list cannot be empty");
        assert_eq!(brokers("1,2,1").unwrap_err().message, "Broker list contains duplicate entries: [1]");
        let topics = topics(r#"{"topics":[{"topic":"a"},{"topic":"a"}]}"#).unwrap_err().message;
        assert_eq!(topics, "List of topics to reassign contains duplicate entries: [a]");
    }
}
