//! The target of a group: what each member shall have (facts K5, K9).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::assign::order::name_order;
use super::assign::{GroupSpec, MemberSpec, Subscribed};
use super::records::Records;
use super::rollcall::Rollcall;
use super::{ConsumerGroup, Member, Partitions};
use crate::machine::group::cluster_view::ClusterView;
use crate::machine::group::turn::Turn;
use crate::types::TopicId;

/// A member's target, and the epoch it is of.
pub struct Target {
    pub epoch: i32,
    pub partitions: Partitions,
}

/// The target of the updated member. It is computed anew, for all, if the group epoch is ahead of it; but not more often than the
/// group's assignment interval says: then the last one counts for a while longer.
pub fn update(roll: &Rollcall, turn: &Turn, group_epoch: i32, records: &mut Records) -> Target {
    let group = roll.group;
    if group.target_epoch >= group_epoch || !may_compute(group, turn) {
        return last(roll);
    }
    let spec = spec(roll, &**turn.cluster);
    let mut targets = roll.assignor(turn.config.consumer.default_assignor()).assign(&spec);
    for member in &spec.members {
        let target = targets.entry(member.id.clone()).or_default();
        if group.targets.get(&member.id) != Some(target) {
            records.target(&member.id, target);
        }
    }
    records.target_epoch(group_epoch, turn.now.wall.0);
    Target { epoch: group_epoch, partitions: targets.remove(&roll.updated.id).unwrap_or_default() }
}

/// The updated member's part of the target that the group has.
pub fn last(roll: &Rollcall) -> Target {
    let place = roll.replaces.unwrap_or(&roll.updated.id);
    Target { epoch: roll.group.target_epoch, partitions: roll.group.target(place) }
}

fn may_compute(group: &ConsumerGroup, turn: &Turn) -> bool {
    let interval = turn.assignment_interval_ms();
    let (then, now) = (group.target_timestamp, turn.now.wall.0);
    // A clock that was set back must not keep the group waiting.
    then == 0 || interval == 0 || now < then || now >= then.saturating_add(interval)
}

fn spec(roll: &Rollcall, cluster: &dyn ClusterView) -> GroupSpec {
    let mut partitions: BTreeMap<TopicId, i32> = BTreeMap::new();
    let mut known: Option<(&Member, Rc<Subscribed>)> = None;
    let mut members = Vec::with_capacity(roll.group.len() + 1);
    for member in roll.members() {
        // Most members subscribe to what the one before them does.
        let subscribed = match &known {
            Some((other, subscribed)) if subscribes_alike(other, member) => subscribed.clone(),
            _ => {
                let subscribed = Rc::new(subscribed(roll.group, member, cluster, &mut partitions));
                known = Some((member, subscribed.clone()));
                subscribed
            }
        };
        let place = if member.id == roll.updated.id { roll.replaces.unwrap_or(&member.id) } else { &member.id };
        let held = roll.group.target(place);
        members.push(MemberSpec { id: member.id.clone(), instance_id: member.profile.instance_id.clone(), subscribed, held });
    }
    members.sort_by(|a, b| a.id.cmp(&b.id));
    GroupSpec { members, partitions, homogeneous: roll.is_homogeneous() }
}

fn subscribes_alike(a: &Member, b: &Member) -> bool {
    a.profile.regex() == b.profile.regex() && a.profile.topic_names == b.profile.topic_names
}

fn subscribed(group: &ConsumerGroup, member: &Member, cluster: &dyn ClusterView, partitions: &mut BTreeMap<TopicId, i32>) -> Subscribed {
    let mut names: BTreeSet<&str> = member.profile.topic_names.iter().map(String::as_str).collect();
    let resolved = member.profile.regex().and_then(|regex| group.regexes.get(regex));
    names.extend(resolved.iter().flat_map(|r| &r.topics).map(String::as_str));
    let mut subscribed = Subscribed { names: names.len(), ..Default::default() };
    for topic in name_order(&names).into_iter().filter_map(|name| cluster.topic(name)) {
        subscribed.topics.insert(topic.id);
        subscribed.by_name.push(topic.id);
        partitions.insert(topic.id, topic.partitions);
    }
    subscribed
}
