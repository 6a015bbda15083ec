//! Random scripts, played to the library and to a breaker so plain that it is obviously right.

#![expect(
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot get what it needs has failed"
)]

#[path = "model/obvious.rs"]
mod obvious;

use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{Cause, CircuitBreaker, Config, Outcome, Permit, Registry};
use obvious::{Call, Obvious};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Acquire,
    /// Ends one of the calls that are running.
    End(usize, End),
    Advance(u64),
    Order(Cause),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Settled(Outcome),
    Dropped,
    Forgotten,
}

const ORDERS: [Cause; 5] =
    [Cause::ForcedOpen, Cause::ForcedClosed, Cause::Disabled, Cause::Released, Cause::Reset];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let end = prop_oneof![
        3 => Just(End::Settled(Outcome::Success)),
        3 => Just(End::Settled(Outcome::Failure)),
        2 => Just(End::Settled(Outcome::Ignored)),
        1 => Just(End::Dropped),
        1 => Just(End::Forgotten),
    ];
    let step = prop_oneof![
        10 => Just(Step::Acquire),
        10 => (any::<usize>(), end).prop_map(|(which, end)| Step::End(which, end)),
        4 => (0_u64..15).prop_map(Step::Advance),
        1 => prop::sample::select(&ORDERS).prop_map(Step::Order),
    ];
    prop::collection::vec(step, 1..400)
}

fn settings() -> impl Strategy<Value = Obvious> {
    (1_u32..4, 1_u64..20, 1_usize..4, 1_u32..4, 1_u64..20).prop_map(
        |(threshold, recovery, places, successes, lease)| {
            Obvious::new(threshold, recovery, places, successes, lease)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_script_tells_the_breaker_from_the_obvious_one(model in settings(), script in steps()) {
        play(model, script)?;
    }
}

fn play(mut model: Obvious, script: Vec<Step>) -> Result<(), TestCaseError> {
    let clock = Clock::new();
    let breaker =
        Registry::with_clock(&clock).register("model", config(&model)).expect("the registry is empty");
    let mut running: Vec<(Permit<'_>, Call)> = Vec::new();
    for step in script {
        match step {
            Step::Acquire => running.extend(acquire(&breaker, &mut model)?),
            Step::End(which, end) => {
                if let Some((permit, call)) = take(&mut running, which) {
                    end_both(permit, call, end, &mut model);
                }
            }
            Step::Advance(nanos) => {
                clock.advance(Duration::from_nanos(nanos));
                model.now += nanos;
            }
            Step::Order(cause) => {
                order(&breaker, cause);
                model.order(cause);
            }
        }
        compare(&breaker, &model)?;
    }
    Ok(())
}

fn config(model: &Obvious) -> Config {
    Config::builder()
        .failure_threshold(model.threshold)
        .recovery_timeout(Duration::from_nanos(model.recovery))
        .half_open_max_calls(u32::try_from(model.places).expect("it is small"))
        .success_threshold(model.successes)
        .half_open_timeout(Duration::from_nanos(model.lease))
        .build()
        .expect("the settings are in range")
}

fn end_both(permit: Permit<'_>, call: Call, end: End, model: &mut Obvious) {
    match end {
        End::Settled(outcome) => {
            permit.settle(outcome);
            model.settle(call, outcome);
        }
        End::Dropped => {
            drop(permit);
            model.settle(call, Outcome::Ignored);
        }
        End::Forgotten => std::mem::forget(permit),
    }
}

fn acquire<'a>(
    breaker: &'a CircuitBreaker,
    model: &mut Obvious,
) -> Result<Option<(Permit<'a>, Call)>, TestCaseError> {
    match (breaker.try_acquire(), model.acquire()) {
        (Ok(permit), Some(call)) => {
            prop_assert_eq!(permit.is_trial(), call.is_trial());
            Ok(Some((permit, call)))
        }
        (Err(error), None) => {
            prop_assert_eq!(error.retry_after().map(nanos), model.retry_after());
            Ok(None)
        }
        (ours, theirs) => Err(TestCaseError::fail(format!("{ours:?}, but the model says {theirs:?}"))),
    }
}

fn take<'a>(running: &mut Vec<(Permit<'a>, Call)>, which: usize) -> Option<(Permit<'a>, Call)> {
    if running.is_empty() { None } else { Some(running.swap_remove(which % running.len())) }
}

fn order(breaker: &CircuitBreaker, cause: Cause) {
    match cause {
        Cause::ForcedOpen => breaker.force_open(),
        Cause::ForcedClosed => breaker.force_closed(),
        Cause::Disabled => breaker.disable(),
        Cause::Released => breaker.release(),
        Cause::Reset => breaker.reset(),
        _ => unreachable!("{cause} is no order"),
    }
}

fn compare(breaker: &CircuitBreaker, model: &Obvious) -> Result<(), TestCaseError> {
    let ours = breaker.snapshot();
    let theirs = model.seen();
    prop_assert_eq!(ours.state, theirs.state);
    prop_assert_eq!(breaker.state(), theirs.state);
    prop_assert_eq!(ours.generation, theirs.generation);
    prop_assert_eq!(nanos(ours.time_in_state), theirs.now - theirs.since);
    prop_assert_eq!(ours.retry_after.map(nanos), theirs.retry_after());
    prop_assert_eq!(ours.consecutive_failures, theirs.run);
    prop_assert_eq!(ours.trials_in_flight, theirs.trials.len());
    let totals = ours.totals;
    prop_assert_eq!([totals.successes, totals.failures, totals.ignored, totals.rejected], theirs.totals);
    Ok(())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("the scripts are short")
}
