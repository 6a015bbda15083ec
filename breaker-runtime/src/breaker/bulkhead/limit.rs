//! The bulkhead: its slots in one word, and its queue under a lock.
//!
//! # Proof of the word
//!
//! 1. **No slot is lost or doubled.** The low half of the word is the number of slots in use. Every change of it is one
//!    read-modify-write: a call adds 1 and later subtracts 1, and the holder of the lock adds the difference that its
//!    changes make. Each subtraction belongs to one earlier addition, so the number is never negative and never carries
//!    into the upper half, which only the holder of the lock changes.
//! 2. **The limit holds.** A call adds 1 by a compare-and-swap of a word with a free slot and without the bit *queue*.
//!    The holder of the lock sets that bit first and keeps it until it adds its difference. Meanwhile slots are only
//!    released, so the count that it has read is never too low.
//! 3. **A waiting call gets a slot.** A call enters the queue under the lock, after the bit was set. A release before
//!    that is in the count that the holder of the lock has read. A release after that reads the bit, and takes the lock
//!    to offer the slot, unless it finds the bit cleared. In that case no call waits, because the bit stays set while
//!    one does, and a call that enters the queue later reads a count that includes the release.
//! 4. **No new call overtakes a waiting one.** The bit is set while a call waits or has an offer, and while it is set,
//!    a new call acquires a slot only under the lock, after the waiting calls.

use std::task::Waker;

use super::queue::{Attempt, Position, Queue, TurnResult, Wakers};
use super::settings::{BulkheadSettings, CallNeeds};
use super::slots::Slots;
use crate::clock::{Clock, Moment};
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// The bulkhead of a circuit: its slots, and the calls that wait for one.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    slots: AtomicU64,
    queue: Mutex<Queue>,
}

/// A slot that has been released and that may have to be offered to a waiting call.
#[derive(Debug)]
#[must_use = "a waiting call is entitled to the slot"]
pub(crate) struct UnfinishedRelease<'a>(&'a Bulkhead);

impl Bulkhead {
    pub(crate) fn new(settings: BulkheadSettings) -> Self {
        let queue = Queue::new(settings);
        Self { slots: AtomicU64::new(queue.slots().bits()), queue: Mutex::new(queue) }
    }

    /// Acquires a slot if one is free and no call waits for it.
    #[inline]
    pub(crate) fn try_acquire(&self, clock: &Clock) -> Attempt {
        if self.swap(Slots::with_one_acquired) { Attempt::Acquired } else { self.try_acquire_in_queue(clock) }
    }

    /// Acquires a slot for a call that needs nothing else. Returns `false`, and does nothing, if no slot is free, if a
    /// call waits for one, if the settings have other parts that apply to a call, or if the circuit has taps.
    #[inline]
    pub(crate) fn try_acquire_fast(&self) -> bool {
        self.swap(Slots::with_one_acquired_fast)
    }

    /// Releases a slot.
    #[inline]
    pub(crate) fn release(&self, clock: &Clock) {
        if let Some(released) = self.start_release() {
            released.finish(clock);
        }
    }

    /// Releases a slot. If calls may wait for it, the caller finishes the release, which runs wakers.
    #[inline]
    pub(crate) fn start_release(&self) -> Option<UnfinishedRelease<'_>> {
        let before = Slots::from_bits(self.slots.fetch_sub(1, Ordering::AcqRel));
        before.is_slow().then_some(UnfinishedRelease(self))
    }

    /// Changes the settings; running calls keep their slots. It wakes no call, so the caller
    /// [wakes](Self::wake_waiting_calls) the waiting calls once it holds no lock.
    pub(crate) fn change(&self, settings: BulkheadSettings, now: Moment) {
        self.lock_queue(|queue, _| queue.change(settings, now));
    }

    /// Changes the needs of a call for the taps of the circuit. Runs no waker.
    pub(crate) fn set_tap_needs(&self, needs: CallNeeds) {
        self.lock_queue(|queue, _| queue.set_tap_needs(needs));
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

    /// Tries again under the lock of the queue, so that the limit and the policy of the result are of the same
    /// settings.
    #[cold]
    #[inline(never)]
    fn try_acquire_in_queue(&self, clock: &Clock) -> Attempt {
        let now = clock.now();
        self.lock_queue(|queue, wakers| queue.try_acquire(now, wakers))
    }

    /// Takes the turn of a waiting call; see [`Queue::take_turn`].
    pub(super) fn take_turn(&self, position: &mut Position, waker: Waker, now: Moment) -> TurnResult {
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
        // The word shows a queue while the lock is held, so that no other thread acquires a slot.
        let shown = Slots::from_bits(self.slots.fetch_or(Slots::WITH_QUEUE, Ordering::AcqRel)).with_queue();
        queue.set_in_use(shown.in_use());
        let result = change(&mut queue, &mut wakers);
        // Other threads may have released slots meanwhile, so the difference is added.
        self.slots.fetch_add(queue.slots().bits().wrapping_sub(shown.bits()), Ordering::AcqRel);
        drop(queue);
        wakers.wake();
        result
    }

    /// Changes the word to the result of `step`. Returns `false` if that is `None`.
    #[inline]
    fn swap(&self, step: impl Fn(Slots) -> Option<Slots>) -> bool {
        let mut slots = Slots::from_bits(self.slots.load(Ordering::Relaxed));
        while let Some(changed) = step(slots) {
            match self.slots.compare_exchange_weak(
                slots.bits(),
                changed.bits(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => slots = Slots::from_bits(now),
            }
        }
        false
    }
}

impl UnfinishedRelease<'_> {
    /// Offers the slot to the first waiting call, and wakes it.
    ///
    /// If the word no longer shows a queue, every call that waited when the slot was released has left the queue or got
    /// another slot. A call that enters the queue later finds the free slot.
    #[cold]
    #[inline(never)]
    pub(crate) fn finish(self, clock: &Clock) {
        let Self(bulkhead) = self;
        if Slots::from_bits(bulkhead.slots.load(Ordering::Relaxed)).has_queue() {
            let now = clock.now();
            bulkhead.lock_queue(|queue, wakers| queue.offer_free_slots(now, wakers));
        }
    }
}
