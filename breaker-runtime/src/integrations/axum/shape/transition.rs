//! A change, and why.

use std::time::Duration;

use serde::Serialize;

use super::Passing;
use crate::state;
use crate::window;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in super::super) struct Transition {
    key: Option<String>,
    ago: Passing,
    from: &'static str,
    to: &'static str,
    cause: &'static str,
    generation: u64,
    /// The cause for people.
    why: String,
    trip: Option<TripReason>,
    last_failure: Option<String>,
    initiator: Option<String>,
}

/// The rule that was met.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct TripReason {
    rule: &'static str,
    /// Failures or slow calls.
    found: u64,
    /// Among so many, if the rule looks at more than a run.
    calls: Option<u64>,
    limit: f64,
}

impl Transition {
    pub(in super::super) fn new(key: Option<&str>, ago: Duration, transition: &state::Transition) -> Self {
        let state::Transition { from, to, cause, generation, trip, last_failure, initiator } = transition;
        Self {
            key: key.map(str::to_owned),
            ago: Passing(ago),
            from: from.label(),
            to: to.label(),
            cause: cause.label(),
            generation: *generation,
            why: trip.as_ref().map_or_else(|| cause.to_string(), ToString::to_string),
            trip: trip.map(TripReason::from),
            last_failure: last_failure.as_deref().map(str::to_owned),
            initiator: initiator.as_deref().map(str::to_owned),
        }
    }

    /// Whether both are one change.
    pub(in super::super) fn is(&self, other: &Self) -> bool {
        self.generation == other.generation && self.key == other.key
    }

    pub(in super::super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    pub(in super::super) const fn ago(&self) -> Duration {
        self.ago.0
    }
}

impl From<window::TripReason> for TripReason {
    fn from(trip: window::TripReason) -> Self {
        let (rule, found, calls, limit) = match trip {
            window::TripReason::ConsecutiveFailures { failures, limit } => {
                ("consecutive_failures", failures.into(), None, limit.into())
            }
            window::TripReason::FailuresInWindow { failures, calls, limit } => {
                ("failure_threshold", failures, Some(calls), limit.into())
            }
            window::TripReason::FailureRate { failures, calls, limit } => {
                ("failure_rate", failures, Some(calls), limit)
            }
            window::TripReason::SlowCallRate { slow, calls, limit } => {
                ("slow_call_rate", slow, Some(calls), limit)
            }
        };
        Self { rule, found, calls, limit }
    }
}
