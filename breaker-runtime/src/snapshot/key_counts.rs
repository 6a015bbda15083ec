//! The number of keys of a breaker in each state.

use crate::state::State;

/// The number of keys of a breaker whose circuits are in each state, in [`Snapshot::keys`].
///
/// The overflow circuit belongs to no key and is not counted.
///
/// ```
/// use breaker_runtime::{Config, Registry, State};
///
/// let shops = Registry::new().register_keyed("shop", Config::default(), 1000)?;
/// shops.get("eu-1").force_open();
/// shops.get("eu-2");
///
/// let keys = shops.snapshot().keys.unwrap();
/// assert_eq!((keys.forced_open, keys.closed), (1, 1));
/// assert_eq!((keys.count(State::Open), keys.total()), (0, 2));
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
///
/// [`Snapshot::keys`]: crate::Snapshot::keys
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyCounts {
    /// Keys whose circuit is closed.
    pub closed: u64,
    /// Keys whose circuit is open.
    pub open: u64,
    /// Keys whose circuit is half-open.
    pub half_open: u64,
    /// Keys whose circuit an operator has forced open.
    pub forced_open: u64,
    /// Keys whose circuit an operator has disabled.
    pub disabled: u64,
}

impl KeyCounts {
    /// Returns the number of keys in this state.
    #[must_use]
    pub const fn count(&self, state: State) -> u64 {
        match state {
            State::Closed => self.closed,
            State::Open => self.open,
            State::HalfOpen => self.half_open,
            State::ForcedOpen => self.forced_open,
            State::Disabled => self.disabled,
        }
    }

    /// Returns the number of keys with a circuit.
    #[must_use]
    pub fn total(&self) -> u64 {
        State::ALL.into_iter().map(|state| self.count(state)).sum()
    }

    pub(super) fn add(&mut self, state: State) {
        let count = match state {
            State::Closed => &mut self.closed,
            State::Open => &mut self.open,
            State::HalfOpen => &mut self.half_open,
            State::ForcedOpen => &mut self.forced_open,
            State::Disabled => &mut self.disabled,
        };
        *count += 1;
    }
}
