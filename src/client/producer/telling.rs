//! Records of which the machine knows no more, while those who wait for them are being told: a flush waits for that, too.

use std::collections::BTreeSet;

use super::Shared;

/// Tellings that are under way, by number.
#[derive(Debug, Default)]
pub(super) struct Tellings {
    next: u64,
    under_way: BTreeSet<u64>,
}

impl Tellings {
    /// To be called under the same lock under which the machine gives the records away.
    pub fn begin(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.under_way.insert(number);
        number
    }

    /// All that have begun by now.
    pub fn mark(&self) -> u64 {
        self.next
    }

    /// Whether those before the mark are over.
    pub fn is_over(&self, mark: u64) -> bool {
        self.under_way.first().is_none_or(|first| *first >= mark)
    }
}

/// Ends a telling when it is dropped, also by a callback that panics.
pub(super) struct Telling<'a> {
    pub shared: &'a Shared,
    pub number: u64,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.shared.state.lock().tellings.under_way.remove(&self.number);
        self.shared.progress.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_waits_for_what_has_begun_before_it() {
        let mut tellings = Tellings::default();
        let first = tellings.begin();
        let mark = tellings.mark();
        let second = tellings.begin();
        assert!(!tellings.is_over(mark));
        tellings.under_way.remove(&first);
        assert!(tellings.is_over(mark));
        assert!(!tellings.is_over(tellings.mark()));
        tellings.under_way.remove(&second);
        assert!(tellings.is_over(tellings.mark()));
    }
}
