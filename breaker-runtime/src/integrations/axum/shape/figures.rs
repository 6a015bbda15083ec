//! What moves: state, counts, times.

use std::time::Duration;

use serde::Serialize;

use super::Passing;
use crate::config::Config;
use crate::durations;
use crate::snapshot::Snapshot;
use crate::window::WindowCounts;
use crate::state::State;
use crate::totals;

pub(in super::super) const CLOSED: &str = State::Closed.label();
/// Not yet a state: the function was never called.
pub(in super::super) const UNCALLED: &str = "uncalled";

/// Those of one circuit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in super::super) struct Figures {
    pub(in super::super) state: &'static str,
    time_in_state: Passing,
    pub(in super::super) retry_after: Option<Passing>,
    generation: u64,
    pub(in super::super) critical: bool,
    /// Whether calls are rejected and none is due to try again.
    #[serde(skip)]
    pub(in super::super) rejects: bool,
    consecutive_failures: u32,
    window: Option<Window>,
    trials_in_flight: usize,
    calls_in_flight: Option<u32>,
    pub(in super::super) totals: Totals,
    shadow_rejections: u64,
    durations: Option<CallDurations>,
    time_open: Passing,
    opened: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Window {
    calls: u64,
    failures: u64,
    slow: u64,
    failure_rate: Option<f64>,
    slow_call_rate: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(in super::super) struct Totals {
    successes: u64,
    failures: u64,
    timeouts: u64,
    ignored: u64,
    pub(in super::super) rejected: u64,
    rejections: Rejections,
    fallbacks: Fallbacks,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Rejections {
    open: u64,
    half_open: u64,
    forced_open: u64,
    bulkhead: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Fallbacks {
    successes: u64,
    failures: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct CallDurations {
    count: u64,
    mean: Option<f64>,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

impl Figures {
    /// Those of a circuit that has done nothing.
    pub(in super::super) fn resting(state: &'static str, config: &Config) -> Self {
        Self {
            state,
            time_in_state: Passing(Duration::ZERO),
            retry_after: None,
            generation: 0,
            critical: config.critical(),
            rejects: false,
            consecutive_failures: 0,
            window: None,
            trials_in_flight: 0,
            calls_in_flight: config.max_concurrent().map(|_| 0),
            totals: Totals::default(),
            shadow_rejections: 0,
            durations: None,
            time_open: Passing(Duration::ZERO),
            opened: 0,
        }
    }

    /// With what more circuits than this add up to, and whether any of them rejects.
    pub(in super::super) fn with(self, totals: totals::Totals, rejects: bool) -> Self {
        Self { totals: totals.into(), rejects, ..self }
    }

    pub(in super::super) fn error_rate(&self) -> Option<f64> {
        // A circuit that has just opened has an empty window.
        let window = self.window.as_ref().and_then(|window| window.failure_rate);
        window.or_else(|| self.totals.error_rate())
    }
}

impl Totals {
    pub(in super::super) fn calls(&self) -> u64 {
        self.successes + self.failures + self.timeouts + self.ignored + self.rejected
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of 2^53 calls need not be exact to one")]
    fn error_rate(&self) -> Option<f64> {
        let failures = self.failures + self.timeouts;
        let calls = self.successes + failures;
        (calls > 0).then(|| failures as f64 / calls as f64)
    }
}

impl From<&Snapshot> for Figures {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            state: snapshot.state.label(),
            time_in_state: Passing(snapshot.time_in_state),
            retry_after: snapshot.retry_after.map(Passing),
            generation: snapshot.generation,
            critical: snapshot.critical,
            rejects: snapshot.rejects(),
            consecutive_failures: snapshot.consecutive_failures,
            window: snapshot.window.map(Window::from),
            trials_in_flight: snapshot.trials_in_flight,
            calls_in_flight: snapshot.calls_in_flight,
            totals: snapshot.totals.into(),
            shadow_rejections: snapshot.shadow_rejections,
            durations: snapshot.durations.as_ref().map(CallDurations::from),
            time_open: Passing(snapshot.time_open),
            opened: snapshot.changes.to(State::Open) + snapshot.changes.to(State::ForcedOpen),
        }
    }
}

impl From<WindowCounts> for Window {
    fn from(counts: WindowCounts) -> Self {
        let WindowCounts { calls, failures, slow } = counts;
        let (failure_rate, slow_call_rate) = (counts.failure_rate(), counts.slow_call_rate());
        Self { calls, failures, slow, failure_rate, slow_call_rate }
    }
}

impl From<totals::Totals> for Totals {
    fn from(totals: totals::Totals) -> Self {
        let totals::Totals { successes, failures, timeouts, ignored, rejected, rejections, fallbacks } =
            totals;
        let totals::Rejections { open, half_open, forced_open, bulkhead } = rejections;
        let rejections = Rejections { open, half_open, forced_open, bulkhead };
        let totals::Fallbacks { successes: answered, failures: failed } = fallbacks;
        let fallbacks = Fallbacks { successes: answered, failures: failed };
        Self { successes, failures, timeouts, ignored, rejected, rejections, fallbacks }
    }
}

impl From<&durations::CallDurations> for CallDurations {
    fn from(durations: &durations::CallDurations) -> Self {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        Self {
            count: durations.count(),
            mean: seconds(durations.mean()),
            p50: seconds(durations.p50()),
            p95: seconds(durations.p95()),
            p99: seconds(durations.p99()),
        }
    }
}
