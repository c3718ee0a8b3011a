//! `listeners` and `advertised.listeners`: `NAME://HOST:PORT` entries.

use std::net::IpAddr;

use super::key::{ConfigError, split_list};

/// One endpoint of a listener. An empty host means all interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub listener: String,
    pub host: String,
    pub port: u16,
}

impl Endpoint {
    /// It stands for all interfaces, and is no address that a client could use.
    pub fn is_wildcard(&self) -> bool {
        self.host.is_empty() || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified())
    }
}

/// Reads the entries of `key`; two entries must not share a listener name.
pub fn parse_endpoints(key: &str, text: &str) -> Result<Vec<Endpoint>, ConfigError> {
    let mut out: Vec<Endpoint> = Vec::new();
    for entry in split_list(text) {
        let endpoint = parse_one(entry).ok_or_else(|| {
            ConfigError::new(format!(
                "Invalid value {entry} for configuration {key}: Expected LISTENER://HOST:PORT, such as PLAINTEXT://localhost:9092"
            ))
        })?;
        if out.iter().any(|e| e.listener == endpoint.listener) {
            let text = format!("Invalid value {text} for configuration {key}: Each listener must have a different name");
            return Err(ConfigError::new(text));
        }
        out.push(endpoint);
    }
    Ok(out)
}

fn parse_one(entry: &str) -> Option<Endpoint> {
    let (listener, address) = entry.split_once("://")?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if listener.is_empty() {
        return None;
    }
    Some(Endpoint { listener: listener.to_ascii_uppercase(), host: host.to_string(), port: port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hosts_ports_and_ipv6() {
        let all = parse_endpoints("listeners", "PLAINTEXT://:9092, other://[::1]:1").unwrap();
        assert_eq!(all[0], Endpoint { listener: "PLAINTEXT".into(), host: String::new(), port: 9092 });
        assert_eq!(all[1], Endpoint { listener: "OTHER".into(), host: "::1".into(), port: 1 });
        assert!(all[0].is_wildcard() && !all[1].is_wildcard());
        assert!(parse_endpoints("listeners", "A://0.0.0.0:1,B://[::]:1").unwrap().iter().all(Endpoint::is_wildcard));
        for bad in ["localhost:9092", "A://x", "A://x:70000", "A://x:1,A://y:2", "://x:1"] {
            assert!(parse_endpoints("listeners", bad).is_err(), "{bad}");
        }
    }
}
