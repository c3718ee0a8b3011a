//! Which partitions `--topic` means, and reset plans as CSV.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::error::CliError;
use crate::types::TopicPartition;

/// A value of `--topic`: a topic, or some partitions of one (`topic:0,1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicArg {
    All(String),
    Some(Vec<TopicPartition>),
}

impl TopicArg {
    /// Reads all values of `--topic`. Errors: a partition is no number; several colons.
    pub fn read_all(args: &[String]) -> Result<Vec<TopicArg>, CliError> {
        args.iter().map(|arg| TopicArg::read(arg)).collect()
    }

    fn read(arg: &str) -> Result<TopicArg, CliError> {
        let parts: Vec<&str> = arg.split(':').collect();
        match parts[..] {
            [topic] => Ok(TopicArg::All(topic.to_owned())),
            [topic, partitions] if !partitions.is_empty() => {
                let partition = |text: &str| match text.parse() {
                    Ok(number) => Ok(TopicPartition::new(topic, number)),
                    Err(_) => Err(CliError::usage(format!("Invalid partition '{text}' specified in topic arg '{arg}''"))),
                };
                Ok(TopicArg::Some(partitions.split(',').map(partition).collect::<Result<_, _>>()?))
            }
            _ => Err(CliError::usage(format!("Invalid topic arg '{arg}', expected topic name and partitions"))),
        }
    }
}

/// New offsets of groups.
pub type Plan = BTreeMap<String, BTreeMap<TopicPartition, i64>>;

/// Reads a plan: lines `topic,partition,offset` (for `group`, the only one) or `group,topic,partition,offset`.
///
/// Errors: the file cannot be read; a line is neither.
pub(super) fn load(path: &Path, group: Option<&str>) -> Result<Plan, CliError> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let message = format!("Unable to read file {}", path.display());
        CliError::failed(message).cause(e.to_string()).exception("java.io.IOException").wrapped_in("java.lang.RuntimeException")
    })?;
    parse(&text, group)
}

/// [`load`] of a text.
pub fn parse(text: &str, group: Option<&str>) -> Result<Plan, CliError> {
    let mut plan = Plan::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let cells = cells(line);
        let cells: Vec<&str> = cells.iter().map(|c| c.as_str()).collect();
        let (group, topic, partition, offset) = match (&cells[..], group) {
            ([topic, partition, offset], Some(group)) => (group, *topic, *partition, *offset),
            ([group, topic, partition, offset], _) => (*group, *topic, *partition, *offset),
            ([_, _, _], None) => return Err(bad(at, line, "with several groups a line must name its group")),
            _ => return Err(bad(at, line, "it has neither 3 nor 4 columns")),
        };
        let partition = partition.parse().map_err(|_| bad(at, line, "the partition is no number"))?;
        let offset = offset.parse().map_err(|_| bad(at, line, "the offset is no number"))?;
        plan.entry(group.to_owned()).or_default().insert(TopicPartition::new(topic, partition), offset);
    }
    Ok(plan)
}

fn bad(at: usize, line: &str, why: &str) -> CliError {
    CliError::failed(format!("line {} of the plan cannot be read: {line}", at + 1))
        .cause(why)
        .hint("a line is topic,partition,offset or group,topic,partition,offset")
        .exception("java.io.IOException")
}

/// The cells of a line of CSV; quoted ones may contain commas, and doubled quotes.
fn cells(line: &str) -> Vec<String> {
    let (mut all, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.trim().chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    all.push(cell);
    all.into_iter().map(|c| c.trim().to_owned()).collect()
}

/// The plan as CSV, the group in front unless there is only one.
pub fn csv(plan: &Plan, with_group: bool) -> String {
    let mut text = String::new();
    for (group, offsets) in plan {
        for (tp, offset) in offsets {
            if with_group {
                text.push_str(&format!("{},", quoted(group)));
            }
            text.push_str(&format!("{},{},{offset}\n", quoted(&tp.topic), tp.partition));
        }
    }
    text
}

/// A cell, in quotes if it needs them.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', ' ', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_may_name_partitions() {
        let read = |arg: &str| TopicArg::read(arg).map_err(|e| e.message);
        assert_eq!(read("t"), Ok(TopicArg::All("t".into())));
        assert_eq!(read("t:0,2"), Ok(TopicArg::Some(vec![TopicPartition::new("t", 0), TopicPartition::new("t", 2)])));
        assert_eq!(read("g-orders:x"), Err("Invalid partition 'x' specified in topic arg 'g-orders:x''".into()));
        assert_eq!(read("t:0:1"), Err("Invalid topic arg 't:0:1', expected topic name and partitions".into()));
    }

    #[test]
    fn plans_are_read_with_and_without_groups_and_written_back() {
        let plan = parse("\"t\",0,1\nt,1,2\n\n", Some("g")).unwrap();
        assert_eq!(csv(&plan, false), "t,0,1\nt,1,2\n");
        let plan = parse("h,t,0,5\n\"g\",\"a,\"\"b\",3,4\n", None).unwrap();
        assert_eq!(csv(&plan, true), "g,\"a,\"\"b\",3,4\nh,t,0,5\n");
        assert!(parse("t,0,1", None).is_err());
        assert!(parse("t,zero,one", Some("g")).unwrap_err().cause.is_some_and(|c| c.contains("partition")));
    }
}
