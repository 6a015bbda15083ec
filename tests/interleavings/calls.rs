//! A window of calls: successes step on without the lock, failures under it.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, State, TripReason};

use super::{RECOVERY, breaker, end, permit, race_on, strict, window, with_at_most, with_few_switches};

/// So many failures among the last so many calls.
fn of_calls(failures: u32, calls: u32) -> ConfigBuilder {
    strict().failure_threshold(failures).window_calls(calls)
}

/// It keeps so many calls, and no rule looks at them.
fn never_opened(calls: u32) -> ConfigBuilder {
    Config::builder().consecutive_failures(100).window_calls(calls)
}

fn opened_by(breaker: &CircuitBreaker) -> Option<TripReason> {
    breaker.snapshot().last_transition.and_then(|change| change.trip)
}

#[test]
fn no_call_of_two_threads_is_lost_or_counted_twice() {
    with_at_most(2, || {
        let (_clock, breaker) = breaker(of_calls(10, 10));
        race_on(
            &breaker,
            |one| {
                end(one, Outcome::Success);
                end(one, Outcome::Failure);
            },
            |other| {
                end(other, Outcome::Failure);
                end(other, Outcome::Success);
            },
        );
        let held = window(&breaker);
        assert_eq!((held.calls, held.failures), (4, 2));
    });
}

#[test]
fn the_window_opens_at_its_limit_however_failures_and_successes_meet() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(of_calls(2, 4));
        race_on(
            &breaker,
            |one| end(one, Outcome::Failure),
            |other| {
                end(other, Outcome::Success);
                end(other, Outcome::Failure);
            },
        );
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.generation), (State::Open, 1));
        assert_eq!(
            opened_by(&breaker),
            Some(TripReason::FailuresInWindow { failures: 2, calls: 3, limit: 2 })
        );
    });
}

#[test]
fn the_window_does_not_open_below_its_limit() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(of_calls(3, 4));
        race_on(&breaker, |one| end(one, Outcome::Failure), |other| end(other, Outcome::Failure));
        assert_eq!(breaker.state(), State::Closed);
        end(&breaker, Outcome::Failure);
        assert_eq!(
            opened_by(&breaker),
            Some(TripReason::FailuresInWindow { failures: 3, calls: 3, limit: 3 })
        );
    });
}

/// A failure comes beside a success, after so many successes in a window of two: with three of them the
/// window rests, with two it is about to.
fn is_not_lost_after(successes: u32) {
    with_few_switches(move || {
        let (_clock, breaker) = breaker(never_opened(2));
        for _ in 0..successes {
            end(&breaker, Outcome::Success);
        }
        race_on(&breaker, |one| end(one, Outcome::Success), |other| end(other, Outcome::Failure));
        let held = window(&breaker);
        assert_eq!((held.calls, held.failures), (2, 1), "it is one of the last two, whichever came first");
        end(&breaker, Outcome::Success);
        end(&breaker, Outcome::Success);
        assert_eq!(window(&breaker).failures, 0, "the last two succeeded");
    });
}

#[test]
fn a_failure_beside_the_success_after_which_a_window_rests_is_not_lost() {
    is_not_lost_after(2);
}

#[test]
fn a_failure_in_a_window_at_rest_is_not_lost() {
    is_not_lost_after(3);
}

#[test]
fn a_window_that_comes_to_rest_beside_failures_of_two_threads_loses_none() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(never_opened(1));
        end(&breaker, Outcome::Failure);
        race_on(
            &breaker,
            |one| {
                end(one, Outcome::Success);
                end(one, Outcome::Success);
            },
            |other| {
                end(other, Outcome::Success);
                end(other, Outcome::Failure);
                assert!(window(other).calls == 1);
            },
        );
        end(&breaker, Outcome::Failure);
        assert_eq!(window(&breaker).failures, 1, "the last one failed");
        end(&breaker, Outcome::Success);
        assert_eq!(window(&breaker).failures, 0, "the last one succeeded");
    });
}

#[test]
fn a_failure_leaves_the_window_with_the_call_that_pushes_it_out_and_not_before() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(never_opened(3));
        end(&breaker, Outcome::Failure);
        race_on(&breaker, |one| end(one, Outcome::Success), |other| end(other, Outcome::Success));
        assert_eq!((window(&breaker).calls, window(&breaker).failures), (3, 1));
        end(&breaker, Outcome::Success);
        assert_eq!((window(&breaker).calls, window(&breaker).failures), (3, 0));
    });
}

/// A call of the first generation ends beside whatever begins later ones; the window of the last is empty.
fn is_not_in_the_next_window(outcome: Outcome, begin: fn(&CircuitBreaker)) {
    with_few_switches(move || {
        let (_clock, breaker) = breaker(of_calls(10, 10));
        let late = permit(&breaker);
        race_on(&breaker, begin, |_| late.settle(outcome));
        let held = window(&breaker);
        assert_eq!((held.calls, held.failures), (0, 0));
        end(&breaker, Outcome::Failure);
        let held = window(&breaker);
        assert_eq!((held.calls, held.failures), (1, 1));
    });
}

// tower-resilience, breaker 2.0, recloser, failsafe: late results count in the next generation.
#[test]
fn a_success_beside_a_reset_is_not_in_the_next_window() {
    is_not_in_the_next_window(Outcome::Success, CircuitBreaker::reset);
}

#[test]
fn a_failure_beside_a_reset_is_not_in_the_next_window() {
    is_not_in_the_next_window(Outcome::Failure, CircuitBreaker::reset);
}

#[test]
fn a_failure_beside_an_opening_and_a_closing_is_not_in_the_next_window() {
    is_not_in_the_next_window(Outcome::Failure, |breaker| {
        breaker.force_open();
        breaker.release();
    });
}

#[test]
fn a_success_that_begins_the_next_window_beside_a_late_one_is_alone_there() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(of_calls(10, 10));
        let late = permit(&breaker);
        race_on(
            &breaker,
            |one| {
                one.reset();
                end(one, Outcome::Success);
            },
            |_| late.settle(Outcome::Success),
        );
        assert_eq!(window(&breaker).calls, 1);
    });
}

#[test]
fn a_result_beside_a_whole_recovery_is_not_in_the_next_window() {
    for outcome in [Outcome::Success, Outcome::Failure] {
        with_at_most(2, move || {
            let (clock, breaker) = breaker(of_calls(2, 10).half_open_timeout(Duration::MAX));
            let late = permit(&breaker);
            end(&breaker, Outcome::Failure);
            race_on(
                &breaker,
                move |one| {
                    // Opens it, unless the late failure has.
                    _ = one.try_acquire().map(|permit| permit.settle(Outcome::Failure));
                    clock.advance(RECOVERY);
                    end(one, Outcome::Success);
                },
                |_| late.settle(outcome),
            );
            let snapshot = breaker.snapshot();
            if snapshot.state == State::Closed && snapshot.generation == 3 {
                assert_eq!(window(&breaker).calls, 0);
            } else {
                // The late failure came between the acquiring and the settling of the other, and opened; or
                // the late success pushed nothing out. Either way one recovery is all there was.
                panic!("{snapshot:?}");
            }
        });
    }
}
