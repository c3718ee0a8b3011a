//! N11: how many connections there may be, how many there are, and how fast they may come.

use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::config::DynamicConfig;

/// Counts the connections of all listeners.
#[derive(Default)]
pub struct Limits(Mutex<State>);

#[derive(Default)]
struct State {
    allowed: Allowed,
    open: HashMap<IpAddr, usize>,
    total: usize,
    /// When the connections that came so far would all have come at the allowed rate.
    earned: Option<Instant>,
}

struct Allowed {
    total: usize,
    per_ip: usize,
    /// For addresses that have a number of their own.
    overrides: HashMap<IpAddr, usize>,
    /// Connections a second; `None`: as they come.
    rate: Option<u32>,
}

impl Default for Allowed {
    fn default() -> Self {
        Allowed { total: usize::MAX, per_ip: usize::MAX, overrides: HashMap::new(), rate: None }
    }
}

impl Limits {
    /// Holds for the next connections; those that are open stay. Host names are looked up: that may block.
    pub fn configure(&self, config: &DynamicConfig) {
        let limit = |n: i32| usize::try_from(n).unwrap_or(usize::MAX);
        let mut overrides = HashMap::new();
        for (host, count) in &config.max_connections_per_ip_overrides {
            match (host.as_str(), 0).to_socket_addrs() {
                Ok(found) => overrides.extend(found.map(|a| (a.ip(), limit(*count)))),
                Err(e) => tracing::warn!("max.connections.per.ip.overrides: {host}: {e}"),
            }
        }
        self.0.lock().allowed = Allowed {
            total: limit(config.max_connections),
            per_ip: limit(config.max_connections_per_ip),
            overrides,
            rate: u32::try_from(config.max_connection_creation_rate).ok().filter(|n| (1..i32::MAX.unsigned_abs()).contains(n)),
        };
    }

    /// Counts a connection in, or refuses it.
    pub fn enter(&self, ip: IpAddr) -> bool {
        let state = &mut *self.0.lock();
        let here = state.open.get(&ip).copied().unwrap_or(0);
        let per_ip = state.allowed.overrides.get(&ip).copied().unwrap_or(state.allowed.per_ip);
        let fits = here < per_ip && state.total < state.allowed.total;
        if fits {
            state.open.insert(ip, here + 1);
            state.total += 1;
        }
        fits
    }

    /// How many there are.
    pub fn open(&self) -> usize {
        self.0.lock().total
    }

    pub fn leave(&self, ip: IpAddr) {
        let state = &mut *self.0.lock();
        if let Some(n) = state.open.get_mut(&ip) {
            *n -= 1;
            state.total -= 1;
            if *n == 0 {
                state.open.remove(&ip);
            }
        }
    }

    /// A connection has come: how long to wait before the next is accepted. A second's worth may come at once.
    pub fn pause(&self, now: Instant) -> Duration {
        let state = &mut *self.0.lock();
        let Some(rate) = state.allowed.rate else { return Duration::ZERO };
        let earned = state.earned.map_or(now, |at| at.max(now)) + Duration::from_secs(1) / rate;
        state.earned = Some(earned);
        earned.saturating_duration_since(now + Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, Values};

    fn limits(values: &[(&str, &str)]) -> Limits {
        let (file, none) = (values.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(), Values::new());
        let limits = Limits::default();
        limits.configure(&DynamicConfig::effective(Layers { per_broker: &none, cluster: &none, file: &file }));
        limits
    }

    fn ip(last: u8) -> IpAddr {
        [127, 0, 0, last].into()
    }

    #[test]
    fn n11_connections_are_limited_in_all_by_address_and_by_exception() {
        let all = limits(&[("max.connections", "3"), ("max.connections.per.ip", "1"), ("max.connections.per.ip.overrides", "127.0.0.2:5")]);
        assert!(all.enter(ip(1)));
        assert!(!all.enter(ip(1)));
        assert!(all.enter(ip(2)) && all.enter(ip(2)));
        assert!(!all.enter(ip(2)) && !all.enter(ip(3)), "three are open");
        all.leave(ip(2));
        assert!(all.enter(ip(3)));
    }

    #[test]
    fn n11_connections_beyond_the_rate_are_delayed() {
        let (slow, now) = (limits(&[("max.connection.creation.rate", "10")]), Instant::now());
        let pauses: Vec<u128> = (0..12).map(|_| slow.pause(now).as_millis()).collect();
        assert_eq!(pauses, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 200]);
        assert_eq!(slow.pause(now + Duration::from_secs(5)), Duration::ZERO);
        assert_eq!(limits(&[]).pause(now), Duration::ZERO);
    }
}
