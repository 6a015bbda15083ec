//! Sync calls that wait for a slot, and the park token of their threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{current, park_timeout, scope, yield_now};
use std::time::{Duration, Instant};

use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind, Outcome, State};

use crate::support::{Fixture, RECOVERY, seconds, settings};

/// A time that no test reaches.
const LONG: Duration = Duration::from_secs(60);

fn breaker() -> CircuitBreaker {
    let config = Config::builder().max_concurrent(1).max_wait(Duration::MAX);
    CircuitBreaker::new("threads", config.build().unwrap()).unwrap()
}

fn wait_for_slot(breaker: &CircuitBreaker) {
    breaker.call(|| Ok::<_, BreakerError>(())).unwrap();
}

/// Returns `true` if the thread has a token, so that it does not park.
fn has_token() -> bool {
    let start = Instant::now();
    park_timeout(LONG);
    start.elapsed() < LONG
}

#[test]
fn a_wait_for_a_slot_keeps_a_token_that_the_thread_has() {
    let breaker = breaker();
    for _ in 0..5 {
        let held = breaker.try_acquire().unwrap();
        let is_calling = AtomicBool::new(false);
        scope(|threads| {
            let waiting = threads.spawn(|| {
                current().unpark();
                is_calling.store(true, Ordering::Release);
                wait_for_slot(&breaker);
                has_token()
            });
            while !is_calling.load(Ordering::Acquire) {
                yield_now();
            }
            (0..100).for_each(|_| yield_now());
            held.settle(Outcome::Success);
            assert!(waiting.join().unwrap());
        });
    }
}

#[test]
fn a_wait_for_a_slot_keeps_a_token_that_the_thread_gets_meanwhile() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(Duration::MAX));
    for _ in 0..5 {
        let held = fixture.permit();
        scope(|threads| {
            let waiting = threads.spawn(|| {
                wait_for_slot(&fixture.breaker);
                has_token()
            });
            for _ in 0..100 {
                waiting.thread().unpark();
                yield_now();
            }
            assert!(!waiting.is_finished(), "the call waits");
            held.settle(Outcome::Success);
            assert!(waiting.join().unwrap());
        });
    }
}

#[test]
fn threads_behind_a_forgotten_call_follow_the_clock_of_a_test() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(Duration::MAX));
    let held = fixture.permit();
    let mut forgotten = Box::pin(fixture.breaker.call_async(async { Ok::<_, BreakerError>(()) }));
    assert!(crate::support::poll_once(forgotten.as_mut()).is_pending());
    std::mem::forget(forgotten);
    held.settle(Outcome::Success);
    scope(|threads| {
        let waiting = [(); 3].map(|()| threads.spawn(|| wait_for_slot(&fixture.breaker)));
        while !waiting.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            fixture.clock.advance(Duration::from_millis(1));
            yield_now();
        }
    });
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_thread_whose_trial_lost_its_lease_while_it_waited_is_rejected() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(Duration::MAX));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let hung = fixture.permit();
    scope(|threads| {
        let waiting = threads.spawn(|| fixture.breaker.call(|| Ok::<_, BreakerError>(())));
        while fixture.breaker.snapshot().trials_in_flight < 2 {
            yield_now();
        }
        fixture.clock.advance(RECOVERY);
        assert_eq!(fixture.breaker.state(), State::Open);
        assert_eq!(waiting.join().unwrap().unwrap_err().kind(), ErrorKind::Open);
        hung.settle(Outcome::Success);
    });
    assert_eq!((fixture.breaker.state(), fixture.calls_in_flight()), (State::Open, 0));
    fixture.clock.advance(RECOVERY + seconds(1));
    assert!(fixture.permit().is_trial());
}
