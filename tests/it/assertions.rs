//! `testing::trip` and `testing::assert_state`: what a test does to a circuit, and expects of one.

use breaker_runtime::testing::{assert_state, scope, trip};
use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind, State, circuit_breaker};

use crate::support::{RECOVERY, quietly};

#[circuit_breaker(name = "assertions/price", failure_threshold = 1)]
fn price(fails: bool) -> Result<u32, BreakerError> {
    if fails { Err(own_error()) } else { Ok(1) }
}

#[circuit_breaker(name = "assertions/tenants", key = tenant)]
fn tenants(tenant: &str) -> Result<usize, BreakerError> {
    Ok(tenant.len())
}

/// An error of the function's own, which is no rejection.
fn own_error() -> BreakerError {
    let breaker = CircuitBreaker::new("elsewhere", Config::default()).unwrap();
    breaker.force_open();
    breaker.try_acquire().unwrap_err()
}

#[test]
fn a_circuit_is_tripped_before_the_first_call_of_its_function_and_whatever_it_was() {
    scope(|scope| {
        trip("assertions/price");
        assert_eq!(price(false).unwrap_err().kind(), ErrorKind::Open);
        let breaker = scope.registry().get("assertions/price").unwrap();
        // That a circuit was tripped is no conflict; other tests of this binary declare some.
        let conflicts = scope.registry().check().err();
        assert!(conflicts.is_none_or(|found| found.iter().all(|it| it.name() != breaker.name())));
        for before in [State::Open, State::HalfOpen, State::ForcedOpen, State::Disabled] {
            match before {
                State::Open | State::Closed => scope.advance(RECOVERY),
                State::HalfOpen => drop(breaker.try_acquire().unwrap()),
                State::ForcedOpen => breaker.force_open(),
                State::Disabled => breaker.disable(),
            }
            let line = line!() + 1;
            trip(&breaker);
            assert_state(&breaker, State::Open);
            let snapshot = breaker.snapshot();
            assert_eq!(snapshot.retry_after, Some(RECOVERY), "after {before}");
            let change = snapshot.last_transition.unwrap().to_string();
            let place = format!("tests/it/assertions.rs:{line}:");
            assert!(change.contains("testing::trip at") && change.contains(&place), "{change}");
            scope.advance(RECOVERY);
        }
    });
}

/// What the test says that fails.
fn complaint(test: impl FnOnce()) -> String {
    *quietly(|| scope(|_| test())).unwrap_err().downcast().unwrap()
}

#[test]
fn an_assertion_that_fails_shows_the_circuit() {
    let text = complaint(|| {
        assert!(price(true).is_err());
        assert_state("assertions/price", State::Closed);
    });
    assert_eq!(
        text,
        "circuit breaker \"assertions/price\" is open, and not closed\n  for 0ns, call again in 30s\n  last change: \
         closed -> open: 1 failure in a row (limit 1); last failure: \"circuit breaker \\\"elsewhere\\\" was \
         forced open; an operator has to release it\"\n  calls: 0 succeeded, 1 failed, 0 timed out, 0 ignored, 0 rejected"
    );
    let text = complaint(|| assert_state(("assertions/tenants", "acme"), State::Open));
    assert_eq!(tenants("acme").unwrap(), 4);
    let start = "circuit breaker \"assertions/tenants\" for the key \"acme\" is closed, and not open\n  for 0ns\n  \
                 last change: none\n";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn a_name_that_nothing_has_is_named_with_those_that_there_are() {
    let text = complaint(|| trip("assertions/prize"));
    assert!(text.starts_with("there is no circuit breaker \"assertions/prize\""), "{text}");
    assert!(text.contains("\"assertions/price\", \"assertions/tenants\""), "{text}");
    let text = complaint(|| trip("assertions/tenants"));
    assert!(text.ends_with("write (\"assertions/tenants\", \"the key\")"), "{text}");
    let text = complaint(|| trip(("assertions/price", "acme")));
    assert!(text.ends_with("has one circuit and no key: write \"assertions/price\""), "{text}");
    let text = complaint(|| trip(("assertions/none", "acme")));
    assert!(text.starts_with("there is no circuit breaker \"assertions/none\""), "{text}");
}

#[test]
fn an_assertion_stands_where_the_test_does() {
    let (told, telling) = std::sync::mpsc::channel();
    let before = std::panic::take_hook();
    let thread = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == thread {
            _ = told.send(panic.location().map(|place| (place.file().to_owned(), place.line())));
        }
    }));
    let line = line!() + 1;
    let failed = quietly(|| scope(|_| assert_state("assertions/price", State::Open)));
    std::panic::set_hook(before);
    assert!(failed.is_err());
    assert_eq!(telling.try_recv().unwrap(), Some(("tests/it/assertions.rs".to_owned(), line)));
}
