//! UpdateFeatures: levels of features, all of a request or none. From version 2 the answer has no results of single features.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::update_features_request::UpdateFeaturesRequest;
use crate::wire::update_features_response::UpdateFeaturesResponse;

/// Version 0 has one flag instead of the kind of an update.
const SAFE_DOWNGRADE: i8 = 2;

pub fn handle(cx: Cx, mut request: UpdateFeaturesRequest) -> Reply<UpdateFeaturesResponse> {
    if cx.version == 0 {
        request.feature_updates.iter_mut().filter(|update| update.allow_downgrade).for_each(|update| update.upgrade_type = SAFE_DOWNGRADE);
    }
    Reply::blocking(move || {
        let version = cx.version;
        let mut response =
            cx.broker.submit(&request).unwrap_or_else(|code| UpdateFeaturesResponse { error_code: code.code(), ..Default::default() });
        if version >= 2 {
            response.results.clear();
        }
        response
    })
}
