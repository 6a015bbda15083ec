//! A value with one cell per thread, so that writing threads do not contend.
//!
//! Each cell has **one** writing thread, which needs no locked instruction. The first thread owns the inline cell. When
//! a second thread needs a cell, a block is allocated. The cells of the block belong to the threads with the lowest
//! numbers; a group of cells is allocated when one of its threads first writes. All threads with greater numbers share
//! one more cell. Once there is a block, the first thread uses a cell of it too: its writes to the inline cell would
//! take the cache line from the other threads, which read the address of the block from that line.
//!
//! Proof that an owned cell loses no update: the cell of thread number *n* is returned only to the thread that
//! holds the number *n*. Numbers pass from one thread to the next through a lock (see `thread_id`), so a thread
//! reads from its cell only what it wrote itself, or what an earlier holder wrote before it ended. A plain load,
//! add and store is enough. The inline cell never gets a second owner, because a thread replaces only `UNOWNED` by its
//! number. Therefore the owner is its only writer, even if it reads `RETIRED` later than other threads do.

use super::{AtomicU32, IS_MODEL, OnceBox, Ordering, thread_id};

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
struct Block<T: 'static> {
    groups: [OnceBox<Group<T>>; GROUPS],
    /// Number of groups up to the last one that has cells.
    used: AtomicU32,
    shared: Aligned<T>,
}

/// The cells of threads with successive numbers.
type Group<T> = [Aligned<T>; GROUP as usize];

/// A value in two cache lines of its own, because the hardware fetches lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Aligned<T>(T);

/// The owner before the first call. No thread has this number, and it differs from [`thread_id::NONE`].
const UNOWNED: u32 = u32::MAX - 1;
/// The owner once a block exists. No thread has this number either.
const RETIRED: u32 = u32::MAX - 2;

/// Number of groups, which have 256 cells. That exceeds the number of cores by far, because sleeping threads keep their
/// numbers.
const GROUPS: usize = if IS_MODEL { 1 } else { 64 };
/// Number of cells in a group.
const GROUP: u32 = 4;

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
        self.owner.store(RETIRED, Ordering::Relaxed);
        block.allocate(thread_id::current()).map_or(StripedCell::Shared(&block.shared.0), StripedCell::Owned)
    }

    /// Returns `true` once a second thread has written.
    pub(crate) fn has_block(&self) -> bool {
        self.block.get().is_some()
    }

    /// Returns the cells of all threads.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let block = self.block.get();
        let cells = block.into_iter().flat_map(Block::iter);
        std::iter::once(&self.inline).chain(cells)
    }
}

impl<T: Default> Block<T> {
    fn boxed() -> Box<Self> {
        let groups = std::array::from_fn(|_| OnceBox::new());
        Box::new(Self { groups, used: AtomicU32::new(0), shared: Aligned::default() })
    }

    /// Returns the cell of the thread with this number, if the block has space for it.
    fn allocate(&self, thread: u32) -> Option<&T> {
        let index = thread.wrapping_sub(1);
        let group = self.groups.get((index / GROUP) as usize)?.get_or_init(Box::default);
        // Stored before the thread writes, so that a thread that knows of its write finds the group.
        self.used.fetch_max(index / GROUP + 1, Ordering::Release);
        group.get((index % GROUP) as usize).map(|cell| &cell.0)
    }
}

impl<T> Block<T> {
    /// Returns the cell of the thread with this number, if its group is allocated. Numbers begin at 1.
    #[inline]
    fn cell_of(&self, thread: u32) -> Option<&T> {
        let index = thread.wrapping_sub(1);
        let group = self.groups.get((index / GROUP) as usize)?.get()?;
        group.get((index % GROUP) as usize).map(|cell| &cell.0)
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        let used = self.used.load(Ordering::Acquire) as usize;
        let groups = self.groups.iter().take(used).filter_map(OnceBox::get);
        groups.flatten().chain([&self.shared]).map(|cell| &cell.0)
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::{Striped, StripedCell};
    use crate::sync::{AtomicU64, Ordering};

    fn add(striped: &Striped<AtomicU64>) {
        match striped.owned().map_or_else(|| striped.cell(), StripedCell::Owned) {
            StripedCell::Owned(cell) => cell.store(cell.load(Ordering::Relaxed) + 1, Ordering::Relaxed),
            StripedCell::Shared(cell) => _ = cell.fetch_add(1, Ordering::Relaxed),
        }
    }

    #[test]
    fn the_first_thread_leaves_the_inline_cell_when_another_thread_writes() {
        let striped = Striped::<AtomicU64>::new();
        (0..2).for_each(|_| add(&striped));
        assert_eq!(striped.inline.load(Ordering::Relaxed), 2);
        assert!(!striped.has_block());
        std::thread::scope(|scope| _ = scope.spawn(|| (0..3).for_each(|_| add(&striped))));
        (0..4).for_each(|_| add(&striped));
        assert_eq!(striped.inline.load(Ordering::Relaxed), 2, "its cache line is not written any more");
        let counts: Vec<u64> = striped.iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
        assert_eq!(counts.iter().sum::<u64>(), 9);
        assert!(
            counts.len() < 64 * super::GROUP as usize,
            "only the groups of threads that have written are allocated"
        );
    }
}
