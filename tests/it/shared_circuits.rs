//! Circuits with `shared`, in a process that no fleet is connected to.

use std::process::{Command, Stdio};

use breaker_runtime::{BreakerError, ErrorKind, Outcome, Registry, Sharing, circuit_breaker};

use crate::support::{Fixture, RECOVERY, settings};

#[circuit_breaker(
    name = "shared-circuits/quorum",
    failure_threshold = 1,
    failure_if(Ok(0)),
    shared = "quorum"
)]
fn quorum(answer: u32) -> Result<u32, BreakerError> {
    Ok(answer)
}

#[circuit_breaker(name = "shared-circuits/first", failure_threshold = 1, failure_if(Ok(0)), shared = "first")]
fn first(answer: u32) -> Result<u32, BreakerError> {
    Ok(answer)
}

#[circuit_breaker(name = "shared-circuits/local", failure_threshold = 1, failure_if(Ok(0)), shared = "local")]
fn local(answer: u32) -> Result<u32, BreakerError> {
    Ok(answer)
}

/// Opens all three circuits; the test below runs it in a process of its own.
#[test]
fn a_shared_circuit_opens_without_a_fleet() {
    for call in [local, quorum, first] {
        call(0).unwrap();
        assert_eq!(call(1).unwrap_err().kind(), ErrorKind::Open);
    }
    let config = |name| Registry::global().get(name).unwrap().config();
    assert_eq!(config("shared-circuits/quorum").shared(), Sharing::Quorum);
    assert_eq!(config("shared-circuits/local").shared(), Sharing::Local);
}

#[test]
fn a_shared_circuit_without_a_fleet_is_reported_once() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "shared_circuits::a_shared_circuit_opens_without_a_fleet"])
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    let written = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = written.lines().filter(|line| line.contains("acts in this process only")).collect();
    let expected = "warning: circuit breaker \"shared-circuits/quorum\": shared = quorum acts in this process only, \
                    because no fleet is connected; call breaker_runtime::fleet::connect";
    assert_eq!(lines, [expected]);
}

#[test]
fn a_shared_circuit_without_a_fleet_recovers_by_its_own_trial_calls() {
    let fixture = Fixture::with(settings().shared(Sharing::Quorum));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    assert!(fixture.breaker.try_acquire().is_ok_and(|permit| permit.is_trial()));
    fixture.breaker.try_acquire().unwrap().settle(Outcome::Ignored);
}
