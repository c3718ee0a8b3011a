//! SCRAM credentials of users (A5): what a server must know to check a password, never the password.

use std::collections::{BTreeMap, BTreeSet};

use crate::scram::ScramMechanism as Mechanism;
use crate::wire::ErrorCode;
use crate::wire::alter_user_scram_credentials_request::{
    AlterUserScramCredentialsRequest, ScramCredentialDeletion, ScramCredentialUpsertion,
};
use crate::wire::alter_user_scram_credentials_response::{AlterUserScramCredentialsResponse, AlterUserScramCredentialsResult};
use crate::wire::remove_user_scram_credential_record::RemoveUserScramCredentialRecord;
use crate::wire::user_scram_credential_record::UserScramCredentialRecord;

use super::record::MetadataRecord;
use super::state::ClusterState;
use super::{ApiError, Command, Context, Controller, Decision};

const MIN_ITERATIONS: i32 = 4096;
const MAX_ITERATIONS: i32 = 16_384;

/// What is to happen to one user.
enum Change<'a> {
    Delete(&'a ScramCredentialDeletion),
    Upsert(&'a ScramCredentialUpsertion, Mechanism),
}

/// Each user on their own; one change a user and request.
impl Command for AlterUserScramCredentialsRequest {
    type Response = AlterUserScramCredentialsResponse;

    fn decide(&self, controller: &mut Controller, _: &mut Context<'_>) -> Decision<AlterUserScramCredentialsResponse> {
        let state = controller.state();
        let mut users: BTreeMap<&str, Result<Change<'_>, ApiError>> = BTreeMap::new();
        let mut twice: BTreeSet<&str> = BTreeSet::new();
        let deletions = self.deletions.iter().map(|d| (d.name.as_str(), check_deletion(state, d)));
        let upsertions = self.upsertions.iter().map(|u| (u.name.as_str(), check_upsertion(state, u)));
        for (name, checked) in deletions.chain(upsertions) {
            // What was wrong first is what is told.
            match users.get(name) {
                Some(Ok(_)) => drop(twice.insert(name)),
                Some(Err(_)) => {}
                None => drop(users.insert(name, checked)),
            }
        }
        for name in twice {
            let text = "A user credential cannot be altered twice in the same request";
            users.insert(name, Err(ApiError::new(ErrorCode::DuplicateResource, text)));
        }
        let mut records = Vec::new();
        let mut results = Vec::new();
        for (name, change) in users {
            let error = match change {
                Ok(change) => {
                    records.push(record(&change));
                    ErrorCode::None.into()
                }
                Err(error) => error,
            };
            let (error_code, error_message) = (error.code.code(), error.message);
            results.push(AlterUserScramCredentialsResult { user: name.to_string(), error_code, error_message });
        }
        Decision { records, response: AlterUserScramCredentialsResponse { results, ..Default::default() } }
    }
}

fn record(change: &Change<'_>) -> MetadataRecord {
    match change {
        Change::Delete(gone) => RemoveUserScramCredentialRecord { name: gone.name.clone(), mechanism: gone.mechanism }.into(),
        Change::Upsert(new, mechanism) => {
            let (stored_key, server_key) = mechanism.keys(&new.salted_password);
            UserScramCredentialRecord {
                name: new.name.clone(),
                mechanism: new.mechanism,
                salt: new.salt.clone(),
                stored_key,
                server_key,
                iterations: new.iterations,
            }
            .into()
        }
    }
}

fn check_deletion<'a>(state: &ClusterState, asked: &'a ScramCredentialDeletion) -> Result<Change<'a>, ApiError> {
    check_user(state, &asked.name, asked.mechanism)?;
    match state.kept().credential(asked.mechanism, &asked.name) {
        Some(_) => Ok(Change::Delete(asked)),
        None => Err(ApiError::new(ErrorCode::ResourceNotFound, "Attempt to delete a user credential that does not exist")),
    }
}

fn check_upsertion<'a>(state: &ClusterState, asked: &'a ScramCredentialUpsertion) -> Result<Change<'a>, ApiError> {
    let mechanism = check_user(state, &asked.name, asked.mechanism)?;
    let refuse = |text: &str| Err(ApiError::new(ErrorCode::UnacceptableCredential, text));
    match asked.iterations {
        n if n < MIN_ITERATIONS => refuse("Too few iterations"),
        n if n > MAX_ITERATIONS => refuse("Too many iterations"),
        _ => Ok(Change::Upsert(asked, mechanism)),
    }
}

fn check_user(state: &ClusterState, name: &str, mechanism: i8) -> Result<Mechanism, ApiError> {
    if !state.metadata_version().has_scram() {
        return Err(ApiError::new(ErrorCode::UnsupportedVersion, "The current metadata.version does not support SCRAM"));
    }
    if name.is_empty() {
        return Err(ApiError::new(ErrorCode::UnacceptableCredential, "Username must not be empty"));
    }
    Mechanism::from_id(mechanism).ok_or_else(|| ApiError::new(ErrorCode::UnsupportedSaslMechanism, "Unknown SCRAM mechanism"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3: the exchange of the user `user` with the password `pencil`.
    #[test]
    fn a5_keys_are_those_of_the_rfc() {
        let salted = hex::decode("c4a49510323ab4f952cac1fa99441939e78ea74d6be81ddf7096e87513dc615d").unwrap();
        let (stored, server) = Mechanism::Sha256.keys(&salted);
        assert_eq!(hex::encode(stored), "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6");
        assert_eq!(hex::encode(server), "c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5");
    }
}
