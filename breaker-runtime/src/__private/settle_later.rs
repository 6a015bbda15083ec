//! The key `settle`: a classifier whose successful calls are settled later.

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::breaker::KeptCall;
use crate::classifier::Classifier;
use crate::outcome::Verdict;

/// A classifier that keeps successful calls.
#[derive(Clone, Copy, Debug)]
pub struct SettleLater<'k, C> {
    classifier: C,
    kept: &'k KeptCall,
}

/// Returns the state of a call that may be settled later.
#[must_use]
pub fn keep_call() -> KeptCall {
    KeptCall::default()
}

/// Keeps the successful calls of a classifier.
#[inline]
pub const fn settle_later<C>(classifier: C, kept: &KeptCall) -> SettleLater<'_, C> {
    SettleLater { classifier, kept }
}

impl<T, C: Classifier<T>> Classifier<T> for SettleLater<'_, C> {
    #[inline]
    fn verdict(&self, value: &T) -> Verdict {
        self.classifier.verdict(value)
    }

    fn text(&self, value: &T) -> Option<Arc<str>> {
        self.classifier.text(value)
    }

    fn retry_after(&self, value: &T) -> Option<Duration> {
        self.classifier.retry_after(value)
    }

    #[inline]
    fn keeper(&self) -> Option<&dyn Any> {
        Some(self.kept)
    }
}

/// Lets the conditions of the attribute call the methods of the classifier.
impl<C> Deref for SettleLater<'_, C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        &self.classifier
    }
}
