//! Count-based windows: exactly the last N calls that succeeded or failed.
//!
//! Calls are numbered 1, 2, 3 .. in the order in which they enter the window. Only the positions of failures and slow
//! calls are stored. A success increments the count of its own thread, or, while that thread has no cell, a count that
//! several threads share. The position of a failure is the sum of all counts, which is computed under the lock. A
//! window is *saturated* when it is full and holds no failure and no slow call: another success changes nothing.
//!
//! Each count is one word with its whole generation. The word of a thread is written by that thread alone, the words
//! that threads share by compare-and-swap. Counts and positions are correct for these reasons:
//!
//! * **No success is lost or counted twice.** A count of a generation grows by one with each success. It starts again
//!   at zero only under the lock, where the calls counted so far are added to `FaultLog::entered`, so the sum does
//!   not change.
//! * **Positions grow.** Sums are computed under the lock, one after the other, and each count is at least what the
//!   previous sum has read.
//! * **A success that ended before a failure began has a smaller position.** Its count was written before it ended. A
//!   success that runs concurrently with a failure is in the sum or not, and counts as having ended before or after it.
//! * **Generations do not mix.** A success replaces a count of an older generation, and leaves one of a newer
//!   generation as it is. A sum adds the counts of one generation; if there is a count of a newer one, that
//!   generation has begun, and the result is late.

use std::collections::VecDeque;

use super::counts::WindowCounts;
use crate::outcome::Completion;
use crate::sync::striped::{SharedCell, Striped, StripedCell};
use crate::sync::{AtomicU32, AtomicU64, IS_MODEL, Ordering};

/// The successes that are counted without the lock, as words of the type [`Count`].
#[derive(Debug)]
pub(super) struct CountWindow {
    /// The number of successes at which the count of a thread is [carried](Self::carry); zero if the window is not
    /// count-based. Below it, the successes of that thread alone cannot saturate the window again.
    limit: AtomicU64,
    successes: Striped<AtomicU64>,
    /// The first successes of threads without a cell of their own.
    others: AtomicU64,
    /// Number of successes of threads without a cell, up to [`EARLY_LIMIT`].
    early: AtomicU32,
}

/// The count that a thread increments.
enum CountCell<'a> {
    /// A count that only this thread increments.
    Owned(&'a AtomicU64),
    /// A count that other threads increment too.
    Shared(&'a AtomicU64),
}

/// The effect of a success on the count of its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    Counted,
    /// The count must be [carried](CountWindow::carry). It has grown by the length of the window, so the window
    /// may be saturated.
    Full,
}

/// The calls whose positions are known: the failures and slow calls in the window, oldest first, and their sums.
#[derive(Debug, Default)]
#[repr(C)] // The lock and the fields that each failure uses are in one cache line.
pub(super) struct FaultLog {
    generation: u64,
    /// Number of calls of this generation that are in no count: failures, slow calls, and carried successes.
    entered: u64,
    /// The position after which the window began.
    start: u64,
    faults: VecDeque<Fault>,
    failures: u64,
    slow: u64,
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    position: u64,
    completion: Completion,
}

/// A generation and a number of successes in one word.
///
/// ```text
///  63 .......... 28  27 ........ 0
///  generation (36)   successes (28)
/// ```
#[derive(Clone, Copy, Debug)]
struct Count(u64);

const SUCCESSES_BITS: u32 = 28;
const SUCCESSES: u64 = (1 << SUCCESSES_BITS) - 1;

/// Minimum number of successes after which a count is carried.
const MIN_CARRIED: u64 = if IS_MODEL { 1 } else { 64 };

/// Number of successes by threads without a cell after which they get cells.
const EARLY_LIMIT: u32 = if IS_MODEL { 1 } else { 4096 };

impl CountWindow {
    pub(super) fn new(size: Option<u64>) -> Self {
        let (others, early) = (AtomicU64::new(0), AtomicU32::new(0));
        Self { limit: AtomicU64::new(limit(size)), successes: Striped::new(), others, early }
    }

    /// Applies another length, or `None` if the window is not count-based any more.
    pub(super) fn set_size(&self, size: Option<u64>) {
        self.limit.store(limit(size), Ordering::Relaxed);
    }

    /// Records a success, unless it begins or completes a count. Returns `true` if it was recorded.
    #[inline]
    pub(super) fn try_record_success(&self, generation: u64) -> bool {
        let Some(cell) = self.successes.owned() else {
            return false;
        };
        let count = cell.load(Ordering::Relaxed);
        // For any other generation, the difference exceeds every limit.
        let is_usual =
            count.wrapping_sub(Count::none_of(generation).0) + 1 < self.limit.load(Ordering::Relaxed);
        if is_usual {
            cell.store(count + 1, Ordering::Release);
        }
        is_usual
    }

    /// Records a success without the lock.
    pub(super) fn record_success(&self, generation: u64) -> Advance {
        if self.try_record_success(generation) {
            return Advance::Counted;
        }
        let count = match self.cell() {
            CountCell::Owned(cell) => {
                let count = Count(cell.load(Ordering::Relaxed)).with_success(generation);
                count.inspect(|count| cell.store(count.0, Ordering::Release))
            }
            CountCell::Shared(cell) => Self::add_to_shared(cell, generation),
        };
        match count {
            Some(count) if count.successes() >= self.limit.load(Ordering::Relaxed) => Advance::Full,
            // A late result does not count.
            Some(_) | None => Advance::Counted,
        }
    }

    /// Adds the counts that this thread increments to the log, so that they start again at zero.
    pub(super) fn carry(&self, generation: u64, log: &mut FaultLog) {
        if !log.enter(generation) {
            return;
        }
        let none = Count::none_of(generation);
        if let Some(cell) = self.successes.owned() {
            let count = Count(cell.load(Ordering::Relaxed));
            if count.generation() == generation {
                log.entered += count.successes();
                cell.store(none.0, Ordering::Release);
            }
        }
        for shared in self.successes.shared().map(SharedCell::value).into_iter().chain([&self.others]) {
            let carried = shared.fetch_update(Ordering::AcqRel, Ordering::Acquire, |bits| {
                let count = Count(bits);
                (count.generation() == generation && count.successes() > 0).then_some(none.0)
            });
            log.entered += carried.map_or(0, |bits| Count(bits).successes());
        }
    }

    /// Returns `true` if a success of this generation would change nothing: at least `size` successes have followed
    /// the last fault, or the beginning.
    pub(super) fn is_saturated(&self, generation: u64, size: u64, log: &mut FaultLog) -> bool {
        log.enter(generation)
            && self.position(generation, log.entered).is_some_and(|position| {
                let last_fault = log.faults.back().map_or(0, |fault| fault.position);
                position - last_fault.max(log.start) >= size
            })
    }

    /// Records a failure or a slow call. Returns the contents of the window, or `None` for a late result.
    pub(super) fn record_fault(
        &self,
        generation: u64,
        size: u64,
        completion: Completion,
        log: &mut FaultLog,
    ) -> Option<WindowCounts> {
        if !log.enter(generation) {
            return None;
        }
        let position = self.position(generation, log.entered)? + 1;
        log.entered += 1;
        log.push(Fault { position, completion });
        log.forget_before(position, size);
        Some(log.counts(position, size))
    }

    pub(super) fn counts(&self, generation: u64, size: u64, log: &FaultLog) -> WindowCounts {
        if log.generation == generation {
            return self
                .position(generation, log.entered)
                .map_or_else(WindowCounts::default, |position| log.counts(position, size));
        }
        // The log still belongs to an older generation, or this one has ended.
        let successes = if log.generation < generation { self.position(generation, 0) } else { None };
        WindowCounts { calls: successes.unwrap_or(0).min(size), ..WindowCounts::default() }
    }

    /// Changes the length of the window. A window that grows keeps at most as many calls as its old length.
    pub(super) fn resize(&self, generation: u64, from: u64, to: u64, log: &mut FaultLog) {
        if to > from
            && log.enter(generation)
            && let Some(position) = self.position(generation, log.entered)
        {
            log.start = log.start.max(position.saturating_sub(from));
            log.forget_before(position, from);
        }
    }

    /// Empties the window.
    pub(super) fn clear(&self, generation: u64, log: &mut FaultLog) {
        if log.enter(generation)
            && let Some(start) = self.position(generation, log.entered)
        {
            *log = FaultLog { generation, entered: log.entered, start, ..FaultLog::default() };
        }
    }

    /// Returns the number of calls of this generation that have entered the window. Returns `None` if a newer
    /// generation has begun.
    fn position(&self, generation: u64, entered: u64) -> Option<u64> {
        let mut position = entered;
        for cell in self.successes.iter().chain([&self.others]) {
            let count = Count(cell.load(Ordering::Acquire));
            match count.generation().cmp(&generation) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => position += count.successes(),
                std::cmp::Ordering::Greater => return None,
            }
        }
        Some(position)
    }

    /// Returns the cell of this thread. The threads after the first one share a count, until there have been many
    /// successes of such threads.
    fn cell(&self) -> CountCell<'_> {
        if let Some(own) = self.successes.owned().or_else(|| self.successes.claim()) {
            return CountCell::Owned(own);
        }
        if self.early.load(Ordering::Relaxed) < EARLY_LIMIT {
            self.early.fetch_add(1, Ordering::Relaxed);
            return CountCell::Shared(&self.others);
        }
        match self.successes.cell() {
            StripedCell::Owned(cell) => CountCell::Owned(cell),
            StripedCell::Shared(shared) => CountCell::Shared(shared.value()),
        }
    }

    /// Counts a success of a thread without a cell of its own. Returns `None` for a late result.
    fn add_to_shared(cell: &AtomicU64, generation: u64) -> Option<Count> {
        let next = |bits| Count(bits).with_success(generation).map(|count| count.0);
        let before = cell.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        Count(before.ok()?).with_success(generation)
    }
}

fn limit(size: Option<u64>) -> u64 {
    size.map_or(0, |size| size.max(MIN_CARRIED))
}

impl FaultLog {
    /// Returns `true` if a call of this generation can enter the window. A newer generation begins a new
    /// window.
    fn enter(&mut self, generation: u64) -> bool {
        if self.generation < generation {
            *self = Self { generation, ..Self::default() };
        }
        self.generation == generation
    }

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
        let calls = (position - self.start).min(size);
        let mut counts = WindowCounts { calls, failures: self.failures, slow: self.slow };
        for outdated in self.faults.iter().take_while(|fault| fault.position + size <= position) {
            let WindowCounts { failures, slow, .. } = WindowCounts::of(outdated.completion);
            counts.failures -= failures;
            counts.slow -= slow;
        }
        counts
    }
}

impl Count {
    /// Returns no success of this generation.
    const fn none_of(generation: u64) -> Self {
        Self(generation << SUCCESSES_BITS)
    }

    /// Returns the count with one more success of this generation, or `None` if it belongs to a newer one.
    fn with_success(self, generation: u64) -> Option<Self> {
        match self.generation().cmp(&generation) {
            std::cmp::Ordering::Less => Some(Self(Self::none_of(generation).0 + 1)),
            std::cmp::Ordering::Equal => Some(Self(self.0 + 1)),
            std::cmp::Ordering::Greater => None,
        }
    }

    const fn generation(self) -> u64 {
        self.0 >> SUCCESSES_BITS
    }

    const fn successes(self) -> u64 {
        self.0 & SUCCESSES
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;
    use crate::outcome::Outcome;
    use crate::sync::{Mutex, lock};

    const FAILURE: Completion = Completion { outcome: Outcome::Failure, is_slow: false };
    const SLOW_FAILURE: Completion = Completion { outcome: Outcome::Failure, is_slow: true };

    fn succeed(window: &CountWindow, log: &mut FaultLog, generation: u64, times: u64) {
        for _ in 0..times {
            if window.record_success(generation) == Advance::Full {
                window.carry(generation, log);
            }
        }
    }

    #[test]
    fn carried_counts_are_neither_lost_nor_counted_twice() {
        let (window, mut log) = (CountWindow::new(Some(10)), FaultLog::default());
        let size = 1000;
        for sent in 1..=5 * MIN_CARRIED {
            succeed(&window, &mut log, 0, 1);
            assert_eq!(window.counts(0, size, &log).calls, sent);
        }
        let (calls, failures) = (5 * MIN_CARRIED + 1, 1);
        let counts = window.record_fault(0, size, SLOW_FAILURE, &mut log);
        assert_eq!(counts, Some(WindowCounts { calls, failures, slow: 1 }));
        assert!(log.entered > 4 * MIN_CARRIED);
    }

    #[test]
    fn successes_of_threads_with_and_without_a_cell_are_counted_once() {
        let (window, size) = (CountWindow::new(Some(10)), 1_000_000);
        let log = Mutex::new(FaultLog::default());
        let calls = 3 * u64::from(EARLY_LIMIT);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..calls {
                        if window.record_success(7) == Advance::Full {
                            window.carry(7, &mut lock(&log));
                        }
                    }
                });
            }
        });
        let counts = window.counts(7, size, &lock(&log));
        assert_eq!(counts, WindowCounts { calls: 4 * calls, failures: 0, slow: 0 });
    }

    #[test]
    fn a_late_success_is_in_no_window() {
        let (window, mut log) = (CountWindow::new(Some(10)), FaultLog::default());
        succeed(&window, &mut log, 3, 2);
        succeed(&window, &mut log, 2, 5);
        assert_eq!(window.counts(3, 10, &log).calls, 2);
        assert_eq!(window.counts(2, 10, &log).calls, 0, "that generation has ended");
        assert_eq!(window.record_fault(2, 10, FAILURE, &mut log), None);
    }

    #[test]
    fn a_window_is_saturated_only_after_as_many_successes_as_its_length() {
        let (window, mut log) = (CountWindow::new(Some(10)), FaultLog::default());
        let size = 100;
        for last_fault in [0, 1, 2 * size + 7] {
            succeed(&window, &mut log, 1, size - 1);
            assert!(!window.is_saturated(1, size, &mut log), "{last_fault}");
            succeed(&window, &mut log, 1, 1);
            assert!(window.is_saturated(1, size, &mut log), "{last_fault}");
            succeed(&window, &mut log, 1, last_fault);
            let counts = window.record_fault(1, size, FAILURE, &mut log);
            assert_eq!(counts, Some(WindowCounts { calls: size, failures: 1, slow: 0 }));
        }
        assert!(!window.is_saturated(2, size, &mut log), "a new generation begins empty");
    }

    #[test]
    fn a_window_that_grows_or_is_cleared_begins_at_its_position() {
        let (window, mut log) = (CountWindow::new(Some(10)), FaultLog::default());
        succeed(&window, &mut log, 0, 150);
        window.resize(0, 10, 20, &mut log);
        assert_eq!(window.counts(0, 20, &log).calls, 10);
        succeed(&window, &mut log, 0, 15);
        assert_eq!(window.counts(0, 20, &log).calls, 20);
        window.record_fault(0, 20, FAILURE, &mut log);
        window.clear(0, &mut log);
        assert_eq!(window.counts(0, 20, &log), WindowCounts::default());
        succeed(&window, &mut log, 0, 3);
        assert_eq!(window.counts(0, 20, &log).calls, 3);
    }
}
