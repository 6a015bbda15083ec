//! A count-based window. Each thread counts its successes without the lock; failures add them up under it.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, State, TripReason};
use loom::thread;

use super::{
    RECOVERY, breaker, call, permit, race_on, strict, window, with_few_preemptions, with_preemptions,
};

/// Returns settings that open the circuit after `failures` among the last `calls`.
fn failures_of(failures: u32, calls: u32) -> ConfigBuilder {
    strict().failure_threshold(failures).window_calls(calls)
}

/// Returns settings with a count-based window that no rule uses.
fn unused_window(calls: u32) -> ConfigBuilder {
    Config::builder().consecutive_failures(100).window_calls(calls)
}

fn trip_reason(breaker: &CircuitBreaker) -> Option<TripReason> {
    breaker.snapshot().last_transition.and_then(|change| change.trip)
}

#[test]
fn no_call_of_two_threads_is_lost_or_counted_twice() {
    with_preemptions(2, || {
        let (_clock, breaker) = breaker(failures_of(10, 10));
        race_on(
            &breaker,
            |one| {
                call(one, Outcome::Success);
                call(one, Outcome::Failure);
            },
            |other| {
                call(other, Outcome::Failure);
                call(other, Outcome::Success);
            },
        );
        let held = window(&breaker);
        assert_eq!((held.calls, held.failures), (4, 2));
    });
}

#[test]
fn every_success_of_two_threads_in_a_new_generation_is_counted_once() {
    with_preemptions(1, || {
        let (_clock, breaker) = breaker(failures_of(10, 10));
        call(&breaker, Outcome::Success);
        call(&breaker, Outcome::Success);
        breaker.reset();
        let clone = breaker.clone();
        // The second success of each thread is the first one in its cell.
        let third = thread::spawn(move || (0..2).for_each(|_| call(&clone, Outcome::Success)));
        race_on(&breaker, |one| (0..2).for_each(|_| call(one, Outcome::Success)), |_| ());
        third.join().expect("the thread does not panic");
        assert_eq!((window(&breaker).calls, breaker.snapshot().totals.successes), (4, 6));
    });
}

#[test]
fn a_failure_between_counts_that_are_carried_has_its_position() {
    with_preemptions(2, || {
        let (_clock, breaker) = breaker(unused_window(2));
        // The count of each thread is carried after two successes.
        race_on(
            &breaker,
            |one| (0..2).for_each(|_| call(one, Outcome::Success)),
            |other| {
                call(other, Outcome::Success);
                call(other, Outcome::Failure);
            },
        );
        let held = window(&breaker);
        assert!(held.calls == 2 && held.failures <= 1, "{held:?}");
        call(&breaker, Outcome::Failure);
        call(&breaker, Outcome::Success);
        assert_eq!((window(&breaker).calls, window(&breaker).failures), (2, 1));
        call(&breaker, Outcome::Success);
        assert_eq!((window(&breaker).calls, window(&breaker).failures), (2, 0));
    });
}

#[test]
fn the_window_opens_at_its_limit_in_every_order_of_failures_and_successes() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(failures_of(2, 4));
        race_on(
            &breaker,
            |one| call(one, Outcome::Failure),
            |other| {
                call(other, Outcome::Success);
                call(other, Outcome::Failure);
            },
        );
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.generation), (State::Open, 1));
        assert_eq!(
            trip_reason(&breaker),
            Some(TripReason::FailuresInWindow { failures: 2, calls: 3, limit: 2 })
        );
    });
}

#[test]
fn the_window_does_not_open_below_its_limit() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(failures_of(3, 4));
        race_on(&breaker, |one| call(one, Outcome::Failure), |other| call(other, Outcome::Failure));
        assert_eq!(breaker.state(), State::Closed);
        call(&breaker, Outcome::Failure);
        assert_eq!(
            trip_reason(&breaker),
            Some(TripReason::FailuresInWindow { failures: 3, calls: 3, limit: 3 })
        );
    });
}

/// Checks that a failure concurrent with a success stays in a window of two calls, after a number of
/// successes. After two of them the window is at rest; after one of them the next success puts it to rest.
fn check_failure_is_kept_after(successes: u32, settings: fn(u32) -> ConfigBuilder) {
    with_few_preemptions(move || {
        let (_clock, breaker) = breaker(settings(2));
        for _ in 0..successes {
            call(&breaker, Outcome::Success);
        }
        race_on(&breaker, |one| call(one, Outcome::Success), |other| call(other, Outcome::Failure));
        let held = window(&breaker);
        assert_eq!(
            (held.calls, held.failures),
            (2, 1),
            "the failure is one of the last two calls in either order"
        );
        call(&breaker, Outcome::Success);
        call(&breaker, Outcome::Success);
        assert_eq!(window(&breaker).failures, 0, "the last two calls succeeded");
    });
}

#[test]
fn a_failure_concurrent_with_the_success_that_puts_a_window_to_rest_is_not_lost() {
    check_failure_is_kept_after(1, unused_window);
}

#[test]
fn a_failure_in_a_window_at_rest_is_not_lost() {
    check_failure_is_kept_after(2, unused_window);
    check_failure_is_kept_after(3, unused_window);
}

#[test]
fn a_failure_in_a_window_at_rest_of_a_circuit_with_slots_is_not_lost() {
    check_failure_is_kept_after(2, |calls| unused_window(calls).max_concurrent(2));
}

#[test]
fn a_failure_concurrent_with_the_success_that_puts_a_window_of_a_circuit_with_slots_to_rest_is_not_lost() {
    check_failure_is_kept_after(1, |calls| unused_window(calls).max_concurrent(2));
}

#[test]
fn a_window_that_comes_to_rest_during_failures_of_two_threads_loses_none() {
    with_preemptions(2, || {
        let (_clock, breaker) = breaker(unused_window(1));
        call(&breaker, Outcome::Failure);
        race_on(
            &breaker,
            |one| {
                call(one, Outcome::Success);
                call(one, Outcome::Success);
            },
            |other| {
                call(other, Outcome::Success);
                call(other, Outcome::Failure);
                assert!(window(other).calls == 1);
            },
        );
        call(&breaker, Outcome::Failure);
        assert_eq!(window(&breaker).failures, 1, "the last call failed");
        call(&breaker, Outcome::Success);
        assert_eq!(window(&breaker).failures, 0, "the last call succeeded");
    });
}

#[test]
fn a_failure_leaves_the_window_exactly_when_a_newer_call_replaces_it() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(unused_window(3));
        call(&breaker, Outcome::Failure);
        race_on(&breaker, |one| call(one, Outcome::Success), |other| call(other, Outcome::Success));
        assert_eq!((window(&breaker).calls, window(&breaker).failures), (3, 1));
        call(&breaker, Outcome::Success);
        assert_eq!((window(&breaker).calls, window(&breaker).failures), (3, 0));
    });
}

/// Checks that a call of the first generation is not in the window of a later generation, which `begin`
/// starts at the same time.
fn check_is_not_in_the_next_window(outcome: Outcome, begin: fn(&CircuitBreaker)) {
    with_few_preemptions(move || {
        let (_clock, breaker) = breaker(failures_of(10, 10));
        let late = permit(&breaker);
        race_on(&breaker, move |_| late.settle(outcome), begin);
        let held = window(&breaker);
        assert_eq!((held.calls, held.failures), (0, 0));
        call(&breaker, Outcome::Failure);
        let held = window(&breaker);
        assert_eq!((held.calls, held.failures), (1, 1));
    });
}

// Regression of tower-resilience, breaker 2.0, recloser and failsafe: late results counted in the next
// generation.
#[test]
fn a_success_concurrent_with_a_reset_is_not_in_the_next_window() {
    check_is_not_in_the_next_window(Outcome::Success, CircuitBreaker::reset);
}

#[test]
fn a_failure_concurrent_with_a_reset_is_not_in_the_next_window() {
    check_is_not_in_the_next_window(Outcome::Failure, CircuitBreaker::reset);
}

#[test]
fn a_failure_concurrent_with_opening_and_closing_is_not_in_the_next_window() {
    check_is_not_in_the_next_window(Outcome::Failure, |breaker| {
        breaker.force_open();
        breaker.release();
    });
}

#[test]
fn a_new_window_holds_its_first_success_but_no_late_one() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(failures_of(10, 10));
        let late = permit(&breaker);
        race_on(
            &breaker,
            |_| late.settle(Outcome::Success),
            |other| {
                other.reset();
                call(other, Outcome::Success);
            },
        );
        assert_eq!(window(&breaker).calls, 1);
    });
}

#[test]
fn a_new_window_holds_its_first_failure_but_no_late_one() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(failures_of(10, 10));
        let late = permit(&breaker);
        race_on(
            &breaker,
            |_| late.settle(Outcome::Failure),
            |other| {
                other.reset();
                call(other, Outcome::Failure);
            },
        );
        assert_eq!((window(&breaker).calls, window(&breaker).failures), (1, 1));
    });
}

/// Neither thread has a cell of its own, so both count in the same word.
#[test]
fn a_late_success_is_not_added_to_successes_of_a_newer_generation() {
    with_preemptions(1, || {
        let (_clock, breaker) = breaker(failures_of(10, 10));
        call(&breaker, Outcome::Success);
        let late = permit(&breaker);
        let late = thread::spawn(move || late.settle(Outcome::Success));
        race_on(
            &breaker,
            |one| {
                one.reset();
                call(one, Outcome::Success);
            },
            |_| (),
        );
        late.join().expect("the thread does not panic");
        assert_eq!(window(&breaker).calls, 1);
    });
}

#[test]
fn a_result_concurrent_with_a_whole_recovery_is_not_in_the_next_window() {
    for outcome in [Outcome::Success, Outcome::Failure] {
        with_preemptions(2, move || {
            let (clock, breaker) = breaker(failures_of(2, 10).half_open_timeout(Duration::MAX));
            let late = permit(&breaker);
            call(&breaker, Outcome::Failure);
            race_on(
                &breaker,
                move |_| late.settle(outcome),
                |other| {
                    // Opens the circuit, unless the late failure has opened it.
                    _ = other.try_acquire().map(|permit| permit.settle(Outcome::Failure));
                    clock.advance(RECOVERY);
                    call(other, Outcome::Success);
                },
            );
            let snapshot = breaker.snapshot();
            if snapshot.state == State::Closed && snapshot.generation == 3 {
                assert_eq!(window(&breaker).calls, 0);
            } else {
                // In every interleaving there is exactly one recovery.
                panic!("{snapshot:?}");
            }
        });
    }
}
