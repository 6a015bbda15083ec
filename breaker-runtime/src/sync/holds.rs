//! The values that threads use without counting references, and the collections that they search.
//!
//! A thread has a few holds in a cache line of its own. To use a value that another thread may remove, it takes a free
//! hold, *searches* a collection for the value, and then [keeps](Hold::keep) the value. The hold contains the address
//! of the collection during the search, and then that of the value. It may end on any thread. A thread that removes a
//! value makes it unreachable, passes the heavy [barrier], and then reads the holds of all threads ([`Held::now`]). The
//! value is in use while a hold contains its address, and may be in use while a thread searches its collection.
//!
//! Proof that no value is freed while it is in use. A search stores the address of the collection in its hold, passes
//! the light barrier, and only then reads the collection. If `Held::now` does not read that address, then
//!
//! * the search begins later. `Held::now` has not seen its store, so by the barriers the search sees that the value is
//!   unreachable;
//! * or it has ended, and so has the use of the value that it found;
//! * or it has found a value that is in use. One store replaces the address of the collection by that of the value, so
//!   `Held::now` reads the address of the value until the hold ends.
//!
//! A thread whose holds are not in `THREADS` yet adds them under its lock. If `Held::now` does not find them, it has
//! taken that lock before, and the first search of the thread sees that the value is unreachable.
//!
//! All stores into a hold release, and all loads by other threads acquire. So a thread that finds a hold ended sees
//! what its call has written to the value, and a thread that takes the hold again sees the end of its last use.
//!
//! The memory of a thread is never freed, but later threads reuse it, so there is as much as for the largest number of
//! threads at one time. The holds of an ended thread are read only while a call that it started still runs.
//!
//! A process that is forked has a copy of all holds, but only one of the threads. The searches of the other threads are
//! ignored, because they do not go on. A value that such a thread used stays in use.

#[cfg(not(breaker_loom))]
use super::AtomicU32;
use super::barrier;
use super::{AtomicUsize, Ordering};

/// The holds of one thread.
#[derive(Debug, Default)]
#[repr(align(128))]
struct ThreadHolds {
    calls: [AtomicUsize; CALLS],
    /// Used for a search while calls use all others.
    search: AtomicUsize,
    /// The process of the thread; see `FORKS`.
    #[cfg(not(breaker_loom))]
    forks: AtomicU32,
}

/// A search, or the use of one value. It ends when this is dropped.
#[derive(Debug)]
#[must_use = "the search ends when this is dropped"]
pub(crate) struct Hold(&'static AtomicUsize);

/// A search whose value is not kept. It ends when this is dropped.
#[derive(Debug)]
#[must_use = "the search ends when this is dropped"]
pub(crate) struct Search {
    _hold: Hold,
}

/// The values that threads used at one moment.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Sorted.
    addresses: Vec<usize>,
    /// The address of the collection whose values are removed.
    collection: usize,
}

/// Number of calls per thread that can hold a value. With the search, they fill a cache line of 64 bytes.
const CALLS: usize = 7;
const FREE: usize = 0;
/// Number of times that a hold is read again while it contains a search. A search takes less time than that, unless its
/// thread is suspended or visits all values.
const RETRIES: usize = if cfg!(breaker_loom) { 0 } else { 50 };

impl ThreadHolds {
    /// Returns `true` if all of them are free. Once their thread has ended, free holds stay free.
    #[cfg(not(breaker_loom))]
    fn are_free(&self) -> bool {
        self.calls.iter().chain([&self.search]).all(|hold| hold.load(Ordering::Acquire) == FREE)
    }
}

impl Search {
    /// Begins a search of the collection at this address. Returns `None` while the thread destroys its thread-local
    /// values.
    #[inline]
    pub(crate) fn begin(collection: usize) -> Option<Self> {
        let hold = match Hold::search(collection) {
            Some(hold) => hold,
            None => Hold::begin(&imp::current()?.search, collection),
        };
        Some(Self { _hold: hold })
    }
}

impl Hold {
    /// Begins a search of the collection at this address whose value can be kept. Returns `None` if the calls that were
    /// started on this thread use all of its holds, and while the thread destroys its thread-local values.
    #[inline]
    pub(crate) fn search(collection: usize) -> Option<Self> {
        let is_free = |hold: &&AtomicUsize| hold.load(Ordering::Acquire) == FREE;
        imp::current()?.calls.iter().find(is_free).map(|word| Self::begin(word, collection))
    }

    /// Ends the search and keeps the value at `address`, which it has found.
    #[inline]
    pub(crate) fn keep(&self, address: usize) {
        self.0.store(address, Ordering::Release);
        barrier::light();
    }

    #[inline]
    fn begin(word: &'static AtomicUsize, collection: usize) -> Self {
        let hold = Self(word);
        hold.0.store(collection, Ordering::Release);
        barrier::light();
        hold
    }
}

impl Drop for Hold {
    #[inline]
    fn drop(&mut self) {
        self.0.store(FREE, Ordering::Release);
    }
}

impl Held {
    /// Returns the values that threads use, and whether they search the collection at this address. Includes every
    /// search that found a value before this call. Returns `None` if the system refuses the heavy barrier.
    pub(crate) fn now(collection: usize) -> Option<Self> {
        barrier::heavy().then(|| Self::read(collection, RETRIES))
    }

    /// Returns the values that threads used a moment ago. The latest holds of other threads may be missing, and
    /// searches are not recognized.
    pub(crate) fn lately() -> Self {
        Self::read(FREE, 0)
    }

    /// Returns `true` if a call uses the value at `address`.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.addresses.binary_search(&address).is_ok()
    }

    /// Returns `true` if a thread may be searching the collection.
    pub(crate) fn has_searches(&self) -> bool {
        self.contains(self.collection)
    }

    fn read(collection: usize, retries: usize) -> Self {
        let mut addresses = Vec::new();
        imp::for_each(|thread| {
            for word in thread.calls.iter().chain([&thread.search]) {
                // Any other value shows that the search has ended. One that begins later does not find what was
                // removed.
                let mut found = word.load(Ordering::Acquire);
                if found == collection && imp::is_left_by_fork(thread) {
                    continue;
                }
                for _ in 0..retries {
                    if found != collection {
                        break;
                    }
                    std::hint::spin_loop();
                    found = word.load(Ordering::Acquire);
                }
                if found != FREE {
                    addresses.push(found);
                }
            }
        });
        addresses.sort_unstable();
        Self { addresses, collection }
    }
}

#[cfg(not(breaker_loom))]
mod imp {
    use std::cell::Cell;
    use std::ptr;

    use once_cell::sync::Lazy;

    use super::ThreadHolds;
    use crate::sync::{AtomicU32, Mutex, Ordering, barrier, lock};

    thread_local! {
        // No destructor, so that reading it is one load that cannot fail.
        static CURRENT: Cell<Option<&'static ThreadHolds>> = const { Cell::new(None) };
        static RETURN: ReturnAtExit = const { ReturnAtExit };
    }

    static THREADS: Mutex<Threads> = Mutex::new(Threads::new());

    /// Number of forks between the first process with holds and this one.
    static FORKS: AtomicU32 = AtomicU32::new(0);
    static FORK_HANDLER: Lazy<()> = Lazy::new(|| barrier::run_after_fork(survive_fork));

    struct Threads {
        /// The holds that are read: of running threads, and of ended ones with a call that runs on.
        listed: Vec<&'static ThreadHolds>,
        /// The holds of the ended threads in `listed`.
        ended: Vec<&'static ThreadHolds>,
        /// The memory of other ended threads.
        free: Vec<&'static ThreadHolds>,
    }

    struct ReturnAtExit;

    /// Returns the holds of this thread, or `None` once it has returned them.
    #[inline]
    pub(super) fn current() -> Option<&'static ThreadHolds> {
        CURRENT.get().or_else(take)
    }

    pub(super) fn for_each(visit: impl FnMut(&'static ThreadHolds)) {
        lock(&THREADS).listed.iter().copied().for_each(visit);
    }

    /// Returns `true` if the thread of these holds does not exist in this process, which was forked.
    pub(super) fn is_left_by_fork(holds: &ThreadHolds) -> bool {
        holds.forks.load(Ordering::Relaxed) != FORKS.load(Ordering::Relaxed)
    }

    /// Runs in a new process, on the copy of the thread that forked. It may only use what a signal handler may use.
    extern "C" fn survive_fork() {
        let forks = FORKS.load(Ordering::Relaxed).wrapping_add(1);
        if let Some(own) = CURRENT.get() {
            own.forks.store(forks, Ordering::Relaxed);
        }
        FORKS.store(forks, Ordering::Relaxed);
    }

    #[cold]
    #[inline(never)]
    fn take() -> Option<&'static ThreadHolds> {
        RETURN.try_with(|_| ()).ok()?;
        barrier::prepare();
        Lazy::force(&FORK_HANDLER);
        let holds = lock(&THREADS).take();
        CURRENT.set(Some(holds));
        Some(holds)
    }

    impl Threads {
        const fn new() -> Self {
            Self { listed: Vec::new(), ended: Vec::new(), free: Vec::new() }
        }

        fn take(&mut self) -> &'static ThreadHolds {
            let holds = self.free.pop().unwrap_or_else(|| Box::leak(Box::default()));
            holds.forks.store(FORKS.load(Ordering::Relaxed), Ordering::Relaxed);
            self.listed.push(holds);
            holds
        }

        /// Returns the holds of a thread that ends. The holds of ended threads whose calls have ended are freed.
        fn put_back(&mut self, holds: &'static ThreadHolds) {
            self.ended.push(holds);
            for unused in self.ended.extract_if(.., |holds| holds.are_free()) {
                self.listed.retain(|listed| !ptr::eq(*listed, unused));
                self.free.push(unused);
            }
        }
    }

    impl Drop for ReturnAtExit {
        fn drop(&mut self) {
            if let Some(holds) = CURRENT.take() {
                lock(&THREADS).put_back(holds);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::super::FREE;
        use super::{Threads, ptr};
        use crate::sync::{Mutex, Ordering, lock};

        #[test]
        fn the_holds_of_an_ended_thread_are_listed_only_while_a_call_uses_one() {
            // In a static, because the holds are never freed.
            static OF_TEST: Mutex<Threads> = Mutex::new(Threads::new());
            let mut threads = lock(&OF_TEST);
            let [first, second] = [threads.take(), threads.take()];
            first.search.store(2000, Ordering::Relaxed);
            threads.put_back(first);
            assert_eq!((threads.listed.len(), threads.free.len()), (2, 0));
            first.search.store(FREE, Ordering::Relaxed);
            threads.put_back(second);
            assert_eq!((threads.listed.len(), threads.free.len()), (0, 2));
            assert!(ptr::eq(threads.take(), second));
        }
    }
}

#[cfg(breaker_loom)]
mod imp {
    use super::ThreadHolds;
    use crate::sync::{Mutex, lock};

    loom::lazy_static! {
        static ref THREADS: Mutex<Vec<&'static ThreadHolds>> = Mutex::new(Vec::new());
    }

    loom::thread_local! {
        static CURRENT: &'static ThreadHolds = take();
    }

    #[expect(clippy::unnecessary_wraps, reason = "the same signature as outside loom")]
    pub(super) fn current() -> Option<&'static ThreadHolds> {
        Some(CURRENT.with(|holds| *holds))
    }

    pub(super) fn for_each(visit: impl FnMut(&'static ThreadHolds)) {
        lock(&THREADS).iter().copied().for_each(visit);
    }

    pub(super) const fn is_left_by_fork(_: &ThreadHolds) -> bool {
        false
    }

    fn take() -> &'static ThreadHolds {
        let holds: &'static ThreadHolds = Box::leak(Box::default());
        lock(&THREADS).push(holds);
        holds
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::panic::resume_unwind;

    use super::{CALLS, Held, Hold, Search};
    #[cfg(all(target_os = "linux", not(miri)))]
    use crate::sync::own_process;

    const COLLECTION: usize = 1000;

    fn keep(address: usize) -> Option<Hold> {
        let hold = Hold::search(COLLECTION)?;
        hold.keep(address);
        Some(hold)
    }

    fn now() -> Held {
        let held = Held::now(COLLECTION);
        assert!(held.is_some(), "the barrier works");
        held.unwrap_or_default()
    }

    fn in_thread<T: Send>(action: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(action).join().unwrap_or_else(|panic| resume_unwind(panic)))
    }

    /// An address that no other test uses.
    fn address(value: &u8) -> usize {
        std::ptr::from_ref(value).addr()
    }

    #[test]
    fn a_value_is_held_until_its_hold_ends_on_any_thread() {
        let value = Box::new(1);
        let hold = keep(address(&value)).expect("one is free");
        assert!(now().contains(address(&value)));
        in_thread(|| drop(hold));
        assert!(!now().contains(address(&value)));
    }

    #[test]
    fn a_thread_with_too_many_calls_can_search_and_not_hold() {
        let values: Vec<u8> = vec![0; CALLS + 1];
        let holds: Vec<_> = values.iter().map(|value| keep(address(value))).collect();
        assert_eq!(holds.iter().flatten().count(), CALLS);
        let search = Search::begin(COLLECTION).expect("the thread runs");
        assert!(now().has_searches());
        drop((search, holds));
        assert!(keep(2000).is_some());
    }

    #[test]
    #[cfg(all(target_os = "linux", not(miri)))]
    fn a_forked_process_ignores_the_searches_of_the_threads_that_it_does_not_have() {
        const PATH: &str =
            "sync::holds::tests::a_forked_process_ignores_the_searches_of_the_threads_that_it_does_not_have";
        own_process::run(PATH, || {
            let (searching, forked) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
            let value = Box::new(1);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let search = Search::begin(COLLECTION);
                    let hold = keep(address(&value));
                    searching.wait();
                    forked.wait();
                    drop((search, hold));
                });
                searching.wait();
                assert!(now().has_searches());
                let is_right = super::barrier::is_true_after_fork(|| {
                    let ignores = !now().has_searches() && now().contains(address(&value));
                    let own = Search::begin(COLLECTION);
                    ignores && own.is_some() && now().has_searches()
                });
                forked.wait();
                assert!(is_right);
            });
        });
    }

    #[test]
    fn a_hold_outlives_its_thread_and_keeps_its_word() {
        let value = Box::new(1);
        let at = address(&value);
        let hold = in_thread(|| keep(at));
        (0..50).for_each(|_| in_thread(|| drop(keep(2000))));
        assert!(now().contains(at));
        drop(hold);
        assert!(!now().contains(at));
    }
}
