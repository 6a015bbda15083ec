//! The clock that a test moves. It is not part of what loom explores, so its atomics and its lock are the
//! standard library's.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::LocalKey;
use std::time::Duration;

use super::{Moment, paused};

/// A clock that stands still until a test advances it. Clones show the same time.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, Outcome, Registry, State, testing::Clock};
///
/// let clock = Clock::new();
/// let config = Config::builder().failure_threshold(1).build()?;
/// let breaker = Registry::with_clock(&clock).register("search", config)?;
///
/// breaker.try_acquire()?.settle(Outcome::Failure);
/// assert!(breaker.try_acquire().is_err());
///
/// clock.advance(Duration::from_secs(30));
/// assert!(breaker.try_acquire()?.is_trial());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock {
    hand: Arc<Hand>,
}

#[derive(Debug, Default)]
pub(crate) struct Hand {
    moved: AtomicU64,
    sleepers: Mutex<Vec<Waker>>,
    /// Where tokio's time is paused, the hand goes with it.
    paused: Option<paused::Since>,
    /// The latest that tokio's clock has shown, for threads outside of its runtime.
    elapsed: AtomicU64,
}

/// Ends when the hand has moved to a moment.
pub(crate) struct MockSleep {
    hand: Arc<Hand>,
    until: Moment,
    timer: Option<paused::Timer>,
}

/// What a thread has at present, for as long as somebody wants it to.
pub(crate) type Current<T> = LocalKey<RefCell<Option<T>>>;

/// That a thread has something; when this is dropped, it has what it had before.
pub(crate) struct Entered<T: 'static> {
    place: &'static Current<T>,
    before: Option<T>,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Hand>>> = const { RefCell::new(None) };
}

impl Clock {
    /// A clock that shows its start.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, which also goes with tokio's clock if that is paused here.
    pub(crate) fn with_tokio() -> Self {
        Self { hand: Arc::new(Hand { paused: paused::Since::now(), ..Hand::default() }) }
    }

    /// Moves the time forward. It stops at the end of time, 584 years away.
    pub fn advance(&self, step: Duration) {
        self.hand.advance(step);
    }

    pub(crate) fn for_breakers(&self) -> super::Clock {
        super::Clock::by_hand(Arc::clone(&self.hand))
    }

    /// Breakers that this thread makes read this clock, until what is returned is dropped.
    pub(crate) fn enter(&self) -> Entered<Arc<Hand>> {
        Entered::new(&CURRENT, Arc::clone(&self.hand))
    }
}

impl Hand {
    /// Never the end of time: what is never due must not become due.
    pub(super) fn shows(&self) -> Moment {
        let moved = self.moved.load(Ordering::SeqCst);
        Moment(moved.saturating_add(self.elapsed()).min(u64::MAX - 1))
    }

    fn elapsed(&self) -> u64 {
        let elapsed = self.paused.as_ref().and_then(paused::Since::elapsed).map_or(0, super::nanos_of);
        self.elapsed.fetch_max(elapsed, Ordering::SeqCst).max(elapsed)
    }

    pub(crate) fn advance(&self, step: Duration) {
        let step = super::nanos_of(step);
        self.moved
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| Some(now.saturating_add(step)))
            .ok();
        let sleepers = std::mem::take(&mut *self.sleepers.lock().unwrap_or_else(PoisonError::into_inner));
        sleepers.into_iter().for_each(Waker::wake);
    }

    fn wake_on_advance(&self, waker: &Waker) {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        if !sleepers.iter().any(|sleeper| sleeper.will_wake(waker)) {
            sleepers.push(waker.clone());
        }
    }
}

impl MockSleep {
    /// Whether tokio's clock may have come so far; if not, it wakes the task when it has.
    fn has_rung(&mut self, context: &mut Context<'_>) -> bool {
        let Some(wait) = self.until.wait_from(self.hand.shows()).filter(|_| self.hand.paused.is_some())
        else {
            return false;
        };
        if self.timer.is_none() {
            self.timer = paused::timer(wait);
        }
        let rings = self.timer.as_mut().is_some_and(|timer| timer.as_mut().poll(context).is_ready());
        if rings {
            self.timer = None;
        }
        rings
    }
}

impl Future for MockSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.hand.wake_on_advance(context.waker());
        loop {
            // Only now: it may have been advanced before it knew of us.
            if self.hand.shows() >= self.until {
                return Poll::Ready(());
            }
            if !self.has_rung(context) {
                return Poll::Pending;
            }
        }
    }
}

impl<T> Entered<T> {
    pub(crate) fn new(place: &'static Current<T>, value: T) -> Self {
        // A thread that is being torn down has nothing any more.
        let before = place.try_with(|current| current.replace(Some(value))).ok().flatten();
        Self { place, before }
    }
}

impl<T> Drop for Entered<T> {
    fn drop(&mut self) {
        let before = self.before.take();
        // Dropped behind the borrow: it may be the last owner of what the user's code drops.
        let ended = self.place.try_with(|current| current.replace(before));
        drop(ended);
    }
}

impl super::Clock {
    pub(crate) fn by_hand(hand: Arc<Hand>) -> Self {
        Self { hand: Some(hand) }
    }

    /// The clock of the test that this thread runs, or else the system's.
    pub(super) fn of_test() -> Self {
        Self { hand: CURRENT.try_with(|current| current.borrow().clone()).ok().flatten() }
    }

    /// A sleep on the clock that a test moves, if this is one.
    pub(crate) fn sleep_by_hand(&self, until: Moment) -> Option<MockSleep> {
        self.hand.as_ref().map(|hand| MockSleep { hand: Arc::clone(hand), until, timer: None })
    }
}
