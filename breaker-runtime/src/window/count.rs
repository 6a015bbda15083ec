//! Count-based windows: exactly the last N calls that succeeded or failed.
//!
//! Calls are numbered 1, 2, 3 .. in the order in which they enter the window. Only the positions of failures
//! and slow calls are stored; a success advances only `head`. A window is *saturated* when it is full
//! and holds no failure and no slow call: another success changes nothing and is not recorded.
//!
//! `head` and `last_fault` are correct for these reasons. `head` holds a position and the whole generation. Under the lock it may
//! be set to a new generation or renumbered; without the lock a success advances it by compare-and-swap,
//! which succeeds only in its own generation. `last_fault` is written under the lock, after the `head` of the
//! same call. A success that reads the new `head` and the old `last_fault` may find the window saturated. It
//! runs concurrently with that fault and counts as having ended before it, when the window was saturated.
//! `begin` resets `last_fault` first, so a thread that sees the new `head` finds a window that is not full.
//! `renumber` lowers `head` first, so the difference of the two can only be too small.

use std::collections::VecDeque;

use super::counts::WindowCounts;
use crate::outcome::Completion;
use crate::sync::{AtomicU64, Ordering};

#[derive(Debug)]
pub(super) struct CountWindow {
    head: AtomicU64,
    last_fault: AtomicU64,
}

/// The effect of a success on the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    Advanced,
    /// The window is saturated.
    Unneeded,
    /// The window belongs to another generation or has no positions left, so the lock is needed.
    NeedsLock,
}

/// The failures and slow calls in the window, oldest first, and their sums.
#[derive(Debug, Default)]
pub(super) struct FaultLog {
    generation: u64,
    faults: VecDeque<Fault>,
    failures: u64,
    slow: u64,
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    position: u64,
    completion: Completion,
}

/// A generation and a position in one word.
///
/// ```text
///  63 .......... 27  26 ....... 0
///  generation (36)   position (27)
/// ```
#[derive(Clone, Copy, Debug)]
struct Head(u64);

const POSITION_BITS: u32 = 27;
const POSITION: u64 = (1 << POSITION_BITS) - 1;
/// Calls are renumbered once the position reaches this value. Higher positions are a reserve for calls that
/// have already passed the check.
const RENUMBER_AT: u64 = POSITION - (1 << 20);

impl CountWindow {
    pub(super) fn new() -> Self {
        Self { head: AtomicU64::new(0), last_fault: AtomicU64::new(0) }
    }

    /// Records a success without the lock.
    #[inline]
    pub(super) fn record_success(&self, generation: u64, size: u64) -> Advance {
        let mut head = self.head();
        while let Some(position) = head.position_in(generation) {
            if self.is_saturated_at(position, size) {
                return Advance::Unneeded;
            }
            match self.head.compare_exchange_weak(head.0, head.0 + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Advance::Advanced,
                Err(now) => head = Head(now),
            }
        }
        Advance::NeedsLock
    }

    /// Returns `true` if a success of this generation would change nothing.
    pub(super) fn is_saturated(&self, generation: u64, size: u64) -> bool {
        self.head().position_in(generation).is_some_and(|position| self.is_saturated_at(position, size))
    }

    /// Records a success under the lock.
    #[cold]
    pub(super) fn record_success_locked(&self, generation: u64, size: u64, log: &mut FaultLog) {
        if self.enter(generation, size, log) {
            self.head.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Records a failure or a slow call. Returns the contents of the window, or `None` for a late result.
    pub(super) fn record_fault(
        &self,
        generation: u64,
        size: u64,
        completion: Completion,
        log: &mut FaultLog,
    ) -> Option<WindowCounts> {
        if !self.enter(generation, size, log) {
            return None;
        }
        let position = Head(self.head.fetch_add(1, Ordering::AcqRel)).position() + 1;
        log.push(Fault { position, completion });
        self.last_fault.store(position, Ordering::Release);
        log.forget_before(position, size);
        Some(log.counts(position, size))
    }

    pub(super) fn counts(&self, generation: u64, size: u64, log: &FaultLog) -> WindowCounts {
        if log.generation != generation {
            return WindowCounts::default();
        }
        log.counts(self.head().position(), size)
    }

    /// Changes the length of the window. A window that grows keeps at most as many calls as its old length.
    pub(super) fn resize(&self, from: u64, to: u64, log: &mut FaultLog) {
        if to > from {
            self.renumber(from, log);
        }
    }

    /// Empties the window.
    pub(super) fn clear(&self, log: &mut FaultLog) {
        self.begin(log.generation, log);
    }

    /// Returns `true` if a call of this generation can enter the window. A newer generation begins a new
    /// window.
    fn enter(&self, generation: u64, size: u64, log: &mut FaultLog) -> bool {
        if log.generation < generation {
            self.begin(generation, log);
        }
        if self.head().position() >= RENUMBER_AT {
            self.renumber(size, log);
        }
        log.generation == generation
    }

    fn begin(&self, generation: u64, log: &mut FaultLog) {
        *log = FaultLog { generation, ..FaultLog::default() };
        self.last_fault.store(0, Ordering::Release);
        // A read-modify-write, as in `record_success`, so that the later of the two sees the earlier one.
        self.head.swap(Head::start_of(generation).0, Ordering::AcqRel);
    }

    /// Renumbers the calls so that the last one has the position `size`, if it had a later one.
    fn renumber(&self, size: u64, log: &mut FaultLog) {
        let position = self.head().position();
        log.forget_before(position, size);
        let by = position.saturating_sub(size);
        for fault in &mut log.faults {
            fault.position -= by;
        }
        self.head.fetch_sub(by, Ordering::AcqRel);
        self.last_fault.store(log.faults.back().map_or(0, |fault| fault.position), Ordering::Release);
    }

    /// Returns `true` if at least `size` successes have followed the last fault, or the beginning.
    #[inline]
    fn is_saturated_at(&self, position: u64, size: u64) -> bool {
        position.saturating_sub(self.last_fault.load(Ordering::Acquire)) >= size
    }

    #[inline]
    fn head(&self) -> Head {
        Head(self.head.load(Ordering::Acquire))
    }
}

impl FaultLog {
    fn push(&mut self, fault: Fault) {
        let WindowCounts { failures, slow, .. } = WindowCounts::of(fault.completion);
        self.failures += failures;
        self.slow += slow;
        self.faults.push_back(fault);
    }

    fn forget_before(&mut self, position: u64, size: u64) {
        while let Some(oldest) = self.faults.front()
            && oldest.position + size <= position
        {
            let WindowCounts { failures, slow, .. } = WindowCounts::of(oldest.completion);
            self.failures -= failures;
            self.slow -= slow;
            self.faults.pop_front();
        }
    }

    /// Returns the contents of the window, without the faults that have left it but are still stored.
    fn counts(&self, position: u64, size: u64) -> WindowCounts {
        let mut counts = WindowCounts { calls: position.min(size), failures: self.failures, slow: self.slow };
        for outdated in self.faults.iter().take_while(|fault| fault.position + size <= position) {
            let WindowCounts { failures, slow, .. } = WindowCounts::of(outdated.completion);
            counts.failures -= failures;
            counts.slow -= slow;
        }
        counts
    }
}

impl Head {
    const fn start_of(generation: u64) -> Self {
        Self(generation << POSITION_BITS)
    }

    /// Returns the position, if the window is of this generation and has positions left. For any other
    /// generation the difference exceeds every position.
    #[inline]
    fn position_in(self, generation: u64) -> Option<u64> {
        let position = self.0.wrapping_sub(Self::start_of(generation).0);
        (position < RENUMBER_AT).then_some(position)
    }

    #[inline]
    const fn position(self) -> u64 {
        self.0 & POSITION
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    const FAILURE: Completion = Completion { outcome: Outcome::Failure, is_slow: false };
    const SLOW_FAILURE: Completion = Completion { outcome: Outcome::Failure, is_slow: true };

    #[test]
    fn calls_are_renumbered_when_positions_run_out_and_none_is_lost() {
        let (window, mut log) = (CountWindow::new(), FaultLog::default());
        window.head.store(RENUMBER_AT - 3, Ordering::Relaxed);
        window.last_fault.store(RENUMBER_AT - 3, Ordering::Relaxed);
        log.push(Fault { position: RENUMBER_AT - 3, completion: FAILURE });
        for _ in 0..4 {
            if window.record_success(0, 6) == Advance::NeedsLock {
                window.record_success_locked(0, 6, &mut log);
            }
        }
        assert_eq!(window.head().position(), 7);
        let counts = window.record_fault(0, 6, SLOW_FAILURE, &mut log);
        assert_eq!(counts, Some(WindowCounts { calls: 6, failures: 2, slow: 1 }));
        let counts = window.record_fault(0, 6, FAILURE, &mut log);
        assert_eq!(counts, Some(WindowCounts { calls: 6, failures: 2, slow: 1 }));
    }

    #[test]
    fn a_saturated_window_is_not_written_to() {
        let window = CountWindow::new();
        for _ in 0..1000 {
            assert_ne!(window.record_success(0, 100), Advance::NeedsLock);
        }
        assert_eq!(window.head().position(), 100);
    }
}
