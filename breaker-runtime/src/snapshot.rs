//! What a circuit breaker looks like at one moment, for people and for monitoring.

use std::time::Duration;

use crate::config::Name;
use crate::state::{Observation, State, Transition};
use crate::totals::Totals;

/// A circuit breaker at one moment. Taking one changes nothing.
///
/// ```
/// use breaker_runtime::{Cause, CircuitBreaker, Config, State};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// breaker.force_open();
///
/// let snapshot = breaker.snapshot();
/// assert_eq!(snapshot.name(), "search");
/// assert_eq!(snapshot.state, State::ForcedOpen);
/// assert_eq!(snapshot.last_transition.unwrap().cause, Cause::ForcedOpen);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    name: Name,
    /// The state. An open circuit whose recovery time is over still reads Open until a call arrives;
    /// one whose trial outlived its lease reads Open already.
    pub state: State,
    /// How long it has been in this state and generation.
    pub time_in_state: Duration,
    /// How long until it admits a trial; zero when it is due. Only when Open, and not when never.
    pub retry_after: Option<Duration>,
    /// The number of its generation: it grows by one at every change of state, and when an operator
    /// begins the same state anew. Results count only in the generation in which their call was admitted.
    pub generation: u64,
    /// Failures in a row, while Closed.
    pub consecutive_failures: u32,
    /// Trials that are running, while HalfOpen.
    pub trials_in_flight: usize,
    /// How every call ended so far.
    pub totals: Totals,
    /// The change that began this generation; none before the first.
    pub last_transition: Option<Transition>,
}

impl Snapshot {
    pub(crate) fn new(name: Name, seen: Observation, totals: Totals) -> Self {
        Self {
            name,
            state: seen.state,
            time_in_state: seen.time_in_state,
            retry_after: seen.retry_after,
            generation: seen.generation,
            consecutive_failures: seen.consecutive_failures,
            trials_in_flight: seen.trials,
            totals,
            last_transition: seen.last,
        }
    }

    /// The name of the circuit breaker.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }
}
