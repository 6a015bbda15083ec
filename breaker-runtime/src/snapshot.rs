//! What a circuit breaker looks like at one moment, for people and for monitoring.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{CircuitId, Config, Mode};
use crate::durations::CallDurations;
use crate::state::{Observation, State, Transition, TransitionCounts};
use crate::totals::Totals;
use crate::window::{Counts, share};

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
    /// The name of the circuit breaker.
    pub name: Arc<str>,
    /// The key of the circuit, if its breaker has a circuit per key; `None` for the overflow circuit.
    pub key: Option<Arc<str>>,
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
    /// What the window holds, while Closed; none without a window.
    pub window: Option<WindowCounts>,
    /// Trials that are running, while HalfOpen.
    pub trials_in_flight: usize,
    /// Calls that are running, where `max_concurrent` counts them.
    pub calls_in_flight: Option<u32>,
    /// How every call ended so far.
    pub totals: Totals,
    /// How many calls went through in shadow mode that would have been rejected.
    pub shadow_rejections: u64,
    /// How long calls took, where they are timed.
    pub durations: Option<CallDurations>,
    /// How often it changed from which state to which.
    pub changes: TransitionCounts,
    /// How long it has been Open or ForcedOpen, all times together.
    pub time_open: Duration,
    /// The change that began this generation, and why; none before the first.
    pub last_transition: Option<Arc<Transition>>,
    /// Whether it enforces what it decides, or only counts it.
    pub mode: Mode,
    /// Whether the service is not ready while this circuit rejects calls and is not yet due for a trial.
    pub critical: bool,
}

/// What a window holds.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Outcome};
///
/// let config = Config::builder().window_calls(100).failure_rate(0.5).build()?;
/// let breaker = CircuitBreaker::new("search", config)?;
/// assert_eq!(breaker.snapshot().window.unwrap().failure_rate(), None);
///
/// for outcome in [Outcome::Success, Outcome::Success, Outcome::Success, Outcome::Failure] {
///     breaker.try_acquire()?.settle(outcome);
/// }
/// let window = breaker.snapshot().window.unwrap();
/// assert_eq!((window.calls, window.failures, window.slow), (4, 1, 0));
/// assert_eq!(window.failure_rate(), Some(0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowCounts {
    /// Calls that succeeded or failed.
    pub calls: u64,
    /// Those that failed.
    pub failures: u64,
    /// Those that were slow, whether they succeeded or failed.
    pub slow: u64,
}

/// What a circuit keeps beside its machine and its totals, if it does.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) window: Option<Counts>,
    pub(crate) calls_in_flight: Option<u32>,
    pub(crate) shadow_rejections: u64,
    pub(crate) durations: Option<CallDurations>,
}

impl Snapshot {
    pub(crate) fn new(
        CircuitId { name, key }: CircuitId,
        seen: Observation,
        totals: Totals,
        kept: Kept,
        config: &Config,
    ) -> Self {
        let window = kept.window.map(|counts| match seen.state {
            State::Closed => counts.into(),
            State::Open | State::HalfOpen | State::ForcedOpen | State::Disabled => Counts::default().into(),
        });
        Self {
            name: name.into(),
            key,
            state: seen.state,
            time_in_state: seen.time_in_state,
            retry_after: seen.retry_after,
            generation: seen.generation,
            consecutive_failures: seen.consecutive_failures,
            window,
            trials_in_flight: seen.trials,
            calls_in_flight: kept.calls_in_flight,
            totals,
            shadow_rejections: kept.shadow_rejections,
            durations: kept.durations,
            changes: seen.history.changes,
            time_open: seen.history.time_open,
            last_transition: seen.history.last,
            mode: config.mode(),
            critical: config.critical(),
        }
    }

    /// The name of the circuit breaker.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key of the circuit, if its breaker has one for each key.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

/// What only grows: of several circuits it is the sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    totals: Totals,
    shadow_rejections: u64,
    durations: Option<CallDurations>,
    changes: TransitionCounts,
    time_open: Duration,
}

impl Sums {
    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    pub(crate) fn add(&mut self, circuit: &Snapshot) {
        self.totals.add(circuit.totals);
        self.shadow_rejections += circuit.shadow_rejections;
        self.changes.add(circuit.changes);
        self.time_open = self.time_open.saturating_add(circuit.time_open);
        if let Some(durations) = &circuit.durations {
            self.durations.get_or_insert_default().add(durations);
        }
    }
}

impl Snapshot {
    /// What circuits look like together that share a name. `fresh` is one of them that was never called,
    /// `retired` what those counted that are no more.
    pub(crate) fn of_all(fresh: &Self, retired: &Sums, circuits: &[Self]) -> Self {
        let mut sums = retired.clone();
        for circuit in circuits.iter().chain([fresh]) {
            sums.add(circuit);
        }
        let worst =
            circuits.iter().max_by_key(|circuit| (circuit.severity(), Reverse(circuit.time_in_state)));
        let seen = worst.unwrap_or(fresh);
        let mut window = fresh.window;
        for counts in circuits.iter().filter_map(|circuit| circuit.window) {
            window.get_or_insert_default().add(counts);
        }
        Self {
            window,
            calls_in_flight: circuits
                .iter()
                .filter_map(|circuit| circuit.calls_in_flight)
                .reduce(u32::saturating_add)
                .or(fresh.calls_in_flight),
            trials_in_flight: circuits.iter().map(|circuit| circuit.trials_in_flight).sum(),
            totals: sums.totals,
            shadow_rejections: sums.shadow_rejections,
            durations: sums.durations,
            changes: sums.changes,
            time_open: sums.time_open,
            key: None,
            ..seen.clone()
        }
    }

    /// Whether it rejects calls and does not even wait for one to try again; in shadow mode never.
    pub(crate) fn rejects(&self) -> bool {
        let is_closed_to_all = match self.state {
            State::ForcedOpen => true,
            State::Open => self.retry_after != Some(Duration::ZERO),
            State::Closed | State::HalfOpen | State::Disabled => false,
        };
        is_closed_to_all && self.mode == Mode::Enforce
    }

    /// How much is wrong with it.
    pub(crate) fn severity(&self) -> u8 {
        match self.state {
            State::Closed => 0,
            State::Disabled => 1,
            State::HalfOpen => 2,
            State::Open | State::ForcedOpen if !self.rejects() => 3,
            State::Open => 4,
            State::ForcedOpen => 5,
        }
    }
}

impl WindowCounts {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.slow += other.slow;
    }

    /// Which share of the calls failed; none without a call.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        share(self.failures, self.calls)
    }

    /// Which share of the calls was slow; none without a call.
    #[must_use]
    pub fn slow_call_rate(&self) -> Option<f64> {
        share(self.slow, self.calls)
    }
}

impl From<Counts> for WindowCounts {
    fn from(Counts { calls, failures, slow }: Counts) -> Self {
        Self { calls, failures, slow }
    }
}
