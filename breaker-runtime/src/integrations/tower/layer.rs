//! The layer that protects services with a breaker.

use std::borrow::Cow;

use tower_layer::Layer;

use super::classification::Classification;
use super::classifier::{BoxedErrors, ByFunction, EveryResponse, TypedErrors};
use super::ending::UntilResponse;
use super::select::{CircuitByKey, OneCircuit};
use super::service::BreakerService;
use crate::breaker::CircuitBreaker;
use crate::registry::KeyedBreaker;

/// A layer that protects services with a breaker. See the [module](super) for an example and the contract.
///
/// All services that it builds share its circuits. By default every error of the inner service is a failure, except for
/// the error of another breaker, which is ignored, and every response is a success.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use std::io;
/// use breaker_runtime::integrations::tower::BreakerLayer;
/// use breaker_runtime::{CircuitBreaker, Config};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// let breaker = CircuitBreaker::new("search", Config::builder().failure_threshold(1).build()?)?;
/// let layer = BreakerLayer::new(&breaker);
/// let broken = layer.layer(service_fn(|_: &str| async { Err::<u16, _>(io::Error::other("connection reset")) }));
/// let other = layer.layer(service_fn(|_: &str| async { Ok::<u16, io::Error>(200) }));
/// broken.oneshot("rust").await.unwrap_err();
/// assert!(other.oneshot("rust").await.unwrap_err().breaker().is_some()); // rejected
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BreakerLayer<K = OneCircuit, N = UntilResponse<TypedErrors<EveryResponse>>> {
    circuits: K,
    ending: N,
}

impl BreakerLayer {
    /// Creates a layer with one circuit for all requests.
    ///
    /// ```
    /// use breaker_runtime::integrations::tower::BreakerLayer;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let breaker = Registry::new().register("search", Config::default())?;
    /// let layer = BreakerLayer::new(&breaker);
    /// # fn assert_layer(_: impl tower_layer::Layer<()>) {}
    /// # assert_layer(layer);
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub fn new(breaker: &CircuitBreaker) -> Self {
        Self::of(OneCircuit::new(breaker.clone()))
    }
}

impl<F> BreakerLayer<CircuitByKey<F>> {
    /// Creates a layer that selects the circuit of a request by a key. `key` returns a borrowed or an owned text; write
    /// `.into()` after either. If it panics, no circuit counts the call.
    ///
    /// ```
    /// use breaker_runtime::integrations::tower::BreakerLayer;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// struct Query {
    ///     host: String,
    ///     text: String,
    /// }
    ///
    /// let breakers = Registry::new().register_keyed("search", Config::default(), 1000)?;
    /// let layer = BreakerLayer::keyed(&breakers, |query: &Query| query.host.as_str().into());
    /// # fn assert_layer(_: impl tower_layer::Layer<()>) {}
    /// # assert_layer(layer);
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub fn keyed<Request>(breakers: &KeyedBreaker, key: F) -> Self
    where
        F: Fn(&Request) -> Cow<'_, str>,
    {
        Self::of(CircuitByKey::new(breakers.clone(), key))
    }
}

impl<K> BreakerLayer<K> {
    fn of(circuits: K) -> Self {
        Self { circuits, ending: UntilResponse::new(TypedErrors::new(EveryResponse)) }
    }
}

impl<K, N> BreakerLayer<K, N> {
    /// Returns a layer whose calls end in another way.
    pub(in crate::integrations) fn map_ending<M>(self, map: impl FnOnce(N) -> M) -> BreakerLayer<K, M> {
        BreakerLayer { circuits: self.circuits, ending: map(self.ending) }
    }
}

impl<K> BreakerLayer<K> {
    /// Sets the function that classifies the result of a call. It returns an [`Outcome`](crate::Outcome), or a
    /// [`Classification`] with the reason of a failure and the time to wait.
    ///
    /// It runs once for each call that was not rejected, cancelled or timed out. It decides about all errors as well;
    /// the error of another breaker inside of one, which [`ErrorKind::find_in`](crate::ErrorKind::find_in) finds,
    /// should be [ignored](crate::Outcome::Ignored). If it panics, the call is a failure.
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::integrations::tower::BreakerLayer;
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let breaker = CircuitBreaker::new("files", Config::default())?;
    /// let layer = BreakerLayer::new(&breaker).classify(|result: &io::Result<String>| match result {
    ///     Err(error) if error.kind() != io::ErrorKind::NotFound => Outcome::Failure,
    ///     _ => Outcome::Success,
    /// });
    /// # fn assert_layer(_: impl tower_layer::Layer<()>) {}
    /// # assert_layer(layer);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn classify<T, E, F, V>(self, classify: F) -> BreakerLayer<K, UntilResponse<ByFunction<F>>>
    where
        F: Fn(&Result<T, E>) -> V,
        V: Into<Classification>,
    {
        self.classify_with(ByFunction::new(classify))
    }

    /// Sets the classifier of the results of calls, for a type of your own that several layers share.
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::integrations::tower::{BreakerLayer, CallClassifier, Classification};
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// #[derive(Clone)]
    /// struct FileErrors;
    ///
    /// impl<T> CallClassifier<T, io::Error> for FileErrors {
    ///     fn classify(&self, result: &io::Result<T>) -> Classification {
    ///         match result {
    ///             Err(error) if error.kind() != io::ErrorKind::NotFound => Outcome::Failure.into(),
    ///             Ok(_) | Err(_) => Outcome::Success.into(),
    ///         }
    ///     }
    /// }
    ///
    /// let breaker = CircuitBreaker::new("files", Config::default())?;
    /// let layer = BreakerLayer::new(&breaker).classify_with(FileErrors);
    /// # fn assert_layer(_: impl tower_layer::Layer<()>) {}
    /// # assert_layer(layer);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn classify_with<C>(self, classifier: C) -> BreakerLayer<K, UntilResponse<C>> {
        self.map_ending(|_| UntilResponse::new(classifier))
    }
}

impl<K, C> BreakerLayer<K, UntilResponse<TypedErrors<C>>> {
    /// Changes the layer so that it accepts services whose error is `BoxError`, which does not implement `Error`. Call
    /// it after the method that chooses a classifier.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use breaker_runtime::integrations::tower::BreakerLayer;
    /// use breaker_runtime::{CircuitBreaker, Config};
    /// use tower::{BoxError, Layer as _, ServiceExt as _, service_fn};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let search = service_fn(|_: &str| async { Err::<u16, BoxError>("connection reset".into()) });
    /// let search = BreakerLayer::new(&breaker).boxed_errors().layer(search);
    /// search.oneshot("rust").await.unwrap_err();
    /// assert_eq!(breaker.snapshot().totals.failures, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn boxed_errors(self) -> BreakerLayer<K, UntilResponse<BoxedErrors<C>>> {
        self.map_ending(|ending| UntilResponse::new(ending.into_classifier().boxed()))
    }
}

impl<S, K: Clone, N: Clone> Layer<S> for BreakerLayer<K, N> {
    type Service = BreakerService<S, K, N>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService::with(inner, self.circuits.clone(), self.ending.clone())
    }
}
