//! `SCRAM-SHA-256=[name=alice,password=secret]`: a user that a cluster begins with, as keys (RFC 5802).

use std::collections::BTreeMap;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

use crate::cli::base64;
use crate::cli::error::CliError;
use crate::wire::user_scram_credential_record::UserScramCredentialRecord;

const ITERATIONS: i32 = 4096;
const MOST_ITERATIONS: i32 = 16384;
const SALT_BYTES: usize = 25;

/// The hash of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    Sha256 = 1,
    Sha512 = 2,
}

impl Mechanism {
    fn name(self) -> &'static str {
        if self == Mechanism::Sha256 { "SCRAM_SHA_256" } else { "SCRAM_SHA_512" }
    }

    fn hash(self, data: &[u8]) -> Vec<u8> {
        match self {
            Mechanism::Sha256 => Sha256::digest(data).to_vec(),
            Mechanism::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        fn run<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
            // A key of any length is fine.
            let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        }
        match self {
            Mechanism::Sha256 => run::<Hmac<Sha256>>(key, parts),
            Mechanism::Sha512 => run::<Hmac<Sha512>>(key, parts),
        }
    }

    /// PBKDF2 of one block, which is as long as the hash.
    fn salted(self, password: &[u8], salt: &[u8], iterations: i32) -> Vec<u8> {
        let mut round = self.hmac(password, &[salt, &[0, 0, 0, 1]]);
        let mut all = round.clone();
        for _ in 1..iterations {
            round = self.hmac(password, &[&round]);
            all.iter_mut().zip(&round).for_each(|(a, b)| *a ^= b);
        }
        all
    }
}

fn bad(text: impl Into<String>) -> CliError {
    CliError::usage(text)
}

/// The record of a user. Errors: what is wrong with the text.
pub(super) fn user(text: &str) -> Result<UserScramCredentialRecord, CliError> {
    let (mechanism, config) = text.split_once('=').ok_or_else(|| bad(format!("Failed to find equals sign in SCRAM argument '{text}'")))?;
    let mechanism = match mechanism {
        "SCRAM-SHA-256" => Mechanism::Sha256,
        "SCRAM-SHA-512" => Mechanism::Sha512,
        other => return Err(bad(format!("The add-scram mechanism {other} is not supported."))),
    };
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
        return Err(bad(format!("The 'iterations' value must be >= {ITERATIONS} for add-scram using {}", mechanism.name())));
    }
    if iterations > MOST_ITERATIONS {
        return Err(bad(format!("The 'iterations' value must be <= {MOST_ITERATIONS} for add-scram using {}", mechanism.name())));
    }
    let (salt, salted) = match (password, salted, salt) {
        (Some(password), _, salt) => {
            let salt = salt.map_or_else(random_salt, Ok)?;
            let salted = mechanism.salted(password.as_bytes(), &salt, iterations);
            (salt, salted)
        }
        (None, None, _) => return Err(bad("You must supply one of 'password' or 'saltedpassword' to add-scram")),
        (None, Some(_), None) => return Err(bad("You must supply 'salt' with 'saltedpassword' to add-scram")),
        (None, Some(salted), Some(salt)) => {
            // Not told what it was: it is as good as a password.
            (salt, base64::decode(&salted).map_err(|why| bad(format!("Failed to decode given saltedPassword: {why}")))?)
        }
    };
    let stored = mechanism.hash(&mechanism.hmac(&salted, &[b"Client Key"]));
    Ok(UserScramCredentialRecord {
        name,
        mechanism: mechanism as i8,
        salt: Bytes::from(salt),
        stored_key: Bytes::from(stored),
        server_key: Bytes::from(mechanism.hmac(&salted, &[b"Server Key"])),
        iterations,
    })
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
