//! Taps: what sees each call of a circuit that ends, and each rejection.
//!
//! A tap belongs to the circuit that it was created for. No lock is held while it runs, and a panic in it does not
//! reach the caller. `tapped_calls.rs` attaches taps and passes calls to them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::error::ErrorKind;
use crate::sync::{Mutex, MutexGuard, catch_panic, lock};

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
    pub(crate) started: Moment,
    /// The time that `slow_call` measures. That of a streamed call is the time for which its caller waited.
    pub(crate) duration: Duration,
    /// The time that `cancelled_after` measures. It matters only if the caller gave the call up.
    pub(crate) waited: Duration,
    /// The time that `call_timeout` limits. `None` if the call could not be stopped.
    pub(crate) limited: Option<Duration>,
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

impl CallEnd {
    /// Returns the end whose discriminant this is.
    pub(super) const fn from_index(index: u32) -> Self {
        const SUCCESS: u32 = CallEnd::Success as u32;
        const IGNORED: u32 = CallEnd::Ignored as u32;
        const TIMED_OUT: u32 = CallEnd::TimedOut as u32;
        const CANCELLED: u32 = CallEnd::Cancelled as u32;
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
