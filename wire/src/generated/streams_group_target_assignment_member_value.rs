//! StreamsGroupTargetAssignmentMemberValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTargetAssignmentMemberValue {
    /// Currently assigned active tasks for this streams client.
    pub active_tasks: Vec<TaskIds>,
    /// Currently assigned standby tasks for this streams client.
    pub standby_tasks: Vec<TaskIds>,
    /// Currently assigned warm-up tasks for this streams client.
    pub warmup_tasks: Vec<TaskIds>,
}

impl Message for StreamsGroupTargetAssignmentMemberValue {
    const NAME: &'static str = "StreamsGroupTargetAssignmentMemberValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.active_tasks = r.structs(v, true)?;
        out.standby_tasks = r.structs(v, true)?;
        out.warmup_tasks = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.structs(&self.active_tasks, v, true)?;
        w.structs(&self.standby_tasks, v, true)?;
        w.structs(&self.warmup_tasks, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for StreamsGroupTargetAssignmentMemberValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("activeTasks", &self.active_tasks, v);
        o.put("standbyTasks", &self.standby_tasks, v);
        o.put("warmupTasks", &self.warmup_tasks, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskIds {
    /// The subtopology ID.
    pub subtopology_id: String,
    /// The partitions of the input topics processed by this member.
    pub partitions: Vec<i32>,
}

impl Struct for TaskIds {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.subtopology_id = r.string(true)?;
        out.partitions = r.list(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.subtopology_id, true)?;
        w.list(&self.partitions, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for TaskIds {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("subtopologyId", &self.subtopology_id, v);
        o.put("partitions", &self.partitions, v);
        o.done()
    }
}

impl StreamsGroupTargetAssignmentMemberValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 21;
}
