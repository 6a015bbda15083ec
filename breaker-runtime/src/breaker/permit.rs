//! The permission to make one call. A permit is settled at most once: by its owner or when it is dropped. A
//! leaked permit is never settled.

use std::fmt::{self, Display};
use std::mem::ManuallyDrop;
use std::time::Duration;

use super::admission::Admission;
use super::circuit::Circuit;
use super::failure::FailureWithHint;
use crate::classifier::Classifier;
use crate::failure_text::failure_text;
use crate::outcome::{Outcome, Settled};
use crate::state::machine::Ticket;

/// The permission to make one call, to be [settled](Self::settle) when the call has ended. It borrows the
/// breaker; [`OwnedPermit`](crate::OwnedPermit) does not.
///
/// A permit takes a slot of its own, even inside another call of the same circuit, and calls that are made while
/// it exists do not [run in its slot](crate::circuit_breaker#calls-inside-calls).
///
/// A permit that is not settled has these effects:
///
/// * Dropped: the call was cancelled. It counts as a failure if it had run for
///   [`cancelled_after`](crate::ConfigBuilder::cancelled_after), or if the thread is panicking when the permit
///   is dropped and was not panicking when it was acquired. Otherwise it is ignored.
/// * Leaked ([`std::mem::forget`]): the call is not counted. A leaked trial call counts as failed when its
///   lease, `half_open_timeout`, ends. A leaked permit keeps its slot among `max_concurrent` calls. With
///   [`hang`](crate::ConfigBuilder::hang), it opens the circuit once.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Outcome};
///
/// let breaker = CircuitBreaker::new("upload", Config::default())?;
/// let permit = breaker.try_acquire()?;
/// let sent = b"hello".len();
/// permit.settle(if sent == 5 { Outcome::Success } else { Outcome::Failure });
/// assert_eq!(breaker.snapshot().totals.successes, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a permit that is dropped counts as a cancelled call; settle it"]
pub struct Permit<'a> {
    admission: Admission<'a>,
    on_drop: OnDrop,
}

/// The reason for which a permit is dropped.
#[derive(Clone, Copy, Debug)]
pub(super) enum OnDrop {
    /// The call is running on this thread, so only its panic can drop the permit.
    Panicked,
    /// The call is waiting, so it is being cancelled.
    Cancelled,
    /// The owner is unknown: the call panicked if the thread is panicking when the permit is dropped.
    CheckThread,
    /// An [`OwnedPermit`](super::OwnedPermit) has been settled.
    Settled,
}

impl<'a> Permit<'a> {
    /// Returns the guard of a call that runs on this thread.
    #[inline]
    pub(crate) const fn running(admission: Admission<'a>) -> Self {
        Self { admission, on_drop: OnDrop::Panicked }
    }

    /// Returns the guard of a call that waits.
    pub(super) const fn waiting(admission: Admission<'a>) -> Self {
        Self { admission, on_drop: OnDrop::Cancelled }
    }

    /// Returns the permit for a caller of `try_acquire`.
    pub(super) fn for_caller(mut admission: Admission<'a>) -> Self {
        admission.0.set_start();
        // A panic that began before the call does not belong to it.
        let on_drop = if std::thread::panicking() { OnDrop::Cancelled } else { OnDrop::CheckThread };
        Self::with(admission, on_drop)
    }

    /// Returns the permit of an admission, with what happens when it is dropped.
    pub(super) const fn with(admission: Admission<'a>, on_drop: OnDrop) -> Self {
        Self { admission, on_drop }
    }

    pub(super) const fn on_drop(&self) -> OnDrop {
        self.on_drop
    }

    /// Runs `body` and settles the call with the outcome that `classify` returns. `classifier` describes a failure
    /// that may change the state.
    #[inline]
    pub(crate) fn run<T>(
        self,
        body: impl FnOnce() -> T,
        classify: impl FnOnce(&T) -> Outcome,
        classifier: &impl Classifier<T>,
    ) -> T {
        // A local variable is dropped before the arguments: if the call panics, it is recorded before anything
        // that the closures have captured is dropped.
        let permit = self;
        let output = body();
        let outcome = classify(&output);
        permit.into_admission().settle(output, outcome, classifier)
    }

    /// Ends the call with an outcome. If the circuit has changed its state since the permit was acquired, the
    /// outcome is counted in the totals, has no other effect, and is [`Settled::Late`]. A failure has no text in
    /// [`Transition::last_failure`](crate::Transition).
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome, Settled};
    ///
    /// let breaker = CircuitBreaker::new("upload", Config::default())?;
    /// let permit = breaker.try_acquire()?;
    /// assert_eq!(permit.settle(Outcome::Failure), Settled::Counted);
    /// assert_eq!(breaker.snapshot().consecutive_failures, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[expect(clippy::must_use_candidate, reason = "most callers do not need to know the effect")]
    pub fn settle(self, outcome: Outcome) -> Settled {
        self.into_admission().settle_permit(outcome)
    }

    /// Ends the call as a failure with a reason, and returns its effect like [`settle`](Self::settle). If this
    /// failure opens the circuit, the reason becomes [`Transition::last_failure`](crate::Transition): one line of
    /// at most 1,024 bytes.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("upload", Config::builder().failure_threshold(1).build()?)?;
    /// breaker.try_acquire()?.fail("the disk is full");
    /// let opened = breaker.snapshot().last_transition.unwrap();
    /// assert_eq!(opened.last_failure.as_deref(), Some("the disk is full"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail(self, reason: impl Display) -> Settled {
        self.into_admission().fail(&|| Some(failure_text(&reason)))
    }

    /// Ends the call as a failure with a reason, like [`fail`](Self::fail), and with the time that the service asks
    /// its callers to wait, such as the `Retry-After` of a response.
    ///
    /// If this failure opens the circuit, or opens it again as a failed trial call, the circuit stays open at least
    /// this long, but at most for [`max_recovery_timeout`](crate::ConfigBuilder::max_recovery_timeout). A time that
    /// is shorter than the recovery timeout has no effect.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("upload", Config::builder().failure_threshold(1).build()?)?;
    /// let minutes = Duration::from_secs(120);
    /// breaker.try_acquire()?.fail_with_retry_after("429 Too Many Requests", minutes);
    /// assert!(breaker.snapshot().retry_after > Some(Duration::from_secs(110)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail_with_retry_after(self, reason: impl Display, retry_after: Duration) -> Settled {
        self.into_admission().fail(&FailureWithHint { text: || Some(failure_text(&reason)), retry_after })
    }

    /// Returns `true` if this call is a trial call of a half-open circuit.
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// # {
    /// use std::time::Duration;
    /// use breaker_runtime::testing::Clock;
    /// use breaker_runtime::{Config, Outcome, Registry};
    ///
    /// let clock = Clock::new();
    /// let one_failure = Config::builder().failure_threshold(1).build()?;
    /// let breaker = Registry::with_clock(&clock).register("upload", one_failure)?;
    /// let permit = breaker.try_acquire()?;
    /// assert!(!permit.is_trial());
    /// permit.settle(Outcome::Failure); // the circuit opens
    ///
    /// clock.advance(Duration::from_secs(30)); // the recovery timeout
    /// assert!(breaker.try_acquire()?.is_trial());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.admission.0.ticket.trial().is_some()
    }

    pub(super) const fn circuit(&self) -> &'a Circuit {
        self.admission.circuit()
    }

    pub(super) const fn ticket(&self) -> Ticket {
        self.admission.0.ticket
    }

    /// Returns the admission without its guard.
    #[inline]
    pub(super) fn into_admission(self) -> Admission<'a> {
        ManuallyDrop::new(self).take()
    }

    #[inline]
    fn take(&mut self) -> Admission<'a> {
        Admission(self.admission.0)
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.circuit().write_permit("Permit", self.is_trial(), out)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let panicked = match self.on_drop {
            OnDrop::Panicked => true,
            OnDrop::Cancelled => false,
            OnDrop::CheckThread => std::thread::panicking(),
            OnDrop::Settled => return,
        };
        if panicked {
            self.take().panicked();
        } else {
            self.take().cancelled();
        }
    }
}
