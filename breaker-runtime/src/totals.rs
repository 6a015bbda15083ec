//! How every call ended, ever: counters that a second thread does not slow down, see `sync/striped.rs`.
//!
//! A breaker that one thread uses, or none, stays small; so does one that other threads use now and
//! then, for their first few thousand calls are counted in small shared cells.

use crate::sync::striped::{Striped, StripedCell};
use crate::sync::{AtomicU16, AtomicU64, OnceBox, Ordering};

/// How many calls ended in which way since the breaker was made. Every call that ended is in exactly
/// one of successes, failures, timeouts, ignored and rejected; nothing ever resets them.
///
/// Read while calls go on, the fields may be a few calls apart.
///
/// ```
/// use breaker_runtime::{BreakerError, CircuitBreaker, Config};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// breaker.call(|| Ok::<_, BreakerError>(1))?;
/// assert_eq!(breaker.snapshot().totals.successes, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that failed, those that panicked among them.
    pub failures: u64,
    /// Calls that were ended because their time was over. To the rules they are failures.
    pub timeouts: u64,
    /// Calls that ended without saying anything about the dependency, such as cancelled ones.
    pub ignored: u64,
    /// Calls that were not admitted; the function did not run.
    pub rejected: u64,
    /// The same calls, by the reason.
    pub rejections: Rejections,
    /// What fallbacks of annotated functions gave instead. Beside the calls: each of them is counted above too.
    pub fallbacks: Fallbacks,
}

/// How many calls were not admitted, and why.
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
    /// The circuit was open.
    pub open: u64,
    /// It was half-open and all trial places were taken.
    pub half_open: u64,
    /// An operator had forced it open.
    pub forced_open: u64,
    /// As many calls were running as may run at a time.
    pub bulkhead: u64,
}

/// How many fallbacks of annotated functions ran to their end, and what they gave. One that panics or is dropped
/// before gave nothing.
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
    /// Those that gave an answer.
    pub successes: u64,
    /// Those that gave an `Err`.
    pub failures: u64,
}

/// What a call adds one to: the ways in which most calls end, each thread for itself, and the others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Total {
    Successes,
    Failures,
    Open,
    Fallbacks,
    Rare(Rare),
}

/// Ways in which few calls end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rare {
    Timeouts,
    Ignored,
    HalfOpen,
    ForcedOpen,
    Bulkhead,
    FailedFallbacks,
}

/// The counters of one breaker.
#[derive(Debug)]
pub(crate) struct Counters {
    cells: Striped<Cells>,
    /// What threads that own no cell count before it is worth a block of cells.
    early: [AtomicU16; 4],
    rare: OnceBox<[AtomicU64; 6]>,
}

#[derive(Debug, Default)]
struct Cells([AtomicU64; 4]);

/// So many calls of threads other than the first make a block of cells. Far from the largest u16: it is
/// passed by one for each thread that is on its way.
const WORTH_A_BLOCK: u16 = 4096;

impl Counters {
    pub(crate) fn new() -> Self {
        Self { cells: Striped::new(), early: Default::default(), rare: OnceBox::new() }
    }

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
            Some(cells) => cells.add_alone(cell),
            None => self.add_otherwise(cell),
        }
    }

    pub(crate) fn read(&self) -> Totals {
        let mut sums = self.early.each_ref().map(|cell| u64::from(cell.load(Ordering::Relaxed)));
        for cells in self.cells.iter() {
            for (sum, cell) in sums.iter_mut().zip(&cells.0) {
                *sum += cell.load(Ordering::Relaxed);
            }
        }
        let [successes, failures, open, answered] = sums;
        let rare = self.rare.get().map(|rare| rare.each_ref().map(|cell| cell.load(Ordering::Relaxed)));
        let [timeouts, ignored, half_open, forced_open, bulkhead, failed_fallbacks] =
            rare.unwrap_or_default();
        let rejections = Rejections { open, half_open, forced_open, bulkhead };
        let rejected = open + half_open + forced_open + bulkhead;
        let fallbacks = Fallbacks { successes: answered, failures: failed_fallbacks };
        Totals { successes, failures, timeouts, ignored, rejected, rejections, fallbacks }
    }

    /// The first call of a thread or of the breaker, or a thread beyond the block.
    #[cold]
    fn add_otherwise(&self, cell: usize) {
        if let Some(own) = self.cells.claim() {
            return own.add_alone(cell);
        }
        if let Some(early) = self.early.get(cell)
            && !self.cells.has_block()
            && early.load(Ordering::Relaxed) < WORTH_A_BLOCK
        {
            early.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match self.cells.cell() {
            StripedCell::Owned(cells) => cells.add_alone(cell),
            StripedCell::Shared(cells) => cells.add_shared(cell),
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
    /// Only for the one thread that writes these cells.
    #[inline]
    fn add_alone(&self, cell: usize) {
        if let Some(cell) = self.0.get(cell) {
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

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
        self.ignored += other.ignored;
        self.rejected += other.rejected;
        self.rejections.open += other.rejections.open;
        self.rejections.half_open += other.rejections.half_open;
        self.rejections.forced_open += other.rejections.forced_open;
        self.rejections.bulkhead += other.rejections.bulkhead;
        self.fallbacks.successes += other.fallbacks.successes;
        self.fallbacks.failures += other.fallbacks.failures;
    }

    /// All calls that ended, rejected ones included.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.successes + self.failures + self.timeouts + self.ignored + self.rejected
    }
}
