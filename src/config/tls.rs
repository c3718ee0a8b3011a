//! `ssl.*`: whom to trust, and who we are, from PEM files or texts. Java's key stores are refused with the command that converts them.

use std::sync::Arc;

use tokio_rustls::rustls;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::key::ConfigError;

type Setting<'a> = &'a dyn Fn(&'static str) -> Option<String>;

/// What a connection over TLS needs. Without a trust store the system's certificates are trusted.
pub(super) fn client(of: Setting<'_>) -> Result<Arc<rustls::ClientConfig>, ConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(of)?)
        .map_err(|e| ConfigError::new(format!("ssl.enabled.protocols: {e}")))?;
    let check_name = of("ssl.endpoint.identification.algorithm").is_none_or(|a| !a.trim().is_empty());
    let verifier = Arc::new(Verifier::new(trusted(of)?, check_name, provider)?);
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let config = match identity(of)? {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|e| ConfigError::new(format!("ssl.keystore: the key and its certificates cannot be used: {e}")))?,
    };
    Ok(Arc::new(config))
}

fn versions(of: Setting<'_>) -> Result<Vec<&'static rustls::SupportedProtocolVersion>, ConfigError> {
    let text = of("ssl.enabled.protocols").unwrap_or_default();
    let mut found: Vec<&'static rustls::SupportedProtocolVersion> = Vec::new();
    for name in text.split(',').map(str::trim).filter(|n| !n.is_empty()) {
        match name {
            "TLSv1.3" => found.push(&rustls::version::TLS13),
            "TLSv1.2" => found.push(&rustls::version::TLS12),
            // Older ones are not spoken; another one that is may stand beside them.
            _ => {}
        }
    }
    if found.is_empty() && !text.trim().is_empty() {
        return Err(ConfigError::new(format!("ssl.enabled.protocols {text}: none of them is supported; known are TLSv1.2 and TLSv1.3")));
    }
    Ok(if found.is_empty() { vec![&rustls::version::TLS13, &rustls::version::TLS12] } else { found })
}

fn trusted(of: Setting<'_>) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let given = match of("ssl.truststore.certificates") {
        Some(text) => Some((lines(&text), "ssl.truststore.certificates".to_string())),
        None => store(of, "truststore", "openssl pkcs12 -in STORE.p12 -nokeys -out STORE.pem")?,
    };
    if let Some((pem, name)) = given {
        return certificates(&pem, &name);
    }
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let why = found.errors.first().map(|e| format!(" ({e})")).unwrap_or_default();
        return Err(ConfigError::new(format!("this system has no certificates to trust{why}; name some with ssl.truststore.location")));
    }
    Ok(found.certs)
}

fn identity(of: Setting<'_>) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, ConfigError> {
    let (chain, key, name) = match (of("ssl.keystore.certificate.chain"), of("ssl.keystore.key")) {
        (Some(chain), Some(key)) => (lines(&chain), lines(&key), "ssl.keystore.key".to_string()),
        (Some(_), None) | (None, Some(_)) => {
            return Err(ConfigError::new("ssl.keystore.certificate.chain and ssl.keystore.key go together".to_string()));
        }
        (None, None) => match store(of, "keystore", "openssl pkcs12 -in STORE.p12 -nodes -out STORE.pem")? {
            Some((pem, name)) => (pem.clone(), pem, name),
            None => return Ok(None),
        },
    };
    if String::from_utf8_lossy(&key).contains("BEGIN ENCRYPTED PRIVATE KEY") {
        let command = "openssl pkcs8 -in KEY.pem -out PLAIN.pem";
        return Err(ConfigError::new(format!("{name}: keys with a password are not supported; take the password off with `{command}`")));
    }
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|e| ConfigError::new(format!("{name} has no private key in PEM: {e}")))?;
    Ok(Some((certificates(&chain, &name)?, key)))
}

/// A PEM text in a properties file often stands on one line, with blanks where lines ended.
fn lines(text: &str) -> Vec<u8> {
    let mut out = String::with_capacity(text.len() + 64);
    let mut parts = text.split("-----");
    // What is before the first mark is a comment; then mark, content, mark, and what is between two blocks.
    parts.next();
    while let (Some(begin), Some(content), Some(end)) = (parts.next(), parts.next(), parts.next()) {
        let content: Vec<&str> = content.split_whitespace().collect();
        out.push_str(&format!("-----{begin}-----\n{}\n-----{end}-----\n", content.join("\n")));
        parts.next();
    }
    out.into_bytes()
}

fn certificates(pem: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|e| ConfigError::new(format!("{name}: a certificate cannot be read: {e}")))?;
    if all.is_empty() { Err(ConfigError::new(format!("{name} has no certificate in PEM"))) } else { Ok(all) }
}

/// What `ssl.KIND.location` holds, with a name for it. `convert` makes PEM of a PKCS12 store.
fn store(of: Setting<'_>, kind: &str, convert: &str) -> Result<Option<(Vec<u8>, String)>, ConfigError> {
    let (location, declared) = match kind {
        "truststore" => (of("ssl.truststore.location"), of("ssl.truststore.type")),
        _ => (of("ssl.keystore.location"), of("ssl.keystore.type")),
    };
    let Some(path) = location.filter(|p| !p.trim().is_empty()) else { return Ok(None) };
    let bytes = std::fs::read(&path).map_err(|e| ConfigError::new(format!("ssl.{kind}.location {path}: {e}")))?;
    // JKS is what the type says if nobody said anything, so the content decides.
    if bytes.windows(11).any(|w| w == b"-----BEGIN ") {
        return Ok(Some((bytes, format!("ssl.{kind}.location {path}"))));
    }
    let declared = declared.unwrap_or_default().to_ascii_uppercase();
    let stem = std::path::Path::new(&path).with_extension("");
    let stem = stem.display();
    let to_pem = convert.replace("STORE", &stem.to_string());
    let command = if declared == "PKCS12" || path.ends_with(".p12") || path.ends_with(".pfx") {
        to_pem.replace(&format!("{stem}.p12"), &path)
    } else {
        format!("keytool -importkeystore -srckeystore {path} -destkeystore {stem}.p12 -deststoretype PKCS12 && {to_pem}")
    };
    let set = format!("ssl.{kind}.type=PEM and ssl.{kind}.location={stem}.pem");
    Err(ConfigError::new(format!("ssl.{kind}.location {path} is not PEM, and Java's stores are not read; `{command}`, then set {set}")))
}

/// As Java's: a certificate that is itself in the trust store is good, whatever else it says; any other must lead to one that is there.
/// And without `ssl.endpoint.identification.algorithm` its names do not matter.
#[derive(Debug)]
struct Verifier {
    chains: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
    check_name: bool,
}

impl Verifier {
    fn new(trusted: Vec<CertificateDer<'static>>, check_name: bool, provider: Arc<CryptoProvider>) -> Result<Verifier, ConfigError> {
        let mut roots = RootCertStore::empty();
        // A system's list may hold some that are of no use here.
        roots.add_parsable_certificates(trusted.iter().cloned());
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let chains = chains.map_err(|e| ConfigError::new(format!("none of the trusted certificates can be used: {e}")))?;
        Ok(Verifier { chains, trusted, check_name })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        if self.trusted.iter().any(|t| t.as_ref() == end_entity.as_ref()) {
            if self.check_name {
                let parsed = rustls::server::ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&parsed, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match self.chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last: everything else is in order.
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) if !self.check_name => {
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}
