//! A failure rate over the last calls: the circuit opens when half of them have failed.
//!
//! ```text
//! cargo run -p breaker-examples --example windows
//! ```
//!
//! The service fails from time to time, but never several times in a row. The first failures do not open the
//! circuit, because a rate applies only from `minimum_calls` on.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use anyhow::{Context as _, Result, ensure};
use breaker_runtime::{CircuitBreaker, Registry, State, TripReason, WindowCounts, circuit_breaker};

#[circuit_breaker(name = "warehouse", window = 10, failure_rate = 0.5, minimum_calls = 6)]
fn stock(nth: u32, broken: bool) -> Result<u32> {
    ensure!(!broken, "the warehouse does not respond");
    Ok(nth)
}

fn main() -> Result<()> {
    // The first two calls fail, but the rate applies only from six calls on. Then most calls succeed.
    let calls = [true, true, false, false, false, false, true, false, false, false];
    for (nth, broken) in (1..).zip(calls) {
        call(nth, broken)?;
    }
    ensure!(
        state()? == State::Closed,
        "expected the circuit to stay closed while fewer than half of the calls fail"
    );
    println!("from now on, every second call fails");
    let mut nth = 11;
    while state()? == State::Closed {
        ensure!(nth <= 20, "expected the circuit to open within ten more calls");
        call(nth, nth % 2 == 1)?;
        nth += 1;
    }
    let opened = breaker()?.snapshot().last_transition.context("expected a transition")?;
    println!("{opened}");
    ensure!(
        matches!(opened.trip, Some(TripReason::FailureRate { .. })),
        "expected the failure rate to open the circuit"
    );
    Ok(())
}

fn call(nth: u32, broken: bool) -> Result<()> {
    let result = stock(nth, broken).map_or_else(|error| error.to_string(), |_| "succeeded".to_owned());
    let breaker = breaker()?;
    let WindowCounts { calls, failures, .. } =
        breaker.snapshot().window.context("expected the circuit to have a window")?;
    println!("call {nth:>2}: {result:<34} {failures} of the last {calls} failed, {:?}", breaker.state());
    Ok(())
}

fn state() -> Result<State> {
    Ok(breaker()?.state())
}

fn breaker() -> Result<CircuitBreaker> {
    Registry::global().get("warehouse").context("expected the breaker to be registered by its first call")
}
