//! The settings of a breaker while it is used.

use std::panic::Location;

use super::CircuitBreaker;
use crate::config::{Config, SharedConfig};

impl CircuitBreaker {
    /// Returns the current settings.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::default())?;
    /// let stricter = breaker.config().to_builder().failure_threshold(2).build()?;
    /// breaker.set_config(stricter);
    /// assert_eq!(breaker.config().failure_threshold(), Some(2));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn config(&self) -> Config {
        Config::clone(&self.circuit.config())
    }

    /// Replaces **all** settings: one that `config` does not set gets its default, not the value of the
    /// attribute.
    ///
    /// Running calls keep their slot, lease and time limit, but `cancelled_after`, `success_threshold` and the rules
    /// apply when they end, and a new `slow_call` if the circuit had `slow_call` or `durations` when they started. A
    /// larger `max_concurrent` and shadow mode admit waiting calls at once, and a new `max_wait` applies to them as
    /// well. The first `max_concurrent` does not count calls that run already, because they hold no slot. A changed
    /// `hang` applies to running calls, a first `hang` to calls that begin later, and a changed `ramp` to a ramp that
    /// is not over. Name, key, `max_keys`, `failure_if`, `ignore_if`, `retry_after` and the fallback are not settings
    /// and cannot change. Some functions cannot apply `call_timeout` or `max_wait`; see the
    /// [exceptions](crate::circuit_breaker#new-settings-at-run-time). On a breaker without keys, `max_open` has no
    /// effect, and a warning reports it.
    ///
    /// The state, the generation, the totals, the run of failures and the remaining open time are kept. The window
    /// keeps the calls that fit into the new window, of a time-based one up to a tenth of the old length less. When the
    /// kind of window changes, it starts empty. A success recorded concurrently may be lost. New rules are evaluated at
    /// the next failure or slow call. The rules change together with the window, and `max_concurrent` together with
    /// `max_wait` and the mode, so a mixture of two configs applies to no call.
    /// [`Registry::register`](crate::Registry::register) and [`Registry::check`](crate::Registry::check) still compare
    /// with the registered settings.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome, State};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// breaker.try_acquire()?.settle(Outcome::Failure);
    /// breaker.set_config(Config::builder().failure_threshold(2).build()?);
    /// breaker.try_acquire()?.settle(Outcome::Failure); // the second in a row
    /// assert_eq!(breaker.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn set_config(&self, config: Config) {
        self.circuit.set_config(&SharedConfig::of_circuit(config, Location::caller()));
    }
}
