//! ApiVersions: what the broker serves. Version 3 asks for the client's software, 4 lifts a limit of old clients on feature versions.

use crate::broker::context::Cx;
use crate::broker::dispatch::{APIS, Api};
use crate::broker::reply::Reply;
use crate::machine::controller::features::FEATURES;
use crate::wire::api_versions_request::ApiVersionsRequest;
use crate::wire::api_versions_response::{ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey};
use crate::wire::{ApiKey, ErrorCode};

pub fn handle(cx: Cx, request: ApiVersionsRequest) -> Reply<ApiVersionsResponse> {
    if cx.version >= 3 && !(is_software_name(&request.client_software_name) && is_software_name(&request.client_software_version)) {
        return Reply::now(ApiVersionsResponse { error_code: ErrorCode::InvalidRequest.code(), ..Default::default() });
    }
    let image = cx.broker.image();
    Reply::now(ApiVersionsResponse {
        api_keys: APIS.iter().map(row).collect(),
        supported_features: supported_features(cx.version),
        finalized_features_epoch: image.offset(),
        finalized_features: image.features().map(finalized).collect(),
        ..Default::default()
    })
}

/// Clients before version 4 cannot read a smallest level of 0, so they do not hear of features that have it.
fn supported_features(version: i16) -> Vec<SupportedFeatureKey> {
    let told = FEATURES.iter().filter(|f| version >= 4 || f.min > 0);
    told.map(|f| SupportedFeatureKey { name: f.name.to_string(), min_version: f.min, max_version: f.max }).collect()
}

fn finalized((name, level): (&str, i16)) -> FinalizedFeatureKey {
    FinalizedFeatureKey { name: name.to_string(), min_version_level: level, max_version_level: level }
}

/// The answer, in version 0, to a version that is not known: the versions that are.
pub fn unsupported_version() -> ApiVersionsResponse {
    let own = APIS.iter().filter(|api| api.key == ApiKey::ApiVersions).map(row).collect();
    ApiVersionsResponse { error_code: ErrorCode::UnsupportedVersion.code(), api_keys: own, ..Default::default() }
}

fn row(api: &Api) -> ApiVersion {
    // Produce is listed from version 0 though 0 to 2 are refused: one C library turns features off otherwise.
    ApiVersion { api_key: api.key.code(), min_version: api.key.row().advertised_min, max_version: api.max }
}

/// Letters and digits, with dots and dashes between them.
fn is_software_name(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(text.chars().next()) && edge(text.chars().last()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n6_software_names() {
        for good in ["a", "apache-kafka-java", "4.3.1", "A9"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", ".", "a b", "ä", "a_b"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}
