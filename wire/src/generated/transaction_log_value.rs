//! TransactionLogValue, versions 0 to 1. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct TransactionLogValue {
    /// Producer id in use by the transactional id.
    pub producer_id: i64,
    /// Producer id used by the last committed transaction. (version 1)
    pub previous_producer_id: i64,
    /// Latest producer ID sent to the producer for the given transactional id. (version 1)
    pub next_producer_id: i64,
    /// Epoch associated with the producer id.
    pub producer_epoch: i16,
    /// Producer epoch associated with the NextProducerId (version 1)
    pub next_producer_epoch: i16,
    /// Transaction timeout in milliseconds.
    pub transaction_timeout_ms: i32,
    /// TransactionState the transaction is in.
    pub transaction_status: i8,
    /// Partitions involved in the transaction.
    pub transaction_partitions: Option<Vec<PartitionsSchema>>,
    /// Time the transaction was last updated.
    pub transaction_last_update_timestamp_ms: i64,
    /// Time the transaction was started.
    pub transaction_start_timestamp_ms: i64,
    /// The transaction version used by the client. (version 1)
    pub client_transaction_version: i16,
}

impl Default for TransactionLogValue {
    fn default() -> Self {
        Self {
            producer_id: Default::default(),
            previous_producer_id: -1,
            next_producer_id: -1,
            producer_epoch: Default::default(),
            next_producer_epoch: -1,
            transaction_timeout_ms: Default::default(),
            transaction_status: Default::default(),
            transaction_partitions: Some(Default::default()),
            transaction_last_update_timestamp_ms: Default::default(),
            transaction_start_timestamp_ms: Default::default(),
            client_transaction_version: Default::default(),
        }
    }
}

impl Message for TransactionLogValue {
    const NAME: &'static str = "TransactionLogValue";
    const MIN: i16 = 0;
    const MAX: i16 = 1;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 1;

        let mut out = Self::default();
        out.producer_id = r.i64()?;
        out.producer_epoch = r.i16()?;
        out.transaction_timeout_ms = r.i32()?;
        out.transaction_status = r.i8()?;
        out.transaction_partitions = r.opt_structs(v, f)?;
        out.transaction_last_update_timestamp_ms = r.i64()?;
        out.transaction_start_timestamp_ms = r.i64()?;
        if v >= 1 {
            r.tags(|r, tag| {
                match tag {
                    0 => out.previous_producer_id = r.i64()?,
                    1 => out.next_producer_id = r.i64()?,
                    2 => out.client_transaction_version = r.i16()?,
                    3 => out.next_producer_epoch = r.i16()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 1;

        w.i64(self.producer_id);
        w.i16(self.producer_epoch);
        w.i32(self.transaction_timeout_ms);
        w.i8(self.transaction_status);
        w.opt_structs(self.transaction_partitions.as_deref(), v, f)?;
        w.i64(self.transaction_last_update_timestamp_ms);
        w.i64(self.transaction_start_timestamp_ms);
        if v < 1 && self.previous_producer_id != -1 {
            return Err(EncodeError::absent("PreviousProducerId", v));
        }
        if v < 1 && self.next_producer_id != -1 {
            return Err(EncodeError::absent("NextProducerId", v));
        }
        if v < 1 && self.client_transaction_version != 0 {
            return Err(EncodeError::absent("ClientTransactionVersion", v));
        }
        if v < 1 && self.next_producer_epoch != -1 {
            return Err(EncodeError::absent("NextProducerEpoch", v));
        }
        if v >= 1 {
            let t = w.start_tags();
            if self.previous_producer_id != -1 {
                w.tag(t, 0, |w| {
                    w.i64(self.previous_producer_id);
                    Ok(())
                })?;
            }
            if self.next_producer_id != -1 {
                w.tag(t, 1, |w| {
                    w.i64(self.next_producer_id);
                    Ok(())
                })?;
            }
            if self.client_transaction_version != 0 {
                w.tag(t, 2, |w| {
                    w.i16(self.client_transaction_version);
                    Ok(())
                })?;
            }
            if self.next_producer_epoch != -1 {
                w.tag(t, 3, |w| {
                    w.i16(self.next_producer_epoch);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

impl Json for TransactionLogValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("producerId", &self.producer_id, v);
        if v >= 1 {
            if self.previous_producer_id != -1 {
                o.put("previousProducerId", &self.previous_producer_id, v);
            }
        }
        if v >= 1 {
            if self.next_producer_id != -1 {
                o.put("nextProducerId", &self.next_producer_id, v);
            }
        }
        o.put("producerEpoch", &self.producer_epoch, v);
        if v >= 1 {
            if self.next_producer_epoch != -1 {
                o.put("nextProducerEpoch", &self.next_producer_epoch, v);
            }
        }
        o.put("transactionTimeoutMs", &self.transaction_timeout_ms, v);
        o.put("transactionStatus", &self.transaction_status, v);
        o.put("transactionPartitions", &self.transaction_partitions, v);
        o.put("transactionLastUpdateTimestampMs", &self.transaction_last_update_timestamp_ms, v);
        o.put("transactionStartTimestampMs", &self.transaction_start_timestamp_ms, v);
        if v >= 1 {
            if self.client_transaction_version != 0 {
                o.put("clientTransactionVersion", &self.client_transaction_version, v);
            }
        }
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionsSchema {
    /// Topic involved in the transaction.
    pub topic: String,
    /// Partition ids involved in the transaction.
    pub partition_ids: Vec<i32>,
}

impl Struct for PartitionsSchema {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 1;

        let mut out = Self::default();
        out.topic = r.string(f)?;
        out.partition_ids = r.list(f)?;
        if v >= 1 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 1;

        w.string(&self.topic, f)?;
        w.list(&self.partition_ids, f)?;
        if v >= 1 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Json for PartitionsSchema {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topic", &self.topic, v);
        o.put("partitionIds", &self.partition_ids, v);
        o.done()
    }
}

impl TransactionLogValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 0;
}
