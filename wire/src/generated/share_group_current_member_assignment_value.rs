//! ShareGroupCurrentMemberAssignmentValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupCurrentMemberAssignmentValue {
    /// The current member epoch that is expected from the member in the heartbeat request.
    pub member_epoch: i32,
    /// If the last epoch bump is lost before reaching the member, the member will retry with the previous epoch.
    pub previous_member_epoch: i32,
    /// The member state. See MemberState for the possible values.
    pub state: i8,
    /// The partitions assigned to (or owned by) this member.
    pub assigned_partitions: Vec<TopicPartitions>,
}

impl Message for ShareGroupCurrentMemberAssignmentValue {
    const NAME: &'static str = "ShareGroupCurrentMemberAssignmentValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.member_epoch = r.i32()?;
        out.previous_member_epoch = r.i32()?;
        out.state = r.i8()?;
        out.assigned_partitions = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.member_epoch);
        w.i32(self.previous_member_epoch);
        w.i8(self.state);
        w.structs(&self.assigned_partitions, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for ShareGroupCurrentMemberAssignmentValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("memberEpoch", &self.member_epoch, v);
        o.put("previousMemberEpoch", &self.previous_member_epoch, v);
        o.put("state", &self.state, v);
        o.put("assignedPartitions", &self.assigned_partitions, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    /// The topic Id.
    pub topic_id: Uuid,
    /// The partition Ids.
    pub partitions: Vec<i32>,
}

impl Struct for TopicPartitions {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.topic_id = r.uuid()?;
        out.partitions = r.list(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.list(&self.partitions, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for TopicPartitions {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topicId", &self.topic_id, v);
        o.put("partitions", &self.partitions, v);
        o.done()
    }
}

impl ShareGroupCurrentMemberAssignmentValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 14;
}
