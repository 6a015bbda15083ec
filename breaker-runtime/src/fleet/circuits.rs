//! The shared circuits of this process: how the coordinator sees them, and how its decisions change them.
//!
//! Reading a circuit takes a snapshot, and changing it needs the lock of its state machine for a moment. Neither runs
//! user code: listeners are notified on a thread for blocking work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::coordinator::{CircuitChange, CircuitView, LocalState};
use super::evidence::Sample;
use super::protocol::{Policy, SharedName};
use crate::breaker::CircuitBreaker;
use crate::config::{Adopt, Config, Sharing};
use crate::printable::escape_hidden;
use crate::registry::{AnyBreaker, Registry};
use crate::snapshot::Snapshot;
use crate::state::machine::Pending;
use crate::state::{Adoption, Cause, State};

/// The shared circuits of a registry.
pub(super) struct Circuits {
    registry: Registry,
    /// What was counted when a circuit was last looked at.
    samples: BTreeMap<SharedName, Sample>,
}

/// A change of a circuit, of which listeners must still be notified.
#[must_use = "listeners must be notified"]
pub(super) struct Changed {
    breaker: CircuitBreaker,
    pending: Pending,
}

impl Circuits {
    pub(super) const fn new(registry: Registry) -> Self {
        Self { registry, samples: BTreeMap::new() }
    }

    /// Returns what the circuit is now, or `None` if this process does not share a circuit of this name. `now` is the
    /// time of the fleet.
    pub(super) fn view(&mut self, name: &SharedName, now: Duration) -> Option<CircuitView> {
        let view = self.find(name).and_then(|breaker| self.view_of(name, &breaker, now));
        if view.is_none() {
            self.samples.remove(name);
        }
        view
    }

    fn view_of(&mut self, name: &SharedName, breaker: &CircuitBreaker, now: Duration) -> Option<CircuitView> {
        let config = breaker.config();
        let policy = match config.shared() {
            Sharing::Local => return None,
            Sharing::Quorum => Policy::Quorum,
            Sharing::First => Policy::First,
        };
        let snapshot = breaker.snapshot();
        let sample = self.samples.entry(name.clone()).or_insert_with(|| Sample::new(now, &snapshot));
        Some(CircuitView {
            name: name.clone(),
            state: local_state(&snapshot),
            generation: snapshot.generation,
            policy,
            adopts_always: config.adopt() == Adopt::Always,
            evidence: sample.evidence(now, &snapshot, &config),
            rejected: snapshot.totals.rejected,
            lease: config.half_open_timeout(),
            recovery: config.recovery_timeout(),
            reason: Arc::from(reason(&snapshot)),
            settings: Arc::from(settings(&config)),
        })
    }

    /// Changes a circuit as the coordinator has decided.
    pub(super) fn change(&self, name: &SharedName, change: CircuitChange) -> Option<Changed> {
        let breaker = self.find(name)?;
        let circuit = breaker.circuit();
        let pending = match change {
            CircuitChange::Open { wait, rounds, reason } => {
                circuit.adopt(Adoption::Open { wait, rounds, reason: Some(reason) })
            }
            CircuitChange::Close => circuit.adopt(Adoption::Close),
            CircuitChange::Trial { rounds } => {
                let calls = breaker.config().half_open_max_calls();
                circuit.adopt(Adoption::Trial { calls, rounds })
            }
            CircuitChange::Hold { generation, wait } => circuit.adopt(Adoption::Hold { generation, wait }),
            CircuitChange::ForceOpen { by, why } => {
                circuit.apply_command(Cause::ForcedOpen, initiator(&by, &why))
            }
            CircuitChange::Disable { by, why } => {
                circuit.apply_command(Cause::Disabled, initiator(&by, &why))
            }
            CircuitChange::Release { by } => circuit.apply_command(Cause::Released, initiator(&by, "")),
        };
        Some(Changed { breaker, pending })
    }

    fn find(&self, name: &SharedName) -> Option<CircuitBreaker> {
        let breaker = self.registry.store().get(&name.breaker())?;
        match (breaker, name.key()) {
            (AnyBreaker::Single(breaker), None) => Some(breaker),
            (AnyBreaker::Keyed(breaker), Some(key)) => breaker.find(&key),
            // The overflow circuit has no key, and is not shared.
            (AnyBreaker::Single(_), Some(_)) | (AnyBreaker::Keyed(_), None) => None,
        }
    }
}

impl Changed {
    /// Notifies listeners. They are user code, and may block.
    pub(super) fn announce(self) {
        self.breaker.circuit().announce(self.pending);
    }
}

fn local_state(snapshot: &Snapshot) -> LocalState {
    match snapshot.state {
        State::Closed => LocalState::Closed,
        State::Open => LocalState::Open { due_in: snapshot.retry_after },
        State::HalfOpen => LocalState::HalfOpen,
        State::ForcedOpen => LocalState::ForcedOpen,
        State::Disabled => LocalState::Disabled,
    }
}

/// Returns why an open circuit opened.
fn reason(snapshot: &Snapshot) -> String {
    const MAX_CHARS: usize = 200;
    let Some(transition) = snapshot.last_transition.as_ref().filter(|_| snapshot.state == State::Open) else {
        return String::new();
    };
    let trip = transition.trip.as_ref().map_or_else(|| transition.cause.to_string(), ToString::to_string);
    let whole = match &transition.last_failure {
        Some(text) => format!("{trip}; last: {text}"),
        None => trip,
    };
    whole.chars().take(MAX_CHARS).collect()
}

/// Returns the settings that all processes must agree on.
fn settings(config: &Config) -> String {
    format!(
        "shared = {}, recovery_timeout = {:?}, backoff = {}, max_recovery_timeout = {:?}, half_open_max_calls = {}, \
         half_open_timeout = {:?}",
        config.shared(),
        config.recovery_timeout(),
        config.backoff(),
        config.max_recovery_timeout(),
        config.half_open_max_calls(),
        config.half_open_timeout(),
    )
}

/// Returns the initiator of a transition that a command caused. Other programs may have written both texts to Redis.
fn initiator(by: &str, why: &str) -> Arc<str> {
    let (by, why) = (escape_hidden(by), escape_hidden(why));
    let by = if by.is_empty() { "(unnamed)" } else { &by };
    Arc::from(if why.is_empty() { format!("{by} (fleet)") } else { format!("{by} (fleet): {why}") })
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::initiator;

    #[test]
    fn texts_of_a_command_that_came_from_redis_cannot_forge_a_line() {
        assert_eq!(&*initiator("ada", "new provider"), "ada (fleet): new provider");
        assert_eq!(&*initiator("", ""), "(unnamed) (fleet)");
        assert_eq!(&*initiator("a\n\u{1b}", "x\u{202e}"), r"a\n\u{1b} (fleet): x\u{202e}");
    }
}
