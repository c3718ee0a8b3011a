//! PartitionRecord, versions 0 to 2. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct PartitionRecord {
    /// The partition id.
    pub partition_id: i32,
    /// The unique ID of this topic.
    pub topic_id: Uuid,
    /// The replicas of this partition, sorted by preferred order.
    pub replicas: Vec<i32>,
    /// The in-sync replicas of this partition
    pub isr: Vec<i32>,
    /// The replicas that we are in the process of removing.
    pub removing_replicas: Vec<i32>,
    /// The replicas that we are in the process of adding.
    pub adding_replicas: Vec<i32>,
    /// The lead replica, or -1 if there is no leader.
    pub leader: i32,
    /// 1 if the partition is recovering from an unclean leader election; 0 otherwise.
    pub leader_recovery_state: i8,
    /// The epoch of the partition leader.
    pub leader_epoch: i32,
    /// An epoch that gets incremented each time we change anything in the partition.
    pub partition_epoch: i32,
    /// The log directory hosting each replica, sorted in the same exact order as the Replicas field. (versions 1+)
    pub directories: Vec<Uuid>,
    /// The eligible leader replicas of this partition. (version 2)
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// The last known eligible leader replicas of this partition. (version 2)
    pub last_known_elr: Option<Vec<i32>>,
}

impl Default for PartitionRecord {
    fn default() -> Self {
        Self {
            partition_id: -1,
            topic_id: Default::default(),
            replicas: Default::default(),
            isr: Default::default(),
            removing_replicas: Default::default(),
            adding_replicas: Default::default(),
            leader: -1,
            leader_recovery_state: Default::default(),
            leader_epoch: -1,
            partition_epoch: -1,
            directories: Default::default(),
            eligible_leader_replicas: Default::default(),
            last_known_elr: Default::default(),
        }
    }
}

impl Message for PartitionRecord {
    const NAME: &'static str = "PartitionRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 2;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.partition_id = r.i32()?;
        out.topic_id = r.uuid()?;
        out.replicas = r.list(true)?;
        out.isr = r.list(true)?;
        out.removing_replicas = r.list(true)?;
        out.adding_replicas = r.list(true)?;
        out.leader = r.i32()?;
        out.leader_epoch = r.i32()?;
        out.partition_epoch = r.i32()?;
        if v >= 1 {
            out.directories = r.list(true)?;
        }
        r.tags(|r, tag| {
            match tag {
                0 => out.leader_recovery_state = r.i8()?,
                1 if v >= 2 => out.eligible_leader_replicas = r.opt_list(true)?,
                2 if v >= 2 => out.last_known_elr = r.opt_list(true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.partition_id);
        w.uuid(self.topic_id);
        w.list(&self.replicas, true)?;
        w.list(&self.isr, true)?;
        w.list(&self.removing_replicas, true)?;
        w.list(&self.adding_replicas, true)?;
        w.i32(self.leader);
        w.i32(self.leader_epoch);
        w.i32(self.partition_epoch);
        if v >= 1 {
            w.list(&self.directories, true)?;
        } else if !self.directories.is_empty() {
            return Err(EncodeError::absent("Directories", v));
        }
        if v < 2 && self.eligible_leader_replicas.is_some() {
            return Err(EncodeError::absent("EligibleLeaderReplicas", v));
        }
        if v < 2 && self.last_known_elr.is_some() {
            return Err(EncodeError::absent("LastKnownElr", v));
        }
        let t = w.start_tags();
        if self.leader_recovery_state != 0 {
            w.tag(t, 0, |w| {
                w.i8(self.leader_recovery_state);
                Ok(())
            })?;
        }
        if v >= 2 && self.eligible_leader_replicas.is_some() {
            w.tag(t, 1, |w| {
                w.opt_list(self.eligible_leader_replicas.as_deref(), true)?;
                Ok(())
            })?;
        }
        if v >= 2 && self.last_known_elr.is_some() {
            w.tag(t, 2, |w| {
                w.opt_list(self.last_known_elr.as_deref(), true)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for PartitionRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("partitionId", &self.partition_id, v);
        o.put("topicId", &self.topic_id, v);
        o.put("replicas", &self.replicas, v);
        o.put("isr", &self.isr, v);
        o.put("removingReplicas", &self.removing_replicas, v);
        o.put("addingReplicas", &self.adding_replicas, v);
        o.put("leader", &self.leader, v);
        if self.leader_recovery_state != 0 {
            o.put("leaderRecoveryState", &self.leader_recovery_state, v);
        }
        o.put("leaderEpoch", &self.leader_epoch, v);
        o.put("partitionEpoch", &self.partition_epoch, v);
        if v >= 1 {
            o.put("directories", &self.directories, v);
        }
        if v >= 2 {
            if self.eligible_leader_replicas.is_some() {
                o.put("eligibleLeaderReplicas", &self.eligible_leader_replicas, v);
            }
        }
        if v >= 2 {
            if self.last_known_elr.is_some() {
                o.put("lastKnownElr", &self.last_known_elr, v);
            }
        }
        o.done()
    }
}

impl PartitionRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 3;
}
