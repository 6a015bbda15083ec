//! New settings while calls begin and end.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, State};

use super::{
    breaker, call, leak_permit, permit, race_on, ready_for_trial, strict, window, with_few_preemptions,
    with_preemptions,
};

fn set_config(settings: ConfigBuilder) -> impl FnOnce(&CircuitBreaker) + 'static {
    move |breaker| breaker.set_config(settings.build().expect("the settings are in range"))
}

fn calls(size: u32) -> ConfigBuilder {
    Config::builder().consecutive_failures(10).window_calls(size)
}

fn time(seconds: u64) -> ConfigBuilder {
    strict().failure_threshold(10).window_time(Duration::from_secs(seconds))
}

#[test]
fn a_failure_concurrent_with_a_lower_threshold_counts_towards_it() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(5));
        call(&breaker, Outcome::Failure);
        race_on(&breaker, set_config(strict().failure_threshold(3)), |other| call(other, Outcome::Failure));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 2));
        call(&breaker, Outcome::Failure);
        assert_eq!(breaker.state(), State::Open);
    });
}

#[test]
fn a_failure_concurrent_with_a_threshold_that_it_reaches_opens_the_circuit_then_or_at_the_next_failure() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(5));
        race_on(&breaker, set_config(strict().failure_threshold(1)), |other| call(other, Outcome::Failure));
        if breaker.state() == State::Closed {
            assert_eq!(breaker.snapshot().consecutive_failures, 1);
            call(&breaker, Outcome::Failure);
        }
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.generation), (State::Open, 1));
    });
}

#[test]
fn a_success_concurrent_with_new_settings_ends_the_run() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(5));
        call(&breaker, Outcome::Failure);
        race_on(&breaker, set_config(strict().failure_threshold(2)), |other| call(other, Outcome::Success));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 0));
        assert_eq!(snapshot.totals.successes, 1);
    });
}

#[test]
fn a_failure_concurrent_with_a_resized_window_is_in_it() {
    for (before, after) in [(2, 4), (4, 2), (4, 3)] {
        with_few_preemptions(move || {
            let (_clock, breaker) = breaker(calls(before));
            call(&breaker, Outcome::Failure);
            race_on(&breaker, set_config(calls(after)), |other| call(other, Outcome::Failure));
            assert_eq!((window(&breaker).calls, window(&breaker).failures), (2, 2));
        });
    }
}

#[test]
fn a_success_concurrent_with_a_resized_window_is_counted_at_most_once() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(calls(2));
        call(&breaker, Outcome::Success);
        call(&breaker, Outcome::Failure);
        race_on(&breaker, set_config(calls(4)), |other| call(other, Outcome::Success));
        let held = window(&breaker);
        assert!(matches!((held.calls, held.failures), (2 | 3, 1)), "{held:?}");
        let missing = 4 - held.calls;
        (0..missing).for_each(|_| call(&breaker, Outcome::Success));
        assert_eq!((window(&breaker).calls, window(&breaker).failures), (4, 1));
    });
}

#[test]
fn a_saturated_window_that_grows_may_miss_a_concurrent_success_but_no_later_one() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(calls(1));
        call(&breaker, Outcome::Success);
        // The settings change in this thread: loom lets the loads of the other thread see either word, but does not
        // move a load of this thread behind a write of the other one.
        race_on(
            &breaker,
            |one| {
                call(one, Outcome::Success);
                call(one, Outcome::Success);
            },
            set_config(calls(3)),
        );
        let held = window(&breaker).calls;
        assert!(matches!(held, 1..=3), "{held}");
        call(&breaker, Outcome::Success);
        assert_eq!(window(&breaker).calls, (held + 1).min(3));
    });
}

#[test]
fn a_failure_concurrent_with_a_first_window_is_in_the_run_and_at_most_once_in_the_window() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(5));
        race_on(&breaker, set_config(calls(4)), |other| call(other, Outcome::Failure));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.consecutive_failures, snapshot.totals.failures), (1, 1));
        assert!(window(&breaker).failures <= 1);
    });
}

#[test]
fn calls_concurrent_with_a_resized_time_based_window_are_counted_once_and_no_failure_is_lost() {
    with_preemptions(2, || {
        let (clock, breaker) = breaker(time(10));
        call(&breaker, Outcome::Success);
        call(&breaker, Outcome::Failure);
        clock.advance(Duration::from_secs(5));
        race_on(&breaker, set_config(time(20)), |other| {
            call(other, Outcome::Success);
            call(other, Outcome::Failure);
        });
        let held = window(&breaker);
        assert!(matches!((held.calls, held.failures), (3 | 4, 2)), "{held:?}");
    });
}

#[test]
fn a_trial_concurrent_with_new_settings_counts_by_the_old_or_the_new_ones() {
    with_few_preemptions(|| {
        let (_clock, breaker) = ready_for_trial(strict());
        let trial = permit(&breaker);
        race_on(&breaker, set_config(strict().success_threshold(2)), |_| trial.settle(Outcome::Success));
        assert_eq!(breaker.snapshot().trials_in_flight, 0);
        if breaker.state() == State::HalfOpen {
            call(&breaker, Outcome::Success);
        }
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn a_new_trial_slot_is_taken_exactly_once() {
    with_few_preemptions(|| {
        let (_clock, breaker) = ready_for_trial(strict());
        assert!(leak_permit(&breaker));
        let ((), admitted) = race_on(&breaker, set_config(strict().half_open_max_calls(2)), leak_permit);
        assert_eq!(leak_permit(&breaker), !admitted);
        assert_eq!(breaker.snapshot().trials_in_flight, 2);
        assert!(!leak_permit(&breaker));
    });
}

#[test]
fn no_bulkhead_slot_is_lost_or_doubled_when_the_limit_changes() {
    for (before, after) in [(2, 1), (1, 2), (3, 1)] {
        with_few_preemptions(move || {
            let (_clock, breaker) = breaker(strict().max_concurrent(before));
            let held: Vec<_> = (0..before).map(|_| permit(&breaker)).collect();
            race_on(&breaker, set_config(strict().max_concurrent(after)), |_| {
                for permit in held {
                    permit.settle(Outcome::Success);
                }
            });
            assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
            assert!((0..after).all(|_| leak_permit(&breaker)));
            assert!(!leak_permit(&breaker));
        });
    }
}

#[test]
fn removing_and_restoring_the_limit_frees_every_slot() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict().max_concurrent(1));
        let held = permit(&breaker);
        race_on(
            &breaker,
            |one| {
                set_config(strict())(one);
                set_config(strict().max_concurrent(1))(one);
            },
            |other| {
                held.settle(Outcome::Success);
                _ = other.try_acquire().map(|permit| permit.settle(Outcome::Success));
            },
        );
        assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
        assert!(leak_permit(&breaker));
        assert!(!leak_permit(&breaker));
    });
}
