//! The classifiers of the items of a stream. A success is an item after which the stream goes on.

use std::error::Error;
use std::sync::Arc;

use crate::classifier::{Classifier, type_of_error};
use crate::error::is_from_breaker;
use crate::failure_text::failure_text;
use crate::outcome::{Outcome, Verdict};

/// The classifier of [`guard_stream`](super::guard_stream): an `Err` is a failure, and its text is the name of its type.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByResult;

/// The classifier of [`inspect_errors`](super::GuardedStream::inspect_errors): an `Err` is a failure with its own text,
/// unless it is the error of another circuit breaker.
#[derive(Clone, Copy, Debug, Default)]
pub struct InspectErrors;

/// The classifier of [`classify`](super::GuardedStream::classify). `C` describes the failures.
#[derive(Clone, Copy, Debug)]
pub struct ClassifiedBy<C, F> {
    pub(super) described: C,
    pub(super) classify: F,
}

/// The classifier of [`describe`](super::GuardedStream::describe).
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
