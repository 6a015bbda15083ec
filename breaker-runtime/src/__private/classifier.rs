//! Selection of the classifier for the return type of a function, which only the compiler knows.
//!
//! `classifier_for::<T>()` returns the first of six steps, and generated code calls `__breaker_classifier`
//! on it. Method lookup tries the steps in order and reaches each one from the previous one through `Deref`:
//!
//! | step | `T` | classifier |
//! |---|---|---|
//! | [`IfError`] | a `Result` whose error implements `Error` | `ResultClassifier<T, ByError>` |
//! | [`IfErrorPointer`] | a `Result` whose error points to an `Error`: a box, `anyhow::Error` | `ResultClassifier<T, ByTarget>` |
//! | [`IfDisplay`] | a `Result` whose error implements `Display` | `ResultClassifier<T, ByDisplay>` |
//! | [`IfDebug`] | a `Result` whose error implements `Debug` | `ResultClassifier<T, ByDebug>` |
//! | [`IfResult`] | any other `Result` | `ResultClassifier<T, NoText>` |
//! | [`Otherwise`] | any other type | `AnyValue<T>` |
//!
//! The method has a name that no trait in the user's scope has, and type aliases of `Result` work as well.
//!
//! No step requires `E: 'static`: method lookup does not compare lifetimes, so an error that borrows would be a
//! compile error instead of the next step. `source` needs no such bound.

use std::any::Any;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::classifier::Classifier;
use crate::error::is_from_breaker;
use crate::failure_text::failure_text;
use crate::outcome::Verdict;

/// The first step: a `Result` whose error implements `Error`.
#[derive(Debug)]
pub struct IfError<T>(IfErrorPointer<T>);

/// The second step: a `Result` whose error points to an `Error` without being one, such as a
/// `Box<dyn Error>`.
#[derive(Debug)]
pub struct IfErrorPointer<T>(IfDisplay<T>);

/// The third step: a `Result` whose error implements `Display`.
#[derive(Debug)]
pub struct IfDisplay<T>(IfDebug<T>);

/// The fourth step: a `Result` whose error implements `Debug`.
#[derive(Debug)]
pub struct IfDebug<T>(IfResult<T>);

/// The fifth step: a `Result` with any error.
#[derive(Debug)]
pub struct IfResult<T>(Otherwise<T>);

/// The last step: any type.
#[derive(Debug)]
pub struct Otherwise<T>(PhantomData<fn() -> T>);

/// The classifier of a `Result`, `R`: an `Err` is a failure, unless it is the error of another breaker. `S`
/// inspects it.
#[derive(Debug)]
pub struct ResultClassifier<R, S>(PhantomData<fn() -> (R, S)>);

/// The classifier of any other type: every value is a success.
#[derive(Debug)]
pub struct AnyValue<T>(PhantomData<fn() -> T>);

/// A way to inspect an error.
pub trait InspectError<E> {
    /// Returns the text for `error`, or `None` if the error cannot describe itself.
    fn text(error: &E) -> Option<Arc<str>>;

    /// Returns `true` if `error` is known to be the error of a breaker, or to have one among its sources.
    fn is_from_breaker(_: &E) -> bool {
        false
    }
}

/// Failure text from `Display`, and sources.
#[derive(Clone, Copy, Debug)]
pub enum ByError {}

/// Failure text and sources of the error to which a value points.
#[derive(Clone, Copy, Debug)]
pub enum ByTarget {}

/// Failure text from `Display`.
#[derive(Clone, Copy, Debug)]
pub enum ByDisplay {}

/// Failure text from `Debug`.
#[derive(Clone, Copy, Debug)]
pub enum ByDebug {}

/// No failure text.
#[derive(Clone, Copy, Debug)]
pub enum NoText {}

/// A classifier with the conditions `failure_if` and `ignore_if`, which take precedence over it.
#[derive(Clone, Copy, Debug)]
pub struct WithConditions<C, P> {
    pub(super) classifier: C,
    pub(super) conditions: P,
}

/// Returns the first step for the return type `T`.
#[must_use]
pub const fn classifier_for<T>() -> IfError<T> {
    IfError(IfErrorPointer(IfDisplay(IfDebug(classifier_for_hidden_error()))))
}

/// Returns the step for a return type whose error is an `impl Trait`, which cannot be inspected.
#[must_use]
pub const fn classifier_for_hidden_error<T>() -> IfResult<T> {
    IfResult(Otherwise(PhantomData))
}

/// Returns the classifier of a return type that cannot be named.
#[must_use]
pub const fn any_value<T>() -> AnyValue<T> {
    AnyValue(PhantomData)
}

/// Decides about `value` for a function without conditions.
#[inline]
pub fn verdict_on<T, C: Classifier<T>>(value: &T, classifier: &C) -> Verdict {
    classifier.verdict(value)
}

impl<T, E: Error> IfError<Result<T, E>> {
    /// Returns the classifier of this step.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[must_use]
    pub const fn __breaker_classifier(&self) -> ResultClassifier<Result<T, E>, ByError> {
        ResultClassifier(PhantomData)
    }
}

impl<T, E: Deref<Target: Error>> IfErrorPointer<Result<T, E>> {
    /// Returns the classifier of this step.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[must_use]
    pub const fn __breaker_classifier(&self) -> ResultClassifier<Result<T, E>, ByTarget> {
        ResultClassifier(PhantomData)
    }
}

impl<T, E: Display> IfDisplay<Result<T, E>> {
    /// Returns the classifier of this step.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[must_use]
    pub const fn __breaker_classifier(&self) -> ResultClassifier<Result<T, E>, ByDisplay> {
        ResultClassifier(PhantomData)
    }
}

impl<T, E: Debug> IfDebug<Result<T, E>> {
    /// Returns the classifier of this step.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[must_use]
    pub const fn __breaker_classifier(&self) -> ResultClassifier<Result<T, E>, ByDebug> {
        ResultClassifier(PhantomData)
    }
}

impl<T, E> IfResult<Result<T, E>> {
    /// Returns the classifier of this step.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[must_use]
    pub const fn __breaker_classifier(&self) -> ResultClassifier<Result<T, E>, NoText> {
        ResultClassifier(PhantomData)
    }
}

impl<T> Otherwise<T> {
    /// Returns the classifier of this step.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[must_use]
    pub const fn __breaker_classifier(&self) -> AnyValue<T> {
        AnyValue(PhantomData)
    }
}

impl<R, S> ResultClassifier<R, S> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Deref for IfError<T> {
    type Target = IfErrorPointer<T>;

    fn deref(&self) -> &IfErrorPointer<T> {
        &self.0
    }
}

impl<T> Deref for IfErrorPointer<T> {
    type Target = IfDisplay<T>;

    fn deref(&self) -> &IfDisplay<T> {
        &self.0
    }
}

impl<T> Deref for IfDisplay<T> {
    type Target = IfDebug<T>;

    fn deref(&self) -> &IfDebug<T> {
        &self.0
    }
}

impl<T> Deref for IfDebug<T> {
    type Target = IfResult<T>;

    fn deref(&self) -> &IfResult<T> {
        &self.0
    }
}

impl<T> Deref for IfResult<T> {
    type Target = Otherwise<T>;

    fn deref(&self) -> &Otherwise<T> {
        &self.0
    }
}

impl<E: Error> InspectError<E> for ByError {
    fn text(error: &E) -> Option<Arc<str>> {
        Some(failure_text(error))
    }

    fn is_from_breaker(error: &E) -> bool {
        is_from_breaker(error)
    }
}

impl<E: Deref<Target: Error>> InspectError<E> for ByTarget {
    fn text(error: &E) -> Option<Arc<str>> {
        Some(failure_text(&**error))
    }

    fn is_from_breaker(error: &E) -> bool {
        is_from_breaker(&**error)
    }
}

impl<E: Display> InspectError<E> for ByDisplay {
    fn text(error: &E) -> Option<Arc<str>> {
        Some(failure_text(error))
    }
}

impl<E: Debug> InspectError<E> for ByDebug {
    fn text(error: &E) -> Option<Arc<str>> {
        Some(failure_text(format_args!("{error:?}")))
    }
}

impl<E> InspectError<E> for NoText {
    fn text(_: &E) -> Option<Arc<str>> {
        None
    }
}

impl<T, E, S: InspectError<E>> Classifier<Result<T, E>> for ResultClassifier<Result<T, E>, S> {
    #[inline]
    fn verdict(&self, result: &Result<T, E>) -> Verdict {
        match result {
            Ok(_) => Verdict::Success,
            Err(error) if S::is_from_breaker(error) => Verdict::OtherBreaker,
            Err(_) => Verdict::Failure,
        }
    }

    fn text(&self, result: &Result<T, E>) -> Option<Arc<str>> {
        result.as_ref().err().and_then(S::text)
    }
}

impl<T> Classifier<T> for AnyValue<T> {
    #[inline]
    fn verdict(&self, _: &T) -> Verdict {
        Verdict::Success
    }

    fn text(&self, _: &T) -> Option<Arc<str>> {
        None
    }
}

impl<T, C: Classifier<T>, P: Fn(&T, &C) -> Verdict> Classifier<T> for WithConditions<C, P> {
    #[inline]
    fn verdict(&self, value: &T) -> Verdict {
        (self.conditions)(value, &self.classifier)
    }

    fn text(&self, value: &T) -> Option<Arc<str>> {
        self.classifier.text(value)
    }

    fn retry_after(&self, value: &T) -> Option<Duration> {
        self.classifier.retry_after(value)
    }

    #[inline]
    fn keeper(&self) -> Option<&dyn Any> {
        self.classifier.keeper()
    }
}

impl<R, S> Clone for ResultClassifier<R, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, S> Copy for ResultClassifier<R, S> {}

impl<T, E, S: InspectError<E>> ResultClassifier<Result<T, E>, S> {
    /// Decides about a result that `failure_if` does not match. An `Err` is a success then, unless it is the
    /// error of another breaker: the dependency has answered.
    #[inline]
    #[must_use]
    pub fn unmatched(&self, result: &Result<T, E>) -> Verdict {
        match self.verdict(result) {
            Verdict::OtherBreaker => Verdict::OtherBreaker,
            Verdict::Success | Verdict::Failure | Verdict::Ignored => Verdict::Success,
        }
    }
}

impl<T> Clone for AnyValue<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for AnyValue<T> {}

impl<T> AnyValue<T> {
    /// Decides about a value that `failure_if` does not match.
    #[inline]
    #[must_use]
    pub const fn unmatched(&self, _: &T) -> Verdict {
        Verdict::Success
    }
}
