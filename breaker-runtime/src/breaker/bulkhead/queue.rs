//! The calls that wait for a slot, in arrival order, and the slots that are offered to them.
//!
//! All methods run under the lock of the queue. They run no user code: wakers are moved, and collected in
//! [`Wakers`] to be woken or dropped later.

use std::collections::BTreeMap;
use std::task::Waker;
use std::time::Duration;

use super::settings::{BulkheadSettings, CallNeeds, FullPolicy};
use super::slots::Slots;
use crate::clock::Moment;
use crate::sync::catch_panic;

/// The time after which the first offer to a call lapses if the call has not taken it.
pub(super) const OFFER_LIFETIME: Duration = Duration::from_millis(10);

/// Longest time after which an offer lapses.
pub(super) const MAX_OFFER_LIFETIME: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Queue {
    settings: BulkheadSettings,
    /// The needs of a call for the taps of the circuit. New settings do not change them.
    tap_needs: CallNeeds,
    /// Copied from the word of the bulkhead each time the lock is taken.
    in_use: u32,
    next_arrival: u64,
    /// The calls without an offer, by arrival.
    waiting: BTreeMap<u64, WaitingCall>,
    /// The offers, by the arrival of their calls.
    offers: BTreeMap<u64, Offer>,
    /// No offer lapses earlier, so that the offers are not searched each time.
    first_lapse: Moment,
    /// `true` once an offer has lapsed. Its call may arrive again, ahead of calls that were first in the queue.
    has_lapsed: bool,
}

/// A call that waits and has no offer.
#[derive(Debug)]
struct WaitingCall {
    /// `None` once the call was woken, until it is polled.
    waker: Option<Waker>,
    offer_lifetime: Duration,
}

/// A slot that is offered to a waiting call.
#[derive(Debug)]
struct Offer {
    /// The moment at which the offer lapses.
    lapse: Moment,
    lifetime: Duration,
}

/// The position of a call, which the call keeps.
#[derive(Debug)]
pub(super) struct Position {
    /// The number of the call in arrival order. `None` unless it waits.
    arrival: Option<u64>,
    /// The time after which its next offer lapses.
    offer_lifetime: Duration,
}

/// The result of a call that tries to acquire a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Acquired,
    /// No slot is free, which has this consequence for the call.
    Full(FullPolicy),
}

/// The result of the turn of a waiting call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TurnResult {
    pub(super) attempt: Attempt,
    pub(super) standing: Standing,
}

/// The calls ahead of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// No call is ahead, or the call waits no longer.
    First,
    /// Calls may be ahead.
    Behind,
    /// Calls may be ahead, and the call has just ended the offer of another one.
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
            tap_needs: CallNeeds::Slot,
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
        let slots = self.settings.slots(self.in_use, self.tap_needs);
        if self.waiting.is_empty() && self.offers.is_empty() { slots } else { slots.with_queue() }
    }

    pub(super) const fn set_in_use(&mut self, in_use: u32) {
        self.in_use = in_use;
    }

    pub(super) const fn set_tap_needs(&mut self, needs: CallNeeds) {
        self.tap_needs = needs;
    }

    /// Applies other settings. Offers above a lower limit are withdrawn, the latest ones first, and their calls wait
    /// again. They have been woken for the offer, and are woken again with the next one after they were polled. Offers
    /// that have lapsed are ended before, so their calls do not come back.
    pub(super) fn change(&mut self, settings: BulkheadSettings, now: Moment) {
        self.end_lapsed_offers(now);
        self.settings = settings;
        while self.in_use > settings.limit
            && let Some((arrival, Offer { lifetime, .. })) = self.offers.pop_last()
        {
            self.in_use -= 1;
            self.waiting.insert(arrival, WaitingCall { waker: None, offer_lifetime: lifetime });
        }
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

    /// Gives a call that is polled the slot that it is entitled to. Otherwise the call waits, if the settings let
    /// calls wait. Its first turn determines its position in the queue.
    pub(super) fn take_turn(
        &mut self,
        position: &mut Position,
        waker: Waker,
        now: Moment,
        wakers: &mut Wakers,
    ) -> TurnResult {
        let known = position.arrival;
        let arrival = known.unwrap_or_else(|| {
            self.next_arrival += 1;
            self.next_arrival
        });
        position.arrival = Some(arrival);
        // A call that is late takes its offer nevertheless, unless that has been ended.
        let has_offer = self.offers.remove(&arrival).is_some();
        let has_ended_offers = self.end_lapsed_offers(now);
        let waited = self.waiting.remove(&arrival);
        if known.is_some() && !has_offer && waited.is_none() {
            position.lengthen_offers();
        }
        wakers.dropped.extend(waited.and_then(|waited| waited.waker));
        if has_offer || self.acquire_in_turn(arrival, now, wakers) {
            position.arrival = None;
            wakers.dropped.push(waker);
            self.offer_free_slots(now, wakers);
            return TurnResult { attempt: Attempt::Acquired, standing: Standing::First };
        }
        let attempt = Attempt::Full(self.settings.when_full);
        if !matches!(self.settings.when_full, FullPolicy::Wait(_)) {
            position.arrival = None;
            wakers.dropped.push(waker);
            return TurnResult { attempt, standing: Standing::First };
        }
        let offer_lifetime = position.offer_lifetime;
        self.waiting.insert(arrival, WaitingCall { waker: Some(waker), offer_lifetime });
        TurnResult { attempt, standing: self.standing(arrival, has_ended_offers) }
    }

    /// Removes a waiting call. A slot that was offered to it goes to the next one.
    pub(super) fn leave(&mut self, position: &mut Position, now: Moment, wakers: &mut Wakers) {
        let Some(arrival) = position.arrival.take() else {
            return;
        };
        wakers.dropped.extend(self.waiting.remove(&arrival).and_then(|waiting| waiting.waker));
        if self.offers.remove(&arrival).is_some() {
            self.in_use = self.in_use.saturating_sub(1);
        }
        self.offer_free_slots(now, wakers);
    }

    /// Ends lapsed offers, and offers the free slots to the calls that wait.
    pub(super) fn offer_free_slots(&mut self, now: Moment, wakers: &mut Wakers) {
        self.end_lapsed_offers(now);
        while self.in_use < self.settings.limit
            && let Some((arrival, waiting)) = self.waiting.pop_first()
        {
            self.offer(arrival, waiting, now, wakers);
        }
    }

    /// Wakes all calls that wait. They keep their positions.
    pub(super) fn wake_all(&mut self, wakers: &mut Wakers) {
        wakers.woken.extend(self.waiting.values_mut().filter_map(|waiting| waiting.waker.take()));
    }

    /// Returns the number of slots in use, without the ones whose offer has lapsed.
    pub(super) fn in_flight(&self, now: Moment) -> u32 {
        let lapsed = self.offers.values().filter(|offer| offer.lapse <= now).count();
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
            let (ahead, waiting) = first.remove_entry();
            self.offer(ahead, waiting, now, wakers);
        }
        false
    }

    fn offer(&mut self, arrival: u64, waiting: WaitingCall, now: Moment, wakers: &mut Wakers) {
        let lifetime = waiting.offer_lifetime;
        let lapse = now.after(lifetime);
        self.in_use += 1;
        self.first_lapse = self.first_lapse.min(lapse);
        self.offers.insert(arrival, Offer { lapse, lifetime });
        wakers.woken.extend(waiting.waker);
    }

    /// Returns which calls are ahead of a call that waits.
    fn standing(&self, arrival: u64, has_ended_offers: bool) -> Standing {
        let is_first = self.waiting.first_key_value().is_some_and(|(&first, _)| first == arrival);
        if has_ended_offers {
            Standing::BehindLapsed
        } else if is_first && self.offers.is_empty() && !self.has_lapsed {
            Standing::First
        } else {
            Standing::Behind
        }
    }

    /// Ends the offers that have lapsed. Returns `true` if there was one.
    fn end_lapsed_offers(&mut self, now: Moment) -> bool {
        if now < self.first_lapse {
            return false;
        }
        let before = self.offers.len();
        self.offers.retain(|_, offer| offer.lapse > now);
        self.first_lapse = self.offers.values().map(|offer| offer.lapse).min().unwrap_or(Moment::NEVER);
        let ended = before - self.offers.len();
        self.in_use = self.in_use.saturating_sub(u32::try_from(ended).unwrap_or(u32::MAX));
        self.has_lapsed |= ended > 0;
        ended > 0
    }
}

impl Position {
    pub(super) const fn new() -> Self {
        Self { arrival: None, offer_lifetime: OFFER_LIFETIME }
    }

    /// Returns `true` if the call has begun to wait and still waits.
    pub(super) const fn is_waiting(&self) -> bool {
        self.arrival.is_some()
    }

    /// Doubles the time after which the next offer lapses, because the call was polled too late for the last one.
    fn lengthen_offers(&mut self) {
        self.offer_lifetime = self.offer_lifetime.saturating_mul(2).min(MAX_OFFER_LIFETIME);
    }
}

impl Wakers {
    /// Wakes and drops all wakers. A panic of one does not affect the others, nor the call that released the slot.
    pub(super) fn wake(self) {
        for waker in self.woken {
            catch_panic(|| waker.wake());
        }
        for waker in self.dropped {
            catch_panic(|| drop(waker));
        }
    }
}
