//! States, trials, and runs of failures.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, ErrorKind, Outcome, State};
use loom::thread;

use super::{
    RECOVERY, breaker, due, end, keep_one, permit, race_on, strict, with_at_most, with_few_switches,
};

#[test]
fn one_place_is_taken_by_exactly_one_trial() {
    loom::model(|| {
        let (_clock, breaker) = due(strict());
        let (one, other) = race_on(&breaker, keep_one, keep_one);
        assert!(one != other, "one call is admitted, the other is not");
        assert_eq!(breaker.snapshot().trials_in_flight, 1);
    });
}

#[test]
fn no_trial_is_refused_while_a_place_is_free() {
    with_few_switches(|| {
        let (_clock, breaker) = due(strict().half_open_max_calls(2));
        assert_eq!(race_on(&breaker, keep_one, keep_one), (true, true));
        assert!(!keep_one(&breaker));
    });
}

#[test]
fn three_threads_get_no_more_trials_than_there_are_places() {
    with_at_most(2, || {
        let (_clock, breaker) = due(strict().half_open_max_calls(2));
        // Half-open already: how it gets there is for two threads to find out.
        end(&breaker, Outcome::Ignored);
        let third = {
            let breaker = breaker.clone();
            thread::spawn(move || keep_one(&breaker))
        };
        let (one, other) = race_on(&breaker, keep_one, keep_one);
        let third = third.join().expect("it does not panic");
        assert_eq!([one, other, third].into_iter().filter(|&admitted| admitted).count(), 2);
    });
}

#[test]
fn a_place_that_is_given_back_is_taken_by_one() {
    with_few_switches(|| {
        let (_clock, breaker) = due(strict());
        let trial = permit(&breaker);
        let (one, other) = race_on(&breaker, keep_one, |other| {
            trial.settle(Outcome::Ignored);
            keep_one(other)
        });
        assert!(one != other, "the place was free, and is no more");
        assert_eq!(breaker.snapshot().trials_in_flight, 1);
    });
}

#[test]
fn failures_of_two_threads_add_up_and_open_once() {
    loom::model(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(2));
        race_on(&breaker, |one| end(one, Outcome::Failure), |other| end(other, Outcome::Failure));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.generation), (State::Open, 1));
    });
}

#[test]
fn two_failures_that_each_open_open_once() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(strict());
        let fail = |breaker: &CircuitBreaker| {
            breaker.try_acquire().map_or_else(
                |error| error.kind() == ErrorKind::Open,
                |permit| {
                    permit.settle(Outcome::Failure);
                    true
                },
            )
        };
        assert_eq!(race_on(&breaker, fail, fail), (true, true));
        assert_eq!(breaker.snapshot().generation, 1);
    });
}

#[test]
fn a_success_beside_a_failure_either_ends_the_run_or_comes_first() {
    loom::model(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(2));
        race_on(&breaker, |one| end(one, Outcome::Failure), |other| end(other, Outcome::Success));
        let run = breaker.snapshot().consecutive_failures;
        assert!(run <= 1);
        end(&breaker, Outcome::Failure);
        assert_eq!(breaker.state() == State::Open, run == 1);
    });
}

#[test]
fn a_failure_from_before_an_order_never_counts_after_it() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(strict());
        race_on(
            &breaker,
            |one| {
                if let Ok(permit) = one.try_acquire() {
                    thread::yield_now();
                    permit.settle(Outcome::Failure);
                }
            },
            |other| {
                other.force_open();
                other.release();
            },
        );
        let snapshot = breaker.snapshot();
        // Two orders, and between them no failure could open; before or after them one may have.
        let opened = snapshot.generation == 3;
        assert!(opened || snapshot.generation == 2, "{snapshot:?}");
        assert!(snapshot.state == State::Closed || (opened && snapshot.state == State::Open));
    });
}

#[test]
fn a_permit_from_before_an_order_decides_nothing_after_it() {
    loom::model(|| {
        let (_clock, breaker) = breaker(strict());
        let leaked: &'static CircuitBreaker = Box::leak(Box::new(breaker.clone()));
        let permit = leaked.try_acquire().expect("it is closed");
        race_on(
            &breaker,
            |one| {
                one.disable();
                one.reset();
            },
            |_| permit.settle(Outcome::Failure),
        );
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 0), "{snapshot:?}");
    });
}

#[test]
fn an_order_beats_a_rule_whichever_comes_first() {
    loom::model(|| {
        let (_clock, breaker) = breaker(strict());
        race_on(
            &breaker,
            |one| _ = one.try_acquire().map(|permit| permit.settle(Outcome::Failure)),
            CircuitBreaker::force_open,
        );
        assert_eq!(breaker.state(), State::ForcedOpen);
    });
}

#[test]
fn the_trial_that_closes_and_the_call_that_finds_its_lease_over_agree() {
    with_few_switches(|| {
        let (clock, breaker) = due(strict().half_open_timeout(Duration::from_secs(1)));
        let trial = breaker.clone();
        let (closed, admitted) = {
            let permit = trial.try_acquire().expect("it is due");
            clock.advance(Duration::from_secs(1));
            let theirs = breaker.clone();
            let call = thread::spawn(move || keep_one(&theirs));
            permit.settle(Outcome::Success);
            (breaker.state() == State::Closed, call.join().expect("it does not panic"))
        };
        assert_eq!((closed, admitted), (false, false), "the lease was over before either came");
        assert_eq!(breaker.snapshot().totals.successes, 1);
    });
}

#[test]
fn closing_and_admitting_are_one_after_the_other() {
    with_few_switches(|| {
        let (_clock, breaker) = due(strict());
        let trial = breaker.clone();
        let permit = trial.try_acquire().expect("it is due");
        let theirs = breaker.clone();
        let call = thread::spawn(move || {
            theirs.try_acquire().map(|permit| permit.is_trial()).map_err(|error| error.kind())
        });
        permit.settle(Outcome::Success);
        let seen = call.join().expect("it does not panic");
        assert!(matches!(seen, Ok(false) | Err(ErrorKind::HalfOpen)), "{seen:?}");
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn a_rejection_tells_how_long_of_the_right_generation() {
    with_at_most(2, || {
        let (clock, breaker) = breaker(strict());
        end(&breaker, Outcome::Failure);
        clock.advance(Duration::from_secs(10));
        let (rejected, ()) = race_on(
            &breaker,
            |one| {
                one.try_acquire().map(std::mem::forget).map_err(|error| (error.kind(), error.retry_after()))
            },
            |other| {
                other.force_close();
                _ = other.try_acquire().map(|permit| permit.settle(Outcome::Failure));
            },
        );
        let first = Some(RECOVERY - Duration::from_secs(10));
        match rejected {
            Ok(()) => {}
            Err((kind, wait)) => {
                assert_eq!(kind, ErrorKind::Open);
                // Zero: it was closed again when the error looked.
                assert!(wait == first || wait == Some(RECOVERY) || wait == Some(Duration::ZERO), "{wait:?}");
            }
        }
    });
}

#[test]
fn no_count_is_lost() {
    with_at_most(2, || {
        let (_clock, breaker) = breaker(strict());
        let third = {
            let breaker = breaker.clone();
            thread::spawn(move || end(&breaker, Outcome::Success))
        };
        race_on(&breaker, |one| end(one, Outcome::Success), |other| end(other, Outcome::Success));
        third.join().expect("it does not panic");
        assert_eq!(breaker.snapshot().totals.successes, 3);
    });
}
