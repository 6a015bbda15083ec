//! A rate over the last calls: when half of them have failed, the circuit opens.
//!
//! ```text
//! cargo run -p breaker-examples --example windows
//! ```
//!
//! The service fails now and then, which a run of failures would never notice, and a few failures right
//! after the start prove nothing: a rate waits for `minimum_calls`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use anyhow::{Context as _, Result, ensure};
use breaker_runtime::{Registry, State, TripReason, WindowCounts, circuit_breaker};

#[circuit_breaker(name = "warehouse", window = 10, failure_rate = 0.5, minimum_calls = 6)]
fn stock(nth: u32, broken: bool) -> Result<u32> {
    ensure!(!broken, "the warehouse does not answer");
    Ok(nth)
}

fn main() -> Result<()> {
    // Two failures of three calls: too few calls to say anything. Then it works, mostly.
    let calls = [true, true, false, false, false, false, true, false, false, false];
    for (nth, broken) in (1..).zip(calls) {
        call(nth, broken)?;
    }
    ensure!(state()? == State::Closed, "at no time had half of enough calls failed");
    println!("from now on every other call fails, and never two in a row");
    let mut nth = 11;
    while state()? == State::Closed {
        ensure!(nth <= 20, "half of the last ten have failed by then");
        call(nth, nth % 2 == 1)?;
        nth += 1;
    }
    let breaker = Registry::global().get("warehouse").context("it was called")?;
    let opened = breaker.snapshot().last_transition.context("it opened")?;
    println!("{opened}");
    ensure!(matches!(opened.trip, Some(TripReason::FailureRate { .. })), "it was the rate that opened it");
    Ok(())
}

fn call(nth: u32, broken: bool) -> Result<()> {
    let answer = stock(nth, broken).map_or_else(|error| error.to_string(), |_| "works".to_owned());
    let breaker = Registry::global().get("warehouse").context("it was called")?;
    let WindowCounts { calls, failures, .. } = breaker.snapshot().window.context("it has a window")?;
    println!("call {nth:>2}: {answer:<30} {failures} of the last {calls} failed, {:?}", breaker.state());
    Ok(())
}

fn state() -> Result<State> {
    Ok(Registry::global().get("warehouse").context("it was called")?.state())
}
