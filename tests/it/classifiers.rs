//! Classifiers, which map the result of a call to an outcome, and the recorded text of failures.

use std::fmt;

use breaker_runtime::{BreakerError, Cause, Config, ConfigBuilder, Outcome, State};

use crate::support::{Bench, RECOVERY, catch_panic, poll_once, settings};

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
    let bench = Bench::with(settings());
    assert_eq!(bench.breaker.call_with(none_fails, || Some(3)).unwrap(), Some(3));
    for _ in 0..2 {
        assert_eq!(bench.breaker.call_with(none_fails, || None::<u8>).unwrap(), None);
    }
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures, bench.breaker.state()), (1, 2, State::Open));
    assert!(bench.breaker.call_with(none_fails, || Some(3)).is_err());
}

#[test]
fn a_number_is_classified_by_the_classifier() {
    let bench = Bench::with(settings());
    let by_status = |status: &u16| match status {
        500.. => Outcome::Failure,
        400..500 => Outcome::Ignored,
        _ => Outcome::Success,
    };
    for status in [500, 404, 200, 503, 418] {
        assert_eq!(bench.breaker.call_with(by_status, || status).unwrap(), status);
    }
    let snapshot = bench.breaker.snapshot();
    let totals = snapshot.totals;
    assert_eq!((totals.successes, totals.failures, totals.ignored), (1, 2, 2));
    assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 1));
}

#[test]
fn the_output_of_a_future_is_classified_by_the_classifier() {
    let bench = Bench::with(settings());
    let ignored = |_: &u8| Outcome::Ignored;
    let mut call = Box::pin(bench.breaker.call_async_with(ignored, async { 7 }));
    assert!(matches!(poll_once(call.as_mut()), std::task::Poll::Ready(Ok(7))));
    let mut call = Box::pin(bench.breaker.call_async_with(none_fails, async { None::<u8> }));
    assert!(poll_once(call.as_mut()).is_ready());
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.ignored, totals.failures, totals.calls()), (1, 1, 2));
}

#[test]
fn a_classifier_can_invert_a_result() {
    let bench = Bench::with(settings());
    let inverted = |result: &Result<u8, u8>| if result.is_ok() { Outcome::Failure } else { Outcome::Success };
    assert_eq!(bench.breaker.call_with(inverted, || Err(1)).unwrap(), Err(1));
    assert_eq!(bench.breaker.call_with(inverted, || Ok(1)).unwrap(), Ok(1));
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures), (1, 1));
}

#[test]
fn an_ignored_result_of_a_trial_releases_its_slot() {
    // nora#585 #606, smallrye#320: a 4xx counted as a success or left the circuit half-open.
    let bench = Bench::due();
    for _ in 0..10 {
        bench.breaker.call_with(|_: &u8| Outcome::Ignored, || 4).unwrap();
    }
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 0));
    assert_eq!(snapshot.totals.ignored, 10);
}

#[test]
fn a_panicking_classifier_counts_as_a_failure_and_keeps_unwinding() {
    let bench = Bench::with(opens_at_once());
    let caught = catch_panic(|| bench.breaker.call_with(|_: &u8| panic!("predicate"), || 1));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "predicate");
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.calls(), bench.breaker.state()), (1, 1, State::Open));
    assert_eq!(bench.last_transition().last_failure.as_deref(), Some("the call panicked"));
}

#[test]
fn a_panicking_classifier_of_a_future_counts_as_a_failure() {
    let bench = Bench::with(opens_at_once());
    let mut call = Box::pin(bench.breaker.call_async_with(|_: &u8| panic!("predicate"), async { 1 }));
    assert!(catch_panic(|| poll_once(call.as_mut()).is_ready()).is_err());
    drop(call);
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.calls(), bench.breaker.state()), (1, 1, State::Open));
}

#[test]
fn a_trial_whose_classifier_panics_reopens_the_circuit_and_loses_no_slot() {
    let bench = Bench::due();
    _ = catch_panic(|| bench.breaker.call_with(|_: &u8| panic!("predicate"), || 1));
    assert_eq!((bench.breaker.state(), bench.last_transition().cause), (State::Open, Cause::TrialFailed));
    bench.clock.advance(RECOVERY);
    drop((bench.permit(), bench.permit()));
}

#[test]
fn a_manual_failure_records_its_text() {
    let bench = Bench::with(settings());
    bench.permit().fail("the disk is slow");
    bench.permit().fail(format_args!("the disk is {}", "full"));
    assert_eq!(bench.last_transition().last_failure.as_deref(), Some("the disk is full"));
    assert_eq!(
        bench.last_transition().to_string(),
        r#"closed -> open: 2 failures in a row (limit 2); last failure: "the disk is full""#
    );
}

#[test]
fn a_failed_trial_records_its_text() {
    let bench = Bench::due();
    bench.permit().fail("still down");
    assert_eq!((bench.last_transition().cause, bench.last_transition().last_failure.as_deref()), {
        (Cause::TrialFailed, Some("still down"))
    });
}

#[test]
fn a_failure_without_a_text_records_none() {
    let bench = Bench::with(opens_at_once());
    bench.end(Outcome::Failure);
    assert_eq!(bench.last_transition().last_failure, None);
    let bench = Bench::with(opens_at_once());
    bench.breaker.call_with(none_fails, || None::<u8>).unwrap();
    assert_eq!(bench.last_transition().last_failure, None);
}

#[test]
fn an_error_without_display_is_recorded_by_its_type_name() {
    let bench = Bench::with(opens_at_once());
    assert!(bench.breaker.call(|| Err::<(), _>(PanickingError)).is_err());
    assert!(
        bench.last_transition().last_failure.as_deref().unwrap().ends_with("classifiers::PanickingError")
    );
}

#[test]
fn a_panic_is_recorded_as_the_failure_text() {
    let bench = Bench::with(opens_at_once());
    _ = catch_panic(|| bench.breaker.call(|| -> Result<(), BreakerError> { panic!("user code") }));
    assert_eq!(bench.last_transition().last_failure.as_deref(), Some("the call panicked"));
    let bench = Bench::with(opens_at_once());
    _ = catch_panic(|| {
        let _permit = bench.permit();
        panic!("user code");
    });
    assert_eq!(bench.last_transition().last_failure.as_deref(), Some("the call panicked"));
}

#[test]
fn a_panicking_display_does_not_affect_the_call() {
    let bench = Bench::with(opens_at_once());
    bench.permit().fail(PanickingError);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.failures), (State::Open, 1));
    assert_eq!(bench.last_transition().last_failure.as_deref(), Some("(formatting the failure panicked)"));
    bench.clock.advance(RECOVERY);
    bench.permit().fail(PanickingError);
    assert_eq!((bench.breaker.state(), bench.last_transition().cause), (State::Open, Cause::TrialFailed));
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
    let (bench, formatted) = (Bench::with(settings().failure_threshold(3)), std::cell::Cell::new(0));
    for wanted in [0, 0, 1] {
        bench.permit().fail(Counted(&formatted));
        assert_eq!(formatted.get(), wanted);
    }
}

#[test]
fn a_failure_text_that_uses_the_breaker_does_not_deadlock() {
    // circuit_breaker: a callback that read the state deadlocked.
    struct ReadsBreaker<'a>(&'a Bench);
    impl fmt::Display for ReadsBreaker<'_> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            drop(self.0.permit());
            write!(out, "seen {}", self.0.breaker.snapshot().state)
        }
    }
    let bench = Bench::with(opens_at_once());
    bench.permit().fail(ReadsBreaker(&bench));
    assert_eq!(bench.last_transition().last_failure.as_deref(), Some("seen closed"));
}

#[test]
fn a_classifier_that_uses_the_breaker_does_not_deadlock() {
    let bench = Bench::due();
    let nested = |_: &u8| {
        drop((bench.permit(), bench.breaker.snapshot()));
        bench.breaker.force_open();
        Outcome::Success
    };
    bench.breaker.call_with(nested, || 1).unwrap();
    assert_eq!(bench.breaker.state(), State::ForcedOpen);
}

#[test]
fn every_call_is_settled_exactly_once() {
    // opossum#198: a timeout and the late error of one call counted as two results.
    let bench = Bench::with(settings().failure_threshold(1000));
    let calls: [fn(&Bench); 5] = [
        |bench| _ = bench.breaker.call(|| Ok::<_, BreakerError>(())),
        |bench| _ = bench.breaker.call(|| Err::<(), _>(PanickingError)),
        |bench| {
            _ = catch_panic(|| bench.breaker.call(|| -> Result<(), BreakerError> { panic!("user code") }));
        },
        |bench| _ = catch_panic(|| bench.breaker.call_with(|_: &u8| panic!("predicate"), || 1)),
        |bench| drop(bench.permit()),
    ];
    for (nth, call) in (1..).zip(calls.iter().cycle().take(50)) {
        call(&bench);
        assert_eq!(bench.breaker.snapshot().totals.calls(), nth);
    }
}
