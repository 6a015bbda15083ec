//! Methods that `#[async_trait]` rewrites before this attribute sees them, and functions that box their
//! future themselves. The call starts and ends inside the boxed future.

#![deny(warnings)]

use std::future::ready;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};

use async_trait::async_trait;
use breaker_runtime::{BreakerError, CircuitBreaker, Registry, State, circuit_breaker};

type Answer<T> = Result<T, BreakerError>;

fn breaker(name: &str) -> CircuitBreaker {
    Registry::global().get(name).unwrap()
}

fn successes(name: &str) -> u64 {
    breaker(name).snapshot().totals.successes
}

struct Shop {
    price: u32,
}

#[async_trait]
trait Sells {
    async fn price(&self, sku: &str, discount: u32) -> Answer<u32>;

    async fn slot(&mut self, (left, _): (u32, u32), _: u8) -> Option<&mut u32>;

    async fn close(self: Arc<Self>, count: u32) -> Answer<u32>;

    async fn tidy(&self);

    #[circuit_breaker(name = "async-trait/default method", failure_threshold = 1, fallback = Self::kept)]
    async fn restock(&self, sku: String) -> Answer<String> {
        let restocked = format!("{sku} restocked");
        ready(()).await;
        Ok(restocked)
    }

    async fn kept(&self, sku: String) -> Answer<String> {
        Ok(sku)
    }
}

#[async_trait]
impl Sells for Shop {
    #[circuit_breaker(name = "async-trait/&self", fallback = |_| Ok(self.price - discount))]
    async fn price(&self, sku: &str, mut discount: u32) -> Answer<u32> {
        if sku.is_empty() {
            return Ok(0);
        }
        tokio::task::yield_now().await;
        discount *= 2;
        Ok(self.price - discount)
    }

    #[circuit_breaker(name = "async-trait/&mut self", fallback = |_| None)]
    async fn slot(&mut self, (left, _): (u32, u32), _: u8) -> Option<&mut u32> {
        self.price += left;
        Some(&mut self.price)
    }

    #[circuit_breaker(name = "async-trait/self: Arc")]
    async fn close(self: Arc<Self>, count: u32) -> Answer<u32> {
        Ok(count + self.price)
    }

    #[circuit_breaker(name = "async-trait/unit", fallback = |_| ())]
    async fn tidy(&self) {
        ready(()).await;
    }
}

#[tokio::test]
async fn async_trait_methods_are_supported() {
    // Regression of async-trait#11 #277, tracing#1219 #3179.
    let mut shop: Box<dyn Sells + Send + Sync> = Box::new(Shop { price: 10 });
    assert_eq!((shop.price("tea", 1).await.unwrap(), shop.price("", 1).await.unwrap()), (8, 0));
    *shop.slot((1, 2), 3).await.unwrap() += 1;
    shop.tidy().await;
    assert_eq!(shop.restock("tea".to_owned()).await.unwrap(), "tea restocked");
    assert_eq!(Arc::new(Shop { price: 10 }).close(5).await.unwrap(), 15);
    for (name, calls) in
        [("&self", 2), ("&mut self", 1), ("unit", 1), ("default method", 1), ("self: Arc", 1)]
    {
        assert_eq!(successes(&format!("async-trait/{name}")), calls, "{name}");
    }
    breaker("async-trait/&self").force_open();
    breaker("async-trait/default method").force_open();
    assert_eq!(shop.price("tea", 1).await.unwrap(), 11);
    assert_eq!(shop.restock("tea".to_owned()).await.unwrap(), "tea");
}

#[async_trait]
trait Fetches<K> {
    async fn fetch<'a, T, const N: usize>(&self, key: &'a K, items: [T; N]) -> Answer<(&'a K, usize)>
    where
        T: Clone + Send + Sync,
        K: Sync;
}

#[async_trait]
impl Fetches<String> for Shop {
    #[circuit_breaker(
        name = "async-trait/generic",
        key = key,
        call_timeout = "1h",
        fallback = |_| async move { Ok((key, items.len() + 1)) }
    )]
    async fn fetch<'a, T, const N: usize>(
        &self,
        key: &'a String,
        items: [T; N],
    ) -> Answer<(&'a String, usize)>
    where
        T: Clone + Send + Sync,
        String: Sync,
    {
        tokio::task::yield_now().await;
        drop(items);
        Ok((key, N))
    }
}

#[tokio::test]
async fn generic_async_trait_methods_are_supported() {
    let key = "tea".to_owned();
    let shop = Arc::new(Shop { price: 1 });
    let spawned = tokio::spawn(async move { shop.fetch(&"tea".to_owned(), ["a", "b"]).await.unwrap().1 });
    assert_eq!(spawned.await.unwrap(), 2);
    Registry::global().get_keyed("async-trait/generic").unwrap().get("tea").force_open();
    assert_eq!(Shop { price: 1 }.fetch(&key, ["a", "b"]).await.unwrap(), (&key, 3));
}

#[async_trait(?Send)]
trait Stays {
    #[circuit_breaker(name = "async-trait/?Send")]
    async fn stay(&self, count: Rc<u32>) -> Answer<u32> {
        tokio::task::yield_now().await;
        Ok(*count)
    }
}

#[async_trait(?Send)]
impl Stays for Shop {}

#[tokio::test]
async fn a_method_whose_future_is_not_send_is_supported() {
    assert_eq!(Shop { price: 1 }.stay(Rc::new(2)).await.unwrap(), 2);
}

#[async_trait]
trait Traced {
    async fn above(&self, fail: bool) -> Answer<u32>;
    async fn below(&self, fail: bool) -> Answer<u32>;
}

#[async_trait]
impl Traced for Shop {
    #[circuit_breaker(name = "async-trait/above instrument", failure_if(Err(_)))]
    #[tracing::instrument(skip(self))]
    async fn above(&self, fail: bool) -> Answer<u32> {
        tokio::task::yield_now().await;
        if fail { breaker("async-trait/open").try_acquire().map(|_| 0) } else { Ok(self.price) }
    }

    #[tracing::instrument(skip(self))]
    #[circuit_breaker(name = "async-trait/below instrument", failure_if(Err(_)))]
    async fn below(&self, fail: bool) -> Answer<u32> {
        tokio::task::yield_now().await;
        if fail { breaker("async-trait/open").try_acquire().map(|_| 0) } else { Ok(self.price) }
    }
}

#[tokio::test]
async fn instrument_and_async_trait_combine_in_either_order() {
    // Regression of tracing#1219 #3179.
    let open = Registry::global().register("async-trait/open", breaker_runtime::Config::default()).unwrap();
    open.force_open();
    let shop = Shop { price: 1 };
    assert_eq!((shop.above(false).await.unwrap(), shop.below(false).await.unwrap()), (1, 1));
    assert!(shop.above(true).await.is_err() && shop.below(true).await.is_err());
    for name in ["async-trait/above instrument", "async-trait/below instrument"] {
        let totals = breaker(name).snapshot().totals;
        assert_eq!((totals.successes, totals.failures), (1, 1), "{name}");
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;

impl Shop {
    #[circuit_breaker(
        name = "async-trait/manually boxed",
        recovery_timeout = "1ns",
        half_open_timeout = "1h",
        failure_threshold = 1
    )]
    fn manually_boxed(
        &self,
        hang: bool,
    ) -> Pin<Box<dyn std::future::Future<Output = Answer<u32>> + Send + '_>> {
        Box::pin(async move {
            if hang {
                std::future::pending::<()>().await;
            }
            Ok(self.price)
        })
    }

    #[circuit_breaker(name = "async-trait/alias", fallback = |_| Box::new('0'))]
    fn aliased(&self) -> BoxFuture<'_, Box<dyn std::fmt::Display + Send>> {
        std::boxed::Box::pin(async move {
            if self.price == 0 {
                return Box::new('0');
            }
            Box::new(self.price)
        })
    }
}

#[tokio::test]
async fn a_manually_boxed_call_starts_and_ends_inside_the_box() {
    let shop = Shop { price: 1 };
    drop(shop.manually_boxed(false));
    let mut registered = Registry::global().iter();
    assert!(registered.all(|it| it.name() != "async-trait/manually boxed"), "the future was never polled");
    assert_eq!(shop.manually_boxed(false).await.unwrap(), 1);
    let breaker = breaker("async-trait/manually boxed");
    breaker.try_acquire().unwrap().settle(breaker_runtime::Outcome::Failure);
    let mut call = shop.manually_boxed(true);
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!((breaker.state(), breaker.snapshot().totals.ignored), (State::HalfOpen, 0));
    drop(call);
    assert_eq!(breaker.snapshot().totals.ignored, 1);
    assert_eq!(shop.aliased().await.to_string(), "1");
}
