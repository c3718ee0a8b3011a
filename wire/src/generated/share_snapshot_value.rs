//! ShareSnapshotValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct ShareSnapshotValue {
    /// The snapshot epoch.
    pub snapshot_epoch: i32,
    /// The state epoch for this share-partition.
    pub state_epoch: i32,
    /// The leader epoch of the share-partition.
    pub leader_epoch: i32,
    /// The share-partition start offset.
    pub start_offset: i64,
    /// The number of offsets greater than or equal to share-partition start offset for which delivery has been completed.
    pub delivery_complete_count: i32,
    /// The time at which the state was created.
    pub create_timestamp: i64,
    /// The time at which the state was written or rewritten.
    pub write_timestamp: i64,
    /// The state batches.
    pub state_batches: Vec<StateBatch>,
}

impl Default for ShareSnapshotValue {
    fn default() -> Self {
        Self {
            snapshot_epoch: Default::default(),
            state_epoch: Default::default(),
            leader_epoch: Default::default(),
            start_offset: Default::default(),
            delivery_complete_count: -1,
            create_timestamp: Default::default(),
            write_timestamp: Default::default(),
            state_batches: Default::default(),
        }
    }
}

impl Message for ShareSnapshotValue {
    const NAME: &'static str = "ShareSnapshotValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.snapshot_epoch = r.i32()?;
        out.state_epoch = r.i32()?;
        out.leader_epoch = r.i32()?;
        out.start_offset = r.i64()?;
        out.create_timestamp = r.i64()?;
        out.write_timestamp = r.i64()?;
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
        w.i32(self.state_epoch);
        w.i32(self.leader_epoch);
        w.i64(self.start_offset);
        w.i64(self.create_timestamp);
        w.i64(self.write_timestamp);
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

impl Json for ShareSnapshotValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("snapshotEpoch", &self.snapshot_epoch, v);
        o.put("stateEpoch", &self.state_epoch, v);
        o.put("leaderEpoch", &self.leader_epoch, v);
        o.put("startOffset", &self.start_offset, v);
        if self.delivery_complete_count != -1 {
            o.put("deliveryCompleteCount", &self.delivery_complete_count, v);
        }
        o.put("createTimestamp", &self.create_timestamp, v);
        o.put("writeTimestamp", &self.write_timestamp, v);
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

impl ShareSnapshotValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 0;
}
