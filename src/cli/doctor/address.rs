//! One address: does the name resolve, does somebody listen, and what is spoken there?

use std::net::SocketAddr;
use std::time::Duration;

use super::{Check, PATIENCE, Status};
use crate::cli::failure::hint;
use crate::client::probe::{self, Greeting};
use crate::client::{Cause, Speaks};
use crate::config::Security;
use crate::wire::ApiKey;

/// What was found at an address.
#[derive(Clone, Debug)]
pub struct Seen {
    pub address: String,
    pub checks: Vec<Check>,
    /// Those that accept connections.
    pub open: Vec<SocketAddr>,
    pub greeting: Option<Greeting>,
}

impl Seen {
    /// A broker that kfk's client can talk to.
    pub fn is_usable(&self) -> bool {
        self.greeting.is_some() && self.checks.iter().all(|c| c.status != Status::Fail)
    }

    fn add(&mut self, status: Status, check: &'static str, what: impl Into<String>) -> &mut Check {
        let at = self.checks.len();
        self.checks.push(Check::new(status, check, self.address.clone(), what));
        &mut self.checks[at]
    }

    fn fail(&mut self, check: &'static str, what: impl Into<String>, hint: impl Into<String>) {
        self.add(Status::Fail, check, what).hint = Some(hint.into());
    }
}

/// Looks at several addresses at once.
pub async fn look_at_all(addresses: &[String], security: &Security) -> Vec<Seen> {
    let looks = addresses.iter().map(|address| {
        let (address, security) = (address.clone(), security.clone());
        tokio::spawn(async move { look(&address, &security).await })
    });
    let mut all = Vec::new();
    for look in looks.collect::<Vec<_>>() {
        all.extend(look.await.ok());
    }
    all
}

/// Looks at one address.
pub async fn look(address: &str, security: &Security) -> Seen {
    let mut seen = Seen { address: address.to_owned(), checks: Vec::new(), open: Vec::new(), greeting: None };
    let resolved = match probe::addresses(address, PATIENCE).await {
        Ok(found) if !found.is_empty() => found,
        Ok(_) => {
            seen.fail("resolve", "the name has no address", "check the name");
            return seen;
        }
        Err(cause) => {
            let name = address.rsplit_once(':').map_or(address, |(name, _)| name);
            seen.fail("resolve", cause.to_string(), format!("check the name; `getent hosts {name}` shows what this machine makes of it"));
            return seen;
        }
    };
    // Of an address there is nothing to resolve.
    if address.parse::<SocketAddr>().is_err() {
        seen.add(Status::Ok, "resolve", join(resolved.iter().map(|ip| ip.ip())));
    }
    connect(&mut seen, &resolved).await;
    if !seen.open.is_empty() {
        speak(&mut seen, security).await;
    }
    seen
}

fn join(items: impl Iterator<Item = impl ToString>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

async fn connect(seen: &mut Seen, resolved: &[SocketAddr]) {
    let attempts = resolved.iter().map(|ip| (*ip, tokio::spawn(probe::connect(*ip, PATIENCE))));
    let mut closed: Vec<(SocketAddr, Cause)> = Vec::new();
    let mut fastest: Option<Duration> = None;
    for (ip, attempt) in attempts.collect::<Vec<_>>() {
        match attempt.await {
            Ok(Ok(took)) => {
                seen.open.push(ip);
                fastest = Some(fastest.map_or(took, |known| known.min(took)));
            }
            Ok(Err(cause)) => closed.push((ip, cause)),
            Err(e) => closed.push((ip, Cause::Closed(e.to_string()))),
        }
    }
    let told = closed.iter().map(|(ip, cause)| format!("{ip}: {cause}")).collect::<Vec<_>>().join("; ");
    match (fastest, closed.first()) {
        (Some(took), None) => seen.add(Status::Ok, "connect", "connected").took = Some(took),
        (Some(_), Some(_)) => {
            let open = join(seen.open.iter());
            let check = seen.add(Status::Warn, "connect", format!("{open} accepts connections, but {told}"));
            check.hint =
                Some(format!("clients that try only the first address fail: name {open} instead, or let the broker listen on all"));
        }
        (None, Some((_, cause))) => {
            let hint = hint(&seen.address, cause);
            seen.fail("connect", told, hint);
        }
        (None, None) => {}
    }
}

async fn speak(seen: &mut Seen, security: &Security) {
    let address = seen.address.clone();
    let cause = match probe::greet(&address, security, PATIENCE).await {
        Ok(greeting) => return greeted(seen, security, greeting).await,
        Err(cause) => cause,
    };
    match explained(&address, security, &cause).await {
        Some((what, hint)) => seen.fail("speak", what, hint),
        None => {
            let check = match cause {
                Cause::Tls(_) => "tls",
                Cause::Unauthenticated(_) => "sasl",
                _ => "speak",
            };
            let hint = hint(&address, &cause);
            seen.fail(check, cause.to_string(), hint);
        }
    }
}

/// What says more than `cause` of an address that could not be talked to: what it speaks instead, and what to do.
async fn explained(address: &str, security: &Security, cause: &Cause) -> Option<(String, String)> {
    let speaks = match cause {
        Cause::NotKafka(known @ (Speaks::Tls | Speaks::Http)) => Some(*known),
        Cause::Unauthenticated(_) => None,
        _ => probe::stranger(address, PATIENCE).await,
    };
    let own = protocol(security);
    match speaks {
        Some(Speaks::Http) => {
            let hint = "that is the port of a web page, a REST proxy or metrics; a broker's is that of its `listeners`, often 9092";
            Some(("HTTP, not Kafka's protocol".into(), hint.into()))
        }
        Some(Speaks::Tls) if security.tls.is_none() => {
            let wanted = own.replace("PLAINTEXT", "SSL");
            let hint = format!("put security.protocol={wanted} into a file for --command-config, or take a listener without TLS");
            Some((format!("TLS, and the client has security.protocol={own}"), hint))
        }
        Some(_) => None,
        // Nobody who speaks TLS: perhaps a broker without it.
        None if security.tls.is_some() => {
            probe::greet(address, &Security::default(), PATIENCE).await.ok()?;
            let plain = own.replace("SASL_SSL", "SASL_PLAINTEXT").replace("SSL", "PLAINTEXT");
            let hint = format!("set security.protocol={plain}, or take the broker's TLS listener");
            Some((format!("Kafka's protocol without TLS, and the client has security.protocol={own}"), hint))
        }
        None => None,
    }
}

/// The client's `security.protocol`.
fn protocol(security: &Security) -> &'static str {
    match (security.tls.is_some(), security.sasl.is_some()) {
        (false, false) => "PLAINTEXT",
        (true, false) => "SSL",
        (false, true) => "SASL_PLAINTEXT",
        (true, true) => "SASL_SSL",
    }
}

/// Somebody answered in Kafka's protocol.
async fn greeted(seen: &mut Seen, security: &Security, greeting: Greeting) {
    let speaks = |api: ApiKey| greeting.versions.contains_key(&api.code());
    if !speaks(ApiKey::Metadata) && speaks(ApiKey::Vote) {
        let hint = "take a broker's listener; some tools ask controllers too, with --bootstrap-controller";
        seen.fail("speak", "Kafka's protocol, but it is a controller and no broker", hint);
        seen.greeting = Some(greeting);
        return;
    }
    let tls = if security.tls.is_some() { "over TLS" } else { "without TLS" };
    let user = security.sasl.as_ref().map(|sasl| format!(", authenticated by {}", sasl.mechanism.name())).unwrap_or_default();
    seen.add(Status::Ok, "speak", format!("Kafka's protocol {tls}{user}")).took = Some(greeting.took);
    if security.sasl.is_none()
        && let Some(cause) = probe::wants_sasl(&seen.address, security, PATIENCE).await
    {
        let hint = "put it, sasl.mechanism and sasl.jaas.config into a file for --command-config, or take a listener without SASL";
        seen.fail("sasl", cause.to_string(), hint);
    }
    seen.greeting = Some(greeting);
}
