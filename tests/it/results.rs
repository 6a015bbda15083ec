//! What the result of a call means, and what a failure says.

use std::fmt;

use breaker_runtime::{BreakerError, Cause, Config, ConfigBuilder, Outcome, State};

use crate::support::{Bench, RECOVERY, poll_once, quietly, settings};

/// One failure opens it.
fn opens_at_once() -> ConfigBuilder {
    Config::builder().failure_threshold(1).success_threshold(1).recovery_timeout(RECOVERY)
}

#[expect(clippy::ref_option, reason = "a classifier sees what the function returns")]
fn none_fails<T>(found: &Option<T>) -> Outcome {
    if found.is_none() { Outcome::Failure } else { Outcome::Success }
}

/// An error whose text cannot be had.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words")
    }
}

impl From<BreakerError> for Unspeakable {
    fn from(_: BreakerError) -> Self {
        Self
    }
}

#[test]
fn an_option_is_what_the_classifier_says() {
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
fn a_plain_value_is_what_the_classifier_says() {
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
fn a_future_of_any_value_is_what_the_classifier_says() {
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
fn a_failing_result_can_be_called_a_success_and_a_good_one_a_failure() {
    let bench = Bench::with(settings());
    let odd = |result: &Result<u8, u8>| if result.is_ok() { Outcome::Failure } else { Outcome::Success };
    assert_eq!(bench.breaker.call_with(odd, || Err(1)).unwrap(), Err(1));
    assert_eq!(bench.breaker.call_with(odd, || Ok(1)).unwrap(), Ok(1));
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures), (1, 1));
}

#[test]
fn an_ignored_result_of_a_trial_gives_the_place_back() {
    // nora#585 #606, smallrye#320: counted as success, or half-open for ever after a 4xx.
    let bench = Bench::due();
    for _ in 0..10 {
        bench.breaker.call_with(|_: &u8| Outcome::Ignored, || 4).unwrap();
    }
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 0));
    assert_eq!(snapshot.totals.ignored, 10);
}

#[test]
fn a_classifier_that_panics_is_a_failure_and_goes_on_unwinding() {
    let bench = Bench::with(opens_at_once());
    let caught = quietly(|| bench.breaker.call_with(|_: &u8| panic!("predicate"), || 1));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "predicate");
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.calls(), bench.breaker.state()), (1, 1, State::Open));
    assert_eq!(bench.last().last_failure.as_deref(), Some("it panicked"));
}

#[test]
fn a_classifier_of_a_future_that_panics_is_a_failure() {
    let bench = Bench::with(opens_at_once());
    let mut call = Box::pin(bench.breaker.call_async_with(|_: &u8| panic!("predicate"), async { 1 }));
    assert!(quietly(|| poll_once(call.as_mut()).is_ready()).is_err());
    drop(call);
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.calls(), bench.breaker.state()), (1, 1, State::Open));
}

#[test]
fn a_trial_whose_classifier_panics_opens_again_and_loses_no_place() {
    let bench = Bench::due();
    _ = quietly(|| bench.breaker.call_with(|_: &u8| panic!("predicate"), || 1));
    assert_eq!((bench.breaker.state(), bench.last().cause), (State::Open, Cause::TrialFailed));
    bench.clock.advance(RECOVERY);
    drop((bench.permit(), bench.permit()));
}

#[test]
fn a_failure_by_hand_says_why() {
    let bench = Bench::with(settings());
    bench.permit().fail("the disk is slow");
    bench.permit().fail(format_args!("the disk is {}", "full"));
    assert_eq!(bench.last().last_failure.as_deref(), Some("the disk is full"));
    assert_eq!(
        bench.last().to_string(),
        r#"closed -> open: 2 failures in a row (limit 2); last failure: "the disk is full""#
    );
}

#[test]
fn a_failed_trial_says_why() {
    let bench = Bench::due();
    bench.permit().fail("still down");
    assert_eq!((bench.last().cause, bench.last().last_failure.as_deref()), {
        (Cause::TrialFailed, Some("still down"))
    });
}

#[test]
fn a_failure_that_nobody_explains_says_nothing() {
    let bench = Bench::with(opens_at_once());
    bench.end(Outcome::Failure);
    assert_eq!(bench.last().last_failure, None);
    let bench = Bench::with(opens_at_once());
    bench.breaker.call_with(none_fails, || None::<u8>).unwrap();
    assert_eq!(bench.last().last_failure, None);
}

#[test]
fn an_error_of_which_only_the_type_is_known_says_its_type() {
    let bench = Bench::with(opens_at_once());
    assert!(bench.breaker.call(|| Err::<(), _>(Unspeakable)).is_err());
    assert!(bench.last().last_failure.as_deref().unwrap().ends_with("results::Unspeakable"));
}

#[test]
fn a_call_that_panics_says_so() {
    let bench = Bench::with(opens_at_once());
    _ = quietly(|| bench.breaker.call(|| -> Result<(), BreakerError> { panic!("user code") }));
    assert_eq!(bench.last().last_failure.as_deref(), Some("it panicked"));
    let bench = Bench::with(opens_at_once());
    _ = quietly(|| {
        let _permit = bench.permit();
        panic!("user code");
    });
    assert_eq!(bench.last().last_failure.as_deref(), Some("it panicked"));
}

#[test]
fn a_text_that_panics_harms_nobody() {
    let bench = Bench::with(opens_at_once());
    bench.permit().fail(Unspeakable);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.failures), (State::Open, 1));
    assert_eq!(bench.last().last_failure.as_deref(), Some("(its text panicked)"));
    bench.clock.advance(RECOVERY);
    bench.permit().fail(Unspeakable);
    assert_eq!((bench.breaker.state(), bench.last().cause), (State::Open, Cause::TrialFailed));
}

#[test]
fn the_text_of_a_failure_is_asked_for_only_when_it_opens() {
    struct Counted<'a>(&'a std::cell::Cell<u32>);
    impl fmt::Display for Counted<'_> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            out.write_str("asked")
        }
    }
    let (bench, asked) = (Bench::with(settings().failure_threshold(3)), std::cell::Cell::new(0));
    for wanted in [0, 0, 1] {
        bench.permit().fail(Counted(&asked));
        assert_eq!(asked.get(), wanted);
    }
}

#[test]
fn a_text_that_uses_the_breaker_does_not_deadlock() {
    // circuit_breaker: a callback that reads the state deadlocks.
    struct Curious<'a>(&'a Bench);
    impl fmt::Display for Curious<'_> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            drop(self.0.permit());
            write!(out, "seen {}", self.0.breaker.snapshot().state)
        }
    }
    let bench = Bench::with(opens_at_once());
    bench.permit().fail(Curious(&bench));
    assert_eq!(bench.last().last_failure.as_deref(), Some("seen closed"));
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
fn every_call_is_settled_once_whatever_it_does() {
    // opossum#198: a timeout and then the late error were two results.
    let bench = Bench::with(settings().failure_threshold(1000));
    let calls: [fn(&Bench); 5] = [
        |bench| _ = bench.breaker.call(|| Ok::<_, BreakerError>(())),
        |bench| _ = bench.breaker.call(|| Err::<(), _>(Unspeakable)),
        |bench| _ = quietly(|| bench.breaker.call(|| -> Result<(), BreakerError> { panic!("user code") })),
        |bench| _ = quietly(|| bench.breaker.call_with(|_: &u8| panic!("predicate"), || 1)),
        |bench| drop(bench.permit()),
    ];
    for (nth, call) in (1..).zip(calls.iter().cycle().take(50)) {
        call(&bench);
        assert_eq!(bench.breaker.snapshot().totals.calls(), nth);
    }
}
