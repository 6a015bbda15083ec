//! Settings that are applied while calls begin and end.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, State};

use super::{breaker, due, end, keep_one, permit, race_on, strict, window, with_at_most, with_few_switches};

fn apply(settings: ConfigBuilder) -> impl FnOnce(&CircuitBreaker) + 'static {
    move |breaker| breaker.set_config(settings.build().expect("the settings are in range"))
}

fn calls(size: u32) -> ConfigBuilder {
    Config::builder().consecutive_failures(10).window_calls(size)
}

fn time(seconds: u64) -> ConfigBuilder {
    strict().failure_threshold(10).window_time(Duration::from_secs(seconds))
}

#[test]
fn a_failure_beside_a_lower_threshold_is_in_the_run_that_the_next_one_ends() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(5));
        end(&breaker, Outcome::Failure);
        race_on(&breaker, apply(strict().failure_threshold(3)), |other| end(other, Outcome::Failure));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 2));
        end(&breaker, Outcome::Failure);
        assert_eq!(breaker.state(), State::Open);
    });
}

#[test]
fn a_failure_beside_a_threshold_that_it_meets_opens_it_then_or_at_the_next_one() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(5));
        race_on(&breaker, apply(strict().failure_threshold(1)), |other| end(other, Outcome::Failure));
        if breaker.state() == State::Closed {
            assert_eq!(breaker.snapshot().consecutive_failures, 1);
            end(&breaker, Outcome::Failure);
        }
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.generation), (State::Open, 1));
    });
}

#[test]
fn a_success_beside_new_settings_ends_the_run() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(5));
        end(&breaker, Outcome::Failure);
        race_on(&breaker, apply(strict().failure_threshold(2)), |other| end(other, Outcome::Success));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 0));
        assert_eq!(snapshot.totals.successes, 1);
    });
}

#[test]
fn a_failure_beside_a_window_of_another_size_is_in_it() {
    for (before, after) in [(2, 4), (4, 2), (4, 3)] {
        with_few_switches(move || {
            let (_clock, breaker) = breaker(calls(before));
            end(&breaker, Outcome::Failure);
            race_on(&breaker, apply(calls(after)), |other| end(other, Outcome::Failure));
            assert_eq!((window(&breaker).calls, window(&breaker).failures), (2, 2));
        });
    }
}

#[test]
fn a_success_beside_a_window_of_another_size_is_in_it_or_missed_and_breaks_nothing() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(calls(2));
        end(&breaker, Outcome::Success);
        end(&breaker, Outcome::Failure);
        race_on(&breaker, apply(calls(4)), |other| end(other, Outcome::Success));
        let held = window(&breaker);
        assert!(matches!((held.calls, held.failures), (2 | 3, 1)), "{held:?}");
        let missing = 4 - held.calls;
        (0..missing).for_each(|_| end(&breaker, Outcome::Success));
        assert_eq!((window(&breaker).calls, window(&breaker).failures), (4, 1));
    });
}

#[test]
fn a_success_beside_a_window_at_rest_that_grows_is_in_it_or_missed_and_those_after_it_are_in_it() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(calls(1));
        end(&breaker, Outcome::Success);
        end(&breaker, Outcome::Success);
        race_on(&breaker, apply(calls(3)), |other| end(other, Outcome::Success));
        let held = window(&breaker).calls;
        assert!(matches!(held, 1 | 2), "{held}");
        end(&breaker, Outcome::Success);
        assert_eq!(window(&breaker).calls, held + 1);
    });
}

#[test]
fn a_failure_beside_a_first_window_is_in_the_run_and_at_most_once_in_the_window() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(5));
        race_on(&breaker, apply(calls(4)), |other| end(other, Outcome::Failure));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.consecutive_failures, snapshot.totals.failures), (1, 1));
        assert!(window(&breaker).failures <= 1);
    });
}

#[test]
fn calls_beside_a_window_of_time_of_another_length_are_counted_once_and_no_failure_is_lost() {
    with_at_most(2, || {
        let (clock, breaker) = breaker(time(10));
        end(&breaker, Outcome::Success);
        end(&breaker, Outcome::Failure);
        clock.advance(Duration::from_secs(5));
        race_on(&breaker, apply(time(20)), |other| {
            end(other, Outcome::Success);
            end(other, Outcome::Failure);
        });
        let held = window(&breaker);
        assert!(matches!((held.calls, held.failures), (3 | 4, 2)), "{held:?}");
    });
}

#[test]
fn a_trial_that_succeeds_beside_new_settings_counts_by_the_old_or_the_new_ones() {
    with_few_switches(|| {
        let (_clock, breaker) = due(strict());
        let trial = permit(&breaker);
        race_on(&breaker, apply(strict().success_threshold(2)), |_| trial.settle(Outcome::Success));
        assert_eq!(breaker.snapshot().trials_in_flight, 0);
        if breaker.state() == State::HalfOpen {
            end(&breaker, Outcome::Success);
        }
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn a_new_place_for_trials_is_taken_by_exactly_one() {
    with_few_switches(|| {
        let (_clock, breaker) = due(strict());
        assert!(keep_one(&breaker));
        let ((), early) = race_on(&breaker, apply(strict().half_open_max_calls(2)), keep_one);
        assert_eq!(keep_one(&breaker), !early);
        assert_eq!(breaker.snapshot().trials_in_flight, 2);
        assert!(!keep_one(&breaker));
    });
}

#[test]
fn a_place_in_the_bulkhead_is_neither_lost_nor_doubled_by_fewer_or_more_places() {
    for (before, after) in [(2, 1), (1, 2), (3, 1)] {
        with_few_switches(move || {
            let (_clock, breaker) = breaker(strict().max_concurrent(before));
            let held: Vec<_> = (0..before).map(|_| permit(&breaker)).collect();
            race_on(&breaker, apply(strict().max_concurrent(after)), |_| {
                held.into_iter().for_each(|permit| permit.settle(Outcome::Success));
            });
            assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
            assert!((0..after).all(|_| keep_one(&breaker)));
            assert!(!keep_one(&breaker));
        });
    }
}

#[test]
fn no_limit_and_a_limit_again_give_every_place_back() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(strict().max_concurrent(1));
        let held = permit(&breaker);
        race_on(
            &breaker,
            |one| {
                apply(strict())(one);
                apply(strict().max_concurrent(1))(one);
            },
            |other| {
                held.settle(Outcome::Success);
                _ = other.try_acquire().map(|permit| permit.settle(Outcome::Success));
            },
        );
        assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
        assert!(keep_one(&breaker));
        assert!(!keep_one(&breaker));
    });
}
