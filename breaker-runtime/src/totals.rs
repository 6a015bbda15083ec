//! Counters of all calls of a breaker by result, on the striped cells of `sync/striped.rs`.
//!
//! The common results have a cell per thread, the rare ones a shared cell each. A breaker stays small while
//! one thread uses it: the first few thousand calls of other threads increment small shared counters, before
//! a block of cells is allocated.

use crate::sync::striped::{Striped, StripedCell};
use crate::sync::{AtomicU16, AtomicU64, OnceBox, Ordering};

/// The calls of a breaker since it was created, by result.
///
/// Every finished call is counted in exactly one of `successes`, `failures`, `timeouts`, `injected`, `ignored` and
/// `rejected`. [`failed`](Self::failed) is the sum of those that the thresholds count as failures. Totals are never
/// reset. While calls are running, fields may be a few calls apart, because each is read separately.
///
/// ```
/// use breaker_runtime::{BreakerError, CircuitBreaker, Config};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// breaker.call(|| Ok::<_, BreakerError>(1))?;
/// breaker.force_open();
/// assert!(breaker.try_acquire().is_err());
///
/// let totals = breaker.snapshot().totals;
/// assert_eq!((totals.successes, totals.rejected, totals.calls()), (1, 1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Successful calls.
    pub successes: u64,
    /// Failed calls, including panics and excluding timeouts.
    pub failures: u64,
    /// Calls that exceeded `call_timeout`. For the thresholds they are failures.
    pub timeouts: u64,
    /// Calls that a drill failed, so the function did not run. For the thresholds they are failures. See
    /// `breaker_runtime::chaos` (feature `chaos`).
    pub injected: u64,
    /// Calls that a drill delayed. They are counted by their result as well.
    pub delayed: u64,
    /// Calls whose result says nothing about the dependency: cancelled calls, results that `ignore_if` selects,
    /// and errors of other breakers.
    pub ignored: u64,
    /// Calls that were not admitted, so the function did not run.
    pub rejected: u64,
    /// Rejected calls by reason. Their sum is `rejected`.
    pub rejections: Rejections,
    /// Fallbacks of annotated functions. Their calls are counted above as well.
    pub fallbacks: Fallbacks,
    /// Cancelled calls. They are counted in `ignored` and `failures` as well.
    pub cancellations: Cancellations,
}

/// Rejected calls by reason.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let breaker = CircuitBreaker::new("search", Config::builder().max_concurrent(1).build()?)?;
/// let running = breaker.try_acquire()?;
/// assert!(breaker.try_acquire().is_err());
/// breaker.force_open();
/// assert!(breaker.try_acquire().is_err());
/// drop(running);
///
/// let totals = breaker.snapshot().totals;
/// assert_eq!((totals.rejections.bulkhead, totals.rejections.forced_open), (1, 1));
/// assert_eq!(totals.rejected, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejections {
    /// Calls rejected because the circuit was open.
    pub open: u64,
    /// Calls rejected because the circuit was half-open and all trial slots were in use.
    pub half_open: u64,
    /// Calls rejected because the circuit was closing gradually; see [`ramp`](crate::ConfigBuilder::ramp).
    pub ramping: u64,
    /// Calls rejected because an operator had forced the circuit open.
    pub forced_open: u64,
    /// Calls rejected because `max_concurrent` calls were running.
    pub bulkhead: u64,
}

/// Completed fallbacks of annotated functions, by result. A fallback that panics or is cancelled is not
/// counted.
///
/// ```
/// use breaker_runtime::{Registry, circuit_breaker};
///
/// #[circuit_breaker(name = "forecast", fallback = |_| Ok(15))]
/// fn degrees() -> Result<i32, String> {
///     Err("no answer".into())
/// }
///
/// degrees().unwrap_err();
/// let forecast = Registry::global().get("forecast").unwrap();
/// forecast.force_open();
/// assert_eq!(degrees(), Ok(15));
/// assert_eq!(forecast.snapshot().totals.fallbacks.successes, 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fallbacks {
    /// Fallbacks that returned anything but an `Err`.
    pub successes: u64,
    /// Fallbacks that returned an `Err`.
    pub failures: u64,
}

/// Calls that ended without a result, because their future, permit, stream or body was dropped.
///
/// For a stream and a body, the time that is compared with `cancelled_after` is the wait for the next part. It is zero if
/// nothing waits.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// drop(breaker.try_acquire()?);
/// let totals = breaker.snapshot().totals;
/// assert_eq!((totals.cancellations.ignored, totals.ignored), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancellations {
    /// Calls that ran or waited for less than [`cancelled_after`](crate::ConfigBuilder::cancelled_after).
    pub ignored: u64,
    /// Calls that ran or waited at least that long, so that they are failures.
    pub failures: u64,
}

/// The counter that a call increments. The first four have a cell per thread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Total {
    Successes,
    Failures,
    Open,
    Fallbacks,
    Rare(Rare),
}

/// The counters that few calls increment. All threads share them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rare {
    Timeouts,
    Ignored,
    HalfOpen,
    Ramping,
    ForcedOpen,
    Bulkhead,
    FailedFallbacks,
    IgnoredCancellations,
    FailedCancellations,
    Injected,
    Delayed,
}

/// The counters of one breaker.
#[derive(Debug)]
pub(crate) struct Counters {
    cells: Striped<Cells>,
    /// Counts of threads without a cell, until a block of cells is allocated.
    early: [AtomicU16; 4],
    rare: OnceBox<[AtomicU64; 11]>,
}

#[derive(Debug, Default)]
struct Cells([AtomicU64; 4]);

/// Number of calls by threads without a cell after which a block of cells is allocated. Concurrent threads
/// may exceed it by one each, so it is far below `u16::MAX`.
const EARLY_LIMIT: u16 = 4096;

impl Counters {
    pub(crate) fn new() -> Self {
        Self { cells: Striped::new(), early: Default::default(), rare: OnceBox::new() }
    }

    /// Increments a counter.
    #[inline]
    pub(crate) fn add(&self, total: Total) {
        let cell = match total {
            Total::Successes => 0,
            Total::Failures => 1,
            Total::Open => 2,
            Total::Fallbacks => 3,
            Total::Rare(rare) => return self.add_rare(rare),
        };
        match self.cells.owned() {
            Some(cells) => cells.add_owned(cell),
            None => self.add_otherwise(cell),
        }
    }

    /// Returns the sums over all threads.
    pub(crate) fn read(&self) -> Totals {
        let mut sums = self.early.each_ref().map(|cell| u64::from(cell.load(Ordering::Relaxed)));
        for cells in self.cells.iter() {
            for (sum, cell) in sums.iter_mut().zip(&cells.0) {
                *sum += cell.load(Ordering::Relaxed);
            }
        }
        let [successes, failures, open, successful_fallbacks] = sums;
        let rare = self.rare.get().map(|rare| rare.each_ref().map(|cell| cell.load(Ordering::Relaxed)));
        let [
            timeouts,
            ignored,
            half_open,
            ramping,
            forced_open,
            bulkhead,
            failed_fallbacks,
            ignored_cancellations,
            failed_cancellations,
            injected,
            delayed,
        ] = rare.unwrap_or_default();
        let rejections = Rejections { open, half_open, ramping, forced_open, bulkhead };
        let rejected = open + half_open + ramping + forced_open + bulkhead;
        let fallbacks = Fallbacks { successes: successful_fallbacks, failures: failed_fallbacks };
        let cancellations = Cancellations { ignored: ignored_cancellations, failures: failed_cancellations };
        Totals {
            successes,
            failures,
            timeouts,
            injected,
            delayed,
            ignored,
            rejected,
            rejections,
            fallbacks,
            cancellations,
        }
    }

    /// Increments a counter for a thread that has no cell yet, or cannot get one.
    #[cold]
    fn add_otherwise(&self, cell: usize) {
        if let Some(own) = self.cells.claim() {
            return own.add_owned(cell);
        }
        if let Some(early) = self.early.get(cell)
            && !self.cells.has_block()
            && early.load(Ordering::Relaxed) < EARLY_LIMIT
        {
            early.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match self.cells.cell() {
            StripedCell::Owned(cells) => cells.add_owned(cell),
            StripedCell::Shared(cells) => cells.value().add_shared(cell),
        }
    }

    #[inline(never)]
    fn add_rare(&self, rare: Rare) {
        if let Some(cell) = self.rare.get_or_init(Box::default).get(rare as usize) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Cells {
    /// Increments a cell that only this thread writes.
    #[inline]
    fn add_owned(&self, cell: usize) {
        if let Some(cell) = self.0.get(cell) {
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

    /// Increments a cell that other threads write too.
    fn add_shared(&self, cell: usize) {
        if let Some(cell) = self.0.get(cell) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Totals {
    pub(crate) fn add(&mut self, other: Self) {
        self.successes += other.successes;
        self.failures += other.failures;
        self.timeouts += other.timeouts;
        self.injected += other.injected;
        self.delayed += other.delayed;
        self.ignored += other.ignored;
        self.rejected += other.rejected;
        self.rejections.open += other.rejections.open;
        self.rejections.half_open += other.rejections.half_open;
        self.rejections.ramping += other.rejections.ramping;
        self.rejections.forced_open += other.rejections.forced_open;
        self.rejections.bulkhead += other.rejections.bulkhead;
        self.fallbacks.successes += other.fallbacks.successes;
        self.fallbacks.failures += other.fallbacks.failures;
        self.cancellations.ignored += other.cancellations.ignored;
        self.cancellations.failures += other.cancellations.failures;
    }

    /// Returns the number of calls that are failures for the thresholds: the sum of `failures`, `timeouts` and
    /// `injected`.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// breaker.try_acquire()?.settle(Outcome::Failure);
    /// assert_eq!(breaker.snapshot().totals.failed(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.failures + self.timeouts + self.injected
    }

    /// Returns the number of finished calls, including rejected ones.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.successes + self.failed() + self.ignored + self.rejected
    }
}
