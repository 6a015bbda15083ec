//! The answer to "would a call of this key be admitted?", which creates no circuit.

use super::{KeyedBreaker, MAX_KEY_BYTES};
use crate::breaker::CircuitBreaker;
use crate::sync::{Ordering, lock};

impl KeyedBreaker {
    /// Returns `true` if a call of `key` would be admitted now; see [`CircuitBreaker::would_admit`]. Creates no
    /// circuit.
    ///
    /// A key without a circuit gets a new, closed one, so the result is `true`. While no circuit can be evicted for
    /// it, the answer is that of the [overflow](Self::overflow) circuit.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let hosts = Registry::new().register_keyed("hosts", Config::default(), 1000)?;
    /// hosts.get("eu-1").force_open();
    /// let next = ["eu-1", "eu-2"].into_iter().find(|host| hosts.would_admit(host));
    /// assert_eq!((next, hosts.len()), (Some("eu-2"), 1));
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub fn would_admit(&self, key: &str) -> bool {
        match self.find(key) {
            Some(circuit) => circuit.would_admit(),
            None if key.len() <= MAX_KEY_BYTES && self.has_space() => true,
            None => self.shared.overflow.get().is_none_or(CircuitBreaker::would_admit),
        }
    }

    /// Returns `true` if a new key would get a circuit. Unlike the hint that calls leave, this notices at once when a
    /// circuit becomes idle, so a caller that skips a key while the result is `false` comes back to it.
    fn has_space(&self) -> bool {
        let table = &mut *lock(&self.shared.table);
        let now = self.shared.clock.coarse_now();
        let has_space =
            table.queue.len() < self.shared.max_keys || table.queue.has_idle(&table.settings, now);
        if has_space {
            self.shared.is_full.store(0, Ordering::Relaxed);
        }
        has_space
    }
}
