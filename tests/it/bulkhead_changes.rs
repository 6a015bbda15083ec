//! What `apply` does to the number of places while calls run and wait.

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, ConfigBuilder, Outcome};

use crate::support::{Bench, poll_once, settings};

type Call<'a> = Pin<Box<dyn Future<Output = Result<(), BreakerError>> + 'a>>;

fn at_most(calls: u32) -> ConfigBuilder {
    settings().max_concurrent(calls).max_wait(Duration::MAX)
}

fn apply(bench: &Bench, settings: ConfigBuilder) {
    bench.breaker.set_config(settings.build().unwrap());
}

fn running(bench: &Bench) -> u32 {
    bench.breaker.snapshot().calls_in_flight.unwrap()
}

/// A call that waits for its place, or runs for ever.
fn call(bench: &Bench) -> Call<'_> {
    let mut call: Call<'_> = Box::pin(bench.breaker.call_async(pending()));
    assert!(poll_once(call.as_mut()).is_pending());
    call
}

#[test]
fn a_higher_limit_admits_waiting_calls() {
    let bench = Bench::with(at_most(1));
    let _running = bench.permit();
    let mut waiting = [call(&bench), call(&bench), call(&bench)];
    assert_eq!(running(&bench), 1);
    apply(&bench, at_most(3));
    for call in &mut waiting {
        assert!(poll_once(call.as_mut()).is_pending());
    }
    assert_eq!(running(&bench), 3);
    assert!(bench.rejects());
    drop(waiting);
    assert_eq!(running(&bench), 1);
    let _more = (bench.permit(), bench.permit());
    assert!(bench.rejects());
}

#[test]
fn a_lower_limit_ends_no_call_and_admits_none_until_enough_have_ended() {
    let bench = Bench::with(at_most(4));
    let mut calls = vec![bench.permit(), bench.permit(), bench.permit()];
    apply(&bench, at_most(1));
    assert_eq!(running(&bench), 3);
    while let Some(permit) = calls.pop() {
        assert!(bench.rejects());
        permit.settle(Outcome::Success);
    }
    assert_eq!(running(&bench), 0);
    let _only = bench.permit();
    assert!(bench.rejects());
}

#[test]
fn a_limit_that_is_lowered_and_raised_again_loses_no_slot() {
    let bench = Bench::with(at_most(3));
    let calls = [bench.permit(), bench.permit(), bench.permit()];
    for limit in [1, 3, 2, 3, 1, 2, 3] {
        apply(&bench, at_most(limit));
        assert_eq!(running(&bench), 3);
    }
    drop(calls);
    let _all = [bench.permit(), bench.permit(), bench.permit()];
    assert!(bench.rejects());
}

#[test]
fn removing_the_limit_admits_waiting_calls_and_all_new_ones() {
    let bench = Bench::with(at_most(1));
    let place = bench.permit();
    let mut waiting: Call<'_> = Box::pin(bench.breaker.call_async(async { Ok(()) }));
    assert!(poll_once(waiting.as_mut()).is_pending());
    apply(&bench, settings());
    assert!(matches!(poll_once(waiting.as_mut()), Poll::Ready(Ok(()))));
    assert_eq!(bench.breaker.snapshot().calls_in_flight, None);
    let many: Vec<_> = (0..100).map(|_| bench.permit()).collect();
    // Those who came in freely have no place to give back.
    apply(&bench, at_most(2));
    assert_eq!(running(&bench), 1);
    drop(many);
    assert_eq!(running(&bench), 1);
    let second = bench.permit();
    assert!(bench.rejects());
    drop((place, second));
    assert_eq!(running(&bench), 0);
}

#[test]
fn a_new_limit_counts_only_the_calls_that_start_after_it() {
    let bench = Bench::new();
    let before = bench.permit();
    apply(&bench, at_most(1));
    let _first = bench.permit();
    assert!(bench.rejects());
    drop(before);
    assert!(bench.rejects());
}

#[test]
fn a_lowered_limit_holds_although_the_next_waiting_call_is_cancelled() {
    let bench = Bench::with(at_most(2));
    let (first, _second) = (bench.permit(), bench.permit());
    let waiting = call(&bench);
    first.settle(Outcome::Success);
    // The place is on its way to the one who waits while it is taken away.
    apply(&bench, at_most(1));
    drop(waiting);
    assert_eq!(running(&bench), 1);
    assert!(bench.rejects());
}

#[test]
fn a_lowered_limit_keeps_a_waiting_call_waiting() {
    let bench = Bench::with(at_most(2));
    let (first, second) = (bench.permit(), bench.permit());
    let mut waiting = call(&bench);
    apply(&bench, at_most(1));
    first.settle(Outcome::Success);
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(running(&bench), 1);
    second.settle(Outcome::Success);
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(running(&bench), 1);
    drop(waiting);
    assert_eq!(running(&bench), 0);
}

type Owned = Pin<Box<dyn Future<Output = Result<(), BreakerError>> + Send>>;

/// An executor that looks at the breaker, and drops a call of its own, while it is woken.
struct Inline {
    breaker: CircuitBreaker,
    woken: AtomicU32,
    own: Mutex<Option<Owned>>,
}

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        drop(self.breaker.snapshot());
        drop(self.own.lock().unwrap().take());
        self.woken.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn no_lock_is_held_while_waiting_calls_are_woken() {
    for by_apply in [false, true] {
        let bench = Bench::with(at_most(2));
        let breaker = bench.breaker.clone();
        let mut own = Box::pin(async move { breaker.call_async(pending()).await });
        assert!(poll_once(own.as_mut()).is_pending());
        let place = bench.permit();
        let inline = Arc::new(Inline {
            breaker: bench.breaker.clone(),
            woken: AtomicU32::new(0),
            own: Mutex::new(Some(own)),
        });
        let mut waiting: Call<'_> = Box::pin(bench.breaker.call_async(async { Ok(()) }));
        let waker = Waker::from(Arc::clone(&inline));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        if by_apply {
            apply(&bench, at_most(3));
        }
        place.settle(Outcome::Success);
        assert_eq!(inline.woken.load(Ordering::Relaxed), 1);
        assert!(matches!(poll_once(waiting.as_mut()), Poll::Ready(Ok(()))));
        assert_eq!(running(&bench), 0);
    }
}
