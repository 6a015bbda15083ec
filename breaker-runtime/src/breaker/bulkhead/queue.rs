//! The calls that wait for a slot, in arrival order, and the slots that are offered to them.
//!
//! All methods run under the lock of the queue. They run no user code: wakers are moved, and collected in
//! [`Wakers`] to be woken or dropped later.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::Duration;

use super::settings::{BulkheadSettings, FullPolicy};
use super::slots::Slots;
use crate::clock::Moment;

/// The time after which an offer lapses that its call has not taken.
pub(super) const OFFER: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Queue {
    settings: BulkheadSettings,
    /// Copied from the word of the bulkhead each time the lock is taken.
    in_use: u32,
    next_arrival: u64,
    /// The calls without an offer, by arrival.
    waiting: BTreeMap<u64, Waker>,
    /// The moment at which each offer lapses, by the arrival of its call.
    offers: BTreeMap<u64, Moment>,
    /// No offer lapses earlier, so that the offers are not searched each time.
    first_lapse: Moment,
    /// `true` once an offer has lapsed. Its call may arrive again, ahead of calls that were first in the queue.
    has_lapsed: bool,
}

/// The result of a new call that tries to acquire a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Acquired,
    /// No slot is free, which has this consequence for the call.
    Full(FullPolicy),
}

/// The result of the turn of a waiting call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The call has a slot.
    Acquired,
    /// The call waits, and no call is ahead of it.
    First,
    /// The call waits, and calls may be ahead of it.
    Behind,
    /// The call waits, and it has just ended the offer of another call.
    BehindLapsed,
}

/// The wakers to wake and to drop after the lock is released, because both run user code.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    woken: Vec<Waker>,
    dropped: Vec<Waker>,
}

impl Queue {
    pub(super) const fn new(settings: BulkheadSettings) -> Self {
        Self {
            settings,
            in_use: 0,
            next_arrival: 0,
            waiting: BTreeMap::new(),
            offers: BTreeMap::new(),
            first_lapse: Moment::NEVER,
            has_lapsed: false,
        }
    }

    /// Returns the word that other threads read.
    pub(super) fn slots(&self) -> Slots {
        if self.waiting.is_empty() && self.offers.is_empty() {
            Slots::new(self.settings.limit, self.in_use)
        } else {
            Slots::with_queue(self.in_use)
        }
    }

    pub(super) const fn set_in_use(&mut self, in_use: u32) {
        self.in_use = in_use;
    }

    pub(super) const fn change(&mut self, settings: BulkheadSettings) {
        self.settings = settings;
    }

    /// Acquires a slot for a new call, if no waiting call is entitled to it.
    pub(super) fn try_acquire(&mut self, now: Moment, wakers: &mut Wakers) -> Attempt {
        self.offer_free_slots(now, wakers);
        if self.in_use >= self.settings.limit {
            return Attempt::Full(self.settings.when_full);
        }
        self.in_use += 1;
        Attempt::Acquired
    }

    /// Releases a slot, which is offered to the first waiting call.
    pub(super) fn release(&mut self, now: Moment, wakers: &mut Wakers) {
        self.in_use = self.in_use.saturating_sub(1);
        self.offer_free_slots(now, wakers);
    }

    /// Gives a call that is polled the slot that it is entitled to, or lets it wait. The first turn sets its
    /// arrival, which determines its position in the queue.
    pub(super) fn take_turn(
        &mut self,
        arrival: &mut Option<u64>,
        waker: Waker,
        now: Moment,
        wakers: &mut Wakers,
    ) -> Turn {
        let arrival = *arrival.get_or_insert_with(|| {
            self.next_arrival += 1;
            self.next_arrival
        });
        // A call that is late takes its offer nevertheless, unless that has been ended.
        let has_offer = self.offers.remove(&arrival).is_some();
        let has_ended_offers = self.end_lapsed_offers(now);
        if has_offer || self.acquire_in_turn(arrival, now, wakers) {
            wakers.dropped.extend(self.waiting.remove(&arrival).into_iter().chain([waker]));
            self.offer_free_slots(now, wakers);
            return Turn::Acquired;
        }
        wakers.dropped.extend(self.waiting.insert(arrival, waker));
        let is_first = self.waiting.first_key_value().is_some_and(|(&first, _)| first == arrival);
        if has_ended_offers {
            Turn::BehindLapsed
        } else if is_first && self.offers.is_empty() && !self.has_lapsed {
            Turn::First
        } else {
            Turn::Behind
        }
    }

    /// Removes a waiting call. A slot that was offered to it goes to the next one.
    pub(super) fn leave(&mut self, arrival: u64, now: Moment, wakers: &mut Wakers) {
        wakers.dropped.extend(self.waiting.remove(&arrival));
        if self.offers.remove(&arrival).is_some() {
            self.in_use = self.in_use.saturating_sub(1);
        }
        self.offer_free_slots(now, wakers);
    }

    /// Ends lapsed offers, and offers the free slots to the calls that wait.
    pub(super) fn offer_free_slots(&mut self, now: Moment, wakers: &mut Wakers) {
        self.end_lapsed_offers(now);
        while self.in_use < self.settings.limit
            && let Some((arrival, waker)) = self.waiting.pop_first()
        {
            self.offer(arrival, waker, now, wakers);
        }
    }

    /// Returns the number of slots in use, without the ones whose offer has lapsed.
    pub(super) fn in_flight(&self, now: Moment) -> u32 {
        let lapsed = self.offers.values().filter(|&&lapse| lapse <= now).count();
        self.in_use.saturating_sub(u32::try_from(lapsed).unwrap_or(u32::MAX))
    }

    /// Returns `true` if a new call would get a slot after the calls that wait, or is admitted without one.
    pub(super) fn would_admit(&self, now: Moment) -> bool {
        let waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        self.in_flight(now).saturating_add(waiting) < self.settings.limit
            || self.settings.when_full == FullPolicy::Admit
    }

    /// Offers the free slots to the calls ahead of this one, and acquires the next one for it.
    fn acquire_in_turn(&mut self, arrival: u64, now: Moment, wakers: &mut Wakers) -> bool {
        while self.in_use < self.settings.limit {
            let Some(first) = self.waiting.first_entry().filter(|first| *first.key() < arrival) else {
                self.in_use += 1;
                return true;
            };
            let (ahead, waker) = first.remove_entry();
            self.offer(ahead, waker, now, wakers);
        }
        false
    }

    fn offer(&mut self, arrival: u64, waker: Waker, now: Moment, wakers: &mut Wakers) {
        let lapse = now.after(OFFER);
        self.in_use += 1;
        self.first_lapse = self.first_lapse.min(lapse);
        self.offers.insert(arrival, lapse);
        wakers.woken.push(waker);
    }

    /// Ends the offers that have lapsed. Returns `true` if there was one.
    fn end_lapsed_offers(&mut self, now: Moment) -> bool {
        if now < self.first_lapse {
            return false;
        }
        let before = self.offers.len();
        self.offers.retain(|_, lapse| *lapse > now);
        self.first_lapse = self.offers.values().copied().min().unwrap_or(Moment::NEVER);
        let ended = before - self.offers.len();
        self.in_use = self.in_use.saturating_sub(u32::try_from(ended).unwrap_or(u32::MAX));
        self.has_lapsed |= ended > 0;
        ended > 0
    }
}

impl Wakers {
    /// Wakes and drops all wakers. A panic of one does not affect the others, nor the call that released the slot.
    pub(super) fn wake(self) {
        for waker in self.woken {
            catch_waker_panic(|| waker.wake());
        }
        for waker in self.dropped {
            catch_waker_panic(|| drop(waker));
        }
    }
}

/// Runs user code and catches its panic. The payload is leaked, because dropping it could panic as well.
fn catch_waker_panic(user_code: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(user_code)) {
        std::mem::forget(payload);
    }
}
