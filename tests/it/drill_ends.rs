//! When drills end, which keys they include, and which ones are refused.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::chaos::{self, Drill, DrillError};
use breaker_runtime::testing::Clock;
use breaker_runtime::{Config, DrillEnd, ErrorKind, Event, Fault, KeyedBreaker, Registry};

use crate::drills::{ALL, Drilled, MINUTE, kind};
use crate::support::{NANO, seconds};

#[test]
fn a_drill_ends_exactly_at_its_end_and_the_next_call_reports_it() {
    let drilled = Drilled::with(Config::builder().failure_threshold(1000));
    let ends = drilled.ends();
    let drill = drilled.start(ALL);
    drilled.clock.advance(MINUTE.checked_sub(NANO).unwrap());
    assert_eq!(kind(drilled.call()), Some(ErrorKind::Injected));
    assert_eq!(drilled.breaker.snapshot().drill.unwrap().remaining, NANO);
    drilled.clock.advance(NANO);
    assert_eq!((drilled.breaker.snapshot().drill, drill.status()), (None, None));
    assert!(ends.lock().unwrap().is_empty());
    assert_eq!(drilled.call().unwrap(), 1);
    assert_eq!(drilled.call().unwrap(), 1);
    drill.stop();
    assert_eq!(*ends.lock().unwrap(), [DrillEnd::Elapsed]);
}

#[test]
fn a_drill_that_is_stopped_or_replaced_reports_its_end_once() {
    let drilled = Drilled::with(Config::builder().failure_threshold(1000));
    let ends = drilled.ends();
    let first = drilled.start(ALL);
    let second = drilled.start(Fault::fail(0.5));
    first.stop();
    assert_eq!(drilled.breaker.snapshot().drill.unwrap().fault, Fault::fail(0.5));
    second.stop();
    second.stop();
    assert_eq!(*ends.lock().unwrap(), [DrillEnd::Replaced, DrillEnd::Stopped]);
    assert_eq!(drilled.call().unwrap(), 1);
    // Dropping the handle does not end a drill.
    drop(drilled.start(ALL));
    assert_eq!(kind(drilled.call()), Some(ErrorKind::Injected));
    assert_eq!(chaos::stop(&drilled.registry, "payment", None), Ok(true));
    assert_eq!(chaos::stop(&drilled.registry, "payment", None), Ok(false));
    assert_eq!(drilled.call().unwrap(), 1);
}

#[test]
fn a_listener_of_the_start_sees_the_fault_and_the_operator_and_can_stop_the_drill() {
    let drilled = Drilled::with(Config::builder());
    let log = Arc::new(Mutex::new(Vec::new()));
    let (seen, registry) = (Arc::clone(&log), drilled.registry.clone());
    let listener = move |event: &Event| {
        seen.lock().unwrap().push(event.to_string());
        if let Event::DrillStarted(started) = event {
            assert_eq!((started.name(), &*started.drill().initiator), ("payment", "alice"));
            assert_eq!(chaos::stop(&registry, "payment", None), Ok(true));
        }
    };
    let subscription = drilled.registry.listen(listener);
    drop(drilled.start(Fault::fail(0.3).delay(seconds(2))));
    drop(subscription);
    let expected = [
        r#"circuit breaker "payment": a drill by alice fails 30% of the calls, delays 100% by 2s, for 1m"#,
        r#"circuit breaker "payment": the drill has ended: it was stopped"#,
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

fn keyed(registry: &Registry) -> KeyedBreaker {
    registry.register_keyed("hosts", Config::builder().failure_threshold(1000).build().unwrap(), 2).unwrap()
}

#[test]
fn a_drill_of_all_keys_includes_keys_that_are_used_later_and_the_overflow_circuit() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let hosts = keyed(&registry);
    assert!(hosts.get("a").try_acquire().is_ok());
    let drill = Drill::new(ALL, MINUTE).start(&registry, "hosts").unwrap();
    assert!(hosts.snapshot().drill.is_some());
    let kinds = |expected: Option<ErrorKind>| {
        for circuit in [hosts.get("a"), hosts.get("b"), hosts.overflow()] {
            assert_eq!(kind(circuit.try_acquire()), expected, "{circuit:?}");
        }
    };
    kinds(Some(ErrorKind::Injected));
    drill.stop();
    kinds(None);
    assert_eq!(hosts.snapshot().drill, None);
}

#[test]
fn a_drill_of_one_key_spares_the_others() {
    let registry = Registry::with_clock(&Clock::new());
    let hosts = keyed(&registry);
    // Circuits that are in use are not evicted.
    let [a, b] = ["a", "b"].map(|key| hosts.get(key).try_acquire_owned().unwrap());
    drop(Drill::new(ALL, MINUTE).start_key(&registry, "hosts", "a").unwrap());
    assert_eq!(kind(hosts.get("a").try_acquire()), Some(ErrorKind::Injected));
    assert_eq!(kind(hosts.get("b").try_acquire()), None);
    assert!(hosts.snapshot().drill.is_some());
    let full = Drill::new(ALL, MINUTE).start_key(&registry, "hosts", "c").unwrap_err();
    assert!(matches!(full, DrillError::NoCircuitForKey { .. }), "{full}");
    assert_eq!(chaos::stop(&registry, "hosts", Some("a")), Ok(true));
    assert_eq!(kind(hosts.get("a").try_acquire()), None);
    drop((a, b));
}

/// The ends of drills, with the keys of their circuits.
type EndsByKey = Arc<Mutex<Vec<(Option<String>, DrillEnd)>>>;

/// Records the ends of all drills of a registry.
fn ends_with_keys(registry: &Registry) -> EndsByKey {
    let ends = EndsByKey::default();
    let seen = Arc::clone(&ends);
    let listener = move |event: &Event| {
        if let Event::DrillEnded(drill) = event {
            seen.lock().unwrap().push((drill.key().map(str::to_owned), drill.end()));
        }
    };
    registry.listen(listener).detach();
    ends
}

#[test]
fn stopping_the_drill_of_a_key_leaves_that_of_all_keys() {
    let registry = Registry::with_clock(&Clock::new());
    let hosts = keyed(&registry);
    let ends = ends_with_keys(&registry);
    assert!(hosts.get("a").try_acquire().is_ok());
    let all = Drill::new(ALL, MINUTE).start(&registry, "hosts").unwrap();
    assert_eq!(chaos::stop(&registry, "hosts", Some("a")), Ok(false));
    assert_eq!(kind(hosts.get("a").try_acquire()), Some(ErrorKind::Injected));
    // Once the key has a drill of its own, it has none afterwards.
    drop(Drill::new(ALL, MINUTE).start_key(&registry, "hosts", "a").unwrap());
    assert_eq!(chaos::stop(&registry, "hosts", Some("a")), Ok(true));
    assert_eq!(kind(hosts.get("a").try_acquire()), None);
    assert_eq!(kind(hosts.get("b").try_acquire()), Some(ErrorKind::Injected));
    all.stop();
    assert_eq!(*ends.lock().unwrap(), [(Some("a".to_owned()), DrillEnd::Stopped), (None, DrillEnd::Stopped)]);
}

#[test]
fn the_drill_of_a_key_ends_with_the_circuit_of_the_key() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let hosts = keyed(&registry);
    let ends = ends_with_keys(&registry);
    let taken = || std::mem::take(&mut *ends.lock().unwrap());
    let start = || Drill::new(ALL, MINUTE).start_key(&registry, "hosts", "a").unwrap();
    let drill = start();
    let former = hosts.get("a");
    hosts.remove("a").unwrap();
    assert_eq!((drill.status(), taken()), (None, vec![(Some("a".to_owned()), DrillEnd::Removed)]));
    assert_eq!((kind(former.try_acquire()), kind(hosts.get("a").try_acquire())), (None, None));
    drill.stop();
    drop(former);

    drop(start());
    for key in ["b", "c"] {
        assert!(hosts.get(key).try_acquire().is_ok());
    }
    assert!(hosts.find("a").is_none());
    assert_eq!(taken(), [(Some("a".to_owned()), DrillEnd::Removed)]);

    drop(start());
    clock.advance(MINUTE);
    hosts.retain(|_, _| false);
    assert_eq!(taken(), [(Some("a".to_owned()), DrillEnd::Elapsed)]);

    // That of all keys goes on in the circuits that are created later.
    let all = Drill::new(ALL, MINUTE).start(&registry, "hosts").unwrap();
    assert_eq!(kind(hosts.get("a").try_acquire()), Some(ErrorKind::Injected));
    hosts.remove("a").unwrap();
    assert_eq!(kind(hosts.get("a").try_acquire()), Some(ErrorKind::Injected));
    assert_eq!((all.status().is_some(), taken()), (true, vec![]));
}

#[test]
fn a_drill_whose_key_a_listener_of_its_start_removes_has_ended() {
    let registry = Registry::with_clock(&Clock::new());
    let hosts = keyed(&registry);
    let ends = ends_with_keys(&registry);
    let removed = hosts.clone();
    let remove = move |event: &Event| {
        if let Event::DrillStarted(_) = event {
            removed.remove("a").unwrap();
        }
    };
    let subscription = registry.listen(remove);
    assert_eq!(Drill::new(ALL, MINUTE).start_key(&registry, "hosts", "a").unwrap().status(), None);
    assert_eq!(ends.lock().unwrap().len(), 1);
    drop(subscription);
}

#[test]
fn the_end_of_a_drill_of_all_keys_is_reported_once() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let hosts = keyed(&registry);
    let mut events = registry.subscribe();
    drop(Drill::new(ALL, MINUTE).start(&registry, "hosts").unwrap());
    for key in ["a", "b"] {
        assert_eq!(kind(hosts.get(key).try_acquire()), Some(ErrorKind::Injected));
    }
    clock.advance(MINUTE);
    for key in ["a", "b"] {
        assert_eq!(kind(hosts.get(key).try_acquire()), None);
    }
    let mut ended = 0;
    while let Some(Ok(event)) = events.try_next() {
        if let Event::DrillEnded(drill) = event {
            assert_eq!((drill.name(), drill.key(), drill.end()), ("hosts", None, DrillEnd::Elapsed));
            ended += 1;
        }
    }
    assert_eq!(ended, 1);
}

#[test]
fn bad_values_are_refused_and_change_nothing() {
    let drilled = Drilled::with(Config::builder());
    let start = |fault, length| Drill::new(fault, length).start(&drilled.registry, "payment").unwrap_err();
    for (fault, length, text) in [
        (Fault::fail(1.1), MINUTE, "fail must be between 0 and 1"),
        (Fault::fail(-0.1), MINUTE, "fail must be between 0 and 1"),
        (Fault::fail(f64::NAN), MINUTE, "fail must be between 0 and 1"),
        (ALL.delay_share(f64::INFINITY), MINUTE, "delay_share must be between 0 and 1"),
        (Fault::slow(Duration::MAX), MINUTE, "delay must be at most 1h"),
        (Fault::fail(0.0), MINUTE, "the drill has no effect: set fail or delay"),
        (ALL, Duration::MAX, "a drill must end: for must be between 1ms and 24h"),
        (ALL, Duration::ZERO, "a drill must end: for must be between 1ms and 24h"),
    ] {
        assert_eq!(start(fault, length).to_string(), text);
    }
    let unknown = Drill::new(ALL, MINUTE).start(&drilled.registry, "paiment").unwrap_err();
    assert_eq!(unknown.to_string(), r#"no circuit breaker is named "paiment"; similar names: "payment""#);
    let other = Drill::new(ALL, MINUTE).start(&drilled.registry, "weather").unwrap_err();
    assert_eq!(other.to_string(), r#"no circuit breaker is named "weather"; names that exist: "payment""#);
    let keyless = Drill::new(ALL, MINUTE).start_key(&drilled.registry, "payment", "a").unwrap_err();
    assert_eq!(keyless, DrillError::WithoutKeys { name: "payment".to_owned() });
    assert_eq!(drilled.breaker.snapshot().drill, None);
    for (values, text) in [
        (vec![("fail", "0.3")], "a drill must end: for must be between 1ms and 24h"),
        (vec![("fails", "0.3")], "unknown value; use fail, delay, delay_share, for or seed"),
        (vec![("fail", "x")], "fail must be between 0 and 1"),
        (vec![("delay", "2")], "delay must be a duration like \"2s\", at most 1h"),
        (vec![("fail", "1"), ("for", "unlimited")], "a drill must end: for must be between 1ms and 24h"),
        (vec![("seed", "-1")], "seed must be a whole number of at least 0"),
    ] {
        assert_eq!(Drill::parse(values).unwrap_err().to_string(), text);
    }
}

#[test]
fn a_drill_is_read_from_toml_and_json() {
    let toml: Drill = toml::from_str("fail = 0.3\ndelay = \"2s\"\nfor = \"60s\"\nseed = 7").unwrap();
    assert_eq!(toml, Drill::new(Fault::fail(0.3).delay(seconds(2)), MINUTE).seed(7));
    let json: Drill = serde_json::from_str(r#"{"fail": 1, "for": "60s"}"#).unwrap();
    assert_eq!(json, Drill::new(ALL, MINUTE));
    let error = serde_json::from_str::<Drill>(r#"{"fail": 3, "for": "60s"}"#).unwrap_err();
    assert!(error.to_string().starts_with("fail must be between 0 and 1"), "{error}");
}

#[test]
fn a_key_that_is_too_long_has_no_drill_and_stopping_creates_no_circuit() {
    let registry = Registry::with_clock(&Clock::new());
    let hosts = keyed(&registry);
    drop(Drill::new(ALL, MINUTE).start(&registry, "hosts").unwrap());
    let long = "k".repeat(256);
    let refused = Drill::new(ALL, MINUTE).start_key(&registry, "hosts", &long).unwrap_err();
    assert_eq!(refused, DrillError::KeyTooLong { name: "hosts".to_owned(), length: 256 });
    let text =
        "circuit breaker \"hosts\" has no circuit for a key of 256 bytes; use one of at most 255 bytes";
    assert_eq!(refused.to_string(), text);
    for key in ["typo", &long] {
        assert_eq!(chaos::stop(&registry, "hosts", Some(key)), Ok(false));
        assert!(hosts.find(key).is_none());
    }
    assert!(hosts.is_empty());
}
