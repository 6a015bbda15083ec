//! A clock that stands still until a test advances it.
//!
//! It is not part of the loom tests, so its atomics and its lock are those of the standard library.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::moment::{Moment, nanos_of};
use super::paused;
use crate::sync::catch_panic;
use crate::sync::process_slot::{ProcessSlot, ProcessSlotGuard};
use crate::sync::thread_local::{self, ThreadSlotGuard};

/// The public name, which the documentation shows in signatures.
pub use self::MockClock as Clock;

/// A clock that stands still until a test advances it. Clones share the time.
///
/// A breaker on such a clock makes the random decisions of a [`ramp`](crate::ConfigBuilder::ramp) in the same order in
/// each run: for any number of calls in a row, the number of admitted calls differs from the exact share by a few at
/// most.
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
pub struct MockClock {
    time: Arc<MockTime>,
    /// The runtime whose clock was paused. Breakers do not keep it, because those of annotated functions are never
    /// freed.
    _runtime: Option<paused::Runtime>,
}

/// The time that all clones of a [`MockClock`] share.
#[derive(Debug, Default)]
pub(crate) struct MockTime {
    /// Sum of all steps by which the time was advanced, in nanoseconds.
    advanced: AtomicU64,
    sleepers: Mutex<Sleepers>,
    /// The start on tokio's clock, if that was paused. The time then follows tokio's clock too.
    paused: Option<paused::PausedStart>,
    /// Number of random numbers that breakers have drawn.
    draws: AtomicU64,
    /// Latest time read from tokio's clock since the start, in nanoseconds. It is used once the runtime has shut down.
    paused_elapsed: AtomicU64,
}

/// The tasks that wait until the time is advanced. A sleep that is dropped removes its task.
#[derive(Debug, Default)]
struct Sleepers {
    wakers: BTreeMap<u64, Waker>,
    last_id: u64,
}

/// A future that completes when the time reaches a moment.
pub(crate) struct MockSleep {
    time: Arc<MockTime>,
    id: u64,
    until: Moment,
    timer: Option<paused::Timer>,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<MockTime>>> = const { RefCell::new(None) };
}

/// The time of the scope for the whole process.
static PROCESS: ProcessSlot<Arc<MockTime>> = ProcessSlot::new();

/// Returns the time of the current scope of this thread, or of the process.
pub(super) fn current() -> Option<Arc<MockTime>> {
    thread_local::current(&CURRENT).or_else(|| PROCESS.current())
}

impl MockClock {
    /// Returns a clock that stands still at an arbitrary start.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a clock that also follows tokio's clock, if that is paused on this thread.
    pub(crate) fn following_tokio() -> Self {
        let runtime = paused::Runtime::current();
        let paused = runtime.as_ref().and_then(paused::PausedStart::now);
        Self { time: Arc::new(MockTime { paused, ..MockTime::default() }), _runtime: runtime }
    }

    /// Moves the time forward by `step`, and wakes the calls that wait for a time. The time stops at its maximum, 584
    /// years after the start. The duration of a call is exact up to nine years.
    pub fn advance(&self, step: Duration) {
        self.time.advance(step);
    }

    /// Makes the breakers that this thread creates read this clock, until the guard is dropped.
    pub(crate) fn enter(&self) -> ThreadSlotGuard<Arc<MockTime>> {
        ThreadSlotGuard::set(&CURRENT, Arc::clone(&self.time))
    }

    /// Makes the breakers that any thread outside other scopes creates read this clock, until the guard is dropped.
    pub(crate) fn enter_process(&self) -> ProcessSlotGuard<Arc<MockTime>> {
        PROCESS.set(Arc::clone(&self.time))
    }

    pub(super) const fn time(&self) -> &Arc<MockTime> {
        &self.time
    }
}

impl MockTime {
    /// Returns the current time. It is always before [`Moment::NEVER`].
    pub(super) fn now(&self) -> Moment {
        let advanced = self.advanced.load(Ordering::SeqCst);
        Moment::from_nanos(advanced.saturating_add(self.paused_elapsed()).min(u64::MAX - 1))
    }

    /// Returns the next number of a fixed sequence that covers the range from 0 to 1 evenly: multiples of the golden
    /// ratio, without their whole part.
    #[expect(clippy::cast_precision_loss, reason = "both numbers have at most 53 bits")]
    pub(super) fn draw(&self) -> f64 {
        const GOLDEN_RATIO: u64 = 0x9E37_79B9_7F4A_7C15;
        const FRACTION_BITS: u32 = 53;
        let number = self.draws.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        let fraction = number.wrapping_mul(GOLDEN_RATIO) >> (u64::BITS - FRACTION_BITS);
        fraction as f64 / (1_u64 << FRACTION_BITS) as f64
    }

    /// Returns a future that completes at `until`.
    pub(super) fn sleep(self: &Arc<Self>, until: Moment) -> MockSleep {
        let mut sleepers = self.sleepers();
        sleepers.last_id += 1;
        MockSleep { time: Arc::clone(self), id: sleepers.last_id, until, timer: None }
    }

    fn paused_elapsed(&self) -> u64 {
        let elapsed = self.paused.as_ref().and_then(paused::PausedStart::elapsed).map_or(0, nanos_of);
        self.paused_elapsed.fetch_max(elapsed, Ordering::SeqCst).max(elapsed)
    }

    fn advance(&self, step: Duration) {
        let step = nanos_of(step);
        self.advanced
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| Some(now.saturating_add(step)))
            .ok();
        let wakers = std::mem::take(&mut self.sleepers().wakers);
        for waker in wakers.into_values() {
            catch_panic(|| waker.wake());
        }
    }

    fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MockSleep {
    fn wake_on_advance(&self, waker: &Waker) {
        // Cloned before the lock is taken and dropped after it is released, because both run user code.
        let waker = waker.clone();
        let replaced = self.time.sleepers().wakers.insert(self.id, waker);
        drop(replaced);
    }

    /// Returns `true` if tokio's paused clock may have reached the moment. Otherwise the task is woken when it does.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> bool {
        let Some(wait) = self.until.wait_from(self.time.now()).filter(|_| self.time.paused.is_some()) else {
            return false;
        };
        // tokio panics if the runtime has shut down.
        let has_elapsed = catch_panic(|| {
            if self.timer.is_none() {
                self.timer = self.time.paused.as_ref().and_then(|paused| paused.timer(wait));
            }
            self.timer.as_mut().is_some_and(|timer| timer.as_mut().poll(context).is_ready())
        });
        let has_elapsed = has_elapsed.unwrap_or_default();
        if has_elapsed {
            self.timer = None;
        }
        has_elapsed
    }
}

impl Future for MockSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.wake_on_advance(context.waker());
        loop {
            // Read after the waker is registered, so that a concurrent `advance` is not missed.
            if self.time.now() >= self.until {
                return Poll::Ready(());
            }
            if !self.poll_timer(context) {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for MockSleep {
    fn drop(&mut self) {
        let waker = self.time.sleepers().wakers.remove(&self.id);
        catch_panic(|| drop(waker));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_that_has_ended_keeps_no_waker() {
        let clock = MockClock::new();
        let hour = Moment::from_nanos(0).after(Duration::from_secs(3600));
        let poll = |sleep: &mut MockSleep| Pin::new(sleep).poll(&mut Context::from_waker(Waker::noop()));
        let sleepers = || clock.time.sleepers().wakers.len();
        for _ in 0..3 {
            let mut sleep = clock.time.sleep(hour);
            assert!((0..2).all(|_| poll(&mut sleep).is_pending()));
            assert_eq!(sleepers(), 1);
            drop(sleep);
            assert_eq!(sleepers(), 0);
        }
        let mut sleep = clock.time.sleep(hour);
        assert!(poll(&mut sleep).is_pending());
        clock.advance(Duration::from_secs(3600));
        assert!(poll(&mut sleep).is_ready());
        drop(sleep);
        assert_eq!(sleepers(), 0);
    }

    #[test]
    fn the_time_never_reaches_the_end_of_time() {
        let clock = MockClock::new();
        clock.advance(Duration::MAX);
        assert!(clock.time.now() < Moment::NEVER);
    }
}
