//! AddPartitionsToTxnResponse, versions 0 to 5. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnResponse {
    /// Duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
    /// The response top level error code. (versions 4+)
    pub error_code: i16,
    /// Results categorized by transactional ID. (versions 4+)
    pub results_by_transaction: Vec<AddPartitionsToTxnResult>,
    /// The results for each topic. (versions 0-3)
    pub results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>,
}

impl Message for AddPartitionsToTxnResponse {
    const NAME: &'static str = "AddPartitionsToTxnResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 5;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 3;

        let mut out = Self::default();
        out.throttle_time_ms = r.i32()?;
        if v >= 4 {
            out.error_code = r.i16()?;
        }
        if v >= 4 {
            out.results_by_transaction = r.structs(v, f)?;
        }
        if v <= 3 {
            out.results_by_topic_v3_and_below = r.structs(v, f)?;
        }
        if v >= 3 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 3;

        w.i32(self.throttle_time_ms);
        if v >= 4 {
            w.i16(self.error_code);
        }
        if v >= 4 {
            w.structs(&self.results_by_transaction, v, f)?;
        } else if !self.results_by_transaction.is_empty() {
            return Err(EncodeError::absent("ResultsByTransaction", v));
        }
        if v <= 3 {
            w.structs(&self.results_by_topic_v3_and_below, v, f)?;
        } else if !self.results_by_topic_v3_and_below.is_empty() {
            return Err(EncodeError::absent("ResultsByTopicV3AndBelow", v));
        }
        if v >= 3 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnResult {
    /// The transactional id corresponding to the transaction. (versions 4+)
    pub transactional_id: String,
    /// The results for each topic. (versions 4+)
    pub topic_results: Vec<AddPartitionsToTxnTopicResult>,
}

impl Struct for AddPartitionsToTxnResult {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.transactional_id = r.string(true)?;
        out.topic_results = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.transactional_id, true)?;
        w.structs(&self.topic_results, v, true)?;
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTopicResult {
    /// The topic name.
    pub name: String,
    /// The results for each partition.
    pub results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
}

impl Struct for AddPartitionsToTxnTopicResult {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 3;

        let mut out = Self::default();
        out.name = r.string(f)?;
        out.results_by_partition = r.structs(v, f)?;
        if v >= 3 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 3;

        w.string(&self.name, f)?;
        w.structs(&self.results_by_partition, v, f)?;
        if v >= 3 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnPartitionResult {
    /// The partition indexes.
    pub partition_index: i32,
    /// The response error code.
    pub partition_error_code: i16,
}

impl Struct for AddPartitionsToTxnPartitionResult {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 3;

        let mut out = Self::default();
        out.partition_index = r.i32()?;
        out.partition_error_code = r.i16()?;
        if v >= 3 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 3;

        w.i32(self.partition_index);
        w.i16(self.partition_error_code);
        if v >= 3 {
            w.no_tags();
        }
        Ok(())
    }
}
