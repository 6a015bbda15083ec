//! The timers of calls that wait indefinitely, in runtimes that have none, or that end before the wait.

use std::mem::forget;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::chaos::Drill;
use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind, Fault, Outcome, Registry};
use tokio::runtime::{Builder, Runtime};

use crate::support::{poll_once, seconds, watch_panics};

type Call<'a> = Pin<Box<dyn Future<Output = Result<u8, BreakerError>> + Send + 'a>>;

fn breaker() -> CircuitBreaker {
    let config = Config::builder().max_concurrent(1).max_wait(Duration::MAX);
    CircuitBreaker::new("timers", config.build().unwrap()).unwrap()
}

/// Returns a call that has begun to wait.
fn waiting(breaker: &CircuitBreaker) -> Call<'_> {
    let mut call: Call<'_> = Box::pin(breaker.call_async(async { Ok(7) }));
    assert!(is_pending(&mut call));
    call
}

fn is_pending(call: &mut Call<'_>) -> bool {
    poll_once(call.as_mut()).is_pending()
}

fn is_admitted(call: &mut Call<'_>) -> bool {
    matches!(poll_once(call.as_mut()), Poll::Ready(Ok(7)))
}

fn runtime_without_timers() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Runs two calls, of which the second one waits with a timer if it can.
fn wait_for_a_turn() {
    let breaker = breaker();
    let held = breaker.try_acquire().unwrap();
    let mut calls = [(); 2].map(|()| waiting(&breaker));
    held.settle(Outcome::Success);
    assert!(calls.iter_mut().all(is_admitted));
}

#[test]
fn a_thread_that_left_a_runtime_without_timers_waits_with_those_of_the_next_one() {
    runtime_without_timers().block_on(async { wait_for_a_turn() });
    Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        let breaker = breaker();
        let held = breaker.try_acquire().unwrap();
        forget(waiting(&breaker));
        let waiting = tokio::spawn({
            let breaker = breaker.clone();
            async move { breaker.call_async(async { Ok::<_, BreakerError>(7) }).await }
        });
        tokio::task::yield_now().await;
        held.settle(Outcome::Success);
        // Nothing but its timer polls the call that waits behind the forgotten one.
        assert_eq!(tokio::time::timeout(seconds(60), waiting).await.unwrap().unwrap().unwrap(), 7);
    });
}

#[test]
fn a_runtime_without_timers_is_found_out_once_on_each_thread_also_after_another_runtime() {
    let panics = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&panics);
    watch_panics(
        move |_| _ = count.fetch_add(1, Ordering::SeqCst),
        || {
            let without = runtime_without_timers();
            let with = Builder::new_current_thread().enable_time().build().unwrap();
            for runtime in [&without, &with, &without, &with] {
                runtime.block_on(async { wait_for_a_turn() });
            }
        },
    );
    assert_eq!(panics.load(Ordering::SeqCst), 1);
}

#[test]
fn a_waiting_call_outlives_the_runtime_of_its_timer() {
    let breaker = breaker();
    let held = breaker.try_acquire().unwrap();
    let mut first = waiting(&breaker);
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let mut others = {
        let _entered = runtime.enter();
        [(); 3].map(|()| waiting(&breaker))
    };
    drop(runtime);
    let [outside, elsewhere, unpolled] = &mut others;
    assert!(is_pending(outside));
    let other = Builder::new_current_thread().enable_time().build().unwrap();
    other.block_on(async { assert!(is_pending(elsewhere)) });
    held.settle(Outcome::Success);
    assert!([&mut first, outside, elsewhere, unpolled].into_iter().all(is_admitted));
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn a_waiting_call_that_continues_in_another_runtime_waits_with_its_timers() {
    let breaker = breaker();
    let held = breaker.try_acquire().unwrap();
    forget(waiting(&breaker));
    let ended = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let mut moved = {
        let _entered = ended.enter();
        waiting(&breaker)
    };
    drop(ended);
    Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        assert!(is_pending(&mut moved));
        held.settle(Outcome::Success);
        assert_eq!(moved.await.unwrap(), 7);
    });
}

#[test]
fn a_call_that_waits_has_no_limit_after_its_runtime_has_shut_down() {
    let settings = Config::builder().max_concurrent(1).max_wait(seconds(60)).call_timeout(seconds(60));
    let breaker = CircuitBreaker::new("moved", settings.clone().build().unwrap()).unwrap();
    let held = breaker.try_acquire().unwrap();
    let ended = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let mut calls = {
        let _entered = ended.enter();
        [(); 3].map(|()| waiting(&breaker))
    };
    drop(ended);
    let without = runtime_without_timers();
    for longer in [61, 62] {
        // Each deadline needs a new timer.
        breaker.set_config(settings.clone().max_wait(seconds(longer)).build().unwrap());
        let [outside, inside, _unpolled] = &mut calls;
        assert!(is_pending(outside));
        without.block_on(async { assert!(is_pending(inside)) });
    }
    held.settle(Outcome::Success);
    let [outside, inside, unpolled] = &mut calls;
    assert!(is_admitted(outside));
    without.block_on(async { assert!(is_admitted(inside)) });
    assert!(is_admitted(unpolled));
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn the_limit_of_a_wait_holds_after_a_poll_outside_of_its_runtime() {
    let settings = Config::builder().max_concurrent(1).max_wait(seconds(60));
    let breaker = CircuitBreaker::new("outside", settings.build().unwrap()).unwrap();
    let _held = breaker.try_acquire().unwrap();
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let [first, mut behind] = runtime.block_on(async { [(); 2].map(|()| waiting(&breaker)) });
    drop(first);
    // The call is now the first one, so the moment of its next check changes here.
    assert!(is_pending(&mut behind));
    let rejected = runtime.block_on(async { tokio::time::timeout(seconds(61), behind).await.unwrap() });
    assert_eq!(rejected.unwrap_err().kind(), ErrorKind::BulkheadFull);
}

#[test]
fn a_delay_of_a_drill_that_ends_with_its_runtime_leaves_the_call_the_rest_of_its_limit() {
    let registry = Registry::new();
    let settings = Config::builder().call_timeout(seconds(60));
    let breaker = registry.register("drilled", settings.build().unwrap()).unwrap();
    drop(Drill::new(Fault::slow(seconds(90)), seconds(600)).start(&registry, "drilled").unwrap());
    let ended = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let mut call = {
        let _entered = ended.enter();
        waiting(&breaker)
    };
    drop(ended);
    Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        assert!(is_admitted(&mut call));
    });
    assert_eq!(breaker.snapshot().totals.timeouts, 0);
}
