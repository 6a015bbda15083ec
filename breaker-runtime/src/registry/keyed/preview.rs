//! The answer to "would a call of this key be admitted?", which creates no circuit.

use super::{KeyedBreaker, MAX_KEY_BYTES};
use crate::breaker::CircuitBreaker;
use crate::sync::Ordering;

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
        let uses_overflow = || key.len() > MAX_KEY_BYTES || self.shared.is_full.load(Ordering::Relaxed) != 0;
        match self.find(key) {
            Some(circuit) => circuit.would_admit(),
            None if uses_overflow() => self.shared.overflow.get().is_none_or(CircuitBreaker::would_admit),
            None => true,
        }
    }
}
