//! Subscriptions, and the contents of events about commands and conflicts.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use breaker_runtime::{
    CallEvent, CallEvents, Cause, CircuitBreaker, Config, Event, Lagged, RegisterError, Registry, Transition,
};

use crate::support::settings;

fn registered() -> (Registry, CircuitBreaker) {
    let registry = Registry::new();
    let breaker = registry.register("search", settings().build().unwrap()).unwrap();
    (registry, breaker)
}

fn transition(event: &Event) -> &Transition {
    let Event::StateChanged(change) = event else { panic!("{event}") };
    change.transition()
}

#[test]
fn an_event_contains_the_operator_or_the_location_of_the_command() {
    let (registry, breaker) = registered();
    let mut events = registry.subscribe();
    let mut initiator = || {
        let Some(Ok(event)) = events.try_next() else { panic!("no event was received") };
        transition(&event).initiator.clone().map(|initiator| initiator.to_string())
    };
    breaker.operator("alice, because of #4711").force_open();
    assert_eq!(initiator().as_deref(), Some("alice, because of #4711"));
    let commands: [fn(&CircuitBreaker); 5] = [
        CircuitBreaker::force_open,
        CircuitBreaker::release,
        CircuitBreaker::disable,
        CircuitBreaker::force_close,
        CircuitBreaker::reset,
    ];
    for command in commands {
        command(&breaker);
        assert!(initiator().is_some());
    }
    let line = line!() + 1;
    breaker.force_open();
    assert!(initiator().unwrap().contains(&format!("subscriptions.rs:{line}:")));
}

#[test]
fn a_command_to_all_breakers_records_its_location() {
    let (registry, breaker) = registered();
    let initiator = || breaker.snapshot().last_transition.unwrap().initiator.clone().unwrap();
    let here = |line: u32| format!("subscriptions.rs:{line}:");
    registry.force_open_all();
    assert!(initiator().contains(&here(line!() - 1)), "{}", initiator());
    registry.release_all();
    assert!(initiator().contains(&here(line!() - 1)), "{}", initiator());
    registry.disable_all();
    assert!(initiator().contains(&here(line!() - 1)), "{}", initiator());
    registry.force_close_all();
    assert!(initiator().contains(&here(line!() - 1)), "{}", initiator());
    registry.reset_all();
    assert!(initiator().contains(&here(line!() - 1)), "{}", initiator());
}

#[test]
fn a_slow_subscriber_loses_the_oldest_events_and_learns_how_many() {
    let (registry, breaker) = registered();
    let mut events = registry.subscribe();
    (0..1030).for_each(|_| breaker.reset());
    let Some(Err(lagged)) = events.try_next() else { panic!("no event was lost") };
    assert_eq!((lagged, lagged.to_string().starts_with("6 events were lost")), (Lagged(6), true));
    assert!(Lagged(1).to_string().starts_with("1 event was lost"));
    for generation in 7..=1030 {
        let Some(Ok(event)) = events.try_next() else { panic!("{generation} is missing") };
        assert_eq!(transition(&event).generation, generation);
    }
    assert!(events.try_next().is_none());
}

#[tokio::test]
async fn a_subscriber_receives_the_events_after_it_subscribed() {
    let (registry, breaker) = registered();
    breaker.force_open();
    let (mut events, mut other) = (registry.subscribe(), registry.subscribe());
    let reading = tokio::spawn(async move { events.next().await.unwrap().unwrap() });
    tokio::task::yield_now().await;
    breaker.release();
    assert_eq!(transition(&reading.await.unwrap()).cause, Cause::Released);
    assert_eq!(transition(&other.next().await.unwrap().unwrap()).cause, Cause::Released);
    drop((breaker, registry));
    assert!(other.next().await.is_none());
}

#[test]
fn a_conflict_is_an_event_and_is_returned_by_check() {
    let (registry, _breaker) = registered();
    let mut events = registry.subscribe();
    assert!(registry.check().is_ok());
    let error = registry.register("search", Config::default()).unwrap_err();
    let RegisterError::Conflict(conflict) = error else { panic!("{error}") };
    let Some(Ok(Event::Conflict(received))) = events.try_next() else { panic!("no conflict was received") };
    assert_eq!(*received, conflict);
    let found = registry.check().unwrap_err();
    assert_eq!(found.iter().collect::<Vec<_>>(), [&conflict]);
    assert_eq!(found.to_string(), conflict.to_string());
    assert!(conflict.to_string().contains("subscriptions.rs"), "{conflict}");
}

#[test]
fn a_listener_that_is_removed_by_an_earlier_one_does_not_receive_the_event() {
    let (registry, breaker) = registered();
    let (removed, removed_of_calls) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
    let (later, later_of_calls) = (Arc::clone(&removed), Arc::clone(&removed_of_calls));
    registry.listen(move |_: &Event| drop(later.lock().unwrap().take())).detach();
    let remove = move |_: &CallEvent| drop(later_of_calls.lock().unwrap().take());
    registry.listen_to_calls(CallEvents::ALL, remove).detach();
    let (sender, received) = channel();
    let (events, calls) = (sender.clone(), sender);
    let subscription = registry.listen(move |event: &Event| events.send(event.to_string()).unwrap());
    *removed.lock().unwrap() = Some(subscription);
    let send = move |event: &CallEvent| calls.send(event.to_string()).unwrap();
    *removed_of_calls.lock().unwrap() = Some(registry.listen_to_calls(CallEvents::ALL, send));
    breaker.force_open();
    assert!(breaker.try_acquire().is_err());
    assert_eq!(received.try_iter().next(), None);
    assert!(removed.lock().unwrap().is_none() && removed_of_calls.lock().unwrap().is_none());
}
