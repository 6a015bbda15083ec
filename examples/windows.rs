//! A failure rate over the last calls: the circuit opens when half of them have failed.
//!
//! ```text
//! cargo run -p breaker-examples --example windows
//! ```
//!
//! The service fails at times, but never often enough in a row for a threshold of consecutive failures. A few
//! failures right after the start do not open the circuit, because a rate waits for `minimum_calls`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use anyhow::{Context as _, Result, ensure};
use breaker_runtime::{Registry, State, TripReason, WindowCounts, circuit_breaker};

#[circuit_breaker(name = "warehouse", window = 10, failure_rate = 0.5, minimum_calls = 6)]
fn stock(nth: u32, broken: bool) -> Result<u32> {
    ensure!(!broken, "the warehouse does not respond");
    Ok(nth)
}

fn main() -> Result<()> {
    // The first two calls fail, but three calls are too few for a rate. Then most calls succeed.
    let calls = [true, true, false, false, false, false, true, false, false, false];
    for (nth, broken) in (1..).zip(calls) {
        call(nth, broken)?;
    }
    ensure!(
        state()? == State::Closed,
        "less than half of the calls have failed whenever there were enough calls"
    );
    println!("from now on, every second call fails");
    let mut nth = 11;
    while state()? == State::Closed {
        ensure!(nth <= 20, "half of the last ten calls have failed by then");
        call(nth, nth % 2 == 1)?;
        nth += 1;
    }
    let breaker = Registry::global().get("warehouse").context("the function was called")?;
    let opened = breaker.snapshot().last_transition.context("the circuit opened")?;
    println!("{opened}");
    ensure!(
        matches!(opened.trip, Some(TripReason::FailureRate { .. })),
        "the failure rate opens the circuit"
    );
    Ok(())
}

fn call(nth: u32, broken: bool) -> Result<()> {
    let result = stock(nth, broken).map_or_else(|error| error.to_string(), |_| "succeeded".to_owned());
    let breaker = Registry::global().get("warehouse").context("the function was called")?;
    let WindowCounts { calls, failures, .. } =
        breaker.snapshot().window.context("the circuit has a window")?;
    println!("call {nth:>2}: {result:<34} {failures} of the last {calls} failed, {:?}", breaker.state());
    Ok(())
}

fn state() -> Result<State> {
    Ok(Registry::global().get("warehouse").context("the function was called")?.state())
}
