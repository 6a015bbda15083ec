//! Which figures of a circuit breaker monitoring sees, whatever carries them there.
//!
//! Every series of a breaker exists from the first look at it, at zero: what begins at one has not grown, and
//! the first outage would be missed. A share of nothing is left out; it is no number. Of a breaker that has a
//! circuit for each key all figures are those of its circuits together: a key is no label, for there may be a
//! million of them.

use crate::snapshot::Snapshot;
use crate::state::State;

/// One figure, for each of its labels.
pub(super) struct Series {
    /// Without `_total`, which is how a counter ends.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    pub(super) points: fn(&Snapshot) -> Vec<Point>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    Gauge,
}

/// A number, and its labels beside the name of the circuit.
pub(super) struct Point {
    pub(super) labels: [Option<(&'static str, &'static str)>; 2],
    pub(super) value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Whole(u64),
    Real(f64),
}

pub(super) const SERIES: &[Series] = &[
    counter("circuit_breaker_calls", "How calls ended", calls),
    counter("circuit_breaker_rejections", "Calls that were not admitted, by the reason", rejections),
    counter("circuit_breaker_fallback", "Fallbacks that ran to their end, and what they gave", fallbacks),
    counter(
        "circuit_breaker_shadow_rejections",
        "Calls that went through in shadow mode and would have been rejected",
        |seen| vec![Point::whole(seen.shadow_rejections)],
    ),
    counter("circuit_breaker_state_changes", "State changes", changes),
    counter("circuit_breaker_open_seconds", "How long it was open", |seen| {
        vec![Point::real(seen.time_open.as_secs_f64())]
    }),
    gauge("circuit_breaker_state", "0 closed or disabled, 1 open or forced open, 2 half-open", |seen| {
        vec![Point::whole(number_of(seen.state))]
    }),
    gauge("circuit_breaker_failure_ratio", "Share of failures in the window", |seen| {
        ratio(seen.window.and_then(|window| window.failure_rate()))
    }),
    gauge("circuit_breaker_slow_call_ratio", "Share of slow calls in the window", |seen| {
        ratio(seen.window.and_then(|window| window.slow_call_rate()))
    }),
    gauge(
        "circuit_breaker_calls_in_flight",
        "Calls that are running, where their number is limited",
        |seen| seen.calls_in_flight.into_iter().map(|calls| Point::whole(calls.into())).collect(),
    ),
];

const fn counter(name: &'static str, help: &'static str, points: fn(&Snapshot) -> Vec<Point>) -> Series {
    Series { name, help, kind: Kind::Counter, points }
}

const fn gauge(name: &'static str, help: &'static str, points: fn(&Snapshot) -> Vec<Point>) -> Series {
    Series { name, help, kind: Kind::Gauge, points }
}

fn calls(seen: &Snapshot) -> Vec<Point> {
    let totals = seen.totals;
    [
        ("success", totals.successes),
        ("failure", totals.failures),
        ("timeout", totals.timeouts),
        ("ignored", totals.ignored),
        ("rejected", totals.rejected),
    ]
    .map(|(result, count)| Point::labelled("result", result, count))
    .into()
}

fn rejections(seen: &Snapshot) -> Vec<Point> {
    let rejections = seen.totals.rejections;
    [
        ("open", rejections.open),
        ("half_open", rejections.half_open),
        ("forced_open", rejections.forced_open),
        ("bulkhead", rejections.bulkhead),
    ]
    .map(|(reason, count)| Point::labelled("reason", reason, count))
    .into()
}

fn fallbacks(seen: &Snapshot) -> Vec<Point> {
    let fallbacks = seen.totals.fallbacks;
    [("success", fallbacks.successes), ("failure", fallbacks.failures)]
        .map(|(result, count)| Point::labelled("result", result, count))
        .into()
}

fn changes(seen: &Snapshot) -> Vec<Point> {
    let pairs = State::ALL.into_iter().flat_map(|from| State::ALL.map(|to| (from, to)));
    let possible = pairs.filter(|(from, to)| from.can_become(*to));
    possible
        .map(|(from, to)| Point {
            labels: [Some(("from", from.label())), Some(("to", to.label()))],
            value: Value::Whole(seen.changes.count(from, to)),
        })
        .collect()
}

fn ratio(share: Option<f64>) -> Vec<Point> {
    share.into_iter().map(Point::real).collect()
}

const fn number_of(state: State) -> u64 {
    match state {
        State::Closed | State::Disabled => 0,
        State::Open | State::ForcedOpen => 1,
        State::HalfOpen => 2,
    }
}

impl Point {
    fn labelled(key: &'static str, value: &'static str, count: u64) -> Self {
        Self { labels: [Some((key, value)), None], value: Value::Whole(count) }
    }

    const fn whole(value: u64) -> Self {
        Self { labels: [None; 2], value: Value::Whole(value) }
    }

    const fn real(value: f64) -> Self {
        Self { labels: [None; 2], value: Value::Real(value) }
    }
}
