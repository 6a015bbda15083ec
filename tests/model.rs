//! Runs random scripts on the library and on a reference model that is simple enough to be correct by
//! inspection.
//!
//! Each kind of policy gets many short scripts, which shrink well, and a few scripts of 10,000 steps.
//!
//! | file | contents |
//! |---|---|
//! | `reference.rs` | the reference model |
//! | `window.rs` | the window of the reference model |
//! | `policy.rs` | the settings, for the model and for the library |
//! | `script.rs` | random policies and scripts |
//! | `play.rs` | runs a script on both and compares them |
//! | `retry_budget.rs` | the retry budget of a circuit, with a model of its own |

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test whose preconditions fail has failed"
)]

#[path = "model/play.rs"]
mod play;
#[path = "model/policy.rs"]
mod policy;
#[path = "model/reference.rs"]
mod reference;
#[path = "model/retry_budget.rs"]
mod retry_budget;
#[path = "model/script.rs"]
mod script;
#[path = "model/window.rs"]
mod window;

use breaker_runtime::{Cause, TripReason};
use play::play;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use reference::{Change, Model};
use script::{Policies, steps};

const SHORT_SCRIPTS: u32 = 150;
const LONG_SCRIPT: usize = 10_000;
const SEEDS: [u8; 3] = [1, 2, 3];

/// Runs scripts with these policies on the library and on the model.
///
/// `is_relevant` selects the changes that the policies are meant to cause. A long script that causes only a
/// few of them fails the test, because it would prove nothing.
fn check(policies: &Policies, is_relevant: fn(&Change) -> bool) {
    let config = ProptestConfig {
        cases: SHORT_SCRIPTS,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    };
    let short = (policies.clone(), vec(steps(policies, 30), 1..200));
    TestRunner::new(config.clone())
        .run(&short, |(policy, script)| play(policy, script).map(drop))
        .unwrap_or_else(|failure| panic!("{failure}"));
    // Without leaked permits: they would use up the bulkhead early in a long script.
    let long = (policies.clone(), vec(steps(policies, 0), LONG_SCRIPT));
    for seed in SEEDS {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let config = ProptestConfig { cases: 1, max_shrink_iters: 200, ..config.clone() };
        TestRunner::new_with_rng(config, rng)
            .run(&long, |(policy, script)| is_relevant_often(&play(policy, script)?, is_relevant))
            .unwrap_or_else(|failure| panic!("{failure}"));
    }
}

fn is_relevant_often(model: &Model, is_relevant: fn(&Change) -> bool) -> Result<(), TestCaseError> {
    let times = model.changes.iter().filter(|change| is_relevant(change)).count();
    prop_assert!(times >= 10, "only {} of {} changes are relevant", times, model.changes.len());
    Ok(())
}

#[test]
fn a_run_of_failures_opens_as_in_the_reference_model() {
    check(&script::consecutive(), |change| {
        matches!(change.trip, Some(TripReason::ConsecutiveFailures { .. }))
    });
}

#[test]
fn failures_in_a_count_based_window_open_as_in_the_reference_model() {
    // Regression of tower-resilience: after 10,000 successes it took 10,000 failures to open.
    check(&script::failures_in_calls(), |change| {
        matches!(change.trip, Some(TripReason::FailuresInWindow { .. }))
    });
}

#[test]
fn a_failure_rate_opens_as_in_the_reference_model() {
    // Regression of recloser PR#10 and failsafe: a success opened the circuit, and the first window was ignored.
    check(&script::failure_rate(), |change| matches!(change.trip, Some(TripReason::FailureRate { .. })));
}

#[test]
fn a_slow_call_rate_opens_as_in_the_reference_model() {
    check(&script::slow_call_rate(), |change| matches!(change.trip, Some(TripReason::SlowCallRate { .. })));
}

#[test]
fn several_rules_open_as_in_the_reference_model() {
    check(&script::several_rules(), |change| change.trip.is_some());
}

#[test]
fn a_time_based_window_opens_as_in_the_reference_model() {
    // Regression of tower-resilience: one successful call per idle period opened the circuit.
    check(&script::time_based_window(), |change| change.trip.is_some());
}

#[test]
fn backoff_grows_as_in_the_reference_model() {
    check(&script::backoff(), |change| change.cause == Cause::TrialFailed);
}

#[test]
fn a_ramp_admits_and_reopens_as_in_the_reference_model() {
    check(&script::ramp(), |change| change.cause == Cause::TrialsPassed);
}

#[test]
fn a_call_that_hangs_opens_as_in_the_reference_model() {
    check(&script::hang(), |change| matches!(change.trip, Some(TripReason::HangingCall { .. })));
}

#[test]
fn the_decisions_of_a_fleet_are_followed_as_in_the_reference_model() {
    check(&script::any_policy(), |change| {
        matches!(change.cause, Cause::FleetOpened | Cause::FleetClosed | Cause::FleetTrial)
    });
}

#[test]
fn shadow_mode_opens_as_in_the_reference_model_and_rejects_nothing() {
    check(&script::shadow(), |change| change.trip.is_some());
}

#[test]
fn a_bulkhead_rejects_and_opens_as_in_the_reference_model() {
    check(&script::max_concurrent(), |change| change.cause != Cause::Reset);
}

#[test]
fn new_settings_take_effect_as_in_the_reference_model() {
    // Regression of resilience4j#2325 #1116: new settings lost the state.
    check(&script::any_policy(), |change| change.trip.is_some());
}
