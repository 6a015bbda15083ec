//! Taps: what sees each call of a circuit that ends, and each rejection.
//!
//! A tap belongs to the circuit that it was created for. No lock is held while it runs, and a panic in it does not
//! reach the caller. `tapped_calls.rs` attaches taps and passes calls to them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment, Start};
use crate::error::ErrorKind;
use crate::sync::{Mutex, MutexGuard, catch_panic, lock};

/// A time by which the computed start of a call is never wrong.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An observer of the calls of one circuit. Its methods run on the thread of the call, so they return quickly and never
/// block.
pub(crate) trait CallTap: Send + Sync {
    /// Called when an admitted call ends, before the circuit evaluates its outcome.
    fn completed(&self, call: &CompletedCall);

    /// Called when the circuit rejects a call.
    fn rejected(&self, kind: ErrorKind, at: Moment);
}

/// An admitted call that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompletedCall {
    pub(crate) end: CallEnd,
    pub(crate) start: Start,
    /// The start on the clock of the circuit. It is computed from the duration, which another clock measures, so it may
    /// be wrong by a few microseconds for each second of the duration.
    pub(crate) started: Moment,
    /// The time that `slow_call` measures. That of a streamed call is the time for which its caller waited.
    pub(crate) duration: Duration,
    /// The time that `cancelled_after` measures. It matters only if the caller gave the call up.
    pub(crate) waited: Duration,
    /// The time that `call_timeout` limits. `None` if the call could not be stopped.
    pub(crate) limited: Option<Duration>,
    /// The time that `half_open_timeout` limits, which is that from the admission to the end.
    pub(crate) leased: Duration,
}

/// The time at which a source of taps started. It wants the calls that began later.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "only the features `shadow` and `recorder` have taps")]
pub(crate) struct TapsStart {
    start: Start,
    moment: Moment,
}

/// The way in which an admitted call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallEnd {
    Success,
    Failure,
    Ignored,
    /// The call reached `call_timeout`.
    TimedOut,
    /// The caller gave the call up. It counts as a failure only after `cancelled_after`.
    Cancelled,
}

#[allow(dead_code, reason = "only the features `shadow` and `recorder` have taps")]
impl TapsStart {
    /// Returns the current time of the circuits with this clock.
    pub(crate) fn now(clock: &Clock) -> Self {
        Clock::prepare();
        Self { start: clock.start(), moment: clock.now() }
    }

    pub(crate) const fn moment(&self) -> Moment {
        self.moment
    }

    /// Returns `true` if this call began later.
    pub(crate) fn is_before(&self, call: &CompletedCall) -> bool {
        match call.start.is_before(self.start) {
            Some(false) => true,
            // The starts are exact, but they overflow after months.
            Some(true) => call.started.is_later_by_more_than(A_DAY, self.moment),
            // A circuit on the system's clock reads that of a test while tokio's time is paused.
            None => call.started >= self.moment,
        }
    }
}

impl CallEnd {
    /// Returns the end whose discriminant this is.
    pub(super) const fn from_index(index: u64) -> Self {
        const SUCCESS: u64 = CallEnd::Success as u64;
        const IGNORED: u64 = CallEnd::Ignored as u64;
        const TIMED_OUT: u64 = CallEnd::TimedOut as u64;
        const CANCELLED: u64 = CallEnd::Cancelled as u64;
        match index {
            SUCCESS => Self::Success,
            IGNORED => Self::Ignored,
            TIMED_OUT => Self::TimedOut,
            CANCELLED => Self::Cancelled,
            _ => Self::Failure,
        }
    }
}

/// The taps of one circuit.
#[derive(Default)]
pub(super) struct Taps(Mutex<Arc<[AttachedTap]>>);

/// A tap, and the source that created it.
#[derive(Clone)]
pub(super) struct AttachedTap {
    pub(super) source: SourceId,
    pub(super) tap: Arc<dyn CallTap>,
}

/// The address of a source, which exists for as long as its taps are attached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct SourceId(pub(super) usize);

/// The taps of a circuit while they are changed.
pub(super) type LockedTaps<'a> = MutexGuard<'a, Arc<[AttachedTap]>>;

impl Taps {
    pub(super) fn lock(&self) -> LockedTaps<'_> {
        lock(&self.0)
    }

    /// Calls `visit` for each tap, without a lock.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&dyn CallTap)) {
        let taps = Arc::clone(&lock(&self.0));
        for AttachedTap { tap, .. } in &*taps {
            catch_panic(|| visit(&**tap));
        }
    }
}

impl fmt::Debug for Taps {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Taps").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: TapsStart = TapsStart { start: Start::from_bits(1_000), moment: Moment::from_nanos(A_YEAR) };
    const A_YEAR: u64 = 365 * 24 * 60 * 60 * 1_000_000_000;
    const OF_A_TEST: u64 = 1 << 57;

    /// Returns `true` if taps see a call that starts then.
    fn is_seen(start: u64, started: u64) -> bool {
        let call = CompletedCall {
            end: CallEnd::Success,
            start: Start::from_bits(start),
            started: Moment::from_nanos(started),
            duration: Duration::ZERO,
            waited: Duration::ZERO,
            limited: None,
            leased: Duration::ZERO,
        };
        BEGAN.is_before(&call)
    }

    #[test]
    fn taps_see_the_calls_that_began_after_them_however_far_the_clocks_are_apart() {
        assert!(is_seen(1_000, A_YEAR - 500_000) && is_seen(1_001, A_YEAR - 500_000));
        assert!(!is_seen(999, A_YEAR + 500_000));
    }

    #[test]
    fn the_clock_of_the_circuit_decides_about_starts_of_different_clocks_and_after_they_have_overflowed() {
        assert!(!is_seen(OF_A_TEST + 1_001, A_YEAR - 1) && is_seen(OF_A_TEST + 999, A_YEAR));
        assert!(is_seen(999, 2 * A_YEAR));
    }
}
