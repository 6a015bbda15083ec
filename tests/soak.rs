//! Measures memory: ended calls and dropped breakers leak nothing, idle breakers are small, and only the
//! first call of a breaker allocates.
//!
//! Allocations are counted per thread. For memory that two threads share, both measure and the results are
//! added.

#![expect(clippy::unwrap_used, reason = "a test whose preconditions fail has failed")]

#[path = "soak/calls.rs"]
mod calls;
#[path = "soak/memory.rs"]
mod memory;

use std::time::Duration;

use allocation_counter::AllocationInfo;
use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, Registry};

/// Returns settings with every kind of window and of optional state.
fn kinds() -> [(&'static str, ConfigBuilder); 5] {
    let settings = || Config::builder().half_open_max_calls(2).success_threshold(2);
    let minute = Duration::from_secs(60);
    [
        ("consecutive", settings().failure_threshold(5)),
        ("count-based window", settings().window_calls(100).failure_rate(0.6)),
        ("time-based window", settings().window_time(Duration::from_secs(10)).failure_rate(0.6)),
        ("slow calls", settings().window_calls(100).failure_rate(0.6).slow_call(minute)),
        ("bulkhead", settings().failure_threshold(5).max_concurrent(10)),
    ]
}

fn breaker(settings: ConfigBuilder) -> (Clock, CircuitBreaker) {
    let clock = Clock::new();
    let breaker = Registry::with_clock(&clock).register("soak", settings.build().unwrap()).unwrap();
    (clock, breaker)
}

/// Makes a call with this outcome, if the circuit admits it.
fn end(breaker: &CircuitBreaker, outcome: Outcome) {
    if let Ok(permit) = breaker.try_acquire() {
        permit.settle(outcome);
    }
}

fn measure(action: impl FnMut()) -> AllocationInfo {
    allocation_counter::measure(action)
}
