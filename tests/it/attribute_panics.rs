//! Panics outside the body: in the `Display` of a key and in `failure_if` and `ignore_if`.

use std::fmt;
use std::pin::pin;

use breaker_runtime::{BreakerError, CircuitBreaker, Registry, State, circuit_breaker};

use crate::support::{catch_panic, poll_once};

/// A key whose `Display` panics unless `is_good` is set.
struct Tenant {
    is_good: bool,
}

impl fmt::Display for Tenant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("tenant")?;
        if self.is_good { Ok(()) } else { panic!("no name") }
    }
}

#[circuit_breaker(name = "panics/key", key = tenant, failure_threshold = 1)]
#[expect(clippy::needless_pass_by_value, reason = "the key takes the argument by value")]
fn by_tenant(tenant: Tenant) -> Result<bool, BreakerError> {
    Ok(tenant.is_good)
}

#[circuit_breaker(name = "panics/key-async", key = tenant, failure_threshold = 1, max_concurrent = 1)]
async fn by_tenant_async(tenant: Tenant) -> Result<bool, BreakerError> {
    Ok(tenant.is_good)
}

/// Returns the number of keys and of ended calls.
fn keys_and_calls(name: &str) -> (usize, u64) {
    Registry::global().get_keyed(name).map_or((0, 0), |keys| (keys.len(), keys.totals().calls()))
}

fn message(caught: std::thread::Result<impl Sized>) -> &'static str {
    *caught.err().unwrap().downcast::<&str>().unwrap()
}

#[test]
fn a_panic_in_the_display_of_a_key_reaches_the_caller_and_counts_no_call() {
    for _ in 0..2 {
        assert_eq!(message(catch_panic(|| by_tenant(Tenant { is_good: false }))), "no name");
    }
    assert_eq!(keys_and_calls("panics/key"), (0, 0));
    assert!(by_tenant(Tenant { is_good: true }).unwrap());
    assert_eq!(keys_and_calls("panics/key"), (1, 1));
}

#[test]
fn a_panic_in_the_display_of_an_async_key_reaches_the_caller_and_counts_no_call() {
    for _ in 0..2 {
        let caught = catch_panic(|| poll_once(pin!(by_tenant_async(Tenant { is_good: false }))).is_ready());
        assert_eq!(message(caught), "no name");
    }
    assert_eq!(keys_and_calls("panics/key-async"), (0, 0));
    assert!(poll_once(pin!(by_tenant_async(Tenant { is_good: true }))).is_ready());
    assert_eq!(keys_and_calls("panics/key-async"), (1, 1));
}

fn panics<T>(_: &T) -> bool {
    panic!("predicate")
}

macro_rules! functions {
    ($name:literal, $sync:ident, $async:ident, $($predicate:tt)*) => {
        #[circuit_breaker(name = $name, failure_threshold = 2, $($predicate)*)]
        fn $sync() -> Result<u8, BreakerError> {
            Ok(1)
        }

        // Both functions share a circuit because their settings are equal.
        #[circuit_breaker(name = $name, failure_threshold = 2, $($predicate)*)]
        async fn $async() -> Result<u8, BreakerError> {
            tokio::task::yield_now().await;
            Ok(1)
        }
    };
}

functions!("panics/failure_if", failing, failing_async, failure_if = panics);
functions!("panics/ignore_if", ignoring, ignoring_async, ignore_if = panics);
functions!("panics/guard", guarded, guarded_async, failure_if(Ok(number) if panics(number)));

/// Asserts that both calls panic with the message of the predicate and count as failures. The second one
/// opens the circuit.
fn assert_failures(name: &str, sync: fn() -> Result<u8, BreakerError>, pending: impl Future) {
    assert_eq!(message(catch_panic(sync)), "predicate");
    let breaker: CircuitBreaker = Registry::global().get(name).unwrap();
    assert_eq!((breaker.snapshot().totals.failures, breaker.state()), (1, State::Closed));

    let mut pending = Box::pin(pending);
    assert!(poll_once(pending.as_mut()).is_pending());
    assert_eq!(message(catch_panic(|| poll_once(pending.as_mut()).is_ready())), "predicate");
    drop(pending);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.failures, snapshot.totals.calls(), snapshot.state), (2, 2, State::Open));
    let text = snapshot.last_transition.unwrap().last_failure.clone();
    assert_eq!(text.as_deref(), Some("the call panicked"));
}

#[test]
fn a_panic_in_failure_if_counts_as_a_failure_and_keeps_unwinding() {
    assert_failures("panics/failure_if", failing, failing_async());
}

#[test]
fn a_panic_in_ignore_if_counts_as_a_failure_and_keeps_unwinding() {
    assert_failures("panics/ignore_if", ignoring, ignoring_async());
}

#[test]
fn a_panic_in_a_guard_counts_as_a_failure_and_keeps_unwinding() {
    assert_failures("panics/guard", guarded, guarded_async());
}
