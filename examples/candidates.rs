//! Candidates: other settings beside those of a function, compared on its live calls. The best one is promoted.
//!
//! ```text
//! cargo run -p breaker-examples --example candidates
//! ```
//!
//! The traffic is generated: ten calls per second for twenty minutes, on the clock of a test. Four times the airline is
//! down for a minute. At all other times, one of twelve calls fails.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use breaker_runtime::shadow::{Candidate, CandidateReport};
use breaker_runtime::testing::{self, Scope};
use breaker_runtime::{Config, Mode, Registry, circuit_breaker};

const CALLS: u32 = 12_000;
const INTERVAL: Duration = Duration::from_millis(100);

/// In shadow mode the breaker rejects no call, so that candidates see all of them.
#[circuit_breaker(name = "airline", mode = "shadow", recovery_timeout = "10s")]
fn price(airline: Airline) -> Result<u32> {
    ensure!(airline == Airline::Up, "the airline does not answer");
    Ok(99)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Airline {
    Up,
    Down,
}

/// Returns the state of the airline at one call.
fn airline(call: u32) -> Airline {
    let is_outage = call % 3_000 >= 2_400;
    // Spread evenly, but without a pattern that the settings could fit by accident.
    let is_unlucky = call.wrapping_mul(2_654_435_761) >> 16 < 65_536 / 12;
    if is_outage || is_unlucky { Airline::Down } else { Airline::Up }
}

fn main() -> Result<()> {
    testing::scope(|scope| run(&scope))
}

fn run(scope: &Scope) -> Result<()> {
    let registry = Registry::global(); // in the scope of a test, its registry
    let settings = || Config::builder().mode(Mode::Enforce); // takes effect when a candidate is promoted
    let candidates = [
        registry.shadow("airline", "eager", settings().failure_threshold(1))?,
        registry.shadow("airline", "balanced", settings().failure_threshold(4))?,
        registry.shadow("airline", "patient", settings().failure_threshold(100))?,
    ];
    for call in 0..CALLS {
        _ = price(airline(call));
        scope.advance(INTERVAL);
    }

    for candidate in &candidates {
        println!("{}\n", candidate.report());
    }
    let best =
        candidates.iter().max_by_key(|candidate| benefit(candidate)).context("expected a candidate")?;
    let report = best.promote("alice")?;
    for change in report.changes() {
        println!("promoted {}: {change}", best.name());
    }
    ensure!(best.name() == "balanced", "expected the balanced settings to be the best ones");
    let breaker = registry.get("airline").context("expected the function to have a breaker")?;
    ensure!(breaker.config().failure_threshold() == Some(4), "expected the settings to be promoted");
    ensure!(breaker.config().mode() == Mode::Enforce, "expected the breaker to reject calls from now on");
    Ok(())
}

/// Returns what a candidate is worth. A lost success costs as much here as two failures that are spared.
fn benefit(candidate: &Candidate) -> i64 {
    let CandidateReport { spared_failures, lost_successes, .. } = candidate.report();
    spared_failures.cast_signed() - 2 * lost_successes.cast_signed()
}
