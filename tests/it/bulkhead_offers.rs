//! Slots that are offered to waiting calls, and calls that are forgotten while they wait.

use std::future::pending;
use std::mem::forget;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, Config, ConfigBuilder, ErrorKind, Outcome};

use crate::support::{Fixture, NANO, poll_once, seconds, settings, watch_panics};

type Call<'a> = Pin<Box<dyn Future<Output = Result<u8, BreakerError>> + Send + 'a>>;

/// The time that a waiting call has to take the first slot that it is offered.
const OFFER: Duration = Duration::from_millis(10);

/// A task that counts how often it is woken, and can panic when it is.
#[derive(Default)]
struct Task {
    woken: AtomicU32,
    panics: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics.load(Ordering::SeqCst), "the waker panics");
    }
}

impl Task {
    fn poll(self: &Arc<Self>, call: &mut Call<'_>) -> Poll<Result<u8, BreakerError>> {
        call.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    fn times_woken(&self) -> u32 {
        self.woken.load(Ordering::SeqCst)
    }
}

fn at_most(calls: u32) -> ConfigBuilder {
    settings().max_concurrent(calls).max_wait(Duration::MAX)
}

fn real_breaker() -> CircuitBreaker {
    let config = Config::builder().max_concurrent(1).max_wait(Duration::MAX);
    CircuitBreaker::new("offers", config.build().unwrap()).unwrap()
}

fn call(breaker: &CircuitBreaker) -> Call<'_> {
    Box::pin(breaker.call_async(async { Ok(1) }))
}

/// Returns a call that has begun to wait.
fn waiting(breaker: &CircuitBreaker) -> Call<'_> {
    let mut call = call(breaker);
    assert!(poll_once(call.as_mut()).is_pending());
    call
}

fn is_admitted(call: &mut Call<'_>) -> bool {
    matches!(poll_once(call.as_mut()), Poll::Ready(Ok(1)))
}

#[test]
fn a_slot_that_a_forgotten_call_is_offered_goes_on_after_ten_milliseconds() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    forget(waiting(&fixture.breaker));
    held.settle(Outcome::Success);
    fixture.clock.advance(OFFER.checked_sub(NANO).unwrap());
    assert!(fixture.rejects(), "the offer is not over");
    assert_eq!(fixture.calls_in_flight(), 1);
    fixture.clock.advance(NANO);
    assert_eq!(fixture.calls_in_flight(), 0);
    for _ in 0..3 {
        fixture.call(Outcome::Success);
    }
    assert_eq!(fixture.breaker.snapshot().totals.rejections.bulkhead, 1);
}

#[test]
fn a_forgotten_call_costs_its_slot_once_and_leaves_no_waker() {
    let fixture = Fixture::with(at_most(1));
    let task = Arc::new(Task::default());
    let held = fixture.permit();
    let mut forgotten = call(&fixture.breaker);
    assert!(task.poll(&mut forgotten).is_pending());
    forget(forgotten);
    held.settle(Outcome::Success);
    assert_eq!((task.times_woken(), Arc::strong_count(&task)), (1, 1));
    fixture.clock.advance(OFFER);
    let next = fixture.permit();
    assert!(fixture.rejects());
    next.settle(Outcome::Success);
    fixture.call(Outcome::Success);
}

#[test]
fn the_last_running_call_passes_on_a_lapsed_offer() {
    let fixture = Fixture::with(at_most(2));
    let (first, second) = (fixture.permit(), fixture.permit());
    forget(waiting(&fixture.breaker));
    let (mut third, mut fourth) = (waiting(&fixture.breaker), waiting(&fixture.breaker));
    first.settle(Outcome::Success);
    fixture.clock.advance(OFFER);
    second.settle(Outcome::Success);
    assert_eq!(fixture.calls_in_flight(), 2);
    assert!(is_admitted(&mut fourth) && is_admitted(&mut third));
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_waiting_call_is_woken_to_end_the_offer_of_a_forgotten_one() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    forget(waiting(&fixture.breaker));
    let task = Arc::new(Task::default());
    let mut live = call(&fixture.breaker);
    assert!(task.poll(&mut live).is_pending());
    held.settle(Outcome::Success);
    assert_eq!(task.times_woken(), 0, "the slot is offered to the call ahead");
    fixture.clock.advance(OFFER);
    assert_eq!(task.times_woken(), 1);
    assert!(matches!(task.poll(&mut live), Poll::Ready(Ok(1))));
}

#[test]
fn a_waiting_call_behind_many_forgotten_ones_gets_its_slot() {
    const FORGOTTEN: u32 = 50;
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    (0..FORGOTTEN).for_each(|_| forget(waiting(&fixture.breaker)));
    let task = Arc::new(Task::default());
    let mut live = call(&fixture.breaker);
    assert!(task.poll(&mut live).is_pending());
    // After ten seconds of waiting, the call looks at the queue once a second.
    for _ in 0..1000 {
        fixture.clock.advance(OFFER);
        assert!(task.poll(&mut live).is_pending());
    }
    held.settle(Outcome::Success);
    let mut waited = Duration::ZERO;
    while task.poll(&mut live).is_pending() {
        let woken = task.times_woken();
        while task.times_woken() == woken {
            fixture.clock.advance(OFFER);
            waited += OFFER;
        }
    }
    assert!(waited <= seconds(1) + OFFER * (FORGOTTEN + 1), "{waited:?}");
}

#[test]
fn a_call_that_is_polled_late_takes_an_offer_that_no_other_call_has_ended() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    let mut late = waiting(&fixture.breaker);
    held.settle(Outcome::Success);
    fixture.clock.advance(seconds(3600));
    assert!(is_admitted(&mut late));
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_call_that_is_polled_after_its_offer_waits_ahead_of_later_calls() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    let mut late = waiting(&fixture.breaker);
    let mut next = waiting(&fixture.breaker);
    held.settle(Outcome::Success);
    fixture.clock.advance(OFFER);
    let running = fixture.breaker.try_acquire();
    assert!(running.is_err(), "the slot is offered to the next call, not to a new one");
    let mut third = waiting(&fixture.breaker);
    assert!(poll_once(late.as_mut()).is_pending(), "the slot is offered to the next call");
    assert!(is_admitted(&mut next));
    assert!(poll_once(third.as_mut()).is_pending());
    assert!(is_admitted(&mut late) && is_admitted(&mut third));
}

/// Returns the number of polls after which a call has a slot that is polled at this interval, while three callers
/// compete for it. Each of them is polled every millisecond, and makes the next call when one has ended.
fn polls_under_constant_demand(interval: Duration) -> u32 {
    let fixture = Fixture::with(at_most(1));
    // Holds the slot from one poll to the next.
    let short_call = || -> Call<'_> {
        Box::pin(fixture.breaker.call_async(async {
            tokio::task::yield_now().await;
            Ok(1)
        }))
    };
    let mut callers = [(); 3].map(|()| short_call());
    assert!(poll_once(callers[0].as_mut()).is_pending());
    let mut slow = waiting(&fixture.breaker);
    for polls in 1..100 {
        for _ in 0..interval.as_millis() {
            fixture.clock.advance(Duration::from_millis(1));
            for caller in &mut callers {
                if is_admitted(caller) {
                    *caller = short_call();
                    assert!(poll_once(caller.as_mut()).is_pending());
                }
            }
        }
        if is_admitted(&mut slow) {
            return polls;
        }
    }
    panic!("the call starves");
}

#[test]
fn a_call_that_is_polled_at_least_once_a_second_takes_its_eighth_offer_at_the_latest() {
    for (millis, polls) in [(5, 1), (9, 1), (15, 2), (50, 4), (300, 6), (999, 8)] {
        assert_eq!(polls_under_constant_demand(Duration::from_millis(millis)), polls, "{millis} ms");
    }
}

#[test]
fn an_offer_that_lapses_for_a_slow_call_delays_others_for_at_most_twice_its_interval() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    let mut slow = waiting(&fixture.breaker);
    held.settle(Outcome::Success);
    for lifetime in [OFFER, OFFER * 2, OFFER * 4, OFFER * 8] {
        fixture.clock.advance(lifetime.checked_sub(NANO).unwrap());
        assert!(fixture.rejects(), "the offer is not over");
        fixture.clock.advance(NANO);
        let other = fixture.permit();
        assert!(poll_once(slow.as_mut()).is_pending());
        other.settle(Outcome::Success);
    }
    forget(slow);
    fixture.clock.advance(OFFER * 16);
    fixture.call(Outcome::Success);
}

#[test]
fn a_late_call_that_is_cancelled_or_takes_its_turn_again_changes_no_count() {
    let fixture = Fixture::with(at_most(1));
    for is_cancelled in [true, false] {
        let held = fixture.permit();
        let mut late = waiting(&fixture.breaker);
        held.settle(Outcome::Success);
        fixture.clock.advance(OFFER);
        let running = fixture.permit();
        if is_cancelled {
            drop(late);
        } else {
            assert!(poll_once(late.as_mut()).is_pending());
            running.settle(Outcome::Success);
            assert!(is_admitted(&mut late));
            continue;
        }
        assert_eq!(fixture.calls_in_flight(), 1);
        running.settle(Outcome::Success);
    }
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_call_whose_max_wait_ends_takes_an_offer_that_it_has() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(seconds(5)));
    let held = fixture.permit();
    let mut call = waiting(&fixture.breaker);
    fixture.clock.advance(seconds(4));
    held.settle(Outcome::Success);
    fixture.clock.advance(seconds(1));
    assert!(is_admitted(&mut call));
}

#[test]
fn a_call_whose_max_wait_ends_behind_a_forgotten_one_takes_the_lapsed_slot() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(OFFER));
    let held = fixture.permit();
    forget(waiting(&fixture.breaker));
    let mut call = waiting(&fixture.breaker);
    held.settle(Outcome::Success);
    fixture.clock.advance(OFFER);
    assert!(is_admitted(&mut call));
}

#[test]
fn a_panic_of_a_waker_loses_no_slot_no_wake_and_no_result() {
    let fixture = Fixture::with(at_most(1));
    let (panicking, other) = (Arc::new(Task::default()), Arc::new(Task::default()));
    panicking.panics.store(true, Ordering::SeqCst);
    let held = fixture.permit();
    let (mut first, mut second) = (call(&fixture.breaker), call(&fixture.breaker));
    assert!(panicking.poll(&mut first).is_pending() && other.poll(&mut second).is_pending());
    fixture.set_config(at_most(2));
    assert_eq!((panicking.times_woken(), other.times_woken()), (1, 1));
    held.settle(Outcome::Success);
    assert_eq!(fixture.breaker.snapshot().totals.successes, 1);
    assert!(is_admitted(&mut second) && is_admitted(&mut first));
    let held = [fixture.permit(), fixture.permit()];
    let mut calls = [call(&fixture.breaker), call(&fixture.breaker)];
    assert!(panicking.poll(&mut calls[0]).is_pending() && other.poll(&mut calls[1]).is_pending());
    fixture.set_config(at_most(4));
    assert_eq!((panicking.times_woken(), other.times_woken()), (2, 2));
    drop((held, calls));
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn calls_that_wait_indefinitely_need_no_runtime() {
    let breaker = real_breaker();
    let held = breaker.try_acquire().unwrap();
    let mut calls = [waiting(&breaker), waiting(&breaker), waiting(&breaker)];
    held.settle(Outcome::Success);
    assert!(calls.iter_mut().all(is_admitted));
}

#[test]
fn calls_that_wait_indefinitely_need_no_timers() {
    let breaker = real_breaker();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let held = breaker.try_acquire().unwrap();
        let mut calls = [waiting(&breaker), waiting(&breaker), waiting(&breaker)];
        held.settle(Outcome::Success);
        assert!(calls.iter_mut().all(is_admitted));
    });
}

#[test]
fn a_runtime_without_timers_is_found_out_once_on_each_thread() {
    let panics = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&panics);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let wait_without_timers = async {
        let breaker = real_breaker();
        let held = breaker.try_acquire().unwrap();
        let mut calls = [(); 20].map(|()| waiting(&breaker));
        for call in &mut calls {
            assert!(poll_once(call.as_mut()).is_pending());
        }
        held.settle(Outcome::Success);
        assert!(calls.iter_mut().all(is_admitted));
    };
    watch_panics(move |_| _ = count.fetch_add(1, Ordering::SeqCst), || runtime.block_on(wait_without_timers));
    assert_eq!(panics.load(Ordering::SeqCst), 1);
}

#[test]
fn a_thread_that_waits_behind_a_forgotten_call_gets_its_slot() {
    let breaker = real_breaker();
    let held = breaker.try_acquire().unwrap();
    forget(waiting(&breaker));
    held.settle(Outcome::Success);
    assert_eq!(breaker.try_acquire().unwrap_err().kind(), ErrorKind::BulkheadFull);
    for _ in 0..3 {
        assert_eq!(breaker.call(|| Ok::<_, BreakerError>(7)).unwrap(), 7);
    }
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
}

#[tokio::test]
async fn a_task_that_waits_behind_a_forgotten_call_gets_its_slot() {
    let breaker = real_breaker();
    let held = breaker.try_acquire().unwrap();
    forget(waiting(&breaker));
    let waiting = tokio::spawn({
        let breaker = breaker.clone();
        async move { breaker.call_async(async { Ok::<_, BreakerError>(7) }).await }
    });
    tokio::task::yield_now().await;
    held.settle(Outcome::Success);
    assert_eq!(waiting.await.unwrap().unwrap(), 7);
}

#[tokio::test]
async fn a_task_that_stops_polling_a_waiting_call_can_make_another_one() {
    let breaker = real_breaker();
    let held = breaker.try_acquire().unwrap();
    let mut first = pin!(breaker.call_async(async { Ok::<_, BreakerError>(1) }));
    tokio::select! {
        biased;
        _ = &mut first => panic!("the slot is not free"),
        () = tokio::task::yield_now() => {
            held.settle(Outcome::Success);
            // The slot is offered to the call that this task does not poll meanwhile.
            assert_eq!(breaker.call_async(async { Ok::<_, BreakerError>(2) }).await.unwrap(), 2);
        }
    }
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn a_forgotten_running_call_keeps_its_slot() {
    let fixture = Fixture::with(at_most(1));
    let mut running: Call<'_> = Box::pin(fixture.breaker.call_async(pending()));
    assert!(poll_once(running.as_mut()).is_pending());
    forget(running);
    fixture.clock.advance(seconds(3600));
    assert!(fixture.rejects());
}
