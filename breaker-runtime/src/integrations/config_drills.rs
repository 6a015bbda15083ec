//! Starts and ends the drills of a configuration. Without the feature `chaos`, `no_config_drills` replaces this module.

use std::fmt;
use std::time::Duration;

use crate::chaos::{Drill, RunningDrill};
use crate::registry::Registry;

/// The reason why a configuration must not contain drills.
pub(super) const DISABLED: Option<&str> = None;

/// The values of a drill in a configuration.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DrillValues(Drill);

/// A drill that a configuration has started.
pub(super) struct StartedDrill(RunningDrill);

impl DrillValues {
    pub(super) const fn new() -> Self {
        Self(Drill::empty())
    }

    /// Sets one value. Returns what is accepted, if this one is not.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        self.0.set_in_range(name, value)
    }

    /// Checks that the drill has an effect and an end.
    pub(super) fn check(&self) -> Result<(), String> {
        self.0.clone().checked().map(|_| ()).map_err(|error| error.to_string())
    }

    /// Returns these values for a drill that ends after the time that remained.
    pub(super) fn for_rest(&self, remaining: Duration) -> Self {
        Self(self.0.clone().for_rest(remaining))
    }

    /// Starts the drill on the circuit of a key or, without a key, on all circuits of a breaker.
    pub(super) fn start(
        &self,
        registry: &Registry,
        name: &str,
        key: Option<&str>,
        initiator: String,
    ) -> Result<StartedDrill, String> {
        let drill = self.0.clone().operator(initiator);
        let started = match key {
            None => drill.start(registry, name),
            Some(key) => drill.start_key(registry, name, key),
        };
        started.map(StartedDrill).map_err(|error| error.to_string())
    }
}

impl StartedDrill {
    /// Returns the time until the drill ends; `None` if it has ended.
    pub(super) fn remaining(&self) -> Option<Duration> {
        self.0.status().map(|drill| drill.remaining)
    }

    pub(super) fn stop(&self) {
        self.0.stop();
    }
}

impl fmt::Debug for StartedDrill {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
