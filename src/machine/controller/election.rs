//! Who leads a partition, and what one change does to it (W8, W13, W14).
//!
//! A change is described as the ISR it wants and the brokers that must not lead; out comes one change record, or none.

use crate::types::{NodeId, TopicId};
use crate::wire::partition_change_record::PartitionChangeRecord;

use super::state::{NO_LEADER, Partition};

/// How far the search for a leader may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Election {
    /// A live member of the ISR or, if that is empty, of the eligible leader replicas.
    Clean,
    /// Before all others the first replica, if it may lead.
    Preferred,
    /// Failing that any live replica, at the price of what the others had committed.
    Unclean,
}

/// A change in the making.
pub(super) struct PartitionChange<'a> {
    pub partition: &'a Partition,
    pub topic: TopicId,
    pub number: i32,
    /// The ISR to have from now on.
    pub isr: Vec<NodeId>,
    /// A replica that stopped without a clean end: it may have lost what it had, so it is no eligible leader any more.
    pub unclean_stop: Option<NodeId>,
    /// May this broker lead?
    pub may_lead: &'a dyn Fn(NodeId) -> bool,
    pub election: Election,
    pub elr_enabled: bool,
    pub min_isr: usize,
}

/// The members of `list` without `gone`.
pub(super) fn without(list: &[NodeId], gone: NodeId) -> Vec<NodeId> {
    list.iter().copied().filter(|r| *r != gone).collect()
}

struct Elected {
    leader: NodeId,
    unclean: bool,
}

impl PartitionChange<'_> {
    /// The record of this change; `None` if nothing changes.
    pub(super) fn record(mut self) -> Option<PartitionChangeRecord> {
        let old = self.partition;
        let mut record = PartitionChangeRecord { partition_id: self.number, topic_id: self.topic, ..Default::default() };
        let mut elr = self.eligible_leaders();
        let elected = self.elect(&elr);
        if elected.leader != old.leader {
            record.leader = elected.leader;
            if elr.contains(&elected.leader) {
                self.isr = vec![elected.leader];
                elr = without(&elr, elected.leader);
            } else if elected.unclean {
                self.isr = vec![elected.leader];
                elr.clear();
                if !old.recovering {
                    record.leader_recovery_state = 1;
                }
            }
        }
        if elr != old.elr {
            record.eligible_leader_replicas = Some(elr);
        }
        // Without eligible leaders to fall back on, the last member stays in the ISR although it is gone.
        if self.isr != old.isr && (!self.isr.is_empty() || self.elr_enabled) {
            record.isr = Some(self.isr.clone());
        }
        self.last_known_leader(&mut record);
        (record != PartitionChangeRecord { partition_id: self.number, topic_id: self.topic, ..Default::default() }).then_some(record)
    }

    /// W14: who left the ISR while it was too small holds everything committed, unless it stopped uncleanly.
    fn eligible_leaders(&self) -> Vec<NodeId> {
        if !self.elr_enabled || self.isr.len() >= self.min_isr {
            return Vec::new();
        }
        let mut all: Vec<NodeId> = self.partition.elr.iter().chain(&self.partition.isr).copied().collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|r| !self.isr.contains(r) && self.unclean_stop != Some(*r));
        all
    }

    /// W13, in its order.
    fn elect(&self, elr: &[NodeId]) -> Elected {
        let old = self.partition;
        let valid = |r: NodeId| (self.isr.contains(&r) || (self.isr.is_empty() && elr.contains(&r))) && (self.may_lead)(r);
        let clean = |leader| Elected { leader, unclean: false };
        if let Some(first) = old.replicas.first().filter(|r| self.election == Election::Preferred && valid(**r)) {
            return clean(*first);
        }
        if valid(old.leader) {
            return clean(old.leader);
        }
        if let Some(leader) = old.replicas.iter().copied().find(|r| valid(*r)) {
            return clean(leader);
        }
        if let [last] = old.last_known_elr[..]
            && self.elr_enabled
            && self.isr.is_empty()
            && elr.is_empty()
            && (self.may_lead)(last)
        {
            return Elected { leader: last, unclean: true };
        }
        let any = || old.replicas.iter().copied().find(|r| (self.may_lead)(*r));
        match self.election {
            Election::Unclean => any().map_or(clean(NO_LEADER), |leader| Elected { leader, unclean: true }),
            Election::Clean | Election::Preferred => clean(NO_LEADER),
        }
    }

    /// With an empty ISR the last leader is remembered: alone on the list it may come back (W13).
    fn last_known_leader(&self, record: &mut PartitionChangeRecord) {
        const SAME: NodeId = -2;
        let old = self.partition;
        if !self.elr_enabled {
            return;
        }
        if record.isr.as_ref().is_some_and(Vec::is_empty) && old.last_known_elr != [old.leader] {
            record.last_known_elr = Some(vec![old.leader]);
        } else if !old.last_known_elr.is_empty() && (record.leader >= 0 || (old.has_leader() && record.leader == SAME)) {
            record.last_known_elr = Some(Vec::new());
        }
    }
}
