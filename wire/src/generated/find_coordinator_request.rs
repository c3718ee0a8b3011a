//! FindCoordinatorRequest, versions 0 to 6. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindCoordinatorRequest {
    /// The coordinator key. (versions 0-3)
    pub key: String,
    /// The coordinator key type. (group, transaction, share). (versions 1+)
    pub key_type: i8,
    /// The coordinator keys. (versions 4+)
    pub coordinator_keys: Vec<String>,
}

impl Message for FindCoordinatorRequest {
    const NAME: &'static str = "FindCoordinatorRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 6;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 3;

        let mut out = Self::default();
        if v <= 3 {
            out.key = r.string(f)?;
        }
        if v >= 1 {
            out.key_type = r.i8()?;
        }
        if v >= 4 {
            out.coordinator_keys = r.list(f)?;
        }
        if v >= 3 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 3;

        if v <= 3 {
            w.string(&self.key, f)?;
        } else if !self.key.is_empty() {
            return Err(EncodeError::absent("Key", v));
        }
        if v >= 1 {
            w.i8(self.key_type);
        } else if self.key_type != 0 {
            return Err(EncodeError::absent("KeyType", v));
        }
        if v >= 4 {
            w.list(&self.coordinator_keys, f)?;
        } else if !self.coordinator_keys.is_empty() {
            return Err(EncodeError::absent("CoordinatorKeys", v));
        }
        if v >= 3 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Request for FindCoordinatorRequest {
    const KEY: ApiKey = ApiKey::FindCoordinator;
    type Response = super::find_coordinator_response::FindCoordinatorResponse;
}
