//! The service that a breaker protects.

use std::mem;
use std::task::{Context, Poll};

use tower_service::Service;

use super::classifier::{EveryResponse, TypedErrors};
use super::ending::{CallEnding, UntilResponse};
use super::error::ServiceError;
use super::future::ResponseFuture;
use super::select::{OneCircuit, SelectCircuit};
use crate::breaker::{CircuitBreaker, ServiceStart};

/// A service whose calls pass a breaker. See the [contract](super#contract).
///
/// The inner service must be `Clone`: a call that waits for a slot keeps the service that was ready, a rejected call
/// drops it, and a clone takes the position of that one. A service that is not `Clone` can be wrapped in
/// `tower::buffer::Buffer`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use std::io;
/// use breaker_runtime::integrations::tower::BreakerService;
/// use breaker_runtime::{CircuitBreaker, Config};
/// use tower::{Service as _, ServiceExt as _, service_fn};
///
/// let breaker = CircuitBreaker::new("length", Config::default())?;
/// let length = service_fn(|text: String| async move { Ok::<_, io::Error>(text.len()) });
/// let mut length = BreakerService::new(length, &breaker);
/// assert_eq!(length.ready().await?.call("tea".to_owned()).await?, 3);
/// assert_eq!(breaker.snapshot().totals.successes, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BreakerService<S, K = OneCircuit, N = UntilResponse<TypedErrors<EveryResponse>>> {
    inner: S,
    circuits: K,
    ending: N,
}

impl<S> BreakerService<S> {
    /// Creates a service like the one of [`BreakerLayer::new`](super::BreakerLayer::new): every error is a failure.
    ///
    /// `layer.layer(inner)` creates one with other settings.
    ///
    /// ```
    /// use breaker_runtime::integrations::tower::BreakerService;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// #[derive(Clone)]
    /// struct SearchClient;
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let search = BreakerService::new(SearchClient, &breaker);
    /// # drop(search);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new(inner: S, breaker: &CircuitBreaker) -> Self {
        let ending = UntilResponse::new(TypedErrors::new(EveryResponse));
        Self::with(inner, OneCircuit::new(breaker.clone()), ending)
    }
}

impl<S, K, N> BreakerService<S, K, N> {
    pub(super) const fn with(inner: S, circuits: K, ending: N) -> Self {
        Self { inner, circuits, ending }
    }

    /// Returns the inner service.
    ///
    /// ```
    /// use breaker_runtime::integrations::tower::BreakerService;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// #[derive(Clone)]
    /// struct SearchClient {
    ///     host: String,
    /// }
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let search = BreakerService::new(SearchClient { host: "a.example".to_owned() }, &breaker);
    /// assert_eq!(search.get_ref().host, "a.example");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, which can be changed.
    ///
    /// ```
    /// use breaker_runtime::integrations::tower::BreakerService;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// #[derive(Clone)]
    /// struct SearchClient {
    ///     host: String,
    /// }
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let mut search = BreakerService::new(SearchClient { host: "a.example".to_owned() }, &breaker);
    /// search.get_mut().host = "b.example".to_owned();
    /// assert_eq!(search.get_ref().host, "b.example");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service without its breaker.
    ///
    /// ```
    /// use breaker_runtime::integrations::tower::BreakerService;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// #[derive(Clone)]
    /// struct SearchClient {
    ///     host: String,
    /// }
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let search = BreakerService::new(SearchClient { host: "a.example".to_owned() }, &breaker);
    /// assert_eq!(search.into_inner().host, "a.example");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, K, N, Request> Service<Request> for BreakerService<S, K, N>
where
    S: Service<Request> + Clone,
    K: SelectCircuit<Request>,
    N: CallEnding<S::Response, S::Error> + Clone,
{
    type Response = N::Response;
    type Error = ServiceError<S::Error>;
    type Future = ResponseFuture<S, Request, N>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(ServiceError::Inner)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let breaker = self.circuits.select(&request);
        let ending = self.ending.clone();
        match breaker.start_service_call() {
            Ok(ServiceStart::Admitted(mut call)) => {
                let future = call.run(|| self.inner.call(request));
                ResponseFuture::running(future, call, ending)
            }
            // The call keeps the service that is ready.
            Ok(ServiceStart::Waiting(slot)) => {
                ResponseFuture::waiting(slot, self.take_ready(), request, ending)
            }
            Err(error) => {
                // Releases what the inner service has reserved in `poll_ready`, such as a position in a buffer.
                drop(self.take_ready());
                ResponseFuture::rejected(error, ending)
            }
        }
    }
}

impl<S: Clone, K, N> BreakerService<S, K, N> {
    /// Returns the inner service, which is ready, and leaves a clone of it.
    fn take_ready(&mut self) -> S {
        let next = self.inner.clone();
        mem::replace(&mut self.inner, next)
    }
}
