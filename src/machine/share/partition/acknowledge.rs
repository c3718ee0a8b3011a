//! What members say of the records they hold (H2, H4).

use super::{SharePartition, State, StateBatch, Terms, Write, freed};
use crate::machine::share::Delivery;
use crate::types::{MonoMs, Offset};

/// What a member says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckType {
    /// There is no such record in the log.
    Gap,
    /// Dealt with.
    Accept,
    /// Somebody else shall have it.
    Release,
    /// Nobody shall.
    Reject,
    /// It takes longer.
    Renew,
}

impl AckType {
    pub fn from_code(code: i8) -> Option<Self> {
        Some(match code {
            0 => AckType::Gap,
            1 => AckType::Accept,
            2 => AckType::Release,
            3 => AckType::Reject,
            4 => AckType::Renew,
            _ => return None,
        })
    }
}

/// Some records, and what became of them: one word for all, or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckBatch {
    pub first: Offset,
    pub last: Offset,
    pub types: Vec<AckType>,
}

/// Why nothing of an acknowledgement counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    #[error("The acknowledgement batches are not in order, or do not say one thing for each record.")]
    Malformed,
    #[error("The record state is invalid. The acknowledgement of delivery could not be completed.")]
    NotHeld,
    #[error("Renewing acquisition locks is not enabled for the group.")]
    MayNotRenew,
}

impl SharePartition {
    /// All of it counts, or nothing. Records below the start are done with, whatever is said of them.
    pub fn acknowledge(&mut self, now: MonoMs, member: &str, terms: &Terms, batches: &[AckBatch]) -> Result<Option<Write>, AckError> {
        check_form(batches)?;
        let mut changed = Vec::new();
        let mut renewed = Vec::new();
        for batch in batches {
            self.acknowledge_batch(member, terms, batch, &mut changed, &mut renewed)?;
        }
        for (first, last, count, mut lock) in renewed {
            lock.until = now.plus(terms.lock_ms);
            self.set(first, last, State::Held(lock), count);
        }
        Ok((!changed.is_empty()).then(|| self.settle(changed)))
    }

    fn acknowledge_batch(
        &self,
        member: &str,
        terms: &Terms,
        batch: &AckBatch,
        changed: &mut Vec<StateBatch>,
        renewed: &mut Vec<(Offset, Offset, i16, super::Lock)>,
    ) -> Result<(), AckError> {
        let mut at = batch.first.max(self.start);
        while at <= batch.last {
            let found = self.stretches.range(..=at).next_back().filter(|(_, s)| s.last >= at && s.state.held_by(member));
            let Some((_, stretch)) = found else { return Err(AckError::NotHeld) };
            let State::Held(lock) = &stretch.state else { return Err(AckError::NotHeld) };
            let (kind, last) = batch.run(at, stretch.last.min(batch.last));
            let becomes = |delivery| StateBatch { first: at, last, delivery, count: stretch.count };
            match kind {
                AckType::Accept => changed.push(becomes(Delivery::Acknowledged)),
                AckType::Gap | AckType::Reject => changed.push(becomes(Delivery::Archived)),
                AckType::Release => changed.push(freed(at, last, stretch.count, terms)),
                AckType::Renew if !terms.may_renew => return Err(AckError::MayNotRenew),
                AckType::Renew => renewed.push((at, last, stretch.count, lock.clone())),
            }
            at = last + 1;
        }
        Ok(())
    }
}

impl AckBatch {
    /// What is said of the record at `at`, and how far the same is said, up to `limit` at most.
    fn run(&self, at: Offset, limit: Offset) -> (AckType, Offset) {
        let index = |offset: Offset| usize::try_from(offset - self.first).ok();
        let kind = |offset: Offset| match self.types.as_slice() {
            [one] => *one,
            each => index(offset).and_then(|i| each.get(i).copied()).unwrap_or(AckType::Gap),
        };
        let said = kind(at);
        if self.types.len() == 1 {
            return (said, limit);
        }
        let last = (at..=limit).take_while(|offset| kind(*offset) == said).last().unwrap_or(at);
        (said, last)
    }
}

fn check_form(batches: &[AckBatch]) -> Result<(), AckError> {
    let mut after = -1;
    for batch in batches {
        let size = batch.last.checked_sub(batch.first).and_then(|d| d.checked_add(1)).and_then(|n| usize::try_from(n).ok());
        let counts = size.is_some_and(|size| batch.types.len() == 1 || batch.types.len() == size);
        if batch.first <= after || batch.first > batch.last || !counts {
            return Err(AckError::Malformed);
        }
        after = batch.last;
    }
    Ok(())
}
