//! The running calls of a circuit with `hang`, from the oldest to the newest.
//!
//! The calls are a doubly linked list inside a vector, so that a call enters and leaves it in constant time and
//! without an allocation, unless more calls run at once than ever before. One word publishes when the oldest call
//! has run for too long, so that the check for a hung call takes no lock.
//!
//! All calls belong to one generation of the circuit. A call of a later generation removes those of earlier ones.
//! A call that has opened the circuit does not count again, even if it never ends.

use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::state::{HungCall, is_later_generation};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};

/// The running calls of one circuit.
#[derive(Debug)]
pub(super) struct Watch {
    /// The moment when the oldest call has run for too long, in nanoseconds; `u64::MAX` if there is none.
    overdue: AtomicU64,
    calls: Mutex<WatchedCalls>,
}

#[derive(Debug)]
struct WatchedCalls {
    /// The time that a call may run; `None` if calls are not watched now.
    limit: Option<Duration>,
    /// The time at which this limit was set. No call has run for too long before.
    limited_since: Moment,
    generation: u64,
    entries: Vec<Entry>,
    free: Link,
    oldest: Link,
    newest: Link,
}

/// A running call. In a free entry, `newer` is the next free entry.
#[derive(Clone, Copy, Debug)]
struct Entry {
    started: Moment,
    older: Link,
    newer: Link,
}

/// The index of an entry, or [`Link::NONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link(u32);

impl Link {
    /// No vector is this long.
    const NONE: Self = Self(u32::MAX);
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { overdue: AtomicU64::new(u64::MAX), calls: Mutex::new(WatchedCalls::new()) }
    }

    /// Sets how long a call may run. It applies to the running calls too, from now on. If a call has run for too long
    /// already, the circuit may have been shown as open, so this returns `false` and changes nothing until that call
    /// has opened it.
    pub(super) fn set_limit(&self, limit: Option<Duration>, now: impl FnOnce() -> Moment) -> bool {
        let mut calls = self.lock();
        // Under the lock, so that no thread has seen a later time with the old limit.
        let now = now();
        if calls.overdue() <= now {
            return false;
        }
        if calls.limit != limit {
            (calls.limit, calls.limited_since) = (limit, now);
        }
        self.publish(&calls);
        true
    }

    /// Adds a call that has run since then and returns its entry, unless calls are not watched or the generation is
    /// over. The time that this takes grows with the number of calls that started later.
    pub(super) fn add(&self, generation: u64, started: Moment) -> Option<u32> {
        let mut calls = self.lock();
        calls.limit?;
        if is_later_generation(generation, calls.generation) {
            calls.restart(generation);
        }
        if generation != calls.generation {
            return None;
        }
        let Link(entry) = calls.insert(started);
        self.publish(&calls);
        Some(entry)
    }

    /// Removes a call that has ended. If a call has run for too long, the circuit may have been shown as open, so this
    /// returns `false` and changes nothing until that call has opened it.
    pub(super) fn remove(&self, generation: u64, entry: u32, is_over: impl FnOnce(Moment) -> bool) -> bool {
        self.remove_unless(generation, entry, |calls| is_over(calls.overdue()))
    }

    /// Removes a call, unless it has run for too long itself. Returns `true` if it is not watched any more.
    pub(super) fn remove_in_time(
        &self,
        generation: u64,
        entry: u32,
        is_over: impl FnOnce(Moment) -> bool,
    ) -> bool {
        self.remove_unless(generation, entry, |calls| is_over(calls.overdue_of(Link(entry))))
    }

    /// Removes a call, unless `hangs` returns `true` under the lock. Other threads, which find out under the lock that
    /// a call hangs, have read an earlier time. Returns `true` if the call is not watched any more.
    #[inline]
    fn remove_unless(&self, generation: u64, entry: u32, hangs: impl FnOnce(&WatchedCalls) -> bool) -> bool {
        let mut calls = self.lock();
        if generation != calls.generation {
            return true;
        }
        let hangs = hangs(&calls);
        if !hangs {
            calls.remove(Link(entry));
            self.publish(&calls);
        }
        !hangs
    }

    /// Returns the oldest call, if it has run for too long.
    #[inline]
    pub(super) fn hung_call(&self, clock: &Clock) -> Option<HungCall> {
        // A thread that reads that no call hangs any more also sees that the circuit has opened because of it.
        let overdue = self.overdue();
        if overdue == Moment::NEVER || !clock.has_reached(overdue) {
            return None;
        }
        let calls = self.lock();
        let since = calls.overdue();
        let limit = calls.limit.filter(|_| clock.has_reached(since))?;
        Some(HungCall { generation: calls.generation, limit, since })
    }

    /// Returns the moment at which the oldest call will have run for too long.
    pub(super) fn overdue(&self) -> Moment {
        Moment::from_nanos(self.overdue.load(Ordering::Acquire))
    }

    /// Removes the calls of this generation, which is over.
    #[cold]
    pub(super) fn end_generation(&self, generation: u64) {
        let mut calls = self.lock();
        if generation == calls.generation {
            calls.restart(generation + 1);
            self.publish(&calls);
        }
    }

    fn publish(&self, calls: &WatchedCalls) {
        self.overdue.store(calls.overdue().nanos(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, WatchedCalls> {
        lock(&self.calls)
    }
}

impl WatchedCalls {
    const fn new() -> Self {
        let none = Link::NONE;
        Self {
            limit: None,
            limited_since: Moment::from_nanos(0),
            generation: 0,
            entries: Vec::new(),
            free: none,
            oldest: none,
            newest: none,
        }
    }

    /// Removes all calls, and begins a generation.
    fn restart(&mut self, generation: u64) {
        self.entries.clear();
        (self.free, self.oldest, self.newest) = (Link::NONE, Link::NONE, Link::NONE);
        self.generation = generation;
    }

    /// Returns when the oldest call has run for too long, or never.
    fn overdue(&self) -> Moment {
        self.overdue_of(self.oldest)
    }

    /// Returns when a call has run for too long, or never.
    fn overdue_of(&self, call: Link) -> Moment {
        match (self.entry(call), self.limit) {
            (Some(call), Some(limit)) => call.started.after(limit).max(self.limited_since),
            (Some(_) | None, _) => Moment::NEVER,
        }
    }

    /// Adds a call between the older and the newer ones. Almost every call is the newest.
    fn insert(&mut self, started: Moment) -> Link {
        let (mut older, mut newer) = (self.newest, Link::NONE);
        while let Some(later) = self.entry(older).filter(|later| later.started > started) {
            (older, newer) = (later.older, older);
        }
        let entry = Entry { started, older, newer };
        let link = match self.free {
            Link::NONE => {
                // The number fits: the entries of more calls would not fit into memory.
                let link = Link(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
                self.entries.push(entry);
                link
            }
            free => {
                if let Some(unused) = self.entry_mut(free) {
                    let next = std::mem::replace(unused, entry).newer;
                    self.free = next;
                }
                free
            }
        };
        match self.entry_mut(older) {
            Some(before) => before.newer = link,
            None => self.oldest = link,
        }
        match self.entry_mut(newer) {
            Some(after) => after.older = link,
            None => self.newest = link,
        }
        link
    }

    fn remove(&mut self, link: Link) {
        let Some(&Entry { older, newer, .. }) = self.entry(link) else {
            return;
        };
        match self.entry_mut(older) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        match self.entry_mut(newer) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
        let free = std::mem::replace(&mut self.free, link);
        if let Some(unused) = self.entry_mut(link) {
            unused.newer = free;
        }
    }

    fn entry(&self, Link(index): Link) -> Option<&Entry> {
        self.entries.get(index as usize)
    }

    fn entry_mut(&mut self, Link(index): Link) -> Option<&mut Entry> {
        self.entries.get_mut(index as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 10;

    fn at(nanos: u64) -> Moment {
        Moment::from_nanos(nanos)
    }

    fn watch() -> Watch {
        let watch = Watch::new();
        assert!(watch.set_limit(Some(Duration::from_nanos(LIMIT)), || at(0)));
        watch
    }

    /// Returns the start of the oldest call.
    fn oldest(watch: &Watch) -> Option<u64> {
        watch.overdue.load(Ordering::Relaxed).checked_sub(LIMIT).filter(|&start| start < u64::MAX / 2)
    }

    #[test]
    fn the_oldest_running_call_is_known_in_every_order_of_ends() {
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
            let watch = watch();
            let entries = [1, 2, 3, 4].map(|start| watch.add(0, at(start)).unwrap());
            let mut running = vec![1, 2, 3, 4];
            for ended in order {
                assert_eq!(oldest(&watch), running.first().copied());
                assert!(watch.remove(0, *entries.get(ended).unwrap(), |_| false));
                running.retain(|&start| start != ended as u64 + 1);
            }
            assert_eq!(oldest(&watch), None);
        }
    }

    #[test]
    fn a_call_that_continues_to_wait_is_as_old_as_its_wait() {
        for started in [[3, 1, 2], [2, 3, 1], [1, 2, 3], [3, 2, 1]] {
            let watch = watch();
            let mut entries = started.map(|start| (start, watch.add(0, at(start)).unwrap()));
            entries.sort_unstable();
            for (start, entry) in entries {
                assert_eq!(oldest(&watch), Some(start));
                assert!(watch.remove(0, entry, |_| false));
            }
            assert_eq!(oldest(&watch), None);
        }
    }

    #[test]
    fn a_call_that_has_run_for_too_long_is_not_removed_in_time() {
        let watch = watch();
        let [hanging, other] = [1, 2].map(|start| watch.add(0, at(start)).unwrap());
        assert!(!watch.remove_in_time(0, hanging, |overdue| overdue <= at(1 + LIMIT)));
        assert!(watch.remove_in_time(0, other, |overdue| overdue <= at(1 + LIMIT)));
        assert_eq!(oldest(&watch), Some(1));
        watch.end_generation(0);
        assert!(
            watch.remove_in_time(0, hanging, |overdue| overdue <= at(1 + LIMIT)),
            "the generation is over"
        );
    }

    #[test]
    fn the_time_that_ends_the_watch_of_a_call_is_read_under_the_lock() {
        let watch = watch();
        let entry = watch.add(0, at(1)).unwrap();
        let mut reads = 0;
        let mut read = || {
            assert!(watch.calls.try_lock().is_err());
            reads += 1;
            at(1 + LIMIT)
        };
        assert!(!watch.set_limit(None, &mut read));
        assert!(!watch.remove(0, entry, |overdue| overdue <= read()));
        assert!(!watch.remove_in_time(0, entry, |overdue| overdue <= read()));
        assert_eq!((reads, oldest(&watch)), (3, Some(1)));
    }

    #[test]
    fn entries_are_reused_so_the_memory_is_bounded_by_the_calls_that_run_at_once() {
        let watch = watch();
        let hanging = watch.add(0, at(1)).unwrap();
        for start in 2..if cfg!(miri) { 100 } else { 1000 } {
            let pair = [start, start].map(|start| watch.add(0, at(start)).unwrap());
            for entry in pair {
                assert!(watch.remove(0, entry, |_| false));
            }
        }
        assert_eq!(watch.lock().entries.len(), 3);
        assert_eq!(oldest(&watch), Some(1));
        assert!(watch.remove(0, hanging, |_| false));
        assert_eq!(oldest(&watch), None);
    }

    #[test]
    fn only_calls_of_the_last_generation_are_known() {
        let watch = watch();
        let old = watch.add(2, at(1)).unwrap();
        let new = watch.add(4, at(5)).unwrap();
        assert_eq!(watch.add(2, at(6)), None);
        assert!(watch.remove(2, old, |_| false));
        assert_eq!(oldest(&watch), Some(5));
        watch.end_generation(4);
        assert_eq!((oldest(&watch), watch.add(4, at(7))), (None, None));
        assert!(watch.remove(4, new, |_| false));
        watch.add(5, at(8)).unwrap();
        assert_eq!(oldest(&watch), Some(8));
    }

    #[test]
    fn a_new_limit_applies_to_running_calls_and_not_before_it_was_set() {
        let watch = Watch::new();
        assert_eq!(watch.add(0, at(1)), None, "nothing is watched");
        assert!(watch.set_limit(Some(Duration::MAX), || at(1)));
        watch.add(0, at(1)).unwrap();
        assert_eq!(watch.lock().overdue(), Moment::NEVER);
        assert!(watch.set_limit(Some(Duration::from_nanos(3)), || at(100)));
        assert_eq!(watch.lock().overdue(), at(100));
        assert!(!watch.set_limit(Some(Duration::from_nanos(9)), || at(200)), "a call has run for too long");
        assert_eq!(watch.lock().overdue(), at(100));
        watch.end_generation(0);
        assert!(watch.set_limit(None, || at(300)));
        assert_eq!(watch.lock().overdue(), Moment::NEVER);
    }
}
