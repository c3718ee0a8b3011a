//! ApiVersionsResponse, versions 0 to 4. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct ApiVersionsResponse {
    /// The top-level error code.
    pub error_code: i16,
    /// The APIs supported by the broker.
    pub api_keys: Vec<ApiVersion>,
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota. (versions 1+)
    pub throttle_time_ms: i32,
    /// Features supported by the broker. Note: in v0-v3, features with MinSupportedVersion = 0 are omitted. (versions 3+)
    pub supported_features: Vec<SupportedFeatureKey>,
    /// The monotonically increasing epoch for the finalized features information. Valid values are `= 0. A value of -1 is special and represents unknown epoch. (versions 3+)
    pub finalized_features_epoch: i64,
    /// List of cluster-wide finalized features. The information is valid only if FinalizedFeaturesEpoch `= 0. (versions 3+)
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// Set by a KRaft controller if the required configurations for ZK migration are present. (versions 3+)
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            api_keys: Default::default(),
            throttle_time_ms: Default::default(),
            supported_features: Default::default(),
            finalized_features_epoch: -1,
            finalized_features: Default::default(),
            zk_migration_ready: Default::default(),
        }
    }
}

impl Message for ApiVersionsResponse {
    const NAME: &'static str = "ApiVersionsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 4;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 3;

        let mut out = Self::default();
        out.error_code = r.i16()?;
        out.api_keys = r.structs(v, f)?;
        if v >= 1 {
            out.throttle_time_ms = r.i32()?;
        }
        if v >= 3 {
            r.tags(|r, tag| {
                match tag {
                    0 => out.supported_features = r.structs(v, true)?,
                    1 => out.finalized_features_epoch = r.i64()?,
                    2 => out.finalized_features = r.structs(v, true)?,
                    3 => out.zk_migration_ready = r.bool()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 3;

        w.i16(self.error_code);
        w.structs(&self.api_keys, v, f)?;
        if v >= 1 {
            w.i32(self.throttle_time_ms);
        }
        if v >= 3 {
            let t = w.start_tags();
            if !self.supported_features.is_empty() {
                w.tag(t, 0, |w| {
                    w.structs(&self.supported_features, v, true)?;
                    Ok(())
                })?;
            }
            if self.finalized_features_epoch != -1 {
                w.tag(t, 1, |w| {
                    w.i64(self.finalized_features_epoch);
                    Ok(())
                })?;
            }
            if !self.finalized_features.is_empty() {
                w.tag(t, 2, |w| {
                    w.structs(&self.finalized_features, v, true)?;
                    Ok(())
                })?;
            }
            if self.zk_migration_ready {
                w.tag(t, 3, |w| {
                    w.bool(self.zk_migration_ready);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiVersion {
    /// The API index.
    pub api_key: i16,
    /// The minimum supported version, inclusive.
    pub min_version: i16,
    /// The maximum supported version, inclusive.
    pub max_version: i16,
}

impl Struct for ApiVersion {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 3;

        let mut out = Self::default();
        out.api_key = r.i16()?;
        out.min_version = r.i16()?;
        out.max_version = r.i16()?;
        if v >= 3 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 3;

        w.i16(self.api_key);
        w.i16(self.min_version);
        w.i16(self.max_version);
        if v >= 3 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SupportedFeatureKey {
    /// The name of the feature. (versions 3+)
    pub name: String,
    /// The minimum supported version for the feature. (versions 3+)
    pub min_version: i16,
    /// The maximum supported version for the feature. (versions 3+)
    pub max_version: i16,
}

impl Struct for SupportedFeatureKey {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.name = r.string(true)?;
        out.min_version = r.i16()?;
        out.max_version = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.name, true)?;
        w.i16(self.min_version);
        w.i16(self.max_version);
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinalizedFeatureKey {
    /// The name of the feature. (versions 3+)
    pub name: String,
    /// The cluster-wide finalized max version level for the feature. (versions 3+)
    pub max_version_level: i16,
    /// The cluster-wide finalized min version level for the feature. (versions 3+)
    pub min_version_level: i16,
}

impl Struct for FinalizedFeatureKey {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.name = r.string(true)?;
        out.max_version_level = r.i16()?;
        out.min_version_level = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.name, true)?;
        w.i16(self.max_version_level);
        w.i16(self.min_version_level);
        w.no_tags();
        Ok(())
    }
}
