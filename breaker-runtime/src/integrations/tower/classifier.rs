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
///
/// ```
/// use std::io;
/// use std::sync::Arc;
/// use breaker_runtime::Outcome;
/// use breaker_runtime::integrations::tower::{CallClassifier, Classification};
///
/// #[derive(Clone)]
/// struct FileErrors;
///
/// impl<T> CallClassifier<T, io::Error> for FileErrors {
///     fn classify(&self, result: &io::Result<T>) -> Classification {
///         match result {
///             Err(error) if error.kind() != io::ErrorKind::NotFound => Outcome::Failure.into(),
///             Ok(_) | Err(_) => Outcome::Success.into(),
///         }
///     }
///
///     fn reason(&self, result: &io::Result<T>) -> Option<Arc<str>> {
///         result.as_ref().err().map(|error| error.to_string().into())
///     }
/// }
///
/// let result: io::Result<()> = Err(io::Error::other("disk full"));
/// assert_eq!(FileErrors.classify(&result).outcome(), Outcome::Failure);
/// assert_eq!(FileErrors.reason(&result).as_deref(), Some("disk full"));
/// ```
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
///
/// ```
/// use breaker_runtime::Outcome;
/// use breaker_runtime::integrations::tower::{EveryResponse, ResponseClassifier as _};
///
/// assert_eq!(EveryResponse.classify_response(&"status 500").outcome(), Outcome::Success);
/// ```
pub trait ResponseClassifier<T> {
    /// Returns the outcome of a call with this response.
    fn classify_response(&self, response: &T) -> Classification;
}

/// The classifier for which every response is a success.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use std::io;
/// use breaker_runtime::integrations::tower::{BreakerService, EveryResponse, TypedErrors, UntilResponse};
/// use breaker_runtime::{CircuitBreaker, Config};
/// use tower::{ServiceExt as _, service_fn};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// let search = service_fn(|_: &str| async { Ok::<u16, io::Error>(500) });
/// // The type is written out to show the default.
/// let search: BreakerService<_, _, UntilResponse<TypedErrors<EveryResponse>>> = BreakerService::new(search, &breaker);
/// assert_eq!(search.oneshot("rust").await?, 500);
/// assert_eq!(breaker.snapshot().totals.successes, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct EveryResponse;

/// The classifier for which every error is a failure, except for the error of another breaker, which is ignored. `C`
/// classifies the responses.
///
/// ```
/// use std::io;
/// use breaker_runtime::integrations::tower::{CallClassifier as _, EveryResponse, TypedErrors};
/// use breaker_runtime::{BreakerError, ErrorKind, Outcome};
///
/// let classifier = TypedErrors::<EveryResponse>::default();
/// let reset = Err::<(), _>(io::Error::other("connection reset"));
/// assert_eq!(classifier.classify(&reset).outcome(), Outcome::Failure);
/// assert_eq!(classifier.reason(&reset).as_deref(), Some("connection reset"));
///
/// let rejected = Err::<(), _>(BreakerError::new("stock", ErrorKind::Open)); // by the breaker "stock"
/// assert_eq!(classifier.classify(&rejected).outcome(), Outcome::Ignored);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TypedErrors<C>(C);

/// The classifier like [`TypedErrors`] for errors of the type `BoxError`.
///
/// ```
/// use breaker_runtime::integrations::tower::{BoxedErrors, CallClassifier as _, EveryResponse};
/// use breaker_runtime::{BreakerError, ErrorKind, Outcome};
/// use tower::BoxError;
///
/// let classifier = BoxedErrors::<EveryResponse>::default();
/// let reset = Err::<(), BoxError>("connection reset".into());
/// assert_eq!(classifier.classify(&reset).outcome(), Outcome::Failure);
///
/// let rejected = Err::<(), BoxError>(BreakerError::new("stock", ErrorKind::Open).into());
/// assert_eq!(classifier.classify(&rejected).outcome(), Outcome::Ignored);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct BoxedErrors<C>(C);

/// The classifier that is a function.
///
/// ```
/// use std::io;
/// use breaker_runtime::integrations::tower::{BreakerLayer, ByFunction, OneCircuit, UntilResponse};
/// use breaker_runtime::{CircuitBreaker, Config, Outcome};
///
/// fn outcome(result: &io::Result<u16>) -> Outcome {
///     if matches!(result, Ok(..500)) { Outcome::Success } else { Outcome::Failure }
/// }
///
/// // A layer whose type can be written, for example as that of a field.
/// type SearchLayer = BreakerLayer<OneCircuit, UntilResponse<ByFunction<fn(&io::Result<u16>) -> Outcome>>>;
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// let layer: SearchLayer = BreakerLayer::new(&breaker).classify(outcome as fn(&io::Result<u16>) -> Outcome);
/// # fn assert_layer(_: impl tower_layer::Layer<()>) {}
/// # assert_layer(layer);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
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
