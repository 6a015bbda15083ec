//! How every call ended, ever: counters that a second thread does not slow down.
//!
//! A locked increment costs four times an uncontended call on current hardware, and a shared one
//! halves the throughput of two cores. So each cell has **one** writing thread, which needs no
//! locked instruction: the first thread that counts owns the cells inside the breaker; when a second
//! one comes, a block with a cell for each of the first threads is made, once. Threads beyond the
//! block share one last cell and pay for a locked increment. A breaker that one thread uses, or
//! none, stays small.
//!
//! Proof. A cell of thread *n* is written only by the thread that holds the number *n*, and numbers
//! are handed on through a lock (see `sync::thread_id`), so load-add-store loses nothing. Readers
//! see each cell grow only; so does the sum.

use once_cell::sync::Lazy;

use crate::sync::{AtomicU32, AtomicU64, OnceBox, Ordering, thread_id};

/// How many calls ended in which way since the breaker was made. Every call that ended is in exactly
/// one field; nothing ever resets them.
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
    /// Calls that ended without saying anything about the dependency, such as cancelled ones.
    pub ignored: u64,
    /// Calls that were not admitted; the function did not run.
    pub rejected: u64,
}

/// What a call adds one to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Total {
    Successes,
    Failures,
    Ignored,
    Rejected,
}

/// The counters of one breaker.
#[derive(Debug)]
pub(crate) struct Counters {
    owner: AtomicU32,
    own: Cells,
    others: OnceBox<Block>,
}

#[derive(Debug)]
struct Block {
    by_thread: Box<[Line]>,
    shared: Line,
}

/// Two cache lines, because the hardware fetches lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(Cells);

#[derive(Debug)]
struct Cells {
    successes: AtomicU64,
    failures: AtomicU64,
    ignored: AtomicU64,
    rejected: AtomicU64,
}

/// Before the first call. No thread has this number, nor the lack of one.
const NOBODY: u32 = u32::MAX - 1;

impl Counters {
    pub(crate) fn new() -> Self {
        Self { owner: AtomicU32::new(NOBODY), own: Cells::default(), others: OnceBox::new() }
    }

    #[inline]
    pub(crate) fn add(&self, total: Total) {
        let me = thread_id::current_if_any();
        if self.owner.load(Ordering::Relaxed) == me {
            self.own.of(total).add_alone();
        } else if let Some(line) = self.others.get().and_then(|block| block.line_of(me)) {
            line.0.of(total).add_alone();
        } else {
            self.add_otherwise(total);
        }
    }

    pub(crate) fn read(&self) -> Totals {
        let mut sum = self.own.read();
        if let Some(block) = self.others.get() {
            for line in &block.by_thread {
                sum.add(line.0.read());
            }
            sum.add(block.shared.0.read());
        }
        sum
    }

    /// The first call of a thread or of the breaker, or a thread beyond the block.
    #[cold]
    fn add_otherwise(&self, total: Total) {
        let me = thread_id::current();
        if self.owner.load(Ordering::Relaxed) == me || (me != thread_id::NONE && self.claim(me)) {
            return self.own.of(total).add_alone();
        }
        let block = self.others.get_or_init(Block::boxed);
        match block.line_of(me) {
            Some(line) => line.0.of(total).add_alone(),
            None => block.shared.0.of(total).add_shared(),
        }
    }

    fn claim(&self, me: u32) -> bool {
        self.owner.compare_exchange(NOBODY, me, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Block {
    fn boxed() -> Box<Self> {
        let by_thread = (0..*CELLS).map(|_| Line::default()).collect();
        Box::new(Self { by_thread, shared: Line::default() })
    }

    /// The line of a thread that has a number (they begin at 1), if the block reaches so far.
    #[inline]
    fn line_of(&self, thread: u32) -> Option<&Line> {
        self.by_thread.get((thread as usize).wrapping_sub(1))
    }
}

/// How many threads get a cell of their own: twice the cores, since more cannot run at once and
/// those that sleep keep their numbers.
static CELLS: Lazy<usize> = Lazy::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (2 * cores).clamp(4, 256)
});

impl Cells {
    #[inline]
    fn of(&self, total: Total) -> Cell<'_> {
        Cell(match total {
            Total::Successes => &self.successes,
            Total::Failures => &self.failures,
            Total::Ignored => &self.ignored,
            Total::Rejected => &self.rejected,
        })
    }

    fn read(&self) -> Totals {
        Totals {
            successes: self.successes.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            ignored: self.ignored.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
        }
    }
}

struct Cell<'a>(&'a AtomicU64);

impl Cell<'_> {
    /// Only for the one thread that writes this cell.
    #[inline]
    fn add_alone(self) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    fn add_shared(self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Default for Cells {
    fn default() -> Self {
        Self {
            successes: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            ignored: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
        }
    }
}

impl Totals {
    /// All calls that ended, rejected ones included.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.successes + self.failures + self.ignored + self.rejected
    }

    fn add(&mut self, other: Self) {
        self.successes += other.successes;
        self.failures += other.failures;
        self.ignored += other.ignored;
        self.rejected += other.rejected;
    }
}
