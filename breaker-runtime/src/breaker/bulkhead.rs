//! The limit on concurrent calls: first come, first served, with sync and async calls in one queue.
//!
//! The queue is tokio's semaphore, which runs under any executor and takes back the slot of a waiting call
//! that is cancelled. When the limit is lowered, slots in use cannot be taken back at once: they are *excess*
//! and disappear when their calls release them.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::{Clock, Timeout};
use crate::sync::{AtomicU32, Mutex, Ordering, lock};

#[derive(Debug)]
pub(super) struct Bulkhead {
    slots: Semaphore,
    size: Mutex<Size>,
    /// 1 while there may be excess slots, otherwise 0. A hint that is read without the lock.
    has_excess: AtomicU32,
}

/// The limit, and the slots in use beyond it.
#[derive(Clone, Copy, Debug)]
struct Size {
    limit: u32,
    excess: u32,
}

/// The number of slots without a limit, which releases all waiters.
const UNLIMITED: u32 = 1 << 28;

impl Bulkhead {
    pub(super) fn new(limit: Option<u32>) -> Self {
        let limit = limit.unwrap_or(UNLIMITED).min(UNLIMITED);
        Self {
            slots: Semaphore::new(limit as usize),
            size: Mutex::new(Size { limit, excess: 0 }),
            has_excess: AtomicU32::new(0),
        }
    }

    /// Acquires a slot if one is free and no call waits for it.
    pub(super) fn try_acquire(&self) -> bool {
        while self.slots.try_acquire().map(SemaphorePermit::forget).is_ok() {
            if !self.remove_if_excess() {
                return true;
            }
        }
        false
    }

    /// Acquires a slot, and blocks the thread for at most `wait` until one is free.
    pub(super) fn acquire_blocking(&self, wait: Duration, clock: &Clock) -> bool {
        !wait.is_zero() && clock.block_for(wait, self.acquire()).is_some()
    }

    /// Acquires a slot, and waits for at most `wait` until one is free. Without a timer it does not wait.
    pub(super) async fn acquire_within(&self, wait: Duration, clock: &Clock) -> bool {
        if self.try_acquire() {
            return true;
        }
        // A call that does not wait needs no timer, and therefore no tokio runtime.
        if wait.is_zero() {
            return false;
        }
        match clock.alarm(wait) {
            Some(sleep) => Timeout::new(self.acquire(), sleep).await.is_some(),
            None => false,
        }
    }

    /// Releases a slot.
    pub(super) fn release(&self) {
        let mut size = lock(&self.size);
        if size.excess > 0 {
            self.set_excess(&mut size, |excess| excess - 1);
            return;
        }
        drop(size);
        self.add_slots(1);
    }

    /// Changes the limit; running calls keep their slots. Returns the number of new slots, which the caller
    /// [adds](Self::add_slots) once it holds no lock.
    pub(super) fn resize(&self, limit: Option<u32>) -> u32 {
        let mut size = lock(&self.size);
        let (old, new) = (size.limit, limit.unwrap_or(UNLIMITED).min(UNLIMITED));
        size.limit = new;
        let fewer = old.saturating_sub(new);
        let removed = self.slots.forget_permits(fewer as usize);
        let more = new.saturating_sub(old);
        let reused = more.min(size.excess);
        self.set_excess(&mut size, |excess| {
            excess - reused + fewer - u32::try_from(removed).unwrap_or(fewer)
        });
        more - reused
    }

    /// Adds free slots. It wakes waiting calls, so no lock may be held.
    pub(super) fn add_slots(&self, slots: u32) {
        self.slots.add_permits(slots as usize);
    }

    /// Returns the number of running calls.
    pub(super) fn in_flight(&self) -> u32 {
        let size = lock(&self.size);
        let free = u32::try_from(self.slots.available_permits()).unwrap_or(u32::MAX);
        (size.limit + size.excess).saturating_sub(free)
    }

    /// Waits for a slot. The semaphore is never closed.
    async fn acquire(&self) {
        while let Ok(slot) = self.slots.acquire().await {
            slot.forget();
            if !self.remove_if_excess() {
                return;
            }
        }
    }

    /// Removes the slot that was just taken, if it is in excess. Running calls remove theirs on release, but
    /// a call that is cancelled while it waits returns its slot directly to the semaphore.
    fn remove_if_excess(&self) -> bool {
        if self.has_excess.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut size = lock(&self.size);
        let is_excess = size.excess > 0;
        self.set_excess(&mut size, |excess| excess.saturating_sub(1));
        is_excess
    }

    fn set_excess(&self, size: &mut Size, change: impl FnOnce(u32) -> u32) {
        size.excess = change(size.excess);
        self.has_excess.store(u32::from(size.excess > 0), Ordering::Relaxed);
    }
}
