//! Drills on the calls of services, of streams, and as statuses of tonic.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::chaos::Drill;
use breaker_runtime::integrations::stream::guard_stream;
use breaker_runtime::integrations::tower::BreakerService;
use breaker_runtime::testing::Clock;
use breaker_runtime::{BreakerError, CircuitBreaker, Config, ConfigBuilder, ErrorKind, Fault, Registry};
use tonic::{Code, Status};

use crate::scripted_stream::Step::{Item, Pending};
use crate::scripted_stream::{poll, scripted};
use crate::services::{Strict, answers, finish, hangs, poll_once, seconds, start};

struct Drilled {
    clock: Clock,
    breaker: CircuitBreaker,
    inner: Strict,
    service: BreakerService<Strict>,
}

impl Drilled {
    fn with(settings: ConfigBuilder, fault: Fault) -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let breaker = registry.register("service", settings.build().unwrap()).unwrap();
        drop(Drill::new(fault, seconds(60)).start(&registry, "service").unwrap());
        let inner = Strict::default();
        let service = BreakerService::new(inner.clone(), &breaker);
        Self { clock, breaker, inner, service }
    }

    fn requests(&self) -> u32 {
        self.inner.calls.load(Ordering::SeqCst)
    }
}

#[test]
fn a_failed_call_of_a_service_sends_no_request() {
    let mut drilled = Drilled::with(Config::builder().max_concurrent(1), Fault::fail(1.0));
    for _ in 0..2 {
        let error = finish(&mut drilled.service, answers(Ok(1))).unwrap_err();
        assert_eq!(error.breaker().unwrap().kind(), ErrorKind::Injected);
    }
    let snapshot = drilled.breaker.snapshot();
    assert_eq!((snapshot.totals.injected, snapshot.totals.calls(), drilled.requests()), (2, 2, 0));
    assert_eq!(snapshot.calls_in_flight, Some(0));
}

#[test]
fn a_delayed_call_of_a_service_sends_its_request_after_the_delay() {
    let mut drilled = Drilled::with(Config::builder().call_timeout(seconds(3)), Fault::slow(seconds(2)));
    let mut call = pin!(start(&mut drilled.service, answers(Ok(1))));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(2));
    assert!(matches!(poll_once(call.as_mut()), Poll::Ready(Ok(1))));
    // The response has the rest of `call_timeout`.
    let mut call = pin!(start(&mut drilled.service, hangs()));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(2));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(1));
    let Poll::Ready(Err(error)) = poll_once(call.as_mut()) else { panic!("the call has not timed out") };
    assert_eq!(error.breaker().unwrap().kind(), ErrorKind::TimedOut);
    let totals = drilled.breaker.snapshot().totals;
    assert_eq!((totals.delayed, totals.successes, totals.timeouts, totals.calls()), (2, 1, 1, 2));
}

#[test]
fn a_delay_that_is_longer_than_call_timeout_times_out_without_a_request() {
    let mut drilled = Drilled::with(Config::builder().call_timeout(seconds(1)), Fault::slow(seconds(2)));
    let mut call = pin!(start(&mut drilled.service, answers(Ok(1))));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(1));
    let Poll::Ready(Err(error)) = poll_once(call.as_mut()) else { panic!("the call has not timed out") };
    assert_eq!(error.breaker().unwrap().kind(), ErrorKind::TimedOut);
    assert_eq!(drilled.inner.calls.load(Ordering::SeqCst), 0);
}

#[test]
fn a_service_call_that_waited_for_its_slot_is_delayed_and_releases_the_slot_when_it_is_dropped() {
    let settings = Config::builder().max_concurrent(1).max_wait(seconds(30));
    let mut drilled = Drilled::with(settings, Fault::slow(seconds(9)));
    let running = drilled.breaker.try_acquire_owned().unwrap();
    {
        let mut call = pin!(start(&mut drilled.service, answers(Ok(1))));
        assert!(poll_once(call.as_mut()).is_pending());
        drop(running);
        assert!(poll_once(call.as_mut()).is_pending());
        assert_eq!(drilled.breaker.snapshot().totals.delayed, 1);
        drilled.clock.advance(seconds(1));
    }
    let snapshot = drilled.breaker.snapshot();
    assert_eq!((snapshot.calls_in_flight, snapshot.totals.cancellations.failures), (Some(0), 1));
}

#[test]
fn a_drill_leaves_waiting_calls_alone_that_a_disabled_circuit_admits() {
    let registry = Registry::with_clock(&Clock::new());
    let limited = Config::builder().max_concurrent(1).max_wait(Duration::MAX).build().unwrap();
    let breaker = registry.register("service", limited).unwrap();
    let _held = breaker.try_acquire().unwrap();
    drop(Drill::new(Fault::fail(1.0), seconds(60)).start(&registry, "service").unwrap());
    let mut service = BreakerService::new(Strict::default(), &breaker);
    let mut of_service = pin!(start(&mut service, answers(Ok(1))));
    let mut of_breaker = pin!(breaker.call_async(async { Ok::<_, BreakerError>(2) }));
    assert!(poll_once(of_service.as_mut()).is_pending() && poll_once(of_breaker.as_mut()).is_pending());
    breaker.disable();
    assert!(matches!(poll_once(of_service), Poll::Ready(Ok(1))));
    assert_eq!(poll_once(of_breaker), Poll::Ready(Ok(2)));
    assert_eq!(breaker.snapshot().totals.injected, 0);
}

#[test]
fn a_stream_of_a_failed_permit_does_not_begin_and_a_running_one_goes_on() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let breaker = registry.register("stream", Config::default()).unwrap();
    let permit = breaker.try_acquire_owned().unwrap();
    let mut stream = guard_stream(permit, scripted::<Result<u8, &str>>([Pending, Item(Ok(1))]));
    assert!(poll(&mut stream).is_pending());
    drop(Drill::new(Fault::fail(1.0), seconds(60)).start(&registry, "stream").unwrap());
    assert_eq!(breaker.try_acquire_owned().unwrap_err().kind(), ErrorKind::Injected);
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(1))));
    assert_eq!(poll(&mut stream), Poll::Ready(None));
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.injected), (1, 1));
}

#[test]
fn an_injected_failure_is_the_status_unavailable_for_grpc() {
    let drilled = Drilled::with(Config::builder(), Fault::fail(1.0));
    let status = Status::from(drilled.breaker.try_acquire().unwrap_err());
    assert_eq!((status.code(), ErrorKind::find_in(&status)), (Code::Unavailable, Some(ErrorKind::Injected)));
}
