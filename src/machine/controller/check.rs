//! What must hold of the state after every step.

use super::state::{ClusterState, NO_LEADER, Partition, Topic};

impl ClusterState {
    /// Names and ids agree, partitions are numbered without gaps, and V7 holds for each of them.
    pub fn check(&self) -> Result<(), String> {
        if self.names.len() != self.topics.len() {
            return Err(format!("{} names for {} topics", self.names.len(), self.topics.len()));
        }
        for (name, id) in self.names.iter() {
            let topic = self.topics.get(id).ok_or_else(|| format!("name {name} leads to no topic"))?;
            if topic.name != *name || topic.id != *id {
                return Err(format!("name {name} leads to topic {}", topic.name));
            }
            check_topic(topic)?;
        }
        for (resource, overrides) in self.configs.iter() {
            if overrides.is_empty() {
                return Err(format!("{resource:?} has an empty set of overrides"));
            }
        }
        Ok(())
    }
}

fn check_topic(topic: &Topic) -> Result<(), String> {
    for (expected, (number, partition)) in (0..).zip(&topic.partitions) {
        if *number != expected {
            return Err(format!("topic {} has no partition {expected}", topic.name));
        }
        check_partition(partition).map_err(|what| format!("{}-{number}: {what}", topic.name))?;
    }
    Ok(())
}

fn check_partition(p: &Partition) -> Result<(), String> {
    let outside = |list: &[i32]| list.iter().find(|r| !p.replicas.contains(r)).copied();
    if let Some(replica) = outside(&p.isr) {
        return Err(format!("in-sync replica {replica} is no replica"));
    }
    if let Some(replica) = outside(&p.elr) {
        return Err(format!("eligible leader {replica} is no replica"));
    }
    if p.leader != NO_LEADER && !p.isr.contains(&p.leader) {
        return Err(format!("leader {} is not in sync", p.leader));
    }
    if let Some(both) = p.isr.iter().find(|r| p.elr.contains(r)) {
        return Err(format!("replica {both} is in sync and an eligible leader at once"));
    }
    if p.directories.len() != p.replicas.len() {
        return Err(format!("{} directories for {} replicas", p.directories.len(), p.replicas.len()));
    }
    if p.leader_epoch < 0 || p.partition_epoch < 0 {
        return Err(format!("epochs {} and {}", p.leader_epoch, p.partition_epoch));
    }
    Ok(())
}
