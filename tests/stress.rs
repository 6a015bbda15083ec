//! Runs random calls of eight threads on one breaker, with operators and new settings at the same time. Checks
//! limits and invariants during the run, and the totals at its end.
//!
//! Loom explores small programs completely. These tests use real memory, the real scheduler, and code that
//! loom cannot follow.
//!
//! | file | contents |
//! |---|---|
//! | `sums.rs` | every call is counted once |
//! | `limits.rs` | the limits of trial calls and of concurrent calls |
//! | `notifying.rs` | changes are notified once and in order |
//! | `keys.rs` | one circuit for each key |
//! | `retries.rs` | retries stay within the budget |
//! | `streams.rs` | streams that wake their consumers from other threads |
//! | `snapshots.rs` | what a snapshot has shown is not undone |
//! | `bodies.rs` | the body of every async call is dropped once |

#![expect(clippy::unwrap_used, reason = "a test whose preconditions fail has failed")]

#[path = "stress/bodies.rs"]
mod bodies;
#[path = "stress/keys.rs"]
mod keys;
#[path = "stress/limits.rs"]
mod limits;
#[path = "stress/notifying.rs"]
mod notifying;
#[path = "stress/retries.rs"]
mod retries;
#[path = "stress/snapshots.rs"]
mod snapshots;
#[path = "stress/streams.rs"]
mod streams;
#[path = "stress/sums.rs"]
mod sums;

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Mode, Outcome, Registry};
use fastrand::Rng;

const THREADS: u64 = 8;
const RECOVERY: Duration = Duration::from_secs(30);

/// Runs `work` on all threads, which start at the same time, and returns their results. Each thread gets its
/// own random numbers and its own index. Meanwhile, this thread calls `meanwhile` until all others are done.
fn run_threads<T: Send>(work: impl Fn(Rng, u64) -> T + Sync, mut meanwhile: impl FnMut(&mut Rng)) -> Vec<T> {
    let inrandoms = [0, 1, 2, 3, 4, 5, 6, 7];
    let start = Barrier::new(inrandoms.len() + 1);
    std::thread::scope(|scope| {
        let (work, start) = (&work, &start);
        let threads = inrandoms.map(|index| {
            scope.spawn(move || {
                let random = Rng::with_seed(index);
                start.wait();
                work(random, index)
            })
        });
        let mut random = Rng::with_seed(THREADS);
        start.wait();
        while !threads.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            meanwhile(&mut random);
            std::thread::yield_now();
        }
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn breaker(settings: ConfigBuilder) -> (Clock, CircuitBreaker) {
    let clock = Clock::new();
    let breaker = Registry::with_clock(&clock).register("stress", settings.build().unwrap()).unwrap();
    (clock, breaker)
}

/// Returns a breaker whose circuit is open and ready for a trial call.
fn ready_for_trial(settings: ConfigBuilder) -> (Clock, CircuitBreaker) {
    let (clock, breaker) = breaker(settings.failure_threshold(1).recovery_timeout(RECOVERY));
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    clock.advance(RECOVERY);
    (clock, breaker)
}

/// Returns random settings with which the circuit opens at times.
fn any_settings(random: &mut Rng) -> ConfigBuilder {
    let mut settings = Config::builder().recovery_timeout(Duration::from_millis(random.u64(1..50)));
    settings = match random.u8(0..4) {
        0 => settings.failure_threshold(random.u32(2..9)),
        1 => settings.window_calls(random.u32(10..100)).failure_rate(0.6),
        2 => settings.window_time(Duration::from_millis(random.u64(10..1000))).failure_rate(0.6),
        _ => settings.window_calls(random.u32(10..100)).slow_call(Duration::from_millis(3)),
    };
    if random.u8(0..4) == 0 {
        settings = settings.mode(Mode::Shadow);
    }
    if random.bool() { settings.max_concurrent(random.u32(2..9)) } else { settings }
}

/// Runs a random command in some of the cases, and none in most.
fn command(breaker: &CircuitBreaker, random: &mut Rng) {
    match random.u8(0..12) {
        0 => breaker.force_open(),
        1 => breaker.force_close(),
        2 => breaker.disable(),
        3 | 4 => breaker.release(),
        5 | 6 => breaker.reset(),
        _ => {}
    }
}

fn any_outcome(random: &mut Rng) -> Outcome {
    match random.u8(0..10) {
        0..5 => Outcome::Success,
        5..9 => Outcome::Failure,
        _ => Outcome::Ignored,
    }
}

/// The number of calls that run at the same time, and its maximum.
#[derive(Default)]
struct Concurrency {
    now: AtomicU32,
    max: AtomicU32,
}

impl Concurrency {
    /// Runs a call, and returns the number of calls that ran when it started, itself included.
    fn run_call(&self) -> u32 {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.max.fetch_max(now, Ordering::SeqCst);
        std::thread::yield_now();
        self.now.fetch_sub(1, Ordering::SeqCst);
        now
    }

    fn max(&self) -> u32 {
        self.max.load(Ordering::SeqCst)
    }
}
