//! Trial calls: their slots and leases.

use std::mem::forget;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use breaker_runtime::{Cause, ErrorKind, Outcome, State};

use crate::support::{Bench, NANO, RECOVERY, settings};

#[test]
fn at_most_half_open_max_calls_trials_run_at_once() {
    let bench = Bench::due();
    let (first, second) = (bench.permit(), bench.permit());
    assert!(first.is_trial() && second.is_trial());
    assert_eq!(bench.breaker.try_acquire().unwrap_err().kind(), ErrorKind::HalfOpen);
    assert_eq!(bench.breaker.snapshot().trials_in_flight, 2);
    first.settle(Outcome::Success);
    let third = bench.permit();
    assert!(bench.rejects());
    drop((second, third));
}

#[test]
fn eight_threads_start_at_most_half_open_max_calls_trials() {
    // failsafe, recloser and circuitbreaker-rs admitted more trials than their limit.
    for _ in 0..500 {
        let bench = Bench::due();
        let start = Arc::new(Barrier::new(8));
        let admitted = std::thread::scope(|scope| {
            let threads = [(); 8].map(|()| {
                let (breaker, start) = (bench.breaker.clone(), Arc::clone(&start));
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
fn an_ignored_trial_releases_its_slot_and_decides_nothing() {
    // nora#585 #606, smallrye#320: the circuit stayed half-open after a 4xx.
    let bench = Bench::due();
    for _ in 0..100 {
        let (first, second) = (bench.permit(), bench.permit());
        first.settle(Outcome::Ignored);
        second.settle(Outcome::Ignored);
    }
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 0));
}

#[test]
fn a_dropped_trial_releases_its_slot() {
    // circuitbreaker-rs, ninelives, sentinel; resilience4j#935 #1681: the circuit stayed half-open.
    let bench = Bench::due();
    for _ in 0..100 {
        drop((bench.permit(), bench.permit()));
    }
    assert_eq!(bench.breaker.snapshot().trials_in_flight, 0);
}

#[test]
fn a_forgotten_trial_counts_as_failed_when_its_lease_expires() {
    // resilience4j: a hung trial kept the circuit half-open indefinitely.
    let bench = Bench::with(settings().half_open_timeout(Duration::from_secs(5)));
    bench.trip();
    bench.clock.advance(RECOVERY);
    forget(bench.permit());
    forget(bench.permit());
    bench.clock.advance(Duration::from_nanos(4_999_999_999));
    assert_eq!(bench.breaker.state(), State::HalfOpen);
    bench.clock.advance(NANO);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(RECOVERY)));
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::LeaseExpired);
    assert!(bench.rejects());
}

#[test]
fn a_lease_reopens_the_circuit_at_its_expiry_and_not_when_it_is_noticed() {
    let bench = Bench::with(settings().half_open_timeout(Duration::from_secs(5)));
    bench.trip();
    bench.clock.advance(RECOVERY);
    forget(bench.permit());
    bench.clock.advance(Duration::from_secs(15));
    let snapshot = bench.breaker.snapshot();
    assert_eq!(snapshot.time_in_state, Duration::from_secs(10));
    assert_eq!(snapshot.retry_after, Some(Duration::from_secs(20)));
    bench.clock.advance(Duration::from_secs(20));
    assert!(bench.permit().is_trial());
}

#[test]
fn each_trial_has_its_own_lease() {
    let bench = Bench::with(settings().success_threshold(3).half_open_timeout(Duration::from_secs(5)));
    bench.trip();
    bench.clock.advance(RECOVERY);
    let first = bench.permit();
    bench.clock.advance(Duration::from_secs(4));
    let second = bench.permit();
    first.settle(Outcome::Success);
    bench.clock.advance(Duration::from_secs(4));
    assert_eq!(bench.breaker.state(), State::HalfOpen);
    second.settle(Outcome::Success);
    forget(bench.permit());
    bench.clock.advance(Duration::from_secs(5));
    assert_eq!(bench.breaker.state(), State::Open);
}

#[test]
fn the_outcome_of_a_trial_after_its_lease_is_counted_and_decides_nothing() {
    let bench = Bench::due();
    let (first, second) = (bench.permit(), bench.permit());
    bench.clock.advance(RECOVERY);
    first.settle(Outcome::Success);
    second.settle(Outcome::Success);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.successes), (State::Open, 2));
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::LeaseExpired);
}
