//! `testing::scope`, which gives each test its own registry and clock.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, LazyLock};
use std::time::Duration;

use breaker_runtime::testing::{self, Scope, assert_state, scope, scope_async, trip};
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ErrorKind, Event, Outcome, Registry, State, circuit_breaker,
};

use crate::support::{ALMOST_RECOVERY, NANO, RECOVERY, catch_panic, is_registered};

#[circuit_breaker(name = "scopes/price", failure_threshold = 1, failure_if(Err(_)))]
fn price(fails: bool) -> Result<u32, BreakerError> {
    if fails { Err(own_error()) } else { Ok(1) }
}

#[circuit_breaker(name = "scopes/order", failure_threshold = 1, failure_if(Err(_)))]
async fn order(fails: bool) -> Result<u32, BreakerError> {
    tokio::task::yield_now().await;
    if fails { Err(own_error()) } else { Ok(1) }
}

#[circuit_breaker(name = "scopes/tenants", key = tenant, failure_threshold = 1, failure_if(Err(_)))]
fn tenants(tenant: &str, fails: bool) -> Result<u32, BreakerError> {
    if fails { Err(own_error()) } else { Ok(tenant.len().try_into().unwrap_or_default()) }
}

/// Returns a `BreakerError` that does not come from the breaker of the annotated function.
fn own_error() -> BreakerError {
    let breaker = CircuitBreaker::new("elsewhere", Config::default()).unwrap();
    breaker.force_open();
    breaker.try_acquire().unwrap_err()
}

/// Calls `price` and returns `true` if its breaker rejected the call.
fn is_open() -> bool {
    price(false).is_err_and(|error| error.name() == "scopes/price")
}

#[test]
fn parallel_scopes_share_no_breaker() {
    // Regression of microprofile-fault-tolerance#323: a circuit that one test opened rejected the calls of another.
    let both = Barrier::new(2);
    let test = |fails: bool| {
        scope(|_| {
            assert_eq!(price(fails).is_err(), fails);
            both.wait();
            assert_eq!(is_open(), fails);
            both.wait();
        });
    };
    std::thread::scope(|threads| {
        threads.spawn(|| test(true));
        threads.spawn(|| test(false));
    });
    assert!(!is_registered("scopes/price"), "the scope left a breaker behind");
}

#[test]
fn every_call_in_a_scope_finds_the_same_breaker() {
    scope(|scope| {
        assert!(!is_open());
        assert!(price(true).is_err());
        assert!(is_open());
        let breaker = scope.registry().get("scopes/price").unwrap();
        assert_eq!(breaker.snapshot().totals.rejected, 1);
        assert_eq!(scope.registry().iter().count(), 1);
        assert_eq!(Registry::global().get("scopes/price").unwrap().state(), State::Open);
    });
}

#[test]
fn the_clock_of_a_scope_moves_only_by_advance() {
    scope(|scope| {
        assert!(price(true).is_err());
        scope.advance(ALMOST_RECOVERY);
        assert!(is_open());
        scope.advance(NANO);
        assert!(!is_open());
        assert_state("scopes/price", State::HalfOpen);
    });
}

#[test]
fn every_breaker_created_in_a_scope_uses_its_clock() {
    scope(|scope| {
        let config = Config::builder().failure_threshold(1).build().unwrap();
        let alone = CircuitBreaker::new("alone", config.clone()).unwrap();
        let registered = Registry::new().register("registered", config).unwrap();
        for breaker in [alone, registered] {
            breaker.try_acquire().unwrap().settle(Outcome::Failure);
            assert_eq!(breaker.snapshot().retry_after, Some(RECOVERY));
            scope.advance(RECOVERY);
            assert!(breaker.try_acquire().unwrap().is_trial());
        }
    });
}

#[test]
fn a_nested_scope_hides_the_outer_one_until_it_ends() {
    scope(|outer| {
        assert!(price(true).is_err());
        scope(|inner| {
            assert!(!is_open());
            inner.advance(RECOVERY);
        });
        assert!(is_open(), "the inner clock moved the outer one");
        outer.enter(|| assert!(is_open()));
    });
}

#[test]
fn a_panic_leaves_the_scope() {
    scope(|_| {
        assert!(price(true).is_err());
        assert!(catch_panic(|| scope(|_| assert!(is_open(), "the circuit is closed"))).is_err());
        assert!(is_open());
    });
    assert!(catch_panic(|| scope(|_| price(true).unwrap())).is_err());
    assert!(!is_registered("scopes/price"));
}

#[test]
fn circuits_of_a_keyed_function_belong_to_the_scope() {
    scope(|_| {
        assert!(tenants("acme", true).is_err());
        assert!(tenants("acme", false).is_err());
        assert_eq!(tenants("umbrella", false).unwrap(), 8);
        assert_state(("scopes/tenants", "acme"), State::Open);
        assert_state(("scopes/tenants", "umbrella"), State::Closed);
    });
    scope(|_| assert_eq!(tenants("acme", false).unwrap(), 4));
    assert!(!is_registered("scopes/tenants"));
}

#[test]
fn a_thread_can_enter_a_scope() {
    scope(|scope| {
        trip("scopes/price");
        std::thread::scope(|threads| {
            threads.spawn(|| scope.enter(|| assert!(is_open())));
        });
    });
}

#[tokio::test]
async fn async_calls_outside_a_scope_are_not_in_it() {
    let failing = scope_async(async |_| {
        assert!(order(true).await.is_err());
        order(false).await
    });
    let working = scope_async(async |_| (order(false).await, order(false).await));
    let (failing, working) = tokio::join!(failing, working);
    assert_eq!(failing.unwrap_err().kind(), ErrorKind::Open);
    assert_eq!((working.0.unwrap(), working.1.unwrap()), (1, 1));
    assert!(!is_registered("scopes/order"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_can_enter_a_scope() {
    scope_async(async |scope| {
        trip("scopes/order");
        let task = tokio::spawn(scope.enter_async(order(false)));
        assert_eq!(task.await.unwrap().unwrap_err().kind(), ErrorKind::Open);
    })
    .await;
}

#[test]
fn tasks_of_a_runtime_that_runs_in_a_scope_are_in_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    scope(|_| {
        trip("scopes/order");
        let task = async { tokio::spawn(order(false)).await.unwrap() };
        assert_eq!(runtime.block_on(task).unwrap_err().kind(), ErrorKind::Open);
    });
}

#[tokio::test]
async fn a_future_is_dropped_in_its_scope() {
    struct Calls;
    impl Drop for Calls {
        fn drop(&mut self) {
            assert!(price(true).is_err());
        }
    }
    let scope = Scope::new();
    let calls = Calls;
    drop(scope.enter_async(async move {
        std::future::pending::<()>().await;
        drop(calls);
    }));
    assert_eq!(scope.registry().get("scopes/price").unwrap().snapshot().totals.failures, 1);
    assert!(!is_registered("scopes/price"));
}

#[circuit_breaker(name = "scopes/limited", call_timeout = "2s", max_concurrent = 1, max_wait = "3s")]
async fn limited() -> Result<(), BreakerError> {
    std::future::pending().await
}

#[tokio::test]
async fn limits_follow_the_clock_of_the_scope() {
    scope_async(async |scope| {
        let first = tokio::spawn(scope.enter_async(limited()));
        let second = tokio::spawn(scope.enter_async(limited()));
        for call in [first, second] {
            tokio::task::yield_now().await;
            scope.advance(Duration::from_secs(2));
            assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
        }
    })
    .await;
}

static OWN: LazyLock<Registry> = LazyLock::new(Registry::new);
static OTHER: LazyLock<Registry> = LazyLock::new(Registry::new);

/// Returns a new registry in a scope of a test, and `OWN` outside of scopes.
fn registry_of_test() -> Registry {
    EVALUATIONS.fetch_add(1, Ordering::Relaxed);
    if is_in_scope() { Registry::new() } else { OWN.clone() }
}

static EVALUATIONS: AtomicU32 = AtomicU32::new(0);

fn is_in_scope() -> bool {
    Registry::global().get("scopes/in scope").is_some()
}

#[circuit_breaker(name = "scopes/own", registry = registry_of_test(), failure_threshold = 1, failure_if(Err(_)))]
fn in_own_registry(fails: bool) -> Result<u32, BreakerError> {
    if fails { Err(own_error()) } else { Ok(1) }
}

#[circuit_breaker(name = "scopes/own", registry = OTHER, key = tenant, failure_threshold = 2)]
fn in_own_registry_with_key(tenant: &str) -> Result<usize, BreakerError> {
    Ok(tenant.len())
}

#[test]
fn a_registry_expression_is_evaluated_once_per_scope() {
    let test = || {
        scope(|scope| {
            scope.registry().register("scopes/in scope", Config::default()).unwrap();
            assert!(in_own_registry(true).is_err());
            assert_eq!(in_own_registry(false).unwrap_err().name(), "scopes/own");
            scope.advance(RECOVERY);
            assert!(in_own_registry(false).is_ok());
            assert!(scope.registry().get("scopes/own").is_none());
        });
    };
    test();
    test();
    assert_eq!(EVALUATIONS.load(Ordering::Relaxed), 2);
    assert!(in_own_registry(false).is_ok());
    assert_eq!(EVALUATIONS.load(Ordering::Relaxed), 3);
    assert!(OWN.get("scopes/own").is_some());
}

#[test]
fn functions_with_their_own_registries_are_declared_and_never_conflict() {
    let declared: Vec<_> = Registry::declared().filter(|it| it.name() == "scopes/own").collect();
    assert!(declared.len() == 2 && declared.iter().all(|it| it.has_own_registry()));
    let found = Registry::global().check().unwrap_err();
    assert!(found.iter().all(|conflict| conflict.name() != "scopes/own"), "{found}");
    scope(|_| {
        assert_eq!(in_own_registry_with_key("acme").unwrap(), 4);
        let failed = catch_panic(|| trip("scopes/own")).unwrap_err().downcast::<String>().unwrap();
        assert!(failed.contains("of it::scopes::in_own_registry is in a registry of its own"), "{failed}");
    });
}

#[test]
fn an_unused_scope_can_be_entered_anywhere() {
    let scope = Scope::default();
    scope.enter(|| trip("scopes/price"));
    assert_eq!(scope.enter(|| price(false)).unwrap_err().retry_after(), Some(RECOVERY));
    scope.clock().advance(RECOVERY);
    assert!(scope.enter(|| price(false)).is_ok());
    assert!(format!("{scope:?}").contains("scopes/price"));
    testing::scope(|_| assert!(!is_open()));
}

#[test]
fn the_circuits_of_keys_are_freed_with_their_scope_unless_the_test_keeps_a_handle() {
    let circuits = Arc::new(());
    let run = |scope: &Scope| {
        tenants("a", false).unwrap();
        let of_listener = Arc::clone(&circuits);
        let tenants = scope.registry().get_keyed("scopes/tenants").unwrap();
        tenants.get("a").listen(move |_: &Event| _ = &of_listener).detach();
        tenants
    };
    let alive = || Arc::strong_count(&circuits) - 1;
    scope(|scope| drop(run(&scope)));
    assert_eq!(alive(), 0);
    let kept = scope(|scope| run(&scope));
    assert_eq!((alive(), kept.len()), (1, 1));
    let registry = scope(|scope| {
        run(&scope);
        scope.registry().clone()
    });
    assert_eq!((alive(), registry.get_keyed("scopes/tenants").unwrap().len()), (2, 1));
}
