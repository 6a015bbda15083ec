//! States, causes, and the table of transitions between them.
//!
//! The table is pure and total. It does not know when a cause applies or what follows from a transition.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::printable::{Printable, Quoted};
use crate::window::TripReason;

/// The state of a circuit breaker.
///
/// ![The states and the transitions between them, each with the settings that rule it. A closed circuit opens when a
/// rule is met. The first call after the open time makes it half-open. It closes when enough trial calls succeed, and
/// opens again when one fails, is slow or takes too long. An operator can force it open, disable it, and release
/// it.][states]
///
/// [`reset`](crate::CircuitBreaker::reset) and [`force_close`](crate::CircuitBreaker::force_close) close a circuit from
/// every state. [`can_become`](Self::can_become) contains all transitions, also those of a fleet.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, State};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// assert_eq!(breaker.state(), State::Closed);
/// breaker.force_open();
/// assert_eq!(breaker.state(), State::ForcedOpen);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
// The picture itself, since rustdoc copies no files.
#[doc = include_str!("../docs/states.link")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls are admitted, and failures count. With [`ramp`](crate::ConfigBuilder::ramp), a circuit that has just
    /// recovered admits only a share of them.
    Closed,
    /// Calls are rejected until the recovery timeout has passed.
    Open,
    /// A few calls are admitted as trial calls; all others are rejected.
    HalfOpen,
    /// An operator opened the circuit: calls are rejected until an operator releases or resets it.
    ForcedOpen,
    /// An operator disabled the circuit: all calls are admitted and counted in the totals, and no threshold
    /// applies.
    Disabled,
}

/// The cause of a transition.
///
/// ```
/// use breaker_runtime::{Cause, CircuitBreaker, Config};
///
/// let breaker = CircuitBreaker::new("payment", Config::builder().failure_threshold(1).build()?)?;
/// breaker.try_acquire()?.fail("503 Service Unavailable");
/// assert_eq!(breaker.snapshot().last_transition.unwrap().cause, Cause::ThresholdReached);
///
/// breaker.reset();
/// assert_eq!(breaker.snapshot().last_transition.unwrap().cause, Cause::Reset);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// A threshold was reached; see [`Transition::trip`]. Also recorded by `testing::trip`.
    ThresholdReached,
    /// A call arrived after the recovery timeout.
    RecoveryElapsed,
    /// Enough trial calls succeeded.
    TrialsPassed,
    /// A trial call failed.
    TrialFailed,
    /// A trial call was slow.
    TrialSlow,
    /// A trial call did not end within its lease.
    LeaseExpired,
    /// An operator forced the circuit open.
    ForcedOpen,
    /// An operator forced the circuit closed.
    ForcedClosed,
    /// An operator disabled the circuit.
    Disabled,
    /// An operator ended [`State::ForcedOpen`] or [`State::Disabled`].
    Released,
    /// An operator reset the circuit.
    Reset,
    /// Enough processes of the fleet saw the dependency fail (feature `redis`). The circuit is open in all of them.
    FleetOpened,
    /// The fleet closed the circuit, because its trial calls succeeded or its processes see the dependency healthy
    /// (feature `redis`).
    FleetClosed,
    /// The fleet granted trial calls to this process (feature `redis`).
    FleetTrial,
}

/// A state change, or the restart of a state by an operator.
///
/// ```
/// use breaker_runtime::{Cause, CircuitBreaker, Config, State};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// breaker.operator("alice").force_open();
///
/// let change = breaker.snapshot().last_transition.unwrap();
/// assert_eq!((change.from, change.to, change.cause), (State::Closed, State::ForcedOpen, Cause::ForcedOpen));
/// assert_eq!(change.initiator.as_deref(), Some("alice"));
/// assert_eq!(change.to_string(), "closed -> forced open: forced open by alice");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Transition {
    /// The state before the transition.
    pub from: State,
    /// The state after the transition. It equals `from` if an operator restarted the state.
    pub to: State,
    /// The cause.
    pub cause: Cause,
    /// The generation that the transition began.
    pub generation: u64,
    /// The threshold that was reached; `None` for any other cause, or if `testing::trip` opened the circuit.
    pub trip: Option<TripReason>,
    /// The text of the failure that opened the circuit, at most 1,024 bytes. `None` if no failure caused the
    /// transition, or if the failure has no text.
    ///
    /// | failed call | text |
    /// |---|---|
    /// | annotated function that returns an `Err` | `Display` of the error, otherwise `Debug`, otherwise its type name |
    /// | [`call`], [`call_async`](crate::CircuitBreaker::call_async) | type name of the error |
    /// | [`call_with`], [`call_async_with`](crate::CircuitBreaker::call_async_with), a value that is not an `Err` | none |
    /// | [`call_with_text`](crate::CircuitBreaker::call_with_text), [`call_async_with_text`](crate::CircuitBreaker::call_async_with_text) | the given text |
    /// | [`Permit::fail`](crate::Permit::fail) | the reason |
    /// | call that panicked or timed out | a text that says so |
    /// | call in another process of the fleet, which opened the circuit | the text of that process |
    ///
    /// It is one line of at most 1,024 bytes; a longer text is cut. Tabs and line breaks are replaced by spaces,
    /// other control characters and invisible ones by U+FFFD. The sources of an error are not included.
    ///
    /// [`call`]: crate::CircuitBreaker::call
    /// [`call_with`]: crate::CircuitBreaker::call_with
    pub last_failure: Option<Arc<str>>,
    /// The time that the failure which opened the circuit asked callers to wait, from the key
    /// [`retry_after`](crate::circuit_breaker#waiting-as-long-as-the-service-says) or from
    /// [`Permit::fail_with_retry_after`](crate::Permit::fail_with_retry_after). This is the hint itself, which the
    /// settings limit. `None` if there was no hint.
    pub retry_after: Option<Duration>,
    /// The operator who caused the transition: the given name or, without one, the location of the code. It is
    /// `fleet` if the fleet decided (feature `redis`); `Display` does not repeat that. An operator of the fleet is
    /// recorded with the reason, as in `ada (fleet): maintenance`.
    pub initiator: Option<Arc<str>>,
}

/// The details of a transition in addition to its cause.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    pub(crate) trip: Option<TripReason>,
    pub(crate) last_failure: Option<Arc<str>>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) initiator: Option<Arc<str>>,
}

/// Returns the next state; `None` if the cause does not apply in this state.
///
/// A state may follow itself. This also begins a new generation, so earlier results no longer count.
#[expect(clippy::match_same_arms, reason = "one line per rule reads as a table")]
pub(super) const fn next(state: State, cause: Cause) -> Option<State> {
    use Cause as C;
    use State as S;
    match (state, cause) {
        (S::Closed, C::ThresholdReached) => Some(S::Open),
        (S::Open, C::RecoveryElapsed) => Some(S::HalfOpen),
        (S::HalfOpen, C::TrialsPassed) => Some(S::Closed),
        (S::HalfOpen, C::TrialFailed | C::TrialSlow | C::LeaseExpired) => Some(S::Open),

        (_, C::ForcedOpen) => Some(S::ForcedOpen),
        (_, C::ForcedClosed | C::Reset) => Some(S::Closed),
        (_, C::Disabled) => Some(S::Disabled),
        // `release` undoes the commands of operators. It does not close a circuit that opened by itself.
        (S::Closed | S::ForcedOpen | S::Disabled, C::Released) => Some(S::Closed),
        (S::Open | S::HalfOpen, C::Released) => None,

        // The fleet does not change what an operator of this process commanded.
        (S::Closed | S::HalfOpen, C::FleetOpened) => Some(S::Open),
        (S::Open | S::HalfOpen, C::FleetClosed) => Some(S::Closed),
        (S::Open, C::FleetTrial) => Some(S::HalfOpen),

        (S::Open | S::HalfOpen | S::ForcedOpen | S::Disabled, C::ThresholdReached)
        | (S::Closed | S::HalfOpen | S::ForcedOpen | S::Disabled, C::RecoveryElapsed | C::FleetTrial)
        | (S::Open | S::ForcedOpen | S::Disabled, C::FleetOpened)
        | (S::Closed | S::ForcedOpen | S::Disabled, C::FleetClosed)
        | (
            S::Closed | S::Open | S::ForcedOpen | S::Disabled,
            C::TrialsPassed | C::TrialFailed | C::TrialSlow | C::LeaseExpired,
        ) => None,
    }
}

impl Transition {
    /// Writes why the circuit opened, for the error of a rejected call.
    pub(crate) fn write_reason(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.trip {
            Some(trip) => trip.write_counts(out)?,
            None => fmt::Display::fmt(&self.cause, out)?,
        }
        match &self.last_failure {
            Some(text) => write!(out, "; last: {}", Printable(text)),
            None => Ok(()),
        }
    }
}

impl State {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Closed, Self::Open, Self::HalfOpen, Self::ForcedOpen, Self::Disabled];

    /// Returns `true` if a cause leads from this state to `to`, a different state.
    ///
    /// ```
    /// use breaker_runtime::State;
    ///
    /// assert!(State::Open.can_become(State::HalfOpen));
    /// assert!(!State::Closed.can_become(State::HalfOpen));
    /// ```
    #[must_use]
    pub fn can_become(self, to: Self) -> bool {
        self != to && Cause::ALL.into_iter().any(|cause| next(self, cause) == Some(to))
    }

    /// Returns the name of the state in metrics, logs and JSON. `Display` writes the name for people.
    ///
    /// ```
    /// assert_eq!(breaker_runtime::State::HalfOpen.label(), "half_open");
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::Disabled => "disabled",
        }
    }
}

impl Cause {
    const ALL: [Self; 14] = [
        Self::ThresholdReached,
        Self::RecoveryElapsed,
        Self::TrialsPassed,
        Self::TrialFailed,
        Self::TrialSlow,
        Self::LeaseExpired,
        Self::ForcedOpen,
        Self::ForcedClosed,
        Self::Disabled,
        Self::Released,
        Self::Reset,
        Self::FleetOpened,
        Self::FleetClosed,
        Self::FleetTrial,
    ];

    /// Returns `true` for a decision of the fleet.
    const fn is_of_fleet(self) -> bool {
        matches!(self, Self::FleetOpened | Self::FleetClosed | Self::FleetTrial)
    }

    /// Returns the name of the cause in logs and JSON. `Display` writes the name for people.
    ///
    /// ```
    /// assert_eq!(breaker_runtime::Cause::ThresholdReached.label(), "threshold_reached");
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ThresholdReached => "threshold_reached",
            Self::RecoveryElapsed => "recovery_elapsed",
            Self::TrialsPassed => "trials_passed",
            Self::TrialFailed => "trial_failed",
            Self::TrialSlow => "trial_slow",
            Self::LeaseExpired => "lease_expired",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            Self::Disabled => "disabled",
            Self::Released => "released",
            Self::Reset => "reset",
            Self::FleetOpened => "fleet_opened",
            Self::FleetClosed => "fleet_closed",
            Self::FleetTrial => "fleet_trial",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::ForcedOpen => "forced open",
            Self::Disabled => "disabled",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::ThresholdReached => "threshold reached",
            Self::RecoveryElapsed => "recovery timeout elapsed",
            Self::TrialsPassed => "enough trial calls succeeded",
            Self::TrialFailed => "a trial call failed",
            Self::TrialSlow => "a trial call was slow",
            Self::LeaseExpired => "a trial call did not end within its lease",
            Self::ForcedOpen => "forced open",
            Self::ForcedClosed => "forced closed",
            Self::Disabled => "disabled",
            Self::Released => "released",
            Self::Reset => "reset",
            Self::FleetOpened => "opened by the fleet",
            Self::FleetClosed => "closed by the fleet",
            Self::FleetTrial => "trial calls granted by the fleet",
        })
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} -> {}: ", self.from, self.to)?;
        match &self.trip {
            Some(trip) => trip.fmt(out)?,
            None => self.cause.fmt(out)?,
        }
        if let Some(text) = &self.last_failure {
            write!(out, "; last failure: {}", Quoted(text))?;
        }
        if let Some(wait) = self.retry_after {
            write!(out, "; retry after {wait:?}")?;
        }
        if let Some(initiator) = &self.initiator
            && !self.cause.is_of_fleet()
        {
            write!(out, " by {}", Printable(initiator))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause as C, State as S, next};

    /// One row per cause, with the columns Closed, Open, HalfOpen, ForcedOpen and Disabled.
    const TABLE: [(C, [Option<S>; 5]); 14] = [
        (C::ThresholdReached, [Some(S::Open), None, None, None, None]),
        (C::RecoveryElapsed, [None, Some(S::HalfOpen), None, None, None]),
        (C::TrialsPassed, [None, None, Some(S::Closed), None, None]),
        (C::TrialFailed, [None, None, Some(S::Open), None, None]),
        (C::TrialSlow, [None, None, Some(S::Open), None, None]),
        (C::LeaseExpired, [None, None, Some(S::Open), None, None]),
        (C::ForcedOpen, [Some(S::ForcedOpen); 5]),
        (C::ForcedClosed, [Some(S::Closed); 5]),
        (C::Disabled, [Some(S::Disabled); 5]),
        (C::Released, [Some(S::Closed), None, None, Some(S::Closed), Some(S::Closed)]),
        (C::Reset, [Some(S::Closed); 5]),
        (C::FleetOpened, [Some(S::Open), None, Some(S::Open), None, None]),
        (C::FleetClosed, [None, Some(S::Closed), Some(S::Closed), None, None]),
        (C::FleetTrial, [None, Some(S::HalfOpen), None, None, None]),
    ];

    #[test]
    fn every_pair_of_state_and_cause_leads_to_the_state_in_the_table() {
        assert_eq!(TABLE.map(|(cause, _)| cause), C::ALL);
        for (cause, row) in TABLE {
            for (state, expected) in S::ALL.into_iter().zip(row) {
                assert_eq!(next(state, cause), expected, "{state} on {cause:?}");
            }
        }
    }
}
