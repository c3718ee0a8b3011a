//! How many requests of each kind came, and how long they took from the whole request to the whole reply: Kafka's RequestMetrics.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::broker::reply::Outcome;
use crate::wire::ApiKey;

/// Percentiles are of the requests of the last window and the one before.
const WINDOW: Duration = Duration::from_secs(60);
/// Buckets of a histogram: four for each doubling of microseconds, up to 2^40 (12 days).
const BUCKETS: usize = 160;

/// Keys of requests lie below this.
const KEYS: usize = 128;

/// All kinds of requests of one broker, by their keys. Looked up without a lock, as every request is.
pub struct Requests([OnceLock<Arc<Kind>>; KEYS]);

impl Default for Requests {
    fn default() -> Self {
        Requests([const { OnceLock::new() }; KEYS])
    }
}

/// One kind of request.
pub struct Kind {
    pub key: ApiKey,
    state: Mutex<State>,
}

struct State {
    /// By version.
    count: BTreeMap<i16, u64>,
    since: Instant,
    now: [u32; BUCKETS],
    before: [u32; BUCKETS],
}

/// A request that is being handled.
pub struct Timed {
    kind: Arc<Kind>,
    version: i16,
    began: Instant,
}

impl Requests {
    /// A request has arrived.
    pub fn begin(&self, key: ApiKey, version: i16) -> Timed {
        let began = Instant::now();
        let fresh = || {
            let state = State { count: BTreeMap::new(), since: began, now: [0; BUCKETS], before: [0; BUCKETS] };
            Arc::new(Kind { key, state: Mutex::new(state) })
        };
        let slot = usize::try_from(key.code()).ok().and_then(|at| self.0.get(at));
        // A key beyond all slots is counted by nobody; a test holds that there is none.
        let kind = slot.map_or_else(fresh, |slot| slot.get_or_init(fresh).clone());
        Timed { kind, version, began }
    }

    /// Those that came so far, by their keys.
    pub fn kinds(&self) -> Vec<Arc<Kind>> {
        self.0.iter().filter_map(|slot| slot.get().cloned()).collect()
    }
}

impl Timed {
    /// Counts the request when its outcome is there.
    pub fn watch(self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Waiting(reply) => Outcome::Waiting(Box::pin(async move {
                let reply = reply.await;
                self.end();
                reply
            })),
            Outcome::Blocking(work) => Outcome::Blocking(Box::new(move || self.watch(work()))),
            outcome => {
                self.end();
                outcome
            }
        }
    }

    fn end(self) {
        let now = Instant::now();
        let mut state = self.kind.state.lock();
        state.turn(now);
        *state.count.entry(self.version).or_default() += 1;
        state.now[bucket(now - self.began)] += 1;
    }
}

impl Kind {
    /// Requests of each version.
    pub fn counts(&self) -> Vec<(i16, u64)> {
        self.state.lock().count.iter().map(|(version, count)| (*version, *count)).collect()
    }

    /// Milliseconds that the given parts of the requests lately took at most; `None` where there were none.
    pub fn percentiles<const N: usize>(&self, parts: [f64; N]) -> Option<[f64; N]> {
        let mut state = self.state.lock();
        state.turn(Instant::now());
        let all: Vec<u64> = state.now.iter().zip(&state.before).map(|(a, b)| u64::from(*a) + u64::from(*b)).collect();
        let total: u64 = all.iter().sum();
        let below = |part: f64| {
            let wanted = (part * total as f64).ceil() as u64;
            let mut seen = 0;
            let at = all.iter().position(|n| {
                seen += n;
                seen >= wanted
            });
            upper_ms(at.unwrap_or(BUCKETS - 1))
        };
        (total > 0).then(|| parts.map(below))
    }
}

impl State {
    /// Begins a new window if this one is over.
    fn turn(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        if passed < WINDOW {
            return;
        }
        let last = std::mem::replace(&mut self.now, [0; BUCKETS]);
        self.before = if passed < 2 * WINDOW { last } else { [0; BUCKETS] };
        self.since = now;
    }
}

/// The bucket of a duration: `4 * log2(microseconds)`, rounded down.
fn bucket(took: Duration) -> usize {
    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let Some(log) = us.checked_ilog2() else { return 0 };
    // Two bits below the highest one.
    let quarter = if log >= 2 { (us >> (log - 2)) & 3 } else { (us << (2 - log)) & 3 };
    (log as usize * 4 + quarter as usize).min(BUCKETS - 1)
}

/// Where the bucket ends, in milliseconds.
fn upper_ms(bucket: usize) -> f64 {
    let (log, quarter) = (bucket / 4, bucket % 4);
    2f64.powi(i32::try_from(log).unwrap_or(0)) * (1.0 + (quarter + 1) as f64 / 4.0) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_lies_within_a_quarter_below_its_buckets_end() {
        for us in [1, 2, 3, 5, 7, 8, 100, 999, 1_000_000, 86_400_000_000] {
            let (took, end) = (us as f64 / 1000.0, upper_ms(bucket(Duration::from_micros(us))));
            assert!(took < end && end <= took * 1.25 + 1e-9, "{us} us: {end}");
        }
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn requests_are_counted_by_version_when_their_outcome_is_there() {
        let requests = Requests::default();
        let (first, second) = (requests.begin(ApiKey::Fetch, 4), requests.begin(ApiKey::Fetch, 5));
        let kind = requests.kinds().pop().unwrap();
        assert_eq!((kind.counts(), kind.percentiles([0.5])), (vec![], None));
        assert!(matches!(first.watch(Outcome::Silent), Outcome::Silent));
        let Outcome::Blocking(work) = second.watch(Outcome::Blocking(Box::new(|| Outcome::Silent))) else { panic!("not blocking") };
        assert_eq!(kind.counts(), [(4, 1)]);
        work();
        assert_eq!(kind.counts(), [(4, 1), (5, 1)]);
        assert!(kind.percentiles([0.5, 1.0]).is_some_and(|[half, all]| half <= all && all < 60_000.0));
    }

    #[test]
    fn every_request_that_is_served_has_its_slot() {
        assert!(crate::broker::dispatch::APIS.iter().all(|api| (0..KEYS as i16).contains(&api.key.code())));
    }

    #[test]
    fn windows_pass() {
        let now = Instant::now();
        let mut state = State { count: BTreeMap::new(), since: now, now: [1; BUCKETS], before: [0; BUCKETS] };
        state.turn(now + WINDOW);
        assert_eq!((state.now[0], state.before[0]), (0, 1));
        state.now[0] = 7;
        state.turn(now + 3 * WINDOW);
        assert_eq!((state.now[0], state.before[0]), (0, 0));
    }
}
