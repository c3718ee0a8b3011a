//! Producer ids: handed out one by one from blocks that the controller records, so that none is ever given twice.

use parking_lot::Mutex;

use crate::machine::controller::ProducerIdBlock;

/// What is left of the current block.
#[derive(Debug, Default)]
pub struct ProducerIds(Mutex<Option<ProducerIdBlock>>);

impl ProducerIds {
    /// The next id, if one is left.
    pub fn at_hand(&self) -> Option<i64> {
        let mut block = self.0.lock();
        let left = block.as_mut().filter(|b| b.length > 0)?;
        let id = left.first;
        left.first += 1;
        left.length -= 1;
        Some(id)
    }

    /// Whether an id is left.
    pub fn has_one(&self) -> bool {
        self.0.lock().as_ref().is_some_and(|block| block.length > 0)
    }

    /// Takes the next block over.
    pub fn refill(&self, block: ProducerIdBlock) {
        *self.0.lock() = Some(block);
    }
}
