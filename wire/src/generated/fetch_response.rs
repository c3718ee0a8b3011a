//! FetchResponse, versions 4 to 18. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
    /// The top level response error code. (versions 7+)
    pub error_code: i16,
    /// The fetch session ID, or 0 if this is not part of a fetch session. (versions 7+)
    pub session_id: i32,
    /// The response topics.
    pub responses: Vec<FetchableTopicResponse>,
    /// Endpoints for all current-leaders enumerated in PartitionData, with errors NOT_LEADER_OR_FOLLOWER & FENCED_LEADER_EPOCH. (versions 16+)
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for FetchResponse {
    const NAME: &'static str = "FetchResponse";
    const MIN: i16 = 4;
    const MAX: i16 = 18;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 12;

        let mut out = Self::default();
        out.throttle_time_ms = r.i32()?;
        if v >= 7 {
            out.error_code = r.i16()?;
        }
        if v >= 7 {
            out.session_id = r.i32()?;
        }
        out.responses = r.structs(v, f)?;
        if v >= 12 {
            r.tags(|r, tag| {
                match tag {
                    0 if v >= 16 => out.node_endpoints = r.structs(v, true)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 12;

        w.i32(self.throttle_time_ms);
        if v >= 7 {
            w.i16(self.error_code);
        }
        if v >= 7 {
            w.i32(self.session_id);
        } else if self.session_id != 0 {
            return Err(EncodeError::absent("SessionId", v));
        }
        w.structs(&self.responses, v, f)?;
        if v < 16 && !self.node_endpoints.is_empty() {
            return Err(EncodeError::absent("NodeEndpoints", v));
        }
        if v >= 12 {
            let t = w.start_tags();
            if v >= 16 && !self.node_endpoints.is_empty() {
                w.tag(t, 0, |w| {
                    w.structs(&self.node_endpoints, v, true)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchableTopicResponse {
    /// The topic name. (versions 4-12)
    pub topic: String,
    /// The unique topic ID. (versions 13+)
    pub topic_id: Uuid,
    /// The topic partitions.
    pub partitions: Vec<PartitionData>,
}

impl Struct for FetchableTopicResponse {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 12;

        let mut out = Self::default();
        if v <= 12 {
            out.topic = r.string(f)?;
        }
        if v >= 13 {
            out.topic_id = r.uuid()?;
        }
        out.partitions = r.structs(v, f)?;
        if v >= 12 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 12;

        if v <= 12 {
            w.string(&self.topic, f)?;
        }
        if v >= 13 {
            w.uuid(self.topic_id);
        }
        w.structs(&self.partitions, v, f)?;
        if v >= 12 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    /// The partition index.
    pub partition_index: i32,
    /// The error code, or 0 if there was no fetch error.
    pub error_code: i16,
    /// The current high water mark.
    pub high_watermark: i64,
    /// The last stable offset (or LSO) of the partition. This is the last offset such that the state of all transactional records prior to this offset have been decided (ABORTED or COMMITTED).
    pub last_stable_offset: i64,
    /// The current log start offset. (versions 5+)
    pub log_start_offset: i64,
    /// In case divergence is detected based on the `LastFetchedEpoch` and `FetchOffset` in the request, this field indicates the largest epoch and its end offset such that subsequent records are known to diverge. (versions 12+)
    pub diverging_epoch: EpochEndOffset,
    /// The current leader of the partition. (versions 12+)
    pub current_leader: LeaderIdAndEpoch,
    /// In the case of fetching an offset less than the LogStartOffset, this is the end offset and epoch that should be used in the FetchSnapshot request. (versions 12+)
    pub snapshot_id: SnapshotId,
    /// The aborted transactions.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// The preferred read replica for the consumer to use on its next fetch request. (versions 11+)
    pub preferred_read_replica: i32,
    /// The record data.
    pub records: Option<Records>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
            high_watermark: Default::default(),
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: Default::default(),
            current_leader: Default::default(),
            snapshot_id: Default::default(),
            aborted_transactions: Some(Default::default()),
            preferred_read_replica: -1,
            records: Default::default(),
        }
    }
}

impl Struct for PartitionData {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 12;

        let mut out = Self::default();
        out.partition_index = r.i32()?;
        out.error_code = r.i16()?;
        out.high_watermark = r.i64()?;
        out.last_stable_offset = r.i64()?;
        if v >= 5 {
            out.log_start_offset = r.i64()?;
        }
        out.aborted_transactions = r.opt_structs(v, f)?;
        if v >= 11 {
            out.preferred_read_replica = r.i32()?;
        }
        out.records = r.opt_records(f)?;
        if v >= 12 {
            r.tags(|r, tag| {
                match tag {
                    0 => out.diverging_epoch = Struct::decode(r, v)?,
                    1 => out.current_leader = Struct::decode(r, v)?,
                    2 => out.snapshot_id = Struct::decode(r, v)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 12;

        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.i64(self.high_watermark);
        w.i64(self.last_stable_offset);
        if v >= 5 {
            w.i64(self.log_start_offset);
        }
        w.opt_structs(self.aborted_transactions.as_deref(), v, f)?;
        if v >= 11 {
            w.i32(self.preferred_read_replica);
        } else if self.preferred_read_replica != -1 {
            return Err(EncodeError::absent("PreferredReadReplica", v));
        }
        w.opt_records(self.records.as_ref(), f)?;
        if v < 12 && self.diverging_epoch != EpochEndOffset::default() {
            return Err(EncodeError::absent("DivergingEpoch", v));
        }
        if v < 12 && self.current_leader != LeaderIdAndEpoch::default() {
            return Err(EncodeError::absent("CurrentLeader", v));
        }
        if v < 12 && self.snapshot_id != SnapshotId::default() {
            return Err(EncodeError::absent("SnapshotId", v));
        }
        if v >= 12 {
            let t = w.start_tags();
            if self.diverging_epoch != EpochEndOffset::default() {
                w.tag(t, 0, |w| {
                    self.diverging_epoch.encode(w, v)?;
                    Ok(())
                })?;
            }
            if self.current_leader != LeaderIdAndEpoch::default() {
                w.tag(t, 1, |w| {
                    self.current_leader.encode(w, v)?;
                    Ok(())
                })?;
            }
            if self.snapshot_id != SnapshotId::default() {
                w.tag(t, 2, |w| {
                    self.snapshot_id.encode(w, v)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndOffset {
    /// The largest epoch. (versions 12+)
    pub epoch: i32,
    /// The end offset of the epoch. (versions 12+)
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self { epoch: -1, end_offset: -1 }
    }
}

impl Struct for EpochEndOffset {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.epoch = r.i32()?;
        out.end_offset = r.i64()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.epoch);
        w.i64(self.end_offset);
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// The ID of the current leader or -1 if the leader is unknown. (versions 12+)
    pub leader_id: i32,
    /// The latest known leader epoch. (versions 12+)
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self { leader_id: -1, leader_epoch: -1 }
    }
}

impl Struct for LeaderIdAndEpoch {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.leader_id = r.i32()?;
        out.leader_epoch = r.i32()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotId {
    /// The end offset of the epoch. (versions 12+)
    pub end_offset: i64,
    /// The largest epoch. (versions 12+)
    pub epoch: i32,
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self { end_offset: -1, epoch: -1 }
    }
}

impl Struct for SnapshotId {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.end_offset = r.i64()?;
        out.epoch = r.i32()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i64(self.end_offset);
        w.i32(self.epoch);
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AbortedTransaction {
    /// The producer id associated with the aborted transaction.
    pub producer_id: i64,
    /// The first offset in the aborted transaction.
    pub first_offset: i64,
}

impl Struct for AbortedTransaction {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 12;

        let mut out = Self::default();
        out.producer_id = r.i64()?;
        out.first_offset = r.i64()?;
        if v >= 12 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 12;

        w.i64(self.producer_id);
        w.i64(self.first_offset);
        if v >= 12 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// The ID of the associated node. (versions 16+)
    pub node_id: i32,
    /// The node's hostname. (versions 16+)
    pub host: String,
    /// The node's port. (versions 16+)
    pub port: i32,
    /// The rack of the node, or null if it has not been assigned to a rack. (versions 16+)
    pub rack: Option<String>,
}

impl Struct for NodeEndpoint {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.node_id = r.i32()?;
        out.host = r.string(true)?;
        out.port = r.i32()?;
        out.rack = r.opt_string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.node_id);
        w.string(&self.host, true)?;
        w.i32(self.port);
        w.opt_string(self.rack.as_deref(), true)?;
        w.no_tags();
        Ok(())
    }
}
