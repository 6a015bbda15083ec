//! The totals: every call that ended is counted exactly once.

use std::sync::{Arc, Barrier};

use breaker_runtime::{CircuitBreaker, Config, Outcome};

use crate::support::Fixture;

#[test]
fn every_way_to_end_a_call_has_its_own_total() {
    let fixture = Fixture::new();
    fixture.call(Outcome::Success);
    fixture.call(Outcome::Failure);
    drop(fixture.permit());
    fixture.breaker.force_open();
    assert!(fixture.rejects());
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures, totals.ignored, totals.rejected), (1, 1, 1, 1));
    assert_eq!(totals.calls(), 4);
    assert_eq!((totals.cancellations.ignored, totals.cancellations.failures), (1, 0));
}

#[test]
fn concurrent_threads_lose_no_count() {
    // Regression of resilience4j#1017: counts went negative under load.
    const THREADS: u64 = 40; // more than a small machine has stripes
    const CALLS: u64 = 20_000;
    let breaker = CircuitBreaker::new("counted", Config::default()).unwrap();
    breaker.disable();
    let start = Arc::new(Barrier::new(40));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for call in 0..CALLS {
                    let outcome = if call % 4 == 0 { Outcome::Failure } else { Outcome::Success };
                    breaker.try_acquire().unwrap().settle(outcome);
                }
            });
        }
    });
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.successes), (THREADS * CALLS / 4, THREADS * CALLS / 4 * 3));
}

#[test]
fn consecutive_threads_lose_no_count() {
    let breaker = CircuitBreaker::new("relay", Config::default()).unwrap();
    for _ in 0..500 {
        let breaker = breaker.clone();
        std::thread::spawn(move || breaker.try_acquire().unwrap().settle(Outcome::Success)).join().unwrap();
    }
    assert_eq!(breaker.snapshot().totals.successes, 500);
}

#[test]
fn a_call_that_ends_during_thread_local_destruction_is_counted() {
    struct AtExit(CircuitBreaker);
    impl Drop for AtExit {
        fn drop(&mut self) {
            self.0.try_acquire().unwrap().settle(Outcome::Success);
        }
    }
    thread_local! {
        static LAST: std::cell::RefCell<Option<AtExit>> = const { std::cell::RefCell::new(None) };
    }
    let breaker = CircuitBreaker::new("exit", Config::default()).unwrap();
    for first in [true, false] {
        let breaker = breaker.clone();
        std::thread::spawn(move || {
            // Covers both orders of the thread-local destructors: of this value and of the thread's stripe
            // number.
            if first {
                breaker.try_acquire().unwrap().settle(Outcome::Success);
            }
            LAST.set(Some(AtExit(breaker.clone())));
            if !first {
                breaker.try_acquire().unwrap().settle(Outcome::Success);
            }
        })
        .join()
        .unwrap();
    }
    assert_eq!(breaker.snapshot().totals.successes, 4);
}
