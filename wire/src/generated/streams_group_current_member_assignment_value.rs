//! StreamsGroupCurrentMemberAssignmentValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupCurrentMemberAssignmentValue {
    /// The current member epoch that is expected from the member in the heartbeat request.
    pub member_epoch: i32,
    /// If the last epoch bump is lost before reaching the member, the member will retry with the previous epoch.
    pub previous_member_epoch: i32,
    /// The member state. See StreamsGroupMember.MemberState for the possible values.
    pub state: i8,
    /// Currently assigned active tasks for this streams client.
    pub active_tasks: Vec<TaskIds>,
    /// Currently assigned standby tasks for this streams client.
    pub standby_tasks: Vec<TaskIds>,
    /// Currently assigned warm-up tasks for this streams client.
    pub warmup_tasks: Vec<TaskIds>,
    /// The active tasks that must be revoked by this member.
    pub active_tasks_pending_revocation: Vec<TaskIds>,
    /// The standby tasks that must be revoked by this member.
    pub standby_tasks_pending_revocation: Vec<TaskIds>,
    /// The warmup tasks that must be revoked by this member.
    pub warmup_tasks_pending_revocation: Vec<TaskIds>,
}

impl Message for StreamsGroupCurrentMemberAssignmentValue {
    const NAME: &'static str = "StreamsGroupCurrentMemberAssignmentValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.member_epoch = r.i32()?;
        out.previous_member_epoch = r.i32()?;
        out.state = r.i8()?;
        out.active_tasks = r.structs(v, true)?;
        out.standby_tasks = r.structs(v, true)?;
        out.warmup_tasks = r.structs(v, true)?;
        out.active_tasks_pending_revocation = r.structs(v, true)?;
        out.standby_tasks_pending_revocation = r.structs(v, true)?;
        out.warmup_tasks_pending_revocation = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.member_epoch);
        w.i32(self.previous_member_epoch);
        w.i8(self.state);
        w.structs(&self.active_tasks, v, true)?;
        w.structs(&self.standby_tasks, v, true)?;
        w.structs(&self.warmup_tasks, v, true)?;
        w.structs(&self.active_tasks_pending_revocation, v, true)?;
        w.structs(&self.standby_tasks_pending_revocation, v, true)?;
        w.structs(&self.warmup_tasks_pending_revocation, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for StreamsGroupCurrentMemberAssignmentValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("memberEpoch", &self.member_epoch, v);
        o.put("previousMemberEpoch", &self.previous_member_epoch, v);
        o.put("state", &self.state, v);
        o.put("activeTasks", &self.active_tasks, v);
        o.put("standbyTasks", &self.standby_tasks, v);
        o.put("warmupTasks", &self.warmup_tasks, v);
        o.put("activeTasksPendingRevocation", &self.active_tasks_pending_revocation, v);
        o.put("standbyTasksPendingRevocation", &self.standby_tasks_pending_revocation, v);
        o.put("warmupTasksPendingRevocation", &self.warmup_tasks_pending_revocation, v);
        o.done()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct TaskIds {
    /// The subtopology ID.
    pub subtopology_id: String,
    /// The partitions of the input topics processed by this member.
    pub partitions: Vec<i32>,
    /// The epoch at which the partition was assigned to the member. Used to fence zombie commits requests. Of the same length as Partitions. Only defined for active tasks.
    pub assignment_epochs: Option<Vec<i32>>,
}

impl Default for TaskIds {
    fn default() -> Self {
        Self { subtopology_id: Default::default(), partitions: Default::default(), assignment_epochs: Some(Default::default()) }
    }
}

impl Struct for TaskIds {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.subtopology_id = r.string(true)?;
        out.partitions = r.list(true)?;
        r.tags(|r, tag| {
            match tag {
                0 => out.assignment_epochs = r.opt_list(true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.subtopology_id, true)?;
        w.list(&self.partitions, true)?;
        let t = w.start_tags();
        if self.assignment_epochs.as_ref().is_none_or(|x| !x.is_empty()) {
            w.tag(t, 0, |w| {
                w.opt_list(self.assignment_epochs.as_deref(), true)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for TaskIds {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("subtopologyId", &self.subtopology_id, v);
        o.put("partitions", &self.partitions, v);
        if self.assignment_epochs.as_ref().is_none_or(|x| !x.is_empty()) {
            o.put("assignmentEpochs", &self.assignment_epochs, v);
        }
        o.done()
    }
}

impl StreamsGroupCurrentMemberAssignmentValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 22;
}
