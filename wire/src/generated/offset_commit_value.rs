//! OffsetCommitValue, versions 0 to 4. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitValue {
    /// The offset that the consumer wants to store (for this partition).
    pub offset: i64,
    /// The leader epoch of the last consumed record. (versions 3+)
    pub leader_epoch: i32,
    /// Any metadata the client wants to keep.
    pub metadata: String,
    /// The time at which the commit was added to the log.
    pub commit_timestamp: i64,
    /// The time at which the offset will expire. (version 1)
    pub expire_timestamp: i64,
    /// The topic id of the committed offset. (version 4)
    pub topic_id: Uuid,
}

impl Default for OffsetCommitValue {
    fn default() -> Self {
        Self {
            offset: Default::default(),
            leader_epoch: -1,
            metadata: Default::default(),
            commit_timestamp: Default::default(),
            expire_timestamp: -1,
            topic_id: Default::default(),
        }
    }
}

impl Message for OffsetCommitValue {
    const NAME: &'static str = "OffsetCommitValue";
    const MIN: i16 = 0;
    const MAX: i16 = 4;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 4;

        let mut out = Self::default();
        out.offset = r.i64()?;
        if v >= 3 {
            out.leader_epoch = r.i32()?;
        }
        out.metadata = r.string(f)?;
        out.commit_timestamp = r.i64()?;
        if v == 1 {
            out.expire_timestamp = r.i64()?;
        }
        if v >= 4 {
            r.tags(|r, tag| {
                match tag {
                    0 => out.topic_id = r.uuid()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 4;

        w.i64(self.offset);
        if v >= 3 {
            w.i32(self.leader_epoch);
        }
        w.string(&self.metadata, f)?;
        w.i64(self.commit_timestamp);
        if v == 1 {
            w.i64(self.expire_timestamp);
        }
        if v >= 4 {
            let t = w.start_tags();
            if !self.topic_id.is_zero() {
                w.tag(t, 0, |w| {
                    w.uuid(self.topic_id);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

impl Json for OffsetCommitValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("offset", &self.offset, v);
        if v >= 3 {
            o.put("leaderEpoch", &self.leader_epoch, v);
        }
        o.put("metadata", &self.metadata, v);
        o.put("commitTimestamp", &self.commit_timestamp, v);
        if v == 1 {
            o.put("expireTimestamp", &self.expire_timestamp, v);
        }
        if v >= 4 {
            if !self.topic_id.is_zero() {
                o.put("topicId", &self.topic_id, v);
            }
        }
        o.done()
    }
}

impl OffsetCommitValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 1;
}
