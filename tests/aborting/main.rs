//! Checks of a program that aborts when it panics, so that the library cannot catch a panic of tokio. Tests always
//! unwind, so `tests/run` runs this program: `cargo run -p breaker-aborting-tests --profile aborting`. A check that fails
//! aborts it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "it is a test, and its output shows its progress"
)]

use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::chaos::Drill;
use breaker_runtime::integrations::tower::{BreakerLayer, ServiceError};
use breaker_runtime::{BreakerError, CircuitBreaker, Config, ConfigBuilder, ErrorKind, Fault, Registry};
use tokio::runtime::{Builder, Runtime};
use tower_layer::Layer as _;
use tower_service::Service;

const LIMIT: Duration = Duration::from_millis(20);

fn main() {
    if cfg!(panic = "unwind") {
        println!("run it with --profile aborting");
        std::process::exit(2);
    }
    a_time_limit_goes_on_in_another_runtime();
    a_wait_for_a_slot_goes_on_in_another_runtime();
    a_drill_delays_async_calls_and_services();
}

fn a_time_limit_goes_on_in_another_runtime() {
    println!("a time limit goes on in another runtime");
    let breaker = breaker(Config::builder().call_timeout(LIMIT));
    assert_eq!(error_in_a_second_runtime(&breaker), ErrorKind::TimedOut);
}

fn a_wait_for_a_slot_goes_on_in_another_runtime() {
    println!("a wait for a slot goes on in another runtime");
    let breaker = breaker(Config::builder().max_concurrent(1).max_wait(LIMIT));
    let _held = breaker.try_acquire().unwrap();
    assert_eq!(error_in_a_second_runtime(&breaker), ErrorKind::BulkheadFull);
}

/// The calls reach their time limit because the drill delays them.
fn a_drill_delays_async_calls_and_services() {
    println!("a drill delays async calls and services");
    let registry = Registry::new();
    let limited = Config::builder().call_timeout(LIMIT).build().unwrap();
    let breaker = registry.register("slow", limited).unwrap();
    let hour = Duration::from_secs(60 * 60);
    Drill::new(Fault::fail(0.0).delay(hour), hour).start(&registry, "slow").unwrap();
    runtime().block_on(async {
        assert_eq!(
            breaker.call_async(async { Ok::<_, BreakerError>(1) }).await.unwrap_err().kind(),
            ErrorKind::TimedOut
        );
        let mut service = BreakerLayer::new(&breaker).layer(Ready);
        let ServiceError::Breaker(error) = service.call(1).await.unwrap_err() else {
            unreachable!("the service succeeds")
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    });
    assert_eq!(breaker.snapshot().totals.delayed, 2);
}

/// Begins a call that never ends in a runtime that shuts down then, and returns its error in another runtime.
fn error_in_a_second_runtime(breaker: &CircuitBreaker) -> ErrorKind {
    let mut call = pin!(breaker.call_async(pending::<Result<u8, BreakerError>>()));
    let first = runtime();
    {
        let _guard = first.enter();
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop(first);
    runtime().block_on(call).unwrap_err().kind()
}

fn breaker(settings: ConfigBuilder) -> CircuitBreaker {
    CircuitBreaker::new("dependency", settings.build().unwrap()).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// A service that returns its request.
#[derive(Clone)]
struct Ready;

impl Service<u8> for Ready {
    type Response = u8;
    type Error = BreakerError;
    type Future = std::future::Ready<Result<u8, BreakerError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BreakerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u8) -> Self::Future {
        std::future::ready(Ok(request))
    }
}
