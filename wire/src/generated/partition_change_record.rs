//! PartitionChangeRecord, versions 0 to 2. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct PartitionChangeRecord {
    /// The partition id.
    pub partition_id: i32,
    /// The unique ID of this topic.
    pub topic_id: Uuid,
    /// null if the ISR didn't change; the new in-sync replicas otherwise.
    pub isr: Option<Vec<i32>>,
    /// -1 if there is now no leader; -2 if the leader didn't change; the new leader otherwise.
    pub leader: i32,
    /// null if the replicas didn't change; the new replicas otherwise.
    pub replicas: Option<Vec<i32>>,
    /// null if the removing replicas didn't change; the new removing replicas otherwise.
    pub removing_replicas: Option<Vec<i32>>,
    /// null if the adding replicas didn't change; the new adding replicas otherwise.
    pub adding_replicas: Option<Vec<i32>>,
    /// -1 if it didn't change; 0 if the leader was elected from the ISR or recovered from an unclean election; 1 if the leader that was elected using unclean leader election and it is still recovering.
    pub leader_recovery_state: i8,
    /// null if the log dirs didn't change; the new log directory for each replica otherwise. (versions 1+)
    pub directories: Option<Vec<Uuid>>,
    /// null if the ELR didn't change; the new eligible leader replicas otherwise. (version 2)
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// null if the LastKnownElr didn't change; the last known eligible leader replicas otherwise. (version 2)
    pub last_known_elr: Option<Vec<i32>>,
}

impl Default for PartitionChangeRecord {
    fn default() -> Self {
        Self {
            partition_id: -1,
            topic_id: Default::default(),
            isr: Default::default(),
            leader: -2,
            replicas: Default::default(),
            removing_replicas: Default::default(),
            adding_replicas: Default::default(),
            leader_recovery_state: -1,
            directories: Default::default(),
            eligible_leader_replicas: Default::default(),
            last_known_elr: Default::default(),
        }
    }
}

impl Message for PartitionChangeRecord {
    const NAME: &'static str = "PartitionChangeRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 2;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.partition_id = r.i32()?;
        out.topic_id = r.uuid()?;
        r.tags(|r, tag| {
            match tag {
                0 => out.isr = r.opt_list(true)?,
                1 => out.leader = r.i32()?,
                2 => out.replicas = r.opt_list(true)?,
                3 => out.removing_replicas = r.opt_list(true)?,
                4 => out.adding_replicas = r.opt_list(true)?,
                5 => out.leader_recovery_state = r.i8()?,
                6 if v >= 2 => out.eligible_leader_replicas = r.opt_list(true)?,
                7 if v >= 2 => out.last_known_elr = r.opt_list(true)?,
                8 if v >= 1 => out.directories = r.opt_list(true)?,
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
        if v < 2 && self.eligible_leader_replicas.is_some() {
            return Err(EncodeError::absent("EligibleLeaderReplicas", v));
        }
        if v < 2 && self.last_known_elr.is_some() {
            return Err(EncodeError::absent("LastKnownElr", v));
        }
        if v < 1 && self.directories.is_some() {
            return Err(EncodeError::absent("Directories", v));
        }
        let t = w.start_tags();
        if self.isr.is_some() {
            w.tag(t, 0, |w| {
                w.opt_list(self.isr.as_deref(), true)?;
                Ok(())
            })?;
        }
        if self.leader != -2 {
            w.tag(t, 1, |w| {
                w.i32(self.leader);
                Ok(())
            })?;
        }
        if self.replicas.is_some() {
            w.tag(t, 2, |w| {
                w.opt_list(self.replicas.as_deref(), true)?;
                Ok(())
            })?;
        }
        if self.removing_replicas.is_some() {
            w.tag(t, 3, |w| {
                w.opt_list(self.removing_replicas.as_deref(), true)?;
                Ok(())
            })?;
        }
        if self.adding_replicas.is_some() {
            w.tag(t, 4, |w| {
                w.opt_list(self.adding_replicas.as_deref(), true)?;
                Ok(())
            })?;
        }
        if self.leader_recovery_state != -1 {
            w.tag(t, 5, |w| {
                w.i8(self.leader_recovery_state);
                Ok(())
            })?;
        }
        if v >= 2 && self.eligible_leader_replicas.is_some() {
            w.tag(t, 6, |w| {
                w.opt_list(self.eligible_leader_replicas.as_deref(), true)?;
                Ok(())
            })?;
        }
        if v >= 2 && self.last_known_elr.is_some() {
            w.tag(t, 7, |w| {
                w.opt_list(self.last_known_elr.as_deref(), true)?;
                Ok(())
            })?;
        }
        if v >= 1 && self.directories.is_some() {
            w.tag(t, 8, |w| {
                w.opt_list(self.directories.as_deref(), true)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for PartitionChangeRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("partitionId", &self.partition_id, v);
        o.put("topicId", &self.topic_id, v);
        if self.isr.is_some() {
            o.put("isr", &self.isr, v);
        }
        if self.leader != -2 {
            o.put("leader", &self.leader, v);
        }
        if self.replicas.is_some() {
            o.put("replicas", &self.replicas, v);
        }
        if self.removing_replicas.is_some() {
            o.put("removingReplicas", &self.removing_replicas, v);
        }
        if self.adding_replicas.is_some() {
            o.put("addingReplicas", &self.adding_replicas, v);
        }
        if self.leader_recovery_state != -1 {
            o.put("leaderRecoveryState", &self.leader_recovery_state, v);
        }
        if v >= 1 {
            if self.directories.is_some() {
                o.put("directories", &self.directories, v);
            }
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

impl PartitionChangeRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 5;
}
