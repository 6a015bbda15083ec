//! The circuits of one keyed breaker by key. A lookup takes no lock, writes nothing that other threads read in their
//! lookups, and does not allocate.
//!
//! The map is a table with open addressing, which one thread at a time changes, under the lock of
//! [`KeyTable`](super::key_table::KeyTable). It does not own its circuits. A lookup is a [`Search`], so:
//!
//! * A table that was replaced by a larger one, and a circuit that was removed from the map, are freed only when
//!   [`Held::now`] finds no search of the map and no hold of them.
//! * A circuit is evicted only if no call uses it. An eviction marks the circuit, passes the heavy barrier, and then
//!   reads the holds and the number of handles. A lookup stores its hold, or adds its handle, passes the light barrier,
//!   and then reads the mark. So either the eviction finds the use, or the lookup finds the mark. A lookup that finds
//!   the mark is repeated under the lock that the eviction holds. The mark of a removed circuit stays.
//!
//! A lookup may run during a change. An entry gets its circuit before its hash, and loses its hash first. A lookup that
//! reads the hash of one key and the circuit of another one notices it, because it compares the key of the circuit. So
//! a lookup finds the circuit of its key unless the key had none at some moment of the lookup.
#![expect(
    unsafe_code,
    reason = "circuits and tables are kept by holds and not by counts, which threads would share"
)]

use std::hash::BuildHasher;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::held_circuit::HeldCircuit;
use crate::breaker::{Circuit, CircuitBreaker};
use crate::sync::holds::{Held, Hold, Search};
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, KeyHasher, Ordering, barrier};

/// The circuits by key.
pub(super) struct CircuitMap {
    /// The last table of [`MapWriter`].
    table: AtomicPtr<Table>,
    len: AtomicU32,
    hasher: KeyHasher,
}

/// The result of a lookup.
pub(super) enum Lookup {
    Found(CircuitBreaker),
    Absent,
    /// An eviction is checking whether the circuit is idle, or this thread destroys its thread-local values. The lookup
    /// must be repeated under the lock.
    Undecided,
}

/// The right to change the map, and the tables. A lock protects it.
pub(super) struct MapWriter {
    table: Arc<Table>,
    /// Number of entries of the table that are not [`EMPTY`].
    used: usize,
    /// Tables that a lookup may still be reading.
    replaced: Vec<Arc<Table>>,
}

struct Table {
    /// The number of entries is a power of two, and some of them are empty.
    entries: Box<[MapEntry]>,
}

#[derive(Default)]
struct MapEntry {
    /// [`EMPTY`], [`REMOVED`], or the hash of the key.
    hash: AtomicU64,
    circuit: AtomicPtr<Circuit>,
}

/// The hash of an entry that ends each search.
const EMPTY: u64 = 0;
/// The hash of an entry without a circuit that does not end a search.
const REMOVED: u64 = 1;
/// A bit of the hash of every key, which is therefore neither [`EMPTY`] nor [`REMOVED`].
const OF_KEY: u64 = 1 << 63;
const MIN_ENTRIES: usize = 8;

impl CircuitMap {
    /// Returns an empty map.
    pub(super) fn new() -> (Self, MapWriter) {
        let table = Arc::new(Table::new(MIN_ENTRIES));
        let map = Self {
            table: AtomicPtr::new(Arc::as_ptr(&table).cast_mut()),
            len: AtomicU32::new(0),
            hasher: KeyHasher::default(),
        };
        (map, MapWriter { table, used: 0, replaced: Vec::new() })
    }

    /// Looks up the circuit of `key`.
    pub(super) fn get(&self, key: &str) -> Lookup {
        let Some(search) = Search::begin(self.address()) else {
            return Lookup::Undecided;
        };
        // SAFETY: the search has not ended.
        let found = unsafe { self.find(key) }.map_or(Lookup::Absent, |circuit| unsafe { share(circuit) });
        drop(search);
        found
    }

    /// Looks up the circuit of `key` for one call. Returns `None` if [`get`](Self::get) must look it up instead: the
    /// key has no circuit, the circuit is marked, or this thread has no free hold.
    #[inline]
    pub(super) fn hold(&'static self, key: &str) -> Option<HeldCircuit> {
        let hold = Hold::search(self.address())?;
        // SAFETY: the search has not ended.
        let circuit = unsafe { self.find(key) }?;
        hold.keep(circuit.addr().get());
        // SAFETY: the search has found the circuit, and its hold has kept it.
        if unsafe { circuit.as_ref() }.is_marked() {
            return None;
        }
        // The mark was not set after the barrier of `keep`, so an eviction finds the hold.
        // SAFETY: as above, and the map is static.
        Some(unsafe { HeldCircuit::held(circuit, hold) })
    }

    /// Looks up the circuit of `key`. The caller holds the lock.
    pub(super) fn get_locked(&self, writer: &MapWriter, key: &str) -> Option<CircuitBreaker> {
        // SAFETY: the caller holds the lock, under which circuits are removed and freed.
        let found = unsafe { writer.table.find(self.hash(key), key) }?;
        // SAFETY: as above.
        Some(unsafe { handle(found) })
    }

    /// Returns all circuits, in no particular order, or `None` if this thread has no free hold. `find` looks up the
    /// keys of marked circuits, after an eviction has decided about them.
    pub(super) fn all(&self, find: impl Fn(&str) -> Option<CircuitBreaker>) -> Option<Vec<CircuitBreaker>> {
        let search = Hold::search(self.address())?;
        // SAFETY: the search has not ended.
        let table = unsafe { self.table() };
        // SAFETY: as above.
        let all = table.circuits().filter_map(|circuit| match unsafe { share(circuit) } {
            Lookup::Found(circuit) => Some(circuit),
            Lookup::Absent => None,
            Lookup::Undecided => {
                // SAFETY: as above.
                let key = unsafe { circuit.as_ref() }.identity().key();
                find(key?).filter(|found| ptr::eq(Arc::as_ptr(found.circuit()), circuit.as_ptr()))
            }
        });
        let mut all: Vec<CircuitBreaker> = all.collect();
        // A key whose circuit was removed, and that was used again meanwhile, may have been found twice.
        all.retain(|circuit| !circuit.circuit().is_removed());
        drop(search);
        Some(all)
    }

    /// Calls `visit` for each circuit, in no particular order, without cloning it. Returns `false`, and visits none, if
    /// this thread has no free hold. A [`Search`] might take the hold that lookups in `visit` need.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&CircuitBreaker)) -> bool {
        let Some(search) = Hold::search(self.address()) else {
            return false;
        };
        // SAFETY: the search has not ended.
        for circuit in unsafe { self.table() }.circuits() {
            // SAFETY: as above.
            let circuit = unsafe { borrow(circuit) };
            visit(&circuit);
        }
        drop(search);
        true
    }

    /// Returns the circuits that calls use now, and whether threads search the map; see [`Held::now`].
    pub(super) fn held(&self) -> Option<Held> {
        Held::now(self.address())
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed) as usize
    }

    /// Adds the circuit of a key that has none.
    ///
    /// # Safety
    ///
    /// The caller keeps a handle of the circuit while it is in the map, and afterwards until [`held`](Self::held)
    /// contains neither a search nor the circuit.
    pub(super) unsafe fn insert(&self, writer: &mut MapWriter, key: &str, circuit: &CircuitBreaker) {
        let len = self.len();
        if writer.used >= writer.table.entries.len() / 8 * 7 {
            self.replace_table(writer, len);
        }
        let circuit = Arc::as_ptr(circuit.circuit()).cast_mut();
        writer.used += writer.table.insert(self.hash(key), circuit);
        self.len.store(u32::try_from(len + 1).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Removes the circuit of `key` and marks it, if it is this one. Returns `true` if it was.
    pub(super) fn remove(&self, writer: &mut MapWriter, key: &str, circuit: &Circuit) -> bool {
        let Some(cleared) = writer.table.remove(self.hash(key), circuit) else {
            return false;
        };
        circuit.mark();
        writer.used -= cleared;
        self.len.fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Returns the address that identifies searches of this map.
    #[inline]
    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    #[inline]
    fn hash(&self, key: &str) -> u64 {
        self.hasher.hash_one(key.as_bytes()) | OF_KEY
    }

    /// # Safety
    ///
    /// A search of the caller goes on while the table is used.
    #[inline]
    unsafe fn table(&self) -> &Table {
        // SAFETY: the search began before, and a table is freed only when `Held::now` finds no search.
        unsafe { &*self.table.load(Ordering::Acquire) }
    }

    /// # Safety
    ///
    /// As for [`table`](Self::table), and while the circuit is used.
    #[expect(
        clippy::inline_always,
        reason = "the two callers are not inlined, and one is the path of a call"
    )]
    #[inline(always)]
    unsafe fn find(&self, key: &str) -> Option<NonNull<Circuit>> {
        // SAFETY: the contract is the same.
        unsafe { self.table().find(self.hash(key), key) }
    }

    /// Moves the circuits to a table that is at most three quarters full with one more.
    #[cold]
    fn replace_table(&self, writer: &mut MapWriter, len: usize) {
        let entries = ((len + 1) * 4).div_ceil(3).next_power_of_two().max(MIN_ENTRIES);
        let table = Arc::new(Table::new(entries));
        for entry in &writer.table.entries {
            let (hash, circuit) = (entry.hash.load(Ordering::Relaxed), entry.circuit.load(Ordering::Relaxed));
            if !circuit.is_null() {
                table.insert(hash, circuit);
            }
        }
        self.table.store(Arc::as_ptr(&table).cast_mut(), Ordering::Release);
        writer.replaced.push(std::mem::replace(&mut writer.table, table));
        writer.used = len;
        if let Some(held) = self.held() {
            writer.free_replaced(&held);
        }
    }
}

impl MapWriter {
    /// Returns all circuits, in no particular order. The caller holds the lock.
    pub(super) fn all(&self) -> Vec<CircuitBreaker> {
        // SAFETY: circuits in the map are removed and freed only under the lock.
        self.table.circuits().map(|circuit| unsafe { handle(circuit) }).collect()
    }

    /// Returns the number of tables that a lookup may still be reading.
    #[cfg(test)]
    pub(super) fn replaced(&self) -> usize {
        self.replaced.len()
    }

    /// Frees the tables that no lookup reads. They were replaced before `held` was read.
    pub(super) fn free_replaced(&mut self, held: &Held) {
        if !held.has_searches() {
            self.replaced.clear();
        }
    }
}

impl Table {
    fn new(entries: usize) -> Self {
        Self { entries: (0..entries).map(|_| MapEntry::default()).collect() }
    }

    /// # Safety
    ///
    /// The caller searches while it uses the circuit, or holds the lock.
    #[expect(clippy::inline_always, reason = "as for the map")]
    #[inline(always)]
    unsafe fn find(&self, hash: u64, key: &str) -> Option<NonNull<Circuit>> {
        let last = self.entries.len().wrapping_sub(1);
        let mut position = start(hash) & last;
        // Some entries are empty, so the loop ends.
        while let Some(entry) = self.entries.get(position) {
            let found = entry.hash.load(Ordering::Acquire);
            if found == hash
                && let Some(circuit) = NonNull::new(entry.circuit.load(Ordering::Acquire))
                // SAFETY: the contract is the same.
                && unsafe { circuit.as_ref() }.has_key(key)
            {
                return Some(circuit);
            }
            if found == EMPTY {
                break;
            }
            position = (position + 1) & last;
        }
        None
    }

    /// Adds a circuit, and returns the number of empty entries that it used.
    fn insert(&self, hash: u64, circuit: *mut Circuit) -> usize {
        let is_free = |entry: &&MapEntry| entry.hash.load(Ordering::Relaxed) <= REMOVED;
        // Some entries are empty, so one is found.
        let Some(entry) = self.probe(hash).find(is_free) else {
            return 0;
        };
        let was_empty = entry.hash.load(Ordering::Relaxed) == EMPTY;
        entry.circuit.store(circuit, Ordering::Release);
        entry.hash.store(hash, Ordering::Release);
        usize::from(was_empty)
    }

    /// Removes a circuit. Returns the number of entries that became empty, or `None` if the circuit is not in the
    /// table.
    fn remove(&self, hash: u64, circuit: &Circuit) -> Option<usize> {
        let position = self
            .probe(hash)
            .take_while(|entry| entry.hash.load(Ordering::Relaxed) != EMPTY)
            .position(|entry| ptr::eq(entry.circuit.load(Ordering::Relaxed), circuit))?;
        let position = start(hash).wrapping_add(position);
        // If the next entry is empty, no search goes on after this one, nor after removed ones before it.
        let ends_search = self.at(position.wrapping_add(1))?.hash.load(Ordering::Relaxed) == EMPTY;
        let entry = self.at(position)?;
        entry.hash.store(if ends_search { EMPTY } else { REMOVED }, Ordering::Release);
        entry.circuit.store(ptr::null_mut(), Ordering::Release);
        if !ends_search {
            return Some(0);
        }
        let before = (1..self.entries.len())
            .map_while(|distance| self.at(position.wrapping_sub(distance)))
            .take_while(|entry| entry.hash.load(Ordering::Relaxed) == REMOVED);
        Some(1 + before.map(|entry| entry.hash.store(EMPTY, Ordering::Release)).count())
    }

    /// Returns the entries in the order of a search.
    #[inline]
    fn probe(&self, hash: u64) -> impl Iterator<Item = &MapEntry> {
        let first = start(hash);
        (0..self.entries.len()).map_while(move |distance| self.at(first.wrapping_add(distance)))
    }

    #[inline]
    fn at(&self, position: usize) -> Option<&MapEntry> {
        self.entries.get(position & self.entries.len().wrapping_sub(1))
    }

    fn circuits(&self) -> impl Iterator<Item = NonNull<Circuit>> {
        self.entries.iter().filter_map(|entry| NonNull::new(entry.circuit.load(Ordering::Acquire)))
    }
}

/// Returns the position at which the search for this hash begins, to be taken modulo the number of entries.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low bits are enough")]
const fn start(hash: u64) -> usize {
    hash as usize
}

/// Returns a handle of a circuit, unless an eviction has marked it.
///
/// # Safety
///
/// A search of the caller has found the circuit and goes on.
unsafe fn share(circuit: NonNull<Circuit>) -> Lookup {
    // SAFETY: the owner of the circuit keeps a handle while the search goes on.
    let handle = unsafe { handle(circuit) };
    barrier::light();
    if handle.circuit().is_marked() { Lookup::Undecided } else { Lookup::Found(handle) }
}

/// Returns a handle of a circuit.
///
/// # Safety
///
/// The circuit is not freed meanwhile.
#[inline]
unsafe fn handle(circuit: NonNull<Circuit>) -> CircuitBreaker {
    // SAFETY: the contract is the same.
    let circuit = unsafe { borrow(circuit) };
    CircuitBreaker::clone(&circuit)
}

/// Returns a handle that is not counted.
///
/// # Safety
///
/// The circuit is not freed while the result is used.
#[inline]
unsafe fn borrow(circuit: NonNull<Circuit>) -> ManuallyDrop<CircuitBreaker> {
    // SAFETY: all pointers of the map come from `Arc::as_ptr`, and the handle is never dropped.
    ManuallyDrop::new(CircuitBreaker::of(unsafe { Arc::from_raw(circuit.as_ptr()) }))
}
