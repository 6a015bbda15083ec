//! The circuit of a request: always the same one, or one that depends on the request.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::breaker::CircuitBreaker;
use crate::registry::KeyedBreaker;

/// Selects the circuit of a request.
///
/// ```
/// use breaker_runtime::integrations::tower::{BreakerLayer, BreakerService, SelectCircuit};
/// use breaker_runtime::{CircuitBreaker, Config};
/// use tower::Layer as _;
///
/// #[derive(Clone)]
/// struct SearchClient;
///
/// /// Protects the client with one circuit, or with one for each key of a `String`.
/// fn protect<K: SelectCircuit<String> + Clone>(layer: &BreakerLayer<K>) -> BreakerService<SearchClient, K> {
///     layer.layer(SearchClient)
/// }
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// let client = protect(&BreakerLayer::new(&breaker));
/// let SearchClient = client.into_inner();
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
pub trait SelectCircuit<Request> {
    /// Returns the circuit that decides about this request.
    ///
    /// ```
    /// use breaker_runtime::State;
    /// use breaker_runtime::integrations::tower::SelectCircuit;
    ///
    /// /// Returns `true` if the circuit of this request is closed.
    /// fn is_closed<R>(circuits: &impl SelectCircuit<R>, request: &R) -> bool {
    ///     circuits.select(request).state() == State::Closed
    /// }
    /// ```
    fn select(&self, request: &Request) -> CircuitBreaker;
}

/// The selection of one circuit for all requests.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use std::io;
/// use breaker_runtime::integrations::tower::{BreakerService, OneCircuit};
/// use breaker_runtime::{CircuitBreaker, Config};
/// use tower::{ServiceExt as _, service_fn};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// let search = service_fn(|_: &str| async { Ok::<u16, io::Error>(200) });
/// let search: BreakerService<_, OneCircuit> = BreakerService::new(search, &breaker);
/// search.clone().oneshot("rust").await?;
/// search.oneshot("tea").await?;
/// assert_eq!(breaker.snapshot().totals.successes, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OneCircuit(CircuitBreaker);

/// The selection of a circuit by a key, which a function finds in the request.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use std::borrow::Cow;
/// use std::io;
/// use breaker_runtime::integrations::tower::{BreakerLayer, CircuitByKey};
/// use breaker_runtime::{Config, Registry};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// fn host(url: &String) -> Cow<'_, str> {
///     url.split('/').nth(2).unwrap_or_default().into()
/// }
///
/// // A layer whose type can be written, for example as that of a field.
/// type FetchLayer = BreakerLayer<CircuitByKey<fn(&String) -> Cow<'_, str>>>;
///
/// let breakers = Registry::new().register_keyed("fetch", Config::default(), 1000)?;
/// let layer: FetchLayer = BreakerLayer::keyed(&breakers, host as fn(&String) -> Cow<'_, str>);
/// let fetch = layer.layer(service_fn(|_: String| async { Ok::<u16, io::Error>(200) }));
/// fetch.oneshot("https://shop.example/tea".to_owned()).await?;
/// assert_eq!(breakers.get("shop.example").snapshot().totals.successes, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CircuitByKey<F> {
    breakers: KeyedBreaker,
    key: Arc<F>,
}

impl OneCircuit {
    pub(super) const fn new(breaker: CircuitBreaker) -> Self {
        Self(breaker)
    }
}

impl<F> CircuitByKey<F> {
    pub(super) fn new(breakers: KeyedBreaker, key: F) -> Self {
        Self { breakers, key: Arc::new(key) }
    }
}

impl<Request> SelectCircuit<Request> for OneCircuit {
    fn select(&self, _: &Request) -> CircuitBreaker {
        self.0.clone()
    }
}

impl<Request, F: Fn(&Request) -> Cow<'_, str>> SelectCircuit<Request> for CircuitByKey<F> {
    fn select(&self, request: &Request) -> CircuitBreaker {
        self.breakers.get(&(self.key)(request))
    }
}

impl<F> Clone for CircuitByKey<F> {
    fn clone(&self) -> Self {
        Self { breakers: self.breakers.clone(), key: Arc::clone(&self.key) }
    }
}

impl<F> fmt::Debug for CircuitByKey<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("CircuitByKey").field(&self.breakers).finish()
    }
}
