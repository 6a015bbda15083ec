//! Runs the library under every interleaving of two or three threads, with loom. Tests with many steps are
//! limited to interleavings with at most four preemptions, most of them to three or fewer.
//!
//! ```text
//! RUSTFLAGS="--cfg breaker_loom" cargo test -p breaker-tests --test interleavings --profile loom
//! ```
//!
//! Without that flag this file is empty. `breaker-runtime/src/state.rs` explains why the state word is
//! correct. Code of tokio and `once_cell` runs unchanged: loom preempts threads around it, but not within it.
//!
//! | file | contents |
//! |---|---|
//! | `trials.rs` | state changes: trial calls, consecutive failures, commands of operators |
//! | `calls.rs` | a count-based window |
//! | `keys.rs` | circuits of keys that are evicted and removed during calls |
//! | `checks.rs` | circuits that close gradually or watch their calls |
//! | `time.rs` | a time-based window |
//! | `bulkhead.rs` | calls that wait for a slot |
//! | `settings.rs` | new settings while calls end |
//! | `notifying.rs` | listeners, and tasks that wait for a closed circuit |

#![cfg(breaker_loom)]
#![expect(clippy::expect_used, reason = "a test whose preconditions fail has failed")]

#[path = "interleavings/bulkhead.rs"]
mod bulkhead;
#[path = "interleavings/calls.rs"]
mod calls;
#[path = "interleavings/checks.rs"]
mod checks;
#[path = "interleavings/keys.rs"]
mod keys;
#[path = "interleavings/notifying.rs"]
mod notifying;
#[path = "interleavings/settings.rs"]
mod settings;
#[path = "interleavings/time.rs"]
mod time;
#[path = "interleavings/trials.rs"]
mod trials;

use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{
    CircuitBreaker, Config, ConfigBuilder, Outcome, Permit, Registry, State, WindowCounts,
};
use loom::thread;

const RECOVERY: Duration = Duration::from_secs(30);

/// Returns settings with which one failure opens the circuit, and one successful trial closes it. Trials run
/// one at a time.
fn strict() -> ConfigBuilder {
    Config::builder()
        .failure_threshold(1)
        .recovery_timeout(RECOVERY)
        .half_open_max_calls(1)
        .success_threshold(1)
}

fn breaker(settings: ConfigBuilder) -> (Clock, CircuitBreaker) {
    let clock = Clock::new();
    let config = settings.build().expect("the settings are in range");
    let breaker = Registry::with_clock(&clock).register("loom", config).expect("the registry is empty");
    (clock, breaker)
}

/// Returns a breaker whose circuit is open and ready for a trial call.
fn ready_for_trial(settings: ConfigBuilder) -> (Clock, CircuitBreaker) {
    let (clock, breaker) = breaker(settings);
    while breaker.state() == State::Closed {
        call(&breaker, Outcome::Failure);
    }
    clock.advance(RECOVERY);
    (clock, breaker)
}

/// Makes a call with this outcome.
fn call(breaker: &CircuitBreaker, outcome: Outcome) {
    breaker.try_acquire().expect("the circuit admits the call").settle(outcome);
}

/// Runs a test with every interleaving that has at most three preemptions.
fn with_few_preemptions(test: impl Fn() + Send + Sync + 'static) {
    with_preemptions(3, test);
}

/// Runs a test with every interleaving that has at most this number of preemptions. Tests with three threads
/// or many calls use one or two, because more would take too long.
fn with_preemptions(max: usize, test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(max);
    model.check(test);
}

/// Acquires a permit and never releases it. Returns `false` if the call is rejected.
fn leak_permit(breaker: &CircuitBreaker) -> bool {
    breaker.try_acquire().map(std::mem::forget).is_ok()
}

/// Runs two functions on one breaker at the same time: the first on a new thread, the second on this one.
/// The function that reads what the other one writes is the first, because loom delays the loads of new threads only.
fn race_on<A: 'static, B>(
    breaker: &CircuitBreaker,
    one: impl FnOnce(&CircuitBreaker) -> A + 'static,
    other: impl FnOnce(&CircuitBreaker) -> B,
) -> (A, B) {
    let clone = breaker.clone();
    let thread = thread::spawn(move || one(&clone));
    let other = other(breaker);
    (thread.join().expect("the thread does not panic"), other)
}

/// Leaks a breaker, so that its permits can move to another thread.
fn leaked(breaker: &CircuitBreaker) -> &'static CircuitBreaker {
    Box::leak(Box::new(breaker.clone()))
}

fn permit(breaker: &CircuitBreaker) -> Permit<'static> {
    leaked(breaker).try_acquire().expect("the circuit admits the call")
}

fn window(breaker: &CircuitBreaker) -> WindowCounts {
    breaker.snapshot().window.expect("the circuit has a window")
}
