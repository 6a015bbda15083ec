//! The methods of the builder that decide which processes share a circuit.

use super::{Adopt, ConfigBuilder, ConfigError, Setting, Sharing};
use crate::sync::HAS_FLEET;

impl ConfigBuilder {
    /// Sets whether the processes of an application share the circuit, and when it opens in all of them.
    ///
    /// The name of the circuit, and its key if it has one, is what the processes have in common. Everything else in
    /// these settings decides for each process by itself when it sees the dependency fail, and how many trial calls run
    /// when it is the turn of this process. The processes should have the same settings; if they do not, that is
    /// reported.
    ///
    /// A call is never slower because of this: it reads the circuit of its process. While no fleet is connected, or
    /// Redis is away, the circuit acts in this process only. A warning reports it, once for the process when a
    /// shared circuit opens without a fleet, and each time that Redis goes away. While a fleet is connected,
    /// `retry_after` of a rejection is an estimate, because the fleet decides which process makes the next trial call.
    ///
    /// Default: [`Sharing::Local`]. The others need the feature `redis`, and a connection by `fleet::connect`.
    pub const fn shared(mut self, shared: Sharing) -> Self {
        self.shared = Some(shared);
        if shared.is_shared() && !HAS_FLEET {
            self.record_error(Setting::Shared, "shared needs the feature `redis` of breaker-runtime");
        }
        self
    }

    /// Sets whether a process opens a shared circuit that other processes have opened.
    ///
    /// Default: [`Adopt::UnlessHealthy`]. [`Adopt::Always`] needs [`shared`](Self::shared).
    pub const fn adopt(mut self, adopt: Adopt) -> Self {
        self.adopt = Some(adopt);
        self
    }

    /// Returns the problem of `adopt` without a circuit that is shared.
    pub(super) const fn sharing_error(&self) -> Option<ConfigError> {
        let is_shared = match self.shared {
            Some(shared) => shared.is_shared(),
            None => false,
        };
        match self.adopt {
            Some(Adopt::Always) if !is_shared => Some(ConfigError::of_setting(
                Setting::Adopt,
                "adopt needs shared; a circuit of one process follows no other process",
            )),
            Some(Adopt::Always | Adopt::UnlessHealthy) | None => None,
        }
    }
}
