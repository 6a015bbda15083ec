//! The proof that a call was admitted. It is settled exactly once: by its owner, or by being dropped.

use std::fmt::Display;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use super::circuit::Admission;
use crate::outcome::Outcome;

/// The permission to make one call, to be [settled](Self::settle) when the call has ended.
///
/// * Dropped: the call was cancelled, which counts as ignored; or it panicked, if this thread is
///   unwinding now and was not when the permit was acquired, which counts as a failure.
/// * Leaked (`mem::forget`): counts as nothing. A trial that is leaked counts as failed when its
///   lease, `half_open_timeout`, runs out; a place among `max_concurrent` calls stays taken.
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
#[derive(Debug)]
#[must_use = "a permit that is dropped counts as a cancelled call; settle it"]
pub struct Permit<'a> {
    admission: Admission<'a>,
    if_dropped: IfDropped,
}

/// What it means that a permit was dropped.
#[derive(Clone, Copy, Debug)]
enum IfDropped {
    /// The call runs right now, so only a panic can drop its permit.
    Panicked,
    /// The call waits, so it is being cancelled.
    Cancelled,
    /// The owner is not ours to watch: a panic, if one has begun.
    AsTheThreadSays,
}

impl<'a> Permit<'a> {
    /// For a call that waits.
    pub(super) const fn cancellable(admission: Admission<'a>) -> Self {
        Self { admission, if_dropped: IfDropped::Cancelled }
    }

    /// For a caller who does with it as he likes.
    pub(super) fn handed_out(admission: Admission<'a>) -> Self {
        // Timeout an unwinding that had begun before, being dropped says nothing about this call.
        let if_dropped =
            if std::thread::panicking() { IfDropped::Cancelled } else { IfDropped::AsTheThreadSays };
        Self { admission, if_dropped }
    }

    /// Ends the call. If the circuit changed its state since the permit was acquired, the outcome is
    /// counted in the totals and decides nothing.
    #[inline]
    pub fn settle(self, outcome: Outcome) {
        self.into_admission().settle_with((), outcome, |()| None);
    }

    /// Ends the call as a failure and says why: if it opens the circuit, that is what
    /// [`Transition::last_failure`](crate::Transition) shows.
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
    pub fn fail(self, why: impl Display) {
        self.into_admission().fail(&|| Some(Arc::from(why.to_string())));
    }

    /// Whether this call is a trial of a half-open circuit.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.admission.is_trial()
    }

    /// The call goes on under another guard.
    pub(super) fn into_admission(self) -> Admission<'a> {
        ManuallyDrop::new(self).admission
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let panicked = match self.if_dropped {
            IfDropped::Panicked => true,
            IfDropped::Cancelled => false,
            IfDropped::AsTheThreadSays => std::thread::panicking(),
        };
        if panicked {
            self.admission.fail(&says_panicked);
        } else {
            self.admission.ignore();
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "others have nothing to say")]
pub(super) fn says_panicked() -> Option<Arc<str>> {
    Some(Arc::from("it panicked"))
}

impl Admission<'_> {
    /// Runs the call to its end. `text` is asked what a failure says.
    #[inline]
    pub(crate) fn run<T>(
        self,
        call: impl FnOnce() -> T,
        classify: impl FnOnce(&T) -> Outcome,
        text: impl Fn(&T) -> Option<Arc<str>>,
    ) -> T {
        let permit = Permit { admission: self, if_dropped: IfDropped::Panicked };
        let output = call();
        let outcome = classify(&output);
        permit.into_admission().settle_with(output, outcome, text)
    }
}
