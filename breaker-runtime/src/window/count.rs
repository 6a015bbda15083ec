//! Exactly the last N calls that succeeded or failed.
//!
//! Calls have positions: 1, 2, 3 .. in the order in which they entered the window. Only the positions of
//! those that are no plain success are kept; a success is but a step of the position, and once the window
//! is full and holds nothing else, not even that: one success more changes nothing then.
//!
//! Proof of `head` and `last_bad`. `head` holds a position and the whole generation. Under the lock it may
//! be set to a new generation or shifted; without the lock a success steps it by compare-and-swap, which
//! succeeds only in its own generation. `last_bad` is written under the lock,
//! after the step of `head` that it belongs to. A success that finds the window clean because it reads the
//! one before the other runs beside that bad call and counts as having come before it, when the window
//! was clean indeed. When both are reset, `last_bad` goes first: whoever sees the new `head` sees a window
//! that is not full.

use std::collections::VecDeque;

use super::{Bad, Counts};
use crate::sync::{AtomicU64, Ordering};

#[derive(Debug)]
pub(super) struct CountWindow {
    head: AtomicU64,
    last_bad: AtomicU64,
}

/// What became of a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Taken,
    /// The window is full and clean.
    Needless,
    /// The window is of another generation, or its positions run out.
    Refused,
}

/// The calls that were no plain successes, oldest first, and how many of them there are of each sort.
#[derive(Debug, Default)]
pub(super) struct Marks {
    generation: u64,
    bad: VecDeque<Mark>,
    failures: u64,
    slow: u64,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    position: u64,
    bad: Bad,
}

/// ```text
///  63 .......... 27  26 ....... 0
///  generation (36)   position (27)
/// ```
#[derive(Clone, Copy, Debug)]
struct Head(u64);

const POSITION_BITS: u32 = 27;
const POSITION: u64 = (1 << POSITION_BITS) - 1;
/// Positions begin anew from here, and leave room for all who are on their way.
const LAST_POSITION: u64 = POSITION - (1 << 20);

impl CountWindow {
    pub(super) fn new() -> Self {
        Self { head: AtomicU64::new(0), last_bad: AtomicU64::new(0) }
    }

    /// Steps on without the lock.
    #[inline]
    pub(super) fn succeed(&self, generation: u64, size: u64) -> Step {
        let mut head = self.head();
        while let Some(position) = head.position_in(generation) {
            if self.is_full_and_clean(position, size) {
                return Step::Needless;
            }
            match self.head.compare_exchange_weak(head.0, head.0 + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Step::Taken,
                Err(now) => head = Head(now),
            }
        }
        Step::Refused
    }

    /// Whether a success of this generation need not step.
    pub(super) fn is_full_and_clean_in(&self, generation: u64, size: u64) -> bool {
        self.head().position_in(generation).is_some_and(|position| self.is_full_and_clean(position, size))
    }

    /// The same under the lock.
    #[cold]
    pub(super) fn succeed_slowly(&self, generation: u64, size: u64, marks: &mut Marks) {
        if self.enter(generation, size, marks) {
            self.head.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// A call that was no plain success. What the window holds with it; nothing if it comes too late.
    pub(super) fn add(&self, generation: u64, size: u64, bad: Bad, marks: &mut Marks) -> Option<Counts> {
        if !self.enter(generation, size, marks) {
            return None;
        }
        let position = Head(self.head.fetch_add(1, Ordering::AcqRel)).position() + 1;
        marks.push(Mark { position, bad });
        self.last_bad.store(position, Ordering::Release);
        marks.forget_before(position, size);
        Some(marks.counts(position, size))
    }

    pub(super) fn counts(&self, generation: u64, size: u64, marks: &Marks) -> Counts {
        if marks.generation != generation {
            return Counts::default();
        }
        marks.counts(self.head().position(), size)
    }

    /// Makes room in a window that grows: it has seen no more than its old size.
    pub(super) fn resize(&self, before: u64, after: u64, marks: &mut Marks) {
        if after > before {
            self.shift_down(before, marks);
        }
    }

    pub(super) fn forget(&self, marks: &mut Marks) {
        self.begin(marks.generation, marks);
    }

    /// Whether a call of this generation may enter. A younger one than the window's begins a new window.
    fn enter(&self, generation: u64, size: u64, marks: &mut Marks) -> bool {
        if marks.generation < generation {
            self.begin(generation, marks);
        }
        if self.head().position() >= LAST_POSITION {
            self.shift_down(size, marks);
        }
        marks.generation == generation
    }

    fn begin(&self, generation: u64, marks: &mut Marks) {
        *marks = Marks { generation, ..Marks::default() };
        self.last_bad.store(0, Ordering::Release);
        // A swap, like the steps: of two, one sees the other.
        self.head.swap(Head::start_of(generation).0, Ordering::AcqRel);
    }

    /// Renumbers so that the last call has the position `size`, if it had a later one.
    fn shift_down(&self, size: u64, marks: &mut Marks) {
        let position = self.head().position();
        marks.forget_before(position, size);
        let by = position.saturating_sub(size);
        for mark in &mut marks.bad {
            mark.position -= by;
        }
        self.head.fetch_sub(by, Ordering::AcqRel);
        self.last_bad.store(marks.bad.back().map_or(0, |mark| mark.position), Ordering::Release);
    }

    /// Whether the last `size` calls were successes: as many have passed since the last that was none, or
    /// since the beginning.
    #[inline]
    fn is_full_and_clean(&self, position: u64, size: u64) -> bool {
        position.saturating_sub(self.last_bad.load(Ordering::Acquire)) >= size
    }

    #[inline]
    fn head(&self) -> Head {
        Head(self.head.load(Ordering::Acquire))
    }
}

impl Marks {
    fn push(&mut self, mark: Mark) {
        self.failures += mark.bad.failures();
        self.slow += mark.bad.slow();
        self.bad.push_back(mark);
    }

    fn forget_before(&mut self, position: u64, size: u64) {
        while let Some(oldest) = self.bad.front()
            && oldest.position + size <= position
        {
            self.failures -= oldest.bad.failures();
            self.slow -= oldest.bad.slow();
            self.bad.pop_front();
        }
    }

    /// Leaves out those that have left the window since somebody looked last.
    fn counts(&self, position: u64, size: u64) -> Counts {
        let mut counts = Counts { calls: position.min(size), failures: self.failures, slow: self.slow };
        for gone in self.bad.iter().take_while(|mark| mark.position + size <= position) {
            counts.failures -= gone.bad.failures();
            counts.slow -= gone.bad.slow();
        }
        counts
    }
}

impl Head {
    const fn start_of(generation: u64) -> Self {
        Self(generation << POSITION_BITS)
    }

    /// The position, in a window of this generation that has positions left: for any other one, the
    /// difference is larger than any position.
    #[inline]
    fn position_in(self, generation: u64) -> Option<u64> {
        let position = self.0.wrapping_sub(Self::start_of(generation).0);
        (position < LAST_POSITION).then_some(position)
    }

    #[inline]
    const fn position(self) -> u64 {
        self.0 & POSITION
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;

    #[test]
    fn positions_that_run_out_begin_anew_and_nothing_is_lost() {
        let (window, mut marks) = (CountWindow::new(), Marks::default());
        window.head.store(LAST_POSITION - 3, Ordering::Relaxed);
        window.last_bad.store(LAST_POSITION - 3, Ordering::Relaxed);
        marks.push(Mark { position: LAST_POSITION - 3, bad: Bad::Failure });
        for _ in 0..4 {
            if window.succeed(0, 6) == Step::Refused {
                window.succeed_slowly(0, 6, &mut marks);
            }
        }
        assert_eq!(window.head().position(), 7);
        let counts = window.add(0, 6, Bad::SlowFailure, &mut marks);
        assert_eq!(counts, Some(Counts { calls: 6, failures: 2, slow: 1 }));
        let counts = window.add(0, 6, Bad::Failure, &mut marks);
        assert_eq!(counts, Some(Counts { calls: 6, failures: 2, slow: 1 }));
    }

    #[test]
    fn a_window_that_is_full_and_clean_is_not_written_to() {
        let window = CountWindow::new();
        for _ in 0..1000 {
            assert_ne!(window.succeed(0, 100), Step::Refused);
        }
        assert_eq!(window.head().position(), 100);
    }
}
