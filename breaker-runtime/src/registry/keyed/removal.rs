//! Removal of circuits by hand.

use super::KeyedBreaker;
use crate::breaker::CircuitBreaker;
use crate::registry::key_table::EXAMINED_PER_KEY;
use crate::sync::{Ordering, lock};

impl KeyedBreaker {
    /// Removes the circuit of `key` in any state and returns it, or `None` if the key has no circuit of its own.
    ///
    /// Use this for a host or a tenant that no longer exists. Calls that are running in the circuit end normally,
    /// each [`wait_closed`](CircuitBreaker::wait_closed) of the circuit returns, also one that begins later, and the
    /// next call of `key` gets a new circuit.
    /// The [totals](Self::totals) still include the calls of the removed circuit.
    ///
    /// A queue of the feature `queue` remains with the removed circuit: its drain delivers the items once that circuit
    /// admits calls, and a new circuit of the key does not affect it. A removed circuit is no longer in the registry,
    /// so if it is forced open, only the returned handle can [release](CircuitBreaker::release) it. Release it, or take
    /// the items out of the queue.
    ///
    /// The time is proportional to the number of circuits; [`retain`](Self::retain) removes many circuits in
    /// one pass.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, State};
    ///
    /// let hosts = Registry::new().register_keyed("hosts", Config::default(), 1000)?;
    /// hosts.get("eu-1").force_open();
    /// let removed = hosts.remove("eu-1").expect("it was used");
    /// assert_eq!(removed.state(), State::ForcedOpen);
    /// assert_eq!(hosts.get("eu-1").state(), State::Closed); // a new circuit
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[expect(clippy::must_use_candidate, reason = "most callers do not need the removed circuit")]
    pub fn remove(&self, key: &str) -> Option<CircuitBreaker> {
        let circuit = self.find(key)?;
        (self.remove_all(vec![circuit.clone()]) > 0).then_some(circuit)
    }

    /// Removes all circuits for which `keep` returns `false`, in any state; see [`remove`](Self::remove). The
    /// [overflow](Self::overflow) circuit is always kept.
    ///
    /// `keep` runs without a lock and may use the breaker. A circuit that is created meanwhile is kept. If
    /// `keep` panics, no circuit is removed.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let hosts = Registry::new().register_keyed("hosts", Config::default(), 1000)?;
    /// for host in ["eu-1", "eu-2", "us-1"] {
    ///     hosts.get(host);
    /// }
    /// hosts.retain(|host, _| host.starts_with("eu"));
    /// assert_eq!(hosts.len(), 2);
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    pub fn retain(&self, mut keep: impl FnMut(&str, &CircuitBreaker) -> bool) {
        let mut circuits = self.circuits_of_keys();
        circuits.retain(|circuit| circuit.key().is_some_and(|key| !keep(key, circuit)));
        self.remove_all(circuits);
    }

    /// Returns the circuits that were evicted or removed and that a caller may still hold.
    pub(in crate::registry) fn removed_circuits(&self) -> Vec<CircuitBreaker> {
        lock(&self.shared.table).removed.circuits()
    }

    /// Removes those circuits that their keys still have, and returns their number.
    fn remove_all(&self, circuits: Vec<CircuitBreaker>) -> usize {
        let shared = &self.shared;
        if circuits.is_empty() {
            return 0;
        }
        let mut table = lock(&shared.table);
        let removed = table.remove_all(&shared.circuits, circuits);
        shared.is_full.store(0, Ordering::Relaxed);
        drop(table);
        let number = removed.len();
        for circuit in removed {
            circuit.circuit().wake_waiters();
            circuit.circuit().end_own_gate();
        }
        // More than were removed, so that circuits that callers hold do not keep unused ones from being examined.
        let examined = number.saturating_mul(EXAMINED_PER_KEY);
        let unheld = lock(&shared.table).take_unheld(&shared.circuits, examined);
        drop(unheld);
        number
    }
}
