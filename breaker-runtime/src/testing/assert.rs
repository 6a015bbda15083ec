//! Functions for a test that open a circuit or check its state. They panic like assertions, at the location
//! of the caller.

use std::panic::Location;
use std::sync::Arc;

use crate::breaker::CircuitBreaker;
use crate::registry::{AnyBreaker, Registry, RegistryEntry};
use crate::state::{Cause, State};

/// Opens a circuit from any state, as if a threshold had been reached.
///
/// The circuit admits the first trial call after its `recovery_timeout`. From a state other than `Closed`,
/// this emits two transitions: to `Closed`, and to `Open`. The breaker of an annotated function is created if
/// the function has not been called yet.
///
/// # Panics
///
/// Panics if no breaker and no annotated function has this name.
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
pub fn trip(circuit: impl IntoBreaker) {
    let breaker = circuit.into_breaker();
    let initiator: Arc<str> = Arc::from(format!("testing::trip at {}", Location::caller()));
    if breaker.state() != State::Closed {
        breaker.circuit().command(Cause::ForcedClosed, Arc::clone(&initiator));
    }
    breaker.circuit().command(Cause::ThresholdReached, initiator);
}

/// Asserts that a circuit is in the state `expected`.
///
/// # Panics
///
/// Panics if the circuit is in another state, with its last state change and its totals in the message.
/// Panics if no breaker and no annotated function has this name.
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
/// // circuit breaker "shipping" is open, expected closed
/// //   time in state: 12µs, next trial call in 30s
/// //   last change: ..
/// //   calls: 0 succeeded, 0 failed, 0 timed out, 0 ignored, 0 rejected
/// ```
#[track_caller]
pub fn assert_state(circuit: impl IntoBreaker, expected: State) {
    let snapshot = circuit.into_breaker().snapshot();
    let state = snapshot.state;
    if state == expected {
        return;
    }
    let name = snapshot.key().map_or_else(
        || format!("{:?}", snapshot.name()),
        |key| format!("{:?} with key {key:?}", snapshot.name()),
    );
    let due = snapshot.retry_after.map_or_else(String::new, |wait| format!(", next trial call in {wait:?}"));
    let change = snapshot.last_transition.map_or_else(|| "none".to_owned(), |change| change.to_string());
    let totals = snapshot.totals;
    fail(&format!(
        "circuit breaker {name} is {state}, expected {expected}\n  time in state: {:?}{due}\n  last change: {change}\n  \
         calls: {} succeeded, {} failed, {} timed out, {} ignored, {} rejected",
        snapshot.time_in_state,
        totals.successes,
        totals.failures,
        totals.timeouts,
        totals.ignored,
        totals.rejected
    ))
}

/// A value that identifies a circuit: a name, a name and a key, or a breaker.
///
/// A name is looked up in [`Registry::global`], which is the registry of the scope within one, and then among
/// the annotated functions that register there.
pub trait IntoBreaker {
    /// Returns the breaker.
    ///
    /// # Panics
    ///
    /// Panics if no breaker and no annotated function has this name.
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
        match find(self) {
            AnyBreaker::Single(breaker) => breaker,
            AnyBreaker::Keyed(_) => fail(&format!(
                "circuit breaker {self:?} has one circuit per key: pass ({self:?}, \"the key\")"
            )),
        }
    }
}

impl IntoBreaker for (&str, &str) {
    #[track_caller]
    fn into_breaker(self) -> CircuitBreaker {
        let (name, key) = self;
        match find(name) {
            AnyBreaker::Keyed(breaker) => breaker.get(key),
            AnyBreaker::Single(_) => {
                fail(&format!("circuit breaker {name:?} has one circuit and no keys: pass {name:?}"))
            }
        }
    }
}

/// Returns the breaker with this name, and registers that of an annotated function if needed.
#[track_caller]
fn find(name: &str) -> AnyBreaker {
    let registry = Registry::global();
    match registry.store().get(name) {
        Some(breaker) => breaker,
        None => fail(&not_found(&registry.entries(), name)),
    }
}

fn not_found(entries: &[RegistryEntry], name: &str) -> String {
    if let Some(declared) = Registry::declared().find(|declared| declared.name() == name) {
        let function = declared.function();
        return format!(
            "circuit breaker {name:?} of {function} is in a registry of its own: get the breaker from that registry \
             and pass it"
        );
    }
    let known: Vec<&str> = entries.iter().map(RegistryEntry::name).collect();
    format!(
        "no circuit breaker is named {name:?}: it is not registered, and no function of this binary declares it; \
         known names: {known:?}"
    )
}

#[track_caller]
#[expect(clippy::panic, reason = "a failed assertion panics")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}
