//! AddPartitionsToTxnRequest, versions 0 to 5. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnRequest {
    /// List of transactions to add partitions to. (versions 4+)
    pub transactions: Vec<AddPartitionsToTxnTransaction>,
    /// The transactional id corresponding to the transaction. (versions 0-3)
    pub v3_and_below_transactional_id: String,
    /// Current producer id in use by the transactional id. (versions 0-3)
    pub v3_and_below_producer_id: i64,
    /// Current epoch associated with the producer id. (versions 0-3)
    pub v3_and_below_producer_epoch: i16,
    /// The partitions to add to the transaction. (versions 0-3)
    pub v3_and_below_topics: Vec<AddPartitionsToTxnTopic>,
}

impl Message for AddPartitionsToTxnRequest {
    const NAME: &'static str = "AddPartitionsToTxnRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 5;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 3;

        let mut out = Self::default();
        if v >= 4 {
            out.transactions = r.structs(v, f)?;
        }
        if v <= 3 {
            out.v3_and_below_transactional_id = r.string(f)?;
        }
        if v <= 3 {
            out.v3_and_below_producer_id = r.i64()?;
        }
        if v <= 3 {
            out.v3_and_below_producer_epoch = r.i16()?;
        }
        if v <= 3 {
            out.v3_and_below_topics = r.structs(v, f)?;
        }
        if v >= 3 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 3;

        if v >= 4 {
            w.structs(&self.transactions, v, f)?;
        } else if !self.transactions.is_empty() {
            return Err(EncodeError::absent("Transactions", v));
        }
        if v <= 3 {
            w.string(&self.v3_and_below_transactional_id, f)?;
        } else if !self.v3_and_below_transactional_id.is_empty() {
            return Err(EncodeError::absent("V3AndBelowTransactionalId", v));
        }
        if v <= 3 {
            w.i64(self.v3_and_below_producer_id);
        } else if self.v3_and_below_producer_id != 0 {
            return Err(EncodeError::absent("V3AndBelowProducerId", v));
        }
        if v <= 3 {
            w.i16(self.v3_and_below_producer_epoch);
        } else if self.v3_and_below_producer_epoch != 0 {
            return Err(EncodeError::absent("V3AndBelowProducerEpoch", v));
        }
        if v <= 3 {
            w.structs(&self.v3_and_below_topics, v, f)?;
        } else if !self.v3_and_below_topics.is_empty() {
            return Err(EncodeError::absent("V3AndBelowTopics", v));
        }
        if v >= 3 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTransaction {
    /// The transactional id corresponding to the transaction. (versions 4+)
    pub transactional_id: String,
    /// Current producer id in use by the transactional id. (versions 4+)
    pub producer_id: i64,
    /// Current epoch associated with the producer id. (versions 4+)
    pub producer_epoch: i16,
    /// Boolean to signify if we want to check if the partition is in the transaction rather than add it. (versions 4+)
    pub verify_only: bool,
    /// The partitions to add to the transaction. (versions 4+)
    pub topics: Vec<AddPartitionsToTxnTopic>,
}

impl Struct for AddPartitionsToTxnTransaction {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.transactional_id = r.string(true)?;
        out.producer_id = r.i64()?;
        out.producer_epoch = r.i16()?;
        out.verify_only = r.bool()?;
        out.topics = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.transactional_id, true)?;
        w.i64(self.producer_id);
        w.i16(self.producer_epoch);
        w.bool(self.verify_only);
        w.structs(&self.topics, v, true)?;
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTopic {
    /// The name of the topic.
    pub name: String,
    /// The partition indexes to add to the transaction.
    pub partitions: Vec<i32>,
}

impl Struct for AddPartitionsToTxnTopic {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 3;

        let mut out = Self::default();
        out.name = r.string(f)?;
        out.partitions = r.list(f)?;
        if v >= 3 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 3;

        w.string(&self.name, f)?;
        w.list(&self.partitions, f)?;
        if v >= 3 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Request for AddPartitionsToTxnRequest {
    const KEY: ApiKey = ApiKey::AddPartitionsToTxn;
    type Response = super::add_partitions_to_txn_response::AddPartitionsToTxnResponse;
}
