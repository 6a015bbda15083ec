//! Waiting for a condition, with a limit. Tests never sleep for a fixed time instead.

use std::thread;
use std::time::{Duration, Instant};

/// How long a condition may take to come true, on a slow machine that runs many tests at once. Sentinel, for example,
/// decides nothing for 30 seconds after its own process was delayed.
const PATIENCE: Duration = Duration::from_secs(120);

/// The time between two checks of a condition.
const INTERVAL: Duration = Duration::from_millis(2);

/// Waits until a condition is true, and returns how long that took.
///
/// # Panics
///
/// Panics after two minutes with what was waited for, and what `describe` returns.
#[expect(clippy::disallowed_methods, reason = "it checks the condition again and again")]
pub fn until(what: &str, describe: impl FnOnce() -> String, mut condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}: {}", describe());
        thread::sleep(INTERVAL);
    }
    start.elapsed()
}
