//! Clones of arguments for a fallback that may run after the body has consumed them.
//!
//! If the attribute declares that it may, an argument that cannot be cloned is a compile error. If only
//! settings that are applied at run time can make it so, [`MaybeClone`] clones what can be cloned. Method
//! lookup finds its own method if `T` implements `Clone`, and otherwise the one of [`CannotClone`] through
//! `Deref`.

use std::marker::PhantomData;
use std::ops::Deref;

/// Clones an argument before the body consumes it.
#[inline]
#[must_use]
pub fn clone_for_fallback<T: CloneForFallback>(argument: &T) -> T {
    argument.clone_argument()
}

/// An argument that can be cloned. The trait exists for its compile error.
#[diagnostic::on_unimplemented(
    message = "the fallback may run after the body has consumed its arguments, so `{Self}` must implement `Clone`",
    label = "both the body and the fallback use this argument",
    note = "derive `Clone` for it, take it by reference, or write the fallback as a closure that does not use it"
)]
pub trait CloneForFallback {
    /// Returns a clone of the argument.
    #[must_use]
    fn clone_argument(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneForFallback for T {
    #[inline]
    fn clone_argument(&self) -> Self {
        self.clone()
    }
}

/// An argument that can perhaps be cloned.
#[derive(Debug)]
pub struct MaybeClone<'t, T> {
    argument: &'t T,
    otherwise: CannotClone<T>,
}

/// The step of the method lookup for an argument that cannot be cloned.
#[derive(Debug)]
pub struct CannotClone<T>(PhantomData<fn() -> T>);

/// Returns an argument that can perhaps be cloned.
#[inline]
pub const fn maybe_clone<T>(argument: &T) -> MaybeClone<'_, T> {
    MaybeClone { argument, otherwise: cannot_clone() }
}

/// Returns the step for an argument that cannot be cloned.
pub(super) const fn cannot_clone<T>() -> CannotClone<T> {
    CannotClone(PhantomData)
}

impl<T: Clone> MaybeClone<'_, T> {
    /// Returns a clone of the argument.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the method of an argument that cannot be cloned returns `None`"
    )]
    #[inline]
    #[must_use]
    pub fn __breaker_clone(&self) -> Option<T> {
        Some(self.argument.clone())
    }
}

impl<T> CannotClone<T> {
    /// Returns `None`, because the argument cannot be cloned.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[inline]
    #[must_use]
    pub const fn __breaker_clone(&self) -> Option<T> {
        None
    }
}

impl<T> Deref for MaybeClone<'_, T> {
    type Target = CannotClone<T>;

    fn deref(&self) -> &CannotClone<T> {
        &self.otherwise
    }
}
