//! User code that panics, blocks or calls the breaker at the worst moment.

use std::future::pending;
use std::panic::panic_any;
use std::pin::pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ErrorKind, Event, Outcome, Registry, State, circuit_breaker,
};
use tokio::task::coop::consume_budget;

use crate::support::{Fixture, settings};

/// A panic payload that panics when it is dropped.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "Drop of a panic payload");
    }
}

#[test]
fn a_listener_whose_panic_payload_panics_on_drop_does_not_affect_the_others() {
    let fixture = Fixture::new();
    fixture.breaker.listen(|_: &Event| panic_any(PanicsOnDrop)).detach();
    let (sender, receiver) = channel();
    fixture.breaker.listen(move |_: &Event| sender.send(()).unwrap()).detach();
    for _ in 0..3 {
        fixture.breaker.reset();
    }
    assert_eq!(receiver.try_iter().count(), 3);
}

#[test]
fn a_failure_text_whose_panic_payload_panics_on_drop_still_opens_the_circuit() {
    struct PanickingText;
    impl std::fmt::Display for PanickingText {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic_any(PanicsOnDrop)
        }
    }
    let fixture = Fixture::with(settings().failure_threshold(1));
    fixture.permit().fail(PanickingText);
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn a_long_failure_text_is_truncated() {
    let fixture = Fixture::with(settings().failure_threshold(1));
    fixture.permit().fail("\u{e4}".repeat(10_000));
    let opened = fixture.breaker.snapshot().last_transition.unwrap();
    assert_eq!(opened.last_failure.as_deref(), Some(&*"\u{e4}".repeat(512)));
}

#[circuit_breaker(name = "hostile/conflict", failure_threshold = 1)]
fn first() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = "hostile/conflict", failure_threshold = 2)]
fn second() -> Result<u32, BreakerError> {
    Ok(2)
}

#[test]
fn a_listener_can_call_the_function_whose_conflict_it_receives() {
    first().unwrap();
    let (sender, receiver) = channel();
    let _subscription = Registry::global().listen(move |event: &Event| {
        if let Event::Conflict(conflict) = event
            && conflict.name() == "hostile/conflict"
        {
            sender.send(second().unwrap()).unwrap();
        }
    });
    second().unwrap();
    assert_eq!(receiver.try_iter().count(), 1);
}

#[test]
fn wait_closed_does_not_wait_for_listeners() {
    let fixture = Fixture::new();
    let ((entered, has_entered), (done, is_done)) = (channel(), channel::<()>());
    let is_done = std::sync::Mutex::new(is_done);
    let subscription = fixture.breaker.listen(move |_: &Event| {
        entered.send(()).unwrap();
        _ = is_done.lock().unwrap().recv();
    });
    std::thread::scope(|scope| {
        scope.spawn(|| fixture.breaker.force_open());
        has_entered.recv().unwrap();
        let mut closed = pin!(fixture.breaker.wait_closed());
        let mut context = Context::from_waker(Waker::noop());
        assert!(closed.as_mut().poll(&mut context).is_pending());
        fixture.breaker.reset();
        assert!(closed.as_mut().poll(&mut context).is_ready());
        drop(done);
    });
    drop(subscription);
}

#[tokio::test]
async fn a_call_that_exhausts_the_budget_of_its_task_still_times_out() {
    let config = Config::builder().call_timeout(Duration::from_millis(1)).build().unwrap();
    let breaker = CircuitBreaker::new("budget", config).unwrap();
    let busy = async {
        for _ in 0..1_000_000_000_u64 {
            consume_budget().await;
        }
        Ok::<_, BreakerError>(())
    };
    assert_eq!(breaker.call_async(busy).await.unwrap_err().kind(), ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_thread_that_blocks_in_a_task_without_budget_is_woken() {
    let config = Config::builder().max_concurrent(1).max_wait(Duration::MAX).build().unwrap();
    let breaker = CircuitBreaker::new("budget", config).unwrap();
    for _ in 0..20 {
        while tokio::task::coop::has_budget_remaining() {
            let spent = tokio::sync::Semaphore::new(1);
            spent.acquire().await.unwrap().forget();
        }
        let (is_calling, caller) = (AtomicBool::new(false), breaker.clone());
        std::thread::scope(|scope| {
            let held = breaker.try_acquire().unwrap();
            let call = || caller.call(|| Ok::<_, BreakerError>(()));
            scope.spawn(|| {
                while !is_calling.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
                (0..100).for_each(|_| std::thread::yield_now());
                held.settle(Outcome::Success);
            });
            is_calling.store(true, Ordering::Release);
            call().unwrap();
        });
    }
}

#[test]
fn a_timed_out_call_releases_its_slot_after_its_future_is_dropped() {
    struct Held(CircuitBreaker);
    impl Drop for Held {
        fn drop(&mut self) {
            assert_eq!(self.0.snapshot().calls_in_flight, Some(1));
        }
    }
    let fixture = Fixture::with(settings().max_concurrent(1).call_timeout(Duration::from_secs(1)));
    let held = Held(fixture.breaker.clone());
    let call = async move {
        let _held = held;
        pending::<Result<(), BreakerError>>().await
    };
    let mut call = pin!(fixture.breaker.call_async(call));
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    fixture.clock.advance(Duration::from_secs(1));
    let Poll::Ready(Err(error)) = call.as_mut().poll(&mut context) else {
        panic!("the call did not time out")
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn a_call_that_waited_while_the_circuit_opened_is_rejected_and_releases_its_slot() {
    let fixture = Fixture::with(settings().failure_threshold(1).max_concurrent(1).max_wait(Duration::MAX));
    let running = fixture.permit();
    let mut waiting = pin!(fixture.breaker.call_async(async { Ok::<_, BreakerError>(()) }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    running.settle(Outcome::Failure);
    let Poll::Ready(Err(error)) = waiting.as_mut().poll(&mut context) else {
        panic!("the call was not rejected")
    };
    assert_eq!((error.kind(), fixture.breaker.snapshot().calls_in_flight), (ErrorKind::Open, Some(0)));
}

#[test]
fn a_bulkhead_that_is_added_during_a_call_loses_no_slot() {
    for _ in 0..300 {
        let fixture =
            Fixture::with(settings().failure_threshold(1).recovery_timeout(Duration::from_nanos(1)));
        fixture.trip();
        let start = Barrier::new(3);
        let limited = settings().max_concurrent(5).build().unwrap();
        let (breaker, start) = (&fixture.breaker, &start);
        std::thread::scope(|scope| {
            scope.spawn(move || (start.wait(), breaker.reset()));
            scope.spawn(move || (start.wait(), breaker.set_config(limited)));
            scope.spawn(move || {
                start.wait();
                (0..20).for_each(|_| _ = breaker.call(|| Ok::<_, BreakerError>(())));
            });
        });
        assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
    }
}

#[test]
fn a_circuit_with_a_listener_or_its_own_settings_is_not_evicted() {
    for touch in [
        |circuit: &CircuitBreaker| circuit.listen(|_: &Event| ()).detach(),
        |circuit: &CircuitBreaker| circuit.set_config(settings().build().unwrap()),
    ] {
        let keyed = Registry::new().register_keyed("touched", Config::default(), 1).unwrap();
        touch(&keyed.get("a"));
        assert_eq!(keyed.get("b").key(), None);
        assert!(keyed.find("a").is_some());
    }
}

#[test]
fn a_window_that_grows_during_calls_of_many_threads_keeps_counting() {
    let window = |seconds| settings().window_time(Duration::from_secs(seconds)).failure_threshold(3).build();
    for _ in 0..30 {
        let fixture = Fixture::with(settings().window_time(Duration::from_secs(10)).failure_threshold(3));
        fixture.clock.advance(Duration::from_secs(100_000));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        fixture.call(Outcome::Success);
                    }
                });
            }
            fixture.breaker.set_config(window(10_000).unwrap());
            stop.store(true, Ordering::Relaxed);
        });
        (0..3).for_each(|_| fixture.call(Outcome::Failure));
        assert_eq!(fixture.breaker.state(), State::Open);
    }
}
