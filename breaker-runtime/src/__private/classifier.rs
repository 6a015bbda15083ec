//! Selection of the classifier for the return type of a function, which only the compiler knows.
//!
//! `classifier_for::<T>()` returns the first of four steps, and generated code calls `__breaker_classifier`
//! on it. Method lookup tries the steps in order and reaches each one from the previous one through `Deref`:
//!
//! | step | `T` | classifier |
//! |---|---|---|
//! | [`IfDisplay`] | a `Result` whose error implements `Display` | `ResultClassifier<T, ByDisplay>` |
//! | [`IfDebug`] | a `Result` whose error implements `Debug` | `ResultClassifier<T, ByDebug>` |
//! | [`IfResult`] | any other `Result` | `ResultClassifier<T, NoText>` |
//! | [`Otherwise`] | any other type | `AnyValue<T>` |
//!
//! The method has a name that no trait in the user's scope has, and type aliases of `Result` work as well.

use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use crate::classifier::{Classifier, of_result};
use crate::outcome::Outcome;

/// The first step: a `Result` whose error implements `Display`.
#[derive(Debug)]
pub struct IfDisplay<T>(IfDebug<T>);

/// The second step: a `Result` whose error implements `Debug`.
#[derive(Debug)]
pub struct IfDebug<T>(IfResult<T>);

/// The third step: a `Result` with any error.
#[derive(Debug)]
pub struct IfResult<T>(Otherwise<T>);

/// The last step: any type.
#[derive(Debug)]
pub struct Otherwise<T>(PhantomData<fn() -> T>);

/// The classifier of a `Result`, `R`: an `Err` is a failure, and `S` describes it.
#[derive(Debug)]
pub struct ResultClassifier<R, S>(PhantomData<fn() -> (R, S)>);

/// The classifier of any other type: every value is a success.
#[derive(Debug)]
pub struct AnyValue<T>(PhantomData<fn() -> T>);

/// The source of the text that describes a failure.
pub trait FailureText<E> {
    /// Returns the text for `error`, or `None` if the error cannot describe itself.
    fn text(error: &E) -> Option<Arc<str>>;
}

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
pub const fn classifier_for<T>() -> IfDisplay<T> {
    IfDisplay(IfDebug(classifier_for_hidden_error()))
}

/// Returns the step for a return type whose error is an `impl Trait`, which cannot be described.
#[must_use]
pub const fn classifier_for_hidden_error<T>() -> IfResult<T> {
    IfResult(Otherwise(PhantomData))
}

/// Returns the classifier of a return type that cannot be named.
#[must_use]
pub const fn any_value<T>() -> AnyValue<T> {
    AnyValue(PhantomData)
}

/// Returns the outcome of `value` for a function without conditions.
#[inline]
pub fn outcome_of<T, C: Classifier<T>>(value: &T, classifier: &C) -> Outcome {
    classifier.outcome(value)
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

impl<E: Display> FailureText<E> for ByDisplay {
    fn text(error: &E) -> Option<Arc<str>> {
        Some(Arc::from(error.to_string()))
    }
}

impl<E: Debug> FailureText<E> for ByDebug {
    fn text(error: &E) -> Option<Arc<str>> {
        Some(Arc::from(format!("{error:?}")))
    }
}

impl<E> FailureText<E> for NoText {
    fn text(_: &E) -> Option<Arc<str>> {
        None
    }
}

impl<T, E, S: FailureText<E>> Classifier<Result<T, E>> for ResultClassifier<Result<T, E>, S> {
    #[inline]
    fn outcome(&self, result: &Result<T, E>) -> Outcome {
        of_result(result)
    }

    fn text(&self, result: &Result<T, E>) -> Option<Arc<str>> {
        result.as_ref().err().and_then(S::text)
    }
}

impl<T> Classifier<T> for AnyValue<T> {
    #[inline]
    fn outcome(&self, _: &T) -> Outcome {
        Outcome::Success
    }

    fn text(&self, _: &T) -> Option<Arc<str>> {
        None
    }
}

impl<T, C: Classifier<T>, P: Fn(&T, &C) -> Outcome> Classifier<T> for WithConditions<C, P> {
    #[inline]
    fn outcome(&self, value: &T) -> Outcome {
        (self.conditions)(value, &self.classifier)
    }

    fn text(&self, value: &T) -> Option<Arc<str>> {
        self.classifier.text(value)
    }
}

impl<R, S> Clone for ResultClassifier<R, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, S> Copy for ResultClassifier<R, S> {}

impl<T, E, S> ResultClassifier<Result<T, E>, S> {
    /// Returns the outcome of a result that `failure_if` does not match. An `Err` is ignored then: it is not
    /// evidence about the health of the dependency.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[inline]
    #[must_use]
    pub const fn unmatched(self, result: &Result<T, E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Ignored,
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
    /// Returns the outcome of a value that `failure_if` does not match.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[inline]
    #[must_use]
    pub const fn unmatched(self, _: &T) -> Outcome {
        Outcome::Success
    }
}
