//! Where the replicas of new partitions go.
//!
//! Replicas are striped: partition after partition the first replica moves on by one rack, and within a rack by one broker, so
//! that leaders and replicas spread evenly and the replicas of one partition stand in as many racks as there are. Live
//! brokers come before fenced ones, and the first replica, the leader to be, is always a live one.

use std::collections::BTreeMap;

use crate::rng::Rng;
use crate::types::NodeId;
use crate::wire::ErrorCode;

use super::ApiError;
use super::state::{ClusterState, Partition};

/// A ring of brokers of which each round takes every member once, starting one further on each time.
#[derive(Default)]
struct Ring {
    brokers: Vec<NodeId>,
    taken: usize,
    start: usize,
    round: usize,
}

impl Ring {
    fn next(&mut self, round: usize) -> Option<NodeId> {
        if self.brokers.is_empty() {
            return None;
        }
        if self.round != round {
            self.round = round;
            self.taken = 0;
            self.start = (self.start + 1) % self.brokers.len();
        }
        if self.taken == self.brokers.len() {
            return None;
        }
        let broker = self.brokers[(self.taken + self.start) % self.brokers.len()];
        self.taken += 1;
        Some(broker)
    }
}

#[derive(Default)]
struct Rack {
    live: Ring,
    fenced: Ring,
}

/// All brokers by rack, and where the next partition starts.
pub(super) struct Placer<'a> {
    rng: &'a mut Rng,
    racks: Vec<Rack>,
    total: usize,
    live: usize,
    round: usize,
    first_rack: usize,
}

impl<'a> Placer<'a> {
    pub(super) fn new(state: &ClusterState, rng: &'a mut Rng) -> Self {
        let mut racks: BTreeMap<Option<&str>, Rack> = BTreeMap::new();
        let (mut total, mut live) = (0, 0);
        for broker in state.brokers().filter(|b| !b.in_controlled_shutdown && !fully_cordoned(b)) {
            let rack = racks.entry(broker.rack.as_deref()).or_default();
            let ring = if broker.fenced { &mut rack.fenced } else { &mut rack.live };
            ring.brokers.push(broker.id);
            total += 1;
            live += usize::from(!broker.fenced);
        }
        let mut racks: Vec<Rack> = racks.into_values().collect();
        for ring in racks.iter_mut().flat_map(|r| [&mut r.live, &mut r.fenced]) {
            ring.start = below(rng, ring.brokers.len());
        }
        let first_rack = below(rng, racks.len());
        Placer { rng, racks, total, live, round: 0, first_rack }
    }

    /// Refuses what cannot be placed (T3); `place` may be called after that.
    pub(super) fn check(&self, factor: i16) -> Result<(), ApiError> {
        let refuse = |why: String| {
            let text = format!("Unable to replicate the partition {factor} time(s): {why}");
            Err(ApiError::new(ErrorCode::InvalidReplicationFactor, text))
        };
        if self.live == 0 {
            return refuse("All brokers are currently fenced, or have all their log directories cordoned.".into());
        }
        if usize::try_from(factor).is_ok_and(|f| f > self.total) {
            return refuse(format!(
                "The target replication factor of {factor} cannot be reached because only {} broker(s) are registered \
                 or some brokers have all their log directories cordoned.",
                self.total
            ));
        }
        Ok(())
    }

    /// The replicas of the next partition; as many as asked for, each broker at most once.
    pub(super) fn place(&mut self, factor: i16) -> Vec<NodeId> {
        if self.round == self.live && self.live > 1 {
            self.shuffle();
            self.round = 0;
        }
        self.first_rack %= self.racks.len().max(1);
        let wanted = usize::try_from(factor).unwrap_or(0).min(self.total);
        let mut replicas = Vec::with_capacity(wanted);
        let leader_rack = self.place_leader(&mut replicas);
        self.place_followers(&mut replicas, wanted, leader_rack);
        self.round += 1;
        self.first_rack += 1;
        replicas
    }

    fn place_leader(&mut self, replicas: &mut Vec<NodeId>) -> usize {
        for step in 0..self.racks.len() {
            let index = (self.first_rack + step) % self.racks.len();
            if let Some(broker) = self.racks[index].live.next(self.round) {
                replicas.push(broker);
                return index;
            }
        }
        0
    }

    fn place_followers(&mut self, replicas: &mut Vec<NodeId>, wanted: usize, leader_rack: usize) {
        // The leader's rack is passed over once, so that the first followers stand elsewhere.
        let mut pass_over = Some(leader_rack);
        let mut index = self.first_rack;
        let mut misses = 0;
        while replicas.len() < wanted && misses <= self.racks.len() {
            let next = if pass_over == Some(index) {
                pass_over = None;
                None
            } else {
                let rack = &mut self.racks[index];
                rack.live.next(self.round).or_else(|| rack.fenced.next(self.round))
            };
            match next {
                Some(broker) => {
                    replicas.push(broker);
                    misses = 0;
                }
                None => misses += 1,
            }
            index = (index + 1) % self.racks.len();
        }
    }

    fn shuffle(&mut self) {
        shuffle(self.rng, &mut self.racks);
        for rack in &mut self.racks {
            shuffle(self.rng, &mut rack.live.brokers);
            shuffle(self.rng, &mut rack.fenced.brokers);
        }
    }
}

fn fully_cordoned(broker: &super::state::Broker) -> bool {
    let cordoned = broker.cordoned_log_dirs.as_deref().unwrap_or(&[]);
    !broker.log_dirs.is_empty() && broker.log_dirs.iter().all(|d| cordoned.contains(d))
}

fn below(rng: &mut Rng, bound: usize) -> usize {
    usize::try_from(rng.below(bound as u64)).unwrap_or(0)
}

fn shuffle<T>(rng: &mut Rng, list: &mut [T]) {
    for last in (1..list.len()).rev() {
        list.swap(last, below(rng, last + 1));
    }
}

/// Checks the replicas that a user chose for one partition (T4). `factor` is that of the partitions before it.
pub(super) fn check_manual(state: &ClusterState, replicas: &[NodeId], factor: Option<usize>) -> Result<(), ApiError> {
    let refuse = |text: String| Err(ApiError::new(ErrorCode::InvalidReplicaAssignment, text));
    if replicas.is_empty() {
        return refuse("The manual partition assignment includes an empty replica list.".into());
    }
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    for (i, broker) in sorted.iter().enumerate() {
        if state.broker(*broker).is_none() {
            return refuse(format!("The manual partition assignment includes broker {broker}, but no such broker is registered."));
        }
        if i > 0 && sorted[i - 1] == *broker {
            return refuse(format!("The manual partition assignment includes the broker {broker} more than once."));
        }
    }
    match factor {
        Some(factor) if factor != replicas.len() => refuse(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with previous \
             partitions, which have {factor} replica(s).",
            replicas.len()
        )),
        _ => Ok(()),
    }
}

/// A new partition on these replicas, led by the first that lives; `None` if none does.
pub(super) fn new_partition(state: &ClusterState, replicas: &[NodeId]) -> Option<Partition> {
    let isr: Vec<NodeId> = replicas.iter().copied().filter(|r| state.is_active(*r)).collect();
    let leader = *isr.first()?;
    let directory = |r: &NodeId| state.broker(*r).map_or(super::state::directory::UNASSIGNED, |b| b.default_directory());
    Some(Partition {
        replicas: replicas.to_vec(),
        directories: replicas.iter().map(directory).collect(),
        isr,
        elr: Vec::new(),
        last_known_elr: Vec::new(),
        removing: Vec::new(),
        adding: Vec::new(),
        leader,
        recovering: false,
        leader_epoch: 0,
        partition_epoch: 0,
    })
}
