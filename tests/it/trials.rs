//! Trial calls: their slots and leases.

use std::mem::forget;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use breaker_runtime::{Cause, ErrorKind, Outcome, State};

use crate::support::{Fixture, NANO, RECOVERY, settings};

#[test]
fn at_most_half_open_max_calls_trials_run_at_once() {
    let fixture = Fixture::ready_for_trial();
    let (first, second) = (fixture.permit(), fixture.permit());
    assert!(first.is_trial() && second.is_trial());
    assert_eq!(fixture.breaker.try_acquire().unwrap_err().kind(), ErrorKind::HalfOpen);
    assert_eq!(fixture.breaker.snapshot().trials_in_flight, 2);
    first.settle(Outcome::Success);
    let third = fixture.permit();
    assert!(fixture.rejects());
    drop((second, third));
}

#[test]
fn eight_threads_start_at_most_half_open_max_calls_trials() {
    // Regression of failsafe, recloser and circuitbreaker-rs: they admitted more trials than their limit.
    for _ in 0..500 {
        let fixture = Fixture::ready_for_trial();
        let start = Arc::new(Barrier::new(8));
        let admitted = std::thread::scope(|scope| {
            let threads = [(); 8].map(|()| {
                let (breaker, start) = (fixture.breaker.clone(), Arc::clone(&start));
                scope.spawn(move || {
                    start.wait();
                    breaker.try_acquire().map(forget).is_ok()
                })
            });
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|&ok| ok).count()
        });
        assert_eq!(admitted, 2);
    }
}

#[test]
fn an_ignored_trial_releases_its_slot_and_does_not_change_the_state() {
    // Regression of nora#585 #606, smallrye#320: the circuit stayed half-open after a 4xx.
    let fixture = Fixture::ready_for_trial();
    for _ in 0..100 {
        let (first, second) = (fixture.permit(), fixture.permit());
        first.settle(Outcome::Ignored);
        second.settle(Outcome::Ignored);
    }
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 0));
}

#[test]
fn a_dropped_trial_releases_its_slot() {
    // Regression of circuitbreaker-rs, ninelives, sentinel and resilience4j#935 #1681: the circuit stayed half-open.
    let fixture = Fixture::ready_for_trial();
    for _ in 0..100 {
        drop((fixture.permit(), fixture.permit()));
    }
    assert_eq!(fixture.breaker.snapshot().trials_in_flight, 0);
}

#[test]
fn a_leaked_trial_counts_as_failed_when_its_lease_expires() {
    // Regression of resilience4j: a hung trial kept the circuit half-open indefinitely.
    let fixture = Fixture::with(settings().half_open_timeout(Duration::from_secs(5)));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    forget(fixture.permit());
    forget(fixture.permit());
    fixture.clock.advance(Duration::from_nanos(4_999_999_999));
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    fixture.clock.advance(NANO);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(RECOVERY)));
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::LeaseExpired);
    assert!(fixture.rejects());
}

#[test]
fn a_lease_reopens_the_circuit_at_its_expiry_and_not_when_it_is_noticed() {
    let fixture = Fixture::with(settings().half_open_timeout(Duration::from_secs(5)));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    forget(fixture.permit());
    fixture.clock.advance(Duration::from_secs(15));
    let snapshot = fixture.breaker.snapshot();
    assert_eq!(snapshot.time_in_state, Duration::from_secs(10));
    assert_eq!(snapshot.retry_after, Some(Duration::from_secs(20)));
    fixture.clock.advance(Duration::from_secs(20));
    assert!(fixture.permit().is_trial());
}

#[test]
fn each_trial_has_its_own_lease() {
    let fixture = Fixture::with(settings().success_threshold(3).half_open_timeout(Duration::from_secs(5)));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let first = fixture.permit();
    fixture.clock.advance(Duration::from_secs(4));
    let second = fixture.permit();
    first.settle(Outcome::Success);
    fixture.clock.advance(Duration::from_secs(4));
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    second.settle(Outcome::Success);
    forget(fixture.permit());
    fixture.clock.advance(Duration::from_secs(5));
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn the_outcome_of_a_trial_after_its_lease_is_counted_and_does_not_change_the_state() {
    let fixture = Fixture::ready_for_trial();
    let (first, second) = (fixture.permit(), fixture.permit());
    fixture.clock.advance(RECOVERY);
    first.settle(Outcome::Success);
    second.settle(Outcome::Success);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.successes), (State::Open, 2));
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::LeaseExpired);
}
