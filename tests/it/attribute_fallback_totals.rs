//! The results of fallbacks, which are counted at the circuit whose call needed them.

use std::future::pending;
use std::pin::pin;

use breaker_runtime::{CircuitBreaker, Config, Fallbacks, KeyedBreaker, Registry, circuit_breaker};

use crate::support::{catch_panic, poll_once};

type Answer = Result<u32, String>;

/// Returns the successes and failures of the fallbacks of a breaker.
fn counted(name: &str) -> (u64, u64) {
    pair(Registry::global().get(name).unwrap().snapshot().totals.fallbacks)
}

fn pair(fallbacks: Fallbacks) -> (u64, u64) {
    (fallbacks.successes, fallbacks.failures)
}

fn force_open(name: &str) {
    Registry::global().get(name).unwrap().force_open();
}

#[circuit_breaker(name = "counted/path", fallback = cached)]
fn price(count: u32) -> Answer {
    Ok(count)
}

fn cached(count: u32) -> Answer {
    if count == 0 { Err("the cache is empty".to_owned()) } else { Ok(count) }
}

#[test]
fn a_fallback_that_returns_ok_counts_as_a_success_and_err_as_a_failure() {
    assert_eq!(price(1), Ok(1));
    assert_eq!(counted("counted/path"), (0, 0), "no call was rejected");
    force_open("counted/path");
    for count in [0, 1, 2] {
        _ = price(count);
    }
    assert_eq!(counted("counted/path"), (2, 1));
    let totals = Registry::global().get("counted/path").unwrap().snapshot().totals;
    assert_eq!((totals.rejected, totals.calls()), (3, 4), "a fallback is not counted as a call");
}

#[test]
fn a_fallback_value_that_is_no_result_counts_as_a_success() {
    #[circuit_breaker(name = "counted/plain", fallback = |_| None)]
    fn find() -> Option<u32> {
        Some(1)
    }
    #[circuit_breaker(name = "counted/plain", fallback = |_| 0..3)]
    fn numbers() -> impl Iterator<Item = u32> {
        0..2
    }
    _ = find();
    force_open("counted/plain");
    assert_eq!((find(), numbers().count()), (None, 3));
    assert_eq!(counted("counted/plain"), (2, 0));
}

// `failure_if` describes failures of the dependency, which the fallback does not call.
#[test]
fn the_classifier_of_the_function_is_not_applied_to_the_fallback() {
    #[circuit_breaker(name = "counted/named", failure_if = |count: &u32| *count == 0, fallback = |_| 0)]
    fn count() -> u32 {
        1
    }
    _ = count();
    force_open("counted/named");
    assert_eq!(count(), 0);
    assert_eq!(counted("counted/named"), (1, 0));
}

#[test]
fn a_panicking_fallback_is_not_counted() {
    #[circuit_breaker(name = "counted/panics", fallback = |_| panic!("fallback"))]
    fn price() -> Answer {
        Ok(1)
    }
    _ = price();
    force_open("counted/panics");
    assert!(catch_panic(price).is_err());
    assert_eq!(counted("counted/panics"), (0, 0));
}

#[tokio::test]
async fn an_async_fallback_is_counted_when_it_completes() {
    #[circuit_breaker(name = "counted/async", fallback = async |_| if ends { Ok(2) } else { pending().await })]
    async fn price(ends: bool) -> Answer {
        Ok(u32::from(ends))
    }
    _ = price(true).await;
    force_open("counted/async");
    assert!(poll_once(pin!(price(false))).is_pending());
    assert_eq!(counted("counted/async"), (0, 0), "the fallback was dropped before it completed");
    assert_eq!(price(true).await, Ok(2));
    assert_eq!(counted("counted/async"), (1, 0));
}

#[tokio::test]
async fn fallbacks_after_failures_are_counted() {
    #[circuit_breaker(name = "counted/late", fallback = |_| Ok(0), fallback_on = failure)]
    fn price(answer: Answer) -> Answer {
        answer
    }
    #[circuit_breaker(name = "counted/late", fallback = |_| async { Err("no".into()) }, fallback_on = failure)]
    async fn price_async(answer: Answer) -> Answer {
        answer
    }
    assert_eq!(price(Err("down".to_owned())), Ok(0));
    assert_eq!(price_async(Err("down".to_owned())).await, Err("no".to_owned()));
    assert_eq!(price_async(Ok(1)).await, Ok(1));
    assert_eq!(counted("counted/late"), (1, 1));
    force_open("counted/late");
    assert_eq!(price(Ok(1)), Ok(0));
    assert_eq!(counted("counted/late"), (2, 1));
}

#[test]
fn a_fallback_is_counted_at_the_circuit_of_its_key() {
    #[circuit_breaker(name = "counted/keyed", key = tenant, fallback = |_| Ok(0))]
    fn keyed(tenant: &str) -> Answer {
        Ok(tenant.len().try_into().unwrap_or(0))
    }
    _ = (keyed("a"), keyed("b"));
    let circuits: KeyedBreaker = Registry::global().get_keyed("counted/keyed").unwrap();
    circuits.get("a").force_open();
    assert_eq!((keyed("a"), keyed("b")), (Ok(0), Ok(1)));
    assert_eq!(pair(circuits.get("a").snapshot().totals.fallbacks), (1, 0));
    assert_eq!(pair(circuits.snapshot().totals.fallbacks), (1, 0));
}

#[test]
fn a_fallback_is_counted_at_the_given_breaker() {
    #[circuit_breaker(breaker = breaker, fallback = |_| Ok(0))]
    fn given(breaker: &CircuitBreaker) -> Answer {
        Ok(1)
    }
    let breaker = CircuitBreaker::new("counted/given", Config::default()).unwrap();
    breaker.force_open();
    assert_eq!(given(&breaker), Ok(0));
    assert_eq!(pair(breaker.snapshot().totals.fallbacks), (1, 0));
}
