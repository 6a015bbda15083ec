//! A time-based window. Each thread counts its successes in slices of its own, which other threads read.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, ConfigBuilder, Outcome, State};
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::sync::Arc;

use super::{breaker, call, permit, race_on, strict, window, with_few_preemptions, with_preemptions};

const WINDOW: Duration = Duration::from_secs(100);

/// Returns settings that open the circuit when half of at least `minimum` calls have failed.
fn opens_at_half(minimum: u32) -> ConfigBuilder {
    let settings = strict().window_time(WINDOW).failure_rate(0.5).minimum_calls(minimum);
    // A threshold that is never reached, so that only the rate opens the circuit.
    settings.failure_threshold(1000)
}

#[test]
fn no_call_of_two_threads_is_lost_or_counted_twice() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(opens_at_half(100));
        race_on(
            &breaker,
            |one| {
                call(one, Outcome::Success);
                call(one, Outcome::Failure);
            },
            |other| {
                call(other, Outcome::Success);
                call(other, Outcome::Success);
            },
        );
        let window = window(&breaker);
        assert_eq!((window.calls, window.failures), (4, 1));
    });
}

#[test]
fn a_rate_includes_successes_that_ended_before_the_failure() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(opens_at_half(2));
        let ended = Arc::new(AtomicU32::new(0));
        let done = Arc::clone(&ended);
        let ((), had_ended) = race_on(
            &breaker,
            move |one| {
                for _ in 0..2 {
                    // The other thread may have opened the circuit.
                    _ = one.try_acquire().map(|permit| permit.settle(Outcome::Success));
                }
                done.store(1, Ordering::Release);
            },
            |other| {
                let had_ended = ended.load(Ordering::Acquire) == 1;
                call(other, Outcome::Failure);
                had_ended
            },
        );
        // One failure of three calls is less than half. If the successes had not ended, it may be one of two.
        if had_ended {
            assert_eq!(breaker.state(), State::Closed);
        }
    });
}

#[test]
fn successes_of_two_threads_both_lower_a_rate() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(opens_at_half(2));
        race_on(&breaker, |one| call(one, Outcome::Success), |other| call(other, Outcome::Success));
        call(&breaker, Outcome::Failure);
        assert_eq!(breaker.state(), State::Closed, "one of three calls failed");
        call(&breaker, Outcome::Failure);
        assert_eq!(breaker.state(), State::Open, "two of four calls failed");
    });
}

#[test]
fn a_reused_slice_never_shows_its_old_count_as_new() {
    with_few_preemptions(|| {
        let (clock, breaker) = breaker(opens_at_half(100));
        let (seen, ()) = race_on(&breaker, CircuitBreaker::snapshot, |other| {
            call(other, Outcome::Success);
            call(other, Outcome::Success);
            clock.advance(WINDOW);
            // Ten slices later, so this uses the same slice again.
            call(other, Outcome::Success);
        });
        let most = if seen.time_in_state >= WINDOW { 1 } else { 2 };
        let calls = seen.window.expect("the circuit has a window").calls;
        assert!(calls <= most, "{calls} after {:?}", seen.time_in_state);
        assert_eq!(window(&breaker).calls, 1);
    });
}

#[test]
fn a_result_concurrent_with_a_reset_is_not_in_the_next_window() {
    for outcome in [Outcome::Success, Outcome::Failure] {
        with_few_preemptions(move || {
            let (_clock, breaker) = breaker(opens_at_half(100));
            let late = permit(&breaker);
            race_on(
                &breaker,
                |one| {
                    one.reset();
                    call(one, Outcome::Failure);
                },
                |_| late.settle(outcome),
            );
            let window = window(&breaker);
            assert_eq!((window.calls, window.failures), (1, 1));
        });
    }
}

#[test]
fn a_success_after_a_new_length_is_not_lost_by_one_of_another_thread_with_the_same_cell() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(opens_at_half(100));
        let owner = breaker.clone();
        // It owns the first cell, so the other threads share one.
        thread::spawn(move || call(&owner, Outcome::Success)).join().expect("the thread does not panic");
        race_on(
            &breaker,
            |one| {
                let longer = strict().window_time(WINDOW * 2).failure_rate(0.5).minimum_calls(100).build();
                one.set_config(longer.expect("the settings are in range"));
                call(one, Outcome::Success);
            },
            |other| call(other, Outcome::Success),
        );
        // A call that ends while the length changes may be missed.
        let calls = window(&breaker).calls;
        assert!((2..=3).contains(&calls), "{calls}");
    });
}

#[test]
fn a_thread_that_gets_a_cell_of_its_own_loses_no_success() {
    with_preemptions(2, || {
        let (_clock, breaker) = breaker(opens_at_half(100));
        call(&breaker, Outcome::Success);
        race_on(
            &breaker,
            |one| (0..4).for_each(|_| call(one, Outcome::Success)),
            |other| call(other, Outcome::Success),
        );
        assert_eq!(window(&breaker).calls, 6);
    });
}
