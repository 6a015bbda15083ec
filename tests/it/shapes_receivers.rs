//! The receivers of sync and async methods.

#![deny(warnings)]
#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_async,
    clippy::unnecessary_wraps,
    clippy::needless_arbitrary_self_type,
    reason = "the tests are about the shapes of functions"
)]

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use breaker_runtime::{BreakerError, Registry, circuit_breaker};

type Answer<T> = Result<T, BreakerError>;

#[derive(Clone)]
struct Shop {
    price: u32,
}

impl Shop {
    #[circuit_breaker(name = "receivers/mut self", fallback = Self::raised)]
    fn lower(mut self, by: u32) -> Self {
        self.price -= by;
        self
    }

    fn raised(self, by: u32) -> Self {
        Self { price: self.price + by }
    }

    #[circuit_breaker(name = "receivers/self: &Self", fallback = |_| self.price + 1)]
    fn by_type(self: &Self) -> u32 {
        self.price
    }

    #[circuit_breaker(name = "receivers/self: Box", fallback = |_| self)]
    fn boxed(self: Box<Self>) -> Box<Self> {
        self
    }

    #[circuit_breaker(name = "receivers/self: Rc", fallback = |_| 0)]
    fn counted(self: Rc<Self>) -> u32 {
        self.price
    }

    #[circuit_breaker(name = "receivers/self: Pin", fallback = |_| self)]
    fn pinned(mut self: Pin<&mut Self>) -> Pin<&mut Self> {
        self.price += 1;
        self
    }

    #[circuit_breaker(name = "receivers/named", fallback = |_| &self.price)]
    fn named<'a>(&'a self, _other: &u32) -> &'a u32 {
        &self.price
    }

    #[circuit_breaker(name = "receivers/async self")]
    async fn take(self) -> Answer<u32> {
        tokio::task::yield_now().await;
        Ok(self.price)
    }

    #[circuit_breaker(name = "receivers/async mut self", fallback = |_| Ok(self))]
    async fn lower_async(mut self, by: u32) -> Answer<Self> {
        tokio::task::yield_now().await;
        self.price -= by;
        Ok(self)
    }

    #[circuit_breaker(name = "receivers/async self: Arc", fallback = Self::doubled)]
    async fn share(self: Arc<Self>) -> u32 {
        tokio::task::yield_now().await;
        self.price
    }

    async fn doubled(self: Arc<Self>) -> u32 {
        tokio::task::yield_now().await;
        2 * self.price
    }

    #[circuit_breaker(name = "receivers/async self: Pin", fallback = |_| self)]
    async fn pinned_async(mut self: Pin<&mut Self>) -> Pin<&mut Self> {
        tokio::task::yield_now().await;
        self.price += 1;
        self
    }

    #[circuit_breaker(name = "receivers/async &'a self", fallback = |_| async move { &self.price })]
    async fn named_async<'a>(&'a self, _other: &u32) -> &'a u32 {
        tokio::task::yield_now().await;
        &self.price
    }
}

/// Asserts that each breaker counted one success, and forces it open.
fn assert_called_and_force_open(names: &[&str]) {
    for name in names {
        let breaker = Registry::global().get(&format!("receivers/{name}")).unwrap();
        assert_eq!(breaker.snapshot().totals.successes, 1, "{name}");
        breaker.force_open();
    }
}

#[test]
fn a_sync_method_supports_every_receiver() {
    // Regression test for async-trait#11 and #277.
    let mut shop = Shop { price: 10 };
    let mut call = || {
        let local = Shop { price: 10 };
        [
            shop.clone().lower(1).price,
            shop.by_type(),
            Box::new(shop.clone()).boxed().price,
            Rc::new(shop.clone()).counted(),
            Pin::new(&mut shop).pinned().price,
            *local.named(&{ 0 }),
        ]
    };
    assert_eq!(call(), [9, 10, 10, 10, 11, 10]);
    assert_called_and_force_open(&["mut self", "self: &Self", "self: Box", "self: Rc", "self: Pin", "named"]);
    assert_eq!(call(), [12, 12, 11, 0, 11, 10]);
}

#[tokio::test]
async fn an_async_method_supports_every_receiver() {
    // Regression of async-trait#11 #277.
    let call = async || {
        let mut shop = Shop { price: 10 };
        [
            shop.clone().take().await.unwrap_or(1),
            shop.clone().lower_async(1).await.unwrap().price,
            Arc::new(shop.clone()).share().await,
            Pin::new(&mut shop).pinned_async().await.price,
            *shop.named_async(&{ 0 }).await,
        ]
    };
    assert_eq!(call().await, [10, 9, 10, 11, 11]);
    assert_called_and_force_open(&[
        "async self",
        "async mut self",
        "async self: Arc",
        "async self: Pin",
        "async &'a self",
    ]);
    assert_eq!(call().await, [1, 10, 20, 10, 10]);
}
