//! The tap that adds the calls of each circuit to the buffer.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use super::trace_line::{RecordedCall, RecordedOutcome};
use crate::breaker::{CallEnd, CallTap, Circuit, CompletedCall, TapSource, TapsStart};
use crate::clock::Moment;
use crate::error::ErrorKind;
use crate::sync::{AtomicU64, AtomicUsize, Ordering};

/// An entry of the buffer.
#[derive(Debug)]
pub(super) enum Entry {
    Call(RecordedCall),
    /// Wakes the writer, which finds that the recording has stopped.
    Stop,
}

/// The buffer, as the calls see it.
pub(super) struct Buffer {
    began: TapsStart,
    entries: SyncSender<Entry>,
    one_in: NonZeroU64,
    /// The calls and rejections that were drawn for the sample.
    drawn: AtomicU64,
    /// The rejections that are in the buffer, and how many may be.
    rejections: AtomicUsize,
    max_rejections: usize,
    lost_calls: AtomicU64,
    lost_rejections: AtomicU64,
}

/// Creates the taps of all circuits of one breaker.
pub(super) struct RecorderTaps {
    pub(super) breaker_name: Arc<str>,
    pub(super) buffer: Arc<Buffer>,
}

/// The tap of one circuit.
struct RecordedCircuit {
    key: Option<Arc<str>>,
    buffer: Arc<Buffer>,
}

/// The numbers of entries that did not fit into the buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    pub(super) calls: u64,
    pub(super) rejections: u64,
}

impl Buffer {
    pub(super) const fn new(
        began: TapsStart,
        entries: SyncSender<Entry>,
        capacity: usize,
        one_in: NonZeroU64,
    ) -> Self {
        Self {
            began,
            entries,
            one_in,
            drawn: AtomicU64::new(0),
            rejections: AtomicUsize::new(0),
            max_rejections: capacity / 2,
            lost_calls: AtomicU64::new(0),
            lost_rejections: AtomicU64::new(0),
        }
    }

    pub(super) fn losses(&self) -> Losses {
        Losses {
            calls: self.lost_calls.load(Ordering::Relaxed),
            rejections: self.lost_rejections.load(Ordering::Relaxed),
        }
    }

    /// Notes that the writer has taken a rejection from the buffer.
    pub(super) fn release_rejection(&self) {
        self.rejections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Wakes the writer. A full buffer needs no further entry, because the writer is reading it.
    pub(super) fn wake_writer(&self) {
        _ = self.entries.try_send(Entry::Stop);
    }

    /// Draws whether a call belongs to the sample. The draws are pseudorandom, so that calls that repeat in a pattern
    /// are not selected by it, and are the same in each recording.
    fn is_in_sample(&self) -> bool {
        if self.one_in == NonZeroU64::MIN {
            return true;
        }
        scrambled(self.drawn.fetch_add(1, Ordering::Relaxed)) % self.one_in == 0
    }

    fn add_call(&self, call: RecordedCall) {
        if let Err(TrySendError::Full(_)) = self.entries.try_send(Entry::Call(call)) {
            self.lost_calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn add_rejection(&self, rejection: RecordedCall) {
        if self.rejections.fetch_add(1, Ordering::Relaxed) < self.max_rejections {
            match self.entries.try_send(Entry::Call(rejection)) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(_)) => {}
            }
        }
        self.release_rejection();
        self.lost_rejections.fetch_add(1, Ordering::Relaxed);
    }
}

impl TapSource for RecorderTaps {
    fn tap(&self, circuit: &Arc<Circuit>) -> Option<Arc<dyn CallTap>> {
        let identity = circuit.identity();
        (identity.name().as_str() == &*self.breaker_name).then(|| {
            Arc::new(RecordedCircuit { key: identity.key().cloned(), buffer: Arc::clone(&self.buffer) }) as _
        })
    }
}

impl CallTap for RecordedCircuit {
    fn completed(&self, call: &CompletedCall) {
        let began = self.buffer.began;
        if !began.is_before(call) || !self.buffer.is_in_sample() {
            return;
        }
        let duration = match call.end {
            CallEnd::Cancelled => call.waited,
            CallEnd::Success | CallEnd::Failure | CallEnd::Ignored | CallEnd::TimedOut => call.duration,
        };
        self.buffer.add_call(RecordedCall {
            start: call.started.since(began.moment()),
            duration,
            outcome: RecordedOutcome::Ended(call.end),
            key: self.key.clone(),
        });
    }

    fn rejected(&self, _kind: ErrorKind, at: Moment) {
        if self.buffer.is_in_sample() {
            self.buffer.add_rejection(RecordedCall {
                start: at.since(self.buffer.began.moment()),
                duration: Duration::ZERO,
                outcome: RecordedOutcome::Rejected,
                key: self.key.clone(),
            });
        }
    }
}

/// Returns a number without a visible relation to `number`: the output function of `SplitMix64`.
const fn scrambled(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl fmt::Debug for Buffer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Buffer").field("losses", &self.losses()).finish_non_exhaustive()
    }
}
