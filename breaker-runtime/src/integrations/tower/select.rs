//! The circuit of a request: always the same one, or one that depends on the request.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::breaker::CircuitBreaker;
use crate::registry::KeyedBreaker;

/// Selects the circuit of a request.
pub trait SelectCircuit<Request> {
    /// Returns the circuit that decides about this request.
    fn select(&self, request: &Request) -> CircuitBreaker;
}

/// The selection of one circuit for all requests.
#[derive(Clone, Debug)]
pub struct OneCircuit(CircuitBreaker);

/// The selection of a circuit by a key, which a function finds in the request.
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
