//! ConsumerGroupCurrentMemberAssignmentKey, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupCurrentMemberAssignmentKey {
    /// The group id.
    pub group_id: String,
    /// The member id.
    pub member_id: String,
}

impl Message for ConsumerGroupCurrentMemberAssignmentKey {
    const NAME: &'static str = "ConsumerGroupCurrentMemberAssignmentKey";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.group_id = r.string(false)?;
        out.member_id = r.string(false)?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.group_id, false)?;
        w.string(&self.member_id, false)?;
        Ok(())
    }
}

impl Json for ConsumerGroupCurrentMemberAssignmentKey {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("groupId", &self.group_id, v);
        o.put("memberId", &self.member_id, v);
        o.done()
    }
}

impl ConsumerGroupCurrentMemberAssignmentKey {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 8;
}
