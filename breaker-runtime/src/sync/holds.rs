//! What each thread is using without a reference count: the holds of its calls, and the searches it is making.
//!
//! A thread has a few holds in a cache line of its own. To use a value that another thread may remove, it takes a free
//! hold, *searches* for the value in shared memory, and then [holds](Hold::keep) the value by its address. A hold ends
//! on any thread. Who removes a value makes it unreachable, passes the heavy [barrier], and then reads the holds of all
//! threads ([`Held::now`]). The value is in use while a hold contains its address, and may be in use while any thread
//! searches.
//!
//! Proof that no value is freed while it is in use: a search is stored, then the light barrier is passed, and only then
//! shared memory is read. If `Held::now` does not contain the search, either it had not begun, and then it does not
//! find what had become unreachable before the heavy barrier; or it has ended; or the thread has replaced it with a
//! hold of an address, in the same word and in one store, and then the hold is found. A thread whose holds are not in
//! [`POOL`] yet adds them under its lock, so it begins to search after `Held::now` has read the others.
//!
//! What a call did in a value is visible to who finds its hold ended: all stores into a hold release, and all loads by
//! others acquire. A hold that another thread ended is acquired by the thread that takes it again.
//!
//! The memory of a thread is reused by later threads, never freed: there is as much as threads existed at one time.

use super::barrier;
use super::{AtomicUsize, Ordering};

/// The holds of one thread.
#[derive(Debug, Default)]
#[repr(align(128))]
struct ThreadHolds {
    calls: [AtomicUsize; CALLS],
    /// Used for a search while calls use all others.
    search: AtomicUsize,
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
    addresses: Vec<usize>,
    has_searches: bool,
}

/// Number of calls per thread that can hold a value. With the search, they fill a cache line of 64 bytes.
const CALLS: usize = 7;
const FREE: usize = 0;
/// No value has this address.
const SEARCHING: usize = 1;

impl Search {
    /// Begins a search on this thread. Returns `None` while the thread destroys its thread-local values.
    #[inline]
    pub(crate) fn begin() -> Option<Self> {
        let hold = match Hold::search() {
            Some(hold) => hold,
            None => Hold::begin(&imp::current()?.search),
        };
        Some(Self { _hold: hold })
    }
}

impl Hold {
    /// Begins a search whose value can be kept. Returns `None` if the calls that were started on this thread use all of
    /// its holds, and while the thread destroys its thread-local values.
    #[inline]
    pub(crate) fn search() -> Option<Self> {
        let is_free = |hold: &&AtomicUsize| hold.load(Ordering::Acquire) == FREE;
        imp::current()?.calls.iter().find(is_free).map(Self::begin)
    }

    /// Ends the search and keeps the value at `address`, which it has found.
    #[inline]
    pub(crate) fn keep(&self, address: usize) {
        self.0.store(address, Ordering::Release);
        barrier::light();
    }

    #[inline]
    fn begin(word: &'static AtomicUsize) -> Self {
        let hold = Self(word);
        hold.0.store(SEARCHING, Ordering::Release);
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
    /// Returns what threads use, including everything that was found before this call. Returns `None` if that cannot be
    /// known.
    pub(crate) fn now() -> Option<Self> {
        barrier::heavy().then(Self::lately)
    }

    /// Returns what threads used a moment ago. The last holds of other threads may be missing.
    pub(crate) fn lately() -> Self {
        let mut held = Self::default();
        imp::for_each(|thread| {
            for hold in thread.calls.iter().chain([&thread.search]) {
                match hold.load(Ordering::Acquire) {
                    FREE => {}
                    SEARCHING => held.has_searches = true,
                    address => held.addresses.push(address),
                }
            }
        });
        held.addresses.sort_unstable();
        held
    }

    /// Returns `true` if a call uses the value at `address`.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.addresses.binary_search(&address).is_ok()
    }

    /// Returns `true` if a thread may use the value at `address`, or may be about to.
    pub(crate) fn may_contain(&self, address: usize) -> bool {
        self.has_searches || self.contains(address)
    }

    /// Returns `true` if a thread was searching.
    pub(crate) const fn has_searches(&self) -> bool {
        self.has_searches
    }
}

#[cfg(not(breaker_loom))]
mod imp {
    use std::cell::Cell;

    use super::ThreadHolds;
    use crate::sync::{Mutex, barrier, lock};

    thread_local! {
        // No destructor, so that reading it is one load that cannot fail.
        static CURRENT: Cell<Option<&'static ThreadHolds>> = const { Cell::new(None) };
        static RETURN: ReturnAtExit = const { ReturnAtExit };
    }

    static POOL: Mutex<Pool> = Mutex::new(Pool { all: Vec::new(), free: Vec::new() });

    struct Pool {
        all: Vec<&'static ThreadHolds>,
        free: Vec<&'static ThreadHolds>,
    }

    struct ReturnAtExit;

    /// Returns the holds of this thread, or `None` once it has returned them.
    #[inline]
    pub(super) fn current() -> Option<&'static ThreadHolds> {
        CURRENT.get().or_else(take)
    }

    pub(super) fn for_each(visit: impl FnMut(&'static ThreadHolds)) {
        lock(&POOL).all.iter().copied().for_each(visit);
    }

    #[cold]
    #[inline(never)]
    fn take() -> Option<&'static ThreadHolds> {
        RETURN.try_with(|_| ()).ok()?;
        barrier::prepare();
        let holds = lock(&POOL).take();
        CURRENT.set(Some(holds));
        Some(holds)
    }

    impl Pool {
        fn take(&mut self) -> &'static ThreadHolds {
            self.free.pop().unwrap_or_else(|| {
                let holds: &'static ThreadHolds = Box::leak(Box::default());
                self.all.push(holds);
                holds
            })
        }
    }

    impl Drop for ReturnAtExit {
        fn drop(&mut self) {
            if let Some(holds) = CURRENT.take() {
                lock(&POOL).free.push(holds);
            }
        }
    }
}

#[cfg(breaker_loom)]
mod imp {
    use super::ThreadHolds;
    use crate::sync::{Mutex, lock};

    loom::lazy_static! {
        static ref POOL: Mutex<Vec<&'static ThreadHolds>> = Mutex::new(Vec::new());
    }

    loom::thread_local! {
        static CURRENT: &'static ThreadHolds = take();
    }

    #[expect(clippy::unnecessary_wraps, reason = "the same signature as outside loom")]
    pub(super) fn current() -> Option<&'static ThreadHolds> {
        Some(CURRENT.with(|holds| *holds))
    }

    pub(super) fn for_each(visit: impl FnMut(&'static ThreadHolds)) {
        lock(&POOL).iter().copied().for_each(visit);
    }

    fn take() -> &'static ThreadHolds {
        let holds: &'static ThreadHolds = Box::leak(Box::default());
        lock(&POOL).push(holds);
        holds
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::{CALLS, Held, Hold, Search};

    fn keep(address: usize) -> Option<Hold> {
        let hold = Hold::search()?;
        hold.keep(address);
        Some(hold)
    }

    /// An address that no other test uses.
    fn address(value: &u8) -> usize {
        std::ptr::from_ref(value).addr()
    }

    #[test]
    fn a_value_is_held_until_its_hold_ends_on_any_thread() {
        let value = Box::new(1);
        let hold = keep(address(&value)).expect("one is free");
        assert!(Held::now().expect("the barrier works").contains(address(&value)));
        std::thread::spawn(move || drop(hold)).join().expect("the thread does not panic");
        assert!(!Held::now().expect("the barrier works").contains(address(&value)));
    }

    #[test]
    fn a_thread_with_too_many_calls_can_search_and_not_hold() {
        let values: Vec<u8> = vec![0; CALLS + 1];
        let holds: Vec<_> = values.iter().map(|value| keep(address(value))).collect();
        assert_eq!(holds.iter().flatten().count(), CALLS);
        let search = Search::begin().expect("the thread runs");
        assert!(Held::now().expect("the barrier works").may_contain(0));
        drop((search, holds));
        assert!(keep(1000).is_some());
    }

    #[test]
    fn a_hold_outlives_its_thread_and_keeps_its_word() {
        let value = Box::new(1);
        let at = address(&value);
        let hold = std::thread::spawn(move || keep(at)).join().expect("the thread does not panic");
        let others: Vec<_> = (0..50)
            .map(|_| std::thread::spawn(|| drop(keep(1000))))
            .collect();
        others.into_iter().for_each(|thread| thread.join().expect("the thread does not panic"));
        assert!(Held::now().expect("the barrier works").contains(at));
        drop(hold);
        assert!(!Held::now().expect("the barrier works").contains(at));
    }
}
