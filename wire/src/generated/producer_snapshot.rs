//! ProducerSnapshot, version 1. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProducerSnapshot {
    /// CRC of the snapshot data
    pub crc: u32,
    /// The entries in the producer table
    pub producer_entries: Vec<ProducerEntry>,
}

impl Message for ProducerSnapshot {
    const NAME: &'static str = "ProducerSnapshot";
    const MIN: i16 = 1;
    const MAX: i16 = 1;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.crc = r.u32()?;
        out.producer_entries = r.structs(v, false)?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.u32(self.crc);
        w.structs(&self.producer_entries, v, false)?;
        Ok(())
    }
}

impl Json for ProducerSnapshot {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("crc", &self.crc, v);
        o.put("producerEntries", &self.producer_entries, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProducerEntry {
    /// The producer ID
    pub producer_id: i64,
    /// Current epoch of the producer
    pub epoch: i16,
    /// Last written sequence of the producer
    pub last_sequence: i32,
    /// Last written offset of the producer
    pub last_offset: i64,
    /// The difference of the last sequence and first sequence in the last written batch
    pub offset_delta: i32,
    /// Max timestamp from the last written entry
    pub timestamp: i64,
    /// The epoch of the last transaction coordinator to send an end transaction marker
    pub coordinator_epoch: i32,
    /// The first offset of the on-going transaction (-1 if there is none)
    pub current_txn_first_offset: i64,
}

impl Struct for ProducerEntry {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.producer_id = r.i64()?;
        out.epoch = r.i16()?;
        out.last_sequence = r.i32()?;
        out.last_offset = r.i64()?;
        out.offset_delta = r.i32()?;
        out.timestamp = r.i64()?;
        out.coordinator_epoch = r.i32()?;
        out.current_txn_first_offset = r.i64()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i64(self.producer_id);
        w.i16(self.epoch);
        w.i32(self.last_sequence);
        w.i64(self.last_offset);
        w.i32(self.offset_delta);
        w.i64(self.timestamp);
        w.i32(self.coordinator_epoch);
        w.i64(self.current_txn_first_offset);
        Ok(())
    }
}

impl Json for ProducerEntry {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("producerId", &self.producer_id, v);
        o.put("epoch", &self.epoch, v);
        o.put("lastSequence", &self.last_sequence, v);
        o.put("lastOffset", &self.last_offset, v);
        o.put("offsetDelta", &self.offset_delta, v);
        o.put("timestamp", &self.timestamp, v);
        o.put("coordinatorEpoch", &self.coordinator_epoch, v);
        o.put("currentTxnFirstOffset", &self.current_txn_first_offset, v);
        o.done()
    }
}
