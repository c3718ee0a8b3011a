//! FetchRequest, versions 4 to 18. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct FetchRequest {
    /// The clusterId if known. This is used to validate metadata fetches prior to broker registration. (versions 12+)
    pub cluster_id: Option<String>,
    /// The broker ID of the follower, of -1 if this request is from a consumer. (versions 4-14)
    pub replica_id: i32,
    /// The state of the replica in the follower. (versions 15+)
    pub replica_state: ReplicaState,
    /// The maximum time in milliseconds to wait for the response.
    pub max_wait_ms: i32,
    /// The minimum bytes to accumulate in the response.
    pub min_bytes: i32,
    /// The maximum bytes to fetch.  See KIP-74 for cases where this limit may not be honored.
    pub max_bytes: i32,
    /// This setting controls the visibility of transactional records. Using READ_UNCOMMITTED (isolation_level = 0) makes all records visible. With READ_COMMITTED (isolation_level = 1), non-transactional and COMMITTED transactional records are visible. To be more concrete, READ_COMMITTED returns all data from offsets smaller than the current LSO (last stable offset), and enables the inclusion of the list of aborted transactions in the result, which allows consumers to discard ABORTED transactional records.
    pub isolation_level: i8,
    /// The fetch session ID. (versions 7+)
    pub session_id: i32,
    /// The fetch session epoch, which is used for ordering requests in a session. (versions 7+)
    pub session_epoch: i32,
    /// The topics to fetch.
    pub topics: Vec<FetchTopic>,
    /// In an incremental fetch request, the partitions to remove. (versions 7+)
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// Rack ID of the consumer making this request. (versions 11+)
    pub rack_id: String,
}

impl Default for FetchRequest {
    fn default() -> Self {
        Self {
            cluster_id: Default::default(),
            replica_id: -1,
            replica_state: Default::default(),
            max_wait_ms: Default::default(),
            min_bytes: Default::default(),
            max_bytes: 2147483647,
            isolation_level: Default::default(),
            session_id: Default::default(),
            session_epoch: -1,
            topics: Default::default(),
            forgotten_topics_data: Default::default(),
            rack_id: Default::default(),
        }
    }
}

impl Message for FetchRequest {
    const NAME: &'static str = "FetchRequest";
    const MIN: i16 = 4;
    const MAX: i16 = 18;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 12;

        let mut out = Self::default();
        if v <= 14 {
            out.replica_id = r.i32()?;
        }
        out.max_wait_ms = r.i32()?;
        out.min_bytes = r.i32()?;
        out.max_bytes = r.i32()?;
        out.isolation_level = r.i8()?;
        if v >= 7 {
            out.session_id = r.i32()?;
        }
        if v >= 7 {
            out.session_epoch = r.i32()?;
        }
        out.topics = r.structs(v, f)?;
        if v >= 7 {
            out.forgotten_topics_data = r.structs(v, f)?;
        }
        if v >= 11 {
            out.rack_id = r.string(f)?;
        }
        if v >= 12 {
            r.tags(|r, tag| {
                match tag {
                    0 => out.cluster_id = r.opt_string(true)?,
                    1 if v >= 15 => out.replica_state = Struct::decode(r, v)?,
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

        if v <= 14 {
            w.i32(self.replica_id);
        } else if self.replica_id != -1 {
            return Err(EncodeError::absent("ReplicaId", v));
        }
        w.i32(self.max_wait_ms);
        w.i32(self.min_bytes);
        w.i32(self.max_bytes);
        w.i8(self.isolation_level);
        if v >= 7 {
            w.i32(self.session_id);
        }
        if v >= 7 {
            w.i32(self.session_epoch);
        }
        w.structs(&self.topics, v, f)?;
        if v >= 7 {
            w.structs(&self.forgotten_topics_data, v, f)?;
        } else if !self.forgotten_topics_data.is_empty() {
            return Err(EncodeError::absent("ForgottenTopicsData", v));
        }
        if v >= 11 {
            w.string(&self.rack_id, f)?;
        }
        if v < 15 && self.replica_state != ReplicaState::default() {
            return Err(EncodeError::absent("ReplicaState", v));
        }
        if v >= 12 {
            let t = w.start_tags();
            if self.cluster_id.is_some() {
                w.tag(t, 0, |w| {
                    w.opt_string(self.cluster_id.as_deref(), true)?;
                    Ok(())
                })?;
            }
            if v >= 15 && self.replica_state != ReplicaState::default() {
                w.tag(t, 1, |w| {
                    self.replica_state.encode(w, v)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// The replica ID of the follower, or -1 if this request is from a consumer. (versions 15+)
    pub replica_id: i32,
    /// The epoch of this follower, or -1 if not available. (versions 15+)
    pub replica_epoch: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self { replica_id: -1, replica_epoch: -1 }
    }
}

impl Struct for ReplicaState {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.replica_id = r.i32()?;
        out.replica_epoch = r.i64()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.replica_id);
        w.i64(self.replica_epoch);
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchTopic {
    /// The name of the topic to fetch. (versions 4-12)
    pub topic: String,
    /// The unique topic ID. (versions 13+)
    pub topic_id: Uuid,
    /// The partitions to fetch.
    pub partitions: Vec<FetchPartition>,
}

impl Struct for FetchTopic {
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
pub struct FetchPartition {
    /// The partition index.
    pub partition: i32,
    /// The current leader epoch of the partition. (versions 9+)
    pub current_leader_epoch: i32,
    /// The message offset.
    pub fetch_offset: i64,
    /// The epoch of the last fetched record or -1 if there is none. (versions 12+)
    pub last_fetched_epoch: i32,
    /// The earliest available offset of the follower replica.  The field is only used when the request is sent by the follower. (versions 5+)
    pub log_start_offset: i64,
    /// The maximum bytes to fetch from this partition.  See KIP-74 for cases where this limit may not be honored.
    pub partition_max_bytes: i32,
    /// The directory id of the follower fetching. (versions 17+)
    pub replica_directory_id: Uuid,
    /// The high-watermark known by the replica. -1 if the high-watermark is not known and 9223372036854775807 if the feature is not supported. (version 18)
    pub high_watermark: i64,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: Default::default(),
            current_leader_epoch: -1,
            fetch_offset: Default::default(),
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: Default::default(),
            replica_directory_id: Default::default(),
            high_watermark: 9223372036854775807,
        }
    }
}

impl Struct for FetchPartition {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 12;

        let mut out = Self::default();
        out.partition = r.i32()?;
        if v >= 9 {
            out.current_leader_epoch = r.i32()?;
        }
        out.fetch_offset = r.i64()?;
        if v >= 12 {
            out.last_fetched_epoch = r.i32()?;
        }
        if v >= 5 {
            out.log_start_offset = r.i64()?;
        }
        out.partition_max_bytes = r.i32()?;
        if v >= 12 {
            r.tags(|r, tag| {
                match tag {
                    0 if v >= 17 => out.replica_directory_id = r.uuid()?,
                    1 if v >= 18 => out.high_watermark = r.i64()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 12;

        w.i32(self.partition);
        if v >= 9 {
            w.i32(self.current_leader_epoch);
        }
        w.i64(self.fetch_offset);
        if v >= 12 {
            w.i32(self.last_fetched_epoch);
        } else if self.last_fetched_epoch != -1 {
            return Err(EncodeError::absent("LastFetchedEpoch", v));
        }
        if v >= 5 {
            w.i64(self.log_start_offset);
        }
        w.i32(self.partition_max_bytes);
        if v >= 12 {
            let t = w.start_tags();
            if v >= 17 && !self.replica_directory_id.is_zero() {
                w.tag(t, 0, |w| {
                    w.uuid(self.replica_directory_id);
                    Ok(())
                })?;
            }
            if v >= 18 && self.high_watermark != 9223372036854775807 {
                w.tag(t, 1, |w| {
                    w.i64(self.high_watermark);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForgottenTopic {
    /// The topic name. (versions 7-12)
    pub topic: String,
    /// The unique topic ID. (versions 13+)
    pub topic_id: Uuid,
    /// The partitions indexes to forget. (versions 7+)
    pub partitions: Vec<i32>,
}

impl Struct for ForgottenTopic {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 12;

        let mut out = Self::default();
        if v <= 12 {
            out.topic = r.string(f)?;
        }
        if v >= 13 {
            out.topic_id = r.uuid()?;
        }
        out.partitions = r.list(f)?;
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
        w.list(&self.partitions, f)?;
        if v >= 12 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Request for FetchRequest {
    const KEY: ApiKey = ApiKey::Fetch;
    type Response = super::fetch_response::FetchResponse;
}
