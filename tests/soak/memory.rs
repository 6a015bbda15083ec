//! Memory after many calls, after many breakers, and of idle breakers.

use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, Outcome, Registry};

use crate::{breaker, end, kinds, measure};

const CALLS: u64 = 10_000_000;
const BREAKERS: u32 = 100_000;
/// A tenth of the allowed maximum, which keeps the test short.
const KEYS: u32 = 100_000;

/// Makes calls with all outcomes, during which the circuit opens and recovers. Returns the bytes that this
/// thread has allocated and not freed.
fn calls(clock: &Clock, breaker: &CircuitBreaker, number: u64) -> i64 {
    let work = || {
        for call in 0..number {
            let fails = call % 7 > 4 || (5000..8000).contains(&(call % 10_000));
            end(breaker, if fails { Outcome::Failure } else { Outcome::Success });
            if call % 333 == 0 {
                clock.advance(Duration::from_secs(1));
            }
            if call % 11 == 0 {
                end(breaker, Outcome::Ignored);
            }
        }
    };
    measure(work).bytes_current
}

/// Makes the calls on two threads, and returns the sum of their bytes.
fn calls_by_two(clock: &Clock, breaker: &CircuitBreaker, number: u64) -> i64 {
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            // Excludes what the thread allocates once, such as its thread number.
            let (clock, unmeasured) = crate::breaker(Config::builder());
            calls(&clock, &unmeasured, 1);
            calls(&clock, breaker, number / 2)
        });
        calls(clock, breaker, number / 2) + other.join().unwrap()
    })
}

#[test]
fn ten_million_calls_leak_nothing() {
    // Regression of resilient: it leaked 24 bytes per call.
    let number = CALLS / kinds().len() as u64;
    for (what, settings) in kinds() {
        let mut made = None;
        let mut bytes = measure(|| made = Some(breaker(settings.clone()))).bytes_current;
        let (clock, breaker) = made.unwrap();
        let early = calls_by_two(&clock, &breaker, 100_000);
        let late = calls_by_two(&clock, &breaker, number);
        let changes = breaker.snapshot().generation;
        assert!(changes >= 100, "{what}: only {changes} changes");
        // A queue may have grown, depending on the threads. One byte per hundred calls would be a leak.
        let leak = i64::try_from(number / 100).unwrap();
        assert!(
            late < leak,
            "{what}: {late} bytes, after {bytes} bytes for the breaker and {early} for the first calls"
        );
        let mut last = Some((clock, breaker));
        bytes += early + late + measure(|| last = None).bytes_current;
        assert_eq!(bytes, 0, "{what}: after the breaker is dropped");
    }
}

#[test]
fn a_hundred_thousand_dropped_breakers_leak_nothing() {
    // Regression of recloser: 50,000 dropped breakers leaked 53 MB.
    for (what, settings) in kinds() {
        let config = settings.build().unwrap();
        let left = measure(|| {
            for number in 0..BREAKERS / 5 {
                let breaker = CircuitBreaker::new(format!("dropped {number}"), config.clone()).unwrap();
                end(&breaker, Outcome::Failure);
                end(&breaker, Outcome::Success);
                breaker.force_open();
                end(&breaker, Outcome::Success);
            }
        });
        assert!(left.count_total >= u64::from(BREAKERS / 5));
        assert_eq!((left.count_current, left.bytes_current), (0, 0), "{what}");
    }
}

#[test]
fn evicted_keys_leak_nothing_once_their_breaker_is_dropped() {
    let bytes = measure(|| {
        let breakers = Registry::new().register_keyed("soak", Config::default(), 100).unwrap();
        for key in 0..BREAKERS / 10 {
            end(&breakers.get(&key.to_string()), Outcome::Success);
        }
        assert_eq!(breakers.len(), 100);
    });
    assert_eq!((bytes.count_current, bytes.bytes_current), (0, 0));
}

/// Returns the bytes per item.
fn bytes_per_item(number: u32, bytes: i64) -> f64 {
    f64::from(i32::try_from(bytes).unwrap()) / f64::from(number)
}

#[test]
#[expect(clippy::print_stdout, reason = "the test reports its figures")]
fn an_idle_breaker_is_small() {
    let number = 1000;
    let names: Vec<&'static str> = (0..number).map(|number| &*format!("rest-{number}").leak()).collect();
    let registry = Registry::new();
    let mut breakers = Vec::with_capacity(names.len() + 1);
    let made = measure(|| {
        breakers.extend(names.iter().map(|&name| registry.register(name, Config::default()).unwrap()));
    });
    let called = measure(|| breakers.iter().for_each(|breaker| end(breaker, Outcome::Success)));
    let bytes = bytes_per_item(number, made.bytes_current + called.bytes_current);
    println!("an idle breaker with its registry entry: {bytes:.0} bytes");
    assert!(bytes <= 440.0, "{bytes}");
    let alone = measure(|| breakers.push(CircuitBreaker::new("alone", Config::default()).unwrap()));
    println!("an idle breaker: {} bytes", alone.bytes_current);
    assert!(alone.bytes_current <= 256, "{}", alone.bytes_current);
}

#[test]
#[expect(clippy::print_stdout, reason = "the test reports its figures")]
fn an_idle_keyed_circuit_is_small() {
    let breakers = Registry::new().register_keyed("soak", Config::default(), KEYS).unwrap();
    let made = measure(|| {
        for key in 0..KEYS {
            end(&breakers.get(&format!("host-{key}")), Outcome::Success);
        }
    });
    assert_eq!(breakers.len(), KEYS as usize);
    let bytes = bytes_per_item(KEYS, made.bytes_current);
    println!("an idle keyed circuit: {bytes:.0} bytes");
    assert!(bytes <= 335.0, "{bytes}");
}
