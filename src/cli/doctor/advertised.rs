//! Where brokers send their clients: every advertised address must resolve and answer, from here, and be that broker's.

use std::net::{IpAddr, SocketAddr};

use super::address::{Seen, look};
use super::{Check, Status};
use crate::cli::connect::{Properties, set};
use crate::client::probe::Greeting;
use crate::client::{BrokerNode, Client, ClientConfig};
use crate::config::Security;

const CHECK: &str = "advertised";
const REMEDY: &str = "set advertised.listeners of the broker to an address that clients can reach";

/// Looks at the address of each broker. Gives the checks, and what the brokers say of themselves.
pub async fn examine(
    brokers: &[BrokerNode],
    asked: &[&Seen],
    cluster: Option<&str>,
    properties: &Properties,
    security: &Security,
) -> (Vec<Check>, Vec<(i32, Greeting)>) {
    let mut checks = Vec::new();
    let mut greetings = Vec::new();
    for (at, broker) in brokers.iter().enumerate() {
        let address = broker.address();
        let subject = format!("broker {} at {address}", broker.id);
        let add = |status, what: String| Check::new(status, CHECK, subject.clone(), what);
        if let Some(other) = brokers[..at].iter().find(|other| other.address() == address) {
            checks.push(add(Status::Fail, format!("broker {} advertises the same address", other.id)).hint(REMEDY));
            continue;
        }
        if broker.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified()) || broker.host.is_empty() || broker.port == 0 {
            checks.push(add(Status::Fail, "that is no address to connect to".into()).hint(REMEDY));
            continue;
        }
        if let Some(known) = asked.iter().find(|seen| seen.address == address) {
            checks.push(add(Status::Ok, "as it was asked for".into()));
            greetings.extend(known.greeting.clone().map(|greeting| (broker.id, greeting)));
            continue;
        }
        let seen = look(&address, security).await;
        match elsewhere(&seen, asked, cluster, properties).await {
            Some((status, what)) => checks.push(add(status, what).hint(REMEDY)),
            None => {
                let from = asked.iter().map(|s| s.address.as_str()).collect::<Vec<_>>().join(",");
                let what = format!("{from} was asked for, clients go on to this, which answers");
                checks.push(add(Status::Ok, what).took(seen.greeting.as_ref().map(|g| g.took)));
            }
        }
        greetings.extend(seen.greeting.clone().map(|greeting| (broker.id, greeting)));
    }
    (checks, greetings)
}

/// What is wrong with an address that a broker sends its clients to; `None` if it is good.
async fn elsewhere(seen: &Seen, asked: &[&Seen], cluster: Option<&str>, properties: &Properties) -> Option<(Status, String)> {
    if let Some(bad) = seen.checks.iter().find(|c| c.status == Status::Fail) {
        let what = match bad.check {
            "resolve" => format!("this machine cannot resolve the name ({})", bad.what),
            "connect" => format!("nobody can be reached there ({})", bad.what),
            _ => bad.what.clone(),
        };
        return Some((Status::Fail, format!("clients are sent there, and {what}")));
    }
    let other = cluster_at(&seen.address, properties).await;
    if let (Some(ours), Some(theirs)) = (cluster, &other)
        && ours != theirs
    {
        return Some((Status::Fail, format!("clients are sent there, and another cluster answers ({theirs}, not {ours})")));
    }
    let is_local = |addresses: &[SocketAddr]| !addresses.is_empty() && addresses.iter().all(|a| a.ip().is_loopback());
    let reached = asked.iter().find(|s| !is_local(&s.open))?;
    if is_local(&seen.open) {
        let what =
            format!("it was reached at {}, but sends clients to their own machine; from elsewhere that will not work", reached.address);
        return Some((Status::Warn, what));
    }
    if let Some(warning) = seen.checks.iter().find(|c| c.status == Status::Warn) {
        return Some((Status::Warn, warning.what.clone()));
    }
    None
}

/// The id of the cluster that answers at `address`.
pub async fn cluster_at(address: &str, properties: &Properties) -> Option<String> {
    client(address, properties)?.refresh(&[]).await.ok()?.cluster_id.clone()
}

/// A client of one address.
pub fn client(address: &str, properties: &Properties) -> Option<Client> {
    let mut properties = properties.clone();
    set(&mut properties, "bootstrap.servers", address);
    ClientConfig::parse(&properties.into_iter().collect()).ok().map(Client::new)
}
