//! Share groups (KIP-932) below their membership: the records of one partition that go to many members (facts H).
//!
//! [`partition`] is the leader's side: which records are free, which are held by whom and until when, which are done with.
//! [`state`] is the share coordinator: it keeps what became of the records in `__share_group_state`, so that a restart or another leader
//! goes on where the last one stood. [`session`] remembers which partitions a member asks for.

pub mod partition;
pub mod session;
pub mod state;

use crate::types::Offset;

/// What became of a record, as it stands in the log and goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// Free for any member.
    Available,
    /// A member has dealt with it.
    Acknowledged,
    /// Nobody will get it again: rejected, given out too often, or not there at all.
    Archived,
}

impl Delivery {
    pub fn code(self) -> i8 {
        match self {
            Delivery::Available => 0,
            Delivery::Acknowledged => 2,
            Delivery::Archived => 4,
        }
    }

    /// Records that were held, or on their way out, when this was written are free again.
    pub fn from_code(code: i8) -> Self {
        match code {
            2 => Delivery::Acknowledged,
            3 | 4 => Delivery::Archived,
            _ => Delivery::Available,
        }
    }

    /// There is nothing left to do for it.
    pub fn is_final(self) -> bool {
        self != Delivery::Available
    }
}

/// Records that fared alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateBatch {
    pub first: Offset,
    pub last: Offset,
    pub delivery: Delivery,
    /// How often they were given out.
    pub count: i16,
}
