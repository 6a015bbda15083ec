//! The description of a failed call: its text, and how long callers should wait.
//!
//! Both come from the user's code, which runs without a lock and only if the failure may change the state. The text is
//! also formatted if a listener of calls wants it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::classifier::Classifier;
use crate::outcome::Completion;
use crate::sync::catch_panic;

/// A failed call that can describe itself.
pub(super) trait FailureSource {
    /// Returns the text of the failure.
    fn text(&self) -> Option<Arc<str>>;

    /// Returns the time that the failure asks callers to wait.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// A failed output, with the classifier that describes it.
pub(super) struct FailedOutput<'a, T, C> {
    pub(super) output: &'a T,
    pub(super) classifier: &'a C,
}

/// A failure that asks callers to wait.
pub(super) struct FailureWithHint<F> {
    pub(super) text: F,
    pub(super) retry_after: Duration,
}

/// A failure whose text is known already.
pub(super) struct KnownText<'a> {
    pub(super) text: Option<Arc<str>>,
    pub(super) failure: &'a dyn FailureSource,
}

/// The description of a failure that may change the state.
#[derive(Default)]
pub(super) struct FailureDetails {
    pub(super) text: Option<Arc<str>>,
    pub(super) retry_after: Option<Duration>,
    /// The payload if `retry_after` panicked.
    pub(super) panic: Option<Panic>,
}

/// The payload of a panic that continues once the call has been recorded.
pub(super) struct Panic(Box<dyn Any + Send>);

impl<F: Fn() -> Option<Arc<str>>> FailureSource for F {
    fn text(&self) -> Option<Arc<str>> {
        self()
    }
}

impl<T, C: Classifier<T>> FailureSource for FailedOutput<'_, T, C> {
    fn text(&self) -> Option<Arc<str>> {
        self.classifier.text(self.output)
    }

    fn retry_after(&self) -> Option<Duration> {
        self.classifier.retry_after(self.output)
    }
}

impl<F: Fn() -> Option<Arc<str>>> FailureSource for FailureWithHint<F> {
    fn text(&self) -> Option<Arc<str>> {
        (self.text)()
    }

    fn retry_after(&self) -> Option<Duration> {
        Some(self.retry_after)
    }
}

impl FailureSource for KnownText<'_> {
    fn text(&self) -> Option<Arc<str>> {
        self.text.clone()
    }

    fn retry_after(&self) -> Option<Duration> {
        self.failure.retry_after()
    }
}

impl FailureDetails {
    /// Describes a call that failed; any other call has no details. A panic of the user's code is caught,
    /// because the call must still be settled.
    #[cold]
    pub(super) fn of(completion: Completion, failure: &dyn FailureSource) -> Self {
        if !completion.is_failure() {
            return Self::default();
        }
        let text = text_of(failure);
        match catch_unwind(AssertUnwindSafe(|| failure.retry_after())) {
            Ok(retry_after) => Self { text, retry_after, panic: None },
            Err(payload) => Self { text, retry_after: None, panic: Some(Panic(payload)) },
        }
    }
}

/// Returns the text of a failure. It comes from a user's `Display`, which may panic, and the call must still be
/// settled.
#[cold]
pub(super) fn text_of(failure: &dyn FailureSource) -> Option<Arc<str>> {
    catch_panic(|| failure.text()).unwrap_or_else(|| Some(Arc::from("(formatting the failure panicked)")))
}

impl Panic {
    /// Continues the panic.
    pub(super) fn resume(self) -> ! {
        resume_unwind(self.0)
    }
}
