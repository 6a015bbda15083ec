//! The record behind a lock, and the word that callers read without it.
//!
//! The lock is taken by those who change the state or the settings, hold a trial or take a snapshot, for as
//! long as it takes to look at each trial's place, to copy the record or to give a window another length, and
//! never while user code runs. The proof of the word is in
//! `state.rs`; the numbers below refer to it.

use std::sync::Arc;

use super::record::{Admitted, Observation, Record, Trial};
use super::recovery::Recovery;
use super::transition::{Cause, Details, State, Transition};
use super::word::{Keeps, Word};
use crate::clock::{Clock, Moment};
use crate::sync::{AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering, lock};

/// The machine of one circuit, and the settings `S` that it obeys.
#[derive(Debug)]
pub(crate) struct Machine<S> {
    word: AtomicU64,
    until: AtomicU64,
    /// Whether there are changes that nobody was told of: a hint, read without the lock.
    has_news: AtomicU32,
    locked: Mutex<Locked<S>>,
}

#[derive(Debug)]
struct Locked<S> {
    record: Record,
    settings: S,
    /// What its circuit has ever kept.
    keeps: Keeps,
    /// Whether somebody is telling listeners just now; he tells them the rest as well.
    is_telling: bool,
}

/// What an admitted call brings back: the generation it belongs to and, for a trial, its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(Word);

impl<S: AsRef<Recovery>> Machine<S> {
    pub(crate) fn new(settings: S, now: Moment) -> Self {
        let record = Record::new(now);
        Self {
            word: AtomicU64::new(Word::new(record.state(), record.generation()).bits()),
            until: AtomicU64::new(record.until().nanos()),
            has_news: AtomicU32::new(0),
            locked: Mutex::new(Locked { record, settings, keeps: Keeps::Run, is_telling: false }),
        }
    }

    /// Lets a call through if every call goes through now and nobody watches.
    #[inline]
    pub(crate) fn admit_freely(&self) -> Option<Ticket> {
        let word = self.load(Ordering::Acquire);
        word.admits_all().then_some(Ticket(word.free_call()))
    }

    /// The same where somebody watches.
    #[inline]
    pub(crate) fn admit_watched(&self) -> Option<Ticket> {
        self.load(Ordering::Acquire).watched_call().map(Ticket)
    }

    /// From now on it keeps so much.
    pub(crate) fn keep(&self, keeps: Keeps) {
        let mut locked = self.lock();
        locked.keeps = locked.keeps.max(keeps);
        self.swap_closed(locked.record.generation(), |word| word.keeping(keeps));
    }

    /// A call has entered the window, or the window has grown: successes enter it from now on (7).
    pub(crate) fn enter_window(&self, generation: u64) {
        self.swap_closed(generation, |word| word.keeping(Keeps::Window));
    }

    /// One success more would change nothing in the window, and whoever could change that waits (7).
    pub(crate) fn rest_window(&self, generation: u64) {
        self.swap_closed(generation, Word::at_rest);
    }

    /// Whether nothing has changed since the call was admitted, no failure either: then a success has
    /// nothing to write (3).
    #[inline]
    pub(crate) fn is_unchanged(&self, ticket: Ticket) -> bool {
        self.load(Ordering::Relaxed) == ticket.0
    }

    /// Whether the circuit is still in the generation that let this call through.
    pub(crate) fn is_of_now(&self, ticket: Ticket) -> bool {
        let word = self.load(Ordering::Acquire);
        let generation = if word == Word::BUSY { self.lock().record.generation() } else { word.generation() };
        generation == ticket.generation()
    }

    /// A call succeeded: there are no failures in a row any more. Returns whether it still counts.
    #[inline]
    pub(crate) fn end_run(&self, ticket: Ticket) -> bool {
        self.swap_run(ticket, Word::without_run).is_some()
    }

    /// A call failed. Returns how many did in a row, if it was admitted freely and still counts.
    pub(crate) fn fail(&self, ticket: Ticket) -> Option<u32> {
        self.swap_run(ticket, Word::with_one_more)
    }

    /// A trial ended.
    pub(crate) fn settle_trial(&self, ticket: Ticket, trial: Trial, clock: &Clock) {
        let Some(place) = ticket.0.place() else {
            return;
        };
        let locked = &mut *self.lock();
        let recovery = locked.settings.as_ref();
        locked.record.settle_trial((ticket.0.generation(), place), trial, clock.now(), recovery);
        self.publish(locked);
    }

    /// A rule was met in the generation of this ticket (4).
    pub(crate) fn trip(&self, ticket: Ticket, details: Details, clock: &Clock) {
        let locked = &mut *self.lock();
        if locked.record.state() == State::Closed && locked.record.generation() == ticket.generation() {
            locked.record.change(Cause::ThresholdReached, details, clock.now(), locked.settings.as_ref());
            self.publish(locked);
        }
    }

    /// An operator's word.
    pub(crate) fn order(&self, cause: Cause, details: Details, clock: &Clock) {
        let locked = &mut *self.lock();
        let now = clock.now();
        let recovery = locked.settings.as_ref();
        locked.record.expire(now, recovery);
        locked.record.change(cause, details, now, recovery);
        self.publish(locked);
    }

    /// Obeys other settings from now on. `meanwhile` is told the generation, under the lock; it must not
    /// come back here.
    pub(crate) fn obey(&self, settings: S, clock: &Clock, meanwhile: impl FnOnce(&S, u64)) {
        let locked = &mut *self.lock();
        locked.record.expire(clock.now(), locked.settings.as_ref());
        meanwhile(&settings, locked.record.generation());
        locked.settings = settings;
        self.publish(locked);
    }

    /// The state that one sees now: without the lock, unless it is just changing.
    pub(crate) fn state(&self, clock: &Clock) -> State {
        let (word, until) = self.read();
        match word.state() {
            Some(State::HalfOpen) if clock.has_reached(until) => State::Open,
            Some(state) => state,
            None => self.observe(clock).state,
        }
    }

    /// What one sees now; changes nothing, so an expired lease is seen and not yet noticed.
    pub(crate) fn observe(&self, clock: &Clock) -> Observation {
        let locked = self.lock();
        let (word, mut seen) = (self.load(Ordering::Relaxed), locked.record.clone());
        let now = clock.now();
        seen.expire(now, locked.settings.as_ref());
        drop(locked);
        seen.observe(word.run(), now)
    }

    /// When an open circuit admits its first trial, or now if it is open no more.
    pub(crate) fn due(&self) -> Option<Moment> {
        let (word, until) = self.read();
        (word.state() == Some(State::Open)).then_some(until)
    }

    /// Closed without a failure, as far as the word knows.
    pub(crate) fn is_clean(&self) -> bool {
        let word = self.load(Ordering::Acquire);
        word.is_closed() && word.run() == 0
    }

    /// Whether `next_news` has something to say.
    pub(crate) fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Relaxed) > 0
    }

    /// Whether the caller is to tell the listeners. He then calls [`next_news`](Self::next_news) until there
    /// is none.
    pub(crate) fn begin_to_tell(&self) -> bool {
        let mut locked = self.lock();
        !std::mem::replace(&mut locked.is_telling, true)
    }

    /// The oldest change that nobody was told of. Without one, the telling has ended.
    pub(crate) fn next_news(&self) -> Option<Arc<Transition>> {
        let locked = &mut *self.lock();
        let news = locked.record.next_news();
        if news.is_none() {
            locked.is_telling = false;
            self.has_news.store(0, Ordering::Relaxed);
        }
        news
    }

    /// Whether a call goes through now, or else which state refuses it.
    pub(crate) fn admit_by_record(&self, clock: &Clock) -> Result<Ticket, State> {
        let locked = &mut *self.lock();
        let admitted = locked.record.admit(clock.now(), locked.settings.as_ref());
        self.publish(locked);
        let word = locked.word();
        admitted.map(|admitted| match admitted {
            Admitted::Freely => Ticket(word.watched_call().unwrap_or(word.free_call())),
            Admitted::AsTrial { place } => Ticket(word.with_place(place)),
        })
    }

    /// Which state refuses a call without a doubt, so that nobody needs to take the lock.
    #[inline]
    pub(crate) fn refuse(&self, clock: &Clock) -> Option<State> {
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
    #[inline]
    fn read(&self) -> (Word, Moment) {
        let word = self.load(Ordering::Acquire);
        let until = Moment::from_nanos(self.until.load(Ordering::Acquire));
        let unchanged = self.load(Ordering::Relaxed) == word;
        (if unchanged { word } else { Word::BUSY }, until)
    }

    /// Changes the run of failures in the generation of `ticket`, and says what it is now.
    #[inline]
    fn swap_run(&self, ticket: Ticket, step: fn(Word) -> Word) -> Option<u32> {
        self.swap_closed(ticket.generation(), step).map(Word::run)
    }

    /// Changes the word of this closed generation; nothing in any other (3). Busy means that this
    /// generation is just ending.
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

    /// Makes the word say what the record says (1, 5). The run of a Closed circuit lives in the word
    /// alone, and so does whether its window rests, so a generation that goes on is left as it is.
    fn publish(&self, locked: &Locked<S>) {
        let record = &locked.record;
        if record.has_news() {
            self.has_news.store(1, Ordering::Relaxed);
        }
        let mut word = locked.word();
        let is_same = self.load(Ordering::Relaxed).without_run().at_rest() == word.at_rest();
        if is_same && record.state() != State::HalfOpen {
            return;
        }
        if record.state() == State::HalfOpen && record.is_full(locked.settings.as_ref()) {
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

    fn lock(&self) -> MutexGuard<'_, Locked<S>> {
        lock(&self.locked)
    }
}

impl<S> Locked<S> {
    /// What the shared word is to say, but for the run and for free places.
    fn word(&self) -> Word {
        Word::new(self.record.state(), self.record.generation()).keeping(self.keeps)
    }
}

impl<S: Clone> Machine<S> {
    /// The settings that it obeys.
    pub(crate) fn settings(&self) -> S {
        lock(&self.locked).settings.clone()
    }
}

impl Ticket {
    /// Of a call that went through though it was refused: its result decides nothing. It belongs to no state, and
    /// to the first generation, in which nothing is refused.
    pub(crate) const OUTSIDE: Self = Self(Word::BUSY);

    #[inline]
    pub(crate) fn is_trial(self) -> bool {
        self.0.place().is_some()
    }

    /// Whether limits and clocks apply to it. Not to one that a plain circuit let through, which leaves by a
    /// way where nobody gives a place back; nor to one of a disabled circuit, nor outside of all.
    pub(crate) fn is_ruled(self) -> bool {
        self.0.is_watched_call() || self.is_trial()
    }

    #[inline]
    pub(crate) const fn generation(self) -> u64 {
        self.0.generation()
    }
}
