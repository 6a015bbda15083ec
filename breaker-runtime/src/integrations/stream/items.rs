//! The classifiers of the items of a stream. A success is an item after which the stream goes on.

use std::error::Error;
use std::sync::Arc;

use crate::classifier::{Classifier, type_of_error};
use crate::error::is_from_breaker;
use crate::failure_text::failure_text;
use crate::outcome::{Outcome, Verdict};

/// The classifier of [`guard_stream`](super::guard_stream): an `Err` is a failure, and its text is the name of its
/// type.
///
/// ```
/// use breaker_runtime::integrations::stream::{ByResult, GuardedStream, guard_stream};
/// use breaker_runtime::{CircuitBreaker, Config};
/// use futures_util::{StreamExt as _, stream};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let breaker = CircuitBreaker::new("chat", Config::builder().failure_threshold(1).build()?)?;
/// let tokens = stream::iter([Ok("circuit"), Err("connection reset")]);
/// let tokens: GuardedStream<_, ByResult> = guard_stream(breaker.try_acquire_owned()?, tokens);
/// tokens.count().await;
/// // The error is not inspected, only its type.
/// assert_eq!(breaker.snapshot().last_transition.unwrap().last_failure.as_deref(), Some("&str"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ByResult;

/// The classifier of [`inspect_errors`](super::GuardedStream::inspect_errors): an `Err` is a failure with its own text,
/// unless it is the error of another circuit breaker.
///
/// ```
/// use breaker_runtime::integrations::stream::{GuardedStream, InspectErrors, guard_stream};
/// use breaker_runtime::{CircuitBreaker, Config};
/// use futures_util::{StreamExt as _, stream};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let breaker = CircuitBreaker::new("chat", Config::builder().failure_threshold(1).build()?)?;
/// let tokens = stream::iter([Ok("circuit"), Err(std::io::Error::other("connection reset"))]);
/// let tokens = guard_stream(breaker.try_acquire_owned()?, tokens);
/// let tokens: GuardedStream<_, InspectErrors> = tokens.inspect_errors();
/// tokens.count().await;
/// assert_eq!(breaker.snapshot().last_transition.unwrap().last_failure.as_deref(), Some("connection reset"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct InspectErrors;

/// The classifier of [`classify`](super::GuardedStream::classify). `C` describes the failures.
///
/// ```
/// use breaker_runtime::integrations::stream::{ByResult, ClassifiedBy, GuardedStream, guard_stream};
/// use breaker_runtime::{CircuitBreaker, Config, Outcome};
/// use futures_util::{StreamExt as _, stream};
///
/// type Item = Result<&'static str, &'static str>;
///
/// fn outcome(item: &Item) -> Outcome {
///     if *item == Ok("overloaded") { Outcome::Failure } else { Outcome::Success }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let breaker = CircuitBreaker::new("chat", Config::default())?;
/// let items: [Item; 2] = [Ok("token"), Ok("overloaded")];
/// let items = guard_stream(breaker.try_acquire_owned()?, stream::iter(items));
/// // A stream whose type can be written, for example as that of a field.
/// let items: GuardedStream<_, ClassifiedBy<ByResult, fn(&Item) -> Outcome>> = items.classify(outcome);
/// items.count().await;
/// assert_eq!(breaker.snapshot().totals.failures, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ClassifiedBy<C, F> {
    pub(super) described: C,
    pub(super) classify: F,
}

/// The classifier of [`describe`](super::GuardedStream::describe).
///
/// ```
/// use breaker_runtime::integrations::stream::{ByResult, DescribedBy, GuardedStream, guard_stream};
/// use breaker_runtime::{CircuitBreaker, Config};
/// use futures_util::{StreamExt as _, stream};
///
/// type Item = Result<&'static str, u16>;
///
/// fn describe(item: &Item) -> String {
///     item.map_or_else(|status| format!("status {status}"), str::to_owned)
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let breaker = CircuitBreaker::new("chat", Config::builder().failure_threshold(1).build()?)?;
/// let items: [Item; 2] = [Ok("token"), Err(503)];
/// let items = guard_stream(breaker.try_acquire_owned()?, stream::iter(items));
/// // A stream whose type can be written, for example as that of a field.
/// let items: GuardedStream<_, DescribedBy<ByResult, fn(&Item) -> String>> = items.describe(describe);
/// items.count().await;
/// assert_eq!(breaker.snapshot().last_transition.unwrap().last_failure.as_deref(), Some("status 503"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DescribedBy<C, F> {
    pub(super) classifier: C,
    pub(super) describe: F,
}

impl<T, E> Classifier<Result<T, E>> for ByResult {
    fn verdict(&self, item: &Result<T, E>) -> Verdict {
        match item {
            Ok(_) => Verdict::Success,
            Err(_) => Verdict::Failure,
        }
    }

    fn text(&self, item: &Result<T, E>) -> Option<Arc<str>> {
        item.is_err().then(|| type_of_error(item))?
    }
}

impl<T, E: Error> Classifier<Result<T, E>> for InspectErrors {
    fn verdict(&self, item: &Result<T, E>) -> Verdict {
        match item {
            Ok(_) => Verdict::Success,
            Err(error) if is_from_breaker(error) => Verdict::OtherBreaker,
            Err(_) => Verdict::Failure,
        }
    }

    fn text(&self, item: &Result<T, E>) -> Option<Arc<str>> {
        item.as_ref().err().map(failure_text)
    }
}

impl<I, C: Classifier<I>, F: Fn(&I) -> Outcome> Classifier<I> for ClassifiedBy<C, F> {
    fn verdict(&self, item: &I) -> Verdict {
        (self.classify)(item).into()
    }

    fn text(&self, item: &I) -> Option<Arc<str>> {
        self.described.text(item)
    }
}

impl<I, C: Classifier<I>, F: Fn(&I) -> String> Classifier<I> for DescribedBy<C, F> {
    fn verdict(&self, item: &I) -> Verdict {
        self.classifier.verdict(item)
    }

    fn text(&self, item: &I) -> Option<Arc<str>> {
        Some(failure_text((self.describe)(item)))
    }
}
