//! The proof that a call was admitted. It is settled exactly once: by its owner, or by being dropped.

use std::mem::ManuallyDrop;

use super::circuit::Admission;
use crate::outcome::Outcome;

/// The permission to make one call, to be [settled](Self::settle) when the call has ended.
///
/// * Dropped: the call was cancelled, which counts as ignored; or it panicked, if this thread is
///   unwinding now and was not when the permit was acquired, which counts as a failure.
/// * Leaked (`mem::forget`): counts as nothing. A trial that is leaked counts as failed when its
///   lease, `half_open_timeout`, runs out.
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
pub(super) enum IfDropped {
    /// The call runs right now, so only a panic can drop its permit.
    Panicked,
    /// The call rests between two polls, so it is being cancelled.
    Cancelled,
    /// The owner is not ours to watch: a panic, if one has begun.
    AsTheThreadSays,
}

impl<'a> Permit<'a> {
    #[inline]
    pub(super) fn new(admission: Admission<'a>, if_dropped: IfDropped) -> Self {
        Self { admission, if_dropped }
    }

    /// For a caller who does with it as he likes.
    pub(super) fn handed_out(admission: Admission<'a>) -> Self {
        // Within an unwinding that had begun before, being dropped says nothing about this call.
        let if_dropped =
            if std::thread::panicking() { IfDropped::Cancelled } else { IfDropped::AsTheThreadSays };
        Self { admission, if_dropped }
    }

    /// Ends the call. If the circuit changed its state since the permit was acquired, the outcome is
    /// counted in the totals and decides nothing.
    #[inline]
    pub fn settle(self, outcome: Outcome) {
        let this = ManuallyDrop::new(self);
        this.admission.settle(outcome);
    }

    /// Whether this call is a trial of a half-open circuit.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.admission.is_trial()
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let panicked = match self.if_dropped {
            IfDropped::Panicked => true,
            IfDropped::Cancelled => false,
            IfDropped::AsTheThreadSays => std::thread::panicking(),
        };
        let outcome = if panicked { Outcome::Failure } else { Outcome::Ignored };
        self.admission.settle(outcome);
    }
}

impl Admission<'_> {
    /// Runs the call to its end.
    #[inline]
    pub(crate) fn run<T>(self, call: impl FnOnce() -> T, classify: impl FnOnce(&T) -> Outcome) -> T {
        let permit = Permit::new(self, IfDropped::Panicked);
        let output = call();
        permit.settle(classify(&output));
        output
    }
}
