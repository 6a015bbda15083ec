//! Every setting of a breaker applies to the calls of a service.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::integrations::tower::{BreakerService, ServiceError};
use breaker_runtime::{BreakerError, CircuitBreaker, ConfigBuilder, ErrorKind, Mode, Outcome, State};

use crate::services::{
    Counts, Fixture, IGNORED, SUCCESS, Strict, answers, down, finish, hangs, poll_once, seconds, settings,
    start,
};

fn service(settings: ConfigBuilder) -> (Fixture, BreakerService<Strict>) {
    let fixture = Fixture::with(settings);
    let service = BreakerService::new(Strict::default(), &fixture.breaker);
    (fixture, service)
}

/// Makes a call that is rejected at once.
fn rejection(service: &mut BreakerService<Strict>) -> ErrorKind {
    finish(service, answers(Ok(1))).unwrap_err().breaker().unwrap().kind()
}

#[test]
fn a_circuit_opens_and_closes_again() {
    let (fixture, mut service) = service(settings());
    finish(&mut service, answers(down())).unwrap_err();
    finish(&mut service, answers(down())).unwrap_err();
    assert_eq!(rejection(&mut service), ErrorKind::Open);
    fixture.clock.advance(seconds(30));
    assert_eq!(finish(&mut service, answers(Ok(1))).unwrap(), 1);
    assert_eq!(fixture.breaker.state(), State::Closed);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.totals.failures, snapshot.totals.successes), (2, 1));
}

#[test]
fn max_concurrent_rejects_the_call_above_it() {
    let (fixture, mut service) = service(settings().max_concurrent(1));
    let running = start(&mut service, hangs());
    assert_eq!(rejection(&mut service), ErrorKind::BulkheadFull);
    drop(running);
    assert_eq!(finish(&mut service, answers(Ok(1))).unwrap(), 1);
    assert_eq!(fixture.counts(), Counts { successes: 1, ignored: 1, failures: 0 });
}

#[test]
fn a_call_waits_for_its_slot_before_the_request_is_sent() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(seconds(9)));
    let inner = Strict::default();
    let mut service = BreakerService::new(inner.clone(), &fixture.breaker);
    let running = start(&mut service, hangs());
    let mut waits = pin!(start(&mut service, answers(Ok(2))));
    assert!(poll_once(waits.as_mut()).is_pending());
    assert_eq!(inner.calls.load(Ordering::SeqCst), 1);
    fixture.clock.advance(seconds(8));
    assert!(poll_once(waits.as_mut()).is_pending());
    drop(running);
    assert!(matches!(poll_once(waits.as_mut()), Poll::Ready(Ok(2))));
    assert_eq!(inner.calls.load(Ordering::SeqCst), 2);
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn a_call_that_gets_no_slot_within_max_wait_is_rejected() {
    let (fixture, mut service) = service(settings().max_concurrent(1).max_wait(seconds(9)));
    let _running = start(&mut service, hangs());
    let mut waits = pin!(start(&mut service, answers(Ok(2))));
    assert!(poll_once(waits.as_mut()).is_pending());
    fixture.clock.advance(seconds(9));
    let Poll::Ready(Err(error)) = poll_once(waits.as_mut()) else { panic!("the wait has ended") };
    assert_eq!(error.breaker().unwrap().kind(), ErrorKind::BulkheadFull);
}

#[test]
fn a_call_that_is_dropped_while_it_waits_loses_no_slot() {
    let (fixture, mut service) = service(settings().max_concurrent(1).max_wait(seconds(9)));
    let running = start(&mut service, hangs());
    let mut waits = Box::pin(start(&mut service, answers(Ok(2))));
    assert!(poll_once(waits.as_mut()).is_pending());
    drop(running);
    drop(waits);
    assert_eq!(finish(&mut service, answers(Ok(3))).unwrap(), 3);
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn a_panic_of_a_service_that_waited_for_its_slot_is_a_failure() {
    let (fixture, mut service) = service(settings().max_concurrent(1).max_wait(seconds(9)));
    let running = start(&mut service, hangs());
    let mut waits = Box::pin(start(&mut service, Box::pin(async { panic!("in poll") })));
    assert!(poll_once(waits.as_mut()).is_pending());
    drop(running);
    let poll = std::panic::AssertUnwindSafe(|| poll_once(waits.as_mut()));
    assert!(std::panic::catch_unwind(poll).is_err());
    assert_eq!(fixture.counts(), Counts { failures: 1, ignored: 1, successes: 0 });
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
}

/// A value that counts when it is dropped.
struct Dropped(Arc<AtomicU32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_call_that_exceeds_call_timeout_is_a_failure_and_its_future_is_dropped() {
    let (fixture, mut service) = service(settings().call_timeout(seconds(3)));
    let drops = Arc::new(AtomicU32::new(0));
    let value = Dropped(Arc::clone(&drops));
    let request = Box::pin(async move {
        let _value = value;
        std::future::pending().await
    });
    let mut call = pin!(start(&mut service, request));
    assert!(poll_once(call.as_mut()).is_pending());
    fixture.clock.advance(Duration::from_nanos(2_999_999_999));
    assert!(poll_once(call.as_mut()).is_pending());
    fixture.clock.advance(Duration::from_nanos(1));
    let Poll::Ready(Err(error)) = poll_once(call.as_mut()) else { panic!("the call has timed out") };
    assert_eq!(error.breaker().unwrap().kind(), ErrorKind::TimedOut);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert_eq!(fixture.breaker.snapshot().totals.timeouts, 1);
}

/// A value whose drop panics.
struct PanicOnDrop;

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

#[test]
fn a_call_whose_future_panics_when_it_is_dropped_at_call_timeout_has_timed_out() {
    let (fixture, mut service) = service(settings().failure_threshold(1).call_timeout(seconds(3)));
    let value = PanicOnDrop;
    let request = Box::pin(async move {
        let _value = value;
        std::future::pending().await
    });
    let mut call = Box::pin(start(&mut service, request));
    assert!(poll_once(call.as_mut()).is_pending());
    fixture.clock.advance(seconds(3));
    let poll = std::panic::AssertUnwindSafe(|| poll_once(call.as_mut()));
    assert!(std::panic::catch_unwind(poll).is_err());
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.timeouts, snapshot.totals.ignored), (State::Open, 1, 0));
}

#[test]
fn a_call_inside_a_function_takes_a_slot_of_its_own_and_does_not_wait_for_it() {
    let (fixture, inner) = service(settings().max_concurrent(1).max_wait(seconds(9)));
    let mut call = inner.clone();
    let mut outer = pin!(fixture.breaker.call_async(async {
        Ok::<_, BreakerError>(
            start(&mut call, answers(Ok(1))).await.map_err(|error| error.breaker().map(BreakerError::kind)),
        )
    }));
    let Poll::Ready(Ok(rejected)) = poll_once(outer.as_mut()) else { panic!("no call waits") };
    assert_eq!(rejected, Err(Some(ErrorKind::BulkheadFull)));
    assert_eq!(fixture.breaker.snapshot().totals.rejections.bulkhead, 1);

    let (fixture, mut call) = service(settings().max_concurrent(2).max_wait(seconds(9)));
    let mut outer = pin!(
        fixture.breaker.call_async(async { Ok::<_, BreakerError>(start(&mut call, hangs()).await.is_ok()) })
    );
    assert!(poll_once(outer.as_mut()).is_pending());
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(2));
}

type Waiting = Pin<Box<dyn Future<Output = Result<u16, ServiceError<std::io::Error>>>>>;

#[test]
fn a_call_that_is_polled_inside_a_function_after_it_began_to_wait_does_not_run_in_its_slot() {
    let (fixture, mut service) = service(settings().max_concurrent(1).max_wait(seconds(9)));
    let waits = RefCell::new(None::<Waiting>);
    let mut outer = pin!(fixture.breaker.call_async(poll_fn(|_| match &mut *waits.borrow_mut() {
        None => Poll::Pending,
        Some(inner) => poll_once(Pin::new(inner)).map(|answer| Ok::<_, BreakerError>(answer.is_ok())),
    })));
    assert!(poll_once(outer.as_mut()).is_pending());
    let mut inner = Box::pin(start(&mut service, hangs()));
    assert!(poll_once(inner.as_mut()).is_pending());
    *waits.borrow_mut() = Some(inner);
    assert!(matches!(poll_once(outer.as_mut()), Poll::Ready(Ok(false))));
    assert_eq!(fixture.breaker.snapshot().totals.rejections.bulkhead, 1);
}

#[test]
fn the_time_limit_begins_when_the_call_is_admitted() {
    let (fixture, mut service) = service(settings().call_timeout(seconds(3)));
    let mut call = pin!(start(&mut service, hangs()));
    fixture.clock.advance(seconds(3));
    assert!(poll_once(call.as_mut()).is_ready());
    assert_eq!(fixture.breaker.snapshot().totals.timeouts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_times_out_on_the_timers_of_tokio() {
    let config = settings().call_timeout(seconds(3)).build().unwrap();
    let breaker = breaker_runtime::CircuitBreaker::new("timers", config).unwrap();
    let mut service = BreakerService::new(Strict::default(), &breaker);
    let error = start(&mut service, hangs()).await.unwrap_err();
    assert_eq!(error.breaker().unwrap().kind(), ErrorKind::TimedOut);
}

#[test]
fn cancelled_after_begins_at_the_end_of_the_first_poll() {
    let (fixture, mut service) = service(settings());
    let unpolled = start(&mut service, hangs());
    fixture.clock.advance(seconds(1));
    drop(unpolled);
    assert_eq!(fixture.counts(), IGNORED);

    let clock = fixture.clock.clone();
    let blocks_first = Box::pin(async move {
        clock.advance(seconds(2));
        hangs().await
    });
    let mut blocked = Box::pin(start(&mut service, blocks_first));
    assert!(poll_once(blocked.as_mut()).is_pending());
    drop(blocked);
    assert_eq!(fixture.counts().failures, 0);

    let mut cancelled = Box::pin(start(&mut service, hangs()));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    fixture.clock.advance(seconds(1));
    drop(cancelled);
    assert_eq!(fixture.counts().failures, 1);
}

#[test]
fn a_call_of_slow_call_counts_as_slow() {
    let rules = settings().slow_call(seconds(2)).slow_call_rate(0.5).minimum_calls(1).window_calls(10);
    let (fixture, mut service) = service(rules);
    let call = start(&mut service, answers(Ok(1)));
    fixture.clock.advance(seconds(2));
    assert!(poll_once(pin!(call)).is_ready());
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn durations_include_the_time_until_the_response() {
    let (fixture, mut service) = service(settings().durations(true));
    let call = start(&mut service, answers(Ok(1)));
    fixture.clock.advance(seconds(2));
    assert!(poll_once(pin!(call)).is_ready());
    let durations = fixture.breaker.snapshot().durations.unwrap();
    assert_eq!((durations.count(), durations.sum()), (1, seconds(2)));
}

#[test]
fn a_call_that_hangs_opens_the_circuit() {
    let (fixture, mut service) = service(settings().hang(seconds(20)));
    let _call = start(&mut service, hangs());
    fixture.clock.advance(seconds(20));
    assert_eq!(rejection(&mut service), ErrorKind::Open);
}

#[test]
fn a_circuit_that_ramps_rejects_a_share_of_the_calls() {
    let (fixture, mut service) = service(settings().ramp(seconds(100)));
    finish(&mut service, answers(down())).unwrap_err();
    finish(&mut service, answers(down())).unwrap_err();
    fixture.clock.advance(seconds(30));
    finish(&mut service, answers(Ok(1))).unwrap();
    let results = (0..200).map(|_| finish(&mut service, answers(Ok(1))));
    let admitted = results.flatten().count();
    assert!(admitted < 100, "{admitted}");
}

#[test]
fn shadow_mode_rejects_no_call() {
    let (fixture, mut service) = service(settings().mode(Mode::Shadow));
    for _ in 0..3 {
        finish(&mut service, answers(down())).unwrap_err();
    }
    assert_eq!(finish(&mut service, answers(Ok(1))).unwrap(), 1);
    assert_eq!(fixture.breaker.snapshot().shadow_rejections, 2);
}

#[test]
fn a_disabled_circuit_rejects_no_call() {
    let (fixture, mut service) = service(settings());
    fixture.breaker.disable();
    for _ in 0..3 {
        finish(&mut service, answers(down())).unwrap_err();
    }
    assert_eq!(finish(&mut service, answers(Ok(1))).unwrap(), 1);
    assert_eq!(fixture.breaker.state(), State::Disabled);
}

#[test]
fn new_settings_apply_to_services_that_exist() {
    let (fixture, mut service) = service(settings());
    fixture.breaker.set_config(settings().failure_threshold(1).build().unwrap());
    finish(&mut service, answers(down())).unwrap_err();
    assert_eq!(rejection(&mut service), ErrorKind::Open);
}

#[test]
fn an_outcome_of_an_earlier_generation_changes_no_state() {
    let (fixture, mut service) = service(settings().failure_threshold(1));
    let late = start(&mut service, answers(down()));
    fixture.breaker.reset();
    assert!(poll_once(pin!(late)).is_ready());
    assert_eq!(fixture.breaker.state(), State::Closed);
    assert_ne!(fixture.counts(), SUCCESS);
    assert_ne!(fixture.counts(), IGNORED);
}

#[test]
fn a_call_that_waits_has_no_limit_after_its_runtime_has_shut_down() {
    let settings = settings().max_concurrent(1).max_wait(Duration::MAX).call_timeout(seconds(60));
    let breaker = CircuitBreaker::new("moved", settings.build().unwrap()).unwrap();
    let mut service = BreakerService::new(Strict::default(), &breaker);
    let held = breaker.try_acquire().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut call = Box::pin(start(&mut service, hangs()));
    runtime.block_on(async { assert!(poll_once(call.as_mut()).is_pending()) });
    drop(runtime);
    held.settle(Outcome::Success);
    // The call runs now, and would need the timer of `call_timeout`.
    assert!(poll_once(call.as_mut()).is_pending());
    assert_eq!(breaker.snapshot().calls_in_flight, Some(1));
    drop(call);
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
}
