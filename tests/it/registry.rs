//! The registry: one breaker per name, and conflicts that name both locations.

use breaker_runtime::{Config, Outcome, RegisterError, Registry, State};

#[test]
fn equal_registrations_return_the_same_breaker() {
    let registry = Registry::new();
    let first = registry.register("one", Config::default()).unwrap();
    let second = registry.register("one", Config::default()).unwrap();
    first.force_open();
    assert_eq!(second.state(), State::ForcedOpen);
    assert!(registry.check().is_ok());
}

#[test]
fn a_conflict_names_both_locations_and_loses_no_state() {
    let registry = Registry::new();
    let first = registry.register("two", Config::default()).unwrap();
    first.force_open();
    let first_line = line!() - 2;
    let other = Config::builder().failure_threshold(9).build().unwrap();
    let error = registry.register("two", other).unwrap_err();
    let second_line = line!() - 1;
    let RegisterError::Conflict(conflict) = &error else { panic!("{error}") };
    assert_eq!((conflict.first().line(), conflict.second().line()), (first_line, second_line));
    assert!(error.to_string().contains("registry.rs"), "{error}");
    assert_eq!(registry.get("two").unwrap().state(), State::ForcedOpen);
    assert_eq!(registry.check().unwrap_err().iter().next(), Some(conflict));
}

#[test]
fn an_empty_or_too_long_name_is_rejected() {
    let registry = Registry::new();
    assert!(registry.register("", Config::default()).is_err());
    assert!(registry.register("x".repeat(10_240), Config::default()).is_err());
    assert!(registry.register("x".repeat(256), Config::default()).is_err());
    assert!(registry.register("x".repeat(255), Config::default()).is_ok());
    assert_eq!(registry.iter().count(), 1);
}

#[test]
fn a_repeated_conflict_is_stored_once() {
    let registry = Registry::new();
    registry.register("again", Config::default()).unwrap();
    let other = Config::builder().failure_threshold(9).build().unwrap();
    for _ in 0..100 {
        assert!(registry.register("again", other.clone()).is_err());
    }
    assert_eq!(registry.check().unwrap_err().iter().count(), 1);
}

#[test]
fn a_breaker_that_is_registered_for_every_request_trips() {
    // Regression of aspnetcore#48089: a breaker that was built for each request never tripped.
    let registry = Registry::new();
    let request = || registry.register("per request", Config::default()).unwrap();
    for _ in 0..5 {
        request().try_acquire().unwrap().settle(Outcome::Failure);
    }
    assert_eq!(request().state(), State::Open);
}

#[test]
fn registries_are_independent() {
    let (mine, other) = (Registry::new(), Registry::new());
    mine.register("three", Config::default()).unwrap();
    assert!(other.get("three").is_none());
    assert!(Registry::global().get("three").is_none());
}

#[test]
fn breakers_are_listed_by_name() {
    let registry = Registry::new();
    for name in ["b", "a", "c"] {
        registry.register(name, Config::default()).unwrap();
    }
    let names: Vec<_> = registry.snapshots().iter().map(|snapshot| snapshot.name().to_owned()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}
