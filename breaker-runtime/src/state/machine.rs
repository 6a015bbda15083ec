//! The record behind a lock, and the word that callers read without it.
//!
//! The lock is taken by those who change the state, hold a trial or take a snapshot, for as long as it
//! takes to look at each trial's place, and never while user code runs. The proof of the word is in `state.rs`; the numbers below refer to it.

use super::record::{Admitted, Observation, Record};
use super::recovery::Recovery;
use super::transition::{Cause, State};
use super::word::Word;
use crate::clock::{Clock, Moment};
use crate::outcome::Outcome;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Machine {
    word: AtomicU64,
    until: AtomicU64,
    record: Mutex<Record>,
}

/// What an admitted call brings back: the generation it belongs to and, for a trial, its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(Word);

impl Machine {
    pub(crate) fn new(now: Moment) -> Self {
        let record = Record::new(now);
        Self {
            word: AtomicU64::new(Word::new(record.state(), record.generation()).bits()),
            until: AtomicU64::new(record.until().nanos()),
            record: Mutex::new(record),
        }
    }

    /// Whether a call goes through now, or else which state refuses it.
    #[inline]
    pub(crate) fn admit(&self, clock: &Clock, recovery: &Recovery) -> Result<Ticket, State> {
        let word = self.load(Ordering::Acquire);
        if word.admits_all() {
            return Ok(Ticket(word.without_run()));
        }
        self.admit_restricted(clock, recovery)
    }

    /// A call succeeded. With no failures to forget there is nothing to write (3).
    #[inline]
    pub(crate) fn succeed(&self, ticket: Ticket, clock: &Clock, recovery: &Recovery) {
        if self.load(Ordering::Relaxed) == ticket.0 {
            return;
        }
        self.succeed_otherwise(ticket, clock, recovery);
    }

    /// A call failed. Returns how many did in a row, if it was admitted freely and still counts;
    /// a failed trial re-opens the circuit here.
    pub(crate) fn fail(&self, ticket: Ticket, clock: &Clock, recovery: &Recovery) -> Option<u32> {
        if let Some(place) = ticket.0.place() {
            self.settle_trial(ticket, place, Outcome::Failure, clock, recovery);
            return None;
        }
        self.swap_run(ticket, Word::with_one_more)
    }

    /// A call ended that says nothing. Only a trial has something to give back.
    pub(crate) fn ignore(&self, ticket: Ticket, clock: &Clock, recovery: &Recovery) {
        if let Some(place) = ticket.0.place() {
            self.settle_trial(ticket, place, Outcome::Ignored, clock, recovery);
        }
    }

    /// A rule was met in the generation of this ticket (4).
    pub(crate) fn trip(&self, ticket: Ticket, clock: &Clock, recovery: &Recovery) {
        let mut record = self.lock();
        if Word::new(record.state(), record.generation()) == ticket.0 {
            record.change(Cause::RuleMet, clock.now(), recovery);
            self.publish(&record, recovery);
        }
    }

    /// An operator's word.
    pub(crate) fn order(&self, cause: Cause, clock: &Clock, recovery: &Recovery) {
        let mut record = self.lock();
        let now = clock.now();
        record.expire(now, recovery);
        record.change(cause, now, recovery);
        self.publish(&record, recovery);
    }

    /// The state that one sees now: without the lock, unless it is just changing.
    pub(crate) fn state(&self, clock: &Clock, recovery: &Recovery) -> State {
        let (word, until) = self.read();
        match word.state() {
            Some(State::HalfOpen) if clock.has_reached(until) => State::Open,
            Some(state) => state,
            None => self.observe(clock, recovery).state,
        }
    }

    /// What one sees now; changes nothing, so an expired lease is seen and not yet noticed.
    pub(crate) fn observe(&self, clock: &Clock, recovery: &Recovery) -> Observation {
        let record = self.lock();
        let (word, mut seen) = (self.load(Ordering::Relaxed), record.clone());
        drop(record);
        let now = clock.now();
        seen.expire(now, recovery);
        seen.observe(word.run(), now)
    }

    /// How long until an open circuit admits a trial, by the coarse clock, which may be a tick behind;
    /// zero if it is open no more, none if it stays open for ever.
    pub(crate) fn retry_after(&self, clock: &Clock, recovery: &Recovery) -> Option<Duration> {
        let (word, until) = self.read();
        let is_open = word.state() == Some(State::Open);
        if !is_open {
            return Some(Duration::ZERO);
        }
        until.wait_from(clock.coarse_now()).map(|wait| wait.min(recovery.recovery_timeout))
    }

    /// Cold, so that the path through a closed circuit is laid out straight.
    #[cold]
    fn admit_restricted(&self, clock: &Clock, recovery: &Recovery) -> Result<Ticket, State> {
        self.refuse(clock).map_or_else(|| self.admit_by_record(clock, recovery), Err)
    }

    #[inline(never)]
    fn admit_by_record(&self, clock: &Clock, recovery: &Recovery) -> Result<Ticket, State> {
        let mut record = self.lock();
        let admitted = record.admit(clock.now(), recovery);
        self.publish(&record, recovery);
        let word = Word::new(record.state(), record.generation());
        admitted.map(|admitted| match admitted {
            Admitted::Freely => Ticket(word),
            Admitted::AsTrial { place } => Ticket(word.with_place(place)),
        })
    }

    /// A rejection that needs no lock.
    fn refuse(&self, clock: &Clock) -> Option<State> {
        let (word, until) = self.read();
        let state = word.state()?;
        let ends = match state {
            State::Open => until,
            State::HalfOpen if word.has_no_place() => until,
            State::ForcedOpen => return Some(state),
            State::HalfOpen | State::Closed | State::Disabled => return None,
        };
        if clock.has_reached(ends) { None } else { Some(state) }
    }

    /// The word and the moment that belongs to it; Busy if they do not belong together (5).
    fn read(&self) -> (Word, Moment) {
        let word = self.load(Ordering::Acquire);
        let until = Moment::from_nanos(self.until.load(Ordering::Acquire));
        let unchanged = self.load(Ordering::Relaxed) == word;
        (if unchanged { word } else { Word::BUSY }, until)
    }

    #[cold]
    fn succeed_otherwise(&self, ticket: Ticket, clock: &Clock, recovery: &Recovery) {
        if let Some(place) = ticket.0.place() {
            self.settle_trial(ticket, place, Outcome::Success, clock, recovery);
        } else {
            self.swap_run(ticket, Word::without_run);
        }
    }

    /// Changes the run of failures in the generation of `ticket`; nothing in any other (3). Busy
    /// means that this generation is just ending.
    fn swap_run(&self, ticket: Ticket, step: fn(Word) -> Word) -> Option<u32> {
        let mut word = self.load(Ordering::Relaxed);
        while word.is_closed() && word.without_run() == ticket.0 {
            let changed = step(word);
            match self.word.compare_exchange_weak(
                word.bits(),
                changed.bits(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(changed.run()),
                Err(now) => word = Word::from_bits(now),
            }
        }
        None
    }

    fn settle_trial(&self, ticket: Ticket, place: u32, outcome: Outcome, clock: &Clock, recovery: &Recovery) {
        let mut record = self.lock();
        record.settle_trial((ticket.0.generation(), place), outcome, clock.now(), recovery);
        self.publish(&record, recovery);
    }

    /// Makes the word say what the record says (1, 5). The run of a Closed circuit lives in the word
    /// alone, so a generation that goes on is left as it is.
    fn publish(&self, record: &Record, recovery: &Recovery) {
        let mut word = Word::new(record.state(), record.generation());
        if self.load(Ordering::Relaxed).without_run() == word && record.state() != State::HalfOpen {
            return;
        }
        if record.state() == State::HalfOpen && record.is_full(recovery) {
            word = word.with_no_place();
        }
        // A swap, like the swaps of the run: of two, one sees the other.
        self.word.swap(Word::BUSY.bits(), Ordering::Relaxed);
        self.until.store(record.until().nanos(), Ordering::Release);
        self.word.store(word.bits(), Ordering::Release);
    }

    #[inline]
    fn load(&self, ordering: Ordering) -> Word {
        Word::from_bits(self.word.load(ordering))
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }
}

impl Ticket {
    #[inline]
    pub(crate) fn is_trial(self) -> bool {
        !self.0.admits_all()
    }
}
