//! `roundrobin`: all partitions in order of topic and number, dealt to the members in turn, passing over members that do not want the topic.

use std::collections::BTreeMap;

use super::{Assignments, Member, TopicPartitions, empty_assignments, in_serving_order};
use crate::types::TopicPartition;

pub(super) fn assign(topics: &BTreeMap<&str, &TopicPartitions>, members: &[Member]) -> Assignments {
    let mut assignments = empty_assignments(members);
    let turn = in_serving_order(members);
    let mut next = 0;
    for (&topic, partitions) in topics {
        for partition in (0..).take(partitions.len()) {
            // Every topic here has a subscriber, so one full circle is enough.
            let Some(step) = (0..turn.len()).find(|i| wants(turn[(next + i) % turn.len()], topic)) else { break };
            let member = turn[(next + step) % turn.len()];
            if let Some(list) = assignments.get_mut(&member.id) {
                list.push(TopicPartition::new(topic, partition));
            }
            next = (next + step + 1) % turn.len();
        }
    }
    assignments
}

fn wants(member: &Member, topic: &str) -> bool {
    member.subscription.topics.iter().any(|t| t == topic)
}
