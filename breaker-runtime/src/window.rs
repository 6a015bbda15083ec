//! What happened lately, and whether that is reason to open. It does not know what a failure is, nor
//! what is done about it.
//!
//! | file | |
//! |---|---|
//! | `rules.rs` | which counts are reason to open: pure |
//! | `span.rs` | how far back a window reaches, packed into one word |
//! | `counts.rs` | the counts of a window, and its rates |
//! | `count.rs` | exactly the last N calls |
//! | `time.rs` | the last while, in parts |
//! | `parts.rs` | a thread's own successes in each part |
//!
//! Successes are many and cannot open a circuit, so they take no lock; failures and slow calls take
//! the window's own one. **Everything is tagged with the generation of the call that brought it**: what
//! is found with an older tag is forgotten, what comes with an older tag is dropped. So nobody has to
//! clear a window when the circuit closes, and a late result cannot enter the window of a later
//! generation, whatever the threads do in between.

mod count;
mod counts;
mod parts;
mod rules;
mod span;
mod time;

pub use counts::WindowCounts;
use counts::WindowCounts as Counts;
pub use rules::TripReason;
pub(crate) use rules::{Rate, Rules, share};
pub(crate) use span::{MAX_CALLS, Span};

use crate::clock::Clock;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};
use count::{CountWindow, Step};
use span::{Shape, Tag};
use time::TimeWindow;

/// The window of one circuit, of calls or of time; [`reshape`](Self::reshape) makes it another one.
#[derive(Debug)]
pub(crate) struct Window {
    shape: AtomicU64,
    count: CountWindow,
    time: TimeWindow,
    lately: Mutex<Lately>,
}

/// What only those see who hold the lock.
#[derive(Debug, Default)]
struct Lately {
    count: count::Marks,
    time: time::Buckets,
}

/// A counted call that is no plain success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    Failure,
    SlowFailure,
    SlowSuccess,
}

impl Bad {
    const fn failures(self) -> u64 {
        match self {
            Self::Failure | Self::SlowFailure => 1,
            Self::SlowSuccess => 0,
        }
    }

    const fn slow(self) -> u64 {
        match self {
            Self::SlowFailure | Self::SlowSuccess => 1,
            Self::Failure => 0,
        }
    }
}

impl Window {
    pub(crate) fn new(span: Span) -> Self {
        Self {
            shape: AtomicU64::new(Shape::new(span, 0).bits()),
            count: CountWindow::new(),
            time: TimeWindow::new(),
            lately: Mutex::new(Lately::default()),
        }
    }

    /// A call of this generation succeeded, and fast. Whether one more would change nothing; then the
    /// window may [rest](Self::rest).
    #[inline]
    pub(crate) fn succeed(&self, generation: u64, clock: &Clock) -> bool {
        let shape = self.shape(Ordering::Acquire);
        let Some(size) = shape.calls() else {
            self.succeed_in_time(generation, shape, clock);
            return shape.is_unlimited();
        };
        match self.count.succeed(generation, size) {
            Step::Needless => return true,
            Step::Taken => {}
            Step::Refused => self.enter_count(generation, size),
        }
        false
    }

    /// Calls `rest` if one success more would change nothing in this generation. Nothing enters the window
    /// meanwhile.
    #[cold]
    pub(crate) fn rest(&self, generation: u64, rest: impl FnOnce()) {
        let _lately = self.lock();
        let shape = self.shape(Ordering::Relaxed);
        let is_full_and_clean = |size| self.count.is_full_and_clean_in(generation, size);
        if shape.calls().map_or(shape.is_unlimited(), is_full_and_clean) {
            rest();
        }
    }

    /// In a function of its own, so that windows of calls do not pay for its frame.
    #[inline(never)]
    fn succeed_in_time(&self, generation: u64, shape: Shape, clock: &Clock) {
        let Some(part) = shape.part() else {
            return;
        };
        if !self.time.succeed(generation, shape, part.now(clock)) {
            self.succeed_under_lock(generation, clock);
        }
    }

    /// For a thread that has no place of its own. Shape and time are read under the lock, as `add` does: a
    /// bucket from before a change of either would shut out all that come after it.
    #[cold]
    fn succeed_under_lock(&self, generation: u64, clock: &Clock) {
        let mut lately = self.lock();
        if let Some(part) = self.shape(Ordering::Relaxed).part() {
            lately.time.succeed(part.tag(generation, part.now(clock)));
        }
    }

    #[cold]
    #[inline(never)]
    fn enter_count(&self, generation: u64, size: u64) {
        self.count.succeed_slowly(generation, size, &mut self.lock().count);
    }

    /// A call of this generation failed or was slow. What the window holds with it, if that may be reason
    /// to open by `rules`.
    pub(crate) fn add(&self, generation: u64, bad: Bad, rules: &Rules, clock: &Clock) -> Option<Counts> {
        let mut lately = self.lock();
        let shape = self.shape(Ordering::Relaxed);
        if let Some(size) = shape.calls() {
            return self.count.add(generation, size, bad, &mut lately.count);
        }
        let part = shape.part()?;
        let tag = part.tag(generation, part.now(clock));
        let bad_ones = lately.time.add(tag, bad)?;
        // To sum up the successes of all threads is work; most failures can do without.
        rules.may_be_met(bad_ones).then(|| self.with_successes(bad_ones, tag, shape, &lately))
    }

    /// What the window holds in this generation. Looking forgets nothing.
    pub(crate) fn counts(&self, generation: u64, clock: &Clock) -> Counts {
        let lately = self.lock();
        let shape = self.shape(Ordering::Relaxed);
        if let Some(size) = shape.calls() {
            return self.count.counts(generation, size, &lately.count);
        }
        let Some(part) = shape.part() else {
            return Counts::default();
        };
        let tag = part.tag(generation, part.now(clock));
        self.with_successes(lately.time.bad_ones(tag), tag, shape, &lately)
    }

    /// Makes it reach back as far as `span` says from now on, and keeps of what it holds whatever the new
    /// span has room for. A call that ends meanwhile may be missed. From calls to time or back nothing can
    /// be kept.
    pub(crate) fn reshape(&self, span: Span, generation: u64, clock: &Clock) {
        let mut lately = self.lock();
        let old = self.shape(Ordering::Relaxed);
        let new = Shape::new(span, old.era().wrapping_add(1));
        if old.is_same_as(new) {
            return;
        }
        match (old.calls().zip(new.calls()), old.part().zip(new.part())) {
            (Some((before, after)), _) => self.count.resize(before, after, &mut lately.count),
            (None, Some((before, after))) => {
                let now = before.now(clock);
                let last = before.tag(generation, now);
                let mut kept = std::mem::take(&mut lately.time);
                kept.forget_before(last);
                self.time.carry(last, old, &mut kept);
                lately.time = kept.retagged(generation, (before, after), now);
            }
            (None, None) => {
                lately.time = time::Buckets::default();
                self.count.forget(&mut lately.count);
            }
        }
        self.shape.store(new.bits(), Ordering::Release);
    }

    fn with_successes(&self, bad_ones: Counts, last: Tag, shape: Shape, lately: &Lately) -> Counts {
        let successes = lately.time.successes(last) + self.time.successes(last, shape);
        Counts { calls: bad_ones.calls + successes, ..bad_ones }
    }

    #[inline]
    fn shape(&self, ordering: Ordering) -> Shape {
        Shape::from_bits(self.shape.load(ordering))
    }

    fn lock(&self) -> MutexGuard<'_, Lately> {
        lock(&self.lately)
    }
}
