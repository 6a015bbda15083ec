//! A window of time: each thread counts its successes in parts of its own, which others read.

use std::time::Duration;

use breaker_runtime::{ConfigBuilder, Outcome, State};
use loom::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use super::{breaker, end, permit, race_on, strict, window, with_few_switches};

const WINDOW: Duration = Duration::from_secs(100);

/// Half of the calls of the last while, from so many on.
fn of_time(minimum: u32) -> ConfigBuilder {
    let settings = strict().window_time(WINDOW).failure_rate(0.5).minimum_calls(minimum);
    // By default a threshold is no rule beside a window; this one is never met.
    settings.failure_threshold(1000)
}

#[test]
fn no_call_of_two_threads_is_lost_or_counted_twice() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(of_time(100));
        race_on(
            &breaker,
            |one| {
                end(one, Outcome::Success);
                end(one, Outcome::Failure);
            },
            |other| {
                end(other, Outcome::Success);
                end(other, Outcome::Success);
            },
        );
        let held = window(&breaker);
        assert_eq!((held.calls, held.failures), (4, 1));
    });
}

#[test]
fn a_rate_is_asked_with_all_successes_that_ended_before() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(of_time(2));
        let ended = Arc::new(AtomicU32::new(0));
        let tell = Arc::clone(&ended);
        let ((), had_ended) = race_on(
            &breaker,
            move |one| {
                for _ in 0..2 {
                    // The other one may have opened it meanwhile.
                    _ = one.try_acquire().map(|permit| permit.settle(Outcome::Success));
                }
                tell.store(1, Ordering::Release);
            },
            |other| {
                let had_ended = ended.load(Ordering::Acquire) == 1;
                end(other, Outcome::Failure);
                had_ended
            },
        );
        // One of three is no half; one of two may be, if the other thread was between its two.
        if had_ended {
            assert_eq!(breaker.state(), State::Closed);
        }
    });
}

#[test]
fn two_threads_that_succeed_hold_a_rate_down_together() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(of_time(2));
        race_on(&breaker, |one| end(one, Outcome::Success), |other| end(other, Outcome::Success));
        end(&breaker, Outcome::Failure);
        assert_eq!(breaker.state(), State::Closed, "one of three");
        end(&breaker, Outcome::Failure);
        assert_eq!(breaker.state(), State::Open, "two of four");
    });
}

#[test]
fn a_part_that_begins_anew_never_lends_its_old_number_to_its_new_time() {
    with_few_switches(|| {
        let (clock, breaker) = breaker(of_time(100));
        let ((), seen) = race_on(
            &breaker,
            move |one| {
                end(one, Outcome::Success);
                end(one, Outcome::Success);
                clock.advance(WINDOW);
                // In the same place, ten parts later.
                end(one, Outcome::Success);
            },
            |other| other.snapshot(),
        );
        let most = if seen.time_in_state >= WINDOW { 1 } else { 2 };
        let calls = seen.window.expect("it has a window").calls;
        assert!(calls <= most, "{calls} after {:?}", seen.time_in_state);
        assert_eq!(window(&breaker).calls, 1);
    });
}

#[test]
fn a_result_beside_a_reset_is_not_in_the_next_window() {
    for outcome in [Outcome::Success, Outcome::Failure] {
        with_few_switches(move || {
            let (_clock, breaker) = breaker(of_time(100));
            let late = permit(&breaker);
            race_on(
                &breaker,
                |one| {
                    one.reset();
                    end(one, Outcome::Failure);
                },
                |_| late.settle(outcome),
            );
            let held = window(&breaker);
            assert_eq!((held.calls, held.failures), (1, 1));
        });
    }
}
