//! The arguments `breaker = ..` and `registry = ..`.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ErrorKind, KeyedBreaker, Outcome, Registry, State, circuit_breaker,
};

use crate::support::{catch_panic, poll_once, seconds};

fn breaker(name: &'static str) -> CircuitBreaker {
    CircuitBreaker::new(name, Config::builder().failure_threshold(2).build().unwrap()).unwrap()
}

#[derive(Debug, PartialEq)]
enum Fault {
    Down,
    Rejected(ErrorKind, String),
}

impl From<BreakerError> for Fault {
    fn from(error: BreakerError) -> Self {
        Self::Rejected(error.kind(), error.name().to_owned())
    }
}

struct Client {
    breaker: CircuitBreaker,
    calls: u32,
}

impl Client {
    fn new(name: &'static str) -> Self {
        Self { breaker: breaker(name), calls: 0 }
    }

    #[circuit_breaker(breaker = self.breaker)]
    fn fetch<T>(&self, answer: Result<T, Fault>) -> Result<T, Fault> {
        answer
    }

    #[circuit_breaker(breaker = &self.breaker, fallback = |_| self.calls)]
    async fn count(&self) -> u32 {
        tokio::task::yield_now().await;
        self.calls + 10
    }

    // The body replaces the breaker while the call runs.
    #[circuit_breaker(breaker = self.breaker, fallback = Self::cached)]
    fn next(&mut self) -> &mut u32 {
        self.breaker = breaker("breaker/other");
        self.calls += 1;
        &mut self.calls
    }

    fn cached(&mut self) -> &mut u32 {
        self.calls = 0;
        &mut self.calls
    }

    #[circuit_breaker(breaker = self.breaker, failure_if(0), fallback = |_| 99)]
    async fn close(self) -> u32 {
        tokio::task::yield_now().await;
        let Self { breaker, calls } = self;
        drop(breaker);
        calls
    }
}

#[test]
fn each_instance_has_its_own_circuit() {
    let (one, two) = (Client::new("breaker/one"), Client::new("breaker/two"));
    assert_eq!((one.fetch::<u32>(Err(Fault::Down)), one.fetch(Ok("x"))), (Err(Fault::Down), Ok("x")));
    for _ in 0..2 {
        assert_eq!(one.fetch::<u32>(Err(Fault::Down)), Err(Fault::Down));
    }
    let rejected = Fault::Rejected(ErrorKind::Open, "breaker/one".to_owned());
    assert_eq!((one.fetch(Ok(1)), two.fetch(Ok(1))), (Err(rejected), Ok(1)));
    let totals = one.breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.successes, totals.rejected), (3, 1, 1));
    assert!(Registry::global().get("breaker/one").is_none());
}

#[tokio::test]
async fn an_async_method_uses_the_breaker_of_its_instance() {
    let client = Arc::new(Client::new("breaker/async"));
    let counting = Arc::clone(&client);
    assert_eq!(tokio::spawn(async move { counting.count().await }).await.unwrap(), 10);
    client.breaker.force_open();
    assert_eq!(client.count().await, 0);
}

#[tokio::test]
async fn the_body_can_replace_or_drop_the_owner_of_the_breaker() {
    let mut client = Client::new("breaker/held");
    let first = client.breaker.clone();
    assert_eq!(*client.next(), 1);
    assert_eq!((first.snapshot().totals.successes, client.breaker.name()), (1, "breaker/other"));
    client.breaker.force_open();
    assert_eq!(*client.next(), 0);

    let client = Client::new("breaker/closed");
    let breaker = client.breaker.clone();
    assert_eq!(client.close().await, 0);
    assert_eq!(breaker.snapshot().totals.failures, 1);
}

struct Panics(CircuitBreaker);

impl Panics {
    #[circuit_breaker(breaker = self.0)]
    fn call(&self) -> Result<(), Fault> {
        panic!("user code")
    }
}

#[tokio::test]
async fn the_breaker_counts_a_cancelled_call_as_ignored_and_a_panic_as_a_failure() {
    let client = Client::new("breaker/cancelled");
    assert!(poll_once(pin!(client.count())).is_pending());
    assert_eq!(client.breaker.snapshot().totals.ignored, 1);

    let panics = Panics(breaker("breaker/panics"));
    assert!(catch_panic(|| panics.call()).is_err());
    assert_eq!(panics.0.snapshot().totals.failures, 1);
}

static LAZY: LazyLock<CircuitBreaker> = LazyLock::new(|| breaker("breaker/lazy"));

fn shared() -> &'static Arc<CircuitBreaker> {
    static SHARED: LazyLock<Arc<CircuitBreaker>> = LazyLock::new(|| Arc::new(breaker("breaker/shared")));
    &SHARED
}

#[circuit_breaker(breaker = LAZY, fallback = |error| Err(error.to_string()))]
fn lazy() -> Result<u32, String> {
    Ok(1)
}

#[circuit_breaker(breaker = shared(), fallback = |error| Err(error.to_string()))]
fn by_function() -> Result<u32, String> {
    Ok(1)
}

#[circuit_breaker(breaker = hosts.get(host))]
async fn of_key(hosts: &KeyedBreaker, host: &str, answer: Result<(), Fault>) -> Result<(), Fault> {
    answer
}

#[circuit_breaker(breaker = held.lock().unwrap())]
fn behind_a_lock(held: &Mutex<CircuitBreaker>) -> Result<bool, Fault> {
    Ok(held.try_lock().is_ok())
}

#[tokio::test]
async fn any_expression_that_leads_to_a_breaker_is_accepted_and_evaluated_at_every_call() {
    assert_eq!((lazy(), by_function()), (Ok(1), Ok(1)));
    LAZY.force_open();
    shared().force_open();
    assert!(lazy().is_err() && by_function().unwrap_err().contains("breaker/shared"));

    let hosts = Registry::new().register_keyed("breaker/hosts", Config::default(), 8).unwrap();
    hosts.get("bad").force_open();
    assert!(of_key(&hosts, "bad", Ok(())).await.is_err() && of_key(&hosts, "good", Ok(())).await.is_ok());

    // The guard is dropped before the body runs.
    let held = Mutex::new(breaker("breaker/locked"));
    assert_eq!(behind_a_lock(&held), Ok(true));
    *held.lock().unwrap() = LAZY.clone();
    assert!(behind_a_lock(&held).is_err());
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_the_given_breaker_apply() {
    #[circuit_breaker(breaker = breaker, fallback = |error| (order, Some(error.kind())))]
    async fn hangs(breaker: &CircuitBreaker, order: String, hang: bool) -> (String, Option<ErrorKind>) {
        if hang {
            std::future::pending::<()>().await;
        }
        (order, None)
    }

    let config = Config::builder().call_timeout(seconds(1)).max_concurrent(1).max_wait(seconds(2));
    let breaker = CircuitBreaker::new("breaker/limits", config.build().unwrap()).unwrap();

    let call = |order: &str, hang| hangs(&breaker, order.to_owned(), hang);
    let (first, second) = tokio::join!(call("a", true), call("b", false));
    assert_eq!(first, ("a".to_owned(), Some(ErrorKind::TimedOut)));
    assert_eq!(second, ("b".to_owned(), None));
    assert_eq!(breaker.snapshot().totals.timeouts, 1);
}

#[circuit_breaker(name = "breaker/registered", registry = registry)]
fn registered(registry: &Registry) -> Result<u32, Fault> {
    Ok(1)
}

#[circuit_breaker(registry = counted_registry(), key = tenant)]
async fn keyed(tenant: &str) -> Result<usize, Fault> {
    Ok(tenant.len())
}

static EVALUATIONS: AtomicU32 = AtomicU32::new(0);
static OWN: LazyLock<Registry> = LazyLock::new(Registry::new);

fn counted_registry() -> &'static LazyLock<Registry> {
    EVALUATIONS.fetch_add(1, Ordering::Relaxed);
    &OWN
}

#[tokio::test]
async fn a_registry_expression_is_evaluated_at_the_first_call_only() {
    let (mine, other) = (Registry::new(), Registry::new());
    assert_eq!((registered(&mine), registered(&other)), (Ok(1), Ok(1)));
    assert_eq!(mine.get("breaker/registered").unwrap().snapshot().totals.successes, 2);
    assert!(other.get("breaker/registered").is_none());
    assert!(Registry::global().get("breaker/registered").is_none());

    assert_eq!((keyed("a").await, keyed("b").await), (Ok(1), Ok(1)));
    assert_eq!(EVALUATIONS.load(Ordering::Relaxed), 1);
    assert_eq!(OWN.get_keyed("it::attribute_breaker::keyed").unwrap().len(), 2);
}

#[test]
fn a_panicking_registry_expression_counts_no_call_and_a_recursive_one_does_not_deadlock() {
    #[circuit_breaker(name = "breaker/recursive", registry = registry(depth))]
    fn recursive(depth: u32) -> Result<u32, Fault> {
        Ok(depth)
    }
    fn registry(depth: u32) -> Registry {
        assert!(depth < 7, "no registry");
        if depth > 0 {
            recursive(depth - 1).unwrap();
        }
        OWN.clone()
    }
    assert!(catch_panic(|| recursive(7)).is_err());
    assert_eq!(recursive(2), Ok(2));
    let breaker = OWN.get("breaker/recursive").unwrap();
    assert_eq!((breaker.snapshot().totals.successes, breaker.state()), (3, State::Closed));
}

#[test]
fn a_conflict_is_reported_in_the_given_registry() {
    #[circuit_breaker(name = "breaker/conflict", registry = registry)]
    fn declared(registry: Registry) -> Result<u32, Fault> {
        Ok(registry.snapshots().len().try_into().unwrap())
    }
    let registry = Registry::new();
    let strict = Config::builder().failure_threshold(1).build().unwrap();
    registry.register("breaker/conflict", strict).unwrap().try_acquire().unwrap().settle(Outcome::Success);
    assert_eq!(declared(registry.clone()), Ok(1));
    let conflicts = registry.check().unwrap_err();
    assert_eq!(conflicts.iter().next().unwrap().name(), "breaker/conflict");
    assert_eq!(registry.get("breaker/conflict").unwrap().snapshot().totals.successes, 2);
}
