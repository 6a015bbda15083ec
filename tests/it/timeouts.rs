//! `call_timeout`, which limits the duration of an async call.

use std::future::pending;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::{
    BreakerError, Cause, CircuitBreaker, Config, ConfigBuilder, ErrorKind, Mode, Outcome, State, TripReason,
};

use tokio::runtime::Builder;

use crate::support::{Fixture, NANO, RECOVERY, catch_panic, poll_once, seconds, settings};

type CallResult = Result<u8, BreakerError>;
type Call<'a> = Pin<Box<dyn Future<Output = CallResult> + 'a>>;

const LIMIT: Duration = Duration::from_secs(2);

fn limited() -> ConfigBuilder {
    settings().call_timeout(LIMIT)
}

/// Returns a call that was polled once and is pending.
fn started<'a>(fixture: &'a Fixture, future: impl Future<Output = CallResult> + 'a) -> Call<'a> {
    let mut call: Call<'a> = Box::pin(fixture.breaker.call_async(future));
    assert!(poll_once(call.as_mut()).is_pending());
    call
}

/// Polls a call whose timeout elapsed and returns its error.
fn error_of(mut call: Call<'_>) -> BreakerError {
    let Poll::Ready(Err(error)) = poll_once(call.as_mut()) else { panic!("the call did not time out") };
    error
}

/// Runs a call into its timeout.
fn time_out(fixture: &Fixture) -> BreakerError {
    let call = started(fixture, pending());
    fixture.clock.advance(LIMIT);
    error_of(call)
}

#[test]
fn a_call_that_exceeds_call_timeout_counts_as_a_failure_and_a_timeout() {
    let fixture = Fixture::with(limited());
    let mut call = started(&fixture, pending());
    fixture.clock.advance(LIMIT.checked_sub(NANO).unwrap());
    assert!(poll_once(call.as_mut()).is_pending());
    fixture.clock.advance(NANO);
    let error = error_of(call);
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::TimedOut, None));
    assert!(error.to_string().contains("call_timeout"), "{error}");
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.totals.timeouts, snapshot.totals.failures, snapshot.totals.calls()), (1, 0, 1));
    assert_eq!(snapshot.consecutive_failures, 1);
    time_out(&fixture);
    assert_eq!(fixture.trip_reason(), TripReason::ConsecutiveFailures { failures: 2, limit: 2 });
    assert_eq!(
        fixture.last_transition().last_failure.as_deref(),
        Some("the call took longer than call_timeout")
    );
}

#[test]
fn the_future_of_a_timed_out_call_is_dropped() {
    struct SetsOnDrop<'a>(&'a std::cell::Cell<bool>);
    impl Drop for SetsOnDrop<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let (fixture, is_dropped) = (Fixture::with(limited()), std::cell::Cell::new(false));
    let mut call = started(&fixture, async {
        let _value = SetsOnDrop(&is_dropped);
        pending().await
    });
    fixture.clock.advance(LIMIT);
    assert!(!is_dropped.get());
    assert!(poll_once(call.as_mut()).is_ready());
    // The future is dropped although the caller still holds the call.
    assert!(is_dropped.get());
    drop(call);
    // Regression of opossum#198: a call that timed out was counted again when it ended.
    assert_eq!(fixture.breaker.snapshot().totals.calls(), 1);
}

#[test]
fn a_result_that_is_ready_at_the_timeout_wins() {
    // Regression of opossum#198: one call produced a timeout and a result.
    let fixture = Fixture::with(limited());
    let mut polls = 0;
    let late = std::future::poll_fn(move |_| {
        polls += 1;
        if polls == 2 { Poll::Ready(CallResult::Ok(7)) } else { Poll::Pending }
    });
    let mut call = started(&fixture, late);
    fixture.clock.advance(LIMIT);
    assert!(matches!(poll_once(call.as_mut()), Poll::Ready(Ok(7))));
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.calls()), (1, 1));
}

#[test]
fn a_trial_that_times_out_reopens_the_circuit() {
    let fixture = Fixture::with(limited());
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    time_out(&fixture);
    assert_eq!((fixture.breaker.state(), fixture.last_transition().cause), (State::Open, Cause::TrialFailed));
    assert_eq!(
        fixture.last_transition().last_failure.as_deref(),
        Some("the call took longer than call_timeout")
    );
    fixture.clock.advance(RECOVERY);
    drop((fixture.permit(), fixture.permit()));
}

#[test]
fn every_rule_counts_a_timeout_as_a_failure() {
    let rate = Config::builder().window_calls(4).failure_rate(0.5).minimum_calls(2).call_timeout(LIMIT);
    let fixture = Fixture::with(rate);
    fixture.call(Outcome::Success);
    time_out(&fixture);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 1, calls: 2, limit: 0.5 });
    let slow =
        Config::builder().window_time(seconds(60)).slow_call(LIMIT).minimum_calls(1).call_timeout(LIMIT);
    let fixture = Fixture::with(slow);
    time_out(&fixture);
    assert_eq!(fixture.trip_reason(), TripReason::SlowCallRate { slow: 1, calls: 1, limit: 0.5 });
}

#[test]
fn a_timed_out_call_releases_its_slot() {
    let fixture = Fixture::with(limited().max_concurrent(1).failure_threshold(100));
    for _ in 0..10 {
        time_out(&fixture);
        assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
        // The slot is released exactly once.
        let _held = fixture.permit();
        assert!(fixture.rejects());
    }
}

#[test]
fn the_time_spent_waiting_for_a_slot_does_not_count() {
    let fixture = Fixture::with(limited().max_concurrent(1).max_wait(Duration::MAX));
    let held = fixture.permit();
    let mut call = started(&fixture, pending());
    fixture.clock.advance(10 * LIMIT);
    assert!(poll_once(call.as_mut()).is_pending());
    held.settle(Outcome::Success);
    assert!(poll_once(call.as_mut()).is_pending());
    fixture.clock.advance(LIMIT.checked_sub(NANO).unwrap());
    assert!(poll_once(call.as_mut()).is_pending());
    fixture.clock.advance(NANO);
    assert_eq!(error_of(call).kind(), ErrorKind::TimedOut);
}

#[test]
fn a_call_timeout_of_max_stops_no_call() {
    let fixture = Fixture::with(settings().call_timeout(Duration::MAX));
    let mut call = started(&fixture, pending());
    fixture.clock.advance(Duration::MAX);
    assert!(poll_once(call.as_mut()).is_pending());
}

#[test]
fn a_call_timeout_of_max_is_the_same_as_none_and_extends_no_lease() {
    let endless = || settings().half_open_max_calls(1).call_timeout(Duration::MAX);
    let config = endless().build().unwrap();
    assert_eq!((config.call_timeout(), config.half_open_timeout()), (None, RECOVERY));
    assert_eq!(config, settings().half_open_max_calls(1).build().unwrap());
    let replaced = endless().call_timeout(LIMIT).call_timeout(Duration::MAX);
    assert_eq!(replaced.build().unwrap(), config);

    let fixture = Fixture::with(endless());
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let hung = fixture.permit();
    fixture.clock.advance(RECOVERY);
    assert!(fixture.rejects());
    fixture.clock.advance(RECOVERY);
    for _ in 0..2 {
        fixture.call(Outcome::Success);
    }
    assert_eq!(fixture.breaker.state(), State::Closed);
    drop(hung);
}

#[test]
fn shadow_mode_stops_no_call() {
    let fixture = Fixture::with(limited().cancelled_after(Duration::MAX).mode(Mode::Shadow));
    let mut call = started(&fixture, pending());
    fixture.clock.advance(2 * LIMIT);
    assert!(poll_once(call.as_mut()).is_pending());
    drop(call);
    assert_eq!(fixture.breaker.snapshot().totals.ignored, 1);
}

#[test]
fn a_disabled_breaker_stops_no_call() {
    let fixture = Fixture::with(limited());
    fixture.breaker.disable();
    let mut call = started(&fixture, pending());
    fixture.clock.advance(2 * LIMIT);
    assert!(poll_once(call.as_mut()).is_pending());
}

#[test]
fn permits_and_sync_calls_do_not_time_out() {
    let fixture = Fixture::with(limited());
    fixture.call_taking(2 * LIMIT, Outcome::Success);
    let call = || {
        fixture.clock.advance(2 * LIMIT);
        CallResult::Ok(1)
    };
    assert_eq!(fixture.breaker.call(call).unwrap(), 1);
    assert_eq!(fixture.breaker.snapshot().totals.successes, 2);
}

#[test]
fn a_changed_call_timeout_applies_to_calls_that_start_after_it() {
    let fixture = Fixture::new();
    let mut before = started(&fixture, pending());
    fixture.breaker.set_config(limited().build().unwrap());
    let after = started(&fixture, pending());
    fixture.clock.advance(LIMIT);
    assert!(poll_once(before.as_mut()).is_pending());
    assert_eq!(error_of(after).kind(), ErrorKind::TimedOut);
}

#[test]
fn without_timers_a_call_panics_and_loses_no_slot() {
    let config = limited().max_concurrent(1).max_wait(seconds(1)).build().unwrap();
    let breaker = CircuitBreaker::new("no timers", config).unwrap();
    for nth in 1..=10 {
        let mut call = Box::pin(breaker.call_async(async { CallResult::Ok(1) }));
        assert!(catch_panic(|| poll_once(call.as_mut()).is_ready()).is_err());
        drop(call);
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.calls_in_flight, snapshot.totals.calls()), (Some(0), nth));
    }
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_timers_of_tokio_end_calls_and_waits() {
    let config = limited().max_concurrent(1).max_wait(seconds(1)).build().unwrap();
    let breaker = CircuitBreaker::new("real timers", config).unwrap();
    let (long, waiting) = tokio::join!(
        breaker.call_async(pending::<CallResult>()),
        breaker.call_async(async { CallResult::Ok(1) }),
    );
    assert_eq!(long.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(waiting.unwrap_err().kind(), ErrorKind::BulkheadFull);
    assert_eq!(breaker.call_async(async { CallResult::Ok(2) }).await.unwrap(), 2);
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.timeouts, totals.rejections.bulkhead, totals.successes), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_longest_waits_are_supported_by_tokio() {
    let nearly_never = Duration::MAX.checked_sub(NANO).unwrap();
    for time in [seconds(1 << 33), seconds(1 << 40), nearly_never] {
        let config = limited().call_timeout(time).max_concurrent(1).max_wait(time).build().unwrap();
        let breaker = CircuitBreaker::new("very long timeouts", config).unwrap();
        assert_eq!(breaker.call_async(async { CallResult::Ok(2) }).await.unwrap(), 2);
    }
}

/// A value that panics when it is dropped.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("Drop of a local variable");
    }
}

#[test]
fn a_timed_out_call_counts_as_a_timeout_although_its_drop_panics() {
    let fixture = Fixture::with(limited().failure_threshold(1));
    let mut call = started(&fixture, async {
        let _value = PanicsOnDrop;
        pending().await
    });
    fixture.clock.advance(LIMIT);
    assert!(catch_panic(|| _ = poll_once(call.as_mut())).is_err());
    drop(call);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.totals.timeouts, snapshot.totals.calls(), snapshot.state), (1, 1, State::Open));
}

#[test]
fn a_call_whose_timer_has_lost_its_runtime_goes_on_in_another_one_or_without_a_limit() {
    let runtime = || Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let breaker = CircuitBreaker::new("moved", limited().build().unwrap()).unwrap();
    let started = || {
        let mut call: Call<'_> = Box::pin(breaker.call_async(pending()));
        runtime().block_on(async { assert!(poll_once(call.as_mut()).is_pending()) });
        call
    };

    let mut moved = started();
    let result = runtime().block_on(async { moved.as_mut().await });
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);

    let mut without_timers = started();
    for _ in 0..2 {
        assert!(poll_once(without_timers.as_mut()).is_pending());
    }
    drop((moved, without_timers));
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.timeouts, totals.ignored, totals.failures), (1, 1, 0));
}
