//! Keys of SCRAM users (RFC 5802), for whoever sets a password and whoever keeps what is needed to check one.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

/// How a password is hashed, numbered as in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScramMechanism {
    /// `SCRAM-SHA-256`
    Sha256 = 1,
    /// `SCRAM-SHA-512`
    Sha512 = 2,
}

impl ScramMechanism {
    /// Both of them.
    pub const ALL: [ScramMechanism; 2] = [ScramMechanism::Sha256, ScramMechanism::Sha512];

    /// As clients and servers call it.
    pub fn name(self) -> &'static str {
        match self {
            ScramMechanism::Sha256 => "SCRAM-SHA-256",
            ScramMechanism::Sha512 => "SCRAM-SHA-512",
        }
    }

    /// The mechanism of this name.
    pub fn of_name(name: &str) -> Option<ScramMechanism> {
        ScramMechanism::ALL.into_iter().find(|m| m.name() == name)
    }

    /// The mechanism of this number.
    pub fn from_id(id: i8) -> Option<ScramMechanism> {
        ScramMechanism::ALL.into_iter().find(|m| *m as i8 == id)
    }

    /// The salted password.
    pub fn salted(self, password: &[u8], salt: &[u8], iterations: i32) -> Bytes {
        match self {
            ScramMechanism::Sha256 => salted::<Hmac<Sha256>>(password, salt, iterations),
            ScramMechanism::Sha512 => salted::<Hmac<Sha512>>(password, salt, iterations),
        }
    }

    /// The stored key and the server's key of a salted password.
    pub fn keys(self, salted_password: &[u8]) -> (Bytes, Bytes) {
        match self {
            ScramMechanism::Sha256 => keys::<Hmac<Sha256>, Sha256>(salted_password),
            ScramMechanism::Sha512 => keys::<Hmac<Sha512>, Sha512>(salted_password),
        }
    }

    /// What proves to a server that the client has the password, and what proves to the client that the server knows it.
    pub fn proofs(self, salted_password: &[u8], auth_message: &[u8]) -> (Bytes, Bytes) {
        match self {
            ScramMechanism::Sha256 => proofs::<Hmac<Sha256>, Sha256>(salted_password, auth_message),
            ScramMechanism::Sha512 => proofs::<Hmac<Sha512>, Sha512>(salted_password, auth_message),
        }
    }
}

/// `Hi` of RFC 5802: PBKDF2 of one block.
fn salted<M: Mac + KeyInit + Clone>(password: &[u8], salt: &[u8], iterations: i32) -> Bytes {
    // A MAC of hashes takes keys of any length.
    let keyed = <M as KeyInit>::new_from_slice(password).expect("any length will do");
    let mac = |parts: &[&[u8]]| {
        let mut mac = keyed.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()
    };
    let mut last = mac(&[salt, &1u32.to_be_bytes()]);
    let mut sum = last.clone();
    for _ in 1..iterations {
        last = mac(&[&last]);
        sum.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
    }
    Bytes::copy_from_slice(&sum)
}

fn keys<M: Mac + KeyInit, H: Digest>(salted_password: &[u8]) -> (Bytes, Bytes) {
    let stored = H::digest(mac::<M>(salted_password, b"Client Key"));
    (Bytes::copy_from_slice(&stored), mac::<M>(salted_password, b"Server Key"))
}

fn proofs<M: Mac + KeyInit, H: Digest>(salted_password: &[u8], auth_message: &[u8]) -> (Bytes, Bytes) {
    let client_key = mac::<M>(salted_password, b"Client Key");
    let signature = mac::<M>(&H::digest(&client_key), auth_message);
    let proof = client_key.iter().zip(&signature).map(|(key, sign)| key ^ sign).collect();
    (proof, mac::<M>(&mac::<M>(salted_password, b"Server Key"), auth_message))
}

fn mac<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Bytes {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("any length will do");
    mac.update(text);
    Bytes::copy_from_slice(&mac.finalize().into_bytes())
}
