//! FindCoordinatorResponse, versions 0 to 6. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct FindCoordinatorResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota. (versions 1+)
    pub throttle_time_ms: i32,
    /// The error code, or 0 if there was no error. (versions 0-3)
    pub error_code: i16,
    /// The error message, or null if there was no error. (versions 1-3)
    pub error_message: Option<String>,
    /// The node id. (versions 0-3)
    pub node_id: i32,
    /// The host name. (versions 0-3)
    pub host: String,
    /// The port. (versions 0-3)
    pub port: i32,
    /// Each coordinator result in the response. (versions 4+)
    pub coordinators: Vec<Coordinator>,
}

impl Default for FindCoordinatorResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            node_id: Default::default(),
            host: Default::default(),
            port: Default::default(),
            coordinators: Default::default(),
        }
    }
}

impl Message for FindCoordinatorResponse {
    const NAME: &'static str = "FindCoordinatorResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 6;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 3;

        let mut out = Self::default();
        if v >= 1 {
            out.throttle_time_ms = r.i32()?;
        }
        if v <= 3 {
            out.error_code = r.i16()?;
        }
        if (1..=3).contains(&v) {
            out.error_message = r.opt_string(f)?;
        }
        if v <= 3 {
            out.node_id = r.i32()?;
        }
        if v <= 3 {
            out.host = r.string(f)?;
        }
        if v <= 3 {
            out.port = r.i32()?;
        }
        if v >= 4 {
            out.coordinators = r.structs(v, f)?;
        }
        if v >= 3 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 3;

        if v >= 1 {
            w.i32(self.throttle_time_ms);
        }
        if v <= 3 {
            w.i16(self.error_code);
        } else if self.error_code != 0 {
            return Err(EncodeError::absent("ErrorCode", v));
        }
        if (1..=3).contains(&v) {
            w.opt_string(self.error_message.as_deref(), f)?;
        }
        if v <= 3 {
            w.i32(self.node_id);
        } else if self.node_id != 0 {
            return Err(EncodeError::absent("NodeId", v));
        }
        if v <= 3 {
            w.string(&self.host, f)?;
        } else if !self.host.is_empty() {
            return Err(EncodeError::absent("Host", v));
        }
        if v <= 3 {
            w.i32(self.port);
        } else if self.port != 0 {
            return Err(EncodeError::absent("Port", v));
        }
        if v >= 4 {
            w.structs(&self.coordinators, v, f)?;
        } else if !self.coordinators.is_empty() {
            return Err(EncodeError::absent("Coordinators", v));
        }
        if v >= 3 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Coordinator {
    /// The coordinator key. (versions 4+)
    pub key: String,
    /// The node id. (versions 4+)
    pub node_id: i32,
    /// The host name. (versions 4+)
    pub host: String,
    /// The port. (versions 4+)
    pub port: i32,
    /// The error code, or 0 if there was no error. (versions 4+)
    pub error_code: i16,
    /// The error message, or null if there was no error. (versions 4+)
    pub error_message: Option<String>,
}

impl Default for Coordinator {
    fn default() -> Self {
        Self {
            key: Default::default(),
            node_id: Default::default(),
            host: Default::default(),
            port: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
        }
    }
}

impl Struct for Coordinator {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.key = r.string(true)?;
        out.node_id = r.i32()?;
        out.host = r.string(true)?;
        out.port = r.i32()?;
        out.error_code = r.i16()?;
        out.error_message = r.opt_string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.key, true)?;
        w.i32(self.node_id);
        w.string(&self.host, true)?;
        w.i32(self.port);
        w.i16(self.error_code);
        w.opt_string(self.error_message.as_deref(), true)?;
        w.no_tags();
        Ok(())
    }
}
