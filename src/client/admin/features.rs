//! Feature levels: what the nodes support, what the cluster has agreed on, and changing that.

use std::collections::BTreeMap;

use kfk_wire::api_versions_request::ApiVersionsRequest;
use kfk_wire::update_features_request::{FeatureUpdateKey, UpdateFeaturesRequest};

use super::Admin;
use crate::client::error::{Error, check};

/// One feature, as a node tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// `metadata.version`, ...
    pub name: String,
    /// The lowest and the highest level that the node supports.
    pub supported: (i16, i16),
    /// The level that the cluster has agreed on; 0: off.
    pub finalized: i16,
}

/// All features, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// Where in the metadata log they were read; `None` if the node does not tell.
    pub epoch: Option<i64>,
    /// By name.
    pub features: Vec<Feature>,
}

/// How far an update may go, numbered as in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateKind {
    /// Up only.
    Upgrade = 1,
    /// Down, if nothing is lost.
    SafeDowngrade = 2,
    /// Down, whatever is lost.
    UnsafeDowngrade = 3,
}

impl Admin {
    /// The features as `node` knows them; `None`: as any node does.
    pub async fn describe_features(&self, node: Option<i32>) -> Result<Features, Error> {
        let request = ApiVersionsRequest { client_software_name: "kfk".into(), client_software_version: env!("CARGO_PKG_VERSION").into() };
        let answer = self.retrying("describing features", || async {
            match node {
                Some(node) => self.client.call_node(node, &request).await,
                None => self.client.call_any(&request).await,
            }
        });
        let answer = answer.await?;
        check(answer.error_code, None)?;
        let finalized: BTreeMap<String, i16> = answer.finalized_features.into_iter().map(|f| (f.name, f.max_version_level)).collect();
        let level = |name: &str| finalized.get(name).copied().unwrap_or(0);
        let feature = |f: kfk_wire::api_versions_response::SupportedFeatureKey| Feature {
            supported: (f.min_version, f.max_version),
            finalized: level(&f.name),
            name: f.name,
        };
        let mut features: Vec<Feature> = answer.supported_features.into_iter().map(feature).collect();
        features.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Features { epoch: Some(answer.finalized_features_epoch).filter(|epoch| *epoch >= 0), features })
    }

    /// Changes levels. The first error is what refuses the whole, or the result of each feature.
    pub async fn update_features(
        &self,
        updates: &BTreeMap<String, i16>,
        kind: UpdateKind,
        dry_run: bool,
    ) -> Result<BTreeMap<String, Result<(), Error>>, Error> {
        let update = |(feature, level): (&String, &i16)| FeatureUpdateKey {
            feature: feature.clone(),
            max_version_level: *level,
            // Of version 0 only, which no cluster of today speaks.
            allow_downgrade: false,
            upgrade_type: kind as i8,
        };
        let request = UpdateFeaturesRequest {
            timeout_ms: self.timeout_ms(),
            feature_updates: updates.iter().map(update).collect(),
            validate_only: dry_run,
        };
        let answer = self.retrying("updating features", || async {
            let answer = self.client.call_controller(&request).await?;
            self.not_controller(std::iter::once(answer.error_code)).await?;
            Ok(answer)
        });
        let answer = answer.await?;
        let whole = check(answer.error_code, answer.error_message.as_deref());
        let of = |name: &str| match answer.results.iter().find(|r| r.feature == name) {
            Some(r) if whole.is_ok() => check(r.error_code, r.error_message.as_deref()),
            _ => whole.clone(),
        };
        Ok(updates.keys().map(|name| (name.clone(), of(name))).collect())
    }
}
