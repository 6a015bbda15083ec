//! Calls of a circuit inside its own streams and services, and their errors inside other functions.

use std::task::Poll;
use std::time::Duration;

use breaker_runtime::integrations::tower::{BreakerLayer, ServiceError};
use breaker_runtime::testing::Scope;
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ErrorKind, Outcome, Registry, State, circuit_breaker, testing,
};
use futures_util::{FutureExt as _, Stream, StreamExt as _, TryStreamExt as _, stream};
use tower::{BoxError, Layer as _, ServiceBuilder, ServiceExt as _, service_fn};

use crate::scripted_stream::poll;

/// Returns the output of a future that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing waits")
}

#[circuit_breaker(name = "pages", max_concurrent = 1, max_wait = Duration::MAX)]
async fn page(number: u32) -> Result<u32, BreakerError> {
    Ok(number)
}

#[circuit_breaker(name = "pages", max_concurrent = 1, max_wait = Duration::MAX, settle = stream)]
async fn pages() -> Result<impl Stream<Item = Result<u32, BreakerError>>, BreakerError> {
    Ok(stream::iter(0..3).then(page))
}

#[test]
fn calls_inside_a_stream_run_in_its_bulkhead_slot() {
    testing::scope(|_| {
        let numbers: Vec<_> = at_once(async { pages().await?.try_collect().await }).unwrap();
        assert_eq!(numbers, [0, 1, 2]);
        let snapshot = Registry::global().get("pages").unwrap().snapshot();
        assert_eq!((snapshot.calls_in_flight, snapshot.totals.successes), (Some(0), 4));
    });
}

#[circuit_breaker(name = "chapters", failure_threshold = 1, half_open_max_calls = 1, success_threshold = 1)]
async fn chapter(number: u32) -> Result<u32, BreakerError> {
    Ok(number)
}

#[circuit_breaker(
    name = "chapters",
    failure_threshold = 1,
    half_open_max_calls = 1,
    success_threshold = 1,
    settle = stream
)]
async fn chapters() -> Result<impl Stream<Item = Result<u32, BreakerError>>, BreakerError> {
    Ok(stream::iter(0..3).then(chapter))
}

/// Opens the circuit with this name, and lets it admit trial calls.
fn make_half_open(scope: &Scope, name: &str) -> CircuitBreaker {
    let breaker = Registry::global().get(name).unwrap();
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    scope.advance(Duration::from_secs(30));
    breaker
}

#[test]
fn calls_inside_a_trial_stream_run_in_its_trial_slot() {
    testing::scope(|scope| {
        let breaker = make_half_open(&scope, "chapters");
        let numbers: Vec<_> = at_once(async { chapters().await?.try_collect().await }).unwrap();
        assert_eq!((numbers, breaker.state()), (vec![0, 1, 2], State::Closed));
    });
}

#[test]
fn a_circuit_closes_although_the_consumers_of_its_streams_stop_early() {
    testing::scope(|scope| {
        let breaker = make_half_open(&scope, "chapters");
        let mut stream = Box::pin(at_once(chapters()).unwrap());
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(0))));
        assert_eq!(breaker.state(), State::HalfOpen);
        drop(stream);
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[circuit_breaker(name = "inner fetch", max_concurrent = 1, max_wait = Duration::MAX)]
async fn fetch(number: u32) -> Result<u32, BreakerError> {
    Ok(number)
}

#[test]
fn a_function_inside_a_service_of_its_circuit_runs_in_the_slot_of_the_service() {
    testing::scope(|_| {
        let breaker = Registry::global().get("inner fetch").unwrap();
        let layer = BreakerLayer::new(&breaker);
        assert_eq!(at_once(layer.layer(service_fn(fetch)).oneshot(7)).unwrap(), 7);
        let inner = layer.layer(service_fn(|number| async move { Ok::<u32, BreakerError>(number) }));
        let in_service = at_once(BreakerLayer::new(&breaker).layer(inner).oneshot(7)).unwrap_err();
        let ServiceError::Inner(ServiceError::Breaker(rejection)) = in_service else {
            panic!("{in_service:?}")
        };
        assert_eq!(rejection.kind(), ErrorKind::BulkheadFull);
        assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
    });
}

#[circuit_breaker(name = "search page", failure_threshold = 1)]
async fn search(client: &CircuitBreaker) -> Result<u32, ServiceError<BoxError>> {
    ServiceBuilder::new()
        .layer(BreakerLayer::new(client).boxed_errors())
        .service(service_fn(|(): ()| async { Err::<u32, BoxError>("down".into()) }))
        .oneshot(())
        .await
}

#[test]
fn the_rejection_in_a_boxed_error_of_a_service_is_that_of_another_circuit() {
    testing::scope(|_| {
        let client = CircuitBreaker::new("search client", Config::default()).unwrap();
        client.force_open();
        at_once(search(&client)).unwrap_err();
        let snapshot = Registry::global().get("search page").unwrap().snapshot();
        assert_eq!((snapshot.state, snapshot.totals.ignored), (State::Closed, 1));
        client.release();
        at_once(search(&client)).unwrap_err();
        let last = Registry::global().get("search page").unwrap().snapshot().last_transition.unwrap();
        assert_eq!((last.to, last.last_failure.as_deref()), (State::Open, Some("down")));
    });
}
