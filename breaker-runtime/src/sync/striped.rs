//! A value with one cell per thread, so that writing threads do not contend.
//!
//! An *owned* cell has **one** writing thread, which needs no locked instruction. The first thread owns the inline
//! cell. When a second thread needs a cell, a block is allocated, with one cell that all further threads *share*. Each
//! time that threads have used shared cells [`USES`] times, the thread that did so last gets more space: a group of
//! cells that are owned by the threads with successive numbers, or, once there are [`groups_at_most`] such groups, and
//! for threads with great numbers, a group of shared cells that the threads are spread over. So a value that is rarely
//! written stays small, however many threads write it, and one that many threads write often has a size that the number
//! of threads does not determine.
//!
//! Once there is a group, the first thread uses a cell of the block too: its writes to the inline cell would take the
//! cache line from the other threads, which read the address of the block from that line.
//!
//! Proof that an owned cell loses no update: the cell of thread number *n* is returned only to the thread that
//! holds the number *n*. Numbers pass from one thread to the next through a lock (see `thread_id`), so a thread
//! reads from its cell only what it wrote itself, or what an earlier holder wrote before it ended. A plain load,
//! add and store is enough. The inline cell never gets a second owner, because a thread replaces only `UNOWNED` by its
//! number. Therefore the owner is its only writer, even if it reads `RETIRED` later than other threads do.

use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use super::{AtomicU32, IS_MODEL, Mutex, OnceBox, Ordering, lock, thread_id};

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
    Shared(&'a SharedCell<T>),
}

/// A cell that several threads write, in cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct SharedCell<T> {
    value: T,
    writer: Mutex<()>,
    /// Number of uses since it last led to a new group. Uses at the same time may count as one.
    uses: AtomicU32,
}

#[derive(Debug)]
struct Block<T: 'static> {
    groups: [OnceBox<Group<T>>; GROUPS],
    /// Number of groups up to the last one that has cells.
    used: AtomicU32,
    first_shared: SharedCell<T>,
    shared_groups: [OnceBox<SharedGroup<T>>; SHARED_GROUPS],
}

/// The cells of threads with successive numbers.
type Group<T> = [Aligned<T>; GROUP as usize];
type SharedGroup<T> = [SharedCell<T>; GROUP as usize];

/// A value in two cache lines of its own, because the hardware fetches lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Aligned<T>(T);

/// The owner before the first call. No thread has this number, and it differs from [`thread_id::NONE`].
const UNOWNED: u32 = u32::MAX - 1;
/// The owner once a block exists. No thread has this number either.
const RETIRED: u32 = u32::MAX - 2;

/// Maximum number of groups of owned cells. They have 256 cells, which exceeds the number of cores by far, because
/// sleeping threads keep their numbers.
const GROUPS: usize = if IS_MODEL { 1 } else { 64 };
/// Maximum number of groups of shared cells.
const SHARED_GROUPS: usize = if IS_MODEL { 1 } else { 4 };
/// Number of cells in a group.
const GROUP: u32 = 4;
/// Number of uses of shared cells after which a group is allocated.
const USES: u32 = if IS_MODEL { 2 } else { 4096 };
/// The owned cells of a value may have this size in bytes, or more on a machine with many cores.
const SIZE: usize = 16 * 1024;

static CORES: LazyLock<usize> = LazyLock::new(|| available_parallelism().map_or(1, NonZeroUsize::get));

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
        let owner = self.owner.load(Ordering::Relaxed);
        // The exchange takes the cache line even if it fails, so it is not tried in vain by each call.
        let is_owner = owner == thread
            || (owner == UNOWNED
                && thread != thread_id::NONE
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
        let thread = thread_id::current();
        if let Some(own) = block.cell_of(thread) {
            return StripedCell::Owned(own);
        }
        let shared = block.shared_cell_of(thread);
        if shared.is_rarely_used() {
            return StripedCell::Shared(shared);
        }
        self.owner.store(RETIRED, Ordering::Relaxed);
        block
            .allocate(thread)
            .map_or_else(|| StripedCell::Shared(block.shared_cell_of(thread)), StripedCell::Owned)
    }

    /// Returns the shared cell that this thread uses while it has no cell of its own. Returns `None` before a thread
    /// has used a shared cell.
    pub(crate) fn shared(&self) -> Option<&SharedCell<T>> {
        self.block.get().map(|block| block.shared_cell_of(thread_id::current_if_any()))
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
        Box::new(Self {
            groups,
            used: AtomicU32::new(0),
            first_shared: SharedCell::default(),
            shared_groups: std::array::from_fn(|_| OnceBox::new()),
        })
    }

    /// Allocates a group for the thread with this number. Returns the cell that the thread owns, or `None` if it has to
    /// share one. Threads that allocate at the same time may exceed the limit by a group each.
    fn allocate(&self, thread: u32) -> Option<&T> {
        let index = thread.wrapping_sub(1);
        let allocated = self.groups.iter().filter_map(OnceBox::get).count();
        let own = self.groups.get((index / GROUP) as usize).filter(|_| allocated < groups_at_most::<T>());
        let Some(group) = own else {
            if let Some(group) = self.shared_groups.get(Self::shared_group_of(thread)) {
                group.get_or_init(Box::default);
            }
            return None;
        };
        let group = group.get_or_init(Box::default);
        // Stored before the thread writes, so that a thread that knows of its write finds the group.
        self.used.fetch_max(index / GROUP + 1, Ordering::Release);
        group.get((index % GROUP) as usize).map(|cell| &cell.0)
    }
}

impl<T> SharedCell<T> {
    /// Returns the value, which must be written with read-modify-write operations.
    pub(crate) const fn value(&self) -> &T {
        &self.value
    }

    /// Calls `write` while no other thread does the same with this cell.
    pub(crate) fn write_alone(&self, write: impl FnOnce(&T)) {
        let _writer = lock(&self.writer);
        write(&self.value);
    }

    /// Counts a use. Returns `false` if that was the last one before a group is allocated.
    fn is_rarely_used(&self) -> bool {
        let uses = self.uses.load(Ordering::Relaxed);
        let is_rare = uses < USES;
        self.uses.store(if is_rare { uses + 1 } else { 0 }, Ordering::Relaxed);
        is_rare
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

    /// Returns the shared cell of the thread with this number.
    fn shared_cell_of(&self, thread: u32) -> &SharedCell<T> {
        let group = self.shared_groups.get(Self::shared_group_of(thread)).and_then(OnceBox::get);
        let cell = group.and_then(|group| group.get((thread % GROUP) as usize));
        cell.unwrap_or(&self.first_shared)
    }

    /// Returns the number of the group of shared cells for the thread with this number.
    const fn shared_group_of(thread: u32) -> usize {
        (thread / GROUP) as usize % SHARED_GROUPS
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        let used = self.used.load(Ordering::Acquire) as usize;
        let owned = self.groups.iter().take(used).filter_map(OnceBox::get).flatten();
        let shared = self.shared_groups.iter().filter_map(OnceBox::get).flatten();
        owned.map(|cell| &cell.0).chain(shared.chain([&self.first_shared]).map(SharedCell::value))
    }
}

/// Returns the maximum number of groups of owned cells: two cells per core, or as many as [`SIZE`] holds.
fn groups_at_most<T>() -> usize {
    (SIZE / size_of::<Group<T>>()).max(*CORES * 2 / GROUP as usize)
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::{GROUP, GROUPS, SHARED_GROUPS, Striped, StripedCell, USES, groups_at_most};
    use crate::sync::{AtomicU64, Ordering};

    fn add(striped: &Striped<AtomicU64>) {
        match striped.owned().map_or_else(|| striped.cell(), StripedCell::Owned) {
            StripedCell::Owned(cell) => cell.store(cell.load(Ordering::Relaxed) + 1, Ordering::Relaxed),
            StripedCell::Shared(cell) => _ = cell.value().fetch_add(1, Ordering::Relaxed),
        }
    }

    fn in_thread(action: impl FnOnce() + Send) {
        std::thread::scope(|scope| _ = scope.spawn(action));
    }

    fn counts(striped: &Striped<AtomicU64>) -> Vec<u64> {
        striped.iter().map(|cell| cell.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn the_first_thread_leaves_the_inline_cell_when_another_thread_has_a_cell() {
        let striped = Striped::<AtomicU64>::new();
        (0..2).for_each(|_| add(&striped));
        assert!(!striped.has_block());
        in_thread(|| add(&striped));
        add(&striped);
        assert_eq!(striped.inline.load(Ordering::Relaxed), 3);
        in_thread(|| (0..=USES).for_each(|_| add(&striped)));
        (0..4).for_each(|_| add(&striped));
        assert_eq!(striped.inline.load(Ordering::Relaxed), 3, "its cache line is not written any more");
        assert_eq!(counts(&striped).iter().sum::<u64>(), 3 + 1 + u64::from(USES) + 1 + 4);
    }

    #[test]
    fn threads_that_write_rarely_share_one_cell() {
        const THREADS: usize = if cfg!(miri) { 20 } else { 300 };
        let striped = Striped::<AtomicU64>::new();
        let start = std::sync::Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    (0..5).for_each(|_| add(&striped));
                    start.wait();
                });
            }
        });
        assert_eq!(counts(&striped).iter().sum::<u64>(), 5 * THREADS as u64);
        assert_eq!(counts(&striped).len(), 2, "the inline cell and the shared one");
    }

    #[test]
    fn threads_that_write_often_have_a_limited_number_of_cells() {
        /// A value that fills a group by the limit of the size.
        #[derive(Default)]
        struct Large([[AtomicU64; 32]; 16]);
        let striped = Striped::<Large>::new();
        let (threads, times) = (320_u32, 3 * u64::from(USES));
        let start = std::sync::Barrier::new(threads as usize);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..times {
                        match striped.owned().map_or_else(|| striped.cell(), StripedCell::Owned) {
                            StripedCell::Owned(Large([[count, ..], ..])) => {
                                count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                            }
                            StripedCell::Shared(cell) => {
                                let Large([[count, ..], ..]) = cell.value();
                                count.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    }
                    start.wait();
                });
            }
        });
        let counts = || striped.iter().map(|Large([[count, ..], ..])| count.load(Ordering::Relaxed));
        assert_eq!(counts().sum::<u64>(), u64::from(threads) * times);
        let shared = 2 + SHARED_GROUPS * GROUP as usize;
        // Threads that allocate at the same time exceed the limit by a group each.
        let at_most = (groups_at_most::<Large>() + 16) * GROUP as usize + shared;
        assert!(counts().count() <= at_most && at_most < GROUPS * GROUP as usize, "{}", counts().count());
        let shared =
            striped.block.get().map(|block| block.shared_groups.iter().filter_map(super::OnceBox::get));
        assert_eq!(
            shared.map(Iterator::count),
            Some(SHARED_GROUPS),
            "threads are spread over the shared cells"
        );
    }
}
