//! The number of keys of one function.

use std::hint::black_box;

use breaker_runtime::{Config, KeyedBreaker, Registry, circuit_breaker};

use super::curves::{Chart, Curve, Order, Probe, Unit, seconds, seconds_per_call};
use super::work::{WorkResult, work};

const CALLS: u32 = 50_000;
const NEW_KEYS: u32 = 5000;

/// Declares a function with this number of circuits.
macro_rules! functions {
    ($($function:ident of $keys:tt),*) => {
        $(
            #[circuit_breaker(key = key, max_keys = $keys)]
            fn $function(key: &str, number: u64) -> WorkResult {
                work(number)
            }
        )*

        const FUNCTIONS: &[Keyed] = &[$(Keyed { keys: $keys, name: stringify!($function), function: $function }),*];
    };
}

functions!(
    of_1 of 1, of_10 of 10, of_100 of 100, of_1000 of 1000, of_10_000 of 10_000, of_100_000 of 100_000,
    of_1_000_000 of 1_000_000
);

struct Keyed {
    keys: u32,
    name: &'static str,
    function: fn(&str, u64) -> WorkResult,
}

pub(crate) fn charts() -> Vec<Chart> {
    let keys = Keys::new();
    let calls = vec![known(&keys), evicting(), overflowing()];
    let breakers = vec![combined(), removing()];
    vec![
        Chart { title: "Call with a key", axis: "keys", unit: Unit::Seconds, curves: calls },
        Chart { title: "Keyed breaker", axis: "keys", unit: Unit::Seconds, curves: breakers },
    ]
}

/// The keys of the largest function, in an order that the caches of the processor cannot predict.
struct Keys(Vec<String>);

impl Keys {
    fn new() -> Self {
        Self((0..1_000_000).map(key).collect())
    }

    /// Returns one of the first `keys` keys.
    fn get(&self, number: u32, keys: u32) -> &str {
        let mixed = ((u64::from(number) * 0x9E37_79B9) >> 7) % u64::from(keys);
        usize::try_from(mixed).ok().and_then(|index| self.0.get(index)).map_or("", String::as_str)
    }
}

fn key(number: u32) -> String {
    format!("host-{number:07}.example")
}

/// Measures calls of known keys of annotated functions.
fn known(keys: &Keys) -> Curve {
    let probes = FUNCTIONS.iter().map(|keyed| {
        keys.0.iter().zip(0..keyed.keys).for_each(|(key, _)| _ = (keyed.function)(key, 1));
        let mut start = 0;
        Probe::new(keyed.keys, move || {
            start += CALLS;
            seconds_per_call(CALLS, |number| {
                _ = black_box((keyed.function)(keys.get(start + number, keyed.keys), 1));
            })
        })
    });
    Curve::measure("known key", Order::Constant, probes.collect())
}

/// Measures calls with new keys, each of which evicts the circuit of another key.
fn evicting() -> Curve {
    let probes = FUNCTIONS.iter().map(|keyed| {
        let mut next = 1_000_000;
        Probe::new(keyed.keys, move || {
            let new: Vec<String> = (next..next + NEW_KEYS).map(key).collect();
            next += NEW_KEYS;
            let breaker = Registry::global().get_keyed(&name_of(keyed)).expect("its function was called");
            assert_eq!(u32::try_from(breaker.len()), Ok(keyed.keys), "all circuits are in use");
            seconds(|| new.iter().for_each(|key| _ = black_box((keyed.function)(key, 1))))
                / f64::from(NEW_KEYS)
        })
    });
    Curve::measure("new key, evicts a circuit", Order::Constant, probes.collect())
}

/// Measures calls with new keys while no circuit can be evicted.
fn overflowing() -> Curve {
    let probes = FUNCTIONS.iter().map(|keyed| {
        let breaker = Registry::global().get_keyed(&name_of(keyed)).expect("its function was called");
        breaker.iter().for_each(|circuit| circuit.force_open());
        let mut next = 10_000_000;
        Probe::new(keyed.keys, move || {
            let new: Vec<String> = (next..next + NEW_KEYS).map(key).collect();
            next += NEW_KEYS;
            seconds(|| new.iter().for_each(|key| _ = black_box((keyed.function)(key, 1))))
                / f64::from(NEW_KEYS)
        })
    });
    Curve::measure("new key, all circuits open", Order::Constant, probes.collect())
}

fn name_of(keyed: &Keyed) -> String {
    format!("{}::{}", module_path!(), keyed.name)
}

fn combined() -> Curve {
    let breakers: Vec<_> = FUNCTIONS.iter().map(|keyed| (keyed.keys, filled(keyed.keys))).collect();
    let probes = breakers
        .iter()
        .map(|(keys, breaker)| Probe::new(*keys, move || seconds(|| breaker.snapshot().totals.calls())));
    Curve::measure("snapshot of all keys", Order::Linear, probes.collect())
}

fn removing() -> Curve {
    let breakers: Vec<_> = FUNCTIONS.iter().map(|keyed| (keyed.keys, filled(keyed.keys))).collect();
    let probes = breakers.iter().map(|(keys, breaker)| {
        Probe::new(*keys, move || {
            let removed = breaker.iter().next().expect("it has keys");
            let key = removed.key().expect("it has a key").to_owned();
            drop(removed);
            let seconds = seconds(|| breaker.remove(&key));
            _ = breaker.get(&key);
            seconds
        })
    });
    Curve::measure("remove one key", Order::Linear, probes.collect())
}

/// Returns a breaker with this number of keys.
fn filled(keys: u32) -> KeyedBreaker {
    let breaker = Registry::new().register_keyed("growth", Config::default(), keys).expect("the name is new");
    (0..keys).for_each(|number| _ = breaker.get(&key(number)));
    breaker
}
