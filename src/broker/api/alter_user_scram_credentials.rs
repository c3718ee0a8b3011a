//! AlterUserScramCredentials: decided by the controller. Neither passwords nor keys are ever logged.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::alter_user_scram_credentials_request::AlterUserScramCredentialsRequest;
use crate::wire::alter_user_scram_credentials_response::{AlterUserScramCredentialsResponse, AlterUserScramCredentialsResult};

pub fn handle(cx: Cx, request: AlterUserScramCredentialsRequest) -> Reply<AlterUserScramCredentialsResponse> {
    Reply::blocking(move || {
        cx.broker.submit(&request).unwrap_or_else(|code| {
            let names = request.deletions.iter().map(|d| &d.name).chain(request.upsertions.iter().map(|u| &u.name));
            let failed =
                |name: &String| AlterUserScramCredentialsResult { user: name.clone(), error_code: code.code(), ..Default::default() };
            AlterUserScramCredentialsResponse { results: names.map(failed).collect(), ..Default::default() }
        })
    })
}
