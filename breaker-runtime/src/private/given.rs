//! What the user gives an annotated function: a breaker that is there already, or the registry of its own.

use std::borrow::Borrow;
use std::ops::Deref;

use super::acquire::Acquire;
use crate::breaker::{Admission, CircuitBreaker, Rejected};
use crate::registry::Registry;

/// A breaker of the user's, or a clone of it, for one call.
#[derive(Debug)]
pub struct Given<B>(B);

/// Where nothing happens to the breaker until the call is over.
#[inline]
pub fn borrowed<G: Gives<CircuitBreaker> + ?Sized>(given: &G) -> Given<&CircuitBreaker> {
    Given(given.give())
}

/// Where something might.
#[inline]
pub fn cloned<G: Gives<CircuitBreaker> + ?Sized>(given: &G) -> Given<CircuitBreaker> {
    Given(given.give().clone())
}

/// The registry of a function that does not want the global one.
#[must_use]
pub fn registry<G: Gives<Registry> + ?Sized>(given: &G) -> Registry {
    given.give().clone()
}

/// A `T`, or what leads to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `{T}`",
    label = "this must be a `{T}`",
    note = "write an expression that is one, a reference to one, or that dereferences to one as `Arc` and `LazyLock` do: \
            `breaker = self.breaker`, `registry = REGISTRY`"
)]
pub trait Gives<T> {
    fn give(&self) -> &T;
}

impl Gives<Self> for CircuitBreaker {
    #[inline]
    fn give(&self) -> &Self {
        self
    }
}

impl Gives<Self> for Registry {
    fn give(&self) -> &Self {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T, D: Deref<Target: Gives<T>>> Gives<T> for D {
    #[inline]
    fn give(&self) -> &T {
        self.deref().give()
    }
}

impl<B: Borrow<CircuitBreaker>> Given<B> {
    /// Asks for one call, for an async function: the breaker may let calls wait for their turn.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    #[inline]
    pub async fn acquire_waiting(&self) -> Result<Admission<'_>, Rejected<'_>> {
        self.0.borrow().circuit().admit_async().await
    }
}

impl<'a, B: Borrow<CircuitBreaker>> Acquire<'a> for &'a Given<B> {
    #[inline]
    fn acquire(self) -> Result<Admission<'a>, Rejected<'a>> {
        self.0.borrow().circuit().admit_blocking()
    }
}
