//! StreamsGroupTargetAssignmentMetadataValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTargetAssignmentMetadataValue {
    /// The assignment epoch.
    pub assignment_epoch: i32,
    /// The time at which the assignment calculation finished.
    pub assignment_timestamp: i64,
}

impl Message for StreamsGroupTargetAssignmentMetadataValue {
    const NAME: &'static str = "StreamsGroupTargetAssignmentMetadataValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.assignment_epoch = r.i32()?;
        r.tags(|r, tag| {
            match tag {
                0 => out.assignment_timestamp = r.i64()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.assignment_epoch);
        let t = w.start_tags();
        if self.assignment_timestamp != 0 {
            w.tag(t, 0, |w| {
                w.i64(self.assignment_timestamp);
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for StreamsGroupTargetAssignmentMetadataValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("assignmentEpoch", &self.assignment_epoch, v);
        if self.assignment_timestamp != 0 {
            o.put("assignmentTimestamp", &self.assignment_timestamp, v);
        }
        o.done()
    }
}

impl StreamsGroupTargetAssignmentMetadataValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 20;
}
