//! The figures of one queue, which are added to those of its circuit.
//!
//! The length follows pushes and removals. If one of them is cancelled, its effect is unknown, and the length is read from
//! the store again.

use std::sync::Arc;

use crate::breaker::QueueCounters;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// The figures of one queue. Dropping it subtracts its length and capacity from those of the circuit.
#[derive(Debug)]
pub(super) struct Meter {
    counters: Arc<QueueCounters>,
    length: AtomicU64,
    capacity: u64,
    /// 1 if the length must be read from the store.
    is_stale: AtomicU32,
}

/// An operation that is running. Dropping it before its end makes the length unknown.
pub(super) struct RunningOperation<'a>(Option<&'a Meter>);

impl Meter {
    pub(super) fn new(counters: Arc<QueueCounters>, capacity: usize) -> Self {
        let capacity = capacity as u64;
        counters.capacity.fetch_add(capacity, Ordering::Relaxed);
        Self { counters, length: AtomicU64::new(0), capacity, is_stale: AtomicU32::new(0) }
    }

    pub(super) const fn start_operation(&self) -> RunningOperation<'_> {
        RunningOperation(Some(self))
    }

    pub(super) fn queued(&self) {
        self.counters.queued.fetch_add(1, Ordering::Relaxed);
        self.length.fetch_add(1, Ordering::Relaxed);
        self.counters.length.fetch_add(1, Ordering::Relaxed);
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

    /// Sets the length to that of the store.
    pub(super) fn set_length(&self, length: usize) {
        let length = length as u64;
        let before = self.length.swap(length, Ordering::Relaxed);
        self.counters.length.fetch_add(length, Ordering::Relaxed);
        subtract(&self.counters.length, before);
    }

    /// Returns `true` once after the length has become unknown.
    pub(super) fn take_stale(&self) -> bool {
        self.is_stale.swap(0, Ordering::Relaxed) != 0
    }

    pub(super) fn set_stale(&self) {
        self.is_stale.store(1, Ordering::Relaxed);
    }

    fn shorten(&self, count: u64) {
        let subtracted = subtract(&self.length, count);
        subtract(&self.counters.length, subtracted);
    }
}

/// Subtracts `count`, or as much of it as possible, and returns what it has subtracted.
fn subtract(from: &AtomicU64, count: u64) -> u64 {
    let before =
        from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |value| Some(value.saturating_sub(count)));
    let (Ok(before) | Err(before)) = before;
    before.min(count)
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.set_length(0);
        subtract(&self.counters.capacity, self.capacity);
    }
}

impl RunningOperation<'_> {
    pub(super) fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for RunningOperation<'_> {
    fn drop(&mut self) {
        if let Some(meter) = self.0 {
            meter.set_stale();
        }
    }
}
