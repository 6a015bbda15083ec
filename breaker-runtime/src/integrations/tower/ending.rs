//! The end of a call. By default a call ends with its response.

use super::classifier::{CallClassifier, Classified};
use crate::breaker::ServiceCall;

/// The end of the calls of a service: it settles them, and may keep a call until its response has been used.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use std::io;
/// use breaker_runtime::integrations::tower::{BreakerLayer, BreakerService, CallEnding, OneCircuit};
/// use breaker_runtime::{CircuitBreaker, Config};
/// use tower::{Layer as _, Service, ServiceExt as _, service_fn};
///
/// /// Protects a service with a layer that may classify calls in any way.
/// fn protect<S, N>(inner: S, layer: &BreakerLayer<OneCircuit, N>) -> BreakerService<S, OneCircuit, N>
/// where
///     S: Service<String>,
///     N: CallEnding<S::Response, S::Error> + Clone,
/// {
///     layer.layer(inner)
/// }
///
/// let breaker = CircuitBreaker::new("length", Config::default())?;
/// let length = service_fn(|text: String| async move { Ok::<_, io::Error>(text.len()) });
/// let length = protect(length, &BreakerLayer::new(&breaker));
/// assert_eq!(length.oneshot("tea".to_owned()).await?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CallEnding<T, E> {
    /// The response of the protected service.
    type Response;

    /// Ends the call of a service that returned this result, or keeps it in the response.
    ///
    /// # Errors
    ///
    /// Returns the error of the result.
    #[doc(hidden)]
    fn end(&self, call: &mut ServiceCall, result: Result<T, E>) -> Result<Self::Response, E>;
}

/// The ending of calls that end with their response. `C` classifies the result.
///
/// ```
/// use breaker_runtime::integrations::tower::{BreakerLayer, EveryResponse, OneCircuit, TypedErrors, UntilResponse};
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// // The same type as `BreakerLayer` without parameters.
/// struct Client {
///     layer: BreakerLayer<OneCircuit, UntilResponse<TypedErrors<EveryResponse>>>,
/// }
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// let client = Client { layer: BreakerLayer::new(&breaker) };
/// # drop(client.layer);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct UntilResponse<C>(C);

impl<C> UntilResponse<C> {
    pub(in crate::integrations) const fn new(classifier: C) -> Self {
        Self(classifier)
    }

    pub(in crate::integrations) fn into_classifier(self) -> C {
        self.0
    }
}

impl<T, E, C: CallClassifier<T, E>> CallEnding<T, E> for UntilResponse<C> {
    type Response = T;

    fn end(&self, call: &mut ServiceCall, result: Result<T, E>) -> Result<T, E> {
        let classification = call.run(|| self.0.classify(&result));
        call.settle(&result, &Classified { classification: &classification, classifier: &self.0 });
        result
    }
}
