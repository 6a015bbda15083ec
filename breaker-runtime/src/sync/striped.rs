//! Something that every thread has one of, so that no thread waits for another to write it.
//!
//! A locked increment may cost as much as several calls, and a shared one halves the throughput of two cores.
//! So each cell has **one** writing thread, which needs no locked
//! instruction: the first thread owns the cell inside; for the others a block with a cell for each of
//! the first threads is made, once. Threads beyond the block share one last cell.
//!
//! Proof. The cell of thread *n* is handed out only to the thread that holds the number *n*, and
//! numbers are handed on through a lock (see `thread_id`), so what a thread reads there it has written
//! itself, or the one before it has and is gone: load, add, store loses nothing.

use once_cell::sync::Lazy;

use super::{AtomicU32, OnceBox, Ordering, thread_id};

#[derive(Debug)]
pub(crate) struct Striped<T: 'static> {
    owner: AtomicU32,
    own: T,
    others: OnceBox<Block<T>>,
}

/// The cell that this thread may use, and how.
pub(crate) enum Mine<'a, T> {
    /// No other thread writes to it.
    Alone(&'a T),
    /// Others do.
    Shared(&'a T),
}

#[derive(Debug)]
struct Block<T> {
    by_thread: Box<[Line<T>]>,
    shared: Line<T>,
}

/// Two cache lines, because the hardware fetches lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line<T>(T);

/// Before the first call. No thread has this number, nor the lack of one.
const NOBODY: u32 = u32::MAX - 1;

impl<T: Default> Striped<T> {
    pub(crate) fn new() -> Self {
        Self { owner: AtomicU32::new(NOBODY), own: T::default(), others: OnceBox::new() }
    }

    /// The cell that only this thread writes, if it has one by now.
    #[inline]
    pub(crate) fn alone(&self) -> Option<&T> {
        let me = thread_id::current_if_any();
        if self.owner.load(Ordering::Relaxed) == me {
            Some(&self.own)
        } else {
            self.others.get().and_then(|block| block.line_of(me))
        }
    }

    /// Makes the first thread the owner of the cell inside.
    pub(crate) fn claim(&self) -> Option<&T> {
        let me = thread_id::current();
        let is_mine = self.owner.load(Ordering::Relaxed) == me
            || (me != thread_id::NONE
                && self.owner.compare_exchange(NOBODY, me, Ordering::Relaxed, Ordering::Relaxed).is_ok());
        is_mine.then_some(&self.own)
    }

    /// A cell for this thread; makes the block if need be.
    #[cold]
    pub(crate) fn mine(&self) -> Mine<'_, T> {
        if let Some(own) = self.claim() {
            return Mine::Alone(own);
        }
        let block = self.others.get_or_init(Block::boxed);
        block.line_of(thread_id::current()).map_or(Mine::Shared(&block.shared.0), Mine::Alone)
    }

    pub(crate) fn has_block(&self) -> bool {
        self.others.get().is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let block = self.others.get();
        let lines = block.into_iter().flat_map(|block| block.by_thread.iter().chain([&block.shared]));
        std::iter::once(&self.own).chain(lines.map(|line| &line.0))
    }
}

impl<T: Default> Block<T> {
    fn boxed() -> Box<Self> {
        let by_thread = (0..*CELLS).map(|_| Line::default()).collect();
        Box::new(Self { by_thread, shared: Line::default() })
    }
}

impl<T> Block<T> {
    /// The line of a thread that has a number (they begin at 1), if the block reaches so far.
    #[inline]
    fn line_of(&self, thread: u32) -> Option<&T> {
        self.by_thread.get((thread as usize).wrapping_sub(1)).map(|line| &line.0)
    }
}

/// How many threads get a cell of their own: twice the cores, since more cannot run at once and
/// those that sleep keep their numbers.
static CELLS: Lazy<usize> = Lazy::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (2 * cores).clamp(4, 256)
});
