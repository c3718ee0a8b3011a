//! How a client reaches a cluster that encrypts, or asks who comes: `security.protocol` and the settings that belong to it.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls;

use super::jaas;
use super::key::ConfigError;
use super::tls;
use crate::scram::ScramMechanism;

/// What a connection must pass before the first request.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// `SSL` and `SASL_SSL`.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// `SASL_PLAINTEXT` and `SASL_SSL`.
    pub sasl: Option<Sasl>,
}

/// Who we are, and how that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sasl {
    /// `sasl.mechanism`
    pub mechanism: SaslMechanism,
    /// The user's name, or the id of a delegation token.
    pub username: String,
    /// The password, or the token's HMAC.
    pub password: Secret,
    /// The two are a delegation token's (`tokenauth=true`).
    pub is_token: bool,
}

/// How a password is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// It is sent as it is.
    Plain,
    /// It is never sent.
    Scram(ScramMechanism),
}

impl SaslMechanism {
    /// As brokers call it.
    pub fn name(self) -> &'static str {
        match self {
            SaslMechanism::Plain => "PLAIN",
            SaslMechanism::Scram(mechanism) => mechanism.name(),
        }
    }

    fn of_name(name: &str) -> Option<SaslMechanism> {
        if name == "PLAIN" { Some(SaslMechanism::Plain) } else { ScramMechanism::of_name(name).map(SaslMechanism::Scram) }
    }
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Security {
    /// From the settings of a client; `of` gives one by its name. Reads the files of certificates that they name.
    pub(super) fn parse(of: impl Fn(&'static str) -> Option<String>) -> Result<Security, ConfigError> {
        let protocol = of("security.protocol").unwrap_or_default().to_ascii_uppercase();
        let tls = if protocol.ends_with("SSL") { Some(tls::client(&of)?) } else { None };
        let sasl = if protocol.starts_with("SASL") { Some(sasl(&of)?) } else { None };
        Ok(Security { tls, sasl })
    }
}

fn sasl(of: &impl Fn(&'static str) -> Option<String>) -> Result<Sasl, ConfigError> {
    let name = of("sasl.mechanism").unwrap_or_default();
    let mechanism = SaslMechanism::of_name(&name).ok_or_else(|| {
        ConfigError::new(format!("sasl.mechanism {name} is not supported; known are PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512"))
    })?;
    let text = of("sasl.jaas.config")
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| ConfigError::new("sasl.jaas.config is missing: the login module with the user's name and password".to_string()))?;
    let login = jaas::parse(&text)?;
    let expected = match mechanism {
        SaslMechanism::Plain => "PlainLoginModule",
        SaslMechanism::Scram(_) => "ScramLoginModule",
    };
    if login.module.rsplit('.').next() != Some(expected) {
        return Err(ConfigError::new(format!("sasl.jaas.config names {}, but sasl.mechanism {name} goes with {expected}", login.module)));
    }
    let option = |name: &str| login.options.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let missing = |what: &str| ConfigError::new(format!("sasl.jaas.config has no {what}"));
    Ok(Sasl {
        mechanism,
        username: option("username").ok_or_else(|| missing("username"))?,
        password: Secret(option("password").ok_or_else(|| missing("password"))?),
        is_token: option("tokenauth").is_some_and(|v| v.eq_ignore_ascii_case("true")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(settings: &[(&str, &str)]) -> Result<Security, ConfigError> {
        Security::parse(|name| settings.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string()))
    }

    const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"ann\" password=\"o\\\"pen\";";

    #[test]
    fn a_user_and_a_mechanism_are_read_and_the_password_is_never_printed() {
        let got =
            parse(&[("security.protocol", "sasl_plaintext"), ("sasl.mechanism", "SCRAM-SHA-512"), ("sasl.jaas.config", SCRAM)]).unwrap();
        let sasl = got.sasl.clone().unwrap();
        assert_eq!((sasl.username.as_str(), sasl.password.0.as_str(), sasl.mechanism.name()), ("ann", "o\"pen", "SCRAM-SHA-512"));
        assert!(got.tls.is_none() && !sasl.is_token);
        assert!(!format!("{got:?}").contains("pen"), "{got:?}");
    }

    #[test]
    fn what_cannot_be_done_is_named() {
        let told = |settings: &[(&str, &str)]| parse(settings).unwrap_err().to_string();
        let protocol = ("security.protocol", "SASL_PLAINTEXT");
        assert!(told(&[protocol, ("sasl.mechanism", "GSSAPI")]).contains("GSSAPI is not supported"));
        assert!(told(&[protocol, ("sasl.mechanism", "PLAIN")]).contains("sasl.jaas.config is missing"));
        let wrong = told(&[protocol, ("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", SCRAM)]);
        assert!(wrong.contains("goes with PlainLoginModule") && !wrong.contains("pen"), "{wrong}");
        assert!(parse(&[("security.protocol", "PLAINTEXT")]).unwrap().sasl.is_none());
    }
}
