//! What snapshots and states show is never undone, whichever change other threads make meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, Outcome, State};

use crate::{RECOVERY, breaker};

const HANG: Duration = Duration::from_secs(1);

/// Runs `cycle` often, while two other threads call `look` and `tick` all the time.
fn race(cycle: impl Fn() + Sync, mut look: impl FnMut(), tick: impl Fn() + Sync) {
    let is_over = AtomicBool::new(false);
    let repeat = |action: &mut dyn FnMut()| {
        while !is_over.load(Ordering::Relaxed) {
            action();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            (0..20_000).for_each(|_| cycle());
            is_over.store(true, Ordering::Relaxed);
        });
        scope.spawn(|| repeat(&mut || tick()));
        repeat(&mut look);
    });
}

#[test]
fn a_trial_that_succeeds_in_time_never_shows_an_open_circuit() {
    let settings = Config::builder().failure_threshold(1).success_threshold(1).half_open_max_calls(1);
    let (clock, breaker) = breaker(settings);
    let cycle = || {
        breaker.try_acquire().unwrap().settle(Outcome::Failure);
        clock.advance(RECOVERY);
        let trial = breaker.try_acquire().unwrap();
        trial.settle(Outcome::Success);
        // The lease would end now.
        clock.advance(RECOVERY);
    };
    let look = || {
        let before = breaker.snapshot();
        let has_shown_open = (0..200).any(|_| breaker.state() == State::Open);
        let after = breaker.snapshot();
        let has_closed = after.state == State::Closed && after.generation == before.generation + 1;
        if before.state == State::HalfOpen && has_closed {
            assert!(!has_shown_open, "{before:?} {after:?}");
        }
    };
    race(cycle, look, thread::yield_now);
}

#[test]
fn an_opening_by_a_hanging_call_is_not_undone_by_the_next_change() {
    let changes: [fn(&CircuitBreaker); 3] = [CircuitBreaker::force_open, CircuitBreaker::reset, |breaker| {
        if let Ok(permit) = breaker.try_acquire() {
            permit.settle(Outcome::Failure);
        }
    }];
    for change in changes {
        let (clock, breaker) = breaker(Config::builder().failure_threshold(1).hang(HANG));
        let cycle = || {
            let hanging = breaker.try_acquire();
            change(&breaker);
            drop(hanging);
            breaker.release();
            breaker.reset();
        };
        let mut last = breaker.snapshot();
        let look = || {
            let now = breaker.snapshot();
            assert!(now.generation >= last.generation && now.time_open >= last.time_open);
            assert!(now.generation > last.generation || now.state == last.state, "{last:?} {now:?}");
            last = now;
        };
        race(cycle, look, || clock.advance(HANG / 8));
    }
}
