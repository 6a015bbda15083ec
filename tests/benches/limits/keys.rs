//! Lookups of a key.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering, compiler_fence};

use foldhash::quality::RandomState;

use super::counters::Counters;
use super::work::work;

/// The circuits by key. Each is in memory of its own.
type Circuits = HashMap<String, Box<Counters>, RandomState>;

/// The address that a thread uses, in cache lines of its own.
#[repr(align(128))]
struct HazardWord(AtomicUsize);

static HOSTS: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..1000).map(|number| format!("host-{number}")).collect());

static CIRCUITS: LazyLock<Circuits> = LazyLock::new(|| {
    let circuits = HOSTS.iter().map(|host| (host.clone(), Box::new(Counters::new())));
    circuits.collect()
});

thread_local! {
    static HAZARD: HazardWord = const { HazardWord(AtomicUsize::new(0)) };
}

/// Makes calls with a thousand keys in turn, since the cost of a single key depends on the seed of its hash.
pub(crate) fn with_each(calls: u64, call: impl Fn(&str, u64)) {
    let numbers = 0..calls;
    for (number, host) in numbers.zip(HOSTS.iter().cycle()) {
        call(black_box(host), number);
    }
}

pub(crate) fn in_turn(calls: u64) {
    with_each(calls, |_, number| _ = black_box(work(number)));
}

pub(crate) fn hashed(calls: u64) {
    let hasher = CIRCUITS.hasher();
    with_each(calls, |host, number| {
        black_box(hasher.hash_one(host.as_bytes()));
        _ = black_box(work(number));
    });
}

pub(crate) fn found(calls: u64) {
    let circuits = &*CIRCUITS;
    with_each(calls, |host, number| {
        black_box(circuits.get(host));
        _ = black_box(work(number));
    });
}

pub(crate) fn found_and_kept(calls: u64) {
    let circuits = &*CIRCUITS;
    with_each(calls, |host, number| kept(circuits, host, |_| _ = black_box(work(number))));
}

pub(crate) fn found_kept_and_counted(calls: u64) {
    let circuits = &*CIRCUITS;
    with_each(calls, |host, number| {
        kept(circuits, host, |circuit| {
            _ = black_box(work(number));
            circuit.add();
        });
    });
}

/// Finds a circuit and calls `run` with it. Until then, the hazard word of the thread shows other threads first that it
/// reads the map, and then which circuit it uses. A thread that frees memory pays for the barriers.
fn kept(circuits: &Circuits, host: &str, run: impl FnOnce(&Counters)) {
    HAZARD.with(|HazardWord(word)| {
        word.store(std::ptr::from_ref(circuits).addr(), Ordering::Release);
        compiler_fence(Ordering::SeqCst);
        let circuit = circuits.get(host).expect("the map has all keys");
        word.store(std::ptr::from_ref(&**circuit).addr(), Ordering::Release);
        compiler_fence(Ordering::SeqCst);
        run(circuit);
        word.store(0, Ordering::Release);
    });
}
