//! Plays a script to the library and to the obvious breaker, and compares all there is to see.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{Cause, CircuitBreaker, Event, Outcome, Permit, Registry, Snapshot, State, Transition};
use proptest::prelude::*;

use crate::obvious::{Call, Changed, Obvious};
use crate::policy::Policy;
use crate::script::{End, Step};
use crate::window::Counts;

const STATES: [State; 5] = [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::Disabled];

type Told = Arc<Mutex<Vec<Transition>>>;

/// What the obvious breaker has become in the end.
pub(crate) fn play(policy: Policy, script: Vec<Step>) -> Result<Obvious, TestCaseError> {
    let clock = Clock::new();
    let mut model = Obvious::new(policy);
    let registry = Registry::with_clock(&clock);
    let breaker = registry.register("model", policy.config()).expect("the registry is empty");
    let told = Told::default();
    let listening = breaker.listen(listener(&told));
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
                model.advance(nanos);
            }
            Step::Order(cause) => {
                order(&breaker, cause);
                model.order(cause);
            }
            Step::Apply(policy) => {
                breaker.set_config(policy.config());
                model.set_config(policy);
            }
        }
        compare(&breaker, &model)?;
        compare_told(&told, &model)?;
    }
    compare_changes(&breaker.snapshot(), &model)?;
    drop(listening);
    Ok(model)
}

fn listener(told: &Told) -> impl Fn(&Event) + use<> {
    let told = Arc::clone(told);
    move |event| {
        if let Event::StateChanged(change) = event {
            told.lock().expect("nobody panics").push(change.transition().clone());
        }
    }
}

fn acquire<'a>(
    breaker: &'a CircuitBreaker,
    model: &mut Obvious,
) -> Result<Option<(Permit<'a>, Call)>, TestCaseError> {
    match (breaker.try_acquire(), model.acquire()) {
        (Ok(permit), Ok(call)) => {
            prop_assert_eq!(permit.is_trial(), call.is_trial());
            Ok(Some((permit, call)))
        }
        (Err(error), Err(kind)) => {
            prop_assert_eq!(error.kind(), kind);
            prop_assert_eq!(error.retry_after().map(nanos), model.retry_after());
            Ok(None)
        }
        (ours, theirs) => Err(TestCaseError::fail(format!("{ours:?}, but the model says {theirs:?}"))),
    }
}

fn take<'a>(running: &mut Vec<(Permit<'a>, Call)>, which: usize) -> Option<(Permit<'a>, Call)> {
    if running.is_empty() { None } else { Some(running.swap_remove(which % running.len())) }
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

fn order(breaker: &CircuitBreaker, cause: Cause) {
    match cause {
        Cause::ForcedOpen => breaker.force_open(),
        Cause::ForcedClosed => breaker.force_close(),
        Cause::Disabled => breaker.disable(),
        Cause::Released => breaker.release(),
        Cause::Reset => breaker.reset(),
        _ => unreachable!("{cause} is no order"),
    }
}

fn compare(breaker: &CircuitBreaker, model: &Obvious) -> Result<(), TestCaseError> {
    let ours = breaker.snapshot();
    prop_assert_eq!(ours.state, model.state);
    prop_assert_eq!(breaker.state(), model.state);
    prop_assert_eq!(ours.generation, model.generation);
    prop_assert_eq!(nanos(ours.time_in_state), model.now - model.since);
    prop_assert_eq!(ours.retry_after.map(nanos), model.retry_after());
    prop_assert_eq!(ours.consecutive_failures, model.run);
    let window =
        ours.window.map(|held| Counts { calls: held.calls, failures: held.failures, slow: held.slow });
    prop_assert_eq!(window, model.window());
    prop_assert_eq!(ours.trials_in_flight, model.trials.len());
    let in_flight = model.policy.max_concurrent.map(|_| model.in_bulkhead);
    prop_assert_eq!(ours.calls_in_flight, in_flight);
    prop_assert_eq!(ours.shadow_rejections, model.shadow_rejections);
    prop_assert_eq!(nanos(ours.time_open), model.time_open_until(model.now));
    prop_assert_eq!(ours.last_transition.as_deref().map(changed), model.changes.last().copied());
    compare_totals(&ours, model)
}

fn compare_totals(ours: &Snapshot, model: &Obvious) -> Result<(), TestCaseError> {
    let (totals, rejections) = (ours.totals, ours.totals.rejections);
    let theirs = |total| model.totals.get(total).copied().unwrap_or_default();
    prop_assert_eq!(totals.successes, theirs("success"));
    prop_assert_eq!(totals.failures, theirs("failure"));
    prop_assert_eq!(totals.ignored, theirs("ignored"));
    prop_assert_eq!(totals.timeouts, 0);
    prop_assert_eq!(rejections.open, theirs("open"));
    prop_assert_eq!(rejections.half_open, theirs("half-open"));
    prop_assert_eq!(rejections.forced_open, theirs("forced open"));
    prop_assert_eq!(rejections.bulkhead, theirs("bulkhead"));
    prop_assert_eq!(totals.calls(), model.totals.values().sum::<u64>());
    Ok(())
}

/// Each change is told once, in order; only a lease that ran out may not have been noticed yet.
fn compare_told(told: &Told, model: &Obvious) -> Result<(), TestCaseError> {
    let told = told.lock().expect("nobody panics");
    let untold = model.changes.get(told.len()..).unwrap_or_default();
    prop_assert!(matches!(untold, [] | [Changed { cause: Cause::LeaseExpired, .. }]), "{:?}", untold);
    prop_assert!(told.len() <= model.changes.len());
    let last = told.last().map(changed);
    prop_assert_eq!(last, told.len().checked_sub(1).and_then(|last| model.changes.get(last)).copied());
    prop_assert_eq!(told.last().map_or(0, |last| last.generation), told.len() as u64);
    Ok(())
}

fn compare_changes(ours: &Snapshot, model: &Obvious) -> Result<(), TestCaseError> {
    for (from, to) in STATES.into_iter().flat_map(|from| STATES.map(|to| (from, to))) {
        let theirs = model.changes.iter().filter(|change| (change.from, change.to) == (from, to)).count();
        prop_assert_eq!(ours.changes.count(from, to), theirs as u64);
    }
    Ok(())
}

fn changed(transition: &Transition) -> Changed {
    let &Transition { from, to, cause, trip, .. } = transition;
    Changed { from, to, cause, trip }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("the scripts are short")
}
