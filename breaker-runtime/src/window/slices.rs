//! The successes of one thread, or of the threads that share a cell, in each slice of a time-based window.
//!
//! One thread at a time writes (see `sync/striped.rs`) while others may read the sum. Proof for a cell: before the
//! writer reuses it for another slice, it clears the slice id, then writes the count (release), then the new
//! id. A reader loads the id, the count (acquire) and the id again: if it saw the count of the new slice, its
//! second load finds another id, and it skips a cell that is being rewritten. All cells belong to the spec
//! that is stored with them: the writer clears it, empties the cells and stores the new spec (release), and a
//! reader with another spec skips all of them.

use super::span::{SLICES, SliceId, WindowSpec};
use crate::clock::{Clock, Moment};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// The successes of the threads that write one cell.
#[derive(Debug, Default)]
pub(super) struct TimeSlices {
    spec: AtomicU64,
    // The last slice that the writer used. While it is current, the writer only increments a count.
    /// [`TOO_SHORT`] if the coarse clock is not precise enough for the slice.
    generation: AtomicU64,
    ends: AtomicU64,
    index: AtomicU32,
    cells: [Cell; SLICES],
}

#[derive(Debug, Default)]
struct Cell {
    /// One more than the slice id; zero for none.
    slice: AtomicU64,
    successes: AtomicU64,
}

/// A number that no generation has.
const TOO_SHORT: u64 = u64::MAX;

impl TimeSlices {
    /// Counts a success, if the last slice that was used belongs to this generation and this spec, and the coarse clock
    /// is precise enough for it. Returns `true` if it was counted. Only the owning thread may call it.
    #[inline]
    pub(super) fn try_record_success(&self, generation: u64, spec: WindowSpec, clock: &Clock) -> bool {
        if self.spec.load(Ordering::Relaxed) != spec.bits()
            || self.generation.load(Ordering::Relaxed) != generation
        {
            return false;
        }
        // Nothing but this value is used after the clock was read, so that few registers are saved.
        let now = clock.coarse_now();
        match self.cells.get(self.index.load(Ordering::Relaxed) as usize) {
            Some(cell) if now.nanos() < self.ends.load(Ordering::Relaxed) => cell.increment(),
            Some(_) | None => self.begin_slice(now),
        }
        true
    }

    /// Counts a success in the slice that contains `now`, of the same generation and spec as the last slice.
    #[cold]
    #[inline(never)]
    fn begin_slice(&self, now: Moment) {
        let spec = WindowSpec::from_bits(self.spec.load(Ordering::Relaxed));
        self.record_success(self.generation.load(Ordering::Relaxed), spec, now);
    }

    /// Counts a success. Only one thread at a time may call it: the owning one, or one with the lock of the cell.
    pub(super) fn record_success(&self, generation: u64, spec: WindowSpec, now: Moment) {
        self.adopt(spec);
        let Some(length) = spec.slice_length() else {
            return;
        };
        let slice = length.id(generation, now);
        let Some(cell) = self.cells.get(slice.index() as usize) else {
            return;
        };
        match cell.slice.load(Ordering::Relaxed).cmp(&(slice.bits().wrapping_add(1))) {
            std::cmp::Ordering::Less => cell.reset(slice.bits().wrapping_add(1), 1),
            std::cmp::Ordering::Equal => cell.increment(),
            // A late result of an older generation.
            std::cmp::Ordering::Greater => return,
        }
        self.generation.store(if length.is_short() { TOO_SHORT } else { generation }, Ordering::Relaxed);
        self.ends.store(length.end(now).nanos(), Ordering::Relaxed);
        self.index.store(slice.index(), Ordering::Relaxed);
    }

    /// Returns the spec of the counts. A read-modify-write reads the latest value, which a load need not.
    pub(super) fn spec(&self) -> WindowSpec {
        WindowSpec::from_bits(self.spec.fetch_or(0, Ordering::AcqRel))
    }

    /// Returns the successes in the window whose last slice is `last`.
    pub(super) fn sum(&self, last: SliceId, spec: WindowSpec) -> u64 {
        self.iter(spec).filter(|(slice, _)| slice.is_within(last)).map(|(_, successes)| successes).sum()
    }

    /// Returns all slices with their successes, if they belong to `spec`.
    pub(super) fn iter(&self, spec: WindowSpec) -> impl Iterator<Item = (SliceId, u64)> {
        let is_same = self.spec.load(Ordering::Acquire) == spec.bits();
        self.cells.iter().filter(move |_| is_same).filter_map(Cell::read)
    }

    /// Empties all cells if they belong to another spec.
    fn adopt(&self, spec: WindowSpec) {
        if self.spec.load(Ordering::Relaxed) == spec.bits() {
            return;
        }
        self.spec.store(0, Ordering::Relaxed);
        for cell in &self.cells {
            cell.reset(0, 0);
        }
        self.spec.store(spec.bits(), Ordering::Release);
    }
}

impl Cell {
    #[inline]
    fn increment(&self) {
        self.successes.store(self.successes.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    fn reset(&self, slice: u64, successes: u64) {
        self.slice.store(0, Ordering::Relaxed);
        self.successes.store(successes, Ordering::Release);
        self.slice.store(slice, Ordering::Release);
    }

    fn read(&self) -> Option<(SliceId, u64)> {
        let slice = self.slice.load(Ordering::Acquire);
        let successes = self.successes.load(Ordering::Acquire);
        let is_same = self.slice.load(Ordering::Relaxed) == slice;
        (is_same && slice > 0).then(|| (SliceId::from_bits(slice - 1), successes))
    }
}
