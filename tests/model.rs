//! Random scripts, played to the library and to a breaker so plain that it is obviously right: for each
//! kind of policy many short ones, which shrink well, and a few of 10,000 steps.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot get what it needs has failed"
)]

#[path = "model/obvious.rs"]
mod obvious;
#[path = "model/play.rs"]
mod play;
#[path = "model/policy.rs"]
mod policy;
#[path = "model/script.rs"]
mod script;
#[path = "model/window.rs"]
mod window;

use breaker_runtime::{Cause, TripReason};
use obvious::{Changed, Obvious};
use play::play;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use script::{Family, steps};

const SHORT_SCRIPTS: u32 = 150;
const LONG_SCRIPT: usize = 10_000;
const SEEDS: [u8; 3] = [1, 2, 3];

/// Plays scripts for policies of this family. `shows` says of a change that it is what the family is for:
/// long scripts that never came there would prove nothing.
fn prove(family: &Family, shows: fn(&Changed) -> bool) {
    let config = ProptestConfig {
        cases: SHORT_SCRIPTS,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    };
    let short = (family.clone(), vec(steps(family, 30), 1..200));
    TestRunner::new(config.clone())
        .run(&short, |(policy, script)| play(policy, script).map(drop))
        .unwrap_or_else(|failure| panic!("{failure}"));
    // Without leaks, or no place in a bulkhead would be left for most of it.
    let long = (family.clone(), vec(steps(family, 0), LONG_SCRIPT));
    for seed in SEEDS {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let config = ProptestConfig { cases: 1, max_shrink_iters: 200, ..config.clone() };
        TestRunner::new_with_rng(config, rng)
            .run(&long, |(policy, script)| came_there(&play(policy, script)?, shows))
            .unwrap_or_else(|failure| panic!("{failure}"));
    }
}

fn came_there(model: &Obvious, shows: fn(&Changed) -> bool) -> Result<(), TestCaseError> {
    let times = model.changes.iter().filter(|change| shows(change)).count();
    prop_assert!(times >= 10, "only {} times of {} changes", times, model.changes.len());
    Ok(())
}

#[test]
fn a_run_of_failures_opens_as_the_obvious_breaker_does() {
    prove(&script::consecutive(), |change| {
        matches!(change.trip, Some(TripReason::ConsecutiveFailures { .. }))
    });
}

#[test]
fn failures_in_a_window_of_calls_open_as_the_obvious_breaker_does() {
    // tower-resilience: 10,000 failures were needed after 10,000 successes.
    prove(&script::failures_in_calls(), |change| {
        matches!(change.trip, Some(TripReason::FailuresInWindow { .. }))
    });
}

#[test]
fn a_rate_of_failures_opens_as_the_obvious_breaker_does() {
    // recloser PR#10, failsafe: a success opened it, and the first window was blind.
    prove(&script::failure_rate(), |change| matches!(change.trip, Some(TripReason::FailureRate { .. })));
}

#[test]
fn a_rate_of_slow_calls_opens_as_the_obvious_breaker_does() {
    prove(&script::slow_call_rate(), |change| matches!(change.trip, Some(TripReason::SlowCallRate { .. })));
}

#[test]
fn several_rules_open_as_the_obvious_breaker_does() {
    prove(&script::several_rules(), |change| change.trip.is_some());
}

#[test]
fn a_window_of_time_opens_as_the_obvious_breaker_does() {
    // tower-resilience: one good call per idle period opened it.
    prove(&script::window_of_time(), |change| change.trip.is_some());
}

#[test]
fn backoff_grows_as_that_of_the_obvious_breaker_does() {
    prove(&script::backoff(), |change| change.cause == Cause::TrialFailed);
}

#[test]
fn in_shadow_mode_it_opens_as_the_obvious_breaker_does_and_rejects_nothing() {
    prove(&script::shadow(), |change| change.trip.is_some());
}

#[test]
fn with_few_calls_at_a_time_it_opens_as_the_obvious_breaker_does() {
    prove(&script::max_concurrent(), |change| change.cause != Cause::Reset);
}

#[test]
fn settings_applied_in_the_middle_mean_what_they_mean_to_the_obvious_breaker() {
    // resilience4j#2325 #1116: reconfiguring lost the state.
    prove(&script::any_policy(), |change| change.trip.is_some());
}
