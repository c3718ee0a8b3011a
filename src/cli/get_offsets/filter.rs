//! Which partitions are meant: `--topic` with `--partitions`, or the rules of `--topic-partitions`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use regex::Regex;

use super::Args;
use crate::cli::error::CliError;
use crate::cli::tool::Context;
use crate::cli::topic_pattern::expression;
use crate::client::admin::TopicListing;
use crate::types::TopicPartition;

/// Partitions that one of the rules allows.
#[derive(Debug)]
pub(super) struct Filter {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// The expression as given.
    text: String,
    topics: Regex,
    partitions: Partitions,
}

#[derive(Debug, PartialEq, Eq)]
enum Partitions {
    All,
    Some(BTreeSet<i32>),
    Between(Range<i32>),
}

impl Filter {
    /// Errors: an expression is invalid, a partition is no number, a rule has another form.
    pub fn read(args: &Args) -> Result<Filter, CliError> {
        let rules = match &args.topic_partitions {
            Some(list) => elements(list).into_iter().map(Rule::read).collect::<Result<_, _>>()?,
            None => vec![Rule::of(args.topic.as_deref(), numbers(args.partitions.as_deref().unwrap_or_default())?)?],
        };
        Ok(Filter { rules })
    }

    /// The partitions of `topics` that are meant, in the order in which their names sort as texts: 1, 10, 2.
    ///
    /// A topic that is given letter by letter means that one alone under kfk's own name; Kafka's tool takes `a.b` for `a-b` as well.
    pub fn select(&self, topics: &[TopicListing], cx: &Context) -> BTreeMap<String, TopicPartition> {
        let mut found = BTreeMap::new();
        for rule in &self.rules {
            let literal = !cx.is_kafka() && topics.iter().any(|t| t.name == rule.text);
            for topic in topics.iter().filter(|t| if literal { t.name == rule.text } else { rule.topics.is_match(&t.name) }) {
                let all = 0..i32::try_from(topic.partitions).unwrap_or(i32::MAX);
                for partition in all.filter(|p| rule.partitions.allow(*p)) {
                    let tp = TopicPartition::new(&topic.name, partition);
                    found.insert(tp.to_string(), tp);
                }
            }
        }
        found
    }
}

impl Rule {
    fn of(topic: Option<&str>, partitions: Partitions) -> Result<Rule, CliError> {
        let text = topic.unwrap_or(".*");
        Ok(Rule { text: text.to_owned(), topics: expression(text)?, partitions })
    }

    /// `TOPIC`, `TOPIC:1`, `TOPIC:1-`, `TOPIC:-3`, `TOPIC:1-3`; each part may be missing.
    fn read(rule: &str) -> Result<Rule, CliError> {
        let invalid = || {
            CliError::value(format!("Invalid rule specification: {rule}"))
                .hint("a rule looks like TOPIC, TOPIC:1, TOPIC:1-, TOPIC:-3 or TOPIC:1-3")
                .exception("org.apache.kafka.tools.TerseException")
                .wrapped_in("java.lang.RuntimeException")
        };
        let (topic, partitions) = rule.split_once(':').unwrap_or((rule, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let bound = |text: &str, missing: i32| if text.is_empty() { Ok(missing) } else { number(text) };
        let partitions = match partitions.split_once('-') {
            None if partitions.is_empty() => Partitions::All,
            None if digits(partitions) => Partitions::Some(BTreeSet::from([number(partitions)?])),
            Some((low, high)) if digits(low) && digits(high) => Partitions::Between(bound(low, 0)?..bound(high, i32::MAX)?),
            _ => return Err(invalid()),
        };
        Rule::of(Some(topic).filter(|t| !t.is_empty()), partitions)
    }
}

impl Partitions {
    fn allow(&self, partition: i32) -> bool {
        match self {
            Partitions::All => true,
            Partitions::Some(these) => these.contains(&partition),
            Partitions::Between(range) => range.contains(&partition),
        }
    }
}

/// The elements of a list as Java splits it: empty ones at its end do not count, except alone.
fn elements(list: &str) -> Vec<&str> {
    match list.trim_end_matches(',') {
        "" if !list.is_empty() => Vec::new(),
        kept => kept.split(',').collect(),
    }
}

fn number(text: &str) -> Result<i32, CliError> {
    text.parse().map_err(|_| CliError::value(format!("For input string: \"{text}\"")).exception("java.lang.NumberFormatException"))
}

fn numbers(list: &str) -> Result<Partitions, CliError> {
    if list.is_empty() {
        return Ok(Partitions::All);
    }
    let all: Result<BTreeSet<i32>, _> = elements(list).into_iter().map(str::parse).collect();
    let all = all.map_err(|_| {
        CliError::value(format!("--partitions expects a comma separated list of numeric partition ids, but received: {list}"))
    })?;
    Ok(if all.is_empty() { Partitions::All } else { Partitions::Some(all) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tool::Personality;

    fn selected(args: &Args, personality: Personality) -> Vec<String> {
        let topic = |name: &str, partitions| TopicListing { name: name.into(), id: Default::default(), is_internal: false, partitions };
        let topics = [topic("a-b", 3), topic("a.b", 11), topic("c", 1)];
        let cx = Context { personality, invoked_as: String::new() };
        Filter::read(args).unwrap().select(&topics, &cx).into_keys().collect()
    }

    fn rules(list: &str) -> Vec<String> {
        selected(&Args { topic_partitions: Some(list.into()), ..Args::default() }, Personality::Kafka)
    }

    #[test]
    fn rules_bound_partitions_from_both_sides() {
        assert_eq!(rules("a-b:1-"), ["a-b-1", "a-b-2"]);
        assert_eq!(rules("a-b:-2"), ["a-b-0", "a-b-1"]);
        assert_eq!(rules("a-b:1-2,c"), ["a-b-1", "c-0"]);
        assert_eq!(rules(":2,"), ["a-b-2", "a.b-2"]);
        assert_eq!(rules("a-b:").len(), 3);
        for bad in ["c:z", "c:0:1", "c:1-2-3", "c:99999999999"] {
            assert!(Filter::read(&Args { topic_partitions: Some(bad.into()), ..Args::default() }).is_err(), "{bad}");
        }
    }

    #[test]
    fn partitions_sort_as_texts_and_a_whole_name_means_itself_alone() {
        let dotted = Args { topic: Some("a.b".into()), partitions: Some("1,2,10".into()), ..Args::default() };
        assert_eq!(selected(&dotted, Personality::Modern), ["a.b-1", "a.b-10", "a.b-2"]);
        assert_eq!(selected(&dotted, Personality::Kafka), ["a-b-1", "a-b-2", "a.b-1", "a.b-10", "a.b-2"]);
    }
}
