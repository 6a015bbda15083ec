//! Commands to all circuits of a registry.

use super::Registry;

impl Registry {
    /// Forces all circuits open; see [`Operator::force_open`](crate::Operator::force_open). These are all existing
    /// circuits and those of annotated functions that have not been called yet, except circuits of new keys.
    ///
    /// There is no named operator: the [`initiator`](crate::Transition::initiator) is the location of the
    /// caller.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, State};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// registry.force_open_all();
    /// assert_eq!(payment.state(), State::ForcedOpen);
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[track_caller]
    pub fn force_open_all(&self) {
        for circuit in self.circuits_with_uncalled() {
            circuit.force_open();
        }
    }

    /// Closes all existing circuits; see [`Operator::force_close`](crate::Operator::force_close).
    ///
    /// There is no named operator: the [`initiator`](crate::Transition::initiator) is the location of the
    /// caller.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, State};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// payment.force_open();
    /// registry.force_close_all();
    /// assert_eq!(payment.state(), State::Closed);
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[track_caller]
    pub fn force_close_all(&self) {
        for circuit in self.circuits() {
            circuit.force_close();
        }
    }

    /// Disables all circuits; see [`Operator::disable`](crate::Operator::disable). These are the circuits of
    /// [`force_open_all`](Self::force_open_all).
    ///
    /// There is no named operator: the [`initiator`](crate::Transition::initiator) is the location of the
    /// caller.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, State};
    ///
    /// let registry = Registry::new();
    /// let search = registry.register("search", Config::default())?;
    /// registry.disable_all();
    /// assert_eq!(search.state(), State::Disabled);
    /// registry.release_all();
    /// assert_eq!(search.state(), State::Closed);
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[track_caller]
    pub fn disable_all(&self) {
        for circuit in self.circuits_with_uncalled() {
            circuit.disable();
        }
    }

    /// Releases all existing circuits that are forced open or disabled; see
    /// [`Operator::release`](crate::Operator::release). Circuits that their own rules have opened stay open.
    ///
    /// There is no named operator: the [`initiator`](crate::Transition::initiator) is the location of the
    /// caller.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, State};
    ///
    /// let registry = Registry::new();
    /// let [search, payment] = ["search", "payment"].map(|name| registry.register(name, Config::default()).unwrap());
    /// search.force_open();
    /// payment.disable();
    /// registry.release_all();
    /// assert_eq!((search.state(), payment.state()), (State::Closed, State::Closed));
    /// ```
    #[track_caller]
    pub fn release_all(&self) {
        for circuit in self.circuits() {
            circuit.release();
        }
    }

    /// Resets all existing circuits; see [`Operator::reset`](crate::Operator::reset).
    ///
    /// There is no named operator: the [`initiator`](crate::Transition::initiator) is the location of the
    /// caller.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// payment.try_acquire()?.fail("503 Service Unavailable");
    /// registry.reset_all();
    /// assert_eq!(payment.snapshot().consecutive_failures, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn reset_all(&self) {
        for circuit in self.circuits() {
            circuit.reset();
        }
    }
}
