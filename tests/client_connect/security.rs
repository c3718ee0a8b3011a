//! TLS and SASL: what comes about, and what is told when nothing does. A small proxy speaks TLS in front of the fake broker.

use std::sync::Arc;

use kfk::client::Cause;
use kfk::wire::sasl_authenticate_request::SaslAuthenticateRequest;
use kfk::wire::sasl_authenticate_response::SaslAuthenticateResponse;
use kfk::wire::sasl_handshake_request::SaslHandshakeRequest;
use kfk::wire::sasl_handshake_response::SaslHandshakeResponse;
use kfk::wire::{ApiKey, ErrorCode};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

use super::fake::{Answer, Call, FakeBroker};
use super::{cause, client};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key for a name.
fn issue(ca: &Issuer, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    (CertificateParams::new(vec![name.to_string()]).unwrap().signed_by(&key, ca).unwrap(), key)
}

/// An address where TLS is spoken for `broker`. `wants`: whose certificates clients must have.
async fn tls_in_front_of(broker: &FakeBroker, ca: &Issuer, wants: Option<&Issuer>) -> String {
    let (certificate, key) = issue(ca, "localhost");
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match wants {
        None => builder.with_no_client_auth(),
        Some(issuer) => {
            let mut roots = RootCertStore::empty();
            roots.add(issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let config = builder.with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, to) = (listener.local_addr().unwrap().port(), broker.address.clone());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, to) = (acceptor.clone(), to.clone());
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                let mut plain = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut tls, &mut plain).await;
            });
        }
    });
    format!("localhost:{port}")
}

fn told(cause: Cause) -> String {
    match cause {
        Cause::Tls(why) | Cause::Unauthenticated(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tls_comes_about_with_a_trusted_certificate_of_the_right_name() {
    let (ca, stranger) = (authority(), authority());
    let broker = FakeBroker::start(|_| None).await;
    let address = tls_in_front_of(&broker, &ca, None).await;
    let pem = ca.pem();
    let trust = [("security.protocol", "SSL"), ("ssl.truststore.type", "PEM"), ("ssl.truststore.certificates", pem.as_str())];
    client(&address, &trust).refresh(&[]).await.unwrap();
    // As in a properties file, where a PEM text is one line.
    let line = pem.replace('\n', " ");
    client(&address, &[trust[0], ("ssl.truststore.certificates", &line)]).refresh(&[]).await.unwrap();

    let by_number = address.replace("localhost", "127.0.0.1");
    let why = told(cause(&client(&by_number, &trust)).await);
    assert_eq!(why, "its certificate is for other names (localhost)");
    let no_names = [trust[0], trust[2], ("ssl.endpoint.identification.algorithm", "")];
    client(&by_number, &no_names).refresh(&[]).await.unwrap();

    let other = stranger.pem();
    let why = told(cause(&client(&address, &[trust[0], ("ssl.truststore.certificates", &other)])).await);
    assert!(why.contains("nobody who is trusted"), "{why}");
    let why = told(cause(&client(&address, &[trust[0], ("ssl.truststore.certificates", &other), no_names[2]])).await);
    assert!(why.contains("nobody who is trusted"), "a stranger stays one whatever its name: {why}");
}

#[tokio::test]
async fn a_certificate_that_is_itself_trusted_needs_no_issuer() {
    // What `openssl req -x509` makes: a certificate that calls itself an authority.
    let mut params = CertificateParams::new(vec!["localhost".to_string()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let own = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let broker = FakeBroker::start(|_| None).await;
    let address = tls_with(&broker, &own).await;
    let pem = own.pem();
    let trust = [("security.protocol", "SSL"), ("ssl.truststore.certificates", pem.as_str())];
    client(&address, &trust).refresh(&[]).await.unwrap();
    let why = told(cause(&client(&address.replace("localhost", "127.0.0.1"), &trust)).await);
    assert!(why.contains("other names"), "{why}");
}

/// As `tls_in_front_of`, with this very certificate.
async fn tls_with(broker: &FakeBroker, own: &Issuer) -> String {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::try_from(own.key().serialize_der()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![own.der().clone()], key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, to) = (listener.local_addr().unwrap().port(), broker.address.clone());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
            let mut plain = TcpStream::connect(&to).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut tls, &mut plain).await });
        }
    });
    format!("localhost:{port}")
}

#[tokio::test]
async fn a_broker_that_wants_a_certificate_gets_one_or_is_told_of() {
    let ca = authority();
    let broker = FakeBroker::start(|_| None).await;
    let address = tls_in_front_of(&broker, &ca, Some(&ca)).await;
    let pem = ca.pem();
    let trust = [("security.protocol", "SSL"), ("ssl.truststore.certificates", pem.as_str())];
    let why = told(cause(&client(&address, &trust)).await);
    assert!(why.contains("wants a certificate of the client"), "{why}");
    let (certificate, key) = issue(&ca, "somebody");
    let (chain, key) = (certificate.pem(), key.serialize_pem());
    let known = [trust[0], trust[1], ("ssl.keystore.certificate.chain", chain.as_str()), ("ssl.keystore.key", key.as_str())];
    client(&address, &known).refresh(&[]).await.unwrap();
}

#[tokio::test]
async fn tls_against_a_plain_port_is_told() {
    let broker = FakeBroker::start(|_| None).await;
    let ca = authority().pem();
    let trust =
        [("security.protocol", "SSL"), ("ssl.truststore.certificates", ca.as_str()), ("socket.connection.setup.timeout.ms", "2000")];
    // A Kafka broker closes at what looks like a very large frame; other servers answer something.
    let port = super::port_that_says(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let why = told(cause(&client(&port.replace("127.0.0.1", "localhost"), &trust)).await);
    assert!(why.contains("plain connections"), "{why}");
    drop(broker);
}

/// A listener that knows `PLAIN` and one user.
fn plain_listener(call: &Call) -> Option<Answer> {
    match call.key {
        ApiKey::SaslHandshake => {
            let asked = call.read::<SaslHandshakeRequest>().mechanism;
            let code = if asked == "PLAIN" { ErrorCode::None } else { ErrorCode::UnsupportedSaslMechanism };
            Some(call.answer(&SaslHandshakeResponse { error_code: code.code(), mechanisms: vec!["PLAIN".into()] }))
        }
        ApiKey::SaslAuthenticate => {
            let good = call.read::<SaslAuthenticateRequest>().auth_bytes == b"\0ann\0secret"[..];
            let mut answer = SaslAuthenticateResponse::default();
            if !good {
                answer.error_code = ErrorCode::SaslAuthenticationFailed.code();
                answer.error_message = Some("Authentication failed: Invalid username or password".into());
            }
            Some(call.answer(&answer))
        }
        _ => None,
    }
}

fn login(mechanism: &str, password: &str) -> Vec<(&'static str, String)> {
    let module = if mechanism == "PLAIN" { "plain.PlainLoginModule" } else { "scram.ScramLoginModule" };
    let jaas = format!("org.apache.kafka.common.security.{module} required username=\"ann\" password=\"{password}\";");
    vec![("security.protocol", "SASL_PLAINTEXT".into()), ("sasl.mechanism", mechanism.into()), ("sasl.jaas.config", jaas)]
}

fn pairs<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    settings.iter().map(|(k, v)| (*k, v.as_str())).collect()
}

#[tokio::test]
async fn a_user_is_let_in_or_told_why_not() {
    let broker = FakeBroker::start(plain_listener).await;
    client(&broker.address, &pairs(&login("PLAIN", "secret"))).refresh(&[]).await.unwrap();

    let start = std::time::Instant::now();
    let why = told(cause(&client(&broker.address, &pairs(&login("PLAIN", "guess")))).await);
    assert_eq!(why, "Authentication failed: Invalid username or password");
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "no use in trying again");

    let why = told(cause(&client(&broker.address, &pairs(&login("SCRAM-SHA-256", "secret")))).await);
    assert_eq!(why, "it does not take SCRAM-SHA-256; it takes PLAIN (sasl.mechanism)");
}

#[tokio::test]
async fn a_listener_that_wants_sasl_is_recognised_by_a_plain_client() {
    let broker = FakeBroker::start(|call| (call.key != ApiKey::ApiVersions).then_some(Answer::Cut)).await;
    let error = client(&broker.address, &[("default.api.timeout.ms", "300")]).refresh(&[]).await.unwrap_err();
    assert!(error.to_string().contains("may want SASL"), "{error}");
}
