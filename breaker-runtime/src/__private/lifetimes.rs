//! Selection of an implementation that holds for all lifetimes of a type.
//!
//! Method lookup does not compare lifetimes: for any `Fault<'a>` it selects an implementation for
//! `Fault<'static>`, and the borrow checker then rejects the call. It does compare lifetimes that a `for` binds.
//! So generated code names a type with lifetimes as `dyn for<'a> ForLifetime<'a, Type = Fault<'a>>`, and
//! an implementation is selected only if it holds for each of them.

use std::marker::PhantomData;
use std::ops::Deref;

use super::classifier::{
    ByDebug, ByDisplay, ByError, ByTarget, IfResult, InspectError, ResultClassifier,
    classifier_for_hidden_error,
};
use super::clones::{CannotClone, cannot_clone};

/// A type for each lifetime, which replaces all lifetimes in it except `'static`.
pub trait ForLifetime<'a> {
    /// The type.
    type Type;
}

/// A `Result` whose error `S` can inspect.
pub trait InspectedBy<S> {}

impl<T, E, S: InspectError<E>> InspectedBy<S> for Result<T, E> {}

/// One step of the selection of a classifier for the return type `T`. `A` is `T` with its lifetimes bound by `for`. The
/// step is chosen if `S` can inspect the error of `A`; otherwise `N` is the next step.
#[derive(Debug)]
pub struct IfForAll<A: ?Sized, T, S, N> {
    next: N,
    for_all: PhantomData<fn(&A)>,
    selected: PhantomData<(T, S)>,
}

type IfDebugForAll<A, T> = IfForAll<A, T, ByDebug, IfResult<T>>;
type IfDisplayForAll<A, T> = IfForAll<A, T, ByDisplay, IfDebugForAll<A, T>>;
type IfTargetForAll<A, T> = IfForAll<A, T, ByTarget, IfDisplayForAll<A, T>>;
type IfErrorForAll<A, T> = IfForAll<A, T, ByError, IfTargetForAll<A, T>>;

/// Returns the first step for the return type `T`.
#[must_use]
pub const fn classifier_for_all<A: ?Sized, T>() -> IfErrorForAll<A, T> {
    step(step(step(step(classifier_for_hidden_error()))))
}

const fn step<A: ?Sized, T, S, N>(next: N) -> IfForAll<A, T, S, N> {
    IfForAll { next, for_all: PhantomData, selected: PhantomData }
}

impl<A: ?Sized, T, E, S: InspectError<E>, N> IfForAll<A, Result<T, E>, S, N>
where
    A: for<'a> ForLifetime<'a, Type: InspectedBy<S>>,
{
    /// Returns the classifier of this step.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[must_use]
    pub const fn __breaker_classifier(&self) -> ResultClassifier<Result<T, E>, S> {
        ResultClassifier::new()
    }
}

impl<A: ?Sized, T, S, N> Deref for IfForAll<A, T, S, N> {
    type Target = N;

    fn deref(&self) -> &N {
        &self.next
    }
}

/// An argument that can be cloned if its type implements `Clone` for all lifetimes.
#[derive(Debug)]
pub struct MaybeCloneForAll<'t, A: ?Sized, T> {
    argument: &'t T,
    otherwise: CannotClone<T, false>,
    for_all: PhantomData<fn(&A)>,
}

/// Returns an argument that can perhaps be cloned.
#[inline]
pub const fn maybe_clone_for_all<A: ?Sized, T>(argument: &T) -> MaybeCloneForAll<'_, A, T> {
    MaybeCloneForAll { argument, otherwise: cannot_clone(), for_all: PhantomData }
}

impl<A: ?Sized, T: Clone> MaybeCloneForAll<'_, A, T>
where
    A: for<'a> ForLifetime<'a, Type: Clone>,
{
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

impl<A: ?Sized, T> Deref for MaybeCloneForAll<'_, A, T> {
    type Target = CannotClone<T, false>;

    fn deref(&self) -> &CannotClone<T, false> {
        &self.otherwise
    }
}
