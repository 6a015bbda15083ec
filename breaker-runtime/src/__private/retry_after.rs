//! The key `retry_after`: a function that returns how long a failed output asks callers to wait.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::classifier::Classifier;
use crate::outcome::Verdict;

/// A classifier with the function of the key `retry_after`.
#[derive(Debug)]
pub struct WithRetryAfter<T, C, H> {
    classifier: C,
    hint: H,
    /// The type of the results, which the compiler would otherwise infer from a function of another type.
    results: PhantomData<fn() -> T>,
}

/// Adds the function of `retry_after` to a classifier.
#[inline]
pub const fn with_retry_after<T, C: Classifier<T>, H: RetryAfter<T>>(
    classifier: C,
    hint: H,
) -> WithRetryAfter<T, C, H> {
    WithRetryAfter { classifier, hint, results: PhantomData }
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

impl<T, C: Classifier<T>, H: RetryAfter<T>> Classifier<T> for WithRetryAfter<T, C, H> {
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

impl<T, C: Clone, H: Clone> Clone for WithRetryAfter<T, C, H> {
    fn clone(&self) -> Self {
        Self { classifier: self.classifier.clone(), hint: self.hint.clone(), results: PhantomData }
    }
}

impl<T, C: Copy, H: Copy> Copy for WithRetryAfter<T, C, H> {}

/// Lets the conditions of the attribute call the methods of the classifier.
impl<T, C, H> Deref for WithRetryAfter<T, C, H> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        &self.classifier
    }
}
