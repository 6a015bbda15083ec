//! Public types: they can be compared, cloned, displayed and parsed, and users can create the errors that they test.

use std::panic::{RefUnwindSafe, UnwindSafe};

use breaker_runtime::{
    Adopt, BreakerError, CallError, Cause, CircuitBreaker, Config, ConfigError, Conflict, ErrorKind, Event,
    Events, Eviction, KeyedBreaker, Mode, Outcome, OwnedPermit, Permit, Registry, RetryBudget, Settled,
    Sharing, Snapshot, State, StateChange, Subscription, Totals, Transition, TripReason,
};

use crate::support::{Fixture, seconds};

fn assert_comparable<T: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static>() {}

#[test]
fn values_can_be_cloned_compared_and_sent() {
    assert_comparable::<BreakerError>();
    assert_comparable::<CallError<Result<u8, String>>>();
    assert_comparable::<Cause>();
    assert_comparable::<Config>();
    assert_comparable::<ConfigError>();
    assert_comparable::<Conflict>();
    assert_comparable::<ErrorKind>();
    assert_comparable::<Event>();
    assert_comparable::<Eviction>();
    assert_comparable::<Mode>();
    assert_comparable::<Sharing>();
    assert_comparable::<Adopt>();
    assert_comparable::<Outcome>();
    assert_comparable::<Settled>();
    assert_comparable::<Snapshot>();
    assert_comparable::<State>();
    assert_comparable::<StateChange>();
    assert_comparable::<Totals>();
    assert_comparable::<Transition>();
    assert_comparable::<TripReason>();
}

#[test]
fn handles_can_be_used_after_a_caught_panic() {
    fn check<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    check::<CircuitBreaker>();
    check::<KeyedBreaker>();
    check::<Registry>();
    check::<Permit<'_>>();
    check::<OwnedPermit>();
    check::<Events>();
    check::<RetryBudget>();
    check::<Subscription>();
}

#[test]
fn events_of_different_circuits_or_transitions_differ() {
    let registry = Registry::new();
    let mut events = registry.subscribe();
    let [a, b] = ["a", "b"].map(|name| registry.register(name, Config::default()).unwrap());
    for breaker in [&a, &b, &a] {
        breaker.operator("alice").force_open();
    }
    let mut next = || events.try_next().unwrap().unwrap();
    let [first, second, third] = [next(), next(), next()];
    assert_eq!(first.clone(), first);
    assert_ne!(first, second);
    assert_ne!(first, third, "another generation");
}

#[test]
fn the_name_of_a_mode_can_be_displayed_and_parsed() {
    for mode in [Mode::Enforce, Mode::Shadow] {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    assert_eq!(format!("{:>8}", Mode::Shadow), "  shadow");
    let error = "Shadow".parse::<Mode>().unwrap_err();
    assert_eq!(error.to_string(), "mode must be `enforce` or `shadow`");
}

#[test]
fn the_names_of_sharing_can_be_displayed_and_parsed() {
    for sharing in [Sharing::Local, Sharing::Quorum, Sharing::First] {
        assert_eq!(sharing.to_string().parse(), Ok(sharing));
    }
    for adopt in [Adopt::UnlessHealthy, Adopt::Always] {
        assert_eq!(adopt.to_string().parse(), Ok(adopt));
    }
    let error = "Quorum".parse::<Sharing>().unwrap_err();
    assert_eq!(error.to_string(), "shared must be `local`, `quorum` or `first`");
    let error = "never".parse::<Adopt>().unwrap_err();
    assert_eq!(error.to_string(), "adopt must be `unless_healthy` or `always`");
}

#[test]
fn every_outcome_and_kind_has_a_text() {
    let outcomes = [Outcome::Success, Outcome::Failure, Outcome::Ignored];
    assert_eq!(outcomes.map(|outcome| outcome.to_string()), ["success", "failure", "ignored"]);
    let kinds = [
        ErrorKind::Open,
        ErrorKind::HalfOpen,
        ErrorKind::ForcedOpen,
        ErrorKind::BulkheadFull,
        ErrorKind::TimedOut,
    ];
    let labels = ["open", "half_open", "forced_open", "bulkhead_full", "timed_out"];
    assert_eq!(kinds.map(ErrorKind::label), labels);
    assert!(kinds.iter().all(|kind| !kind.to_string().is_empty()));
}

#[test]
fn a_user_can_create_the_error_of_every_kind() {
    let plain = BreakerError::new("search", ErrorKind::BulkheadFull).with_retry_after(seconds(9));
    assert_eq!((plain.name(), plain.key(), plain.retry_after()), ("search", None, None));
    assert_eq!(plain.last_transition(), None);
    let name = "search".to_owned();
    let open = BreakerError::new(name, ErrorKind::Open).with_key("eu-1").with_retry_after(seconds(9));
    assert_eq!((open.name(), open.key(), open.kind()), ("search", Some("eu-1"), ErrorKind::Open));
    assert!(open.retry_after() > Some(seconds(8)));
    assert!(open.to_string().starts_with(r#"circuit breaker "search" for "eu-1" is open; call again in "#));
    assert_eq!(ErrorKind::find_in(&open), Some(ErrorKind::Open));
}

#[test]
fn a_created_error_equals_that_of_a_rejected_call() {
    let breaker: CircuitBreaker = Fixture::open().breaker;
    let rejected = breaker.try_acquire().unwrap_err();
    assert_eq!(rejected, BreakerError::new("bench", ErrorKind::Open));
    assert_ne!(rejected, BreakerError::new("bench", ErrorKind::ForcedOpen));
    // A keyed error keeps its name when it gets another key.
    assert_eq!(rejected.with_key("a"), BreakerError::new("bench", ErrorKind::Open).with_key("a"));
}

/// These tests are built with the feature `parking_lot` of tokio, with which tokio's types do not have these traits.
#[test]
fn a_panic_leaves_every_handle_usable() {
    const fn check<T: UnwindSafe + RefUnwindSafe>() {}
    check::<CircuitBreaker>();
    check::<KeyedBreaker>();
    check::<Registry>();
    check::<Permit<'_>>();
    check::<OwnedPermit>();
    check::<Events>();
    check::<BreakerError>();
    check::<Snapshot>();
    let breaker = CircuitBreaker::new("payment", Config::default()).unwrap();
    _ = std::panic::catch_unwind(|| breaker.call(|| -> Result<(), BreakerError> { panic!("user code") }));
    assert_eq!(breaker.snapshot().totals.failures, 1);
}
