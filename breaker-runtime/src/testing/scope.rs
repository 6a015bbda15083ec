//! A registry and a clock for one test, as a handle that threads and futures enter.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::assert::{NoteOnPanic, assert_trips_were_reached};
use super::nesting::mark_thread;
use crate::clock::mock::{Clock, MockTime};
use crate::registry::Registry;
use crate::registry::scope::ScopeState;
use crate::sync::process_slot::ProcessSlotGuard;

/// Runs `test` with an empty registry of its own and a clock that stands still.
///
/// Annotated functions that `test` calls on this thread register in that registry, and [`Registry::global`]
/// returns it. The scope ends when `test` returns or panics. Breakers and registries that `test` creates read
/// the clock of the scope too. The attribute's `registry` key is evaluated once per scope. If scopes are
/// nested, the inner one applies.
///
/// The breakers of the annotated functions that were called in a scope stay in memory until the process ends, about 1
/// KB for each function and scope, because calls borrow their breaker for `'static`. The circuits of keys are freed
/// when the scope and all of its clones have ended, unless the test keeps the keyed breaker or a registry of the scope.
/// A property test or a fuzz target with millions of cases therefore uses one scope for many cases, and calls
/// [`reset_all`](Registry::reset_all) on its [registry](Scope::registry) between them.
///
/// ```
/// use breaker_runtime::{BreakerError, State, circuit_breaker, testing};
///
/// #[circuit_breaker(name = "catalog", failure_threshold = 1)]
/// fn search(text: &str) -> Result<u32, BreakerError> {
///     Ok(1) // the real call
/// }
///
/// testing::scope(|_| {
///     testing::trip("catalog");
///     assert!(search("rust").is_err());
/// });
/// testing::scope(|_| assert!(search("rust").is_ok())); // another test
/// ```
///
/// # Panics
///
/// Panics at the end if `test` [tripped](super::trip) the breaker of an annotated function and no call of the scope
/// ever reached it.
#[track_caller]
pub fn scope<T>(test: impl FnOnce(Scope) -> T) -> T {
    let scope = Scope::new();
    let note = NoteOnPanic { scope: &scope.state };
    let output = scope.enter(|| test(scope.clone()));
    drop(note);
    assert_trips_were_reached(&scope.state);
    output
}

/// Runs an async `test` with an empty registry of its own and a clock that stands still, like [`scope()`].
///
/// The future may be dropped at any time: the scope ends when it is dropped.
///
/// # Panics
///
/// Panics at the end if `test` [tripped](super::trip) the breaker of an annotated function and no call of the scope
/// ever reached it.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{BreakerError, circuit_breaker, testing};
///
/// #[circuit_breaker(name = "flights")]
/// async fn search(text: &str) -> Result<u32, BreakerError> {
///     Ok(1) // the real call
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// testing::scope_async(async |scope| {
///     testing::trip("flights");
///     assert!(search("rust").await.is_err());
///
///     scope.advance(Duration::from_secs(30));
///     let task = tokio::spawn(scope.enter_async(search("rust")));
///     assert_eq!(task.await??, 1);
/// #   Ok::<(), Box<dyn std::error::Error>>(())
/// })
/// .await
/// # })
/// # .map_err(|error| error.to_string())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn scope_async<T, F>(test: impl FnOnce(Scope) -> F) -> T
where
    F: Future<Output = T>,
{
    let scope = Scope::new();
    let note = NoteOnPanic { scope: &scope.state };
    let test = scope.enter(|| test(scope.clone()));
    let output = scope.enter_async(test).await;
    drop(note);
    assert_trips_were_reached(&scope.state);
    output
}

/// A registry and a clock for one test. Clones are cheap and share both, so pass one to each thread and task.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{BreakerError, State, circuit_breaker, testing};
///
/// #[circuit_breaker(name = "tariffs", recovery_timeout = "10s")]
/// fn tariff(country: &str) -> Result<u32, BreakerError> {
///     Ok(19) // the real call
/// }
///
/// testing::scope(|scope| {
///     testing::trip("tariffs");
///     assert!(tariff("de").is_err());
///     scope.advance(Duration::from_secs(10));
///     assert_eq!(tariff("de")?, 19); // the trial call
///     assert_eq!(scope.registry().get("tariffs").unwrap().snapshot().totals.rejected, 1);
/// #   Ok::<(), BreakerError>(())
/// })?;
/// # Ok::<(), BreakerError>(())
/// ```
#[derive(Clone)]
pub struct Scope {
    registry: Registry,
    clock: Clock,
    reach: Reach,
    // Dropped last, because the last one frees memory that no registry can reach.
    state: Arc<ScopeState>,
}

/// The threads to which a scope applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those that have entered it.
    EnteredThreads,
    /// All that are in no other scope.
    Process,
}

/// The guards of a scope for the whole process, which ends when they are dropped.
pub(super) struct ProcessScope {
    _registry: ProcessSlotGuard<Arc<ScopeState>>,
    _clock: ProcessSlotGuard<Arc<MockTime>>,
}

impl Scope {
    /// Returns a scope with an empty registry and a clock that stands still. If tokio's time is paused, the
    /// clock moves with tokio's clock. The scope applies to no thread until it is entered.
    ///
    /// ```
    /// use breaker_runtime::testing::Scope;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let scope = Scope::new();
    /// scope.enter(|| Registry::global().register("warehouse", Config::default()))?;
    /// assert!(scope.registry().get("warehouse").is_some());
    /// assert!(Registry::global().get("warehouse").is_none());
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_reach(Reach::EnteredThreads)
    }

    pub(super) fn with_reach(reach: Reach) -> Self {
        let clock = Clock::following_tokio();
        let state = ScopeState::new(&clock);
        let registry = Registry::from_store(Arc::clone(state.store()));
        Self { registry, clock, reach, state }
    }

    /// Makes this the scope of all threads that are in no other one, until the guards are dropped.
    pub(super) fn enter_process(&self) -> ProcessScope {
        ProcessScope { _registry: self.state.enter_process(), _clock: self.clock.enter_process() }
    }

    pub(super) const fn state(&self) -> &Arc<ScopeState> {
        &self.state
    }

    /// Runs `action` in this scope on this thread.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, circuit_breaker, testing};
    ///
    /// #[circuit_breaker(name = "books")]
    /// fn search(text: &str) -> Result<u32, BreakerError> {
    ///     Ok(1) // the real call
    /// }
    ///
    /// testing::scope(|scope| {
    ///     testing::trip("books");
    ///     let thread = std::thread::spawn(move || scope.enter(|| search("rust").is_err()));
    ///     assert!(thread.join().unwrap());
    /// });
    /// ```
    pub fn enter<T>(&self, action: impl FnOnce() -> T) -> T {
        let _scope = (self.state.enter(), self.clock.enter());
        let _turn = (self.reach == Reach::Process).then(mark_thread);
        action()
    }

    /// Returns a future that runs `future` in this scope, on any thread.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, circuit_breaker, testing};
    ///
    /// #[circuit_breaker(name = "reviews")]
    /// async fn reviews(sku: &str) -> Result<u32, BreakerError> {
    ///     Ok(1) // the real call
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// testing::scope_async(async |scope| {
    ///     testing::trip("reviews");
    ///     let task = tokio::spawn(scope.enter_async(reviews("tea")));
    ///     assert!(task.await.unwrap().is_err());
    /// })
    /// .await;
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn enter_async<F: Future>(&self, future: F) -> InScope<F> {
        InScope { future: Some(future), scope: self.clone() }
    }

    /// Moves the time forward by `step`. This does not move tokio's clock; `tokio::time::advance` moves both.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config, testing};
    ///
    /// testing::scope(|scope| {
    ///     let breaker = CircuitBreaker::new("payment", Config::default())?;
    ///     testing::trip(&breaker);
    ///     scope.advance(Duration::from_secs(20));
    ///     assert_eq!(breaker.snapshot().retry_after, Some(Duration::from_secs(10)));
    /// #   Ok::<(), breaker_runtime::ConfigError>(())
    /// })?;
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn advance(&self, step: Duration) {
        self.clock.advance(step);
    }

    /// Returns the clock of this scope.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::testing::Scope;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// // Another registry with the time of the scope.
    /// let scope = Scope::new();
    /// let breaker = Registry::with_clock(scope.clock()).register("payment", Config::default())?;
    /// scope.advance(Duration::from_secs(5));
    /// assert_eq!(breaker.snapshot().time_in_state, Duration::from_secs(5));
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the registry of this scope.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, circuit_breaker, testing};
    ///
    /// #[circuit_breaker(name = "receipts")]
    /// fn receipt(order: u64) -> Result<u64, BreakerError> {
    ///     Ok(order) // the real call
    /// }
    ///
    /// testing::scope(|scope| {
    ///     receipt(1)?;
    ///     assert_eq!(scope.registry().get("receipts").unwrap().snapshot().totals.successes, 1);
    /// #   Ok::<(), BreakerError>(())
    /// })?;
    /// # Ok::<(), BreakerError>(())
    /// ```
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }
}

pin_project! {
    /// A future that runs in a [`Scope`], from [`Scope::enter_async`].
    ///
    /// ```
    /// use breaker_runtime::testing::{InScope, Scope};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let scope = Scope::new();
    /// let registering: InScope<_> =
    ///     scope.enter_async(async { Registry::global().register("newsletter", Config::default()) });
    /// registering.await?;
    /// assert!(scope.registry().get("newsletter").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct InScope<F> {
        #[pin]
        future: Option<F>,
        scope: Scope,
    }

    impl<F> PinnedDrop for InScope<F> {
        // Dropped in the scope, because dropping the future may call annotated functions.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.scope.enter(|| this.future.set(None));
        }
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.scope.enter(|| this.future.as_pin_mut().map_or(Poll::Pending, |future| future.poll(context)))
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Scope").field("registry", self.registry()).finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for InScope<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("InScope").field("scope", &self.scope).finish_non_exhaustive()
    }
}
