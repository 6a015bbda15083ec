//! The order in which the circuits of a keyed breaker are evicted.
//!
//! The queue selects the circuit to evict. It does not create circuits, and its owner locks it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::breaker::CircuitBreaker;
use crate::config::SharedConfig;

/// The circuits of one keyed breaker.
pub(super) type CircuitMap = papaya::HashMap<Arc<str>, CircuitBreaker, foldhash::quality::RandomState>;

/// The keys of one breaker, the next candidate for eviction first.
#[derive(Default)]
pub(super) struct EvictionQueue {
    keys: VecDeque<KeyUse>,
    /// Evicted circuits that a caller may still hold. Their calls still count.
    evicted: Vec<CircuitBreaker>,
}

/// A key, and the number of calls that its circuit had seen when it was last examined.
struct KeyUse {
    key: Arc<str>,
    calls: u64,
}

/// Maximum number of keys that are examined to find one circuit to evict.
const EVICTION_SCAN: usize = 256;

impl EvictionQueue {
    /// Returns the number of keys.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Adds a new key.
    pub(super) fn push(&mut self, key: Arc<str>) {
        self.keys.push_back(KeyUse { key, calls: 0 });
    }

    /// Returns the evicted circuits that a caller may still hold.
    pub(super) fn evicted(&self) -> &[CircuitBreaker] {
        &self.evicted
    }

    /// Evicts one idle circuit, preferably one without calls since it was last examined. Returns `false` if
    /// none of the examined circuits is idle; the next attempt continues after them.
    ///
    /// A call that finds its circuit just before the eviction counts in the totals only.
    pub(super) fn try_evict(&mut self, circuits: &CircuitMap, settings: &SharedConfig) -> bool {
        let map = circuits.pin();
        let mut recently_used = None;
        for _ in 0..EVICTION_SCAN.min(self.keys.len()) {
            let Some(mut key_use) = self.keys.pop_front() else {
                break;
            };
            let idle = map
                .get(&key_use.key)
                .filter(|circuit| circuit.is_alone() && circuit.circuit().is_clean(settings));
            if let Some(circuit) = idle {
                let calls = circuit.circuit().totals().calls();
                if key_use.calls == calls {
                    self.evict(&key_use.key, circuits);
                    return true;
                }
                key_use.calls = calls;
                recently_used.get_or_insert_with(|| Arc::clone(&key_use.key));
            }
            self.keys.push_back(key_use);
        }
        let Some(key) = recently_used else {
            return false;
        };
        // The search starts at the end, because the key was added again during this scan.
        if let Some(index) = self.keys.iter().rposition(|key_use| key_use.key == key) {
            self.keys.remove(index);
        }
        self.evict(&key, circuits);
        true
    }

    fn evict(&mut self, key: &str, circuits: &CircuitMap) {
        self.evicted.extend(circuits.pin().remove(key).cloned());
    }

    /// Drops the evicted circuits that no caller holds. Returns those with listeners, which the caller drops
    /// after it has released the lock.
    pub(super) fn drop_idle_evicted(&mut self) -> Vec<CircuitBreaker> {
        let idle = self.evicted.extract_if(.., |circuit| circuit.is_alone());
        idle.filter(CircuitBreaker::has_listeners).collect()
    }
}
