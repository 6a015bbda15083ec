//! The settings of single keys, also of keys that have no circuit.

use super::declaration::Declaration;
use super::keyed::KeyedBreaker;
use super::registration::Registration;
use super::store::Store;
use crate::breaker::CircuitBreaker;
use crate::config::Config;

impl KeyedBreaker {
    /// Returns the settings of the circuit of `key` or, without a circuit, those that it would have.
    #[allow(dead_code, reason = "only commands to a fleet need the settings of one key")]
    pub(crate) fn config_of(&self, key: &str) -> Config {
        self.find(key)
            .map_or_else(|| Config::clone(self.settings().of(Some(key))), |circuit| circuit.config())
    }

    /// Returns the circuits that the settings of the breaker can share with other processes: all circuits, or those of
    /// keys with settings of their own.
    #[allow(dead_code, reason = "only the feature `redis` shares circuits")]
    pub(crate) fn sharable_circuits(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        let settings = self.settings();
        let all = settings.all.shared().is_shared().then(|| self.iter());
        let of_keys: Vec<_> = match all {
            Some(_) => Vec::new(),
            None => settings.keys().filter_map(|key| self.find(key)).collect(),
        };
        all.into_iter().flatten().chain(of_keys)
    }
}

impl Store {
    /// Returns the settings that the circuit of `key` would have in the breaker of a function.
    #[allow(dead_code, reason = "only commands to a fleet need the settings of one key")]
    pub(crate) fn config_of_key(&self, declaration: &'static Declaration, key: &str) -> Config {
        // This evaluates the settings of the function, so it does not run under the lock.
        let registration = Registration::of_function(declaration);
        let settings = registration.resolve(&self.contents().layers).settings;
        Config::clone(settings.of(Some(key)))
    }
}
