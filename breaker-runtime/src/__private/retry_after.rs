//! The key `retry_after`: a function that returns how long a failed output asks callers to wait.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::classifier::Classifier;
use crate::outcome::Verdict;

/// A classifier with the function of the key `retry_after`.
#[derive(Clone, Copy, Debug)]
pub struct WithRetryAfter<C, H> {
    classifier: C,
    hint: H,
}

/// Adds the function of `retry_after` to a classifier.
#[inline]
pub const fn with_retry_after<T, C: Classifier<T>, H: RetryAfter<T>>(
    classifier: C,
    hint: H,
) -> WithRetryAfter<C, H> {
    WithRetryAfter { classifier, hint }
}

/// A function from a failed result to a time to wait. The trait exists for its compile error.
#[diagnostic::on_unimplemented(
    message = "expected a function `fn(&{T}) -> Option<Duration>`, found `{Self}`",
    label = "this must take a `&{T}` and return an `Option<Duration>`",
    note = "write the path of such a function, or a closure: `retry_after = |result| ..`"
)]
pub trait RetryAfter<T>: Fn(&T) -> Option<Duration> {}

#[diagnostic::do_not_recommend]
impl<T, H: Fn(&T) -> Option<Duration>> RetryAfter<T> for H {}

impl<T, C: Classifier<T>, H: Fn(&T) -> Option<Duration>> Classifier<T> for WithRetryAfter<C, H> {
    #[inline]
    fn verdict(&self, value: &T) -> Verdict {
        self.classifier.verdict(value)
    }

    fn text(&self, value: &T) -> Option<Arc<str>> {
        self.classifier.text(value)
    }

    fn retry_after(&self, value: &T) -> Option<Duration> {
        (self.hint)(value)
    }
}

/// Lets the conditions of the attribute call the methods of the classifier.
impl<C, H> Deref for WithRetryAfter<C, H> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        &self.classifier
    }
}
