//! Share sessions: which partitions a member asks for, remembered from fetch to fetch (fact H4).
//!
//! A session belongs to one member of one group. Epoch 0 opens it, each request after that counts on, -1 closes it.

use std::collections::BTreeMap;

use crate::types::TopicId;
use crate::wire::ErrorCode;

/// The epoch that opens a session, and the one that closes it.
pub const OPENS: i32 = 0;
pub const CLOSES: i32 = -1;

/// Whose session it is: group and member.
pub type SessionKey = (String, String);

/// A partition of a session.
pub type Part = (TopicId, i32);

#[derive(Clone, Debug, PartialEq)]
struct Session {
    /// Of the next request.
    epoch: i32,
    parts: Vec<Part>,
    /// The connection that opened it: it ends with that.
    connection: u64,
}

/// All sessions of a broker.
#[derive(Debug)]
pub struct ShareSessions {
    max: usize,
    sessions: BTreeMap<SessionKey, Session>,
}

impl ShareSessions {
    /// `max` is `group.share.max.share.sessions`.
    pub fn new(max: usize) -> Self {
        ShareSessions { max, sessions: BTreeMap::new() }
    }

    /// A fetch: what it means for the session, and the partitions that are meant then. One that closes means none.
    pub fn fetch(
        &mut self,
        key: &SessionKey,
        epoch: i32,
        connection: u64,
        added: &[Part],
        forgotten: &[Part],
    ) -> Result<Vec<Part>, ErrorCode> {
        if epoch == OPENS {
            if !self.sessions.contains_key(key) && self.sessions.len() >= self.max {
                return Err(ErrorCode::ShareSessionLimitReached);
            }
            self.sessions.insert(key.clone(), Session { epoch: 1, parts: Vec::new(), connection });
        } else {
            self.acknowledge(key, epoch)?;
        }
        let Some(session) = self.sessions.get_mut(key).filter(|_| epoch != CLOSES) else { return Ok(Vec::new()) };
        session.parts.retain(|part| !forgotten.contains(part));
        for part in added.iter().filter(|part| !forgotten.contains(part)) {
            if !session.parts.contains(part) {
                session.parts.push(*part);
            }
        }
        // Nobody is always the first: what comes last in one fetch comes first in the next.
        if let Some(first) = session.parts.len().checked_sub(1).map(|_| session.parts.remove(0)) {
            session.parts.push(first);
        }
        Ok(session.parts.clone())
    }

    /// A request that only acknowledges counts as well.
    pub fn acknowledge(&mut self, key: &SessionKey, epoch: i32) -> Result<(), ErrorCode> {
        let session = self.sessions.get_mut(key).ok_or(ErrorCode::ShareSessionNotFound)?;
        if epoch == CLOSES {
            return Ok(());
        }
        if epoch == OPENS || epoch != session.epoch {
            return Err(ErrorCode::InvalidShareSessionEpoch);
        }
        session.epoch = session.epoch.checked_add(1).unwrap_or(1);
        Ok(())
    }

    /// Ends a session; gives what it was about.
    pub fn close(&mut self, key: &SessionKey) -> Option<Vec<Part>> {
        self.sessions.remove(key).map(|s| s.parts)
    }

    /// A connection has opened a session that is still there.
    pub fn has(&self, connection: u64) -> bool {
        self.sessions.values().any(|s| s.connection == connection)
    }

    /// Ends the sessions of a connection that is gone.
    pub fn disconnected(&mut self, connection: u64) -> Vec<(SessionKey, Vec<Part>)> {
        let gone: Vec<SessionKey> = self.sessions.iter().filter(|(_, s)| s.connection == connection).map(|(k, _)| k.clone()).collect();
        gone.into_iter().filter_map(|key| self.sessions.remove(&key).map(|s| (key, s.parts))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Uuid;

    fn key(member: &str) -> SessionKey {
        ("g".into(), member.into())
    }

    fn part(partition: i32) -> Part {
        (Uuid([1; 16]), partition)
    }

    #[test]
    fn h4_a_session_opens_with_0_counts_on_and_closes_with_minus_1() {
        let mut sessions = ShareSessions::new(1);
        let a = key("a");
        assert_eq!(sessions.fetch(&a, 1, 7, &[], &[]), Err(ErrorCode::ShareSessionNotFound));
        assert_eq!(sessions.fetch(&a, CLOSES, 7, &[], &[]), Err(ErrorCode::ShareSessionNotFound));
        assert_eq!(sessions.fetch(&a, 0, 7, &[part(0), part(1)], &[]), Ok(vec![part(1), part(0)]));
        assert_eq!(sessions.fetch(&a, 2, 7, &[], &[]), Err(ErrorCode::InvalidShareSessionEpoch));
        assert_eq!(sessions.fetch(&a, 1, 7, &[part(2)], &[part(1)]), Ok(vec![part(2), part(0)]));
        assert_eq!(sessions.acknowledge(&a, 2), Ok(()));
        assert_eq!(sessions.acknowledge(&a, 0), Err(ErrorCode::InvalidShareSessionEpoch));
        assert_eq!(sessions.fetch(&key("b"), 0, 8, &[], &[]), Err(ErrorCode::ShareSessionLimitReached));
        assert_eq!(sessions.fetch(&a, CLOSES, 7, &[], &[]), Ok(vec![]));
        assert_eq!(sessions.close(&a), Some(vec![part(2), part(0)]));
        assert_eq!(sessions.fetch(&key("b"), 0, 8, &[], &[]), Ok(vec![]));
    }

    #[test]
    fn a_session_ends_with_its_connection() {
        let mut sessions = ShareSessions::new(9);
        sessions.fetch(&key("a"), 0, 7, &[part(0)], &[]).unwrap();
        sessions.fetch(&key("b"), 0, 8, &[part(0)], &[]).unwrap();
        assert_eq!(sessions.disconnected(7), [(key("a"), vec![part(0)])]);
        assert_eq!(sessions.acknowledge(&key("a"), 1), Err(ErrorCode::ShareSessionNotFound));
        assert_eq!(sessions.acknowledge(&key("b"), 1), Ok(()));
    }
}
