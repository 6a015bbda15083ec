//! The shapes of async functions.

#![deny(warnings)]
#![allow(
    clippy::needless_lifetimes,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "the tests are about the shapes of functions"
)]

use std::fmt::Display;
use std::rc::Rc;

use breaker_runtime::{BreakerError, Registry, State, circuit_breaker};

type Answer<T> = Result<T, BreakerError>;

fn successes(name: &str) -> u64 {
    Registry::global().get(name).unwrap().snapshot().totals.successes
}

fn force_open(name: &str) {
    Registry::global().get(name).unwrap().force_open();
}

struct Shop {
    price: u32,
}

trait Sells {
    fn sell(&mut self) -> impl std::future::Future<Output = Answer<u32>> + Send;

    #[circuit_breaker(name = "async/default method")]
    async fn restock(&self) -> Answer<&'static str> {
        Ok("restocked")
    }
}

impl Shop {
    #[circuit_breaker(name = "async/&self", fallback = Self::cached)]
    async fn price(&self, sku: &str) -> Answer<u32> {
        tokio::task::yield_now().await;
        Ok(self.price + u32::try_from(sku.len()).unwrap())
    }

    async fn cached(&self, sku: &str) -> Answer<u32> {
        tokio::task::yield_now().await;
        Ok(u32::try_from(sku.len()).unwrap())
    }

    #[circuit_breaker(name = "async/&mut self", fallback = |_| None)]
    async fn slot(&mut self) -> Option<&mut u32> {
        Some(&mut self.price)
    }
}

impl Sells for Shop {
    #[circuit_breaker(name = "async/trait method")]
    async fn sell(&mut self) -> Answer<u32> {
        self.price += 1;
        Ok(self.price)
    }
}

#[tokio::test]
async fn methods_are_supported() {
    let mut shop = Shop { price: 1 };
    assert_eq!(shop.price("tea").await.unwrap(), 4);
    force_open("async/&self");
    assert_eq!(shop.price("tea").await.unwrap(), 3);
    *shop.slot().await.unwrap() += 1;
    assert_eq!(shop.sell().await.unwrap(), 3);
    assert_eq!(shop.restock().await.unwrap(), "restocked");
    for name in ["&mut self", "trait method", "default method"] {
        assert_eq!(successes(&format!("async/{name}")), 1, "{name}");
    }
}

#[circuit_breaker(name = "async/plain path", fallback = doubled)]
async fn plain_path(number: u32) -> u32 {
    number
}

fn doubled(number: u32) -> u32 {
    2 * number
}

#[circuit_breaker(name = "async/async path", fallback = tripled)]
async fn async_path(number: u32) -> u32 {
    number
}

async fn tripled(number: u32) -> u32 {
    tokio::task::yield_now().await;
    3 * number
}

#[circuit_breaker(name = "async/plain closure", fallback = |_| Ok(text.len()))]
async fn plain_closure(text: &str) -> Answer<usize> {
    Ok(text.len() + 1)
}

#[circuit_breaker(name = "async/async closure", fallback = |error| async move { Ok(error.name().len() + text.len()) })]
async fn async_closure(text: String) -> Answer<usize> {
    Ok(text.len() + 1)
}

#[circuit_breaker(name = "async/unit", fallback = |_| ())]
async fn unit() {}

#[circuit_breaker(name = "async/boxed", fallback = |_| Box::new(0))]
async fn boxed(number: u32) -> Box<dyn Display + Send> {
    if number > 0 { Box::new(number) } else { Box::new('0') }
}

#[tokio::test]
async fn a_fallback_can_be_sync_or_async() {
    assert_eq!((plain_path(1).await, async_path(1).await), (1, 1));
    assert_eq!((plain_closure("a").await.unwrap(), async_closure("a".into()).await.unwrap()), (2, 2));
    unit().await;
    assert_eq!(boxed(5).await.to_string(), "5");
    for name in ["plain path", "async path", "plain closure", "async closure", "unit", "boxed"] {
        force_open(&format!("async/{name}"));
    }
    assert_eq!((plain_path(1).await, async_path(1).await), (2, 3));
    assert_eq!(plain_closure("a").await.unwrap(), 1);
    assert_eq!(async_closure("a".into()).await.unwrap(), "async/async closure".len() + 1);
    unit().await;
    assert_eq!(boxed(5).await.to_string(), "0");
}

#[circuit_breaker(name = "async/generic")]
async fn generic<'a, T, const N: usize>(items: &'a [T; N], more: impl Display) -> Answer<(&'a T, String)>
where
    T: Clone + Sync,
{
    tokio::task::yield_now().await;
    Ok((&items[0], more.to_string()))
}

#[circuit_breaker(name = "async/early", failure_threshold = 1)]
async fn early(text: &str) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    if text.is_empty() {
        return Ok(0);
    }
    let number = text.parse::<u32>()?;
    Ok(number)
}

#[circuit_breaker(name = "async/inference")]
async fn inferred() -> Answer<Vec<u8>> {
    use std::result::Result;
    let list = Vec::new();
    Result::Ok(list.into_iter().map(|number: u8| number).collect())
}

#[tokio::test]
async fn generics_question_marks_and_inference_are_kept() {
    // Regression of tokio#6930, tracing#3306.
    assert_eq!(generic(&[1, 2], "x").await.unwrap(), (&1, "x".to_owned()));
    assert_eq!(early("").await.unwrap(), 0);
    assert_eq!(early("5").await.unwrap(), 5);
    assert!(early("x").await.is_err());
    let rejected = early("5").await.unwrap_err();
    assert!(rejected.downcast_ref::<BreakerError>().is_some());
    assert!(inferred().await.unwrap().is_empty());
}

#[circuit_breaker(name = "async/anyhow", failure_threshold = 1)]
async fn with_anyhow(fail: bool) -> anyhow::Result<()> {
    anyhow::ensure!(!fail, "user error");
    Ok(())
}

#[tokio::test]
async fn anyhow_needs_no_conversion() {
    assert!(with_anyhow(true).await.is_err());
    assert!(with_anyhow(false).await.unwrap_err().is::<BreakerError>());
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Rejected(#[from] BreakerError),
}

#[circuit_breaker(name = "async/thiserror")]
async fn with_thiserror() -> Result<(), Fault> {
    Ok(())
}

#[tokio::test]
async fn thiserror_needs_one_from_attribute() {
    with_thiserror().await.unwrap();
    force_open("async/thiserror");
    assert!(matches!(with_thiserror().await, Err(Fault::Rejected(_))));
}

#[circuit_breaker(name = "async/spawned")]
async fn sends(text: String) -> Answer<usize> {
    tokio::task::yield_now().await;
    Ok(text.len())
}

#[circuit_breaker(name = "async/!Send", fallback = |_| Ok(0))]
async fn stays(text: Rc<str>) -> Answer<usize> {
    tokio::task::yield_now().await;
    Ok(text.len())
}

/// A type whose methods return borrows of their arguments, which makes it hard for the compiler to prove `Send`.
struct Shelf(Vec<String>);

impl Shelf {
    #[circuit_breaker(name = "async/spawned, plain", fallback = |_| None)]
    async fn first(&mut self, prefix: &str) -> Option<&mut String> {
        tokio::task::yield_now().await;
        self.0.iter_mut().find(|item| item.starts_with(prefix))
    }

    #[circuit_breaker(name = "async/spawned, async", call_timeout = "1h", fallback = Self::any)]
    async fn last<'a>(&'a self, prefix: &'a str) -> Answer<(&'a str, &'a String)> {
        tokio::task::yield_now().await;
        Ok((prefix, &self.0[1]))
    }

    async fn any<'a>(&'a self, prefix: &'a str) -> Answer<(&'a str, &'a String)> {
        tokio::task::yield_now().await;
        Ok((prefix, &self.0[0]))
    }

    #[circuit_breaker(name = "async/spawned, closure", failure_if(None), fallback = |_| async move { self.0.get(at) })]
    async fn nth(&self, at: usize) -> Option<&String> {
        tokio::task::yield_now().await;
        self.0.get(at + 1)
    }

    #[circuit_breaker(name = "async/spawned, error", key = prefix, max_concurrent = 2, max_wait = "1h")]
    async fn count(&mut self, prefix: &str) -> Answer<(usize, &[String])> {
        tokio::task::yield_now().await;
        Ok((prefix.len(), &self.0))
    }
}

#[tokio::test]
async fn a_future_whose_output_borrows_is_send_with_every_fallback() {
    let task = tokio::spawn(async {
        let mut shelf = Shelf(vec!["tea".to_owned(), "rum".to_owned()]);
        shelf.first("r").await.unwrap().push('!');
        let last = shelf.last("r").await.unwrap().1.clone();
        let nth = shelf.nth(0).await.unwrap().clone();
        (last, nth, shelf.count("r").await.unwrap().0)
    });
    assert_eq!(task.await.unwrap(), ("rum!".to_owned(), "rum!".to_owned(), 1));
}

#[tokio::test]
async fn a_send_future_stays_send_and_one_that_is_not_send_works() {
    assert_eq!(tokio::spawn(sends("abc".into())).await.unwrap().unwrap(), 3);
    let here = tokio::task::LocalSet::new();
    assert_eq!(here.run_until(stays("abc".into())).await.unwrap(), 3);
}

#[circuit_breaker(
    name = "async/cancelled",
    failure_threshold = 1,
    recovery_timeout = "1ns",
    half_open_timeout = "1h",
    half_open_max_calls = 1
)]
async fn cancelled(hang: bool) -> Answer<()> {
    if hang {
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_cancelled_trial_releases_its_slot() {
    cancelled(false).await.unwrap();
    let breaker = Registry::global().get("async/cancelled").unwrap();
    breaker.try_acquire().unwrap().settle(breaker_runtime::Outcome::Failure);
    for _ in 0..10 {
        let mut call = Box::pin(cancelled(true));
        assert!(poll_once(call.as_mut()).is_pending());
    }
    assert_eq!(breaker.state(), State::HalfOpen);
    assert_eq!(breaker.snapshot().totals.ignored, 10);
}

fn poll_once<F: std::future::Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

#[circuit_breaker(name = "async/never", fallback = |error| panic!("{error}"))]
async fn never(text: &str) -> ! {
    tokio::task::yield_now().await;
    panic!("{text}")
}

#[tokio::test]
async fn a_function_can_diverge() {
    assert!(tokio::spawn(never("first")).await.is_err());
    assert_eq!(Registry::global().get("async/never").unwrap().snapshot().totals.failures, 1);
}

#[circuit_breaker(name = "async/panics", failure_threshold = 1, fallback = |_| 0)]
async fn panics() -> u32 {
    tokio::task::yield_now().await;
    panic!("user code")
}

#[tokio::test]
async fn a_panic_counts_as_a_failure() {
    assert!(tokio::spawn(panics()).await.is_err());
    assert_eq!(panics().await, 0);
}
