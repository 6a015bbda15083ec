//! Limits that only new settings introduce, on functions whose fallback uses arguments that cannot be cloned.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::testing::scope;
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, Registry, circuit_breaker};

use crate::support::{poll_once, seconds};

const HOUR: Duration = Duration::from_secs(3600);

/// An argument that cannot be cloned.
struct Unique(u32);

#[circuit_breaker(name = "live/unique", fallback = |_| unique.0)]
async fn unique(unique: Unique) -> u32 {
    std::future::pending::<()>().await;
    unique.0 + 1
}

#[circuit_breaker(name = "live/exclusive", fallback = |_| { *exclusive += 1; *exclusive })]
async fn exclusive(exclusive: &mut u32) -> u32 {
    std::future::pending::<()>().await;
    *exclusive + 1
}

/// Calls each function once with `settings`. Returns the circuits, and whether the calls are pending.
fn without_clone(
    settings: &ConfigBuilder,
    check: impl FnOnce([CircuitBreaker; 2], &dyn Fn() -> [Poll<u32>; 2]),
) {
    let poll_both = || {
        let mut number = 1;
        [poll_once(pin!(unique(Unique(7)))), poll_once(pin!(exclusive(&mut number)))]
    };
    assert_eq!(poll_both(), [Poll::Pending; 2]);
    let circuits = ["live/unique", "live/exclusive"].map(|name| Registry::global().get(name).unwrap());
    for circuit in &circuits {
        circuit.set_config(settings.clone().build().unwrap());
    }
    check(circuits, &poll_both);
}

#[test]
fn a_call_whose_fallback_needs_an_argument_without_clone_has_no_call_timeout() {
    scope(|scope| {
        without_clone(&Config::builder().call_timeout(seconds(1)), |_, _| {
            let mut number = 1;
            let (mut first, mut second) = (pin!(unique(Unique(7))), pin!(exclusive(&mut number)));
            let polls = [poll_once(first.as_mut()), poll_once(second.as_mut())];
            scope.advance(seconds(2));
            assert_eq!([polls, [poll_once(first), poll_once(second)]], [[Poll::Pending; 2]; 2]);
        });
    });
}

#[test]
fn a_call_whose_fallback_needs_an_argument_without_clone_is_rejected_instead_of_waiting() {
    scope(|_| {
        without_clone(&Config::builder().max_concurrent(1).max_wait(HOUR), |circuits, poll_both| {
            let permits = circuits.each_ref().map(|circuit| circuit.try_acquire().unwrap());
            assert_eq!(poll_both(), [Poll::Ready(7), Poll::Ready(2)]);
            for permit in permits {
                permit.settle(Outcome::Success);
            }
            for snapshot in circuits.each_ref().map(CircuitBreaker::snapshot) {
                assert_eq!((snapshot.totals.rejected, snapshot.calls_in_flight), (1, Some(0)));
            }
        });
    });
}

#[test]
fn a_limit_that_does_not_act_on_a_function_is_reported_on_stderr() {
    let test =
        "unclonable_arguments::a_call_whose_fallback_needs_an_argument_without_clone_has_no_call_timeout";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    for name in ["live/unique", "live/exclusive"] {
        let line =
            format!("warning: circuit breaker {name:?}: call_timeout does not apply to an async function");
        assert_eq!(stderr.matches(&line).count(), 1, "{stderr}");
    }
}
