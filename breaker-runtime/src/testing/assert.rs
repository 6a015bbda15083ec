//! Functions for a test that open a circuit or check its state. They panic like assertions, at the location
//! of the caller.

use std::panic::Location;
use std::sync::Arc;
use std::thread;

use crate::breaker::CircuitBreaker;
use crate::registry::scope::{ScopeState, Trip};
use crate::registry::{AnyBreaker, Registry, RegistryEntry, scope};
use crate::snapshot::Snapshot;
use crate::state::{Cause, State};
use crate::sync::catch_panic;

/// Opens a circuit from any state, as if a threshold had been reached.
///
/// The circuit admits the first trial call after its `recovery_timeout`. From a state other than `Closed`,
/// this emits two transitions: to `Closed`, and to `Open`. The breaker of an annotated function is created if
/// the function has not been called yet.
///
/// A [`scope()`](super::scope()) in which the breaker of an annotated function was tripped by its name panics at its
/// end if no call of that scope ever reached the circuit: the call that the test is about was made
/// [outside the scope](super#threads-and-tasks). A test that makes no call passes the breaker itself.
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
///     Ok(1) // the real call
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
    let is_name = circuit.is_name();
    let breaker = circuit.into_breaker();
    let location = Location::caller();
    if is_name {
        remember(&breaker, location);
    }
    let initiator: Arc<str> = Arc::from(format!("testing::trip at {location}"));
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
///     Ok(1) // the real call
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
    let note = unreached_note(&snapshot);
    let change = snapshot.last_transition.map_or_else(|| "none".to_owned(), |change| change.to_string());
    let totals = snapshot.totals;
    let injected = match totals.injected {
        0 => String::new(),
        calls => format!("{calls} failed by a drill, "),
    };
    fail(&format!(
        "circuit breaker {name} is {state}, expected {expected}\n  time in state: {:?}{due}\n  last change: {change}\n  \
         calls: {} succeeded, {} failed, {} timed out, {injected}{} ignored, {} rejected{note}",
        snapshot.time_in_state,
        totals.successes,
        totals.failures,
        totals.timeouts,
        totals.ignored,
        totals.rejected
    ))
}

/// Panics if a test tripped a circuit in this scope, and no call of the scope reached the circuit.
#[track_caller]
pub(super) fn assert_trips_were_reached(scope: &ScopeState) {
    if let Some(problem) = unreached(scope).next() {
        fail(&format!("{problem}. {UNREACHED_HELP}"));
    }
}

/// Prints the circuits that no call has reached if the test panics, because its assertions may have failed for this
/// reason.
pub(super) struct NoteOnPanic<'a> {
    pub(super) scope: &'a ScopeState,
}

impl Drop for NoteOnPanic<'_> {
    #[expect(clippy::print_stderr, reason = "the test harness captures this, and shows it below the panic")]
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(problem) = unreached(self.scope).next()
        {
            // A second panic, if stderr is closed, would abort the process.
            _ = catch_panic(|| eprintln!("note: {problem}. {UNREACHED_HELP}"));
        }
    }
}

const UNREACHED_HELP: &str = "A call in a thread or task that has not entered the scope, such as one behind \
     spawn_blocking or in a spawned server, uses the global registry: pass the scope to it, or use \
     testing::process_scope. A test that makes no call passes the breaker itself to trip, as in trip(&breaker)";

/// Remembers that a test tripped the breaker of an annotated function in the current scope.
fn remember(breaker: &CircuitBreaker, location: &'static Location<'static>) {
    if let Some(scope) = scope::current()
        && Registry::declared()
            .any(|declared| declared.name() == breaker.name() && !declared.has_own_registry())
    {
        scope.add_trip(Trip { circuit: Arc::downgrade(breaker.circuit()), location });
    }
}

/// Returns a line about a circuit that was tripped in the current scope and that no call has reached.
fn unreached_note(snapshot: &Snapshot) -> String {
    let is_it = |trip: &Trip| {
        trip.circuit.upgrade().is_some_and(|circuit| {
            circuit.identity().name().as_str() == snapshot.name()
                && circuit.identity().key().map(|key| &**key) == snapshot.key()
        })
    };
    let trip = scope::current().and_then(|scope| scope.trips().into_iter().find(is_it));
    trip.as_ref().and_then(problem_of).map_or_else(String::new, |problem| format!("\n  note: {problem}"))
}

/// Returns the problem of each circuit that was tripped in the scope and that no call has reached.
fn unreached(scope: &ScopeState) -> impl Iterator<Item = String> {
    scope.trips().into_iter().filter_map(|trip| problem_of(&trip))
}

/// Describes the trip of a circuit that no call has reached.
fn problem_of(trip: &Trip) -> Option<String> {
    let circuit = trip.circuit.upgrade()?;
    let snapshot = circuit.snapshot();
    let is_in_use = snapshot.trials_in_flight > 0 || snapshot.calls_in_flight.is_some_and(|calls| calls > 0);
    let calls = snapshot.totals.calls() + snapshot.shadow_rejections + snapshot.waived_rejections;
    (calls == 0 && !is_in_use).then(|| {
        format!(
            "{} was tripped at {}, but no call of this scope ever reached it",
            circuit.id(),
            trip.location
        )
    })
}

/// A value that identifies a circuit: a name, a name and a key, or a breaker.
///
/// A name is looked up in [`Registry::global`], which is the registry of the scope within one, and then among
/// the annotated functions that register there.
///
/// ```
/// use breaker_runtime::testing::{self, IntoBreaker};
/// use breaker_runtime::{CircuitBreaker, Config, Registry, State};
///
/// /// Lets a circuit open and recover, as often as a test needs it.
/// fn trip_and_reset(circuit: impl IntoBreaker) {
///     let breaker = circuit.into_breaker();
///     testing::trip(&breaker);
///     breaker.reset();
/// }
///
/// testing::scope(|_| {
///     let payment = Registry::global().register("payment", Config::default())?;
///     Registry::global().register_keyed("stock", Config::default(), 10)?;
///     trip_and_reset("payment");
///     trip_and_reset(("stock", "eu-1"));
///     trip_and_reset(&payment);
///     testing::assert_state("payment", State::Closed);
///     Ok::<(), breaker_runtime::RegisterError>(())
/// })?;
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
pub trait IntoBreaker {
    /// Returns the breaker.
    ///
    /// # Panics
    ///
    /// Panics if no breaker and no annotated function has this name.
    ///
    /// ```
    /// use breaker_runtime::testing::{self, IntoBreaker as _};
    /// use breaker_runtime::{BreakerError, circuit_breaker};
    ///
    /// #[circuit_breaker(name = "deliveries")]
    /// fn deliver(sku: &str) -> Result<u64, BreakerError> {
    ///     Ok(1) // the real call
    /// }
    ///
    /// testing::scope(|_| {
    ///     deliver("tea")?;
    ///     assert_eq!("deliveries".into_breaker().snapshot().totals.successes, 1);
    /// #   Ok::<(), BreakerError>(())
    /// })?;
    /// # Ok::<(), BreakerError>(())
    /// ```
    #[track_caller]
    fn into_breaker(self) -> CircuitBreaker;

    /// Returns `true` if calls must find the circuit under this name.
    #[doc(hidden)]
    fn is_name(&self) -> bool {
        false
    }
}

impl IntoBreaker for &CircuitBreaker {
    fn into_breaker(self) -> CircuitBreaker {
        self.clone()
    }
}

impl IntoBreaker for &str {
    fn is_name(&self) -> bool {
        true
    }

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
    fn is_name(&self) -> bool {
        true
    }

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
