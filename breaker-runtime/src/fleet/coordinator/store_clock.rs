//! The time of the store, as far as a process knows it. The wall clocks of processes are never compared.

use std::time::Duration;

/// A time of the store, and when this process learned it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct StoreClock {
    /// Milliseconds of the store.
    store: u64,
    /// The time of this process.
    local: Duration,
}

impl StoreClock {
    /// Creates the clock from a time that the store has just sent.
    pub(super) const fn new(store: u64, local: Duration) -> Self {
        Self { store, local }
    }

    /// Takes note of a time that the store sent in a message, which may be late: the clock does not go back.
    pub(super) fn advance(&mut self, store: u64, local: Duration) {
        if store > self.at(local) {
            *self = Self::new(store, local);
        }
    }

    /// Returns the time of the store at this time of the process.
    pub(super) fn at(&self, local: Duration) -> u64 {
        let elapsed = local.saturating_sub(self.local).as_millis();
        self.store.saturating_add(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }
}
