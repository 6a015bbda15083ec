//! The record behind a lock, and the word that callers read without it.
//!
//! The lock is held to change the state or the settings, to settle a trial call and to take a snapshot. While
//! it is held, the trial slots are scanned or the record is copied; no user code runs. The numbers in
//! parentheses refer to the proof in `state.rs`. `machine/queries.rs` has the methods that change nothing,
//! `machine/commands.rs` those that no call uses.

mod commands;
mod queries;

pub(crate) use self::commands::ConfigChange;
pub(crate) use self::queries::{Glance, OpenWord};

use std::num::NonZeroU32;
use std::time::Duration;

use super::backlog::Notification;
use super::progress::FollowedCalls;
use super::record::{HungCall, Observation, Record, TrialCall};
use super::recovery::Recovery;
pub(crate) use super::ticket::Ticket;
use super::transition::{Cause, Details, State};
use super::word::{Tracking, Word};
use crate::clock::{Clock, Moment};
use crate::outcome::{Completion, Settled};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};

/// The state machine of one circuit, and its settings `S`.
#[derive(Debug)]
pub(crate) struct Machine<S> {
    word: AtomicU64,
    until: AtomicU64,
    locked: Mutex<Locked<S>>,
}

#[derive(Debug)]
struct Locked<S> {
    record: Record,
    settings: S,
}

/// The transitions that listeners must still be notified of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "listeners must be notified of pending transitions"]
pub(crate) enum Pending {
    Nothing,
    Transitions,
}

impl Pending {
    /// Returns the transitions of both.
    pub(crate) const fn or(self, other: Self) -> Self {
        match self {
            Self::Nothing => other,
            Self::Transitions => self,
        }
    }
}

/// The decision about a call by the state of its circuit.
#[derive(Debug)]
pub(crate) struct StateDecision {
    /// The ticket of an admitted call, or the state that rejects it.
    pub(crate) ticket: Result<Ticket, State>,
    pub(crate) pending: Pending,
}

/// The effect of the result of a trial call.
#[derive(Debug)]
pub(crate) struct TrialEffect {
    pub(crate) settled: Settled,
    pub(crate) pending: Pending,
}

/// A circuit at one moment, without its history.
#[derive(Debug)]
pub(crate) struct Inspection<T> {
    pub(crate) state: State,
    pub(crate) generation: u64,
    /// The start of the state.
    pub(crate) since: Moment,
    /// The moment until which the state cannot change without a call or an operator, or the end of the ramp of a
    /// closed circuit.
    pub(crate) until: Moment,
    pub(crate) followed: Option<FollowedCalls>,
    /// `true` if a half-open circuit admits no further trial call now.
    pub(crate) is_full: bool,
    /// Number of consecutive failures.
    pub(crate) run: u32,
    /// The value that the caller read from the settings.
    pub(crate) from_settings: T,
}

impl<S: AsRef<Recovery>> Machine<S> {
    pub(crate) fn new(settings: S, now: Moment) -> Self {
        let record = Record::new(now);
        Self {
            word: AtomicU64::new(Word::new(record.state(), record.generation()).bits()),
            until: AtomicU64::new(record.until().nanos()),
            locked: Mutex::new(Locked { record, settings }),
        }
    }

    /// Admits a call if the circuit admits every call and does not track calls (2).
    #[inline]
    pub(crate) fn admit_fast(&self) -> Option<Ticket> {
        let word = self.load(Ordering::Acquire);
        word.admits_all().then_some(Ticket(word.fast_call()))
    }

    /// Admits a call if the circuit is closed and tracks its calls (2).
    #[inline]
    pub(crate) fn admit_tracked(&self) -> Option<Ticket> {
        self.load(Ordering::Acquire).tracked_call().map(Ticket)
    }

    /// Admits a call if the circuit is closed, checks its calls, and is not at the end of a ramp (8).
    pub(crate) fn admit_checked(&self, clock: &Clock) -> Option<Ticket> {
        let (word, ends) = self.read();
        let call = word.checked_call()?;
        if clock.has_reached(ends) { None } else { Some(Ticket(call)) }
    }

    /// Returns when the ramp of the circuit ends, if it has one (8).
    pub(crate) fn ramp_ends(&self) -> Option<Moment> {
        let (word, ends) = self.read();
        (word.is_checked() && ends != Moment::NEVER).then_some(ends)
    }

    /// Returns the state that rejects a call, if that can be decided without the lock (5).
    #[inline]
    pub(crate) fn reject_fast(&self, clock: &Clock) -> Option<State> {
        let (word, until) = self.read();
        let state = word.state()?;
        let ends = match state {
            State::Open => until,
            State::HalfOpen if word.has_no_free_slot() => until,
            State::ForcedOpen => return Some(state),
            State::HalfOpen | State::Closed | State::Disabled => return None,
        };
        if clock.has_reached(ends) { None } else { Some(state) }
    }

    /// Admits or rejects a call under the lock. An open circuit that is due becomes half-open.
    pub(crate) fn admit_locked(&self, clock: &Clock) -> StateDecision {
        let locked = &mut *self.lock();
        let admitted = locked.record.admit(clock.now(), locked.settings.as_ref());
        self.decide(locked, admitted)
    }

    /// Decides again about a call that has waited since it was admitted, as if it arrived now. The state may have
    /// changed meanwhile, also by a lease that has ended. A trial call keeps its slot, with a new lease.
    pub(crate) fn admit_again(&self, ticket: Ticket, clock: &Clock) -> StateDecision {
        if let Some(ticket) = self.admit_tracked() {
            return StateDecision { ticket: Ok(ticket), pending: Pending::Nothing };
        }
        let locked = &mut *self.lock();
        let (now, recovery) = (clock.now(), locked.settings.as_ref());
        locked.record.expire(now, recovery);
        if locked.record.generation() != ticket.generation() {
            let admitted = locked.record.admit(now, recovery);
            return self.decide(locked, admitted);
        }
        match (ticket.trial(), locked.record.state()) {
            (Some(trial), _) => locked.record.renew_lease(trial.slot, now, recovery),
            // The circuit may track or check its calls in another way now.
            (None, State::Closed | State::Disabled) => return self.decide(locked, Ok(None)),
            // The rejection of the call has been waived, and its limits still apply.
            (None, State::Open | State::HalfOpen | State::ForcedOpen) => {}
        }
        StateDecision { ticket: Ok(ticket), pending: self.publish(locked) }
    }

    /// Publishes a decision about a call. An admitted call has a trial slot, or `None` if it is no trial call.
    fn decide(&self, locked: &Locked<S>, admitted: Result<Option<u32>, State>) -> StateDecision {
        let pending = self.publish(locked);
        let word = locked.word();
        let ticket = admitted.map(|slot| match slot {
            None => Ticket(word.tracked_call().or(word.checked_call()).unwrap_or(word.fast_call())),
            Some(slot) => Ticket(word.with_slot(slot)),
        });
        StateDecision { ticket, pending }
    }

    /// Raises the level of bookkeeping for good.
    pub(crate) fn track(&self, tracking: Tracking) {
        let mut locked = self.lock();
        locked.record.tracking = locked.record.tracking.max(tracking);
        self.swap_closed(locked.record.generation(), |word| word.with_tracking(tracking));
    }

    /// Tracks the calls while there are taps (10). Called after each change of the taps.
    #[allow(dead_code, reason = "only the features `shadow` and `recorder` have taps")]
    pub(crate) fn track_taps(&self, has_taps: impl FnOnce() -> bool) {
        let mut locked = self.lock();
        locked.record.is_tapped = has_taps();
        let (generation, tracking) = (locked.record.generation(), locked.record.tracking());
        if locked.record.is_tapped {
            self.swap_closed(generation, |word| word.with_tracking(tracking));
        } else {
            self.swap_closed(generation, |word| word.lowered(tracking));
        }
    }

    /// Sets the recording bit: successes of this generation are recorded in the window (7).
    pub(crate) fn set_recording(&self, generation: u64) {
        self.swap_closed(generation, |word| word.with_tracking(Tracking::Window));
    }

    /// Clears the recording bit: successes of this generation skip the window (7).
    pub(crate) fn clear_recording(&self, generation: u64) {
        self.swap_closed(generation, Word::without_recording);
    }

    /// Returns `true` if nothing has changed since the call was admitted, not even by a failure. A success
    /// then has no effect (3).
    #[inline]
    pub(crate) fn is_unchanged(&self, ticket: Ticket) -> bool {
        self.load(Ordering::Relaxed) == ticket.0
    }

    /// Starts the lease of a trial call that waits again. Returns the length of the lease, or `None` if the call has lost
    /// its slot.
    pub(crate) fn renew_lease(&self, trial: TrialCall, clock: &Clock) -> Option<Duration> {
        let locked = &mut *self.lock();
        let (now, recovery) = (clock.now(), locked.settings.as_ref());
        let record = &mut locked.record;
        if record.generation() != trial.generation || record.until() <= now {
            return None;
        }
        record.renew_lease(trial.slot, now, recovery);
        let lease = record.next_lease(recovery);
        _ = self.publish(locked);
        Some(lease)
    }

    /// Ends the lease of a trial call now if the call has run for longer than a lease.
    pub(crate) fn end_exceeded_lease(&self, trial: TrialCall, clock: &Clock) {
        let locked = &mut *self.lock();
        locked.record.end_exceeded_lease(trial, clock.now(), locked.settings.as_ref());
    }

    /// Resets the run of failures after a success. Returns `true` if the call still counts.
    #[inline]
    pub(crate) fn reset_run(&self, ticket: Ticket) -> bool {
        self.swap_run(ticket, Word::without_run).is_some()
    }

    /// Adds a failure to the run and returns its new length, or `None` if the call no longer counts. Without
    /// a threshold no rule evaluates the run, and it stays zero.
    pub(crate) fn extend_run(&self, ticket: Ticket, threshold: Option<NonZeroU32>) -> Option<u32> {
        match threshold {
            Some(_) => self.swap_run(ticket, Word::with_longer_run),
            None => self.reset_run(ticket).then_some(0),
        }
    }

    /// Resets the run of failures, if the circuit is closed and in this generation.
    pub(crate) fn forget_run(&self, generation: u64) {
        self.swap_closed(generation, Word::without_run);
    }

    /// Records the result of a trial call.
    pub(crate) fn settle_trial(
        &self,
        trial: TrialCall,
        completion: Completion,
        details: Details,
        clock: &Clock,
    ) -> TrialEffect {
        let locked = &mut *self.lock();
        let settled =
            locked.record.settle_trial(trial, completion, details, clock.now(), locked.settings.as_ref());
        TrialEffect { settled, pending: self.publish(locked) }
    }

    /// Opens the circuit, if it is still in the generation in which the threshold was reached (4). A call that has hung
    /// opens it first.
    pub(crate) fn trip(
        &self,
        ticket: Ticket,
        details: Details,
        clock: &Clock,
        hung: impl FnOnce() -> Option<HungCall>,
    ) -> Pending {
        let locked = &mut *self.lock();
        locked.record.open_if_hung(hung(), locked.settings.as_ref());
        if locked.record.state() != State::Closed || locked.record.generation() != ticket.generation() {
            return self.publish(locked);
        }
        locked.record.change(Cause::ThresholdReached, details, clock.now(), locked.settings.as_ref());
        self.publish(locked)
    }

    /// Opens the circuit because of a call that has run for too long, if it is closed in the generation of that
    /// call.
    pub(crate) fn open_because_of(&self, hung: HungCall) -> Pending {
        let locked = &mut *self.lock();
        locked.record.open_because_of(hung, locked.settings.as_ref());
        self.publish(locked)
    }

    /// Returns a copy of the record. A circuit whose lease has expired, or in which a call hangs, is shown as open;
    /// the record is not changed.
    pub(crate) fn observe(&self, clock: &Clock, hung: Option<HungCall>) -> Observation {
        let mut locked = self.lock();
        locked.record.prepare_opening(hung);
        let (word, mut observed) = (self.load(Ordering::Relaxed), locked.record.copy());
        let (now, recovery) = (clock.now(), *locked.settings.as_ref());
        drop(locked);
        observed.expire_with(hung, now, &recovery);
        let run = if word.is_closed() && observed.state() == State::Closed { word.payload() } else { 0 };
        observed.observe(run, now, &recovery)
    }

    /// Returns the state and what belongs to it, without the history. `read` reads the settings under the
    /// lock. A circuit whose lease has expired, or in which a call hangs, is shown as open; the record is not
    /// changed.
    pub(crate) fn inspect<T>(
        &self,
        now: Moment,
        hung: Option<HungCall>,
        read: impl FnOnce(&S) -> T,
    ) -> Inspection<T> {
        let locked = &mut *self.lock();
        locked.record.prepare_opening(hung);
        let word = self.load(Ordering::Relaxed);
        let run = if word.is_closed() { word.payload() } else { 0 };
        let (record, recovery) = (&locked.record, locked.settings.as_ref());
        let from_settings = read(&locked.settings);
        let inspection = |record: &Record| {
            let (state, generation, until) = (record.state(), record.generation(), record.until());
            let (since, is_full, followed) =
                (record.since(), record.is_full(recovery), record.followed_calls());
            Inspection { state, generation, since, until, followed, is_full, run, from_settings }
        };
        if hung.is_none() && (record.until() > now || record.state() == State::Open) {
            return inspection(record);
        }
        let mut expired = record.copy();
        expired.expire_with(hung, now, recovery);
        inspection(&expired)
    }

    /// Returns `true` if this thread must notify listeners. It then calls
    /// [`next_notification`](Self::next_notification) until that returns `None`.
    pub(crate) fn try_start_notifying(&self) -> bool {
        let mut locked = self.lock();
        !std::mem::replace(&mut locked.record.is_notifying, true)
    }

    /// Removes and returns the oldest pending notification. `None` ends the notification of listeners.
    pub(crate) fn next_notification(&self) -> Option<Notification> {
        let locked = &mut *self.lock();
        let notification = locked.record.next_notification();
        locked.record.is_notifying = notification.is_some();
        notification
    }

    /// Reads the word and the moment that belongs to it; `BUSY` if they do not belong together (5).
    #[inline]
    fn read(&self) -> (Word, Moment) {
        let word = self.load(Ordering::Acquire);
        let until = Moment::from_nanos(self.until.load(Ordering::Acquire));
        let unchanged = self.load(Ordering::Relaxed) == word;
        (if unchanged { word } else { Word::BUSY }, until)
    }

    /// Changes the run of failures in the generation of `ticket` and returns its length.
    #[inline]
    fn swap_run(&self, ticket: Ticket, step: fn(Word) -> Word) -> Option<u32> {
        self.swap_closed(ticket.generation(), step).map(Word::payload)
    }

    /// Changes the word while it is Closed and of this generation (3). `BUSY` means that this generation is
    /// ending.
    #[inline]
    fn swap_closed(&self, generation: u64, step: impl Fn(Word) -> Word) -> Option<Word> {
        let mut word = self.load(Ordering::Relaxed);
        while word.is_closed() && word.generation() == generation {
            let changed = step(word);
            if changed == word {
                return Some(word);
            }
            match self.word.compare_exchange_weak(
                word.bits(),
                changed.bits(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(changed),
                Err(now) => word = Word::from_bits(now),
            }
        }
        None
    }

    /// Writes the word and the moment of the record (1, 5). The run of a closed circuit and its recording bit exist
    /// only in the word, so within a closed generation only the end of a ramp changes the word (8). Within an open
    /// generation only a hold of the fleet changes `until` (9).
    fn publish(&self, locked: &Locked<S>) -> Pending {
        let record = &locked.record;
        let (old, mut word) = (self.load(Ordering::Relaxed), locked.word());
        if word.is_closed() && old.is_closed() && old.generation() == word.generation() {
            if !word.is_checked() {
                self.swap_closed(word.generation(), |old| old.without_checks(record.tracking()));
            }
            self.until.store(record.until().nanos(), Ordering::Release);
        } else if old != word || record.state() == State::HalfOpen {
            if record.state() == State::HalfOpen && record.is_full(locked.settings.as_ref()) {
                word = word.with_no_free_slot();
            }
            // A read-modify-write, as in `swap_closed`, so that the later of the two sees the earlier one.
            self.word.swap(Word::BUSY.bits(), Ordering::Relaxed);
            self.until.store(record.until().nanos(), Ordering::Release);
            self.word.store(word.bits(), Ordering::Release);
        } else {
            self.until.store(record.until().nanos(), Ordering::Release);
        }
        if record.has_pending() { Pending::Transitions } else { Pending::Nothing }
    }

    #[inline]
    fn load(&self, ordering: Ordering) -> Word {
        Word::from_bits(self.word.load(ordering))
    }

    fn lock(&self) -> MutexGuard<'_, Locked<S>> {
        lock(&self.locked)
    }
}

impl<S> Locked<S> {
    /// Returns the shared word of the record, except for the run and the free trial slots.
    fn word(&self) -> Word {
        let tracking = if self.record.is_ramping() { Tracking::Checks } else { self.record.tracking() };
        Word::new(self.record.state(), self.record.generation()).with_tracking(tracking)
    }
}

impl<S: Clone> Machine<S> {
    /// Returns a copy of the settings.
    pub(crate) fn config(&self) -> S {
        lock(&self.locked).settings.clone()
    }
}
