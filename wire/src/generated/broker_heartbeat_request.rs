//! BrokerHeartbeatRequest, versions 0 to 2. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct BrokerHeartbeatRequest {
    /// The broker ID.
    pub broker_id: i32,
    /// The broker epoch.
    pub broker_epoch: i64,
    /// The highest metadata offset which the broker has reached.
    pub current_metadata_offset: i64,
    /// True if the broker wants to be fenced, false otherwise.
    pub want_fence: bool,
    /// True if the broker wants to be shut down, false otherwise.
    pub want_shut_down: bool,
    /// Log directories that failed and went offline. (versions 1+)
    pub offline_log_dirs: Vec<Uuid>,
    /// List of log directories that are cordoned. This is null before the broker reaches the RECOVERY state. (version 2)
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl Default for BrokerHeartbeatRequest {
    fn default() -> Self {
        Self {
            broker_id: Default::default(),
            broker_epoch: -1,
            current_metadata_offset: Default::default(),
            want_fence: Default::default(),
            want_shut_down: Default::default(),
            offline_log_dirs: Default::default(),
            cordoned_log_dirs: Default::default(),
        }
    }
}

impl Message for BrokerHeartbeatRequest {
    const NAME: &'static str = "BrokerHeartbeatRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 2;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.broker_id = r.i32()?;
        out.broker_epoch = r.i64()?;
        out.current_metadata_offset = r.i64()?;
        out.want_fence = r.bool()?;
        out.want_shut_down = r.bool()?;
        r.tags(|r, tag| {
            match tag {
                0 if v >= 1 => out.offline_log_dirs = r.list(true)?,
                1 if v >= 2 => out.cordoned_log_dirs = r.opt_list(true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.broker_id);
        w.i64(self.broker_epoch);
        w.i64(self.current_metadata_offset);
        w.bool(self.want_fence);
        w.bool(self.want_shut_down);
        if v < 1 && !self.offline_log_dirs.is_empty() {
            return Err(EncodeError::absent("OfflineLogDirs", v));
        }
        if v < 2 && self.cordoned_log_dirs.is_some() {
            return Err(EncodeError::absent("CordonedLogDirs", v));
        }
        let t = w.start_tags();
        if v >= 1 && !self.offline_log_dirs.is_empty() {
            w.tag(t, 0, |w| {
                w.list(&self.offline_log_dirs, true)?;
                Ok(())
            })?;
        }
        if v >= 2 && self.cordoned_log_dirs.is_some() {
            w.tag(t, 1, |w| {
                w.opt_list(self.cordoned_log_dirs.as_deref(), true)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Request for BrokerHeartbeatRequest {
    const KEY: ApiKey = ApiKey::BrokerHeartbeat;
    type Response = super::broker_heartbeat_response::BrokerHeartbeatResponse;
}
