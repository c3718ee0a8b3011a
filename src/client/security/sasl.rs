//! SASL over Kafka's own requests: SaslHandshake names the mechanism, SaslAuthenticate carries its messages.

use std::time::Duration;

use bytes::Bytes;
use kfk_wire::ErrorCode;
use kfk_wire::Request;
use kfk_wire::sasl_authenticate_request::SaslAuthenticateRequest;
use kfk_wire::sasl_handshake_request::SaslHandshakeRequest;

use super::scram::Exchange;
use super::stream::Duplex;
use crate::client::error::Cause;
use crate::client::handshake::{Spoken, exchange};
use crate::config::{Sasl, SaslMechanism};

/// Tells the broker who we are. Gives the time after which it wants to hear that again, if it does.
pub(crate) async fn authenticate(
    stream: &mut dyn Duplex,
    client_id: &str,
    spoken: &Spoken,
    sasl: &Sasl,
) -> Result<Option<Duration>, Cause> {
    let mechanism = sasl.mechanism.name();
    let request = SaslHandshakeRequest { mechanism: mechanism.into() };
    let answer = exchange(stream, client_id, &request, version::<SaslHandshakeRequest>(spoken)?).await?;
    match ErrorCode::from_code(answer.error_code) {
        ErrorCode::None => {}
        ErrorCode::UnsupportedSaslMechanism => {
            let known = answer.mechanisms.join(", ");
            return Err(Cause::Unauthenticated(format!("it does not take {mechanism}; it takes {known} (sasl.mechanism)")));
        }
        ErrorCode::IllegalSaslState => {
            return Err(Cause::Unauthenticated("its listener asks nobody who comes; security.protocol without SASL_ will do".into()));
        }
        code => return Err(Cause::Unauthenticated(code.message().to_string())),
    }
    let mut conversation = Conversation { stream, client_id, version: version::<SaslAuthenticateRequest>(spoken)?, lifetime_ms: 0 };
    match sasl.mechanism {
        SaslMechanism::Plain => {
            let message = format!("\0{}\0{}", sasl.username, sasl.password.0);
            conversation.say(message.into_bytes()).await?;
        }
        SaslMechanism::Scram(mechanism) => {
            let mut nonce = [0u8; 24];
            getrandom::fill(&mut nonce).map_err(|e| Cause::Closed(format!("the system gives no random number: {e}")))?;
            let exchange = Exchange::new(mechanism, &sasl.username, sasl.is_token, &nonce);
            let challenge = conversation.say(exchange.first()).await?;
            let answer = exchange.answer(&challenge, &sasl.password.0).map_err(Cause::Unauthenticated)?;
            let last = conversation.say(answer.message).await?;
            answer.expected.check(&last).map_err(Cause::Unauthenticated)?;
        }
    }
    let lifetime = u64::try_from(conversation.lifetime_ms).unwrap_or(0);
    Ok((lifetime > 0).then(|| Duration::from_millis(lifetime)))
}

fn version<R: Request>(spoken: &Spoken) -> Result<i16, Cause> {
    let known = spoken.versions.get(&R::KEY.code()).map(|(_, max)| (*max).min(R::MAX));
    known.ok_or_else(|| Cause::Unauthenticated("it does not know SASL; security.protocol without SASL_ will do".into()))
}

struct Conversation<'a> {
    stream: &'a mut dyn Duplex,
    client_id: &'a str,
    version: i16,
    lifetime_ms: i64,
}

impl Conversation<'_> {
    async fn say(&mut self, message: Vec<u8>) -> Result<Bytes, Cause> {
        let request = SaslAuthenticateRequest { auth_bytes: message.into() };
        let answer = exchange(self.stream, self.client_id, &request, self.version).await?;
        let code = ErrorCode::from_code(answer.error_code);
        if code != ErrorCode::None {
            let words = answer.error_message.filter(|m| !m.is_empty()).unwrap_or_else(|| code.message().to_string());
            return Err(Cause::Unauthenticated(words));
        }
        self.lifetime_ms = answer.session_lifetime_ms;
        Ok(answer.auth_bytes)
    }
}
