//! Limits that only new settings introduce, on functions whose fallback uses arguments that cannot be cloned.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::chaos::Drill;
use breaker_runtime::testing::scope;
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Fault, Outcome, Registry, circuit_breaker};

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
fn a_call_whose_fallback_needs_an_argument_without_clone_has_neither_the_delay_of_a_drill_nor_call_timeout() {
    #[circuit_breaker(name = "live/delayed", fallback = |_| unique.0)]
    async fn delayed(unique: Unique, started: &Cell<bool>, answer: &Cell<bool>) -> u32 {
        started.set(true);
        poll_fn(|_| if answer.get() { Poll::Ready(()) } else { Poll::Pending }).await;
        unique.0 + 1
    }
    // The delay is shorter or longer than the time limit, or the call fails as well.
    for (fault, result) in [
        (Fault::slow(seconds(2)), Poll::Ready(8)),
        (Fault::slow(seconds(9)), Poll::Ready(8)),
        (Fault::fail(1.0).delay(seconds(9)), Poll::Ready(7)),
    ] {
        scope(|scope| {
            let (started, answer) = (Cell::new(false), Cell::new(true));
            assert_eq!(poll_once(pin!(delayed(Unique(7), &started, &answer))), Poll::Ready(8));
            let circuit = Registry::global().get("live/delayed").unwrap();
            circuit.set_config(Config::builder().call_timeout(seconds(3)).build().unwrap());
            drop(Drill::new(fault, HOUR).start(&Registry::global(), "live/delayed").unwrap());
            started.set(false);
            answer.set(false);
            let mut call = pin!(delayed(Unique(7), &started, &answer));
            let mut polled = poll_once(call.as_mut());
            assert_eq!(started.get(), polled.is_pending(), "{fault:?}");
            for _ in 0..2 {
                if polled.is_pending() {
                    scope.advance(seconds(100));
                    polled = poll_once(call.as_mut());
                    answer.set(true);
                }
            }
            assert_eq!(polled, result, "{fault:?}");
            let totals = circuit.snapshot().totals;
            assert_eq!((totals.delayed, totals.timeouts, totals.calls()), (0, 0, 2), "{fault:?}");
        });
    }
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
