//! Memory for request bodies, taken before a body is read and given back when its request is
//! answered, so that many large bodies at once cannot use up the memory of the process.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted by: the semaphore's counts are too small for bytes.
const UNIT_BYTES: usize = 1024;

/// Memory for all bodies together.
#[derive(Clone, Debug)]
pub struct BodyMemory {
    units: Arc<Semaphore>,
}

/// A body's part of the memory, given back when dropped.
#[derive(Debug)]
pub struct BodyShare(OwnedSemaphorePermit);

impl BodyMemory {
    /// Room for bodies of `bytes` in all.
    pub fn new(bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self {
            units: Arc::new(Semaphore::new(units)),
        }
    }

    /// Room for a body of `bytes`; `None` when there is not so much left now.
    pub fn take(&self, bytes: usize) -> Option<BodyShare> {
        let units = Arc::clone(&self.units);
        units
            .try_acquire_many_owned(units_for(bytes)?)
            .ok()
            .map(BodyShare)
    }
}

impl BodyShare {
    /// Gives back what is more than `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        let surplus =
            units_for(bytes).and_then(|kept| self.0.num_permits().checked_sub(kept as usize));
        drop(surplus.and_then(|surplus| self.0.split(surplus)));
    }
}

fn units_for(bytes: usize) -> Option<u32> {
    bytes.div_ceil(UNIT_BYTES).max(1).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_taken_and_given_back() {
        let memory = BodyMemory::new(10 * UNIT_BYTES);
        let first = memory.take(6 * UNIT_BYTES).unwrap();
        assert!(memory.take(5 * UNIT_BYTES).is_none());
        let second = memory.take(4 * UNIT_BYTES).unwrap();
        assert!(memory.take(0).is_none(), "every body takes something");
        drop((first, second));
        assert!(memory.take(10 * UNIT_BYTES).is_some());
    }

    #[test]
    fn what_a_body_did_not_need_is_given_back_at_once() {
        let memory = BodyMemory::new(10 * UNIT_BYTES);
        let mut share = memory.take(10 * UNIT_BYTES).unwrap();
        share.shrink(3 * UNIT_BYTES);
        share.shrink(5 * UNIT_BYTES);
        let rest = memory.take(7 * UNIT_BYTES).unwrap();
        assert!(memory.take(1).is_none());
        drop((share, rest));
        assert!(memory.take(10 * UNIT_BYTES).is_some());
    }
}
