//! Classifiers map returned values to outcomes and to failure texts. By default an `Err` is a failure, and
//! every other value of any type is a success.
//!
//! A classifier receives the returned value only; it does not know about panics, timeouts or cancelled calls.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::failure_text::failure_text;
use crate::outcome::{Outcome, Verdict};

/// Returns the default outcome of a result.
pub(crate) const fn of_result<T, E>(result: &Result<T, E>) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Failure,
    }
}

/// Returns the name of the error's type, the text of an error that implements neither `Display` nor `Debug`.
#[expect(clippy::unnecessary_wraps, reason = "the signature of `Classifier::text`")]
pub(crate) fn type_of_error<T, E>(_: &Result<T, E>) -> Option<Arc<str>> {
    Some(failure_text(std::any::type_name::<E>()))
}

/// Classifies the values that a function returns.
pub trait Classifier<T> {
    /// Decides about a call that returned this value.
    fn verdict(&self, value: &T) -> Verdict;

    /// Returns the outcome of a call that returned this value.
    #[inline]
    fn outcome(&self, value: &T) -> Outcome {
        self.verdict(value).into()
    }

    /// Returns the text of a failure, for [`Transition::last_failure`](crate::Transition).
    fn text(&self, value: &T) -> Option<Arc<str>>;

    /// Returns the time that a failure asks callers to wait, if it says so.
    fn retry_after(&self, _: &T) -> Option<Duration> {
        None
    }

    /// Returns where a successful call is kept that is settled later. It is a
    /// [`KeptCall`](crate::breaker::KeptCall), a type that this module does not know.
    #[inline]
    fn keeper(&self) -> Option<&dyn Any> {
        None
    }
}

/// The classifier of values whose outcome is known. A failure has no text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AlreadyClassified;

impl<T> Classifier<T> for AlreadyClassified {
    /// Decides that the value is a failure, because only failures are described.
    fn verdict(&self, _: &T) -> Verdict {
        Verdict::Failure
    }

    fn text(&self, _: &T) -> Option<Arc<str>> {
        None
    }
}

/// A pair of functions: one for the outcome, one for the text.
impl<T, C, X> Classifier<T> for (C, X)
where
    C: Fn(&T) -> Outcome,
    X: Fn(&T) -> Option<Arc<str>>,
{
    #[inline]
    fn verdict(&self, value: &T) -> Verdict {
        self.0(value).into()
    }

    fn text(&self, value: &T) -> Option<Arc<str>> {
        self.1(value)
    }
}
