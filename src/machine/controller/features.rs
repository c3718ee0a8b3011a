//! Feature levels: what this version supports, what `metadata.version` allows to be written, and changing levels.

use crate::wire::ErrorCode;
use crate::wire::feature_level_record::FeatureLevelRecord;
use crate::wire::update_features_request::{FeatureUpdateKey, UpdateFeaturesRequest};
use crate::wire::update_features_response::{UpdatableFeatureResult, UpdateFeaturesResponse};

use super::record::MetadataRecord;
use super::state::ClusterState;
use super::{ApiError, Command, Context, Controller, Decision};

/// The feature that decides which records, in which versions, the log may hold.
pub const METADATA_VERSION: &str = "metadata.version";
/// Eligible leader replicas (W14) are kept from level 1 on.
pub const ELR_VERSION: &str = "eligible.leader.replicas.version";
/// Whether the voters of the metadata quorum stand in its own log. Never finalized by a feature record.
pub const KRAFT_VERSION: &str = "kraft.version";

/// One feature with the levels this version supports and the one a new cluster gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    pub name: &'static str,
    pub min: i16,
    pub max: i16,
    /// Level in a new cluster; 0 leaves the feature out.
    pub initial: i16,
}

const fn feature(name: &'static str, min: i16, max: i16, initial: i16) -> Feature {
    Feature { name, min, max, initial }
}

/// What Kafka 4.3 supports, in the order in which it formats a new directory.
pub const FEATURES: [Feature; 7] = [
    feature(METADATA_VERSION, 7, 30, 30),
    feature(ELR_VERSION, 0, 1, 1),
    feature("group.version", 0, 1, 1),
    feature("share.version", 0, 1, 1),
    feature("streams.version", 0, 1, 1),
    feature("transaction.version", 0, 2, 2),
    feature(KRAFT_VERSION, 0, 1, 0),
];

/// The feature records of a new cluster.
pub fn bootstrap_records() -> Vec<MetadataRecord> {
    let on = FEATURES.iter().filter(|f| f.initial > 0);
    on.map(|f| FeatureLevelRecord { name: f.name.to_string(), feature_level: f.initial }.into()).collect()
}

/// A level of `metadata.version`. What a level allows is asked by name, so that numbers stand only here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetadataVersion(pub i16);

impl MetadataVersion {
    /// The level of a log that names none (3.3-IV3).
    pub const OLDEST: MetadataVersion = MetadataVersion(7);
    /// The newest level this version writes (4.3-IV0).
    pub const LATEST: MetadataVersion = MetadataVersion(30);

    /// Partitions know the directory of each replica (3.7-IV2).
    pub fn has_directories(self) -> bool {
        self.0 >= 17
    }

    /// There are SCRAM credentials (3.5-IV2).
    pub fn has_scram(self) -> bool {
        self.0 >= 11
    }

    /// Several batches can be one change (3.6-IV1).
    pub fn has_transactions(self) -> bool {
        self.0 >= 13
    }

    /// Controllers register themselves (3.7-IV0).
    pub fn has_controller_registration(self) -> bool {
        self.0 >= 15
    }

    /// Partitions know their eligible leader replicas (4.0-IV1).
    pub fn has_elr(self) -> bool {
        self.0 >= 23
    }

    /// Brokers tell which directories take no new partitions (4.3-IV0).
    pub fn has_cordoned_directories(self) -> bool {
        self.0 >= 30
    }

    /// Version of partition and partition change records.
    pub(super) fn partition_version(self) -> i16 {
        match self {
            v if v.has_elr() => 2,
            v if v.has_directories() => 1,
            _ => 0,
        }
    }

    pub(super) fn register_broker_version(self) -> i16 {
        match self {
            v if v.has_cordoned_directories() => 4,
            v if v.has_directories() => 3,
            v if v.0 >= 8 => 2,
            _ => 1,
        }
    }

    /// Kafka's name of the level, such as `4.3-IV0`; the number where it has none here.
    pub fn name(self) -> String {
        const NAMES: [&str; 24] = [
            "3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2", "3.7-IV0", "3.7-IV1", "3.7-IV2",
            "3.7-IV3", "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0", "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0",
            "4.2-IV1", "4.3-IV0",
        ];
        let index = usize::try_from(i32::from(self.0) - 7).ok();
        index.and_then(|i| NAMES.get(i)).map_or_else(|| self.0.to_string(), |name| name.to_string())
    }
}

/// How far an update may go down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UpdateKind {
    Upgrade,
    SafeDowngrade,
    UnsafeDowngrade,
}

/// All updates or none.
impl Command for UpdateFeaturesRequest {
    type Response = UpdateFeaturesResponse;

    fn decide(&self, controller: &mut Controller, _: &mut Context<'_>) -> Decision<UpdateFeaturesResponse> {
        let mut records = Vec::new();
        for asked in &self.feature_updates {
            match check(controller.state(), controller.options.node, asked) {
                Ok(()) if controller.state().feature(&asked.feature) == asked.max_version_level => {}
                Ok(()) => records.push(FeatureLevelRecord { name: asked.feature.clone(), feature_level: asked.max_version_level }.into()),
                Err(error) => return Decision::answer(refused(self, &error)),
            }
        }
        let result = |asked: &FeatureUpdateKey| UpdatableFeatureResult { feature: asked.feature.clone(), ..Default::default() };
        let results = self.feature_updates.iter().map(result).collect();
        let response = UpdateFeaturesResponse { results, ..Default::default() };
        if self.validate_only { Decision::answer(response) } else { Decision { records, response } }
    }
}

/// One refused update refuses them all, with the same words on the whole and on each.
fn refused(request: &UpdateFeaturesRequest, error: &ApiError) -> UpdateFeaturesResponse {
    let reason = error.message.clone().unwrap_or_default();
    let text = format!("The update failed for all features since the following feature had an error: {reason}");
    let results = request.feature_updates.iter().map(|asked| UpdatableFeatureResult {
        feature: asked.feature.clone(),
        error_code: error.code.code(),
        error_message: Some(text.clone()),
    });
    UpdateFeaturesResponse {
        error_code: error.code.code(),
        error_message: Some(text.clone()),
        results: results.collect(),
        ..Default::default()
    }
}

fn check(state: &ClusterState, node: i32, asked: &FeatureUpdateKey) -> Result<(), ApiError> {
    let level = asked.max_version_level;
    let invalid = |why: String| {
        let name = &asked.feature;
        ApiError::new(ErrorCode::InvalidUpdateVersion, format!("Invalid update version {level} for feature {name}. {why}"))
    };
    let kind = match asked.upgrade_type {
        1 => UpdateKind::Upgrade,
        2 => UpdateKind::SafeDowngrade,
        3 => UpdateKind::UnsafeDowngrade,
        _ => return Err(invalid("The controller does not support the given upgrade type.".into())),
    };
    let Some(known) = FEATURES.iter().find(|f| f.name == asked.feature) else {
        return Err(invalid(format!("Local controller {node} does not support this feature.")));
    };
    if level < 0 {
        return Err(invalid("A feature version cannot be less than 0.".into()));
    }
    if !(known.min..=known.max).contains(&level) {
        return Err(invalid(format!("Local controller {node} only supports versions {}-{}", known.min, known.max)));
    }
    let current = state.feature(known.name);
    if level < current && kind == UpdateKind::Upgrade {
        return Err(invalid(
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.".into(),
        ));
    }
    if level > current && kind != UpdateKind::Upgrade {
        return Err(invalid("Can't downgrade to a newer version.".into()));
    }
    if known.name == METADATA_VERSION && level < current {
        return Err(ApiError::new(
            ErrorCode::InvalidUpdateVersion,
            format!(
                "Unsupported metadata.version downgrade from {current} to {level}. \
                 Refusing to perform the requested downgrade because it might delete metadata information."
            ),
        ));
    }
    if known.name == ELR_VERSION && level > 0 && !state.metadata_version().has_elr() {
        return Err(invalid(format!("{ELR_VERSION} could not be set to {level} because it depends on {METADATA_VERSION} level 23")));
    }
    if known.name == KRAFT_VERSION && level != current {
        return Err(invalid("The voters of this quorum are set by its configuration.".into()));
    }
    Ok(())
}
