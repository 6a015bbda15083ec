//! The limits of trial calls and of concurrent calls are never exceeded.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, Config, ConfigBuilder, Outcome, State};

use crate::{Concurrency, any_outcome, breaker, ready_for_trial, run_threads};

const SLOTS: u32 = 3;

#[test]
fn a_circuit_that_stays_half_open_never_runs_too_many_trials() {
    // Regression of failsafe, recloser and circuitbreaker-rs: concurrent trial calls exceeded the limit.
    let settings = |lease| {
        Config::builder()
            .half_open_max_calls(SLOTS)
            .success_threshold(u32::MAX)
            .half_open_timeout(Duration::from_secs(lease))
    };
    let (_clock, breaker) = ready_for_trial(settings(30));
    let running = Concurrency::default();
    run_threads(
        |mut random, _| {
            for _ in 0..3000 {
                let Ok(permit) = breaker.try_acquire() else { continue };
                assert!(permit.is_trial());
                running.run_call();
                permit.settle(if random.bool() { Outcome::Success } else { Outcome::Ignored });
            }
        },
        |random| {
            breaker.set_config(settings(random.u64(10..100)).build().unwrap());
            assert!(breaker.snapshot().trials_in_flight <= SLOTS as usize);
        },
    );
    assert_eq!(running.max(), SLOTS);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 0));
}

#[test]
fn no_recovery_runs_too_many_trials_however_it_ends() {
    for round in 0..100 {
        let (_clock, breaker) =
            ready_for_trial(Config::builder().half_open_max_calls(SLOTS).success_threshold(4));
        let running = Concurrency::default();
        run_threads(
            |mut random, index| {
                random.seed(round * 8 + index);
                for _ in 0..4 {
                    let Ok(permit) = breaker.try_acquire() else { continue };
                    if permit.is_trial() {
                        running.run_call();
                    }
                    permit.settle(any_outcome(&mut random));
                }
            },
            |_| {},
        );
        assert!(running.max() <= SLOTS, "{}", running.max());
        assert_eq!(breaker.snapshot().trials_in_flight, 0);
    }
}

fn bounded(max: u32) -> ConfigBuilder {
    Config::builder().failure_threshold(1_000_000).max_concurrent(max)
}

#[test]
fn no_more_calls_run_than_max_concurrent_allows() {
    let (_clock, breaker) = breaker(bounded(SLOTS));
    let running = Concurrency::default();
    let rejected: u64 = run_threads(
        |_, _| {
            let call = || breaker.call(|| Ok::<_, BreakerError>(running.run_call())).is_err();
            (0..3000).map(|_| u64::from(call())).sum::<u64>()
        },
        |random| {
            let settings = bounded(SLOTS).recovery_timeout(Duration::from_secs(random.u64(1..9)));
            breaker.set_config(settings.build().unwrap());
        },
    )
    .into_iter()
    .sum();
    assert_eq!(running.max(), SLOTS);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.rejections.bulkhead, snapshot.calls_in_flight), (rejected, Some(0)));
}

#[test]
fn every_waiting_call_runs_and_the_limit_holds() {
    let (_clock, breaker) = breaker(bounded(SLOTS).max_wait(Duration::MAX));
    let running = Concurrency::default();
    run_threads(
        |_, _| {
            for _ in 0..1000 {
                breaker.call(|| Ok::<_, BreakerError>(running.run_call())).unwrap();
            }
        },
        |_| {},
    );
    assert!(running.max() <= SLOTS);
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
}

/// The time that a waiting call has to take the slot that it is offered.
const OFFER: Duration = Duration::from_millis(10);

type Call<'a> = Pin<Box<dyn Future<Output = Result<u32, BreakerError>> + Send + 'a>>;

fn is_pending(call: &mut Call<'_>) -> bool {
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => true,
        Poll::Ready(result) => {
            result.unwrap();
            false
        }
    }
}

#[test]
fn waiting_calls_that_are_polled_late_cancelled_or_forgotten_lose_no_slot() {
    let (clock, breaker) = breaker(bounded(SLOTS).max_wait(Duration::MAX));
    let running = Concurrency::default();
    run_threads(
        |mut random, _| {
            let mut waiting: Vec<Call<'_>> = Vec::new();
            for _ in 0..500 {
                match random.u8(0..20) {
                    0..8 => {
                        let mut call: Call<'_> =
                            Box::pin(breaker.call_async(async { Ok(running.run_call()) }));
                        if is_pending(&mut call) {
                            waiting.push(call);
                        }
                    }
                    8 if !waiting.is_empty() => drop(waiting.swap_remove(random.usize(..waiting.len()))),
                    9 if !waiting.is_empty() => {
                        std::mem::forget(waiting.swap_remove(random.usize(..waiting.len())));
                    }
                    // Blocks this thread, which polls its other calls late.
                    10 => _ = breaker.call(|| Ok::<_, BreakerError>(running.run_call())).unwrap(),
                    _ => waiting.retain_mut(is_pending),
                }
            }
        },
        |_| clock.advance(Duration::from_millis(1)),
    );
    assert!(running.max() <= SLOTS, "{}", running.max());
    // Forgotten calls are still in the queue, and each of them is offered a slot once.
    while breaker.try_acquire().is_err() {
        clock.advance(OFFER);
    }
    clock.advance(OFFER);
    check_slots(&breaker, SLOTS);
}

#[test]
fn no_bulkhead_slot_is_lost_or_doubled_while_the_limit_changes() {
    let (_clock, breaker) = breaker(bounded(4));
    let running = Concurrency::default();
    run_threads(
        |_, _| {
            for _ in 0..3000 {
                _ = breaker.call(|| Ok::<_, BreakerError>(running.run_call()));
            }
        },
        |random| breaker.set_config(bounded(random.u32(1..5)).build().unwrap()),
    );
    assert!(running.max() <= 4, "{}", running.max());
    check_slots(&breaker, 4);
    check_slots(&breaker, 2);
}

/// Checks that a breaker has exactly this number of free slots.
fn check_slots(breaker: &CircuitBreaker, slots: u32) {
    breaker.set_config(bounded(slots).build().unwrap());
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
    let held: Vec<_> = (0..slots).map(|_| breaker.try_acquire().unwrap()).collect();
    assert!(breaker.try_acquire().is_err());
    drop(held);
}

#[test]
fn a_cancelled_waiter_passes_on_no_slot_that_was_removed() {
    let (_clock, breaker) = breaker(bounded(2).max_wait(Duration::from_secs(1)));
    let (first, second) = (breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap());
    {
        let mut waiting = pin!(breaker.call_async(async { Ok::<_, BreakerError>(()) }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        // The slot passes to the waiting call, which has not been polled since.
        first.settle(Outcome::Success);
        breaker.set_config(bounded(1).build().unwrap());
    }
    assert_eq!(breaker.snapshot().calls_in_flight, Some(1));
    assert!(breaker.try_acquire().is_err(), "one call runs, which is the limit");
    second.settle(Outcome::Success);
    check_slots(&breaker, 1);
}
