//! How many calls may run at a time: first come, first served, sync and async calls in one queue.
//!
//! The queue is tokio's semaphore, which runs under any executor and takes back the place of a waiting
//! call that is cancelled.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::{Clock, Timeout};
use crate::sync::{AtomicU32, Mutex, Ordering, lock};

#[derive(Debug)]
pub(super) struct Bulkhead {
    places: Semaphore,
    size: Mutex<Size>,
    /// Whether places are owed: a hint, read without the lock.
    has_debt: AtomicU32,
}

/// How many places there are, and how many of those that are taken go when they are given back.
#[derive(Clone, Copy, Debug)]
struct Size {
    places: u32,
    owed: u32,
}

/// So many that nobody waits: for those who were waiting when the limit was lifted.
const UNLIMITED: u32 = 1 << 28;

impl Bulkhead {
    pub(super) fn new(limit: Option<u32>) -> Self {
        let places = limit.unwrap_or(UNLIMITED).min(UNLIMITED);
        Self {
            places: Semaphore::new(places as usize),
            size: Mutex::new(Size { places, owed: 0 }),
            has_debt: AtomicU32::new(0),
        }
    }

    /// Takes a place if one is free and nobody waits for it.
    pub(super) fn try_enter(&self) -> bool {
        while self.places.try_acquire().map(SemaphorePermit::forget).is_ok() {
            if !self.pays_debt() {
                return true;
            }
        }
        false
    }

    /// Takes a place; blocks this thread until one is free, but no longer than `wait`.
    pub(super) fn enter_blocking(&self, wait: Duration, clock: &Clock) -> bool {
        !wait.is_zero() && clock.block_for(wait, self.enter()).is_some()
    }

    /// Takes a place; waits until one is free, but no longer than `wait`, and not at all where there is no
    /// timer.
    pub(super) async fn enter_within(&self, wait: Duration, clock: &Clock) -> bool {
        if self.try_enter() {
            return true;
        }
        // Who does not wait needs no timer, and so no tokio runtime.
        if wait.is_zero() {
            return false;
        }
        match clock.alarm(wait) {
            Some(alarm) => Timeout::new(self.enter(), alarm).await.is_some(),
            None => false,
        }
    }

    /// Gives a place back.
    pub(super) fn leave(&self) {
        let mut size = lock(&self.size);
        if size.owed > 0 {
            self.owe(&mut size, |owed| owed - 1);
            return;
        }
        drop(size);
        self.hand_out(1);
    }

    /// Changes the limit. Returns how many new places the caller must [`hand_out`](Self::hand_out) once it
    /// holds no lock. Running calls keep theirs.
    pub(super) fn resize(&self, limit: Option<u32>) -> u32 {
        let mut size = lock(&self.size);
        let (before, after) = (size.places, limit.unwrap_or(UNLIMITED).min(UNLIMITED));
        size.places = after;
        let fewer = before.saturating_sub(after);
        let gone = self.places.forget_permits(fewer as usize);
        let more = after.saturating_sub(before);
        let paid = more.min(size.owed);
        self.owe(&mut size, |owed| owed - paid + fewer - u32::try_from(gone).unwrap_or(fewer));
        more - paid
    }

    /// Gives free places to those who wait. It wakes them, so it must not be called under a lock.
    pub(super) fn hand_out(&self, places: u32) {
        self.places.add_permits(places as usize);
    }

    /// How many calls are running.
    pub(super) fn in_flight(&self) -> u32 {
        let size = lock(&self.size);
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        (size.places + size.owed).saturating_sub(free)
    }

    /// The semaphore is never closed, so a place is what waiting ends with.
    async fn enter(&self) {
        while let Ok(place) = self.places.acquire().await {
            place.forget();
            if !self.pays_debt() {
                return;
            }
        }
    }

    /// Whether a place that was just taken is an owed one, and is gone with that. Those that run pay when they
    /// leave; but the place of a call that was cancelled while it waited comes straight from the semaphore.
    fn pays_debt(&self) -> bool {
        if self.has_debt.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut size = lock(&self.size);
        let pays = size.owed > 0;
        self.owe(&mut size, |owed| owed.saturating_sub(1));
        pays
    }

    fn owe(&self, size: &mut Size, change: impl FnOnce(u32) -> u32) {
        size.owed = change(size.owed);
        self.has_debt.store(u32::from(size.owed > 0), Ordering::Relaxed);
    }
}
