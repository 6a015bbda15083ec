//! Never more trials than places, nor more calls at a time than may run.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, Config, ConfigBuilder, Outcome, State};

use crate::{Inside, any_outcome, breaker, due, storm};

const PLACES: u32 = 3;

#[test]
fn a_circuit_that_stays_half_open_never_runs_too_many_trials() {
    // failsafe and recloser admit 1000 of 1000; circuitbreaker-rs lost 21,396 of 400,000 races.
    let settings = |lease| {
        Config::builder()
            .half_open_max_calls(PLACES)
            .success_threshold(u32::MAX)
            .half_open_timeout(Duration::from_secs(lease))
    };
    let (_clock, breaker) = due(settings(30));
    let inside = Inside::default();
    storm(
        |mut dice, _| {
            for _ in 0..3000 {
                let Ok(permit) = breaker.try_acquire() else { continue };
                assert!(permit.is_trial());
                inside.visit();
                permit.settle(if dice.bool() { Outcome::Success } else { Outcome::Ignored });
            }
        },
        |dice| {
            breaker.set_config(settings(dice.u64(10..100)).build().unwrap());
            assert!(breaker.snapshot().trials_in_flight <= PLACES as usize);
        },
    );
    assert_eq!(inside.most(), PLACES);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 0));
}

#[test]
fn no_recovery_runs_too_many_trials_however_it_ends() {
    for round in 0..100 {
        let (_clock, breaker) = due(Config::builder().half_open_max_calls(PLACES).success_threshold(4));
        let inside = Inside::default();
        storm(
            |mut dice, number| {
                dice.seed(round * 8 + number);
                for _ in 0..4 {
                    let Ok(permit) = breaker.try_acquire() else { continue };
                    if permit.is_trial() {
                        inside.visit();
                    }
                    permit.settle(any_outcome(&mut dice));
                }
            },
            |_| {},
        );
        assert!(inside.most() <= PLACES, "{}", inside.most());
        assert_eq!(breaker.snapshot().trials_in_flight, 0);
    }
}

fn bounded(most: u32) -> ConfigBuilder {
    Config::builder().failure_threshold(1_000_000).max_concurrent(most)
}

#[test]
fn never_do_more_calls_run_than_may() {
    let (_clock, breaker) = breaker(bounded(PLACES));
    let inside = Inside::default();
    let rejected: u64 = storm(
        |_, _| {
            let call = || breaker.call(|| Ok::<_, BreakerError>(inside.visit())).is_err();
            (0..3000).map(|_| u64::from(call())).sum::<u64>()
        },
        |dice| {
            let settings = bounded(PLACES).recovery_timeout(Duration::from_secs(dice.u64(1..9)));
            breaker.set_config(settings.build().unwrap());
        },
    )
    .into_iter()
    .sum();
    assert_eq!(inside.most(), PLACES);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.rejections.bulkhead, snapshot.calls_in_flight), (rejected, Some(0)));
}

#[test]
fn those_who_wait_all_get_their_turn_and_never_too_many_at_once() {
    let (_clock, breaker) = breaker(bounded(PLACES).max_wait(Duration::MAX));
    let inside = Inside::default();
    storm(
        |_, _| {
            for _ in 0..1000 {
                breaker.call(|| Ok::<_, BreakerError>(inside.visit())).unwrap();
            }
        },
        |_| {},
    );
    assert!(inside.most() <= PLACES);
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn no_place_is_lost_or_doubled_while_the_limit_moves() {
    let (_clock, breaker) = breaker(bounded(4));
    let inside = Inside::default();
    storm(
        |_, _| {
            for _ in 0..3000 {
                _ = breaker.call(|| Ok::<_, BreakerError>(inside.visit()));
            }
        },
        |dice| breaker.set_config(bounded(dice.u32(1..5)).build().unwrap()),
    );
    assert!(inside.most() <= 4, "{}", inside.most());
    has_exactly(&breaker, 4);
    has_exactly(&breaker, 2);
}

fn has_exactly(breaker: &CircuitBreaker, places: u32) {
    breaker.set_config(bounded(places).build().unwrap());
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
    let held: Vec<_> = (0..places).map(|_| breaker.try_acquire().unwrap()).collect();
    assert!(breaker.try_acquire().is_err());
    drop(held);
}

#[test]
fn a_cancelled_waiter_hands_no_place_on_that_is_gone() {
    let (_clock, breaker) = breaker(bounded(2).max_wait(Duration::from_secs(1)));
    let (first, second) = (breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap());
    {
        let mut waiting = pin!(breaker.call_async(async { Ok::<_, BreakerError>(()) }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        // The place goes to the one who waits, who has not looked yet.
        first.settle(Outcome::Success);
        breaker.set_config(bounded(1).build().unwrap());
    }
    assert_eq!(breaker.snapshot().calls_in_flight, Some(1));
    assert!(breaker.try_acquire().is_err(), "one call runs, and one may");
    second.settle(Outcome::Success);
    has_exactly(&breaker, 1);
}
