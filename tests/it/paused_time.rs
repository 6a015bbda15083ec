//! tokio's paused clock, which breakers follow inside and outside of scopes.

use std::thread;
use std::time::Duration;

use breaker_runtime::testing::{Scope, assert_state, scope_async, trip};
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, ErrorKind, Outcome, State, circuit_breaker,
};

use crate::support::{ALMOST_RECOVERY, NANO, RECOVERY, seconds};

fn breaker(settings: ConfigBuilder) -> CircuitBreaker {
    CircuitBreaker::new("paused", settings.build().unwrap()).unwrap()
}

fn end(breaker: &CircuitBreaker, outcome: Outcome) {
    breaker.try_acquire().unwrap().settle(outcome);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_follows_the_clock_of_tokio_to_the_nanosecond() {
    let breaker = breaker(Config::builder().failure_threshold(1));
    end(&breaker, Outcome::Failure);
    assert_eq!(breaker.snapshot().retry_after, Some(RECOVERY));
    tokio::time::advance(ALMOST_RECOVERY).await;
    assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), Some(NANO));
    tokio::time::advance(NANO).await;
    assert!(breaker.try_acquire().unwrap().is_trial());
}

#[tokio::test(start_paused = true)]
async fn time_that_auto_advances_ends_the_recovery_timeout() {
    let breaker = breaker(Config::builder().failure_threshold(1));
    end(&breaker, Outcome::Failure);
    tokio::time::timeout(RECOVERY, std::future::pending::<()>()).await.unwrap_err();
    assert!(breaker.try_acquire().unwrap().is_trial());
}

#[tokio::test(start_paused = true)]
async fn windows_and_durations_follow_the_clock_of_tokio() {
    let settings = Config::builder().window_time(seconds(60)).slow_call(seconds(5)).durations(true);
    let breaker = breaker(settings);
    let permit = breaker.try_acquire().unwrap();
    tokio::time::advance(seconds(5)).await;
    permit.settle(Outcome::Success);
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.window.unwrap().slow, 1);
    assert_eq!(snapshot.durations.unwrap().mean(), Some(seconds(5)));
    tokio::time::advance(seconds(60)).await;
    assert_eq!(breaker.snapshot().window.unwrap().calls, 0);
}

#[tokio::test]
async fn a_call_that_started_in_real_time_is_timed_in_real_time() {
    let breaker = breaker(Config::builder().durations(true));
    let permit = breaker.try_acquire().unwrap();
    tokio::time::pause();
    tokio::time::advance(seconds(3600)).await;
    permit.settle(Outcome::Success);
    assert!(breaker.snapshot().durations.unwrap().mean().unwrap() < seconds(3600));
}

#[tokio::test]
async fn a_clock_that_is_not_paused_does_not_advance_a_scope() {
    scope_async(async |scope| {
        trip("paused/slow");
        assert!(slow(NANO).await.is_err());
        let before = scope.registry().get("paused/slow").unwrap().snapshot();
        tokio::task::yield_now().await;
        let after = scope.registry().get("paused/slow").unwrap().snapshot();
        assert_eq!((before.retry_after, after.retry_after), (Some(RECOVERY), Some(RECOVERY)));
    })
    .await;
}

#[circuit_breaker(
    name = "paused/slow",
    failure_threshold = 1,
    call_timeout = "2s",
    max_concurrent = 1,
    max_wait = "3s"
)]
async fn slow(duration: Duration) -> Result<(), BreakerError> {
    tokio::time::timeout(duration, std::future::pending::<()>()).await.unwrap_err();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn in_a_scope_the_clock_of_tokio_and_advance_move_the_same_time() {
    scope_async(async |scope| {
        trip("paused/slow");
        tokio::time::advance(seconds(10)).await;
        scope.advance(Duration::from_nanos(19_999_999_999));
        assert_eq!(slow(NANO).await.unwrap_err().retry_after(), Some(NANO));
        scope.advance(NANO);
        slow(NANO).await.unwrap();
        assert_state("paused/slow", State::HalfOpen);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_a_scope_auto_advance_stops_a_call_at_its_timeout() {
    scope_async(async |_| {
        let start = tokio::time::Instant::now();
        assert_eq!(slow(seconds(5)).await.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 2);
        assert_state("paused/slow", State::Open);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_a_scope_advance_ends_a_call_at_its_timeout() {
    scope_async(async |scope| {
        let call = tokio::spawn(scope.enter_async(slow(seconds(5))));
        tokio::task::yield_now().await;
        scope.advance(seconds(2));
        assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_a_scope_a_call_waits_for_a_slot_by_the_clock_of_tokio() {
    scope_async(async |scope| {
        let holder = scope.enter_async(slow(seconds(1)));
        let waiting = scope.enter_async(slow(NANO));
        let (holder, waiting) = tokio::join!(holder, waiting);
        assert!(holder.is_ok() && waiting.is_ok());

        let full = breaker(Config::builder().max_concurrent(1).max_wait(seconds(3)));
        let _held = full.try_acquire().unwrap();
        let start = tokio::time::Instant::now();
        let error = full.call_async(async { Ok::<_, BreakerError>(()) }).await.unwrap_err();
        assert_eq!((error.kind(), start.elapsed().as_secs()), (ErrorKind::BulkheadFull, 3));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn threads_outside_the_runtime_see_the_last_time_it_showed() {
    scope_async(async |scope| {
        trip("paused/slow");
        assert!(slow(NANO).await.is_err());
        tokio::time::advance(seconds(10)).await;
        let breaker = scope.registry().get("paused/slow").unwrap();
        assert_eq!(breaker.snapshot().retry_after, Some(seconds(20)));
        let thread = std::thread::spawn(move || breaker.snapshot().retry_after);
        assert_eq!(thread.join().unwrap(), Some(seconds(20)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_blocked_thread_waits_in_real_time() {
    let wait = Duration::from_millis(1);
    let full = breaker(Config::builder().max_concurrent(1).max_wait(wait));
    let _held = full.try_acquire().unwrap();
    let error = full.call(|| Ok::<_, BreakerError>(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BulkheadFull);
}

/// Returns a breaker whose only slot is offered to a call that was forgotten.
fn offered_to_a_forgotten_call() -> CircuitBreaker {
    let full = breaker(Config::builder().max_concurrent(1).max_wait(seconds(60)));
    let held = full.try_acquire().unwrap();
    let mut forgotten = Box::pin(full.call_async(async { Ok::<_, BreakerError>(()) }));
    assert!(crate::support::poll_once(forgotten.as_mut()).is_pending());
    std::mem::forget(forgotten);
    held.settle(Outcome::Success);
    full
}

#[tokio::test(start_paused = true)]
async fn a_blocked_thread_ends_an_offer_that_was_made_on_the_paused_clock() {
    let start = std::time::Instant::now();
    tokio::time::advance(seconds(3600)).await;
    let full = offered_to_a_forgotten_call();
    full.call(|| Ok::<_, BreakerError>(())).unwrap();
    assert!(start.elapsed() < seconds(60), "the call waited for the system's clock to reach the paused one");
}

#[tokio::test(start_paused = true)]
async fn a_blocked_thread_does_not_end_an_offer_earlier_because_the_clock_is_paused() {
    let full = breaker(Config::builder().max_concurrent(1).max_wait(Duration::from_nanos(1)));
    let held = full.try_acquire().unwrap();
    full.set_config(Config::builder().max_concurrent(1).max_wait(Duration::MAX).build().unwrap());
    let mut waiting = Box::pin(full.call_async(async { Ok::<_, BreakerError>(()) }));
    assert!(crate::support::poll_once(waiting.as_mut()).is_pending());
    full.set_config(Config::builder().max_concurrent(1).max_wait(Duration::from_nanos(1)).build().unwrap());
    // The system's clock is now ahead of the paused one by more than the time of an offer.
    std::thread::park_timeout(Duration::from_millis(20));
    held.settle(Outcome::Success);
    let error = full.call(|| Ok::<_, BreakerError>(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BulkheadFull);
    waiting.await.unwrap();
}

#[test]
fn runtimes_with_different_times_do_not_affect_each_other() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    let (one, other) = (runtime(), runtime());
    one.block_on(tokio::time::advance(seconds(3600)));
    for runtime in [other, one] {
        runtime.block_on(async {
            let breaker = breaker(Config::builder().failure_threshold(1));
            end(&breaker, Outcome::Failure);
            tokio::time::advance(ALMOST_RECOVERY).await;
            assert!(breaker.try_acquire().is_err());
            tokio::time::advance(NANO).await;
            assert!(breaker.try_acquire().unwrap().is_trial());
        });
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_scope_a_thread_outside_the_runtime_follows_its_clock() {
    let is_trial = |breaker: &CircuitBreaker| breaker.try_acquire().is_ok_and(|permit| permit.is_trial());
    scope_async(async |scope: Scope| {
        let breaker = breaker(Config::builder().failure_threshold(1));
        end(&breaker, Outcome::Failure);
        tokio::time::advance(ALMOST_RECOVERY).await;
        let [before, after] = [breaker.clone(), breaker];
        let early = scope.clone();
        assert!(!thread::spawn(move || early.enter(|| is_trial(&before))).join().unwrap());
        tokio::time::advance(NANO).await;
        assert!(thread::spawn(move || scope.enter(|| is_trial(&after))).join().unwrap());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_a_scope_a_call_that_waits_on_a_thread_outside_the_runtime_is_rejected_in_time() {
    scope_async(async |scope: Scope| {
        let breaker = breaker(Config::builder().max_concurrent(1).max_wait(seconds(1)));
        let running = breaker.try_acquire().unwrap();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let waiting = breaker.clone();
        thread::spawn(move || {
            let result = scope.enter(|| waiting.call(|| Ok::<_, BreakerError>(1)));
            sender.send(result.map_err(|error| error.kind())).unwrap();
        });
        // The runtime has nothing else to do, so its time advances to the end of the wait.
        assert_eq!(receiver.await.unwrap(), Err(ErrorKind::BulkheadFull));
        drop(running);
    })
    .await;
}

#[test]
fn a_scope_that_outlives_the_runtime_of_its_clock_keeps_its_last_time() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (scope, breaker) = runtime.block_on(async {
        let scope = Scope::new();
        let breaker = scope
            .enter(|| breaker(Config::builder().failure_threshold(1).max_concurrent(1).max_wait(RECOVERY)));
        end(&breaker, Outcome::Failure);
        tokio::time::advance(ALMOST_RECOVERY).await;
        (scope, breaker)
    });
    drop(runtime);
    assert_eq!(breaker.snapshot().retry_after, Some(NANO));
    scope.advance(NANO);
    assert!(breaker.try_acquire().unwrap().is_trial());
    drop(scope);
    assert!(breaker.snapshot().retry_after.is_none());
}
