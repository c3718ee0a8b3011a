//! What a share coordinator is asked, partition by partition, and what it answers.

use super::{ShareKey, ShareState};
use crate::machine::share::StateBatch;
use crate::types::Offset;
use crate::wire::ErrorCode;

#[derive(Clone, Debug, PartialEq)]
pub enum ShareRequest {
    Initialize { key: ShareKey, state_epoch: i32, start_offset: Offset },
    Read { key: ShareKey, leader_epoch: i32 },
    Write { key: ShareKey, state_epoch: i32, leader_epoch: i32, start_offset: Offset, complete: i32, batches: Vec<StateBatch> },
    Delete { key: ShareKey },
    Summary { key: ShareKey },
}

impl ShareRequest {
    pub fn key(&self) -> &ShareKey {
        match self {
            ShareRequest::Initialize { key, .. }
            | ShareRequest::Read { key, .. }
            | ShareRequest::Write { key, .. }
            | ShareRequest::Delete { key }
            | ShareRequest::Summary { key } => key,
        }
    }
}

/// What is known of a partition, without its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub state_epoch: i32,
    pub leader_epoch: i32,
    pub start_offset: Offset,
    /// -1: not known.
    pub complete: i32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    Nothing,
    State(ShareState),
    Summary(Summary),
}

/// Why a request was not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCode,
    /// If there is more to say than the code does.
    pub message: Option<String>,
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Refusal { code, message: None }
    }
}

impl Refusal {
    pub fn message(&self) -> String {
        self.message.clone().unwrap_or_else(|| self.code.message().to_string())
    }
}

pub type ShareAnswer = Result<Done, Refusal>;
