//! In steady state, no call allocates on any path.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, Config, Outcome, Registry, State};

use crate::{breaker, end, kinds, measure};

const CALLS: u32 = 1000;

/// Checks that only the first call allocates.
fn check_allocates_nothing(what: &str, mut call: impl FnMut()) {
    let first = measure(&mut call);
    let rest = measure(|| (0..CALLS).for_each(|_| call()));
    assert_eq!(rest.count_total, 0, "{what}; the first call: {}", first.count_total);
}

#[test]
fn no_success_allocates() {
    for (what, settings) in kinds() {
        let (_clock, breaker) = breaker(settings);
        check_allocates_nothing(what, || end(&breaker, Outcome::Success));
        check_allocates_nothing(what, || end(&breaker, Outcome::Ignored));
    }
}

#[test]
fn no_call_allocates_while_time_passes() {
    for (what, settings) in kinds() {
        let (clock, breaker) = breaker(settings);
        let call = || {
            clock.advance(Duration::from_secs(1));
            end(&breaker, Outcome::Success);
        };
        // Covers more than the whole window.
        (0..100).for_each(|_| call());
        check_allocates_nothing(what, call);
    }
}

#[test]
fn no_failure_allocates_once_its_window_has_been_full() {
    for (what, settings) in kinds() {
        let (_clock, breaker) = breaker(settings);
        end(&breaker, Outcome::Success);
        let call = || {
            end(&breaker, Outcome::Failure);
            end(&breaker, Outcome::Success);
        };
        (0..100).for_each(|_| call());
        check_allocates_nothing(what, call);
        assert_eq!(breaker.state(), State::Closed);
    }
}

#[test]
fn no_call_of_a_closure_or_a_future_allocates() {
    for (what, settings) in kinds() {
        let (_clock, breaker) = breaker(settings);
        check_allocates_nothing(what, || assert_eq!(breaker.call(|| Ok::<_, BreakerError>(7)).unwrap(), 7));
        check_allocates_nothing(what, || {
            let mut call = pin!(breaker.call_async(std::future::ready(Ok::<_, BreakerError>(7))));
            assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        });
    }
}

#[test]
fn no_rejection_allocates() {
    for (what, settings) in kinds() {
        let (_clock, breaker) = breaker(settings);
        while breaker.state() == State::Closed {
            end(&breaker, Outcome::Failure);
        }
        check_allocates_nothing(what, || assert!(breaker.try_acquire().is_err()));
        breaker.force_open();
        check_allocates_nothing(what, || assert!(breaker.try_acquire().is_err()));
    }
}

#[test]
fn no_rejection_by_a_full_bulkhead_allocates() {
    let (_clock, breaker) = breaker(Config::builder().max_concurrent(1));
    let held = breaker.try_acquire().unwrap();
    check_allocates_nothing("full", || assert!(breaker.try_acquire().is_err()));
    drop(held);
}

#[test]
fn no_trial_except_the_first_allocates() {
    for (what, settings) in kinds() {
        let (clock, breaker) = breaker(settings);
        while breaker.state() == State::Closed {
            end(&breaker, Outcome::Failure);
        }
        clock.advance(Duration::from_secs(30));
        check_allocates_nothing(what, || end(&breaker, Outcome::Ignored));
        assert_eq!(breaker.state(), State::HalfOpen);
        let held = [breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap()];
        check_allocates_nothing(what, || assert!(breaker.try_acquire().is_err()));
        drop(held);
    }
}

#[test]
fn no_call_with_a_known_key_allocates() {
    let breakers = Registry::new().register_keyed("soak", Config::default(), 100).unwrap();
    let keys: Vec<String> = (0..50).map(|key| format!("host-{key}")).collect();
    let call = || keys.iter().for_each(|key| end(&breakers.get(key), Outcome::Success));
    check_allocates_nothing("keyed", call);
}

#[test]
fn no_timed_call_on_the_real_clock_allocates() {
    let settings = Config::builder().durations(true).build().unwrap();
    let breaker = CircuitBreaker::new("soak", settings).unwrap();
    check_allocates_nothing("timed", || end(&breaker, Outcome::Success));
}

#[test]
fn a_state_change_frees_the_memory_of_the_previous_one() {
    let (_clock, breaker) = breaker(Config::builder());
    (0..10).for_each(|_| breaker.force_open());
    let changes = measure(|| (0..CALLS).for_each(|_| breaker.force_open()));
    assert_eq!((changes.count_current, changes.bytes_current), (0, 0));
}
