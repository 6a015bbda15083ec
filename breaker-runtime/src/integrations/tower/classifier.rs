//! Classifiers of the result of a service.
//!
//! The ready classifiers see an error as `dyn Error`, so that the rejection of another breaker is found among its
//! sources. `BoxError` does not implement `Error`, so it has a classifier of its own.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::classification::Classification;
use crate::classifier::Classifier;
use crate::error::is_from_breaker;
use crate::failure_text::failure_text;
use crate::outcome::{Outcome, Verdict};

/// Classifies the results of a service.
///
/// [`BreakerLayer::classify`](super::BreakerLayer::classify) takes a function instead. Implement this trait for a
/// classifier that has a name, and pass it to [`BreakerLayer::classify_with`](super::BreakerLayer::classify_with).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not classify results with errors of type `{E}`",
    note = "if the error is `BoxError`, add `.boxed_errors()` to the layer; otherwise implement `Error` for it, or use \
            `.classify(..)`"
)]
pub trait CallClassifier<T, E> {
    /// Returns the outcome of a call with this result. A panic of this function is a failure of the call.
    fn classify(&self, result: &Result<T, E>) -> Classification;

    /// Returns the text of a failure whose classification has no reason. It is called only if the failure changes the
    /// state of the circuit or is reported. A panic of this function is caught, and its text is cut after 1,024 bytes.
    fn reason(&self, result: &Result<T, E>) -> Option<Arc<str>> {
        _ = result;
        None
    }
}

/// Classifies the responses of a service. Its errors are classified by [`TypedErrors`] or [`BoxedErrors`]. The ready
/// classifiers implement it; implement [`CallClassifier`] for one of your own.
pub trait ResponseClassifier<T> {
    /// Returns the outcome of a call with this response.
    fn classify_response(&self, response: &T) -> Classification;
}

/// The classifier for which every response is a success.
#[derive(Clone, Copy, Debug, Default)]
pub struct EveryResponse;

/// The classifier for which every error is a failure, except for the error of another breaker, which is ignored. `C`
/// classifies the responses.
#[derive(Clone, Copy, Debug, Default)]
pub struct TypedErrors<C>(C);

/// The classifier like [`TypedErrors`] for errors of the type `BoxError`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BoxedErrors<C>(C);

/// The classifier that is a function.
pub struct ByFunction<F>(Arc<F>);

/// The classifier of a result that `classifier` has classified.
pub(in crate::integrations) struct Classified<'a, C> {
    pub(in crate::integrations) classification: &'a Classification,
    pub(in crate::integrations) classifier: &'a C,
}

impl<T, E, C: CallClassifier<T, E>> Classifier<Result<T, E>> for Classified<'_, C> {
    fn verdict(&self, _: &Result<T, E>) -> Verdict {
        self.classification.outcome().into()
    }

    fn text(&self, result: &Result<T, E>) -> Option<Arc<str>> {
        match self.classification.reason() {
            Some(reason) => Some(failure_text(reason)),
            None => self.classifier.reason(result).map(failure_text),
        }
    }

    fn retry_after(&self, _: &Result<T, E>) -> Option<Duration> {
        self.classification.retry_after()
    }
}

impl<C> TypedErrors<C> {
    pub(in crate::integrations) const fn new(responses: C) -> Self {
        Self(responses)
    }

    pub(in crate::integrations) fn boxed(self) -> BoxedErrors<C> {
        BoxedErrors(self.0)
    }
}

impl<F> ByFunction<F> {
    pub(super) fn new(classify: F) -> Self {
        Self(Arc::new(classify))
    }
}

impl<T> ResponseClassifier<T> for EveryResponse {
    fn classify_response(&self, _: &T) -> Classification {
        Outcome::Success.into()
    }
}

impl<T, E: Error + 'static, C: ResponseClassifier<T>> CallClassifier<T, E> for TypedErrors<C> {
    fn classify(&self, result: &Result<T, E>) -> Classification {
        match result {
            Ok(response) => self.0.classify_response(response),
            Err(error) => classify_error(error),
        }
    }

    fn reason(&self, result: &Result<T, E>) -> Option<Arc<str>> {
        result.as_ref().err().map(failure_text)
    }
}

impl<T, C: ResponseClassifier<T>> CallClassifier<T, Box<dyn Error + Send + Sync>> for BoxedErrors<C> {
    fn classify(&self, result: &Result<T, Box<dyn Error + Send + Sync>>) -> Classification {
        match result {
            Ok(response) => self.0.classify_response(response),
            Err(error) => classify_error(&**error),
        }
    }

    fn reason(&self, result: &Result<T, Box<dyn Error + Send + Sync>>) -> Option<Arc<str>> {
        result.as_ref().err().map(failure_text)
    }
}

impl<T, E, F, C> CallClassifier<T, E> for ByFunction<F>
where
    F: Fn(&Result<T, E>) -> C,
    C: Into<Classification>,
{
    fn classify(&self, result: &Result<T, E>) -> Classification {
        (self.0)(result).into()
    }
}

fn classify_error(error: &(impl Error + ?Sized)) -> Classification {
    if is_from_breaker(error) { Outcome::Ignored.into() } else { Outcome::Failure.into() }
}

impl<F> Clone for ByFunction<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> fmt::Debug for ByFunction<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ByFunction")
    }
}
