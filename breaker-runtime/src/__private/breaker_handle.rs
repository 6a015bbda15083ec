//! The values of the keys `breaker` and `registry`: an existing breaker, and the registry of a site.

use std::borrow::Borrow;
use std::ops::Deref;

use super::acquire::{Acquire, CircuitRef};
use crate::breaker::CircuitBreaker;
use crate::registry::Registry;

/// An existing breaker, borrowed or cloned for one call.
#[derive(Debug)]
pub struct BreakerHandle<B>(B);

/// Borrows the breaker, for a body that can neither move nor change its owner.
#[inline]
pub fn by_ref<D: DerefTo<CircuitBreaker> + ?Sized>(breaker: &D) -> BreakerHandle<&CircuitBreaker> {
    BreakerHandle(breaker.deref_to())
}

/// Clones the breaker, for a body that may move or change its owner.
#[inline]
pub fn by_clone<D: DerefTo<CircuitBreaker> + ?Sized>(breaker: &D) -> BreakerHandle<CircuitBreaker> {
    BreakerHandle(breaker.deref_to().clone())
}

/// Returns the registry of a function that does not use the global one.
#[must_use]
pub fn registry<D: DerefTo<Registry> + ?Sized>(registry: &D) -> Registry {
    registry.deref_to().clone()
}

/// A `T`, or a value that dereferences to one through any number of pointers.
#[diagnostic::on_unimplemented(
    message = "expected a `{T}`, found `{Self}`",
    label = "this must be a `{T}`",
    note = "write an expression whose value is a `{T}`, a reference to one, or a pointer that dereferences to one, \
            such as `Arc` or `LazyLock`: `breaker = self.breaker`, `registry = REGISTRY`"
)]
pub trait DerefTo<T> {
    /// Returns the `T`.
    fn deref_to(&self) -> &T;
}

impl DerefTo<Self> for CircuitBreaker {
    #[inline]
    fn deref_to(&self) -> &Self {
        self
    }
}

impl DerefTo<Self> for Registry {
    fn deref_to(&self) -> &Self {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T, D: Deref<Target: DerefTo<T>>> DerefTo<T> for D {
    #[inline]
    fn deref_to(&self) -> &T {
        self.deref().deref_to()
    }
}

impl<'a, B: Borrow<CircuitBreaker>> Acquire<'a> for &'a BreakerHandle<B> {
    #[inline]
    fn circuit(self) -> CircuitRef<'a> {
        CircuitRef(self.0.borrow().circuit())
    }
}
