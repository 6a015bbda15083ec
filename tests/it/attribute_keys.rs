//! One circuit for each key: the expression, when it is asked, and what it may borrow.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use breaker_runtime::{BreakerError, circuit_breaker};

#[derive(Debug, PartialEq)]
enum Fault {
    Down,
    Rejected,
}

impl From<BreakerError> for Fault {
    fn from(_: BreakerError) -> Self {
        Self::Rejected
    }
}

#[circuit_breaker(name = "keys/argument", key = tenant, failure_threshold = 1)]
fn by_argument(tenant: &str, fail: bool) -> Result<usize, Fault> {
    if fail { Err(Fault::Down) } else { Ok(tenant.len()) }
}

#[test]
fn each_key_has_a_circuit_of_its_own() {
    assert_eq!(by_argument("one", true), Err(Fault::Down));
    assert_eq!(by_argument("one", false), Err(Fault::Rejected));
    assert_eq!(by_argument("two", false), Ok(3));
}

static ASKED: AtomicU32 = AtomicU32::new(0);

fn asked(tenant: u32) -> u32 {
    ASKED.fetch_add(1, Ordering::Relaxed);
    tenant
}

#[circuit_breaker(key = asked(tenant), max_keys = 4 * 4, failure_threshold = 1)]
async fn unnamed(tenant: u32, order: String) -> Result<String, Fault> {
    tokio::task::yield_now().await;
    if tenant == 1 { Err(Fault::Down) } else { Ok(order) }
}

#[tokio::test]
async fn the_key_is_asked_once_a_call_before_the_body() {
    let call = |tenant| unnamed(tenant, "tea".to_owned());
    assert_eq!(call(1).await, Err(Fault::Down));
    assert_eq!(call(1).await, Err(Fault::Rejected));
    assert_eq!(tokio::spawn(call(2)).await.unwrap(), Ok("tea".to_owned()));
    assert_eq!(ASKED.load(Ordering::Relaxed), 3);
}

struct Shop {
    region: Mutex<String>,
}

impl Shop {
    #[circuit_breaker(name = "keys/locked", key = self.region.lock().unwrap(), fallback = |_| None)]
    fn price(&self, order: String) -> Option<String> {
        // What the key locked is free again.
        self.region.try_lock().ok().map(|region| format!("{order} {region}"))
    }

    #[circuit_breaker(
        name = "keys/waiting",
        key = format!("{}/{order}", self.region.lock().unwrap()),
        max_concurrent = 1,
        max_wait = "1h",
        fallback = |_| None
    )]
    async fn stock(&self, order: String) -> Option<String> {
        tokio::task::yield_now().await;
        self.region.try_lock().ok().map(|region| format!("{order} {region}"))
    }
}

#[tokio::test]
async fn a_key_may_borrow_and_lets_go_before_the_body() {
    let shop = Shop { region: Mutex::new("eu".to_owned()) };
    assert_eq!(shop.price("tea".to_owned()).unwrap(), "tea eu");
    assert_eq!(shop.stock("tea".to_owned()).await.unwrap(), "tea eu");
}

#[circuit_breaker(name = "keys/generic", key = kind, failure_threshold = 1, fallback = |error| Err(error))]
fn generic<T: std::fmt::Display>(kind: T, fail: bool) -> Result<T, BreakerError> {
    if fail { by_argument_error() } else { Ok(kind) }
}

fn by_argument_error<T>() -> Result<T, BreakerError> {
    let breaker =
        breaker_runtime::CircuitBreaker::new("keys/error", breaker_runtime::Config::default()).unwrap();
    breaker.force_open();
    breaker.try_acquire().map(|_| panic!("it is open"))
}

#[test]
fn a_key_may_be_generic() {
    assert!(generic(1, true).is_err() && generic(1, false).is_err());
    assert!(generic('2', false).is_ok());
}
