//! The limit on concurrent calls: first come, first served, with sync and async calls in one queue.
//!
//! | file | contents |
//! |---|---|
//! | `slots.rs` | the limit and the slots in use, packed into one word |
//! | `queue.rs` | the calls that wait, and the slots that are offered to them |
//! | `waiting.rs` | a waiting call, which blocks its thread or is a future |
//!
//! While no call waits, a slot is acquired and released by one compare-and-swap of the word. As soon as a call
//! waits, the word shows a limit of zero, and is then changed only by the thread that holds the lock of the queue.
//!
//! # Offers
//!
//! A released slot is *offered* to the first waiting call, which is woken. The slot stays in use until the call is
//! polled, which takes the offer, or is cancelled, which passes it on. A call that was forgotten, or whose task no
//! longer polls it, does neither. Therefore an offer lapses after [`OFFER`](queue::OFFER): the slot goes to
//! the next waiting call, and nothing of the forgotten one remains. If it is polled later after all, it waits again,
//! ahead of all calls that arrived after it.
//!
//! A lapsed offer is noticed by every new call, by every call that ends, and by the calls that wait behind it. No
//! new call gets a slot before its offer lapses, so a waiting call that is polled in time is never overtaken.
//!
//! No user code runs under the lock: wakers are cloned before it is taken, and woken and dropped after it is
//! released.

mod queue;
mod slots;
mod waiting;

use std::task::Waker;
use std::time::Duration;

use self::queue::{Queue, Turn, Wakers};
use self::slots::Slots;
use self::waiting::WaitingCall;
use crate::clock::{Clock, Moment, Timeout};
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

#[derive(Debug)]
pub(super) struct Bulkhead {
    slots: AtomicU64,
    queue: Mutex<Queue>,
}

/// The limit of a bulkhead without a limit, which admits all waiting calls.
const UNLIMITED: u32 = 1 << 28;

impl Bulkhead {
    pub(super) fn new(limit: Option<u32>) -> Self {
        let queue = Queue::new(limit.unwrap_or(UNLIMITED).min(UNLIMITED));
        Self { slots: AtomicU64::new(queue.slots().bits()), queue: Mutex::new(queue) }
    }

    /// Acquires a slot if one is free and no call waits for it.
    #[inline]
    pub(super) fn try_acquire(&self, clock: &Clock) -> bool {
        let mut slots = Slots::from_bits(self.slots.load(Ordering::Relaxed));
        while let Some(fewer) = slots.with_one_acquired() {
            match self.swap(slots, fewer) {
                Ok(()) => return true,
                Err(now) => slots = now,
            }
        }
        slots.has_queue() && self.try_acquire_in_queue(clock)
    }

    /// Acquires a slot, and blocks the thread for at most `wait` until one is free.
    pub(super) fn acquire_blocking(&self, wait: Duration, clock: &Clock) -> bool {
        !wait.is_zero() && WaitingCall::new(self, clock).block(wait)
    }

    /// Acquires a slot, and waits for at most `wait` until one is free. Without a timer it does not wait.
    pub(super) async fn acquire_within(&self, wait: Duration, clock: &Clock) -> bool {
        if self.try_acquire(clock) {
            return true;
        }
        // A call that does not wait needs no timer, and therefore no tokio runtime.
        if wait.is_zero() {
            return false;
        }
        match clock.alarm(wait) {
            Some(limit) => Timeout::new(WaitingCall::new(self, clock).acquire(), limit).await.is_some(),
            None => false,
        }
    }

    /// Releases a slot.
    #[inline]
    pub(super) fn release(&self, clock: &Clock) {
        let mut slots = Slots::from_bits(self.slots.load(Ordering::Relaxed));
        while let Some(more) = slots.with_one_released() {
            match self.swap(slots, more) {
                Ok(()) => return,
                Err(now) => slots = now,
            }
        }
        self.release_in_queue(clock);
    }

    /// Changes the limit; running calls keep their slots. It wakes no call, so the caller
    /// [offers](Self::offer_free_slots) the free slots once it holds no lock.
    pub(super) fn resize(&self, limit: Option<u32>) {
        self.lock_queue(|queue, _| queue.resize(limit.unwrap_or(UNLIMITED).min(UNLIMITED)));
    }

    /// Offers the free slots to waiting calls. It wakes them, so no lock may be held.
    pub(super) fn offer_free_slots(&self, clock: &Clock) {
        if self.has_queue() {
            let now = clock.now();
            self.lock_queue(|queue, wakers| queue.offer_free_slots(now, wakers));
        }
    }

    /// Returns the number of slots in use, without the ones whose offer has lapsed.
    pub(super) fn in_flight(&self, clock: &Clock) -> u32 {
        let slots = Slots::from_bits(self.slots.load(Ordering::Acquire));
        if !slots.has_queue() {
            return slots.in_use();
        }
        let now = clock.now();
        self.lock_queue(|queue, _| queue.in_flight(now))
    }

    fn has_queue(&self) -> bool {
        Slots::from_bits(self.slots.load(Ordering::Acquire)).has_queue()
    }

    #[cold]
    #[inline(never)]
    fn try_acquire_in_queue(&self, clock: &Clock) -> bool {
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
    fn take_turn(&self, arrival: &mut Option<u64>, waker: Waker, now: Moment) -> Turn {
        self.lock_queue(|queue, wakers| queue.take_turn(arrival, waker, now, wakers))
    }

    /// Removes a waiting call that is cancelled or waits no longer.
    fn leave(&self, arrival: u64, clock: &Clock) {
        let now = clock.now();
        self.lock_queue(|queue, wakers| queue.leave(arrival, now, wakers));
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
