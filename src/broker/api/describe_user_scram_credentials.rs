//! DescribeUserScramCredentials: which users have credentials, never the credentials themselves.

use std::collections::BTreeMap;

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::ClusterState;
use crate::wire::ErrorCode;
use crate::wire::describe_user_scram_credentials_request::DescribeUserScramCredentialsRequest;
use crate::wire::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResponse, DescribeUserScramCredentialsResult,
};

pub fn handle(cx: Cx, request: DescribeUserScramCredentialsRequest) -> Reply<DescribeUserScramCredentialsResponse> {
    let image = cx.broker.image();
    // How often each user is asked for; whoever is not named once is there once.
    let mut users: BTreeMap<&str, usize> = BTreeMap::new();
    match request.users.as_deref() {
        None | Some([]) => users.extend(image.kept().credentials().map(|c| (c.name.as_str(), 1))),
        Some(named) => named.iter().for_each(|user| *users.entry(user.name.as_str()).or_default() += 1),
    }
    let results = users.into_iter().map(|(user, times)| described(&image, user, times)).collect();
    Reply::now(DescribeUserScramCredentialsResponse { results, ..Default::default() })
}

fn described(image: &ClusterState, user: &str, times: usize) -> DescribeUserScramCredentialsResult {
    let refused = |code: ErrorCode, text: &str| DescribeUserScramCredentialsResult {
        user: user.to_string(),
        error_code: code.code(),
        error_message: Some(format!("{text}{user}")),
        ..Default::default()
    };
    if times > 1 {
        let text = "Cannot describe SCRAM credentials for the same user twice in a single request: ";
        return refused(ErrorCode::DuplicateResource, text);
    }
    let own = image.kept().credentials().filter(|c| c.name == user);
    let credential_infos: Vec<_> = own.map(|c| CredentialInfo { mechanism: c.mechanism, iterations: c.iterations }).collect();
    if credential_infos.is_empty() {
        return refused(ErrorCode::ResourceNotFound, "Attempt to describe a user credential that does not exist: ");
    }
    DescribeUserScramCredentialsResult { user: user.to_string(), credential_infos, ..Default::default() }
}
