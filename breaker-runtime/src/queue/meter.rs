//! The figures of one queue, which are added to those of its circuit.
//!
//! The length follows pushes and removals. If one of them is cancelled, its effect is unknown, and the length is read
//! from the store again. A length that was read while an operation was running may or may not include it, so it is read
//! once more.

use std::sync::Arc;

use crate::breaker::QueueCounters;
use crate::sync::{Mutex, Ordering, lock};

/// The largest capacity that the figures show, so that the sum of many capacities is exact.
const MAX_SHOWN_CAPACITY: u64 = 1 << 48;

/// The figures of one queue. Dropping it subtracts its length and capacity from those of the circuit.
#[derive(Debug)]
pub(super) struct Meter {
    counters: Arc<QueueCounters>,
    capacity: u64,
    length: Mutex<Length>,
}

#[derive(Debug, Default)]
struct Length {
    items: u64,
    /// The operations of the store that are running.
    running: u64,
    /// The number of operations that have started.
    started: u64,
    /// Set if the length must be read from the store.
    is_stale: bool,
    /// Set once an operation was dropped. The store may complete it at any time.
    may_change: bool,
}

/// An operation that is running. Dropping it before its end makes the length unknown.
pub(super) struct RunningOperation<'a> {
    meter: &'a Meter,
    has_ended: bool,
}

/// The reading of a length that has started.
#[derive(Clone, Copy, Debug)]
pub(super) struct LengthReading {
    running: u64,
    started: u64,
}

impl Meter {
    pub(super) fn new(counters: Arc<QueueCounters>, capacity: usize) -> Self {
        let capacity = (capacity as u64).min(MAX_SHOWN_CAPACITY);
        counters.capacity.fetch_add(capacity, Ordering::Relaxed);
        Self { counters, capacity, length: Mutex::default() }
    }

    pub(super) fn start_operation(&self) -> RunningOperation<'_> {
        let mut length = lock(&self.length);
        length.running += 1;
        length.started += 1;
        RunningOperation { meter: self, has_ended: false }
    }

    pub(super) fn queued(&self) {
        self.counters.queued.fetch_add(1, Ordering::Relaxed);
        let mut length = lock(&self.length);
        self.change(&mut length, |items| items.saturating_add(1));
    }

    pub(super) fn refused(&self) {
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an item that was delivered and is no longer in the store.
    pub(super) fn delivered(&self) {
        self.counters.delivered.fetch_add(1, Ordering::Relaxed);
        self.shorten(1);
    }

    /// Counts items that were not delivered and are no longer in the store.
    pub(super) fn discarded(&self, count: usize) {
        self.counters.discarded.fetch_add(count as u64, Ordering::Relaxed);
        self.shorten(count as u64);
    }

    /// Sets the length to that of a store whose use begins.
    pub(super) fn set_length(&self, items: usize) {
        self.change(&mut lock(&self.length), |_| items as u64);
    }

    /// Returns what [`end_reading`](Self::end_reading) needs, if the length must be read from the store.
    pub(super) fn start_reading(&self) -> Option<LengthReading> {
        let length = lock(&self.length);
        length.is_stale.then_some(LengthReading { running: length.running, started: length.started })
    }

    /// Sets the length to the one that was read. It is read again if an operation was running meanwhile.
    pub(super) fn end_reading(&self, reading: LengthReading, items: usize) {
        let mut length = lock(&self.length);
        self.change(&mut length, |_| items as u64);
        length.is_stale = reading.running > 0 || reading.started != length.started;
    }

    pub(super) fn set_stale(&self) {
        lock(&self.length).is_stale = true;
    }

    /// Makes the length stale if it differs from 0. For a store that was found to be empty.
    pub(super) fn expect_empty(&self) {
        let mut length = lock(&self.length);
        length.is_stale |= length.items > 0;
    }

    /// Returns `true` if the store may differ from what was read, so that it must be read again some time later.
    pub(super) fn must_read_later(&self) -> bool {
        let length = lock(&self.length);
        length.is_stale || length.may_change
    }

    fn shorten(&self, count: u64) {
        self.change(&mut lock(&self.length), |items| items.saturating_sub(count));
    }

    fn change(&self, length: &mut Length, change: impl FnOnce(u64) -> u64) {
        let before = length.items;
        length.items = change(before);
        // Wraps around for a shorter length. The sum does not, because each queue subtracts only what it has added.
        self.counters.length.fetch_add(length.items.wrapping_sub(before), Ordering::Relaxed);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.set_length(0);
        self.counters.capacity.fetch_sub(self.capacity, Ordering::Relaxed);
    }
}

impl RunningOperation<'_> {
    /// Ends the operation, after its effect was counted.
    pub(super) fn end(mut self) {
        self.has_ended = true;
    }
}

impl Drop for RunningOperation<'_> {
    fn drop(&mut self) {
        let mut length = lock(&self.meter.length);
        length.running -= 1;
        if !self.has_ended {
            length.is_stale = true;
            length.may_change = true;
        }
    }
}
