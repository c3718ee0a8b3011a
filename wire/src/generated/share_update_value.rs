//! ShareUpdateValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct ShareUpdateValue {
    /// The snapshot epoch.
    pub snapshot_epoch: i32,
    /// The leader epoch of the share-partition.
    pub leader_epoch: i32,
    /// The share-partition start offset, or -1 if the start offset is not being updated.
    pub start_offset: i64,
    /// The number of offsets greater than or equal to share-partition start offset for which delivery has been completed.
    pub delivery_complete_count: i32,
    /// The state batches that have been updated.
    pub state_batches: Vec<StateBatch>,
}

impl Default for ShareUpdateValue {
    fn default() -> Self {
        Self {
            snapshot_epoch: Default::default(),
            leader_epoch: Default::default(),
            start_offset: Default::default(),
            delivery_complete_count: -1,
            state_batches: Default::default(),
        }
    }
}

impl Message for ShareUpdateValue {
    const NAME: &'static str = "ShareUpdateValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.snapshot_epoch = r.i32()?;
        out.leader_epoch = r.i32()?;
        out.start_offset = r.i64()?;
        out.state_batches = r.structs(v, true)?;
        r.tags(|r, tag| {
            match tag {
                0 => out.delivery_complete_count = r.i32()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.snapshot_epoch);
        w.i32(self.leader_epoch);
        w.i64(self.start_offset);
        w.structs(&self.state_batches, v, true)?;
        let t = w.start_tags();
        if self.delivery_complete_count != -1 {
            w.tag(t, 0, |w| {
                w.i32(self.delivery_complete_count);
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for ShareUpdateValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("snapshotEpoch", &self.snapshot_epoch, v);
        o.put("leaderEpoch", &self.leader_epoch, v);
        o.put("startOffset", &self.start_offset, v);
        if self.delivery_complete_count != -1 {
            o.put("deliveryCompleteCount", &self.delivery_complete_count, v);
        }
        o.put("stateBatches", &self.state_batches, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateBatch {
    /// The first offset of this state batch.
    pub first_offset: i64,
    /// The last offset of this state batch.
    pub last_offset: i64,
    /// The delivery state - 0:Available,2:Acked,4:Archived.
    pub delivery_state: i8,
    /// The delivery count.
    pub delivery_count: i16,
}

impl Struct for StateBatch {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.first_offset = r.i64()?;
        out.last_offset = r.i64()?;
        out.delivery_state = r.i8()?;
        out.delivery_count = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i64(self.first_offset);
        w.i64(self.last_offset);
        w.i8(self.delivery_state);
        w.i16(self.delivery_count);
        w.no_tags();
        Ok(())
    }
}

impl Json for StateBatch {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("firstOffset", &self.first_offset, v);
        o.put("lastOffset", &self.last_offset, v);
        o.put("deliveryState", &self.delivery_state, v);
        o.put("deliveryCount", &self.delivery_count, v);
        o.done()
    }
}

impl ShareUpdateValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 1;
}
