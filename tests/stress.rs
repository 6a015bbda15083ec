//! Eight real threads at random on one breaker, with operators and new settings beside them: what must hold
//! at every moment, and what must add up in the end.
//!
//! Loom proves small scenes whole; this meets the real memory, the real scheduler and what loom cannot follow.
//!
//! | file | |
//! |---|---|
//! | `sums.rs` | every call is counted once |
//! | `limits.rs` | never too many trials, nor too many calls at a time |
//! | `telling.rs` | changes are told once and in order |
//! | `keys.rs` | one circuit for each key |

#![expect(clippy::unwrap_used, reason = "a test that cannot get what it needs has failed")]

#[path = "stress/keys.rs"]
mod keys;
#[path = "stress/limits.rs"]
mod limits;
#[path = "stress/sums.rs"]
mod sums;
#[path = "stress/telling.rs"]
mod telling;

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Mode, Outcome, Registry};
use fastrand::Rng;

const THREADS: u64 = 8;
const RECOVERY: Duration = Duration::from_secs(30);

/// Runs `work` on all threads, which start at one moment, each with dice and a number of its own. What each
/// brings back, and `beside`, which goes on as long as any of them works.
fn storm<T: Send>(work: impl Fn(Rng, u64) -> T + Sync, mut beside: impl FnMut(&mut Rng)) -> Vec<T> {
    let numbers = [0, 1, 2, 3, 4, 5, 6, 7];
    let start = Barrier::new(numbers.len() + 1);
    std::thread::scope(|scope| {
        let (work, start) = (&work, &start);
        let threads = numbers.map(|number| {
            scope.spawn(move || {
                let dice = Rng::with_seed(number);
                start.wait();
                work(dice, number)
            })
        });
        let mut dice = Rng::with_seed(THREADS);
        start.wait();
        while !threads.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            beside(&mut dice);
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

/// Open, and the recovery time is over.
fn due(settings: ConfigBuilder) -> (Clock, CircuitBreaker) {
    let (clock, breaker) = breaker(settings.failure_threshold(1).recovery_timeout(RECOVERY));
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    clock.advance(RECOVERY);
    (clock, breaker)
}

/// Settings of any kind, which open at times.
fn any_settings(dice: &mut Rng) -> ConfigBuilder {
    let mut settings = Config::builder().recovery_timeout(Duration::from_millis(dice.u64(1..50)));
    settings = match dice.u8(0..4) {
        0 => settings.failure_threshold(dice.u32(2..9)),
        1 => settings.window_calls(dice.u32(10..100)).failure_rate(0.6),
        2 => settings.window_time(Duration::from_millis(dice.u64(10..1000))).failure_rate(0.6),
        _ => settings.window_calls(dice.u32(10..100)).slow_call(Duration::from_millis(3)),
    };
    if dice.u8(0..4) == 0 {
        settings = settings.mode(Mode::Shadow);
    }
    if dice.bool() { settings.max_concurrent(dice.u32(2..9)) } else { settings }
}

/// What operators do: mostly nothing.
fn order(breaker: &CircuitBreaker, dice: &mut Rng) {
    match dice.u8(0..12) {
        0 => breaker.force_open(),
        1 => breaker.force_close(),
        2 => breaker.disable(),
        3 | 4 => breaker.release(),
        5 | 6 => breaker.reset(),
        _ => {}
    }
}

fn any_outcome(dice: &mut Rng) -> Outcome {
    match dice.u8(0..10) {
        0..5 => Outcome::Success,
        5..9 => Outcome::Failure,
        _ => Outcome::Ignored,
    }
}

/// How many are inside, and the most that ever were.
#[derive(Default)]
struct Inside {
    now: AtomicU32,
    most: AtomicU32,
}

impl Inside {
    /// How many were inside with this one.
    fn visit(&self) -> u32 {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        std::thread::yield_now();
        self.now.fetch_sub(1, Ordering::SeqCst);
        now
    }

    fn most(&self) -> u32 {
        self.most.load(Ordering::SeqCst)
    }
}
