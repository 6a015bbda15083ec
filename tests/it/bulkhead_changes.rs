//! Changes of `max_concurrent` by `set_config` while calls run and wait.

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, ConfigBuilder, Outcome};

use crate::support::{Fixture, poll_once, settings};

type Call<'a> = Pin<Box<dyn Future<Output = Result<(), BreakerError>> + 'a>>;

fn at_most(calls: u32) -> ConfigBuilder {
    settings().max_concurrent(calls).max_wait(Duration::MAX)
}

/// Returns a polled call that waits for a slot or never completes.
fn call(fixture: &Fixture) -> Call<'_> {
    let mut call: Call<'_> = Box::pin(fixture.breaker.call_async(pending()));
    assert!(poll_once(call.as_mut()).is_pending());
    call
}

#[test]
fn a_higher_limit_admits_waiting_calls() {
    let fixture = Fixture::with(at_most(1));
    let _running = fixture.permit();
    let mut waiting = [call(&fixture), call(&fixture), call(&fixture)];
    assert_eq!(fixture.calls_in_flight(), 1);
    fixture.set_config(at_most(3));
    for call in &mut waiting {
        assert!(poll_once(call.as_mut()).is_pending());
    }
    assert_eq!(fixture.calls_in_flight(), 3);
    assert!(fixture.rejects());
    drop(waiting);
    assert_eq!(fixture.calls_in_flight(), 1);
    let _more = (fixture.permit(), fixture.permit());
    assert!(fixture.rejects());
}

#[test]
fn a_lower_limit_stops_no_call_and_admits_none_until_enough_have_ended() {
    let fixture = Fixture::with(at_most(4));
    let mut calls = vec![fixture.permit(), fixture.permit(), fixture.permit()];
    fixture.set_config(at_most(1));
    assert_eq!(fixture.calls_in_flight(), 3);
    while let Some(permit) = calls.pop() {
        assert!(fixture.rejects());
        permit.settle(Outcome::Success);
    }
    assert_eq!(fixture.calls_in_flight(), 0);
    let _only = fixture.permit();
    assert!(fixture.rejects());
}

#[test]
fn a_limit_that_is_lowered_and_raised_again_loses_no_slot() {
    let fixture = Fixture::with(at_most(3));
    let calls = [fixture.permit(), fixture.permit(), fixture.permit()];
    for limit in [1, 3, 2, 3, 1, 2, 3] {
        fixture.set_config(at_most(limit));
        assert_eq!(fixture.calls_in_flight(), 3);
    }
    drop(calls);
    let _all = [fixture.permit(), fixture.permit(), fixture.permit()];
    assert!(fixture.rejects());
}

#[test]
fn removing_the_limit_admits_waiting_calls_and_all_new_ones() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    let mut waiting: Call<'_> = Box::pin(fixture.breaker.call_async(async { Ok(()) }));
    assert!(poll_once(waiting.as_mut()).is_pending());
    fixture.set_config(settings());
    assert!(matches!(poll_once(waiting.as_mut()), Poll::Ready(Ok(()))));
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, None);
    let many: Vec<_> = (0..100).map(|_| fixture.permit()).collect();
    // Calls that were admitted without a limit hold no slot.
    fixture.set_config(at_most(2));
    assert_eq!(fixture.calls_in_flight(), 1);
    drop(many);
    assert_eq!(fixture.calls_in_flight(), 1);
    let second = fixture.permit();
    assert!(fixture.rejects());
    drop((held, second));
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_new_limit_counts_only_the_calls_that_start_after_it() {
    let fixture = Fixture::new();
    let before = fixture.permit();
    fixture.set_config(at_most(1));
    let _first = fixture.permit();
    assert!(fixture.rejects());
    drop(before);
    assert!(fixture.rejects());
}

#[test]
fn a_lowered_limit_holds_although_the_next_waiting_call_is_cancelled() {
    let fixture = Fixture::with(at_most(2));
    let (first, _second) = (fixture.permit(), fixture.permit());
    let waiting = call(&fixture);
    first.settle(Outcome::Success);
    // The released slot is assigned to the waiting call when the limit is lowered.
    fixture.set_config(at_most(1));
    drop(waiting);
    assert_eq!(fixture.calls_in_flight(), 1);
    assert!(fixture.rejects());
}

#[test]
fn a_lowered_limit_withdraws_the_slots_that_are_offered_above_it() {
    let fixture = Fixture::with(at_most(4));
    let mut permits = [(); 4].map(|()| Some(fixture.permit()));
    let mut waiting = [call(&fixture), call(&fixture), call(&fixture)];
    for permit in &mut permits[..3] {
        permit.take().unwrap().settle(Outcome::Success);
    }
    assert_eq!(fixture.calls_in_flight(), 4, "three slots are offered");
    fixture.set_config(at_most(2));
    assert_eq!(fixture.calls_in_flight(), 2);
    // The first call keeps its offer, and the others wait in their order.
    for call in waiting.iter_mut().rev() {
        assert!(poll_once(call.as_mut()).is_pending());
        assert_eq!(fixture.calls_in_flight(), 2);
    }
    let [first, second, mut third] = waiting;
    drop(permits);
    assert_eq!(fixture.calls_in_flight(), 2);
    drop(second);
    assert!(poll_once(third.as_mut()).is_pending());
    assert_eq!(fixture.calls_in_flight(), 2, "the first and the third call run");
    drop((first, third));
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_call_whose_offer_was_withdrawn_takes_the_next_one() {
    let fixture = Fixture::with(at_most(2));
    let (first, second) = (fixture.permit(), fixture.permit());
    let mut waiting: Call<'_> = Box::pin(fixture.breaker.call_async(async { Ok(()) }));
    assert!(poll_once(waiting.as_mut()).is_pending());
    first.settle(Outcome::Success);
    fixture.set_config(at_most(1));
    second.settle(Outcome::Success);
    assert!(matches!(poll_once(waiting.as_mut()), Poll::Ready(Ok(()))));
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_lowered_limit_keeps_a_waiting_call_waiting() {
    let fixture = Fixture::with(at_most(2));
    let (first, second) = (fixture.permit(), fixture.permit());
    let mut waiting = call(&fixture);
    fixture.set_config(at_most(1));
    first.settle(Outcome::Success);
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(fixture.calls_in_flight(), 1);
    second.settle(Outcome::Success);
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(fixture.calls_in_flight(), 1);
    drop(waiting);
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn offers_that_have_lapsed_do_not_come_back_with_a_new_limit() {
    let fixture = Fixture::with(at_most(1));
    let running = fixture.permit();
    let calls: Vec<_> = (0..500).map(|_| call(&fixture)).collect();
    // All waiting calls are offered a slot. None of them takes it.
    fixture.set_config(settings());
    fixture.clock.advance(Duration::from_secs(3600));
    fixture.set_config(at_most(1));
    running.settle(Outcome::Success);
    fixture.clock.advance(Duration::from_millis(10));
    let _admitted = fixture.permit();
    drop(calls);
}

type Owned = Pin<Box<dyn Future<Output = Result<(), BreakerError>> + Send>>;

/// A waker that reads the breaker and drops a call of its own.
struct ReentrantWaker {
    breaker: CircuitBreaker,
    woken: AtomicU32,
    own: Mutex<Option<Owned>>,
}

impl Wake for ReentrantWaker {
    fn wake(self: Arc<Self>) {
        drop(self.breaker.snapshot());
        drop(self.own.lock().unwrap().take());
        self.woken.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn no_lock_is_held_while_waiting_calls_are_woken() {
    for by_set_config in [false, true] {
        let fixture = Fixture::with(at_most(2));
        let breaker = fixture.breaker.clone();
        let mut own = Box::pin(async move { breaker.call_async(pending()).await });
        assert!(poll_once(own.as_mut()).is_pending());
        let held = fixture.permit();
        let wake = Arc::new(ReentrantWaker {
            breaker: fixture.breaker.clone(),
            woken: AtomicU32::new(0),
            own: Mutex::new(Some(own)),
        });
        let mut waiting: Call<'_> = Box::pin(fixture.breaker.call_async(async { Ok(()) }));
        let waker = Waker::from(Arc::clone(&wake));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        if by_set_config {
            fixture.set_config(at_most(3));
        }
        held.settle(Outcome::Success);
        assert_eq!(wake.woken.load(Ordering::Relaxed), 1);
        assert!(matches!(poll_once(waiting.as_mut()), Poll::Ready(Ok(()))));
        assert_eq!(fixture.calls_in_flight(), 0);
    }
}
