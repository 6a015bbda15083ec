//! What a conflict says, and where that of an annotated function is reported: to the listeners or, without one, on
//! stderr.

use std::process::{Command, Stdio};

use breaker_runtime::integrations::{axum, tracing};
use breaker_runtime::{CallEvent, CallEvents, Config, Event, Registry, circuit_breaker};

#[circuit_breaker(name = "conflict-reports", failure_threshold = 2, registry = registry.clone())]
fn first(registry: &Registry) -> Result<(), breaker_runtime::BreakerError> {
    _ = registry;
    Ok(())
}

#[circuit_breaker(name = "conflict-reports", failure_threshold = 3, registry = registry.clone())]
fn second(registry: &Registry) -> Result<(), breaker_runtime::BreakerError> {
    _ = registry;
    Ok(())
}

/// The listener of a process that finds a conflict, in the environment of the child process.
const LISTENER: &str = "BREAKER_TEST_LISTENER";

/// Causes a conflict; only the tests below run it with a listener.
#[test]
fn a_conflict_is_caused() {
    let registry = Registry::new();
    let mut kept: Vec<Box<dyn std::any::Any>> = Vec::new();
    match std::env::var(LISTENER).as_deref() {
        Ok("listener") => kept.push(Box::new(registry.listen(|_: &Event| {}))),
        Ok("tracing") => kept.push(Box::new(tracing::listen(&registry))),
        Ok("subscriber") => kept.push(Box::new(registry.subscribe())),
        Ok("dashboard") => kept.push(Box::new(axum::router(&registry))),
        Ok("calls") => {
            kept.push(Box::new(registry.listen_to_calls(CallEvents::ALL, |_: &CallEvent| {})));
        }
        _ => {}
    }
    first(&registry).unwrap();
    second(&registry).unwrap();
    assert!(registry.check().is_err());
}

/// Returns `true` if a process with this listener writes the conflict to stderr.
fn writes_to_stderr(listener: &str) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "conflict_reports::a_conflict_is_caused"])
        .env(LISTENER, listener)
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    String::from_utf8_lossy(&output.stderr)
        .contains("warning: circuit breaker \"conflict-reports\" is declared at")
}

#[test]
fn a_conflict_is_written_to_stderr_only_if_the_program_does_not_listen() {
    for listener in ["none", "dashboard", "calls"] {
        assert!(writes_to_stderr(listener), "{listener}");
    }
    for listener in ["listener", "tracing", "subscriber"] {
        assert!(!writes_to_stderr(listener), "{listener}");
    }
}

#[test]
fn a_conflict_says_how_the_declarations_differ() {
    let registry = Registry::new();
    let other = || Config::builder().failure_threshold(9).build().unwrap();
    registry.register("single", Config::default()).unwrap();
    registry.register_keyed("keyed", Config::default(), 10).unwrap();
    let refused = [
        registry.register("single", other()).unwrap_err(),
        registry.register("keyed", Config::default()).unwrap_err(),
        registry.register_keyed("single", Config::default(), 10).unwrap_err(),
        registry.register_keyed("keyed", other(), 20).unwrap_err(),
    ];
    let differences = refused.map(|error| error.to_string().split_once("; ").unwrap().1.to_owned());
    let keys = "one of them has keys and the other has none; rename one of them";
    let expected = [
        "use the same settings for both, or rename one of them",
        keys,
        keys,
        "max_keys is 10 and 20; use the same value for both, or rename one of them",
    ];
    assert_eq!(differences, expected);
}
