//! Panics and cancellation: a panic is a failure and keeps unwinding, and a cancelled call is ignored.

use std::pin::pin;

use breaker_runtime::{BreakerError, CircuitBreaker, Outcome, State, Totals};

use crate::support::{Fixture, catch_panic, poll_once, settings};

fn totals(breaker: &CircuitBreaker) -> Totals {
    breaker.snapshot().totals
}

#[test]
fn a_panic_counts_as_a_failure_and_keeps_unwinding() {
    let fixture = Fixture::new();
    let caught = catch_panic(|| fixture.breaker.call(|| -> Result<(), BreakerError> { panic!("user code") }));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "user code");
    assert_eq!(totals(&fixture.breaker).failures, 1);
}

#[test]
fn a_trial_that_panics_reopens_the_circuit() {
    let fixture = Fixture::ready_for_trial();
    _ = catch_panic(|| fixture.breaker.call(|| -> Result<(), BreakerError> { panic!("user code") }));
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn a_future_that_panics_counts_as_a_failure() {
    let fixture = Fixture::new();
    let call = fixture.breaker.call_async(async {
        assert_eq!(fixture.breaker.state(), State::Open, "user code");
        Ok::<(), BreakerError>(())
    });
    let mut call = Box::pin(call);
    assert!(catch_panic(|| poll_once(call.as_mut()).is_ready()).is_err());
    // The failure is counted by the poll that panics, and not when the future is dropped.
    assert_eq!(totals(&fixture.breaker).failures, 1);
    drop(call);
    assert_eq!(totals(&fixture.breaker).calls(), 1);
}

#[test]
fn a_dropped_future_counts_as_ignored() {
    let fixture = Fixture::ready_for_trial();
    {
        let mut call = pin!(fixture.breaker.call_async(std::future::pending::<Result<(), BreakerError>>()));
        assert!(poll_once(call.as_mut()).is_pending());
        assert_eq!(fixture.breaker.snapshot().trials_in_flight, 1);
    }
    assert_eq!(totals(&fixture.breaker).ignored, 1);
    assert_eq!(fixture.breaker.snapshot().trials_in_flight, 0);
}

#[test]
fn a_future_that_was_never_polled_counts_no_call() {
    let fixture = Fixture::new();
    drop(fixture.breaker.call_async(std::future::pending::<Result<(), BreakerError>>()));
    assert_eq!(totals(&fixture.breaker).calls(), 0);
}

#[test]
fn a_pending_future_that_an_unrelated_panic_drops_counts_as_ignored() {
    let fixture = Fixture::new();
    _ = catch_panic(|| {
        let mut call =
            Box::pin(fixture.breaker.call_async(std::future::pending::<Result<(), BreakerError>>()));
        assert!(poll_once(call.as_mut()).is_pending());
        panic!("outside the call");
    });
    let totals = totals(&fixture.breaker);
    assert_eq!((totals.ignored, totals.failures), (1, 0));
}

#[test]
fn a_future_that_is_polled_after_completion_runs_nothing() {
    let fixture = Fixture::with(settings().failure_threshold(1));
    let mut runs = 0;
    {
        let mut call = pin!(fixture.breaker.call_async(async {
            runs += 1;
            Ok::<_, BreakerError>(())
        }));
        assert!(poll_once(call.as_mut()).is_ready());
        // Every async function panics when it is polled after completion.
        assert!(catch_panic(|| poll_once(call.as_mut()).is_ready()).is_err());
    }
    fixture.breaker.force_open();
    {
        let mut call = pin!(fixture.breaker.call_async(async {
            runs += 1;
            Ok::<_, BreakerError>(())
        }));
        assert!(poll_once(call.as_mut()).is_ready());
        // Every async function panics when it is polled after completion.
        assert!(catch_panic(|| poll_once(call.as_mut()).is_ready()).is_err());
    }
    assert_eq!((runs, totals(&fixture.breaker).calls()), (1, 2));
}

#[test]
fn a_permit_that_is_dropped_by_a_panic_counts_as_a_failure() {
    let fixture = Fixture::new();
    _ = catch_panic(|| {
        let _permit = fixture.permit();
        panic!("user code");
    });
    assert_eq!(totals(&fixture.breaker).failures, 1);
}

#[test]
fn a_permit_acquired_and_dropped_during_unwinding_counts_as_ignored() {
    struct Cleanup(CircuitBreaker);
    impl Drop for Cleanup {
        fn drop(&mut self) {
            drop(self.0.try_acquire().unwrap());
            self.0.try_acquire().unwrap().settle(Outcome::Success);
        }
    }
    let fixture = Fixture::new();
    _ = catch_panic(|| {
        let _cleanup = Cleanup(fixture.breaker.clone());
        panic!("user code");
    });
    let totals = totals(&fixture.breaker);
    assert_eq!((totals.ignored, totals.successes, totals.failures), (1, 1, 0));
}
