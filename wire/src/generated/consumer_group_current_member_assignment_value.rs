//! ConsumerGroupCurrentMemberAssignmentValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupCurrentMemberAssignmentValue {
    /// The current member epoch that is expected from the member in the heartbeat request.
    pub member_epoch: i32,
    /// If the last epoch bump is lost before reaching the member, the member will retry with the previous epoch.
    pub previous_member_epoch: i32,
    /// The member state. See MemberState for the possible values.
    pub state: i8,
    /// The partitions assigned to (or owned by) this member.
    pub assigned_partitions: Vec<TopicPartitions>,
    /// The partitions that must be revoked by this member.
    pub partitions_pending_revocation: Vec<TopicPartitions>,
}

impl Message for ConsumerGroupCurrentMemberAssignmentValue {
    const NAME: &'static str = "ConsumerGroupCurrentMemberAssignmentValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.member_epoch = r.i32()?;
        out.previous_member_epoch = r.i32()?;
        out.state = r.i8()?;
        out.assigned_partitions = r.structs(v, true)?;
        out.partitions_pending_revocation = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.member_epoch);
        w.i32(self.previous_member_epoch);
        w.i8(self.state);
        w.structs(&self.assigned_partitions, v, true)?;
        w.structs(&self.partitions_pending_revocation, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for ConsumerGroupCurrentMemberAssignmentValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("memberEpoch", &self.member_epoch, v);
        o.put("previousMemberEpoch", &self.previous_member_epoch, v);
        o.put("state", &self.state, v);
        o.put("assignedPartitions", &self.assigned_partitions, v);
        o.put("partitionsPendingRevocation", &self.partitions_pending_revocation, v);
        o.done()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct TopicPartitions {
    /// The topic Id.
    pub topic_id: Uuid,
    /// The partition Ids.
    pub partitions: Vec<i32>,
    /// The epoch at which the partition was assigned to the member. Used to fence zombie commits requests. Of the same length as Partitions.
    pub assignment_epochs: Option<Vec<i32>>,
}

impl Default for TopicPartitions {
    fn default() -> Self {
        Self { topic_id: Default::default(), partitions: Default::default(), assignment_epochs: Some(Default::default()) }
    }
}

impl Struct for TopicPartitions {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.topic_id = r.uuid()?;
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
        w.uuid(self.topic_id);
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

impl Json for TopicPartitions {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topicId", &self.topic_id, v);
        o.put("partitions", &self.partitions, v);
        if self.assignment_epochs.as_ref().is_none_or(|x| !x.is_empty()) {
            o.put("assignmentEpochs", &self.assignment_epochs, v);
        }
        o.done()
    }
}

impl ConsumerGroupCurrentMemberAssignmentValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 8;
}
