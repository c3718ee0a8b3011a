//! `SCRAM-SHA-256=[name=alice,password=secret]`: a user that a cluster begins with, as keys (RFC 5802).

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::cli::base64;
use crate::cli::error::CliError;
use crate::scram::ScramMechanism as Mechanism;
use crate::wire::user_scram_credential_record::UserScramCredentialRecord;

const ITERATIONS: i32 = 4096;
const MOST_ITERATIONS: i32 = 16384;
const SALT_BYTES: usize = 25;

/// As Kafka's tool spells it where something is wrong.
fn told(mechanism: Mechanism) -> String {
    mechanism.name().replace('-', "_")
}

fn bad(text: impl Into<String>) -> CliError {
    CliError::usage(text)
}

/// The record of a user. Errors: what is wrong with the text.
pub(super) fn user(text: &str) -> Result<UserScramCredentialRecord, CliError> {
    let (mechanism, config) = text.split_once('=').ok_or_else(|| bad(format!("Failed to find equals sign in SCRAM argument '{text}'")))?;
    let unknown = || bad(format!("The add-scram mechanism {mechanism} is not supported."));
    let mechanism = Mechanism::of_name(mechanism).ok_or_else(unknown)?;
    let config = config.strip_prefix('[').ok_or_else(|| bad("Expected configuration string to start with ["))?;
    let config = config.strip_suffix(']').ok_or_else(|| bad("Expected configuration string to end with ]"))?;
    let mut parts = parts(config)?;
    let name = parts.remove("name").ok_or_else(|| bad("You must supply 'name' to add-scram"))?;
    let salt = parts.remove("salt").map(|s| base64::decode(&s).map_err(|_| bad(format!("Failed to decode given salt: {s}"))));
    let salt = salt.transpose()?;
    let iterations = match parts.remove("iterations") {
        None => ITERATIONS,
        Some(text) => text.parse().map_err(|_| bad(format!("Failed to parse iterations count: {text}")))?,
    };
    let (password, salted) = (parts.remove("password"), parts.remove("saltedpassword"));
    if let Some(unknown) = (!parts.is_empty()).then(|| parts.into_keys().collect::<Vec<_>>().join(", ")) {
        return Err(bad(format!("Unknown SCRAM configurations: {unknown}")));
    }
    if iterations < ITERATIONS {
        return Err(bad(format!("The 'iterations' value must be >= {ITERATIONS} for add-scram using {}", told(mechanism))));
    }
    if iterations > MOST_ITERATIONS {
        return Err(bad(format!("The 'iterations' value must be <= {MOST_ITERATIONS} for add-scram using {}", told(mechanism))));
    }
    let (salt, salted) = match (password, salted, salt) {
        (Some(password), _, salt) => {
            let salt = salt.map_or_else(random_salt, Ok)?;
            let salted = mechanism.salted(password.as_bytes(), &salt, iterations).to_vec();
            (salt, salted)
        }
        (None, None, _) => return Err(bad("You must supply one of 'password' or 'saltedpassword' to add-scram")),
        (None, Some(_), None) => return Err(bad("You must supply 'salt' with 'saltedpassword' to add-scram")),
        (None, Some(salted), Some(salt)) => {
            // Not told what it was: it is as good as a password.
            (salt, base64::decode(&salted).map_err(|why| bad(format!("Failed to decode given saltedPassword: {why}")))?)
        }
    };
    let (stored_key, server_key) = mechanism.keys(&salted);
    Ok(UserScramCredentialRecord { name, mechanism: mechanism as i8, salt: Bytes::from(salt), stored_key, server_key, iterations })
}

/// `key=value,key="value"`
fn parts(config: &str) -> Result<BTreeMap<String, String>, CliError> {
    let part = |text: &str| {
        // Without the text, which may hold a password.
        let (key, value) = text.split_once('=').ok_or_else(|| bad("No equals sign found in SCRAM component"))?;
        let bare = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
        Ok((key.to_owned(), bare.to_owned()))
    };
    config.split(',').map(part).collect()
}

fn random_salt() -> Result<Vec<u8>, CliError> {
    let mut salt = vec![0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|e| CliError::failed("the system has no random numbers for a salt").cause(e.to_string()))?;
    Ok(salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677 has this user, salt and count.
    #[test]
    fn keys_are_those_of_the_rfc() {
        let user = user("SCRAM-SHA-256=[name=user,password=pencil,salt=\"W22ZaJ0SNY7soEsUEjb6gQ==\",iterations=4096]").unwrap();
        assert_eq!((user.name.as_str(), user.mechanism, user.iterations), ("user", 1, 4096));
        assert_eq!(base64::encode(&user.stored_key), "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=");
        assert_eq!(base64::encode(&user.server_key), "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
    }

    #[test]
    fn a_salted_password_is_as_good_and_what_is_wrong_is_named() {
        let salted = base64::encode(&Mechanism::Sha512.salted(b"x", b"salt", 5000));
        let of = |rest: &str| user(&format!("SCRAM-SHA-512=[name=a,salt=c2FsdA==,iterations=5000,{rest}]"));
        assert_eq!(of(&format!("saltedpassword={salted}")).unwrap(), of("password=x").unwrap());
        let told = |text: &str| user(text).unwrap_err().message;
        assert_eq!(told("X"), "Failed to find equals sign in SCRAM argument 'X'");
        assert_eq!(told("X=[name=a]"), "The add-scram mechanism X is not supported.");
        assert_eq!(told("SCRAM-SHA-256=[name=a]"), "You must supply one of 'password' or 'saltedpassword' to add-scram");
        assert_eq!(
            told("SCRAM-SHA-256=[name=a,password=x,iterations=1]"),
            "The 'iterations' value must be >= 4096 for add-scram using SCRAM_SHA_256"
        );
        assert_eq!(told("SCRAM-SHA-256=[name=a,saltedpassword=x]"), "You must supply 'salt' with 'saltedpassword' to add-scram");
    }
}
