//! Classifiers, which map the result of a call to an outcome, and the recorded text of failures.

use std::fmt;
use std::sync::{Arc, Mutex};

use breaker_runtime::{BreakerError, Cause, CircuitBreaker, Config, ConfigBuilder, Outcome, State};

use crate::support::{Fixture, RECOVERY, catch_panic, poll_once, settings};

/// Returns settings that open at one failure and close at one success.
fn opens_at_once() -> ConfigBuilder {
    Config::builder().failure_threshold(1).success_threshold(1).recovery_timeout(RECOVERY)
}

#[expect(clippy::ref_option, reason = "a classifier takes a reference to the result")]
fn none_fails<T>(found: &Option<T>) -> Outcome {
    if found.is_none() { Outcome::Failure } else { Outcome::Success }
}

/// An error whose `Display` panics.
#[derive(Debug)]
struct PanickingError;

impl fmt::Display for PanickingError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("Display of an error")
    }
}

impl From<BreakerError> for PanickingError {
    fn from(_: BreakerError) -> Self {
        Self
    }
}

#[test]
fn an_option_is_classified_by_the_classifier() {
    let fixture = Fixture::with(settings());
    assert_eq!(fixture.breaker.call_with(none_fails, || Some(3)).unwrap(), Some(3));
    for _ in 0..2 {
        assert_eq!(fixture.breaker.call_with(none_fails, || None::<u8>).unwrap(), None);
    }
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures, fixture.breaker.state()), (1, 2, State::Open));
    assert!(fixture.breaker.call_with(none_fails, || Some(3)).is_err());
}

#[test]
fn a_number_is_classified_by_the_classifier() {
    let fixture = Fixture::with(settings());
    let by_status = |status: &u16| match status {
        500.. => Outcome::Failure,
        400..500 => Outcome::Ignored,
        _ => Outcome::Success,
    };
    for status in [500, 404, 200, 503, 418] {
        assert_eq!(fixture.breaker.call_with(by_status, || status).unwrap(), status);
    }
    let snapshot = fixture.breaker.snapshot();
    let totals = snapshot.totals;
    assert_eq!((totals.successes, totals.failures, totals.ignored), (1, 2, 2));
    assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 1));
}

#[test]
fn the_output_of_a_future_is_classified_by_the_classifier() {
    let fixture = Fixture::with(settings());
    let ignored = |_: &u8| Outcome::Ignored;
    let mut call = Box::pin(fixture.breaker.call_async_with(ignored, async { 7 }));
    assert!(matches!(poll_once(call.as_mut()), std::task::Poll::Ready(Ok(7))));
    let mut call = Box::pin(fixture.breaker.call_async_with(none_fails, async { None::<u8> }));
    assert!(poll_once(call.as_mut()).is_ready());
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!((totals.ignored, totals.failures, totals.calls()), (1, 1, 2));
}

#[test]
fn a_classifier_can_invert_a_result() {
    let fixture = Fixture::with(settings());
    let inverted = |result: &Result<u8, u8>| if result.is_ok() { Outcome::Failure } else { Outcome::Success };
    assert_eq!(fixture.breaker.call_with(inverted, || Err(1)).unwrap(), Err(1));
    assert_eq!(fixture.breaker.call_with(inverted, || Ok(1)).unwrap(), Ok(1));
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures), (1, 1));
}

#[test]
fn an_ignored_result_of_a_trial_releases_its_slot() {
    // Regression of nora#585 #606, smallrye#320: a 4xx counted as a success or left the circuit half-open.
    let fixture = Fixture::ready_for_trial();
    for _ in 0..10 {
        fixture.breaker.call_with(|_: &u8| Outcome::Ignored, || 4).unwrap();
    }
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 0));
    assert_eq!(snapshot.totals.ignored, 10);
}

#[test]
fn a_panicking_classifier_counts_as_a_failure_and_keeps_unwinding() {
    let fixture = Fixture::with(opens_at_once());
    let caught = catch_panic(|| fixture.breaker.call_with(|_: &u8| panic!("predicate"), || 1));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "predicate");
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.calls(), fixture.breaker.state()), (1, 1, State::Open));
    assert_eq!(fixture.last_transition().last_failure.as_deref(), Some("the call panicked"));
}

#[test]
fn a_panic_is_recorded_before_the_captures_of_the_classifier_are_dropped() {
    struct ReadsStateOnDrop(CircuitBreaker, Arc<Mutex<Option<State>>>);
    impl Drop for ReadsStateOnDrop {
        fn drop(&mut self) {
            *self.1.lock().unwrap() = Some(self.0.state());
        }
    }

    let fixture = Fixture::with(opens_at_once());
    let seen = Arc::new(Mutex::new(None));
    let capture = ReadsStateOnDrop(fixture.breaker.clone(), Arc::clone(&seen));
    let classify = move |_: &u8| {
        _ = &capture;
        Outcome::Success
    };
    assert!(catch_panic(|| fixture.breaker.call_with(classify, || panic!("body"))).is_err());
    assert_eq!(*seen.lock().unwrap(), Some(State::Open));
}

#[test]
fn a_panicking_classifier_of_a_future_counts_as_a_failure() {
    let fixture = Fixture::with(opens_at_once());
    let mut call = Box::pin(fixture.breaker.call_async_with(|_: &u8| panic!("predicate"), async { 1 }));
    assert!(catch_panic(|| poll_once(call.as_mut()).is_ready()).is_err());
    drop(call);
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.calls(), fixture.breaker.state()), (1, 1, State::Open));
}

#[test]
fn a_trial_whose_classifier_panics_reopens_the_circuit_and_loses_no_slot() {
    let fixture = Fixture::ready_for_trial();
    _ = catch_panic(|| fixture.breaker.call_with(|_: &u8| panic!("predicate"), || 1));
    assert_eq!((fixture.breaker.state(), fixture.last_transition().cause), (State::Open, Cause::TrialFailed));
    fixture.clock.advance(RECOVERY);
    drop((fixture.permit(), fixture.permit()));
}

#[test]
fn a_manual_failure_records_its_text() {
    let fixture = Fixture::with(settings());
    fixture.permit().fail("the disk is slow");
    fixture.permit().fail(format_args!("the disk is {}", "full"));
    assert_eq!(fixture.last_transition().last_failure.as_deref(), Some("the disk is full"));
    assert_eq!(
        fixture.last_transition().to_string(),
        r#"closed -> open: 2 failures in a row (limit 2); last failure: "the disk is full""#
    );
}

#[test]
fn a_failed_trial_records_its_text() {
    let fixture = Fixture::ready_for_trial();
    fixture.permit().fail("still down");
    assert_eq!((fixture.last_transition().cause, fixture.last_transition().last_failure.as_deref()), {
        (Cause::TrialFailed, Some("still down"))
    });
}

#[test]
fn a_failure_without_a_text_records_none() {
    let fixture = Fixture::with(opens_at_once());
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.last_transition().last_failure, None);
    let fixture = Fixture::with(opens_at_once());
    fixture.breaker.call_with(none_fails, || None::<u8>).unwrap();
    assert_eq!(fixture.last_transition().last_failure, None);
}

#[test]
fn an_error_without_display_is_recorded_by_its_type_name() {
    let fixture = Fixture::with(opens_at_once());
    assert!(fixture.breaker.call(|| Err::<(), _>(PanickingError)).is_err());
    assert!(
        fixture.last_transition().last_failure.as_deref().unwrap().ends_with("classifiers::PanickingError")
    );
}

#[test]
fn a_panic_is_recorded_as_the_failure_text() {
    let fixture = Fixture::with(opens_at_once());
    _ = catch_panic(|| fixture.breaker.call(|| -> Result<(), BreakerError> { panic!("user code") }));
    assert_eq!(fixture.last_transition().last_failure.as_deref(), Some("the call panicked"));
    let fixture = Fixture::with(opens_at_once());
    _ = catch_panic(|| {
        let _permit = fixture.permit();
        panic!("user code");
    });
    assert_eq!(fixture.last_transition().last_failure.as_deref(), Some("the call panicked"));
}

#[test]
fn a_panicking_display_does_not_affect_the_call() {
    let fixture = Fixture::with(opens_at_once());
    fixture.permit().fail(PanickingError);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.failures), (State::Open, 1));
    assert_eq!(fixture.last_transition().last_failure.as_deref(), Some("(formatting the failure panicked)"));
    fixture.clock.advance(RECOVERY);
    fixture.permit().fail(PanickingError);
    assert_eq!((fixture.breaker.state(), fixture.last_transition().cause), (State::Open, Cause::TrialFailed));
}

#[test]
fn a_failure_text_is_formatted_only_when_the_circuit_opens() {
    struct Counted<'a>(&'a std::cell::Cell<u32>);
    impl fmt::Display for Counted<'_> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            out.write_str("formatted")
        }
    }
    let (fixture, formatted) = (Fixture::with(settings().failure_threshold(3)), std::cell::Cell::new(0));
    for wanted in [0, 0, 1] {
        fixture.permit().fail(Counted(&formatted));
        assert_eq!(formatted.get(), wanted);
    }
}

#[test]
fn a_failure_text_that_uses_the_breaker_does_not_deadlock() {
    // Regression of circuit_breaker: a callback that read the state deadlocked.
    struct ReadsBreaker<'a>(&'a Fixture);
    impl fmt::Display for ReadsBreaker<'_> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            drop(self.0.permit());
            write!(out, "seen {}", self.0.breaker.snapshot().state)
        }
    }
    let fixture = Fixture::with(opens_at_once());
    fixture.permit().fail(ReadsBreaker(&fixture));
    assert_eq!(fixture.last_transition().last_failure.as_deref(), Some("seen closed"));
}

#[test]
fn a_classifier_that_uses_the_breaker_does_not_deadlock() {
    let fixture = Fixture::ready_for_trial();
    let nested = |_: &u8| {
        drop((fixture.permit(), fixture.breaker.snapshot()));
        fixture.breaker.force_open();
        Outcome::Success
    };
    fixture.breaker.call_with(nested, || 1).unwrap();
    assert_eq!(fixture.breaker.state(), State::ForcedOpen);
}

#[test]
fn every_call_is_settled_exactly_once() {
    // Regression of opossum#198: a timeout and the late error of one call counted as two results.
    let fixture = Fixture::with(settings().failure_threshold(1000));
    let calls: [fn(&Fixture); 5] = [
        |fixture| _ = fixture.breaker.call(|| Ok::<_, BreakerError>(())),
        |fixture| _ = fixture.breaker.call(|| Err::<(), _>(PanickingError)),
        |fixture| {
            _ = catch_panic(|| fixture.breaker.call(|| -> Result<(), BreakerError> { panic!("user code") }));
        },
        |fixture| _ = catch_panic(|| fixture.breaker.call_with(|_: &u8| panic!("predicate"), || 1)),
        |fixture| drop(fixture.permit()),
    ];
    for (nth, call) in (1..).zip(calls.iter().cycle().take(50)) {
        call(&fixture);
        assert_eq!(fixture.breaker.snapshot().totals.calls(), nth);
    }
}
