//! Memory after many calls, after many breakers, and at rest.

use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, Outcome, Registry};

use crate::{breaker, end, kinds, measure};

const CALLS: u64 = 10_000_000;
const BREAKERS: u32 = 100_000;
/// A tenth of the keys that there may be: as many as a test has the time for.
const KEYS: u32 = 100_000;

/// Calls with all outcomes; the circuit opens at times, and recovers. The bytes that this thread has taken
/// and not given back.
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

/// The same by two threads, together.
fn calls_by_two(clock: &Clock, breaker: &CircuitBreaker, number: u64) -> i64 {
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            // Its number is the thread's, not the breaker's.
            let (clock, unmeasured) = crate::breaker(Config::builder());
            calls(&clock, &unmeasured, 1);
            calls(&clock, breaker, number / 2)
        });
        calls(clock, breaker, number / 2) + other.join().unwrap()
    })
}

#[test]
fn ten_million_calls_leave_nothing() {
    // resilient: 24 bytes a call.
    let number = CALLS / kinds().len() as u64;
    for (what, settings) in kinds() {
        let mut made = None;
        let mut bytes = measure(|| made = Some(breaker(settings.clone()))).bytes_current;
        let (clock, breaker) = made.unwrap();
        let early = calls_by_two(&clock, &breaker, 100_000);
        let late = calls_by_two(&clock, &breaker, number);
        let changes = breaker.snapshot().generation;
        assert!(changes >= 100, "{what}: {changes} changes prove little");
        // How long a queue has grown is the threads' to say; a byte a hundred calls would be a leak.
        let leak = i64::try_from(number / 100).unwrap();
        assert!(late < leak, "{what}: {late} while it lives, after {bytes} and {early} for the first calls");
        let mut gone = Some((clock, breaker));
        bytes += early + late + measure(|| gone = None).bytes_current;
        assert_eq!(bytes, 0, "{what}: when it is gone");
    }
}

#[test]
fn a_hundred_thousand_breakers_that_are_dropped_leave_nothing() {
    // recloser: 50,000 breakers dropped leak 53 MB.
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
fn keys_that_come_and_go_leave_nothing_when_their_breaker_is_gone() {
    let bytes = measure(|| {
        let breakers = Registry::new().register_keyed("soak", Config::default(), 100).unwrap();
        for key in 0..BREAKERS / 10 {
            end(&breakers.get(&key.to_string()), Outcome::Success);
        }
        assert_eq!(breakers.len(), 100);
    });
    assert_eq!((bytes.count_current, bytes.bytes_current), (0, 0));
}

/// What each of so many takes, in bytes.
fn each(number: u32, bytes: i64) -> f64 {
    f64::from(i32::try_from(bytes).unwrap()) / f64::from(number)
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth a look")]
fn a_breaker_at_rest_is_small() {
    let number = 1000;
    let names: Vec<&'static str> = (0..number).map(|number| &*format!("rest-{number}").leak()).collect();
    let registry = Registry::new();
    let mut breakers = Vec::with_capacity(names.len() + 1);
    let made = measure(|| {
        breakers.extend(names.iter().map(|&name| registry.register(name, Config::default()).unwrap()));
    });
    let called = measure(|| breakers.iter().for_each(|breaker| end(breaker, Outcome::Success)));
    let bytes = each(number, made.bytes_current + called.bytes_current);
    println!("a breaker at rest with its place in the registry: {bytes:.0} bytes");
    assert!(bytes <= 410.0, "{bytes}");
    let alone = measure(|| breakers.push(CircuitBreaker::new("alone", Config::default()).unwrap()));
    println!("a breaker at rest: {} bytes", alone.bytes_current);
    assert!(alone.bytes_current <= 256, "{}", alone.bytes_current);
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth a look")]
fn a_circuit_of_a_key_at_rest_is_small() {
    let breakers = Registry::new().register_keyed("soak", Config::default(), KEYS).unwrap();
    let made = measure(|| {
        for key in 0..KEYS {
            end(&breakers.get(&format!("host-{key}")), Outcome::Success);
        }
    });
    assert_eq!(breakers.len(), KEYS as usize);
    let bytes = each(KEYS, made.bytes_current);
    println!("a keyed circuit at rest: {bytes:.0} bytes");
    assert!(bytes <= 350.0, "{bytes}");
}
