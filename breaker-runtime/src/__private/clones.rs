//! Clones of arguments for a fallback that may run after the body has consumed them.
//!
//! If the attribute or its `config` declares that it may, an argument that cannot be cloned is a compile error. If
//! only settings that are applied at run time can make it so, [`MaybeClone`] clones what can be cloned. Method
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

/// An argument that can perhaps be cloned, and must be if `REQUIRED` is `true`.
#[derive(Debug)]
pub struct MaybeClone<'t, T, const REQUIRED: bool> {
    argument: &'t T,
    otherwise: CannotClone<T, REQUIRED>,
}

/// The step of the method lookup for an argument that cannot be cloned.
#[derive(Debug)]
pub struct CannotClone<T, const REQUIRED: bool>(PhantomData<fn() -> T>);

/// An argument that is cloned if `REQUIRED` is `true`. The trait exists for its compile error.
#[diagnostic::on_unimplemented(
    message = "`config` sets `call_timeout` or `max_wait`, so the fallback may run after the body has consumed its \
               arguments, and `{Self}` must implement `Clone`",
    label = "both the body and the fallback use this argument",
    note = "derive `Clone` for it, take it by reference, or write the fallback as a closure that does not use it"
)]
pub trait CloneIf<const REQUIRED: bool> {}

impl<T> CloneIf<false> for T {}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneIf<true> for T {}

/// Returns an argument that can perhaps be cloned.
#[inline]
pub const fn maybe_clone<T>(argument: &T) -> MaybeClone<'_, T, false> {
    clone_if(argument)
}

/// Returns an argument that must be cloned if `REQUIRED` is `true`, because `config` lets the fallback run after
/// the body.
#[inline]
pub const fn clone_if<const REQUIRED: bool, T>(argument: &T) -> MaybeClone<'_, T, REQUIRED> {
    MaybeClone { argument, otherwise: cannot_clone() }
}

/// Returns the step for an argument that cannot be cloned.
pub(super) const fn cannot_clone<T, const REQUIRED: bool>() -> CannotClone<T, REQUIRED> {
    CannotClone(PhantomData)
}

impl<T: Clone, const REQUIRED: bool> MaybeClone<'_, T, REQUIRED> {
    /// Returns a clone of the argument.
    #[inline]
    #[must_use]
    pub fn __breaker_clone(&self) -> Option<T> {
        Some(self.argument.clone())
    }
}

impl<T, const REQUIRED: bool> CannotClone<T, REQUIRED> {
    /// Returns `None`, because the argument cannot be cloned. Does not compile if it must be.
    #[inline]
    #[must_use]
    pub const fn __breaker_clone(&self) -> Option<T>
    where
        T: CloneIf<REQUIRED>,
    {
        None
    }
}

impl<T, const REQUIRED: bool> Deref for MaybeClone<'_, T, REQUIRED> {
    type Target = CannotClone<T, REQUIRED>;

    fn deref(&self) -> &CannotClone<T, REQUIRED> {
        &self.otherwise
    }
}
