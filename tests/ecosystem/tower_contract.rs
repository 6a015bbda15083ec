//! The contract of the layer for tower: when a call is admitted, which service gets the request, and how calls end.

use std::cell::Cell;
use std::io;
use std::marker::PhantomPinned;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use breaker_runtime::integrations::tower::{BreakerLayer, BreakerService, Classification, ServiceError};
use breaker_runtime::{BreakerError, Config, ErrorKind, Outcome, Registry, State};
use tower::{BoxError, Layer as _, Service as _, ServiceBuilder, ServiceExt as _, service_fn};

use crate::services::{
    Answer, Counts, FAILURE, Fixture, IGNORED, Request, SUCCESS, Strict, answers, counts, down, finish,
    hangs, poll_once, seconds, settings, start,
};

fn kind(error: &ServiceError<io::Error>) -> Option<ErrorKind> {
    error.breaker().map(BreakerError::kind)
}

#[test]
fn the_service_that_was_ready_is_called() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(seconds(9)));
    let mut service = BreakerService::new(Strict::default(), &fixture.breaker);
    // The mock panics if another one is called.
    assert_eq!(finish(&mut service, answers(Ok(1))).unwrap(), 1);

    let running = start(&mut service, hangs());
    let mut waits = pin!(start(&mut service, answers(Ok(2))));
    assert!(poll_once(waits.as_mut()).is_pending());
    drop(running);
    assert!(matches!(poll_once(waits.as_mut()), Poll::Ready(Ok(2))));
    assert_eq!(finish(&mut service, answers(Ok(3))).unwrap(), 3);
}

#[test]
fn a_circuit_that_rejects_calls_does_not_make_the_service_unready() {
    let fixture = Fixture::with(settings());
    let mut service = BreakerService::new(Strict::default(), &fixture.breaker);
    fixture.breaker.force_open();
    let error = finish(&mut service, answers(Ok(1))).unwrap_err();
    assert_eq!(kind(&error), Some(ErrorKind::ForcedOpen));
}

#[test]
fn a_rejected_request_does_not_reach_the_service() {
    let fixture = Fixture::with(settings());
    let inner = Strict::default();
    let mut service = BreakerService::new(inner.clone(), &fixture.breaker);
    finish(&mut service, answers(down())).unwrap_err();
    finish(&mut service, answers(down())).unwrap_err();
    assert_eq!(fixture.breaker.state(), State::Open);
    let error = finish(&mut service, answers(Ok(1))).unwrap_err();
    assert_eq!(kind(&error), Some(ErrorKind::Open));
    assert_eq!(inner.calls.load(Ordering::SeqCst), 2);
}

#[test]
fn a_service_that_is_ready_holds_no_slot() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let mut service = BreakerService::new(Strict::default(), &fixture.breaker);
    let mut other = service.clone();
    assert!(service.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
    assert_eq!(finish(&mut other, answers(Ok(1))).unwrap(), 1);
    drop(service);
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
    assert_eq!(fixture.counts(), SUCCESS);
}

#[test]
fn an_error_of_poll_ready_counts_in_no_circuit() {
    let fixture = Fixture::with(settings());
    let mut service = BreakerService::new(Strict::broken(), &fixture.breaker);
    let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(ready, Poll::Ready(Err(ServiceError::Inner(_)))));
    assert_eq!(fixture.counts(), Counts::default());
}

#[test]
fn clones_of_the_layer_and_of_its_services_share_the_circuit() {
    let fixture = Fixture::with(settings());
    let layer = BreakerLayer::new(&fixture.breaker);
    let mut first = layer.clone().layer(Strict::default());
    let mut second = layer.layer(Strict::default());
    finish(&mut first.clone(), answers(down())).unwrap_err();
    finish(&mut second, answers(down())).unwrap_err();
    assert_eq!(fixture.breaker.state(), State::Open);
    assert_eq!(kind(&finish(&mut first, answers(Ok(1))).unwrap_err()), Some(ErrorKind::Open));
}

#[test]
fn a_future_that_is_never_polled_releases_its_slot() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(seconds(9)));
    let mut service = BreakerService::new(Strict::default(), &fixture.breaker);
    let running = start(&mut service, answers(Ok(1)));
    let waiting = start(&mut service, answers(Ok(2)));
    drop(waiting);
    drop(running);
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
    assert_eq!(fixture.counts(), Counts { ignored: 2, ..Counts::default() });
}

#[test]
fn a_trial_call_that_is_never_polled_releases_its_slot() {
    let fixture = Fixture::with(settings());
    let mut service = BreakerService::new(Strict::default(), &fixture.breaker);
    finish(&mut service, answers(down())).unwrap_err();
    finish(&mut service, answers(down())).unwrap_err();
    fixture.clock.advance(seconds(30));
    let trial = start(&mut service, answers(Ok(1)));
    assert_eq!(kind(&finish(&mut service, answers(Ok(1))).unwrap_err()), Some(ErrorKind::HalfOpen));
    drop(trial);
    assert_eq!(finish(&mut service, answers(Ok(1))).unwrap(), 1);
    assert_eq!(fixture.breaker.state(), State::Closed);
}

#[test]
fn a_dropped_future_counts_as_a_cancelled_call() {
    let fixture = Fixture::with(settings().cancelled_after(seconds(5)));
    let mut service = BreakerService::new(Strict::default(), &fixture.breaker);
    let mut call = Box::pin(start(&mut service, hangs()));
    assert!(poll_once(call.as_mut()).is_pending());
    drop(call);
    assert_eq!(fixture.counts(), IGNORED);

    let mut call = Box::pin(start(&mut service, hangs()));
    assert!(poll_once(call.as_mut()).is_pending());
    fixture.clock.advance(seconds(5));
    drop(call);
    assert_eq!(fixture.counts(), Counts { failures: 1, ignored: 1, ..Counts::default() });
}

/// Returns `true` if `action` panics.
fn panics<T>(action: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(action)).is_err()
}

#[test]
fn a_panic_of_the_service_is_a_failure_and_continues() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let in_call = service_fn(|(): ()| -> Request { panic!("in call") });
    let mut service = BreakerService::new(in_call, &fixture.breaker);
    assert!(panics(|| start(&mut service, ())));
    assert_eq!(fixture.counts(), FAILURE);

    fixture.breaker.reset();
    let mut service = BreakerService::new(Strict::default(), &fixture.breaker);
    let mut call = Box::pin(start(&mut service, Box::pin(async { panic!("in poll") })));
    assert!(panics(|| poll_once(call.as_mut())));
    // Executors drop the future of a task that panicked after they have caught the panic.
    drop(call);
    assert_eq!(fixture.counts(), Counts { failures: 2, ..Counts::default() });
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn a_panic_of_the_classifier_is_a_failure_and_continues() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let layer = BreakerLayer::new(&fixture.breaker).classify(|_: &Answer| -> Outcome { panic!("classify") });
    let mut service = layer.layer(Strict::default());
    assert!(panics(|| finish(&mut service, answers(Ok(1)))));
    assert_eq!(fixture.counts(), FAILURE);
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn a_panic_of_the_key_function_counts_in_no_circuit_and_continues() {
    let breakers = Registry::new().register_keyed("hosts", Config::default(), 10).unwrap();
    let layer = BreakerLayer::keyed(&breakers, |_: &Request| panic!("key"));
    let inner = Strict::default();
    let mut service = layer.layer(inner.clone());
    assert!(panics(|| start(&mut service, answers(Ok(1)))));
    assert_eq!((breakers.len(), inner.calls.load(Ordering::SeqCst)), (0, 0));
}

#[test]
fn the_key_of_a_request_selects_its_circuit() {
    let breakers = Registry::new().register_keyed("hosts", settings().build().unwrap(), 10).unwrap();
    let inner = service_fn(|host: &'static str| async move { if host == "down" { down() } else { Ok(200) } });
    let mut borrowed = BreakerLayer::keyed(&breakers, |host: &&'static str| (*host).into()).layer(inner);
    let mut owned =
        BreakerLayer::keyed(&breakers, |host: &&'static str| host.to_string().into()).layer(inner);
    finish(&mut borrowed, "down").unwrap_err();
    finish(&mut owned, "down").unwrap_err();
    let error = finish(&mut borrowed, "down").unwrap_err();
    assert_eq!(error.breaker().and_then(BreakerError::key), Some("down"));
    assert_eq!(finish(&mut owned, "up").unwrap(), 200);
}

#[test]
fn a_call_inside_a_call_takes_a_slot_of_its_own() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let inner = BreakerService::new(Strict::default(), &fixture.breaker);
    let outer = service_fn(move |(): ()| {
        let mut inner = inner.clone();
        async move { inner.ready().await?.call(answers(Ok(1))).await }
    });
    let mut outer = BreakerService::new(outer, &fixture.breaker);
    let Err(ServiceError::Inner(rejected)) = finish(&mut outer, ()) else {
        panic!("the inner call is rejected")
    };
    assert_eq!(kind(&rejected), Some(ErrorKind::BulkheadFull));
    assert_eq!(fixture.counts(), IGNORED);
}

#[test]
fn the_error_of_another_breaker_is_ignored() {
    let (inner, outer) = (Fixture::with(settings()), Fixture::with(settings()));
    inner.breaker.force_open();
    let mut service = ServiceBuilder::new()
        .layer(BreakerLayer::new(&outer.breaker))
        .layer(BreakerLayer::new(&inner.breaker))
        .service(Strict::default());
    let error = finish(&mut service, answers(Ok(1))).unwrap_err();
    assert_eq!(ErrorKind::find_in(&error), Some(ErrorKind::ForcedOpen));
    assert_eq!(outer.counts(), IGNORED);

    let mut boxed = ServiceBuilder::new()
        .layer(BreakerLayer::new(&outer.breaker).boxed_errors())
        .map_err(BoxError::from)
        .layer(BreakerLayer::new(&inner.breaker))
        .service(Strict::default());
    finish(&mut boxed, answers(Ok(1))).unwrap_err();
    assert_eq!(outer.counts(), Counts { ignored: 2, ..Counts::default() });
}

#[test]
fn a_boxed_error_is_a_failure_with_its_text() {
    let fixture = Fixture::with(settings().failure_threshold(1));
    let inner = service_fn(|(): ()| async { Err::<u16, BoxError>("no route to host".into()) });
    let mut service = ServiceBuilder::new()
        .map_err(ServiceError::into_box)
        .layer(BreakerLayer::new(&fixture.breaker).boxed_errors())
        .service(inner);
    assert_eq!(finish(&mut service, ()).unwrap_err().to_string(), "no route to host");
    let opened = fixture.breaker.snapshot().last_transition.unwrap();
    assert_eq!(opened.last_failure.as_deref(), Some("no route to host"));
    assert!(finish(&mut service, ()).unwrap_err().is::<BreakerError>());
}

#[test]
fn the_classifier_decides_about_responses_and_errors() {
    let fixture = Fixture::with(settings().failure_threshold(1));
    let layer = BreakerLayer::new(&fixture.breaker).classify(|result: &Answer| match result {
        Ok(503) => Classification::failure("status 503").with_retry_after(seconds(90)),
        Ok(_) => Outcome::Success.into(),
        Err(_) => Outcome::Ignored.into(),
    });
    let mut service = layer.layer(Strict::default());
    finish(&mut service, answers(down())).unwrap_err();
    finish(&mut service, answers(Ok(404))).unwrap();
    assert_eq!(fixture.counts(), Counts { successes: 1, failures: 0, ignored: 1 });
    assert_eq!(finish(&mut service, answers(Ok(503))).unwrap(), 503);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!(snapshot.retry_after, Some(seconds(90)));
    assert_eq!(snapshot.last_transition.unwrap().last_failure.as_deref(), Some("status 503"));
}

#[test]
fn a_request_and_a_future_that_cannot_be_moved_or_sent_are_accepted() {
    let fixture = Fixture::with(settings());
    let inner = service_fn(|request: std::rc::Rc<Cell<u16>>| async move {
        let pinned = PhantomPinned;
        std::future::ready(()).await;
        let _: &PhantomPinned = &pinned;
        Ok::<_, io::Error>(request.get())
    });
    let mut service = BreakerService::new(inner, &fixture.breaker);
    assert_eq!(finish(&mut service, std::rc::Rc::new(Cell::new(7))).unwrap(), 7);
}

#[test]
fn the_future_is_send_if_its_parts_are() {
    fn assert_send<T: Send + 'static>(value: T) -> T {
        value
    }
    let fixture = Fixture::with(settings());
    let mut service = BreakerService::new(Strict::default(), &fixture.breaker);
    let call = assert_send(start(&mut service, answers(Ok(1))));
    assert!(matches!(poll_once(pin!(call)), Poll::Ready(Ok(1))));
    assert_send(service);
}

#[test]
fn a_completed_future_stays_pending() {
    let fixture = Fixture::with(settings());
    let mut service = BreakerService::new(Strict::default(), &fixture.breaker);
    let mut call = pin!(start(&mut service, answers(Ok(1))));
    assert!(poll_once(call.as_mut()).is_ready());
    assert!(poll_once(call.as_mut()).is_pending());
    assert_eq!(counts(&fixture.breaker), SUCCESS);
}

#[test]
fn a_call_of_a_service_allocates_nothing() {
    let fixture = Fixture::with(settings());
    let inner = service_fn(|answer: u16| std::future::ready(Ok::<_, io::Error>(answer)));
    let mut service = BreakerService::new(inner, &fixture.breaker);
    // The first call of a thread may allocate.
    finish(&mut service, 1).unwrap();
    let measured = allocation_counter::measure(|| {
        finish(&mut service, 2).unwrap();
    });
    assert_eq!(measured.count_total, 0);
    let call = start(&mut service, 3);
    assert!(size_of_val(&call) <= 96, "{}", size_of_val(&call));
}
