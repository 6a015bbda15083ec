//! A value with one cell per thread, so that writing threads do not contend.
//!
//! Each cell has **one** writing thread, which needs no locked instruction. The first thread owns the inline
//! cell. For other threads, a block with one cell for each of the lowest thread numbers is allocated once.
//! All other threads share one more cell.
//!
//! Proof that an owned cell loses no update: the cell of thread number *n* is returned only to the thread that
//! holds the number *n*. Numbers pass from one thread to the next through a lock (see `thread_id`), so a thread
//! reads from its cell only what it wrote itself, or what an earlier holder wrote before it ended. A plain load,
//! add and store is enough.

use once_cell::sync::Lazy;

use super::{AtomicU32, OnceBox, Ordering, thread_id};

/// A value of type `T` per thread.
#[derive(Debug)]
pub(crate) struct Striped<T: 'static> {
    owner: AtomicU32,
    inline: T,
    block: OnceBox<Block<T>>,
}

/// The cell that the current thread writes to.
pub(crate) enum StripedCell<'a, T> {
    /// A cell that only this thread writes.
    Owned(&'a T),
    /// A cell that other threads write too.
    Shared(&'a T),
}

#[derive(Debug)]
struct Block<T> {
    by_thread: Box<[Aligned<T>]>,
    shared: Aligned<T>,
}

/// A value in two cache lines of its own, because the hardware fetches lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Aligned<T>(T);

/// The owner before the first call. No thread has this number, and it differs from [`thread_id::NONE`].
const UNOWNED: u32 = u32::MAX - 1;

/// Number of threads with a cell in the block: twice the number of cores, between 4 and 256, because sleeping
/// threads keep their numbers.
static CELLS_PER_BLOCK: Lazy<usize> = Lazy::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (2 * cores).clamp(4, 256)
});

impl<T: Default> Striped<T> {
    pub(crate) fn new() -> Self {
        Self { owner: AtomicU32::new(UNOWNED), inline: T::default(), block: OnceBox::new() }
    }

    /// Returns the cell that only this thread writes, if it has one already.
    #[inline]
    pub(crate) fn owned(&self) -> Option<&T> {
        let thread = thread_id::current_if_any();
        if self.owner.load(Ordering::Relaxed) == thread {
            Some(&self.inline)
        } else {
            self.block.get().and_then(|block| block.cell_of(thread))
        }
    }

    /// Returns the inline cell if this thread owns it. The first thread that calls this becomes the owner.
    pub(crate) fn claim(&self) -> Option<&T> {
        let thread = thread_id::current();
        let is_owner = self.owner.load(Ordering::Relaxed) == thread
            || (thread != thread_id::NONE
                && self
                    .owner
                    .compare_exchange(UNOWNED, thread, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok());
        is_owner.then_some(&self.inline)
    }

    /// Returns the cell for this thread. Allocates the block if the inline cell has another owner.
    #[cold]
    pub(crate) fn cell(&self) -> StripedCell<'_, T> {
        if let Some(inline) = self.claim() {
            return StripedCell::Owned(inline);
        }
        let block = self.block.get_or_init(Block::boxed);
        block.cell_of(thread_id::current()).map_or(StripedCell::Shared(&block.shared.0), StripedCell::Owned)
    }

    /// Returns `true` once a second thread has written.
    pub(crate) fn has_block(&self) -> bool {
        self.block.get().is_some()
    }

    /// Returns the cells of all threads.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let block = self.block.get();
        let cells = block.into_iter().flat_map(|block| block.by_thread.iter().chain([&block.shared]));
        std::iter::once(&self.inline).chain(cells.map(|cell| &cell.0))
    }
}

impl<T: Default> Block<T> {
    fn boxed() -> Box<Self> {
        let by_thread = (0..*CELLS_PER_BLOCK).map(|_| Aligned::default()).collect();
        Box::new(Self { by_thread, shared: Aligned::default() })
    }
}

impl<T> Block<T> {
    /// Returns the cell of the thread with this number, if the block has one. Numbers begin at 1.
    #[inline]
    fn cell_of(&self, thread: u32) -> Option<&T> {
        self.by_thread.get((thread as usize).wrapping_sub(1)).map(|cell| &cell.0)
    }
}
