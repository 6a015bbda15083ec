//! The shipped code under every interleaving of two or three threads, the larger scenes with at most three
//! switches, by loom:
//! `RUSTFLAGS="--cfg breaker_loom" cargo test -p breaker-tests --test interleavings --release`
//!
//! Without that flag there is nothing here. What is proved stands in the words of each test; why the
//! word is right, in `breaker-runtime/src/state.rs`. What comes from tokio and `once_cell` runs as it is: loom
//! interrupts threads around it, not within it.
//!
//! | file | |
//! |---|---|
//! | `trials.rs` | states, trials, runs of failures |
//! | `calls.rs` | a window of calls |
//! | `time.rs` | a window of time |
//! | `settings.rs` | settings that are applied while calls end |
//! | `telling.rs` | who is told what, and when |

#![cfg(breaker_loom)]
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot get what it needs has failed")]

#[path = "interleavings/calls.rs"]
mod calls;
#[path = "interleavings/settings.rs"]
mod settings;
#[path = "interleavings/telling.rs"]
mod telling;
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

/// Opens at the first failure; one trial at a time; one success closes it.
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

/// Open, and the recovery time is over.
fn due(settings: ConfigBuilder) -> (Clock, CircuitBreaker) {
    let (clock, breaker) = breaker(settings);
    while breaker.state() == State::Closed {
        end(&breaker, Outcome::Failure);
    }
    clock.advance(RECOVERY);
    (clock, breaker)
}

fn end(breaker: &CircuitBreaker, outcome: Outcome) {
    breaker.try_acquire().expect("it admits").settle(outcome);
}

/// Every interleaving in which threads are interrupted at most three times: for those that are too many.
fn with_few_switches(scene: impl Fn() + Send + Sync + 'static) {
    with_at_most(3, scene);
}

/// The same with so many interruptions: two, where there are three threads or many calls.
fn with_at_most(switches: usize, scene: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(switches);
    model.check(scene);
}

/// Takes a call and keeps it for ever; whether there was one.
fn keep_one(breaker: &CircuitBreaker) -> bool {
    breaker.try_acquire().map(std::mem::forget).is_ok()
}

/// Runs both at once, the second one here.
fn race<A: 'static, B>(one: impl FnOnce() -> A + 'static, other: impl FnOnce() -> B) -> (A, B) {
    let thread = thread::spawn(one);
    let other = other();
    (thread.join().expect("it does not panic"), other)
}

fn race_on<A: 'static, B>(
    breaker: &CircuitBreaker,
    one: impl FnOnce(&CircuitBreaker) -> A + 'static,
    other: impl FnOnce(&CircuitBreaker) -> B,
) -> (A, B) {
    let theirs = breaker.clone();
    race(move || one(&theirs), || other(breaker))
}

/// A breaker that lives as long as the program, so that its permits can go to another thread.
fn leaked(breaker: &CircuitBreaker) -> &'static CircuitBreaker {
    Box::leak(Box::new(breaker.clone()))
}

fn permit(breaker: &CircuitBreaker) -> Permit<'static> {
    leaked(breaker).try_acquire().expect("it admits")
}

fn window(breaker: &CircuitBreaker) -> WindowCounts {
    breaker.snapshot().window.expect("it has a window")
}
