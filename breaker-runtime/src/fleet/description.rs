//! The texts about a circuit that its votes contain. They are written again only when the circuit has changed, because
//! circuits are looked at much more often.

use std::sync::Arc;

use crate::config::{Config, SharedConfig};
use crate::snapshot::Snapshot;
use crate::state::{Cause, State};

/// The texts about a circuit.
#[derive(Clone, Debug)]
pub(super) struct Description {
    generation: u64,
    config: SharedConfig,
    /// The reason why the circuit is open; empty if it is not.
    pub(super) reason: Arc<str>,
    /// The settings that all processes must agree on.
    pub(super) settings: Arc<str>,
}

impl Description {
    pub(super) fn new(snapshot: &Snapshot, config: SharedConfig) -> Self {
        Self {
            generation: snapshot.generation,
            reason: Arc::from(reason(snapshot)),
            settings: Arc::from(settings(&config)),
            config,
        }
    }

    /// Returns `true` if the texts are still right.
    pub(super) fn is_about(&self, snapshot: &Snapshot, config: &SharedConfig) -> bool {
        self.generation == snapshot.generation && self.config.is_equal_to(config)
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
        // It is the whole reason of the process that opened the circuit for the fleet.
        Some(text) if transition.cause == Cause::FleetOpened => text.to_string(),
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

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::time::Duration;

    use super::{Arc, Description};
    use crate::breaker::CircuitBreaker;
    use crate::config::Config;
    use crate::state::Adoption;

    #[test]
    fn the_reason_of_the_fleet_is_passed_on_as_it_is() {
        let breaker = CircuitBreaker::new("payment", Config::default()).unwrap();
        let reason = "5 of 10 calls failed; last: refused";
        let open =
            Adoption::Open { wait: Duration::from_secs(1), rounds: 0, reason: Some(Arc::from(reason)) };
        _ = breaker.circuit().adopt(open);
        let description = Description::new(&breaker.snapshot(), breaker.circuit().config());
        assert_eq!(&*description.reason, reason);
    }
}
