//! The outcome of a call, and the description of a failure.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::classifier::Classifier;
use crate::failure_text::failure_text;
use crate::outcome::{Outcome, Verdict};

/// The outcome of a call of a service, with the description of a failure.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::Outcome;
/// use breaker_runtime::integrations::tower::Classification;
///
/// let busy = Classification::failure("status 429").with_retry_after(Duration::from_secs(60));
/// assert_eq!(busy.outcome(), Outcome::Failure);
/// assert_eq!(Classification::from(Outcome::Ignored).outcome(), Outcome::Ignored);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    outcome: Outcome,
    reason: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
}

impl Classification {
    /// Creates the classification of a failed call. If the failure opens the circuit, the first 1,024 bytes of the
    /// reason become [`Transition::last_failure`](crate::Transition).
    ///
    /// ```
    /// use breaker_runtime::Outcome;
    /// use breaker_runtime::integrations::tower::Classification;
    ///
    /// let busy = Classification::failure(format!("status {}", 503));
    /// assert_eq!((busy.outcome(), busy.reason()), (Outcome::Failure, Some("status 503")));
    /// ```
    #[must_use]
    pub fn failure(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { outcome: Outcome::Failure, reason: Some(reason.into()), retry_after: None }
    }

    /// Sets the time that the service asks its callers to wait, with the effect of
    /// [`Permit::fail_with_retry_after`](crate::Permit::fail_with_retry_after). It has no effect unless the call is a
    /// failure.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::integrations::tower::Classification;
    ///
    /// let busy = Classification::failure("status 429");
    /// assert_eq!(busy.retry_after(), None);
    /// assert_eq!(busy.with_retry_after(Duration::from_secs(60)).retry_after(), Some(Duration::from_secs(60)));
    /// ```
    #[must_use]
    pub fn with_retry_after(self, retry_after: impl Into<Option<Duration>>) -> Self {
        Self { retry_after: retry_after.into(), ..self }
    }

    /// Returns the outcome.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the reason of a failure.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Returns the time that the service asks its callers to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// A failure has no reason.
impl From<Outcome> for Classification {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, reason: None, retry_after: None }
    }
}

/// The classifier of a call that has been classified.
impl Classifier<()> for Classification {
    fn verdict(&self, (): &()) -> Verdict {
        self.outcome.into()
    }

    fn text(&self, (): &()) -> Option<Arc<str>> {
        self.reason.as_deref().map(failure_text)
    }

    fn retry_after(&self, (): &()) -> Option<Duration> {
        self.retry_after
    }
}
