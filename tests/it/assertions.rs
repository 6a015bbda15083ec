//! The test helpers `testing::trip` and `testing::assert_state`.

use breaker_runtime::testing::{assert_state, scope, trip};
use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind, State, circuit_breaker};

use crate::support::{RECOVERY, catch_panic, watch_panics};

#[circuit_breaker(name = "assertions/price", failure_threshold = 1, failure_if(Err(_)))]
fn price(fails: bool) -> Result<u32, BreakerError> {
    if fails { Err(own_error()) } else { Ok(1) }
}

#[circuit_breaker(name = "assertions/tenants", key = tenant)]
fn tenants(tenant: &str) -> Result<usize, BreakerError> {
    Ok(tenant.len())
}

/// Returns a `BreakerError` that does not come from the breaker of the annotated function.
fn own_error() -> BreakerError {
    let breaker = CircuitBreaker::new("elsewhere", Config::default()).unwrap();
    breaker.force_open();
    breaker.try_acquire().unwrap_err()
}

#[test]
fn trip_opens_a_circuit_in_every_state_and_before_the_first_call_of_its_function() {
    scope(|scope| {
        trip("assertions/price");
        assert_eq!(price(false).unwrap_err().kind(), ErrorKind::Open);
        let breaker = scope.registry().get("assertions/price").unwrap();
        // Other tests of this binary declare conflicts; only this name must have none.
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
            let location = format!("tests/it/assertions.rs:{line}:");
            assert!(change.contains("testing::trip at") && change.contains(&location), "{change}");
            scope.advance(RECOVERY);
        }
    });
}

/// Runs `test` in a scope and returns the message of its panic.
fn panic_message(test: impl FnOnce()) -> String {
    *catch_panic(|| scope(|_| test())).unwrap_err().downcast().unwrap()
}

#[test]
fn a_failed_assertion_shows_the_circuit() {
    let text = panic_message(|| {
        assert!(price(true).is_err());
        assert_state("assertions/price", State::Closed);
    });
    assert_eq!(
        text,
        "circuit breaker \"assertions/price\" is open, expected closed\n  time in state: 0ns, next trial call in 30s\n  last change: \
         closed -> open: 1 failure in a row (limit 1); last failure: \"circuit breaker \\\"elsewhere\\\" is \
         forced open\"\n  calls: 0 succeeded, 1 failed, 0 timed out, 0 ignored, 0 rejected"
    );
    let text = panic_message(|| assert_state(("assertions/tenants", "acme"), State::Open));
    assert_eq!(tenants("acme").unwrap(), 4);
    let start = "circuit breaker \"assertions/tenants\" with key \"acme\" is closed, expected open\n  time in state: 0ns\n  \
                 last change: none\n";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn an_unknown_name_is_reported_with_the_known_names() {
    let text = panic_message(|| trip("assertions/prize"));
    assert!(text.starts_with("no circuit breaker is named \"assertions/prize\""), "{text}");
    assert!(text.contains("\"assertions/price\", \"assertions/tenants\""), "{text}");
    let text = panic_message(|| trip("assertions/tenants"));
    assert!(text.ends_with("pass (\"assertions/tenants\", \"the key\")"), "{text}");
    let text = panic_message(|| trip(("assertions/price", "acme")));
    assert!(text.ends_with("has one circuit and no keys: pass \"assertions/price\""), "{text}");
    let text = panic_message(|| trip(("assertions/none", "acme")));
    assert!(text.starts_with("no circuit breaker is named \"assertions/none\""), "{text}");
}

#[test]
fn a_failed_assertion_reports_the_location_in_the_test() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let send = move |panic: &std::panic::PanicHookInfo<'_>| {
        _ = sender.send(panic.location().map(|location| (location.file().to_owned(), location.line())));
    };
    let line = line!() + 1;
    let fails = || scope(|_| assert_state("assertions/price", State::Open));
    let failed = watch_panics(send, || catch_panic(fails));
    assert!(failed.is_err());
    assert_eq!(receiver.try_recv().unwrap(), Some(("tests/it/assertions.rs".to_owned(), line)));
}
