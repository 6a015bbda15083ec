//! The breaker of an annotated function before its first call: `Registry::get` and `get_keyed` register it.

use std::pin::pin;
use std::sync::Barrier;
use std::task::Poll;
use std::thread;

use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ErrorKind, Event, Registry, State, circuit_breaker, testing,
};

use crate::support::poll_once;

#[circuit_breaker(name = "before/forced", failure_threshold = 2)]
fn forced() -> Result<u32, BreakerError> {
    Ok(1)
}

struct Shop;

impl Shop {
    #[circuit_breaker]
    async fn price<T: Send>(&self, price: T) -> Result<T, BreakerError> {
        std::future::ready(()).await;
        Ok(price)
    }
}

#[test]
fn a_function_can_be_forced_open_before_its_first_call() {
    for name in ["before/forced", "it::before_first_call::price"] {
        let breaker = Registry::global().get(name).unwrap();
        breaker.operator("start-up").force_open();
    }
    assert_eq!(forced().unwrap_err().kind(), ErrorKind::ForcedOpen);
    assert!(matches!(poll_once(pin!(Shop.price(1))), Poll::Ready(Err(_))));

    Registry::global().get("it::before_first_call::price").unwrap().release();
    let breaker = Registry::global().get("before/forced").unwrap();
    breaker.release();
    assert_eq!(forced().unwrap(), 1);
    assert_eq!(breaker.snapshot().totals.successes, 1);
    assert_eq!(breaker.config().failure_threshold(), Some(2), "the settings of the attribute");
}

#[circuit_breaker(name = "before/settings", failure_threshold = 2, failure_if(Err(_)))]
fn with_settings() -> Result<u32, BreakerError> {
    Err(CircuitBreaker::new("other", Config::default()).map(|other| forced_open_error(&other)).unwrap())
}

fn forced_open_error(breaker: &CircuitBreaker) -> BreakerError {
    breaker.force_open();
    breaker.try_acquire().unwrap_err()
}

#[test]
fn settings_that_are_set_before_the_first_call_apply_and_are_no_conflict() {
    testing::scope(|scope| {
        let mut events = scope.registry().subscribe();
        let breaker = Registry::global().get("before/settings").unwrap();
        breaker.set_config(Config::builder().failure_threshold(4).build().unwrap());
        for _ in 0..4 {
            assert_eq!(breaker.state(), State::Closed);
            _ = with_settings();
        }
        assert_eq!(breaker.state(), State::Open);
        let conflict = std::iter::from_fn(|| events.try_next()).find(
            |event| matches!(event, Ok(Event::Conflict(conflict)) if conflict.name() == breaker.name()),
        );
        assert!(conflict.is_none(), "{conflict:?}");
        let conflicts = scope.registry().check().err();
        assert!(conflicts.is_none_or(|found| found.iter().all(|it| it.name() != breaker.name())));
    });
}

#[circuit_breaker(name = "before/keyed", key = tenant, max_keys = 7)]
fn keyed(tenant: &str) -> Result<usize, BreakerError> {
    Ok(tenant.len())
}

#[test]
fn a_function_with_keys_has_its_breaker_before_its_first_call() {
    testing::scope(|scope| {
        assert!(scope.registry().get("before/keyed").is_none(), "it has one circuit per key");
        let tenants = scope.registry().get_keyed("before/keyed").unwrap();
        assert_eq!(tenants.max_keys(), 7);
        tenants.get("acme").force_open();
        assert_eq!(keyed("acme").unwrap_err().kind(), ErrorKind::ForcedOpen);
        assert_eq!(keyed("umbrella").unwrap(), 8);
        assert_eq!(tenants.len(), 2);
        assert!(scope.registry().get_keyed("before/forced").is_none(), "it has one circuit");
    });
}

#[circuit_breaker(name = "before/scope")]
fn in_scopes() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn a_scope_has_its_own_breaker() {
    testing::scope(|_| {
        Registry::global().get("before/scope").unwrap().force_open();
        assert!(in_scopes().is_err());
        testing::scope(|_| assert!(in_scopes().is_ok()));
    });
    assert!(in_scopes().is_ok());
}

mod conflicting {
    use super::{BreakerError, circuit_breaker};

    #[circuit_breaker(name = "before/conflict", failure_threshold = 1)]
    pub(super) fn first() -> Result<(), BreakerError> {
        Ok(())
    }

    #[circuit_breaker(name = "before/conflict", failure_threshold = 9)]
    pub(super) fn second() -> Result<(), BreakerError> {
        Ok(())
    }
}

#[test]
fn the_first_declaration_applies_and_the_call_of_the_other_one_reports_the_conflict() {
    testing::scope(|scope| {
        let mut events = scope.registry().subscribe();
        let breaker = scope.registry().get("before/conflict").unwrap();
        assert_eq!(breaker.config().failure_threshold(), Some(1));
        conflicting::first().unwrap();
        assert!(events.try_next().is_none(), "no function disagrees yet");
        conflicting::second().unwrap();
        assert!(matches!(events.try_next(), Some(Ok(Event::Conflict(_)))));
        assert_eq!(breaker.snapshot().totals.successes, 2, "both use the registered breaker");
    });
}

mod accident {
    use super::{BreakerError, circuit_breaker};

    pub(super) struct Left;
    pub(super) struct Right;

    impl Left {
        #[circuit_breaker]
        pub(super) fn same() -> Result<(), BreakerError> {
            Ok(())
        }
    }

    impl Right {
        #[circuit_breaker]
        pub(super) fn same() -> Result<(), BreakerError> {
            Ok(())
        }
    }
}

#[test]
fn a_renamed_function_is_found_by_its_unique_name() {
    const PATH: &str = "it::before_first_call::accident::same";
    let renamed = Registry::declared()
        .map(breaker_runtime::Declaration::name)
        .find(|name| name.starts_with(PATH) && *name != PATH)
        .unwrap();
    testing::scope(|scope| {
        let mut events = scope.registry().subscribe();
        scope.registry().get(renamed).unwrap().force_open();
        scope.registry().get(PATH).unwrap();
        assert!(matches!(events.try_next(), Some(Ok(Event::StateChanged(_)))));
        assert!(events.try_next().is_none(), "a lookup reports no conflict");
        accident::Left::same().unwrap();
        assert!(accident::Right::same().is_err());
        assert!(matches!(events.try_next(), Some(Ok(Event::Conflict(_)))), "the call reports it");
    });
}

#[circuit_breaker(name = "before/own", registry = registry, failure_threshold = 3)]
fn in_own_registry(registry: &Registry) -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn a_function_with_its_own_registry_can_be_registered_there_in_advance() {
    let registry = Registry::new();
    assert!(registry.get("before/own").is_none() && Registry::global().get("before/own").is_none());
    let declared = Registry::declared().find(|declared| declared.name() == "before/own").unwrap();
    let breaker = registry.register(declared.name(), declared.config()).unwrap();
    breaker.force_open();
    assert_eq!(in_own_registry(&registry).unwrap_err().kind(), ErrorKind::ForcedOpen);
    assert!(registry.check().is_ok());
}

#[test]
fn unknown_names_and_existing_breakers_are_not_found() {
    #[circuit_breaker(breaker = breaker)]
    fn existing(breaker: &CircuitBreaker) -> Result<(), BreakerError> {
        Ok(())
    }
    let breaker = CircuitBreaker::new("before/existing", Config::default()).unwrap();
    existing(&breaker).unwrap();
    for name in ["before/existing", "it::before_first_call::existing", "before/nothing", ""] {
        assert!(Registry::global().get(name).is_none(), "{name}");
        assert!(Registry::global().get_keyed(name).is_none(), "{name}");
    }
    assert!(Registry::new().get("before/forced").is_none(), "functions do not use this registry");
}

#[circuit_breaker(name = "before/threads")]
fn on_threads() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn calls_and_lookups_on_many_threads_use_one_breaker() {
    let start = Barrier::new(8);
    thread::scope(|threads| {
        for thread in 0..8 {
            let start = &start;
            threads.spawn(move || {
                start.wait();
                if thread % 2 == 0 {
                    on_threads().unwrap();
                } else {
                    let breaker = Registry::global().get("before/threads").unwrap();
                    breaker.call(|| Ok::<_, BreakerError>(())).unwrap();
                }
            });
        }
    });
    let totals = Registry::global().get("before/threads").unwrap().snapshot().totals;
    assert_eq!(totals.successes, 8);
}
