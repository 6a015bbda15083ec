//! The table of transitions: every state, every cause, and nothing else. Total and pure.

use std::fmt;
use std::sync::Arc;

use crate::window::TripReason;

/// What a circuit breaker is doing.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls go through; failures are counted.
    Closed,
    /// Calls are rejected until the recovery time is over.
    Open,
    /// A few calls go through as trials; the rest are rejected.
    HalfOpen,
    /// An operator opened it: calls are rejected until an operator says otherwise.
    ForcedOpen,
    /// An operator switched it off: calls go through, totals count, no rule applies.
    Disabled,
}

/// Why a circuit breaker changed its state, or began a new generation in the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// A rule for opening was met.
    ThresholdReached,
    /// The recovery time was over and a call arrived.
    RecoveryElapsed,
    /// Enough trials succeeded.
    TrialsPassed,
    /// A trial failed.
    TrialFailed,
    /// A trial was slow.
    TrialSlow,
    /// A trial did not end within its lease.
    LeaseExpired,
    /// An operator forced it open.
    ForcedOpen,
    /// An operator closed it.
    ForcedClosed,
    /// An operator switched it off.
    Disabled,
    /// An operator ended ForcedOpen or Disabled.
    Released,
    /// An operator reset it.
    Reset,
}

/// A change that happened, and why.
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
    /// The state before it.
    pub from: State,
    /// The state after it; the same one when an operator only began it anew.
    pub to: State,
    /// Why.
    pub cause: Cause,
    /// The number of the generation that it began.
    pub generation: u64,
    /// The rule that was met, if one was, with its figures.
    pub trip: Option<TripReason>,
    /// What the failure said that opened the circuit: its `Display` text or, without one, its `Debug` text or the
    /// name of its type, up to 1,024 bytes of it. None where nobody can say: a permit that was settled by hand, a
    /// value that is no `Err`, a change that no failure caused.
    pub last_failure: Option<Arc<str>>,
    /// Who ordered it, if an operator did: the name that was given, or else the place in the code.
    pub initiator: Option<Arc<str>>,
}

/// What is known of a change beside its cause.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    pub(crate) trip: Option<TripReason>,
    pub(crate) last_failure: Option<Arc<str>>,
    pub(crate) initiator: Option<Arc<str>>,
}

/// The table. `None`: this cause means nothing in this state. The same state again is a change too:
/// it begins a new generation, so that results from before it no longer count.
#[expect(clippy::match_same_arms, reason = "a line for each rule reads as the table that it is")]
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
        // A circuit that opened by its own rules is not an operator's to release.
        (S::Closed | S::ForcedOpen | S::Disabled, C::Released) => Some(S::Closed),
        (S::Open | S::HalfOpen, C::Released) => None,

        (S::Open | S::HalfOpen | S::ForcedOpen | S::Disabled, C::ThresholdReached)
        | (S::Closed | S::HalfOpen | S::ForcedOpen | S::Disabled, C::RecoveryElapsed)
        | (
            S::Closed | S::Open | S::ForcedOpen | S::Disabled,
            C::TrialsPassed | C::TrialFailed | C::TrialSlow | C::LeaseExpired,
        ) => None,
    }
}

impl State {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Closed, Self::Open, Self::HalfOpen, Self::ForcedOpen, Self::Disabled];

    /// Whether there is a cause that leads from this state to another one, `to`.
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
}

impl Cause {
    const ALL: [Self; 11] = [
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
    ];
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
            Self::ThresholdReached => "a rule was met",
            Self::RecoveryElapsed => "the recovery time is over",
            Self::TrialsPassed => "enough trials succeeded",
            Self::TrialFailed => "a trial failed",
            Self::TrialSlow => "a trial was slow",
            Self::LeaseExpired => "a trial did not end within its lease",
            Self::ForcedOpen => "forced open",
            Self::ForcedClosed => "forced closed",
            Self::Disabled => "disabled",
            Self::Released => "released",
            Self::Reset => "reset",
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
            write!(out, "; the last failure said {text:?}")?;
        }
        if let Some(who) = &self.initiator {
            write!(out, " by {who}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause as C, State as S, next};

    /// One row for each cause; columns: Closed, Open, HalfOpen, ForcedOpen, Disabled.
    const TABLE: [(C, [Option<S>; 5]); 11] = [
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
    ];

    #[test]
    fn every_pair_of_state_and_cause_is_as_written_here() {
        assert_eq!(TABLE.map(|(cause, _)| cause), C::ALL);
        for (cause, row) in TABLE {
            for (state, expected) in S::ALL.into_iter().zip(row) {
                assert_eq!(next(state, cause), expected, "{state} on {cause:?}");
            }
        }
    }
}
