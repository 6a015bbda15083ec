//! The metrics of a circuit breaker, independent of how they are exported.
//!
//! - Every counter of a breaker starts at zero and exists from the first reading. A counter that first
//!   appeared with the value one would hide the first outage, because `increase()` would be zero.
//! - A ratio without calls is omitted.
//! - The metrics of a breaker with keys are the sums of its circuits, as in its snapshot and its JSON. Keys are
//!   not labels, because there may be millions of them.

use std::borrow::Cow;

use crate::printable::escape_hidden_and_backslash;
use crate::snapshot::Snapshot;
use crate::state::State;

/// A metric with one point per set of labels. `T` is what its points are read from.
pub(super) struct Series<T> {
    /// The name, without the suffix `_total` of a counter.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: MetricKind,
    pub(super) points: fn(&T) -> Vec<MetricPoint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricKind {
    /// A value that only grows.
    Counter,
    /// A value that grows and shrinks.
    Gauge,
}

/// A value and its labels. Those of a snapshot lack the name of the circuit.
pub(super) struct MetricPoint {
    pub(super) labels: [Option<Label>; 2],
    pub(super) value: MetricValue,
}

#[derive(Debug)]
pub(super) struct Label {
    pub(super) name: &'static str,
    pub(super) value: Cow<'static, str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum MetricValue {
    Whole(u64),
    Real(f64),
}

/// The metrics of a circuit breaker.
pub(super) const SERIES: &[Series<Snapshot>] = &[
    counter("circuit_breaker_calls", "Finished calls by result", calls),
    counter("circuit_breaker_rejections", "Rejected calls by reason", rejections),
    counter("circuit_breaker_fallback", "Completed fallbacks by result", fallbacks),
    counter(
        "circuit_breaker_cancelled",
        "Calls that were dropped before they had a result, by the result that they count as",
        cancellations,
    ),
    counter("circuit_breaker_injected", "Calls that a drill failed or delayed, by fault", injected),
    gauge("circuit_breaker_drill", "1 while a drill injects faults, otherwise 0", |snapshot| {
        vec![MetricPoint::whole(u64::from(snapshot.drill.is_some()))]
    }),
    counter(
        "circuit_breaker_shadow_rejections",
        "Calls that shadow mode admitted although the circuit would have rejected them",
        |snapshot| vec![MetricPoint::whole(snapshot.shadow_rejections)],
    ),
    counter(
        "circuit_breaker_waived_rejections",
        "Calls that an open circuit admitted because of max_open",
        |snapshot| vec![MetricPoint::whole(snapshot.waived_rejections)],
    ),
    counter("circuit_breaker_state_changes", "State changes by origin and target state", changes),
    counter(
        "circuit_breaker_open_seconds",
        "Time in the states open and forced open, in seconds",
        |snapshot| vec![MetricPoint::real(snapshot.time_open.as_secs_f64())],
    ),
    gauge(
        "circuit_breaker_state",
        "State: 0 for closed or disabled, 1 for open or forced open, 2 for half-open",
        |snapshot| vec![MetricPoint::whole(state_number(snapshot.state))],
    ),
    gauge("circuit_breaker_failure_ratio", "Share of failed calls in the window", |snapshot| {
        ratio(snapshot.window.and_then(|window| window.failure_rate()))
    }),
    gauge("circuit_breaker_slow_call_ratio", "Share of slow calls in the window", |snapshot| {
        ratio(snapshot.window.and_then(|window| window.slow_call_rate()))
    }),
    gauge(
        "circuit_breaker_ramp_share",
        "Share of calls that a gradually closing circuit admits, otherwise 1",
        |snapshot| vec![MetricPoint::real(snapshot.ramp.map_or(1.0, |ramp| ramp.share))],
    ),
    gauge("circuit_breaker_keys", "Keys of a circuit with keys by state", keys),
    gauge("circuit_breaker_calls_in_flight", "Running calls of a circuit with max_concurrent", |snapshot| {
        snapshot.calls_in_flight.into_iter().map(|calls| MetricPoint::whole(calls.into())).collect()
    }),
    gauge("circuit_breaker_queue_length", "Items in the queues for rejected calls", |snapshot| {
        snapshot.queue.into_iter().map(|queue| MetricPoint::whole(queue.length)).collect()
    }),
    gauge("circuit_breaker_queue_capacity", "Maximum number of items in these queues", |snapshot| {
        snapshot.queue.into_iter().map(|queue| MetricPoint::whole(queue.capacity)).collect()
    }),
    counter("circuit_breaker_queue_items", "Items of queues for rejected calls by result", queue_items),
];

/// The histogram of the durations of calls, which only some circuits have.
#[allow(dead_code, reason = "`OpenTelemetry` has no observable histogram")]
pub(super) const DURATION: &str = "circuit_breaker_call_duration_seconds";
#[allow(dead_code, reason = "`OpenTelemetry` has no observable histogram")]
pub(super) const DURATION_HELP: &str = "Duration of calls in seconds";

/// Returns the value of the label `circuit`: the name, in which backslashes and invisible characters are
/// escaped: metrics are shown in terminals and chat messages, and different names have different labels.
pub(super) fn circuit_label(snapshot: &Snapshot) -> Cow<'_, str> {
    escape_hidden_and_backslash(snapshot.name())
}

pub(super) const fn counter<T>(
    name: &'static str,
    help: &'static str,
    points: fn(&T) -> Vec<MetricPoint>,
) -> Series<T> {
    Series { name, help, kind: MetricKind::Counter, points }
}

pub(super) const fn gauge<T>(
    name: &'static str,
    help: &'static str,
    points: fn(&T) -> Vec<MetricPoint>,
) -> Series<T> {
    Series { name, help, kind: MetricKind::Gauge, points }
}

fn calls(snapshot: &Snapshot) -> Vec<MetricPoint> {
    let totals = snapshot.totals;
    [
        ("success", totals.successes),
        ("failure", totals.failures),
        ("timeout", totals.timeouts),
        ("injected", totals.injected),
        ("ignored", totals.ignored),
        ("rejected", totals.rejected),
    ]
    .map(|(result, count)| MetricPoint::labeled("result", result, count))
    .into()
}

fn injected(snapshot: &Snapshot) -> Vec<MetricPoint> {
    let totals = snapshot.totals;
    [("failure", totals.injected), ("delay", totals.delayed)]
        .map(|(fault, count)| MetricPoint::labeled("fault", fault, count))
        .into()
}

fn rejections(snapshot: &Snapshot) -> Vec<MetricPoint> {
    let rejections = snapshot.totals.rejections;
    [
        ("open", rejections.open),
        ("half_open", rejections.half_open),
        ("ramping", rejections.ramping),
        ("forced_open", rejections.forced_open),
        ("bulkhead", rejections.bulkhead),
    ]
    .map(|(reason, count)| MetricPoint::labeled("reason", reason, count))
    .into()
}

fn fallbacks(snapshot: &Snapshot) -> Vec<MetricPoint> {
    let fallbacks = snapshot.totals.fallbacks;
    [("success", fallbacks.successes), ("failure", fallbacks.failures)]
        .map(|(result, count)| MetricPoint::labeled("result", result, count))
        .into()
}

fn cancellations(snapshot: &Snapshot) -> Vec<MetricPoint> {
    let cancellations = snapshot.totals.cancellations;
    [("ignored", cancellations.ignored), ("failure", cancellations.failures)]
        .map(|(result, count)| MetricPoint::labeled("result", result, count))
        .into()
}

fn changes(snapshot: &Snapshot) -> Vec<MetricPoint> {
    let pairs = State::ALL.into_iter().flat_map(|from| State::ALL.map(|to| (from, to)));
    let possible = pairs.filter(|(from, to)| from.can_become(*to));
    possible
        .map(|(from, to)| MetricPoint {
            labels: [
                Some(Label { name: "from", value: Cow::Borrowed(from.label()) }),
                Some(Label { name: "to", value: Cow::Borrowed(to.label()) }),
            ],
            value: MetricValue::Whole(snapshot.changes.count(from, to)),
        })
        .collect()
}

fn keys(snapshot: &Snapshot) -> Vec<MetricPoint> {
    let Some(keys) = snapshot.keys else { return Vec::new() };
    State::ALL.map(|state| MetricPoint::labeled("state", state.label(), keys.count(state))).into()
}

fn queue_items(snapshot: &Snapshot) -> Vec<MetricPoint> {
    let Some(queue) = snapshot.queue else { return Vec::new() };
    [
        ("queued", queue.queued),
        ("delivered", queue.delivered),
        ("discarded", queue.discarded),
        ("refused", queue.refused),
    ]
    .map(|(result, count)| MetricPoint::labeled("result", result, count))
    .into()
}

fn ratio(share: Option<f64>) -> Vec<MetricPoint> {
    share.into_iter().map(MetricPoint::real).collect()
}

#[allow(dead_code, reason = "Prometheus has integers")]
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
pub(super) const fn to_f64(value: MetricValue) -> f64 {
    match value {
        MetricValue::Whole(count) => count as f64,
        MetricValue::Real(number) => number,
    }
}

const fn state_number(state: State) -> u64 {
    match state {
        State::Closed | State::Disabled => 0,
        State::Open | State::ForcedOpen => 1,
        State::HalfOpen => 2,
    }
}

impl MetricPoint {
    pub(super) fn labeled(name: &'static str, value: impl Into<Cow<'static, str>>, count: u64) -> Self {
        Self { labels: [Some(Label { name, value: value.into() }), None], value: MetricValue::Whole(count) }
    }

    pub(super) const fn whole(value: u64) -> Self {
        Self { labels: [None, None], value: MetricValue::Whole(value) }
    }

    const fn real(value: f64) -> Self {
        Self { labels: [None, None], value: MetricValue::Real(value) }
    }
}
