//! Time-based windows, in slices: old calls leave a tenth of the window at a time, and a window without calls
//! becomes empty.
//!
//! Each thread counts its successes in its own cell, or, under the lock of a cell that several threads share, in that
//! one. Failures and slow calls are counted under the lock of the window.

use std::collections::VecDeque;

use super::counts::WindowCounts;
use super::slices::TimeSlices;
use super::span::{Epoch, SliceId, SliceLength, WindowSpec};
use crate::clock::{Clock, Moment};
use crate::outcome::Completion;
use crate::sync::striped::{Striped, StripedCell};
use crate::sync::{AtomicU64, Ordering};

/// The successes, which are counted without the lock of the window.
#[derive(Debug)]
pub(super) struct TimeWindow {
    successes: Striped<TimeSlices>,
}

/// The calls that are counted under the lock of the window, and the successes before its last change, oldest slice
/// first.
#[derive(Debug, Default)]
pub(super) struct Buckets(VecDeque<Bucket>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    slice: SliceId,
    successes: u64,
    /// Failures and slow calls.
    faults: WindowCounts,
}

/// A change of the length of slices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resize {
    pub(super) from: SliceLength,
    pub(super) to: SliceLength,
}

impl TimeWindow {
    pub(super) fn new() -> Self {
        Self { successes: Striped::new() }
    }

    /// Counts a success without the lock, if this thread has counted one of this generation before. Returns `true` if
    /// it was counted.
    #[inline]
    pub(super) fn try_record_success(&self, generation: u64, spec: WindowSpec, clock: &Clock) -> bool {
        self.successes.owned().is_some_and(|slices| slices.try_record_success(generation, spec, clock))
    }

    /// Counts a success, without the lock of the window. `spec` is the spec of the window.
    pub(super) fn record_success(&self, generation: u64, spec: &AtomicU64, clock: &Clock) {
        // A shared cell must not go back to an older spec, so the spec is read under the lock of the cell.
        let record = |slices: &TimeSlices| {
            let spec = WindowSpec::from_bits(spec.load(Ordering::Acquire));
            if let Some(length) = spec.slice_length() {
                slices.record_success(generation, spec, length.now(clock));
            }
        };
        match self.successes.owned().map_or_else(|| self.successes.cell(), StripedCell::Owned) {
            StripedCell::Owned(slices) => record(slices),
            StripedCell::Shared(shared) => shared.write_alone(record),
        }
    }

    /// Returns the successes in the window whose last slice is `last`.
    pub(super) fn successes(&self, last: SliceId, spec: WindowSpec) -> u64 {
        self.successes.iter().map(|slices| slices.sum(last, spec)).sum()
    }

    /// Returns an epoch for the spec after `last` that differs from the epochs of all stored counts.
    /// Therefore counts of a former spec with the same span never become those of the new one.
    ///
    /// The search ends because there are fewer threads than epochs that differ. A thread that stores counts of
    /// a former spec meanwhile is recording a call that ends now, which may enter the new window.
    pub(super) fn next_epoch(&self, last: WindowSpec) -> Epoch {
        let mut used: Vec<_> = self.successes.iter().map(|slices| slices.spec().epoch()).collect();
        used.push(last.epoch());
        let mut epoch = last.epoch().next();
        while used.contains(&epoch) && epoch != last.epoch() {
            epoch = epoch.next();
        }
        epoch
    }

    /// Copies the successes of all threads into `buckets`, before the length of slices changes.
    pub(super) fn copy_into(&self, buckets: &mut Buckets, last: SliceId, spec: WindowSpec) {
        for (slice, successes) in self.successes.iter().flat_map(|slices| slices.iter(spec)) {
            if slice.is_within(last) {
                buckets.0.push_back(Bucket { slice, successes, faults: WindowCounts::default() });
            }
        }
        buckets.0.make_contiguous().sort_by_key(|bucket| bucket.slice);
    }
}

impl Buckets {
    /// Counts a failure or a slow call. Returns all such calls in the window, or `None` for a late result of
    /// an older generation.
    pub(super) fn record_fault(&mut self, slice: SliceId, completion: Completion) -> Option<WindowCounts> {
        self.bucket(slice)?.faults += WindowCounts::of(completion);
        Some(self.faults(slice))
    }

    /// Drops the slices that have left the window whose last slice is `last`.
    pub(super) fn forget_before(&mut self, last: SliceId) {
        while let Some(oldest) = self.0.front()
            && !oldest.slice.is_within(last)
        {
            self.0.pop_front();
        }
    }

    /// Returns the failures and slow calls in the window whose last slice is `last`.
    pub(super) fn faults(&self, last: SliceId) -> WindowCounts {
        let mut sum = WindowCounts::default();
        for bucket in self.within(last) {
            sum += bucket.faults;
        }
        sum
    }

    pub(super) fn successes(&self, last: SliceId) -> u64 {
        self.within(last).map(|bucket| bucket.successes).sum()
    }

    /// Returns the same calls in slices of another length.
    pub(super) fn resized(mut self, generation: u64, resize: Resize, now: Moment) -> Self {
        for bucket in &mut self.0 {
            bucket.slice = resize.from.convert(generation, bucket.slice, resize.to, now);
        }
        self
    }

    fn within(&self, last: SliceId) -> impl Iterator<Item = &Bucket> {
        self.0.iter().filter(move |bucket| bucket.slice.is_within(last) && bucket.slice <= last)
    }

    /// Returns the bucket of the newest slice, or `None` for an older slice, which only a late result of an
    /// older generation has. Drops the slices that have left the window, so that their number is limited on every path.
    fn bucket(&mut self, slice: SliceId) -> Option<&mut Bucket> {
        let newest = self.0.back().map(|newest| newest.slice);
        if newest.is_some_and(|newest| newest > slice) {
            return None;
        }
        if newest != Some(slice) {
            self.forget_before(slice);
            self.0.push_back(Bucket { slice, successes: 0, faults: WindowCounts::default() });
        }
        self.0.back_mut()
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    #[test]
    fn slices_that_have_left_the_window_are_forgotten_on_every_path() {
        let mut buckets = Buckets::default();
        let failure = Completion { outcome: Outcome::Failure, is_slow: false };
        for slice in (100..1100).map(SliceId::from_bits) {
            assert!(buckets.bucket(slice).is_some());
            assert!(buckets.0.len() <= 10);
            let faults = buckets.record_fault(slice, failure);
            assert_eq!(faults.map(|faults| faults.failures), Some((slice.bits() - 99).min(10)));
        }
        assert_eq!(buckets.0.len(), 10);
    }
}
