//! What `poll_ready` of an inner service has reserved is released when the breaker rejects the call.

use std::convert::Infallible;
use std::future::ready;
use std::task::{Context, Waker};

use breaker_runtime::integrations::tower::{BreakerLayer, BreakerService, ServiceError};
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, ErrorKind};
use tower::buffer::Buffer;
use tower::limit::ConcurrencyLimit;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use crate::services::seconds;

fn breaker(name: &'static str, settings: ConfigBuilder) -> CircuitBreaker {
    CircuitBreaker::new(name, settings.build().unwrap()).unwrap()
}

/// Returns `true` if the service is ready at once.
fn is_ready<S: Service<u8>>(service: &mut S) -> bool {
    service.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready()
}

async fn answer(number: u8) -> Result<u8, Infallible> {
    Ok(number)
}

fn is_rejected<T, E>(result: &Result<T, ServiceError<E>>, kind: ErrorKind) -> bool {
    matches!(result, Err(ServiceError::Breaker(error)) if error.kind() == kind)
}

#[tokio::test]
async fn a_rejected_call_releases_its_permit_of_a_concurrency_limit() {
    let breaker = breaker("reserved permits", Config::builder());
    let inner = ConcurrencyLimit::new(service_fn(answer), 2);
    let mut third = BreakerService::new(inner, &breaker);
    let mut idle = [third.clone(), third.clone()];
    breaker.force_open();
    for service in &mut idle {
        let result = service.ready().await.unwrap().call(1).await;
        assert!(is_rejected(&result, ErrorKind::ForcedOpen));
    }
    breaker.force_close();
    assert!(is_ready(&mut third));
    assert_eq!(third.call(3).await.unwrap(), 3);
    // A service whose call was rejected is used again.
    for service in &mut idle {
        assert_eq!(service.ready().await.unwrap().call(2).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn a_rejected_call_releases_its_position_in_a_buffer() {
    let breaker = breaker("reserved positions", Config::builder());
    let buffer = Buffer::new(service_fn(|number: u8| ready(Ok::<_, Infallible>(number))), 1);
    let mut first = BreakerLayer::new(&breaker).boxed_errors().layer(buffer);
    let mut second = first.clone();
    breaker.force_open();
    let result = first.ready().await.unwrap().call(1).await;
    assert!(is_rejected(&result, ErrorKind::ForcedOpen));
    breaker.force_close();
    assert!(is_ready(&mut second));
    assert_eq!(second.call(2).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_rejected_after_a_wait_releases_what_was_reserved_for_it() {
    let breaker = breaker("reserved waits", Config::builder().max_concurrent(1).max_wait(seconds(1)));
    let inner = ConcurrencyLimit::new(service_fn(answer), 1);
    let mut first = BreakerService::new(inner, &breaker);
    let mut second = first.clone();
    let slot = breaker.try_acquire_owned().unwrap();
    let result = first.ready().await.unwrap().call(1).await;
    assert!(is_rejected(&result, ErrorKind::BulkheadFull));
    drop(slot);
    assert!(is_ready(&mut second));
    assert_eq!(second.call(2).await.unwrap(), 2);
}
