//! A registry and a clock for one test.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::Clock;
use crate::registry::Registry;
use crate::registry::scope::Scoped;

/// Runs a test with an empty registry of its own and a clock that stands still.
///
/// Annotated functions that `test` calls, on this thread, have their breakers in that registry, and
/// [`Registry::global`] is that registry; it is gone when the test ends, also by a panic. Other breakers and
/// registries that the test makes read the clock too. A function that names a `registry` is asked for it once
/// in each scope. In a scope in a scope the inner one counts.
///
/// ```
/// use breaker_runtime::{BreakerError, State, circuit_breaker, testing};
///
/// #[circuit_breaker(name = "catalogue", failure_threshold = 1)]
/// fn search(text: &str) -> Result<u32, BreakerError> {
///     // the real call
/// #   Ok(1)
/// }
///
/// testing::scope(|_| {
///     testing::trip("catalogue");
///     assert!(search("rust").is_err());
/// });
/// testing::scope(|_| assert!(search("rust").is_ok())); // another test
/// ```
pub fn scope<T>(test: impl FnOnce(Scope) -> T) -> T {
    let scope = Scope::new();
    scope.enter(|| test(scope.clone()))
}

/// The same for an async test.
///
/// May be cancelled at any time.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{BreakerError, circuit_breaker, testing};
///
/// #[circuit_breaker(name = "flights")]
/// async fn search(text: &str) -> Result<u32, BreakerError> {
///     // the real call
/// #   Ok(1)
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
    let test = scope.enter(|| test(scope.clone()));
    scope.enter_async(test).await
}

/// What a test has for itself. Clones are cheap and share it: take one along to threads and tasks.
#[derive(Clone)]
pub struct Scope {
    scoped: Arc<Scoped>,
    clock: Clock,
}

impl Scope {
    /// An empty registry, and a clock that stands still; or, where tokio's time is paused, goes with that.
    /// Nobody is in it yet.
    #[must_use]
    pub fn new() -> Self {
        let clock = Clock::following_tokio();
        Self { scoped: Scoped::new(&clock), clock }
    }

    /// Runs `action` in this scope, on this thread.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, circuit_breaker, testing};
    ///
    /// #[circuit_breaker(name = "books")]
    /// fn search(text: &str) -> Result<u32, BreakerError> {
    ///     // the real call
    /// #   Ok(1)
    /// }
    ///
    /// testing::scope(|scope| {
    ///     testing::trip("books");
    ///     let thread = std::thread::spawn(move || scope.enter(|| search("rust").is_err()));
    ///     assert!(thread.join().unwrap());
    /// });
    /// ```
    pub fn enter<T>(&self, action: impl FnOnce() -> T) -> T {
        let _scope = (self.scoped.enter(), self.clock.enter());
        action()
    }

    /// `future`, which is in this scope whenever it runs, whoever polls it.
    pub fn enter_async<F: Future>(&self, future: F) -> InScope<F> {
        InScope { future: Some(future), scope: self.clone() }
    }

    /// Moves the time forward. tokio's clock stays as it is; `tokio::time::advance` moves both.
    pub fn advance(&self, step: Duration) {
        self.clock.advance(step);
    }

    /// The clock.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.scoped.registry()
    }
}

pin_project! {
    /// A future in a [`Scope`], from [`Scope::enter_async`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InScope<F> {
        #[pin]
        future: Option<F>,
        scope: Scope,
    }

    impl<F> PinnedDrop for InScope<F> {
        // What the future drops may call functions as well.
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
