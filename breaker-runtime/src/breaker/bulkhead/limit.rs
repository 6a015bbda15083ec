//! The bulkhead: its slots in one word, and its queue under a lock.

use std::task::Waker;

use super::queue::{Attempt, Position, Queue, Turn, Wakers};
use super::settings::BulkheadSettings;
use super::slots::Slots;
use crate::clock::{Clock, Moment};
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

#[derive(Debug)]
pub(crate) struct Bulkhead {
    slots: AtomicU64,
    queue: Mutex<Queue>,
}

impl Bulkhead {
    pub(crate) fn new(settings: BulkheadSettings) -> Self {
        let queue = Queue::new(settings);
        Self { slots: AtomicU64::new(queue.slots().bits()), queue: Mutex::new(queue) }
    }

    /// Acquires a slot if one is free and no call waits for it.
    #[inline]
    pub(crate) fn try_acquire(&self, clock: &Clock) -> Attempt {
        let mut slots = Slots::from_bits(self.slots.load(Ordering::Relaxed));
        while let Some(fewer) = slots.with_one_acquired() {
            match self.swap(slots, fewer) {
                Ok(()) => return Attempt::Acquired,
                Err(now) => slots = now,
            }
        }
        self.try_acquire_in_queue(clock)
    }

    /// Releases a slot.
    #[inline]
    pub(crate) fn release(&self, clock: &Clock) {
        let mut slots = Slots::from_bits(self.slots.load(Ordering::Relaxed));
        while let Some(more) = slots.with_one_released() {
            match self.swap(slots, more) {
                Ok(()) => return,
                Err(now) => slots = now,
            }
        }
        self.release_in_queue(clock);
    }

    /// Changes the settings; running calls keep their slots. It wakes no call, so the caller
    /// [wakes](Self::wake_waiting_calls) the waiting calls once it holds no lock.
    pub(crate) fn change(&self, settings: BulkheadSettings) {
        self.lock_queue(|queue, _| queue.change(settings));
    }

    /// Wakes all waiting calls after the settings or the state have changed, and offers them the free slots. No lock
    /// may be held.
    ///
    /// A waiting call enters the queue before it reads the state. This method takes the lock of the queue even if no
    /// call seems to wait, so that a call that enters the queue later reads the new state.
    pub(crate) fn wake_waiting_calls(&self, clock: &Clock) {
        let now = clock.now();
        self.lock_queue(|queue, wakers| {
            queue.offer_free_slots(now, wakers);
            queue.wake_all(wakers);
        });
    }

    /// Returns the number of slots in use, without the ones whose offer has lapsed.
    pub(crate) fn in_flight(&self, clock: &Clock) -> u32 {
        let slots = Slots::from_bits(self.slots.load(Ordering::Acquire));
        if !slots.has_queue() {
            return slots.in_use();
        }
        let now = clock.now();
        self.lock_queue(|queue, _| queue.in_flight(now))
    }

    /// Returns `true` if a call that arrives now would not be rejected or have to wait. Acquires no slot.
    pub(crate) fn would_admit(&self, clock: &Clock) -> bool {
        if Slots::from_bits(self.slots.load(Ordering::Acquire)).with_one_acquired().is_some() {
            return true;
        }
        let now = clock.now();
        self.lock_queue(|queue, _| queue.would_admit(now))
    }

    /// Tries again under the lock of the queue, where the limit belongs to the policy that the result names.
    #[cold]
    #[inline(never)]
    fn try_acquire_in_queue(&self, clock: &Clock) -> Attempt {
        let now = clock.now();
        self.lock_queue(|queue, wakers| queue.try_acquire(now, wakers))
    }

    #[cold]
    #[inline(never)]
    fn release_in_queue(&self, clock: &Clock) {
        let now = clock.now();
        self.lock_queue(|queue, wakers| queue.release(now, wakers));
    }

    /// Takes the turn of a waiting call; see [`Queue::take_turn`].
    pub(super) fn take_turn(&self, position: &mut Position, waker: Waker, now: Moment) -> Turn {
        self.lock_queue(|queue, wakers| queue.take_turn(position, waker, now, wakers))
    }

    /// Removes a waiting call that is cancelled or waits no longer.
    pub(super) fn leave(&self, position: &mut Position, clock: &Clock) {
        let now = clock.now();
        self.lock_queue(|queue, wakers| queue.leave(position, now, wakers));
    }

    /// Runs `change` under the lock of the queue. The wakers that it collects are woken and dropped afterwards.
    fn lock_queue<R>(&self, change: impl FnOnce(&mut Queue, &mut Wakers) -> R) -> R {
        let mut wakers = Wakers::default();
        let mut queue = lock(&self.queue);
        // The word shows a queue until the lock is released, so that only this thread changes it.
        queue.set_in_use(Slots::from_bits(self.slots.fetch_and(Slots::IN_USE, Ordering::AcqRel)).in_use());
        let result = change(&mut queue, &mut wakers);
        self.slots.store(queue.slots().bits(), Ordering::Release);
        drop(queue);
        wakers.wake();
        result
    }

    #[inline]
    fn swap(&self, from: Slots, to: Slots) -> Result<(), Slots> {
        self.slots
            .compare_exchange_weak(from.bits(), to.bits(), Ordering::AcqRel, Ordering::Relaxed)
            .map(drop)
            .map_err(Slots::from_bits)
    }
}
