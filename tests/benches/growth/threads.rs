//! The number of threads that call one function.

use breaker_runtime::circuit_breaker;

use super::curves::{Chart, Curve, Order, Probe, Unit};
use super::throughput::calls_per_second;
use super::work::{WorkResult, repeat, work, work_or_fail};

const THREADS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];

#[circuit_breaker]
fn closed(number: u64) -> WorkResult {
    work(number)
}

#[circuit_breaker(window = 100, failure_rate = 0.5)]
fn in_window(number: u64) -> WorkResult {
    work(number)
}

#[circuit_breaker(window = 100, failure_rate = 0.5)]
fn in_failing_window(number: u64) -> WorkResult {
    work_or_fail(64, number)
}

#[circuit_breaker]
fn failing(number: u64) -> WorkResult {
    work_or_fail(10, number)
}

#[circuit_breaker(max_concurrent = 100)]
fn limited(number: u64) -> WorkResult {
    work(number)
}

pub(crate) fn charts() -> Vec<Chart> {
    let curves = vec![
        curve("closed", closed),
        curve("window, no failure", in_window),
        curve("window, one of 64 failing", in_failing_window),
        curve("10 % failing", failing),
        curve("max_concurrent", limited),
    ];
    vec![Chart { title: "Calls of one function", axis: "threads", unit: Unit::CallsPerSecond, curves }]
}

fn curve(name: &'static str, function: fn(u64) -> WorkResult) -> Curve {
    let run = move |calls| repeat(calls, |number| _ = std::hint::black_box(function(number)));
    let probes = THREADS.iter().map(|&threads| {
        Probe::new(threads, move || calls_per_second(run, usize::try_from(threads).unwrap_or(1)))
    });
    Curve::measure(name, Order::Constant, probes.collect())
}
