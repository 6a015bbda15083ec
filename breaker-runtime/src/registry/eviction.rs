//! Selects the circuits of a keyed breaker that are evicted when new keys need a circuit.
//!
//! The queue contains every circuit. An attempt examines circuits from its front. It evicts a clean circuit
//! without recent calls as soon as it finds one. Otherwise it examines up to [`FULL_SCAN`] circuits, sorts the
//! idle ones by [`Idleness`], evicts the first, and leaves the others at the front, where the next attempts find
//! them. If no circuit is idle, the next attempts examine [`SHORT_SCAN`] circuits each, until the moment at which
//! one of the examined circuits may become idle. The owner of the queue locks it.

use std::collections::VecDeque;
use std::time::Duration;

use super::breaker_settings::BreakerSettings;
use crate::breaker::{CircuitBreaker, Idleness, NotIdleUntil};
use crate::clock::Moment;
use crate::sync::holds::Held;

/// The circuits of one breaker, the next candidate for eviction first.
#[derive(Default)]
pub(super) struct EvictionQueue {
    circuits: VecDeque<CircuitBreaker>,
    /// Number of circuits at the front that the last full scan sorted and that are evicted without another one.
    sorted: usize,
    /// Set while no circuit is idle: the moment from which a full scan is worthwhile.
    next_full_scan: Option<Moment>,
}

/// A circuit that can be evicted.
pub(super) struct IdleCircuit {
    pub(super) circuit: CircuitBreaker,
    pub(super) idleness: Idleness,
}

/// A candidate of one scan.
struct Candidate {
    rank: EvictionRank,
    circuit: CircuitBreaker,
}

/// The order of eviction: a smaller rank is evicted first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct EvictionRank {
    idleness: Idleness,
    calls: RecentCalls,
}

/// The calls of a circuit since it was last examined.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum RecentCalls {
    None,
    Some,
}

/// Maximum number of circuits that one attempt examines.
const FULL_SCAN: usize = 1024;
/// Maximum number of circuits that an attempt examines while no circuit is idle and there are more than
/// [`SORTED_SHARE`].
const SHORT_SCAN: usize = 4;
/// Minimum time between two full scans that find no idle circuit.
const FULL_SCAN_INTERVAL: Duration = Duration::from_millis(1);
/// A scan keeps at most one sixteenth of the examined circuits for the next evictions. With at most 16 circuits, each
/// attempt is a full scan, so the order is exact.
const SORTED_SHARE: usize = 16;
/// Number of handles of a circuit that no caller holds: that of the queue.
const OWN_HANDLES: usize = 1;

impl EvictionQueue {
    /// Returns the number of circuits.
    pub(super) fn len(&self) -> usize {
        self.circuits.len()
    }

    /// Returns `true` if the last attempt found no idle circuit and none has been added or removed since.
    pub(super) const fn is_full(&self) -> bool {
        self.next_full_scan.is_some()
    }

    /// Returns `true` if one of the circuits that a full scan examines is idle. The next attempt is such a scan then, so
    /// that it finds the circuit.
    pub(super) fn has_idle(&mut self, settings: &BreakerSettings, now: Moment) -> bool {
        let held = Held::lately();
        let mut examined = self.circuits.iter().take(FULL_SCAN);
        let has_idle = examined.any(|circuit| idleness(circuit, settings, now, &held).is_ok());
        if has_idle {
            self.next_full_scan = None;
        }
        has_idle
    }

    /// Adds a new circuit.
    pub(super) fn push(&mut self, circuit: CircuitBreaker) {
        self.circuits.push_back(circuit);
        self.next_full_scan = None;
    }

    /// Removes the circuits for which `is_removed` returns `true`, in time proportional to the number of circuits.
    pub(super) fn remove(&mut self, mut is_removed: impl FnMut(&CircuitBreaker) -> bool) {
        self.circuits.retain(|circuit| !is_removed(circuit));
        self.sorted = 0;
        self.next_full_scan = None;
    }

    /// Removes and returns one idle circuit, or `None` if none of the examined circuits is idle.
    ///
    /// A caller may use the circuit at the same time, so the owner of the queue checks [`is_still_idle`] when it
    /// removes the circuit from the map. `held` may be outdated.
    pub(super) fn pop_idle(
        &mut self,
        settings: &BreakerSettings,
        now: Moment,
        held: &Held,
    ) -> Option<IdleCircuit> {
        let idle = self.pop_sorted(settings, now, held).or_else(|| self.scan(settings, now, held));
        if idle.is_some() {
            self.next_full_scan = None;
        }
        idle
    }

    /// Removes and returns a circuit that an earlier scan sorted, if it is still idle.
    fn pop_sorted(&mut self, settings: &BreakerSettings, now: Moment, held: &Held) -> Option<IdleCircuit> {
        while self.sorted > 0 {
            self.sorted -= 1;
            let circuit = self.circuits.pop_front()?;
            match idleness(&circuit, settings, now, held) {
                Ok(idleness) => return Some(IdleCircuit { circuit, idleness }),
                Err(_) => self.circuits.push_back(circuit),
            }
        }
        None
    }

    fn scan(&mut self, settings: &BreakerSettings, now: Moment, held: &Held) -> Option<IdleCircuit> {
        let is_short = self.next_full_scan.is_some_and(|until| now < until);
        let is_exact = self.circuits.len() <= SORTED_SHARE;
        let limit = if is_short && !is_exact { SHORT_SCAN } else { FULL_SCAN }.min(self.circuits.len());
        let mut candidates = Vec::new();
        let mut next = Moment::NEVER;
        for _ in 0..limit {
            let Some(circuit) = self.circuits.pop_front() else {
                break;
            };
            match idleness(&circuit, settings, now, held) {
                Ok(idleness) => {
                    let rank = EvictionRank { idleness, calls: recent_calls(&circuit) };
                    if rank == EvictionRank::FIRST {
                        let later = candidates.into_iter().map(|candidate: Candidate| candidate.circuit);
                        self.circuits.extend(later);
                        return Some(IdleCircuit { circuit, idleness });
                    }
                    candidates.push(Candidate { rank, circuit });
                }
                Err(NotIdleUntil(moment)) => {
                    next = next.min(moment);
                    self.circuits.push_back(circuit);
                }
            }
        }
        if candidates.is_empty() && !is_short {
            self.next_full_scan = Some(next.max(now.after(FULL_SCAN_INTERVAL)));
        }
        self.pop_first(candidates, limit)
    }

    /// Returns the candidate that is evicted first, and adds the others to the front of the queue.
    fn pop_first(&mut self, mut candidates: Vec<Candidate>, examined: usize) -> Option<IdleCircuit> {
        // The sort is stable, so among equal ranks the circuit that was examined longer ago is first.
        candidates.sort_by_key(|candidate| candidate.rank);
        self.sorted = candidates.len().saturating_sub(1).min(examined.saturating_sub(1) / SORTED_SHARE);
        let mut candidates = candidates.into_iter();
        let first = candidates.next()?;
        for candidate in candidates.rev() {
            self.circuits.push_front(candidate.circuit);
        }
        Some(IdleCircuit { circuit: first.circuit, idleness: first.rank.idleness })
    }
}

/// Returns `true` if a circuit is unused and still idle for the same reason. `held` was read after the circuit
/// had been marked.
pub(super) fn is_still_idle(
    circuit: &CircuitBreaker,
    idleness: Idleness,
    settings: &BreakerSettings,
    now: Moment,
    held: &Held,
) -> bool {
    is_unused(circuit, held) && circuit.circuit().idleness(settings.of(circuit.key()), now) == Ok(idleness)
}

/// Returns `true` if no call uses a circuit, and its only handle is that of the queue. The holds were read before the
/// handles are counted, so a lookup that replaces its hold by a handle is found.
fn is_unused(circuit: &CircuitBreaker, held: &Held) -> bool {
    !held.contains(circuit.circuit().address()) && circuit.circuit().has_handles(OWN_HANDLES)
}

fn idleness(
    circuit: &CircuitBreaker,
    settings: &BreakerSettings,
    now: Moment,
    held: &Held,
) -> Result<Idleness, NotIdleUntil> {
    if is_unused(circuit, held) {
        circuit.circuit().idleness(settings.of(circuit.key()), now)
    } else {
        Err(NotIdleUntil(Moment::NEVER))
    }
}

fn recent_calls(circuit: &CircuitBreaker) -> RecentCalls {
    if circuit.circuit().has_new_calls() { RecentCalls::Some } else { RecentCalls::None }
}

impl EvictionRank {
    const FIRST: Self = Self { idleness: Idleness::Clean, calls: RecentCalls::None };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::{Name, SharedConfig};
    use crate::{Outcome, State};

    const NOW: Moment = Moment::from_nanos(1_000_000_000);

    fn queue(circuits: usize) -> EvictionQueue {
        let mut queue = EvictionQueue::default();
        for index in 0..circuits {
            let identity = crate::breaker::Identity::Alone { name: Name::Static("queued") };
            let settings = SharedConfig::default();
            let circuit = CircuitBreaker::new_unchecked(identity, settings, Clock::default());
            circuit.operator(index.to_string()).force_open();
            queue.push(circuit);
        }
        queue
    }

    fn first(queue: &EvictionQueue) -> Option<String> {
        let transition = queue.circuits.front()?.snapshot().last_transition?;
        transition.initiator.as_deref().map(str::to_owned)
    }

    #[test]
    fn while_no_circuit_is_idle_a_call_examines_a_few_circuits_after_one_full_scan() {
        let mut queue = queue(3000);
        assert!(queue.pop_idle(&BreakerSettings::default(), NOW, &Held::default()).is_none());
        assert_eq!(first(&queue).as_deref(), Some("1024"));
        for attempt in 1..100_usize {
            assert!(
                queue.is_full()
                    && queue.pop_idle(&BreakerSettings::default(), NOW, &Held::default()).is_none()
            );
            assert_eq!(first(&queue), Some((1024 + attempt * SHORT_SCAN).to_string()));
        }
        queue.remove(|_| false);
        assert!(!queue.is_full());
    }

    #[test]
    fn one_full_scan_serves_many_new_keys() {
        let mut queue = queue(1024);
        for circuit in queue.circuits.iter().take(1000) {
            circuit.release();
            circuit.try_acquire().expect("it is closed").settle(Outcome::Success);
        }
        for evicted in 0..1000_usize {
            let idle =
                queue.pop_idle(&BreakerSettings::default(), NOW, &Held::default()).expect("it is idle");
            assert_eq!((idle.idleness, idle.circuit.state()), (Idleness::Clean, State::Closed));
            assert!(evicted > 0 || queue.sorted == 1023 / SORTED_SHARE);
        }
        assert!(queue.pop_idle(&BreakerSettings::default(), NOW, &Held::default()).is_none());
        assert_eq!(queue.len(), 24);
    }
}
