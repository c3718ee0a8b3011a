//! The broker's fetch sessions behind their lock.

use parking_lot::Mutex;

use crate::machine::fetch_session::{Ask, Decision, FetchSessions, Found, Wanted};
use crate::rng::Rng;
use crate::types::Now;

pub struct Sessions(Mutex<(FetchSessions, Rng)>);

impl Sessions {
    pub fn new(slots: i32, rng: Rng) -> Self {
        Sessions(Mutex::new((FetchSessions::new(usize::try_from(slots).unwrap_or(0)), rng)))
    }

    pub fn decide(&self, now: Now, ask: Ask) -> Decision {
        let (sessions, rng) = &mut *self.0.lock();
        sessions.decide(now.mono, rng, ask)
    }

    /// Which results the reply must carry.
    pub fn shape(&self, id: i32, incremental: bool, results: &[(&Wanted, Found)]) -> Vec<bool> {
        if id == 0 {
            return vec![true; results.len()];
        }
        self.0.lock().0.shape(id, incremental, results)
    }
}
