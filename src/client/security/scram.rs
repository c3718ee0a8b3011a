//! The client's side of SCRAM (RFC 5802), without channel binding, as a value: messages in, messages out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::scram::ScramMechanism;

/// Hashing a password more often than this would keep a client busy for seconds at a server's word.
const MOST_ITERATIONS: i32 = 1_000_000;
/// Fewer would make a stolen exchange easy to try passwords on.
const FEWEST_ITERATIONS: i32 = 4096;

/// An exchange that has begun.
pub(super) struct Exchange {
    mechanism: ScramMechanism,
    nonce: String,
    first_bare: String,
}

/// The client's last message, and what the server has to answer.
pub(super) struct Answer {
    pub message: Vec<u8>,
    pub expected: Expected,
}

/// The server's own proof.
pub(super) struct Expected(Vec<u8>);

impl Exchange {
    /// `nonce`: random bytes of this exchange alone.
    pub fn new(mechanism: ScramMechanism, user: &str, is_token: bool, nonce: &[u8]) -> Exchange {
        let nonce = STANDARD.encode(nonce);
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let token = if is_token { ",tokenauth=true" } else { "" };
        let first_bare = format!("n={user},r={nonce}{token}");
        Exchange { mechanism, nonce, first_bare }
    }

    pub fn first(&self) -> Vec<u8> {
        format!("n,,{}", self.first_bare).into_bytes()
    }

    /// Answers the server's challenge. Error: what it sends is none.
    pub fn answer(&self, challenge: &[u8], password: &str) -> Result<Answer, String> {
        let text = std::str::from_utf8(challenge).map_err(|_| "its SCRAM challenge is no text".to_string())?;
        let attribute =
            |name: &str| text.split(',').find_map(|part| part.strip_prefix(name)).ok_or(format!("its SCRAM challenge has no {name}"));
        let nonce = attribute("r=")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("its SCRAM challenge is not for this connection".into());
        }
        let salt = STANDARD.decode(attribute("s=")?).map_err(|_| "the salt of its SCRAM challenge is not base64".to_string())?;
        let iterations = attribute("i=")?.parse().ok().filter(|n| (FEWEST_ITERATIONS..=MOST_ITERATIONS).contains(n));
        let iterations: i32 =
            iterations.ok_or(format!("the iterations of its SCRAM challenge are not between {FEWEST_ITERATIONS} and {MOST_ITERATIONS}"))?;
        let salted = self.mechanism.salted(password.as_bytes(), &salt, iterations);
        let without_proof = format!("c=biws,r={nonce}");
        let auth_message = format!("{},{text},{without_proof}", self.first_bare);
        let (proof, signature) = self.mechanism.proofs(&salted, auth_message.as_bytes());
        let message = format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes();
        Ok(Answer { message, expected: Expected(signature.to_vec()) })
    }
}

impl Expected {
    /// Whether the server knows the password, too.
    pub fn check(&self, last: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(last);
        if let Some(why) = text.strip_prefix("e=") {
            return Err(format!("it refuses: {why}"));
        }
        let signature = text.split(',').find_map(|part| part.strip_prefix("v=")).and_then(|v| STANDARD.decode(v).ok());
        if signature.as_deref() == Some(&self.0) { Ok(()) } else { Err("it does not prove that it knows the user's password".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3.
    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const CHALLENGE: &[u8] = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn rfc() -> Exchange {
        let nonce = STANDARD.decode(NONCE).unwrap();
        Exchange::new(ScramMechanism::Sha256, "user", false, &nonce)
    }

    #[test]
    fn the_exchange_of_rfc_7677() {
        let exchange = rfc();
        assert_eq!(exchange.first(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let answer = exchange.answer(CHALLENGE, "pencil").unwrap();
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(String::from_utf8_lossy(&answer.message), expected);
        answer.expected.check(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
        assert!(answer.expected.check(b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").is_err());
        assert!(answer.expected.check(b"e=invalid-proof").unwrap_err().contains("invalid-proof"));
    }

    #[test]
    fn challenges_that_are_none_are_refused() {
        let refused = |challenge: &str| rfc().answer(challenge.as_bytes(), "pencil").is_err();
        assert!(refused("r=other,s=QQ==,i=4096"));
        assert!(refused("r=rOprNGfwEbeRWgbNEkqO,s=QQ==,i=4096"), "nothing of the server's own in the nonce");
        for end in ["s=QQ==,i=4095", "s=QQ==,i=2000000000", "s=?,i=4096", "i=4096", "s=QQ=="] {
            assert!(refused(&format!("r=rOprNGfwEbeRWgbNEkqOx,{end}")), "{end}");
        }
        assert!(rfc().answer(&[0xff], "pencil").is_err());
    }

    #[test]
    fn names_are_escaped_and_tokens_say_so() {
        let exchange = Exchange::new(ScramMechanism::Sha512, "a=b,c", true, &[0; 3]);
        assert_eq!(exchange.first(), b"n,,n=a=3Db=2Cc,r=AAAA,tokenauth=true");
    }
}
