//! Bugs of other attribute macros with qualifiers, visibility and further attributes. Each test is named
//! after the report.

#![deny(warnings)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "the tests are about the shapes of functions"
)]

use breaker_runtime::{BreakerError, CircuitBreaker, Registry, circuit_breaker};

type Answer<T> = Result<T, BreakerError>;

fn breaker(name: &str) -> CircuitBreaker {
    Registry::global().get(name).unwrap()
}

#[circuit_breaker(name = "reported/async unsafe")]
#[expect(unsafe_code, reason = "the test is about the qualifier")]
async unsafe fn dangerous(number: u32) -> Answer<u32> {
    tokio::task::yield_now().await;
    Ok(number)
}

#[circuit_breaker(name = "reported/unsafe extern", fallback = |_| -1)]
#[expect(unsafe_code, reason = "the test is about the qualifier")]
pub(in crate::reported_attributes) unsafe extern "C" fn foreign(number: i32) -> i32 {
    number
}

#[expect(unsafe_code, reason = "calling an unsafe function needs it")]
#[tokio::test]
async fn tracing_2576_async_unsafe_and_extern_keep_their_order() {
    // SAFETY: the function has no precondition.
    assert_eq!(unsafe { dangerous(1) }.await.unwrap(), 1);
    // SAFETY: the function has no precondition.
    assert_eq!(unsafe { foreign(1) }, 1);
}

#[circuit_breaker(name = "reported/inner attribute")]
async fn inner(number: u32) -> Answer<u32> {
    #![expect(unused_variables, reason = "an inner attribute belongs to the whole body")]
    #![allow(clippy::let_and_return, reason = "an inner attribute belongs to the whole body")]
    let unused = number;
    let number = 3_u32;
    number.checked_sub(1).map_or_else(|| Ok(0), Ok)
}

#[tokio::test]
async fn tracing_2307_an_inner_attribute_applies_to_the_body() {
    assert_eq!(inner(1).await.unwrap(), 2);
}

#[circuit_breaker(name = "reported/test above", fallback = |_| Ok(()))]
#[tokio::test]
async fn tokio_6497_rstest_346_a_test_can_be_protected_from_above() -> Result<(), std::io::Error> {
    tokio::task::yield_now().await;
    let thread = std::thread::current();
    assert!(thread.name().is_some_and(|name| name.ends_with("from_above")));
    Ok(())
}

#[tokio::test]
#[circuit_breaker(name = "reported/test below", failure_threshold = 1)]
async fn tokio_6497_rstest_346_a_test_can_be_protected_from_below() -> anyhow::Result<()> {
    tokio::task::yield_now().await;
    anyhow::ensure!(
        Registry::global().get("reported/test below").is_some(),
        "the test runs through the breaker"
    );
    Ok(())
}

mod inside {
    use super::{Answer, circuit_breaker};

    #[circuit_breaker(name = "reported/pub(super)")]
    pub(super) fn visible() -> Answer<u32> {
        Ok(1)
    }

    pub(crate) struct Shop;

    impl Shop {
        #[circuit_breaker(name = "reported/pub(in)")]
        pub(in crate::reported_attributes) async fn open(&self) -> Answer<u32> {
            Ok(2)
        }
    }
}

#[tokio::test]
async fn tracing_977_visibility_is_kept() {
    assert_eq!((inside::visible().unwrap(), inside::Shop.open().await.unwrap()), (1, 2));
}

#[circuit_breaker(name = "reported/above instrument", failure_if(Err(_)), fallback = |_| Ok(0))]
#[tracing::instrument(level = "debug", skip(text), err)]
async fn above(number: u32, text: &str) -> Answer<u32> {
    tokio::task::yield_now().await;
    if text.is_empty() {
        return Ok(number);
    }
    breaker("reported/forced open").try_acquire().map(|_| number)
}

#[tracing::instrument(skip(text), ret)]
#[circuit_breaker(name = "reported/below instrument", failure_if(Err(_)), fallback = |_| Ok(0))]
async fn below(number: u32, text: &str) -> Answer<u32> {
    tokio::task::yield_now().await;
    if text.is_empty() {
        return Ok(number);
    }
    breaker("reported/forced open").try_acquire().map(|_| number)
}

#[circuit_breaker(name = "reported/above instrument, sync")]
#[tracing::instrument]
fn above_sync(number: u32) -> Answer<&'static str> {
    Ok(if number == 0 { "zero" } else { "more" })
}

#[tracing::instrument]
#[circuit_breaker(name = "reported/below instrument, sync")]
fn below_sync(number: u32) -> Answer<&'static str> {
    Ok(if number == 0 { "zero" } else { "more" })
}

#[tokio::test]
async fn tracing_instrument_works_above_and_below() {
    let forced_open =
        Registry::global().register("reported/forced open", breaker_runtime::Config::default()).unwrap();
    forced_open.force_open();
    assert_eq!((above(1, "").await.unwrap(), below(1, "").await.unwrap()), (1, 1));
    assert!(above(1, "x").await.is_err() && below(1, "x").await.is_err());
    assert_eq!((above_sync(0).unwrap(), below_sync(1).unwrap()), ("zero", "more"));
    for name in ["reported/above instrument", "reported/below instrument"] {
        let totals = breaker(name).snapshot().totals;
        assert_eq!((totals.successes, totals.failures), (1, 1), "{name}");
    }
}

/// A function
#[doc = "with"]
#[cfg_attr(test, doc = "documentation.")]
#[cfg(test)]
#[circuit_breaker(name = "reported/attributes", fallback = |_| 0)]
#[must_use]
#[inline(always)]
#[allow(clippy::inline_always, reason = "the test is about attributes")]
#[cold]
#[track_caller]
#[expect(unused_variables, reason = "the attribute applies to the arguments and the body")]
fn attributed(#[cfg(test)] number: u32) -> u32 {
    let unused = 1;
    2
}

#[cfg(not(test))]
#[circuit_breaker(name = "reported/cfg", nonsense)]
fn absent() -> Nonsense {}

#[test]
fn attributes_of_every_kind_are_kept() {
    assert_eq!(attributed(1), 2);
}

#[circuit_breaker(name = "reported/lint levels", fallback = unnamed)]
async fn unused(
    #[allow(unused_variables)] number: String,
    #[cfg_attr(all(), allow(unused))] text: u8,
) -> Answer<u32> {
    Ok(1)
}

async fn unnamed(_: String, _: u8) -> Answer<u32> {
    Ok(2)
}

#[circuit_breaker(name = "reported/lint levels, failure", fallback = |_| Ok(Words.len()), fallback_on = failure)]
fn words(#[allow(non_snake_case)] Words: String) -> Answer<usize> {
    Ok(Words.len() + 1)
}

#[tokio::test]
async fn the_lint_levels_of_parameters_apply_to_the_expansion() {
    assert_eq!(unused(String::new(), 1).await.unwrap(), 1);
    assert_eq!(words(String::new()).unwrap(), 1);
    breaker("reported/lint levels").force_open();
    breaker("reported/lint levels, failure").force_open();
    assert_eq!(unused(String::new(), 1).await.unwrap(), 2);
    assert_eq!(words(String::new()).unwrap(), 0);
}
