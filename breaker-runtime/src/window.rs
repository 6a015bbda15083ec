//! The recent calls of a circuit, and the rules that apply to them. This module does not know which results
//! are failures, or the effects of a rule that trips.
//!
//! | file | contents |
//! |---|---|
//! | `rules.rs` | the rules, as pure functions of counts |
//! | `counts.rs` | the contents of a window, as numbers |
//! | `span.rs` | the span of a window, and the word that packs it |
//! | `count.rs` | count-based windows, of exactly the last N calls |
//! | `time.rs` | time-based windows, in slices |
//! | `slices.rs` | the successes of one thread, or of a few, in each slice |
//!
//! Successes are frequent and cannot open a circuit, so they do not take the lock of the window; failures and slow
//! calls take the lock of the window. **Everything carries the generation of its call**: stored results of an older
//! generation are dropped, and late results of an older generation are ignored. Therefore a window need not be cleared
//! when the circuit closes, and a late result cannot enter the window of a later generation in any interleaving of
//! threads.

mod count;
mod counts;
mod rules;
mod slices;
mod span;
mod time;

pub use counts::WindowCounts;
pub use rules::TripReason;
pub(crate) use rules::{Rate, Rules, trip_by_run};
pub(crate) use span::{MAX_CALLS, Span, WindowSpec};

use crate::clock::Clock;
use crate::outcome::Completion;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};
use count::{Advance, CountWindow, FaultLog};
use span::{Epoch, SliceId};
use time::{Buckets, Resize, TimeWindow};

/// The window of one circuit: count-based, time-based, or none.
#[derive(Debug)]
pub(crate) struct Window {
    spec: AtomicU64,
    count: CountWindow,
    time: TimeWindow,
    locked: OwnLine<Mutex<WindowState>>,
}

/// A value in cache lines of its own: successes read the rest of the window, and must not wait for the writes of
/// failures.
#[derive(Debug)]
#[repr(align(64))]
struct OwnLine<T>(T);

/// The part of a window that is protected by its lock. The rules change together with the span, so that they
/// are never evaluated for the calls of another span.
#[derive(Debug)]
#[repr(C)] // See `FaultLog`.
struct WindowState {
    log: FaultLog,
    rules: Rules,
    buckets: Buckets,
}

impl Window {
    pub(crate) fn new(span: Span, rules: &Rules) -> Self {
        let (log, buckets) = (FaultLog::default(), Buckets::default());
        let spec = WindowSpec::new(span, Epoch::FIRST);
        Self {
            spec: AtomicU64::new(spec.bits()),
            count: CountWindow::new(spec.calls()),
            time: TimeWindow::new(),
            locked: OwnLine(Mutex::new(WindowState { rules: *rules, log, buckets })),
        }
    }

    /// Returns the current spec of a time-based window.
    #[inline]
    pub(crate) fn time_spec(&self) -> Option<WindowSpec> {
        let spec = self.spec(Ordering::Acquire);
        spec.is_time().then_some(spec)
    }

    /// Records a success in a count-based window, except in rare cases. Returns `true` if it was recorded.
    #[inline]
    pub(crate) fn try_record_success(&self, generation: u64) -> bool {
        self.count.try_record_success(generation)
    }

    /// Records a success in a time-based window of this [spec](Self::time_spec), except in rare cases. Returns `true`
    /// if it was recorded.
    #[inline]
    pub(crate) fn try_record_success_in_time(
        &self,
        generation: u64,
        spec: WindowSpec,
        clock: &Clock,
    ) -> bool {
        self.time.try_record_success(generation, spec, clock)
    }

    /// Records a success that was not slow. Returns `true` if another one may change nothing, which
    /// [`if_saturated`](Self::if_saturated) finds out.
    pub(crate) fn record_success(&self, generation: u64, clock: &Clock) -> bool {
        let spec = self.spec(Ordering::Acquire);
        if spec.is_time() {
            self.time.record_success(generation, &self.spec, clock);
            return false;
        }
        if spec.is_unlimited() {
            return true;
        }
        match self.count.record_success(generation) {
            Advance::Counted => false,
            Advance::Full => self.carry(generation),
        }
    }

    /// Calls `skip` if another success of this generation would change nothing. The lock keeps
    /// failures, slow calls and changes of the span out meanwhile.
    #[cold]
    pub(crate) fn if_saturated(&self, generation: u64, skip: impl FnOnce()) {
        let state = &mut *self.lock();
        let spec = self.spec(Ordering::Relaxed);
        let is_saturated = |size| self.count.is_saturated(generation, size, &mut state.log);
        if spec.calls().map_or(spec.is_unlimited(), is_saturated) {
            skip();
        }
    }

    /// Carries the count of this thread. Returns `true`, because the window may be saturated.
    #[cold]
    #[inline(never)]
    fn carry(&self, generation: u64) -> bool {
        self.count.carry(generation, &mut self.lock().log);
        true
    }

    /// Records a failure or a slow call. Returns the reason to open, if a threshold of the window is reached.
    pub(crate) fn record_fault(
        &self,
        generation: u64,
        completion: Completion,
        clock: &Clock,
    ) -> Option<TripReason> {
        let state = &mut *self.lock();
        let spec = self.spec(Ordering::Relaxed);
        if let Some(size) = spec.calls() {
            let counts = self.count.record_fault(generation, size, completion, &mut state.log)?;
            return state.rules.trip_by_window(counts);
        }
        let length = spec.slice_length()?;
        let slice = length.id(generation, length.now(clock));
        let faults = state.buckets.record_fault(slice, completion)?;
        // Summing the successes of all threads is expensive, and most faults do not need the sum.
        if !state.rules.may_trip(faults) {
            return None;
        }
        state.rules.trip_by_window(self.with_successes(faults, slice, spec, state))
    }

    /// Returns the contents of the window in this generation, and changes nothing.
    pub(crate) fn counts(&self, generation: u64, clock: &Clock) -> WindowCounts {
        let state = self.lock();
        let spec = self.spec(Ordering::Relaxed);
        if let Some(size) = spec.calls() {
            return self.count.counts(generation, size, &state.log);
        }
        let Some(length) = spec.slice_length() else {
            return WindowCounts::default();
        };
        let slice = length.id(generation, length.now(clock));
        self.with_successes(state.buckets.faults(slice), slice, spec, &state)
    }

    /// Returns the failures and slow calls in the window of this generation, without the successes of a
    /// time-based window, whose sum takes longer.
    pub(crate) fn faults(&self, generation: u64, clock: &Clock) -> WindowCounts {
        let state = self.lock();
        let spec = self.spec(Ordering::Relaxed);
        match (spec.calls(), spec.slice_length()) {
            (Some(size), _) => self.count.counts(generation, size, &state.log),
            (None, Some(length)) => state.buckets.faults(length.id(generation, length.now(clock))),
            (None, None) => WindowCounts::default(),
        }
    }

    /// Changes the span and its rules, and keeps the calls that fit into the new span. A call that ends meanwhile
    /// may be missed. When the kind of window changes, it starts empty.
    pub(crate) fn change(&self, span: Span, rules: &Rules, generation: u64, clock: &Clock) {
        let state = &mut *self.lock();
        state.rules = *rules;
        let old = self.spec(Ordering::Relaxed);
        if old.has_span_of(WindowSpec::new(span, Epoch::FIRST)) {
            return;
        }
        let new = WindowSpec::new(span, self.time.next_epoch(old));
        match (old.calls().zip(new.calls()), old.slice_length().zip(new.slice_length())) {
            (Some((from, to)), _) => self.count.resize(generation, from, to, &mut state.log),
            (None, Some((from, to))) => {
                let now = from.now(clock);
                let last = from.id(generation, now);
                let mut kept = std::mem::take(&mut state.buckets);
                kept.forget_before(last);
                self.time.copy_into(&mut kept, last, old);
                // The clock for the new slices may lag. A bucket that is later than it would hide the next calls.
                state.buckets = kept.resized(generation, Resize { from, to }, now.min(to.now(clock)));
            }
            (None, None) => {
                state.buckets = Buckets::default();
                self.count.clear(generation, &mut state.log);
            }
        }
        self.count.set_size(new.calls());
        self.spec.store(new.bits(), Ordering::Release);
    }

    fn with_successes(
        &self,
        faults: WindowCounts,
        last: SliceId,
        spec: WindowSpec,
        state: &WindowState,
    ) -> WindowCounts {
        let successes = state.buckets.successes(last) + self.time.successes(last, spec);
        WindowCounts { calls: faults.calls + successes, ..faults }
    }

    #[inline]
    fn spec(&self, ordering: Ordering) -> WindowSpec {
        WindowSpec::from_bits(self.spec.load(ordering))
    }

    fn lock(&self) -> MutexGuard<'_, WindowState> {
        lock(&self.locked.0)
    }
}
