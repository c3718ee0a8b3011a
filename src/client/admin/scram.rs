//! SCRAM credentials of users. A password never leaves the process: what is sent is its salted hash.

use bytes::Bytes;
use kfk_wire::alter_user_scram_credentials_request::{AlterUserScramCredentialsRequest, ScramCredentialDeletion, ScramCredentialUpsertion};
use kfk_wire::describe_user_scram_credentials_request::{DescribeUserScramCredentialsRequest, UserName};

use super::Admin;
use crate::client::error::{Error, check};
pub use crate::scram::ScramMechanism;

/// A change of one credential of a user.
pub enum ScramChange {
    /// A new password.
    Set {
        /// How it is hashed.
        mechanism: ScramMechanism,
        /// How often.
        iterations: i32,
        /// The password.
        password: String,
    },
    /// The credential goes.
    Delete(ScramMechanism),
}

/// The credentials that a user has: mechanism's number, and iterations.
pub type ScramCredentials = Vec<(i8, i32)>;

impl Admin {
    /// The credentials of these users (none named: of all), by user. Users without any are left out.
    pub async fn describe_scram(&self, users: &[&str]) -> Result<Vec<(String, Result<ScramCredentials, Error>)>, Error> {
        let named = users.iter().map(|name| UserName { name: name.to_string() }).collect();
        let request = DescribeUserScramCredentialsRequest { users: Some(named) };
        let answer = self.retrying("describing credentials", || async { self.client.call_any(&request).await }).await?;
        check(answer.error_code, answer.error_message.as_deref())?;
        let mut out: Vec<_> = answer
            .results
            .into_iter()
            .filter(|r| r.error_code != kfk_wire::ErrorCode::ResourceNotFound.code())
            .map(|r| {
                let mut own: ScramCredentials = r.credential_infos.iter().map(|c| (c.mechanism, c.iterations)).collect();
                own.sort_unstable();
                (r.user, check(r.error_code, r.error_message.as_deref()).map(|()| own))
            })
            .collect();
        out.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(out)
    }

    /// Changes credentials of one user, all of them or none. Kafka's controllers take one change a user and request.
    pub async fn alter_scram(&self, user: &str, changes: &[ScramChange]) -> Result<(), Error> {
        let mut request = AlterUserScramCredentialsRequest::default();
        for change in changes {
            match change {
                ScramChange::Delete(mechanism) => {
                    request.deletions.push(ScramCredentialDeletion { name: user.to_string(), mechanism: *mechanism as i8 });
                }
                ScramChange::Set { mechanism, iterations, password } => {
                    let mut salt = [0u8; 26];
                    getrandom::fill(&mut salt).map_err(|e| Error::Usage(format!("the system gives no random salt: {e}")))?;
                    request.upsertions.push(ScramCredentialUpsertion {
                        name: user.to_string(),
                        mechanism: *mechanism as i8,
                        iterations: *iterations,
                        salt: Bytes::copy_from_slice(&salt),
                        salted_password: mechanism.salted(password.as_bytes(), &salt, *iterations),
                    });
                }
            }
        }
        let answer = self.retrying("altering credentials", || async { self.client.call_controller(&request).await }).await?;
        answer.results.iter().try_for_each(|r| check(r.error_code, r.error_message.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3: the exchange of the user `user` with the password `pencil`.
    #[test]
    fn a5_salted_passwords_are_those_of_the_rfc() {
        let salt = hex::decode("5b6d99689d12358eeca04b141236fa81").unwrap();
        let salted = ScramMechanism::Sha256.salted(b"pencil", &salt, 4096);
        assert_eq!(hex::encode(salted), "c4a49510323ab4f952cac1fa99441939e78ea74d6be81ddf7096e87513dc615d");
    }
}
