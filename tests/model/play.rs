//! Runs a script on the library and on the reference model, and compares everything that is visible after
//! each step.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::testing::{Clock, adoption};
use breaker_runtime::{
    Cause, CircuitBreaker, Event, Permit, Registry, Snapshot, State, Transition, TripReason,
};
use proptest::prelude::*;

use crate::policy::Policy;
use crate::reference::{Call, Change, Model};
use crate::script::{Adoption, End, Nested, Step};
use crate::window::Counts;

const STATES: [State; 5] = [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::Disabled];

/// The changes that a listener received.
type Notified = Arc<Mutex<Vec<Transition>>>;

/// Runs a script and returns the model in its final state.
pub(crate) fn play(policy: Policy, script: Vec<Step>) -> Result<Model, TestCaseError> {
    let clock = Clock::new();
    let mut model = Model::new(policy);
    let registry = Registry::with_clock(&clock);
    let breaker = registry.register("model", policy.config()).expect("the registry is empty");
    let notified = Notified::default();
    let subscription = breaker.listen(listener(&notified));
    let mut running: Vec<(Permit<'_>, Call)> = Vec::new();
    for step in script {
        match step {
            Step::Acquire => running.extend(acquire(&breaker, &mut model)?),
            Step::End(index, end) => {
                if let Some((permit, call)) = take(&mut running, index) {
                    end_both(permit, call, end, &mut model);
                }
            }
            Step::Advance(nanos) => {
                clock.advance(Duration::from_nanos(nanos));
                model.advance(nanos);
            }
            Step::Command(cause) => {
                command(&breaker, cause);
                model.command(cause);
            }
            Step::Adopt(adoption) => {
                adopt(&breaker, adoption, model.generation);
                model.adopt(adoption);
            }
            Step::Nest(nested) => nest(&breaker, &mut model, nested)?,
            Step::SetConfig(policy) => {
                breaker.set_config(policy.config());
                model.set_config(policy);
            }
        }
        compare(&breaker, &model)?;
        compare_notified(&notified, &model)?;
    }
    compare_changes(&breaker.snapshot(), &model)?;
    drop(subscription);
    Ok(model)
}

fn listener(notified: &Notified) -> impl Fn(&Event) + use<> {
    let notified = Arc::clone(notified);
    move |event| {
        if let Event::StateChanged(change) = event {
            notified.lock().expect("no listener panics").push(change.transition().clone());
        }
    }
}

fn acquire<'a>(
    breaker: &'a CircuitBreaker,
    model: &mut Model,
) -> Result<Option<(Permit<'a>, Call)>, TestCaseError> {
    match (breaker.try_acquire(), model.acquire()) {
        (Ok(permit), Ok(call)) => {
            prop_assert_eq!(permit.is_trial(), call.is_trial());
            Ok(Some((permit, call)))
        }
        (Err(error), Err(kind)) => {
            prop_assert_eq!(error.kind(), kind);
            prop_assert_eq!(error.retry_after().map(nanos), model.retry_after_of(kind));
            Ok(None)
        }
        (library, model) => Err(TestCaseError::fail(format!("library: {library:?}, model: {model:?}"))),
    }
}

fn take<'a>(running: &mut Vec<(Permit<'a>, Call)>, index: usize) -> Option<(Permit<'a>, Call)> {
    if running.is_empty() { None } else { Some(running.swap_remove(index % running.len())) }
}

fn end_both(permit: Permit<'_>, call: Call, end: End, model: &mut Model) {
    match end {
        End::Settled(outcome) => {
            permit.settle(outcome);
            model.settle(call, outcome);
        }
        End::Dropped => {
            drop(permit);
            model.cancel(call);
        }
        End::Forgotten => std::mem::forget(permit),
    }
}

/// Makes a call inside a call.
fn nest(breaker: &CircuitBreaker, model: &mut Model, nested: Nested) -> Result<(), TestCaseError> {
    let mut inside = None;
    let outer = breaker.call_with(
        |()| nested.outer,
        || inside = Some(breaker.call_with(|()| nested.inner, || ()).map_err(|error| error.kind())),
    );
    let expected = model.acquire();
    prop_assert_eq!(outer.map_err(|error| error.kind()), expected.map(|_| ()));
    let Ok(call) = expected else { return Ok(()) };
    let inner = model.acquire_inside(Some(call));
    prop_assert_eq!(inside, Some(inner.map(|_| ())));
    if let Ok(inner) = inner {
        model.settle(inner, nested.inner);
    }
    model.settle(call, nested.outer);
    Ok(())
}

fn command(breaker: &CircuitBreaker, cause: Cause) {
    match cause {
        Cause::ForcedOpen => breaker.force_open(),
        Cause::ForcedClosed => breaker.force_close(),
        Cause::Disabled => breaker.disable(),
        Cause::Released => breaker.release(),
        Cause::Reset => breaker.reset(),
        _ => unreachable!("{cause} is not a command"),
    }
}

fn adopt(breaker: &CircuitBreaker, decision: Adoption, generation: u64) {
    match decision {
        Adoption::Open { wait, rounds } => {
            adoption::fleet_opens(breaker, Duration::from_nanos(wait), rounds, "refused");
        }
        Adoption::Close => adoption::fleet_closes(breaker),
        Adoption::ForceClose => adoption::fleet_force_closes(breaker, "ada"),
        Adoption::Trial { calls, rounds } => adoption::fleet_grants(breaker, calls, rounds),
        Adoption::Hold { age, wait } => {
            adoption::fleet_holds(breaker, generation.wrapping_sub(age), Duration::from_nanos(wait));
        }
    }
}

fn compare(breaker: &CircuitBreaker, model: &Model) -> Result<(), TestCaseError> {
    let library = breaker.snapshot();
    prop_assert_eq!(library.state, model.state);
    prop_assert_eq!(breaker.state(), model.state);
    prop_assert_eq!(library.generation, model.generation);
    prop_assert_eq!(nanos(library.time_in_state), model.now - model.since);
    prop_assert_eq!(library.retry_after.map(nanos), model.retry_after());
    prop_assert_eq!(library.ramp.map(|ramp| nanos(ramp.remaining)), model.ramp_remaining());
    prop_assert_eq!(library.consecutive_failures, model.run);
    let window =
        library.window.map(|held| Counts { calls: held.calls, failures: held.failures, slow: held.slow });
    prop_assert_eq!(window, model.window());
    prop_assert_eq!(library.trials_in_flight, model.trials.len());
    let in_flight = model.policy.max_concurrent.map(|_| model.in_bulkhead);
    prop_assert_eq!(library.calls_in_flight, in_flight);
    prop_assert_eq!(library.shadow_rejections, model.shadow_rejections);
    prop_assert_eq!(nanos(library.time_open), model.time_open_until(model.now));
    prop_assert_eq!(library.last_transition.as_deref().map(to_change), model.changes.last().copied());
    compare_totals(&library, model)
}

fn compare_totals(library: &Snapshot, model: &Model) -> Result<(), TestCaseError> {
    let (totals, rejections) = (library.totals, library.totals.rejections);
    let expected = |total| model.totals.get(total).copied().unwrap_or_default();
    prop_assert_eq!(totals.successes, expected("success"));
    prop_assert_eq!(totals.failures, expected("failure"));
    prop_assert_eq!(totals.ignored, expected("ignored"));
    prop_assert_eq!(totals.timeouts, 0);
    prop_assert_eq!(rejections.open, expected("open"));
    prop_assert_eq!(rejections.half_open, expected("half-open"));
    prop_assert_eq!(rejections.ramping, expected("ramping"));
    prop_assert_eq!(rejections.forced_open, expected("forced open"));
    prop_assert_eq!(rejections.bulkhead, expected("bulkhead"));
    prop_assert_eq!(totals.calls(), model.totals.values().sum::<u64>());
    Ok(())
}

/// Checks that each change was notified once, in order. Only an expired lease and a call that hangs may still be
/// pending.
fn compare_notified(notified: &Notified, model: &Model) -> Result<(), TestCaseError> {
    let notified = notified.lock().expect("no listener panics");
    let pending = model.changes.get(notified.len()..).unwrap_or_default();
    prop_assert!(pending.len() <= 1 && pending.iter().all(is_unnoticed), "{:?}", pending);
    prop_assert!(notified.len() <= model.changes.len());
    let last = notified.last().map(to_change);
    prop_assert_eq!(last, notified.len().checked_sub(1).and_then(|last| model.changes.get(last)).copied());
    prop_assert_eq!(notified.last().map_or(0, |last| last.generation), notified.len() as u64);
    Ok(())
}

/// Returns `true` for a change that happens at its time and that only the next call notices.
fn is_unnoticed(change: &Change) -> bool {
    change.cause == Cause::LeaseExpired || matches!(change.trip, Some(TripReason::HangingCall { .. }))
}

fn compare_changes(library: &Snapshot, model: &Model) -> Result<(), TestCaseError> {
    for (from, to) in STATES.into_iter().flat_map(|from| STATES.map(|to| (from, to))) {
        let expected = model.changes.iter().filter(|change| (change.from, change.to) == (from, to)).count();
        prop_assert_eq!(library.changes.count(from, to), expected as u64);
    }
    Ok(())
}

fn to_change(transition: &Transition) -> Change {
    let &Transition { from, to, cause, trip, .. } = transition;
    Change { from, to, cause, trip }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("the scripts are short")
}
