//! Bugs of other attribute macros with futures. Each test is named after the report.

#![deny(warnings)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "the tests are about the shapes of functions"
)]

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use breaker_runtime::{BreakerError, Registry, circuit_breaker};

type Answer<T> = Result<T, BreakerError>;

static LOG: Mutex<Vec<u32>> = Mutex::new(Vec::new());

#[circuit_breaker(
    name = "reported/send",
    key = LOG.lock().unwrap_or_else(PoisonError::into_inner).len(),
    failure_if = |_| LOG.lock().is_err(),
    max_concurrent = 9,
    max_wait = "1h",
    call_timeout = "1h",
    fallback = |error| async move { error.name().len() }
)]
async fn logs(number: u32) -> usize {
    let length = {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(number);
        log.len()
    };
    tokio::task::yield_now().await;
    length
}

#[tokio::test]
async fn opentelemetry_rust_239_generated_code_holds_no_value_that_is_not_send_across_an_await() {
    assert_eq!(tokio::spawn(logs(1)).await.unwrap(), 1);
    assert_eq!(tokio::spawn(logs(1)).await.unwrap(), 2);
}

#[circuit_breaker(name = "reported/recursive", fallback = |_| Ok(0))]
async fn factorial(number: u64) -> Answer<u64> {
    tokio::task::yield_now().await;
    Ok(if number < 2 { 1 } else { number * Box::pin(factorial(number - 1)).await? })
}

#[circuit_breaker(name = "reported/recursive, boxed")]
fn sum(number: u64) -> Pin<Box<dyn std::future::Future<Output = Answer<u64>> + Send>> {
    Box::pin(async move { Ok(if number == 0 { 0 } else { number + sum(number - 1).await? }) })
}

#[tokio::test]
async fn an_async_function_can_call_itself() {
    assert_eq!((factorial(5).await.unwrap(), sum(4).await.unwrap()), (120, 10));
    assert_eq!(Registry::global().get("reported/recursive").unwrap().snapshot().totals.successes, 5);
}

#[circuit_breaker(name = "reported/labels", fallback = |_| 0)]
async fn labeled(most: u32) -> u32 {
    let mut found = 0;
    'outer: for number in 0.. {
        let square = 'square: {
            if number == 2 {
                break 'square 0;
            }
            number * number
        };
        for _ in 0..2 {
            tokio::task::yield_now().await;
            if square >= most {
                break 'outer;
            }
            if number % 2 == 0 {
                continue 'outer;
            }
            found += square;
        }
    }
    found
}

#[tokio::test]
async fn labels_in_the_body_are_kept() {
    assert_eq!(labeled(10).await, 20);
}

macro_rules! chain {
    ($last:ident $(, $name:ident calls $next:ident)*) => {
        #[circuit_breaker]
        async fn $last() -> Answer<u8> {
            Ok(1)
        }
        $(#[circuit_breaker]
        async fn $name() -> Answer<u8> {
            $next().await
        })*
    };
}

chain!(
    f0, f1 calls f0, f2 calls f1, f3 calls f2, f4 calls f3, f5 calls f4, f6 calls f5, f7 calls f6, f8 calls f7,
    f9 calls f8, f10 calls f9, f11 calls f10, f12 calls f11, f13 calls f12, f14 calls f13, f15 calls f14
);

// Each call nests its types deeper, which must not exceed the default `recursion_limit` of the compiler.
#[tokio::test]
async fn sixteen_nested_async_functions_can_be_spawned() {
    assert_eq!(tokio::spawn(f15()).await.unwrap().unwrap(), 1);
}
