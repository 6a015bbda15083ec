//! The length of a window.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder};

use super::curves::{Chart, Curve, Order, Probe, Unit, seconds_per_call};
use super::work::work_or_fail;

const LENGTHS: [u32; 6] = [10, 100, 1000, 10_000, 100_000, 1_000_000];
const CALLS: u32 = 50_000;
const SNAPSHOTS: u32 = 1000;
/// Calls before the first measurement. They fill each window.
const FILLING: u32 = 1_000_000;

pub(crate) fn charts() -> Vec<Chart> {
    let counted = |length| Config::builder().window_calls(length);
    let timed = |length| Config::builder().window_time(Duration::from_secs(u64::from(length)));
    let curves = vec![
        calls("call, count window, one of 64 failing", 64, counted),
        calls("call, count window, one of 3 failing", 3, counted),
        calls("call, time window, one of 64 failing", 64, timed),
        calls("call, time window, one of 3 failing", 3, timed),
        snapshots("snapshot, count window", counted),
        snapshots("snapshot, time window", timed),
        reopening("first two calls after a state change", counted),
    ];
    vec![Chart { title: "Window", axis: "calls or seconds", unit: Unit::Seconds, curves }]
}

fn calls(name: &'static str, period: u64, window: impl Fn(u32) -> ConfigBuilder) -> Curve {
    let breakers = breakers(period, window);
    let probes = breakers.iter().map(|(length, breaker)| {
        Probe::new(*length, move || seconds_per_call(CALLS, |number| call(breaker, period, number)))
    });
    Curve::measure(name, Order::Constant, probes.collect())
}

fn snapshots(name: &'static str, window: impl Fn(u32) -> ConfigBuilder) -> Curve {
    let breakers = breakers(3, window);
    let probes = breakers.iter().map(|(length, breaker)| {
        Probe::new(*length, move || {
            seconds_per_call(SNAPSHOTS, |_| _ = std::hint::black_box(breaker.snapshot().window))
        })
    });
    Curve::measure(name, Order::Constant, probes.collect())
}

/// Measures calls that find results of an older generation in a full window.
fn reopening(name: &'static str, window: impl Fn(u32) -> ConfigBuilder) -> Curve {
    let breakers = breakers(3, window);
    let probes = breakers.iter().map(|(length, breaker)| {
        Probe::new(*length, move || {
            (0..*length).for_each(|number| call(breaker, 3, number));
            breaker.reset();
            seconds_per_call(2, |number| call(breaker, 1, number))
        })
    });
    Curve::measure(name, Order::Constant, probes.collect())
}

fn breakers(period: u64, window: impl Fn(u32) -> ConfigBuilder) -> Vec<(u32, CircuitBreaker)> {
    let breakers = LENGTHS.map(|length| {
        let config = window(length).failure_rate(1.0).build().expect("the settings are valid");
        let breaker = CircuitBreaker::new("growth", config).expect("the name is valid");
        (0..FILLING).for_each(|number| call(&breaker, period, number));
        (length, breaker)
    });
    breakers.into()
}

fn call(breaker: &CircuitBreaker, period: u64, number: u32) {
    _ = std::hint::black_box(breaker.call(|| work_or_fail(period, u64::from(number))));
}
