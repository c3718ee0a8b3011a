//! Settings that Kafka does not have. Their names begin with `kfk.`, so that they cannot meet one of Kafka's.

use super::Values;
use super::key::ConfigError;

/// Name of the setting that [`Durability`] reads.
pub const DURABILITY: &str = "kfk.durability";
/// Name of the setting that says where metrics are shown.
pub const METRICS_LISTENER: &str = "kfk.metrics.listener";
const OWN: [&str; 2] = [DURABILITY, METRICS_LISTENER];

/// What an acknowledgement of `acks=all` promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// As Kafka: the records are in the page cache of every in-sync replica. They survive the broker's end, but not the machine's
    /// unless `flush.messages` or `flush.ms` say more.
    #[default]
    PageCache,
    /// The records are on the disk. All producers that wait share the next sync. Consumers see records only then.
    GroupCommit,
}

impl Durability {
    /// From the settings given; page cache if they do not say.
    pub fn of(values: &Values) -> Result<Durability, ConfigError> {
        match values.get(DURABILITY).map(|v| v.trim()) {
            None | Some("page-cache") => Ok(Durability::PageCache),
            Some("group-commit") => Ok(Durability::GroupCommit),
            Some(other) => Err(ConfigError::new(format!(
                "Invalid value {other} for configuration {DURABILITY}: String must be one of: page-cache, group-commit"
            ))),
        }
    }
}

/// `HOST:PORT` where metrics are shown over HTTP; an empty host is all interfaces. `None`: nowhere.
pub fn metrics_listener(values: &Values) -> Result<Option<(String, u16)>, ConfigError> {
    let Some(text) = values.get(METRICS_LISTENER).map(|v| v.trim()).filter(|v| !v.is_empty()) else { return Ok(None) };
    let read = |text: &str| {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        Some((host.to_string(), port.parse().ok()?))
    };
    let wrong = || ConfigError::new(format!("Invalid value {text} for configuration {METRICS_LISTENER}: Expected HOST:PORT"));
    read(text).map(Some).ok_or_else(wrong)
}

/// Whether kfk itself knows the setting.
pub fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durability_is_the_page_cache_unless_told_otherwise() {
        let of = |v: &str| Durability::of(&Values::from([(DURABILITY.to_string(), v.to_string())]));
        assert_eq!(Durability::of(&Values::new()).unwrap(), Durability::PageCache);
        assert_eq!(of("group-commit").unwrap(), Durability::GroupCommit);
        assert!(of("fsync").unwrap_err().to_string().ends_with("must be one of: page-cache, group-commit"));
    }

    #[test]
    fn metrics_are_shown_where_it_says() {
        let of = |v: &str| metrics_listener(&Values::from([(METRICS_LISTENER.to_string(), v.to_string())]));
        assert_eq!(metrics_listener(&Values::new()).unwrap(), None);
        assert_eq!(of(":9404").unwrap(), Some((String::new(), 9404)));
        assert_eq!(of("[::1]:1").unwrap(), Some(("::1".to_string(), 1)));
        assert!(of("9404").unwrap_err().to_string().ends_with("Expected HOST:PORT"));
    }
}
