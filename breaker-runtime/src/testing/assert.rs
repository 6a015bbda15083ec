//! What a test does to a circuit, and what it expects of one. These panic, as assertions do, and say where
//! the test stands.

use std::panic::Location;
use std::sync::Arc;

use crate::breaker::CircuitBreaker;
use crate::registry::Registry;
use crate::state::{Cause, State};

/// Opens a circuit now, as a rule that is met does, whatever it was before. It admits its first trial
/// after its `recovery_timeout`.
///
/// A function need not have been called yet: the circuit is then made as the attribute declares it.
///
/// # Panics
///
/// If nothing has this name.
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker, testing};
///
/// #[circuit_breaker(name = "customers", key = tenant)]
/// fn price(tenant: &str) -> Result<u64, BreakerError> {
///     // the real call
/// #   Ok(1)
/// }
///
/// testing::scope(|_| {
///     testing::trip(("customers", "acme"));
///     assert!(price("acme").is_err());
///     assert!(price("umbrella").is_ok());
/// });
/// ```
#[track_caller]
pub fn trip(which: impl IntoBreaker) {
    let breaker = which.into_breaker();
    let by: Arc<str> = Arc::from(format!("testing::trip at {}", Location::caller()));
    if breaker.state() != State::Closed {
        breaker.circuit().order(Cause::ForcedClosed, Arc::clone(&by));
    }
    breaker.circuit().order(Cause::ThresholdReached, by);
}

/// Asserts that a circuit is in this state.
///
/// # Panics
///
/// If it is in another one, saying how it came there; and if nothing has this name.
///
/// ```should_panic
/// use breaker_runtime::{BreakerError, State, circuit_breaker, testing};
///
/// #[circuit_breaker(name = "shipping")]
/// fn ship(sku: &str) -> Result<u64, BreakerError> {
///     // the real call
/// #   Ok(1)
/// }
///
/// testing::trip("shipping");
/// testing::assert_state("shipping", State::Closed);
/// // circuit breaker "shipping" is open, and not closed
/// //   for 12µs, call again in 30s
/// //   last change: closed -> open: a rule was met by testing::trip at tests/shop.rs:8:1
/// //   calls: 0 succeeded, 0 failed, 0 timed out, 0 ignored, 0 rejected
/// ```
#[track_caller]
pub fn assert_state(which: impl IntoBreaker, expected: State) {
    let snapshot = which.into_breaker().snapshot();
    let state = snapshot.state;
    if state == expected {
        return;
    }
    let name = snapshot.key().map_or_else(
        || format!("{:?}", snapshot.name()),
        |key| format!("{:?} for the key {key:?}", snapshot.name()),
    );
    let due = snapshot.retry_after.map_or_else(String::new, |wait| format!(", call again in {wait:?}"));
    let change = snapshot.last_transition.map_or_else(|| "none".to_owned(), |change| change.to_string());
    let totals = snapshot.totals;
    fail(&format!(
        "circuit breaker {name} is {state}, and not {expected}\n  for {:?}{due}\n  last change: {change}\n  \
         calls: {} succeeded, {} failed, {} timed out, {} ignored, {} rejected",
        snapshot.time_in_state,
        totals.successes,
        totals.failures,
        totals.timeouts,
        totals.ignored,
        totals.rejected
    ))
}

/// IntoBreaker circuit: that of a name, that of a name and a key, or a breaker itself.
///
/// A name is looked for in [`Registry::global`], which in a scope is that of the scope, and then among
/// what the attribute declares.
pub trait IntoBreaker {
    /// The breaker.
    ///
    /// # Panics
    ///
    /// If nothing has this name.
    #[track_caller]
    fn into_breaker(self) -> CircuitBreaker;
}

impl IntoBreaker for &CircuitBreaker {
    fn into_breaker(self) -> CircuitBreaker {
        self.clone()
    }
}

impl IntoBreaker for &str {
    #[track_caller]
    fn into_breaker(self) -> CircuitBreaker {
        let registry = Registry::global();
        registry.make_declared(self);
        match registry.get(self) {
            Some(breaker) => breaker,
            None if registry.get_keyed(self).is_some() => fail(&format!(
                "circuit breaker {self:?} has one circuit for each key: write ({self:?}, \"the key\")"
            )),
            None => fail(&unknown(&registry, self)),
        }
    }
}

impl IntoBreaker for (&str, &str) {
    #[track_caller]
    fn into_breaker(self) -> CircuitBreaker {
        let (name, key) = self;
        let registry = Registry::global();
        registry.make_declared(name);
        match registry.get_keyed(name) {
            Some(breaker) => breaker.get(key),
            None if registry.get(name).is_some() => {
                fail(&format!("circuit breaker {name:?} has one circuit and no key: write {name:?}"))
            }
            None => fail(&unknown(&registry, name)),
        }
    }
}

fn unknown(registry: &Registry, name: &str) -> String {
    if let Some(declared) = Registry::declared().find(|declared| declared.name() == name) {
        let function = declared.function();
        return format!(
            "circuit breaker {name:?} of {function} is in the registry that this names: get it there, and give \
             the breaker itself"
        );
    }
    let mut known: Vec<String> = Registry::declared().map(|declared| declared.name().to_owned()).collect();
    known.extend(registry.iter().map(|breaker| breaker.name().to_owned()));
    known.extend(registry.iter_keyed().map(|breaker| breaker.name().to_owned()));
    known.sort_unstable();
    known.dedup();
    format!(
        "there is no circuit breaker {name:?}: no function of this binary declares it, and nothing was \
         registered under it. There are {known:?}"
    )
}

#[track_caller]
#[expect(clippy::panic, reason = "a test whose expectation does not hold has failed")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}
