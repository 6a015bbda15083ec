//! Listeners: which events they receive, in which order, and what they can do while they run.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use breaker_runtime::{
    BreakerError, Cause, CircuitBreaker, Config, Event, Outcome, Registry, State, StateChange,
};

use crate::support::{Fixture, RECOVERY, catch_panic, settings};

/// The events that listeners received, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Returns a listener that logs each state change as "name: from > to".
    fn listener(&self, name: &'static str) -> impl Fn(&Event) + Send + Sync + 'static {
        let log = self.clone();
        move |event| {
            let change = change(event).transition();
            log.push(format!("{name}: {} > {}", change.from, change.to));
        }
    }
}

fn change(event: &Event) -> &StateChange {
    let Event::StateChanged(change) = event else { panic!("{event}") };
    change
}

fn registered() -> (Registry, CircuitBreaker) {
    let registry = Registry::new();
    let breaker = registry.register("search", settings().build().unwrap()).unwrap();
    (registry, breaker)
}

#[test]
fn listeners_receive_state_changes_in_order() {
    let (fixture, log) = (Fixture::new(), Log::default());
    let _subscription = fixture.breaker.listen(log.listener("a"));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    fixture.call(Outcome::Failure);
    fixture.clock.advance(RECOVERY);
    fixture.call_times(Outcome::Success, 2);
    assert_eq!(
        log.take(),
        [
            "a: closed > open",
            "a: open > half-open",
            "a: half-open > open",
            "a: open > half-open",
            "a: half-open > closed"
        ]
    );
}

#[test]
fn listeners_run_in_registration_order_and_those_of_the_breaker_first() {
    let (registry, breaker) = registered();
    let log = Log::default();
    let _all = [registry.listen(log.listener("third")), registry.listen(log.listener("fourth"))];
    let _own = [breaker.listen(log.listener("first")), breaker.listen(log.listener("second"))];
    breaker.force_open();
    let names: Vec<_> = log.take().iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["first", "second", "third", "fourth"]);
}

#[test]
fn a_listener_of_a_breaker_receives_its_events_only_and_one_of_the_registry_receives_all() {
    let (registry, search) = registered();
    let payment = registry.register("payment", Config::default()).unwrap();
    let (own, all) = (Log::default(), Log::default());
    let _own = search.listen(own.listener("own"));
    let names = all.clone();
    let _all = registry.listen(move |event: &Event| names.push(change(event).name()));
    payment.force_open();
    search.force_open();
    assert_eq!((own.take().len(), all.take()), (1, vec!["payment".to_owned(), "search".to_owned()]));
}

#[test]
fn every_call_that_changes_the_state_notifies_listeners() {
    let (fixture, log) =
        (Fixture::with(settings().failure_threshold(1).success_threshold(1)), Log::default());
    let _subscription = fixture.breaker.listen(log.listener("a"));
    fixture.breaker.call_with(|()| Outcome::Failure, || ()).unwrap();
    assert_eq!(log.take(), ["a: closed > open"]);
    fixture.clock.advance(RECOVERY);
    let trial = fixture.permit();
    assert_eq!(log.take(), ["a: open > half-open"]);
    fixture.clock.advance(RECOVERY);
    assert_eq!(fixture.breaker.state(), State::Open);
    assert_eq!(log.take(), [""; 0]); // reading the state sends no event
    assert!(fixture.rejects());
    assert_eq!(log.take(), ["a: half-open > open"]);
    drop(trial);
    fixture.clock.advance(RECOVERY);
    fixture.breaker.set_config(settings().build().unwrap());
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_panicking_listener_does_not_affect_the_others() {
    let (fixture, log) = (Fixture::new(), Log::default());
    let _subscription = [
        fixture.breaker.listen(|_: &Event| panic!("first listener")),
        fixture.breaker.listen(log.listener("a")),
        fixture.breaker.listen(|_: &Event| panic!("last listener")),
    ];
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    fixture.call_times(Outcome::Success, 2);
    assert_eq!(log.take().len(), 3);
    assert_eq!((fixture.breaker.state(), fixture.breaker.snapshot().totals.calls()), (State::Closed, 4));
}

#[test]
fn a_listener_can_read_the_breaker() {
    // Regression of circuit_breaker: a callback that read the state deadlocked.
    let (fixture, log) = (Fixture::new(), Log::default());
    let (breaker, seen) = (fixture.breaker.clone(), log.clone());
    let _subscription = fixture.breaker.listen(move |_: &Event| {
        let snapshot = breaker.snapshot();
        seen.push(format!("{} {} {breaker:?}", breaker.state(), snapshot.generation));
    });
    fixture.trip();
    assert!(log.take()[0].starts_with("open 1 CircuitBreaker"));
}

#[test]
fn a_listener_can_command_the_breaker_and_the_resulting_events_follow_after_it_returns() {
    let (fixture, log) = (Fixture::new(), Log::default());
    let (breaker, seen) = (fixture.breaker.clone(), log.clone());
    let _commanding = fixture.breaker.listen(move |event: &Event| {
        seen.push(format!("{} begins", change(event).transition().to));
        if change(event).transition().to == State::Open {
            breaker.force_open();
            breaker.release();
        }
        seen.push("returns");
    });
    let _subscription = fixture.breaker.listen(log.listener("a"));
    fixture.call_times(Outcome::Failure, 2);
    assert_eq!(
        log.take(),
        [
            "open begins",
            "returns",
            "a: closed > open",
            "forced open begins",
            "returns",
            "a: open > forced open",
            "closed begins",
            "returns",
            "a: forced open > closed"
        ]
    );
}

#[test]
fn a_listener_can_make_a_call_through_the_breaker() {
    let (fixture, calls) = (Fixture::new(), Arc::new(AtomicU32::new(0)));
    let (breaker, count) = (fixture.breaker.clone(), Arc::clone(&calls));
    let _subscription = fixture.breaker.listen(move |_: &Event| {
        let called = breaker.call(|| Ok::<_, BreakerError>(()));
        count.fetch_add(u32::from(called.is_ok()) + 10, Ordering::Relaxed);
    });
    fixture.trip();
    assert_eq!(calls.load(Ordering::Relaxed), 10);
    fixture.breaker.reset();
    assert_eq!(calls.load(Ordering::Relaxed), 21);
}

#[test]
fn a_listener_can_register_and_remove_listeners_while_it_runs() {
    let (fixture, log) = (Fixture::new(), Log::default());
    let slot = Arc::new(Mutex::new(None));
    let (breaker, own, later) = (fixture.breaker.clone(), Arc::clone(&slot), log.clone());
    *slot.lock().unwrap() = Some(fixture.breaker.listen(move |_: &Event| {
        let subscription = own.lock().unwrap().take();
        drop(subscription);
        breaker.listen(later.listener("later")).detach();
    }));
    fixture.breaker.force_open();
    assert_eq!(log.take(), [""; 0]);
    fixture.breaker.release();
    assert_eq!(log.take(), ["later: forced open > closed"]);
}

#[test]
fn a_dropped_subscription_removes_its_listener_and_a_detached_one_does_not() {
    let (registry, breaker) = registered();
    let log = Log::default();
    let (own, all) = (breaker.listen(log.listener("own")), registry.listen(log.listener("all")));
    registry.listen(log.listener("detached")).detach();
    breaker.force_open();
    assert_eq!(log.take().len(), 3);
    drop(own);
    drop(all);
    breaker.release();
    assert_eq!(log.take(), ["detached: forced open > closed"]);
}

#[test]
fn a_subscription_can_outlive_its_breaker() {
    let fixture = Fixture::new();
    let subscription = fixture.breaker.listen(|_: &Event| {});
    drop(fixture);
    drop(subscription);
}

#[test]
fn removing_a_listener_drops_what_it_owns() {
    let (fixture, owned) = (Fixture::new(), Arc::new(()));
    let shared = Arc::clone(&owned);
    let subscription = fixture.breaker.listen(move |_: &Event| drop(Arc::clone(&shared)));
    assert_eq!(Arc::strong_count(&owned), 2);
    drop(subscription);
    assert_eq!(Arc::strong_count(&owned), 1);
}

#[test]
fn a_listener_whose_drop_panics_does_not_affect_the_others() {
    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("drop of a listener");
        }
    }
    let (fixture, log) = (Fixture::new(), Log::default());
    let slot = Arc::new(Mutex::new(None));
    let (own, value) = (Arc::clone(&slot), PanicsOnDrop);
    *slot.lock().unwrap() = Some(fixture.breaker.listen(move |_: &Event| {
        let _captured = &value;
        // After this drop only the notifying thread refers to the listener.
        let subscription = own.lock().unwrap().take();
        drop(subscription);
    }));
    _ = catch_panic(|| fixture.breaker.force_open());
    let _subscription = fixture.breaker.listen(log.listener("a"));
    fixture.breaker.release();
    assert_eq!(log.take().last().map(String::as_str), Some("a: forced open > closed"));
}

#[test]
fn events_contain_the_generation_and_the_cause() {
    let (fixture, seen) = (Fixture::new(), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&seen);
    let _subscription = fixture.breaker.listen(move |event: &Event| {
        let change = change(event).transition().clone();
        log.lock().unwrap().push((change.generation, change.cause));
    });
    fixture.trip();
    fixture.breaker.operator("alice").reset();
    fixture.breaker.operator("alice").reset();
    assert_eq!(*seen.lock().unwrap(), [(1, Cause::ThresholdReached), (2, Cause::Reset), (3, Cause::Reset)]);
}

#[test]
fn a_listener_that_does_not_return_loses_the_oldest_changes_and_receives_their_number() {
    let (registry, breaker) = registered();
    let received = Log::default();
    let _subscription = breaker.listen({
        let (log, breaker) = (received.clone(), breaker.clone());
        move |event: &Event| {
            if let Event::StateChanged(change) = event {
                let generation = change.transition().generation;
                log.push(generation.to_string());
                if generation == 1 {
                    (0..10_000).for_each(|_| breaker.reset());
                }
            } else {
                log.push(event.to_string());
            }
        }
    });
    breaker.reset();
    let lines = received.take();
    assert_eq!(lines.len(), 1 + 1 + 1024);
    let lost = "circuit breaker \"search\": 8976 state changes were lost because a listener was too slow; return \
                from it sooner";
    assert_eq!(lines[..3], ["1", lost, "8978"]);
    assert_eq!(lines.last().map(String::as_str), Some("10001"));
    assert_eq!(breaker.snapshot().changes.count(State::Closed, State::Closed), 10_001);
    drop(registry);
}
